"""The model's name in replies that pass through."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.gateway.surfaces.naming import Renamed, renamed, text_of
from detente.gateway.surfaces.surface import UnsayableError
from detente.providers import sse
from detente.providers.wire import Members

NAME = text_of("asked")


REPLIES = {
    "as OpenAI writes it": b'{"id":"c","n":1,"model":"there","choices":[1.10]}',
    "with blanks": b' {\n "id": null ,\n "model" : "there" , "x": 1}',
    "after a list, as Azure writes it": b'{"choices":[1.10],"model":"there"}',
    "within something, too": b'{"a":{"model":"in"},"model":"there"}',
    "as a text": b'{"a":"model","b":"\\"model\\":\\"x\\"","model":"there"}',
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_a_reply_names_the_model_that_was_asked_for_and_nothing_else_of_it_changes(reply: bytes) -> None:
    expected = reply.replace(b'"there"', b'"asked"')
    assert renamed(reply, NAME) == expected
    assert renamed(reply, NAME, b'"there"') == expected
    assert renamed(expected, NAME, NAME) is expected


@pytest.mark.parametrize("model", [b"null", b'""', b'"a\\"b"', b"3"])
def test_whatever_its_provider_calls_it(model: bytes) -> None:
    for known in (b"", model):
        assert renamed(b'{"model":%b,"x":1}' % model, NAME, known) == b'{"model":"asked","x":1}'


def test_one_that_names_no_model_gets_the_name() -> None:
    assert renamed(b'{"a":{"model":"in"}}', NAME) == b'{"a":{"model":"in"},"model":"asked"}'


@pytest.mark.parametrize("reply", [b"", b"[]", b"<html>", b'{"a":'])
def test_what_is_no_object_is_not_said(reply: bytes) -> None:
    with pytest.raises(UnsayableError):
        renamed(reply, NAME)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("model"),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("model"), v, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=5) | st.just("model"), JSON, max_size=5)


@settings(deadline=None, max_examples=60)
@given(OBJECTS, st.sampled_from([None, 1]), st.booleans())
def test_any_reply_is_the_same_under_the_other_name(
    reply: dict[str, Any], indent: int | None, ascii_only: bool
) -> None:
    body = json.dumps(reply, indent=indent, ensure_ascii=ascii_only).encode()
    assert json.loads(renamed(body, NAME)) == {**reply, "model": "asked"}
    known = bytes(msgspec.json.decode(body, type=Members).get("model", b""))
    assert json.loads(renamed(body, NAME, known)) == {**reply, "model": "asked"}


def chunk(text: str, model: str | None = "there", **more: Any) -> bytes:
    named = {} if model is None else {"model": model}
    return (
        b"data: "
        + json.dumps({"id": "c", **named, **more, "choices": [{"delta": {"content": text}}]}).encode()
        + b"\n\n"
    )


def test_each_event_of_a_stream_is_named_whatever_its_provider_writes() -> None:
    stream = [
        chunk("", ""),  # as Azure begins
        chunk("a"),
        chunk("b") + b": alive\n\n" + chunk('"model": "there"'),
        b"event: x\n" + chunk("c", "another"),  # another has gone on with it
        chunk("d", None),
        chunk("e"),
    ]
    rendering = Renamed("asked")
    told = b"".join(rendering.block(block) for block in stream)
    found = [json.loads(data) for event in sse.split(told) if (data := sse.data_of(event))]
    assert [event["model"] for event in found] == ["asked"] * 7
    assert [event["choices"][0]["delta"]["content"] for event in found] == ["", "a", "b", '"model": "there"', *"cde"]
    assert told.count(b": alive\n\n") == told.count(b"event: x\n") == 1
    assert all(chunk(text, "asked") in told for text in "abe")  # no other byte changed


CHUNKS = st.fixed_dictionaries(
    {"choices": st.lists(st.text(max_size=9) | st.just('"model":"there"'), max_size=2)},
    optional={"model": st.sampled_from(["there", "", "model", None]), "id": st.text(max_size=3), "usage": st.none()},
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(CHUNKS, min_size=1, max_size=3), max_size=4))
def test_any_stream_is_the_same_under_the_other_name(blocks: list[list[dict[str, Any]]]) -> None:
    rendering = Renamed("asked")
    for block in blocks:
        told = rendering.block(b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in block))
        found = [json.loads(sse.data_of(event)) for event in sse.split(told)]
        assert found == [{**event, "model": "asked"} for event in block]
