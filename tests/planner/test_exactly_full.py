"""Work of exactly what there is, and clauses of exactly what it comes to: planning by the millionth refuses neither."""

from __future__ import annotations

import pytest

from detente.planner.check import check
from detente.results.plan import Plan
from tests.builders import D, Data, agreement, build, compute, gpus, refused, solved, tokens, work

HOURS = {"start": "2026-01-01", "end": "2026-01-03", "every": "hour"}
DAILY = {"every": "day"}
ONE_A_DAY = work(demand="1 Mtok per day")  # an hour of it is no whole number of tokens


@pytest.mark.parametrize("demand", ["1 Mtok per day", "1000001 Mtok per day", "0.000005 Mtok per day"])
def test_an_offer_that_has_just_what_is_needed_by_the_hour(demand: str) -> None:
    found = solved(build([tokens("north", 2, capacity=demand)], [work(demand=demand)], horizon=HOURS))
    assert found.cost == 2 * 2 * D(demand.split(maxsplit=1)[0])


def test_two_workloads_that_fill_an_offer_together() -> None:
    each = [work("a", "0.5 Mtok per day"), work("b", "0.5 Mtok per day", kind="batch", within="6 hours")]
    assert solved(build([tokens("north", 2, capacity="1 Mtok per day")], each, horizon=HOURS)).cost == 4


def test_a_few_tokens_that_are_spread_over_a_day_are_whole_tokens() -> None:
    offer = tokens("north", 2, capacity="0.000006 Mtok per day")  # a quarter of a token an hour
    night = work(demand="0.000006 Mtok per day", kind="batch", within="1 day")
    found = solved(build([offer], [night], horizon=HOURS))
    assert [row.work for row in found.allocations] == [D("0.000001")] * 12
    assert found.cost == D("0.000024")


def test_a_token_more_than_there_is_is_refused() -> None:
    offer = tokens("north", 2, capacity="0.000004 Mtok per hour")
    assert refused(build([offer], [work(demand="0.000005 Mtok per hour")], horizon=HOURS)).facts


NOVEMBER = {"start": "2026-11", "end": "2026-12", "every": "hour", "typical": "week", "zone": "America/New_York"}


@pytest.mark.parametrize(
    ("offer", "cost"),
    [
        ({"capacity": "8 GPU"}, 8 * 2 * 721),
        ({"unit": 8}, 8 * 2 * 721),
        ({"unit": 8, "buy": "reserved", "term": "1 month"}, 8 * 2 * 721),
    ],
    ids=["by-the-hour", "in-units", "reserved"],
)
def test_a_typical_week_of_721_hours_on_just_enough_accelerators(offer: Data, cost: int) -> None:
    found = solved(build([gpus("north", 2, **offer)], [compute(demand="8 GPU")], horizon=NOVEMBER))
    assert found.cost.quantize(D("0.001")) == cost
    assert {bought.units * int(offer.get("unit", 1)) for bought in found.purchases} == {8}
    assert all(line.net.quantize(D("0.001")) >= 0 for line in found.charges)
    assert Plan.from_json(found.to_json()) == found  # its last hour makes good what rounding left of 167 others


@pytest.mark.parametrize(
    "clause",
    [
        {"kind": "spending-cap", "amount": "2 USD", "windows": DAILY},
        {"kind": "spending-cap", "amount": "4 USD"},
        {"kind": "minimum-commitment", "amount": "4 USD", "shortfall": {"fee": "150%"}},
    ],
    ids=["a-cap-of-a-day", "a-cap", "a-floor"],
)
def test_a_clause_of_exactly_what_the_work_comes_to_is_kept(clause: Data) -> None:
    case = build(
        [tokens("north", 2)], [ONE_A_DAY], agreement({"id": "just"} | clause, ends="2026-01-03"), horizon=HOURS
    )
    assert solved(case).cost == 4
    assert check(case).answer == "yes"


@pytest.mark.parametrize(
    "floor", [{"amount": "2000 USD", "windows": {"every": "month"}}, {"amount": "6000 USD"}], ids=["each", "all"]
)
def test_a_floor_that_must_be_reached_of_exactly_what_months_by_the_day_come_to(floor: Data) -> None:
    must = {"id": "just", "kind": "minimum-commitment", "shortfall": "forbidden", **floor}
    horizon = {"start": "2026-01", "end": "2026-04", "every": "day"}
    case = build([tokens("north", 2)], [work()], agreement(must, ends="2026-04"), horizon=horizon)
    assert solved(case).cost == 6000


JANUARY = {"start": "2026-01", "end": "2026-02", "every": "day"}
IN_A_DAY = D("8.0000004")  # of 0.33333335 Mtok an hour: no day, week or ten days of it are whole tokens
A_LITTLE_MORE = work(demand="0.33333335 Mtok per hour")
EACH_WEEK = {"amount": f"{3 * 7 * IN_A_DAY} USD", "windows": {"every": "week"}}


@pytest.mark.parametrize(
    ("clause", "since", "until"),
    [
        ({"kind": "minimum-commitment", "amount": f"{3 * IN_A_DAY} USD", "windows": DAILY}, "2026-01", "2026-02"),
        ({"kind": "minimum-commitment", **EACH_WEEK}, "2026-01", "2026-01-29"),
        ({"kind": "minimum-commitment", "amount": f"{3 * 10 * IN_A_DAY} USD"}, "2026-01-05", "2026-01-15"),
        ({"kind": "spending-cap", "amount": f"{3 * IN_A_DAY} USD", "windows": DAILY}, "2026-01", "2026-02"),
    ],
    ids=["a-day", "a-week", "ten-days", "at-most-a-day"],
)
def test_a_clause_of_exactly_what_is_asked_for_in_any_windows(clause: Data, since: str, until: str) -> None:
    must = {"shortfall": "forbidden"} if clause["kind"] == "minimum-commitment" else {}
    signed = agreement({"id": "just"} | clause | must, effective=since, ends=until)
    case = build([tokens("north", 3)], [A_LITTLE_MORE], signed, horizon=JANUARY)
    assert check(case).answer == "yes"
    assert abs(solved(case).cost - 3 * 31 * IN_A_DAY) <= 3 * D("0.000001")


def test_a_cap_that_is_passed_by_next_to_nothing_says_by_how_much() -> None:
    """A millionth of a dollar in each window is less than the solver's tolerance there, and counts in all of them."""
    cap = {"id": "cap", "kind": "spending-cap", "amount": f"{3 * IN_A_DAY - D('0.0000008')} USD", "windows": DAILY}
    found = refused(build([tokens("north", 3)], [A_LITTLE_MORE], agreement(cap, ends="2026-02"), horizon=JANUARY))
    assert [way.sentence.startswith("raise the cap by 0.01 USD (") for way in found.relaxations] == [True]
