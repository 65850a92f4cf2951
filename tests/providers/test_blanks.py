"""Blank texts and turns of Anthropic's messages."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from detente.providers.blanks import prompt_without_blanks, without_blanks

USER = {"role": "user", "content": "hi"}
CALL = {"type": "tool_use", "id": "a", "name": "f", "input": {"text": "", "content": []}}
RESULT = {"type": "tool_result", "tool_use_id": "a", "content": ""}


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def turn(*blocks: Any, role: str = "assistant") -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


LEFT: dict[str, tuple[list[Any], list[Any]]] = {
    "beside a call": ([USER, turn(text(""), CALL)], [USER, turn(CALL)]),
    "blanks and lines": ([USER, turn(text(" \n\t"), text("a"))], [USER, turn(text("a"))]),
    "a turn of blank text": ([USER, {"role": "assistant", "content": " \n"}, USER], [USER, USER]),
    "a turn of nothing": ([USER, turn(), USER], [USER, USER]),
    "a turn of blank blocks": ([USER, turn(text(""), text(" ")), USER], [USER, USER]),
    "a user's turn of blank text, before others": (
        [{"role": "user", "content": ""}, turn(text("a")), USER],
        [turn(text("a")), USER],
    ),
    "within a user's turn": ([turn(text(""), text("a"), role="user")], [turn(text("a"), role="user")]),
}


@pytest.mark.parametrize("name", LEFT)
@pytest.mark.parametrize("spaces", [(",", ":"), (", ", " : ")])
def test_what_says_nothing_is_left_out(name: str, spaces: tuple[str, str]) -> None:
    given, told = LEFT[name]
    assert json.loads(bytes(without_blanks(msgspec.Raw(json.dumps(given, separators=spaces).encode())))) == told


STAYS: dict[str, Any] = {
    "nothing is blank": [USER, turn(text("a")), USER],
    "a user who says nothing": [turn(role="user")],
    "a user's blank text": [{"role": "user", "content": ""}],
    "a tool's arguments and results": [USER, turn(CALL), turn(RESULT, role="user")],
    "a text that looks so": [{"role": "user", "content": '"text":""'}],
    "more blanks than are looked at": [USER, turn(text(" " * 81), CALL)],
    "no list": {"text": ""},
    "no turns": [["text", {"text": ""}]],
    "other things": [{"role": "assistant", "content": {"text": ""}}],
}


@pytest.mark.parametrize("name", STAYS)
def test_everything_else_stays_to_the_byte(name: str) -> None:
    given = json.dumps(STAYS[name], indent=1).encode()
    assert bytes(without_blanks(msgspec.Raw(given))) == given


@pytest.mark.parametrize(
    ("system", "told"),
    [
        ("", None),
        (" \n", None),
        ([], None),
        ([text("")], None),
        ([text(""), text("x")], [text("x")]),
        ("x", "x"),
        ([text("x")], [text("x")]),
        (7, 7),
        ([7], [7]),
    ],
)
def test_a_system_prompt_is_told_without_what_says_nothing(system: Any, told: Any) -> None:
    found = prompt_without_blanks(msgspec.Raw(json.dumps(system).encode()))
    assert (None if found is None else json.loads(bytes(found))) == told
