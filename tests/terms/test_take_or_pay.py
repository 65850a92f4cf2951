"""Take-or-pay, by hand. North 3 USD per GPU-hour, South 2; January has 744 hours."""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.report.plans.explanation import explain
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    compute,
    data_of,
    gpus,
    mistakes,
    placed,
    posted,
    postings,
    settled_of,
    solved,
    tokens,
    use,
    work,
)
from tests.planner.oracle.oracle import Oracle
from tests.replayed import replayed

HOURS = 744


def world(price: str, demand: str = "10 GPU", months: int = 1, **more: Any) -> Case:
    term: dict[str, Any] = {
        "id": "take",
        "kind": "take-or-pay",
        "offer": "north-gpus",
        "quantity": "4 GPU",
        "take": "50%",
    }
    term |= {"price": f"{price} USD per GPU-hour"} | more
    offers = [gpus("north", 3), gpus("south", 2)]
    return build(offers, [compute(demand=demand)], agreement(term), months=months)


@pytest.mark.parametrize(
    ("price", "demand", "north", "hourly"),
    [
        # two are owed: taken they cost 3 - 1.50 = 1.50 < 2: 2 x 3 + 8 x 2
        ("1.50", "10 GPU", 2, D(22)),
        # 3 - 0.50 = 2.50 > 2: paid and left: 10 x 2 + 2 x 0.50
        ("0.50", "10 GPU", 0, D(21)),
        # work for one: it is taken, the other is paid: 3 + 1.50
        ("1.50", "1 GPU", 1, D("4.5")),
        # no work at all: both are paid
        ("1.50", "0 GPU", 0, D(3)),
    ],
)
def test_take_or_pay(price: str, demand: str, north: int, hourly: D) -> None:
    found = solved(world(price, demand))
    assert (found.cost, placed(found).get("north-gpus", D(0))) == (hourly * HOURS, D(north * HOURS))


def test_what_was_not_taken_is_posted_by_window() -> None:
    found = solved(world("1", "1 GPU", months=2, take="100%"))
    # one taken (3 - 1 = 2, as at South: a tie) or none: three or four of four are paid
    paid = postings(found, "take")
    taken = {p: D(0) for p in (0, 1)} | {a.period: a.work for a in found.allocations if a.offer == "north-gpus"}
    assert paid == {("untaken", 0): 4 * 744 - taken[0], ("untaken", 1): 4 * 672 - taken[1]}


def test_idle_capacity_that_was_bought_is_taken() -> None:
    term: dict[str, Any] = {"id": "take", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "8 GPU"}
    term |= {"price": "1 USD per GPU-hour"}
    found = solved(build([gpus("north", 1, unit=8)], [compute(demand="3 GPU")], agreement(term), months=1))
    # a machine of 8 is rented for 3: all 8 are taken
    assert (found.cost, postings(found, "take")) == (D(8 * HOURS), {})


def test_from_the_middle_of_a_month() -> None:
    found = solved(world("1", "0 GPU", months=2, take="100%", **{"from": "2026-01-22"}))
    # windows from the 22nd: 31 days, then the 10 until the agreement's end on 1 March: 4 GPUs x (744 + 168 hours)
    assert postings(found, "take") == {("untaken", 0): D(4 * 744), ("untaken", 1): D(4 * 7 * 24)}


def test_cut_windows() -> None:
    term: dict[str, Any] = {
        "id": "take",
        "kind": "take-or-pay",
        "offer": "north-gpus",
        "quantity": "1 GPU",
        "price": "1 USD per GPU-hour",
    }
    term["windows"] = {"every": "quarter"}
    deal = agreement(term, ends="2027-01")
    (only,) = mistakes(data_of([gpus("north", 3)], [compute()], deal, months=1))
    assert "is cut by the horizon" in only
    term["windows"] = {"every": "quarter", "cut": "prorate"}
    found = solved(build([gpus("north", 3)], [compute(demand="0 GPU")], agreement(term, ends="2027-01"), months=1))
    # of the quarter's 90 days 31 are seen: 31 x 24 hours
    assert found.cost == D(744)


