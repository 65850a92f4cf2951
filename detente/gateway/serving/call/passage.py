"""A stream on its way from its provider to its caller.

Owns: what becomes of each part as it comes, until the last. Not here: where it came from (``provider_call``), how its
caller hears of it (``stream``), and what follows from its end.
"""

from __future__ import annotations

from collections.abc import Callable

from detente.gateway.serving.call.asking import ProviderCall
from detente.gateway.serving.call.known_event import KnownEvent
from detente.gateway.serving.call.mishap import unanswered
from detente.gateway.serving.call.redaction import sought, struck_failure
from detente.gateway.serving.call.spread_secret import SpreadSecret
from detente.gateway.serving.call.stream import Stream
from detente.gateway.surfaces.surface import UnsayableError
from detente.gateway.upstream import Incoming, UpstreamError
from detente.providers.wire import Around, StreamPart


class Passage:
    """Passes a stream on.

    What comes is passed on by the connection that it comes on, in the same turn: whoever serves the call sleeps until
    its caller is slow, or the stream ends. An event like the one before it is not even read (``known_event``).

    Parameters
    ----------
    speaks
        What is done as the first content has come, before its caller hears of it.
    """

    __slots__ = (
        "_around",
        "_caller",
        "_decoder",
        "_deployed",
        "_hides",
        "_incoming",
        "_known",
        "_last",
        "_met",
        "_secrets",
        "_speaks",
        "_stream",
    )

    def __init__(self, call: ProviderCall, stream: Stream, incoming: Incoming, speaks: Callable[[], None]) -> None:
        self._caller, self._deployed, self._stream = call.caller, call.deployed, stream
        self._incoming, self._speaks = incoming, speaks
        self._secrets = call.secrets()
        self._hides = SpreadSecret(hidden) if (hidden := sought(self._secrets)) else None
        self._decoder = call.deployed.wire.decoder(stream.asked.call, incoming.headers)
        self._last: list[StreamPart] = []
        """The part that ends it, one that is done or failed, once it has come."""
        self._met: Around | None = None
        """What stood about the text of the event that came last, where another may be like it."""
        self._around: Around | None = None
        self._known: Callable[[bytes], bool] | None = None
        """What passes on events that have ``_around`` about their text, unread; None where each is to be read."""

    async def all(self) -> StreamPart:
        """Pass all of it on; its last part."""
        while True:
            try:
                await self._incoming.pour(self._take)
            except UpstreamError as error:
                part = self._decoder.end()
                if not part.done:  # all of it had come, but for the end of its body
                    part = StreamPart(failure=unanswered(error, self._deployed))
                self._passed(part)
            else:
                if not self._last and self._incoming.ended:
                    self._passed(self._decoder.end())
            if self._last:
                return self._last[0]
            if (waits := self._caller.waits) is not None:
                await waits

    def _take(self, data: bytes) -> bool:
        """Pass on what has come; whether more is wanted now."""
        wanted = self._passed(self._decoder.feed(data)) and self._caller.connection.drain is None
        read_next = not wanted or (self._hides is not None and self._hides.holds)
        self._incoming.known = self._knowing(None if read_next else self._decoder.around)
        return wanted

    def _knowing(self, around: Around | None) -> Callable[[bytes], bool] | None:
        """What passes on events that have that about their text: once two had it, since some have it once each."""
        met, self._met = self._met, around
        if around is None or around is not met:
            return None
        if around is not self._around:
            self._around, self._known = around, self._made(around)
        return self._known

    def _made(self, around: Around) -> Callable[[bytes], bool] | None:
        begins = self._stream.begins(around)
        hides = self._hides
        secrets = hides.heads if hides is not None else ()
        if begins is None or any(b'"' in head for head in secrets):
            return None
        if hides is not None and (hides.finds(around.before) or hides.finds(around.behind)):
            return None
        return KnownEvent(around, begins, secrets, self._incoming, self._stream, self._caller.connection).passes

    def _passed(self, part: StreamPart) -> bool:
        """Pass a part on; whether there may be more."""
        try:
            if (hides := self._hides) is not None:
                part.data = hides.struck(part.data)
                if part.done or part.failure is not None:
                    part.data += hides.rest()
            if part.failure is not None:
                part.failure = struck_failure(part.failure, self._secrets)
                self._last.append(part)
                return False
            if part.done:
                self._stream.complete(part.data)
                self._last.append(part)
                return False
            if part.content:
                incoming = self._incoming
                if incoming.spoken:
                    incoming.stirred = True
                else:
                    self._speaks()
                    incoming.speaks()
            self._stream.take(part)
        except UnsayableError as unsayable:
            self._last.append(StreamPart(tokens=part.tokens, failure=unsayable.failure))
            return False
        return True
