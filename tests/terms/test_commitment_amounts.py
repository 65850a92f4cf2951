"""What counts towards a commitment, by hand: list prices, credits, units, and charges as prepayment.

North 3 USD per Mtok, South 2; 1000 Mtok a month, six months of 2026, unless a test says otherwise.
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.case.notes import notes
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    compute,
    data_of,
    day,
    gpus,
    mistakes,
    placed,
    postings,
    rated,
    settled_of,
    solved,
    standing,
    tokens,
    two_clouds,
    use,
    work,
)
from tests.planner.oracle.oracle import Oracle

CHEAP = [tokens("north", 3), tokens("south", 2)]


def floor(amount: str, **more: Any) -> Data:
    return {"id": "floor", "kind": "minimum-commitment", "amount": amount} | more


def alone(*terms: Data, price: str = "1", **more: Any) -> Case:
    """All work is at North for 1 USD per Mtok: 1000 USD a month."""
    return build([tokens("north", price)], [work(**more)], agreement(*terms))


# -- which money ---------------------------------------------------------------------------------------------------
OFF: Data = {"id": "off", "kind": "discount", "off": "25%"}


@pytest.mark.parametrize(("measure", "drawn", "cost"), [("list", 6000, 4500), ("after-discounts", 4500, 5500)])
def test_spend_counts_before_a_discount_or_after_it(measure: str, drawn: int, cost: int) -> None:
    """6000 USD at list price, 4500 after 25% off; of 5500 are 1000 missing where the discount counts."""
    case = alone(OFF, floor("5500 USD", measure=measure))
    found = solved(case)
    assert ([c.drawn for c in found.commitments], found.cost) == ([D(drawn)], D(cost))
    assert Oracle(case).solve() == pytest.approx(cost)


def test_which_money_counts_is_said_where_a_discount_makes_a_difference() -> None:
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], agreement(OFF, floor("5500 USD"))))
    told = "and whether `floor` counts what was paid before or after it is not said"
    assert only.startswith(f"`off` changes the price of use of `north-api`, {told}")
    assert "`measure: list`" in only
    assert "`measure: after-discounts`" in only


@pytest.mark.parametrize(("until", "from_", "outside"), [("2025-01", "2024-01", 2), ("2025-06", "2025-01", 1)])
def test_which_money_counts_is_not_asked_where_no_time_of_the_horizon_sees_both(
    until: str, from_: str, outside: int
) -> None:
    """Both over before it begins; or together for a while, all of it before."""
    off = OFF | {"from": from_} | ({"until": until} if outside == 2 else {})
    terms = floor("1 k USD", until=until), off
    case = build([tokens("north", 1)], [work()], agreement(*terms, effective="2024-01"))
    assert [note.remedy for note in notes(case)] == ["is the year right?"] * outside


def test_a_discount_of_what_does_not_count_makes_no_difference() -> None:
    other = agreement(OFF, party="south")
    assert solved(build(CHEAP, [work()], agreement(floor("5500 USD")), other)).commitments[0].short < 5500


def test_idle_and_used_capacity_count_at_list_price() -> None:
    """A machine of 8 at 1 USD per GPU-hour for 31 days, half price, of which 6 are used: 5952 at list price."""
    offers = [gpus("north", 1, unit=8)]
    half = OFF | {"off": "50%"}
    case = build(offers, [compute(demand="6 GPU")], agreement(half, floor("6 k USD", measure="list")), months=1)
    found = solved(case)
    assert found.commitments[0].drawn == D(8 * 744)
    assert found.cost == D(4 * 744 + 48)
    assert Oracle(case).solve() == pytest.approx(float(found.cost))


# -- what credits pay ------------------------------------------------------------------------------------------------
POOL: Data = {"id": "pool", "kind": "credit", "amount": "2 k USD"}


@pytest.mark.parametrize(
    ("measure", "drawn", "cost"),
    [
        # 6000 spent, 2000 of it paid by the credit: 4000 count, and 1000 of 5000 are missing
        ("after-credits", 4000, 6000 - 2000 + 1000),
        ("after-discounts", 6000, 6000 - 2000),
    ],
)
def test_use_that_a_credit_pays_counts_or_does_not(measure: str, drawn: int, cost: int) -> None:
    found = solved(alone(POOL, floor("5 k USD", measure=measure)))
    assert ([c.drawn for c in found.commitments], found.cost) == ([D(drawn)], D(cost))


def test_a_credit_is_not_kept_back_so_that_more_counts() -> None:
    """A fee of 200% would make it worth while to leave the credit unused: it is applied all the same.

    4000 count of 5000, and 2000 are owed for the 1000 that are missing; unused, it would be 6000 and nothing.
    """
    case = alone(POOL, floor("5 k USD", measure="after-credits", shortfall={"fee": "250%"}))
    assert solved(case).cost == D(6000 - 2000 + 2500)


def test_a_credit_is_used_as_soon_as_it_can_be() -> None:
    """2000 USD are used up in January and February, so that the first quarter counts 1000, and the second 3000."""
    floors = floor("2 k USD", measure="after-credits", windows={"every": "quarter"})
    found = solved(alone(POOL, floors))
    assert [(c.drawn, c.short) for c in found.commitments] == [(D(1000), D(1000)), (D(3000), D(0))]


def test_a_credit_that_has_no_window_any_more_pays_nothing() -> None:
    """All of the 2000 USD are for the first quarter, in which they are used: 4000 of 6000 count."""
    ramp = POOL | {"windows": {"every": "quarter", "ramp": ["100%"]}}
    found = solved(alone(ramp, floor("5 k USD", measure="after-credits")))
    assert ([c.drawn for c in found.commitments], found.cost) == ([D(4000)], D(6000 - 2000 + 1000))


def test_whether_what_a_credit_pays_counts_is_said() -> None:
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], agreement(POOL, floor("5 k USD"))))
    told = "and whether `floor` counts what was paid before or after it is not said"
    assert only.startswith(f"`pool` pays for use of `north-api`, {told}")
    assert "`measure: after-credits`" in only


PREPAID: list[Data] = [
    {},
    {"milestones": [{"by": "2026-02-01", "reach": "1 k USD", "fee": "100%", "charged-as": "prepayment"}]},
    {"windows": {"every": "month"}, "shortfall": {"charged-as": "prepayment"}},
]


@pytest.mark.parametrize("charge", PREPAID)
@pytest.mark.parametrize("others", [[OFF], [POOL], [OFF, POOL], [POOL, OFF]])
def test_each_measure_that_is_named_is_taken(charge: Data, others: list[Data]) -> None:
    """And no other is, of those that make a difference: what use draws is counted as what is left to pay of it."""

    def of(**more: Any) -> list[str]:
        clauses = [floor("5 k USD", **charge, **more), *others]
        return mistakes(data_of([tokens("north", 1)], [work()], agreement(*clauses)))

    measures = {"list", "after-discounts"} | ({"after-credits"} if POOL in others else set())
    (said,) = of()
    assert {each for each in measures if f"`measure: {each}`" in said} == {
        each for each in measures if not of(measure=each) and (each != "list" or OFF in others)
    }


def test_a_credit_ends_within_a_month_where_what_counts_begins_anew() -> None:
    """Windows from 10 January: 9 of its 31 days are no window's, and their 290.322... are paid first, by the credit.

    What it pays of the rest of January, and of February, does not count: 2000 less those, of 3000 in the first window.
    """
    windows = {"every": "quarter", "starts": "2026-01-10", "cut": "prorate"}
    found = solved(alone(POOL, floor("3 k USD", measure="after-credits", windows=windows)))
    days = D(1000) / 31 * 22 + 1000 + 1000 + D(1000) / 30 * 9
    assert abs(found.commitments[0].drawn - (days - (2000 - D(9000) / 31))) < D("0.00001")


# -- units -----------------------------------------------------------------------------------------------------------
def test_tokens_are_committed() -> None:
    """3000 Mtok at North at 1 USD more each, since 1.50 USD would be paid for each that is missing."""
    case = two_clouds(floor("3 Gtok", shortfall={"price": "1.50 USD per Mtok"}))
    found = solved(case)
    assert (found.cost, placed(found)["north-api"]) == (D(15_000), D(3000))
    assert Oracle(case).solve() == pytest.approx(15_000)


def test_tokens_that_are_missing_are_paid_for() -> None:
    found = solved(two_clouds(floor("3 Gtok", shortfall={"price": "0.50 USD per Mtok"})))
    assert found.cost == D(12_000 + 1500)
    assert [(c.required, c.short, c.owed, c.unit) for c in found.commitments] == [(3000, 3000, 1500, "Mtok")]


def test_gpus_are_committed_in_every_hour() -> None:
    """10 GPUs are used in the first 2 days and none in the last 2, of which each hour is short of 5."""
    demand = {"rate": {"2026-02-01": "10 GPU", "2026-02-03": "0 GPU"}}
    days = {"start": "2026-02-01", "end": "2026-02-05", "every": "day"}
    terms, dated = floor("5 GPU", shortfall={"price": "0.50 USD per GPU-hour"}), {"effective": "2026-02-01"}
    dated |= {"ends": "2026-02-05"}
    case = build([gpus("north", 1)], [compute(demand=demand)], agreement(terms, **dated), horizon=days)
    found = solved(case)
    # 10 x 48 hours used at 1 USD, and 5 x 48 GPU-hours missing at 0.50; over the four days as a whole none would be
    assert found.cost == D(480 + 120)
    assert len(found.commitments) == 4 * 24
    assert Oracle(case).solve() == pytest.approx(600)
    whole = agreement(terms | {"windows": {"every": "term"}}, **dated)
    assert solved(build([gpus("north", 1)], [compute(demand=demand)], whole, horizon=days)).cost == 480


def test_what_is_missing_of_work_has_a_price() -> None:
    (only,) = mistakes(data_of(CHEAP, [work()], agreement(floor("3 Gtok"))))
    assert only == (
        "the amount is in Mtok, and what is missing has no price; "
        "say `shortfall: { price: 1.00 USD per Mtok }`, or `shortfall: forbidden`"
    )


# -- charges as prepayment -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("price", "cost", "missed"),
    [("1.50 USD per Mtok", 14250, None), ("0.40 USD per Mtok", 14100, 600), (None, 14250, None)],
)
def test_a_milestone_in_units(price: str | None, cost: int, missed: int | None) -> None:
    """1500 Mtok by March at 1 USD more each: dearer than 0.40 + 0.50 for what is missing twice, cheaper than 1.50.

    12,000 + 1500, and 1500 of the 3000 missing in the end at 0.50; or 12,000 + 1500 x 0.40 + 3000 x 0.50.
    """
    step = {"by": "2026-03-01", "reach": "1.5 Gtok"} | ({"price": price} if price else {})
    case = two_clouds(floor("3 Gtok", shortfall={"price": "0.50 USD per Mtok"}, milestones=[step]))
    found = solved(case)
    assert found.cost == D(cost)
    assert postings(found, "floor", "milestone-fee") == ({} if missed is None else {("milestone-fee", 0): D(missed)})
    assert [(m.required, m.unit) for m in found.milestones] == [(1500, "Mtok")]
    assert Oracle(case).solve() == pytest.approx(cost)


@pytest.mark.parametrize(
    ("amount", "step", "message"),
    [
        ("3 Gtok", {"reach": "5 GPU"}, "5 GPU at any time, and a milestone is what has been taken in all by a day"),
        ("3 Gtok", {"reach": "5 k USD"}, "the amount is in Mtok, and this milestone in USD; write both in one unit"),
        ("3 k USD", {"reach": "1 Gtok"}, "the amount is in USD, and this milestone in Mtok; write both in one unit"),
        ("3 Gtok", {"reach": "4 Gtok"}, "4000 Mtok by 2026-03-01 is more than the 3000 Mtok that are committed in all"),
        (
            "3 Gtok",
            {"reach": "1 Gtok", "fee": "50%"},
            "`fee: 50%` is of money, and the milestone is in Mtok; say `price: 1.00 USD per Mtok`, or leave out `fee`",
        ),
        (
            "3 Gtok",
            {"reach": "1 Gtok", "price": "1 USD per GPU-hour"},
            "what is missing is in Mtok, and priced per GPU",
        ),
        ("3 k USD", {"reach": "1 k USD", "price": "1 USD per Mtok"}, "a price of what is missing of money; say `fee`"),
    ],
)
def test_a_milestone_of_another_unit_is_told_in_units(amount: str, step: Data, message: str) -> None:
    shortfall = {"price": "1 USD per Mtok"} if "tok" in amount else {"fee": "100%"}
    steps = [{"by": "2026-03-01"} | step]
    (found,) = mistakes(data_of(CHEAP, [work()], agreement(floor(amount, shortfall=shortfall, milestones=steps))))
    assert message in found


GROWING = {"rate": {"2026-01": "1000 Mtok per month", "2026-04": "2000 Mtok per month"}}


def milestone(reach: str, by: str = "2026-04-01", how: str = "prepayment") -> Data:
    return {"by": by, "reach": reach, "fee": "100%", "charged-as": how}


@pytest.mark.parametrize(("how", "cost"), [("fee", 9000 + 2000), ("prepayment", 9000)])
def test_a_missed_milestone_is_charged_as_a_fee_or_as_prepayment(how: str, cost: int) -> None:
    """3000 by 1 April, and 6000 after: the 2000 that are missing are lost, or pay for the next two thousand."""
    found = solved(alone(floor("5 k USD", milestones=[milestone("5 k USD", how=how)]), demand=GROWING))
    assert found.cost == D(cost)


def test_what_a_prepayment_pays_does_not_count_again() -> None:
    """3000 + 2000 charged by April; of the 6000 after, 2000 are paid by it: 9000 count in all, of 9500."""
    found = solved(alone(floor("9500 USD", milestones=[milestone("5 k USD")]), demand=GROWING))
    assert [(c.drawn, c.short) for c in found.commitments] == [(D(9000), D(500))]
    assert found.cost == D(9500)
    assert postings(found, "floor") == {
        ("prepayment", 0): D(2000),
        ("prepayment-drawn", 1): D(-2000),
        ("shortfall-fee", 1): D(500),
    }


@pytest.mark.parametrize(
    ("as_of", "counted", "ended"),
    [
        # nothing is charged before the milestone's day: what has counted is what was used
        ("2026-03-01", 2000, False),
        ("2026-04-01", 5000, False),
        # of 2000 used in April, all is paid by what was charged
        ("2026-05-01", 5000, False),
        ("2026-07-01", 9000, True),
    ],
)
def test_where_the_whole_amount_stands_before_its_end(as_of: str, counted: int, ended: bool) -> None:
    case = alone(floor("9500 USD", milestones=[milestone("5 k USD")]), demand=GROWING)
    months = [m for m in range(1, 7) if f"2026-{m:02}-01" < as_of]
    amounts = [(m, 1000 if m < 4 else 2000) for m in months]
    served = [use(case, "chat", "north-api", f"2026-{m:02}-01", f"2026-{m + 1:02}-01", n, n) for m, n in amounts]
    found = settled_of(case.terms, rated(case, served), day(as_of)).standings
    (stands,) = (s for s in found if s.role == "floor")
    assert (stands.drawn, stands.ended) == (D(counted), ended)


def test_a_lump_stands_beside_prepayments() -> None:
    """3,000 by April, and 6,000 after, of which 2,000 draw what was charged: 9,000 count of 9,500, so 700 are owed."""
    more = {"milestones": [milestone("5 k USD")], "shortfall": {"lump": "700 USD"}}
    assert postings(solved(alone(floor("9500 USD", **more), demand=GROWING)), "floor") == {
        ("prepayment", 0): D(2000), ("prepayment-drawn", 1): D(-2000), ("shortfall-fee", 1): D(700),
    }  # fmt: skip
    assert solved(alone(floor("9 k USD", **more), demand=GROWING)).cost == D(9000)


def test_a_prepayment_that_nothing_draws_is_lost() -> None:
    """3000 by April and 600 after: 2000 are charged, of which 600 are drawn by the end."""
    fading = {"rate": {"2026-01": "1000 Mtok per month", "2026-04": "200 Mtok per month"}}
    found = solved(alone(floor("5 k USD", milestones=[milestone("5 k USD")]), demand=fading))
    assert found.cost == D(3000 + 2000 + 600 - 600)


def test_prepayments_of_several_milestones() -> None:
    """1000 USD a month; 2000 by February and 5000 by April.

    January 1000: 1000 charged. February draws that and counts nothing, March counts 1000: 3000, so 2000 are charged.
    April and May draw those, June counts 1000: 6000 in all, paid 1000 + 1000 + 1000 + 2000 + 1000.
    """
    steps = [milestone("2 k USD", by="2026-02-01"), milestone("5 k USD")]
    found = solved(alone(floor("6 k USD", milestones=steps)))
    assert [s.short for s in found.standings if s.role == "milestone"] == [D(1000), D(2000)]
    assert found.cost == D(6000)


def test_whether_the_whole_charge_is_lost_is_said() -> None:
    step = {"by": "2026-04-01", "reach": "5 k USD", "fee": "100%"}
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], agreement(floor("5 k USD", milestones=[step]))))
    assert only.startswith("all of what is missing is charged, and whether that is lost is not said")
    assert "`charged-as: prepayment`" in only


# -- what goes on to the next window -----------------------------------------------------------------------------------
# North costs 3 USD per Mtok, and 1000 Mtok a month are needed: 3000 USD a month at North.
def _floor(**more: Any) -> Case:
    term: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "1000 USD", "windows": {"every": "month"}}
    term |= more
    return build([tokens("north", 3)], [work()], agreement(term), months=4)


def _drawn(case: Case, *amounts: int) -> list[tuple[D, D, D]]:
    """What was brought, what went on, and what is short, of use of so much money in each month."""
    months = ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01"]
    lines = [use(case, "chat", "north-api", months[i], months[i + 1], 1, a) for i, a in enumerate(amounts)]
    return [(s.brought, s.carried, s.short) for s in standing(case, "floor", *lines).standings]


def test_a_shortfall_is_deferred_up_to_a_part_of_the_amount() -> None:
    """As Snap's agreement of 2017 with Google has it: up to 15% of a year's amount, in all years but the last."""
    found = _drawn(_floor(deferral="15%"), 900, 1000, 800, 700)
    assert found == [
        (D(0), D(-100), D(0)),  # 100 short, less than 150: all of it goes on
        (D(-100), D(-100), D(0)),  # 1100 are asked: 100 short again
        (D(-100), D(-150), D(150)),  # 1100 are asked, 300 short: 150 go on, and 150 are owed
        (D(-150), D(0), D(450)),  # the last: 1150 are asked, and nothing goes on
    ]


@pytest.mark.parametrize(
    ("carried", "found"),
    [
        # 400 beyond the amount, of which 300 go on; then the 300 count, so that 200 go on; then they are used
        ("chained", [(D(0), D(300), D(0)), (D(300), D(200), D(0)), (D(200), D(0), D(0)), (D(0), D(0), D(0))]),
        # what February has beyond its own amount is nothing: what was carried in is used or lost
        ("once", [(D(0), D(300), D(0)), (D(300), D(0), D(0)), (D(0), D(0), D(200)), (D(0), D(0), D(0))]),
    ],
)
def test_an_excess_is_carried_on_again_and_again_or_once(carried: str, found: list[tuple[D, D, D]]) -> None:
    case = _floor(**{"carry-over": "30%", "carried": carried})
    assert _drawn(case, 1400, 900, 800, 1000) == found


def test_what_was_deferred_is_made_good_before_anything_is_carried_on_once() -> None:
    """100 of January wait; February's 1,250 make them good, and 150 go on; March's 400 are short of 1,000 by 450.

    That 250 are beyond February's own amount makes it no more: 250 + 150 would be 1,400 of 1,250 + 100.
    """
    case = _floor(deferral="15%", carried="once", **{"carry-over": "30%"})
    assert _drawn(case, 900, 1250, 400) == [
        (D(0), D(-100), D(0)), (D(-100), D(150), D(0)), (D(150), D(-150), D(300)), (D(-150), D(0), D(1150))
    ]  # fmt: skip


def test_a_plan_defers_what_it_makes_good_cheaper_later() -> None:
    # North costs 3, and 1.50 from March on, which is then 500 beyond the amount; South 2. So 500 of the 2000 of January
    # and February may wait for March. 1500 at North are 500 Mtok; 1500 Mtok at South are 3000; March is 1500.
    term: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "1000 USD", "windows": {"every": "month"}}
    offers = [tokens("north", {"2026-01": 3, "2026-03": "1.5"}), tokens("south", 2)]
    found = solved(build(offers, [work()], agreement(term | {"deferral": "60%"}), months=3))
    assert found.cost.quantize(D("0.01")) == 1500 + 3000 + 1500
    assert [s.short.quantize(D("0.01")) for s in found.standings] == [0, 0, 0]
    assert sum((s.drawn for s in found.standings), D(0)).quantize(D("0.01")) == 3000
