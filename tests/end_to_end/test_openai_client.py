"""OpenAI's own client, through a served gateway, over every wire: what it asks for it gets, or is told why not."""

from __future__ import annotations

import asyncio
import base64
import math
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.end_to_end.clients import of_azure, of_openai, of_openai_async
from tests.end_to_end.serving import Gateway
from tests.end_to_end.wires import AZURE, CHAT, CLAUDE, COHERE, EMBEDDING, LEGACY, NOVA, OPENAI, RESPONSES, TITAN

CONVERSE = (NOVA, CLAUDE)
ECHO: Any = [{"role": "user", "content": "sandbox:echo back"}]
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def tool(name: str) -> Any:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {"type": "function", "function": {"name": name, "description": f"the {name}", "parameters": parameters}}


TOOLS = [tool("weather"), tool("time")]


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


class Claim(BaseModel):
    number: int
    settled: bool


@pytest.fixture(scope="module")
def client(wires: Gateway) -> Iterator[openai.OpenAI]:
    with of_openai(wires, "everything") as found:
        yield found


# -- chat -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("model", CHAT)
def test_a_whole_reply_is_metered_and_says_where_it_ran(wires: Gateway, client: openai.OpenAI, model: str) -> None:
    raw = client.chat.completions.with_raw_response.create(model=model, messages=ECHO, max_tokens=50)
    reply = raw.parse()
    assert reply.choices[0].message.content == "sandbox:echo back"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.created > 1_700_000_000
    assert reply.model == model  # by the name that was asked for, whatever its provider calls it
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (5, 5)  # 17 letters, four a token
    assert raw.headers["x-detente-deployment"] == model
    assert raw.headers["x-detente-cost"] == "0.000010000 USD"
    record = wires.record(raw.headers["x-detente-request-id"])
    assert (record.outcome, record.deployment, record.cost) == ("complete", model, "0.000010000")
    assert record.usage is not None
    assert (record.usage.input, record.usage.output) == (5, 5)


@pytest.mark.parametrize("usage", [False, True])
@pytest.mark.parametrize("model", CHAT)
def test_a_stream_says_its_usage_where_it_is_asked_to_and_is_metered_in_any_case(
    wires: Gateway, client: openai.OpenAI, model: str, usage: bool
) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if usage else {}
    with client.chat.completions.with_streaming_response.create(
        model=model, messages=ECHO, stream=True, **options
    ) as raw:
        chunks = list(raw.parse())
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "sandbox:echo back"
    assert {c.model for c in chunks} == {model}
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    counts = [(c.usage.prompt_tokens, c.usage.completion_tokens) for c in chunks if c.usage is not None]
    assert counts == ([(5, 5)] if usage else [])
    record = wires.record(raw.headers["x-detente-request-id"])
    assert record.outcome == "complete"
    assert record.usage is not None
    assert (record.usage.input, record.usage.output) == (5, 5)


@pytest.mark.parametrize("model", CHAT)
def test_a_tool_is_called_and_its_result_is_read(client: openai.OpenAI, model: str) -> None:
    first = client.chat.completions.create(model=model, messages=user("sandbox:tool=time"), tools=TOOLS)
    assert first.choices[0].finish_reason == "tool_calls"
    (call,) = first.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "time"
    told: Any = {"role": "tool", "tool_call_id": call.id, "content": "noon"}
    history = [*user("sandbox:tool=time"), first.choices[0].message, told]
    second = client.chat.completions.create(model=model, messages=history, tools=TOOLS)
    assert second.choices[0].finish_reason == "stop"
    assert second.choices[0].message.content


