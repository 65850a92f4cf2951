"""Our own credential where a provider spreads it over several pieces of a stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.gateway.serving.call.redaction import SHORTEST, STRUCK, sought
from detente.gateway.serving.call.spread_secret import SpreadSecret
from detente.providers import sse
from tests.gateway.caller import STREAM
from tests.gateway.http.peer import run
from tests.gateway.script import DONE, LAST, ROLE, SSE, chunked, delta, play
from tests.gateway.stage import SECRET, Stage, one

KEY = "sk-proj-abcdefghij"


def chat(text: str) -> bytes:
    return delta(content=text)


def message(text: str) -> bytes:
    said = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return sse.event(json.dumps(said).encode(), "content_block_delta")


def response(text: str) -> bytes:
    said = {"type": "response.output_text.delta", "item_id": "msg_1", "delta": text}
    return sse.event(json.dumps(said).encode(), "response.output_text.delta")


SHAPES: dict[str, tuple[Any, Any]] = {
    "chat": (chat, lambda said: said["choices"][0]["delta"]["content"]),
    "messages": (message, lambda said: said["delta"]["text"]),
    "responses": (response, lambda said: said["delta"]),
}


def text_of(data: bytes, shape: str) -> str:
    found = [sse.data_of(event) for event in sse.split(data)]
    return "".join(SHAPES[shape][1](json.loads(said)) for said in found if said)


def told(parts: list[bytes]) -> bytes:
    hides = SpreadSecret(sought((KEY,)))
    return b"".join([*map(hides.struck, parts), hides.rest()])


@settings(max_examples=60)
@given(st.data())
def test_a_secret_whose_beginning_ends_a_piece_is_struck_however_many_it_is_spread_over(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(sorted(SHAPES)))
    cuts = sorted(data.draw(st.sets(st.integers(SHORTEST, len(KEY) - 1), min_size=1)))
    pieces = [KEY[a:b] for a, b in zip([0, *cuts], [*cuts, len(KEY)], strict=True)]
    pieces = ["it is ", f"see {pieces[0]}", *pieces[1:-1], f"{pieces[-1]}, I think", " so"]
    events = [SHAPES[shape][0](piece) for piece in pieces]
    events.insert(data.draw(st.integers(0, len(events))), b": alive\n\n")
    at = sorted(data.draw(st.sets(st.integers(1, len(events) - 1))))
    parts = [b"".join(events[a:b]) for a, b in zip([0, *at], [*at, len(events)], strict=True)]
    assert text_of(told(parts), shape) == f"it is see {STRUCK}, I think so"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "pieces",
    [
        ["keys begin with sk-proj-", " and go on otherwise"],
        ["sk-proj-a", "sk-proj-", "x"],
        ["sk-proj-abc", "def", "x"],
        ["it ends with sk-proj-"],
        ["sk-proj-abc", ""],
    ],
)
def test_what_only_begins_as_a_secret_is_told_as_it_was(shape: str, pieces: list[str]) -> None:
    events = [SHAPES[shape][0](piece) for piece in pieces]
    assert told(events) == b"".join(events)


def test_nothing_else_waits_and_an_event_that_waits_comes_before_what_follows() -> None:
    hides = SpreadSecret(sought((KEY,)))
    assert hides.struck(chat("a")) == chat("a")
    assert hides.struck(chat("b") + chat("sk-proj-")) == chat("b")
    assert hides.struck(b"") == b""
    assert hides.struck(chat("c")) == chat("sk-proj-") + chat("c")
    assert hides.rest() == b""


def test_a_caller_sees_none_of_it(tmp_path: Path) -> None:
    async def main() -> None:
        said = (ROLE, chat("It is "), chat(SECRET[:10]), chat(SECRET[10:] + "."), delta("stop"), DONE)
        async with play([SSE, *map(chunked, said), LAST]) as south, Stage(tmp_path, one(south)) as stage:
            answer = await stage.ask(STREAM)
            assert answer.said == "It is [credential]."
            assert answer.events[-1] == "[DONE]"

    run(main())
