"""A stream that passes through as a response and breaks off: who goes on with it, and what its caller sees."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.surfaces.responses_pin import open as open_id
from tests.builders import Data
from tests.gateway.http.peer import run
from tests.gateway.script import LAST, SSE, Provider, chunked, play
from tests.gateway.serving.bodies import RESPONSES
from tests.gateway.stage import PATIENT, Stage, case_data, two
from tests.gateway.surfaces.corpora import openai_client
from tests.waiting import so

ASKED: Data = {"input": "hi", "model": "m", "store": False, "stream": True, "max_output_tokens": 100}


def said(kind: str, **more: Any) -> Data:
    return {"type": f"response.{kind}", **more}


def of(made_by: str, *events: Data) -> list[Data]:
    """A stream of events: its response, and their numbers."""
    begun = said("created", response={"id": f"resp_{made_by}", "created_at": 7, "model": "there", "output": []})
    return [{**event, "sequence_number": at} for at, event in enumerate([begun, *events])]


def flow(events: list[Data], then: Any = LAST) -> list[Any]:
    data = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
    return [SSE, chunked(b"".join(data)), "heard", then]


def text_part(text: str) -> Data:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message(made_by: str, text: str, status: str = "completed") -> Data:
    return {
        "id": f"msg_{made_by}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [text_part(text)] if text else [],
    }


def begins(at: int, made_by: str) -> list[Data]:
    where = {"item_id": f"msg_{made_by}", "output_index": at, "content_index": 0}
    return [
        said("output_item.added", output_index=at, item=message(made_by, "", "in_progress")),
        said("content_part.added", part=text_part(""), **where),
    ]


def piece(at: int, made_by: str, text: str) -> Data:
    return said("output_text.delta", item_id=f"msg_{made_by}", output_index=at, content_index=0, delta=text)


def part_ends(at: int, made_by: str, text: str) -> list[Data]:
    where = {"item_id": f"msg_{made_by}", "output_index": at, "content_index": 0}
    return [said("output_text.done", text=text, **where), said("content_part.done", part=text_part(text), **where)]


def ends(at: int, made_by: str, text: str) -> list[Data]:
    return [
        *part_ends(at, made_by, text),
        said("output_item.done", output_index=at, item=message(made_by, text)),
    ]


def over(made_by: str, *output: Data) -> Data:
    usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    response = {"id": f"resp_{made_by}", "created_at": 9, "model": "there", "status": "completed"}
    return said("completed", response={**response, "output": list(output), "usage": usage})


THOUGHT: Data = {"id": "rs_s", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}


def thinks(item: Data) -> list[Data]:
    part = {"item_id": item["id"], "output_index": 0, "summary_index": 0}
    return [
        said("output_item.added", output_index=0, item={**item, "summary": []}),
        said("reasoning_summary_part.added", part={"type": "summary_text", "text": ""}, **part),
        said("reasoning_summary_text.delta", delta="hm", **part),
    ]


THINKS = thinks(THOUGHT)
THOUGHT_THROUGH = [*THINKS, said("output_item.done", output_index=0, item=THOUGHT)]
OTHER = {**THOUGHT, "id": "rs_n"}
OTHER_THOUGHT = [*thinks(OTHER), said("output_item.done", output_index=0, item=OTHER)]
HE, LLO = [*begins(0, "s"), piece(0, "s", "he")], piece(0, "n", "llo")
REST = [*begins(0, "n"), LLO, *ends(0, "n", "llo"), over("n", message("n", "llo"))]
"""What who goes on says, as a response of its own."""
PREFIX = {"type": "message", "id": "msg_begun", "role": "assistant", "status": "in_progress"}
WITHIN: Data = {
    "input": [
        {"role": "user", "content": "hi"},
        {**PREFIX, "content": [{"type": "output_text", "text": "he", "annotations": []}]},
    ],
    "max_output_tokens": 99,
}
AS_ASKED: Data = {"input": "hi", "max_output_tokens": 100}
WHERE: dict[str, tuple[list[Data], list[Data], list[Data], Data]] = {
    "within a text": (
        HE,
        REST,
        [piece(0, "s", "llo"), *ends(0, "s", "hello"), over("s", message("s", "hello"))],
        WITHIN,
    ),
    "before a part of its message": (
        [*THOUGHT_THROUGH, begins(1, "s")[0]],
        REST,
        [
            begins(1, "s")[1],
            piece(1, "s", "llo"),
            *ends(1, "s", "llo"),
            over("s", THOUGHT, message("s", "llo")),
        ],
        AS_ASKED,
    ),
    "behind its part": (
        [*HE, *part_ends(0, "s", "he")],
        REST,
        [
            {**HE[1], "content_index": 1},
            {**piece(0, "s", "llo"), "content_index": 1},
            *({**event, "content_index": 1} for event in part_ends(0, "s", "llo")),
            said(
                "output_item.done",
                output_index=0,
                item={**message("s", "he"), "content": [text_part("he"), text_part("llo")]},
            ),
            over("s", {**message("s", "he"), "content": [text_part("he"), text_part("llo")]}),
        ],
        WITHIN,
    ),
    "behind a message": (
        [*HE, *ends(0, "s", "he")],
        REST,
        [
            *begins(1, "n"),
            piece(1, "n", "llo"),
            *ends(1, "n", "llo"),
            over("s", message("s", "he"), message("n", "llo")),
        ],
        WITHIN,
    ),
    "within a text, of which nothing is left to say": (
        HE,
        [said("output_item.added", output_index=0, item=THOUGHT), over("n", THOUGHT)],
        [
            said("output_item.added", output_index=1, item=THOUGHT),
            *({**event, "logprobs": []} if "text" in event else event for event in ends(0, "s", "he")),
            over("s", message("s", "he"), THOUGHT),
        ],
        WITHIN,
    ),
    "within a text, after a thought, and another thinks first": (
        [*THOUGHT_THROUGH, *begins(1, "s"), piece(1, "s", "he")],
        [
            *OTHER_THOUGHT,
            *begins(1, "n"),
            piece(1, "n", "llo"),
            *ends(1, "n", "llo"),
            over("n", OTHER, message("n", "llo")),
        ],
        [
            *({**event, "output_index": 2} for event in OTHER_THOUGHT),
            piece(1, "s", "llo"),
            *ends(1, "s", "hello"),
            over("s", THOUGHT, message("s", "hello"), OTHER),
        ],
        WITHIN | {"max_output_tokens": 98},
    ),
    "within a thought": (
        THINKS,
        REST,
        [
            *begins(1, "n"),
            piece(1, "n", "llo"),
            *ends(1, "n", "llo"),
            over("s", THOUGHT | {"status": "incomplete"}, message("n", "llo")),
        ],
        AS_ASKED,
    ),
}


def responding(south: Provider, north: Provider, how: str | None = "vllm", **more: Any) -> Data:
    """South and North, which serve responses; North can go on with what South began."""
    data = two(south, north, serving=PATIENT | {"on-cut": "continue"} | more)
    for made in data["deployments"]:
        made["serves"] = ["chat", "responses"]
    if how is not None:
        data["deployments"][1]["continues"] = how
    return data


def numbered(events: list[Data]) -> list[Data]:
    """The same as a caller sees them: numbers without gaps, the model's name, and the id that came first."""
    shown = [{**event, "sequence_number": at} for at, event in enumerate(events)]
    for event in shown:
        if "response" in event:
            event["response"] = {**event["response"], "id": "resp_s", "created_at": 7, "model": "m"}
    return shown


