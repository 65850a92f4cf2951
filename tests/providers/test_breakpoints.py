"""How many breakpoints of a cache a request may set, and where those are that are too many."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from detente.providers.breakpoints import few_breakpoints
from detente.providers.wire import Refusal

MARK = {"cache_control": {"type": "ephemeral"}}
MARKED = {"type": "text", "text": "a", **MARK}
PLAIN = {"type": "text", "text": "b"}


def check(**said: Any) -> None:
    few_breakpoints({name: msgspec.Raw(msgspec.json.encode(value)) for name, value in said.items()})


def user(*content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": [*content], **more}


@pytest.mark.parametrize(
    ("said", "places"),
    [
        (
            {"messages": [user(MARKED, PLAIN, MARKED), user(MARKED)], "system": [PLAIN, MARKED], "tools": [MARK]},
            "tools[0], system[1], messages[0].content[0], messages[0].content[2], messages[1].content[0]",
        ),
        (
            {"messages": [user({"type": "tool_result", "content": [PLAIN, MARKED], **MARK}, *[MARKED] * 3)]},
            "messages[0].content[0].content[1], messages[0].content[0], messages[0].content[1], "
            "messages[0].content[2], messages[0].content[3]",
        ),
        (
            {"messages": [user(PLAIN, **MARK), {"role": "assistant", "tool_calls": [MARK] * 3}, user(MARKED, **MARK)]},
            "messages[0], messages[1].tool_calls[0], messages[1].tool_calls[1], messages[1].tool_calls[2], "
            "messages[2].content[0]",
        ),
    ],
)
def test_too_many_are_told_each_with_its_place(said: dict[str, Any], places: str) -> None:
    with pytest.raises(Refusal) as caught:
        check(**said)
    what = "`cache_control` is set at 5 places, and at most 4 are taken: keep the last ones of "
    assert caught.value.message == what + places
    assert caught.value.param == places.partition(",")[0]


def test_of_many_places_the_first_are_told() -> None:
    with pytest.raises(Refusal, match=r"set at 40 places.*content\[11\] and 28 more$"):
        check(messages=[user(*[MARKED] * 40)])


@pytest.mark.parametrize(
    "said",
    [
        {"messages": [user(*[MARKED] * 4)]},
        {"messages": [user(*[MARKED] * 4, **MARK)]},  # a message that ends with a mark is marked as a whole already
        {"messages": [user(*[MARKED] * 4)], "tools": [{"input_schema": {"properties": MARK}}]},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "input": {"a": [MARK] * 9}}]}]},
        {"messages": [user({**PLAIN, "text": '"cache_control":{' * 9})]},
        {"messages": 7, "system": "x"},
    ],
)
def test_what_is_right_passes(said: dict[str, Any]) -> None:
    check(**said)
