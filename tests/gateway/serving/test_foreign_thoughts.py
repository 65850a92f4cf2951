"""Thoughts that a Claude signed, and that who is asked does not take back: who else is asked, and when without them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detente.gateway.deciding import health
from detente.gateway.surfaces.responses_thought import packed
from detente.providers.anthropic_error import read_failure
from detente.providers.bedrock.failures import named
from tests.builders import Data
from tests.gateway.http.peer import run
from tests.gateway.script import http, play, refusal
from tests.gateway.serving.bodies import CHAT, MESSAGES, RESPONSES
from tests.gateway.stage import SERVING, Stage, two
from tests.providers.claude_replies import message

WORDS = "messages.1.content.0: Invalid `signature` in `thinking` block"
CHANGED = (
    "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be "
    "modified. These blocks must remain as they were in the original response."
)


def refused(words: str) -> bytes:
    return http({"type": "error", "error": {"type": "invalid_request_error", "message": words}}, "400 Bad Request")


FOREIGN = refused(WORDS)
BUSY = http(refusal("overloaded"), "503 Service Unavailable")
SERVED = http(message([{"type": "text", "text": "ok"}]))
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "S"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "9"}
USER = {"role": "user", "content": "Hi"}
CALL = {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
PACKED = packed({"reasoning_content": "hm", "reasoning_signature": "S"})
TALKS: dict[str, Data] = {
    MESSAGES: {
        "max_tokens": 4000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "messages": [
            USER,
            {"role": "assistant", "content": [THOUGHT, {"type": "redacted_thinking", "data": "R"}, USE]},
            {"role": "user", "content": [RESULT]},
        ],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    },
    CHAT: {
        "messages": [
            USER,
            {"role": "assistant", "reasoning_content": "hm", "reasoning_signature": "S", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "toolu_1", "content": "9"},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    },
    RESPONSES: {
        "store": False,
        "input": [
            USER,
            {"type": "reasoning", "summary": [], "encrypted_content": PACKED},
            {"type": "function_call", "call_id": "toolu_1", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "toolu_1", "output": "9"},
        ],
        "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}}],
    },
}
LEFT_OUT = {MESSAGES: "thinking", CHAT: "thinking", RESPONSES: "reasoning"}


def claudes(tmp_path: Path, south: Any, north: Any, **serving: object) -> Stage:
    data = two(south, north, serving=SERVING | serving)
    for made, played in zip(data["deployments"], (south, north), strict=True):
        made |= {"kind": "anthropic", "name": "claude-haiku-4-5", "endpoint": played.base}
    return Stage(tmp_path, data)


def thoughts(asked: Data) -> list[str]:
    """The kinds of thought that a provider was sent."""
    blocks = [block for turn in asked["messages"] if isinstance(turn["content"], list) for block in turn["content"]]
    return [block["type"] for block in blocks if "thinking" in block["type"]]


@pytest.mark.parametrize("path", TALKS)
def test_another_that_takes_a_thought_serves_the_call(tmp_path: Path, path: str) -> None:
    async def main() -> None:
        async with (
            play(FOREIGN) as south,
            play(SERVED) as north,
            claudes(tmp_path, south, north, lenient=["reasoning"]) as stage,
        ):
            answer = await stage.ask({"model": "m", **TALKS[path]}, path=path)
            assert (answer.status, answer.headers["x-detente-deployment"]) == (200, "north-m")
            assert "x-detente-left-out" not in answer.headers
            assert thoughts(north.asked[0]) == thoughts(south.asked[0]) != []
            assert [a.outcome for a in stage.records[0].attempts] == ["foreign", "served"]

    run(main())


@pytest.mark.parametrize("path", TALKS)
def test_where_nobody_takes_it_the_caller_is_told_how_to_go_on(tmp_path: Path, path: str) -> None:
    async def main() -> None:
        async with play(FOREIGN) as south, play(FOREIGN) as north, claudes(tmp_path, south, north) as stage:
            answer = await stage.ask({"model": "m", **TALKS[path]}, path=path)
            assert answer.status == 400
            said = answer.json["error"]["message"]
            assert said.startswith(WORDS)  # some clients mend the conversation by these words
            assert "`lenient: [reasoning]`" in said
            assert (len(south.requests), len(north.requests)) == (1, 1)
            assert {stage.load.health(name) for name in ("south-m", "north-m")} == {health.WELL}
            assert stage.records[0].outcome == "refused"

    run(main())


@pytest.mark.parametrize("path", TALKS)
def test_who_may_do_without_is_asked_again_without_thoughts(tmp_path: Path, path: str) -> None:
    """By anybody: none of them is asked for the thoughts any more."""

    async def main() -> None:
        async with (
            play(FOREIGN, BUSY) as south,
            play(FOREIGN, SERVED) as north,
            claudes(tmp_path, south, north, lenient=["reasoning"]) as stage,
        ):
            answer = await stage.ask({"model": "m", **TALKS[path]}, path=path)
            assert (answer.status, answer.headers["x-detente-left-out"]) == (200, LEFT_OUT[path])
            asked = north.asked[1]
            assert (thoughts(asked), "thinking" in asked) == ([], False)
            assert asked["messages"][1]["content"] == [USE]
            assert [a.outcome for a in stage.records[0].attempts] == ["foreign", "foreign", "unavailable", "served"]

    run(main())


def test_a_thought_that_was_changed_ends_no_conversation_either(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(refused(CHANGED), SERVED) as south,
            play(refused(CHANGED)) as north,
            claudes(tmp_path, south, north, lenient=["reasoning"]) as stage,
        ):
            answer = await stage.ask({"model": "m", **TALKS[MESSAGES]}, path=MESSAGES)
            assert (answer.status, answer.headers["x-detente-left-out"]) == (200, "thinking")
            assert [a.outcome for a in stage.records[0].attempts] == ["foreign", "foreign", "served"]
            assert [thoughts(asked) for asked in south.asked] == [["thinking", "redacted_thinking"], []]

    run(main())


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (WORDS, "foreign"),
        ("messages.3.content.1: Invalid `data` in `redacted_thinking` block", "foreign"),
        ("messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to another.",
         "foreign"),
        ("messages.7.content.2: Invalid signature in thinking block", "foreign"),
        (CHANGED, "foreign"),
        ("messages.5.content.1: thinking blocks cannot be modified", "foreign"),
        ("messages.1.content.0.thinking.signature: Field required", "refused"),
        ("thinking: Input should be a valid dictionary", "refused"),
        ("messages.1.content.1: `text` blocks of a prefill cannot be modified", "refused"),
    ],
)  # fmt: skip
def test_how_claude_says_it(words: str, kind: str) -> None:
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"%b"}}' % words.encode()
    assert read_failure(400, body, None).kind == kind
    assert named("ValidationException", words, 400).kind == kind
