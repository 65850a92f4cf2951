"""Conflicts: the clauses named are a minimal set, each way out works and costs what it says; and `check`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from detente.case.case import Case
from detente.errors import CaseError
from detente.planner import check as checking
from detente.planner.check import check
from detente.planner.solve import plan
from detente.planner.solving.model import Model
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from tests.builders import (
    EXACT,
    D,
    Data,
    agreement,
    build,
    compute,
    gpus,
    refused,
    solved,
    tokens,
    two_clouds,
    ways,
    work,
)
from tests.drawing import drawing
from tests.drawn_cases import cases

CHEAP = [tokens("north", 3), tokens("south", 2)]


def exclusive(name: str, **more: Any) -> Data:
    return {"id": name, "kind": "exclusivity", "text": f"Words of {name}."} | more


def both_exclusive() -> Case:
    north = agreement(exclusive("to-north"), {"id": "harmless", "kind": "discount", "off": "1%"}, party="north")
    south = agreement(
        exclusive("to-south"), {"id": "idle-cap", "kind": "spending-cap", "amount": "1 bn USD"}, party="south"
    )
    return build(CHEAP, [work()], north, south, months=2)


# -- which clauses ---------------------------------------------------------------------------------------
def test_only_those_that_collide_are_named() -> None:
    found = refused(both_exclusive())
    assert [(c.term, c.agreement, c.text) for c in found.clauses] == [
        ("to-north", "north-deal", "Words of to-north."),
        ("to-south", "south-deal", "Words of to-south."),
    ]
    assert found.clauses[0].sentence == "everything runs only on north"
    assert found.facts == ("`chat` must be served: it has no `value`, so it cannot go unserved",)


def test_with_a_value_there_is_no_conflict() -> None:
    north, south = agreement(exclusive("a"), party="north"), agreement(exclusive("b"), party="south")
    found = solved(build(CHEAP, [work(value="9 USD per Mtok")], north, south, months=1))
    assert (found.cost, found.unserved_cost) == (D(9000), D(9000))


FLOOR: Data = {"id": "asked", "kind": "minimum-commitment", "measure": "after-discounts", "shortfall": "forbidden"}
CAP: Data = {"id": "asked", "kind": "spending-cap"}
OFF: Data = {"id": "price", "kind": "discount", "off": "50%"}
RISE: Data = {"id": "price", "kind": "escalator", "by": "10%", "every": "1 month"}


@pytest.mark.parametrize(
    ("asked", "change", "found_ways"),
    [  # 3,000 a month, and 800 for mail: half is missing of a floor; a tenth more in February is too much for a cap
        (FLOOR | {"amount": "3000 USD"}, OFF, [("asked", 3_000, 4_600), ("price", 0, 7_600)]),
        (CAP | {"amount": "3100 USD"}, RISE, [("price", 0, 7_600), ("asked", 200, 7_900)]),
        (FLOOR | {"amount": "3001 USD"}, OFF, [("asked", 3_002, 4_600)]),  # a floor that no price reaches
        (CAP | {"amount": "2900 USD"}, RISE, [("asked", 500, 7_900)]),
    ],
)
def test_a_change_of_prices_is_named_where_clauses_collide_by_it(
    asked: Data, change: Data, found_ways: list[tuple[str, int, int]]
) -> None:
    deal = agreement(asked | {"windows": {"every": "month"}}, change | {"id": "price"}, party="north")
    idle = agreement({"id": "idle", "kind": "discount", "off": "20%"}, party="south")
    offers, mail = [tokens("north", 3), tokens("south", 1, model="s")], {"runs-on": {"models": ["s"]}}
    case = build(offers, [work(), work("mail", **mail)], deal, idle, months=2)
    found = refused(case)
    assert sorted(clause.term for clause in found.clauses) == sorted(name for name, _, _ in found_ways)
    assert ways(found) == found_ways
    minimal(case, found)
    answer = check(case)
    assert answer.conflict is not None
    assert answer.conflict.clauses == found.clauses


def test_price_clauses_of_which_none_can_stay_are_done_without_together() -> None:
    """1,000 USD less 20% twice are 640, and less 20% once 800: of 900 after discounts, 990 is enough."""
    floor = {**FLOOR, "amount": "900 USD"}
    twice: list[Data] = [{"id": f"d{n}", "kind": "discount", "off": "20%"} for n in (1, 2)]
    small: Data = {"id": "small", "kind": "discount", "off": "1%"}
    case = build([tokens("north", 1)], [work()], agreement(floor, *twice, small, combine="product"), months=1)
    found = refused(case)
    assert [(way.term, way.cost) for way in found.relaxations] == [
        ("asked", D("633.6")),
        ("d1", D(990)),
        ("d2", D(990)),
    ]
    assert found.relaxations[1].sentence == "do without it; only together with `d2`"
    minimal(case, found)


def test_a_credit_that_collides_with_a_floor_is_done_without() -> None:
    floor: Data = {**FLOOR, "amount": "900 USD", "measure": "after-credits"}
    credit: Data = {"id": "pool", "kind": "credit", "amount": "200 USD"}
    found = refused(build([tokens("north", 1)], [work()], agreement(floor, credit), months=1))
    assert [(way.term, way.cost) for way in found.relaxations] == [("asked", D(800)), ("pool", D(1000))]


def minimal(case: Case, found: Conflict) -> None:
    """Without any one of the clauses there is a plan for the rest of the set."""
    others = {t.id for t in case.terms} - {c.term for c in found.clauses}
    assert isinstance(plan(case.under(without=others)), Conflict), "the set alone is no conflict"
    for clause in found.clauses:
        left = plan(case.under(without={*others, clause.term}))
        assert isinstance(left, Plan), f"{clause.term} plays no part"


@pytest.mark.parametrize("months", [1, 3])
def test_three_that_collide_only_together(months: int) -> None:
    floors = [
        agreement({"id": f"{p}-part", "kind": "share", "at-least": "40%"}, party=p) for p in ("north", "south", "east")
    ]
    offers = [*CHEAP, tokens("east", 1)]
    case = build(offers, [work()], *floors, months=months)
    found = refused(case)
    assert {c.term for c in found.clauses} == {"north-part", "south-part", "east-part"}
    minimal(case, found)
    # any one gives 20%: 40% at each of the other two: 200, 400, 400
    assert ways(found) == [
        ("north-part", D("200.000") * months, months * D("1800.000")),
        ("south-part", D("200.000") * months, months * D("2000.000")),
        ("east-part", D("200.000") * months, months * D("2200.000")),
    ]


@drawing(26)
@given(case=cases(kinds=["exclusivity", "residency", "redundancy", "minimum-commitment", "share", "spending-cap"]))
def test_any_conflict_is_minimal_and_its_ways_out_are_sorted(case: Case) -> None:
    found = plan(case)
    if isinstance(found, Plan):
        return
    if found.clauses:
        minimal(case, found)
    else:
        assert isinstance(plan(case.under(without=[t.id for t in case.terms])), Conflict)
    costs = [w.cost for w in found.relaxations if w.cost is not None]
    assert costs == sorted(costs)
    assert {w.term for w in found.relaxations} <= {t.id for t in case.terms}
    assert all(w.given and all(g.amount > 0 for g in w.given) and w.sentence for w in found.relaxations)


# -- the ways out ----------------------------------------------------------------------------------------
def test_a_cap_raised_by_what_it_says_is_enough_and_costs_that() -> None:
    def world(most: str) -> Case:
        cap = {"id": "cap", "kind": "spending-cap", "amount": f"{most} USD"}
        return build(CHEAP, [work()], agreement(cap, exclusive("only"), party="south"), months=1)

    found = refused(world("1500"))
    assert {c.term for c in found.clauses} == {"cap", "only"}
    by_term = {w.term: w for w in found.relaxations}
    # the cap: 500 more, all at South for 2000; or 250 Mtok elsewhere: 750 x 2 + 250 x 3
    assert ways(found) == [("cap", D("500.000"), D("2000.000")), ("only", D("250.000"), D("2250.000"))]
    assert by_term["cap"].sentence.startswith("raise the cap by 500.00 USD")
    assert solved(world("2000")).cost == D(2000)
    assert isinstance(plan(world("1999.9")), Conflict)


def test_a_share_lowered_by_what_it_says_is_enough_and_costs_that() -> None:
    def world(share: str) -> Case:
        floor = {"id": "part", "kind": "share", "at-least": share}
        offers = [tokens("north", 3, capacity="0.5 Mtok per hour"), tokens("south", 2)]
        return build(offers, [work(demand="744 Mtok per month")], agreement(floor), months=1)

    found = refused(world("70%"))
    # North has 0.5 of the 0.7 Mtok an hour: 148.8 Mtok are missing; then 372 at North, 372 at South
    assert ways(found) == [("part", D("148.800"), D("1860.000"))]
    assert any(fact.startswith("`north-api` has no more capacity (") for fact in found.facts)
    assert solved(world("50%")).cost == D(1860)


def test_a_commitment_lowered_by_what_it_says_is_enough_and_costs_that() -> None:
    def world(amount: str) -> Case:
        floor = {"id": "floor", "kind": "minimum-commitment", "amount": amount, "shortfall": "forbidden"}
        floor["windows"] = {"every": "month"}  # type: ignore[assignment]
        return build(CHEAP, [work()], agreement(floor), months=2)

    found = refused(world("3500 USD"))
    # 1000 Mtok at 3 in each month: 500 short, twice; 6000
    assert ways(found) == [("floor", D("1000.000"), D("6000.000"))]
    assert found.relaxations[0].sentence == (
        "accept a shortfall of 1.00 k USD against this commitment (Jan 2026: 500.00 USD; Feb 2026: 500.00 USD)"
    )
    assert solved(world("3 k USD")).cost == D(6000)


def test_money_in_billions() -> None:
    offers = [gpus("north", 3, capacity="10 M GPU"), gpus("south", 2, capacity="10 M GPU")]
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "250 bn USD", "shortfall": "forbidden"}
    found = refused(build(offers, [compute(demand="9 M GPU")], agreement(floor), months=12))
    (way,) = found.relaxations
    # 9 M x 8760 hours x 3 USD = 236.52 bn: 13.48 bn short
    assert abs(way.given[0].amount - D("13.48e9")) < D("1e5")
    assert way.cost is not None
    assert abs(way.cost - D("236.52e9")) < D("1e6")


def test_none_alone_is_enough() -> None:
    # two clauses that forbid the same thing twice: either alone changes nothing, so each set is one clause and
    # both must give
    north = agreement(exclusive("a"), exclusive("b"), party="north")
    only_south = [tokens("south", 2)]
    found = refused(build(only_south, [work()], north, months=1))
    assert len(found.clauses) == 1
    ways = {w.term: w for w in found.relaxations}
    assert {name: [other.term for other in way.together] for name, way in ways.items()} == {"a": ["b"], "b": ["a"]}
    assert ways["a"].sentence.endswith("; only together with `b`")
    assert ways["a"].cost == ways["b"].cost


def test_ways_out_that_suffice_alone_stand_alone() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "3 k USD", "shortfall": "forbidden"}
    found = refused(build([tokens("north", 2), tokens("south", 1)], [work()], agreement(floor), months=1))
    assert found.relaxations
    assert all(way.together == () for way in found.relaxations)
    assert not any("together" in way.sentence for way in found.relaxations)


def test_whole_units_collide_with_a_cap() -> None:
    """A conflict that only whole units show: 0.5 GPU would fit under the cap, one GPU does not."""
    cap = {"id": "cap", "kind": "spending-cap", "amount": "1000 USD"}
    case = build([gpus("north", 2)], [compute(demand="0.5 GPU")], agreement(cap), months=1)
    found = refused(case)
    assert [c.term for c in found.clauses] == ["cap"]
    # a GPU costs 2 x 744 = 1488
    assert ways(found) == [("cap", D("488.000"), D("1488.000"))]


# -- can this be signed? ---------------------------------------------------------------------------------
def disputed(**readings: Data) -> Case:
    term = exclusive("only", readings={name: {"of": scope} for name, scope in readings.items()})
    chat = work(labels={"api": "stateless"})
    agents = work("agents", labels={"api": "stateful"})
    floor = {"id": "part", "kind": "share", "at-least": "20%"}
    return build(CHEAP, [chat, agents], agreement(term), agreement(floor, party="south"), months=1)


def test_yes() -> None:
    found = check(two_clouds(exclusive("only")))
    assert (found.answer, found.conflict, found.readings) == ("yes", None, {None: None})


def test_no() -> None:
    found = check(both_exclusive())
    assert found.answer == "no"
    assert found.conflict is not None
    assert [c.term for c in found.conflict.clauses] == ["to-north", "to-south"]


def test_it_depends_on_the_reading() -> None:
    case = disputed(letter={"api": "stateless"}, spirit={"api": ["stateless", "stateful"]})
    found = check(case)
    assert found.answer == "depends"
    assert found.readings["letter"] is None
    conflict = found.readings["spirit"]
    assert conflict is not None
    assert conflict.reading == "spirit"
    assert {c.term for c in conflict.clauses} == {"only", "part"}
    # South is owed 20% of 2000 Mtok: 400 leave North, or the share gives 400
    assert {(t, a) for t, a, _ in ways(conflict)} == {("only", D("400.000")), ("part", D("400.000"))}


def test_one_reading_alone() -> None:
    case = disputed(letter={"api": "stateless"}, spirit={"api": ["stateless", "stateful"]})
    assert check(case, "letter").answer == "yes"
    assert check(case, "spirit").answer == "no"
    with pytest.raises(CaseError, match="no clause has a reading `ghost`"):
        check(case, "ghost")


def test_paying_off_is_not_performing() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD", "shortfall": {"fee": "10%"}}
    case = build(CHEAP, [work()], agreement(floor), months=1)
    assert solved(case).cost == D(2000 + 900)  # a plan pays
    found = check(case)
    assert found.answer == "no"
    assert found.conflict is not None
    (way,) = found.conflict.relaxations  # to spend 3,000 at North and pay 600 would be 1,000 dearer than at South
    assert (way.term, way.given[0].amount, way.owed, way.cost) == ("floor", D(9000), D(900), D(2900))


def test_take_or_pay_is_performed_either_way() -> None:
    term = {
        "id": "take",
        "kind": "take-or-pay",
        "offer": "north-gpus",
        "quantity": "8 GPU",
        "price": "3 USD per GPU-hour",
    }
    assert check(build([gpus("north", 3)], [compute(demand="1 GPU")], agreement(term), months=1)).answer == "yes"


def test_whole_units_count() -> None:
    cap = {"id": "cap", "kind": "spending-cap", "amount": "1000 USD"}
    case = build([gpus("north", 2)], [compute(demand="0.5 GPU")], agreement(cap), months=1)
    assert check(case).answer == "no"


@pytest.mark.parametrize(("capacity", "answer"), [("2 GPU", "no"), ("3 GPU", "yes")])
def test_units_are_searched_only_where_neither_dividing_nor_rounding_them_tells(
    monkeypatch: pytest.MonkeyPatch, capacity: str, answer: str
) -> None:
    monkeypatch.setattr(checking, "steady_point", lambda *asked: None)  # it would tell of so small a case
    monkeypatch.delattr(Model, "solve_as")
    assert check(build([gpus("north", 3, capacity=capacity)], [compute(demand="2.5 GPU")], months=1)).answer == answer


@drawing(16)
@given(case=cases(most=2))
def test_what_can_be_signed_can_be_planned(case: Case) -> None:
    answer = check(case).answer
    found = plan(case, gap=EXACT)
    if answer == "yes":
        assert isinstance(found, Plan)
    if isinstance(found, Conflict):
        assert answer == "no"


def test_demand_and_capacity_that_collide_without_a_clause() -> None:
    # January has 744 hours: 1 Mtok of each is 744 Mtok; both need 1000, so neither alone is to blame
    offers = [tokens("north", 3, capacity="1 Mtok per hour"), tokens("south", 2, model="n", capacity="1 Mtok per hour")]
    chat, mail = (
        work("chat", "1000 Mtok per month"),
        work("mail", "1000 Mtok per month", **{"runs-on": {"models": ["n"]}}),
    )
    found = refused(build(offers, [chat, mail], months=1))
    assert (found.clauses, found.relaxations) == ((), ())
    demand, capacity = found.facts
    assert demand in {f"`{name}` must be served: it has no `value` (1.00 k Mtok in all)" for name in ("chat", "mail")}
    assert capacity.endswith("(1 Mtok per hour: 744.00 Mtok in all)")


def two_disputes() -> Case:
    """South is owed 20%; `only` decides whether it gets that, and `research` speaks of work that runs on its own."""
    only = exclusive("only", readings={"letter": {"of": {"api": "stateless"}}, "spirit": {}})
    other: Data = {"id": "cap", "kind": "spending-cap", "amount": "9 M USD"}
    other |= {"readings": {"narrow": {"of": {"api": "stateless"}}, "wide": {}}}
    works = [work(labels={"api": "stateless"}), work("agents", labels={"api": "stateful"})]
    floor = {"id": "part", "kind": "share", "at-least": "20%"}
    return build(CHEAP, works, agreement(only, other), agreement(floor, party="south"), months=1)


def test_readings_that_change_nothing_are_folded() -> None:
    found = check(two_disputes())
    assert (found.answer, found.folded) == ("depends", 2)
    assert {name: conflict is None for name, conflict in found.readings.items()} == {
        "only=letter": True,
        "only=spirit": False,
    }
    assert found.conflict is not None
    assert found.conflict.reading == "only=spirit"
    assert {c.term for c in found.conflict.clauses} == {"only", "part"}


def test_one_clause_read_and_the_others_tried() -> None:
    found = check(two_disputes(), "spirit")
    assert (found.answer, list(found.readings), found.folded) == ("no", ["only=spirit"], 1)
    assert check(two_disputes(), "only=letter,wide").answer == "yes"
