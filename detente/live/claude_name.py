"""A Claude's name, at whichever provider, and what it says of the model.

Owns: reading its version, and from which on a Claude takes no beginning of its answer. Not here: what else a version
takes of a request (``providers/claude``).
"""

from __future__ import annotations

import re

_VERSION = re.compile(r"claude-(?:[a-z]+-)?v?(\d{1,2})(?:[-.:](\d{1,2}))?(?!\d)")
ANSWERS_ANEW = (4, 6)
"""The first version that refuses a last turn of its own ("prefill"), as all later ones do. Source: Anthropic, Migration
guide, and What's new in Claude 4.6."""


def claude_version(id_: str) -> tuple[int, int] | None:
    """The version in an id: ``claude-3-5-sonnet-…``, ``claude-opus-4-1-…``, ``claude-haiku-4.5``; None without one."""
    found = _VERSION.search(id_)
    return (int(found.group(1)), int(found.group(2) or 0)) if found else None


def version_of(name: str, model: str | None = None) -> tuple[int, int] | None:
    """The version of the Claude of a name; of a name that says nothing, by what the case calls it."""
    return claude_version(id_of(name, model))


def id_of(name: str, model: str | None = None) -> str:
    """The one of both that says which Claude it is."""
    return name.lower() if "claude" in name.lower() else (model or "").lower().replace(".", "-")
