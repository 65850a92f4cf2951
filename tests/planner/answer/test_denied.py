"""Marginal prices of what clauses deny: in round figures, and against programs that let a little of it through."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.market.offer import TokenOffer
from detente.planner.answer.denied import NO_PRICE, Denied
from detente.planner.answer.easing import Easing
from detente.planner.formulation.arc import Arc
from detente.planner.formulation.owner import Owner
from detente.planner.solve import plan
from detente.planner.solving.incumbent import Incumbent
from detente.planner.solving.solution import Solution
from detente.planner.study import Study
from detente.results.plan import Plan
from tests.drawing import drawing

Data = dict[str, Any]
D = Decimal
HOURS = 90 * 24  # of the first quarter of 2026


def world(*offers: Data, terms: list[Data], workloads: list[Data] | None = None, **more: Any) -> Case:
    """Two providers of one accelerator, for a quarter; clauses with `a`."""
    return Case.of(
        {
            "name": "denied",
            "horizon": {"start": "2026-01", "end": "2026-04", "every": "month"},
            "providers": [{"id": p, "name": p, "regions": {"r": {"country": "DE"}}} for p in ("a", "b", "c")],
            "offers": list(offers),
            "workloads": workloads or [work("w", "9 GPU", "v")],
            "agreements": [{"id": "aa", "with": "a", "effective": "2026-01", "terms": terms}],
            **more,
        }
    )


def gpus(provider: str, price: str, **more: Any) -> Data:
    common: Data = {"id": f"o{provider}", "kind": "gpu", "provider": provider, "region": "r", "accelerator": "X"}
    return {**common, "price": f"{price} USD per GPU-hour", **more}


def tokens(*offers: Data, demand: str = "100 Mtok per hour", terms: list[Data] | None = None, **more: Any) -> Case:
    """The same of one model, which also runs on the accelerator."""
    runs_on = {"models": ["m"], "accelerators": {"X": "3 Mtok per GPU-hour"}}
    needs = work("w", demand, "v", **{"runs-on": runs_on, "mix": {"output": "50%"}})
    return world(*offers, terms=terms or [EXCLUSIVE], workloads=[needs], **more)


def token_offer(price: str, **more: Any) -> Data:
    both = dict.fromkeys(("input", "output"), f"{price} USD per Mtok")
    return {"id": "oa", "kind": "tokens", "provider": "a", "region": "r", "model": "m", "price": both, **more}


def throughput(price: str, **more: Any) -> Data:
    common: Data = {"id": "ob", "kind": "provisioned", "provider": "b", "region": "r", "model": "m"}
    return {**common, "throughput": "1 Mtok per hour", "price": f"{price} USD per unit-hour", **more}


def work(name: str, demand: str, label: str, **more: Any) -> Data:
    common: Data = {"id": name, "kind": "inference", "labels": {"k": label}, "runs-on": {"accelerators": {"X": 1}}}
    return {**common, "demand": demand, **more}


IDLE: list[Data] = [{}, {"idle": "allowed"}, {"idle": "reserved"}, {"idle": "forbidden"}]
EXCLUSIVE: Data = {"id": "x", "kind": "exclusivity", "of": {"k": "v"}}


def prices(case: Case) -> list[tuple[Decimal, str, Decimal | None]]:
    found = plan(case)
    assert isinstance(found, Plan)
    return [(m.price, m.unit, m.saves) for c in found.clauses for m in c.marginal if m.part == "denied"]


# -- in round figures ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("others", [[], [work("w2", "1 GPU", "z")]])
def test_it_is_the_difference_of_two_prices_whether_or_not_others_use_the_offer(others: list[Data]) -> None:
    case = world(gpus("a", "3"), gpus("b", "2"), terms=[EXCLUSIVE], workloads=[work("w", "9 GPU", "v"), *others])
    hours = [31 * 24, 28 * 24, 31 * 24]
    assert prices(case) == [(D(1), "USD per GPU-hour", D(9 * h)) for h in hours]


def test_of_several_workloads_the_one_that_would_save_the_most_sets_the_price() -> None:
    """9 GPUs X would save 1 an hour each, and 4 GPUs Y 2."""
    other = work("w2", "4 GPU", "v", **{"runs-on": {"accelerators": {"Y": 1}}})
    sold = [gpus("a", "5", id="ay", accelerator="Y"), gpus("b", "3", id="by", accelerator="Y")]
    both = [work("w", "9 GPU", "v"), other]
    case = world(gpus("a", "3"), gpus("b", "2"), *sold, terms=[EXCLUSIVE], workloads=both)
    assert prices(case) == [(D(2), "USD per GPU-hour", D(17 * h)) for h in (31 * 24, 28 * 24, 31 * 24)]


def test_denied_work_shares_the_room_of_an_offer_and_goes_on_to_the_next_best() -> None:
    """18 GPUs at 3; there are 4 at 2 and 5 at 2.50, for either workload: 4 + 5 / 2 an hour, and no more."""
    both = [work("w", "9 GPU", "v"), work("w2", "9 GPU", "v")]
    cheap, next_best = gpus("b", "2", capacity="4 GPU"), gpus("c", "2.50", capacity="5 GPU")
    case = world(gpus("a", "3"), cheap, next_best, terms=[EXCLUSIVE], workloads=both)
    assert prices(case) == [(D(1), "USD per GPU-hour", D("6.5") * h) for h in (31 * 24, 28 * 24, 31 * 24)]
    free = plan(case.under(without=["x"]))
    assert isinstance(free, Plan)
    assert free.cost == D(18 * 3 * HOURS) - D("6.5") * HOURS


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ({"kind": "credit", "rate": "30%"}, "0.1"),  # of 3 there are 2.10 left to pay, and 2 elsewhere
        ({"kind": "volume-discount", "tiers": [{"from": "0 USD", "off": "30%"}], "method": "graduated"}, "0.1"),
        # 58,320 USD at list: beyond 20,000 a dollar is 70 cents, and so is the one that would be spent elsewhere
        ({"kind": "volume-discount", "tiers": [{"from": "20 k USD", "off": "30%"}], "method": "graduated"}, "0.1"),
        ({"kind": "credit", "amount": "1 k USD"}, "1"),  # used up either way
        ({"kind": "minimum-commitment", "amount": "58320 USD"}, None),  # met to the dollar: what is left is a fee of 3
        ({"kind": "minimum-commitment", "amount": "58 k USD"}, "1"),
    ],
)
def test_what_is_given_back_where_work_runs_is_lost_with_it(term: Data, expected: str | None) -> None:
    terms = [EXCLUSIVE, term | {"id": "t"}]
    ending = {"id": "aa", "with": "a", "effective": "2026-01", "ends": "2026-04", "terms": terms}
    case = world(gpus("a", "3"), gpus("b", "2"), terms=[], agreements=[ending])
    assert {price for price, _, _ in prices(case)} == ({D(expected)} if expected else set())


def test_a_share_of_revenue_that_has_reached_its_cap_stays_there() -> None:
    """A tenth of 9 an hour would go with the work, were its cap of 1,000 not far below the 17,496 of all of it."""
    share: Data = {"id": "s", "kind": "revenue-share", "rate": "10%", "of": {"provider": "a"}, "cap": "1 k USD"}
    share |= {"until": "2026-04-01"}
    earning = work("w", "9 GPU", "v", revenue="9 USD per GPU-hour")
    case = world(gpus("a", "3"), gpus("b", "2"), terms=[EXCLUSIVE, share], workloads=[earning])
    assert {price for price, _, _ in prices(case)} == {D(1)}


def test_nothing_is_saved_where_the_denied_offer_is_dearer() -> None:
    assert prices(world(gpus("a", "2"), gpus("b", "3"), terms=[EXCLUSIVE])) == []


def test_what_would_go_unserved_at_a_high_value_saves_no_more_than_where_it_runs() -> None:
    case = world(
        gpus("a", "3"), gpus("b", "2"), terms=[EXCLUSIVE],
        workloads=[work("w", "9 GPU", "v", value="20 USD per GPU-hour")],
    )  # fmt: skip
    assert {price for price, _, _ in prices(case)} == {D(1)}


def test_what_is_saved_is_what_the_others_leave_room_for() -> None:
    """`b` has 5 GPUs at 1 and lends 4 to others: one more of 4 at 3 may run there, not all four."""
    case = world(
        gpus("a", "3", capacity="6 GPU"), gpus("b", "1", capacity="5 GPU"), gpus("c", "4"), terms=[EXCLUSIVE],
        workloads=[work("w", "4 GPU", "v"), work("z", "4 GPU", "z")],
    )  # fmt: skip
    assert prices(case) == [(D(2), "USD per GPU-hour", D(2 * h)) for h in (31 * 24, 28 * 24, 31 * 24)]


@pytest.mark.parametrize(("permitted", "price"), [([], "0.79"), (["2.10"], "0.802857143")])
def test_beside_a_share_one_unit_is_let_through_in_all(permitted: list[str], price: str) -> None:
    """Of one that is worth 2.20, 70% go to `c` at 1.44 and 30% to `a` at 1.34.

    With a permitted place at 2.10 all of it goes to `c`, and 30 / 70 more are permitted beside it, each worth 0.10.
    """
    lands = {"a": "DE", "b": "US", "c": "GB"}
    sold = [("a", "1.34"), ("c", "1.44"), *(("b", each) for each in permitted)]
    tokens = {"kind": "tokens", "region": "r", "model": "m"}
    case = Case.of(
        {
            "name": "share",
            "horizon": {"start": "2026-02", "end": "2026-03", "every": "month"},
            "providers": [{"id": p, "name": p, "regions": {"r": {"country": land}}} for p, land in lands.items()],
            "offers": [
                tokens | {"id": p, "provider": p, "price": dict.fromkeys(("input", "output"), f"{each} USD per Mtok")}
                for p, each in sold
            ],
            "workloads": [
                work("w", "10 Mtok per hour", "v", value="2.20 USD per Mtok", mix={"output": "50%"})
                | {"runs-on": {"models": ["m"]}}
            ],
            "agreements": [
                {"id": name, "with": party, "effective": "2026-02", "ends": "2026-03", "terms": [term]}
                for name, party, term in (
                    ("own", "self", {"id": "us", "kind": "residency", "of": {"k": "v"}, "within": ["US"]}),
                    ("theirs", "c", {"id": "share", "kind": "share", "at-least": "70%"}),
                )
            ],
        }
    )
    assert [each for each, _, _ in prices(case)] == [D(price)]


def test_of_an_offer_that_is_full_what_it_would_push_out_is_counted() -> None:
    case = world(
        gpus("a", "3"), gpus("b", "2", capacity="1 GPU"), gpus("c", "2.25"),
        terms=[{**EXCLUSIVE, "except": [{"provider": "c"}]}],
        workloads=[work("w", "9 GPU", "v"), work("w2", "1 GPU", "z")],
    )  # fmt: skip
    assert prices(case) == []  # `w` may run on `c`, and would push out `w2` to there


def test_a_reservation_that_stands_idle_costs_nothing_more() -> None:
    take = {
        "id": "least",
        "kind": "minimum-commitment",
        "amount": "38880 USD",
        "windows": {"every": "term"},
        "shortfall": "forbidden",
    }
    reserved = gpus("b", "2", buy="reserved", term="3 months", unit=1)
    case = world(
        gpus("a", "3"), reserved, terms=[],
        agreements=[
            {"id": "aa", "with": "a", "effective": "2026-01", "ends": "2026-04", "terms": [EXCLUSIVE]},
            {"id": "bb", "with": "b", "effective": "2026-01", "ends": "2026-04", "terms": [take]},
        ],
    )  # fmt: skip
    assert {price for price, _, _ in prices(case)} == {D(3)}


def test_a_reservation_is_paid_for_by_all_the_work_of_its_term() -> None:
    reserved = gpus("b", "2", buy="reserved", term="3 months")
    assert {price for price, _, _ in prices(world(gpus("a", "3"), reserved, terms=[EXCLUSIVE]))} == {D(1)}


@pytest.mark.parametrize(
    ("needed", "an_hour"),
    [
        ("8 GPU", 8),  # a unit of 8 at 16 an hour, for work that costs 24
        ("9 GPU", 8),  # the ninth would need a unit of its own
        ("6 GPU", 2),  # 18 an hour, and the unit costs 16
        ("5 GPU", 0),  # 15
        ("14 GPU", 10),  # 42, and two units 32
    ],
)
@pytest.mark.parametrize("more", [{}, {"buy": "reserved", "term": "3 months"}], ids=["rented", "reserved"])
def test_what_would_have_to_be_bought_is_bought_whole(needed: str, an_hour: int, more: Data) -> None:
    work_v, eights = work("w", needed, "v"), gpus("b", "2", unit=8, **more)
    case = world(gpus("a", "3"), eights, terms=[EXCLUSIVE], workloads=[work_v])
    bound, free = plan(case), plan(case.under(without=["x"]))
    assert isinstance(bound, Plan)
    assert isinstance(free, Plan)
    saved = sum((saves or 0 for _, _, saves in prices(case)), D(0))
    assert saved == an_hour * HOURS == bound.cost - free.cost
    assert {price for price, _, _ in prices(case)} == {D(1)}


def test_a_reservation_for_one_month_s_work_is_paid_for_by_that_of_the_others_too() -> None:
    """At 2 for the quarter, for what is 3 in January and 2.50 then: 744 and half of 1,416, over 744 hours."""
    reserved, ends = gpus("b", "2", buy="reserved", term="3 months"), {**EXCLUSIVE, "until": "2026-02-01"}
    case = world(gpus("a", "3"), reserved, gpus("c", "2.50"), terms=[ends])
    assert prices(case) == [(D("1.9516129"), "USD per GPU-hour", D(9 * (744 + 708)))]
    bound, free = plan(case), plan(case.under(without=["x"]))
    assert isinstance(bound, Plan)
    assert isinstance(free, Plan)
    assert bound.cost - free.cost == 9 * (744 + 708)


def test_a_term_in_which_nothing_would_be_saved_gives_a_reservation_no_price() -> None:
    """A reservation is just worth its price, of which a rounding below zero is left; January alone is denied.

    Its term may begin in any month: over those that do not reach January nothing is saved, and no work divides it.
    """
    h100 = [
        gpus("a", "3.10", unit=8, capacity="80 GPU"),
        gpus("b", "2.60", unit=8),
        {**gpus("b", "1.80", unit=8, buy="reserved", term="6 months"), "id": "reserved"},
    ]
    chat = work("chat", "58 GPU", "v", revenue="6 USD per GPU-hour")
    chat["demand"] = {"rate": "58 GPU", "growth": "4% per month"}
    train = {**work("train", "", "w"), "kind": "training", "work": "200 k GPU-hour", "from": "2026-03"}
    train |= {"deadline": "2026-10", "gang": "32 GPU"}
    del train["demand"]
    floors = [("249 k USD", 4, "2026-07"), ("249 k USD", 7, "2026-10"), ("156 k USD", 10, "2027-01")]
    case = Case.of(
        {
            "name": "terms",
            "horizon": {"start": "2026-01", "end": "2027-01", "every": "month"},
            "providers": [{"id": p, "name": p, "regions": {"r": {"country": "DE"}}} for p in ("a", "b")],
            "offers": h100,
            "workloads": [chat, train],
            "agreements": [
                {
                    "id": "aa",
                    "with": "a",
                    "effective": "2026-01",
                    "ends": "2027-01",
                    "terms": [
                        {
                            "id": "floor",
                            "kind": "minimum-commitment",
                            "amount": "2102 k USD",
                            "milestones": [{"by": "2026-07", "reach": "1007 k USD", "fee": "10%"}],
                        },
                        {**EXCLUSIVE, "from": "2026-01", "until": "2026-02"},
                        {
                            "id": "most",
                            "kind": "share",
                            "of": {"k": "v"},
                            "on": {"provider": "a"},
                            "at-least": "93%",
                            "from": "2026-10",
                            "until": "2026-11",
                        },
                    ],
                },
                {
                    "id": "ab",
                    "with": "b",
                    "effective": "2026-01",
                    "ends": "2027-01",
                    "terms": [
                        *(
                            {
                                "id": f"floor{month}",
                                "kind": "minimum-commitment",
                                "amount": amount,
                                "from": f"2026-{month:02}",
                                "until": until,
                            }
                            for amount, month, until in floors
                        ),
                        {
                            "id": "part",
                            "kind": "share",
                            "at-least": "30%",
                            "measure": "taken",
                            "windows": {"every": "quarter"},
                        },
                    ],
                },
            ],
        }
    )
    bound, free = plan(case), plan(case.under(without=["x"]))
    assert isinstance(bound, Plan)
    assert isinstance(free, Plan)
    assert all((saves or 0) <= max(bound.cost - free.cost, D(1)) for _, _, saves in prices(case))


@pytest.mark.parametrize("idle", IDLE)
@pytest.mark.parametrize("least", [{}, {"minimum": 10, "increment": 5}])
def test_units_of_throughput_come_with_the_work_that_may_use_them(idle: Data, least: Data) -> None:
    """100 Mtok an hour at 1; elsewhere a unit that serves one an hour costs 0.50, and 100 are ten and 18 times five."""
    case = tokens(token_offer("1"), throughput("0.50", **least), **idle)
    assert prices(case) == [(D("0.5"), "USD per Mtok", D(50 * h)) for h in (31 * 24, 28 * 24, 31 * 24)]


@pytest.mark.parametrize("idle", IDLE)
def test_reservations_come_with_the_work_that_may_use_them(idle: Data) -> None:
    """9 GPUs at 3, and reserved elsewhere at 2."""
    reserved = gpus("b", "2", buy="reserved", term="3 months")
    found = prices(world(gpus("a", "3"), reserved, terms=[EXCLUSIVE], **idle))
    assert {price for price, _, _ in found} == {D(1)}
    assert sum((saves or 0 for _, _, saves in found), D(0)) == 9 * HOURS


@pytest.mark.parametrize(("idle", "price"), [("forbidden", 4), ("reserved", 3)])
def test_a_reservation_that_comes_with_the_work_meets_a_floor(idle: str, price: int) -> None:
    """9 GPUs at 3; elsewhere at 2, with a fee of 1.50 for each dollar that is missing from a floor far above them.

    Where they may stand idle they were bought for the floor, and the work saves 3; else 3 and 2 times 1.50, less 2.
    """
    floor: Data = {"id": "least", "kind": "minimum-commitment", "amount": "50 k USD", "windows": {"every": "month"}}
    floor |= {"shortfall": {"fee": "150%"}}
    reserved = gpus("b", "2", buy="reserved", term="1 month")
    agreements = [
        {"id": name, "with": name, "effective": "2026-01", "ends": "2026-04", "terms": [term]}
        for name, term in (("a", EXCLUSIVE), ("b", floor))
    ]
    case = world(gpus("a", "3"), reserved, terms=[], agreements=agreements, idle=idle)
    assert {each for each, _, _ in prices(case)} == {D(price)}


def test_where_two_clauses_deny_the_same_work_to_lift_one_saves_nothing() -> None:
    twice = [EXCLUSIVE, {**EXCLUSIVE, "id": "y"}]
    assert prices(world(gpus("a", "3"), gpus("b", "2"), terms=twice)) == []


def test_units_are_never_joined() -> None:
    tokens = {"kind": "tokens", "region": "r", "model": "m"}
    case = world(
        gpus("a", "3"), gpus("b", "2"),
        {**tokens, "id": "ta", "provider": "a", "price": {"input": "5 USD per Mtok", "output": "5 USD per Mtok"}},
        {**tokens, "id": "tb", "provider": "b", "price": {"input": "1 USD per Mtok", "output": "1 USD per Mtok"}},
        terms=[EXCLUSIVE],
        workloads=[
            work("w", "9 GPU", "v"),
            work("t", "1 Mtok per hour", "v", **{"runs-on": {"models": ["m"]}, "mix": {"output": "50%"}}),
        ],
    )  # fmt: skip
    assert {(price, unit) for price, unit, _ in prices(case)} == {(D(1), "USD per GPU-hour"), (D(4), "USD per Mtok")}


# -- against programs in which a little is let through ---------------------------------------------------------------
@st.composite
def denied(draw: Any) -> Case:
    """Work of two kinds on offers of three providers, rented, reserved or full, and clauses that deny some of it."""
    price = st.sampled_from(["1", "1.30", "1.85", "2", "2.45", "3"])
    offers = []
    for provider in ("a", "b", "c"):
        more: Data = {"unit": draw(st.sampled_from([1, 8]))}
        if draw(st.booleans()):
            more["capacity"] = draw(st.sampled_from(["8 GPU", "16 GPU"])) if provider != "a" else "400 GPU"
        if provider == "c" and draw(st.booleans()):
            more |= {"buy": "reserved", "term": "1 month"}
        offers.append(gpus(provider, draw(price), **more))
    workloads = [
        work("w", draw(st.sampled_from(["5 GPU", "9 GPU", "16 GPU"])), "v"),
        work(
            "w2",
            draw(st.sampled_from(["1 GPU", "12 GPU"])),
            "z",
            **draw(st.sampled_from([{}, {"value": "4 USD per GPU-hour"}])),
        ),
    ]
    terms: list[Data] = [{**EXCLUSIVE, "until": draw(st.sampled_from(["2026-03", "2026-04"]))}]
    if draw(st.booleans()):
        terms.append({"id": "y", "kind": "exclusivity", "of": {"k": "z"}, "until": "2026-02-15"})
    if draw(st.booleans()):
        terms.append(
            {"id": "least", "kind": "minimum-commitment", "amount": "20000 USD", "measure": "after-discounts"}
            | {"windows": {"every": "month"}}
        )
    if draw(st.booleans()):
        terms.append({"id": "back", "kind": "credit", "rate": "30%"})
    return world(*offers, terms=terms, workloads=workloads, **draw(st.sampled_from(IDLE)))


@st.composite
def denied_units(draw: Any) -> Case:
    """Work by the token that a clause keeps off throughput with a least purchase, and off reserved GPUs."""
    least = draw(st.sampled_from([{}, {"minimum": 10, "increment": 5}, {"minimum": 4, "increment": 8}]))
    offers = [
        token_offer(draw(st.sampled_from(["1", "1.30"]))),
        throughput(draw(st.sampled_from(["0.45", "0.85", "1.20"])), **least),
        gpus("c", draw(st.sampled_from(["1.35", "2.40"])), buy="reserved", term="1 month", unit=4),
    ]
    terms: list[Data] = [{**EXCLUSIVE, "until": draw(st.sampled_from(["2026-03", "2026-04"]))}]
    if draw(st.booleans()):
        terms.append({"id": "back", "kind": "credit", "rate": "30%"})
    agreements = [{"id": "aa", "with": "a", "effective": "2026-01", "terms": terms}]
    if draw(st.booleans()):
        fee = {"fee": draw(st.sampled_from(["80%", "150%"]))}
        floor = {"id": "least", "kind": "minimum-commitment", "amount": "90 k USD", "shortfall": fee}
        party = draw(st.sampled_from(["b", "c"]))
        agreements.append({"id": "own", "with": party, "effective": "2026-01", "ends": "2026-04", "terms": [floor]})
    demand = draw(st.sampled_from(["7 Mtok per hour", "41.7 Mtok per hour", "100 Mtok per hour"]))
    return tokens(*offers, demand=demand, agreements=agreements, **draw(st.sampled_from(IDLE)))


@drawing(16)
@given(st.one_of(denied(), denied_units()))
def test_no_more_is_said_to_be_saved_than_a_plan_without_the_clause_saves(case: Case) -> None:
    """One program answers both: with the clause, and without each that says so."""
    study = Study.of(case)
    found = study.solve(0)
    if not isinstance(found, Incumbent):
        return
    bound = study.plan(found, 0)
    for row in bound.clauses:
        said = sum((m.saves for m in row.marginal if m.saves is not None), D(0))
        if said:
            free = study.without([row.term]).solve(0)
            assert isinstance(free, Incumbent)
            assert said <= (bound.cost - D(free.cost)) * D("1.00001") + D("0.01")


@drawing(32)
@given(st.one_of(denied(), denied_units()))
def test_a_price_is_what_a_little_of_it_saves_for_each_unit(case: Case) -> None:
    study = Study.of(case)
    base = study.bound()
    if base.values is None:
        return
    for term in case.terms:
        told = Denied(study.draft, base, Easing.of(study.draft, study.turn(), base), study.owners_out)
        found = {(each.period, each.workload): each for each in told.of(Owner.of(term))}
        for (t, name), arcs in closed(told, Owner.of(term)).items():
            price = found[t, name].price if (t, name) in found else 0.0
            assert price == pytest.approx(lifted(study, base, arcs, t), rel=1e-5, abs=3 * NO_PRICE), (term.id, t, name)


def closed(told: Denied, owner: Owner) -> dict[tuple[int, str], list[Arc]]:
    """Arcs that a clause alone closes, by period and workload."""
    arcs: dict[tuple[int, str], list[Arc]] = defaultdict(list)
    for arc, periods in told.closed(owner):
        for t in np.flatnonzero(periods).tolist():
            arcs[t, arc.workload.id].append(arc)
    return arcs


def lifted(study: Study, base: Solution, arcs: list[Arc], t: int) -> float:
    """What a little work on one of some arcs saves, for each unit of it: where it saves most.

    With it comes the part of a unit that it takes, where no unit may be bought but for work.
    """
    model, draft, best, little = study.turn(), study.draft, 0.0, 0.01
    for arc in arcs:
        column = int(draft.x[arc.index, t])
        units = [each for each in draft.kept_off.get(arc.offer.id, np.zeros((0, draft.n), np.int32))[:, t] if each >= 0]
        part = 0.0
        if units:
            assert not isinstance(arc.offer, TokenOffer)
            part = little * float(arc.per_work) / float(draft.hours[t] * float(arc.offer.unit_flow))
            part /= 1 if arc.offer.reserved else float(arc.offer.sizes[0])  # by the hour: parts of a least purchase
        some = np.array([column, *units], dtype=np.int32)
        model.confine(some, np.zeros(len(some)), np.array([little, *[part] * len(units)]))
        found = model.solve_linear()
        model.confine(some, np.zeros(len(some)), np.zeros(len(some)))
        assert found.values is not None
        moved = float(found.values[column])
        best = max(best, (base.objective - found.objective) / moved if moved > little / 2 else 0.0)
    return best
