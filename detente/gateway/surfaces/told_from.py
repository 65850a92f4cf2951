"""Where a caller wrote what its call is told as in another shape: a message, its parts, its calls, or a tool.

Owns: finding that place, for a refusal of the call as it was said. Not here: saying it (``messages_prompt``,
``responses_request``), and refusals (``providers/wire``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_PLACE = re.compile(r"\[(\d+)\](?:\.(content|tool_calls)\[(\d+)\])?")


class ToldFrom(NamedTuple):
    """Of a message, or a tool: where it was written, and where its parts and calls were, in the caller's shape.

    ``parts`` that are text are the place of a list whose items are the parts.
    """

    where: str
    parts: Sequence[str] = ()
    calls: Sequence[str] = ()


def place_of(told: Mapping[str, Sequence[ToldFrom]], member: str, place: str) -> str | None:
    """Where a caller wrote what is at a place in a member; None where it is not known, as of what nobody wrote."""
    found, known = _PLACE.match(place), told.get(member, ())
    if found is None or int(found[1]) >= len(known):
        return None
    own = known[int(found[1])]
    if found[2] is None:
        return own.where
    at, places = int(found[3]), own.parts if found[2] == "content" else own.calls
    if isinstance(places, str):
        return f"{places}[{at}]" if places else own.where
    return places[at] if at < len(places) else own.where
