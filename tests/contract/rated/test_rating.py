"""Rating: list price, then what each price clause takes off. Each discount by its own time, exact to a billionth."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.metered.use import Use, nanos
from detente.contract.rated import rating as rating_module
from detente.contract.rated.rating import Rating
from detente.errors import SettleError
from tests.builders import D, day, two_clouds, use


def world() -> Case:
    """25% off from 10 January to 10 March, and 10% off for gold work only."""
    first = {"id": "d", "kind": "discount", "off": "25%", "from": "2026-01-10", "until": "2026-03-10"}
    return two_clouds(first, {"id": "g", "kind": "discount", "off": "10%"}, combine="sum")


def moment(case: Case, at: str, spend: str = "100") -> Use:
    return use(case, "chat", "north-api", at, at, 1, spend)


@pytest.mark.parametrize(
    ("at", "net"), [("2026-01-09", 90), ("2026-01-10", 65), ("2026-03-09", 65), ("2026-03-10", 90)]
)
def test_a_moment_is_in_force_or_not(at: str, net: int) -> None:
    case = world()
    rated = Rating(case.signed).rate(moment(case, at))
    assert (rated.net, rated.net + sum(r.amount for r in rated.reductions)) == (D(net), D(100))


def test_the_last_moment_before_an_end_is_in_force() -> None:
    case = world()
    last = day("2026-03-10") - timedelta(microseconds=1)
    line = replace(moment(case, "2026-01-01"), start=last, end=last)
    assert Rating(case.signed).rate(line).net == D(65)


def test_a_line_is_reduced_for_the_part_of_its_time() -> None:
    case = world()
    rated = Rating(case.signed).rate(use(case, "chat", "north-api", "2026-01-01", "2026-01-31", 1, 1))
    # 21 of 30 days at 25%, all at 10%: 1 - 0.175 - 0.1; each is posted where it was taken off
    assert rated.net == D("0.725")
    assert [(r.term, r.start, r.end, r.amount) for r in rated.reductions] == [
        ("d", day("2026-01-10"), day("2026-01-31"), D("0.175")),
        ("g", day("2026-01-01"), day("2026-01-31"), D("0.1")),
    ]


def test_each_reduction_is_rounded_once() -> None:
    case = two_clouds({"id": "d", "kind": "discount", "off": "33%"})
    rated = Rating(case.signed).rate(moment(case, "2026-01-01", "0.000000002"))
    assert (rated.net, [r.amount for r in rated.reductions]) == (D("0.000000001"), [D("0.000000001")])


def test_a_price_that_is_not_known_is_an_error() -> None:
    case = two_clouds({"id": "d", "kind": "discount", "off": "25%", "of": {"kind": "inference"}})
    line = moment(case, "2026-01-01")
    bare = replace(line, demand={"workload": "chat"})
    with pytest.raises(SettleError, match="`d`: whether it lowers the price of `north-api` turns on `kind`"):
        Rating(case.signed).rate(bare)
    elsewhere = replace(bare, offer=case.offer_facts["south-api"])
    assert Rating(case.signed).rate(elsewhere).net == D(100)  # not theirs, whoever it serves


@settings(deadline=None, max_examples=60)
@given(
    listed=st.integers(-(10**6), 10**12), on=st.sampled_from(["2026-01-09", "2026-01-10", "2026-03-09", "2026-03-10"])
)
def test_many_uses_alike_are_rated_as_each_is(listed: int, on: str) -> None:
    case = world()
    line = moment(case, on, str(D(listed).scaleb(-9)))
    rated, parts = Rating(case.signed).rate(line), Rating(case.signed).at(line.demand, line.offer, line.start)
    assert [term for term, _, _ in parts.parts] == [r.term for r in rated.reductions]
    assert parts.of(listed) == [nanos(r.amount) for r in rated.reductions]


def test_uses_alike_leave_something_of_the_price() -> None:
    case = two_clouds({"id": "d", "kind": "discount", "off": "60%"}, combine="sum")
    line, twice = moment(case, "2026-01-01"), Rating((*case.signed, *case.signed))
    for rate in (twice.rate, lambda line: twice.at(line.demand, line.offer, line.start).of(nanos(line.listed))):
        with pytest.raises(SettleError, match="`d` take 120 off a list price of 100"):
            rate(line)


def test_what_is_remembered_is_of_use_that_is_alike_in_all_facts() -> None:
    """Lines of several demands, offers and times in turn, each rated as by a rating that has seen no other."""
    case = world()
    rating, times = (
        Rating(case.signed),
        [("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-03-01"), ("2026-04-01", "2026-05-01")],
    )
    lines = [
        replace(use(case, "chat", offer, *span, 1, spend), demand=demand)
        for spend in (1, 7)
        for span in times
        for offer in ("north-api", "south-api")
        for demand in ({"workload": "chat", "kind": "inference"}, {"workload": "other", "kind": "batch"})
    ]
    for line in [*lines, *reversed(lines)]:
        assert rating.rate(line) == Rating(case.signed).rate(line)


def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rating_module, "MAX_KNOWN", 3)
    case = world()
    rating = Rating(case.signed)
    for caller in range(10):
        line = replace(moment(case, "2026-02-01"), demand={"workload": "chat", "caller": f"c{caller}"})
        assert rating.rate(line).net == D(65)
        assert max(len(rating._rates), len(rating._timed)) <= 3
