"""The plan before the news, against enumeration by hand: what is reserved early is the same in every future."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from detente.planner.hedged import HedgedPlan
from detente.planner.hedging import CaseInFuture, hedge
from detente.results.tail import tail
from tests.builders import D, Data, agreement, compute, data_of, day, gpus, solved

HOURS = (744, 672, 744)
RESERVED, RENTED = 1, 3


def case(demand: tuple[int, ...], *starts: str, term: str = "2 months", **more: Any) -> Case:
    """GPUs that work needs in each month: reserved at 1 USD an hour, or rented at 3."""
    months = len(demand)
    rates = {f"2026-0{at + 1}-01": f"{size} GPU" for at, size in enumerate(demand)}
    reserved = gpus("south", RESERVED, id="kept", buy="reserved", term=term, starts=list(starts or ["2026-01-01"]))
    data: Data = data_of([gpus("north", RENTED), reserved], [compute(demand={"rate": rates})], months=months, **more)
    return Case.of(data)


def future(chance: str, demand: tuple[int, ...], *known: tuple[str, str], **more: Any) -> CaseInFuture:
    """A future: its probability, and each thing that is known of it with its day."""

    def news(at: datetime) -> Hashable:
        return tuple(what for on, what in known if day(on) <= at)

    return CaseInFuture(case(demand, **more), Decimal(chance), news)


def hedged(*futures: CaseInFuture, until: str = "2026-02-01") -> HedgedPlan:
    found = hedge(futures, day(until), gap=1e-9)
    assert found is not None
    return found


def two(high: str) -> tuple[CaseInFuture, CaseInFuture]:
    """Ten GPUs; in February twenty, or ten."""
    more, same = (("2026-02-01", "more"),), (("2026-02-01", "same"),)
    return future(high, (10, 20), *more), future(str(1 - D(high)), (10, 10), *same)


def by_hand(chance: Fraction) -> dict[int, Fraction]:
    """The mean cost by how many are reserved in January for both months."""
    hours = sum(HOURS[:2])
    return {n: n * hours * RESERVED + chance * (20 - n) * HOURS[1] * RENTED for n in range(10, 21)}


@pytest.mark.parametrize("high", ["0.1", "0.6", "0.7", "0.8", "0.95"])
def test_what_is_reserved_before_the_news_costs_least_on_average(high: str) -> None:
    found = hedged(*two(high))
    assert found.cost == min(by_hand(Fraction(high)).values())
    assert found.bound <= found.cost
    assert found.cost - found.bound <= D("0.01")


@pytest.mark.parametrize(
    ("weight", "level"), [("0.5", "0.7"), ("1", "0.5"), ("1", "0.9"), ("0.2", "0.9"), ("0.9", "0")]
)
def test_with_weight_on_the_tail_against_enumeration(weight: str, level: str) -> None:
    """At 30% the mean reserves ten; whoever fears February reserves more."""
    chance, w = Fraction("0.3"), Fraction(weight)
    best = None
    for n in range(10, 21):
        low = n * sum(HOURS[:2]) * RESERVED
        high = low + (20 - n) * HOURS[1] * RENTED
        dearest = tail([(D("0.3"), D(high)), (D("0.7"), D(low))], Decimal(level))
        score = (1 - w) * (chance * high + (1 - chance) * low) + w * Fraction(dearest)
        best = score if best is None else min(best, score)
    found = hedge(two("0.3"), day("2026-02-01"), weight=Decimal(weight), level=Decimal(level), gap=1e-9)
    assert found is not None
    assert found.weighed == best
    assert 0 <= found.weighed - found.bound <= D("0.01")


def test_knowing_more_is_worth_something_and_never_less_than_nothing() -> None:
    futures = two("0.8")
    known = sum((f.probability * solved(f.case).cost for f in futures), D(0))
    assert known == D("0.8") * 20 * 1416 + D("0.2") * 10 * 1416
    assert hedged(*futures).cost - known == D(2832)


def test_planning_for_the_likeliest_future_alone_costs_more() -> None:
    found = hedged(*two("0.6"))
    assert found.sure is not None
    assert (found.cost, round(found.sure), round(found.divisible)) == (26256, 28320, 26256)
    at_once = hedged(*two("0.8"))
    assert at_once.sure is not None
    assert round(at_once.sure) == 28320  # the likeliest is prepared for anyway


def test_planning_for_the_mean_of_demand_costs_more() -> None:
    """The mean of February is 16, and sixteen are reserved for it (a rented February costs 2,016, both months 1,416).

    In 60% of all cases four are rented, so that it costs 16 x 1,416 + 0.6 x 4 x 2,016 = 27,494.40.
    """
    found = hedged(*two("0.6"))
    assert found.for_mean == pytest.approx(27494.4)
    assert found.divisible == pytest.approx(26256)


def test_planning_for_the_mean_of_a_price_costs_more() -> None:
    """Ten GPUs. North is 0.3 in January and 1 or 4 in February, South 2 in February; both months reserved are 1,416.

    At North's mean, 2.5, February is bought at South: 223.2 + 1,344 is more than 1,416, so that all is reserved. But
    whoever waits pays 1 or 2, and 223.2 + 1,008 on average.
    """

    def priced(north: str) -> CaseInFuture:
        rents = (
            gpus(party, {f"2026-0{at}-01": f"{price} USD per GPU-hour" for at, price in enumerate(prices, 1)}, id=party)
            for party, prices in (("north", ("0.3", north)), ("south", ("9", "2")))
        )
        kept = gpus("south", RESERVED, id="kept", buy="reserved", term="2 months", starts=["2026-01-01"])
        one = Case.of(data_of([*rents, kept], [compute()], months=2))
        return CaseInFuture(one, D("0.5"), lambda at: at >= day("2026-02-01") and north)

    found = hedged(priced("1"), priced("4"))
    assert (found.cost, found.for_mean) == (12312, pytest.approx(14160))


def test_futures_that_differ_in_more_than_numbers_have_no_mean() -> None:
    """In one of them a clause is in force that the other does not have."""
    more, same = ("2026-02-01", "more"), ("2026-02-01", "same")
    cap = agreement({"kind": "spending-cap", "id": "cap", "amount": "1 M USD"}) | {"ends": "2026-03-01"}
    found = hedged(future("0.5", (10, 20), more), future("0.5", (10, 10), same, agreements=[cap]))
    assert (found.for_mean, found.sure is None) == (None, False)


def test_news_on_the_first_day_leaves_nothing_to_share() -> None:
    futures = future("0.5", (10, 20), ("2026-01-01", "a")), future("0.5", (10, 10), ("2026-01-01", "b"))
    found = hedged(*futures, until="2026-01-01")
    assert (found.shared, found.sure) == (0, None)
    assert found.cost == sum((f.probability * solved(f.case).cost for f in futures), D(0))


def test_one_future_costs_what_its_plan_costs() -> None:
    only = future("1", (10, 20))
    assert hedged(only).cost == solved(only.case).cost


def test_news_in_two_steps_against_enumeration() -> None:
    """Three months; February's demand is known in February and March's in March. One month is reserved at a time."""
    starts = ("2026-01-01", "2026-02-01", "2026-03-01")
    futures = [
        future(
            str(p * q),
            (4, second, third),
            ("2026-02-01", f"feb {second}"),
            ("2026-03-01", f"mar {third}"),
            term="2 months",
        )
        for (second, p), (third, q) in product([(4, D("0.3")), (8, D("0.7"))], [(2, D("0.4")), (9, D("0.6"))])
    ]
    futures = [
        CaseInFuture(case(demand, *starts[:2], term="2 months"), f.probability, f.news)
        for f, demand in zip(futures, [(4, 4, 2), (4, 4, 9), (4, 8, 2), (4, 8, 9)], strict=True)
    ]
    found = hedged(*futures, until="2026-03-01")
    assert found.cost == _enumerated()


def _enumerated() -> Decimal:
    """First n for January and February; then, knowing February, m for February and March; the rest is rented."""
    best = None
    for first in range(10):
        total = Decimal(first * (HOURS[0] + HOURS[1]) + max(0, 4 - first) * HOURS[0] * RENTED)
        for second, p in ((4, D("0.3")), (8, D("0.7"))):
            total += p * min(
                more * (HOURS[1] + HOURS[2])
                + max(0, second - first - more) * HOURS[1] * RENTED
                + sum(q * max(0, third - more) * HOURS[2] * RENTED for third, q in ((2, D("0.4")), (9, D("0.6"))))
                for more in range(10)
            )
        best = total if best is None else min(best, total)
    assert best is not None
    return best


def test_what_cannot_be_known_yet_cannot_change_demand() -> None:
    futures = future("0.5", (10, 20), ("2026-02-01", "a")), future("0.5", (12, 10), ("2026-02-01", "b"))
    with pytest.raises(CaseError, match="changes the demand of `research` in Jan 2026, before it is known"):
        hedged(*futures)


def test_no_plan_suits_all_futures() -> None:
    """Both futures have a plan, and what each needs in January the other forbids."""
    only = {"id": "only", "kind": "exclusivity", "of": {"workload": "research"}}
    futures = []
    for name in ("north", "south"):
        deal = {"id": f"{name}-deal", "with": name, "effective": "2026-01-01", "ends": "2026-03-01", "terms": [only]}
        data = data_of([gpus("north", 3), gpus("south", 2)], [compute()], deal, months=2)

        def news(at: datetime, name: str = name) -> str:
            return name if at >= day("2026-02-01") else ""

        futures.append(CaseInFuture(Case.of(data), D("0.5"), news))
    assert hedge(futures, day("2026-02-01")) is None
