"""Shares, by hand. North 3 USD per Mtok, South 2; 1000 Mtok a month, six months."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import (
    D,
    agreement,
    build,
    by_period,
    compute,
    data_of,
    gpus,
    mistakes,
    placed,
    refused,
    solved,
    tokens,
    two_clouds,
    ways,
    work,
)

NEAR = D("0.00002")


def share(**more: Any) -> dict[str, Any]:
    return {"id": "part", "kind": "share"} | more


def test_at_least_of_work() -> None:
    found = solved(two_clouds(share(**{"at-least": "25%"})))
    # 250 of each month's 1000 at North, 1 USD dearer: 12,000 + 6 x 250
    assert found.cost == D(13500)
    assert by_period(found, "north-api") == [D(250)] * 6


def test_at_least_of_spend() -> None:
    found = solved(two_clouds(share(**{"at-least": "25%", "measure": "spend"})))
    # 3n >= 25% (3n + 2 (1000 - n)): n = 500 / 2.75 = 181.818182 a month
    assert abs(placed(found)["north-api"] - 6 * D(500) / D("2.75")) < NEAR
    assert abs(found.cost - (12000 + 6 * D(500) / D("2.75"))) < NEAR


def test_at_most() -> None:
    found = solved(two_clouds(share(**{"at-most": "40%", "on": {"provider": "south"}}), party="self"))
    # 600 of each month's 1000 must leave South
    assert found.cost == D(12000 + 3600)


def test_at_most_of_spend() -> None:
    found = solved(two_clouds(share(**{"at-most": "40%", "measure": "spend"}), party="south", months=1))
    # 2s <= 40% (2s + 3 (1000 - s)): 2.4 s <= 1200: s = 500. 1000 + 1500
    assert found.cost == D(2500)


def test_both_bounds() -> None:
    found = solved(two_clouds(share(**{"at-least": "30%", "at-most": "30%"}), months=1))
    assert placed(found) == {"north-api": D(300), "south-api": D(700)}


def test_over_the_whole_term_it_may_be_uneven() -> None:
    dated = {"2026-01": 1, "2026-04": 4}  # North is cheap until April
    term = share(**{"at-least": "60%", "windows": {"every": "term"}})
    found = solved(build([tokens("north", dated), tokens("south", 2)], [work()], agreement(term)))
    # 3000 at North for 1, and 600 more for 4: 3000 + 2400 + 2400 x 2
    assert found.cost == D(10200)
    monthly = share(**{"at-least": "60%"})
    found = solved(build([tokens("north", dated), tokens("south", 2)], [work()], agreement(monthly)))
    # each later month 600 at 4 and 400 at 2: 3000 + 3 x 3200
    assert found.cost == D(12600)


def test_of_what_is_taken() -> None:
    term = share(**{"at-least": "25%", "measure": "taken"})
    found = solved(build([gpus("north", 3), gpus("south", 2)], [compute()], agreement(term), months=1))
    # of 10 GPUs, whole, 3 at North: (3 x 3 + 7 x 2) x 744 hours
    assert found.cost == D(23 * 744)
    assert {p.offer: p.units for p in found.purchases} == {"north-gpus": 3, "south-gpus": 7}


def test_of_a_class_of_work() -> None:
    each = [work("chat", labels={"tier": "gold"}), work("mail", labels={"tier": "basic"})]
    term = share(**{"at-least": "50%", "of": {"tier": "gold"}})
    found = solved(build([tokens("north", 3), tokens("south", 2)], each, agreement(term), months=1))
    assert (placed(found, "chat")["north-api"], placed(found, "mail")) == (D(500), {"south-api": D(1000)})


def test_for_a_part_of_a_month() -> None:
    found = solved(two_clouds(share(**{"at-least": "25%", "until": "2026-01-11", "from": "2026-01-01"}), months=1))
    # ten days of January: the month's work is even, so its share is the month's
    assert placed(found)["north-api"] == D(250)


def test_all_of_it_collides_with_the_others_all_of_it() -> None:
    north = agreement(share(**{"at-least": "60%"}), party="north")
    south = agreement(share(**{"at-least": "60%"}) | {"id": "other"}, party="south")
    found = refused(build([tokens("north", 3), tokens("south", 2)], [work()], north, south, months=1))
    assert {c.term for c in found.clauses} == {"part", "other"}
    # either gives 20% of 1000 Mtok: North's gives, then 600 at South: 400 x 3 + 600 x 2; South's: 600 x 3 + 400 x 2
    assert ways(found) == [("part", D("200.000"), D("2400.000")), ("other", D("200.000"), D("2600.000"))]


def test_it_prefers() -> None:
    case = two_clouds(share(**{"at-least": "25%"}))
    (term,) = case.terms
    (chat,) = case.workloads
    verdict = term.judge(chat.facts, case.offer_facts["north-api"])
    assert verdict.permission == "prefer"
    assert str(verdict.reason) == "at least 25% of work goes to provider: north [part]"
    assert term.judge(chat.facts, case.offer_facts["south-api"]).permission == "permit"


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ({}, "says neither `at-least` nor `at-most`"),
        ({"at-least": "50%", "at-most": "40%"}, "at least 50% is more than at most 40%"),
    ],
)
def test_mistakes(term: dict[str, Any], message: str) -> None:
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], agreement(share(**term))))
    assert only.startswith(message), only


def test_work_in_two_units_has_no_share() -> None:
    offers = [tokens("north", 1), gpus("north", 1)]
    (found,) = mistakes(data_of(offers, [work(), compute()], agreement(share(**{"at-least": "10%"}))))
    assert found.startswith("`part` counts work in different units: GPU-hour (`research`) and Mtok (`chat`)")


def test_what_is_taken_in_two_units_has_no_share() -> None:
    offers = [tokens("north", 1), gpus("north", 1)]
    term = share(measure="taken", **{"at-least": "10%"})
    (found,) = mistakes(data_of(offers, [work(), compute()], agreement(term)))
    what = "counts what is taken in different units: GPU-hour (`north-gpus`) and Mtok (`north-api`)"
    assert what in found
    (narrowed,) = solved(build(offers, [work(), compute()], agreement(term | {"of": {"workload": "chat"}}))).clauses
    assert narrowed.term == "part"
