"""A call that holds nothing that any provider is told otherwise is not looked through, and told as if it had been."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from detente.providers.marks import marks_in
from detente.providers.tool_names import is_plain
from detente.providers.wire import Call, Wire
from tests.providers.openai_wires import made

LONG = "f" * 70
TEXT = [{"role": "user", "content": "say \"tool_calls\" and 'image_url'"}]
FUNCTION = {"type": "function", "function": {"name": LONG, "parameters": {}}}
CALLED = [*TEXT, {"role": "assistant", "content": None, "tool_calls": [{"id": "c", **FUNCTION}]}]
MARKED = [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}]
SIGNED = [*TEXT, {"role": "assistant", "content": "b", "reasoning_signature": "s"}]
CALLS: dict[str, tuple[dict[str, Any], bool]] = {
    "a text": ({"messages": TEXT}, True),
    "a text and more": ({"messages": TEXT, "temperature": 0.5, "seed": 1, "stop": ["x"], "tool_choice": "none"}, True),
    "tools": ({"messages": TEXT, "tools": [FUNCTION]}, False),
    "functions": ({"messages": TEXT, "functions": [FUNCTION["function"]]}, False),
    "a tool that was called": ({"messages": CALLED}, False),
    "a mark of the cache": ({"messages": MARKED}, False),
    "a thought": ({"messages": SIGNED}, False),
}


def wire(lacks: list[str]) -> Wire:
    """One that caches alone, so that marks are taken out for it."""
    return made(kind="openai-compatible", endpoint="https://api.openai.com/v1", lacks=lacks)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("lacks", [[], ["seed"]])
@pytest.mark.parametrize("stream", [False, True])
def test_a_plain_call_is_told_as_one_that_was_looked_through(name: str, lacks: list[str], stream: bool) -> None:
    said, plain = CALLS[name]
    members = {each: msgspec.Raw(msgspec.json.encode(value)) for each, value in {"model": "m", **said}.items()}
    marks = marks_in(bytes(members["messages"]))
    optional = frozenset({"seed", "reasoning"})
    known = Call("chat", members, stream, marks=marks, optional=optional)
    unknown = Call("chat", members, stream, optional=optional)  # nobody has looked: so it is looked through
    assert (is_plain(known), is_plain(unknown)) == (plain, False)
    assert wire(lacks).encode(known) == wire(lacks).encode(unknown)
