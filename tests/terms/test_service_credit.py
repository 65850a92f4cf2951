"""Service credits, by hand: bands on availability. North 3 USD per Mtok; 1000 Mtok a month: 3000 USD a month."""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    charged,
    data_of,
    day,
    mistakes,
    posted,
    postings,
    solved,
    tokens,
    two_clouds,
    use,
    work,
)

EC2 = [
    {"below": "99.99%", "credit": "10%"},
    {"below": "99%", "credit": "30%"},
    {"below": "95%", "credit": "100%"},
]
"""The bands of Amazon's compute service level agreement."""


def clause(*measured: Data, **more: Any) -> Data:
    return {"id": "sla", "kind": "service-credit", "bands": EC2, "measured": list(measured)} | more


def alone(*measured: Data, **more: Any) -> Case:
    return build([tokens("north", 3)], [work()], agreement(clause(*measured, **more)))


@pytest.mark.parametrize(
    ("availability", "back"),
    [("100%", 0), ("99.99%", 0), ("99.98%", 300), ("99%", 300), ("98.99%", 900), ("95%", 900), ("94.9%", 3000)],
)
def test_the_worst_band_that_it_falls_below(availability: str, back: int) -> None:
    found = solved(alone({"on": "2026-02-01", "availability": availability}))
    assert found.cost == D(18_000 - back)
    assert postings(found, "sla") == ({("service-credit", 1): D(-back)} if back else {})


def test_a_cap_in_all_is_used_up_in_order() -> None:
    """300 USD a month for three months, at most 700: 300, 300 and 100; a window at a time as in a batch."""
    bad = [{"on": f"2026-0{n}-01", "availability": "99.5%"} for n in (1, 3, 5)]
    case = alone(*bad, cap="700 USD")
    found = solved(case)
    assert postings(found, "sla") == {("service-credit", n): D(-back) for n, back in ((0, 300), (2, 300), (4, 100))}
    assert found.cost == D(18_000 - 700)
    assert ", at most 700.00 USD in all; 3 measured" in case.terms[0].explain().sentence


def test_what_nobody_measured_gives_nothing() -> None:
    found = alone()
    assert solved(found).cost == D(18_000)
    assert "none is measured, so nothing is counted on" in found.terms[0].explain().sentence


def test_known_credit_moves_work() -> None:
    # 30% off 3 is 2.10, more than South's 2; all of it is less: February runs at North for nothing
    for availability, cost in (("98%", 12_000), ("90%", 10_000)):
        assert solved(two_clouds(clause({"on": "2026-02-28", "availability": availability}))).cost == D(cost)


def test_it_must_be_claimed_in_time() -> None:
    low = {"on": "2026-01-05", "availability": "98%"}
    assert charged(solved(alone(low, **{"claim-within": "2 months"})), "sla") == 0
    in_time = low | {"claimed": "2026-03-31"}
    assert charged(solved(alone(in_time, **{"claim-within": "2 months"})), "sla") == D(-900)
    late = alone(low, **{"claim-within": "2 months"}).signed[0]
    assert [str(r.on) for r in late.reminds(day("2026-01-01"), day("2027-01-01"))] == ["2026-03-31"]


def test_account_of_metered_use() -> None:
    found = alone({"on": "2026-02-01", "availability": "98%"})
    # a line of twenty days, of which ten are in February: 30% of half of 800
    line = use(found, "chat", "north-api", "2026-01-22", "2026-02-11", 1, 800)
    assert [p.amount for p in posted(found, "sla", line)] == [D(-120)]


def wrong(*measured: Data, **more: Any) -> str:
    (only,) = mistakes(data_of([tokens("north", 3)], [work()], agreement(clause(*measured, **more))))
    return only


def test_mistakes() -> None:
    one, two = ({"on": f"2026-01-0{n}", "availability": "98%"} for n in (1, 2))
    assert wrong(one, two) == "2026-01-02 and 2026-01-01 are in one window (Jan 2026); keep one of them"
    assert wrong(one | {"on": "2036-01-01"}).startswith("2036-01-01 is in no window (Jan 2026 – Jun 2026)")
    late = one | {"claimed": "2026-04-01"}
    assert wrong(late, **{"claim-within": "2 months"}).startswith(
        "was claimed on 2026-04-01, and the last day for it was 2026-03-31"
    )
    early = one | {"on": "2026-03-01", "claimed": "2016-03-20"}
    assert wrong(early, **{"claim-within": "2 months"}).startswith(
        "was claimed on 2016-03-20, before Mar 2026, for which"
    )
    assert mistakes(data_of([tokens("north", 3)], [work()], agreement(clause(early | {"claimed": "2026-03-20"})))) == []
    assert wrong(bands=EC2[::-1]).startswith("the bands are not from the mildest to the worst")
    other = clause() | {"id": "other"}
    both = mistakes(data_of([tokens("north", 3)], [work()], agreement(clause(), other)))
    assert both[0].startswith("`other` and `sla` together give more than 100% of what `north-api` costs")
