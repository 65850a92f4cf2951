"""Clauses in a currency whose rate changes, which act within a window or go on from one to the next.

100 Mtok a month are used at 2 EUR. A euro is 1.10 USD in January, 1.20 in February, 1.50 from March on.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from detente.case.case import Case
from detente.planner.check import check
from detente.results.plan import Plan
from tests.builders import D, Data, agreement, charged, compute, data_of, gpus, mistakes, solved, tokens
from tests.case.test_exchanging import FLOOR, in_euro, moving, of, plan_of

MONTHLY = {"windows": {"every": "month"}}
FALLING = [{"rate": {"2026-01-01": "1.50 USD per EUR", "2026-02-01": "1.20 USD per EUR"}, "day": "use"}]
RISING = moving()


def posted(found: Plan, part: str | None = None) -> list[Decimal]:
    return [p.amount for p in found.postings if part in (None, p.part)]


# -- caps --------------------------------------------------------------------------------------------------------------
def test_a_spending_cap_holds_in_its_own_currency() -> None:
    """300 EUR of the 400: 50 Mtok go South, at 9 USD, in February, where that costs 6.60 more and not 6.80."""
    cap: Data = {"id": "cap", "kind": "spending-cap", "amount": "300 EUR"}
    found = plan_of(cap, exchange=RISING, offers=[in_euro(), tokens("south", 9)])
    assert found.cost == 220 + 120 + 450
    (row,) = found.standings
    assert (row.unit, row.amount, row.drawn) == ("EUR", 300, 300)
    (conflict,) = check(Case.of(of(cap, exchange=RISING))).readings.values()
    assert conflict is not None
    assert [way.sentence for way in conflict.relaxations] == [
        "raise the cap by 100.00 EUR (Jan 2026 – Feb 2026: 100.00 EUR)"
    ]


@pytest.mark.parametrize(("exchange", "cap", "owed"),
                         [(RISING, 200, [220]), (RISING, 400, [330, 120]), (FALLING, 400, [450, 120]),
                          (FALLING, 700, [450, 360])])  # fmt: skip
def test_a_cap_in_all_is_used_up_by_the_first_whatever_the_rate(exchange: Any, cap: int, owed: list[int]) -> None:
    """300 EUR of damages a month, as far as the cap goes: a plan would rather owe February's at 1.20 than 1.50."""
    damages = {"id": "damages", "kind": "liquidated-damages", "price": "3 EUR per Mtok", "cap": f"{cap} EUR"}
    assert posted(plan_of(damages, exchange=exchange)) == owed


@pytest.mark.parametrize(("exchange", "back"), [(RISING, [-22, -12]), (FALLING, [-30, -12])])
def test_a_cap_on_service_credits_is_used_up_by_the_first(exchange: Any, back: list[int]) -> None:
    """10% of 200 EUR a month, at most 30 EUR: 20, and then 10."""
    clause: Data = {"id": "sla", "kind": "service-credit", "bands": [{"below": "99.9%", "credit": "10%"}]}
    days = [{"on": f"2026-0{month}-15", "availability": "99%"} for month in (1, 2)]
    found = plan_of(clause | {"measured": days, "cap": "30 EUR"}, exchange=exchange)
    assert posted(found) == back


def test_damages_in_the_currency_of_the_case_are_not_bounded_by_a_cap_at_a_rate_that_changes() -> None:
    bound: Data = {"id": "bound", "kind": "liability-cap", "amount": "200 EUR"}
    damages: Data = {"id": "damages", "kind": "liquidated-damages", "rate": "30%", "within": "bound"}
    (said,) = mistakes(of(bound, damages, exchange=RISING))
    assert "and the rate changes meanwhile; state it here as `cap: 200 EUR`" in said
    in_euros = damages | {"rate": None, "price": "3 EUR per Mtok"}
    assert posted(plan_of(bound, {k: v for k, v in in_euros.items() if v}, exchange=RISING)) == [220]


