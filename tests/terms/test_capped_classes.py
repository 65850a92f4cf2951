"""Classes that count up to a part of a commitment (a marketplace, support): by windows, and beside milestones; by hand.

North and its marketplace at 1 USD per Mtok, 1000 Mtok of each a month for half a year, unless a test says otherwise.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.planner.check import check
from detente.planner.solve import plan
from detente.results.plan import Plan
from tests.builders import (
    EXACT,
    D,
    Data,
    agreement,
    build,
    compute,
    data_of,
    day,
    gpus,
    mistakes,
    postings,
    rated,
    settled_of,
    solved,
    tokens,
    use,
    work,
)
from tests.planner.oracle.oracle import Oracle
from tests.replayed import replayed

MARKET = {"runs-on": {"models": ["third"]}}
SELLS = [tokens("north", 1), tokens("north", 1, id="market", model="third")]
QUARTER = [{"of": {"offer": "market"}, "at-most": "25%"}]


def floor(amount: str, **more: Any) -> Data:
    return {"id": "floor", "kind": "minimum-commitment", "amount": amount, "counts": QUARTER} | more


def step(reach: str, by: str = "2026-04-01", how: str = "prepayment", fee: str = "100%") -> Data:
    return {"by": by, "reach": reach, "fee": fee, "charged-as": how}


def each_month(*amounts: int) -> Data:
    return {"demand": {"rate": {f"2026-{n:02}": f"{amount} Mtok per month" for n, amount in enumerate(amounts, 1)}}}


def both(term: Data, *own: int, market: tuple[int, ...] = ()) -> Case:
    """So much of North, and of its marketplace, in each month."""
    jobs = [
        work(**(each_month(*own) if own else {})),
        work("saas", **MARKET, **(each_month(*market) if market else {})),
    ]
    return build(SELLS, jobs, agreement(term), months=len(own) or 6)


def figures(case: Case) -> list[tuple[str, D, D]]:
    """The standings of the plan, of which those of its use replayed are the same."""
    found = solved(case)
    again = settled_of(case.terms, replayed(case, found))
    assert [(p.part, p.amount) for p in again.postings] == [(p.part, p.amount) for p in found.postings]
    return [(s.role, s.drawn, s.short) for s in found.standings]


def test_a_class_counts_up_to_its_part() -> None:
    """6000 own + min(6000, 25% of 10,000) = 8500 of 10,000."""
    case = both(floor("10 k USD"))
    assert figures(case) == [("floor", D(8500), D(1500))]
    assert solved(case).cost == D(12_000 + 1500)
    assert Oracle(case).solve() == pytest.approx(13_500)


# -- beside milestones -----------------------------------------------------------------------------------------------
def test_at_a_milestone_a_class_counts_to_date_up_to_its_part_of_what_is_to_be_reached() -> None:
    """By April 3000 + min(3000, 1250) = 4250 of 5000: 750 are missing, and a tenth of them is owed; then as above."""
    case = both(floor("10 k USD", milestones=[step("5 k USD", how="fee", fee="10%")]))
    assert figures(case) == [("floor", D(8500), D(1500)), ("milestone", D(4250), D(750))]
    assert solved(case).cost == D(12_000 + 1500 + 75)
    assert Oracle(case).solve() == pytest.approx(13_575)


def test_the_usual_paper_of_a_hyperscaler() -> None:
    """10,000 in all, 2000 by February, 5000 by April; what is missing is prepaid, and the marketplace is capped.

    January: 1000 + min(1000, 500) = 1500: 500 prepaid. By April 3000 more are used: 500 drawn, so that
    1000 + 500 + 1500 = 3000 count, and min(3000, 1250) of the marketplace: 750 prepaid. Then 3000 are used, 750 drawn:
    3000 + 750 + 2250 = 6000, and min(6000, 2500): 8500.
    """
    case = both(floor("10 k USD", milestones=[step("2 k USD", "2026-02-01"), step("5 k USD")]))
    assert figures(case) == [
        ("milestone", D(1500), D(500)),
        ("prepayment", D(500), D(0)),
        ("milestone", D(4250), D(750)),
        ("prepayment", D(750), D(0)),
        ("floor", D(8500), D(1500)),
    ]
    assert postings(solved(case), "floor") == {
        ("prepayment", 0): 500, ("prepayment-drawn", 1): -500,
        ("prepayment", 1): 750, ("prepayment-drawn", 2): -750,
        ("shortfall-fee", 2): 1500,
    }  # fmt: skip


def test_use_of_a_class_draws_no_prepayment() -> None:
    """1000 of 3000 by February, of which 2000 are prepaid; then the marketplace alone is used: nothing is drawn."""
    case = both(floor("3 k USD", milestones=[step("3 k USD", "2026-02-01")]), 1000, 0, market=(0, 1000))
    assert figures(case) == [("milestone", D(1000), D(2000)), ("floor", D(3750), D(0))]


def test_a_class_is_not_counted_less_so_that_more_is_prepaid() -> None:
    """4000 are reached by April: 3000 and min(3000, 1000). Of 6000, 4500 count in the end: 1500 at 150% are missing.

    Were 1000 prepaid in April, as the marketplace would not count then, 500 would be: 1750 in place of 2250.
    """
    term = floor("6 k USD", milestones=[step("4 k USD")], shortfall={"fee": "150%"})
    case = both(term, *(3 * [1000] + 3 * [0]), market=(*3 * [1000], *3 * [0]))
    assert solved(case).cost == D(6000 + 2250)
    assert Oracle(case).solve() == pytest.approx(8250)


hundreds = st.lists(st.integers(0, 15), min_size=4, max_size=4)


@settings(deadline=None, max_examples=25)
@given(hundreds, hundreds, st.integers(0, 30), st.integers(0, 30), st.integers(0, 40), st.booleans())
def test_it_is_what_the_rule_says(
    own: list[int], market: list[int], first: int, more: int, most: int, prepaid: bool
) -> None:
    """Step by step in whole hundreds, by the rule as it is written on the page."""
    steps = [(1, first * 100), (3, (first + more) * 100)]
    amount = (first + more + most) * 100
    how = "prepayment" if prepaid else "fee"
    told = [step(f"{reach} USD", f"2026-0{month + 1}-01", how) for month, reach in steps]
    case = both(floor(f"{amount} USD", milestones=told), *(100 * n for n in own), market=tuple(100 * n for n in market))
    found = solved(case)
    to_date, classes = [0, *accumulate(100 * n for n in own)], [0, *accumulate(100 * n for n in market)]
    left, counted, since, charges = D(0), D(0), 0, []
    for month, reach in [*steps, (4, amount)]:
        used = D(to_date[month] - to_date[since])
        drawn = min(left, used)
        counted += used - drawn
        missing = max(reach - counted - min(D(classes[month]), D(reach) / 4), D(0))
        charges.append(missing)
        if prepaid:
            left, counted = left - drawn + missing, counted + missing
        since = month
    assert sum((s.short for s in found.standings), D(0)) == sum(charges)
    given_back = sum(charges[:2]) - left + charges[2] if prepaid else 0
    assert found.cost == to_date[4] + classes[4] + sum(charges) - given_back


@settings(deadline=None, max_examples=20, derandomize=True)
@given(st.data())
def test_a_plan_that_may_choose_is_that_of_the_oracle(data: st.DataObject) -> None:
    def pick(*values: Any) -> Any:
        return data.draw(st.sampled_from(values))

    offers = [tokens("north", pick(2, 3)), tokens("south", 2), tokens("south", 2, id="other", model="third")]
    offers.append(tokens("north", pick(2, 3), id="market", model="third"))
    how = pick("fee", "prepayment", "prepayment")
    steps = [step(pick("2 k USD", "3 k USD"), "2026-02-01", how), step(pick("4 k USD", "6 k USD"), "2026-03-01", how)]
    counts = [{"of": {"offer": "market"}, "at-most": pick("10%", "25%", "50%")}]
    fee = {"fee": pick("0%", "50%", "150%")}
    term = floor(pick("7 k USD", "12 k USD"), milestones=steps[: pick(1, 2)], shortfall=fee, counts=counts)
    saas = work("saas", **MARKET, demand=pick("500 Mtok per month", "1000 Mtok per month"))
    case = build(offers, [work(), saas], agreement(term), months=4)
    found = plan(case, gap=EXACT)
    assert isinstance(found, Plan)
    assert float(found.cost) == pytest.approx(Oracle(case).solve(), abs=0.01)


@pytest.mark.parametrize(
    ("as_of", "stands"),
    [
        # in March 2000 and min(2000, 1250) have counted by then, and min(2000, 2500) of all
        ("2026-03-01", {"milestone": D(3250), "floor": D(4000)}),
        # 750 are charged on 1 April
        ("2026-04-01", {"milestone": D(4250), "floor": D(3000 + 750 + 2500)}),
    ],
)
def test_where_it_stands_before_its_end(as_of: str, stands: dict[str, D]) -> None:
    case = both(floor("10 k USD", milestones=[step("5 k USD")]))
    months = [f"2026-{m:02}-01" for m in range(1, int(as_of[5:7]) + 1)]
    served = [
        use(case, workload, offer, start, end, 1000, 1000)
        for start, end in pairwise(months)
        for workload, offer in (("chat", "north-api"), ("saas", "market"))
    ]
    found = settled_of(case.terms, rated(case, served), day(as_of)).standings
    assert {s.role: s.drawn for s in found if s.role != "prepayment"} == stands


def test_the_sentence_says_of_what_it_is_a_part() -> None:
    (row,) = solved(both(floor("10 k USD", milestones=[step("5 k USD")]))).clauses
    assert "`offer: market` counts up to 25% of it, and by the day of a milestone up to 25% of that" in row.sentence


@pytest.mark.parametrize("how", ["fee", "prepayment"])
def test_a_way_out_is_what_is_missing_with_the_class_counted(how: str) -> None:
    (conflict,) = check(both(floor("10 k USD", milestones=[step("5 k USD", how=how)]))).readings.values()
    assert conflict is not None
    (way,) = conflict.relaxations
    assert "accept 750.00 USD less than the milestone of 5.00 k USD by 2026-04-01" in way.sentence
    assert "accept a shortfall of 1.50 k USD against this commitment" in way.sentence


# -- what is refused ---------------------------------------------------------------------------------------------------
def test_classes_are_a_list() -> None:
    (only,) = mistakes(data_of(SELLS[:1], [work()], agreement(floor("1 k USD", counts={"marketplace": "25%"}))))
    assert "write a list of classes: `counts: [ { of: { product: tokens }, at-most: 25% } ]`" in only


@pytest.mark.parametrize(
    ("more", "remedy"),
    [
        (
            {"deferral": "15%"},
            "keep one of them, `counts` or `deferral`: how much of a class would go on is not planned yet",
        ),
        ({"milestones": [step("1 k USD", how="fee")]}, "write the `milestones` as a commitment of its own"),
    ],
)
def test_what_reaches_over_windows_stands_beside_no_classes(more: Data, remedy: str) -> None:
    """Whether a class that one year had too much of counts at a milestone in the next is not said."""
    term = floor("1000 USD", windows={"every": "month"}, **more)
    term["counts"] = [{"of": {"product": "tokens"}, "at-most": "25%"}]
    (only,) = mistakes(data_of(SELLS[:1], [work()], agreement(term)))
    assert only.endswith(remedy)


def test_a_credit_that_pays_for_a_class_is_refused_where_it_would_lower_what_counts() -> None:
    """How much of what counts of the class it pays for is not known: it may be what is beyond the part that counts."""
    pool = {"id": "pool", "kind": "credit", "amount": "4 k USD"}
    deal = agreement(pool, floor("10 k USD", measure="after-credits"))
    (only,) = mistakes(data_of(SELLS, [work(), work("saas", **MARKET)], deal))
    assert only.startswith("`pool` pays for use of which `floor` counts up to a part")
    apart = pool | {"except": [{"offer": "market"}]}
    jobs = [work(), work("saas", **MARKET)]
    found = solved(build(SELLS, jobs, agreement(apart, floor("10 k USD", measure="after-credits"))))
    # 6000 own, of which 4000 are paid by the credit, and min(6000, 2500)
    assert [s.drawn for s in found.standings if s.role == "floor"] == [D(4500)]


@pytest.mark.parametrize(
    ("amount", "per"), [("600 k GPU-hour", "GPU-hour"), ("600 Gtok", "Mtok"), ("60 GPU", "GPU-hour")]
)
def test_a_class_in_another_unit_is_refused(amount: str, per: str) -> None:
    """Of 600 k GPU-hours, 150 k Mtok of a class at 25% counted as 150 k GPU-hours: 888,000 USD, and not 1,038,000."""
    floor: Data = {
        "id": "floor",
        "kind": "minimum-commitment",
        "amount": amount,
        "shortfall": {"price": f"1 USD per {per}"},
    }
    floor |= {"counts": [{"of": {"product": "gpu" if "tok" in amount else "tokens"}, "at-most": "25%"}]}
    sells = [gpus("north", 1), tokens("north", 1)]
    (told,) = mistakes(data_of(sells, [work(), compute()], agreement(floor)))
    assert "`floor` adds up different units: GPU-hour (`north-gpus`) and Mtok (`north-api`)" in told
    ways = floor | {"amount": "600 k USD"}, floor | {"of": {"product": "gpu" if "GPU" in amount else "tokens"}}
    del ways[0]["shortfall"], ways[1]["counts"]
    for way in ways:
        assert build(sells, [work(), compute()], agreement(way, ends="2027-01-01"), months=12).terms
