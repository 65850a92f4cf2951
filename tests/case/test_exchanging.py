"""Amounts in another currency: converted once, at the rate that the paper says, and refused where it says none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.case.planned import must_hold
from detente.results.plan import Plan
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    charged,
    compute,
    data_of,
    gpus,
    mistakes,
    solved,
    tokens,
    work,
)

EURO = {"input": "2 EUR per Mtok", "output": "2 EUR per Mtok"}
MOVES = {"2026-01-01": "1.10 USD per EUR", "2026-02-01": "1.20 USD per EUR", "2026-03-01": "1.50 USD per EUR"}


def in_euro(**more: object) -> Data:
    return tokens("north", 1) | {"price": EURO} | more


def moving(day: str = "use", **more: object) -> list[Data]:
    return [{"rate": MOVES, "day": day} | more]


def of(*terms: Data, exchange: Any = None, months: int = 2, offers: Any = None, deal: Any = None) -> Data:
    """100 Mtok a month, at 2 EUR: 200 EUR a month."""
    deals = [agreement(*terms, **(deal or {}))] if terms or deal else []
    head = {} if exchange is None else {"exchange": exchange}
    return data_of(offers or [in_euro()], [work(demand="100 Mtok per month")], *deals, months=months, **head)


def plan_of(*terms: Data, **more: Any) -> Plan:
    return solved(Case.of(of(*terms, **more)))


def stated(found: Plan) -> list[tuple[str, str, D, D]]:
    return [(each.offer, each.in_currency, each.stated, each.listed) for each in found.stated]


LATER = {"effective": "2026-02-01"}
FIXED = {"exchange": [{"rate": "1.25 USD per EUR"}]}


def test_a_plan_holds_whoever_states_the_rate() -> None:
    """A clause is kept in EUR where only its agreement states a rate of it."""
    clause = FLOOR | {"amount": "100 EUR", "shortfall": {"fee": "100%"}}
    case = Case.of(of(clause, deal={"exchange": moving()}, offers=[in_euro(under="north-deal")]))
    found = Plan.from_json(solved(case).to_json())
    must_hold(found, case, "plan")
    assert {each.unit for each in found.standings} == {"EUR"}


# -- prices of offers --------------------------------------------------------------------------------------------------
def test_use_has_the_rate_of_its_day() -> None:
    """200 EUR at 1.10 in January and at 1.20 in February: 220 + 240."""
    found = plan_of(exchange=moving())
    assert found.cost == 460
    assert stated(found) == [("north-api", "EUR", D(400), D(460))]
    assert "(priced in EUR)" in found.decisions[0].sentence


def test_use_has_the_rate_of_the_day_on_which_its_month_is_invoiced() -> None:
    """January is invoiced on 1 February, at 1.20, and February on 1 March, at 1.50: 240 + 300."""
    assert plan_of(exchange=moving("invoice")).cost == 540


def test_a_rate_within_a_month_holds_for_the_rest_of_it() -> None:
    """January has 31 days: 15 at 1 and 16 at 2, so that 200 EUR are 200 * (15 + 32) / 31, to the billionth."""
    rate = {"2026-01-01": "1 USD per EUR", "2026-01-16": "2 USD per EUR"}
    assert plan_of(exchange=[{"rate": rate, "day": "use"}], months=1).cost == D("303.225806452")
    invoiced = {"2026-01-01": "1 USD per EUR", "2026-02-01": "2 USD per EUR", "2026-02-16": "3 USD per EUR"}
    assert plan_of(exchange=[{"rate": invoiced, "day": "invoice"}]).cost == 200 * 2 + 200 * 3


def test_a_rate_is_fixed_on_the_day_of_signing() -> None:
    """What is sold under an agreement of 1 February has its rate, 1.20; nothing is sold in January."""
    signed = of(exchange=moving("signing"), offers=[in_euro(under="north-deal"), tokens("south", 9)], deal=LATER)
    found = solved(Case.of(signed))
    assert found.cost == 100 * 9 + 240
    alone = of(exchange=moving("signing"))
    assert [m for m in mistakes(alone) if "is that of signing, and `north-api` is sold under no agreement" in m]


def test_an_agreement_has_a_rate_of_its_own() -> None:
    assert solved(Case.of(of(exchange=moving(), offers=[in_euro(under="north-deal")], deal=FIXED))).cost == 500
    assert plan_of(exchange=moving(), deal=FIXED).cost == 460  # it is not sold under it


def test_a_rate_that_is_quoted_the_other_way_is_rounded_as_stated() -> None:
    """1 / 1.087 is 0.919963…: at 4 decimals 0.9200, so that 300 USD of use are 276 EUR."""
    data = data_of([tokens("north", 3)], [work(demand="100 Mtok per month")], months=1, currency="EUR")
    rate = {"rate": "1.087 USD per EUR"}
    assert solved(Case.of(data | {"exchange": [rate | {"decimals": 4}]})).cost == 276
    assert ["decimals" in m for m in mistakes(data | {"exchange": [rate]})] == [True]


def test_what_is_paid_at_once_has_the_rate_of_the_day_on_which_it_is_bought() -> None:
    """A GPU for February and March at 1 EUR an hour, bought on 1 February: 1,416 hours at 1.20."""
    held = gpus("north", {"2026-01-01": "1 EUR per GPU-hour"}, buy="reserved", term="2 months", starts=["2026-02-01"])
    busy = compute(demand={"rate": {"2026-01-01": "0 GPU", "2026-02-01": "1 GPU"}})

    def data(**more: object) -> Data:
        return data_of([held | more], [busy], months=3, exchange=moving("use"))

    found = solved(Case.of(data(invoiced="upfront")))
    assert found.cost == 1416 * D("1.2")
    assert stated(found) == [("north-gpus", "EUR", D(1416), D("1699.2"))]
    (said,) = mistakes(data())
    assert "the rate of EUR changes meanwhile; say when it is `invoiced`" in said
    fixed = data(invoiced="monthly", under="deal")
    fixed["agreements"] = [agreement(id="deal", exchange=moving("signing"))]
    assert solved(Case.of(fixed)).cost == D("1557.6")  # at the 1.10 of the day of signing
    euro = data(invoiced="monthly") | {"currency": "EUR"}
    assert solved(Case.of({key: value for key, value in euro.items() if key != "exchange"})).cost == 1416


@pytest.mark.parametrize(
    ("invoiced", "rates"),
    [
        ("monthly", ["1.2", "1.5", "1.5"]),  # on 1 February, March and April, at 1.20 and twice at 1.50
        ("in-arrears", ["1.5", "1.5", "1.5"]),
    ],
)
def test_each_instalment_has_the_rate_of_the_day_on_which_it_is_invoiced(invoiced: str, rates: list[str]) -> None:
    """A GPU from February to April, 89 days at 1 EUR an hour: 712 EUR on each of three days, at the rates of those."""
    held = gpus("north", {"2026-01-01": "1 EUR per GPU-hour"}, buy="reserved", term="3 months", starts=["2026-02-01"])
    busy = compute(demand={"rate": {"2026-01-01": "0 GPU", "2026-02-01": "1 GPU"}})
    counted = {"id": "f", "kind": "minimum-commitment", "moment": "invoice", "windows": {"every": "month"}}
    counted |= {"amount": "1 EUR", "shortfall": {"fee": "0%"}}

    def plan(**more: Any) -> Plan:
        deals = [agreement(counted | more)] if more else []
        head = {"exchange": moving("use")}
        return solved(Case.of(data_of([held | {"invoiced": invoiced}], [busy], *deals, months=4, **head)))

    found = plan()
    paid = [712 * D(rate) for rate in rates]
    assert found.cost == sum(paid)
    assert stated(found) == [("north-gpus", "EUR", D(2136), sum(paid))]
    on = slice(1, 4) if invoiced == "monthly" else slice(2, 4)
    assert [each.drawn for each in plan(amount="1 USD").standings][on] == paid[: on.stop - on.start]
    assert [each.drawn for each in plan(amount="1 EUR").standings][on] == [712] * (on.stop - on.start)


def test_a_price_that_is_locked_locks_no_rate() -> None:
    """2 EUR on 1 January, and 3 from February on; locked, 2 EUR at each day's rate: 220 + 240."""
    dear = {
        k: {"input": p, "output": p} for k, p in (("2026-01-01", "2 EUR per Mtok"), ("2026-02-01", "3 EUR per Mtok"))
    }
    lock = {"id": "lock", "kind": "price-lock", "method": "fixed", "on": "2026-01-01"}
    found = plan_of(lock, offers=[tokens("north", 1) | {"price": dear}], exchange=moving())
    assert found.cost == 460
    assert charged(found, "lock") == -120