# -- what goes on to the next window -----------------------------------------------------------------------------------
@pytest.mark.parametrize(("exchange", "owed"), [(RISING, 240), (FALLING, 240)])
def test_a_shortfall_is_deferred_before_any_of_it_is_owed(exchange: Any, owed: int) -> None:
    """300 EUR a month: 100 are missing and go on, then 200 of 400 are, at 1.20, not at 1.10 in January."""
    floor = FLOOR | MONTHLY | {"amount": "300 EUR", "deferral": "50%"}
    assert posted(plan_of(floor, exchange=exchange)) == [owed]
    some = plan_of(floor | {"deferral": "10%"}, exchange=exchange)  # 30 go on: 70 are owed, and then 130
    first = {"1.10": "77", "1.50": "105"}[exchange[0]["rate"]["2026-01-01"].split()[0]]
    assert posted(some) == [D(first), 156]


@pytest.mark.parametrize(("exchange", "unit", "owed"), [(RISING, "EUR", ["26.4", "43.2"]), (None, "USD", ["24", "36"])])
def test_what_was_deferred_may_all_be_missing_in_the_next_window(exchange: Any, unit: str, owed: list[str]) -> None:
    """Of 300 a month nothing is spent on north, at twice the price of south: 240 are owed for, and 60 more than 300."""
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "amount": f"300 {unit}", "deferral": "20%"} | MONTHLY
    floor |= {"shortfall": {"fee": "10%"}, "of": {"provider": "north"}}
    found = plan_of(floor, exchange=exchange, offers=[tokens("north", D("2.2")), tokens("south", 1)])
    assert (posted(found), found.cost) == ([D(each) for each in owed], 200 + sum(map(D, owed)))
    if exchange is None:
        assert {m.price for m in found.clauses[0].marginal} == {D("0.1")}, "one more is a tenth more to pay"


@pytest.mark.parametrize(("march", "back"), [("1.50", [-1785.6]), ("1.00", [-1785.6])])
def test_what_is_paid_and_not_taken_is_made_up_as_soon_as_it_can_be(march: str, back: list[float]) -> None:
    """744 GPU-hours are not taken in January, and are all made up in February, though March has a better rate."""
    keep: Data = {"id": "keep", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "10 GPU"}
    keep |= {"price": "2 EUR per GPU-hour", "make-up": {"within": "12 months"}}
    rates = {"2026-01-01": "1.10 USD per EUR", "2026-02-01": "1.20 USD per EUR", "2026-03-01": f"{march} USD per EUR"}
    needs = compute(demand={"rate": {"2026-01-01": "9 GPU", "2026-02-01": "12 GPU"}})
    data = data_of([gpus("north", 1)], [needs], agreement(keep), months=3, exchange=[{"rate": rates, "day": "use"}])
    found = solved(Case.of(data))
    assert posted(found, "untaken") == [744 * 2 * D("1.1")]
    assert posted(found, "made-up") == [D(str(each)) for each in back]


# -- credits -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("exchange", "back"), [(RISING, 220 + 120), (FALLING, 300 + 120)])
def test_a_credit_is_applied_month_by_month_each_at_its_rate(exchange: Any, back: int) -> None:
    """300 EUR pay 200 of January and 100 of February, whichever rate a plan would rather have."""
    credit: Data = {"id": "credit", "kind": "credit", "amount": "300 EUR"}
    found = plan_of(credit, exchange=exchange)
    assert charged(found, "credit") == -back
    (row,) = found.standings
    assert (row.unit, row.drawn, row.remaining) == ("EUR", 300, 0)


def test_what_a_credit_pays_does_not_count_in_the_currency_of_who_counts() -> None:
    """Of 400 EUR the credit pays 300, in EUR; a credit of 330 USD pays 300 EUR at 1.10, of 200, and 91.67 at 1.20."""
    floor = FLOOR | {"measure": "after-credits", "amount": "500 EUR"}
    found = plan_of(floor, {"id": "credit", "kind": "credit", "amount": "300 EUR"}, exchange=RISING)
    assert charged(found, "floor") == 400 * D("1.2")
    dollars = plan_of(floor, {"id": "credit", "kind": "credit", "amount": "340 USD"}, exchange=RISING)
    assert charged(dollars, "floor") == 400 * D("1.2")


