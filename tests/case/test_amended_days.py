"""Days of a clause that an amendment replaces, removes or ends early: no mistake, and told once, by what holds.

The deal runs from 2026 to the end of 2027; the amendment takes effect on 1 June 2026.
"""

from __future__ import annotations

from datetime import date

import pytest

from detente.case.agenda import agenda
from detente.case.case import Case
from detente.case.notes import notes
from tests.builders import Data, data_of, mistakes, tokens, work

KINDS: dict[str, Data] = {
    "obligation": {"what": "a report", "due": "2026-10-01"},
    "renewal": {"automatic": True, "for": "1 year", "notice": "90 days"},
    "termination": {"for": "convenience", "not-before": "2026-09-01", "fees": [{"fee": "2 M USD"}]},
    "change-of-control": {"right": "terminate", "within": "90 days", "happened": "2026-05-20"},
}
WAYS: dict[str, Data] = {"replaced": {}, "removed": {"removes": ["it"]}, "ended": {"ends": "2026-07-01"}}


def facts(kind: str, way: str, **more: object) -> Data:
    clause = {"id": "it", "kind": kind} | KINDS[kind] | more
    deal = {"id": "deal", "with": "north", "effective": "2026-01-01", "ends": "2028-01-01", "terms": [clause]}
    again = [clause] if way == "replaced" else []
    new = {"id": "new", "with": "north", "amends": "deal", "effective": "2026-06-01", "terms": again} | WAYS[way]
    return data_of([tokens("north", 3)], [work()], {}, months=12) | {"agreements": [deal, new]}


def told(kind: str, way: str, **more: object) -> list[tuple[str, str, str | None]]:
    """What is reminded of, without the days on which clauses begin and end."""
    found = agenda(Case.of(facts(kind, way, **more)), date(2026, 1, 1), date(2028, 2, 1))
    return [(str(each.on), each.role, each.agreement) for each in found if each.clause and each.role != "end"]


@pytest.mark.parametrize(
    ("kind", "days"),
    [
        ("obligation", [("2026-10-01", "duty", "new")]),
        # 3 October to 31 December 2027 are 90 days; not on 1 June 2026, when another text begins
        ("renewal", [("2027-10-02", "notice", "new"), ("2028-01-01", "renewal", "new")]),
        ("termination", [("2026-09-01", "right", "new"), ("2026-09-01", "right", "new")]),
        # 11 days of May after the 20th, 30 of June, 31 of July, 18 of August: 90
        ("change-of-control", [("2026-08-18", "right", "new")]),
    ],
)
def test_what_two_texts_say_is_told_once_and_only_of_their_own_time(kind: str, days: list[object]) -> None:
    assert told(kind, "replaced") == days


@pytest.mark.parametrize("kind", ["obligation", "renewal", "termination"])
def test_what_was_removed_reminds_of_nothing(kind: str) -> None:
    assert told(kind, "removed") == []


def test_a_right_that_has_begun_outlives_the_clause() -> None:
    assert told("change-of-control", "removed") == [("2026-08-18", "right", "deal")]


def test_an_early_end_is_the_end_that_renews_and_a_duty_after_it_is_noted() -> None:
    # 2 April to 30 June are 90 days, so the last day for notice is the 1st
    assert told("renewal", "ended")[:2] == [("2026-04-01", "notice", "deal"), ("2026-07-01", "renewal", "deal")]
    (only,) = [str(note) for note in notes(Case.of(facts("obligation", "ended"))) if "`due`" in str(note)]
    assert "`it` of `deal` names 2026-10-01 (`due`), and has ended by then (2026-07-01)" in only


def test_a_day_after_the_end_of_its_own_paper_is_a_mistake_all_the_same() -> None:
    for kind, more in (("obligation", {"due": "2036-10-01"}), ("termination", {"not-before": "2036-09-01"})):
        said = mistakes(facts(kind, "removed", **more))
        assert [each.partition(";")[2].strip() for each in said] == ["is the year right?"], said


def test_what_remains_on_a_day_goes_by_the_term_as_signed() -> None:
    """Half of 24 M USD over 24 months: after three months 21 remain, whatever an amendment says in the sixth."""
    steps = {"not-before": "2026-04-01", "fees": [{"of-remaining": "50%"}], "total": "24 M USD"}
    found = agenda(Case.of(facts("termination", "removed", **steps)), date(2026, 1, 1), date(2028, 2, 1))
    assert [each.what for each in found if "costs" in each.what] == [
        "from this day leaving costs 50% of what remains, then 10.5 M USD"
    ]


def test_a_milestone_after_a_removal_is_no_mistake() -> None:
    floor = {
        "kind": "minimum-commitment", "amount": "500 USD",
        "milestones": [{"by": "2026-04-01", "reach": "100 USD"}, {"by": "2026-10-01", "reach": "300 USD"}],
    }  # fmt: skip
    deal = {"id": "deal", "with": "north", "effective": "2026-01-01", "ends": "2027-01-01"}
    new = {"id": "new", "with": "north", "amends": "deal", "effective": "2026-06-01", "removes": ["it"]}
    data = data_of([tokens("north", 3)], [work()], {}, months=12)
    case = Case.of(data | {"agreements": [deal | {"terms": [{"id": "it"} | floor]}, new]})
    found = agenda(case, date(2026, 1, 1), date(2027, 1, 1))
    assert [str(each.on) for each in found if each.role == "milestone"] == ["2026-03-31"]
