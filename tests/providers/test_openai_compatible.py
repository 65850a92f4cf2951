"""The wire of OpenAI's own shape, and Azure's: what is sent, what replies and errors mean, any bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.providers.retry_after import dated, retry_after
from detente.providers.wire import Call, Failure, Refusal, Reply, Tokens, Wire, joined
from tests.gateway.script import completion, refusal
from tests.providers.openai_wires import LEGACY, OWN, V1, call, made

NESTED = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


# -- what is sent -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("given", [OWN, V1, LEGACY])
def test_who_cannot_reason_is_not_told_not_to(given: Wire) -> None:
    lacking = made(**given.deployment.model_dump(exclude_unset=True, by_alias=True) | {"lacks": ["reasoning"]})
    for effort, there, told in (("none", given, "none"), ("none", lacking, None), ("low", lacking, "low")):
        sent = json.loads(there.encode(call(model="m", messages=[], reasoning_effort=effort)).body)
        assert sent.get("reasoning_effort") == told


@pytest.mark.parametrize(
    ("given", "base", "target"),
    [
        (OWN, "https://x.example/v1", "/chat/completions"),
        (V1, "https://x.openai.azure.com", "/openai/v1/chat/completions"),
        (LEGACY, "https://x.openai.azure.com", "/openai/deployments/a%2Fb%3Ac/chat/completions?api-version=2024-10-21"),
    ],
)
def test_where_a_call_goes(given: Wire, base: str, target: str) -> None:
    assert given.base == base
    sent = given.encode(call(model="m"))
    assert (sent.target, sent.method) == (target, "POST")
    assert given.encode(call("embeddings", model="m")).target == target.replace("chat/completions", "embeddings")


def test_all_that_a_caller_wrote_is_sent_as_written_under_the_provider_s_name() -> None:
    written = {
        "model": b'"m"',
        "temperature": b"1.10",
        "x": b'{"a":  [1, 2 ]}',
        "big": b"123456789012345678901234567890",
    }
    sent = OWN.encode(Call("chat", {name: msgspec.Raw(text) for name, text in written.items()})).body
    assert json.loads(sent) == {"model": "there", "temperature": 1.1, "x": {"a": [1, 2]}, "big": int(written["big"])}
    for name in ("temperature", "x", "big"):
        assert b'"%b":%b' % (name.encode(), written[name]) in sent


@pytest.mark.parametrize(
    ("stated", "sent"),
    [
        (None, {"include_usage": True}),
        ({}, {"include_usage": True}),
        ({"include_usage": False, "other": [1]}, {"include_usage": True, "other": [1]}),
    ],
)
def test_the_usage_of_a_stream_is_asked_for(stated: object, sent: object) -> None:
    absent: dict[str, Any] = {}
    for more in [{"stream_options": stated}, *([absent] if stated is None else [])]:
        assert json.loads(OWN.encode(call(stream=True, model="m", **more)).body)["stream_options"] == sent
    assert b"stream_options" not in OWN.encode(call(model="m")).body


@pytest.mark.parametrize("options", [b"[1]", NESTED])
def test_options_of_a_stream_that_are_no_object_are_refused(options: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        OWN.encode(Call("chat", {"stream_options": msgspec.Raw(options)}, stream=True))
    assert caught.value.param == "stream_options"


@pytest.mark.parametrize(("given", "header"), [(OWN, "authorization"), (V1, "api-key"), (LEGACY, "api-key")])
def test_a_key_comes_in_the_header_that_is_expected(given: Wire, header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "k1")
    authority = given.authority()
    authority.renew()
    sent = given.encode(call(model="m"))
    ((name, value),) = authority.headers(sent, "x", 0.0)
    assert (name, value) == (header, "Bearer k1" if header == "authorization" else "k1")


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
JSON = st.recursive(PLAIN, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=8)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=6), st.text(max_size=8))
def test_joining_changes_what_is_to_be_changed_alone(members: dict[str, Any], name: str) -> None:
    texts = {key: msgspec.Raw(json.dumps(value).encode()) for key, value in members.items()}
    assert json.loads(joined(texts)) == members
    assert json.loads(joined(texts, [(name, b'"new"')])) == members | {name: "new"}


MARK = {"cache_control": {"type": "ephemeral"}}
OPENAI = made(kind="openai-compatible", endpoint="https://api.openai.com/v1")


@pytest.mark.parametrize(("given", "kept"), [(OWN, True), (OPENAI, False), (V1, False)])
def test_marks_of_what_is_cached_are_left_out_for_who_refuses_them(given: Wire, kept: bool) -> None:
    """Callers write them on parts, on messages and on tools; text that looks like one stays."""
    mark = MARK if kept else {}

    def stated(mark: dict[str, Any]) -> dict[str, Any]:
        part = {"type": "text", "text": '"cache_control"'}
        function = {"name": "f", "parameters": {"properties": {"cache_control": {"type": "string"}}}}
        return {
            "messages": [{"role": "system", "content": [{**part, **mark}]}, {"role": "user", "content": "hi", **mark}],
            "tools": [{"type": "function", "function": {**function, **mark}}, {"type": "function", **mark}],
        }

    sent = given.encode(call(model="m", **stated(MARK)))
    assert json.loads(sent.body) == {"model": "there", **stated(mark)}
    assert sent.left_out == (() if kept else ("cache_control",))
    wrong: list[Any] = [[3], {}, [{"content": [MARK, 3]}]]
    for broken in wrong:
        assert json.loads(given.encode(call(model="m", messages=broken)).body)["messages"] == broken


# -- replies ----------------------------------------------------------------------------------------------------------
USAGES: dict[str, tuple[Any, Tokens | None]] = {
    "plain": ({"prompt_tokens": 3, "completion_tokens": 2}, Tokens(3, 2)),
    "details": (
        {
            "prompt_tokens": 30,
            "completion_tokens": 20,
            "prompt_tokens_details": {"cached_tokens": 10, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 15},
        },
        Tokens(30, 20, cached=10, reasoning=15),
    ),
    "details that are null": (
        {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": None}, Tokens(3, 2)
    ),
    "nothing generated": ({"prompt_tokens": 3, "completion_tokens": 0}, Tokens(3, 0)),
    "embeddings": ({"prompt_tokens": 3, "total_tokens": 3}, Tokens(3, 0)),
    "no output said, and more in all": ({"prompt_tokens": 3, "total_tokens": 9}, None),
    "no output said": ({"prompt_tokens": 3}, None),
    "no input said": ({"completion_tokens": 3}, None),
    "beyond reason": ({"prompt_tokens": 10**399, "completion_tokens": 2}, None),
    "just beyond it": ({"prompt_tokens": 3, "completion_tokens": 2**53 + 1}, None),
    "below zero": ({"prompt_tokens": 3, "completion_tokens": -2}, None),
    "more cached than given": (
        {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}, None
    ),
    "empty": ({}, None),
    "null": (None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", USAGES)
def test_what_a_reply_used(name: str) -> None:
    usage, expected = USAGES[name]
    said = completion() | {"usage": usage}
    found = OWN.decode(call(), {}, json.dumps(said).encode())
    assert isinstance(found, Reply)
    assert (found.tokens, found.finish) == (expected, "stop")
    missing = name in ("empty", "no output said", "no output said, and more in all", "no input said", "beyond reason")
    told = usage and {"total_tokens": usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0)} | usage
    assert json.loads(found.body) == said | {"usage": None if missing else told}


def test_a_reply_that_its_provider_moved_says_so() -> None:
    assert V1.spilled({"x-ms-spillover-from-deployment": "ptu"})
    assert not V1.spilled({"x-ms-region": "Sweden Central"})


@pytest.mark.parametrize("usage", [{"prompt_tokens": "many"}, [], "none", {"prompt_tokens": 1e400}])
def test_a_good_reply_with_a_usage_that_cannot_be_read_is_served_and_its_use_unknown(usage: object) -> None:
    body = json.dumps(completion() | {"usage": usage}).encode().replace(b"Infinity", b"1e400")
    found = V1.decode(call(), {}, body)
    assert isinstance(found, Reply)
    assert (found.tokens, found.finish) == (None, "stop")


INSIDE: dict[str, tuple[object, str, int]] = {
    "a server's": ({"message": "m", "type": "server_error", "code": None}, "unavailable", 503),
    "a limit": ({"message": "m", "code": 429}, "throttled", 429),
    "too long": ({"message": "This endpoint's maximum context length is 8192 tokens", "code": 400}, "too-long", 400),
    "a filter": ({"message": "m", "code": "content_filter"}, "filtered", 400),
    "a text": ("it broke", "unavailable", 503),
    "a list": ([1], "unavailable", 503),
}


@pytest.mark.parametrize("name", INSIDE)
def test_an_error_inside_of_a_reply_with_status_200_is_what_it_says(name: str) -> None:
    """In place of an answer; beside one it is none."""
    error, kind, status = INSIDE[name]
    absent: list[dict[str, Any]] = [{}, {"choices": []}, {"choices": None}]
    for without in absent:
        found = OWN.decode(call(), {}, json.dumps({"error": error, **without}).encode())
        assert isinstance(found, Failure)
        assert (found.kind, found.status) == (kind, status)
    assert isinstance(OWN.decode(call(), {}, json.dumps(completion() | {"error": error}).encode()), Reply)
    empty: list[Any] = [None, {}, "", []]
    for nothing in empty:
        assert isinstance(OWN.decode(call(), {}, json.dumps(completion() | {"error": nothing}).encode()), Reply)


def test_a_whole_reply_has_as_many_choices_as_were_asked_for() -> None:
    body = completion()
    two = json.dumps(body | {"choices": body["choices"] * 2}).encode()
    assert isinstance(OWN.decode(call(n=2), {}, two), Reply)
    found = OWN.decode(call(n=2), {}, json.dumps(body).encode())
    assert isinstance(found, Failure)
    assert found.kind == "broken"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"choices": 3}', b'"\xff"', b"{" * 5000, NESTED])
def test_a_reply_that_cannot_be_read_is_broken(body: bytes) -> None:
    found = OWN.decode(call(), {}, body)
    assert isinstance(found, Failure)
    assert (found.kind, found.status) == ("broken", 502)


MEANINGS: list[tuple[int, Any, str, int, bool]] = [
    (400, refusal("invalid_value", "too hot"), "refused", 400, False),
    (400, refusal("content_filter", "filtered"), "filtered", 400, False),
    (400, {"error": {"message": "x", "code": "ResponsibleAIPolicyViolation"}}, "filtered", 400, False),
    (400, {"object": "error", "message": "vLLM's own shape", "code": 400}, "refused", 400, False),
    (401, refusal("invalid_api_key"), "credential", 502, True),
    (403, {"message": "not allowed"}, "credential", 502, True),
    (404, refusal("DeploymentNotFound"), "unavailable", 503, True),
    (404, refusal("no_such_file"), "unavailable", 503, True),
    (404, "<html>not found</html>", "unavailable", 503, True),
    (404, refusal("previous_response_not_found"), "refused", 404, False),
    (408, {}, "timeout", 504, True),
    (403, refusal("model_not_found"), "unavailable", 503, True),
    (405, refusal("nope"), "unavailable", 503, True),
    (409, {}, "unavailable", 503, True),
    (410, refusal("ModelDeprecated"), "unavailable", 503, True),
    (415, refusal("nope"), "unavailable", 503, True),
    (421, refusal("misdirected"), "unavailable", 503, True),
    (425, refusal("too_early"), "unavailable", 503, True),
    (451, refusal("unsupported_country"), "unavailable", 503, True),
    (413, {}, "refused", 413, False),
    (422, refusal("unprocessable"), "refused", 422, False),
    (429, refusal("429"), "throttled", 429, True),
    (429, refusal("insufficient_quota"), "exhausted", 502, True),
    (500, refusal("server_error"), "unavailable", 503, True),
    (503, "<html>", "unavailable", 503, True),
    (529, {}, "unavailable", 503, True),
    (302, {}, "broken", 502, True),
    (204, "", "broken", 502, True),
]


@pytest.mark.parametrize(("status", "said", "kind", "told", "over"), MEANINGS)
def test_what_an_error_means(status: int, said: Any, kind: str, told: int, over: bool) -> None:
    body = said.encode() if isinstance(said, str) else json.dumps(said).encode()
    found = OWN.failed(status, {"retry-after": "3"}, body)
    assert (found.kind, found.status, found.fails_over) == (kind, told, over)
    assert found.error["message"]
    assert found.retry_after == 3.0 or not over
    if over:  # what it says of itself stays with us: it may name accounts, limits or keys
        assert found.error["message"] != "no"
        assert found.error["code"] == kind


def test_an_error_s_code_is_text_though_vllm_writes_a_number() -> None:
    said = {"error": {"message": "m", "type": "BadRequestError", "param": None, "code": 400}}
    assert OWN.failed(400, {}, json.dumps(said).encode()).error == {**said["error"], "code": "400"}


def test_azure_s_inner_error_is_kept_and_nothing_else() -> None:
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}}
    said = {"error": {"message": "m", "code": "content_filter", "innererror": inner, "status": 400, "secret": "x"}}
    found = V1.failed(400, {}, json.dumps(said).encode())
    assert found.error == {
        "message": "m", "type": "invalid_request_error", "param": None, "code": "content_filter", "innererror": inner
    }  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"x-ms-retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "99999999"}, 300.0),
        ({"retry-after": "٣"}, None),
        ({"retry-after": "."}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_when_to_ask_again(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("date", "seconds"),
    [("Wed, 21 Oct 2026 07:27:57 GMT", 3.0), ("", 60.0), ("soon", 60.0), ("Wed, 21 Oct 2026 07:29:00 GMT", 0.0)],
)
def test_a_date_to_ask_again_is_counted_from_the_reply_s_own(date: str, seconds: float) -> None:
    """Our clock may be another: a gateway that plays another day would not ask for months."""
    headers = {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"} | ({"date": date} if date else {})
    now = datetime(2026, 10, 21, 7, 27, tzinfo=UTC)
    assert retry_after(dated(headers, now)) == seconds


# -- any bytes --------------------------------------------------------------------------------------------------------
BODIES = st.one_of(
    st.binary(max_size=80),
    JSON.map(lambda v: json.dumps(v).encode()),
    st.fixed_dictionaries(
        {},
        optional={
            "error": JSON,
            "usage": JSON | st.fixed_dictionaries({"prompt_tokens": JSON, "completion_tokens": JSON}),
            "choices": st.lists(JSON | st.fixed_dictionaries({"finish_reason": JSON})),
            "message": JSON,
        },
    ).map(lambda v: json.dumps(v).encode()),
)
HEADERS = st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "content-type"]), st.text(max_size=8))


@given(BODIES, HEADERS, st.sampled_from(["chat", "embeddings"]))
def test_any_body_is_a_reply_or_a_failure(body: bytes, headers: dict[str, str], operation: Any) -> None:
    found = OWN.decode(call(operation), headers, body)
    if isinstance(found, Failure):
        json.dumps(found.error)
    else:
        assert found.body == body
        assert found.tokens is None or min(msgspec.structs.astuple(found.tokens)) >= 0


@given(st.integers(201, 599), BODIES, HEADERS)
def test_any_error_means_something(status: int, body: bytes, headers: dict[str, str]) -> None:
    found = V1.failed(status, headers, body)
    assert 400 <= found.status <= 599
    assert isinstance(found.error["message"], str)
    json.dumps(found.error)
    assert found.retry_after is None or 0 <= found.retry_after <= 300
