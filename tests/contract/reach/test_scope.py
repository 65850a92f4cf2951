"""Scopes: yes, no, and unknown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.contract.reach.scope import Scope, Selection
from detente.values.facts import Facts

CHAT: Facts = {"workload": "chat", "kind": "inference", "api": "stateless"}
H100: Facts = {
    "offer": "a",
    "provider": "azure",
    "region": "eastus",
    "country": "US",
    "product": "gpu",
    "accelerator": "H100",
}


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        ({}, True),
        ({"api": ["stateless", "stateful"]}, True),
        ({"api": ["stateful"]}, False),
        ({"api": ["stateless"], "provider": ["aws"]}, False),
        ({"colour": ["red"]}, None),
        ({"colour": ["red"], "provider": ["aws"]}, False),
        ({"colour": ["red"], "provider": ["azure"]}, None),
        ({"model": ["sonnet"]}, False),
    ],
)
def test_a_scope_covers(wanted: dict[str, list[str]], answer: bool | None) -> None:
    assert Scope(wanted).covers(CHAT, H100) is answer


def test_idle_capacity_is_nobodys() -> None:
    assert Scope({"provider": ["azure"]}).covers(None, H100) is True
    assert Scope({"api": ["stateless"]}).covers(None, H100) is False


def test_what_stands_idle_is_theirs_where_an_offer_runs_their_work_alone() -> None:
    theirs = Scope({"party": ["lab"]}, idle=["h100"])
    assert theirs.covers(None, {"offer": "h100"}) is True
    assert theirs.covers(None, {"offer": "a100"}) is False
    assert theirs.covers({"party": "uk"}, {"offer": "h100"}) is False


def test_exceptions_take_out_and_the_unknown_stays_unknown() -> None:
    everything, red = Scope(), Scope({"colour": ["red"]})
    assert Selection((everything,), (Scope({"kind": ["inference"]}),)).covers(CHAT, H100) is False
    assert Selection((everything,), (red,)).covers(CHAT, H100) is None
    assert Selection((everything, Scope({"kind": ["batch"]})), (red,)).covers(CHAT, H100) is False
    assert Selection((red,), (Scope({"api": ["stateless"]}),)).covers(CHAT, H100) is False
    at = Selection((everything,)).at(provider="aws")
    assert at.covers(CHAT, H100) is False
    assert at.keys == {"provider"}


@pytest.mark.parametrize(
    ("other", "inside", "asked"),
    [
        (Selection((Scope({"product": ["gpu"], "region": ["west", "east", "south"]}),)), True, None),
        (Selection((Scope({"provider": ["aws"]}),), (Scope({"product": ["tokens"]}),)), True, None),
        (Selection((Scope({"accelerator": ["A100"]}),)), False, None),
        # both regions are there, and only one is asked for; a country is not known of an offer
        (Selection((Scope({"region": ["west"]}),)), None, "asks for `region: west`"),
        (Selection((Scope(),), (Scope({"country": ["NL"]}),)), None, "leaves out `country: NL`"),
        (Selection((Scope({"kind": ["batch"]}),)), None, "asks for `kind: batch`"),
    ],
)
def test_what_offers_have_that_are_named_says_what_is_inside(
    other: Selection, inside: bool | None, asked: str | None
) -> None:
    """Of three named, the third is left out: what the two others have is known, and nothing of where they run."""
    same = {"provider": "aws", "product": "gpu", "accelerator": "H100"}
    sold = {"a": {"offer": "a", "region": "west"} | same, "b": {"offer": "b", "region": "east"} | same}
    sold["c"] = {"offer": "c", "provider": "azure", "product": "tokens"}
    named = Selection((Scope({"offer": ["a", "b", "c"]}),), (Scope({"provider": ["azure"]}),))
    assert named.inside(other) is None
    assert named.as_sold({"a": sold["a"], "b": sold["b"]}) is named  # what one of them has is not known
    assert named.as_sold(sold).inside(other) is inside
    assert named.as_sold(sold).beyond(other) == asked


def test_what_a_scope_says() -> None:
    assert str(Scope({"api": ["a", "b"], "kind": ["batch"]})) == "api: a or b, kind: batch"
    assert str(Selection((Scope(),), (Scope({"kind": ["batch"]}),))) == "everything (except `kind: batch`)"


@pytest.mark.parametrize(
    "given", [None, [], "x", {"a": []}, {"a": None}, {"a": {}}, {"a": ["x", []]}, {"a": ""}, {"a": [None]}]
)
def test_scopes_that_are_refused(given: Any) -> None:
    with pytest.raises(ValueError, match=r"write for example"):
        Scope._parse(given)


VALUES = st.sampled_from(["x", "y", "z"])
KEYS = st.sampled_from(["a", "b", "provider", "region"])
SCOPES = st.dictionaries(KEYS, st.lists(VALUES, min_size=1, max_size=2), max_size=3).map(Scope)
SELECTIONS = st.builds(
    Selection, st.lists(SCOPES, min_size=1, max_size=2).map(tuple), st.lists(SCOPES, max_size=2).map(tuple)
)


@given(selection=SELECTIONS, demand=st.dictionaries(st.sampled_from(["a", "b"]), VALUES), a=VALUES, b=VALUES)
@settings(derandomize=True, max_examples=200)
def test_a_settled_answer_holds_whatever_the_unknown_facts_are(
    selection: Selection, demand: dict[str, str], a: str, b: str
) -> None:
    offer = {"provider": "x", "region": "y"}
    answer = selection.covers(demand, offer)
    if answer is not None:
        assert selection.covers({"a": a, "b": b, **demand}, offer) is answer
    assert selection.covers({"a": a, "b": b}, offer) is not None