def test_credits_in_two_currencies_pay_one_after_the_other() -> None:
    """100 EUR expire first and pay 110 USD of January's 220; 200 USD pay the rest and 90 of February."""
    first: Data = {"id": "first", "kind": "credit", "amount": "100 EUR", "until": "2026-02-01"}
    found = plan_of(first, {"id": "then", "kind": "credit", "amount": "200 USD"}, exchange=RISING)
    assert (charged(found, "first"), charged(found, "then")) == (-110, -200)


@pytest.mark.parametrize(
    ("given", "back"),
    [
        (50, D(50)),  # 200 / 31 a day: 50 are given in the first eight
        # 15 days of 200 / 31 at 1, and the rest of 150 at 2
        (150, 15 * D(200) / 31 + 2 * (150 - 15 * D(200) / 31)),
        (300, 15 * D(200) / 31 + 2 * (16 * D(200) / 31 + 100)),
    ],
)
def test_a_credit_is_applied_up_to_the_day_on_which_the_rate_changes(given: int, back: D) -> None:
    """By use, in the middle of January; beside a floor of 400 EUR that counts what it leaves."""
    rate = [{"rate": {"2026-01-01": "1 USD per EUR", "2026-01-16": "2 USD per EUR"}, "day": "use"}]
    floor: Data = FLOOR | {"amount": "400 EUR", "measure": "after-credits"}
    data = of({"id": "credit", "kind": "credit", "amount": f"{given} EUR"}, floor, exchange=rate)
    data["horizon"] |= {"every": "day"}
    case = Case.of(data)
    found = solved(case)
    assert abs(charged(found, "credit") + back) < D("1e-4")
    assert abs(charged(found, "floor") - 2 * given) < D("1e-4")
    assert plan_of({"id": "credit", "kind": "credit", "amount": "50 EUR"}, exchange=moving("invoice")).cost == 540 - 60


# -- prices that hold at each moment -----------------------------------------------------------------------------------
def _of_gpus(clause: Data, price: str) -> Plan:
    offers = [gpus("north", price) | {"price": price}]
    return solved(Case.of(data_of(offers, [compute(demand="4 GPU")], agreement(clause), months=2, exchange=RISING)))


@pytest.mark.parametrize("price", ["1 EUR per GPU-hour", "1.10 USD per GPU-hour"])
def test_a_savings_plan_in_another_currency_has_the_rate_of_each_hour(price: str) -> None:
    """1.40 EUR an hour cover 2 of 4 at 0.70: 1.40 + 2 a hour in EUR; at a list price in USD, 1.54 + 2.20 and then
    1.68 + 2.20."""
    plan: Data = {"id": "plan", "kind": "savings-plan", "commitment": "1.40 EUR per hour"}
    found = _of_gpus(plan | {"rates": {"north-gpus": "0.70 EUR per GPU-hour"}}, price)
    assert [(row.role, row.drawn) for row in found.standings] == [("paid", 744 * D("1.54")), ("paid", 672 * D("1.68"))]
    in_euros = 744 * D("3.4") * D("1.1") + 672 * D("3.4") * D("1.2")
    in_dollars = 744 * (D("1.54") + D("2.2")) + 672 * (D("1.68") + D("2.2"))
    assert found.cost == (in_euros if "EUR" in price else in_dollars)


def test_a_savings_plan_covers_offers_whose_price_changes() -> None:
    """From February GPU-hours are 2: 1.40 an hour cover 2 of 4 in both months, and save 0.60 and then 2.60."""
    plan: Data = {"id": "plan", "kind": "savings-plan", "commitment": "1.40 USD per hour"}
    plan |= {"rates": {"north-gpus": "0.70 USD per GPU-hour"}}
    offers = [gpus("north", {"2026-01-01": "1 USD per GPU-hour", "2026-02-01": "2 USD per GPU-hour"})]
    found = solved(Case.of(data_of(offers, [compute(demand="4 GPU")], agreement(plan), months=2)))
    assert found.cost == 744 * D("3.4") + 672 * D("5.4")


