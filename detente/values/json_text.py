"""JSON of a file, read so that it says one thing: what a reader sees of it is what is taken.

Owns: that. Not here: reading the file (``file``), the calls on the gateway, which pass on what they do not read
(``gateway.surfaces``), and what a document must say (each says itself).
"""

from __future__ import annotations

import json
from typing import Any


def parsed(text: str | bytes) -> Any:
    """What a document says. Raises ValueError, also where a member is given twice, or it is nested too deeply."""
    try:
        return json.loads(text, object_pairs_hook=_members)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"the member `{twice[:60]}` is given twice")
    return found
