"""Clauses as papers combine them, each case worked by hand: what the plan costs, to the cent.

North 1 USD per Mtok, 1000 Mtok a month for six months, or 1 USD per GPU-hour, unless a case says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from detente.case.case import Case
from detente.results.plan import Plan
from tests.builders import D, Data, agreement, build, compute, data_of, gpus, solved, tokens, work
from tests.case.test_exchanging import in_euro, moving

QUARTERS: Data = {"windows": {"every": "quarter"}}
MONTHS: Data = {"windows": {"every": "month"}}


def floor(amount: str, **more: Any) -> Data:
    return {"id": "floor", "kind": "minimum-commitment", "amount": amount} | more


def used(*terms: Data, use: tuple[int, ...] = (1000,) * 6, revenue: str | None = None, **deal: Any) -> Case:
    """So much of North in each month, in Mtok."""
    rate = {f"2026-{n:02}-01": f"{amount} Mtok per month" for n, amount in enumerate(use, start=1)}
    more = {} if revenue is None else {"revenue": revenue}
    job = work(demand={"rate": rate}, **more)
    return build([tokens("north", 1)], [job], agreement(*terms, **deal), months=len(use))


def shared(*terms: Data, months: int = 1, **mtok: int) -> Case:
    """So much of North in each month for each workload, whose label `party` is its name."""
    jobs = [work(name, demand=f"{n} Mtok per month", labels={"party": name}) for name, n in mtok.items()]
    return build([tokens("north", 1)], jobs, agreement(*terms), months=months)


def machines(*terms: Data, rate: dict[str, str]) -> Case:
    return build([gpus("north", 1)], [compute(demand={"rate": rate})], agreement(*terms), months=len(rate))


def amended(first: Data, later: Data, on: str = "2026-07-01") -> Case:
    """500 USD of use a month in 2026, under a year's amount and the text that replaces it."""
    second = {"id": "later", "with": "north", "effective": on, "amends": "north-deal", "ends": "2027-01-01"}
    deals = agreement(first, ends="2027-01-01"), second | {"terms": [later]}
    return build([tokens("north", 1)], [work(demand="500 Mtok per month")], *deals, months=12)


def euros(*terms: Data, jobs: Any = None, offers: Any = None, deals: tuple[Data, ...] = ()) -> Case:
    """200 EUR a month for three months, at 1.10, 1.20 and 1.50: 220, 240 and 300 USD."""
    job = jobs or [work(demand="100 Mtok per month")]
    return Case.of(
        data_of(offers or [in_euro()], job, agreement(*terms, ends="2026-04-01"), *deals, months=3, exchange=moving())
    )


def replaced(term: Data) -> tuple[Data]:
    return ({"id": "later", "with": "north", "effective": "2026-02-01", "amends": "north-deal", "terms": [term]},)


OFF: Data = {"id": "off", "kind": "discount", "off": "20%"}
TIER: Data = {"id": "tier", "kind": "volume-discount", "method": "graduated"} | QUARTERS
KEEP: Data = {"id": "keep", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "10 GPU", "take": "80%"}
KEEP |= {"price": "0.5 USD per GPU-hour"}
EARNS: Data = {"id": "share", "kind": "revenue-share", "rate": "20%", "of": {"provider": "north"}}
EACH = "1 USD per Mtok"
LUMP: Data = {"shortfall": {"lump": "1 k USD"}}
SLA: Data = {"id": "sla", "kind": "service-credit", "bands": [{"below": "99%", "credit": "10%"}]}
CREDITS: list[Data] = [
    {"id": "long", "kind": "credit", "amount": "700 USD"},
    {"id": "short", "kind": "credit", "amount": "1500 USD", "until": "2026-02-01"},
]
BREACH: Data = {"id": "breach", "kind": "liquidated-damages", "amount": "100 USD", "of": {"workload": "chat"}} | MONTHS

