"""Odd replies and streams: no answer, usage that is none, bytes that are no text, calls of tools without a number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from detente.ledger.journals.record import TokenCounts
from detente.providers.messages_usage import UNKNOWN_USE
from tests.builders import Data
from tests.gateway.caller import STREAM, Answer
from tests.gateway.http.peer import run
from tests.gateway.script import DONE, LAST, ROLE, SERVED, SSE, chunked, completion, delta, event, http, play
from tests.gateway.serving.bodies import BODIES, CHAT, EMBEDDINGS, MESSAGES, RESPONSES
from tests.gateway.stage import SERVING, Stage, case_data, one

VECTORS = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "m"}
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "model": "m", "output": [{}]}
GOOD: dict[str, Data] = {CHAT: completion(), EMBEDDINGS: VECTORS, RESPONSES: RESPONSE, MESSAGES: completion()}
SERVES = ["chat", "embeddings", "responses"]


def both(south: Any, north: Any) -> Data:
    """South and North, which serve every path."""
    data = case_data({"south": south.base, "north": north.base}, serving=SERVING)
    for made in data["deployments"]:
        made["serves"] = SERVES
    return data


NOTHING: tuple[Data, ...] = (
    *({}, {"choices": None}, {"choices": []}, {"choices": [{}]}, {"output": None}),
    *({"data": []}, {"data": [{"index": 0, "embedding": []}]}),
)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("said", NOTHING, ids=str)
def test_a_reply_of_status_200_that_holds_no_answer_fails_over(tmp_path: Path, path: str, said: Data) -> None:
    async def main() -> None:
        async with (
            play(http(said)) as south,
            play(http(GOOD[path])) as north,
            Stage(tmp_path, both(south, north)) as stage,
        ):
            answer = await stage.ask(BODIES[path], path=path)
            assert (answer.status, answer.headers["x-detente-deployment"]) == (200, "north-m")

    run(main())


ODD: tuple[Any, ...] = ([], ["prompt_tokens"], "12 tokens", 12, {"prompt_tokens": 1.5, "completion_tokens": []})


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("usage", ODD, ids=str)
def test_an_odd_usage_is_unknown_use_and_spoils_no_reply(tmp_path: Path, path: str, usage: Any) -> None:
    async def main() -> None:
        async with (
            play(http({**GOOD[path], "usage": usage})) as south,
            Stage(tmp_path, both(south, south)) as stage,
        ):
            answer = await stage.ask(BODIES[path], path=path)
            assert (answer.status, stage.records[0].usage) == (200, None)
            assert answer.headers["x-detente-usage"] == "unknown"
            # Anthropic's clients take nothing but numbers there, and OpenAI's null.
            assert answer.json["usage"] == ({"input_tokens": 0, "output_tokens": 0} if path == MESSAGES else None)

    run(main())


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("usage", ODD, ids=str)
def test_an_odd_usage_spoils_no_stream(tmp_path: Path, path: str, usage: Any) -> None:
    async def main() -> None:
        odd = event({"choices": None, "usage": usage})
        script = [SSE, *map(chunked, (ROLE, delta(content="hello"), odd, delta("stop"), DONE)), LAST]
        async with play(script) as south, Stage(tmp_path, one(south)) as stage:
            answer = await stage.ask({**BODIES[path], "stream": True}, path=path)
            assert b"hello" in answer.body
            assert b'"choices": null' not in answer.body  # clients go through them
            told = [said.get("usage") for said in answer.events if isinstance(said, dict)]
            assert not [usage for usage in told if usage is not None and (path == CHAT or usage["output_tokens"])]
            assert answer.body.count(UNKNOWN_USE) == (path == MESSAGES)
            assert stage.records[0].outcome == "complete"
            assert stage.records[0].usage is None

    run(main())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
def test_bytes_that_are_no_utf_8_are_broken_on_every_path(tmp_path: Path, path: str, stream: bool) -> None:
    async def main() -> None:
        if not stream:
            bad: Sequence[Any] = [http(GOOD[path]).replace(b'"m"', b'"\xff"')]
        elif path == RESPONSES:
            bad = [
                SSE,
                chunked(event({"type": "response.output_text.delta", "delta": "?"}).replace(b"?", b"\xff")),
                LAST,
            ]
        else:
            bad = [SSE, chunked(ROLE), chunked(delta(content="?").replace(b"?", b"\xff")), LAST]
        async with play([*bad]) as south, Stage(tmp_path, both(south, south)) as stage:
            answer = await stage.ask({**BODIES[path], "stream": stream}, path=path)
            assert answer.status == 502
            assert "UTF-8" in answer.json["error"]["message"]
            assert stage.records[0].outcome == "failed"

    run(main())


@pytest.mark.parametrize("path", [CHAT, EMBEDDINGS, RESPONSES, MESSAGES])
def test_a_reply_that_ends_with_its_connection_is_served_whole_and_a_part_of_it_fails_over(
    tmp_path: Path, path: str
) -> None:
    """A JSON text says itself whether it is whole."""

    async def main() -> None:
        head, _, body = http(GOOD[path]).partition(b"\r\n\r\n")
        head = head.partition(b"\r\n")[0] + b"\r\n\r\n"
        async with (
            play([head, body, "close"], [head, body[:-1], "close"]) as south,
            play(http(GOOD[path])) as north,
            Stage(tmp_path, both(south, north)) as stage,
        ):
            for deployment in ("south-m", "north-m"):
                answer = await stage.ask(BODIES[path], path=path)
                assert (answer.status, answer.headers["x-detente-deployment"]) == (200, deployment)
            (_, second) = stage.records
            assert (second.attempts[0].deployment, second.attempts[0].outcome) == ("south-m", "broken")

    run(main())


@pytest.mark.parametrize(("pieces", "outcome"), [((delta("stop"),), "complete"), ((), "cut")], ids=["whole", "cut"])
def test_a_stream_that_ends_with_its_connection_is_whole_once_it_gave_its_reason(
    tmp_path: Path, pieces: Sequence[bytes], outcome: str
) -> None:
    async def main() -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
        script = [head, ROLE, delta(content="hello"), *pieces, "close"]
        async with play(script) as south, Stage(tmp_path, one(south)) as stage:
            answer = await stage.ask(STREAM)
            assert b"hello" in answer.body
            assert stage.records[0].outcome == outcome

    run(main())


def calls(answer: Answer) -> dict[int, tuple[str, str]]:
    """Calls of tools by their number, as a client of OpenAI's joins them."""
    found: dict[int, tuple[str, str]] = {}
    for said in answer.events[:-1]:
        for call in said["choices"][0]["delta"].get("tool_calls", []):
            id_, text = found.get(call["index"], ("", ""))
            found[call["index"]] = (call.get("id") or id_, text + call["function"].get("arguments", ""))
    return found


