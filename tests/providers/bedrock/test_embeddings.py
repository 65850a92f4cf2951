"""Embeddings by InvokeModel: Titan's and Cohere's bodies, both ways, and what is refused."""

from __future__ import annotations

import json
from array import array
from base64 import b64decode
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse

from detente.providers.bedrock.embeddings import kind_of
from detente.providers.vocabulary import Vocabulary
from detente.providers.wire import Call, Failure, Refusal, Reply, Tokens
from tests.providers.bedrock.making import call, encoded, raw, wire
from tests.providers.bedrock.service import check_request
from tests.providers.bedrock.sketches import JSON

TITAN1, TITAN2 = "amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0"
COHERE3, COHERE4 = "cohere.embed-multilingual-v3", "eu.cohere.embed-v4:0"
ALL = (TITAN1, TITAN2, COHERE3, COHERE4)
COUNTED = {"x-amzn-bedrock-input-token-count": "9"}


def asked(**stated: Any) -> Call:
    return call({"model": "any", "input": "Hello", **stated}, "embeddings")


def body(name: str, **stated: Any) -> dict[str, Any]:
    return encoded({"model": "any", "input": "Hello", **stated}, name, "embeddings")


def answer(name: str, found: Any, headers: dict[str, str] | None = None, **stated: Any) -> Reply | Failure:
    data = found if isinstance(found, bytes) else json.dumps(found).encode()
    return wire(name).decode(asked(**stated), headers or {}, data)


def test_bodies() -> None:
    cohere = {"input_type": "search_document", "embedding_types": ["float"], "truncate": "NONE"}
    assert body(TITAN1) == {"inputText": "Hello"}
    assert body(TITAN2, input=["Hello"], dimensions=512, encoding_format="base64") == {
        "inputText": "Hello",
        "dimensions": 512,
    }
    assert body(COHERE3, input=["a", "b"]) == {"texts": ["a", "b"], **cohere}
    assert body(COHERE4, dimensions=1536, input_type="search_query") == {
        "texts": ["Hello"],
        **cohere,
        "input_type": "search_query",
        "output_dimension": 1536,
    }


def test_what_logs_do_not_take_is_listed() -> None:
    assert wire(TITAN2).encode(asked(user="ü", metadata={"team": "search"})).left_out == ("user",)


def test_the_request() -> None:
    out = wire(TITAN2).encode(asked(user="u-1", metadata={"team": "search"}))
    assert out.target == "/model/amazon.titan-embed-text-v2%3A0/invoke"
    headers = dict(out.headers)
    assert json.loads(headers["x-amzn-bedrock-request-metadata"]) == {"team": "search", "user": "u-1"}
    check_request(
        "InvokeModel", TITAN2, {"body": "e30=", "requestMetadata": headers["x-amzn-bedrock-request-metadata"]}
    )
    assert headers["accept"] == headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("name", "stated", "why"),
    [
        (TITAN1, {"dimensions": 512}, "the model's are those it has"),
        (TITAN2, {"dimensions": 1536}, "the model's are 256, 512, 1024"),
        (TITAN2, {"input_type": "search_query"}, "Titan knows none"),
        (COHERE3, {"input": ["a"] * 2049}, "holds 2,049 texts, and a call takes 2,048: send several"),
        (COHERE3, {"input_type": "poem"}, "is one of"),
        (COHERE4, {"input": [1, 2, 3]}, "holds tokens"),
        (TITAN2, {"input": [[1, 2], [3]]}, "holds tokens"),
        (COHERE4, {"input": []}, "is empty"),
        (COHERE4, {"input": ["a", ""]}, "is empty"),
        (COHERE4, {"encoding_format": "hex"}, "float or base64"),
        (COHERE4, {"truncate": "END"}, "`truncate` is not supported"),
        ("amazon.titan-embed-image-v1", {}, "not known here"),
    ],
)
def test_what_is_refused(name: str, stated: dict[str, Any], why: str) -> None:
    assert why in str(wire(name).cannot(asked(**stated)))
    with pytest.raises(Refusal):
        [wire(name).encode(part) for part in wire(name).parts(asked(**stated))]