CASES: dict[str, tuple[Callable[[], Case], D]] = {
    # 30% of 6,000 in the first quarter, of which 3,000 are used, and 70% in the second: 1,200 missing at 80%
    "a ramp, made good in part": (
        lambda: used(floor("6 k USD", windows={"every": "quarter", "ramp": ["30%", "70%"]}, shortfall={"fee": "80%"})),
        D(6000 + 960),
    ),
    # 4,500 of 3,000: 750 are carried; 2,000 and 750 of the next 3,000
    "an excess, carried once": (
        lambda: used(floor("3 k USD", **QUARTERS, **{"carry-over": "25%", "carried": "once"}),
                     use=(1500, 1500, 1500, 700, 700, 600)),
        D(6500 + 250),
    ),
    # 1,000 a month: 500 of January's excess go on, 100 of them fill March, and 400 lapse with it; April's 500 fill May,
    # which is 400 short all the same
    "an excess that counts for two windows": (
        lambda: used(floor("1 k USD", windows={"every": "month"}, **{"carry-over": "50%", "carried": 2}),
                     use=(2000, 1000, 900, 1500, 100, 1000)),
        D(6500 + 400),
    ),
    # 2,400 a quarter after 20% off, of which 400 lie above 2,000
    "tiers of what a discount leaves": (
        lambda: used(OFF, TIER | {"tiers": [{"from": "2 k USD", "off": "10%"}]}), D(2 * (2400 - 40)),
    ),
    "a rebate that is reached to the cent": (
        lambda: used(TIER | {"method": "all-units", "windows": {"every": "term"},
                             "tiers": [{"from": "6 k USD", "off": "5%"}]}),
        D(5700),
    ),
    # the one that lapses pays all of January's 1,000, and loses 500; then the other
    "credits, the soonest to expire first": (lambda: used(*CREDITS), D(6000 - 1000 - 700)),
    # 6 of 8 taken: 2 for 744 hours
    "take-or-pay of a part": (
        lambda: machines(KEEP, rate={"2026-01-01": "6 GPU"}), 6 * D(744) + D(744),
    ),
    # in February 2 more than 8: 1,344 of the 1,488 hours come back
    "what was paid is made up": (
        lambda: machines(KEEP | {"make-up": {"within": "3 months"}},
                         rate={"2026-01-01": "6 GPU", "2026-02-01": "10 GPU"}),
        D(6 * 744 + 10 * 672 + 744 - 672),
    ),
    "a revenue share, capped each quarter": (
        lambda: used(EARNS | QUARTERS | {"cap-each": "500 USD"}, revenue=EACH), D(6000 + 1000),
    ),
    "a revenue share, capped in all": (lambda: used(EARNS | {"cap": "900 USD"}, revenue=EACH), D(6000 + 900)),
    "a lump sum for each month of a breach": (lambda: used(BREACH), D(6000 + 600)),
    # 1,000 missing of 4,000 by April at 50%, and 1,000 of 7,000 in the end
    "a milestone beside the amount": (
        lambda: used(floor("7 k USD", milestones=[{"by": "2026-04-01", "reach": "4 k USD", "fee": "50%"}])),
        D(6000 + 500 + 1000),
    ),
    "a month below its availability": (
        lambda: used(SLA | {"measured": [{"on": "2026-02-10", "availability": "98%"}]}), D(6000 - 100),
    ),
    # 6,000 of the first half, of which 3,000 are used; 3,000 of the second
    "an amendment that takes over pro rata": (
        lambda: amended(floor("12 k USD"), floor("6 k USD", **{"takes-over": "pro-rata"})), D(6000 + 3000),
    ),
    # half of the lump for half of the year; the new window is met
    "half of a lump for half of a window": (
        lambda: amended(floor("12 k USD", **LUMP), floor("2 k USD", **LUMP, **{"takes-over": "new-window"})),
        D(6000 + 500),
    ),
    "affiliates on one commitment": (
        lambda: shared(floor("1200 USD", **MONTHS, parties=["lab", "uk"]), months=2, lab=400, uk=700, other=900),
        D(4000 + 200),
    ),
    "a class that counts up to a part": (
        lambda: shared(floor("1000 USD", counts=[{"of": {"workload": "market"}, "at-most": "25%"}]),
                       own=600, market=900),
        D(1500 + 150),
    ),
    # January is invoiced in February: nothing counts in January, and 200 EUR of 1,000 in each month after it
    "euros that count when they are invoiced": (
        lambda: euros(floor("1000 EUR", moment="invoice", **MONTHS)),
        D(760) + 1000 * D("1.1") + 800 * D("1.2") + 800 * D("1.5"),
    ),
    "euros of a window that is taken over whole": (
        lambda: euros(floor("1200 EUR"), deals=replaced(floor("900 EUR", **{"takes-over": "whole-window"}))),
        D(760) + 300 * D("1.5"),
    ),
    "euros of a window that is divided": (
        lambda: euros(floor("1200 EUR"), deals=replaced(floor("900 EUR", **{"takes-over": "pro-rata"}))),
        D(760) + 200 * D("1.1") + 200 * D("1.5"),
    ),
    "euros after a discount": (
        lambda: euros(OFF, floor("1000 EUR", measure="after-discounts")), D(760) * D("0.8") + 520 * D("1.5"),
    ),
    "a lump in euros": (lambda: euros(floor("1000 EUR", shortfall={"lump": "100 EUR"})), D(760) + 150),
    # 100 prepaid at 1.10 and drawn at 1.20; 200 at 1.20 and drawn at 1.50; 300 at 1.50
    "a prepayment in euros": (
        lambda: euros(floor("300 EUR", **MONTHS, shortfall={"charged-as": "prepayment"})),
        D(760) + 110 - 120 + 240 - 300 + 450,
    ),
    # South asks 1 USD: 500 EUR at North in the two cheap months, and half of the third
    "euros that must be reached": (
        lambda: euros(floor("500 EUR", shortfall="forbidden"), offers=[in_euro(), tokens("south", 1)]),
        D(220 + 240 + 150 + 50),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_costs_what_it_comes_to_by_hand(name: str) -> None:
    case, cost = CASES[name]
    found = solved(case())
    assert abs(found.cost - cost) < D("0.000001"), name
    assert Plan.from_json(found.to_json()) == found
