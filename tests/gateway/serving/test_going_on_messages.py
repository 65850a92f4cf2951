"""A stream that passes through in Anthropic's shape and breaks off: who goes on with it, and what its caller sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detente.providers.messages_usage import UNKNOWN_USE
from tests.builders import Data
from tests.gateway.caller import HELLO, STREAM
from tests.gateway.http.peer import run
from tests.gateway.script import LAST, SSE, Provider, chunked, http, play, refusal
from tests.gateway.serving.bodies import CHAT, MESSAGES, RESPONSES
from tests.gateway.stage import PATIENT, Stage, case_data, two
from tests.providers.test_messages_stream import as_events, as_frames, block, delta, stop

HAIKU, NEWER = "claude-haiku-4-5-20251001", "claude-opus-4-6"
BEGIN: Data = {"type": "message_start", "message": {"id": "msg_1", "model": "there", "usage": {"input_tokens": 5}}}
TEXT, THOUGHT = {"type": "text", "text": ""}, {"type": "thinking", "thinking": "", "signature": ""}
THINKS = [block(0, **THOUGHT), delta(0, type="thinking_delta", thinking="hm")]
SIGNED = [*THINKS, delta(0, type="signature_delta", signature="S"), stop(0)]
END: list[Data] = [
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
    {"type": "message_stop"},
]


BUSY = http(refusal("overloaded"), "503 Service Unavailable")


def says(at: int, text: str) -> Data:
    return delta(at, type="text_delta", text=text)


REST = [BEGIN, block(0, **TEXT), says(0, "llo"), stop(0), *END]
"""What who goes on says, as a message of its own."""


def flow(*events: Data, then: Any = LAST) -> list[Any]:
    return [SSE, chunked(as_events(list(events))), "heard", then]


def claudes(south: Provider, north: Provider, name: str = HAIKU, how: str | None = "assistant") -> Data:
    """South's Claude, and North's, which can go on with what South's began."""
    data = two(south, north, serving=PATIENT | {"on-cut": "continue"})
    for made, played in zip(data["deployments"], (south, north), strict=True):
        made |= {"kind": "anthropic", "name": name, "endpoint": played.base}
    if how is not None:
        data["deployments"][1]["continues"] = how
    return data


def told(events: list[Any]) -> list[tuple[str, int | None]]:
    """What each event is, and of which block."""
    return [(event["type"], event.get("index")) for event in events]


def started(at: int) -> tuple[str, int]:
    return "content_block_start", at


def piece(at: int) -> tuple[str, int]:
    return "content_block_delta", at


def ended(at: int) -> tuple[str, int]:
    return "content_block_stop", at


OVER: list[tuple[str, int | None]] = [("message_delta", None), ("message_stop", None)]
WITHIN = {"messages": [*HELLO["messages"], {"role": "assistant", "content": "he"}], "max_tokens": 99}
AS_ASKED = {"messages": HELLO["messages"], "max_tokens": 100}
WHERE: dict[str, tuple[list[Data], list[Data], list[tuple[str, int | None]], Data, str]] = {
    "within a text": (
        [block(0, **TEXT), says(0, "he")],
        REST,
        [started(0), piece(0), piece(0), ended(0), *OVER],
        WITHIN,
        "hello",
    ),
    "behind a text": (
        [block(0, **TEXT), says(0, "he"), stop(0)],
        REST,
        [started(0), piece(0), ended(0), started(1), piece(1), ended(1), *OVER],
        WITHIN,
        "hello",
    ),
    "behind a text, of which nothing is left to say": (
        [block(0, **TEXT), says(0, "he")],
        [BEGIN, *END],
        [started(0), piece(0), ended(0), *OVER],
        WITHIN,
        "he",
    ),
    "within a text, after a thought": (
        [*SIGNED, block(1, **TEXT), says(1, "he")],
        REST,
        [*told(SIGNED), started(1), piece(1), piece(1), ended(1), *OVER],
        WITHIN | {"max_tokens": 97},
        "hello",
    ),
    "within a thought": (
        THINKS,
        [BEGIN, *SIGNED, block(1, **TEXT), says(1, "hello"), stop(1), *END],
        [
            started(0),
            piece(0),
            ended(0),
            started(1),
            piece(1),
            piece(1),
            ended(1),
            started(2),
            piece(2),
            ended(2),
            *OVER,
        ],
        AS_ASKED,
        "hello",
    ),
}


