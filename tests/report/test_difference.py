"""Why a price, a provider's leverage and an outcome are what they are: two plans, by hand."""

from __future__ import annotations

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from detente.outcomes.counterpart import Counterpart
from detente.planner.solve import plan
from detente.report.difference import why_different
from detente.report.explanation import Explanation
from tests.builders import EXACT, Data, agreement, build, solved, tokens, work
from tests.outcomes.test_comparing import world

FLOOR: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD", "windows": {"every": "term"}}
OFFERS = [tokens("north", 3), tokens("south", 2)]


def why(case: Case, subject: str) -> Explanation:
    other = Counterpart.of(case, subject)
    assert other is not None
    return why_different(subject, other, solved(case), plan(other.case, gap=EXACT))


def test_a_price_is_the_work_that_moves_and_the_windows_that_bind() -> None:
    # half of 6000 Mtok is at North at 3 for the floor's sake; without it all is at South at 2
    answer = why(build(OFFERS, [work()], agreement(FLOOR)), "price:floor")
    assert answer.headline == "without `floor` the plan costs 3.00 k USD less (12.00 k USD in place of 15.00 k USD)"
    assert [str(line) for line in answer.lines] == [
        "it binds in Jan 2026 – Jun 2026 (0.33 USD per USD) [floor]",
        "compute, after discounts: 3.00 k USD less",
        "spend at North: 9.00 k USD less",
        "spend at South: 6.00 k USD more",
        "`chat` on North goes from 50% to 0% of its work",
        "`chat` on South goes from 50% to 100% of its work",
    ]


def test_a_price_names_what_begins_to_bind_instead() -> None:
    other = FLOOR | {"id": "other", "amount": "6 k USD"}
    answer = why(build(OFFERS, [work()], agreement(FLOOR, other)), "price:floor")
    assert "`other` begins to bind, in Jan 2026 – Jun 2026 [other]" in [str(line) for line in answer.lines]


def test_leverage_is_what_is_lost_and_who_gains() -> None:
    answer = why(build([tokens("south", 2)], [work(value="5 USD per Mtok")]), "leverage:south")
    assert answer.headline == "without `south` the plan costs 18.0 k USD more (30.00 k USD in place of 12.00 k USD)"
    said = [str(line) for line in answer.lines]
    assert said[0] == "value of demand not served: 30.0 k USD more"
    assert "`chat` goes without 100% of its demand" in said


def test_without_a_plan_the_clauses_that_collide_are_named() -> None:
    answer = why(build([tokens("south", 2)], [work()]), "leverage:south")
    assert answer.headline == "without `south` there is no plan: capacity and demand alone cannot be met together"
    assert answer.lines


def test_an_outcome_is_held_against_today() -> None:
    answer = why(Case.of(world()), "outcome:sue,lose")
    assert (
        answer.headline
        == "in the outcome `sue, lose` the plan costs 6.00 k USD more (12.00 k USD in place of 6.00 k USD)"
    )
    assert "spend at North: 6.00 k USD more" in [str(line) for line in answer.lines]


def test_less_is_given_back() -> None:
    credit = {
        "id": "credit",
        "kind": "credit",
        "rate": "10%",
        "windows": {"every": "term"},
        "of": {"provider": "north"},
    }
    case = build(OFFERS, [work()], agreement(FLOOR | {"measure": "list"}, credit))
    assert "credits: 900.00 USD less" in [str(line) for line in why(case, "price:floor").lines]


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("price:flor", "there is no clause `flor`"),
        ("leverage:west", "there is no provider that sells anything `west`"),
        ("outcome:win", "there is no outcome `win`"),
        ("cost:floor", "there is nothing called `cost:`"),
    ],
)
def test_a_number_that_there_is_not(subject: str, said: str) -> None:
    data = world()
    data["agreements"] += [agreement(FLOOR, id="more", ends="2026-03-01")]
    with pytest.raises(CaseError, match=said):
        Counterpart.of(Case.of(data), subject)


def test_what_is_no_number_is_left_to_others() -> None:
    assert Counterpart.of(build(OFFERS, [work()]), "chat@north") is None