@pytest.mark.parametrize("model", CHAT)
def test_a_tool_may_have_a_name_that_is_too_long_for_models(client: openai.OpenAI, model: str) -> None:
    name = "mcp__a_server_with_a_name_that_says_a_lot__a_tool_that_does_even_more_than_that"
    reply = client.chat.completions.create(model=model, messages=user("sandbox:tool"), tools=[tool(name)])
    (call,) = reply.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == name


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", CHAT)
def test_parallel_calls_of_tools(client: openai.OpenAI, model: str, stream: bool) -> None:
    asked: Any = {"model": model, "messages": user("sandbox:tools"), "tools": TOOLS}
    if stream:
        with client.chat.completions.stream(**asked) as events:
            reply = events.get_final_completion()
    else:
        reply = client.chat.completions.create(**asked)
    calls: Any = reply.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["weather", "time"]
    assert len({call.id for call in calls}) == 2


@pytest.mark.parametrize("model", [model for model in CHAT if model != NOVA])
def test_structured_output_is_parsed(client: openai.OpenAI, model: str) -> None:
    reply = client.chat.completions.parse(model=model, messages=user("Which claim?"), response_format=Claim)
    assert isinstance(reply.choices[0].message.parsed, Claim)


@pytest.mark.parametrize("model", CHAT)
def test_an_image_is_counted(client: openai.OpenAI, model: str) -> None:
    parts: Any = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    reply = client.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}])
    assert reply.usage is not None
    assert reply.usage.prompt_tokens == 3 + 85


@pytest.mark.parametrize("model", OPENAI)
def test_several_answers_with_probabilities_by_a_seed(client: openai.OpenAI, model: str) -> None:
    asked: Any = {"model": model, "messages": user("Hi"), "n": 2, "seed": 7, "logprobs": True, "top_logprobs": 2}
    one, other = (client.chat.completions.create(**asked) for _ in range(2))
    assert len(one.choices) == 2
    assert [c.message.content for c in one.choices] == [c.message.content for c in other.choices]
    assert all(c.logprobs is not None and c.logprobs.content for c in one.choices)


CANNOT: dict[str, Any] = {
    "n": 2,
    "seed": 7,
    "logprobs": True,
    "presence_penalty": 1.0,
    "logit_bias": {"1": 2},
    "prediction": {"type": "content", "content": "x"},
}


@pytest.mark.parametrize("member", CANNOT)
@pytest.mark.parametrize("model", CONVERSE)
def test_what_converse_cannot_do_is_refused_by_name_and_asked_of_nobody(
    wires: Gateway, client: openai.OpenAI, model: str, member: str
) -> None:
    before = len(wires.calls(model))
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=model, messages=user("Hi"), **{member: CANNOT[member]})
    assert refused.value.code == "unsupported"
    assert f"`{member}`" in refused.value.message
    detail: Any = refused.value.body
    assert [cannot["deployment"] for cannot in detail["detente"]["cannot"]] == [model]
    assert len(wires.calls(model)) == before


def test_a_schema_that_nova_would_not_keep_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="`response_format` states a schema, and Nova cannot enforce one"):
        client.chat.completions.parse(model=NOVA, messages=user("Which claim?"), response_format=Claim)


@pytest.mark.parametrize("model", [CLAUDE, *OPENAI])
def test_reasoning_is_metered_as_part_of_the_output(client: openai.OpenAI, wires: Gateway, model: str) -> None:
    raw = client.chat.completions.with_raw_response.create(model=model, messages=ECHO, reasoning_effort="low")
    usage = wires.record(raw.headers["x-detente-request-id"]).usage
    assert usage is not None
    assert usage.output > 5


@pytest.mark.parametrize("model", [AZURE, LEGACY])
def test_a_filtered_prompt_is_the_callers_business(client: openai.OpenAI, wires: Gateway, model: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=model, messages=user("sandbox:filter"))
    assert refused.value.code == "content_filter"
    record = wires.record(refused.value.response.headers["x-detente-request-id"])
    assert (record.outcome, [a.outcome for a in record.attempts]) == ("refused", ["filtered"])


def test_many_calls_at_once_in_an_event_loop(wires: Gateway) -> None:
    async def main() -> None:
        async with of_openai_async(wires, "everything") as client:

            async def whole(model: str) -> str | None:
                reply = await client.chat.completions.create(model=model, messages=ECHO)
                return reply.choices[0].message.content

            async def streamed(model: str) -> str:
                events = await client.chat.completions.create(model=model, messages=ECHO, stream=True)
                return "".join([c.choices[0].delta.content or "" async for c in events if c.choices])

            replies = await asyncio.gather(*(ask(model) for ask in (whole, streamed) for model in CHAT * 4))
            assert set(replies) == {"sandbox:echo back"}

    asyncio.run(main())


