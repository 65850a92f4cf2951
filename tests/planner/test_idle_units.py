"""Capacity that is bought though no work uses it: where the case lets it be, as much as a clause asks for."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.program import Program
from detente.planner.check import check
from detente.planner.formulation import formulate as formulating
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.formulate import formulate
from detente.planner.solve import plan
from detente.planner.solving.model import Model
from detente.planner.study import Study
from detente.report.plans.explanation import explain
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from detente.terms.minimum_commitment import MinimumCommitment
from tests.builders import EXACT, D, Data, agreement, build, compute, gpus, refused, solved
from tests.drawing import drawing
from tests.planner.test_oracle import agree

JANUARY, FEBRUARY = 744, 672  # hours
CHOICES = ("forbidden", "reserved", "allowed")


def floor(amount: int, fee: str | None, **more: Any) -> Data:
    shortfall: Any = {"fee": fee} if fee else "forbidden"
    return {"id": "floor", "kind": "minimum-commitment", "amount": f"{amount} USD", "shortfall": shortfall} | more


def reserved(price: str = "2", **more: Any) -> Data:
    return gpus("north", price, id="reserved", buy="reserved", term="1 month") | more


def held(found: Plan) -> int:
    return sum(p.units for p in found.purchases)


# A GPU all year is 17,520 USD, 48 USD a day. 2,083 days are 99,984: a fee of 150% on the missing 16 makes 100,008;
# 2,084 days are 100,032. Where only 365 days can be used, 82,480 are missing, of which 150% are owed: 141,240.
@pytest.mark.parametrize(
    ("buy", "idle", "fee", "cost"),
    [
        (reserved(), None, "150%", 100_008),
        (reserved(), "reserved", "150%", 100_008),
        (reserved(), "allowed", "150%", 100_008),
        (reserved(), "forbidden", "150%", 141_240),
        (reserved(), None, None, 100_032),
        (reserved(), "forbidden", None, None),
        (gpus("north", 2), None, "150%", 141_240),
        (gpus("north", 2), "forbidden", "150%", 141_240),
        (gpus("north", 2), "allowed", "150%", 100_008),
        (gpus("north", 2), None, None, None),
        (gpus("north", 2), "allowed", None, 100_032),
    ],
)
def test_more_than_is_used_is_bought_where_that_is_cheaper_and_may_be(
    buy: Data, idle: str | None, fee: str | None, cost: int | None
) -> None:
    head = {"idle": idle} if idle else {}
    case = build([buy], [compute(demand="1 GPU")], agreement(floor(100_000, fee)), months=12, **head)
    performed = cost is not None and cost < 141_240
    assert check(case).answer == ("yes" if performed else "no")
    if cost is None:
        refused(case)
        return
    found = solved(case)
    assert (found.cost, found.bound) == (D(cost), D(cost))


@pytest.mark.parametrize(
    ("clause", "idle", "cost"),
    [
        # 100 a day at 1: four idle GPUs are 96, and 6 of fee for the 4 that are missing; a fifth would be 24
        ({"kind": "minimum-commitment", "amount": "100 USD", "shortfall": {"fee": "150%"}}, "allowed", 192 + 96 + 6),
        ({"kind": "minimum-commitment", "amount": "100 USD", "shortfall": {"fee": "150%"}}, "reserved", 192 + 150),
        ({"kind": "minimum-commitment", "amount": "100 USD", "shortfall": "forbidden"}, "allowed", 192 + 120),
        # eight idle at 1, and not eight that are not taken at 1.50
        ({"kind": "take-or-pay", "offer": "north-gpus", "quantity": "8 GPU", "price": "1.50 USD per GPU-hour"},
         "allowed", 192 + 192),
    ],
)  # fmt: skip
def test_what_only_gangs_run_on_may_stand_idle(clause: Data, idle: str, cost: int) -> None:
    """A gang of 8 runs all of the second day; a clause asks for something on each of two."""
    run: Data = {
        "id": "run",
        "kind": "training",
        "work": "192 GPU-hour",
        "from": "2026-01-02",
        "deadline": "2026-01-03",
    }
    run |= {"gang": "8 GPU", "runs-on": {"accelerators": {"H100": 1}}}
    deal = agreement({"id": "c", "windows": {"every": "day"}} | clause, ends="2026-01-03")
    horizon = {"start": "2026-01-01", "end": "2026-01-03", "every": "day"}
    case = build([gpus("north", 1)], [run], deal, horizon=horizon, idle=idle)
    found = solved(case)
    assert (found.cost, found.bound) == (D(cost), D(cost))
    assert agree(case)


@pytest.mark.parametrize(
    ("idle", "others", "cost"),
    [
        ("forbidden", None, 5 * JANUARY + 3_000),  # nobody may use it: a fee of 150% on 2,000
        ("reserved", None, 5 * JANUARY + 5 * 372 + 210),  # five, and a fee on the 140 that are missing
        ("forbidden", "2 GPU", 5 * JANUARY + 2 * 372 + D("1.5") * (2_000 - 744)),  # two, and no more
    ],
)
def test_with_idle_forbidden_reservations_are_for_work_that_may_run_there(
    idle: str, others: str | None, cost: Decimal
) -> None:
    """Five GPUs that must stay in the north, at 1; a floor of 2,000 in the south, where a GPU costs 372 a month."""
    works = [compute(demand="5 GPU", labels={"data": "eu"})]
    works += [compute("others", others, labels={"data": "us"})] if others else []
    south = gpus("south", "0.50", id="reserved", buy="reserved", term="1 month")
    stays = agreement({"id": "stays", "kind": "residency", "of": {"data": "eu"}, "within": ["IE"]}, party="self")
    own = agreement(floor(2_000, "150%"), party="south", ends="2026-02-01")
    case = build([gpus("north", 1), south], works, stays, own, months=1, idle=idle)
    found = solved(case)
    assert (found.cost, found.bound) == (D(cost), D(cost))
    assert agree(case)
    freely = build([gpus("north", 1), south], works, own, months=1, idle=idle)
    without = Study.of(case).without({"stays"})
    assert without.plan(without.solve(EXACT), EXACT).cost == solved(freely).cost  # type: ignore[arg-type]


@pytest.mark.parametrize("idle", CHOICES)
def test_on_a_tie_less_stands_idle(idle: str) -> None:
    """A fee of 100% costs what idle capacity does; a credit of 100% makes capacity free."""
    case = build([reserved()], [compute(demand="1 GPU")], agreement(floor(100_000, "100%")), months=2, idle=idle)
    found = solved(case)
    assert (found.cost, held(found)) == (D(100_000), 2)
    credit = {"id": "back", "kind": "credit", "rate": "100%", "amount": "50 k USD"}
    found = solved(build([reserved()], [compute(demand="1 GPU")], agreement(credit), months=2, idle=idle))
    assert (found.cost, held(found)) == (D(0), 2)


def test_nothing_is_rented_beside_idle_reservations_on_a_tie() -> None:
    """64 GPUs in February, 40 of them reserved at 0.60: 32,256 USD of 40,000, and a fee of 100% for the rest."""
    offers = [reserved("0.60", capacity="40 GPU"), gpus("north", 1, id="rented")]
    deal = agreement(floor(40_000, "100%"), effective="2026-02-01", ends="2026-03-01")
    days = {"start": "2026-02-01", "end": "2026-03-01", "every": "day"}
    found = solved(build(offers, [compute(demand="64 GPU")], deal, horizon=days))
    assert (found.cost, sum(row.idle for row in found.providers)) == (40_000, 0)


def test_what_a_clause_asks_for_stays_on_a_tie() -> None:
    """At a fee above 100% one idle GPU is cheaper than the fee, in the month that misses the floor alone."""
    windows = {"windows": {"every": "month"}}
    demand = {"rate": {"2026-01": "2 GPU", "2026-02": "1 GPU"}}
    case = build([reserved("1")], [compute(demand=demand)], agreement(floor(1_344, "150%", **windows)), months=2)
    found = solved(case)
    # January: 2 x 744 = 1,488; February: 672 is half of the floor, a second GPU brings the rest
    assert [(p.units, p.start.month) for p in found.purchases] == [(2, 1), (2, 2)]
    assert found.cost == D(2 * JANUARY + 2 * FEBRUARY)


def provisioned() -> tuple[Data, Data]:
    """Steps of 2 above a minimum of 4, for a term; and a chat that uses half of the minimum."""
    offer = reserved() | {
        "kind": "provisioned", "model": "m", "throughput": "1 Mtok per hour", "minimum": 4, "increment": 2,
        "price": "1 USD per unit-hour",
    }  # fmt: skip
    for key in ("accelerator", "buy"):
        del offer[key]
    chat = {
        "id": "chat", "kind": "inference", "demand": "2 Mtok per hour", "runs-on": {"models": ["m"]},
        "mix": {"output": "50%"},
    }  # fmt: skip
    return offer, chat


@pytest.mark.parametrize(("idle", "units"), [("reserved", 6), ("forbidden", 4)])
def test_a_purchase_with_a_minimum_and_steps(idle: str, units: int) -> None:
    offer, chat = provisioned()
    # 4 units are 2,976; a floor of 4,000 with a fee of 200%: 6 units are 4,464, less than 2,976 + 2,048
    found = solved(build([offer], [chat], agreement(floor(4_000, "200%")), months=1, idle=idle))
    assert held(found) == units
    assert found.cost == D(units * JANUARY + (0 if units == 6 else 2_048))


def counted_shapes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The floors that were shaped, as often as they were."""
    shaped, shape = [], MinimumCommitment.shape

    def counting(term: MinimumCommitment, program: Program) -> None:
        shaped.append(term.id)
        shape(term, program)

    monkeypatch.setattr(MinimumCommitment, "shape", counting)
    return shaped


