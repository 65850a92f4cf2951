"""Values for schemas: whatever is made, an independent validator accepts; what cannot be made is refused by name."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from detente.sandbox.ask import WrongError
from detente.sandbox.schema_value import value

names = st.sampled_from(["a", "b", "c", "d"])
small = st.integers(-20, 20)
leaves = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.builds(lambda low, width: {"type": "integer", "minimum": low, "maximum": low + width}, small, st.integers(0, 9)),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low}, small),
    st.builds(lambda high, step: {"type": "integer", "maximum": high, "multipleOf": step}, small, st.integers(1, 7)),
    st.builds(
        lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more},
        st.integers(0, 80),
        st.integers(0, 9),
    ),
    st.builds(lambda form: {"type": "string", "format": form}, st.sampled_from(["date", "email", "uuid", "date-time"])),
    st.builds(lambda items: {"enum": items}, st.lists(st.one_of(small, st.text(max_size=3)), min_size=1, max_size=3)),
    st.builds(lambda item: {"const": item}, small),
    st.just({"type": ["string", "null"]}),
    st.just({"type": "integer", "exclusiveMinimum": 0, "maximum": 2**53 - 1}),
    st.sampled_from([r"^\d{4}-\d{2}-\d{2}$", "^[A-Z]{3}$", "^[a-z]+$"]).map(lambda p: {"type": "string", "pattern": p}),
)


def deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def of(properties: dict[str, Any], closed: bool) -> dict[str, Any]:
        found = {"type": "object", "properties": properties, "required": list(properties)}
        return found | ({"additionalProperties": False} if closed else {})

    return st.one_of(
        st.builds(of, st.dictionaries(names, inner, max_size=3), st.booleans()),
        st.builds(lambda item, least: {"type": "array", "items": item, "minItems": least}, inner, st.integers(0, 3)),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts}),
        st.lists(st.dictionaries(names, inner, max_size=2), min_size=1, max_size=2).map(
            lambda parts: {
                "allOf": [
                    {"type": "object", "properties": {f"{k}{n}": v for k, v in p.items()}} for n, p in enumerate(parts)
                ]
            }
        ),
    )


@settings(max_examples=150, deadline=None)
@given(st.recursive(leaves, deeper, max_leaves=8), st.integers(0, 99))
def test_what_is_made_is_valid(schema: dict[str, Any], seed: int) -> None:
    made = value(schema, Random(seed))
    Draft202012Validator(schema).validate(made)
    assert made == value(schema, Random(seed))


TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
            "required": ["next"],
        }
    },
    "$ref": "#/$defs/node",
}
FOREST = {
    "type": "object",
    "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["children"],
}


@pytest.mark.parametrize("schema", [TREE, FOREST])
@pytest.mark.parametrize("seed", range(30))
def test_a_schema_that_holds_itself_comes_to_an_end(schema: dict[str, Any], seed: int) -> None:
    Draft202012Validator(schema).validate(value(schema, Random(seed)))


ENDLESS = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (ENDLESS, "too deep"),
        ({"$ref": "#/$defs/none"}, "refers to nothing"),
        ({"$ref": "http://example.com"}, "outside"),
        ({"$ref": "#"}, "circle"),
        ({"type": "string", "pattern": "^x{40}$"}, "pattern"),
        ({"type": "string", "pattern": "("}, "pattern"),
        ({"not": {}}, "`not`"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "no number"),
        ({"type": "number", "minimum": "x"}, "not a number"),
        ({"type": "array", "minItems": 10**7}, "too deep or too large"),
        ({"type": "array", "items": {"type": "null"}, "minItems": 2, "uniqueItems": True}, "too few"),
        ({"type": "string", "minLength": 9, "maxLength": 2}, "no text"),
        ({"type": "thing"}, "not a type"),
        ({"type": "object", "required": ["a"], "additionalProperties": False}, "allows no such property"),
        (3, "neither an object"),
    ],
)
def test_what_cannot_be_met_is_refused_by_name(schema: Any, said: str) -> None:
    with pytest.raises(WrongError, match=said):
        value(schema, Random(0))


json_like = st.recursive(
    st.one_of(st.none(), st.booleans(), small, st.text(max_size=5), st.floats(allow_nan=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "required",
                    "items",
                    "anyOf",
                    "allOf",
                    "$ref",
                    "enum",
                    "minimum",
                    "minItems",
                    "prefixItems",
                    "maxItems",
                    "minProperties",
                    "additionalProperties",
                    "pattern",
                    "multipleOf",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(json_like)
def test_nonsense_is_refused_and_never_breaks(schema: Any) -> None:
    with suppress(WrongError):
        value(schema, Random(0))
