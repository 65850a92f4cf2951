"""Minimum commitments, by hand. North 3 USD per Mtok, South 2; 1000 Mtok a month, six months of 2026.

To move one Mtok from South to North costs 1 USD more and reaches 3 USD of commitment: 1/3 USD per USD of spend. So a
fee above 33.3% is worth avoiding, and a fee below is paid.
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.case.notes import notes
from detente.planner.check import check
from detente.results.plan import Plan
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    by_period,
    data_of,
    mistakes,
    placed,
    postings,
    refused,
    solved,
    standing,
    tokens,
    two_clouds,
    use,
    work,
)

NEAR = D("0.00001")


def floor(amount: str, **more: Any) -> dict[str, Any]:
    return {"id": "floor", "kind": "minimum-commitment", "amount": amount} | more


def windows(found: Plan) -> list[tuple[D, ...]]:
    """Required, spend, brought, carried, short, fee of each window."""
    return [(c.required, c.drawn, c.brought, c.carried, c.short, c.owed) for c in found.commitments]


@pytest.mark.parametrize(
    ("fee", "north", "cost"),
    [
        # 6000 at North is 2000 Mtok dearer by 1 USD each: 12,000 + 2,000
        ("100%", 2000, 14000),
        ("150%", 2000, 14000),
        # nothing at North, 6000 x 30% paid: 12,000 + 1,800
        ("30%", 0, 13800),
        ("0%", 0, 12000),
    ],
)
def test_spend_or_pay(fee: str, north: int, cost: int) -> None:
    found = solved(two_clouds(floor("6 k USD", shortfall={"fee": fee})))
    assert (found.cost, placed(found).get("north-api", D(0))) == (D(cost), D(north))
    (window,) = found.commitments
    assert (window.required, window.drawn, window.short) == (D(6000), D(3 * north), D(6000 - 3 * north))
    assert window.owed == D(6000 - 3 * north) * D(fee[:-1]) / 100


def test_more_than_there_is_work_for() -> None:
    # all at North 18,000; of 20,000 are 2,000 short, at 150%: 18,000 + 3,000
    found = solved(two_clouds(floor("20 k USD", shortfall={"fee": "150%"})))
    assert found.cost == D(21000)
    assert windows(found) == [(D(20000), D(18000), D(0), D(0), D(2000), D(3000))]
    assert postings(found, "floor", "shortfall-fee") == {("shortfall-fee", 0): D(3000)}


def test_forbidden() -> None:
    case = two_clouds(floor("20 k USD", shortfall="forbidden"))
    conflict = refused(case)
    assert [c.term for c in conflict.clauses] == ["floor"]
    (way,) = conflict.relaxations
    # all at North reaches 18,000: short by 2,000, at a cost of 18,000
    assert abs(way.given[0].amount - 2000) < D("0.001")
    assert way.cost is not None
    assert abs(way.cost - 18000) < D("0.001")
    assert way.sentence.startswith("accept a shortfall of 2.00 k USD against this commitment")
    assert solved(two_clouds(floor("18 k USD", shortfall="forbidden"))).cost == D(18000)


def test_check_asks_whether_it_can_be_performed() -> None:
    # a fee is a remedy, not performance (decision 0007)
    assert check(two_clouds(floor("18 k USD"))).answer == "yes"
    assert check(two_clouds(floor("18.1 k USD"))).answer == "no"


def test_a_ramp() -> None:
    term = floor("10 k USD", windows={"every": "quarter", "ramp": ["30%", "70%"]})
    found = solved(two_clouds(term))
    # 3,000 then 7,000 at North: 1000 + 2333.333333 Mtok moved at 1 USD each
    assert [c.required for c in found.commitments] == [D(3000), D(7000)]
    assert abs(found.cost - (12000 + D(10000) / 3)) < NEAR
    north = by_period(found, "north-api")
    assert abs(sum(north[:3], D(0)) - 1000) < NEAR
    assert abs(sum(north[3:], D(0)) - D(7000) / 3) < NEAR


def only_north(*terms: dict[str, Any], demand: Any, **head: Any) -> Case:
    """All work is at North for 1 USD per Mtok: spend is given, and only the account is in question."""
    return build([tokens("north", 1)], [work(demand=demand)], agreement(*terms), **head)


UNEVEN = {"rate": {"2026-01": "2000 Mtok per month", "2026-04": "500 Mtok per month"}}


def test_an_excess_carries_over_up_to_its_cap() -> None:
    term = floor("3 k USD", windows={"every": "quarter"}, **{"carry-over": "40%"})
    found = solved(only_north(term, demand=UNEVEN))
    # first quarter: 6000 spent of 3000: 3000 over, of which 40% x 3000 = 1200 carry.
    # second: 1500 + 1200 = 2700 of 3000: 300 short, at 100%. Cost 7500 + 300
    assert windows(found) == [
        (D(3000), D(6000), D(0), D(1200), D(0), D(0)),
        (D(3000), D(1500), D(1200), D(0), D(300), D(300)),
    ]
    assert found.cost == D(7800)


@pytest.mark.parametrize(("carry", "cost"), [("0%", 9000), ("100%", 7500), ("50%", 7500), ("49%", 7530)])
def test_carry_over_edges(carry: str, cost: int) -> None:
    # second quarter lacks 1500: 50% of 3000 carries exactly that, 49% leaves 30 short, 0% all 1500
    found = solved(only_north(floor("3 k USD", windows={"every": "quarter"}, **{"carry-over": carry}), demand=UNEVEN))
    assert found.cost == D(cost)


def test_what_was_carried_in_may_be_carried_on() -> None:
    term = floor("500 USD", windows={"every": "month"}, **{"carry-over": "100%"})
    rate = {"2026-01": "1200 Mtok per month", "2026-02": "400 Mtok per month", "2026-03": "0 Mtok per month"}
    found = solved(only_north(term, demand={"rate": rate}, months=3))
    # January 1200 - 500 = 700 over, at most 500 carries; February 400 + 500 - 500 = 400 carries;
    # March 0 + 400 - 500: 100 short
    assert [(c.brought, c.carried, c.short) for c in found.commitments] == [
        (D(0), D(500), D(0)),
        (D(500), D(400), D(0)),
        (D(400), D(0), D(100)),
    ]
    assert found.cost == D(1600 + 100)


def test_an_excess_that_counts_for_two_windows_lapses_with_the_second() -> None:
    term = floor("1 k USD", windows={"every": "month"}, **{"carry-over": "50%", "carried": 2})
    rates = (2000, 1000, 900, 1500, 100, 1000)
    rate = {f"2026-0{month}": f"{used} Mtok per month" for month, used in enumerate(rates, start=1)}
    found = solved(only_north(term, demand={"rate": rate}))
    # 500 of January go on; March draws 100 of them, and 400 lapse; 500 of April fill May, where 400 are missing
    assert [(c.brought, c.carried, c.short) for c in found.commitments] == [
        (D(0), D(500), D(0)),
        (D(500), D(500), D(0)),
        (D(500), D(0), D(0)),
        (D(0), D(500), D(0)),
        (D(500), D(0), D(400)),
        (D(0), D(0), D(0)),
    ]
    assert found.cost == D(6500 + 400)


def test_the_oldest_excess_is_drawn_first() -> None:
    """300 of January and 200 of February; March lacks 250: 50 of January lapse with it, and 200 are left for April."""
    term = floor("1 k USD", windows={"every": "month"}, **{"carry-over": "100%", "carried": "2 windows"})
    rates = (1300, 1200, 750, 800)
    rate = {f"2026-0{month}": f"{used} Mtok per month" for month, used in enumerate(rates, start=1)}
    found = solved(only_north(term, demand={"rate": rate}, months=4))
    assert [(c.carried, c.short) for c in found.commitments] == [(300, 0), (500, 0), (200, 0), (0, 0)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"carried": 0}, "`0` does not say for how many windows an excess counts; expected `once`, `chained`, or a"),
        ({"carried": "twice"}, "`twice` does not say for how many windows an excess counts"),
        ({"carried": 99}, "or a number of windows from 1 to 24"),
        ({"carried": 3, "deferral": "10%"}, "an excess that counts for 3 windows, and a shortfall that goes on"),
    ],
)
def test_for_how_many_windows_an_excess_counts(more: Data, said: str) -> None:
    term = floor("1 k USD", windows={"every": "month"}, **{"carry-over": "50%"} | more)
    (only,) = mistakes(data_of([tokens("north", 3)], [work()], agreement(term)))
    assert said in only


def test_a_window_that_the_horizon_cuts_is_refused() -> None:
    data = data_of([tokens("north", 3)], [work()], agreement(floor("12 k USD"), ends="2027-01"))
    (only,) = mistakes(data)
    assert only.startswith("the window 2026 is cut by the horizon (Jan 2026 – Jun 2026)")


def test_a_window_that_the_horizon_cuts_is_prorated() -> None:
    term = floor("36.5 k USD", windows={"cut": "prorate"})
    found = solved(build([tokens("north", 3), tokens("south", 2)], [work()], agreement(term, ends="2027-01")))
    # 181 of 365 days: 36,500 x 181/365 = 18,100; all at North is 18,000: 100 short
    assert windows(found) == [(D(18100), D(18000), D(0), D(0), D(100), D(100))]
    assert found.cost == D(18100)


def test_a_contract_year_that_began_before_the_horizon() -> None:
    term = floor("365 USD", windows={"every": "year", "cut": "prorate"})
    deal = agreement(term, effective="2025-10-01", ends="2026-10-01")
    found = solved(build([tokens("north", 3), tokens("south", 2)], [work()], deal))
    # 1 January to 1 July are 181 of the year's 365 days: 181 USD; a third of a USD each: 12,000 + 181/3
    assert [c.required for c in found.commitments] == [D(181)]
    assert abs(found.cost - (12000 + D(181) / 3)) < NEAR


def test_from_the_middle_of_a_month() -> None:
    case = only_north(floor("1 k USD", **{"from": "2026-03-11"}), demand="310 Mtok per month", months=4)
    found = solved(case)
    # March from the 11th: 21 of 31 days x 310 = 210; April 310: 520 of 1000; 480 short. 4 x 310 + 480
    assert windows(found) == [(D(1000), D(520), D(0), D(0), D(480), D(480))]
    assert found.cost == D(1720)


def test_milestones() -> None:
    steps = [
        {"by": "2026-03-01", "reach": "3 k USD", "fee": "120%"},
        {"by": "2026-05-01", "reach": "5 k USD", "fee": "10%"},
    ]
    found = solved(two_clouds(floor("5 k USD", shortfall={"fee": "0%"}, milestones=steps)))
    # by 1 March 3,000 at North: 1,000 Mtok moved, 1 USD each. By 1 May another 2,000 would cost 666.67 to reach and
    # 10% x 2,000 = 200 to miss. 12,000 + 1,000 + 200
    assert found.cost == D(13200)
    assert postings(found, "floor", "milestone-fee") == {("milestone-fee", 1): D(200)}
    assert sum(by_period(found, "north-api")[:2], D(0)) == D(1000)


def test_a_milestone_without_a_fee_must_be_reached() -> None:
    steps = [{"by": "2026-03-01", "reach": "6 k USD"}]
    found = solved(two_clouds(floor("6 k USD", milestones=steps)))
    # all of January and February at North: 2 x 3000 + 4 x 2000
    assert found.cost == D(14000)
    conflict = refused(two_clouds(floor("6 k USD", milestones=[{"by": "2026-02-20", "reach": "6 k USD"}])))
    assert [c.term for c in conflict.clauses] == ["floor"]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"by": "2026-09-01", "reach": "1 USD"}], "2026-09-01 is not while the clause is in force"),
        (
            [{"by": "2026-05-01", "reach": "2 USD"}, {"by": "2026-03-01", "reach": "3 USD"}],
            "milestones out of order: 2026-05-01 comes before 2026-03-01",
        ),
        ([{"by": "2026-05-01", "reach": f"{n} USD"} for n in (2, 3)], "two milestones by 2026-05-01: 2 USD and 3 USD"),
        (
            [{"by": "2026-03-01", "reach": "3 USD"}, {"by": "2026-05-01", "reach": "2 USD"}],
            "2 USD by 2026-05-01 is less than 3 USD by 2026-03-01",
        ),
    ],
)
def test_milestones_out_of_place(steps: list[dict[str, str]], message: str) -> None:
    found = mistakes(data_of([tokens("north", 1)], [work()], agreement(floor("9 USD", milestones=steps))))
    assert any(m.startswith(message) for m in found), found


def test_only_what_is_covered_counts() -> None:
    mail = work("mail", labels={"tier": "basic"})
    chat = work("chat", labels={"tier": "gold"})
    term = floor("3 k USD", of={"tier": "gold"}, shortfall="forbidden")
    found = solved(build([tokens("north", 3), tokens("south", 2)], [chat, mail], agreement(term), months=1))
    # chat must spend its 3000 at North; mail stays at South
    assert (placed(found, "chat"), placed(found, "mail")) == ({"north-api": D(1000)}, {"south-api": D(1000)})
    term = floor("3 k USD", **{"except": [{"tier": "gold"}]}, shortfall="forbidden")
    found = solved(build([tokens("north", 3), tokens("south", 2)], [chat, mail], agreement(term), months=1))
    assert placed(found, "mail") == {"north-api": D(1000)}


def test_readings() -> None:
    readings = {"letter": {"of": {"tier": "gold"}}, "spirit": {"of": {"tier": ["gold", "basic"]}}}
    each = [work("chat", labels={"tier": "gold"}), work("mail", "500 Mtok per month", labels={"tier": "basic"})]
    term = floor("6 k USD", readings=readings)
    case = build([tokens("north", 3), tokens("south", 2)], each, agreement(term), months=1)
    # letter: only chat's 3000 can count, 3000 short: 3000 + 1000 + 3000. spirit: all at North, 4500, 1500 short
    assert [solved(case.under(reading=r)).cost for r in ("letter", "spirit")] == [D(7000), D(6000)]


def test_account_of_metered_use() -> None:
    case = two_clouds(floor("1 k USD", windows={"every": "quarter"}, **{"carry-over": "10%"}))
    lines = [
        use(case, "chat", "north-api", "2026-01-01", "2026-02-01", 300, "900.50"),
        use(case, "chat", "north-api", "2026-03-01", "2026-04-01", 100, "250.25"),
        use(case, "chat", "south-api", "2026-03-01", "2026-04-01", 100, "5000"),  # not theirs
        use(case, "chat", "north-api", "2026-06-01", "2026-07-01", 100, "600"),
    ]
    found = standing(case, "floor", *lines)
    # 900.50 + 250.25 = 1150.75, 150.75 over, of which 100 carry; 600 + 100 = 700: 300 short
    first, second = found.standings
    assert (first.drawn, first.carried, second.brought) == (D("1150.75"), D(100), D(100))
    assert second.short == D(300)
    assert postings(found.postings, "floor") == {("shortfall-fee", 1): D(300)}


def test_an_event_that_cuts_a_window_leaves_its_amount() -> None:
    # `docs/terms/README.md`: a window that the clause's own end cuts short keeps its amount, and has less time
    term = floor("3 k USD", windows={"every": "quarter"}, until={"event": "agi"}, shortfall="forbidden")
    found = solved(two_clouds(term, events={"agi": "2026-02-01"}))
    # all 3,000 in January alone: 1000 Mtok at North
    assert by_period(found, "north-api") == [D(1000)] + [D(0)] * 5


def test_a_ramp_that_an_event_cuts_counts_nothing_after_it() -> None:
    ramp = {"every": "quarter", "ramp": ["50%", "50%"]}
    term = floor("6 k USD", windows=ramp, until={"event": "agi"}, shortfall="forbidden")
    found = solved(two_clouds(term, events={"agi": "2026-02-01"}))
    assert [(c.start.month, c.end.month) for c in found.commitments] == [(1, 2)]
    assert by_period(found, "north-api") == [D(1000)] + [D(0)] * 5


def test_an_amended_commitment_is_accounted_in_both_its_parts() -> None:
    first = agreement(floor("900 USD"), id="first")
    half = floor("600 USD", **{"takes-over": "pro-rata"})
    second = agreement(half, id="second", effective="2026-04-01", amends="first")
    found = solved(build([tokens("north", 3), tokens("south", 2)], [work()], first, second))
    # half of 900 USD by 1 April, then half of 600 by 1 July: 250 Mtok moved in all
    assert [(c.required, c.start.month, c.end.month) for c in found.commitments] == [(D(450), 1, 4), (D(300), 4, 7)]
    assert found.cost == D(12250)


def test_the_sentence() -> None:
    (row,) = solved(two_clouds(floor("6 k USD", shortfall={"fee": "50%"}))).clauses
    assert row.sentence == (
        "at least 6.00 k USD of spend (`provider: north`) over its whole term; 50% of what is missing is owed"
    )
    assert row.binds


@pytest.mark.parametrize(
    ("reach", "more", "most"),
    [
        ("9 k USD", {}, None),
        ("9001 USD", {}, "9000 USD"),
        ("18 k USD", {"windows": {"every": "quarter"}}, None),  # two of them
        ("18001 USD", {"windows": {"every": "quarter"}}, "18000 USD"),
        ("9001 USD", {"windows": {"every": "quarter", "ramp": ["40%", "60%"]}}, "9000 USD"),  # both of them together
    ],
)
def test_a_milestone_above_what_is_committed(reach: str, more: dict[str, Any], most: str | None) -> None:
    term = floor("9 k USD", milestones=[{"by": "2026-05-01", "reach": reach}], **more)
    found = mistakes(data_of([tokens("north", 3)], [work()], agreement(term, ends="2026-07")))
    assert len(found) == bool(most)
    for message in found:
        assert f"by 2026-05-01 is more than the {most} that are committed in all; lower the milestone" in message


WEEKLY = floor("90 USD", windows={"every": "week", "starts": "2026-01-05"})
NORTH_AND_SOUTH = [tokens("north", 3), tokens("south", 2)]


def test_by_the_week() -> None:
    """Of 70 Mtok a week 30 go to North for 1 USD more each: 140 + 30, four times."""
    horizon = {"start": "2026-01-05", "end": "2026-02-02", "every": "week"}
    deal = agreement(WEEKLY, effective="2026-01-05", ends="2026-02-02")
    found = solved(build(NORTH_AND_SOUTH, [work(demand="70 Mtok per week")], deal, horizon=horizon))
    assert windows(found) == [(D(90), D(90), D(0), D(0), D(0), D(0))] * 4
    assert found.cost == 4 * 170


@pytest.mark.parametrize(("every", "noted"), [("day", []), ("week", []), ("month", [True])])
def test_what_a_plan_of_months_does_not_see_of_a_week_is_told(every: str, noted: list[bool]) -> None:
    shaped = work(demand={"rate": "10 Mtok per day", "profile": {"weekend": "50%", "hours": ["100%"] * 24}})
    horizon = {"start": "2026-02-01", "end": "2026-03-01", "every": every}
    deal = agreement(WEEKLY, effective="2026-02-02", ends="2026-02-23")
    case = build(NORTH_AND_SOUTH, [shaped], deal, horizon=horizon)
    assert ["`floor` counts by the week" in note.what for note in notes(case)] == noted


def test_a_part_is_told_as_it_was_written() -> None:
    """A fee of 12.5% was told as 12%."""
    clause = {"kind": "minimum-commitment", "id": "floor", "amount": "9 USD", "deferral": "7.25%"}
    case = build([tokens("north", 3)], [work()], agreement(clause | {"shortfall": {"fee": "12.5%"}}))
    said = case.terms[0].explain().sentence
    assert "12.5% of what is missing is owed; 7.25% of it may be made good" in said