# -- amounts -----------------------------------------------------------------------------------------------------------
FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "1000 EUR"}


def test_a_commitment_has_the_rate_of_its_agreement() -> None:
    """400 EUR of 1,000 are used; 600 EUR are missing, at 1.25: 750 USD, beside 500 for the use."""
    found = plan_of(FLOOR, offers=[in_euro(under="north-deal")], deal=FIXED)
    assert (found.cost, charged(found, "floor")) == (1250, 750)
    assert "(1.00 k EUR at 1.25)" in found.clauses[0].sentence


def test_a_milestone_in_the_cases_currency_is_beside_an_amount_in_another_at_one_rate() -> None:
    """300 USD are asked by February and 250 are used: half of 50 is owed; and in the end 750 USD, of 1,250."""
    milestone = {"by": "2026-02-01", "reach": "300 USD", "fee": "50%"}
    found = plan_of(FLOOR | {"milestones": [milestone]}, offers=[in_euro(under="north-deal")], deal=FIXED)
    assert {p.part: p.amount for p in found.postings} == {"milestone-fee": D(25), "shortfall-fee": D(750)}


def test_what_counts_must_be_converted_as_the_amount_is() -> None:
    (said,) = mistakes(of(FLOOR, exchange=moving(), deal=FIXED))
    assert "`floor` is converted at 1.25, and `north-api`, which it counts, at 1.1" in said
    assert "write the case in EUR" in said


