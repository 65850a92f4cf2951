"""Anthropic's client and LangChain's, through a served gateway, over every wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

from tests.end_to_end.clients import of_anthropic, of_langchain
from tests.end_to_end.serving import Gateway
from tests.end_to_end.wires import CHAT, CLAUDE, DIRECT, NOVA
from tests.waiting import PATIENCE

TOOLS: Any = [
    {
        "name": name,
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    for name in ("weather", "time")
]


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


# -- Anthropic's ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def claude(wires: Gateway) -> Iterator[anthropic.Anthropic]:
    with of_anthropic(wires, "everything") as found:
        yield found


@pytest.mark.parametrize("model", CHAT)
def test_a_message(claude: anthropic.Anthropic, wires: Gateway, model: str) -> None:
    raw = claude.messages.with_raw_response.create(model=model, max_tokens=50, messages=user("sandbox:echo back"))
    reply = raw.parse()
    (block,) = reply.content
    assert block.type == "text"
    assert block.text == "sandbox:echo back"
    assert reply.stop_reason == "end_turn"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (5, 5)
    record = wires.record(raw.headers["x-detente-request-id"])
    assert (record.path, record.outcome, record.deployment) == ("/v1/messages", "complete", model)


@pytest.mark.parametrize("model", CHAT)
def test_a_streamed_message(claude: anthropic.Anthropic, model: str) -> None:
    with claude.messages.stream(model=model, max_tokens=50, messages=user("sandbox:echo back")) as events:
        text = "".join(events.text_stream)
        reply = events.get_final_message()
    assert text == "sandbox:echo back"
    assert reply.stop_reason == "end_turn"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (5, 5)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", CHAT)
def test_tools_are_used_and_their_results_are_read(claude: anthropic.Anthropic, model: str, stream: bool) -> None:
    asked: Any = {"model": model, "max_tokens": 200, "tools": TOOLS, "messages": user("sandbox:tools")}
    if stream:
        with claude.messages.stream(**asked) as events:
            reply = events.get_final_message()
    else:
        reply = claude.messages.create(**asked)
    assert reply.stop_reason == "tool_use"
    uses: Any = [block for block in reply.content if block.type == "tool_use"]
    assert [use.name for use in uses] == ["weather", "time"]
    assert all(isinstance(use.input["city"], str) for use in uses)
    results = [{"type": "tool_result", "tool_use_id": use.id, "content": "noon"} for use in uses]
    history: Any = [*user("sandbox:tools"), {"role": "assistant", "content": reply.content}]
    history.append({"role": "user", "content": results})
    second = claude.messages.create(model=model, max_tokens=200, tools=TOOLS, messages=history)
    assert second.stop_reason == "end_turn"


def test_the_client_of_anthropic_at_azure_is_served_on_its_own_path(wires: Gateway) -> None:
    with anthropic.AnthropicFoundry(
        api_key=wires.keys["everything"],
        base_url=f"{wires.address}/anthropic/",
        max_retries=0,
        http_client=anthropic.DefaultHttpxClient(trust_env=False, timeout=PATIENCE),
    ) as client:
        reply = client.messages.create(model=DIRECT, max_tokens=50, messages=user("sandbox:echo hi"))
        assert [block.text for block in reply.content if block.type == "text"] == ["sandbox:echo hi"]


@pytest.mark.parametrize("model", CHAT)
def test_tokens_are_counted_before_they_are_asked_for(claude: anthropic.Anthropic, model: str) -> None:
    asked: Any = {"model": model, "messages": user("sandbox:echo back"), "tools": TOOLS, "system": "Be kind."}
    raw = claude.messages.with_raw_response.count_tokens(**asked)
    assert 20 < raw.parse().input_tokens < 200
    assert (raw.headers.get("x-detente-estimated") is None) == (model in (CLAUDE, DIRECT))


def test_a_refusal_is_of_anthropics_shape_and_names_the_clause(enterprise: Gateway) -> None:
    fault = enterprise.fault("azure/swedencentral", "down")
    try:
        with of_anthropic(enterprise, "assistant") as client, pytest.raises(anthropic.APIStatusError) as refused:
            client.messages.create(model="gpt-4.1-mini", max_tokens=9, messages=user("Hi"))
        body: Any = refused.value.body
        assert body["type"] == "error"
        assert body["error"]["detente"]["clause"] == "eu-residency"
    finally:
        enterprise.mended(fault)


def test_a_stranger_is_an_authentication_error(wires: Gateway) -> None:
    with of_anthropic(wires, "everything").with_options(api_key="dtk_nobody_x") as client:
        asked: Any = {"model": CHAT[0], "max_tokens": 9, "messages": user("Hi")}
        with pytest.raises(anthropic.AuthenticationError):
            client.messages.create(**asked)


# -- LangChain's ----------------------------------------------------------------------------------------------------
class Claim(BaseModel):
    """A claim."""

    number: int
    settled: bool


@pytest.mark.parametrize("model", CHAT)
def test_langchain_invokes_and_streams(wires: Gateway, model: str) -> None:
    from langchain_core.messages import AIMessageChunk

    with of_langchain(wires, "everything", model, stream_usage=True) as chat:
        reply = chat.invoke("sandbox:echo back")
        assert reply.content == "sandbox:echo back"
        assert reply.usage_metadata is not None
        assert (reply.usage_metadata["input_tokens"], reply.usage_metadata["output_tokens"]) == (5, 5)
        whole: Any = None
        for piece in chat.stream("sandbox:echo back"):
            assert isinstance(piece, AIMessageChunk)
            whole = piece if whole is None else whole + piece
        assert whole.content == "sandbox:echo back"
        assert (whole.usage_metadata["input_tokens"], whole.usage_metadata["output_tokens"]) == (5, 5)


@pytest.mark.parametrize("model", CHAT)
def test_langchain_binds_tools(wires: Gateway, model: str) -> None:
    from langchain_core.tools import tool

    @tool
    def weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"fair in {city}"

    with of_langchain(wires, "everything", model) as chat:
        bound = chat.bind_tools([weather])
        reply = bound.invoke("sandbox:tool")
        (call,) = reply.tool_calls
        assert call["name"] == "weather"
        result = weather.invoke(call)
        last = bound.invoke([("user", "sandbox:tool"), reply, result])
        assert last.content
        assert not last.tool_calls


@pytest.mark.parametrize("model", [model for model in CHAT if model != NOVA])
def test_langchain_gets_structured_output(wires: Gateway, model: str) -> None:
    with of_langchain(wires, "everything", model) as chat:
        found = chat.with_structured_output(Claim, method="json_schema").invoke("Which claim?")
        assert isinstance(found, Claim)


def test_langchain_gets_structured_output_by_a_tool_where_schemas_are_not_kept(wires: Gateway) -> None:
    with of_langchain(wires, "everything", NOVA) as chat:
        with pytest.raises(openai.BadRequestError, match="`parallel_tool_calls` asks for tools one at a time"):
            chat.with_structured_output(Claim, method="function_calling").invoke("Which claim?")
        (call,) = chat.bind_tools([Claim], tool_choice="any").invoke("Which claim?").tool_calls
        assert isinstance(Claim.model_validate(call["args"]), Claim)