@pytest.mark.parametrize("name", WHERE)
def test_another_goes_on_within_the_same_response(tmp_path: Path, name: str) -> None:
    before, after, shown, sent = WHERE[name]

    async def main() -> None:
        async with (
            play(flow(of("s", *before), then="close")) as south,
            play(flow(of("n", *after))) as north,
            Stage(tmp_path, responding(south, north)) as stage,
        ):
            north.heard.set()
            answer = await stage.ask(ASKED, south, path=RESPONSES)
            assert answer.events == numbered([*of("s", *before), *shown])
            with (
                openai_client(answer.body, stream=True) as client,
                client.responses.stream(model="m", input="hi") as reading,
            ):
                texts = [part["text"] for item in shown[-1]["response"]["output"] for part in item.get("content", ())]
                assert reading.get_final_response().output_text == "".join(texts)
            assert b": detente: south-m broke off, north-m goes on" in answer.body
            assert answer.headers["x-detente-on-cut"] == "continue"
            (asked,) = north.asked
            assert {name: asked[name] for name in sent} == sent
            (record,) = stage.records
            assert (record.outcome, record.deployment, record.continued) == ("complete", "north-m", True)
            assert [(a.deployment, a.used) for a in record.attempts] == [("south-m", "unknown"), ("north-m", None)]
            assert record.usage is not None
            assert (record.usage.input, record.usage.output) == (5, 2)

    run(main())


