"""Volume discounts, by hand. North 3 USD per Mtok, South 2; 1000 Mtok a month, unless a test says otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.case.switches import switches
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    charged,
    data_of,
    mistakes,
    placed,
    posted,
    solved,
    tokens,
    two_clouds,
    use,
    work,
)
from tests.outcomes.worth.priced import prices
from tests.planner.oracle.oracle import Oracle


def volume(method: str, *tiers: tuple[str, str], **more: Any) -> Data:
    found = [{"from": start, "off" if rate.endswith("%") else "price": rate} for start, rate in tiers]
    return {"id": "volume", "kind": "volume-discount", "method": method, "tiers": found} | more


def alone(term: Data, demand: str, **more: Any) -> Case:
    """All work of one month is at North, for 1 USD per Mtok."""
    return build([tokens("north", 1) | more], [work(demand=demand)], agreement(term), months=1)


EGRESS = ("1024 Mtok", "0.0819 USD per Mtok"), ("51_200 Mtok", "0.0806 USD per Mtok")
PRICE = {"input": "0.0832 USD per Mtok", "output": "0.0832 USD per Mtok"}


def test_graduated_tiers_of_a_published_price() -> None:
    """Azure's tiers of egress, as in https://github.com/Azure/BillingCodeSamples/issues/15, by the unit.

    1,024 x 0.0832 + 50,176 x 0.0819 + 51,200 x 0.0806 = 85.1968 + 4109.4144 + 4126.72.
    """
    term = volume("graduated", *EGRESS, listed="0.0832 USD per Mtok")
    case = alone(term, "102_400 Mtok per month", price=PRICE)
    assert solved(case).cost == D("8321.3312")
    assert Oracle(case).solve() == pytest.approx(8321.3312)


@pytest.mark.parametrize(
    ("method", "spent", "off"),
    [
        ("graduated", "999.99", "0"),
        ("graduated", "1000", "0"),
        ("graduated", "1500", "50"),  # 10% of 500
        ("graduated", "3000", "300"),  # 10% of 1000 and 20% of 1000
        ("all-units", "999.99", "0"),
        ("all-units", "1000", "100"),  # 10% of everything, once it is reached
        ("all-units", "999.994", "0"),
        ("all-units", "999.999999680", "99.999999968"),  # 1,000.00 on an invoice: many lines were rounded
        ("all-units", "1999.99", "199.999"),
        ("all-units", "2000", "400"),
    ],
)
def test_what_tiers_take_off_at_their_bounds(method: str, spent: str, off: str) -> None:
    case = alone(volume(method, ("1 k USD", "10%"), ("2 k USD", "20%")), "1 Mtok per month")
    lines = posted(case, "volume", use(case, "chat", "north-api", "2026-01-01", "2026-02-01", 1, spent))
    assert sum((line.amount for line in lines), D(0)) == -D(off)


def test_a_rebate_on_everything_makes_up_for_a_dearer_price() -> None:
    """10% of 6000 at North is 600 less, once all of 6000 is there: 2.10 x 0.90 = 1.89 < 2 a Mtok."""
    offers = [tokens("north", "2.10"), tokens("south", 2)]
    case = build(offers, [work()], agreement(volume("all-units", ("12 k USD", "10%"))))
    found = solved(case)
    assert (found.cost, placed(found)) == (D(12_600) * D("0.9"), {"north-api": D(6000)})
    assert charged(found, "volume") == D(-1260)
    assert Oracle(case).solve() == pytest.approx(11_340)


def test_the_same_of_what_lies_above_does_not() -> None:
    """At North 12,600 less 10% of 600 is more than 12,000 at South: no part of a tier is had before it is reached."""
    offers = [tokens("north", "2.10"), tokens("south", 2)]
    case = build(offers, [work()], agreement(volume("graduated", ("12 k USD", "10%"))))
    assert solved(case).cost == D(12_000)
    assert Oracle(case).solve() == pytest.approx(12_000)


def test_it_buys_more_where_everything_is_then_cheaper() -> None:
    """3 a Mtok at North, and from 9000 USD on a half of all: 3000 Mtok there cost 4500, and 6000 elsewhere."""
    case = two_clouds(volume("all-units", ("9 k USD", "50%")))
    found = solved(case)
    # from 3000 Mtok on each costs 1.50 at North, so all of it is there
    assert (found.cost, placed(found)) == (D(9000), {"north-api": D(6000)})


def test_each_window_fills_its_own_tiers() -> None:
    term = volume("graduated", ("2 k USD", "50%"), windows={"every": "quarter"})
    found = solved(build([tokens("north", 1)], [work()], agreement(term)))
    # 3000 a quarter: half of 1000 in each
    assert charged(found, "volume") == D(-1000)


def test_a_graduated_tier_is_filled_once_all_before_it_are_full() -> None:
    """20% of 300, 10% of 600 and 60% of the last 100 USD; not 10% of 600 and 60% of 400."""
    tiers = ("0 USD", "20%"), ("300 USD", "10%"), ("900 USD", "60%")
    assert solved(build([tokens("north", 1)], [work()], agreement(volume("graduated", *tiers)), months=1)).cost == 820


def test_a_tier_that_is_worth_less_than_the_one_before_it() -> None:
    """10% of the second thousand, and 5% of what lies above: 100 + 200 of 6000."""
    case = build([tokens("north", 1)], [work()], agreement(volume("graduated", ("1 k USD", "10%"), ("2 k USD", "5%"))))
    assert charged(solved(case), "volume") == D(-100 - 200)
    assert Oracle(case).solve() == pytest.approx(5700)


@pytest.mark.parametrize(
    ("term", "said"),
    [
        (volume("graduated", ("2 k USD", "10%"), ("1 k USD", "20%")), "tiers out of order"),
        (volume("graduated", ("2 k USD", "10%"), ("2000 USD", "20%")), "two tiers begin at 2000 USD"),
        (volume("all-units", ("1 k USD", "20%"), ("2 k USD", "10%")), "takes less off everything"),
        (volume("graduated", ("1 Gtok", "10%")), "write `listed: 1.00 USD per Mtok`"),
        (volume("graduated", ("1 Gtok", "10%"), ("2 k USD", "20%")), "tiers in different units"),
        (volume("graduated", ("1 Gtok", "10%"), listed="3 USD per GPU-hour"), "`listed` is per GPU-hour"),
        (volume("graduated", ("1 Gtok", "10%"), listed="3 USD per Mtok"), "`north-api` does not cost 3 USD per Mtok"),
        ({"id": "d", "kind": "discount", "off": "5%", "tiers": []}, "write `kind: volume-discount`"),
        ({"id": "c", "kind": "credit", "rate": "10%", "above": "500 k USD"}, "`all-units` (of all spend once"),
    ],
)
def test_what_makes_no_sense(term: Data, said: str) -> None:
    uneven = tokens("north", 3) | {"price": {"input": "3 USD per Mtok", "output": "4 USD per Mtok"}}
    found = mistakes(data_of([uneven], [work()], agreement(term)))
    assert any(said in each for each in found), found


@pytest.mark.parametrize(
    ("spent", "back"),
    [
        ("1000", "100"),
        ("999.999999999", "100.000000000"),  # the rounding of a line
        ("999.9999989", "0"),
        ("999.996", "0"),  # 1,000.00 on an invoice, and less than 1,000
    ],
)
def test_a_tier_is_reached_by_the_exact_amount(spent: str, back: str) -> None:
    tiers = [{"from": "1000 USD", "off": "10%"}]
    case = build(
        [tokens("north", 1)], [work()],
        agreement({"id": "v", "kind": "volume-discount", "method": "all-units", "tiers": tiers}), months=1,
    )  # fmt: skip
    given = posted(case, "v", use(case, "chat", "north-api", "2026-01-01", "2026-01-02", 1, spent))
    assert -sum(each.amount for each in given) == D(back)


@pytest.mark.parametrize(
    ("start", "used", "reached"),
    [
        ("10 Mtok", "9.999999", False),
        ("100 k Mtok", "99999.999999", False),  # a part in 10^11: a solver takes it for nothing
        ("100 k Mtok", "100000", True),
        ("744.000002 USD", "744", False),
    ],
)
def test_a_plan_reaches_a_tier_where_its_bill_does(start: str, used: str, reached: bool) -> None:
    off = {"price": "0.5 USD per Mtok"} if "tok" in start else {"off": "50%"}
    listed = {"listed": "1 USD per Mtok"} if "tok" in start else {}
    tier = {"id": "v", "kind": "volume-discount", "method": "all-units", "tiers": [{"from": start} | off]} | listed
    job = work(demand=f"{used} Mtok per month")
    assert solved(build([tokens("north", 1)], [job], agreement(tier), months=1)).cost == D(used) / (1 + reached)


def test_a_tier_that_is_just_reached_is_reached_by_what_is_billed() -> None:
    # 2322.6 Mtok to 11 March, of which South takes 165.6: 6536 USD are North's in any case, and 7000 cost half as much.
    # Beyond, an Mtok costs 1.52 there and 1.20 at South. No whole number of tokens is worth exactly 7000 at 3.0303.
    tiers = [{"from": "7000 USD", "off": "50%"}]
    term = {"id": "v", "kind": "volume-discount", "method": "all-units", "tiers": tiers, "until": "2026-03-11"}
    offers = [tokens("north", "3.0303"), tokens("south", "1.2", capacity="0.1 Mtok per hour")]
    case = build(offers, [work()], agreement(term | {"windows": {"every": "term", "cut": "prorate"}}), months=4)
    found = solved(case)
    (standing,) = found.standings
    assert 0 <= standing.drawn - 7000 < D("0.01")
    assert abs(charged(found, "v") + standing.drawn / 2) <= D("1e-9")


@pytest.mark.parametrize(("off", "refused"), [("40%", False), ("41%", True)])
def test_two_that_meet_take_off_no_more_than_there_is(off: str, refused: bool) -> None:
    other = volume("all-units", ("500 USD", off)) | {"id": "other"}
    found = mistakes(
        data_of(
            [tokens("north", 1)],
            [work()],
            agreement(volume("graduated", ("0 USD", "10%"), ("1 k USD", "60%")), other, combine="sum"),
        )
    )
    assert ["`other` and `volume` together give more than 100% of what `north-api` costs" in one for one in found] == (
        [True, True] if refused else []
    )


def rebate(name: str, part: str, bound: str = "500 USD") -> Data:
    return volume("all-units", (bound, part)) | {"id": name}


def beside(*terms: Data, **more: Any) -> list[str]:
    return mistakes(data_of([tokens("north", 1)], [work()], agreement(*terms, **more), months=1))


def test_two_that_meet_say_how_they_combine() -> None:
    """1000 USD of one month: 280 by product, 300 by sum, 200 by the best of them. It was 300 whatever was said."""
    one, two = rebate("a", "10%"), rebate("b", "20%")
    (unsaid,) = beside(one, two)
    assert unsaid == (
        "`a` and `b` both give back a part of what `north-api` costs, and `north-deal` does not say how they combine; "
        "as the contract says of 10% and 20%: `product` (28%), `sum` (30%), `best-of` (20%); write `combine:` in "
        "`north-deal` (`product` and `best-of` are of clauses of one agreement with the same `of`, `windows` and "
        "`method`, that lower all that they count), or one clause with what both come to"
    )
    for way, cost in (("product", 720), ("sum", 700), ("best-of", 800)):
        assert solved(build([tokens("north", 1)], [work()], agreement(one, two, combine=way), months=1)).cost == cost
    assert beside(one | {"until": "2026-01-16"}, two | {"from": "2026-01-16"}) == []
    for other in ({"method": "graduated"}, {"windows": {"every": "month"}}, {"of": {"model": "m"}}):
        (apart,) = beside(one, two | other, combine="product")
        assert "and `combine: product` of what is given back is computed of clauses of one agreement with the" in apart
        assert "write them so, or as one clause, of 28% where they give 10% and 20%" in apart


@pytest.mark.parametrize(
    ("method", "way", "parts"),
    [
        # 10% from 200 on and 40% from 800, beside 20% from 500 on, of 1000: the one's last step, and all of the other
        ("all-units", "product", {"a": 400, "b": 120}),
        ("all-units", "best-of", {"a": 400, "b": 0}),
        # 600 at 10% and 200 at 40%; of the next 300 a fifth of 90%, and of the last 200 a fifth of 60%
        ("graduated", "product", {"a": 140, "b": 54 + 24}),
        ("graduated", "best-of", {"a": 140, "b": 30}),  # 10% more of 300; of the last 200 the first is better
    ],
)
def test_two_are_one_choice_of_tiers(method: str, way: str, parts: dict[str, int]) -> None:
    """Each posts what it adds to those before it; the plan and the bill go by one choice."""
    one = volume(method, ("200 USD", "10%"), ("800 USD", "40%")) | {"id": "a"}
    two = volume(method, ("500 USD", "20%")) | {"id": "b"}
    case = build([tokens("north", 1)], [work()], agreement(one, two, combine=way), months=1)
    found = solved(case)
    assert {each.term: -each.amount for each in found.postings if each.amount} == {k: v for k, v in parts.items() if v}
    assert found.cost == 1000 - sum(parts.values())
    assert Oracle(case).solve() == pytest.approx(float(found.cost))


@pytest.mark.parametrize("way", ["product", "best-of"])
@pytest.mark.parametrize("method", ["all-units", "graduated"])
def test_a_plan_moves_work_for_two_together(method: str, way: str) -> None:
    """North costs 3 USD and South 2, so that it takes both, and enough work, to move any."""
    one = volume(method, ("500 USD", "25%"), ("2 k USD", "30%")) | {"id": "a"}
    two = volume(method, ("1 k USD", "20%"), ("4 k USD", "35%")) | {"id": "b"}
    case = build([tokens("north", 3), tokens("south", 2)], [work()], agreement(one, two, combine=way))
    assert Oracle(case).solve() == pytest.approx(float(solved(case).cost))


def test_two_together_give_back_no_more_than_credits_leave() -> None:
    """60% and 50% by product are 600 and 200 of 1000; a credit of 300 leaves 100 to the second."""
    pool: Data = {"id": "pool", "kind": "credit", "amount": "300 USD"}
    deal = agreement(rebate("a", "60%"), rebate("b", "50%"), pool, combine="product")
    case = build([tokens("north", 1)], [work()], deal, months=1)
    assert {each.term: each.amount for each in solved(case).postings} == {"pool": -300, "a": -600, "b": -100}
    assert Oracle(case).solve() == pytest.approx(0, abs=1e-6)


def test_one_of_two_is_worth_what_it_adds() -> None:
    """Both give 280 of 1000; the second alone 200, and the first alone 100."""
    deal = agreement(rebate("a", "10%"), rebate("b", "20%"), combine="product")
    found = prices(build([tokens("north", 1)], [work()], deal, months=1))
    assert {each.term: each.price.amount for each in found.clauses if each.price} == {"a": -80, "b": -180}


def test_no_way_is_offered_that_gives_back_more_than_all() -> None:
    (only,) = beside(rebate("a", "60%"), rebate("b", "50%"))
    assert "60% and 50%: `product` (80%), `best-of` (60%); write `combine:` in `north-deal`" in only
    (whole,) = beside(rebate("a", "60%"), rebate("b", "40%"))
    assert "`sum` (100%)" in whole


def test_agreements_whose_rebates_meet_say_the_same_way() -> None:
    deals = agreement(rebate("a", "10%"), id="one", combine="sum"), agreement(rebate("b", "20%"), id="two")
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], *deals, months=1))
    assert "costs, and `two` does not say how they combine; " in only


def test_a_way_that_a_rebate_does_not_follow_is_told() -> None:
    """30% off and 20% back of 1000 USD: 560 by product, 500 by sum, and that is 30% of tiers too."""
    price: Data = {"id": "d", "kind": "discount", "off": "30%"}
    (only,) = beside(price, rebate("v", "20%"), combine="sum")
    assert only == (
        "`v` is of what `d` leaves of the price of `north-api`, and `north-deal` says `combine: sum`; "
        "write `combine: product` in `north-deal`, or `d` as tiers too, from 0 on 30% off"
    )
    for way, terms, cost in (("product", [price], 560), ("sum", [rebate("d", "30%", "0 USD")], 500)):
        deal = agreement(*terms, rebate("v", "20%"), combine=way)
        assert solved(build([tokens("north", 1)], [work()], deal, months=1)).cost == cost


@pytest.mark.parametrize("way", ["sum", "best-of"])
def test_what_is_given_back_is_of_what_any_number_of_discounts_leaves(way: str) -> None:
    """Twice 10% off 1000 USD and 20% back: 640 of their sum (600 if all add up), and 720 of the best of them."""
    prices = [{"id": "d", "kind": "discount", "off": "10%"}, {"id": "e", "kind": "discount", "off": "10%"}]
    back = rebate("v", "20%")
    assert beside(*prices, back, combine=way) == [
        "`v` is of what `d` and `e` leave of the price of `north-api`, and `north-deal` says `combine: "
        f"{way}`; give `v` an agreement of its own, or write `d` and `e` as tiers too, from 0 on 10% and 10% off"
    ]
    deals = agreement(*prices, combine=way), agreement(back, id="own")
    credit: Data = {"id": "v", "kind": "credit", "rate": "20%"}
    for signed in (deals, (agreement(*prices, credit, combine=way),)):  # of a credit its page says it, and no agreement
        cost = solved(build([tokens("north", 1)], [work()], *signed, months=1)).cost
        assert cost == {"sum": 640, "best-of": 720}[way]
    tiers = [rebate("d", "10%", "0 USD"), rebate("e", "10%", "0 USD"), rebate("v", "20%", "0 USD")]
    whole = solved(build([tokens("north", 1)], [work()], agreement(*tiers, combine=way), months=1)).cost
    assert whole == {"sum": 600, "best-of": 800}[way]


OFF: Data = {"id": "d", "kind": "discount", "off": "10%"}


@pytest.mark.parametrize(
    ("way", "more", "cost"),
    [
        # 6000 USD; from April on 10% off, and 10% and 20% back, together 30%, of each month's 1000
        ("sum", OFF, "`v` is of what `d` leaves of the price of `north-api`, and `later` says `combine: sum`; write"),
        ("product", OFF, 3 * 700 + 3 * 630),
        ("sum", {"id": "d", "tiers": True}, 3 * 700 + 3 * 600),
    ],
)
def test_a_discount_of_an_amendment_combines_with_earlier_tiers_as_the_later_paper_says(
    way: str, more: Data, cost: int | str
) -> None:
    """The way of the amendment, or of what it amends: by sum, 3,990 USD were owed for 3,900."""
    tiers = [rebate(name, part, "0 USD") for name, part in (("v", "10%"), ("w", "20%"))]
    brought = rebate("d", "10%", "0 USD") if "tiers" in more else more
    later = agreement(brought, id="later", amends="north-deal", effective="2026-04-01") | {"combine": way}
    data = data_of([tokens("north", 1)], [work()], agreement(*tiers, combine="sum"), later)
    if isinstance(cost, str):
        assert [each[: len(cost)] for each in mistakes(data)] == [cost, cost.replace("`v`", "`w`")]
        del data["agreements"][1]["combine"]  # the amendment says nothing, and goes by what it amends
        assert [each[: len(cost)] for each in mistakes(data)] == [cost, cost.replace("`v`", "`w`")]
        return
    assert solved(Case.of(data)).cost == cost


def test_a_discount_beside_two_that_add_up_has_an_agreement_of_its_own() -> None:
    """30% of what 10% off leave of 1000 USD: 630; one `combine` for all of them would change what the two come to."""
    tiers = [rebate(name, part, "0 USD") for name, part in (("v", "10%"), ("w", "20%"))]
    said = beside(OFF, *tiers, combine="sum")
    assert ["give `d` an agreement of its own, or `d` as tiers too" in each for each in said] == [True, True]
    deals = agreement(*tiers, combine="sum"), agreement(OFF, id="own")
    assert solved(build([tokens("north", 1)], [work()], *deals, months=1)).cost == 630


def test_tiers_of_an_amendment_combine_with_earlier_discounts_as_the_later_paper_says() -> None:
    later = {"id": "later", "amends": "north-deal", "effective": "2026-04-01"}
    deals = agreement(OFF, combine="product"), agreement(rebate("v", "20%", "0 USD"), **later, combine="best-of")
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], *deals))
    assert "and `later` says `combine: best-of`; write `combine: product` in `later`" in only


def test_its_order_is_among_its_switches() -> None:
    case = build([tokens("north", 1)], [work()], agreement(rebate("a", "10%"), combine="sum"), months=1)
    (order,) = (str(each) for each in switches(case, case.terms[0]) if each.name == "order")
    assert (
        order
        == "order: of what discounts leave, and no more of it than credits and service credits leave (the default)"
    )
