"""How a chat completion ended, and what it said elsewhere than others do, in the shapes of other surfaces."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detente.gateway.surfaces.surface import UnsayableError
from tests.gateway.surfaces import replies
from tests.gateway.surfaces.replies import CHAT, CHAT_ONLY, MESSAGES, RESPONSES, Data, Said, as_chunks

HEAD = {"id": "chatcmpl-1", "created": 1, "model": "m"}
CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
OTHERS = pytest.mark.parametrize("path", [MESSAGES, RESPONSES])
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def answer(path: str, said: Data, finish: Any, *, stream: bool) -> Said:
    message = {"role": "assistant", **said}
    if not stream:
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return replies.whole(path, CHAT_ONLY, {**HEAD, "object": "chat.completion", "choices": [choice]})
    choices: list[Data] = [{"delta": message}, {"delta": {}, "finish_reason": finish}]
    return replies.streamed(path, CHAT_ONLY, as_chunks([{**HEAD, "choices": [one]} for one in choices]))


def reason(path: str, body: bytes) -> str:
    """Why it ended, as its caller is told."""
    ends = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")] or [body]
    found = json.loads(ends[-2 if path == MESSAGES and len(ends) > 1 else -1])
    if path == MESSAGES:
        return str(found.get("delta", found)["stop_reason"])
    response = found.get("response", found)
    return (response["incomplete_details"] or {}).get("reason") or str(response["status"])


FILTERED = {MESSAGES: "refusal", RESPONSES: "content_filter"}
LEAST = {MESSAGES: "max_tokens", RESPONSES: "max_output_tokens"}
WHOLE = {MESSAGES: "end_turn", RESPONSES: "completed"}
REASONS: dict[str, dict[str, str]] = {
    **dict.fromkeys(("stop", "STOP", "eos", "end_turn", "tool_calls", "function_call"), WHOLE),
    **dict.fromkeys(("length", "repetition", "safety", "model_context_window_exceeded", "unheard of"), LEAST),
    **dict.fromkeys(("content_filter", "CONTENT_FILTER"), FILTERED),
}


@OTHERS
@BOTH
@pytest.mark.parametrize("finish", REASONS)
def test_a_reason_that_nobody_here_knows_promises_least(path: str, finish: str, stream: bool) -> None:
    """``tool_calls`` without a call is the end of a turn: an agent would have nothing to run."""
    assert reason(path, answer(path, {"content": "hi"}, finish, stream=stream).body) == REASONS[finish][path]


@OTHERS
@pytest.mark.parametrize("finish", ["", None, 5])
def test_a_whole_reply_that_gives_no_reason_promises_least(path: str, finish: Any) -> None:
    assert reason(path, answer(path, {"content": "hi"}, finish, stream=False).body) == LEAST[path]


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
@BOTH
@pytest.mark.parametrize("finish", ["error", "abort", "insufficient_system_resource"])
def test_a_reason_that_says_that_a_reply_failed_is_its_failure(path: str, finish: str, stream: bool) -> None:
    assert answer(path, {"content": "half"}, finish, stream=stream).why


@OTHERS
@BOTH
@pytest.mark.parametrize("said", [{"images": [{"type": "image_url"}]}, {"audio": {"id": "a", "transcript": "hi"}}])
def test_what_is_no_text_has_no_place_in_another_shape(path: str, said: Data, stream: bool) -> None:
    with pytest.raises(UnsayableError, match=f"answers with {next(iter(said))}, which a .* cannot hold"):
        answer(path, {"content": "see", **said}, "stop", stream=stream)
    nothing = answer(path, {"content": "see", **dict.fromkeys(said)}, "stop", stream=stream)
    assert reason(path, nothing.body) == WHOLE[path]


@OTHERS
@BOTH
def test_a_refusal_beside_what_was_said_before_it_is_told_with_it(path: str, stream: bool) -> None:
    said = answer(path, {"content": "Well. ", "refusal": "I cannot."}, "stop", stream=stream)
    assert said.body.index(b"Well. ") < said.body.index(b"I cannot.")
    assert reason(path, said.body) == REASONS["content_filter"][path]


ELSEWHERE: dict[str, tuple[list[Data], Any]] = {
    "a whole completion": (
        [{"message": {"role": "assistant", "content": "hello", "tool_calls": [CALL]}, "finish_reason": "tool_calls"}],
        ("hello", [("look", {"a": 1})]),
    ),
    "pieces that are messages": (
        [{"message": {"content": "hel"}}, {"message": {"content": "lo"}}, {"delta": {}, "finish_reason": "stop"}],
        ("hello", []),
    ),
    "texts": ([{"text": "hel"}, {"delta": {}, "text": "lo"}, {"text": "", "finish_reason": "stop"}], ("hello", [])),
    "a text beside the same in a delta": (
        [{"delta": {"content": "hello"}, "text": "hello"}, {"delta": {}, "finish_reason": "stop"}],
        ("hello", []),
    ),
}


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
@pytest.mark.parametrize("how", ELSEWHERE)
def test_what_a_stream_says_elsewhere_than_in_its_deltas_is_read(path: str, how: str) -> None:
    choices, means = ELSEWHERE[how]
    said = replies.streamed(path, CHAT_ONLY, as_chunks([{**HEAD, "choices": [{"index": 0, **one}]} for one in choices]))
    assert (replies.streamed_content(path, said.body), said.finish) == (means, choices[-1]["finish_reason"])


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
def test_a_stream_that_ends_with_the_whole_once_more_says_it_once(path: str) -> None:
    whole = {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
    first = {**HEAD, "choices": [{"delta": {"content": "hello"}}]}
    said = replies.streamed(
        path, CHAT_ONLY, as_chunks([first, {**HEAD, "object": "chat.completion", "choices": [whole]}])
    )
    assert replies.streamed_content(path, said.body) == ("hello", [])


@pytest.mark.parametrize("message", ["hello", 5, {"tool_calls": "look"}])
def test_a_message_that_cannot_be_read_is_a_failure(message: Any) -> None:
    chunk = {**HEAD, "choices": [{"message": message, "finish_reason": "stop"}]}
    assert "cannot be read" in replies.streamed(CHAT, CHAT_ONLY, as_chunks([chunk])).why
