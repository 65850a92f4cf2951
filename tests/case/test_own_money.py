"""Clauses in a currency whose rate changes in their time: kept in it, and converted once, each at its moment."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.metered.use import RatedUse, Use
from detente.contract.own_money import OwnMoney
from detente.contract.reach.scope import Selection
from detente.contract.reach.window import Every
from detente.ledger.use.line import LineSum, UseClass
from detente.report.plans.explanation import explain
from detente.values.dated import Dated
from detente.values.micros import micros
from tests.builders import D, Data, agreement, charged, compute, data_of, day, gpus, mistakes, solved, tokens, work
from tests.case.test_exchanging import EURO, FLOOR, in_euro, moving, of, plan_of

MONTHLY = {"windows": {"every": "month"}}


# -- plans, worked by hand ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("on", "use", "rate"), [("use", 460, "1.2"), ("invoice", 540, "1.5")])
def test_a_commitment_is_held_against_use_in_its_own_currency(on: str, use: int, rate: str) -> None:
    """400 EUR of 1,000 are used; 600 EUR are owed when the window ends: at 1.20 by its last day, at 1.50 invoiced."""
    found = plan_of(FLOOR, exchange=moving(on))
    assert (charged(found, "floor"), found.cost) == (600 * D(rate), use + 600 * D(rate))
    (row,) = found.standings
    assert (row.unit, row.amount, row.drawn, row.short, row.owed) == ("EUR", 1000, 400, 600, 600 * D(rate))


def test_use_in_the_currency_of_the_case_is_converted_at_the_rate_of_its_moment() -> None:
    """300 USD at 1.10 and 300 at 1.20 are 3000/11 + 250 EUR of 1,000; the rest is owed at 1.20."""
    found = plan_of(FLOOR, exchange=moving(), offers=[tokens("north", 3)])
    short = 1000 - Fraction(3000, 11) - 250
    assert abs(Fraction(charged(found, "floor")) - short * Fraction("1.2")) < Fraction(1, 10**8)


def test_each_window_has_its_own_rate() -> None:
    """250 EUR a month, 200 are used: 50 EUR at 1.10, and 50 at 1.20."""
    found = plan_of(FLOOR | MONTHLY | {"amount": "250 EUR"}, exchange=moving())
    assert [p.amount for p in found.postings] == [55, 60]


def test_what_is_carried_over_is_carried_in_its_own_currency() -> None:
    """150 EUR a month, 200 are used: 50 carried from January, at whatever rate; in February 300 EUR would be met."""
    floor = FLOOR | MONTHLY | {"amount": "260 EUR", "carry-over": "50%"}
    ramp = {"windows": {"every": "month", "ramp": ["30%", "70%"]}, "amount": "500 EUR"}
    found = plan_of(floor | ramp, exchange=moving())
    assert [(row.carried, row.short) for row in found.standings] == [(50, 0), (0, 100)]
    assert charged(found, "floor") == 120


def test_a_missed_milestone_is_charged_at_the_rate_of_its_day() -> None:
    """300 EUR by the end of January, 200 are used: 100 EUR at 1.10, which February draws at 1.20."""
    milestone = {"by": "2026-02-01", "reach": "300 EUR", "fee": "100%"}
    floor = FLOOR | {"amount": "300 EUR"}
    fee = plan_of(floor | {"milestones": [milestone | {"charged-as": "fee"}]}, exchange=moving())
    assert [p.amount for p in fee.postings] == [110]
    prepaid = plan_of(floor | {"milestones": [milestone | {"charged-as": "prepayment"}]}, exchange=moving())
    assert [(p.part, p.amount) for p in prepaid.postings] == [("prepayment", 110), ("prepayment-drawn", -120)]


def test_prices_of_what_is_missing_have_the_rate_of_their_window() -> None:
    """10 GPUs are paid for at 2 EUR, and 4 run: 6 of them for 744 and 672 hours, at 1.10 and 1.20."""
    keep: Data = {"id": "keep", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "10 GPU"}
    keep |= {"price": "2 EUR per GPU-hour"}
    data = data_of([gpus("north", 1)], [compute(demand="4 GPU")], agreement(keep), months=2, exchange=moving())
    found = solved(Case.of(data))
    assert [p.amount for p in found.postings] == [6 * 744 * 2 * D("1.1"), 6 * 672 * 2 * D("1.2")]
    units: Data = {
        "id": "units",
        "kind": "minimum-commitment",
        "amount": "5000 GPU-hour",
        "windows": {"every": "month"},
    }
    units |= {"shortfall": {"price": "1 EUR per GPU-hour"}}
    data = data_of([gpus("north", 1)], [compute(demand="4 GPU")], agreement(units), months=2, exchange=moving())
    assert [p.amount for p in solved(Case.of(data)).postings] == [(5000 - 2976) * D("1.1"), (5000 - 2688) * D("1.2")]


def test_a_rebate_is_reached_and_paid_in_its_own_currency() -> None:
    """10% of all once 350 EUR are reached: 400 EUR are, and 40 EUR come back at the end of February, at 1.20."""
    rebate: Data = {"id": "rebate", "kind": "volume-discount", "method": "all-units", "windows": {"every": "term"}}
    rebate |= {"tiers": [{"from": "350 EUR", "off": "10%"}]}
    assert charged(plan_of(rebate, exchange=moving()), "rebate") == -48
    assert charged(plan_of(rebate | {"method": "graduated"}, exchange=moving()), "rebate") == -6


def test_a_cap_of_each_window_and_damages_have_its_rate() -> None:
    """Damages of 3 EUR per Mtok for 100 Mtok, at most 200 EUR a month: 220 and 240 USD."""
    damages = {"id": "damages", "kind": "liquidated-damages", "price": "3 EUR per Mtok", "of": {"workload": "chat"}}
    found = plan_of(damages | {"cap-each": "200 EUR"}, exchange=moving())
    assert [p.amount for p in found.postings] == [220, 240]
    assert [p.amount for p in plan_of(damages, exchange=moving()).postings] == [330, 360]


def test_a_credit_for_delay_has_the_rate_of_its_day() -> None:
    tranche = {"name": "first", "quantity": "4 GPU", "due": "2026-01-01", "accepted": "2026-02-11", "worth": "1000 EUR"}
    late: Data = {"id": "late", "kind": "delivery", "offer": "north-gpus", "tranches": [tranche]}
    late |= {"credit": {"per-day": "1%", "at-most": "10%"}}
    idle = compute(demand={"rate": {"2026-01-01": "0 GPU", "2026-03-01": "4 GPU"}})
    data = data_of([gpus("north", 1)], [idle], agreement(late), months=4, exchange=moving())
    assert [p.amount for p in solved(Case.of(data)).postings] == [D(-120)]


def test_of_credits_in_two_currencies_the_order_holds_though_another_would_be_cheaper() -> None:
    """1000 USD a month. In January the 600 USD are used, and 320 EUR for the rest; in February 480 EUR, at 1.00."""
    falling = [{"rate": {"2026-01-01": "1.25 USD per EUR", "2026-02-01": "1 USD per EUR"}, "day": "use"}]
    first: Data = {"id": "first", "kind": "credit", "amount": "600 USD", "until": "2026-03-01"}
    then: Data = {"id": "then", "kind": "credit", "amount": "800 EUR"}
    data = data_of([tokens("north", 1)], [work()], agreement(first, then), months=3, exchange=falling)
    found = solved(Case.of(data))
    assert (charged(found, "first"), charged(found, "then"), found.cost) == (-600, -880, 1520)


def test_the_sentence_and_the_explanation_say_it() -> None:
    case = Case.of(of(FLOOR, exchange=moving()))
    told = [line.sentence for line in explain(case, solved(case), "floor").lines]
    assert any("kept in EUR (1.1, 1.2 from 2026-02-01 on, 1.5 from 2026-03-01 on)" in line for line in told)
    assert any("400.00 EUR drawn of 1.00 k EUR" in line for line in told), told


# -- what is refused ---------------------------------------------------------------------------------------------------
def test_a_rate_that_changes_within_a_period_is_refused_and_by_day_it_is_not() -> None:
    rate = [{"rate": {"2026-01-01": "1 USD per EUR", "2026-01-16": "2 USD per EUR"}, "day": "use"}]
    (said,) = mistakes(of(FLOOR, exchange=rate, months=1))
    assert said.startswith("the rate of EUR changes on 2026-01-16, within a period of the plan")
    data = of(FLOOR, exchange=rate, months=1)
    data["horizon"] |= {"every": "day"}
    assert abs(charged(solved(Case.of(data)), "floor") - 1600) < D("0.001")  # 800 EUR, at 2; each day in whole tokens


def test_prices_that_go_by_another_rate_are_refused() -> None:
    """200 EUR at 1.25 are 250 USD, which are not 200 EUR at 1.10."""
    fixed = agreement({"id": "fee", "kind": "payment", "amount": "1 USD", "on": "2026-01-05"})
    fixed |= {"id": "fixed", "exchange": [{"rate": "1.25 USD per EUR"}]}
    offers = [in_euro(under="fixed")]
    data = data_of(offers, [work(demand="100 Mtok per month")], agreement(FLOOR), fixed, months=2, exchange=moving())
    (said,) = mistakes(data)
    assert said.startswith("`north-api` is converted at 1.25, and `floor`, which counts it, otherwise (1.1, 1.2 from")
    held = gpus("north", {"2026-01-01": "1 EUR per GPU-hour"}, buy="reserved", term="2 months", invoiced="upfront")
    data = data_of([held], [compute(demand="1 GPU")], agreement(FLOOR), months=2, exchange=moving())
    assert "`north-gpus` is converted at 1.1" in mistakes(data)[0]


def test_a_reservation_paid_when_it_is_bought_counts_then_at_the_rate_of_that_day() -> None:
    """59 days of a GPU are 1,416 EUR in January, at 1.10; of 100 EUR in February none is there: 120 USD are owed."""
    held = gpus("north", 1, buy="reserved", term="59 days", invoiced="upfront", cut="refuse")
    held |= {"price": "1 EUR per GPU-hour", "starts": ["2026-01-01"], "capacity": "1 GPU"}
    floor = FLOOR | MONTHLY | {"amount": "100 EUR", "moment": "invoice"}
    facts = data_of([held], [compute("work", "1 GPU")], agreement(floor), months=2, exchange=moving())
    found = solved(Case.of(facts))
    assert [row.short for row in found.standings] == [0, 100]
    assert found.cost == D("1.1") * 1416 + 120
    facts["agreements"][0]["terms"][0]["moment"] = "use"
    assert any("which rate holds for its EUR is not known" in said for said in mistakes(facts))


# -- totals ------------------------------------------------------------------------------------------------------------
STEPS = OwnMoney("EUR", Dated(((None, D("1.1")), (date(2026, 2, 1), D("1.6")))), "USD")


def _meter(every: str) -> Meter:
    calendar = Every.model_validate({"every": every}).calendar(day("2026-01-01"), day("2026-07-01"))
    return Meter("floor", "spend", Selection(()), "spend", calendar, "use", STEPS)


def test_a_line_over_a_change_of_rate_is_converted_in_its_parts() -> None:
    """160 over ten days of January and ten of February: 80 at 1.1 and 80 at 1.6; in one window, or two."""
    facts = {"offer": "north-api", "provider": "north", "product": "tokens"}
    use = Use("use", {"workload": "chat"}, facts, day("2026-01-22"), day("2026-02-11"), D(0), D(0), D(160))
    for every, expected in (("quarter", [Fraction(800, 11) + 50, 0]), ("month", [Fraction(800, 11), 50])):
        totals = Totals([_meter(every)])
        totals.add(RatedUse(use, D(160)))
        assert [totals.total(_meter(every), w) for w in _meter(every).windows][:2] == expected


def test_uses_of_a_day_are_converted_as_lines_are() -> None:
    facts, at = {"offer": "north-api", "provider": "north", "product": "tokens"}, day("2026-02-01")
    totals = Totals([_meter("month")])
    totals.add_of_day(
        {"workload": "chat"}, facts, [LineSum(UseClass("use", None, facts), micros(at), micros(at), listed=8 * 10**9)]
    )
    assert [totals.total(_meter("month"), w) for w in _meter("month").windows][:3] == [0, 5, 0]


# -- against another way to count --------------------------------------------------------------------------------------
def _least(need: int, price: int, other: Fraction, rates: list[Fraction], fee: Fraction) -> Fraction:
    """Of 100 units a month, bought at North for euros or at South for dollars: what a greedy buyer pays.

    Each euro of the commitment is met where it is cheapest to, or owed at the last rate.
    """
    cost, left = sum((min(price * rate, other) * 100 for rate in rates), Fraction(0)), Fraction(need)
    for rate in rates:
        left -= price * 100 if price * rate < other else 0
    dearer = sorted((price * rate - other) / price for rate in rates if price * rate >= other)
    for more in dearer:
        taken = min(max(left, Fraction(0)), Fraction(price * 100)) if more < fee * rates[-1] else Fraction(0)
        cost, left = cost + taken * more, left - taken
    return cost + max(left, Fraction(0)) * fee * rates[-1]


RATES = st.lists(st.sampled_from(["0.8", "1", "1.1", "1.25", "2"]), min_size=2, max_size=4)


@settings(deadline=None, max_examples=15)
@given(RATES, st.integers(0, 900), st.integers(1, 3), st.integers(1, 5), st.sampled_from(["30%", "100%", "150%"]))
def test_the_least_cost_is_that_of_a_greedy_buyer(
    rates: list[str], need: int, price: int, other: int, fee: str
) -> None:
    dated = {f"2026-0{n}-01": f"{rate} USD per EUR" for n, rate in enumerate(rates, start=1)}
    offers = [in_euro(price=dict.fromkeys(EURO, f"{price} EUR per Mtok")), tokens("south", other)]
    floor = FLOOR | {"amount": f"{need} EUR", "shortfall": {"fee": fee}}
    data = data_of(
        offers, [work(demand="100 Mtok per month")], agreement(floor), months=len(rates),
        exchange=[{"rate": dated, "day": "use"}],
    )  # fmt: skip
    expected = _least(need, price, Fraction(other), [Fraction(r) for r in rates], Fraction(int(fee[:-1]), 100))
    assert abs(Fraction(solved(Case.of(data)).cost) - expected) < Fraction(1, 100)


CLAUSES: list[Data] = [
    {"id": "a", "kind": "minimum-commitment", "amount": "700 EUR", "windows": {"every": "month"}, "carry-over": "20%"},
    {"id": "b", "kind": "minimum-commitment", "amount": "900 EUR",
     "milestones": [{"by": "2026-02-01", "reach": "350 EUR", "fee": "60%"}]},
    {"id": "c", "kind": "liquidated-damages", "rate": "30%", "cap-each": "50 EUR", "of": {"workload": "chat"}},
    {"id": "d", "kind": "payment", "amount": "10 EUR", "on": "2026-01-05"},
    {"id": "e", "kind": "volume-discount", "method": "graduated", "windows": {"every": "term"},
     "tiers": [{"from": "300 EUR", "off": "10%"}]},
    {"id": "f", "kind": "minimum-commitment", "amount": "280 EUR", "windows": {"every": "month"}, "deferral": "20%",
     "carry-over": "10%"},
    {"id": "g", "kind": "liquidated-damages", "rate": "30%", "cap": "90 EUR", "of": {"workload": "chat"}},
    {"id": "h", "kind": "spending-cap", "amount": "500 EUR"},
]  # fmt: skip


@settings(deadline=None, max_examples=12)
@given(st.sets(st.sampled_from(range(len(CLAUSES))), min_size=1, max_size=4), st.sampled_from(["use", "invoice"]))
def test_what_is_owed_is_what_the_paper_in_its_own_currency_owes_at_the_rate_of_its_end(
    chosen: set[int], on: str
) -> None:
    """The independent oracle: the same paper in EUR throughout, with nothing converted, posting by posting."""
    terms = [CLAUSES[at] for at in sorted(chosen)]

    def postings(**more: Any) -> dict[Any, Any]:
        data = data_of([in_euro()], [work(demand="100 Mtok per month")], agreement(*terms), months=2, **more)
        return {(p.term, p.part, p.start): p for p in solved(Case.of(data)).postings}

    own, converted = postings(currency="EUR"), postings(exchange=moving(on))
    assert own.keys() == converted.keys()
    first = {"use": D("1.1"), "invoice": D("1.2")}[on]
    last = {"use": D("1.2"), "invoice": D("1.5")}[on]
    for key, each in converted.items():
        rate = first if each.end <= day("2026-02-01") else last
        rate = D("1.1") if each.part == "payment" else rate  # it is due on a day of January
        assert abs(each.amount - own[key].amount * rate) < D("1e-6"), key
