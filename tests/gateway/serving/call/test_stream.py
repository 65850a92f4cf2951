"""A streamed reply on its way to its caller: held back until there is content, bounded, and ended as it went."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from detente.case.case import Case
from detente.contract.reach.verdict import PERMIT
from detente.gateway.deciding.admit import Candidate
from detente.gateway.deciding.choose import RankedCandidate
from detente.gateway.deciding.policy import Policy
from detente.gateway.http.exchange import Exchange, RequestHead
from detente.gateway.serving.call import stream as module
from detente.gateway.serving.call.job import UNREAD, Job
from detente.gateway.serving.call.stream import MAX_BUFFERED, Stream
from detente.gateway.surfaces.surface import Rendering, StreamHead, UnsayableError
from detente.providers.wire import StreamPart, Tokens, failure
from tests.gateway.script import ROLE, delta
from tests.gateway.stage import case_data

(SOUTH,) = Policy.of(Case.of(case_data({"south": "http://a.example"}))).deployed
CHOICE = RankedCandidate(Candidate(SOUTH, PERMIT), "price")


class Wire:
    """What a caller's connection would carry."""

    drain = None
    internal = False

    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data

    def replied(self, keep: bool) -> None:
        pass


class Plain(Rendering):
    """Data as it is; what is ``unsayable`` is not said."""

    def feed(self, data: bytes) -> bytes:
        if data == b"unsayable":
            raise UnsayableError("no")
        return data

    def close(self) -> bytes:
        return b"<end>"

    def fail(self, error: Any) -> bytes:
        return f"<{error['message']}>".encode()


class Surface:
    """Renders as above."""

    def streamed(self, asked: object, deployment: str, head: StreamHead) -> Rendering:
        return Plain()


class Asking:
    """A job's part of it."""

    surface, asked, head = Surface(), None, StreamHead()

    def __init__(self, buffers: bool) -> None:
        self.held = SimpleNamespace(settings=SimpleNamespace(buffers=buffers, goes_on=False))


def made(*, buffers: bool = False) -> tuple[Stream, Wire]:
    wire, asking = Wire(), Asking(buffers)
    caller = Exchange(RequestHead(), b"", cast(Any, wire))
    return Stream(cast(Job, asking), UNREAD, CHOICE, caller, lambda *_: b"x-told: 1\r\n"), wire


def test_nothing_is_seen_before_there_is_content_and_then_all_of_it() -> None:
    stream, wire = made()
    stream.take(StreamPart(ROLE))
    assert wire.sent == b""
    stream.take(StreamPart(delta(content="a"), content=1))
    assert wire.sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"x-told: 1" in wire.sent
    assert wire.sent.index(ROLE) < wire.sent.index(delta(content="a"))
    assert stream.pieces == 1


def test_what_is_held_is_bounded() -> None:
    stream, wire = made()
    for _ in range(MAX_BUFFERED // 1024 + 1):
        assert wire.sent == b""
        stream.take(StreamPart(b"x" * 1024))
    assert wire.sent


def test_a_complete_stream_ends_with_its_surface_s_end_also_where_it_had_no_content() -> None:
    stream, wire = made()
    stream.take(StreamPart(ROLE, tokens=Tokens(1, 2), finish="stop"))
    stream.complete(b"last")
    assert wire.sent == b""  # it is recorded first
    stream.close()
    assert ROLE + b"last<end>" in wire.sent
    assert wire.sent.endswith(b"0\r\n\r\n")
    served = stream.ended("complete", 200)
    assert (served.tokens, served.finish, served.pieces, served.choice) == (Tokens(1, 2), "stop", 0, CHOICE)


def test_one_that_is_to_be_whole_is_not_seen_before_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, wire = made(buffers=True)
    for _ in range(MAX_BUFFERED // 1024 + 1):
        stream.take(StreamPart(b"x" * 1024, content=1))
    assert wire.sent == b""
    assert not stream.begun
    monkeypatch.setattr(module, "MAX_WHOLE", 1)
    with pytest.raises(UnsayableError, match="held back"):
        stream.take(StreamPart(b"x"))
    stream.complete(b"last")
    stream.close()
    assert wire.sent.endswith(b"last<end>\r\n0\r\n\r\n")


@pytest.mark.parametrize("last", [b"", b"shown", b"unsayable"])
def test_a_stream_that_failed_ends_with_its_error_whatever_came_with_it(last: bytes) -> None:
    stream, wire = made()
    stream.take(StreamPart(b"a", content=1))
    stream.spill(last)
    stream.fail(failure("broken", 502, "cut").error)
    assert wire.sent.endswith(b"<cut>\r\n0\r\n\r\n")
    assert (b"shown" in wire.sent) == (last == b"shown")
    assert b"<end>" not in wire.sent
    assert stream.caller.done