def test_in_the_currency_of_its_commitment_use_is_converted_by_the_day() -> None:
    """300 USD a month are 270 and 240 EUR; of 1,000 EUR are 490 missing."""
    rate = {"2026-01-01": "0.9 EUR per USD", "2026-02-01": "0.8 EUR per USD"}
    data = data_of(
        [tokens("north", 3)], [work(demand="100 Mtok per month")],
        agreement({"id": "floor", "kind": "minimum-commitment", "amount": "1000 EUR"}),
        months=2, currency="EUR", exchange=[{"rate": rate, "day": "use"}],
    )  # fmt: skip
    found = solved(Case.of(data))
    assert (found.bill, charged(found, "floor")) == (1000, 490)


def test_a_payment_has_the_rate_of_its_day() -> None:
    paid = {"id": "fee", "kind": "payment", "amount": "100 EUR", "on": "2026-02-10"}
    assert charged(plan_of(paid, exchange=moving()), "fee") == 120


def test_a_payment_has_that_rate_where_use_has_that_of_its_invoice_too() -> None:
    """100 EUR due on 10 February are 120 at 1.20; work is 540 by the days of its invoices."""
    paid = {"id": "fee", "kind": "payment", "amount": "100 EUR", "on": "2026-02-10"}
    assert plan_of(paid, exchange=moving("invoice")).cost == 540 + 120


