"""Bedrock's faces, judged by boto3's client of bedrock-runtime."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from jsonschema import validate

from detente.sandbox.signature import ACCESS_KEY, SECRET
from tests.sandbox.playing import CASE, COHERE, NOVA, OSS, TITAN, Played, played
from tests.waiting import PATIENCE

boto3 = pytest.importorskip("boto3")
botocore = pytest.importorskip("botocore")
exceptions = pytest.importorskip("botocore.exceptions")
eventstream = pytest.importorskip("botocore.eventstream")
ClientError = exceptions.ClientError

TOOLS = [
    {
        "toolSpec": {
            "name": name,
            "inputSchema": {
                "json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
            },
        }
    }
    for name in ("weather", "time")
]


def client_of(
    sandbox: Played, region: str = "eu-central-1", secret: str = SECRET, key: str = ACCESS_KEY, endpoint: str = ""
) -> Any:
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=endpoint or sandbox.addresses.places["aws", "eu-central-1"],
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=boto3.session.Config(retries={"total_max_attempts": 1}, read_timeout=PATIENCE),
    )


@pytest.fixture
def bedrock(sandbox: Played) -> Iterator[Any]:
    client = client_of(sandbox)
    yield client
    client.close()


def user(text: str, *more: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": text}, *more]}]


def test_converse(bedrock: Any) -> None:
    reply = bedrock.converse(modelId=NOVA, messages=user("Hello there"), system=[{"text": "Be brief."}])
    (block,) = reply["output"]["message"]["content"]
    usage = reply["usage"]
    assert usage["inputTokens"] == -(-len("Be brief.\nHello there") // 4)
    assert usage["outputTokens"] == -(-len(block["text"]) // 4)
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    assert reply["stopReason"] == "end_turn"
    assert reply["ResponseMetadata"]["RequestId"]


def test_converse_in_few_tokens_or_up_to_a_stop(bedrock: Any) -> None:
    reply = bedrock.converse(modelId=NOVA, messages=user("Hi"), inferenceConfig={"maxTokens": 3})
    assert (reply["stopReason"], reply["usage"]["outputTokens"]) == ("max_tokens", 3)
    reply = bedrock.converse(modelId=NOVA, messages=user("Hi"), inferenceConfig={"stopSequences": [" "]})
    assert reply["stopReason"] == "stop_sequence"
    assert " " not in reply["output"]["message"]["content"][0]["text"]


def test_a_stream_adds_up_to_the_whole(bedrock: Any) -> None:
    messages = user("Hello sandbox:tools")
    arguments: dict[str, Any] = {"modelId": NOVA, "messages": messages, "toolConfig": {"tools": TOOLS}}
    whole = bedrock.converse(**arguments)
    events = list(bedrock.converse_stream(**arguments)["stream"])
    kinds = [next(iter(event)) for event in events]
    assert (kinds[0], kinds[-2], kinds[-1]) == ("messageStart", "messageStop", "metadata")
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        if "contentBlockStart" in event:
            start = event["contentBlockStart"]
            blocks[start["contentBlockIndex"]] = {**start["start"]["toolUse"], "input": ""}
        if "contentBlockDelta" in event:
            delta = event["contentBlockDelta"]
            blocks[delta["contentBlockIndex"]]["input"] += delta["delta"]["toolUse"]["input"]
    called = [block["toolUse"] for block in whole["output"]["message"]["content"]]
    assert [block["name"] for block in blocks.values()] == ["weather", "time"] == [use["name"] for use in called]
    assert [json.loads(block["input"]) for block in blocks.values()] == [use["input"] for use in called]
    assert events[-2]["messageStop"]["stopReason"] == whole["stopReason"] == "tool_use"
    assert events[-1]["metadata"]["usage"] == whole["usage"]


def test_replies_are_those_of_botocores_model(sandbox: Played, bedrock: Any) -> None:
    """Every member is known, of the right type, and none that is required is missing."""
    validator = pytest.importorskip("botocore.validate").ParamValidator()
    shape = bedrock.meta.service_model.shape_for
    tools = {"toolConfig": {"tools": TOOLS}}
    thinking = {"additionalModelRequestFields": {"thinking": {"type": "enabled"}}}
    for text, more in (("Hi", {}), ("sandbox:tools", tools), ("sandbox:filter", {}), ("Hi", thinking)):
        whole = sandbox.chat("nova", text, **more).json
        assert not validator.validate(whole, shape("ConverseResponse")).has_errors()
        buffer = eventstream.EventStreamBuffer()
        buffer.add_data(sandbox.chat("nova", text, stream=True, **more).body)
        for found in buffer:
            event = json.loads(found.payload)
            assert event.pop("p")
            report = validator.validate({found.headers[":event-type"]: event}, shape("ConverseStreamOutput"))
            assert not report.has_errors(), report.generate_report()


def test_a_stream_of_text(bedrock: Any) -> None:
    whole = bedrock.converse(modelId=NOVA, messages=user("Tell me"))
    stream = bedrock.converse_stream(modelId=NOVA, messages=user("Tell me"))["stream"]
    text = "".join(e["contentBlockDelta"]["delta"]["text"] for e in stream if "contentBlockDelta" in e)
    assert text == whole["output"]["message"]["content"][0]["text"]


def test_tool_results_are_answered_in_text(bedrock: Any) -> None:
    config = {"tools": TOOLS, "toolChoice": {"tool": {"name": "time"}}}
    first = bedrock.converse(modelId=NOVA, messages=user("When?"), toolConfig=config)
    (block,) = first["output"]["message"]["content"]
    assert block["toolUse"]["name"] == "time"
    validate(block["toolUse"]["input"], TOOLS[0]["toolSpec"]["inputSchema"]["json"])  # type: ignore[index]
    result = {"toolResult": {"toolUseId": block["toolUse"]["toolUseId"], "content": [{"text": "noon"}]}}
    history = [*user("When?"), first["output"]["message"], {"role": "user", "content": [result]}]
    second = bedrock.converse(modelId=NOVA, messages=history, toolConfig={"tools": TOOLS})
    assert second["stopReason"] == "end_turn"
    with pytest.raises(ClientError, match="toolConfig field must be defined"):
        bedrock.converse(modelId=NOVA, messages=history)
    with pytest.raises(ClientError, match="do not answer"):
        bedrock.converse(modelId=NOVA, messages=[*history[:2], *user("so?")], toolConfig={"tools": TOOLS})


def test_structured_output(bedrock: Any) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}
    structure = {"jsonSchema": {"name": "x", "schema": json.dumps(schema)}}
    output = {"textFormat": {"type": "json_schema", "structure": structure}}
    reply = bedrock.converse(modelId=NOVA, messages=user("Hi"), outputConfig=output)
    validate(json.loads(reply["output"]["message"]["content"][0]["text"]), schema)


def test_reasoning(bedrock: Any) -> None:
    fields = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    arguments = {"modelId": NOVA, "messages": user("Think"), "additionalModelRequestFields": fields}
    whole = bedrock.converse(**arguments)["output"]["message"]["content"]
    thought = whole[0]["reasoningContent"]["reasoningText"]
    deltas = [
        e["contentBlockDelta"]["delta"]["reasoningContent"]
        for e in bedrock.converse_stream(**arguments)["stream"]
        if "reasoningContent" in e.get("contentBlockDelta", {}).get("delta", {})
    ]
    assert "".join(d.get("text", "") for d in deltas) == thought["text"]
    assert deltas[-1]["signature"]


def test_what_is_cached_stands_beside_the_input(bedrock: Any) -> None:
    long = "A long preface. " * 300
    messages = user(long, {"cachePoint": {"type": "default"}}, {"text": "And now?"})
    first, second = (bedrock.converse(modelId=NOVA, messages=messages)["usage"] for _ in range(2))
    assert first["cacheWriteInputTokens"] == second["cacheReadInputTokens"] > 1000
    assert first["inputTokens"] == second["inputTokens"] < 10
    assert first["totalTokens"] == second["totalTokens"]


def test_images_and_filters(bedrock: Any) -> None:
    image = {"image": {"format": "png", "source": {"bytes": b"x"}}}
    with_image = bedrock.converse(modelId=NOVA, messages=user("See", image))["usage"]["inputTokens"]
    assert with_image == 85 + 1
    blocked = bedrock.converse(modelId=NOVA, messages=user("sandbox:filter"))
    assert blocked["stopReason"] == "guardrail_intervened"
    assert bedrock.converse(modelId=NOVA, messages=user("sandbox:filtered-reply"))["stopReason"] == "content_filtered"


def test_titan_and_cohere(bedrock: Any) -> None:
    reply = bedrock.invoke_model(modelId=TITAN, body=json.dumps({"inputText": "Hello", "dimensions": 256}))
    found = json.loads(reply["body"].read())
    assert len(found["embedding"]) == 256
    assert sum(x * x for x in found["embedding"]) == pytest.approx(1)
    assert found["inputTextTokenCount"] == 2
    body = {"texts": ["a", "b"], "input_type": "search_query", "embedding_types": ["float"], "output_dimension": 512}
    found = json.loads(bedrock.invoke_model(modelId=COHERE, body=json.dumps(body))["body"].read())
    assert [len(x) for x in found["embeddings"]["float"]] == [512, 512]
    with pytest.raises(ClientError, match="extraneous key"):
        bedrock.invoke_model(modelId=TITAN, body=json.dumps({"inputText": "a", "size": 1}))
    with pytest.raises(ClientError, match="input_type"):
        bedrock.invoke_model(modelId=COHERE, body=json.dumps({"texts": ["a"]}))


CALLS: Any = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}]}
ANSWERS: Any = {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "x"}]}}]}


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "at least one message"),
        ([{"role": "assistant", "content": [{"text": "a"}]}], "start with a user message"),
        ([*user("a"), *user("b")], "must alternate"),
        (user(" "), "is blank"),
        ([*user("a"), CALLS, {**ANSWERS, "content": ANSWERS["content"] * 2}], "a single toolResult"),
        ([*user("a"), CALLS, {**ANSWERS, "content": [{"text": "b"}, *ANSWERS["content"]]}], "must begin with"),
        ([*user("a"), CALLS, ANSWERS, CALLS, ANSWERS], "not unique"),
    ],
)
def test_conversations_that_bedrock_refuses(bedrock: Any, messages: Any, said: str) -> None:
    tools = [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]
    with pytest.raises(bedrock.exceptions.ValidationException, match=said):
        bedrock.converse(modelId=NOVA, messages=messages, toolConfig={"tools": tools})


def test_a_reply_says_when_it_was_made(bedrock: Any) -> None:
    headers = bedrock.converse(modelId=NOVA, messages=user("Hi"))["ResponseMetadata"]["HTTPHeaders"]
    assert parsedate_to_datetime(headers["date"]).year >= 2026


def test_a_model_that_is_unknown(bedrock: Any) -> None:
    with pytest.raises(bedrock.exceptions.ValidationException, match="model identifier is invalid"):
        bedrock.converse(modelId="amazon.nothing-v1:0", messages=user("Hi"))


def test_signatures(sandbox: Played) -> None:
    for change, said in (
        ({"secret": "wrong"}, "does not match the signature"),
        ({"region": "us-east-1"}, "scoped to a valid region"),
    ):
        client = client_of(sandbox, **change)
        with pytest.raises(ClientError, match=said) as error:
            client.converse(modelId=NOVA, messages=user("Hi"))
        assert error.value.response["Error"]["Code"] == "InvalidSignatureException"
        client.close()
    client = client_of(sandbox, key="AKIAOTHER", secret="whatever")
    assert client.converse(modelId=NOVA, messages=user("Hi"))["stopReason"] == "end_turn"
    client.close()


def signed(url: str, body: str) -> dict[str, str]:
    """The headers by which botocore signs a request."""
    request = pytest.importorskip("botocore.awsrequest").AWSRequest
    credentials = pytest.importorskip("botocore.credentials").Credentials(ACCESS_KEY, SECRET)
    asked = request("POST", url, data=body, headers={"content-type": "application/json"})
    pytest.importorskip("botocore.auth").SigV4Auth(credentials, "bedrock", "eu-central-1").add_auth(asked)
    return {name.replace("-", "_").lower(): value for name, value in asked.headers.items()}


def test_a_path_that_was_signed_otherwise_than_sent_is_caught(sandbox: Played) -> None:
    body = json.dumps({"messages": user("Hi")})
    sent = f"/model/{NOVA.replace(':', '%3A')}/converse"
    for path, status in ((sent, 200), (f"/model/{NOVA}/converse", 403)):
        headers = signed(f"{sandbox.at('nova')}{path}", body)
        assert sandbox.call("nova", sent, body.encode(), headers=headers).status == status


def test_a_bearer_key_and_none(sandbox: Played) -> None:
    path = f"/model/{NOVA}/converse"
    body = {"messages": user("Hi")}
    assert sandbox.call("nova", path, body, headers={"authorization": "Bearer key"}).status == 200
    refused = sandbox.call("nova", path, body, headers={})
    assert refused.status == 403
    assert refused.headers["x-amzn-errortype"].startswith("MissingAuthenticationTokenException")


def test_errors_are_the_classes_of_the_client() -> None:
    with played() as sandbox:
        client = client_of(sandbox)
        for kind, name in (
            ("throttled", "ThrottlingException"),
            ("unavailable", "ServiceUnavailableException"),
        ):
            sandbox.fault("nova", kind, calls=1)
            with pytest.raises(getattr(client.exceptions, name)):
                client.converse(modelId=NOVA, messages=user("Hi"))
        sandbox.fault("aws", "expired-credential", calls=1)
        with pytest.raises(ClientError) as error:
            client.converse(modelId=NOVA, messages=user("Hi"))
        assert error.value.response["Error"]["Code"] == "ExpiredTokenException"
        client.close()


def test_an_exception_inside_a_stream() -> None:
    with played() as sandbox:
        client = client_of(sandbox)
        sandbox.fault("nova", "exception", after=2)
        stream = client.converse_stream(modelId=NOVA, messages=user("Hi"))["stream"]
        seen: list[Any] = []
        with pytest.raises(exceptions.EventStreamError, match="internalServerException"):
            seen.extend(stream)
        assert [next(iter(event)) for event in seen] == ["messageStart", "contentBlockDelta", "contentBlockDelta"]
        stream._raw_stream.drain_conn()
        client.close()


def test_a_frame_that_is_broken() -> None:
    with played() as sandbox:
        sandbox.fault("nova", "malformed", after=1)
        buffer = eventstream.EventStreamBuffer()
        buffer.add_data(sandbox.chat("nova", stream=True).body)
        assert [next(buffer).headers[":event-type"] for _ in range(2)] == ["messageStart", "contentBlockDelta"]
        with pytest.raises(eventstream.ChecksumMismatch):
            next(buffer)


def test_the_openai_endpoint_takes_a_signature_too(sandbox: Played) -> None:
    path = "/openai/v1/chat/completions"
    body = json.dumps({"model": OSS, "messages": [{"role": "user", "content": "Hi"}]})
    headers = signed(f"{sandbox.at('oss')}{path}", body)
    assert sandbox.call("oss", path, body.encode(), headers=headers).status == 200
    assert sandbox.call("oss", path, body.encode() + b" ", headers=headers).status == 403


def test_twins_are_told_apart_by_a_path_that_is_signed_too() -> None:
    twin = {**CASE["deployments"][5], "id": "twin"}
    with played(deployments=[*CASE["deployments"], twin]) as sandbox:
        for name in ("twin", "nova"):
            client = client_of(sandbox, endpoint=sandbox.at(name))
            assert client.converse(modelId=NOVA, messages=user("Hi"))["stopReason"] == "end_turn"
            client.close()
            assert len(sandbox.recent(name)) == 1


def test_claude_is_told_in_its_own_words_which_tool_to_call(bedrock: Any) -> None:
    config = {"tools": TOOLS}
    one = {"type": "tool", "name": "time", "disable_parallel_tool_use": True}
    for choice, asked, called in (
        (one, "When?", ["time"]),
        ({"type": "none"}, "sandbox:tools", []),
        ({"type": "auto", "disable_parallel_tool_use": True}, "sandbox:tools", ["weather"]),
    ):
        fields = {"tool_choice": choice}
        reply = bedrock.converse(
            modelId=NOVA, messages=user(asked), toolConfig=config, additionalModelRequestFields=fields
        )
        blocks = reply["output"]["message"]["content"]
        assert [block["toolUse"]["name"] for block in blocks if "toolUse" in block] == called
    fields = {"tool_choice": {"type": "tool", "name": "nobody"}}
    with pytest.raises(ClientError, match="not among the tools"):
        bedrock.converse(modelId=NOVA, messages=user("Hi"), toolConfig=config, additionalModelRequestFields=fields)