def test_account_of_metered_use() -> None:
    case = world("1.50", take="50%")
    # owed 2 x 744 = 1488 GPU-hours; 1000.5 taken: 487.5 x 1.50
    taken = use(case, "research", "north-gpus", "2026-01-01", "2026-02-01", "1000.5", 1)
    assert [p.amount for p in posted(case, "take", taken)] == [D("731.25")]
    elsewhere = use(case, "research", "south-gpus", "2026-01-01", "2026-02-01", "9999", 1)
    assert [p.amount for p in posted(case, "take", taken, elsewhere)] == [D("731.25")]
    more = use(case, "research", "north-gpus", "2026-01-01", "2026-02-01", "487.5", 1)
    assert posted(case, "take", taken, more) == []


def test_only_gpus() -> None:
    term: dict[str, Any] = {
        "id": "take",
        "kind": "take-or-pay",
        "offer": "north-api",
        "quantity": "1 GPU",
        "price": "1 USD per GPU-hour",
    }
    found = mistakes(data_of([tokens("north", 3)], [work()], agreement(term)))
    assert any("`north-api` is not capacity in GPUs" in m for m in found)


def test_a_price_in_another_unit() -> None:
    term: dict[str, Any] = {"id": "take", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "1 GPU"}
    term |= {"price": "9 USD per unit-hour"}
    (only,) = mistakes(data_of([gpus("north", 3)], [compute()], agreement(term)))
    assert only.startswith("the price is per unit-hour; expected per GPU-hour")


TAKE = {"id": "take", "kind": "take-or-pay", "price": "1 USD per GPU-hour"}


def test_an_offer_of_another_party() -> None:
    deal = agreement(TAKE | {"offer": "south-gpus", "quantity": "4 GPU"})
    assert mistakes(data_of([gpus("north", 3), gpus("south", 2)], [compute()], deal)) == [
        "`south-gpus` is sold by `south`, and this agreement is with `north`; "
        "name an offer of `north`, or agree it with `south`"
    ]
    own = agreement(TAKE | {"offer": "south-gpus", "quantity": "4 GPU"}, **{"with": "self"})  # which sells nothing
    assert mistakes(data_of([gpus("north", 3), gpus("south", 2)], [compute()], own)) == [
        "`take` is of money or prices between two parties, and is agreed with `self`, who is one; "
        "write it in an agreement with the provider who sells, or is paid"
    ]


@pytest.mark.parametrize(
    ("capacity", "more", "least"),
    [
        ("16 GPU", {}, None),
        ("15 GPU", {}, "15"),
        ("2 unit", {"unit": 8}, None),
        ("1 unit", {"unit": 8}, "8"),
        ({"2026-01-01": "20 GPU", "2026-03-01": "12 GPU"}, {}, "12"),  # less of it later, while the clause is in force
        ({"2026-01-01": "20 GPU", "2026-09-01": "12 GPU"}, {}, None),  # after the horizon
    ],
)
def test_more_than_there_is(capacity: Any, more: dict[str, Any], least: str | None) -> None:
    deal = agreement(TAKE | {"offer": "north-gpus", "quantity": "16 GPU"})
    found = mistakes(data_of([gpus("north", 3, capacity=capacity, **more)], [compute(demand="1 GPU")], deal))
    expected = (
        f"16 GPU to be kept, and `north-gpus` has a capacity of {least} GPU; "
        "lower the quantity, or raise the offer's `capacity`"
    )
    assert found == ([expected] if least else [])


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ({}, {}, "20 GPU in all, and `north-gpus` has a capacity of 16 GPU (Jan 2026 – Jun 2026)"),
        (
            {"until": "2026-04-01"},
            {"from": "2026-03-01"},
            "20 GPU in all, and `north-gpus` has a capacity of 16 GPU (Mar 2026)",
        ),
        ({"until": "2026-03-01"}, {"from": "2026-03-01"}, None),  # one after the other
        ({"quantity": "6 GPU"}, {}, None),
    ],
)
def test_more_than_there_is_in_several_clauses(first: Any, second: Any, kept: str | None) -> None:
    each = [
        TAKE | {"id": name, "offer": "north-gpus", "quantity": "10 GPU", "of": {"workload": name}} | more
        for name, more in (("a", first), ("b", second))
    ]
    works = [compute("a", demand="1 GPU"), compute("b", demand="1 GPU")]
    found = mistakes(data_of([gpus("north", 3, capacity="16 GPU")], works, agreement(*each)))
    assert found == ([f"`a` and `b` keep {kept}; lower one, or raise the offer's `capacity`"] if kept else [])


