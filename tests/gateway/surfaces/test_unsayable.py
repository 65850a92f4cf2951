"""A stream that cannot be said to its caller never looks complete; until it has begun, another may serve the call."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import anthropic
import pytest

from detente.gateway.serving.call.stream import Stream
from detente.gateway.surfaces.surface import StreamHead, UnsayableError
from detente.providers.wire import StreamPart
from tests.gateway.surfaces.corpora import MESSAGES, accumulated, asked, event


class Caller:
    """What an exchange is told."""

    def __init__(self) -> None:
        self.begun = self.done = False
        self.heard = b""

    def begin(self, status: int, headers: Any, data: bytes) -> None:
        assert status == 200
        self.begun = True
        self.heard += data

    def send(self, data: bytes) -> None:
        self.heard += data

    def finish(self, data: bytes) -> None:
        self.done = True
        self.heard += data


def stream_to(caller: Caller) -> Stream:
    held = SimpleNamespace(settings=SimpleNamespace(goes_on=False, buffers=False))
    job = SimpleNamespace(surface=MESSAGES, asked=asked(stream=True), held=held, head=StreamHead())
    choice = SimpleNamespace(candidate=SimpleNamespace(deployed=SimpleNamespace(id="azure-eu")))
    return Stream(cast(Any, job), job.asked, cast(Any, choice), cast(Any, caller), lambda *_: b"")


def text(said: str) -> bytes:
    return event({"id": "chatcmpl-1", "choices": [{"delta": {"content": said}}]})


UNSAYABLE = event({"choices": [{"index": 1, "delta": {"content": "b"}}]})


@pytest.mark.parametrize("begun", [True, False])
def test_a_stream_is_whole(begun: bool) -> None:
    caller = Caller()
    stream = stream_to(caller)
    stream.take(StreamPart(text("a"), content=begun))
    assert caller.begun == begun
    stream.complete(text("b"))
    stream.close()
    assert caller.done
    assert accumulated(caller.heard)["content"] == [{"type": "text", "text": "ab"}]


def test_before_it_begins_nothing_is_heard() -> None:
    caller = Caller()
    with pytest.raises(UnsayableError):
        stream_to(caller).take(StreamPart(UNSAYABLE, content=True))
    assert not caller.begun


def test_its_last_part_does_not_complete_it() -> None:
    caller = Caller()
    stream = stream_to(caller)
    stream.take(StreamPart(text("a"), content=True))
    with pytest.raises(UnsayableError) as caught:
        stream.complete(UNSAYABLE)
    stream.fail(caught.value.failure.error)
    with pytest.raises(anthropic.APIStatusError, match="more than one choice"):
        accumulated(caller.heard)
