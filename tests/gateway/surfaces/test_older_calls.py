"""A call as it was before there could be several (``function_call``), which some servers still write."""

from __future__ import annotations

import pytest

from tests.gateway.surfaces import replies
from tests.gateway.surfaces.replies import CHAT_ONLY, MESSAGES, RESPONSES, Data, as_chunks

CALL = {"name": "look", "arguments": '{"a":1}'}
HEAD = {"id": "chatcmpl-1", "created": 1, "model": "m"}


def choice(**said: object) -> Data:
    return {**HEAD, "choices": [{"index": 0, **said}]}


@pytest.mark.parametrize("path", [MESSAGES, RESPONSES])
def test_it_is_a_call_of_a_tool(path: str) -> None:
    message = {"role": "assistant", "content": None, "function_call": CALL}
    whole = replies.whole(path, CHAT_ONLY, choice(message=message, finish_reason="function_call"))
    assert replies.content(path, whole.body) == ("", [("look", {"a": 1})])
    pieces = [{"name": "look", "arguments": '{"a"'}, {"arguments": ":1}"}]
    stream = [choice(delta={"function_call": piece}, finish_reason=None) for piece in pieces]
    told = replies.streamed(path, CHAT_ONLY, as_chunks([*stream, choice(delta={}, finish_reason="function_call")]))
    assert replies.streamed_content(path, told.body) == ("", [("look", {"a": 1})])
    for said in (whole.body, told.body):
        assert path != MESSAGES or b'"stop_reason":"tool_use"' in said