@pytest.mark.parametrize(
    ("name", "given", "sizes"),
    [
        (TITAN1, "a", [1]),
        (TITAN2, ["a", "b", "c"], [1, 1, 1]),
        (COHERE3, ["a"] * 96, [96]),
        (COHERE4, ["a"] * 200, [96, 96, 8]),
    ],
)
def test_more_texts_than_a_model_takes_are_several_calls(name: str, given: Any, sizes: list[int]) -> None:
    whole = asked(input=given, dimensions=None, user="u")
    parts = wire(name).parts(whole)
    assert len(parts) > 1 or parts[0] is whole
    bodies = [json.loads(wire(name).encode(part).body) for part in parts]
    assert [len(made.get("texts", "x")) for made in bodies] == sizes
    texts = [text for made in bodies for text in made.get("texts") or [made["inputText"]]]
    assert texts == ([given] if isinstance(given, str) else given)
    assert wire(name).cannot(whole) is None


@pytest.mark.parametrize("known", [True, False])
def test_replies_to_parts_are_one_in_their_order(known: bool) -> None:
    counts: list[dict[str, Any]] = [{"inputTextTokenCount": 3}, {"inputTextTokenCount": 4} if known else {}]
    replies = [answer(TITAN2, {"embedding": [float(at)]} | count) for at, count in enumerate(counts)]
    found = wire(TITAN2).together([reply for reply in replies if isinstance(reply, Reply)])
    said = json.loads(found.body)
    assert [(entry["index"], entry["embedding"]) for entry in said["data"]] == [(0, [0.0]), (1, [1.0])]
    assert found.tokens == (Tokens(7, 0) if known else None)
    assert said.get("usage") == ({"prompt_tokens": 7, "total_tokens": 7} if known else None)


def test_an_arn_is_what_the_case_calls_it() -> None:
    arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abcdefghijkl"
    assert kind_of(arn, "cohere.embed-v4") == "cohere-4"
    assert kind_of(arn, None) is None


TITAN_SAYS = {"embedding": [0.5, -1.25], "inputTextTokenCount": 7, "embeddingsByType": {"float": [0.5, -1.25]}}
COHERE_SAYS = {
    "embeddings": {"float": [[0.5, -1.25]]},
    "id": "x",
    "response_type": "embeddings_by_type",
    "texts": ["a"],
}


@pytest.mark.parametrize(
    ("name", "says", "headers", "tokens"),
    [
        (TITAN1, {"embedding": [0.5, -1.25], "inputTextTokenCount": 7}, {}, 7),
        (TITAN2, TITAN_SAYS, COUNTED, 7),
        (COHERE3, {"embeddings": [[0.5, -1.25]], "response_type": "embeddings_floats"}, COUNTED, 9),
        (COHERE4, COHERE_SAYS, COUNTED, 9),
        (COHERE4, COHERE_SAYS, {}, None),
        (COHERE4, COHERE_SAYS, {"x-amzn-bedrock-input-token-count": "many"}, None),
    ],
)
def test_replies(name: str, says: Any, headers: dict[str, str], tokens: int | None) -> None:
    found = answer(name, says, headers)
    assert isinstance(found, Reply)
    assert found.tokens == (None if tokens is None else Tokens(tokens, 0))
    said = json.loads(found.body)
    assert said["data"] == [{"object": "embedding", "index": 0, "embedding": [0.5, -1.25]}]
    assert said.get("usage") == (None if tokens is None else {"prompt_tokens": tokens, "total_tokens": tokens})
    if tokens is not None:
        CreateEmbeddingResponse.model_validate_json(found.body)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
