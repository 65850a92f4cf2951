"""A streamed reply on its way to its caller.

Owns: holding back a stream until there is content, its rendering, and what is noted of it for the record. Not here:
reading it from a provider (``provider_call``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from detente.gateway.deciding.choose import RankedCandidate
from detente.gateway.http.exchange import Exchange, HeaderLines
from detente.gateway.serving.call.continuation import Said
from detente.gateway.serving.call.going_on import others_go_on, said_of
from detente.gateway.serving.call.job import HeaderWriter, Job, Served
from detente.gateway.surfaces.surface import Asked, BlockPlace, UnsayableError
from detente.ledger.journals.record import Outcome
from detente.providers.wire import Around, Failure, StreamPart, Tokens

MAX_BUFFERED = 256 * 1024
"""Bytes of a stream that are held while no content has come; beyond it the caller's headers go out."""

MAX_WHOLE = 64 * 1024 * 1024
"""Bytes of a stream that are held where it is to be whole before any of it is seen."""

GOES_ON: HeaderLines = b"x-detente-on-cut: continue\r\n"
EVENTS: HeaderLines = b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"


class Stream:
    """A streamed reply on its way to a caller."""

    def __init__(
        self,
        job: Job,
        asked: Asked,
        choice: RankedCandidate,
        caller: Exchange,
        headers: HeaderWriter,
        spilled: bool = False,
    ) -> None:
        self.job, self.asked, self.choice, self.caller = job, asked, choice, caller
        self._headers, self._spilled = headers, spilled
        self._rendering = job.surface.streamed(asked, choice.candidate.deployed.id, job.head)
        self._held: list[bytes] = []
        self._size = 0
        self._last = b""
        self._holds = True
        """Whether what comes is held back: there is no content yet, or there may be none before all of it is there."""
        self._buffers = job.held.settings.buffers
        self._next: tuple[RankedCandidate, Asked, bool] | None = None
        """Who goes on with it, what it is asked, and whether that was spilled, until content of theirs has come."""
        self.said = said_of(job, asked.call)
        """What it has said, where another may have to go on with it."""
        self.begun = False
        """Whether its caller has been given anything of it; the head of the reply may have gone before."""
        self.why: Failure | None = None
        """Why it broke off first."""
        self.continued = False
        self.tokens: Tokens | None = None
        self.finish: str | None = None
        self.pieces = 0

    def go_on(self, choice: RankedCandidate, asked: Asked, spilled: bool) -> None:
        """It broke off, and another deployment answers: what comes is held back again until there is content of it."""
        self._next, self._holds = (choice, asked, spilled), True
        self._held.clear()
        self._size = 0
        self.tokens = self.finish = None

    def note(self, part: StreamPart) -> None:
        """What a part says beside its content."""
        if part.tokens is not None:
            self.tokens = part.tokens
        if part.finish is not None:
            self.finish = part.finish
        self.pieces += part.content

    def take(self, part: StreamPart) -> None:
        """Pass a part on: once there is content, at once, unless all of it is to come first."""
        if part.tokens is None and part.finish is None:
            self.pieces += part.content
        else:
            self.note(part)
        if not self._holds:
            self.caller.send(self._rendering.feed(part.data) if self.said is None else self._shown(part.data))
            return
        if part.data:
            self._held.append(part.data)
            self._size += len(part.data)
        if self._buffers:
            if self._size > MAX_WHOLE:
                raise UnsayableError(f"a stream of over {MAX_WHOLE:,} bytes is not held back until it is complete")
        elif part.content or self._size > MAX_BUFFERED:
            self._release()

    def begins(self, around: Around) -> bytes | None:
        """How its caller is told all events that have these bytes about their text; None where each is to be taken."""
        if self._holds or self.said is not None or not self.caller.chunked:
            return None
        return self._rendering.begins(around)

    def _shown(self, data: bytes) -> bytes:
        """Events as the caller is to see them."""
        if self.said is not None and not self.said.of_shown:
            self.said.take(data)
        shown = self._rendering.feed(data)
        if self.said is not None and self.said.of_shown:
            self.said.take(shown)
        return shown

    def _release(self) -> None:
        """There is content: its caller hears of it."""
        mark = self._enter()
        data = mark + self._shown(b"".join(self._held))
        self._held.clear()
        self._holds = False
        self.begun = True
        if self.caller.begun:  # it was told before that it lives, or has heard the beginning
            self.caller.send(data)
        else:
            self.caller.begin(200, self._head(), data)

    def _head(self) -> HeaderLines:
        """The head of the reply. It claims that another may go on only where one can be told to."""
        may = self.said is not None and others_go_on(self.job, self.choice, self.asked.call, self.said)
        marked = GOES_ON if may and self.job.moment.policy.serving.headers else b""
        return EVENTS + self._headers(self.job, self.choice, None) + marked

    def _enter(self) -> bytes:
        """Who goes on with it is who serves it from here; the mark of that, a comment."""
        if self._next is None:
            return b""
        before, self.continued = self.choice.candidate.deployed.id, True
        self.choice, asked, self._spilled = self._next
        after = self.choice.candidate.deployed.id
        self._rendering.goes_on(asked, after, self.said.place if self.said is not None else BlockPlace())
        self._next = None
        return b": detente: %b broke off, %b goes on\n\n" % (before.encode(), after.encode())

    def complete(self, data: bytes) -> None:
        """Render the end, before it is recorded as one. Raises ``UnsayableError``."""
        mark = self._enter()
        self._last = mark + self._shown(b"".join([*self._held, data])) + self._rendering.close()
        self._held.clear()

    def limit(self, said: Said) -> None:
        """Render the end of a stream that broke off with all the tokens that its caller allowed."""
        end = said.at_its_limit(asks_usage=self.asked.call.asks_usage)
        self._last = self._rendering.next(end) if said.of_shown else self._shown(end)
        self._last += self._rendering.close()
        self.finish = "length"

    @property
    def whole(self) -> bytes:
        """What it came to, once it is complete, as a whole reply; empty where that is not known."""
        return self._rendering.whole()

    def close(self) -> None:
        """The end of a complete stream."""
        if not self.caller.begun:
            self.caller.begin(200, self._head(), b"")
        self.caller.finish(self._last)

    def spill(self, data: bytes) -> None:
        """What came with a failure, of a stream that its caller has begun to hear, is shown if it can be."""
        if self._holds or not data:
            return
        with contextlib.suppress(UnsayableError):
            self.caller.send(self._shown(data))

    def fail(self, error: Mapping[str, Any]) -> None:
        """The end of a stream that failed after its first content."""
        self.caller.finish(self._rendering.fail(error))

    def ended(self, outcome: Outcome, status: int = 200) -> Served:
        """What the record says; ``status`` is what the caller saw."""
        return Served(
            outcome, status, self.choice, self.tokens, self.finish, self._spilled, self.pieces, self.continued
        )
