"""The calls of tools in a chat completion, told apart by their ids, their numbers and their names.

Owns: that each call has an id of its own, and which one a piece of a stream belongs to. OpenAI numbers parallel calls
and gives each an id; some servers give all of them the number 0, or none, or no id, or the same, and a client that goes
by numbers would join the arguments of two calls into one. Not here: what else is in a completion
(``openai_compatible``) or in a chunk (``chat_stream``).
"""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Protocol

import msgspec

from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import as_text

_CALLS = b'"tool_calls"'
_BODY = msgspec.json.Decoder(dict[str, msgspec.Raw])


def new_id() -> str:
    """The id of a call whose provider gave it none: its caller needs one to send the result."""
    return f"call_{token_hex(12)}"


def id_of(stated: Any) -> str:
    """The id of a call; empty where it has none: some number them, and some leave them out."""
    if isinstance(stated, str):
        return stated
    return str(stated) if isinstance(stated, int) and not isinstance(stated, bool) else ""


# -- whole ------------------------------------------------------------------------------------------------------------
def own_ids(calls: list[dict[str, Any]]) -> bool:
    """Give each call an id of its own, and one of a function its type; whether anything of that was missing."""
    taken, changed = set[str](), False
    for at, call in enumerate(calls):
        id_ = id_of(call.get("id")) or new_id()
        own = f"{id_}_{at}" if id_ in taken else id_
        changed |= call.get("id") != own
        call["id"] = own
        taken.add(own)
        if "type" not in call and "function" in call:  # some clients take no call without
            call["type"], changed = "function", True
    return changed


def completion_with_own_ids(body: bytes) -> bytes:
    """A whole completion whose calls have an id each; as it came where they have, or where it is not of that shape.

    A text cannot look like the member: its quotation marks are escaped.
    """
    if _CALLS not in body:
        return body
    try:
        members = _BODY.decode(body)
        choices = msgspec.json.decode(members["choices"], type=list[dict[str, Any]])
        said = [choice["message"].get("tool_calls") for choice in choices]
        changed = [own_ids(calls) for calls in said if calls]
    except (*UNREADABLE, LookupError, AttributeError, TypeError):
        return body
    if not any(changed):
        return body
    return msgspec.json.encode({**members, "choices": choices})


# -- in pieces --------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Call:
    place: int
    id: str
    number: int | None
    """The one that its provider gave it."""
    stated: str
    """The id that its provider gave it, which another may have, too."""
    told: bool = False
    """Whether its caller knows its id."""
    named: bool = False
    """Whether its caller knows its name."""
    name: str = ""
    last: str = ""
    """The last of its arguments that came; blank ones say nothing."""

    held: dict[str, Any] | None = None
    """What was said of it, while its name is not whole: some servers send a name in pieces, or after arguments."""

    def goes_on(self, name: str, arguments: str) -> bool:
        """Whether a piece that names no id may be of it: a tool that is named once more, after arguments, is another's.

        Some servers repeat the name of a call with each of its pieces, and some begin arguments before they name it.
        """
        if not (name and self.last):
            return True
        return name == (self.name or name) and not (
            self.last.rstrip().endswith("}") and arguments.lstrip().startswith("{")
        )


class Offered(Protocol):
    """The names of the tools on offer."""

    def __contains__(self, name: object) -> bool:
        """Whether a name is one of them."""

    def begins(self, name: str) -> bool:
        """Whether a name is how another one begins."""

    def longer(self, name: str, more: str) -> str:
        """A name with a later piece of it; empty where that makes none."""