@pytest.mark.parametrize("name", WHERE)
def test_another_claude_goes_on_within_the_same_message(tmp_path: Path, name: str) -> None:
    before, after, shown, sent, text = WHERE[name]

    async def main() -> None:
        async with (
            play(flow(BEGIN, *before, then="close")) as south,
            play(flow(*after)) as north,
            Stage(tmp_path, claudes(south, north)) as stage,
        ):
            north.heard.set()
            body = {**STREAM, "max_tokens": 100, "thinking": {"type": "adaptive"}}
            answer = await stage.ask(body, south, path=MESSAGES)
            assert told(answer.events) == [("message_start", None), *shown]
            assert "".join(e["delta"].get("text", "") for e in answer.events if e["type"] == piece(0)[0]) == text
            assert b": detente: south-m broke off, north-m goes on" in answer.body
            assert answer.headers["x-detente-on-cut"] == "continue"
            (asked,) = north.asked
            assert {name: asked[name] for name in sent} == sent
            assert "thinking" not in asked
            (record,) = stage.records
            assert (record.outcome, record.deployment, record.continued) == ("complete", "north-m", True)
            assert [(a.deployment, a.used) for a in record.attempts] == [("south-m", "unknown"), ("north-m", None)]

    run(main())


@pytest.mark.parametrize(
    ("said", "rest", "thinks", "left_out"),
    [(WHERE["within a text"][0], REST, False, ("thinking",)), (THINKS, WHERE["within a thought"][1], True, ())],
    ids=["within a text", "within a thought"],
)
def test_a_claude_that_goes_on_thinks_where_no_text_was_given(
    tmp_path: Path, said: list[Data], rest: list[Data], thinks: bool, left_out: tuple[str, ...]
) -> None:
    """A Claude refuses a beginning of its answer beside `thinking` that is enabled."""
    thinking = {"type": "enabled", "budget_tokens": 1024}

    async def main() -> None:
        async with (
            play(flow(BEGIN, *said, then="close")) as south,
            play(flow(*rest)) as north,
            Stage(tmp_path, claudes(south, north)) as stage,
        ):
            north.heard.set()
            await stage.ask({**STREAM, "max_tokens": 2000, "thinking": thinking}, south, path=MESSAGES)
            (asked,) = north.asked
            assert (asked["messages"][-1]["role"], asked.get("thinking")) == (
                ("user", thinking) if thinks else ("assistant", None)
            )
            assert stage.records[0].continued
            assert stage.records[0].left_out == left_out

    run(main())


def begun(*blocks: Any) -> list[Any]:
    return [{"role": "assistant", "content": list(blocks)}]


ONE, WELL = {"type": "text", "text": "One."}, {"type": "text", "text": "Well, ", "citations": None}


@pytest.mark.parametrize("path", [MESSAGES, CHAT])
@pytest.mark.parametrize(
    ("own", "sent"),
    [
        ([{"role": "assistant", "content": "Well, "}], [{"role": "assistant", "content": "Well, he"}]),
        (begun(WELL), begun({**WELL, "text": "Well, he"})),
        (begun(ONE, WELL), begun(ONE, {**WELL, "text": "Well, he"})),
        (begun(WELL, {"type": "image_url", "image_url": {"url": "data:,"}}), None),
        (begun({"type": "text", "text": None}), None),
        (begun(), None),
    ],
)
def test_a_beginning_of_its_caller_s_own_is_lengthened_in_its_own_form(
    tmp_path: Path, path: str, own: list[Any], sent: list[Any] | None
) -> None:
    """South passes on whatever its caller began with: what is right of it, its provider judges."""
    chat = path == CHAT
    before = [SSE, *map(chunked, CHUNKS), "heard", "close"] if chat else flow(BEGIN, *SAYS, then="close")
    after = [SSE, *map(chunked, CHUNKS), chunked(b"data: [DONE]\n\n"), LAST] if chat else flow(*REST)

    async def main() -> None:
        async with play(before) as south, play(after) as north:
            north.heard.set()
            data = claudes(south, north)
            if chat:
                data = two(south, north, serving=data["serving"])
                data["deployments"][1]["continues"] = "assistant"
            async with Stage(tmp_path, data) as stage:
                await stage.ask({**STREAM, "messages": [*HELLO["messages"], *own], "max_tokens": 100}, south, path=path)
                assert len(south.requests) == 1
                asked = [call["messages"] for call in north.asked]
                assert asked == ([[*HELLO["messages"], *sent]] if sent is not None else [])

    run(main())


