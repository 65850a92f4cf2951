"""Events whose data stand in several lines, as some servers write JSON to be read by people: each is told whole."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable

import pytest

from detente.gateway.surfaces.messages_native import NativeRendering
from detente.gateway.surfaces.naming import Renamed
from detente.gateway.surfaces.responses import ResponsesSurface
from detente.providers import sse
from detente.providers.bedrock.invoke import InvokeDecoder
from detente.sandbox import eventstream
from tests.builders import Data

MESSAGE = {"id": "msg_1", "model": "there", "content": [], "usage": {"input_tokens": 3, "output_tokens": 1}}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "two  words"}}
CHUNK = {"model": "there", "choices": [{"index": 0, "delta": {"content": "hi", "model": 1}, "finish_reason": None}]}
RESPONSE = {"id": "resp_1", "model": "there", "status": "in_progress", "output": [], "metadata": {"a": "b"}}
SURFACE = ResponsesSurface()
ASKED = SURFACE.ask(b'{"model":"asked","input":"hi","stream":true,"store":false}')


def in_lines(said: Data) -> bytes:
    """An event of which each line of the JSON is a line of data."""
    lines = json.dumps(said, indent=1).split("\n")
    return f"event: {said.get('type', 'x')}\n".encode() + b"".join(f"data: {line}\n".encode() for line in lines) + b"\n"


@pytest.mark.parametrize(
    ("feed", "said", "told"),
    [
        (Renamed("asked").block, CHUNK, {**CHUNK, "model": "asked"}),
        (
            NativeRendering("asked").feed,
            {"type": "message_start", "message": MESSAGE},
            {"type": "message_start", "message": {**MESSAGE, "model": "asked"}},
        ),
        (
            SURFACE.streamed(ASKED, "south").feed,
            {"type": "response.created", "response": RESPONSE},
            {"type": "response.created", "response": {**RESPONSE, "model": "asked"}},
        ),
    ],
    ids=["chat", "messages", "responses"],
)
def test_an_event_that_names_the_model_otherwise_is_whole_still(
    feed: Callable[[bytes], bytes], said: Data, told: Data
) -> None:
    (event,) = sse.split(feed(in_lines(said)))
    assert json.loads(sse.data_of(event)) == told
    assert sse.name_of(event).decode() == said.get("type", "x")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_event_of_bedrock_s_whose_json_stands_in_lines_is_whole(end: str) -> None:
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    events: list[Data] = [{"type": "message_start", "message": MESSAGE}, start, TEXT, TEXT]
    held = [b64encode(json.dumps(said, indent=1).replace("\n", end).encode()).decode() for said in events]
    frames = [eventstream.event("chunk", json.dumps({"bytes": one}).encode()) for one in held]
    part = InvokeDecoder().feed(b"".join(frames))
    assert [json.loads(sse.data_of(event)) for event in sse.split(part.data)] == events
