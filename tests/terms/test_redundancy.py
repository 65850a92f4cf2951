"""Redundancy, by hand. January has 744 hours; 744 Mtok are one Mtok an hour."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from detente.case.case import Case
from detente.contract.roles import ConcedesPart
from detente.results.plan import Plan
from tests.builders import D, agreement, build, compute, gpus, placed, refused, solved, tokens, ways, work


def world(share: str, caps: dict[str, str], *more: dict[str, Any], **how: Any) -> Case:
    prices = {"north": 3, "south": 2, "east": "2.5"}
    offers = [tokens(p, prices[p], capacity=f"{c} Mtok per hour") for p, c in caps.items()]
    term = {"id": "spare", "kind": "redundancy", "survives": share}
    chat = work(demand="744 Mtok per month", **how)
    return build(offers, [chat], agreement(term, party="self"), *more, months=1)


def survivors(found: Plan, lost: str) -> D:
    """Work that could run on in January without one provider."""
    rows: list[Any] = [*found.allocations, *found.standby]
    return sum((row.work for row in rows if row.provider != lost), D(0))


def test_one_provider_survives_nothing() -> None:
    found = refused(world("1%", {"south": "2"}))
    assert [c.term for c in found.clauses] == ["spare"]
    # nothing of it would survive, at 744 x 2
    (way,) = found.relaxations
    assert (way.given[0].amount, way.cost) == (D("0.01"), D(1488))
    assert way.sentence == "let 0% of everything survive the loss of any one provider, not 1%"
    assert solved(world("0%", {"south": "2"})).cost == D(1488)


def test_two_providers() -> None:
    found = solved(world("60%", {"south": "1", "north": "0.6"}))
    # all at South for 744 x 2; 60% stands by at North, which just holds it
    assert found.cost == D(1488)
    assert survivors(found, "south") >= D("446.4")
    assert [(s.offer, s.work) for s in found.standby] == [("north-api", D("446.4"))]


def test_two_providers_with_too_little() -> None:
    # if South is lost, North has 0.6 of 0.8
    found = refused(world("80%", {"south": "1", "north": "0.6"}))
    assert [c.term for c in found.clauses] == ["spare"]
    assert found.relaxations[0].given[0].amount == D("0.2")
    assert any(fact.startswith("`north-api` has no more capacity (") for fact in found.facts)


def test_three_providers() -> None:
    found = solved(world("100%", {"south": "0.6", "north": "0.6", "east": "0.6"}))
    # the cheapest: 0.6 at South, 0.4 at East: 744 x (0.6 x 2 + 0.4 x 2.5); any two have 1.2 for 1.0
    assert found.cost == D("1636.8")
    for lost in ("north", "south", "east"):
        assert survivors(found, lost) >= D("743.999999")


def test_standby_takes_the_place_of_work() -> None:
    """Capacity kept for the loss of one cannot serve another at the same time."""
    offers = [tokens("south", 2, capacity="1 Mtok per hour"), tokens("north", 3, capacity="1 Mtok per hour")]
    term = {"id": "spare", "kind": "redundancy", "survives": "100%", "of": {"workload": "chat"}}
    each = [work("chat", "744 Mtok per month"), work("mail", "372 Mtok per month", value="9 USD per Mtok")]
    found = solved(build(offers, each, agreement(term, party="self"), months=1))
    # chat needs 1.0 at each of the two, so mail has no room: 744 x 2 + 372 x 9
    assert (found.cost, placed(found, "mail")) == (D(1488 + 3348), {})


def test_standby_on_reserved_capacity_is_bought() -> None:
    offers = [
        gpus("south", 2, capacity="4 GPU"),
        gpus("north", 1, buy="reserved", term="1 month", id="north-reserved"),
    ]
    term = {"id": "spare", "kind": "redundancy", "survives": "50%"}
    found = solved(build(offers, [compute(demand="4 GPU")], agreement(term, party="self"), months=1))
    # all four at North for 1; two could move to South at once: 4 x 1 x 744
    assert found.cost == D(4 * 744)
    dear = [gpus("south", 2, capacity="4 GPU"), gpus("north", 3, buy="reserved", term="1 month", id="north-reserved")]
    found = solved(build(dear, [compute(demand="4 GPU")], agreement(term, party="self"), months=1))
    # two must be held at North, so they are used: (2 x 3 + 2 x 2) x 744
    assert found.cost == D(10 * 744)


def test_what_may_go_unserved_must_still_survive() -> None:
    # without a second provider, leaving it unserved does not serve 50% of demand either
    assert [c.term for c in refused(world("50%", {"south": "2"}, value="9 USD per Mtok")).clauses] == ["spare"]


def test_against_an_exclusive_clause() -> None:
    only = agreement({"id": "only", "kind": "exclusivity"}, party="north")
    found = refused(world("50%", {"south": "1", "north": "1"}, only))
    assert {c.term for c in found.clauses} == {"spare", "only"}
    # half may leave North: then half runs at South: 372 x 2 + 372 x 3; or none survives: 744 x 3
    assert ways(found) == [("only", D("372.000"), D("1860.000")), ("spare", D("0.500"), D("2232.000"))]


def test_a_workload_says_it_itself() -> None:
    offers = [tokens("south", 2, capacity="1 Mtok per hour"), tokens("north", 3, capacity="1 Mtok per hour")]
    case = build(offers, [work("chat", "744 Mtok per month", survives="50%")], months=1)
    found = solved(case)
    assert [c.term for c in found.clauses] == ["chat.survives"]
    assert survivors(found, "south") >= D("0.5")


def test_in_force_for_a_part_of_a_month() -> None:
    offers = [tokens("south", 2), tokens("north", 3, capacity="0.5 Mtok per hour")]
    term = {"id": "spare", "kind": "redundancy", "survives": "50%", "from": "2026-02-10"}
    found = solved(build(offers, [work("chat", "600 Mtok per month")], agreement(term, party="self"), months=2))
    # from February on, all of it (decision 0009)
    assert {s.period for s in found.standby} == {1}


def test_no_less_than_nothing_is_said_to_survive() -> None:
    """Of half of the work, a solver may give away a billionth more than there is."""
    (clause,) = world("50%", {"south": "2"}).terms
    assert isinstance(clause, ConcedesPart)
    said = [clause.concede_part("share", Fraction(each)) for each in ("0.500000001", "0.4999999999", "0.123456")]
    assert [text.split()[1] for text in said] == ["0%", "0%", "37.65%"]
