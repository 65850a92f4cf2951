"""The OpenAI-shaped faces, judged by the openai SDK: its own client, and that of Azure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from jsonschema import validate
from openai import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI
from pydantic import BaseModel

from tests.sandbox.playing import OSS, VLLM, Played, played
from tests.waiting import PATIENCE

BASES = {"mini": ("azure", "swedencentral", "/openai/v1"), "oss": ("aws", "eu-central-1", "/openai/v1")}
BASES["vllm"] = ("nord", "falun", "/v1")
MODELS = {"mini": "mini", "oss": OSS, "vllm": VLLM, "legacy": "mini"}
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": name, "parameters": WEATHER}} for name in ("weather", "history")
]
VERSION = "2024-10-21"


def base_of(sandbox: Played, deployment: str) -> str:
    provider, region, path = BASES[deployment]
    return sandbox.addresses.places[provider, region] + path


def client_of(sandbox: Played, deployment: str, key: str = "key") -> OpenAI:
    if deployment == "legacy":
        endpoint = sandbox.addresses.places["azure", "swedencentral"]
        return AzureOpenAI(azure_endpoint=endpoint, api_key=key, api_version=VERSION, max_retries=0, timeout=PATIENCE)
    return OpenAI(base_url=base_of(sandbox, deployment), api_key=key, max_retries=0, timeout=PATIENCE)


@pytest.fixture(params=["legacy", "mini", "oss", "vllm"])
def asked(request: Any, sandbox: Played) -> Iterator[tuple[OpenAI, str]]:
    with client_of(sandbox, request.param) as client:
        yield client, MODELS[request.param]


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_chat(asked: tuple[OpenAI, str]) -> None:
    client, model = asked
    reply = client.chat.completions.create(model=model, messages=user("Hello there"))
    text = reply.choices[0].message.content or ""
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (3, -(-len(text) // 4))
    assert reply.choices[0].finish_reason == "stop"
    short = client.chat.completions.create(model=model, messages=user("Hi"), max_completion_tokens=2)
    assert short.choices[0].finish_reason == "length"
    assert len(short.choices[0].message.content or "") == 8


def test_a_stream_adds_up_to_the_whole(asked: tuple[OpenAI, str]) -> None:
    client, model = asked
    arguments: dict[str, Any] = {"model": model, "messages": user("Tell"), "n": 2, "seed": 7, "logprobs": True}
    whole = client.chat.completions.create(**arguments)
    texts, usages, finished = ["", ""], [], []
    with client.chat.completions.create(**arguments, stream=True, stream_options={"include_usage": True}) as stream:
        for chunk in stream:
            usages += [chunk.usage] if chunk.usage else []
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
                finished += [choice.finish_reason] if choice.finish_reason else []
    assert texts == [choice.message.content for choice in whole.choices]
    assert texts[0] != texts[1]
    assert finished == ["stop", "stop"]
    assert usages == [whole.usage]


def test_a_stream_tells_usage_only_when_asked(asked: tuple[OpenAI, str]) -> None:
    client, model = asked
    with client.chat.completions.create(model=model, messages=user("Hi"), stream=True) as stream:
        assert not any(chunk.usage for chunk in stream)


def test_tools(asked: tuple[OpenAI, str]) -> None:
    client, model = asked
    for text, parallel, names in (
        ("sandbox:tool", True, ["weather"]),
        ("sandbox:tool=history", True, ["history"]),
        ("sandbox:tools", True, ["weather", "history"]),
        ("sandbox:tools", False, ["weather"]),
    ):
        reply = client.chat.completions.create(
            model=model, messages=user(text), tools=TOOLS, parallel_tool_calls=parallel
        )
        message = reply.choices[0].message
        assert [call.function.name for call in message.tool_calls or () if call.type == "function"] == names
        assert reply.choices[0].finish_reason == "tool_calls"
        for call in message.tool_calls or ():
            assert call.type == "function"
            validate(json.loads(call.function.arguments), WEATHER)
    results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in message.tool_calls or ()]
    history = [*user(text), message.model_dump(exclude_none=True), *results]
    last = client.chat.completions.create(model=model, messages=history, tools=TOOLS)
    assert last.choices[0].finish_reason == "stop"
    forced = client.chat.completions.create(model=model, messages=user("Hi"), tools=TOOLS, tool_choice="required")
    assert forced.choices[0].message.tool_calls
    barred = client.chat.completions.create(model=model, messages=user("sandbox:tool"), tools=TOOLS, tool_choice="none")
    assert not barred.choices[0].message.tool_calls


def test_tools_in_a_stream(asked: tuple[OpenAI, str]) -> None:
    client, model = asked
    with client.chat.completions.stream(model=model, messages=user("sandbox:tools"), tools=TOOLS) as stream:
        for _ in stream:
            pass
        calls = stream.get_final_completion().choices[0].message.tool_calls or []
    whole = client.chat.completions.create(model=model, messages=user("sandbox:tools"), tools=TOOLS)
    expected = [c.function.arguments for c in whole.choices[0].message.tool_calls or () if c.type == "function"]
    assert [call.function.arguments for call in calls] == expected


class Place(BaseModel):
    name: str
    kind: str | None
    tags: list[str]
    within: list[Place]


def test_structured_output_is_parsed(asked: tuple[OpenAI, str]) -> None:
    client, model = asked
    reply = client.chat.completions.parse(model=model, messages=user("Where?"), response_format=Place)
    assert reply.choices[0].message.parsed
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(model=model, messages=user("Where?"), response_format=Place, max_tokens=2)


def test_logprobs_stops_and_images(asked: tuple[OpenAI, str]) -> None:
    client, model = asked
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}
    content = [{"type": "text", "text": "See"}, image]
    messages: list[Any] = [{"role": "user", "content": content}]
    reply = client.chat.completions.create(model=model, messages=messages, logprobs=True, top_logprobs=3, stop=[" "])
    assert reply.usage
    assert reply.usage.prompt_tokens == 86
    choice = reply.choices[0]
    assert " " not in (choice.message.content or " ")
    assert choice.logprobs
    tokens = choice.logprobs.content or []
    assert "".join(token.token for token in tokens) == choice.message.content
    assert {len(token.top_logprobs) for token in tokens} == {3}


def test_reasoning_counts_and_vllm_shows_it(asked: tuple[OpenAI, str]) -> None:
    client, model = asked
    reply = client.chat.completions.create(model=model, messages=user("Think"), reasoning_effort="high")
    assert reply.usage
    assert reply.usage.completion_tokens_details
    assert reply.usage.completion_tokens_details.reasoning_tokens == 64
    shown = (reply.choices[0].message.model_extra or {}).get("reasoning_content")
    assert bool(shown) == (model == VLLM)


def test_a_prompt_that_begins_alike_is_cached(asked: tuple[OpenAI, str]) -> None:
    client, model = asked
    preface = f"To {model} by {type(client).__name__}. " * 300
    cached = []
    for question in ("one", "two"):
        reply = client.chat.completions.create(model=model, messages=user(preface + question))
        assert reply.usage
        assert reply.usage.prompt_tokens_details
        cached.append(reply.usage.prompt_tokens_details.cached_tokens or 0)
    assert cached[0] == 0
    assert cached[1] >= 1024
    assert cached[1] % 128 == 0


def test_wrong_requests(asked: tuple[OpenAI, str]) -> None:
    client, model = asked
    wrongs: list[Any] = [
        {"messages": []},
        {"messages": user("Hi"), "max_tokens": 0},
        {"messages": user("Hi"), "n": 1000},
        {"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]},
        {"messages": user("Hi"), "tool_choice": "required"},
        {"messages": user("Hi"), "logprobs": False, "top_logprobs": 2},
    ]
    for wrong in wrongs:
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=model, **wrong)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="nothing", messages=user("Hi"))


def test_a_tools_name_has_its_limit(sandbox: Played) -> None:
    tools: Any = [{"type": "function", "function": {"name": "x" * 65}}]
    with client_of(sandbox, "mini") as client, pytest.raises(openai.BadRequestError, match="maximum length 64"):
        client.chat.completions.create(model=MODELS["mini"], messages=[{"role": "user", "content": "Hi"}], tools=tools)


def test_embeddings(sandbox: Played) -> None:
    with client_of(sandbox, "mini") as client, client_of(sandbox, "legacy") as legacy:
        whole = client.embeddings.create(model="embed", input=["one", "two"])
        assert [len(one.embedding) for one in whole.data] == [1536, 1536]
        assert sum(x * x for x in whole.data[0].embedding) == pytest.approx(1)
        again = legacy.embeddings.create(model="embed", input="one", encoding_format="float")
        assert again.data[0].embedding == pytest.approx(whole.data[0].embedding)
        short = client.embeddings.create(model="embed", input="one", dimensions=8).data[0].embedding
        assert len(short) == 8
        assert short[0] / short[1] == pytest.approx(again.data[0].embedding[0] / again.data[0].embedding[1], rel=1e-4)
        numbers = client.embeddings.create(model="embed", input=[1, 2, 3])
        assert numbers.usage.prompt_tokens == 3
        with pytest.raises(openai.BadRequestError):
            client.embeddings.create(model="embed", input="one", dimensions=4000)


@pytest.mark.parametrize("deployment", ["mini", "oss", "vllm"])
def test_responses(sandbox: Played, deployment: str) -> None:
    model = MODELS[deployment]
    with client_of(sandbox, deployment) as client:
        first = client.responses.create(model=model, input="Hello", instructions="Be kind.")
        assert first.output_text
        assert first.status == "completed"
        second = client.responses.create(model=model, input="More", previous_response_id=first.id)
        assert first.usage
        assert second.usage
        assert second.usage.input_tokens > first.usage.input_tokens
        assert client.responses.retrieve(first.id).output_text == first.output_text
        (item,) = (found.to_dict() for found in client.responses.input_items.list(first.id).data)
        content: Any = item["content"]
        assert (item["type"], item["role"], content[0]["text"]) == ("message", "user", "Hello")
        client.responses.delete(first.id)
        for look in (client.responses.retrieve, client.responses.input_items.list):
            with pytest.raises(openai.NotFoundError):
                look(first.id)
        with pytest.raises(openai.BadRequestError, match="not found") as error:
            client.responses.create(model=model, input="More", previous_response_id=first.id)
        assert error.value.code == "previous_response_not_found" or deployment == "vllm"
        unkept = client.responses.create(model=model, input="Hello", store=False)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(unkept.id)
        short = client.responses.create(model=model, input="Hello", max_output_tokens=2)
        assert short.status == "incomplete"


def test_responses_as_a_stream(sandbox: Played) -> None:
    tools: list[Any] = [{"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}]
    with client_of(sandbox, "mini") as client:
        with client.responses.stream(model="mini", input="Hello", reasoning={"effort": "low"}) as stream:
            events = list(stream)
            final = stream.get_final_response()
        kinds = [event.type for event in events]
        assert kinds[:2] == ["response.created", "response.in_progress"]
        assert kinds[-1] == "response.completed"
        deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert (
            deltas
            == final.output_text
            == client.responses.create(model="mini", input="Hello", reasoning={"effort": "low"}).output_text
        )
        assert [item.type for item in final.output] == ["reasoning", "message"]
        called = client.responses.create(model="mini", input="sandbox:tool", tools=tools)
        assert [item.type for item in called.output] == ["function_call"]
        with client.responses.stream(model="mini", input="sandbox:tools", tools=tools) as stream:
            done = [e for e in stream if e.type == "response.function_call_arguments.done"]
        assert len(done) == 2
        for event in done:
            validate(json.loads(event.arguments), WEATHER)
        result = {"type": "function_call_output", "call_id": called.output[0].call_id, "output": "sunny"}  # type: ignore[union-attr]
        after: list[Any] = [result]
        assert client.responses.create(model="mini", input=after, previous_response_id=called.id).output_text
        parsed = client.responses.parse(model="mini", input="Where?", text_format=Place)
        assert parsed.output_parsed


def test_models(sandbox: Played) -> None:
    with client_of(sandbox, "mini") as client:
        assert {model.id for model in client.models.list()} == {"mini-ptu", "mini", "mini-small", "embed"}
        assert client.models.retrieve("mini").id == "mini"
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("nothing")
    with client_of(sandbox, "vllm") as client:
        assert [model.id for model in client.models.list()] == [VLLM]


def test_asynchronous_clients(sandbox: Played) -> None:
    async def ask() -> list[str]:
        endpoint = sandbox.addresses.places["azure", "swedencentral"]
        base = base_of(sandbox, "vllm")
        async with (
            AsyncAzureOpenAI(azure_endpoint=endpoint, api_key="k", api_version=VERSION, max_retries=0) as azure,
            AsyncOpenAI(base_url=base, api_key="k", max_retries=0) as plain,
        ):
            texts = []
            for client, model in ((azure, "mini"), (plain, VLLM)):
                text = ""
                async with await client.chat.completions.create(
                    model=model, messages=user("Hi"), stream=True
                ) as stream:
                    async for chunk in stream:
                        text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
                texts.append(text)
            return texts

    assert all(asyncio.run(ask()))


def test_errors_are_the_classes_of_the_client() -> None:
    with played() as sandbox:
        for deployment in ("legacy", "mini", "oss", "vllm"):
            on = "mini" if deployment == "legacy" else deployment
            with client_of(sandbox, deployment) as client:
                model = MODELS[deployment]
                for kind, expected, status in (
                    ("throttled", openai.RateLimitError, 429),
                    ("unavailable", openai.InternalServerError, 503),
                    ("expired-credential", openai.APIStatusError, 403 if on == "oss" else 401),
                ):
                    sandbox.fault(on, kind, calls=1)
                    with pytest.raises(expected) as error:
                        client.chat.completions.create(model=model, messages=user("Hi"))
                    assert error.value.status_code == status
                sandbox.fault(on, "exception", calls=1, after=2)
                with (
                    pytest.raises(openai.APIError),
                    client.chat.completions.create(model=model, messages=user("Hi"), stream=True) as stream,
                ):
                    list(stream)
                sandbox.fault(on, "cut", calls=1, after=2)
                with (
                    pytest.raises(openai.APIConnectionError),
                    client.chat.completions.create(model=model, messages=user("Hi"), stream=True) as stream,
                ):
                    list(stream)
                assert client.chat.completions.create(model=model, messages=user("Hi")).choices


def test_a_key_is_needed(sandbox: Played) -> None:
    for deployment, status in (("mini", 401), ("oss", 401), ("vllm", 401)):
        provider, region, path = BASES[deployment]
        reply = sandbox.call(deployment, f"{path}/models", None, "GET", headers={})
        assert reply.status == status, (provider, region)