@pytest.mark.parametrize(
    ("first", "second", "passes"),
    [
        ({}, {}, False),  # each would count the other's GPUs: 10 taken would do for both
        ({"until": "2026-03-01"}, {"from": "2026-03-01"}, True),  # one after the other
        ({"of": {"workload": "one"}}, {"except": [{"workload": "one"}]}, True),
        ({"of": {"workload": "one"}}, {}, False),
    ],
)
def test_what_is_taken_counts_for_one_clause(first: Any, second: Any, passes: bool) -> None:
    each = [
        TAKE | {"id": "a", "offer": "north-gpus", "quantity": "10 GPU"} | first,
        TAKE | {"id": "b", "offer": "north-gpus", "quantity": "4 GPU"} | second,
    ]
    works = [compute("one", demand="1 GPU"), compute("two", demand="1 GPU")]
    found = mistakes(data_of([gpus("north", 3)], works, agreement(*each)))
    assert found == [] if passes else [each.partition(" are of")[0] for each in found] == ["`a` and `b`"]


@pytest.mark.parametrize(
    ("offer", "clause", "passes"),
    [
        ({"until": "2026-04-01"}, {}, False),
        ({"from": "2026-02-01"}, {}, False),
        ({"until": "2026-04-01"}, {"until": "2026-04-01"}, True),
        ({"from": "2026-02-01"}, {"from": "2026-02-01"}, True),
        ({"until": "2026-09-01"}, {}, True),  # after the horizon
    ],
)
def test_an_offer_that_ends_before_what_is_to_be_taken_of_it(
    offer: dict[str, Any], clause: dict[str, Any], passes: bool
) -> None:
    deal = agreement(TAKE | {"offer": "north-gpus", "quantity": "4 GPU"} | clause)
    found = mistakes(data_of([gpus("north", 3, **offer), gpus("south", 2)], [compute()], deal))
    assert found == (
        []
        if passes
        else [
            "`north-gpus` is not on offer for all of the time for which it is to be kept (Jan 2026 – Jun 2026); "
            "let the clause and the offer begin and end on the same days (`from`, `until`)"
        ]
    )


# -- what the seller did not deliver, and what may be taken later ------------------------------------------------------
def test_what_the_seller_did_not_have_ready_is_not_owed() -> None:
    # 4 GPUs, all to be taken; none was ready for ten days, and one not for the ten after: 4 x 744 - 4 x 240 - 240
    missing = [
        {"from": "2026-01-01", "until": "2026-01-11", "quantity": "4 GPU"},
        {"from": "2026-01-11", "until": "2026-01-21", "quantity": "1 GPU"},
    ]
    case = world("1", take="100%", undelivered=missing)
    (standing,) = solved(case).standings
    assert standing.amount == D(4 * HOURS - 1200)
    line = use(case, "research", "north-gpus", "2026-01-01", "2026-02-01", 1000, 1)
    assert [p.amount for p in posted(case, "take", line)] == [D(4 * HOURS - 1200 - 1000)]


def test_of_what_a_horizon_cuts_only_what_it_sees() -> None:
    missing = [{"from": "2025-12-21", "until": "2026-01-11", "quantity": "4 GPU"}]
    windows = {"every": "month", "starts": "2025-12-15", "cut": "prorate"}
    term: Data = {"id": "take", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "4 GPU"}
    term |= {"undelivered": missing}
    term |= {"price": "1 USD per GPU-hour", "windows": windows}
    deal = agreement(term, effective="2025-12-15")
    found = solved(build([gpus("north", 3), gpus("south", 2)], [compute()], deal, months=1))
    # to 15 January the horizon sees 14 days, of which 10 were missing; the second window's 17 days are whole
    assert [s.amount for s in found.standings] == [D(4 * 24 * 4), D(4 * 24 * 17)]


