"""What fails behind the reason to finish spoils no answer: a server that cannot count what was made says so there."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from detente.sandbox import eventstream
from tests.builders import Data
from tests.gateway.http.peer import run
from tests.gateway.script import LAST, ROLE, SSE, chunked, delta, event, play
from tests.gateway.serving.bodies import BODIES, CHAT, MESSAGES, RESPONSES
from tests.gateway.serving.test_matrix import BEGINS, CONVERSES, KINDS, case
from tests.gateway.stage import Stage

ENDED: list[Data] = [
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 2},
    },
]
WRONG = {"error": {"message": "cannot count", "type": "server_error", "code": 500}}
EXCEPTION = eventstream.exception("internalServerException", b'{"message":"cannot count"}')
ENDS = {"[DONE]", "message_stop", "response.completed"}


def frames(kind: str, path: str) -> list[bytes]:
    """The events of an answer, up to its reason to finish, and an error."""
    if kind == "anthropic":
        error = {"type": "error", "error": {"type": "api_error", "message": "cannot count"}}
        return [f"event: {said['type']}\ndata: {json.dumps(said)}\n\n".encode() for said in (*BEGINS, *ENDED, error)]
    if kind == "claude at bedrock" and path == MESSAGES:
        held = [{"bytes": b64encode(json.dumps(said).encode()).decode()} for said in (*BEGINS, *ENDED)]
        return [*(eventstream.event("chunk", json.dumps(one).encode()) for one in held), EXCEPTION]
    if KINDS[kind]["kind"] == "bedrock":
        ends = ("messageStop", {"stopReason": "end_turn"})
        return [*(eventstream.event(name, json.dumps(said).encode()) for name, said in (*CONVERSES, ends)), EXCEPTION]
    return [ROLE, delta(content="half"), delta("stop"), event(WRONG)]


def ended(said: Any) -> str:
    """What an event is, if it is the end of an answer."""
    return said if isinstance(said, str) else said.get("type", "error" if "error" in said else "")


@pytest.mark.parametrize("at_once", [False, True], ids=["apart", "in one read"])
@pytest.mark.parametrize("kind", ["chat alone", "converse", "claude at bedrock", "anthropic"])
@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
def test_an_error_behind_the_reason_to_finish_spoils_no_answer(
    tmp_path: Path, path: str, kind: str, at_once: bool
) -> None:
    async def main() -> None:
        said = frames(kind, path)
        pieces = [b"".join(said)] if at_once else said
        async with (
            play([SSE, *map(chunked, pieces), LAST]) as south,
            Stage(tmp_path, case(south, kind)) as stage,
        ):
            answer = await stage.ask({**BODIES[path], "stream": True}, path=path)
            assert (answer.status, answer.body.count(b"half") > 0) == (200, True)
            assert ended(answer.events[-1]) in ENDS
            assert "error" not in map(ended, answer.events)
            (record,) = stage.records
            assert (record.outcome, [made.outcome for made in record.attempts]) == ("complete", ["served"])
            assert record.usage is None or "claude" in str(KINDS[kind])

    run(main())
