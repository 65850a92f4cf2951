"""Each member of each valid reply, of every kind of provider, on every surface, as something that it should not be.

What stands beside the content spoils no reply: ids, reasons to finish, usage, tiers, thoughts, what nobody here reads.
What is the content, or says where it belongs, is read, or ends the reply as a failure. And nothing raises, but for what
a surface says itself that it cannot say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from itertools import product
from typing import Any

import pytest

from detente.gateway.surfaces.surface import UnsayableError
from detente.providers.wire import UNKNOWN, Wire
from tests.gateway.surfaces import replies
from tests.gateway.surfaces.replies import CHAT, CHAT_ONLY, MESSAGES, RESPONSES, STREAMS, WHOLE, Data, Said

GONE = object()
ODD = [None, 7, "7", True, [], {}, ["x"], {"a": 1}, "", GONE]
Path = tuple[str | int, ...]

CONTENT = re.compile(
    "|".join(
        [
            r"(\d+\.)?choices(\.0)?",  # a completion's: what is said, and of calls what they call
            r".*(message|delta)(\.content|\.refusal|\.tool_calls(\.0(\.index|\.function(\.\w+)?)?)?)?",
            r".*choices\.0\.(index|delta)|\d+\.choices\.0\.finish_reason",  # without a reason, a stream was cut
            r"\d+\.delta\.stop_reason",
            r"content(\.\d+(\.(type|text|id|name|input(\.a)?))?)?",  # a message's
            r"\d+(\.(type|message|index|delta|content_block|kind|contentBlockIndex|start|response))?",  # an event's
            r"\d+\.content_block\.(type|id|name|text)",
            r"\d+\.delta\.(type|text|partial_json)",
            r"output(\.message(\.content(\.\d+(\.text|\.reasoningContent(\.reasoningText)?|\.toolUse(\..*)?)?)?)?)?",
            r"\d+\.delta\.(reasoningContent|toolUse(\.input)?)|\d+\.start\.toolUse(\.\w+)?",  # Converse's
            r"(\d+\.response\.)?(error|status|output(\..*)?)|\d+\.(delta|item(\..*)?)",  # a response's
            r"data(\.\d+(\.embedding(\.\d+)?)?)?|embeddings?(\..*)?",
        ]
    )
)
"""Members that are content, or say where it belongs."""
METERED = re.compile("usage|inputTextTokenCount")


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    for name, held in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*at, name)
        yield from paths(held, (*at, name))


def changed(reply: Any, path: Path, value: Any) -> Any:
    whole = found = deepcopy(reply)
    for step in path[:-1]:
        found = found[step]
    if value is GONE:
        del found[path[-1]]
    else:
        found[path[-1]] = value
    return whole


def held(path: str, wire: Wire, reply: Any, encoded: replies.Encoding | None) -> Iterator[str]:
    """What is not so, in a sentence each."""

    def told(reply: Any) -> Said:
        return replies.whole(path, wire, reply) if encoded is None else replies.streamed(path, wire, encoded(reply))

    def content(found: Said) -> Any:
        return (replies.content if encoded is None else replies.streamed_content)(path, found.body)

    healthy = told(reply)
    assert not healthy.why
    for where, value in product(paths(reply), ODD):
        name, said = ".".join(map(str, where)), "nothing" if value is GONE else json.dumps(value)
        try:
            found = told(changed(reply, where, value))
        except UnsayableError as error:
            found = Said(why=str(error))
        if CONTENT.fullmatch(name):
            continue  # read, or a failure
        if found.why or content(found) != content(healthy):
            yield f"`{name}` is {said}: {found.why or found.body.decode()}"
        elif found.tokens != healthy.tokens and not METERED.search(name):
            yield f"`{name}` is {said}: {found.tokens}"


@pytest.mark.parametrize(("path", "wire", "reply"), WHOLE)
def test_what_stands_beside_the_content_spoils_no_reply(path: str, wire: Wire, reply: Data) -> None:
    assert list(held(path, wire, reply, None)) == []


@pytest.mark.parametrize(("path", "wire", "events", "encoded"), STREAMS)
def test_nor_a_stream(path: str, wire: Wire, events: list[Any], encoded: replies.Encoding) -> None:
    assert list(held(path, wire, events, encoded)) == []


# -- what is made of it -----------------------------------------------------------------------------------------------
def completion(**message: Any) -> Any:
    return changed(replies.COMPLETION, ("choices", 0, "message"), {"role": "assistant", **message})


@pytest.mark.parametrize("reason", [7, True, ["x"], {"a": 1}])
def test_a_reason_that_is_no_text_is_unknown_and_listed(reason: Any) -> None:
    found = replies.whole(CHAT, CHAT_ONLY, changed(replies.COMPLETION, ("choices", 0, "finish_reason"), reason))
    assert found.finish == UNKNOWN
    assert json.loads(found.body)["choices"][0]["finish_reason"] == "length"  # it promises least
    events = changed(replies.CHUNKS, (6, "choices", 0, "finish_reason"), reason)
    assert replies.streamed(CHAT, CHAT_ONLY, replies.as_chunks(events)).finish == UNKNOWN


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
@pytest.mark.parametrize(("stated", "listed"), [("compaction", "compaction"), (None, UNKNOWN), (7, UNKNOWN)])
def test_a_reason_to_stop_that_nobody_knows_promises_nothing(path: str, stated: Any, listed: str) -> None:
    found = [
        replies.whole(path, replies.NOVA, {**replies.CONVERSE, "stopReason": stated}),
        replies.streamed(path, replies.NOVA, replies.as_frames(changed(replies.FRAMES, (10, "stopReason"), stated))),
    ]
    short = {CHAT: '"finish_reason":"length"', MESSAGES: '"stop_reason":"max_tokens"', RESPONSES: '"incomplete"'}
    for one in found:
        assert one.finish == listed
        assert short[path].encode() in one.body


@pytest.mark.parametrize("path", [MESSAGES, RESPONSES])
def test_what_some_write_otherwise_is_read(path: str) -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    calls = [{"function": {"name": "look", "arguments": {"a": 1}}}]  # no id, and an object
    reply = completion(
        content=[thought, {"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}], tool_calls=calls
    )
    found = replies.whole(path, CHAT_ONLY, reply)
    assert replies.content(path, found.body) == ("hello", [("look", {"a": 1})])
    assert b"hm" in found.body
    piece = {"index": 0, "function": {"name": "look", "arguments": {"a": 1}}}
    events = changed(replies.CHUNKS, (4, "choices", 0, "delta", "tool_calls"), [piece])
    del events[5]
    found = replies.streamed(path, CHAT_ONLY, replies.as_chunks(events))
    assert replies.streamed_content(path, found.body) == ("hello", [("look", {"a": 1})])


@pytest.mark.parametrize("value", [None, {}, {"type": "text_delta"}, {"type": "text_delta", "text": None}, GONE])
def test_a_piece_that_is_not_there_is_not_left_out(value: Any) -> None:
    events = replies.as_named(changed(replies.EVENTS, (8, "delta"), value))
    assert "cannot be read" in replies.streamed(CHAT, replies.ANTHROPIC, events).why
    frames = replies.as_frames(changed(replies.FRAMES, (5, "delta"), None))
    assert "says nothing" in replies.streamed(CHAT, replies.NOVA, frames).why


@pytest.mark.parametrize(
    "data", [[], [{"embedding": [0.5]}], [{"embedding": [0.5]}, {"index": 1}], [{"embedding": [0.5]}] * 3]
)
def test_fewer_vectors_than_texts_are_no_answer(data: Any) -> None:
    assert replies.whole(replies.EMBEDDINGS, CHAT_ONLY, {**replies.VECTORS, "data": data}).why


# -- errors -----------------------------------------------------------------------------------------------------------
ERRORS: dict[str, Data] = {
    "openai": {"error": {"message": "no", "type": "some_error", "param": None, "code": "x", "innererror": {"a": 1}}},
    "anthropic": {"type": "error", "error": {"type": "some_error", "message": "no"}, "request_id": "r"},
    "aws": {"message": "no", "__type": "SomeException"},
}
KINDS = {400: "refused", 401: "credential", 402: "exhausted", 429: "throttled", 503: "unavailable"}


@pytest.mark.parametrize("wire", [CHAT_ONLY, replies.RESPONDS, replies.ANTHROPIC, replies.CLAUDE, replies.NOVA])
@pytest.mark.parametrize("status", KINDS)
def test_an_odd_error_is_what_its_status_says(wire: Wire, status: int) -> None:
    bodies = [b"", b"null", b'"no"', b"[]", b"7", b"<html>", b"[" * 5000, b"\xff"]
    for error in ERRORS.values():
        bodies += [json.dumps(changed(error, path, value)).encode() for path, value in product(paths(error), ODD)]
    for body in bodies:
        found = wire.failed(status, {}, body)
        assert (found.kind, isinstance(found.error["message"], str)) == (KINDS[status], True), body
