"""Amounts of which whole units leave some millionths missing: within the solver's tolerance, and not on the bill."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from tests.builders import D, agreement, build, charged, compute, gpus, solved, tokens, work

HOURS = 744  # of January


def one_month(north: dict[str, object], demand: int, amount: D, lump: int, south: int = 4) -> Case:
    floor = {"id": "floor", "kind": "minimum-commitment", "shortfall": {"lump": f"{lump} USD"}}
    offers = [north, gpus("south", south)]
    work = compute(demand=f"{demand} GPU")
    return build(offers, [work], agreement(floor | {"amount": f"{amount} GPU-hour"}), months=1, idle="allowed")


@pytest.mark.parametrize("missing", ["0.000001", "0.0000043", "0.00001"])
@pytest.mark.parametrize(("lump", "cost"), [(500, 24_308), (50_000, 35_712)])
def test_what_is_missing_is_paid_or_one_unit_more_is_used(missing: str, lump: int, cost: int) -> None:
    """10 GPUs; a unit of 8 of North at 3 is 5,952 GPU-hours and 17,856 USD, the other two GPUs at South 5,952.

    With the lump sum of 500 that is 24,308, and with one of 50,000 a second unit of North costs less: 35,712.
    """
    found = solved(one_month(gpus("north", 3, unit=8), 10, 5952 + D(missing), lump))
    assert found.cost == cost
    assert charged(found, "floor") == (500 if lump == 500 else 0)
    assert [row.missed for row in found.standings] == [lump == 500]
    assert found.bound <= found.cost


def test_less_than_the_least_part_of_work_is_not_missing() -> None:
    """Nine tenths of a millionth: the lump of 500 is not owed."""
    found = solved(one_month(gpus("north", 3, unit=8), 10, 5952 + D("0.0000009"), 500))
    assert abs(found.cost - 23_808) < D("0.01")
    assert charged(found, "floor") == 0


def test_a_bound_that_a_plan_refutes_is_not_told() -> None:
    """A third of a cent is missing of each month of 31 days, and none: two units of 8 at 2 cost 71,424 + 3 in February.

    The solver's search says that the amount cannot be reached so, and that no plan costs less than 2 M USD.
    """
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "23808.000024 USD", "windows": {"every": "month"}}
    terms = agreement(floor | {"shortfall": {"lump": "1 M USD"}})
    case = build(
        [gpus("north", 2, unit=8), gpus("south", 5)], [compute(demand="16 GPU")], terms, months=3, idle="allowed"
    )
    found = solved(case)
    assert found.cost == 2 * 16 * 2 * HOURS + 3 * 8 * 2 * 672  # February: 2 units are 21,504 USD, and 3 are 32,256
    assert found.bound <= found.cost


@settings(deadline=None, max_examples=15)
@given(
    st.sampled_from([1, 4, 8]),
    st.integers(1, 17),
    st.integers(1, 24),
    st.sampled_from(["0", "0.000001", "0.000002", "0.0000043", "0.00002", "-0.000001"]),
    st.sampled_from([50, 5_000, 100_000]),
    st.sampled_from([2, 4, 5]),
)
def test_it_is_the_least_of_all_counts(unit: int, demand: int, gpu: int, off: str, lump: int, south: int) -> None:
    """Every number of units of North, at 3, with the rest at South, and the lump sum where a millionth is missing."""
    amount = gpu * HOURS + D(off)
    each, most = unit * HOURS, math.ceil(max(demand, gpu + 1) / unit) + 1
    costs = [
        count * each * 3
        + max(0, demand - count * unit) * HOURS * south
        + (lump if Fraction(amount) - count * each >= Fraction(1, 10**6) else 0)
        for count in range(most + 1)
    ]
    found = solved(one_month(gpus("north", 3, unit=unit), demand, amount, lump, south))
    assert abs(found.cost - min(costs)) < D("0.01")
    assert found.bound <= found.cost


@pytest.mark.parametrize("amount", ["68767901900.29", "17108556223.03", "8631174446.95", "48307972584.62"])
def test_a_tier_of_billions_that_floats_cannot_tell_from_its_last_millionth_is_reached(amount: str) -> None:
    """South takes 30% off all of it from the amount on; 99% of that, at 3 a Mtok, can run at South alone.

    The last hundredth runs there, too, and not at North for 1: as much as the amount asks, and for no cent more.
    """

    own, free = (D(amount) * D("0.33")).quantize(D("0.0001")), (D(amount) / 2).quantize(D(1))
    tiers: dict[str, object] = {"id": "tiers", "kind": "volume-discount", "method": "all-units"}
    tiers |= {"tiers": [{"from": f"{amount} USD", "off": "30%"}]}
    offers = [tokens("north", 1), tokens("south", 3), tokens("south", 3, id="own", model="k")]
    at_south = work("own", f"{own} Mtok per month", **{"runs-on": {"models": ["k"]}})
    needs = [work(demand=f"{free} Mtok per month"), at_south]
    found = solved(build(offers, needs, agreement(tiers, party="south"), months=1))
    least = D(math.ceil(Fraction(amount) / 3 * 10**6)) / 10**6  # Mtok at South
    assert abs(found.cost - (3 * least * D("0.7") + free - (least - own))) < D("0.01")
    assert found.bound <= found.cost
