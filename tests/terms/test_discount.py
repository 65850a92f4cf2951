"""Discounts, by hand. North 3 USD per Mtok, South 2; 1000 Mtok a month."""

from __future__ import annotations

from typing import Any

import pytest

from detente.report.plans.bill import bill
from detente.results.plan import Plan
from tests.builders import (
    PROVIDERS,
    D,
    Data,
    agreement,
    build,
    charged,
    compute,
    data_of,
    day,
    gpus,
    mistakes,
    placed,
    posted,
    postings,
    rated,
    settled_of,
    solved,
    tokens,
    two_clouds,
    use,
    work,
)
from tests.planner.oracle.oracle import Oracle


def off(name: str, part: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "discount", "off": part} | more


def test_a_lower_price_moves_the_work() -> None:
    found = solved(two_clouds(off("d", "40%")))
    # North 3 x 60% = 1.80 < 2: 6 x 1000 x 1.80 = 10,800; off: 6 x 1000 x 3 x 40% = 7,200
    assert (found.cost, placed(found)) == (D(10800), {"north-api": D(6000)})
    assert charged(found, "d") == D(-7200)


def test_too_small_to_matter() -> None:
    found = solved(two_clouds(off("d", "30%")))
    # 3 x 70% = 2.10 > 2: all at South
    assert (found.cost, postings(found, "d")) == (D(12000), {})


@pytest.mark.parametrize(
    ("combine", "cost", "first", "second"),
    [
        # 3 x (1 - 30% - 10%) = 1.80 a Mtok: 18,000 x 30%, and 18,000 x 10%
        ("sum", 10_800, 5400, 1800),
        # 3 x 70% x 90% = 1.89: 18,000 x 30%, and 10% of the 12,600 that are left
        ("product", 11_340, 5400, 1260),
    ],
)
def test_discounts_that_meet_combine_as_the_agreement_says(combine: str, cost: int, first: int, second: int) -> None:
    case = two_clouds(off("d", "30%"), off("e", "10%"), combine=combine)
    found = solved(case)
    assert (found.cost, charged(found, "d"), charged(found, "e")) == (D(cost), D(-first), D(-second))
    assert Oracle(case).solve() == pytest.approx(cost)


def test_the_best_of_two_is_taken_alone() -> None:
    # 10% in all months, and 40% from April on: 3 x 0.90 = 2.70 > 2 at South, then 3 x 0.60 = 1.80 < 2
    case = two_clouds(off("d", "10%"), off("e", "40%", **{"from": "2026-04"}), combine="best-of")
    found = solved(case)
    assert (found.cost, placed(found)["north-api"]) == (D(6000 + 5400), D(3000))
    assert (charged(found, "d"), charged(found, "e")) == (D(0), D(-3600))
    assert Oracle(case).solve() == pytest.approx(11_400)


def test_one_discount_that_begins_inside_a_line_takes_its_part_of_what_the_other_leaves() -> None:
    """100 USD over 30 days, 20% off, and for the last 15 days 10% of the 80% that are left: 100 - 20 - 4."""
    case = two_clouds(off("d", "20%"), off("e", "10%", **{"from": "2026-01-16"}), combine="product")
    (line,) = rated(case, [use(case, "chat", "north-api", "2026-01-01", "2026-01-31", 1, 100)])
    assert line.net == D(76)
    assert [(r.term, r.start, r.amount) for r in line.reductions] == [
        ("d", day("2026-01-01"), D(20)),
        ("e", day("2026-01-16"), D(4)),
    ]


def test_discounts_that_meet_without_a_stated_way_are_a_mistake() -> None:
    deal = agreement(off("sp", "30%"), off("edp", "10%"))
    (only,) = mistakes(data_of([tokens("north", 3), tokens("south", 2)], [work()], deal))
    assert only == (
        "`sp` and `edp` both change the price of `north-api`, and `north-deal` does not say how they combine; write "
        "`combine:` in `north-deal`, as the contract says of 30% off and 10% off: `product` (37% off), "
        "`sum` (40% off), `best-of` (30% off)"
    )


def test_agreements_that_meet_say_the_same_way() -> None:
    one = agreement(off("sp", "30%"), id="one", combine="product")
    two = agreement(off("edp", "10%"), id="two", combine="sum")
    (only,) = mistakes(data_of([tokens("north", 3)], [work()], one, two))
    assert "`one` says `combine: product` while `two` says `combine: sum`" in only
    silent = [deal | {"combine": None} for deal in (one, two)]
    (only,) = mistakes(data_of([tokens("north", 3)], [work()], *silent))
    assert "`one` and `two` do not say how they combine; write `combine:` in `one` and `two`" in only


def test_discounts_that_never_meet_need_no_way() -> None:
    first, second = off("d", "30%", of={"provider": "north"}), off("e", "10%", of={"provider": "south"})
    assert solved(two_clouds(first, second)).cost == D(10_800)


