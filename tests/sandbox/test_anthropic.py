"""Claude as the sandbox plays it, at Anthropic and at Bedrock, judged by Anthropic's own clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from detente.sandbox.signature import ACCESS_KEY, SECRET
from tests.sandbox.playing import CASE, Played, _deployment, _tokens, played

HAIKU = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
DIRECT = "claude-opus-4-8"
RUNS_ON: dict[str, Any] = CASE["workloads"][0]["runs-on"]
CLAUDES: dict[str, Any] = {
    "providers": [*CASE["providers"], {"id": "anthropic", "name": "Anthropic", "regions": {"us": {"country": "US"}}}],
    "offers": [
        *CASE["offers"],
        _tokens("haiku", "aws", "eu-central-1", "haiku"),
        _tokens("opus", "anthropic", "us", "opus"),
    ],
    "workloads": [
        CASE["workloads"][0] | {"runs-on": {**RUNS_ON, "models": [*RUNS_ON["models"], "haiku", "opus"]}},
    ],
    "deployments": [
        _deployment("haiku", "bedrock", "haiku", HAIKU, regions=["eu-central-1", "eu-west-1"]),
        _deployment("opus", "anthropic", "opus", DIRECT),
    ],
}
TOOL: Any = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
ASK: Any = [{"role": "user", "content": "Hello sandbox:tool=weather"}]


@pytest.fixture(scope="module")
def claudes() -> Iterator[Played]:
    with played(**CLAUDES) as found:
        yield found


@pytest.fixture
def direct(claudes: Played) -> Iterator[tuple[Any, str]]:
    with anthropic.Anthropic(base_url=claudes.at("opus"), api_key="sandbox", max_retries=0) as client:
        yield client, DIRECT


@pytest.fixture
def bedrock(claudes: Played) -> Iterator[tuple[Any, str]]:
    pytest.importorskip("boto3")
    with anthropic.AnthropicBedrock(
        base_url=claudes.at("haiku"),
        aws_access_key=ACCESS_KEY,
        aws_secret_key=SECRET,
        aws_region="eu-central-1",
        max_retries=0,
    ) as client:
        yield client, HAIKU


@pytest.fixture(params=["direct", "bedrock"])
def either(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def test_a_whole_reply_and_a_stream_say_the_same(either: Any) -> None:
    client, model = either
    whole = client.messages.create(model=model, max_tokens=500, messages=ASK, tools=[TOOL])
    assert [block.type for block in whole.content] == ["tool_use"]
    assert (whole.stop_reason, whole.usage.input_tokens > 0) == ("tool_use", True)
    with client.messages.stream(model=model, max_tokens=500, messages=ASK, tools=[TOOL]) as stream:
        streamed = stream.get_final_message()
    assert streamed.content[0].input == whole.content[0].input
    assert streamed.usage.output_tokens == whole.usage.output_tokens


NAMED: Any = {"input_schema": {"type": "object"}}
SAID: Any = {"role": "user", "content": "q"}
WRONG: dict[str, tuple[str, Any]] = {
    "a budget": (DIRECT, {"max_tokens": 3000, "thinking": {"type": "enabled", "budget_tokens": 1024}}),
    "how it samples": (DIRECT, {"temperature": 0.2}),
    "its beginning": (DIRECT, {"messages": [SAID, {"role": "assistant", "content": "He"}]}),
    "both ways to sample": (HAIKU, {"temperature": 0.2, "top_p": 0.5}),
    "a temperature beside thought": (
        HAIKU,
        {"max_tokens": 3000, "temperature": 0.2, "thinking": {"type": "enabled", "budget_tokens": 1024}},
    ),
    "a beginning that ends with a blank": (HAIKU, {"messages": [SAID, {"role": "assistant", "content": "He "}]}),
    "two tools of one name": (HAIKU, {"tools": [TOOL, TOOL]}),
    "a name with dots": (HAIKU, {"tools": [{**NAMED, "name": "a.b:c"}]}),
    "metadata": (HAIKU, {"metadata": {"team": "a"}}),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_a_version_does_not_take_is_refused(name: str, direct: tuple[Any, str], bedrock: tuple[Any, str]) -> None:
    model, stated = WRONG[name]
    client = direct[0] if model == DIRECT else bedrock[0]
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model=model, max_tokens=100, messages=[SAID], extra_body=stated)


def test_what_other_versions_take_is_taken(direct: tuple[Any, str], bedrock: tuple[Any, str]) -> None:
    begun = [SAID, {"role": "assistant", "content": "He"}]
    for stated in ({"temperature": 0.2}, {"top_p": 0.5}, {"messages": begun}, {"metadata": {"user_id": "a"}}):
        bedrock[0].messages.create(model=HAIKU, max_tokens=100, messages=[SAID], extra_body=stated)
    direct[0].messages.create(model=DIRECT, max_tokens=100, messages=[SAID], extra_body={"temperature": 1})


def test_a_thought_is_signed_and_wanted_back_as_it_was(either: Any) -> None:
    client, model = either
    thinking: Any = {"type": "adaptive"} if model == DIRECT else {"type": "enabled", "budget_tokens": 1024}
    asked = {"model": model, "max_tokens": 2000, "tools": [TOOL], "thinking": thinking}
    first = client.messages.create(messages=ASK, **asked)
    assert [block.type for block in first.content] == ["thinking", "tool_use"]
    said = {"role": "assistant", "content": [block.to_dict() for block in first.content]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": first.content[1].id, "content": "5"}]}
    assert client.messages.create(messages=[*ASK, said, result], **asked).stop_reason == "end_turn"
    wrong: list[tuple[Any, str]] = [
        ([{**said["content"][0], "signature": "other"}, said["content"][1]], "Invalid `signature`")
    ]
    if model == HAIKU:  # within a budget, a turn that calls tools begins with its thought
        wrong.append((said["content"][1:], "Expected `thinking`"))
    for content, why in wrong:
        with pytest.raises(anthropic.BadRequestError, match=why):
            client.messages.create(messages=[*ASK, {"role": "assistant", "content": content}, result], **asked)


CALLS = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]}
ANSWERS = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "x"}]}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"messages": [{"role": "user", "content": " "}]}, "non-whitespace"),
        ({"messages": []}, "at least one message"),
        ({"extra_body": {"colour": 1}}, "colour: Extra inputs are not permitted"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]}]},
            "unexpected `tool_use_id`",
        ),
        (
            {
                "messages": [
                    *ASK,
                    CALLS,
                    {"role": "user", "content": [{"type": "text", "text": "x"}, *ANSWERS["content"]]},
                ]
            },
            "must come first",
        ),
        ({"messages": [*ASK, CALLS, ANSWERS, CALLS, ANSWERS]}, "`tool_use` ids must be unique"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_as_anthropic_says_it(either: Any, changed: Any, why: str) -> None:
    client, model = either
    with pytest.raises(anthropic.BadRequestError, match=why):
        client.messages.create(**{"model": model, "max_tokens": 50, "messages": ASK, **changed})


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"extra_body": {"context_management": {}}}, "context_management: Extra inputs"),
        ({"extra_body": {"anthropic_beta": ["claude-code-20250219"]}}, "invalid beta flag"),
        ({"thinking": {"type": "adaptive"}}, "adaptive thinking is not supported"),
        ({"output_config": {"effort": "high"}}, "effort parameter"),
        ({"messages": [*ASK, {"role": "system", "content": "x"}]}, 'Unexpected role "system"'),
        ({"tools": [{**TOOL, "eager_input_streaming": True}]}, "eager_input_streaming: Extra inputs"),
        (
            {
                "system": [
                    {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "scope": "global"}},
                ]
            },
            "scope: Extra inputs",
        ),
    ],
)
def test_bedrocks_haiku_refuses_what_the_real_one_refuses(bedrock: Any, changed: Any, why: str) -> None:
    client, model = bedrock
    with pytest.raises(anthropic.BadRequestError, match=why):
        client.messages.create(**{"model": model, "max_tokens": 50, "messages": ASK, **changed})


def test_what_is_marked_is_cached(direct: Any) -> None:
    client, model = direct
    system = [{"type": "text", "text": "word " * 2000, "cache_control": {"type": "ephemeral"}}]
    first, second = (
        client.messages.create(model=model, max_tokens=50, system=system, messages=ASK).usage for _ in range(2)
    )
    assert first.cache_creation_input_tokens == second.cache_read_input_tokens > 1000
    assert first.cache_read_input_tokens == second.cache_creation_input_tokens == 0


def test_tokens_are_counted(direct: Any) -> None:
    client, model = direct
    assert client.messages.count_tokens(model=model, messages=ASK).input_tokens > 0


def test_who_may_not_and_what_is_not_there(claudes: Played, direct: Any) -> None:
    client, _ = direct
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="claude-9", max_tokens=5, messages=ASK)
    assert claudes.call("opus", "/v1/messages", {"model": DIRECT}, headers={"authorization": ""}).status == 401
