"""A whole reply of status 200 that says nothing, and gives no reason to have ended, is no answer by any wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import Data
from tests.gateway.http.peer import run
from tests.gateway.script import http, play
from tests.gateway.serving.bodies import BODIES, CHAT, MESSAGES, RESPONSES
from tests.gateway.serving.test_matrix import KINDS, case
from tests.gateway.stage import Stage


def replies(kind: str, path: str, reason: Any, said: str = "") -> list[Data]:
    """Replies that say this, in each way in which that can be written, and end for a reason."""
    anthropic = kind == "anthropic" or (kind == "claude at bedrock" and path == MESSAGES)
    if anthropic:
        block = {"type": "text", "text": said}
        kept: Data = {"id": "msg_1", "type": "message", "role": "assistant", "model": "c"}
        return [{**kept, "content": content, "stop_reason": reason} for content in ([block], *([] if said else [[]]))]
    if KINDS[kind]["kind"] == "bedrock":
        ends = {} if reason is None else {"stopReason": reason}
        parts: list[list[Data]] = [[{"text": said}], *([] if said else [[]])]
        return [{"output": {"message": {"role": "assistant", "content": content}}} | ends for content in parts]
    if path == RESPONSES and "responses" in KINDS[kind]["serves"]:
        text = {"type": "output_text", "text": said, "annotations": []}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "content": [text]}
        ends = {"status": reason or "in_progress"}
        return [{"id": "resp_1", **ends, "output": items} for items in ([item], *([] if said or reason else [[]]))]
    written: tuple[Any, ...] = (said,) if said else ("", None)
    return [
        {
            "id": "c",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}],
        }
        for text in written
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
def test_a_reply_of_nothing_without_a_reason_is_no_answer(tmp_path: Path, path: str, kind: str) -> None:
    """With a reason, or with a text, it is one: some models end with nothing to say."""
    ends = {"anthropic": "end_turn", "bedrock": "end_turn"}.get(KINDS[kind]["kind"], "stop")
    ended = "completed" if path == RESPONSES and kind in ("compatible", "azure") else ends
    nothing = replies(kind, path, None)
    served = [*replies(kind, path, ended), *replies(kind, path, None, "half")]

    async def main() -> None:
        scripts = map(http, [*nothing, *served])
        async with play(*scripts) as south, Stage(tmp_path, case(south, kind)) as stage:
            for _ in nothing:
                answer = await stage.ask(BODIES[path], path=path)
                assert (answer.status, "no answer" in answer.json["error"]["message"]) == (502, True)
                assert stage.records[-1].attempts[0].outcome == "broken"
            for _ in served:
                assert (await stage.ask(BODIES[path], path=path)).status == 200

    run(main())
