"""Days of a mistyped year: what the case then says of clauses, amendments and days that no time of the horizon sees."""

from __future__ import annotations

import pytest

from detente.case.notes import notes
from tests.builders import Data, agreement, build, compute, data_of, gpus, mistakes, solved, tokens, work

OFF = {"id": "d", "kind": "discount", "off": "5%"}
TAKEN = {"id": "t", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "5 GPU", "price": "1 USD per GPU-hour"}
MISSED = {"from": "2062-03-01", "until": "2062-03-15", "quantity": "1 GPU"}
RENEWS = {"id": "r", "kind": "renewal", "automatic": True, "for": "1 year", "notice": "90 days"}


def told(*agreements: Data) -> list[str]:
    case = build([gpus("north", 1)], [compute()], *agreements, months=12)
    found = [note.what for note in notes(case) if note.remedy == "is the year right?"]
    assert [note.what for note in solved(case).notes] == found
    return found


@pytest.mark.parametrize(
    ("amending", "what"),
    [
        ({"terms": [OFF | {"off": "50%"}]}, "`d` of `later` replaces an earlier text from 2062-07-01 on"),
        ({"terms": [], "removes": ["d"]}, "`later` removes `d` on 2062-07-01"),
    ],
)
def test_an_amendment_after_the_horizon(amending: Data, what: str) -> None:
    first = agreement(OFF, ends="2027-01-01")
    later = {"id": "later", "with": "north", "effective": "2062-07-01", "ends": "2063-01-01"}
    later |= {"amends": first["id"]} | amending
    assert told(first, later) == [f"{what}, and at no time of the horizon (2026)"]
    assert told(first, later | {"effective": "2026-07-01"}) == []


@pytest.mark.parametrize(
    ("term", "day"),
    [
        (
            TAKEN | {"undelivered": [{"from": "2062-03-01", "until": "2062-03-15", "quantity": "1 GPU"}]},
            "03-01 (`from`)",
        ),
        ({"id": "e", "kind": "escalator", "by": "5%", "starts": "2062-07-01"}, "07-01 (`starts`)"),
        ({"id": "p", "kind": "price-lock", "method": "fixed", "on": "2062-01-01"}, "01-01 (`on`)"),
    ],
)
def test_a_day_that_a_clause_names_after_its_end(term: Data, day: str) -> None:
    what = f"`{term['id']}` of `north-deal` names 2062-{day}, after it has ended, and after the horizon (2026)"
    assert told(agreement(term, ends="2027-01-01")) == [what]
    assert told(agreement(term, ends="2063-01-01")) == []  # a later day of its own time


AMENDS = {"id": "later", "with": "north", "effective": "2026-07-01", "ends": "2027-01-01", "amends": "north-deal"}
OTHERS = {"what": "H100s", "ours": "2 USD per GPU-hour", "theirs": "1 USD per GPU-hour"}
NOTICED = {"id": "n", "kind": "first-refusal", "answer-within": "10 days"}
FIRST = {"id": "f", "kind": "first-ship"}
PHASES = {"id": "v", "kind": "delivery", "offer": "north-gpus"}
FAVOURED = {"id": "m", "kind": "most-favoured", "compared-with": "others"}
OF: Data = {"of": {"kind": "training"}}


def phased(**days: str) -> Data:
    return PHASES | {"tranches": [{"name": "a", "quantity": "10 GPU", "due": "2026-01-01"} | days]}


@pytest.mark.parametrize(
    ("term", "days"),
    [
        (TAKEN | {"undelivered": [MISSED | {"from": "2016-03-01", "until": "2016-03-15"}]}, ["2016-03-01 (`from`)"]),
        (NOTICED | {"notices": [OF | {"noticed": "2025-12-31"}]}, ["2025-12-31 (`noticed`)"]),
        (NOTICED | {"notices": [OF | {"noticed": "2026-01-01"}]}, []),
        (FIRST | {"releases": [OF | {"offered": "2016-02-01"}]}, ["2016-02-01 (`offered`)"]),
        (FIRST | {"releases": [OF | {"answer": "cannot", "answered": "2016-02-01"}]}, ["2016-02-01 (`answered`)"]),
        # a product may have been there for some time, and GPUs too: not for a year
        (FIRST | {"releases": [OF | {"shipped": "2025-01-02"}]}, []),
        (FIRST | {"releases": [OF | {"shipped": "2025-01-01"}]}, ["2025-01-01 (`shipped`)"]),
        (phased(due="2025-11-01", accepted="2025-11-01"), []),
        (phased(accepted="2016-01-01"), ["2016-01-01 (`accepted`)"]),
        (FAVOURED | {"compared": [OTHERS | {"on": "2026-02-01", "lowered": "2016-03-01"}]}, ["2016-03-01 (`lowered`)"]),
        (
            {"id": "a", "kind": "audit", "done": ["2016-03-01", "2016-04-01"]},
            ["2016-03-01 (`done`)", "2016-04-01 (`done`)"],
        ),
        (
            {"id": "o", "kind": "obligation", "what": "x", "due": "2026-03-01", "done": ["2016-02-01"]},
            ["2016-02-01 (`done`)"],
        ),
        (
            {
                "id": "c",
                "kind": "change-of-control",
                "right": "terminate",
                "within": "9 days",
                "happened": "2016-02-01",
            },
            ["2016-02-01 (`happened`)"],
        ),
    ],
)
def test_what_happened_before_a_clause_was_in_force_is_asked_about(term: Data, days: list[str]) -> None:
    asked = [f"`{term['id']}` of `north-deal` names {day}, before it is in force (2026-01-01)" for day in days]
    assert told(agreement(term, ends="2027-01-01")) == asked


