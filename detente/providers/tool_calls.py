"""The calls of tools in a stream of chat chunks, told apart by their ids, their numbers and their names.

Owns: which call a piece belongs to where its ``index`` does not say so. OpenAI numbers parallel calls and gives each an
id; some servers give all of them the number 0, or none, or no id, or the same, and a client that goes by numbers would
join the arguments of two calls into one. Not here: what else is in a chunk (``chat_stream``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


def id_of(stated: Any) -> str:
    """The id of a call; empty where it has none: some number them, and some leave them out."""
    if isinstance(stated, str):
        return stated
    return str(stated) if isinstance(stated, int) and not isinstance(stated, bool) else ""


@dataclass(slots=True)
class _Call:
    place: int
    id: str
    number: int | None
    """The one that its provider gave it."""
    name: str = ""
    last: str = ""
    """The last of its arguments that came; blank ones say nothing."""

    def goes_on(self, name: str, arguments: str) -> bool:
        """Whether a piece that names no id may be of it: a tool that is named once more, after arguments, is another's.

        Some servers repeat the name of a call with each of its pieces.
        """
        if not (name and self.last):
            return True
        return name == self.name and not (self.last.rstrip().endswith("}") and arguments.lstrip().startswith("{"))


class Calls:
    """Those of one choice, in the order of their first pieces."""

    __slots__ = ("_ids", "_last", "_next", "_numbers")

    def __init__(self) -> None:
        self._ids: dict[str, _Call] = {}
        self._numbers: dict[int, _Call] = {}
        """Of each number that the provider used, the last call that has it."""
        self._last: _Call | None = None
        self._next = 0

    def placed(self, delta: dict[str, Any]) -> bool:
        """Number the calls of a delta by their places, an id for each; whether anything had to change."""
        pieces, changed = delta.get("tool_calls"), False
        for piece in pieces if isinstance(pieces, list) else ():
            if not isinstance(piece, dict):
                continue
            number, function = piece.get("index"), piece.get("function")
            said: dict[str, Any] = function if isinstance(function, dict) else {}
            if said.get("name") or piece.get("id") or type(number) is not int:
                call = self._of(piece, said)
            else:  # as most pieces are: more arguments of a call that has begun
                call = self._numbers.get(number) or self._of(piece, said)
            if isinstance(text := said.get("arguments"), str) and text and not text.isspace():
                call.last = text
            self._last = call
            if number == call.place and number is not True and not piece.get("id"):
                continue
            told = {"index": call.place} | ({"id": call.id} if id_of(piece.get("id")) else {})
            changed |= any(piece.get(name) != value for name, value in told.items())
            piece |= told
        return changed

    def _of(self, piece: dict[str, Any], said: dict[str, Any]) -> _Call:
        """The call that a piece belongs to: one that is known, else a new one."""
        stated, id_ = piece.get("index"), id_of(piece.get("id"))
        number = stated if isinstance(stated, int) and not isinstance(stated, bool) else None
        name, arguments = (text if isinstance(text := said.get(of), str) else "" for of in ("name", "arguments"))
        like = self._last if number is None else self._numbers.get(number)
        call = self._known(id_, number, name) if id_ else like
        if call is None or not (id_ or call.goes_on(name, arguments)):
            call = self._begun(id_, number)
        call.name = call.name or name
        if number is not None:
            self._numbers[number] = call
        return call

    def _known(self, id_: str, number: int | None, name: str) -> _Call | None:
        """The call of an id. Two calls may have the same: then their numbers tell them apart."""
        call = self._ids.get(id_)
        if call is None or number is None or call.number in (None, number):
            return call
        other = self._numbers.get(number)
        if other is not None and other.id.startswith(id_):
            return other
        return None if name else call

    def _begun(self, id_: str, number: int | None) -> _Call:
        place = number if number is not None and number >= self._next else self._next
        call = _Call(place, f"{id_}_{place}" if id_ in self._ids else id_, number)
        self._ids.setdefault(id_, call)
        self._next = place + 1
        return call