def test_an_amendment_combines_as_what_it_amends() -> None:
    deal = agreement(off("d", "20%"), id="deal", combine="product")
    more = agreement(off("e", "25%"), id="more", amends="deal", effective="2026-04-01")
    # 2.40 > 2; then 3 x 80% x 75% = 1.80 < 2 at North
    assert solved(build([tokens("north", 3), tokens("south", 2)], [work()], deal, more)).cost == D(6000 + 5400)


def test_spend_in_a_window_is_what_is_paid_in_it() -> None:
    """300 USD at list price over 30 days, half price for the last 15: 150 USD in one window, 75 in the next.

    Both windows are asked for 1000 USD, so that 850 and 925 are missing; and not 887.50 twice.
    """
    windows = {"every": "month", "starts": "2025-12-16"}
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "1000 USD", "windows": windows}
    floor |= {"measure": "after-discounts"}
    half = off("half", "50%", **{"from": "2026-01-16"})
    terms = floor | {"windows": windows | {"cut": "prorate"}}, half
    case = build([tokens("north", 3)], [work()], agreement(*terms, effective="2025-12-16"))
    clause = next(term for term in case.signed if term.id == "floor")
    lines = rated(case, [use(case, "chat", "north-api", "2026-01-01", "2026-01-31", 100, 300)])
    first, second = settled_of([clause], lines, day("2026-02-16")).standings[:2]
    assert (first.drawn, second.drawn) == (D(150), D(75))
    assert (first.owed, second.owed) == (D(850), D(925))


@pytest.mark.parametrize("every", ["month", "week", "day"])
def test_a_discount_that_begins_with_a_cap_fits_it_on_any_grid(every: str) -> None:
    """South costs 2 USD per Mtok until 16 January and 1 from then on, so 16/31 of 1000 Mtok cost 516.13 of 600 USD."""
    late = {"from": "2026-01-16"}
    cap = {"id": "cap", "kind": "spending-cap", "amount": "600 USD", "windows": {"cut": "prorate"}} | late
    horizon = {"start": "2026-01-01", "end": "2026-02-01", "every": every}
    found = solved(two_clouds(off("half", "50%", **late), cap, party="south", months=1, horizon=horizon))
    assert placed(found)["south-api"].quantize(D("0.01")) == D(1000)
    assert found.cost.quantize(D("0.01")) == D("1483.87")  # 2000 - 1000 x 16/31


def test_together_over_one_hundred_percent_is_a_mistake() -> None:
    data = data_of(
        [tokens("north", 3), tokens("south", 2)],
        [work()],
        agreement(off("d", "70%"), off("e", "40%"), combine="sum"),
        months=1,
    )
    found = mistakes(data)
    assert found
    assert all("`d` and `e` together give more than 100%" in m for m in found)


def test_one_after_the_other_is_none() -> None:
    first, second = off("d", "70%", until="2026-04"), off("e", "40%", **{"from": "2026-04"})
    found = solved(two_clouds(first, second))
    # 3 x 1000 x 0.90 + 3 x 1000 x 1.80
    assert found.cost == D(8100)


def test_from_the_middle_of_a_month() -> None:
    found = solved(two_clouds(off("d", "50%", **{"from": "2026-04-16"})))
    # April: 15 of 30 days at half price: 3 x (1 - 50% x 15/30) = 2.25 > 2: South.
    # May, June: 1.50: North. 4 x 2000 + 2 x 1500 = 11,000; off: 2 x 3000 x 50% = 3,000
    assert (found.cost, placed(found)["north-api"]) == (D(11000), D(2000))
    assert charged(found, "d") == D(-3000)


def test_a_part_of_a_month_counts_by_its_days() -> None:
    case = two_clouds(off("d", "50%", **{"from": "2026-04-11"}))
    # 1000 USD over April (30 days), in force for 20 of them: 1000 x 50% x 20/30 = 333.333333333
    lines = posted(case, "d", use(case, "chat", "north-api", "2026-04-01", "2026-05-01", 300, 1000))
    assert [p.amount for p in lines] == [D("-333.333333333")]  # all of it in the month from 11 April
    before = use(case, "chat", "north-api", "2026-03-01", "2026-04-01", 300, 1000)
    elsewhere = use(case, "chat", "south-api", "2026-05-01", "2026-06-01", 300, 1000)
    assert posted(case, "d", before, elsewhere) == []


