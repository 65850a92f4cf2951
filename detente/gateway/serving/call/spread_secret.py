"""Our own credential in a stream, struck also where its provider spreads it over several events (§14).

Owns: holding back events from one whose text ends as the credential begins, until more of that text says whether it
goes on. All others pass at once, for the price of looking for how it begins. Not here: what is struck within one event
(``redaction``), and whose texts are one (``flowing_text``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from detente.gateway.serving.call.flowing_text import Flow, FlowingEvent, PieceAt
from detente.gateway.serving.call.redaction import SHORTEST, STRUCK, Sought, struck_bytes
from detente.gateway.surfaces.surface import UnsayableError
from detente.providers import sse

MAX_HELD = sse.MAX_BYTES
"""Bytes of events that are held back, at most: no honest provider says so much between two pieces of one text."""


class _Begun(NamedTuple):
    """The letters at the end of a piece of text with which a secret may begin."""

    event: FlowingEvent
    at: PieceAt
    size: int


class SpreadSecret:
    """Strikes what is sought from one stream."""

    __slots__ = ("_begun", "_held", "_plain", "_size", "_sought")

    def __init__(self, sought: Sequence[Sought]) -> None:
        self._sought = sought
        self._plain = [secret.plain.decode() for secret in sought]
        self._held: deque[FlowingEvent] = deque()
        """Events that are held back, the first of which ends as a secret begins."""
        self._size = 0
        """Their bytes, as they came."""
        self._begun: dict[Flow, list[_Begun]] = {}
        """Of a text that ends as a secret begins: the pieces that this spans, in their order."""

    @property
    def heads(self) -> Sequence[bytes]:
        """How what is sought begins, as it is: what has none of these, and no odd escapes, passes as it is."""
        return [secret.head for secret in self._sought]

    @property
    def holds(self) -> bool:
        """Whether an event is held back, so that the next has to be seen."""
        return bool(self._begun)

    def finds(self, data: bytes) -> bool:
        """Whether it stands there how a secret begins, however JSON spells it."""
        for secret in self._sought:
            if data.count(b"\\") and any(escape in data for escape in secret.escapes):
                if secret.begins.search(data) is not None:
                    return True
            elif data.count(secret.head):  # of bytes, `count` is faster than `in`
                return True
        return False

    def struck(self, data: bytes) -> bytes:
        """Whole events without what is sought, as far as they can be told already.

        Raises UnsayableError where more would have to be held back than is held.
        """
        if self._begun:
            return self._looked_through(data) if data else data
        return self._looked_through(data) if self.finds(data) else data

    def rest(self) -> bytes:
        """What is held back, of a stream that is over."""
        self._begun.clear()
        return self._told()

    def _looked_through(self, data: bytes) -> bytes:
        told = []
        for event in sse.split(struck_bytes(data, self._sought)):
            came = FlowingEvent(event)
            for flow, at, text in came.pieces():
                if text:  # one of nothing neither goes on nor ends it
                    self._take(came, flow, at, text)
            for flow in [flow for flow in self._begun if came.ends(flow)]:
                del self._begun[flow]
            self._held.append(came)
            self._size += came.size
            told.append(self._told())
        if self._size > MAX_HELD:
            raise UnsayableError(f"a text may go on as our credential, and over {MAX_HELD:,} bytes came beside it")
        return b"".join(told)

    def _told(self) -> bytes:
        """What nothing waits for, in the order in which it came."""
        first = {id(pieces[0].event) for pieces in self._begun.values()}
        told = []
        while self._held and id(self._held[0]) not in first:
            event = self._held.popleft()
            self._size -= event.size
            told.append(event.told())
        return b"".join(told)

    def _take(self, event: FlowingEvent, flow: Flow, at: PieceAt, text: str) -> None:
        """A piece of a text: what it goes on with is struck, and what it ends with waits for the next."""
        begun = self._begun.pop(flow, [])
        size = sum(piece.size for piece in begun)
        if begun:
            before = "".join(piece.event.text(piece.at)[-piece.size :] for piece in begun)
            whole = before + text
            found = [(start, plain) for plain in self._plain if 0 <= (start := whole.find(plain)) < size]
            if found:
                start, plain = min(found)
                text = whole[start + len(plain) :]
                event.put(at, text)
                _strike(begun, start)
                begun, size, before = [], 0, ""
            text = before + text
        begun = [*begun, _Begun(event, at, len(text) - size)]
        if waits := self._waits(text):
            self._begun[flow] = _last(begun, waits)

    def _waits(self, text: str) -> int:
        """With how many of its last letters a secret may begin: of several lengths the greatest, which ends as less."""
        longest = 0
        for plain in self._plain:
            for size in range(min(len(plain) - 1, len(text)), max(SHORTEST - 1, longest), -1):
                if text.endswith(plain[:size]):
                    longest = size
                    break
        return longest


def _strike(begun: Sequence[_Begun], start: int) -> None:
    """Take from held pieces what comes after so many of their letters, and say there what stood there."""
    mark = STRUCK
    for event, at, size in begun:
        if start < size:
            text = event.text(at)
            event.put(at, text[: len(text) - size + start] + mark)
            mark = ""
        start = max(0, start - size)


def _last(begun: Sequence[_Begun], letters: int) -> list[_Begun]:
    """Of pieces, those that hold the last letters, and how many each."""
    found: list[_Begun] = []
    for piece in reversed(begun):
        if not letters:
            break
        found.append(piece._replace(size=min(letters, piece.size)))
        letters -= found[-1].size
    return found[::-1]
