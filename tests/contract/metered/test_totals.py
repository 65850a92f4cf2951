"""Totals: exact, of a stream as of the batch; what is not known is kept apart, and never zero."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.contract.metered.meter import Measure, Meter
from detente.contract.metered.totals import Totals
from detente.contract.metered.use import RatedUse, Use
from detente.contract.reach.scope import Scope, Selection
from detente.contract.reach.window import Every
from detente.errors import SettleError
from detente.values.facts import Facts
from tests.builders import D, day

NORTH = {"offer": "north-api", "provider": "north", "product": "tokens"}
GOLD: Facts = {"workload": "chat", "kind": "inference", "tier": "gold"}
BARE: Facts = {"workload": "mail", "kind": "inference"}


def meter(scope: dict[str, str] | None = None, measure: Measure = "spend", **every: Any) -> Meter:
    """Of the first half of 2026, by month."""
    calendar = Every.model_validate({"every": "month", **every}).calendar(day("2026-01-01"), day("2026-07-01"))
    selection = Selection((Scope({key: (value,) for key, value in (scope or {}).items()}),))
    return Meter("floor", "spend", selection, measure, calendar)


def line(start: datetime, end: datetime, net: Decimal, demand: Facts | None = GOLD) -> RatedUse:
    return RatedUse(Use("use", demand, NORTH, start, end, D(0), D(0), net), net)


def read(counted: Meter, *lines: RatedUse) -> list[Fraction]:
    totals = Totals([counted])
    for each in lines:
        totals.add(each)
    return [totals.total(counted, window) for window in counted.windows]


def test_a_line_over_an_edge_counts_by_its_time() -> None:
    # 20 days, 10 of January and 10 of February; a third of 1 USD is no decimal, and is exact
    over = line(day("2026-01-22"), day("2026-02-11"), D(100))
    thirds = line(day("2026-02-28"), day("2026-03-03"), D(1))
    assert read(meter(), over, thirds)[:3] == [Fraction(50), 50 + Fraction(1, 3), Fraction(2, 3)]


def test_a_moment_counts_in_the_window_that_holds_it() -> None:
    edge = day("2026-02-01")
    before = edge - timedelta(microseconds=1)
    found = read(
        meter(), line(edge, edge, D(5)), line(before, before, D(7)), line(day("2026-07-01"), day("2026-07-01"), D(9))
    )
    assert found == [7, 5, 0, 0, 0, 0]  # in July the clause has ended


def test_a_label_that_is_missing_is_neither_yes_nor_no() -> None:
    counted, everything = meter({"tier": "gold"}), replace(meter(), name="all")
    totals = Totals([counted, everything])
    totals.add(line(day("2026-01-05"), day("2026-01-06"), D(10)))
    totals.add(line(day("2026-02-05"), day("2026-02-06"), D("20.5"), BARE))
    totals.add(line(day("2026-02-07"), day("2026-02-07"), D(2), BARE))
    january, february, *_ = counted.windows
    assert totals.total(counted, january) == 10
    with pytest.raises(SettleError) as raised:
        totals.total(counted, february)
    assert str(raised.value) == (
        "`floor`: 22.5 of spend in Feb 2026 lacks the label `tier`, so that it is not known whether the clause covers "
        "it; label that use (`none` if it is none of them)"
    )
    assert totals.total(everything, february) == D("22.5")


def test_labels_that_are_missing_are_told_in_their_order_whichever_use_lacks_them() -> None:
    asked = ("team", "data", "tier", "cost-centre")
    counted = meter(dict.fromkeys(asked, "x"))
    totals = Totals([counted])
    for lacking in asked:
        labelled: Facts = {**BARE, **{label: "x" for label in asked if label != lacking}}
        totals.add(line(day("2026-02-05"), day("2026-02-06"), D(1), labelled))
    with pytest.raises(
        SettleError, match="4 of spend in Feb 2026 lacks the label `cost-centre`, `data`, `team`, `tier`,"
    ):
        totals.total(counted, list(counted.windows)[1])


def test_what_another_fact_settles_is_known() -> None:
    selection = meter({"tier": "gold", "provider": "south"})
    assert read(selection, line(day("2026-02-05"), day("2026-02-06"), D(20), BARE))[1] == 0


def test_idle_capacity_states_no_labels_and_is_outside() -> None:
    idle = line(day("2026-01-05"), day("2026-01-06"), D(10), None)
    assert read(meter({"tier": "gold"}), idle)[0] == 0
    assert read(meter(), idle)[0] == 10


def test_less_than_a_billionth_is_refused() -> None:
    with pytest.raises(ValueError, match="no whole number of billionths"):
        read(meter(), line(day("2026-01-05"), day("2026-01-06"), D("0.0000000001")))


def test_totals_of_other_meters_are_not_merged() -> None:
    with pytest.raises(ValueError, match="other meters"):
        Totals([meter()]).merge(Totals([meter({"tier": "gold"})]))


def test_a_total_does_not_grow_with_what_was_added() -> None:
    """Lines over one edge, each of another length: one number is kept for each length, and none for each line."""
    counted, edge = meter(), day("2026-02-01")
    totals = Totals([counted])
    for n in range(1, 200):
        start = edge - timedelta(seconds=n % 7 + 1)
        totals.add(line(start, edge + timedelta(seconds=3), D(n)))
    january = next(iter(counted.windows))
    assert totals.total(counted, january) == sum(Fraction(n * (n % 7 + 1), n % 7 + 4) for n in range(1, 200))
    assert all(len(found.parts) <= 7 for found in totals._known.values())


HOURS = st.integers(-24 * 40, 24 * 220)
LINES = st.lists(
    st.tuples(HOURS, st.integers(0, 24 * 90), st.integers(0, 10**12), st.sampled_from([GOLD, BARE, None])), max_size=12
)


@given(lines=LINES, cut=st.integers(0, 12), data=st.data())
def test_neither_order_nor_grouping_matters(lines: list[Any], cut: int, data: st.DataObject) -> None:
    start = day("2026-01-01")
    used = [
        line(start + timedelta(hours=a), start + timedelta(hours=a + n), D(amount) / 10**9, demand)
        for a, n, amount, demand in lines
    ]
    meters = [meter({"tier": "gold"}), meter(every="quarter"), replace(meter(every="term"), name="term")]
    one, left, right = Totals(meters), Totals(meters), Totals(meters)
    for each in used:
        one.add(each)
    shuffled = data.draw(st.permutations(used))
    for each in shuffled[:cut]:
        left.add(each)
    for each in shuffled[cut:]:
        right.add(each)
    left.merge(right)
    for counted in meters:
        for window in counted.windows:
            assert said(one, counted, window) == said(left, counted, window)


def said(totals: Totals, counted: Meter, window: Any) -> Fraction | str:
    try:
        return totals.total(counted, window)
    except SettleError as error:
        return str(error)


USES = st.lists(
    st.tuples(st.sampled_from([1, 2, -1, -3]), st.sampled_from(["chat", "mail"]), st.sampled_from([5, 6, 40])),
    max_size=8,
)


@given(some=USES, moments=st.booleans())
def test_unlabelled_use_is_known_only_where_each_was_taken_back(
    some: list[tuple[int, str, int]], moments: bool
) -> None:
    """Whatever all come to: in January and in February, by workload and day."""
    counted, left = meter({"tier": "gold"}), Counter[tuple[str, int]]()
    totals = Totals([counted])
    for amount, workload, after in some:
        start = day("2026-01-01") + timedelta(after)
        left[workload, after] += amount
        totals.add(line(start, start if moments else start + timedelta(1), D(amount), {"workload": workload}))
    for window in list(counted.windows)[:2]:
        if any(n for (_, after), n in left.items() if (after < 31) == (window.index == 0)):
            with pytest.raises(SettleError, match="lacks the label `tier`"):
                totals.total(counted, window)
        else:
            assert totals.total(counted, window) == 0