@pytest.mark.parametrize("day", range(2, 29, 5))
def test_months_that_cut_lines_of_use_lose_nothing_in_rounding(day: int) -> None:
    """Each month's posting is in whole billionths; together they are what was taken off, to the last one."""
    demand = {"rate": "300 Mtok per month", "growth": "10% per month"}
    off = {"id": "off", "kind": "discount", "off": "6.7%", "from": f"2026-01-{day:02d}"}
    found = solved(build([tokens("north", "3.0175")], [work(demand=demand)], agreement(off), months=5))
    assert sum(p.amount for p in found.postings) == sum(c.net - c.listed for c in found.charges)
    assert [line.amount for line in bill(found)][-1] == found.cost
    assert Plan.from_json(found.to_json()) == found


def test_idle_capacity_is_discounted_too() -> None:
    offers = [gpus("north", 3, unit=8), gpus("south", "2.6")]
    found = solved(build(offers, [compute(demand="6 GPU")], agreement(off("d", "50%")), months=1))
    # a machine of 8 at North: 8 x 3 x 50% = 12 an hour, of which 2 GPUs idle; at South 6 x 2.60 = 15.60
    assert found.cost == D(12 * 744)
    assert charged(found, "d") == D(-12 * 744)


def test_data_moved_out_is_sold_by_the_place_it_leaves() -> None:
    chat = work(data={"at": "north/dublin", "moves": "1 GB per Mtok"})
    network = [{"from": "*", "to": "*", "price": "0.50 USD per GB"}]
    offers = [tokens("north", 3), tokens("south", 2)]
    found = solved(build(offers, [chat], agreement(off("d", "10%")), months=1, networks=network))
    # South 2 + moving 0.50 x 90% = 2.45; North 3 x 90% = 2.70
    assert (found.cost, placed(found)) == (D(2450), {"south-api": D(1000)})
    assert charged(found, "d") == D(-50)


@pytest.mark.parametrize(
    ("of", "given"), [({"product": "egress"}, -50), ({"model": "m"}, 0), ({"product": "tokens"}, 0)]
)
def test_which_data_moved_out_is_discounted_the_scope_says(of: dict[str, str], given: int) -> None:
    chat = work(data={"at": "north/dublin", "moves": "1 GB per Mtok"})
    network = [{"from": "*", "to": "*", "price": "0.50 USD per GB"}]
    offers = [tokens("north", 3), tokens("south", 2)]
    found = solved(build(offers, [chat], agreement(off("d", "10%", of=of)), months=1, networks=network))
    # South: 2 + moving 0.50, less 10% of the moving where it is covered; North: 3, or 2.70
    assert (found.cost, charged(found, "d")) == (D(2500 + given), D(given))


@pytest.mark.parametrize(
    ("key", "value", "instead"),
    [
        ("tiers", [], "`kind: volume-discount`"),
        ("above", "5 k USD", "`kind: volume-discount`"),
        ("cap", "5 k USD", "`kind: credit`, with its `rate`"),
        ("price", "2 USD per Mtok", "`kind: price-lock`"),
    ],
)
def test_what_is_no_discount_leads_to_its_kind(key: str, value: object, instead: str) -> None:
    clause: Data = {"id": "d", "kind": "discount", "off": "10%", key: value}
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], agreement(clause)))
    assert instead in only


def test_by_workload_on_shared_machines_is_refused() -> None:
    data = data_of(
        [gpus("north", 3)], [compute()], agreement(off("d", "10%", of={"workload": "research"})), providers=PROVIDERS
    )
    (only,) = mistakes(data)
    assert "which is bought in units that workloads share" in only


def test_spend_counts_after_it() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD", "shortfall": "forbidden"}
    floor |= {"measure": "after-discounts"}
    found = solved(two_clouds(off("d", "10%"), floor))
    # x Mtok at North for 2.70: 9000 / 2.70 = 3,333.33 Mtok; the rest at 2
    assert abs(placed(found)["north-api"] - D(9000) / D("2.7")) <= D("0.000001")  # work is whole in millionths
    assert abs(found.cost - (9000 + 2 * (6000 - D(9000) / D("2.7")))) < D("0.001")


@pytest.mark.parametrize(
    "kind",
    [
        {"kind": "discount", "off": "5%"},
        {"kind": "credit", "rate": "60%"},
        {"kind": "revenue-share", "rate": "5%"},
        {"kind": "liquidated-damages", "amount": "5 k USD"},
        {"kind": "price-lock", "method": "fixed"},
        {"kind": "escalator", "by": "3%"},
    ],
)
def test_nobody_pays_himself_and_nothing_that_follows_is_told(kind: dict[str, Any]) -> None:
    """Beside a discount and a credit of the seller it would be asked to combine, or give more than all."""
    given = {"id": "half", "kind": "credit", "rate": "60%"}, off("d", "10%")
    deals = agreement(*given, id="deal"), agreement(kind | {"id": "gift"}, party="self", id="own")
    assert mistakes(data_of([tokens("north", 3)], [work()], *deals)) == [
        "`gift` is of money or prices between two parties, and is agreed with `self`, who is one; "
        "write it in an agreement with the provider who sells, or is paid"
    ]
