"""The last event of a stream, where its blank line is missing, or CR alone ends its lines, is an event all the same."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from detente.providers.chat_stream import ChatDecoder
from detente.providers.claude_chat_stream import ClaudeChatDecoder
from detente.providers.messages_stream import MessagesDecoder
from detente.providers.responses_stream import ResponsesDecoder
from detente.providers.sse import event
from detente.providers.wire import Decoder, StreamPart
from tests.builders import Data
from tests.gateway.script import ROLE, delta

MESSAGE: list[Data] = [
    {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 3, "output_tokens": 0}}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "half"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
]
RESPONSE: list[Data] = [
    {"type": "response.output_text.delta", "delta": "half"},
    {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": []}},
]
CLAUDE = b"".join(event(json.dumps(said).encode(), said["type"]) for said in MESSAGE)
STREAMS: dict[str, tuple[Callable[[], Decoder], bytes]] = {
    "chat": (lambda: ChatDecoder(True), ROLE + delta(content="half") + delta("stop")),
    "messages": (MessagesDecoder, CLAUDE),
    "messages as chat": (lambda: ClaudeChatDecoder("m", {}, True, {}), CLAUDE),
    "responses": (ResponsesDecoder, b"".join(event(json.dumps(said).encode()) for said in RESPONSE)),
}


def read(name: str, stream: bytes) -> list[StreamPart]:
    decoder = STREAMS[name][0]()
    return [decoder.feed(stream), decoder.end()]


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("lacks", [0, 1, 2])
@pytest.mark.parametrize("line", [b"\n", b"\r", b"\r\n"])
def test_a_stream_is_complete_with_its_last_event_whatever_ends_it(name: str, line: bytes, lacks: int) -> None:
    stream = STREAMS[name][1]
    whole = read(name, stream)
    parts = read(name, stream[: len(stream) - lacks].replace(b"\n", line))
    assert parts[-1].done
    assert (parts[0].failure, parts[1].failure) == (None, None)
    assert [part.finish for part in parts if part.finish] == ["stop"]
    assert len(b"".join(part.data for part in parts)) == len(b"".join(part.data for part in whole))


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_ends_within_its_last_event_was_cut(name: str) -> None:
    stream = STREAMS[name][1]
    for cut in (3, 20):
        failed = read(name, stream[:-cut])[-1].failure
        assert failed is not None
        assert "ended before it was complete" in failed.error["message"]
