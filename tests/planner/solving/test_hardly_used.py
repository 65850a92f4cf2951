"""A little work beside a huge one: no unit of its own where it costs less elsewhere, and no room that there is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.results.plan import Plan
from tests.builders import D, Data, agreement, build, compute, gpus, placed, solved, tokens, work

EITHER: Data = {"models": ["m"], "accelerators": {"H100": "9.5 Mtok per GPU-hour"}}
GAP = 1e-4


def _beside(huge: str, little: str, **more: object) -> Plan:
    """Three months (2,160 hours) of a huge work and a little one, which an endpoint does for 3 USD per Mtok, too."""
    offers = [gpus("north", 2, **more), tokens("north", 3)]
    jobs = [compute("big", huge), work("little", little, **{"runs-on": EITHER})]
    return solved(build(offers, jobs, months=3), GAP)


def test_a_little_work_rents_no_node_that_costs_more_than_an_endpoint() -> None:
    """2,160 hours of 100,000 GPUs are 432 M USD, and of one node of 8 they are 34,560: within the gap of 0.01%.

    1,000 Mtok a month take 105 GPU-hours of 5,952 of a node; the endpoint does all three for 9,000 USD.
    """
    found = _beside("100 k GPU", "1000 Mtok per month", unit=8)
    assert found.cost == D(432_009_000)
    assert placed(found, "little") == {"north-api": D(3000)}


def test_it_rents_one_where_that_costs_less() -> None:
    """15,000 Mtok a month would be 135,000 USD at the endpoint; a node has room for 9.5 x 8 x 672 = 51,072 a month."""
    found = _beside("100 k GPU", "15000 Mtok per month", unit=8)
    assert found.cost == D(432_034_560)


@pytest.mark.parametrize(("tokens_a_month", "cost"), [(6000, "0.054"), (60, "0.00054")])
def test_work_lost_in_a_tolerance_is_paid_for_and_no_more_is_used_than_is_bought(
    tokens_a_month: int, cost: str
) -> None:
    """A million GPUs fill a million units, and 60 tokens a month beside them are 1e-14 of them.

    At the endpoint three months of 6,000 tokens are 0.018 x 3 USD.
    """
    found = _beside("1 M GPU", f"{tokens_a_month} tok per month")
    assert found.cost == D(4_320_000_000) + D(cost)
    assert all(row.bought == row.used for row in found.capacity)
    assert placed(found, "little") == {"north-api": D(tokens_a_month) * 3 / 1_000_000}


@pytest.mark.parametrize(
    ("huge", "little", "quanta"),
    [
        ("3 GPU", "0.02 tok per day", [1, 0]),  # 0.62 of a token in January, 0.56 in February: one
        ("1 M GPU", "0.02 tok per day", [1, 0]),
        ("6 bn GPU", "1 tok per day", [31, 28]),
        ("6 bn GPU", "333 tok per day", [10_323, 9_324]),
    ],
)
def test_what_floats_cannot_tell_of_full_units_is_told_in_whole_tokens(
    huge: str, little: str, quanta: list[int]
) -> None:
    """The huge work fills its units; the rest is an endpoint's, or a node's if that is less than 1e-9 of the cost."""
    offers = [gpus("north", 2, unit=8), gpus("south", 3, unit=1), tokens("south", 3)]
    jobs = [compute("big", huge), work("little", little, **{"runs-on": EITHER})]
    found = solved(build(offers, jobs, months=2), GAP)
    assert [row for row in found.capacity if row.used > row.bought] == []
    each = [D(0), D(0)]
    for row in found.allocations:
        each[row.period] += row.work if row.workload == "little" else 0
    assert each == [D(n) / 1_000_000 for n in quanta]


def test_what_a_clause_wants_in_units_stays() -> None:
    """The little work may run on GPUs alone, by a share of 100%: the node is bought."""
    only: Data = {"id": "own", "kind": "share", "of": {"workload": "little"}, "on": {"offer": "north-gpus"}}
    offers, jobs = [gpus("north", 2, unit=8), tokens("north", 3)], [compute("big", "100 k GPU")]
    jobs.append(work("little", "1000 Mtok per month", **{"runs-on": EITHER}))
    found = solved(build(offers, jobs, agreement(only | {"at-least": "100%"}), months=3), GAP)
    assert found.cost == D(432_034_560)


@settings(deadline=None, derandomize=True, max_examples=15)
@given(st.integers(1, 1_000_000), st.integers(1, 10**9), st.sampled_from([1, 8]))
def test_no_more_is_used_than_is_bought_however_little_it_is(gpus_: int, tokens_a_month: int, unit: int) -> None:
    found = _beside(f"{gpus_ * unit} GPU", f"{tokens_a_month} tok per month", unit=unit)
    assert all(row.used <= row.bought for row in found.capacity)
    assert sum(placed(found, "little").values()) == D(tokens_a_month) * 3 / 1_000_000
