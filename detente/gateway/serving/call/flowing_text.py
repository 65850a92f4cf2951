"""The texts that a stream tells in pieces: which pieces are of one text, and an event with another piece.

Owns: where pieces stand in events of each shape, and by what they belong together: the choice, the block or the item
that they are of, and not where in an event they stand. Not here: what is sought in them (``spread_secret``).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from detente.providers import sse
from detente.providers.unreadable import UNREADABLE

PieceAt = tuple[str | int, ...]
"""Where in its event a piece stands."""
Which = tuple[tuple[str, int], ...]
"""Of which choice, block, item or call something is."""
Flow = tuple[Which, tuple[str, ...]]
"""One text: of what it is, and the names of the members that lead to its pieces there."""

_PIECES = "choices", "delta", "content_block"
"""What holds pieces: a completion's choices; what a block, or a response, goes on with; what a block begins with."""
_NUMBERS = "output_index", "content_index", "summary_index", "index"
_ENDS = "_stop", ".done"
"""How the types of events end that say that a text is over."""
# A number is written as it came, however many digits it has.
_READS = msgspec.json.Decoder(float_hook=Decimal)
_WRITES = msgspec.json.Encoder(decimal_format="number")


class FlowingEvent:
    """One event of a stream."""

    __slots__ = ("_came", "_changed", "_said", "size")

    def __init__(self, came: bytes) -> None:
        self._came, self.size, self._changed = came, len(came), False
        try:
            self._said = _READS.decode(sse.data_of(came))
        except UNREADABLE:
            self._said = None  # a comment, or what nobody can read

    def pieces(self) -> Iterator[tuple[Flow, PieceAt, str]]:
        """Its pieces of texts: of which text each is, where it stands, and what it says."""
        if isinstance(self._said, dict):
            which = _which(self._said)
            for name in _PIECES:
                if name in self._said:
                    yield from _pieces(self._said[name], (which, ()), (name,))

    def ends(self, flow: Flow) -> bool:
        """Whether it says that a text is over."""
        if not isinstance(self._said, dict):
            return False
        kind = self._said.get("type")
        return isinstance(kind, str) and kind.endswith(_ENDS) and _which(self._said) == flow[0]

    def text(self, at: PieceAt) -> str:
        """The piece at a place, which is one of its own."""
        found = self._said
        for name in at:
            found = found[name]
        assert isinstance(found, str)
        return found

    def put(self, at: PieceAt, text: str) -> None:
        """Say another text at a place."""
        within: Any = self._said
        for name in at[:-1]:
            within = within[name]
        within[at[-1]] = text
        self._changed = True

    def told(self) -> bytes:
        """As it is told: as it came, unless a text was changed."""
        return sse.with_data(self._came, _WRITES.encode(self._said)) if self._changed else self._came


def _which(said: dict[str, Any]) -> Which:
    return tuple([(name, said[name]) for name in _NUMBERS if type(said.get(name)) is int])


def _pieces(said: Any, flow: Flow, at: PieceAt) -> Iterator[tuple[Flow, PieceAt, str]]:
    """The pieces in a value. Those in a list that have no number of their own are of one text, one after the other."""
    which, names = flow
    if isinstance(said, str):
        yield flow, at, said
    elif isinstance(said, dict):
        for name, part in said.items():
            yield from _pieces(part, (which, (*names, name)), (*at, name))
    elif isinstance(said, list):
        for place, part in enumerate(said):
            own = _which(part) if isinstance(part, dict) else ()
            yield from _pieces(part, (which + own, names), (*at, place))
