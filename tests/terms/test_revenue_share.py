"""Revenue shares, by hand. North 3 USD per Mtok, South 2; 1000 Mtok a month that earn 6 USD each."""

from __future__ import annotations

from typing import Any

from detente.case.case import Case
from tests.builders import D, account, agreement, build, charged, placed, postings, solved, tokens, use, work


def world(*, months: Any = 6, value: Any = None, **more: Any) -> Case:
    term = {"id": "cut", "kind": "revenue-share", "rate": "20%"} | more
    chat = work(revenue="6 USD per Mtok", labels={"tier": "gold"}, **({"value": value} if value else {}))
    free = work("free", labels={"tier": "basic"})  # earns nothing
    return build([tokens("north", 3), tokens("south", 2)], [chat, free], agreement(term), months=months)


def test_owed_wherever_it_runs() -> None:
    found = solved(world())
    # 12 x 1000 x 2 + 20% x 6 x 1000 x 6
    assert found.cost == D(24000 + 7200)
    assert charged(found, "cut") == D(7200)


def test_owed_by_place() -> None:
    found = solved(world(of={"provider": "south"}))
    # South 2 + 20% x 6 = 3.20 > 3 for what earns; what earns nothing stays at 2
    assert (placed(found, "chat"), placed(found, "free")) == ({"north-api": D(6000)}, {"south-api": D(6000)})
    assert (found.cost, postings(found, "cut")) == (D(18000 + 12000), {})


def test_from_the_middle_of_a_month() -> None:
    found = solved(world(of={"provider": "south"}, **{"from": "2026-04-16"}))
    # April: 2 + 20% x 6 x 15/30 = 2.60 at South; May, June at North: 3 x 2000 + 2600 + 2 x 3000; free: 6 x 2000
    assert found.cost == D(14600 + 12000)
    assert charged(found, "cut") == D(600)


def test_carved_out() -> None:
    found = solved(world(**{"except": [{"tier": "gold"}]}))
    assert (found.cost, found.postings) == (D(24000), ())


def test_it_may_make_work_worthless() -> None:
    # serving costs 2 + 1.20, leaving it unserved 3.10
    found = solved(world(value="3.10 USD per Mtok", months=1))
    assert placed(found, "chat") == {}
    assert (found.unserved_cost, found.cost) == (D(3100), D(5100))


def test_account_of_metered_use() -> None:
    case = world(**{"from": "2026-01-11"})
    # a line of 20 days, of which the last 10 are in force: 20% x 500 x 10/20
    line = use(case, "chat", "south-api", "2026-01-01", "2026-01-21", 1, 1, revenue=500)
    assert [p.amount for p in account(case, "cut", line)] == [D(50)]