def test_base64_holds_the_same_numbers(vector: list[float]) -> None:
    found = answer(COHERE4, {"embeddings": {"float": [vector]}}, encoding_format="base64")
    assert isinstance(found, Reply)
    packed = b64decode(json.loads(found.body)["data"][0]["embedding"])
    numbers = array("f", packed)
    assert numbers.tolist() == vector


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"\xff",
        {},
        {"embedding": []},
        {"embedding": [[1]]},
        {"embeddings": {"int8": [[1]]}},
        {"embeddings": {"float": [[1.0], [2.0]]}},
        {"embedding": [1e300]},
    ],
)
def test_what_cannot_be_read_is_broken(says: Any) -> None:
    found = answer(TITAN2, says, encoding_format="base64")
    assert isinstance(found, Failure)
    assert found.kind == "broken"


@settings(max_examples=130)
@given(
    st.sampled_from(ALL),
    st.dictionaries(
        st.sampled_from(["input", "dimensions", "encoding_format", "input_type", "user", "metadata", "x"]), JSON
    ),
    JSON | st.fixed_dictionaries({"embedding": JSON}) | st.fixed_dictionaries({"embeddings": JSON}),
)
def test_any_call_and_any_reply(name: str, members: dict[str, Any], says: Any) -> None:
    made = Call("embeddings", raw({"input": "Hello"} | members))
    try:
        msgspec.json.decode(wire(name).encode(made).body)
    except Refusal:
        return
    found = wire(name).decode(made, {}, json.dumps(says).encode())
    assert isinstance(found, Reply | Failure)


@pytest.mark.parametrize("count", [None, "x", "", [], {}, [7], -1, 1.5, True, 2**70, "7"])
def test_a_count_that_is_none_spoils_no_reply(count: Any) -> None:
    says = {"embedding": [1.0], "inputTextTokenCount": count}
    unknown, counted = answer(TITAN2, says), answer(TITAN2, says, COUNTED)
    assert isinstance(unknown, Reply)
    assert unknown.tokens is None
    assert isinstance(counted, Reply)
    assert counted.tokens == Tokens(9, 0)


# -- tokens in place of texts -----------------------------------------------------------------------------------------
WORDS = Vocabulary({1: b"one", 2: b" two", 3: "é".encode()[:1]})


def told(name: str, given: Any) -> list[dict[str, Any]]:
    """What a model is asked of an input of tokens, call by call."""
    spoken = replace(wire(name), vocabulary=WORDS)
    return [json.loads(spoken.encode(part).body) for part in spoken.parts(asked(input=given))]


def test_tokens_are_told_as_their_text_where_a_vocabulary_is_stated() -> None:
    assert [body["inputText"] for body in told(TITAN2, [1, 2])] == ["one two"]
    assert [body["inputText"] for body in told(TITAN2, [[1, 2], [1]])] == ["one two", "one"]
    assert [body["texts"] for body in told(COHERE3, [[1]] * 97)] == [["one"] * 96, ["one"]]
    assert [body["texts"] for body in told(COHERE3, ["a", "b"])] == [["a", "b"]]


@pytest.mark.parametrize(
    ("given", "place", "why"),
    [
        ([1, 9], "input", "token 9, which is none of the vocabulary's 3"),
        ([[1], [9]], "input[1]", "token 9"),
        ([[1], []], "input[1]", "no array of tokens"),
        ([[1], "a"], "input[1]", "no array of tokens"),
        ([1, [1]], "input[0]", "no array of tokens"),
        ([[1], [3]], "input[1]", "less than a character"),
    ],
)
def test_tokens_that_are_no_text_are_told_with_their_place(given: Any, place: str, why: str) -> None:
    with pytest.raises(Refusal) as caught:
        told(TITAN2, given)
    assert caught.value.param == place
    assert f"`{place}`" in caught.value.message
    assert why in caught.value.message


def test_without_a_vocabulary_tokens_are_refused_with_both_remedies() -> None:
    said = wire(TITAN2).cannot(asked(input=[1, 2]))
    assert said is not None
    assert "check_embedding_ctx_length=False" in said.message
    assert "`tokens: cl100k_base.tiktoken`" in said.message
