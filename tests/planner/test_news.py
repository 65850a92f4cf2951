"""Losses of which somebody gives notice: until it is given nobody knows, and what was decided by then stands."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest

from detente.case.case import Case
from detente.case.notes import notes
from detente.outcomes.deals.sign import sign
from detente.outcomes.worth.prices import ClausePrices
from detente.outcomes.worth.pricing import price
from detente.planner.check import check
from detente.planner.hedging import CaseInFuture, hedge
from detente.planner.news import unforeseen
from detente.planner.solve import plan
from detente.planner.study import Study
from detente.results.plan import Plan
from tests.builders import (
    D,
    Data,
    agreement,
    compute,
    data_of,
    day,
    gpus,
    mistakes,
    placed,
    solved,
    tokens,
    two_clouds,
    work,
)

DAYS = (31, 28, 31, 30)
HOUR = 10 * 24
"""GPU-hours a day: ten GPUs, all the time."""


def world(*lose: Data, **more: object) -> Case:
    """Ten GPUs for four months: at South reserved for all of them at 1 USD, or rented at North at 1.80."""
    kept = gpus("south", 1, id="kept", buy="reserved", term="4 months", starts=["2026-01-01"])
    rented = gpus("north", "1.80")
    data = data_of([kept, rented], [compute()], months=4, scenarios=[{"id": "lost", "lose": list(lose)}], **more)
    return Case.of(data).under(scenario="lost")


def gone(*, notice: str | None = None, **more: Data) -> Data:
    return {"provider": "south", "from": "2026-03-01"} | ({"notice": notice} if notice else {}) | more


FORESEEN = D("1.8") * HOUR * sum(DAYS)
SURPRISED = 1 * HOUR * sum(DAYS) + D("1.8") * HOUR * (31 + 30)


@pytest.mark.parametrize(
    ("notice", "cost"),
    [
        (None, FORESEEN),  # it is known from the start: nothing is reserved
        ("2 months", FORESEEN),  # it is known on the first day
        ("1 year", FORESEEN),
        ("1 month", SURPRISED),  # in January nobody knows: it is reserved, and paid for to the end
        ("1 day", SURPRISED),
    ],
)
def test_what_is_reserved_before_the_notice_is_paid_for(notice: str | None, cost: Decimal) -> None:
    assert abs(solved(world(gone(notice=notice))).cost - cost) < D("0.02")


def test_without_a_clause_that_only_restrains_more_may_be_lost_to_news() -> None:
    """All at North, by the clause. Without it, all is reserved at South, and lost in March."""
    only_north = agreement({"id": "only-north", "kind": "exclusivity"}, party="north")
    found = price(world(gone(notice="1 day"), agreements=[only_north]))
    assert isinstance(found, ClausePrices)
    (each,) = found.clauses
    assert each.price is not None
    assert (found.cost.amount, each.price.amount) == (FORESEEN, FORESEEN - SURPRISED)


def test_a_notice_of_hours_is_known_on_the_day_after_and_not_before() -> None:
    (first,) = world(gone(notice="12 hours")).news
    assert first == day("2026-03-01")
    assert world(gone(notice="24 hours")).news == (day("2026-02-28"),)


def test_what_may_wait_waits_for_a_price_that_never_comes() -> None:
    # 1500 Mtok until the end of March, when South would sell at 2; North takes 3, and from March on 5
    batch = work("night", "500 Mtok per month", kind="batch", within="3 months", value="9 USD per Mtok")
    offers = [tokens("north", {"2026-01-01": 3, "2026-03-01": 5}), tokens("south", {"2026-03-01": 2})]
    for notice, paid in (("1 day", 5), ("1 month", 3)):
        lost = {"id": "lost", "lose": [gone(notice=notice)]}
        case = Case.of(data_of(offers, [batch], months=3, scenarios=[lost])).under(scenario="lost")
        assert abs(solved(case).cost - 1500 * paid) < D("0.01")


def test_each_of_several_losses_is_news_on_its_day() -> None:
    # by the month: South 1, East 2, North 3. South is lost in February, East in March; each tells a week before
    offers = [
        gpus("south", 1, id="kept", buy="reserved", term="4 months", starts=["2026-01-01"], capacity="10 GPU"),
        gpus("east", 2, id="other", buy="reserved", term="3 months", starts=["2026-02-01"]),
        gpus("north", 3),
    ]
    lose = [
        {"provider": "south", "from": "2026-02-01", "notice": "1 week"},
        {"provider": "east", "from": "2026-03-01", "notice": "1 week"},
    ]
    lost = {"id": "lost", "lose": lose}
    case = Case.of(data_of(offers, [compute()], months=4, scenarios=[lost])).under(scenario="lost")
    assert case.news == (day("2026-01-25"), day("2026-02-22"))
    # reserved at South in January for all, at East in February for the rest, rented from March on
    hours = [HOUR * days for days in DAYS]
    paid = 1 * sum(hours) + 2 * sum(hours[1:]) + 3 * sum(hours[2:])
    assert abs(solved(case).cost - paid) < D("0.05")


@pytest.mark.parametrize(("capacity", "notice"), list(product(["4 GPU", "10 GPU"], ["1 day", "1 month", "6 weeks"])))
def test_a_plan_that_is_surprised_is_never_cheaper_than_one_that_knew(capacity: str, notice: str) -> None:
    kept = gpus("south", 1, id="kept", buy="reserved", term="2 months", capacity=capacity, cut="prorate")
    rented = gpus("north", {"2026-01-01": "2 USD per GPU-hour", "2026-03-01": "4 USD per GPU-hour"})
    costs = []
    for told in (notice, None):
        lost = {"id": "lost", "lose": [gone(notice=told)]}
        data = data_of([kept, rented], [compute()], months=4, scenarios=[lost])
        costs.append(solved(Case.of(data).under(scenario="lost")).cost)
    assert costs[0] >= costs[1] - D("0.05")


def test_before_the_notice_work_runs_where_it_would_have_run() -> None:
    cases = [world(gone(notice="1 month")), world()]
    shares = [placed(solved(case)) for case in cases]
    assert shares[0]["kept"] == HOUR * (31 + 28)
    assert shares[1]["kept"] == HOUR * sum(DAYS)


def test_a_clause_is_priced_by_plans_that_do_not_know_either() -> None:
    # without the clause nothing would have been reserved at South, and nothing were paid for that is lost
    share = {"id": "most", "kind": "share", "of": {"workload": "research"}, "at-least": "100%", "until": "2026-03-01"}
    deal = {"id": "deal", "with": "south", "effective": "2026-01-01", "ends": "2026-05-01", "terms": [share]}
    kept = gpus("south", 2, id="kept", buy="reserved", term="4 months", starts=["2026-01-01"])
    lost = {"id": "lost", "lose": [gone(notice="1 week")]}
    data = data_of([kept, gpus("north", 1)], [compute()], months=4, agreements=[deal], scenarios=[lost])
    found = price(Case.of(data).under(scenario="lost"), gap=1e-9)
    assert isinstance(found, ClausePrices)
    (clause,) = found.clauses
    assert clause.price is not None
    hours = [HOUR * days for days in DAYS]
    with_it = 2 * sum(hours) + 1 * sum(hours[2:])
    assert abs(clause.price.amount - (with_it - sum(hours))) < D("0.05")


@pytest.mark.parametrize(
    ("notice", "answer"),
    [(None, "yes"), ("1 month", "yes"), ("1 day", "no"), ("3 weeks", "no")],
)
def test_what_can_be_signed_turns_on_when_a_loss_is_known(notice: str | None, answer: str) -> None:
    """1,500 USD must be drawn at South by the end of March: 750 of the 1,000 Mtok of a month.

    North takes 1 until March, so everybody waits for March, when it takes 5. South is lost then: who hears of it on the
    first of February draws it in February, and who hears of it later cannot any more.
    """
    floor = {
        "id": "floor", "kind": "minimum-commitment", "amount": "1500 USD", "windows": {"every": "term"},
        "shortfall": "forbidden",
    }  # fmt: skip
    deal = {"id": "deal", "with": "south", "effective": "2026-01-01", "ends": "2026-04-01", "terms": [floor]}
    offers = [tokens("north", {"2026-01-01": 1, "2026-03-01": 5}), tokens("south", 2)]
    lost = {"id": "lost", "lose": [gone(notice=notice)]}
    data = data_of(offers, [work(value="9 USD per Mtok")], months=3, agreements=[deal], scenarios=[lost])
    case = Case.of(data).under(scenario="lost")
    assert check(case).answer == answer
    assert sign(case, "deal", gap=1e-9).answer == answer
    assert isinstance(plan(case), Plan) == (answer == "yes"), "as a plan says"


def test_the_plan_before_the_news_does_not_know_it_either() -> None:
    # a ruling in February: lost, and South tells in the middle of it that it will be gone in March. In both futures
    # the same is reserved in February
    kept = gpus("south", 1, id="kept", buy="reserved", term="3 months", starts=["2026-02-01"])
    rented = gpus("north", "1.80")
    lost = {"id": "lost", "lose": [gone(notice="2 weeks")]}
    base = Case.of(data_of([kept, rented], [compute()], months=4, scenarios=[lost]))
    futures = [
        CaseInFuture(base.under(scenario="lost"), D("0.5"), lambda at: at >= day("2026-02-01") and "lost"),
        CaseInFuture(base, D("0.5"), lambda at: at >= day("2026-02-01") and "won"),
    ]
    found = hedge(futures, day("2026-02-01"), gap=1e-9)
    assert found is not None
    hours = [HOUR * days for days in DAYS]
    january = D("1.8") * hours[0]
    assert abs(found.costs[1] - (january + sum(hours[1:]))) < D("0.02")
    assert abs(found.costs[0] - (january + sum(hours[1:]) + D("1.8") * sum(hours[2:]))) < D("0.02")
    assert abs(found.costs[0] - solved(futures[0].case).cost) < D("0.02"), "the tree of one future is its plan"
    assert found.bound <= found.cost


@pytest.mark.parametrize("begins", ["2026-03-15", "2026-03-31"])
def test_a_loss_within_a_period_is_known_as_the_period_begins(begins: str) -> None:
    # March is decided whole, and South gives nothing in a part of it: a day's notice comes too late for the plan's grid
    lost = world(gone(notice="1 day") | {"from": begins})
    assert lost.news == (day("2026-03-01"),)
    assert abs(solved(lost).cost - SURPRISED) < D("0.02")


def test_what_is_known_only_after_it_began_is_a_mistake() -> None:
    closed = [{"from": "2026-03-01", "known": "2026-05-01"}]
    (found,) = mistakes(data_of([tokens("south", 2, closed=closed)], [work()]))
    assert "is known on 2026-05-01, after its start on 2026-03-01" in found


def test_a_case_without_news_is_not_planned_twice() -> None:
    study = Study.of(two_clouds())
    assert unforeseen(study, 1e-4) is study


def test_a_closing_of_an_offer_says_when_it_is_known() -> None:
    closed = [{"from": "2026-03-01", "known": "2026-02-01"}]
    kept = gpus("south", 1, id="kept", buy="reserved", term="4 months", starts=["2026-01-01"], closed=closed)
    case = Case.of(data_of([kept, gpus("north", "1.80")], [compute()], months=4))
    assert abs(solved(case).cost - SURPRISED) < D("0.02")


def test_a_loss_that_is_known_on_a_day_is_no_note() -> None:
    assert notes(world(gone(notice="2 weeks"))) == ()
    (note,) = notes(world(gone()))
    assert note.what == "`south` is lost on 2026-03-01, and a plan knows it from the start"
