"""What a move from provider to provider costs, and how long work then stays: by hand, and against what was billed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from detente.case.case import Case
from detente.planner.check import check
from detente.report.plans.bill import bill
from detente.report.plans.explanation import explain
from detente.results.plan import Plan
from tests.builders import D, Data, agreement, build, mistakes, refused, solved, tokens, work
from tests.builders import data_of as data


def dear_in_march(moving: Data, months: int = 6) -> Case:
    """1000 Mtok a month; North always costs 3 USD per Mtok, South 2 USD, and 4 USD in March."""
    south = tokens("south", {"2026-01": 2, "2026-03": 4, "2026-04": 2})
    return build([tokens("north", 3), south], [work(moving=moving)], months=months)


def moved(found: Plan) -> list[tuple[str, int, Decimal, Decimal]]:
    return [(m.provider, m.period, m.share, m.cost) for m in found.moves]


# South all along: 5 x 2000 + 4000 = 14,000. March at North saves 1000 and takes two moves.
@pytest.mark.parametrize(
    ("moving", "cost", "moves"),
    [
        ({"cost": "499 USD"}, 13_998, [("north", 2, 1, 499), ("south", 3, 1, 499)]),
        ({"cost": "501 USD"}, 14_000, []),
        ({"cost": "0 USD"}, 13_000, [("north", 2, 1, 0), ("south", 3, 1, 0)]),
        ({"stays": "1 month"}, 13_000, [("north", 2, 1, 0), ("south", 3, 1, 0)]),
        ({"stays": "2 months"}, 14_000, []),  # to stay in April, too, costs the 1000 that March saves
        ({"cost": "300 USD", "stays": "31 days"}, 13_600, [("north", 2, 1, 300), ("south", 3, 1, 300)]),
        ({"cost": "300 USD", "stays": "32 days"}, 14_000, []),
    ],
)
def test_a_move_is_made_where_it_saves_more_than_it_costs(moving: Data, cost: int, moves: list[Any]) -> None:
    found = solved(dear_in_march(moving))
    assert (found.cost, found.bound, found.status) == (cost, cost, "optimal")
    assert moved(found) == moves
    assert found.moving_cost == sum(each[3] for each in moves)
    assert found.cost == found.bill + found.moving_cost


# Three months at North cost 9000, at South 6000: from north to south, or all but what is there already.
@pytest.mark.parametrize(
    ("moving", "cost", "moves"),
    [
        ({"cost": "2999 USD"}, 8_999, [("south", 0, 1, 2999)]),
        ({"cost": "3001 USD"}, 9_000, []),
        ({"cost": "2 k USD", "today": {"south": "75%", "north": "25%"}}, 6_500, [("south", 0, D("0.25"), 500)]),
        ({"cost": "2 k USD", "today": {"south": "100%"}}, 6_000, []),
        ({"cost": "2 k USD", "today": {"east": "100%"}}, 8_000, [("south", 0, 1, 2000)]),  # where nothing is sold
    ],
)
def test_from_where_it_runs_today_it_moves_at_a_cost(moving: Data, cost: int, moves: list[Any]) -> None:
    today = {"today": {"north": "100%"}} | moving
    found = solved(build([tokens("north", 3), tokens("south", 2)], [work(moving=today)], months=3))
    assert (found.cost, found.bound) == (cost, cost)
    assert moved(found) == moves


def test_one_time_is_enough_to_move_from_where_it_runs_today() -> None:
    for cost, least in (("999 USD", 2_999), ("1001 USD", 3_000)):
        chat = work(moving={"cost": cost, "today": {"north": "100%"}})
        assert solved(build([tokens("north", 3), tokens("south", 2)], [chat], months=1)).cost == least


def test_what_runs_somewhere_today_may_leave_at_once_and_what_comes_stays() -> None:
    """South is cheaper in January only: there, it would stay for February, at 4 instead of 3."""
    south = tokens("south", {"2026-01": 2, "2026-02": "4.5"})
    for today, cost in (("north", 6000), ("south", 5000)):  # from the south it leaves after January
        moving = {"stays": "2 months", "today": {today: "100%"}}
        assert solved(build([tokens("north", 3), south], [work(moving=moving)], months=2)).cost == cost


def test_where_it_runs_today_is_told_in_full_and_by_providers() -> None:
    def wrong(today: Data) -> list[str]:
        return mistakes(data([tokens("north", 3)], [work(moving={"cost": "1 USD", "today": today})]))

    assert wrong({"north": "60%", "south": "30%"}) == ["the shares come to 90%; let them come to 100%"]
    assert wrong({"nroth": "100%"}) == ["there is no provider `nroth`; did you mean `north`?"]


def test_what_is_there_at_first_has_come_then() -> None:
    """To be in the north in March and no longer, it would have to leave the south before three months are over."""
    found = solved(dear_in_march({"stays": "3 months"}))
    assert (found.cost, moved(found)) == (14_000, [])
    later = solved(dear_in_march({"stays": "2 months"}, months=3))  # January and February in the south are two
    assert (later.cost, moved(later)) == (7000, [("north", 2, 1, 0)])


def test_a_part_of_the_work_costs_a_part_of_a_move() -> None:
    """A floor keeps a quarter in the north, in February only: 250 Mtok move there and back, for a quarter each."""
    part = {"id": "part", "kind": "share", "at-least": "25%", "from": "2026-02-01", "until": "2026-03-01"}
    offers = [tokens("north", 3), tokens("south", 2)]
    found = solved(build(offers, [work(moving={"cost": "80 USD"})], agreement(part), months=3))
    assert (found.cost, found.bill, found.moving_cost) == (D(6290), D(6250), D(40))
    assert moved(found) == [("north", 1, D("0.25"), 20), ("south", 2, D("0.25"), 20)]
    dear = solved(build(offers, [work(moving={"cost": "2400 USD"})], agreement(part), months=3))
    # a move of 250 Mtok costs 600 now, and the north 250 a month: it is there from January on, and stays
    assert (dear.cost, moved(dear)) == (6750, [])


def test_demand_that_grows_moves_nothing() -> None:
    demand = {"rate": "100 Mtok per month", "growth": "50% per month"}
    growing = work(demand=demand, moving={"cost": "1 k USD"})
    assert moved(solved(build([tokens("north", 3), tokens("south", 2)], [growing]))) == []


def test_what_goes_unserved_stays_where_that_moves_least() -> None:
    """In February both are dearer than it is worth. It is not served then, and resumes where it was: no move."""
    prices = {"2026-01": 2, "2026-02": 9, "2026-03": 2}
    chat = work(value="5 USD per Mtok", moving={"cost": "400 USD", "stays": "3 months"})
    found = solved(build([tokens("north", 9), tokens("south", prices)], [chat], months=3))
    assert (found.cost, found.unserved_cost, found.moving_cost) == (D(9000), D(5000), D(0))
    offers = [tokens("north", {"2026-01": 9, "2026-03": 1}), tokens("south", prices)]
    chat |= {"moving": {"cost": "400 USD"}}
    moving = solved(build(offers, [chat], months=3))  # where it resumes elsewhere, it has moved
    assert (moving.cost, moving.moving_cost) == (D(8400), D(400))
    assert [m.provider for m in moving.moves] == ["north"]


def test_batch_moves_from_one_waiting_time_to_the_next() -> None:
    """Within two months that work may wait, it is done where and when it costs least, and nothing has moved."""
    south = tokens("south", {"2026-01": 2, "2026-02": 4, "2026-03": 2})
    night = work(kind="batch", within="2 months", moving={"cost": "300 USD"})
    found = solved(build([tokens("north", 3), south], [night], months=4))
    assert (found.cost, moved(found)) == (8000, [])
    weekly = night | {"within": "1 month"}
    each = solved(build([tokens("north", 3), south], [weekly], months=4))  # 2 + 3 + 2 + 2, and two moves of 300
    assert (each.cost, each.moving_cost) == (9600, 600)


def test_the_bill_has_a_line_of_its_own_and_explain_says_so() -> None:
    case = dear_in_march({"cost": "400 USD"})
    found = solved(case)
    lines = [(line.what, line.party, line.amount) for line in bill(found)][-3:]
    assert lines == [
        ("the bill", "", 13_000),
        ("moving to another provider", "chat", 800),
        ("the cost of the plan", "", 13_800),
    ]
    said = [line.sentence for line in explain(case, found, "chat").lines]
    assert said[-1] == (
        "moving all of it to another provider costs 400 USD: it moves 2 times, for 800.00 USD in all "
        "(100% of it to North (`north`) from 2026-03-01; 100% of it to South (`south`) from 2026-04-01)"
    )
    stays = dear_in_march({"stays": "2 months"})
    assert explain(stays, solved(stays), "chat").lines[-1].sentence == (
        "what came to a provider stays there for 2 months at least: it does not move"
    )


def test_rows_with_dates_for_a_table() -> None:
    (first, _) = solved(dear_in_march({"cost": "400 USD"})).rows("moves")
    assert (first["provider"], first["start"].isoformat()[:10], first["cost"], first["currency"]) == (
        *("north", "2026-03-01", D(400)),
        "USD",
    )


# -- where it cannot stay ----------------------------------------------------------------------------------------------
def cut_off(moving: Data) -> Case:
    """It may run in the north only until March and in the south only from April on."""
    early, late = tokens("north", 3, until="2026-04-01"), tokens("south", 2, **{"from": "2026-03-01"})
    return build([early, late], [work(moving=moving)], months=6)


def test_work_that_cannot_stay_is_a_fact_in_a_conflict_without_a_clause() -> None:
    assert solved(cut_off({"stays": "3 months"})).cost == 3 * 3000 + 3 * 2000
    found = refused(cut_off({"stays": "4 months"}))
    assert (found.clauses, found.relaxations) == ((), ())
    assert set(found.facts) == {
        "`chat` must be served: it has no `value`, so it cannot go unserved",
        "`north-api` is not on offer from 2026-04-01 on",
        "`south-api` is not on offer before 2026-03-01",
        "`chat` stays where it is for at least 4 months after a move (`moving: stays`)",
    }
    assert check(cut_off({"stays": "4 months"})).answer == "no"


def test_a_clause_and_a_stay_collide_and_the_way_out_is_told() -> None:
    """Exclusivity of the north begins in March: what came to the south in January would have to stay until April."""
    only = {"id": "only", "kind": "exclusivity", "from": "2026-03-01"}
    early = tokens("north", 3, **{"from": "2026-02-01"})
    case = build([early, tokens("south", 2)], [work(moving={"stays": "3 months"})], agreement(only), months=4)
    found = refused(case)
    assert [clash.term for clash in found.clauses] == ["only"]
    assert "`chat` stays where it is for at least 3 months after a move (`moving: stays`)" in found.facts
    (way,) = found.relaxations
    assert way.cost is not None
    assert (way.term, round(way.cost, 2)) == ("only", 9000)  # 1000 Mtok in March: three months at 2 USD, April at 3


# -- mistakes ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("moving", "said"),
    [
        ({}, "states neither what a move costs nor how long work stays"),
        ({"cost": "40 k EUR"}, "the amount is in EUR, and the case is in USD"),
        ({"cost": "-1 USD"}, "the amount is negative: `-1 USD`"),
        ({"cost": "1e16 USD"}, "a move of `chat` costs 1e+16 USD, more than a plan can add up (1e+15)"),
    ],
)
def test_mistakes(moving: Data, said: str) -> None:
    (mistake,) = mistakes(data([tokens("north", 3)], [work(moving=moving)]))
    assert mistake.startswith(said + "; ")


def test_moves_of_training_and_of_typical_weeks_are_refused() -> None:
    job = {"id": "job", "kind": "training", "work": "9 Mtok", "deadline": "2026-06", "runs-on": {"models": ["m"]}}
    job |= {"mix": {"output": "50%"}, "moving": {"cost": "1 USD"}}
    assert mistakes(data([tokens("north", 3)], [job])) == [
        "a job has no demand of each period of which a part could move: `moving` is of inference and batch; "
        "leave it out"
    ]
    horizon = {"start": "2026-01", "end": "2026-03", "every": "hour", "typical": "week"}
    assert mistakes(data([tokens("north", 3)], [work(moving={"cost": "1 USD"})], horizon=horizon)) == [
        "`chat` states `moving`, and a typical week does not say what follows what; "
        "leave it out, or plan without `typical: week`"
    ]