def test_what_happened_by_an_earlier_text_is_not_asked_about() -> None:
    audit = {"id": "a", "kind": "audit", "done": ["2026-03-01"]}
    assert told(agreement(audit, ends="2027-01-01"), AMENDS | {"terms": [audit]}) == []


SLA: Data = {
    "id": "s",
    "kind": "service-credit",
    "bands": [{"below": "99%", "credit": "10%"}],
    "claim-within": "2 months",
}
REPORTS: Data = {"id": "o", "kind": "obligation", "what": "x", "windows": {"every": "year"}, "within": "30 days"}


@pytest.mark.parametrize(
    ("term", "asked"),
    [
        (SLA | {"measured": [{"on": "2026-12-01", "availability": "98%", "claimed": "2027-02-28"}]}, False),
        (REPORTS | {"done": ["2027-01-30"]}, False),
        (REPORTS | {"done": ["2027-02-02"]}, True),
    ],
)
def test_what_may_happen_after_the_end_is_not_asked_about(term: Data, asked: bool) -> None:
    assert bool(told(agreement(term, ends="2027-01-01"))) == asked


PAID = {"id": "p", "kind": "payment", "amount": "1 k USD", "on": "2026-09-01"}
TRANCHE = {"name": "one", "quantity": "5 GPU", "due": "2026-06-01", "worth": "1 k USD"}
DELIVERED = {"id": "v", "kind": "delivery", "offer": "north-gpus", "credit": {"per-day": "1%", "at-most": "10%"}}


@pytest.mark.parametrize(
    ("term", "on"),
    [
        (PAID, "2026-09-01"),
        ({"id": "p", "kind": "price-lock", "method": "fixed", "on": "2026-09-01"}, "2026-09-01"),
        ({"id": "e", "kind": "escalator", "by": "5%", "starts": "2026-07-01"}, "2026-07-01"),
        (TAKEN | {"undelivered": [MISSED | {"from": "2026-08-01", "until": "2026-09-01"}]}, "2026-08-01"),
        (DELIVERED | {"tranches": [TRANCHE | {"accepted": "2026-07-02"}]}, "2026-07-02"),
        (DELIVERED | {"tranches": [TRANCHE | {"due": "2026-09-01"}]}, "2026-09-01"),
    ],
)
def test_a_day_of_the_horizon_after_its_end_is_a_mistake(term: Data, on: str) -> None:
    facts = data_of([gpus("north", 1)], [compute()], agreement(term, ends="2026-07-01"), months=12)
    (only,) = mistakes(facts)
    assert only.startswith(f"`{term['id']}` names {on}, and ends on 2026-07-01: it does nothing then")
    assert not mistakes(data_of([gpus("north", 1)], [compute()], agreement(term, ends="2027-01-01"), months=12))


def test_where_an_amendment_has_moved_the_end_it_is_told_and_where_one_removes_it_not() -> None:
    first = agreement(PAID, ends="2027-01-01")
    later = {"id": "later", "with": "north", "effective": "2026-05-01", "amends": first["id"], "terms": []}
    ended = build([gpus("north", 1)], [compute()], first, later | {"ends": "2026-07-01"}, months=12)
    (note,) = notes(ended)
    assert note.what == (
        "`p` of `north-deal` names 2026-09-01 (`on`), and has ended by then (2026-07-01): it does nothing then"
    )
    assert "it has ended by then: nothing is owed" in str(ended.terms[0].explain())
    assert not notes(build([gpus("north", 1)], [compute()], first, later | {"removes": ["p"]}, months=12))


def test_notice_before_a_renewal_is_in_force() -> None:
    given = agreement(RENEWS | {"given": "2006-03-01"}, ends="2027-01-01")
    (only,) = mistakes(data_of([gpus("north", 1)], [compute()], given, months=12))
    assert only == "notice was given on 2006-03-01, before the clause is in force (2026-01-01); is the year right?"


@pytest.mark.parametrize(
    ("rate", "first"),
    [
        ({"2062-01": "100 GPU"}, "2062-01-01"),
        ({"2026-07": "100 GPU", "2027-01": "0 GPU"}, "2026-07-01"),
        ({"2026-06": "100 GPU"}, None),
        ({"2025-01": "100 GPU"}, None),
        ("100 GPU", None),
    ],
)
def test_work_that_is_asked_for_after_the_horizon_alone(rate: object, first: str | None) -> None:
    """Six months from January 2026; work that never changes, or has begun, is asked for in all of them."""
    offers = [tokens("north", 3), gpus("north", 2)]
    case = build(offers, [work(), compute(demand={"rate": rate})])
    said = f"`research` asks for work from {first} on, and at no time of the horizon (Jan 2026 – Jun 2026)"
    assert [(each.what, each.remedy) for each in notes(case)] == [(said, "is the year right?")] * (first is not None)
