"""Anthropic's messages that typed clients raise at, passed through: what is told otherwise, and what is no answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detente.providers.bedrock.invoke import InvokeDecoder
from detente.providers.messages_stream import MessagesDecoder, reply_of
from detente.providers.sse import data_of, split
from detente.providers.wire import Decoder, Reply, StreamPart
from tests.builders import Data
from tests.providers.test_messages_stream import EVENTS, as_events, as_frames, block, delta, stop

CALL = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
TEXT = {"type": "text", "text": "hello"}
MESSAGE: Data = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "content": [TEXT],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"type": None}, {"type": "message"}),
        ({"role": "model"}, {"role": "assistant"}),
        ({"stop_reason": 7}, {"stop_reason": "max_tokens"}),
        ({"stop_sequence": 7}, {"stop_sequence": None}),
        (
            {"content": [{"type": "thinking", "thinking": "hm"}, TEXT]},
            {"content": [{"type": "thinking", "thinking": "hm", "signature": ""}, TEXT]},
        ),
        ({"content": [{**CALL, "input": None}]}, {"content": [CALL]}),
        ({"content": [{**CALL, "id": 7}]}, {"content": [{**CALL, "id": "7"}]}),
        ({"content": [{"type": "of_tomorrow"}], "more": 1}, {"content": [{"type": "of_tomorrow"}], "more": 1}),
    ],
    ids=str,
)
def test_a_whole_message_is_told_as_clients_take_it(written: Data, told: Data) -> None:
    """Nothing else of it changes."""
    found = reply_of(json.dumps(MESSAGE | written).encode())
    assert isinstance(found, Reply)
    assert json.loads(found.body) == MESSAGE | told


def test_what_clients_take_passes_byte_for_byte() -> None:
    body = json.dumps(MESSAGE | {"content": [TEXT, CALL]}).encode()
    assert reply_of(body).body == body  # type: ignore[union-attr]


# -- the places of blocks ---------------------------------------------------------------------------------------------
def said(kind: type[Decoder], events: list[Data]) -> StreamPart:
    return kind().feed((as_frames if kind is InvokeDecoder else as_events)(events))


def shown(part: StreamPart) -> list[Any]:
    return [json.loads(data_of(one)) for one in split(part.data)]


BEGUN, *_, ENDING, LAST = EVENTS
NUMBERS: list[tuple[Any, Any]] = [(1, 2), (0, 2), (0, 0), (None, None), ("0", "1")]
"""As a provider numbers a text and a call that follows it."""


@pytest.mark.parametrize("kind", [MessagesDecoder, InvokeDecoder])
@pytest.mark.parametrize("numbers", NUMBERS, ids=str)
def test_blocks_are_counted_from_nothing_without_a_gap(kind: type[Decoder], numbers: tuple[Any, Any]) -> None:
    """Anthropic's own client keeps them in a list, and raises at a number that skips one."""

    def flow(text: Any, call: Any) -> list[Data]:
        pieces = [delta(text, type="text_delta", text=one) for one in "ab"]
        called = delta(call, type="input_json_delta", partial_json="{}")
        return [BEGUN, block(text, **TEXT), *pieces, stop(text), block(call, **CALL), called, stop(call), ENDING, LAST]

    assert shown(said(kind, flow(*numbers))) == shown(said(kind, flow(0, 1)))


def test_a_block_of_text_that_did_not_begin_begins_with_its_first_piece() -> None:
    pieces = [delta(0, type="text_delta", text=one) for one in "ab"]
    begun = block(0, type="text", text="")
    assert shown(said(MessagesDecoder, [BEGUN, *pieces])) == [BEGUN, begun, *pieces]


def test_a_piece_of_a_call_that_did_not_begin_is_no_answer() -> None:
    part = said(MessagesDecoder, [BEGUN, delta(0, type="input_json_delta", partial_json="{}")])
    assert part.failure is not None