def test_what_was_paid_and_not_taken_is_made_up_the_oldest_first() -> None:
    # 4 GPUs at 1 USD: 2976 hours in January, 2688 in February, 2976 in March, 2880 in April
    more: Data = {"make-up": {"within": "2 months"}}
    case = world("1", months=4, take="100%", **more)

    def took(start: str, end: str, hours: int) -> Any:
        return use(case, "research", "north-gpus", start, end, hours, 1)

    lines = [
        took("2026-01-01", "2026-02-01", 2876),  # 100 short
        took("2026-02-01", "2026-03-01", 2728),  # 40 more: made up of January's 100
        took("2026-03-01", "2026-04-01", 2946),  # 30 short
        took("2026-04-01", "2026-05-01", 2980),  # 100 more: January's rest is over, March's 30 are made up
    ]
    assert [(p.part, p.window, p.amount) for p in posted(case, "take", *lines)] == [
        ("untaken", 0, D(100)),
        ("untaken", 2, D(30)),
        ("made-up", 1, D(-40)),
        ("made-up", 3, D(-30)),
    ]


def test_a_plan_takes_later_what_it_has_paid_for() -> None:
    # January has no work: 4 x 744 hours are paid at 2.50. From February on there is work for 10 GPUs: at North an hour
    # beyond the 4 costs 3 - 2.50 as long as something is left to make up, and at South 2.
    demand = {"rate": {"2026-01": "0 GPU", "2026-02": "10 GPU"}}
    term: Data = {"id": "take", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "4 GPU"}
    term |= {"price": "2.50 USD per GPU-hour", "make-up": {"within": "1 month"}}
    offers, research = [gpus("north", 3), gpus("south", 2)], compute(demand=demand)
    found = solved(build(offers, [research], agreement(term), months=2))
    january = 4 * HOURS
    assert postings(found, "take") == {("untaken", 0): D("2.5") * january, ("made-up", 1): D("-2.5") * january}
    # whole GPUs: with nine at North (6048 hours) all 2976 are made up; with eight, 288 of them are lost, at 2.50 each
    assert found.cost == 672 * (9 * 3 + 1 * 2) == D(19_488)
    assert found.cost < 672 * (8 * 3 + 2 * 2) + D("2.5") * 288


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ([("2026-01-05", "2026-01-05", "1 GPU")], "ends on 2026-01-05, not after its start on 2026-01-05"),
        ([("2026-01-05", "2026-01-09", "5 GPU")], "5 GPU were missing of 4 GPU"),
        (
            [("2026-01-05", "2026-01-09", "1 GPU"), ("2026-01-08", "2026-01-11", "1 GPU")],
            "begins on 2026-01-08, before the one above it ends (2026-01-09)",
        ),
    ],
)
def test_what_was_missing_is_said_once_and_in_order(missing: Any, said: str) -> None:
    stated = [{"from": a, "until": b, "quantity": q} for a, b, q in missing]
    term = {"id": "take", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "4 GPU", "undelivered": stated}
    (only,) = mistakes(data_of([gpus("north", 3)], [compute()], agreement(term | {"price": "1 USD per GPU-hour"})))
    assert only.startswith(said)


QUARTER: Data = {"carry-over": "25%"}


# -- what is taken beyond, carried over --------------------------------------------------------------------------------
def taken(*gpus_each: int, months: int = 3, **more: Any) -> Case:
    """So many GPUs in each month, and nobody else sells; all of 4 GPUs is asked for, at 1 USD."""
    rate = {f"2026-{n:02}-01": f"{each} GPU" for n, each in enumerate(gpus_each, start=1)}
    term: Data = {"id": "take", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "4 GPU"}
    term |= {"price": "1 USD per GPU-hour"} | more
    return build([gpus("north", 3)], [compute(demand={"rate": rate})], agreement(term), months=months)