def test_amounts_elsewhere_have_the_one_rate_of_the_horizon() -> None:
    """Demand that is worth 1 EUR, at 1.5 USD, goes unserved where it would cost 2 USD, and is served at 1."""
    for price, cost in ((2, 150), (1, 100)):
        worth = work(demand="100 Mtok per month", value="1 EUR per Mtok")
        case = build([tokens("north", price)], [worth], months=1, exchange=[{"rate": "1.5 USD per EUR"}])
        assert solved(case).cost == cost


def test_each_mistake_has_its_place(tmp_path: Path) -> None:
    (said,) = mistakes(of())
    assert said.startswith(
        "the amount is in EUR, and the case is in USD; state what one EUR costs (`exchange: [ { rate:"
    )
    late = {"rate": {"2026-02-01": "1.2 USD per EUR"}}
    assert mistakes(of(exchange=[late])) == [
        "there is no rate of EUR for 2026-01-01; state one from that day on, or an earlier one"
    ]
    assert "which day's rate counts is not said" in mistakes(of(exchange=[{"rate": MOVES}]))[0]
    two = [{"rate": "1.2 USD per EUR"}, {"rate": "1.3 USD per EUR"}]
    assert mistakes(of(exchange=two)) == ["a second entry for EUR; keep one of them"]
    assert "the case is in USD" in mistakes(of(exchange=[{"rate": "1.2 CHF per EUR"}]))[0]
    for wrong in ("1.2", "0 USD per EUR", "1.2 USD per USD", "-1 USD per EUR", "1.2 usd per eur"):
        assert mistakes(of(exchange=[{"rate": wrong}])), wrong


def test_a_catalog_in_another_currency_is_converted(tmp_path: Path) -> None:
    """A list in USD in a case in EUR: 2 USD at 0.9, for 744 hours."""
    (tmp_path / "list.csv").write_text(
        "InstanceType,AcceleratorName,AcceleratorCount,Region,Price,SpotPrice\nm1,H100,1,dublin,2.00,\n"
    )
    data = data_of([], [compute(demand="1 GPU")], months=1, currency="EUR", exchange=[{"rate": "0.9 EUR per USD"}])
    catalog = {"provider": "north", "format": "skypilot", "file": "list.csv", "accelerators": ["H100"]}
    found = solved(Case.of(data | {"catalogs": [catalog]}, tmp_path))
    assert found.cost == 744 * 2 * D("0.9")


# -- laws --------------------------------------------------------------------------------------------------------------
CLAUSES: list[Data] = [
    {"id": "a", "kind": "minimum-commitment", "amount": "700 EUR", "measure": "after-credits",
     "windows": {"every": "month"}},
    {"id": "b", "kind": "credit", "amount": "90 EUR", "windows": {"every": "month"}},
    {"id": "c", "kind": "spending-cap", "amount": "450 EUR", "windows": {"every": "month"}},
    {"id": "d", "kind": "payment", "amount": "10 EUR", "on": "2026-01-05"},
    {"id": "e", "kind": "volume-discount", "method": "graduated", "windows": {"every": "month"},
     "tiers": [{"from": "0 EUR", "off": "0%"}, {"from": "200 EUR", "off": "10%"}]},
]  # fmt: skip


@settings(deadline=None, max_examples=12)
@given(st.sets(st.sampled_from(range(len(CLAUSES))), min_size=1, max_size=2), st.sampled_from(["0.5", "1.25", "3"]))
def test_a_case_at_one_rate_is_the_case_in_its_own_currency_times_the_rate(chosen: set[int], rate: str) -> None:
    """The independent oracle: the same paper in EUR throughout, with nothing converted."""

    def cost(currency: str, **head: Any) -> D | None:
        offers = [in_euro(), tokens("south", 1) | {"price": {"input": "5 EUR per Mtok", "output": "5 EUR per Mtok"}}]
        deal = agreement(*(CLAUSES[at] for at in sorted(chosen)))
        data = data_of(offers, [work(demand="100 Mtok per month")], deal, months=2, currency=currency, **head)
        wrong = mistakes(data)
        return None if wrong else solved(Case.of(data)).cost

    own, converted = cost("EUR"), cost("USD", exchange=[{"rate": f"{rate} USD per EUR"}])
    assert (own is None) == (converted is None)
    if own is not None and converted is not None:
        assert abs(converted - own * D(rate)) < D("0.00001")


