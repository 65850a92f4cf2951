"""What the messages of a call hold, in one look: the same as parsing them would find."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.gateway.surfaces.chat import ChatSurface
from detente.gateway.surfaces.prompt_size import prompt_tokens
from detente.providers.marks import (
    AUDIO,
    BLOCK,
    CACHED,
    CALLS,
    DATA,
    IMAGE,
    PIECE,
    RESULT,
    SENT,
    SIGNED,
    SYSTEM,
    THOUGHT,
    USE,
    marks_in,
    marks_of,
)
from detente.providers.wire import Call
from tests.gateway.caller import HELLO

NAMES = {
    "image_url": IMAGE,
    "input_audio": AUDIO,
    "tool_calls": CALLS,
    "reasoning_signature": b'reasoning_signature"',
    "reasoning_redacted": b'reasoning_redacted"',
    "image": BLOCK,
    "base64": SENT,
    "system": SYSTEM,
    "tool_use": USE,
    "tool_use_id": RESULT,
    "cache_control": CACHED,
    "thinking": THOUGHT,
}
PARTS = [*NAMES, "content", "data:image/png;base64,AA", 'a "tool_calls": b', "\\", '"', "data: no"]


def stands(value: object) -> set[bytes]:
    """The marks of parsed messages, by looking at each member and text."""
    if isinstance(value, dict):
        named = {NAMES[name] for name in value if name in NAMES}
        return named.union(*(stands(part) for pair in value.items() for part in pair))
    if isinstance(value, list):
        return set().union(*(stands(part) for part in value))
    if not isinstance(value, str):
        return set()
    whole = {NAMES[value]} if value in NAMES else set()  # `{"type": "image_url"}`
    return whole | ({DATA} if value.startswith("data:") else set())


JSON = st.recursive(
    st.sampled_from(PARTS) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PARTS), inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.lists(JSON, max_size=4), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_each_mark_is_seen_and_no_text_looks_like_one(messages: list[object], separators: tuple[str, str]) -> None:
    text = json.dumps(messages, separators=separators).encode()
    assert marks_in(text) == stands(messages)
    assert marks_of(ChatSurface().ask(json.dumps({**HELLO, "messages": messages}).encode()).call) == stands(messages)


@pytest.mark.parametrize("name", NAMES)
def test_a_mark_is_seen_wherever_a_piece_of_many_bytes_ends(name: str) -> None:
    for early in range(len(name) + 4):
        text = b'["%b","%b"%b]' % (b"a" * (PIECE - 5 - early), name.encode(), b" " * 64)
        assert marks_in(text) == {NAMES[name]}, early


def test_whoever_makes_a_call_need_not_look() -> None:
    members = ChatSurface().ask(json.dumps({**HELLO, "messages": [{"role": "user", "tool_calls": []}]}).encode())
    assert marks_of(Call("chat", members.call.members)) == {CALLS}
    assert marks_of(Call("responses", {})) == frozenset()
    assert not SIGNED & marks_of(members.call)


@pytest.mark.parametrize("text", ["hello", "data:image/png;base64," + "A" * 4000])
def test_what_is_sent_along_is_counted_as_before(text: str) -> None:
    messages = json.dumps([{"role": "user", "content": text}]).encode()
    asked = ChatSurface().ask(b'{"model":"m","messages":%b}' % messages)
    assert asked.prompt == prompt_tokens(messages)