class Calls:
    """Those of one choice, in the order of their first pieces.

    Parameters
    ----------
    offered
        The tools that may be called; where none are given, names come whole.
    """

    __slots__ = ("_all", "_ids", "_last", "_next", "_numbers", "_offered")

    def __init__(self, offered: Offered | None = None) -> None:
        self._offered = offered
        self._ids: dict[str, _Call] = {}
        self._numbers: dict[int, _Call] = {}
        """Of each number that the provider used, the last call that has it."""
        self._all: list[_Call] = []
        self._last: _Call | None = None
        self._next = 0

    def placed(self, delta: dict[str, Any]) -> bool:
        """Number the calls of a delta by their places, an id for each; whether anything had to change."""
        pieces, changed, shown = delta.get("tool_calls"), False, list[Any]()
        for piece in pieces if isinstance(pieces, list) else ():
            shown.append(piece)
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
            if (before := self._last) is not None and before is not call and before.held and self._is_whole(before):
                changed = True
                shown[-1:] = [*self._told(before), piece]
            self._last = call
            if call.named and said.get("name") and said["name"] == call.name:
                del said["name"]  # who joins the pieces of a name would have it twice
                changed = True
            nameless = not call.name and "custom" not in piece
            if call.held is not None or (
                not call.told and (nameless or (said.get("name") and self._waits(call, said)))
            ):
                changed = True
                shown[-1:] = self._joined(call, piece, said)
                continue
            call.named = call.named or bool(said.get("name"))
            if number == call.place and number is not True and call.told and not piece.get("id"):
                continue
            told = {"index": call.place} | ({} if call.told and not id_of(piece.get("id")) else {"id": call.id})
            call.told = True
            changed |= any(piece.get(name) != value for name, value in told.items())
            piece |= told
        if changed and shown:
            delta["tool_calls"] = shown
        elif changed:
            del delta["tool_calls"]
        return changed

    def _is_whole(self, call: _Call) -> bool:
        return self._offered is not None and call.name in self._offered

    def _waits(self, call: _Call, said: dict[str, Any]) -> bool:
        """Whether more of a name may come. One that is whole, and how another begins, ends where arguments begin."""
        if not call.name:
            return True  # some begin arguments before they name it, and some clients take no call without
        if self._offered is None or not self._offered.begins(call.name):
            return False
        named = bool(as_text(said.get("name"))) and not self._is_whole(call)
        return named or not as_text(said.get("arguments")).strip()

    def _joined(self, call: _Call, piece: dict[str, Any], said: dict[str, Any]) -> list[dict[str, Any]]:
        """What a caller is told of a call whose name comes in pieces: nothing before it is whole, or arguments come."""
        name, arguments = (as_text(said.get(of)) for of in ("name", "arguments"))
        if call.held is None:
            function = {**said, "name": call.name, "arguments": arguments}
            call.held = {**piece, "function": function, "index": call.place, "id": call.id}
        else:
            function = call.held["function"]
            function["arguments"] += arguments
            if name and function["name"] and self._offered is not None:
                call.name = self._offered.longer(call.name, name) or call.name
            function["name"] = call.name
        return [] if self._waits(call, said) else self._told(call)

    def _told(self, call: _Call) -> list[dict[str, Any]]:
        held, call.held, call.told, call.named = call.held, None, True, True
        return [] if held is None else [held]

    @property
    def lacks_name(self) -> bool:
        """Whether one of them was never named: nobody can answer it."""
        return any(call.held is not None and not call.name for call in self._all)

    def rest(self, delta: dict[str, Any]) -> bool:
        """Tell what is held still, at the end; whether there is any. A name that is on no offer is told as it came."""
        held = [told for call in self._all for told in self._told(call)]
        if held:
            delta["tool_calls"] = [*(delta.get("tool_calls") or ()), *held]
        return bool(held)

    def _of(self, piece: dict[str, Any], said: dict[str, Any]) -> _Call:
        """The call that a piece belongs to: one that is known, else a new one."""
        stated, id_ = piece.get("index"), id_of(piece.get("id"))
        number = stated if isinstance(stated, int) and not isinstance(stated, bool) else None
        name, arguments = (as_text(said.get(of)) for of in ("name", "arguments"))
        like = self._last if number is None else self._numbers.get(number)
        if like is not None and self._is_more(like, id_, name):
            return like
        call = self._known(id_, number, name) if id_ else like
        if call is None or not (id_ or call.goes_on(name, arguments)):
            call = self._begun(id_, number)
        call.name = call.name or name
        if number is not None:
            self._numbers[number] = call
        return call

    def _is_more(self, call: _Call, id_: str, name: str) -> bool:
        """Whether a name is more of one that is not whole, of a call with the same id or none."""
        if call.held is None or self._offered is None or id_ not in ("", call.stated):
            return False
        return bool(self._offered.longer(call.name, name))

    def _known(self, id_: str, number: int | None, name: str) -> _Call | None:
        """The call of an id. Several calls may have the same, and then their numbers and names tell them apart.

        Some servers write another id with each piece: one that names no tool goes on with the call of its number, and
        so does one that is the first to name a tool there.
        """
        here = self._last if number is None else self._numbers.get(number)
        call = here if here is not None and here.stated == id_ else self._ids.get(id_)
        if call is None:
            return here if number is not None and not (name and here is not None and here.name) else None
        if not name:
            return call
        elsewhere = call is not here and number is not None and call.number not in (None, number)
        return None if elsewhere or (call.name and call.name != name) else call

    def _begun(self, id_: str, number: int | None) -> _Call:
        place = number if number is not None and number >= self._next else self._next
        call = _Call(place, f"{id_}_{place}" if id_ in self._ids else id_ or new_id(), number, id_)
        self._all.append(call)
        if id_:
            self._ids.setdefault(id_, call)
        self._next = place + 1
        return call
