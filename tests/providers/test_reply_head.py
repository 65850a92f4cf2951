"""Replies that pass through with an id or a time of a wrong type: clients take a text and a number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detente.providers.chat_stream import ChatDecoder
from detente.providers.messages_stream import MessagesDecoder
from detente.providers.messages_stream import reply_of as message_of
from detente.providers.reply_head import is_odd, mended
from detente.providers.responses_stream import ResponsesDecoder, reply_of_response
from detente.providers.sse import data_of, split
from detente.providers.wire import Decoder, Reply
from tests.gateway.script import completion, delta, event
from tests.providers.openai_wires import OWN, call
from tests.providers.test_messages_stream import EVENTS, as_events

ODD: list[tuple[Any, Any, Any, Any]] = [
    (7, "1700000000", "7", 1700000000),
    (True, "x", None, 0),
    ([1], {}, None, 0),
    ("c1", "-5", "c1", 0),
    (7, 1.5, "7", 1.5),
]
"""(id, time, the id that is told, the time): of an id that is neither text nor number, one that is made."""


def told(decoder: Decoder, stream: bytes) -> list[Any]:
    """The data of the events that a caller is shown."""
    return [json.loads(data_of(event)) for event in split(decoder.feed(stream).data)]


@pytest.mark.parametrize(("id_", "made", "own", "at"), ODD, ids=str)
def test_an_id_is_told_as_a_text_and_a_time_as_a_number(id_: Any, made: Any, own: str | None, at: Any) -> None:
    found = OWN.decode(call(), {}, json.dumps(completion() | {"id": id_, "created": made}).encode())
    assert isinstance(found, Reply)
    whole = json.loads(found.body)
    assert isinstance(whole["id"], str)
    own = own or whole["id"]
    assert whole == completion() | {"id": own, "created": at}
    chunks = [json.loads(data_of(one)) for one in (delta(content="a"), delta(content="b"), delta("stop"))]
    shown = told(ChatDecoder(False), b"".join(event(one | {"id": id_, "created": made}) for one in chunks))
    assert shown == [one | {"id": own, "created": at} for one in chunks]  # each, also those of nothing but content


def test_anthropics_id_and_openais_time_of_a_response() -> None:
    head = {"id": 7, "type": "message", "role": "assistant"}
    message = {**head, "content": [], "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}
    found = message_of(json.dumps(message).encode())
    assert isinstance(found, Reply)
    assert json.loads(found.body) == message | {"id": "7"}
    begun = {**EVENTS[0], "message": {**EVENTS[0]["message"], "id": 7}}
    (first,) = told(MessagesDecoder(), as_events([begun]))
    assert first["message"] == EVENTS[0]["message"] | {"id": "7"}
    response = {"id": "r", "status": "completed", "output": [{"type": "message", "content": "x"}], "created_at": "x"}
    answered = reply_of_response(json.dumps(response).encode())
    assert isinstance(answered, Reply)
    assert json.loads(answered.body) == response | {"created_at": 0}
    (last,) = told(ResponsesDecoder(), event({"type": "response.completed", "response": response}))
    assert last["response"] == response | {"created_at": 0}


@pytest.mark.parametrize("head", [{}, {"id": None, "created": None}, {"id": "a", "created": 1}, {"created": 1.0}])
def test_what_clients_take_stays_as_it_came(head: dict[str, Any]) -> None:
    assert not is_odd(head.get("id"), head.get("created"))
    assert json.loads(mended(json.dumps(head).encode())) == head