# -- embeddings -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("model", [EMBEDDING, TITAN, COHERE])
def test_vectors_as_numbers_and_as_bytes_are_the_same(client: openai.OpenAI, model: str) -> None:
    numbers = client.embeddings.create(model=model, input="harbour", encoding_format="float", dimensions=256)
    packed = client.embeddings.create(model=model, input="harbour", encoding_format="base64", dimensions=256)
    vector = numbers.data[0].embedding
    assert len(vector) == 256
    assert numbers.model == model
    assert math.isclose(sum(x * x for x in vector), 1.0, rel_tol=1e-3)
    text: Any = packed.data[0].embedding
    assert len(base64.b64decode(text)) == 4 * 256
    usual = client.embeddings.create(
        model=model, input="harbour", dimensions=256
    )  # it asks for bytes, and unpacks them
    assert usual.data[0].embedding == pytest.approx(vector, abs=1e-6)
    assert usual.usage.prompt_tokens == 2


@pytest.mark.parametrize("model", [EMBEDDING, COHERE])
def test_several_texts_in_one_call(client: openai.OpenAI, model: str) -> None:
    reply = client.embeddings.create(model=model, input=["harbour", "tide"])
    assert [entry.index for entry in reply.data] == [0, 1]
    assert reply.data[0].embedding != reply.data[1].embedding


@pytest.mark.parametrize(("model", "many"), [(TITAN, 10), (COHERE, 100)])
def test_more_texts_than_a_model_takes_at_a_time_are_embedded_in_parts(
    client: openai.OpenAI, wires: Gateway, model: str, many: int
) -> None:
    texts = [f"harbour {at}" for at in range(many)]
    asked: Any = {"model": model, "dimensions": 256, "encoding_format": "float"}
    raw = client.embeddings.with_raw_response.create(input=texts, **asked)
    reply = raw.parse()
    assert [entry.index for entry in reply.data] == list(range(many))
    for at in (0, many - 1):  # each is the vector of its own text
        assert reply.data[at].embedding == client.embeddings.create(input=texts[at], **asked).data[0].embedding
    record = wires.record(raw.headers["x-detente-request-id"])
    assert record.usage is not None
    assert reply.usage.prompt_tokens == record.usage.input >= 2 * many
    assert [attempt.outcome for attempt in record.attempts] == ["served"]


# -- responses ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("model", RESPONSES)
def test_a_response_builds_on_the_one_before_it(client: openai.OpenAI, wires: Gateway, model: str) -> None:
    first = client.responses.create(model=model, input="sandbox:echo one")
    assert first.output_text == "sandbox:echo one"
    assert first.model == model
    raw = client.responses.with_raw_response.create(model=model, input="and?", previous_response_id=first.id)
    second = raw.parse()
    assert second.previous_response_id == first.id
    assert second.usage is not None
    assert first.usage is not None
    assert second.usage.input_tokens > first.usage.input_tokens  # it holds what was said before
    assert wires.record(raw.headers["x-detente-request-id"]).deployment == model


@pytest.mark.parametrize("model", RESPONSES)
def test_a_streamed_response_ends_as_it_should(client: openai.OpenAI, model: str) -> None:
    events = list(client.responses.create(model=model, input="sandbox:echo one", stream=True))
    assert events[0].type == "response.created"
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == "sandbox:echo one"
    assert last.response.model == model
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == "sandbox:echo one"
    built = client.responses.create(model=model, input="and?", previous_response_id=last.response.id)
    assert built.output_text


