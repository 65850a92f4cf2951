"""``GET /v1/models``: the models that a workload may ask for, in OpenAI's shape or in Anthropic's.

Owns: both shapes, and the other names by which a model may be asked for. Not here: which models there are (``policy``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

_SUFFIX = re.compile(r"\[[a-z0-9]{1,8}\]$")
"""Of what Claude Code calls a model with a long context: ``claude-sonnet-4-5[1m]``."""
_DATED = re.compile(r"[-@](?:20[0-9]{6}|latest)$")


def in_openais_shape(models: Mapping[str, str], at: datetime) -> dict[str, dict[str, Any]]:
    """Models by name, with who offers them."""
    created = int(at.timestamp())
    return {n: {"id": n, "object": "model", "created": created, "owned_by": owner} for n, owner in models.items()}


def in_anthropics_shape(models: Iterable[str], at: datetime) -> dict[str, dict[str, Any]]:
    """The same in Anthropic's shape."""
    created = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    same = {"type": "model", "created_at": created, "lifecycle": "active"}
    return {n: {**same, "id": n, "display_name": n} for n in models}


def listed(found: Mapping[str, dict[str, Any]], anthropic: bool) -> dict[str, Any]:
    """All models as one page."""
    entries = list(found.values())
    if not anthropic:
        return {"object": "list", "data": entries}
    first, last = (entries[0]["id"], entries[-1]["id"]) if entries else (None, None)
    return {"data": entries, "has_more": False, "first_id": first, "last_id": last}


def plain(name: str) -> str:
    """A model's name without what stands for the same model: a date, a length of context, a point for a dash."""
    return _DATED.sub("", _SUFFIX.sub("", name)).replace(".", "-")


def meant(name: str, known: Iterable[str]) -> str | None:
    """The one known model that a name stands for; None where it stands for none, or for several."""
    found = [model for model in known if plain(model) == plain(name)]
    return found[0] if len(found) == 1 else None