@pytest.mark.parametrize("number", [{"index": 0}, {}, {"index": None}], ids=str)
def test_parallel_calls_are_told_apart_by_their_ids(tmp_path: Path, number: Data) -> None:
    async def main() -> None:
        pieces = [
            delta(tool_calls=[{**number, "id": id_, "type": "function", "function": {"name": "f", "arguments": text}}])
            for id_, text in (("a", '{"x":'), ("b", '{"y":'))
        ]
        more = [
            delta(tool_calls=[{**number, "id": id_, "function": {"arguments": text}}]) for id_, text in (("a", "1}"),)
        ]
        last = [delta(tool_calls=[{**number, "id": "b", "function": {"arguments": "2}"}}])]
        script = [SSE, *map(chunked, (ROLE, *pieces, *more, *last, delta("tool_calls"), DONE)), LAST]
        async with play(script) as south, Stage(tmp_path, one(south)) as stage:
            assert calls(await stage.ask(STREAM)) == {0: ("a", '{"x":1}'), 1: ("b", '{"y":2}')}
            answer = await stage.ask({**STREAM, "max_tokens": 9}, path=MESSAGES)
            begun = [e["content_block"] for e in answer.events if e["type"] == "content_block_start"]
            assert [block["id"] for block in begun] == ["a", "b"]
            assert answer.events[-1]["type"] == "message_stop"

    run(main())


def test_arguments_of_a_tool_that_are_no_object_say_nothing_of_the_deployment(tmp_path: Path) -> None:
    """Anthropic's shape cannot say them: four such replies of a model, and others are served there as before."""

    async def main() -> None:
        call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":'}}
        said = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": said, "finish_reason": "tool_calls"}
        odd = http({"id": "c", "object": "chat.completion", "choices": [choice]})
        async with play(*[odd] * 4, SERVED) as south, Stage(tmp_path, one(south)) as stage:
            for _ in range(4):
                answer = await stage.ask(BODIES[MESSAGES], path=MESSAGES)
                assert (answer.status, "not a JSON object" in answer.json["error"]["message"]) == (502, True)
            assert (await stage.ask()).status == 200

    run(main())


@pytest.mark.parametrize("given", [[], "[ ]"])
def test_an_empty_list_of_texts_is_refused_before_anybody_is_asked(tmp_path: Path, given: object) -> None:
    async def main() -> None:
        body = {"model": "m", "input": given} if given != "[ ]" else b'{"model":"m","input":[ ]}'
        async with play(SERVED) as south, Stage(tmp_path, one(south)) as stage:
            answer = await stage.ask(body, path="/v1/embeddings")
            assert (answer.status, answer.json["error"]["param"]) == (400, "input")
            assert "empty list" in answer.json["error"]["message"]
            assert south.requests == []

    run(main())


@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
def test_a_mistake_of_the_caller_s_is_told_to_it_though_its_status_is_200_and_trips_nobody(
    tmp_path: Path, path: str
) -> None:
    """As vLLM tells it in a stream."""

    async def main() -> None:
        wrong = {"error": {"object": "error", "message": "bad schema", "type": "BadRequestError", "code": 400}}
        script = [SSE, *map(chunked, (event(wrong), DONE)), LAST]
        async with play(*[script] * 4) as south, Stage(tmp_path, one(south)) as stage:
            for _ in range(4):
                answer = await stage.ask({**BODIES[path], "stream": True}, path=path)
                assert (answer.status, answer.json["error"]["message"]) == (400, "bad schema")
            assert [record.usage for record in stage.records] == [TokenCounts(0, 0)] * 4

    run(main())