@pytest.mark.parametrize("last", [False, True], ids=["from Bedrock", "at Bedrock"])
def test_a_claude_at_bedrock_and_one_at_anthropic_go_on_with_each_other(tmp_path: Path, last: bool) -> None:
    """By InvokeModel: the same events, carried in frames."""
    framed = SSE.replace(b"text/event-stream", b"application/vnd.amazon.eventstream")
    begun = [framed if not last else SSE, chunked((as_events if last else as_frames)([BEGIN, *SAYS])), "heard", "close"]
    rest = [framed if last else SSE, chunked((as_frames if last else as_events)(REST)), LAST]

    async def main() -> None:
        async with play(begun) as south, play(rest) as north:
            data = claudes(south, north)
            data["deployments"][last] |= {"kind": "bedrock", "name": "anthropic.claude-haiku-4-5-20251001-v1:0"}
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask({**STREAM, "max_tokens": 100}, south, path=MESSAGES)
                shown = [started(0), piece(0), piece(0), ended(0), *OVER]
                assert told(answer.events) == [("message_start", None), *shown]
                assert north.asked[0]["messages"][-1] == {"role": "assistant", "content": "he"}
                assert stage.records[0].continued

    run(main())


CALLS = [
    block(0, type="tool_use", id="toolu_1", name="look", input={}),
    delta(0, type="input_json_delta", partial_json="{"),
]
SAYS = [block(0, **TEXT), says(0, "he")]
NOT: dict[str, tuple[list[Data], str, str | None, Data]] = {
    "a newer Claude refuses a beginning": (SAYS, NEWER, None, {}),
    "nobody says that it can": (SAYS, HAIKU, None, {}),
    "it called a tool": (CALLS, HAIKU, "assistant", {}),
    "it called a tool behind a text": ([*SAYS, stop(0), block(1, **CALLS[0]["content_block"])], HAIKU, "assistant", {}),
    "its text ends with a blank": ([block(0, **TEXT), says(0, "he ")], HAIKU, "assistant", {}),
    "it is bound to a form": (
        SAYS,
        HAIKU,
        "assistant",
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
    ),
}


@pytest.mark.parametrize("name", NOT)
def test_where_nobody_goes_on_the_stream_ends_with_an_error(tmp_path: Path, name: str) -> None:
    said, model, how, more = NOT[name]

    async def main() -> None:
        async with (
            play(flow(BEGIN, *said, then="close")) as south,
            play(flow(*REST)) as north,
            Stage(tmp_path, claudes(south, north, model, how)) as stage,
        ):
            answer = await stage.ask({**STREAM, "max_tokens": 100, **more}, south, path=MESSAGES)
            assert told(answer.events) == [*told([BEGIN, *said]), ("error", None)]
            assert north.requests == []
            assert stage.records[0].outcome == "cut"
            claims = how is not None and not more and "called a tool" not in name  # which came with the first content
            assert ("x-detente-on-cut" in answer.headers) is claims

    run(main())


def test_the_head_claims_what_any_claude_goes_on_with_that_is_cut_within_a_thought(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(flow(BEGIN, *THINKS, then="close")) as south,
            play(flow(*REST)) as north,
            Stage(tmp_path, claudes(south, north, NEWER, None)) as stage,
        ):
            north.heard.set()
            answer = await stage.ask({**STREAM, "max_tokens": 100}, south, path=MESSAGES)
            assert answer.headers["x-detente-on-cut"] == "continue"
            assert stage.records[0].continued

    run(main())


