"""A stream on its way from its provider to its caller.

Owns: what becomes of each part as it comes, until the last. Not here: where it came from (``provider_call``), how its
caller hears of it (``stream``), and what follows from its end.
"""

from __future__ import annotations

from collections.abc import Callable

from detente.gateway.serving.call.asking import ProviderCall
from detente.gateway.serving.call.mishap import unanswered
from detente.gateway.serving.call.redaction import sought, struck_failure
from detente.gateway.serving.call.spread_secret import SpreadSecret
from detente.gateway.serving.call.stream import Stream
from detente.gateway.surfaces.surface import UnsayableError
from detente.gateway.upstream import Incoming, UpstreamError
from detente.providers.wire import StreamPart


class Passage:
    """Passes a stream on.

    What comes is passed on by the connection that it comes on, in the same turn: whoever serves the call sleeps until
    its caller is slow, or the stream ends.

    Parameters
    ----------
    speaks
        What is done as the first content has come, before its caller hears of it.
    """

    __slots__ = ("_caller", "_decoder", "_deployed", "_hides", "_incoming", "_last", "_secrets", "_speaks", "_stream")

    def __init__(self, call: ProviderCall, stream: Stream, incoming: Incoming, speaks: Callable[[], None]) -> None:
        self._caller, self._deployed, self._stream = call.caller, call.deployed, stream
        self._incoming, self._speaks = incoming, speaks
        self._secrets = call.secrets()
        self._hides = SpreadSecret(hidden) if (hidden := sought(self._secrets)) else None
        self._decoder = call.deployed.wire.decoder(stream.asked.call, incoming.headers)
        self._last: list[StreamPart] = []
        """The part that ends it, one that is done or failed, once it has come."""

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
        return self._passed(self._decoder.feed(data)) and self._caller.connection.drain is None

    def _passed(self, part: StreamPart) -> bool:
        """Pass a part on; whether there may be more."""
        if (hides := self._hides) is not None:
            part.data = hides.struck(part.data)
            if part.done or part.failure is not None:
                part.data += hides.rest()
        if part.failure is not None:
            part.failure = struck_failure(part.failure, self._secrets)
            self._last.append(part)
            return False
        try:
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
