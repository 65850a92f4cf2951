"""A streamed reply on its way to its caller.

Owns: holding back a stream until there is content, its rendering, and what is noted of it for the record. Not here:
reading it from a provider (``relay``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detente.gateway.deciding.choose import RankedCandidate
from detente.gateway.http.exchange import Exchange, HeaderLines
from detente.gateway.serving.job import HeaderWriter, Job, Served
from detente.gateway.surfaces.surface import UnsayableError
from detente.ledger.record import Outcome
from detente.providers.wire import StreamPart, Tokens

MAX_BUFFERED = 256 * 1024
"""Bytes of a stream that are held while no content has come; beyond it the caller's headers go out."""

EVENTS: HeaderLines = b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"


class Stream:
    """A streamed reply on its way to a caller."""

    def __init__(
        self, job: Job, choice: RankedCandidate, caller: Exchange, headers: HeaderWriter, spilled: bool = False
    ) -> None:
        self.job, self.choice, self.caller = job, choice, caller
        self._headers, self._spilled = headers, spilled
        self._rendering = job.surface.streamed(job.asked, choice.candidate.deployed.id)
        self._held: list[bytes] = []
        self._size = 0
        self._last = b""
        self.begun = False
        """Whether its caller has been given anything of it; the head of the reply may have gone before."""
        self.tokens: Tokens | None = None
        self.finish: str | None = None
        self.pieces = 0

    def note(self, part: StreamPart) -> None:
        """What a part says beside its content."""
        if part.tokens is not None:
            self.tokens = part.tokens
        if part.finish is not None:
            self.finish = part.finish
        self.pieces += part.content

    def take(self, part: StreamPart) -> None:
        """Pass a part on: once there is content, at once."""
        self.note(part)
        if self.begun:
            self.caller.send(self._rendering.feed(part.data))
            return
        if part.data:
            self._held.append(part.data)
            self._size += len(part.data)
        if part.content or self._size > MAX_BUFFERED:
            self._begin()

    def _begin(self) -> None:
        data = self._rendering.feed(b"".join(self._held))
        self._held.clear()
        self.begun = True
        if self.caller.begun:  # it was told before that it lives
            self.caller.send(data)
        else:
            self.caller.begin(200, EVENTS + self._headers(self.job, self.choice, None), data)

    def complete(self, data: bytes) -> None:
        """Render the end, before it is recorded as one. Raises ``UnsayableError``."""
        self._last = self._rendering.feed(b"".join([*self._held, data])) + self._rendering.close()
        self._held.clear()

    def close(self) -> None:
        """The end of a complete stream."""
        if not self.caller.begun:
            self.caller.begin(200, EVENTS + self._headers(self.job, self.choice, None), b"")
        self.caller.finish(self._last)

    def fail(self, data: bytes, error: Mapping[str, Any]) -> None:
        """The end of a stream that failed after its first content. What came with its failure is shown if it can be."""
        try:
            shown = self._rendering.feed(data)
        except UnsayableError:
            shown = b""
        self.caller.finish(shown + self._rendering.fail(error))

    def ended(self, outcome: Outcome, status: int = 200) -> Served:
        """What the record says; ``status`` is what the caller saw."""
        return Served(outcome, status, self.choice, self.tokens, self.finish, self._spilled, self.pieces)
