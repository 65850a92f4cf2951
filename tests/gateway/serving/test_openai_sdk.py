"""OpenAI's own client through the gateway: what it sends arrives, and what it reads is what the provider said."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.gateway.caller import HELLO, KEY
from tests.gateway.http.peer import run
from tests.gateway.script import (
    FLOW,
    HALF,
    LAST,
    ROLE,
    SSE,
    USED,
    chunked,
    completion,
    delta,
    event,
    http,
    play,
    refusal,
)
from tests.gateway.stage import Stage, one

ASK: Any = HELLO["messages"]
TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}},
    }
]
CALLS = [
    {"id": f"call_{n}", "type": "function", "function": {"name": "weather", "arguments": f'{{"at": "{at}"}}'}}
    for n, at in enumerate(("Oslo", "Rome"))
]


def client(stage: Stage, **more: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        api_key=KEY,
        base_url=f"{stage.base}/v1",
        max_retries=0,
        http_client=openai.DefaultAsyncHttpxClient(trust_env=False),
        **more,
    )


def test_a_completion_with_tools_seed_logprobs_and_metadata_passes_through(tmp_path: Path) -> None:
    async def main() -> None:
        said = completion()
        said["choices"][0]["message"] = {"role": "assistant", "content": None, "tool_calls": CALLS}
        said["choices"][0]["finish_reason"] = "tool_calls"
        async with (
            play(http(said)) as south,
            Stage(tmp_path, one(south)) as stage,
            client(stage) as api,
        ):
            got = await api.chat.completions.create(
                model="m",
                messages=ASK,
                tools=TOOLS,
                tool_choice="auto",
                parallel_tool_calls=True,
                seed=7,
                logprobs=True,
                top_logprobs=2,
                n=1,
                temperature=0.1,
                extra_body={"new_member": {"deep": [1.0, "ü"]}},
            )
            assert got.choices[0].message.tool_calls is not None
            assert [c.to_dict() for c in got.choices[0].message.tool_calls] == CALLS
            assert got.usage is not None
            assert got.usage.prompt_tokens == 10
            (sent,) = south.asked
            assert (sent["tools"], sent["seed"], sent["top_logprobs"], sent["temperature"]) == (TOOLS, 7, 2, 0.1)
            assert sent["new_member"] == {"deep": [1.0, "ü"]}
            assert stage.records[0].finish == "tool_calls"

    run(main())


class Weather(BaseModel):
    """What is parsed."""

    at: str
    degrees: int


def test_structured_output_is_parsed(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(http(completion('{"at": "Oslo", "degrees": -3}'))) as south,
            Stage(tmp_path, one(south)) as stage,
            client(stage) as api,
        ):
            got = await api.chat.completions.parse(model="m", messages=ASK, response_format=Weather)
            assert got.choices[0].message.parsed == Weather(at="Oslo", degrees=-3)
            assert south.asked[0]["response_format"]["json_schema"]["name"] == "Weather"

    run(main())


def test_a_stream_of_parallel_tool_calls_is_put_together(tmp_path: Path) -> None:
    async def main() -> None:
        flow = [SSE, chunked(ROLE)]
        for n, call in enumerate(CALLS):
            flow.append(
                chunked(delta(tool_calls=[{"index": n, **call, "function": {"name": "weather", "arguments": ""}}]))
            )
            text = str(call["function"]["arguments"])  # type: ignore[index]
            flow += [chunked(delta(tool_calls=[{"index": n, "function": {"arguments": part}}])) for part in text]
        flow += [chunked(delta("tool_calls") + USED + event("[DONE]")), LAST]
        async with (
            play(flow) as south,
            Stage(tmp_path, one(south)) as stage,
            client(stage) as api,
        ):
            async with api.chat.completions.stream(
                model="m", messages=ASK, tools=TOOLS, stream_options={"include_usage": True}
            ) as stream:
                done = await stream.get_final_completion()
            calls = done.choices[0].message.tool_calls
            assert calls is not None
            assert [c.function.arguments for c in calls] == ['{"at": "Oslo"}', '{"at": "Rome"}']
            assert done.usage is not None
            assert done.usage.completion_tokens == 5

    run(main())


async def hear(stream: Any, said: list[str]) -> None:
    async for chunk in stream:
        said.append(chunk.choices[0].delta.content)  # noqa: PERF401 (what came before it raises counts)


def test_a_cut_stream_raises_and_is_never_taken_for_complete(tmp_path: Path) -> None:
    async def main() -> None:
        flow = [*HALF, "reset"]
        async with (
            play(flow) as south,
            Stage(tmp_path, one(south)) as stage,
            client(stage) as api,
        ):
            said: list[str] = []
            stream = await api.chat.completions.create(model="m", messages=ASK, stream=True)
            south.heard.set()
            with pytest.raises(openai.APIError):
                await hear(stream, said)
            assert said == ["", "half"]

    run(main())


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (http(refusal("invalid_value"), "400 Bad"), openai.BadRequestError),
        (http(refusal("429"), "429 Slow", retry_after="3"), openai.RateLimitError),
        (http(b"", "503 Busy"), openai.InternalServerError),
        ("close", openai.InternalServerError),
    ],
)
def test_errors_are_raised_as_what_they_are(tmp_path: Path, script: Any, kind: type[openai.APIStatusError]) -> None:
    async def main() -> None:
        async with (
            play(script) as south,
            Stage(tmp_path, one(south)) as stage,
            client(stage) as api,
        ):
            with pytest.raises(kind) as caught:
                await api.chat.completions.create(model="m", messages=ASK)
            assert isinstance(caught.value.body, dict)
            assert caught.value.body["detente"]["tried"]
            with pytest.raises(openai.NotFoundError, match="no deployment serves `x`"):
                await api.chat.completions.create(model="x", messages=ASK)
        async with (
            play(http(b"")) as south,
            Stage(tmp_path / "b", one(south)) as stage,
            client(stage).copy(api_key="dtk_chat-key_no") as api,
        ):
            with pytest.raises(openai.AuthenticationError):
                await api.chat.completions.create(model="m", messages=ASK)
            with pytest.raises(openai.AuthenticationError):
                await api.models.list()

    run(main())


def test_models_are_listed(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(http(b"")) as south,
            Stage(tmp_path, one(south)) as stage,
            client(stage) as api,
        ):
            assert [m.id for m in (await api.models.list()).data] == ["m", "chat"]
            assert (await api.models.retrieve("m")).owned_by == "south"

    run(main())


def test_embeddings_pass_through(tmp_path: Path) -> None:
    async def main() -> None:
        said = {
            "object": "list",
            "model": "m",
            "data": [{"object": "embedding", "index": at, "embedding": [0.5, -1.0]} for at in range(2)],
            "usage": {"prompt_tokens": 3, "total_tokens": 3},
        }
        async with play(http(said)) as south:
            data = one(south)
            data["deployments"][0]["serves"] = ["chat", "embeddings"]
            async with Stage(tmp_path, data) as stage, client(stage) as api:
                got = await api.embeddings.create(model="m", input=["a", "b"], encoding_format="float")
                assert got.data[0].embedding == [0.5, -1.0]
                assert south.requests[0][0].startswith(b"POST /v1/embeddings ")
                (record,) = stage.records
                assert record.usage is not None
                assert (record.usage.input, record.usage.output) == (3, 0)
                assert record.cost == "0.000006000"

    run(main())


def test_the_blocking_client_streams(tmp_path: Path) -> None:
    def ask(base: str) -> list[str]:
        with openai.OpenAI(
            api_key=KEY, base_url=f"{base}/v1", max_retries=0, http_client=openai.DefaultHttpxClient(trust_env=False)
        ) as api:
            whole = api.chat.completions.create(model="chat", messages=ASK)
            stream = api.chat.completions.create(model="m", messages=ASK, stream=True)
            said = [chunk.choices[0].delta.content or "" for chunk in stream]
            return [whole.choices[0].message.content or "", "".join(said)]

    async def main() -> None:
        async with (
            play(http(completion()), [*FLOW]) as south,
            Stage(tmp_path, one(south)) as stage,
        ):
            assert await asyncio.to_thread(ask, stage.base) == ["hello", "hello"]

    run(main())


def test_a_client_that_stops_reading_a_stream_leaves(tmp_path: Path) -> None:
    async def main() -> None:
        flow = [SSE, chunked(ROLE), chunked(delta(content="half")), "silence"]
        async with (
            play(flow) as south,
            Stage(tmp_path, one(south)) as stage,
            client(stage) as api,
        ):
            async for chunk in (stream := await api.chat.completions.create(model="m", messages=ASK, stream=True)):
                if chunk.choices[0].delta.content:
                    break
            await stream.close()
            await south.left()
            await stage.idle()
            assert stage.records[0].outcome == "abandoned"

    run(main())
