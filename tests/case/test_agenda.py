"""The agenda of a case: every day, in order, once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from detente.case.agenda import agenda
from detente.case.case import Case
from tests.builders import Data, agreement, compute, data_of, gpus, tokens, work

FLOOR = {
    "id": "floor",
    "kind": "minimum-commitment",
    "amount": "1 k USD",
    "windows": {"every": "quarter"},
    "milestones": [{"by": "2026-05-01", "reach": "100 USD", "fee": "10%"}],
}
FEE = {"id": "fee", "kind": "payment", "amount": "10 USD", "on": "2026-06-01"}
CAP = {"id": "cap", "kind": "spending-cap", "amount": "9 M USD", "from": "2026-02-01", "windows": {"every": "hour"}}


def lines(
    since: str = "2026-01-01", until: str = "2026-07-01", scenario: Any = None, **head: Any
) -> list[tuple[str, str]]:
    data = data_of([tokens("north", 3)], [work()], agreement(FLOOR, FEE, CAP), **head)
    found = agenda(Case.of(data).under(scenario=scenario), date.fromisoformat(since), date.fromisoformat(until))
    return [(str(line.on), line.what) for line in found]


def test_every_day_in_order() -> None:
    assert lines() == [
        ("2026-01-01", "`north-deal` takes effect"),
        ("2026-02-01", "`cap` comes into force"),  # its windows are hours, and are not listed
        ("2026-03-31", "a window of `floor` ends: 2026 Q1, of 1.00 k USD"),
        ("2026-04-30", "milestone: 100.00 USD by 2026-05-01: 10% of what is missing then is owed"),
        ("2026-06-01", "10.00 USD are due to `north`"),
        ("2026-06-30", "the last day of `north-deal`"),
        ("2026-06-30", "a window of `floor` ends: 2026 Q2, of 1.00 k USD"),
    ]


def test_windows_say_how_much_they_ask_for() -> None:
    ramp = FLOOR | {"amount": "1 k USD", "windows": {"every": "quarter", "ramp": ["40%", "60%"]}, "milestones": []}
    tokens_ = {"amount": "3 Gtok", "shortfall": {"price": "1 USD per Mtok"}, "milestones": []}
    told = []
    for clause in (ramp, FLOOR | tokens_):
        case = Case.of(data_of([tokens("north", 3)], [work()], agreement(clause)))
        found = agenda(case, date(2026, 1, 1), date(2026, 7, 1))
        told.append([line.what.partition(", ")[2] for line in found if line.role == "window"])
    assert told == [["of 400.00 USD", "of 600.00 USD"], ["of 3.00 k Mtok", "of 3.00 k Mtok"]]


def test_what_was_not_taken_can_be_made_up_until_a_day() -> None:
    """Taken by the quarter, and made up in one that begins within two months of its end, while the clause holds."""
    kept: Data = {
        "id": "kept",
        "kind": "take-or-pay",
        "offer": "north-gpus",
        "quantity": "2 GPU",
        "price": "1 USD per GPU-hour",
    }
    kept |= {"windows": {"every": "quarter"}, "make-up": {"within": "2 months"}}
    data = data_of([gpus("north", 3)], [compute()], agreement(kept), months=9)
    found = agenda(Case.of(data), date(2026, 1, 1), date(2027, 1, 1))
    begins = "the last day on which a window may begin that makes up what was not taken in"
    assert [(str(line.on), line.what) for line in found if line.clause == "kept"] == [
        ("2026-03-31", "a window of `kept` ends: 2026 Q1, of 4.32 k GPU-hour"),
        ("2026-05-31", f"{begins} 2026 Q1"),
        ("2026-06-30", "a window of `kept` ends: 2026 Q2, of 4.37 k GPU-hour"),
        ("2026-08-31", f"{begins} 2026 Q2"),
        ("2026-09-30", "a window of `kept` ends: 2026 Q3, of 4.42 k GPU-hour"),
    ]


def test_only_days_that_are_asked_for() -> None:
    assert [on for on, _ in lines("2026-03-31", "2026-04-30")] == ["2026-03-31"]


def test_events_and_what_a_scenario_brings() -> None:
    due = {"what": "a report", "by": "self", "due": "2026-03-01"}
    cost = {"on": "2026-02-10", "amount": "5 USD", "to": "counsel", "why": "a suit"}
    scenario = {"id": "suit", "events": {"merger": "2026-05-05"}, "obligations": [due], "costs": [cost]}
    head: Data = {"events": {"merger": "not expected"}, "scenarios": [scenario]}
    plain, changed = lines(**head), lines(scenario="suit", **head)
    assert [each for each in changed if each not in plain] == [
        ("2026-01-01", "`suit.costs` takes effect"),
        ("2026-02-10", "5.00 USD are due to counsel"),
        ("2026-03-01", "a report"),
        ("2026-05-05", "the event `merger`"),
    ]


def test_an_amended_clause_ends_on_the_day_before() -> None:
    second = agreement(FEE | {"on": "2026-05-02"}, id="two", amends="north-deal", effective="2026-04-16")
    data = data_of([tokens("north", 3)], [work()], agreement(FEE), second)
    found = agenda(Case.of(data), date(2026, 1, 1), date(2026, 7, 1))
    assert [(str(line.on), line.what) for line in found if line.clause == "fee"] == [
        ("2026-04-15", "the last day of `fee`"),
        ("2026-05-02", "10.00 USD are due to `north`"),
    ]


@pytest.mark.parametrize(
    ("cap", "each", "whole"),
    [({"cap": "20 k USD"}, "", [", of 20.0 k USD"]), ({"cap-each": "5 k USD"}, ", of 5.00 k USD", [])],
)
def test_a_cap_in_all_is_of_the_whole_term(cap: Data, each: str, whole: list[str]) -> None:
    share = {"id": "rs", "kind": "revenue-share", "rate": "1%", "windows": {"every": "quarter"}} | cap
    earning = work(revenue="1 USD per Mtok")
    case = Case.of(data_of([tokens("north", 3)], [earning], agreement(share)))
    told = {line.what for line in agenda(case, date(2026, 1, 1), date(2026, 7, 1)) if line.role == "window"}
    ends = [("2026 Q1", each), ("2026 Q2", each), *(("Jan 2026 – Jun 2026", amount) for amount in whole)]
    assert told == {f"a window of `rs` ends: {time}{amount}" for time, amount in ends}


@pytest.mark.parametrize(("offered", "unless"), [(None, ""), ("2026-03-25", ", unless it is accepted by then")])
def test_a_late_tranche_may_be_cancelled(offered: str | None, unless: str) -> None:
    """Due on 1 February, 60 days; offered on 25 March, silence of ten days accepts it on 5 April."""
    late: Data = {"name": "one", "quantity": "60 GPU", "due": "2026-02-01"} | ({"offered": offered} if offered else {})
    clause = {"id": "d", "kind": "delivery", "offer": "north-gpus", "deemed-after": "10 days", "long-stop": "60 days"}
    case = Case.of(data_of([gpus("north", 1)], [compute()], agreement(clause | {"tranches": [late]})))
    found = agenda(case, date(2026, 1, 1), date(2026, 7, 1))
    rights = [(str(each.on), each.what) for each in found if each.role == "right"]
    assert rights == [("2026-04-02", f"from this day on one may be cancelled{unless}")]
    assert not [each for each in found if each.role == "window"]  # its windows ask nobody for anything


def test_windows_of_a_service_credit_ask_nobody_for_anything() -> None:
    clause = {"id": "sla", "kind": "service-credit", "bands": [{"below": "99%", "credit": "30%"}]}
    case = Case.of(data_of([tokens("north", 3)], [work()], agreement(clause)))
    assert not [each for each in agenda(case, date(2026, 1, 1), date(2026, 7, 1)) if each.role == "window"]
