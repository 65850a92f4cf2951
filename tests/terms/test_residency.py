"""Residency, by hand. North is in Ireland (3 USD per Mtok), East in Germany (2.5), South in the United States (2)."""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from detente.results.plan import Plan
from tests.builders import D, agreement, build, placed, refused, solved, tokens, work

OFFERS = [tokens("north", 3), tokens("east", "2.5"), tokens("south", 2)]


def world(within: list[str], offers: list[Any] = OFFERS, **more: Any) -> Case:
    term = {"id": "stays", "kind": "residency", "within": within} | more
    each = [work("chat", labels={"data": "eu"}), work("mail", labels={"data": "world"})]
    return build(offers, each, agreement(term, party="self"), months=1)


@pytest.mark.parametrize(
    ("within", "home", "cost"),
    [
        (["EU"], "east-api", 5000),  # 2 x 1000 x 2.5
        (["EEA"], "east-api", 5000),
        (["IE"], "north-api", 6000),  # 2 x 1000 x 3
        (["US"], "south-api", 4000),  # 2 x 1000 x 2
        (["IE", "US"], "south-api", 4000),
    ],
)
def test_areas(within: list[str], home: str, cost: int) -> None:
    found = solved(world(within))
    assert (placed(found), found.cost) == ({home: D(2000)}, D(cost))


def test_only_what_is_covered() -> None:
    found = solved(world(["EU"], of={"data": "eu"}))
    # chat in the EU 1000 x 2.5, mail at South 1000 x 2
    assert found.cost == D(4500)
    assert placed(found, "mail") == {"south-api": D(1000)}


def test_carved_out() -> None:
    found = solved(world(["EU"], **{"except": [{"workload": "chat"}]}))
    assert (placed(found, "chat"), placed(found, "mail")) == ({"south-api": D(1000)}, {"east-api": D(1000)})


def test_the_refusal_says_where_it_is() -> None:
    found = solved(world(["EU"]))
    sentence = {d.offer: d.sentence for d in found.decisions if d.workload == "chat"}["south-api"]
    assert sentence == "not here: everything stays in EU, and `texas` is in US"


def test_readings() -> None:
    readings = {"letter": {"of": {"data": "eu"}}, "spirit": {"of": {"data": ["eu", "world"]}}}
    case = world(["EU"], readings=readings)
    # letter: 2500 + 2000; spirit: 2 x 2500
    assert [solved(case.under(reading=r)).cost for r in ("letter", "spirit")] == [D(4500), D(5000)]


def test_nowhere_to_go() -> None:
    """The case has a region in Ireland, and nothing is sold there."""
    found = refused(world(["IE"], OFFERS[1:]))
    assert [c.term for c in found.clauses] == ["stays"]
    (way,) = found.relaxations
    # both workloads, 1000 Mtok each, would have to leave; at South, for 2 x 1000 x 2
    assert (way.given[0].amount, way.given[0].unit, way.cost) == (D(2000), "Mtok", D(4000))
    assert way.sentence == "let 2.00 k Mtok of everything run outside IE (Jan 2026: 2.00 k Mtok)"


def test_readings_leave_the_plan_with_its_reading() -> None:
    case = world(["EU"], readings={"letter": {"of": {"data": "eu"}}}).under(reading="letter")
    found = solved(case)
    assert isinstance(found, Plan)
    assert found.reading == "letter"


@pytest.mark.parametrize(
    ("within", "said"),
    [
        (["FR"], r"no region of the case lies in `FR`\n    they lie in `DE`, `IE`, `US`\n1 mistake"),
        (["CH", "GB"], r"no region of the case lies in `CH` or `GB`\n    they lie in `DE`, `IE`, `US`\n1 mistake"),
        (["UK"], r"`UK` is neither a country nor an area\n    did you mean `GB`\?\n1 mistake"),
        (["eu"], r"`eu` is neither a country nor an area\n    did you mean `EU`\?\n1 mistake"),
        (["EW"], r"`EW` is neither a country nor an area\n    write .* `EU` or `EEA`\n1 mistake"),
    ],
)
def test_areas_that_are_none_or_hold_no_region(within: list[str], said: str) -> None:
    with pytest.raises(CaseError, match=said):
        world(within)


def test_one_area_of_several_may_hold_no_region() -> None:
    assert solved(world(["FR", "IE"])).cost == D(6000)