def test_the_months_of_a_savings_plan_go_on_where_a_price_changes() -> None:
    """From the 11th another price holds: that version pays the rest of January, and then all of February."""
    plan: Data = {"id": "plan", "kind": "savings-plan", "commitment": "1.40 USD per hour"}
    plan |= {"rates": {"north-gpus": "0.70 USD per GPU-hour"}}
    offers = [gpus("north", {"2026-01-01": "1 USD per GPU-hour", "2026-01-11": "2 USD per GPU-hour"})]
    data = data_of(offers, [compute(demand="4 GPU")], agreement(plan), months=2)
    data["horizon"] |= {"every": "day"}
    found = solved(Case.of(data))
    paid = [(f"{p.start:%m-%d}", f"{p.end:%m-%d}", p.amount) for p in found.postings]
    # an hour pays 1.40 and covers 2 GPU-hours: 0.60 less than at 1, and 2.60 less than at 2
    saved = [
        ("01-01", "01-11", 240 * D("-0.6")),
        ("01-11", "02-01", 504 * D("-2.6")),
        ("02-01", "03-01", 672 * D("-2.6")),
    ]
    assert paid == saved


def test_a_price_that_changes_within_a_period_needs_shorter_ones_where_offers_are_ordered_by_it() -> None:
    """Of two offers the one that saves more changes on 16 January: by the month nobody can say which comes first."""
    turning = {"2026-01-01": "1 USD per GPU-hour", "2026-01-16": "4 USD per GPU-hour"}
    offers = [gpus("north", turning, id="r5", accelerator="R5"), gpus("north", 2, id="m5", accelerator="M5")]
    jobs = [
        compute(name, "4 GPU", **{"runs-on": {"accelerators": {kind: 1}}}) for name, kind in (("a", "R5"), ("b", "M5"))
    ]
    rates = {"r5": "0.7 USD per GPU-hour", "m5": "1 USD per GPU-hour"}
    plan: Data = {"id": "plan", "kind": "savings-plan", "commitment": "2 USD per hour", "rates": rates}
    data = data_of(offers, jobs, agreement(plan), months=1)
    (said,) = mistakes(data)
    assert said.startswith(
        "a price that `plan` covers changes on 2026-01-16, within a period of the plan; plan by shorter"
    )
    data["horizon"] |= {"every": "day"}
    second = 2 + (4 - Fraction(2) / Fraction("0.7")) * 4 + 8  # R5 saves 82% then, and M5 50%
    assert abs(Fraction(solved(Case.of(data)).cost) - (15 * 24 * 10 + 16 * 24 * second)) < Fraction(1, 100)


@pytest.mark.parametrize(("price", "cost"),
                         [("3 EUR per GPU-hour", 4 * 744 * D("2.2") + 4 * 672 * D("2.4")),
                          ("2.3 USD per GPU-hour", 4 * 744 * D("2.2") + 4 * 672 * D("2.3"))])  # fmt: skip
def test_a_locked_price_in_another_currency_has_the_rate_of_each_moment(price: str, cost: D) -> None:
    lock: Data = {"id": "lock", "kind": "price-lock", "method": "lower-of", "at": {"north-gpus": "2 EUR per GPU-hour"}}
    assert _of_gpus(lock, price).cost == cost


def test_tiers_in_units_are_priced_in_their_own_currency() -> None:
    """150 of 200 Mtok at 2 EUR and 50 at 1: 50 EUR come back at the end of February."""
    tiers: Data = {"id": "tiers", "kind": "volume-discount", "method": "graduated", "listed": "2 EUR per Mtok"}
    found = plan_of(tiers | {"tiers": [{"from": "150 Mtok", "price": "1 EUR per Mtok"}]}, exchange=RISING)
    assert charged(found, "tiers") == -60


# -- what is refused ---------------------------------------------------------------------------------------------------
def test_amounts_in_two_currencies_in_one_clause_are_refused_with_the_way_out() -> None:
    milestone = {"by": "2026-02-01", "reach": "100 USD", "fee": "50%"}
    (said, *_) = mistakes(of(FLOOR | {"milestones": [milestone]}, exchange=RISING))
    assert "no one rate; write all amounts of the clause in one currency, or fix the rate" in said
