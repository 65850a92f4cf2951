"""Providers that answer a stream with a whole reply: it is served, and nobody else is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.http.peer import run
from tests.gateway.script import completion, http, play
from tests.gateway.serving.test_matrix import BODIES, CHAT, MESSAGES, RESPONSES, case
from tests.gateway.stage import Stage
from tests.providers.test_unstreamed import MESSAGE, RESPONSE

SAYS_HELLO = {"content": MESSAGE["content"][2:3], "stop_reason": "end_turn"}
ENDS = {CHAT: "[DONE]", MESSAGES: "message_stop", RESPONSES: "response.completed"}


@pytest.mark.parametrize("kind", ["compatible", "chat alone", "azure", "anthropic"])
@pytest.mark.parametrize("path", ENDS)
def test_a_whole_reply_is_told_as_a_stream(tmp_path: Path, path: str, kind: str) -> None:
    said = completion("hello")
    if kind == "anthropic":
        said = MESSAGE | SAYS_HELLO
    elif path == RESPONSES and kind != "chat alone":
        said = RESPONSE | {"output": RESPONSE["output"][1:2]}

    async def main() -> None:
        async with play(http(said)) as south, Stage(tmp_path, case(south, kind)) as stage:
            answer = await stage.ask(BODIES[path] | {"stream": True}, path=path)
            last = answer.events[-1]
            assert (answer.status, answer.headers["content-type"].split(";")[0]) == (200, "text/event-stream")
            assert ENDS[path] == (last if path == CHAT else last["type"])
            assert b"hello" in answer.body
            (record,) = stage.records
            assert (record.outcome, [a.outcome for a in record.attempts]) == ("complete", ["served"])
            assert record.usage is not None

    run(main())
