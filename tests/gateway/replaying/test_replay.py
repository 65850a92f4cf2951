"""Replayed traffic: it goes where live calls would, costs what the ledger would say, and obeys caps; sums by hand.

The case of most tests is that of ``served``: North sells tokens at 3 USD per Mtok, South at 2.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.metered.totals import Totals
from detente.contract.metered.use import RatedUse
from detente.gateway.deciding.policy import Policy
from detente.gateway.replaying.ending import ended
from detente.gateway.replaying.replay import Replay
from detente.gateway.replaying.replayed import Replayed
from detente.gateway.replaying.traffic import ReplayedCall
from detente.planner.solve import plan
from detente.results.plan import Plan
from detente.values.micros import HOUR, micros
from tests.builders import Data, agreement, data_of, day, tokens, use, work
from tests.gateway.stage import deployment
from tests.ledger.served import accounts, call, fresh, ingested, journal_of, served_case

NOON = micros(day("2026-01-15").replace(hour=12))
SECOND, MINUTE = 1_000_000, 60_000_000
FLOOR: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "1500 USD", "windows": {"every": "month"}}
GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "replay.md"
UP_TO = 10**9  # of billionths


def calls(count: int, tokens: tuple[int, int] = (1000, 500), every: int = MINUTE, at: int = NOON) -> list[ReplayedCall]:
    return [ReplayedCall(at + n * every, "chat", tokens[0], 0, tokens[1], 1) for n in range(count)]


def planned(case: Case) -> Plan:
    found = plan(case)
    assert isinstance(found, Plan)
    return found


def went(found: Replayed) -> dict[str, int]:
    return {each.deployment: each.calls for each in found.routed}


@cache
def half_north() -> Plan:
    """The plan of a floor that asks for half of all at North."""
    return planned(served_case(FLOOR))


# -- where calls go ----------------------------------------------------------------------------------------------------
def test_without_a_plan_the_cheapest_is_asked() -> None:
    """1,000 calls of 1,500 tokens at 2 USD per Mtok are 3 USD."""
    found = Replay(Policy.of(served_case())).run(calls(1000))
    assert (went(found), found.spent, found.total) == ({"south-live": 1000}, Decimal(3), Decimal(3))
    assert (found.calls, found.tokens, found.refused) == (1000, 1_500_000, {})


def test_with_a_plan_its_shares_are_kept_and_the_floor_is_met() -> None:
    """Of 1,000 Mtok a month, the floor asks for 500 at North: half. Price alone leaves all of it to be paid."""
    case = served_case(FLOOR)
    policy = Policy.of(case, planned(case))
    january = [ReplayedCall(at, "chat", 600, 0, 400, 20_000) for at in range(*_month(), 15 * HOUR)]  # 50 of them
    found = Replay(policy).run(january, day("2026-02-01"))
    assert found.tokens == 1_000_000_000
    by = {each.deployment: found.share(each) for each in found.routed}
    assert by["north-live"] == pytest.approx(0.5, abs=0.02)
    assert found.planned_share("chat", "north-api") == pytest.approx(0.5, abs=1e-6)
    assert found.unplanned == 0
    alone = Replay(replace(policy, planned={}), steered=False).run(january, day("2026-02-01"))
    assert went(alone) == {"south-live": 1_000_000}
    assert (alone.spent, alone.owed, alone.total) == (2000, 1500, 3500)
    assert 2500 <= found.total < 2540  # the plan's 2,500, and the little by which shares are off


def test_a_floor_that_would_fall_short_steers_calls_and_saves_money() -> None:
    """Half of the work that was planned: the plan's shares draw 750 of 1,500 USD at North.

    At South's 2 USD and 1 USD saved at North for each of its 3, a token at North is free: all that is left after the
    first week goes there. Without it, 250 Mtok each are 1,250 USD, and 750 are missing: 2,000. All 500 at North: 1,500.
    """
    case = served_case(FLOOR)
    policy = Policy.of(case, half_north())
    january = [ReplayedCall(at, "chat", 600, 0, 400, 10_000) for at in range(*_month(), 15 * HOUR)]
    plain = Replay(policy, steered=False).run(january, day("2026-02-01"))
    found = Replay(policy).run(january, day("2026-02-01"))
    assert plain.total == pytest.approx(Decimal(2000), abs=Decimal(40))
    assert 1500 < found.total < 1750
    assert found.routed[0].why["floor"] > 0
    told = GUIDE.read_text(encoding="utf-8")
    assert all(f"January costs {each.total:,.2f} USD" in " ".join(told.split()) for each in (plain, found))


def _month() -> tuple[int, int]:
    return micros(day("2026-01-01")), micros(day("2026-02-01"))


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 5000)), min_size=100, max_size=200))
def test_calls_decided_together_divide_as_calls_decided_one_by_one(each: list[tuple[int, int]]) -> None:
    case = served_case(FLOOR)
    policy = Policy.of(case, half_north())
    some = [ReplayedCall(NOON + n * SECOND // 4, "chat", i, 0, o, 1) for n, (i, o) in enumerate(each)]
    whole = sum(i + o for i, o in each)
    together, alone = Replay(policy).run(some), Replay(policy, grain=0).run(some)
    assert alone.decisions == len(some) > 3 * together.decisions
    grain = 5 * 10_000  # tokens of one second, and some
    for found in (together, alone):
        north = next(each for each in found.routed if each.deployment == "north-live")
        assert north.tokens == pytest.approx(whole / 2, abs=0.05 * whole + grain)
        assert sum(each.tokens for each in found.routed) == found.tokens == whole


def test_a_row_of_many_calls_is_as_many_rows() -> None:
    one = [ReplayedCall(NOON, "chat", 700, 200, 300, 1)] * 7
    some, same = (
        Replay(Policy.of(served_case())).run(one),
        Replay(Policy.of(served_case())).run([one[0]._replace(calls=7)]),
    )
    assert (some.spent, some.calls, some.tokens) == (same.spent, same.calls, same.tokens)
    assert some.spent == Decimal("0.014")  # 7 x 1,000 tokens


# -- what it costs -----------------------------------------------------------------------------------------------------
@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.integers(0, 3 * 24 * 3600), st.integers(0, 100_000), st.integers(0, 9_999)),
        min_size=1,
        max_size=40,
    )
)
def test_it_costs_what_the_ledger_says_of_the_same_calls(
    tmp_path_factory: Any, each: list[tuple[int, int, int]]
) -> None:
    """The same calls, as records in a journal that is ingested: another path to the same accounts."""
    off: Data = {"id": "off", "kind": "discount", "off": "7%"}
    case = served_case(off, deployments=[deployment("north-live", "north-api", "http://localhost:9")])
    start = day("2026-01-14")
    each = sorted(each)
    some = [ReplayedCall(micros(start) + s * SECOND, "chat", i, 0, o, 1) for s, i, o in each]
    found = Replay(Policy.of(case)).run(some)
    folder = tmp_path_factory.mktemp("ledger")
    records = [call(n, start + timedelta(seconds=s), (i, o)) for n, (s, i, o) in enumerate(each)]
    with fresh(folder) as store:
        ingested(store, case, journal_of(folder / "journal", records))
        booked = accounts(store)
    (routed,) = found.routed
    assert routed.listed == booked.get("use/north/north-api", 0)
    assert routed.net == -booked.get("owed/north", 0)
    assert int(found.spent * UP_TO) == routed.net


@pytest.mark.parametrize("capped", [False, True])
def test_reserved_capacity_costs_the_same_used_or_not(capped: bool) -> None:
    """Ten units for a year at 73 USD per 730 hours: 1 USD an hour together; an hour of it is used for nothing more.

    So it does where a clause asks each minute what remains, and what was used is counted before the hour ends.
    """
    cap: Data = {"id": "cap", "kind": "spending-cap", "amount": "1 bn USD", "windows": {"every": "month"}}
    units: Data = {
        "id": "units", "kind": "provisioned", "provider": "north", "region": "dublin", "model": "m",
        "throughput": "1 Mtok per minute", "price": "73 USD per unit per 730 hours", "term": "1 month",
        "starts": ["2026-01-01"], "cut": "prorate",
    }  # fmt: skip
    live = [
        deployment("units-live", "units", "http://localhost:9"),
        deployment("south-live", "south-api", "http://localhost:9"),
    ]
    case = served_case(
        {"id": "take", "kind": "minimum-commitment", "amount": "1 USD"},
        offers=[units, tokens("south", 2)], deployments=live, months=1, workloads=[work(demand="30000 Mtok per month")],
        also=[agreement(cap, party="self")] if capped else [],
    )  # fmt: skip
    saved = planned(case)
    (held,) = saved.purchases
    a_day = [ReplayedCall(at, "chat", 1000, 0, 0, 1) for at in range(NOON, NOON + 24 * HOUR, HOUR // 4)]
    found = Replay(Policy.of(case, saved)).run(a_day)
    assert went(found)["units-live"] == 24 * 4
    assert found.spent == pytest.approx(held.cost / held.hours * 24, abs=Decimal("1e-6"))


# -- what is denied ----------------------------------------------------------------------------------------------------
def test_calls_that_no_clause_permits_are_refused_and_cost_nothing() -> None:
    only: Data = {"id": "only-east", "kind": "residency", "within": ["DE"]}
    found = Replay(Policy.of(served_case(only, signed={"party": "self"}))).run(calls(5))
    assert found.refused == {("chat", "only-east"): 5}
    assert found.kept_off == {"only-east": 5}
    assert (found.routed, found.spent, found.calls) == ((), 0, 5)


@pytest.mark.parametrize("every", [MINUTE, SECOND, 0])
def test_a_cap_holds_however_fast_calls_come(every: int) -> None:
    """Each costs 3 cents; the cap of 1 USD is reached by the 34th, and the month after begins anew."""
    cap: Data = {"id": "cap", "kind": "spending-cap", "amount": "1 USD", "windows": {"every": "month"}}
    each = (10_000, 5_000)
    found = Replay(Policy.of(served_case(cap, signed={"party": "self"}))).run(
        [*calls(60, each, every=every), *calls(10, each, at=NOON + 30 * 24 * HOUR, every=every)]
    )
    assert found.refused == {("chat", "cap"): 60 - 34}
    assert went(found) == {"south-live": 34 + 10}
    assert found.spent == Decimal("1.32")


def test_what_clauses_come_to_is_told_window_by_window_and_not_before_it_began() -> None:
    found = Replay(Policy.of(served_case(FLOOR))).run(calls(1), day("2026-02-01"))
    (floor,) = found.clauses
    assert [(s.start.month, s.ended, s.owed, s.drawn) for s in floor.standings] == [(1, True, 1500, 0)]
    early = Replay(Policy.of(served_case(FLOOR))).run(calls(1))
    assert (early.end, early.owed, early.accruing) == (datetime.fromisoformat("2026-01-15T13:00Z"), 0, 1500)
    assert early.total == early.spent == Decimal("0.003")


def test_a_month_that_begins_within_an_hour_of_utc_has_its_own_calls() -> None:
    """February begins in Kolkata at 18:30: a call of 3,000 USD per Mtok before it, and two from then on."""
    zone = {"zone": "Asia/Kolkata"}
    horizon = {"start": "2026-01-01", "end": "2027-01-01", "every": "month"} | zone
    offers = [tokens("north", 3000), tokens("south", 4000)]
    case = served_case(FLOOR, signed=zone, horizon=horizon, offers=offers)
    start = micros(datetime.fromisoformat("2026-01-31T18:20Z"))
    found = Replay(Policy.of(case)).run(calls(3, (1000, 0), 10 * MINUTE, start))
    (floor,) = found.clauses
    assert [each.drawn for each in floor.standings if each.drawn] == [3, 6]


def test_windows_that_were_over_before_the_first_call_are_not_settled_by_it() -> None:
    """From 15 February on: of January nothing is known, and of February only its second half was replayed."""
    february = micros(day("2026-02-15"))
    found = Replay(Policy.of(served_case(FLOOR))).run(calls(1, at=february), day("2026-03-01"))
    (floor,) = found.clauses
    assert [(s.start.month, s.owed) for s in floor.standings] == [(2, 1500)]
    assert (found.owed, found.cut, [p.start.month for p in floor.postings]) == (1500, ("floor",), [2])
    whole = Replay(Policy.of(served_case(FLOOR))).run(calls(1, at=micros(day("2026-02-01"))), day("2026-03-01"))
    assert (whole.owed, whole.cut) == (1500, ())


def test_a_clause_that_cannot_be_settled_is_told_and_counts_nothing() -> None:
    """Whether the floor covers a use turns on a label that the use lacks: what is missing is not zero, and not all."""
    case = served_case(FLOOR | {"of": {"team": "sales"}}, workloads=[work(labels={"team": "sales"})])
    totals = Totals(meter for term in case.signed for meter in term.meters())
    line = use(case, "chat", "north-api", "2026-01-01", "2026-02-01", 1, 3)
    totals.add(RatedUse(replace(line, demand={"workload": "chat"}), line.listed))
    (floor,) = ended(case, case.signed, totals, day("2026-01-01"), day("2026-02-01"))
    assert "lacks the label `team`" in floor.unknown
    assert (floor.owed, floor.accruing, floor.standings) == (0, 0, ())


def test_an_agreement_between_the_calls_of_a_day_changes_prices_at_once() -> None:
    """South is cheaper until North's 50% begin, at midnight."""
    half: Data = {"id": "half", "kind": "discount", "off": "50%"}
    deal = agreement(half) | {"effective": "2026-01-16"}
    case = served_case()
    late = Case.of(_with(case, deal))
    found = Replay(Policy.of(late)).run(calls(24, every=HOUR))  # from noon to noon
    assert went(found) == {"south-live": 12, "north-live": 12}


def _with(case: Case, deal: Data) -> Data:
    live = [deployment(f"{p}-live", f"{p}-api", "http://localhost:9") for p in ("north", "south")]
    return data_of([tokens("north", 3), tokens("south", 2)], [work()], deal, deployments=live)
