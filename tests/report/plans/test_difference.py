"""Why a price, a provider's leverage and an outcome are what they are: two plans, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from detente.outcomes.choices.comparing import compare
from detente.outcomes.counterpart import Counterpart
from detente.outcomes.deals.sign import sign
from detente.outcomes.draws.simulating import simulate
from detente.outcomes.draws.simulation import Simulation
from detente.outcomes.leverage.leverage import Leverage
from detente.outcomes.leverage.leveraging import leverage
from detente.outcomes.worth.prices import ClausePrices
from detente.outcomes.worth.pricing import price
from detente.planner.solve import plan
from detente.report.plans.difference import why_different
from detente.report.plans.explanation import Explanation, explain
from tests.builders import EXACT, Data, agreement, build, solved, tokens, work
from tests.outcomes.choices.court import RULING, SCENARIOS, world

Found = TypeVar("Found")

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


def test_an_outcome_by_another_reading_says_so() -> None:
    """Only calls are exclusive by the letter, and agents by the spirit, which holds where the case is lost."""
    readings = {"letter": {"of": {"api": "calls"}}, "spirit": {"of": {"api": ["calls", "agents"]}}}
    only: Data = {"id": "only", "kind": "exclusivity", "readings": readings}
    works = [work(name, labels={"api": name}) for name in ("calls", "agents")]
    more = {
        "reading": "letter",
        "scenarios": [{"id": "lost", "reading": {"only": "spirit"}}, {"id": "won", "without": ["only"]}],
        "choices": [{"id": "sue"}],
        "uncertain": [RULING | {"applies-to": ["sue"]}],
    }
    answer = why(
        build([tokens("north", 3), tokens("south", 2)], works, agreement(only), months=2, **more), "outcome:sue,lose"
    )
    assert answer.headline == (
        "in the outcome `sue, lose`, under the reading `spirit`, the plan costs 2.00 k USD more "
        "(12.00 k USD in place of 10.00 k USD)"
    )
    assert str(answer).splitlines()[0].endswith("(under the reading `letter`)")


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


def everything() -> Case:
    """A case with a clause, an agreement, a deal, choices, an event and a risk."""
    deal = {"id": "deal", "add": {"agreements": [agreement(FLOOR, party="south", ends="2026-03-01")]}}
    risk = {"id": "out", "kind": "outage", "of": {"provider": "south"}, "per-year": 9, "lasting": ["2 hours"]}
    return Case.of(world(scenarios=[*SCENARIOS, deal], risks=[risk]))


def named_on_pages(case: Case) -> Iterator[str]:
    """How each number that an answer's document names is asked for."""
    prices = found_of(price(case, gap=EXACT), ClausePrices)
    yield from (f"price:{each.term}" for each in prices.clauses)
    yield from (f"agreement:{each.agreement}" for each in prices.agreements)
    yield from (
        f"leverage:{each.provider}" for each in found_of(leverage(case, gap=EXACT, curves=False), Leverage).providers
    )
    yield from (f"outcome:{each.name}" for each in compare(case, gap=EXACT).outcomes)
    yield f"deal:{sign(case, 'deal', gap=EXACT).deal}"
    draws = found_of(simulate(case, draws=2, processes=1), Simulation)
    for draw in draws.draws:
        yield from draw.availability
        yield from (f"{workload}@{provider}" for workload in draw.availability for provider in draw.own)


def found_of(answer: Any, kind: type[Found]) -> Found:
    assert isinstance(answer, kind)
    return answer


def test_each_number_that_a_page_names_answers_explain() -> None:
    case = everything()
    first = solved(case)
    asked = list(dict.fromkeys(named_on_pages(case)))
    assert len(asked) >= 10
    for subject in asked:
        other = Counterpart.of(case, subject)
        said = (
            explain(case, first, subject)
            if other is None
            else why_different(subject, other, first, plan(other.case, gap=EXACT))
        )
        assert said.headline, subject


def test_an_agreement_as_a_whole_and_a_deal_that_is_signed() -> None:
    case = build(OFFERS, [work()], agreement(FLOOR))
    said = "without `north-deal` the plan costs 3.00 k USD less (12.00 k USD in place of 15.00 k USD)"
    assert why(case, "agreement:north-deal").headline == said
    assert why(case, "deal:north-deal").headline == said, "what the case holds already is told without it"
    signed = build(
        OFFERS, [work()], scenarios=[{"id": "new", "add": {"agreements": [agreement(FLOOR, ends="2026-07-01")]}}]
    )
    said = "with `new` signed the plan costs 3.00 k USD more (15.00 k USD in place of 12.00 k USD)"
    assert why(signed, "deal:new").headline == said
