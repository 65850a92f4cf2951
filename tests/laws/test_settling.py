"""Laws of settling, for every kind: a stream is the batch, what has not ended owes nothing, unknown is not zero."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract import settling
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.totals import Totals
from detente.contract.metered.use import RatedUse, Use
from detente.contract.rated.rating import Rating
from detente.contract.settled.posting import Posting
from detente.contract.settled.settlement import Settlement
from detente.contract.term import Term
from detente.errors import CaseError, SettleError
from detente.planner.solve import plan
from detente.results.plan import Plan
from detente.terms import KINDS, kind_named
from detente.values.money import nano
from tests.builders import D, Data, day, settled_of
from tests.drawing import drawing
from tests.drawn_cases import cases, worlds
from tests.replayed import replayed

few = drawing(6)
SETTLING = tuple(kind for kind in KINDS if kind_named(kind).settle is not Term.settle)
"""The kinds that settle anything."""
every_kind = pytest.mark.parametrize("kind", SETTLING)
START, LATE, HOUR = day("2025-12-01"), day("2027-01-01"), timedelta(hours=1)
A_HOUR = Decimal("0.0001")
"""Amounts of whole multiples of this an hour: any part of them that a clause takes is a whole number of billionths."""


@st.composite
def lines_of(draw: Any, case: Case) -> list[Use]:
    """Use, idle capacity and moments, some before the clauses and some after."""
    found = []
    for _ in range(draw(st.integers(1, 6))):
        start, hours = draw(st.integers(0, 24 * 120)), draw(st.sampled_from([0, 0, 1, 24, 500, 1500]))
        work, paid, earned = (draw(st.integers(0, 10**5)) * A_HOUR * (hours or 1) for _ in range(3))
        demand = draw(st.sampled_from([None, *(w.facts for w in case.workloads)]))
        offer = draw(st.sampled_from(list(case.offer_facts.values())))
        at = START + start * HOUR
        kind: Literal["use", "idle"] = "use" if demand else "idle"
        found.append(
            Use(kind, demand, offer, at, at + hours * HOUR, work, work, paid, earned if demand else Decimal(0))
        )
    return found


def rated(case: Case, lines: list[Use]) -> list[RatedUse]:
    return [Rating(case.signed).rate(line) for line in lines]


def settle(case: Case, totals: Totals, as_of: datetime) -> Settlement:
    return Settlement.of(settling.settle(case.signed, totals, NOTHING_DECIDED, as_of))


MOMENTS = st.one_of(
    st.sampled_from([LATE, day("2026-01-01"), day("2026-02-11"), day("2026-05-01")]),
    st.integers(0, 24 * 150).map(lambda hours: START + hours * HOUR),
)
"""When it is settled: after everything, as windows end, or at any hour."""


@every_kind
@drawing(8)
@given(data=st.data())
def test_every_prefix_of_a_stream_in_any_order_is_a_batch(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(need=kind, most=2))
    lines = rated(case, data.draw(lines_of(case)))
    as_of = data.draw(MOMENTS)
    totals = Totals(meter for term in case.signed for meter in term.meters())
    stream = data.draw(st.permutations(lines))
    for count, line in enumerate(stream, start=1):
        totals.add(line)
        so_far = lines if count == len(lines) else stream[:count]
        assert settle(case, totals, as_of) == settled_of(case.signed, so_far, as_of)
    what_has_not_ended_owes_nothing(case, lines, as_of)


def what_has_not_ended_owes_nothing(case: Case, lines: list[RatedUse], as_of: datetime) -> None:
    """A window until its end, a payment until its day begins."""

    def has_fallen_due(posting: Posting) -> bool:
        return (posting.start if posting.part == "payment" else posting.end) <= as_of

    now, whole = settled_of(case.signed, lines, as_of), settled_of(case.signed, lines, LATE)
    assert all(map(has_fallen_due, now.postings))
    assert list(filter(has_fallen_due, whole.postings)) == list(now.postings)
    for stands in now.standings:
        assert stands.start <= as_of
        assert stands.ended == (stands.end <= as_of)
        assert stands.ended or stands.owed == 0
        assert not stands.ended or stands.accruing == 0


@every_kind
@few
@given(data=st.data())
def test_a_line_may_be_metered_in_pieces(kind: str, data: st.DataObject) -> None:
    case = data.draw(cases(need=kind, most=2))
    whole = data.draw(lines_of(case))
    pieces = [piece for line in whole for piece in cut(line, data.draw(st.integers(1, 2000)))]
    found, expected = (settled_of(case.signed, rated(case, lines), LATE) for lines in (pieces, whole))
    assert found == expected


@pytest.mark.parametrize("kind", ["minimum-commitment", "credit", "spending-cap"])
@few
@given(data=st.data())
def test_a_line_that_a_discount_begins_or_ends_in_may_be_metered_in_pieces(kind: str, data: st.DataObject) -> None:
    """Where windows of spend have edges of their own inside it."""
    case = data.draw(discounted(kind))
    whole = [line for line in data.draw(lines_of(case)) if line.end - line.start != timedelta()]
    everything = Use("idle", None, case.offer_facts[case.offers[0].id], START, START + 100 * 24 * HOUR, *[D(2400)] * 3)
    whole.append(everything)
    pieces = [piece for line in whole for piece in cut(line, data.draw(st.integers(1, 2000)))]
    found, expected = (settled_of(case.signed, rated(case, lines), LATE) for lines in (pieces, whole))
    assert found == expected


@st.composite
def discounted(draw: Any, kind: str) -> Case:
    """A case with a clause about spend whose windows do not begin with months, and a discount that covers as much."""
    world = draw(worlds(kinds=[kind], need=kind, most=1))
    (signed,) = world["agreements"]
    signed["terms"][0]["windows"] = {"every": "month", "starts": "2025-12-15", "cut": "prorate"}
    when: Data = draw(st.sampled_from([{"from": "2026-01-11"}, {"until": "2026-01-20"}]))
    signed["effective"] = "2025-11-15"
    signed["combine"] = "sum"
    signed["terms"].append({"id": "cut", "kind": "discount", "off": "20%"} | when)
    try:
        return Case.of(world)
    except CaseError:
        assume(False)
        raise


@pytest.mark.parametrize("kind", ["minimum-commitment", "credit", "spending-cap"])
@few
@given(data=st.data())
def test_a_plan_of_months_draws_what_its_use_by_the_day_does(kind: str, data: st.DataObject) -> None:
    """The program and its bill agree on it, or there is no plan; a meter that reports shorter lines agrees as well."""
    case = data.draw(discounted(kind))
    found = plan(case)
    if not isinstance(found, Plan):
        return
    pieces = [piece for line in replayed(case, found) for piece in by_the_day(line.use)]
    expected = settled_of(case.terms, [Rating(case.terms).rate(piece) for piece in pieces])
    for mine, theirs in zip(found.standings, expected.standings, strict=True):
        assert (mine.term, mine.role, mine.window) == (theirs.term, theirs.role, theirs.window)
        assert float(mine.drawn) == pytest.approx(float(theirs.drawn), rel=1e-6, abs=1e-4)


def by_the_day(line: Use) -> Iterator[Use]:
    """A line day by day, with a day's part of each amount, to a billionth."""
    day_long = 24 * HOUR
    days = (line.end - line.start) // day_long
    work, taken, listed, revenue = (nano(a / days) for a in (line.work, line.taken, line.listed, line.revenue))
    for n in range(days):
        at = line.start + n * day_long
        yield Use(line.kind, line.demand, line.offer, at, at + day_long, work, taken, listed, revenue)


