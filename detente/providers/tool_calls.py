"""The calls of tools in a stream of chat chunks, told apart by their ids.

Owns: which call a piece belongs to where its ``index`` does not say so. OpenAI numbers parallel calls; some servers
give all of them 0, or no number at all, and a client that goes by numbers would join the arguments of two calls into
one. Not here: what else is in a chunk (``chat_stream``).
"""

from __future__ import annotations

from typing import Any


class Calls:
    """Those of one choice, in the order of their first pieces."""

    __slots__ = ("_ids", "_last", "_next", "_places")

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._places: dict[int, int] = {}
        """Of each number that the provider used last for a call, the call's place."""
        self._last = 0
        self._next = 0

    def placed(self, delta: dict[str, Any]) -> bool:
        """Number the calls of a delta by their places; whether any number had to change."""
        pieces, changed = delta.get("tool_calls"), False
        for piece in pieces if isinstance(pieces, list) else ():
            if not isinstance(piece, dict):
                continue
            place = self._place(piece.get("id"), piece.get("index"))
            changed |= piece.get("index") != place
            piece["index"] = place
        return changed

    def _place(self, id_: Any, number: Any) -> int:
        """An id that is new begins a call; a piece without one goes on with the call of its number, or the last."""
        known = number if isinstance(number, int) else None
        if isinstance(id_, str) and id_:
            if id_ not in self._ids:
                self._ids[id_] = known if known is not None and known >= self._next else self._next
                self._next = max(self._next, self._ids[id_] + 1)
            place = self._ids[id_]
        elif known is None:
            place = self._last
        else:
            place = self._places.get(known, known)
        if known is not None:
            self._places[known] = place
        self._last = place
        self._next = max(self._next, place + 1)
        return place
