"""On each path, of each kind of deployment: whether one of each kind goes on with its stream, as the head claims."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from tests.builders import Data
from tests.gateway.caller import STREAM
from tests.gateway.http.peer import run
from tests.gateway.script import DONE, LAST, ROLE, SSE, USED, chunked, delta, play
from tests.gateway.serving import test_going_on_messages as messages
from tests.gateway.serving import test_going_on_responses as responses
from tests.gateway.serving.bodies import CHAT, MESSAGES, RESPONSES
from tests.gateway.stage import PATIENT, Stage, two

Kind = Literal["chat", "responds", "claude"]
KINDS: dict[Kind, Data] = {
    "chat": {"continues": "assistant"},
    "responds": {"continues": "vllm", "serves": ["chat", "responses"]},
    "claude": {"continues": "assistant", "kind": "anthropic", "name": messages.HAIKU},
}
"""Each says that it can be told to go on."""
ASKED: dict[str, Data] = {CHAT: STREAM, MESSAGES: {**STREAM, "max_tokens": 99}, RESPONSES: responses.ASKED}
GOES_ON: dict[str, dict[Kind, set[Kind]]] = {
    CHAT: {"chat": {"chat", "responds"}, "responds": {"chat", "responds"}, "claude": {"chat", "responds"}},
    MESSAGES: {"chat": {"chat", "responds"}, "responds": {"chat", "responds"}, "claude": {"claude"}},
    RESPONSES: {"chat": {"chat"}, "responds": {"responds"}, "claude": {"chat"}},
}
"""By path and who began: who goes on with a text. One stream is asked for in one shape."""


def plays(path: str, kind: Kind, *, begins: bool) -> list[Any]:
    """What a deployment says on a path: the beginning of a text, or its rest."""
    if kind == "claude":
        said = [messages.BEGIN, *messages.SAYS] if begins else messages.REST
        return messages.flow(*said, then="close" if begins else LAST)
    if kind == "responds" and path == RESPONSES:
        return responses.flow(
            responses.of("s", *(responses.HE if begins else responses.REST)), "close" if begins else LAST
        )
    chunks = (ROLE, delta(content="he")) if begins else (ROLE, delta(content="llo"), delta("stop"), USED, DONE)
    return [SSE, *map(chunked, chunks), "heard", "close" if begins else LAST]


@pytest.mark.parametrize("after", KINDS)
@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("path", GOES_ON)
def test_who_goes_on_and_what_the_head_claims(tmp_path: Path, path: str, first: Kind, after: Kind) -> None:
    expected = after in GOES_ON[path][first]

    async def main() -> None:
        async with (
            play(plays(path, first, begins=True)) as south,
            play(plays(path, after, begins=False)) as north,
        ):
            north.heard.set()
            native = path == RESPONSES and after == "responds" != first  # it is asked first, and breaks nothing off
            asked_first = [] if native else [south]
            data = two(south, north, serving=PATIENT | {"on-cut": "continue"})
            for made, kind, played in zip(data["deployments"], (first, after), (south, north), strict=True):
                made |= KINDS[kind] | ({"endpoint": played.base} if kind == "claude" else {})
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask(ASKED[path], *asked_first, path=path)
                (record,) = stage.records
                assert (record.continued, b"north-m goes on" in answer.body) == (expected, expected)
                assert ("x-detente-on-cut" in answer.headers) is expected

    run(main())
