"""Clients that take nothing but numbers for use, at providers that say nothing of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.builders import Data
from tests.end_to_end.npm import AI_SDK, script
from tests.gateway.caller import KEY
from tests.gateway.http.peer import run
from tests.gateway.script import DONE, LAST, ROLE, SSE, chunked, completion, delta, http, play
from tests.gateway.stage import Stage, one
from tests.providers.test_messages_stream import as_events, block
from tests.providers.test_messages_stream import delta as piece

CLAUDE: Data = {"kind": "anthropic", "name": "claude-haiku-4-5"}
MESSAGE: Data = {"type": "message", "role": "assistant", "model": "there", "id": "msg_1"}
SAYS: Sequence[Data] = (
    {"type": "message_start", "message": {**MESSAGE, "content": []}},
    block(0, type="text", text=""),
    piece(0, type="text_delta", text="hello"),
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}},
    {"type": "message_stop"},
)
WHOLE = {**MESSAGE, "content": [{"type": "text", "text": "hello"}], "stop_reason": "end_turn"}
ANSWERS: dict[str, tuple[Data, Data, bytes]] = {
    "translated": ({}, {**completion(), "usage": None}, ROLE + delta(content="hello") + delta("stop") + DONE),
    "passed through": (CLAUDE, WHOLE, as_events(list(SAYS))),
}


@pytest.mark.parametrize("how", ANSWERS)
def test_the_vercel_ai_sdk_reads_a_message_whose_usage_nobody_knows(tmp_path: Path, how: str) -> None:
    """It takes no null for a count: 0 stands there, the reply and the stream are marked, and the record is unknown."""
    kind, whole, flow = ANSWERS[how]

    async def main() -> None:
        async with play(http(whole), [SSE, chunked(flow), LAST]) as south:
            data = one(south)
            data["deployments"][0] |= kind | ({"endpoint": south.base} if kind else {})
            async with Stage(tmp_path, data) as stage:
                told = {"BASE": f"{stage.base}/v1", "KEY": KEY, "MODEL": "m"}
                home = tmp_path / "home"
                home.mkdir()
                said = await asyncio.to_thread(lambda: script("unmetered.mjs", AI_SDK, home, **told))
                assert json.loads(said) == {"whole": ["hello", "stop", 0], "stream": ["hello", "stop", 0]}
                assert [(one.outcome, one.usage) for one in stage.records] == [("complete", None)] * 2

    run(main())
