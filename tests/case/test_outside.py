"""Days of a mistyped year: what the case then says of clauses, amendments and days that no time of the horizon sees."""

from __future__ import annotations

import pytest

from detente.case.notes import notes
from tests.builders import Data, agreement, build, compute, data_of, gpus, mistakes, solved

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


def test_notice_before_a_renewal_is_in_force() -> None:
    given = agreement(RENEWS | {"given": "2006-03-01"}, ends="2027-01-01")
    (only,) = mistakes(data_of([gpus("north", 1)], [compute()], given, months=12))
    assert only == "notice was given on 2006-03-01, before the clause is in force (2026-01-01); is the year right?"