def stands(case: Case) -> list[tuple[D, D]]:
    """What goes on from each month, and what is not taken, in GPU-hours; a plan's is that of its use replayed."""
    found = solved(case)
    assert [p.amount for p in settled_of(case.terms, replayed(case, found)).postings] == [
        p.amount for p in found.postings
    ]
    return [(row.carried, row.short) for row in found.standings]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        # 6 in January of 4: 2 go on, but at most 25% of 4: 1 x 744 hours. February takes 3 x 672, and 1 x 744 is
        # brought: 72 more than 4 x 672. March takes 3 x 744, and 72 are brought
        ({"carry-over": "25%"}, [(744, 0), (72, 0), (0, 672)]),
        # of its own February has nothing beyond
        ({"carry-over": "25%", "carried": "once"}, [(744, 0), (0, 0), (0, 744)]),
        # January's 744 go on for two windows: 672 of them fill February, and the 72 that are left March
        ({"carry-over": "25%", "carried": 2}, [(744, 0), (72, 0), (0, 672)]),
        ({"carry-over": "100%", "carried": 2}, [(1488, 0), (816, 0), (0, 0)]),  # and 72 lapse
        ({"carry-over": "100%"}, [(1488, 0), (816, 0), (72, 0)]),
        ({}, [(0, 0), (0, 672), (0, 744)]),
    ],
)
def test_what_is_taken_beyond_lowers_what_the_next_window_asks_for(more: Data, expected: list[tuple[int, int]]) -> None:
    assert stands(taken(6, 3, 3, **more)) == expected


def test_less_is_carried_where_the_seller_lacked_some() -> None:
    """2 of 4 GPUs were missing through January: 2 x 744 are asked for, and a quarter of that is 372."""
    missing = [{"from": "2026-01-01", "until": "2026-02-01", "quantity": "2 GPU"}]
    assert stands(taken(4, 3, 4, undelivered=missing, **QUARTER)) == [(372, 0), (0, 300), (0, 0)]


@pytest.mark.parametrize("carried", ["chained", "once", 2])
def test_a_plan_takes_more_early_where_that_is_cheaper(carried: str | int) -> None:
    """In February nothing at all is to do, and North costs 1 more than South: 2 more in January save 2 x 1.50."""
    term: Data = {"id": "take", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "4 GPU"}
    term |= {"price": "1.50 USD per GPU-hour", "carry-over": "50%", "carried": carried}
    rate = {"2026-01-01": "10 GPU", "2026-02-01": "0 GPU", "2026-03-01": "5 GPU"}
    case = build([gpus("north", 3), gpus("south", 2)], [compute(demand={"rate": rate})], agreement(term), months=3)
    found = solved(case)
    assert float(found.cost) == pytest.approx(Oracle(case).solve(), abs=0.01)
    january = 744 * (4 * 3 + 6 * 2) + 2 * 744 * 1  # 2 more at North
    february = (4 * 672 - 2 * 744) * D("1.5")
    assert found.cost == january + february + 744 * (4 * 3 + 2)


def test_with_two_rates_of_exchange_nothing_is_paid_early_to_be_carried() -> None:
    """3 of 4 are taken in each month: 744 EUR at 1 and 672 EUR at 2; paid in January, February's would be cheaper."""
    rate = [{"rate": {"2026-01-01": "1 USD per EUR", "2026-02-01": "2 USD per EUR"}, "day": "use"}]
    term: Data = {"id": "take", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "4 GPU"}
    term |= {"price": "1 EUR per GPU-hour", "carry-over": "50%"}
    data = data_of([gpus("north", 3)], [compute(demand="3 GPU")], agreement(term), months=2, exchange=rate)
    assert [p.amount for p in solved(Case.of(data)).postings] == [744, 2 * 672]


def test_carried_over_and_made_up_are_refused_together_and_it_says_what_it_does() -> None:
    both: Data = {"make-up": {"within": "1 year"}, "carry-over": "10%"}
    term: Data = {"id": "take", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "4 GPU"}
    term |= {"price": "1 USD per GPU-hour"} | both
    (said,) = mistakes(data_of([gpus("north", 3)], [compute()], agreement(term)))
    assert said.endswith("keep one of them: `make-up` or `carry-over`")
    case = taken(6, 3, 3, **QUARTER)
    assert case.terms[0].explain().sentence.endswith("taken beyond it, counts in the next, and may go on from there")
    lines = [line.sentence for line in explain(case, solved(case), "take").lines]
    told = next(line for line in lines if line.startswith("Feb 2026: "))
    assert told.endswith("taken and 744.00 GPU-hour carried in, of 2.69 k GPU-hour: met, 72.00 GPU-hour carried on")