def test_clauses_shape_again_only_where_one_read_how_much_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a credit gives is bounded by what its spend may come to."""
    shaped = counted_shapes(monkeypatch)
    offer, chat = provisioned()
    own = floor(4_000, "200%", measure="after-discounts")
    formulate(build([offer], [chat], agreement(own), months=1))
    assert len(shaped) == 1
    credit = {"id": "back", "kind": "credit", "rate": "10%", "amount": "50 k USD"}
    formulate(build([offer], [chat], agreement(own, credit), months=1))
    assert len(shaped) == 3


def test_room_that_is_made_afterwards_is_that_which_clauses_shape_with(monkeypatch: pytest.MonkeyPatch) -> None:
    offer, chat = provisioned()
    case = build([offer], [chat], agreement(floor(4_000, "200%")), months=1)
    once, whole = formulate(case), formulating._shaped

    def as_if_read(draft: Draft) -> Draft:
        found = whole(draft)
        found.bounds_read = True
        return found

    monkeypatch.setattr(formulating, "_shaped", as_if_read)
    one, other = Model(once.program), Model(formulate(case).program)
    # 4 units are the minimum: one purchase, and as many steps of 2 as 4,000 at 744 a unit ask for beside it
    assert one.upper[once.units["reserved"].columns].tolist() == [1, 3]
    assert (one.upper == other.upper).all()
    for part in ("start", "index", "value"):
        assert (getattr(one.matrix, part) == getattr(other.matrix, part)).all()


def test_two_shares_of_spend_ask_for_each_other_s_units() -> None:
    """South is owed 40% of spend and North 40%, and there is work for a tenth of a GPU: the rest stands idle."""
    south = gpus("south", 4, id="south", buy="reserved", term="1 month")
    elsewhere = compute(demand="3 GPU") | {"runs-on": {"accelerators": {"H200": 1}}}
    east = gpus("east", 2, accelerator="H200")
    small = compute("small", "0.1 GPU")
    shares = [
        agreement({"id": f"part-{p}", "kind": "share", "measure": "spend", "at-least": "40%"}, party=p)
        for p in ("north", "south")
    ]
    found = solved(build([reserved("1"), south, east], [elsewhere, small], *shares, months=1))
    # East is 6 an hour: 20% of at most 30, so that at least 12 go to each: 12 x 1 and 3 x 4
    assert {p.offer: p.units for p in found.purchases} == {"reserved": 12, "south": 3, "east-gpus": 3}
    assert found.cost == D(30 * JANUARY)


def test_a_higher_floor_in_a_study_has_room_for_its_units() -> None:
    def of(amount: int) -> Case:
        return build([reserved()], [compute(demand="1 GPU")], agreement(floor(amount, "150%")), months=2)

    study = Study.of(of(1_000))
    for amount in (30_000, 1_000, 90_000):
        nearby = study.under(of(amount))
        found = nearby.solve(EXACT)
        afresh = plan(of(amount), gap=EXACT)
        assert isinstance(afresh, Plan)
        assert nearby.plan(found, EXACT).cost == afresh.cost  # type: ignore[arg-type]


@pytest.mark.parametrize("fee", ["150%", None])
def test_explain_says_what_may_stand_idle(fee: str | None) -> None:
    def told(**head: Any) -> str:
        case = build([gpus("north", 2)], [compute(demand="1 GPU")], agreement(floor(100_000, fee)), months=1, **head)
        return str(explain(case, plan(case), "floor"))

    assert "nothing is rented by the hour only to stand idle (`idle: reserved`, the default)" in told()
    assert "no more is bought than work could use (`idle: forbidden`)" in told(idle="forbidden")
    assert "reserved or by the hour (`idle: allowed`)" in told(idle="allowed")


# -- against every purchase there is -----------------------------------------------------------------------------
def cheapest(
    price: dict[str, int], need: tuple[int, int], amount: int, fee: Decimal | None, idle: str
) -> Decimal | None:
    """The least cost over all counts of units: of a reservation and by the hour, in January and February."""
    found: list[Decimal] = []
    for r1, r2, h1, h2 in product(range(9), range(9), range(9), range(9)):
        if r1 + h1 < need[0] or r2 + h2 < need[1]:
            continue
        if idle != "allowed" and (h1 > need[0] or h2 > need[1]):
            continue
        if idle == "forbidden" and (r1 > need[0] or r2 > need[1]):
            continue
        by_hour = h1 * JANUARY + h2 * FEBRUARY
        spend = D((r1 * JANUARY + r2 * FEBRUARY) * price["reserved"] + by_hour * price["hourly"])
        missing = max(D(0), amount - spend)
        if missing and fee is None:
            continue
        found.append(spend + missing * (fee or 0))
    return min(found, default=None)


@drawing(26)
@given(
    prices=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    need=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    amount=st.integers(1, 43).map(lambda n: n * 137),  # 8 units in January reach it
    fee=st.sampled_from([None, "50%", "100%", "150%", "300%"]),
    idle=st.sampled_from(CHOICES),
)
def test_nothing_else_that_could_be_bought_costs_less(
    prices: tuple[int, int], need: tuple[int, int], amount: int, fee: str | None, idle: str
) -> None:
    rate = {"rate": {"2026-01": f"{need[0]} GPU", "2026-02": f"{need[1]} GPU"}}
    offers = [reserved(str(prices[0])), gpus("north", prices[1])]
    case = build(offers, [compute(demand=rate)], agreement(floor(amount, fee)), months=2, idle=idle)
    each = {"reserved": prices[0], "hourly": prices[1]}
    part = None if fee is None else D(fee.rstrip("%")) / 100
    least = cheapest(each, need, amount, part, idle)
    found = plan(case, gap=EXACT)
    assert isinstance(found, Conflict) == (least is None)
    performed = cheapest(each, need, amount, None, idle) is not None
    assert check(case).answer == ("yes" if performed else "no")
    if isinstance(found, Plan):
        assert least is not None
        assert abs(found.cost - least) < D("0.001")
        assert found.bound <= least + D("0.001")
