"""Minimum commitments settled as of a day, by hand: what has ended is owed, and what runs accrues."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detente.contract.settled.settlement import Settlement
from detente.errors import SettleError
from detente.values.period import LAST, moment
from tests.builders import D, Data, day, postings, rated, settled_of, two_clouds, use

FLOOR: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "1 k USD"}
STEPS = [{"by": "2026-05-01", "reach": "1500 USD", "fee": "20%"}]


def as_of(day_: str) -> Settlement:
    """Of use worth 1150.75 in January and 250 on 10 April, at a moment."""
    more = {"shortfall": {"fee": "50%"}, "milestones": STEPS, "carry-over": "10%"}
    case = two_clouds(FLOOR | {"windows": {"every": "quarter"}} | more)
    lines = [
        use(case, "chat", "north-api", "2026-01-01", "2026-02-01", 300, "1150.75"),
        use(case, "chat", "north-api", "2026-04-10", "2026-04-10", 100, 250),
    ]
    return settled_of(case.signed, rated(case, lines), day(day_))


def figures(found: Settlement) -> list[tuple[object, ...]]:
    """Role, window, ended, drawn, brought, carried, short, owed, accruing."""
    return [
        (s.role, s.window, s.ended, s.drawn, s.brought, s.carried, s.short, s.owed, s.accruing) for s in found.standings
    ]


def test_nothing_is_owed_before_a_window_ends() -> None:
    found = as_of("2026-03-31")
    # the first quarter runs, with 150.75 more than it asks for; of the milestone 1500 - 1400.75 are missing, 20% of it
    assert found.postings == ()
    assert figures(found) == [
        ("floor", 0, False, D("1150.75"), 0, 100, 0, 0, 0),
        ("milestone", 0, False, D("1400.75"), 0, 0, D("99.25"), 0, D("19.85")),
    ]


def test_a_quarter_that_has_ended_is_carried_into_the_one_that_runs() -> None:
    found = as_of("2026-04-15")
    # 1000 - 250 - 100 brought in: 650 short so far, half of it accruing; nothing is owed yet
    assert found.postings == ()
    assert figures(found)[:2] == [
        ("floor", 0, True, D("1150.75"), 0, 100, 0, 0, 0),
        ("floor", 1, False, 250, 100, 0, 650, 0, 325),
    ]
    assert found.standings[1].remaining == 650


def test_what_has_ended_is_owed_on_that_day_and_not_the_day_before() -> None:
    fees = {day_: postings(as_of(day_).postings, "floor") for day_ in ("2026-04-30", "2026-05-01", "2026-07-01")}
    assert fees["2026-04-30"] == {}
    assert fees["2026-05-01"] == {("milestone-fee", 0): D("19.85")}
    assert fees["2026-07-01"] == {("milestone-fee", 0): D("19.85"), ("shortfall-fee", 1): D(325)}


def test_a_commitment_without_end_is_settled_as_of_a_day_only() -> None:
    case = two_clouds(FLOOR | {"windows": {"every": "quarter", "cut": "prorate"}})
    endless = case.signed[0].bound(replace(case.signed[0].validity, end=moment(LAST)), None)
    assert len(settled_of([endless], [], day("2026-04-15")).standings) == 2
    with pytest.raises(
        SettleError, match="`floor` has no end, so that its windows cannot all be settled; say as of when"
    ):
        settled_of([endless], [])