@pytest.mark.parametrize("model", RESPONSES)
def test_a_stored_response_is_read_and_deleted_where_it_lies(client: openai.OpenAI, model: str) -> None:
    made = client.responses.create(model=model, input="sandbox:echo one")
    read = client.responses.retrieve(made.id)
    assert (read.id, read.output_text, read.model) == (made.id, "sandbox:echo one", model)
    assert [item.type for item in client.responses.input_items.list(made.id)] == ["message"]
    client.responses.delete(made.id)
    for ask in (client.responses.retrieve, client.responses.delete):
        with pytest.raises((openai.NotFoundError, openai.BadRequestError)):  # as the provider says it
            ask(made.id)


@pytest.mark.parametrize("model", RESPONSES)
def test_a_response_is_parsed(client: openai.OpenAI, model: str) -> None:
    reply = client.responses.parse(model=model, input="Which claim?", text_format=Claim)
    assert isinstance(reply.output_parsed, Claim)


def test_a_response_of_somewhere_else_is_not_built_on(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=AZURE, input="and?", previous_response_id="resp_0123456789abcdef")
    assert refused.value.param == "previous_response_id"


@pytest.mark.parametrize("model", [LEGACY, *CONVERSE])
def test_models_that_have_only_chat_answer_responses(client: openai.OpenAI, model: str) -> None:
    reply = client.responses.create(model=model, input="sandbox:echo one", store=False)
    assert (reply.output_text, reply.status) == ("sandbox:echo one", "completed")
    assert reply.usage is not None
    events = list(client.responses.create(model=model, input="sandbox:echo one", stream=True, store=False))
    assert [events[0].type, events[-1].type] == ["response.created", "response.completed"]
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == "sandbox:echo one"


@pytest.mark.parametrize("model", [LEGACY, *CONVERSE])
def test_what_only_a_store_can_answer_is_refused_where_there_is_none(client: openai.OpenAI, model: str) -> None:
    first = client.responses.create(model=model, input="sandbox:echo one", store=False)
    with pytest.raises(openai.BadRequestError, match="previous_response_id"):
        client.responses.create(model=model, input="and?", previous_response_id=first.id)


# -- who, and what for ----------------------------------------------------------------------------------------------
def test_models_are_those_of_the_key(enterprise: Gateway) -> None:
    with of_openai(enterprise, "search") as client:
        assert [model.id for model in client.models.list()] == ["text-embedding-3-large", "search"]
        assert client.models.retrieve("search").owned_by == "detente"
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("gpt-4.1-mini")


def test_a_stranger_is_told_nothing(enterprise: Gateway) -> None:
    key = f"{enterprise.keys['search'][:-1]}{'a' if enterprise.keys['search'][-1] != 'a' else 'b'}"
    with of_openai(enterprise, "search").with_options(api_key=key) as client:
        for ask in (client.models.list, lambda: client.embeddings.create(model="search", input="x")):
            with pytest.raises(openai.AuthenticationError) as refused:
                ask()
            assert key not in str(refused.value.response.text)


def test_azures_client_is_served_on_its_own_paths(wires: Gateway) -> None:
    with of_azure(wires, "everything") as client:
        reply = client.chat.completions.create(model=AZURE, messages=ECHO)
        first = client.responses.create(model=AZURE, input="sandbox:echo one")
        second = client.responses.create(model=AZURE, input="sandbox:echo two", previous_response_id=first.id)
        assert client.responses.retrieve(second.id).id == second.id
        assert AZURE in {model.id for model in client.models.list()}
        assert len(client.embeddings.create(model=EMBEDDING, input=["a", "b"]).data) == 2
    assert reply.choices[0].message.content == "sandbox:echo back"
    assert (first.output_text, second.output_text) == ("sandbox:echo one", "sandbox:echo two")


def test_a_key_may_be_presented_as_azures_clients_do(wires: Gateway) -> None:
    with of_openai(wires, "everything", headers={"api-key": wires.keys["everything"]}) as client:
        raw = client.chat.completions.with_raw_response.create(
            model=AZURE, messages=ECHO, extra_headers={"authorization": openai.Omit()}
        )
        assert "authorization" not in raw.http_request.headers
        assert raw.parse().choices[0].message.content == "sandbox:echo back"