CALL = {"id": "fc_1", "type": "function_call", "call_id": "c", "name": "f", "arguments": ""}
CALLS = [
    said("output_item.added", output_index=0, item=CALL),
    said("function_call_arguments.delta", item_id="fc_1", output_index=0, delta="{"),
]
REFUSES = said("content_part.added", item_id="msg_s", output_index=0, content_index=0, part={"type": "refusal"})
CITES = said("output_text.annotation.added", item_id="msg_s", output_index=0, content_index=0, annotation={})
NOT: dict[str, tuple[list[Data], str | None, Data, bool]] = {
    "nobody says that it can": (HE, None, {}, False),
    "who could is told otherwise": (HE, "assistant", {}, False),
    "it called a tool": (CALLS, "vllm", {}, False),
    "it called a tool behind a text": ([*HE, *ends(0, "s", "he"), {**CALLS[0], "output_index": 1}], "vllm", {}, False),
    "its text ends with a blank": ([*begins(0, "s"), piece(0, "s", "he ")], "vllm", {}, True),
    "it refuses": ([HE[0], REFUSES, said("refusal.delta", output_index=0, delta="no")], "vllm", {}, False),
    "it cites": ([*HE, CITES], "vllm", {}, False),
    "its text began without a message": (HE[2:], "vllm", {}, False),
    "it is bound to a form": (
        HE,
        "vllm",
        {"text": {"format": {"type": "json_schema", "name": "x", "schema": {}}}},
        False,
    ),
    "its probabilities are asked for": (HE, "vllm", {"include": ["message.output_text.logprobs"]}, False),
    "its caller began with what is no text": (
        HE,
        "vllm",
        {"input": [{"role": "assistant", "status": "in_progress", "content": [{"type": "refusal", "refusal": "n"}]}]},
        True,
    ),
}


@pytest.mark.parametrize("name", NOT)
def test_where_nobody_goes_on_the_response_ends_with_an_error(tmp_path: Path, name: str) -> None:
    before, how, more, claims = NOT[name]

    async def main() -> None:
        async with (
            play(flow(of("s", *before), then="close")) as south,
            play(flow(of("n", *REST))) as north,
            Stage(tmp_path, responding(south, north, how)) as stage,
        ):
            answer = await stage.ask({**ASKED, **more}, south, path=RESPONSES)
            assert answer.events[:-1] == numbered(of("s", *before))
            assert answer.events[-1]["type"] == "error"
            assert north.requests == []
            assert stage.records[0].outcome == "cut"
            assert ("x-detente-on-cut" in answer.headers) is claims

    run(main())


def test_a_beginning_of_its_caller_s_own_is_lengthened(tmp_path: Path) -> None:
    own: Data = {"role": "assistant", "status": "incomplete", "content": [{"type": "output_text", "text": "Well, "}]}

    async def main() -> None:
        async with (
            play(flow(of("s", *HE), then="close")) as south,
            play(flow(of("n", *REST))) as north,
            Stage(tmp_path, responding(south, north)) as stage,
        ):
            north.heard.set()
            await stage.ask({**ASKED, "input": [own]}, south, path=RESPONSES)
            assert north.asked[0]["input"] == [{**own, "content": [{"type": "output_text", "text": "Well, he"}]}]

    run(main())


