"""Calls of tools, whole and in pieces, as servers write them that number or name them otherwise than OpenAI does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detente.providers.tool_calls import Calls, completion_with_own_ids

Piece = tuple[Any, Any, str | None, str | None]
"""The number, the id, the name and the arguments of a piece; None where it says none."""
TWO = {0: ("f", '{"x":1}'), 1: ("g", '{"y":2}')}
SAME = {0: ("f", '{"x":1}'), 1: ("f", '{"x":2}')}
SAID: dict[str, tuple[list[Piece], dict[int, tuple[str, str]]]] = {
    "ids, and one number": ([(0, "a", "f", '{"x":1}'), (0, "b", "g", '{"y":2}')], TWO),
    "ids that are numbers": ([(0, 7, "f", '{"x":1}'), (0, 8, "g", '{"y":2}')], TWO),
    "one id, and numbers": (
        [(0, "a", "f", '{"x"'), (1, "a", "g", '{"y"'), (0, "a", None, ":1}"), (1, "a", None, ":2}")],
        TWO,
    ),
    "no ids, and one number": ([(0, None, "f", '{"x":1}'), (0, None, "g", '{"y":2}')], TWO),
    "no ids, no numbers": ([(None, None, "f", '{"x"'), (None, None, None, ":1}"), (None, None, "g", '{"y":2}')], TWO),
    "the same tool again": ([(0, None, "f", '{"x":1}'), (0, None, "f", '{"x":2}')], SAME),
    "a name with each piece": ([(0, None, "f", '{"x"'), (0, None, "f", ":1}"), (1, None, "g", '{"y":2}')], TWO),
    "a name with each, an object within": ([(0, None, "f", '{"x":{}'), (0, None, "f", "}")], {0: ("f", '{"x":{}}')}),
    "an id with each piece": ([(0, "a", "f", '{"x"'), (0, "a", "f", ":1}"), (0, "b", "g", '{"y":2}')], TWO),
    "blank ids and names later": ([(0, "a", "f", '{"x"'), (0, "", "", ":1}"), (1, "b", "g", '{"y":2}')], TWO),
    "another id with each piece": (
        [(0, "a", "f", ""), (0, "b", None, '{"x"'), (0, "c", "", ":1}"), (1, "d", "g", '{"y":2}')],
        TWO,
    ),
    "one id, one number, two names": (
        [(0, "a", "f", '{"x"'), (0, "a", None, ":1}"), (0, "a", "g", '{"y"'), (0, "a", None, ":2}")],
        TWO,
    ),
    "one id, no numbers, two names": (
        [(None, "a", "f", '{"x":1}'), (None, "a", "g", '{"y"'), (None, "a", "", ":2}")],
        TWO,
    ),
    "an id once it has begun": ([(0, None, "f", '{"x"'), (0, "a", None, ":1}"), (1, "b", "g", '{"y":2}')], TWO),
    "arguments before the name": (
        [(0, "a", None, '{"x"'), (0, None, "f", ":1}"), (1, None, "", '{"y"'), (1, "b", "g", ":2}")],
        TWO,
    ),
    "arguments before the name, no numbers": ([(None, None, None, '{"x"'), (None, None, "f", ":1}")], {0: TWO[0]}),
    "numbers alone": (
        [(0, None, "f", '{"x"'), (1, None, "g", '{"y"'), (0, None, None, ":1}"), (1, None, None, ":2}")],
        TWO,
    ),
}


@pytest.mark.parametrize("said", SAID)
def test_each_call_has_a_place_and_an_id_of_its_own(said: str) -> None:
    pieces, told = SAID[said]
    calls, found = Calls(), dict[int, tuple[str, str]]()
    ids = dict[int, set[str]]()
    for number, id_, name, arguments in pieces:
        function = {key: text for key, text in (("name", name), ("arguments", arguments)) if text is not None}
        delta: dict[str, Any] = {"tool_calls": [{"index": number, "id": id_, "function": function}]}
        calls.placed(delta)
        for piece in delta.get("tool_calls", []):  # one that has no name yet is told with it
            before, shown = found.get(piece["index"], ("", "")), piece["function"]
            found[piece["index"]] = (
                before[0] + (shown.get("name") or ""),
                before[1] + (shown.get("arguments") or ""),
            )
            if piece["id"]:
                ids.setdefault(piece["index"], set()).add(piece["id"])
    assert found == told
    assert set(ids) == set(found)  # also where its provider gave none: its result is sent by it
    assert all(len(own) == 1 for own in ids.values())
    assert len({id_ for own in ids.values() for id_ in own}) == len(ids)


def test_a_name_that_comes_with_each_piece_is_told_once() -> None:
    """Some clients join the pieces of a name, as OpenAI's own library does."""
    calls, told = Calls(), list[Any]()
    for arguments in ("", '{"x"', ":1}"):
        function = {"name": "look", "arguments": arguments}
        delta = {"tool_calls": [{"index": 0, "id": "a", "function": function}]}
        calls.placed(delta)
        told.append(delta["tool_calls"][0]["function"])
    assert told == [{"name": "look", "arguments": ""}, {"arguments": '{"x"'}, {"arguments": ":1}"}]


WHOLE: list[tuple[list[Any], list[str]]] = [
    (["a", "a"], ["a", "a_1"]),
    (["a", "b", "a"], ["a", "b", "a_2"]),
    ([7, "7"], ["7", "7_1"]),
    ([None, ""], ["call_", "call_"]),
]


@pytest.mark.parametrize(("stated", "own"), WHOLE, ids=str)
def test_each_call_of_a_whole_completion_has_an_id_of_its_own(stated: list[Any], own: list[str]) -> None:
    calls = [{"id": id_, "function": {"name": "f", "arguments": "{}"}} for id_ in stated]
    body = json.dumps({"x": 1.10, "choices": [{"message": {"tool_calls": calls}}, {"message": {"tool_calls": None}}]})
    whole = json.loads(completion_with_own_ids(body.encode()))
    found = [call["id"] for call in whole["choices"][0]["message"]["tool_calls"]]
    assert len(set(found)) == len(found)
    assert all(id_ == is_ or (is_ == "call_" and id_.startswith(is_)) for id_, is_ in zip(found, own, strict=True))
    assert [call["function"] for call in whole["choices"][0]["message"]["tool_calls"]] == [c["function"] for c in calls]


def test_a_call_of_a_function_says_that_it_is_one() -> None:
    """Clients that tell kinds of calls apart take none without. What else says its kind, or is none, stays."""
    function = {"name": "f", "arguments": "{}"}
    calls: list[Any] = [{"id": "a", "function": function}, {"id": "b", "type": "custom", "custom": {}}, {"id": "c"}]
    whole = json.loads(completion_with_own_ids(json.dumps({"choices": [{"message": {"tool_calls": calls}}]}).encode()))
    assert whole["choices"][0]["message"]["tool_calls"] == [{**calls[0], "type": "function"}, *calls[1:]]


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": [ {"message": {"tool_calls": [{"id": "a"}, {"id": "b"}]}} ]}',
        b'{"choices": [{"message": {"tool_calls": ["a"]}}]}',
        b'{"choices": [{"message": {"tool_calls": {"id": "a"}}}]}',
        b'{"choices": [{"message": "tool_calls"}]}',
        b'{"choices": {"message": {"tool_calls": []}}}',
        b'["tool_calls"]',
    ],
)
def test_one_whose_calls_have_theirs_or_that_is_of_another_shape_is_as_it_came(body: bytes) -> None:
    assert completion_with_own_ids(body) == body
