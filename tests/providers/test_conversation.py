"""What Claude's API refuses of a conversation, and where it is said to be wrong."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from detente.providers.conversation import checked
from detente.providers.marks import marks_in
from detente.providers.wire import Refusal

USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "x"}


def members(**said: Any) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in said.items()}


def check(**said: Any) -> None:
    found = members(**said)
    checked(found, marks_in(bytes(found["messages"])))


def turns(*results: Any) -> list[Any]:
    return [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [USE]},
        {"role": "user", "content": [*results]},
    ]


WRONG: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "two results for one call": ({"messages": turns(RESULT, RESULT)}, "messages[2].content[1]", "send one"),
    "one id for two calls": ({"messages": [*turns(RESULT), *turns(RESULT)[1:]]}, "messages[3].content[0]", "its own"),
    "one id for two calls of one turn": (
        {"messages": [{"role": "assistant", "content": [USE, USE]}]},
        "messages[0].content[1]",
        "an id of its own",
    ),
    "thinking without a budget": (
        {"messages": turns(RESULT), "thinking": {"type": "enabled"}},
        "thinking.budget_tokens",
        "1024 or more",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_its_place_and_a_remedy(name: str) -> None:
    said, param, remedy = WRONG[name]
    with pytest.raises(Refusal) as caught:
        check(**said)
    assert caught.value.param == param
    assert remedy in caught.value.message


@pytest.mark.parametrize(
    "said",
    [
        {"messages": turns(RESULT)},
        {"messages": turns({**RESULT, "content": [{"type": "text", "text": '{"type":"tool_use","id":"t1"}'}]})},
        {"messages": turns({**RESULT, "content": '"tool_use_id": "t1"'})},
        {"messages": turns(RESULT), "thinking": {"type": "enabled", "budget_tokens": 2000}},
        {"messages": turns(RESULT), "thinking": {"type": "adaptive"}},
    ],
)
def test_what_is_right_passes(said: dict[str, Any]) -> None:
    check(**said)