def test_a_response_with_all_the_tokens_that_it_may_have_is_at_its_limit(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(flow(of("s", *THOUGHT_THROUGH, *begins(1, "s"), piece(1, "s", "he")), then="close")) as south,
            play(flow(of("n", *REST))) as north,
            Stage(tmp_path, responding(south, north)) as stage,
        ):
            answer = await stage.ask({**ASKED, "max_output_tokens": 2}, south, path=RESPONSES)
            *_, done, last = answer.events
            cut = message("s", "he", "incomplete")
            assert (done["type"], done["item"]) == ("response.output_item.done", cut)
            response = last["response"]
            assert (last["type"], response["incomplete_details"]) == (
                "response.incomplete",
                {"reason": "max_output_tokens"},
            )
            assert (response["id"], response["output"], response["usage"]) == ("resp_s", [THOUGHT, cut], None)
            assert [event["sequence_number"] for event in answer.events] == list(range(len(answer.events)))
            assert north.requests == []
            assert (stage.records[0].outcome, stage.records[0].finish) == ("complete", "length")

    run(main())


def test_who_goes_on_may_break_off_too_and_a_third_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        part = [*begins(0, "n"), piece(0, "n", "l")]
        rest = [*begins(0, "e"), piece(0, "e", "lo"), *ends(0, "e", "lo"), over("e", message("e", "lo"))]
        async with (
            play(flow(of("s", *HE), then="close")) as south,
            play(flow(of("n", *part), then="close")) as north,
            play(flow(of("e", *rest))) as east,
        ):
            east.heard.set()
            bases = {"south": south.base, "north": north.base, "east": east.base}
            data = case_data(bases, serving=PATIENT | {"on-cut": "continue"})
            for made in data["deployments"]:
                made |= {"continues": "vllm", "serves": ["responses"]}
            async with Stage(tmp_path, data) as stage:
                answer = await stage.ask(ASKED, south, north, path=RESPONSES)
                told = [
                    piece(0, "s", "l"),
                    piece(0, "s", "lo"),
                    *ends(0, "s", "hello"),
                    over("s", message("s", "hello")),
                ]
                assert answer.events == numbered([*of("s", *HE), *told])
                assert east.asked[0]["input"][-1]["content"][0]["text"] == "hel"

    run(main())


def test_a_response_keeps_its_id_and_each_thought_says_who_made_it(tmp_path: Path) -> None:
    """OpenAI's client raises where the id changes. Nobody stores all of it, and it says so."""
    own = {**THOUGHT, "encrypted_content": "X"}
    thought = said("output_item.done", output_index=0, item=own)

    async def main() -> None:
        async with (
            play(flow(of("s", *THINKS, thought), then="close")) as south,
            play(flow(of("n", THINKS[0], thought, over("n", own)))) as north,
            Stage(tmp_path, responding(south, north, None)) as stage,
        ):
            north.heard.set()
            answer = await stage.ask({**ASKED, "store": True}, south, path=RESPONSES)
            first, last = answer.events[0]["response"], answer.events[-1]["response"]
            made = [item["encrypted_content"] for item in last["output"]]
            assert made == ["dte1~south-m~X", "dte1~north-m~X"]
            assert open_id(first["id"], "chat") == ("south-m", "resp_s")
            assert (last["id"], last["store"]) == (first["id"], False)

    run(main())


def test_numbers_go_on_from_signs_of_life(tmp_path: Path) -> None:
    """The gateway gave the response its name while nobody had said anything."""

    async def main() -> None:
        gate = asyncio.Event()
        async with (
            play([gate, *flow(of("s", *HE), then="close")]) as south,
            play(flow(of("n", *REST))) as north,
        ):
            data = responding(south, north)
            data["serving"] |= {"keep-alive": "15 s"}
            async with Stage(tmp_path, data) as stage:
                north.heard.set()
                call = asyncio.create_task(stage.ask(ASKED, south, path=RESPONSES))
                await so(lambda: south.requests)
                stage.passes(16)
                gate.set()
                answer = await call
                kinds = [event["type"].removeprefix("response.") for event in answer.events]
                assert kinds[:3] == ["created", "in_progress", "output_item.added"]
                assert [event["sequence_number"] for event in answer.events] == list(range(len(kinds)))
                own, end = answer.events[0]["response"], answer.events[-1]["response"]
                assert (end["id"], end["output"]) == (own["id"], [message("s", "hello")])

    run(main(), plain=True)
