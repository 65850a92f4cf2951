"""Allocations as columns: the same rows come out, of any size, one by one and saved."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.planner.solve import plan
from detente.results.allocations import Allocations
from detente.results.plan import Plan
from detente.results.plan_rows import Allocation
from detente.values.money import of_nanos
from detente.values.quantity import WIDE
from tests.builders import two_clouds

AMOUNTS = st.one_of(st.integers(0, 10**6), st.integers(0, 10**26)).map(lambda nanos: Decimal(nanos).scaleb(-9))
ROWS = st.builds(
    Allocation,
    workload=st.sampled_from(["chat", "search"]),
    offer=st.sampled_from(["a", "b"]),
    provider=st.just("north"),
    region=st.just("x"),
    period=st.integers(0, 9000),
    work=AMOUNTS,
    taken=AMOUNTS,
    cost=AMOUNTS,
)


@given(rows=st.lists(ROWS, max_size=8), cut=st.integers(0, 8))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_the_rows_that_went_in_come_out(rows: list[Allocation], cut: int) -> None:
    """Amounts beyond 64 bits of billionths, too."""
    found = Allocations.of(rows)
    assert list(found) == rows
    assert found == rows
    assert found == tuple(rows)
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for row in rows:
        each = sums.setdefault((row.workload, row.offer), [Decimal(0), Decimal(0)])
        each[0], each[1] = WIDE.add(each[0], row.work), WIDE.add(each[1], row.cost)
    assert [((p.workload, p.offer), [work, cost]) for p, work, cost in found.by_place()] == list(sums.items())
    assert found != (*rows, Allocation("chat", "a", "north", "x", 0, *[Decimal(0)] * 3))
    assert [found[at] for at in range(-len(rows), len(rows))] == rows * 2
    assert list(found[cut:]) == rows[cut:]
    assert [of_nanos(cost) for cost in found.columns()["cost"]] == [row.cost for row in rows]
    assert hash(found) == hash(tuple(rows))


def test_an_amount_that_is_no_whole_number_of_billionths_is_refused() -> None:
    row = Allocation("chat", "a", "north", "x", 0, Decimal("1e-10"), Decimal(1), Decimal(1))
    with pytest.raises(ValueError, match="no whole number of billionths"):
        Allocations.of([row])


def test_a_plan_holds_columns_and_is_saved_as_rows() -> None:
    found = plan(two_clouds())
    assert isinstance(found, Plan)
    assert isinstance(found.allocations, Allocations)
    again = Plan.from_json(found.to_json())
    assert isinstance(again.allocations, Allocations)
    assert again == found
    as_rows = replace(found, allocations=tuple(found.allocations))
    assert as_rows.to_json() == found.to_json()
    assert as_rows._as_parquet() == found._as_parquet()
