"""Any members at all, broken or nested however deep: a call is encoded, or refused."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.providers.bedrock.converse import HINTS, SAID, UNSAID
from detente.providers.wire import Call, Refusal
from tests.providers.bedrock.converse_calls import ADAPTIVE, CORPUS, NEWEST, NOVA2, OSS, OTHER, TITAN
from tests.providers.bedrock.making import CLAUDE, call, encoded, said, wire
from tests.providers.bedrock.service import check_request
from tests.providers.bedrock.sketches import JSON, spoiled

MEMBERS = sorted(SAID | HINTS | set(UNSAID) | {"top_k"})


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([CLAUDE, ADAPTIVE, NEWEST, NOVA2, TITAN, OSS, OTHER]),
    st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=4),
)
def test_any_members_are_encoded_or_refused(name: str, members: dict[str, Any]) -> None:
    try:
        body = encoded(said() | members, name)
    except Refusal:
        return
    check_request("Converse", name, body)


@settings(max_examples=260, deadline=None)
@given(st.sampled_from(sorted(CORPUS)), st.lists(st.integers(0, 9), min_size=1, max_size=7), JSON)
def test_a_call_with_one_part_replaced_is_encoded_or_refused(case: str, path: list[int], by: Any) -> None:
    found = spoiled(CORPUS[case]["openai"], path, by)
    if not isinstance(found, dict):
        return
    try:
        body = encoded(found, CORPUS[case]["name"])
    except Refusal:
        return
    check_request("Converse", CORPUS[case]["name"], body)


BEYOND = 100_000
"""Levels of nesting that every Python refuses; where below it refuses differs: at 1,000 (3.11), at 10,000 (3.13)."""


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def shaped(schema: bytes) -> bytes:
    return b'{"type":"json_schema","json_schema":{"name":"a","schema":' + schema + b"}}"


def tools(schema: bytes) -> bytes:
    return b'[{"type":"function","function":{"name":"a","parameters":' + schema + b"}}]"


BROKEN = [
    b'"\\ud800"',
    b'"\xff"',
    b"[" * BEYOND,
    shaped(b'{"a":"\xff"}'),
    shaped(nested(BEYOND)),
    tools(b'{"a":"\xff"}'),
    tools(nested(BEYOND)),
    b'[{"role":"user","content":"\\ud83d"}]',
    b'[{"role":"user","content":"\xff"}]',
]

DEEP = [around(nested(levels)) for around in (shaped, tools) for levels in (900, 3000, 9000)]


@given(st.sampled_from(MEMBERS), st.binary(max_size=40) | st.sampled_from([*BROKEN, *DEEP]))
def test_members_that_are_not_json_are_refused_or_passed_over(name: str, text: bytes) -> None:
    members = {**call(said()).members, name: msgspec.Raw(text)}
    with contextlib.suppress(Refusal):
        wire().encode(Call("chat", members))


@pytest.mark.parametrize("text", BROKEN)
def test_members_that_are_broken_inside_are_refused(text: bytes) -> None:
    name = "response_format" if b"json_schema" in text else "tools" if b"function" in text else "messages"
    with pytest.raises(Refusal):
        wire().encode(Call("chat", {**call(said()).members, name: msgspec.Raw(text)}))