def test_the_head_claims_nothing_of_one_that_has_failed(tmp_path: Path) -> None:
    """South, which could go on, was asked before: when North breaks off, nobody is left."""

    async def main() -> None:
        async with (
            play(BUSY, BUSY) as south,
            play(flow(BEGIN, *SAYS, then="close")) as north,
        ):
            data = claudes(south, north, how=None)
            data["deployments"][0]["continues"] = "assistant"
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask({**STREAM, "max_tokens": 100}, north, path=MESSAGES)
                assert told(answer.events) == [*told([BEGIN, *SAYS]), ("error", None)]
                assert [a.deployment for a in stage.records[0].attempts] == ["south-m", "south-m", "north-m"]
                assert "x-detente-on-cut" not in answer.headers

    run(main())


@pytest.mark.parametrize(("window", "claims"), [(1000, False), (3000, True)])
def test_the_head_claims_nothing_of_one_whose_window_the_call_outgrew(
    tmp_path: Path, window: int, claims: bool
) -> None:
    """South's window of 1,000 tokens is too short, and North's of 2,000 is not."""
    long = http({"error": {"message": "too long", "code": "context_length_exceeded"}}, "400 Bad Request")

    async def main() -> None:
        said = [SSE, *map(chunked, CHUNKS), "heard", "close"]
        async with play(long) as south, play(said) as north, play("close", "close") as east:
            bases = {"south": south.base, "north": north.base, "east": east.base}
            data = case_data(bases, serving=PATIENT | {"on-cut": "continue"})
            for offer, context in zip(data["offers"], (1000, 2000, window), strict=True):
                offer["context"] = context
            data["deployments"][2]["continues"] = "assistant"
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask(STREAM, north)
                assert ("x-detente-on-cut" in answer.headers) is claims
                assert bool(east.requests) is claims

    run(main())


def test_a_message_with_all_the_tokens_that_it_may_have_is_at_its_limit(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(flow(BEGIN, *SAYS, then="close")) as south,
            play(flow(*REST)) as north,
            Stage(tmp_path, claudes(south, north)) as stage,
        ):
            answer = await stage.ask({**STREAM, "max_tokens": 1}, south, path=MESSAGES)
            assert told(answer.events) == [*told([BEGIN, *SAYS]), ended(0), *OVER]
            assert answer.events[-2]["delta"]["stop_reason"] == "max_tokens"
            # Whoever broke off told no use, which is marked: clients take nothing but numbers there.
            assert answer.events[-2]["usage"] == {"input_tokens": 0, "output_tokens": 0}
            assert answer.body.count(UNKNOWN_USE) == 1
            assert north.requests == []
            assert (stage.records[0].outcome, stage.records[0].finish) == ("complete", "length")

    run(main())


CHUNKS = [b'data: {"choices": [{"delta": {"content": "he"}}]}\n\n']
RESPONDS = [
    b'data: {"type": "response.created", "response": {"id": "resp_1", "model": "m"}}\n\n',
    b'data: {"type": "response.output_text.delta", "delta": "he"}\n\n',
]


@pytest.mark.parametrize(
    ("path", "more", "said", "claims"),
    [
        (CHAT, {"continues": "assistant"}, CHUNKS, True),
        (CHAT, {"continues": "assistant", "n": 2}, CHUNKS, False),
        (CHAT, {}, CHUNKS, False),
        (MESSAGES, {"continues": "vllm"}, CHUNKS, True),
        (RESPONSES, {"continues": "assistant", "serves": ["chat", "responses"]}, RESPONDS, False),
        (RESPONSES, {"continues": "assistant"}, CHUNKS, True),
    ],
)
def test_the_head_claims_that_a_stream_goes_on_where_it_may(
    tmp_path: Path, path: str, more: Data, said: list[bytes], claims: bool
) -> None:
    asked: Data = {"input": "hi", "model": "m", "store": False, "stream": True} if path == RESPONSES else STREAM
    body = {**asked, **({"max_tokens": 9} if path == MESSAGES else {}), **({"n": more["n"]} if "n" in more else {})}

    async def main() -> None:
        async with play([SSE, *map(chunked, said), "heard", "close"]) as south, play("close", "close") as north:
            data = two(south, north, serving=PATIENT | {"on-cut": "continue"})
            for made in data["deployments"]:
                made |= {name: value for name, value in more.items() if name != "n"}
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask(body, south, path=path)
                assert ("x-detente-on-cut" in answer.headers) is claims

    run(main())