# -- what work earns ---------------------------------------------------------------------------------------------------
EARNED: Data = {"id": "share", "kind": "revenue-share", "rate": "10%"}


def earning(exchange: list[Data], months: int = 2) -> Data:
    works = [work(demand="100 Mtok per month", revenue="5 EUR per Mtok")]
    return data_of([tokens("north", 1)], works, agreement(EARNED), months=months, exchange=exchange)


def test_revenue_counts_by_the_rate_of_the_day_of_use() -> None:
    """500 EUR in each month: 10% of 550 and of 600 USD."""
    assert [each.amount for each in solved(Case.of(earning(moving()))).postings] == [D(55), D(60)]


def test_its_rate_changes_where_a_period_of_the_plan_begins() -> None:
    rates = {"2026-01-01": "1.10 USD per EUR", "2026-01-15": "1.20 USD per EUR"}
    (said,) = mistakes(earning([{"rate": rates, "day": "use"}]))
    assert "changes on 2026-01-15, within a period of the plan" in said


def test_what_goes_unserved_has_the_value_of_its_day() -> None:
    """2 USD a Mtok, worth 1.80 EUR: 1.98 USD in January, and 2.16 and 2.70 after; 198 USD are lost, 400 are paid."""
    works = [work(demand="100 Mtok per month", value="1.80 EUR per Mtok")]
    found = solved(Case.of(data_of([tokens("north", 2)], works, months=3, exchange=moving())))
    assert (found.cost, found.unserved_cost) == (598, 198)
    assert [(each.period, each.cost) for each in found.unserved] == [(0, 198)]


def test_a_batch_that_waits_has_the_value_of_the_last_day_on_which_it_could_run() -> None:
    """What comes on 1 to 28 January may run that long, by days of 1.10 and, from the 15th on, 1.20."""
    rates = {"2026-01-01": "1.10 USD per EUR", "2026-01-15": "1.20 USD per EUR"}
    batch = work(kind="batch", demand="100 Mtok per day", value="1 EUR per Mtok", within="28 days")
    horizon = {"start": "2026-01-01", "end": "2026-01-29", "every": "day"}
    data = data_of([tokens("north", 9)], [batch], horizon=horizon, exchange=[{"rate": rates, "day": "use"}])
    assert solved(Case.of(data)).cost == 2800 * D("1.2")


def test_moved_data_has_the_rate_of_the_day_of_use() -> None:
    """1 GB a Mtok from North, at 0.50 EUR: 100 Mtok cost 55 and 60 USD to move; 10% off are 11.50 USD less."""
    moved = work(demand="100 Mtok per month", data={"at": "north/dublin", "moves": "1 GB per Mtok"})
    networks = [{"from": "north", "to": "*", "price": "0.50 EUR per GB"}]
    off = {"id": "off", "kind": "discount", "off": "10%", "of": {"product": "egress"}}

    def data(*terms: Data, price: Any = 1) -> Data:
        offers = [tokens("south", price)]
        deals = [agreement(*terms)] if terms else []
        return data_of(offers, [moved], *deals, months=2, exchange=moving(), networks=networks)

    assert solved(Case.of(data())).cost == 200 + 115
    assert solved(Case.of(data(off))).cost == 200 + D("103.5")


def test_what_has_no_agreement_is_told_what_it_can_do() -> None:
    facts = of(exchange=moving(), months=3)
    facts["workloads"][0]["moving"] = {"cost": "9 EUR", "stays": "1 month"}
    (said,) = mistakes(facts)
    assert said.endswith("write it in the case's currency, or the case in that one; or plan for a time with one rate")
