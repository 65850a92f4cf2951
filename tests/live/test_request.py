"""A request's labels: it may narrow what its key stands for, and never change it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.live.request import LabelError, Request, labels_of, narrowed

KNOWN = {"data": frozenset({"personal", "public"}), "team": frozenset({"sales", "ops"})}


def test_a_request_may_add_a_label() -> None:
    assert narrowed({"team": "sales"}, {"data": "personal"}, KNOWN) == {"team": "sales", "data": "personal"}
    assert narrowed({"team": "sales"}, {"team": "sales"}, KNOWN) == {"team": "sales"}
    assert narrowed({}, {}, KNOWN) == {}


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"team": "ops"}, "the key stands for `team: sales`, and the request says `team: ops`; a request may narrow"),
        ({"dat": "public"}, "no workload or clause uses a label `dat`; did you mean `data`?"),
        ({"data": "persnal"}, "`persnal` is not a value of `data`; did you mean `personal`?"),
    ],
)
def test_what_it_may_not_state_is_named(stated: dict[str, str], message: str) -> None:
    with pytest.raises(LabelError, match=message.replace("?", r"\?")):
        narrowed({"team": "sales"}, stated, KNOWN)


NAMES = st.sampled_from(["data", "team", "other"])
LABELS = st.dictionaries(NAMES, st.sampled_from(["personal", "public", "sales", "ops", "x"]))


@given(LABELS, LABELS)
def test_what_is_held_is_never_changed(held: dict[str, str], stated: dict[str, str]) -> None:
    try:
        found = narrowed(held, stated, KNOWN)
    except LabelError:
        return
    assert found == {**stated, **held}
    assert all(value in KNOWN[name] for name, value in stated.items())


def test_facts_and_equality() -> None:
    request = Request("chat", "inference", (("data", "personal"),), "m")
    assert request.facts == {"workload": "chat", "kind": "inference", "data": "personal"}
    assert hash(request) == hash(Request("chat", "inference", (("data", "personal"),), "m"))


def test_no_label_speaks_for_whose_call_it_is() -> None:
    facts = Request("chat", "inference", (("kind", "batch"), ("workload", "docs"), ("team", "sales")), "m").facts
    assert facts == {"workload": "chat", "kind": "inference", "team": "sales"}


@given(st.text(max_size=60) | st.text("=,ab \t;é", max_size=30))
def test_any_text_is_labels_or_refused(text: str) -> None:
    try:
        found = labels_of(text)
    except LabelError:
        return
    assert all(name and value and "=" not in name for name, value in found.items())