def cut(line: Use, after: int) -> Iterator[Use]:
    """A line in two, at a whole hour inside it."""
    hours = (line.end - line.start) // HOUR
    if after >= hours:
        yield line
        return
    at = line.start + after * HOUR
    for start, end, part in ((line.start, at, after), (at, line.end, hours - after)):
        amounts = (amount / hours * part for amount in (line.work, line.taken, line.listed, line.revenue))
        yield Use(line.kind, line.demand, line.offer, start, end, *amounts)


@st.composite
def of_inference_alone(draw: Any, kind: str) -> Case | None:
    """A case with a clause about one kind of work; None where this clause is about none."""
    world = draw(worlds(kinds=[kind], need=kind, most=1))
    (signed,) = world["agreements"]
    signed["terms"][0]["of"] = {**signed["terms"][0].get("of", {}), "kind": "inference"}
    try:
        return Case.of(world)
    except CaseError:
        return None


@every_kind
@drawing(4)
@given(data=st.data())
def test_use_without_a_label_is_never_zero(kind: str, data: st.DataObject) -> None:
    """Use that does not say of which kind it is, where a clause that counts turns on that: its total is no number."""
    case, at, bare = data.draw(of_inference_alone(kind)), day("2026-01-20"), {"workload": "chat"}
    signed, offers = (case.signed, case.offer_facts) if case is not None else ((), {})
    meters = [meter for term in signed if term.validity.over(at, at) for meter in term.meters()]
    unknown = [facts for facts in offers.values() if any(m.selection.covers(bare, facts) is None for m in meters)]
    for facts in unknown:
        line = Use("use", bare, facts, at, at, *[Decimal(10)] * 4)
        with pytest.raises(SettleError, match=r"`t0`.*`kind`"):
            settled_of(signed, [Rating(signed).rate(line)], LATE)
