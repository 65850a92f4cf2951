"""Credits, by hand. North 3 USD per Mtok, South 2; 1000 Mtok a month, six months."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import (
    D,
    agreement,
    build,
    data_of,
    mistakes,
    placed,
    posted,
    postings,
    solved,
    tokens,
    two_clouds,
    use,
    work,
)

NEAR = D("0.00001")


def credit(**more: Any) -> dict[str, Any]:
    return {"id": "credit", "kind": "credit"} | more


@pytest.mark.parametrize(
    ("terms", "north", "cost"),
    [
        # 3 x 60% = 1.80 < 2 until 500 are given: spend of 1250, 416.67 Mtok at 1 USD more: 12,000 + 416.67 - 500
        ({"amount": "500 USD", "rate": "40%"}, D(1250) / 3, D("11916.666667")),
        # 3 x 80% = 2.40 > 2: not worth it
        ({"amount": "500 USD", "rate": "20%"}, D(0), D(12000)),
        # a pool of 500: 166.67 Mtok for nothing instead of 2 USD: 12,000 - 333.33
        ({"amount": "500 USD"}, D(500) / 3, D("11666.666667")),
        # no cap: 1.50 everywhere: 6000 x 1.50
        ({"rate": "50%"}, D(6000), D(9000)),
        # each month its own 500: 6 x (416.67 - 500) off
        ({"amount": "500 USD", "rate": "40%", "windows": {"every": "month"}}, D(2500), D(11500)),
    ],
)
def test_what_it_moves(terms: dict[str, Any], north: D, cost: D) -> None:
    found = solved(two_clouds(credit(**terms)))
    assert abs(found.cost - cost) < NEAR
    assert abs(placed(found).get("north-api", D(0)) - north) < NEAR


UNEVEN = {"rate": {"2026-01": "2000 Mtok per month", "2026-04": "500 Mtok per month"}}


def test_what_is_unused_is_lost() -> None:
    term = credit(amount="2 k USD", rate="50%", windows={"every": "quarter"})
    found = solved(build([tokens("north", 1)], [work(demand=UNEVEN)], agreement(term)))
    # min(50% x 6000, 2000) = 2000; min(50% x 1500, 2000) = 750; cost 7500 - 2750
    assert postings(found, "credit") == {("credit", 0): D(-2000), ("credit", 1): D(-750)}
    assert found.cost == D(4750)


def test_a_ramp() -> None:
    term = credit(amount="1 k USD", windows={"every": "quarter", "ramp": ["20%", "80%"]})
    found = solved(build([tokens("north", 1)], [work()], agreement(term)))
    assert postings(found, "credit") == {("credit", 0): D(-200), ("credit", 1): D(-800)}


def test_spend_counts_before_it() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "6 k USD", "measure": "after-discounts"}
    found = solved(build([tokens("north", 1)], [work()], agreement(floor, credit(rate="50%"))))
    # 6000 spent, nothing short, 3000 given back
    assert (found.cost, found.commitments[0].short) == (D(3000), D(0))


def test_cut_windows() -> None:
    deal = agreement(credit(amount="365 USD"), ends="2027-01")
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], deal))
    assert "is cut by the horizon" in only
    prorated = agreement(credit(amount="365 USD", windows={"cut": "prorate"}), ends="2027-01")
    # 181 of 365 days: 181 USD
    assert postings(solved(build([tokens("north", 1)], [work()], prorated)), "credit") == {("credit", 0): D(-181)}
    # a rate alone has nothing to divide
    rate = agreement(credit(rate="10%"), ends="2027-01")
    assert postings(solved(build([tokens("north", 1)], [work()], rate)), "credit") == {("credit", 0): D(-600)}


def test_from_the_middle_of_a_month() -> None:
    term = credit(rate="50%", **{"from": "2026-01-22"})
    found = solved(build([tokens("north", 1)], [work(demand="310 Mtok per month")], agreement(term), months=1))
    # 10 of 31 days of 310 USD: 100, half of it back
    assert found.cost == D(260)


def test_account_of_metered_use() -> None:
    case = two_clouds(credit(amount="100 USD", rate="10%", **{"except": [{"offer": "south-api"}]}))
    lines = [use(case, "chat", "north-api", "2026-01-01", "2026-02-01", 1, "333.333333333")]
    assert [p.amount for p in posted(case, "credit", *lines)] == [D("-33.333333333")]
    assert [p.amount for p in posted(case, "credit", *lines * 4)] == [D(-100)]
    assert posted(case, "credit", use(case, "chat", "south-api", "2026-01-01", "2026-02-01", 1, 900)) == []


def test_neither_amount_nor_rate() -> None:
    (only,) = mistakes(data_of([tokens("north", 1)], [work()], agreement(credit())))
    assert "it would pay for everything" in only


# -- several credits -----------------------------------------------------------------------------------------------
def pool(name: str, amount: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "credit", "amount": amount} | more


def test_of_two_credits_the_soonest_to_expire_is_used_first() -> None:
    """1000 USD a month. The first has 1500 until March, the second 4000 until June: January and half of February, then
    500 of February, March, April and May."""
    terms = pool("second", "4 k USD", until="2026-06-01"), pool("first", "1500 USD", until="2026-03-01")
    found = solved(build([tokens("north", 1)], [work()], agreement(*terms)))
    assert postings(found, "first") == {("credit", 0): D(-1500)}
    assert postings(found, "second") == {("credit", 0): D(-3500)}
    assert found.cost == D(1000)


def test_credits_that_overlap_in_part_pay_one_after_the_other() -> None:
    """The first pays January to March, as far as its 2500 go; the second February to May, what the first leaves."""
    first, second = pool("first", "2500 USD", until="2026-04-01"), pool("second", "9 k USD", **{"from": "2026-02-01"})
    second |= {"until": "2026-06-01"}
    found = solved(build([tokens("north", 1)], [work()], agreement(first, second)))
    # January and February and half of March; then 500, April and May
    assert (postings(found, "first"), postings(found, "second")) == (
        {("credit", 0): D(-2500)},
        {("credit", 0): D(-2500)},
    )
    assert found.cost == D(1000)


EVERY_MONTH = {"windows": {"every": "month"}}
TENTH = {"from": "2026-02-10"}
NARROW = {"of": {"offer": "north-api"}}


@pytest.mark.parametrize(
    ("terms", "given"),
    [
        # until 10 April 3300 are used, and the rest of the 5000 is lost; until the 22nd 400 more
        ([pool("a", "5 k USD", until="2026-04-10"), pool("b", "900 USD", until="2026-04-22")], {"a": 3300, "b": 400}),
        # what is given anew each month expires first: 500 of each; the pool pays the rest of January and of February
        ([pool("a", "1200 USD", until="2026-03-01"), pool("b", "500 USD", **EVERY_MONTH)], {"a": 1000, "b": 3000}),
        # the same end: the one for North's first offer alone, and the other pays what it leaves, and all of the second
        ([pool("a", "9 k USD"), pool("b", "4 k USD", **NARROW)], {"a": 8000, "b": 4000}),
        # of January 1000 are the narrow one's; 1000 of the second offer, 2000 of February and 500 of March the other's
        ([pool("a", "3500 USD"), pool("b", "4 k USD", until="2026-02-01", **NARROW)], {"a": 3500, "b": 1000}),
    ],
)
def test_which_of_two_credits_pays(terms: list[dict[str, Any]], given: dict[str, int]) -> None:
    offers = [tokens("north", 1), tokens("north", 1, id="other", model="n")]
    loads = [work(), work("second", **{"runs-on": {"models": ["n"]}})]
    several = any("of" in each for each in terms)
    case = build(offers if several else offers[:1], loads if several else loads[:1], agreement(*terms))
    found = solved(case)
    assert {name: -sum(postings(found, name).values()) for name in given} == given
    assert found.cost == (12000 if several else 6000) - sum(given.values())


@pytest.mark.parametrize(
    ("terms", "given"),
    [
        # the second begins within a month in which the first pays, whose 1500 are for January and 500 of February
        ([pool("a", "1500 USD", until="2026-03-01"), pool("b", "9 k USD", until="2026-04-01", **TENTH)],
         {"a": 1500, "b": 1500}),
        # 50 of each of 26 weeks, which lie across months, are used before the pool
        ([pool("a", "900 USD"), pool("b", "50 USD", windows={"every": "week"})], {"a": 900, "b": 1300}),
        # the 900 of the first quarter lapse before the pool, those of the second after it: 100, 1000, 1000, 1000, 1000
        ([pool("a", "900 USD", windows={"every": "quarter"}), pool("b", "5 k USD", until="2026-06-01")],
         {"a": 1800, "b": 4100}),
        # the pool leaves 500 of January for the 60%, and pays no more
        ([pool("a", "500 USD", until="2026-02-01"), credit(rate="60%") | {"id": "b"}], {"a": 500, "b": 3500}),
        # the 60% of January come first, and then 400 and 300 of the pool
        ([credit(rate="60%", until="2026-02-01"), pool("b", "700 USD")], {"credit": 600, "b": 700}),
        # the 60% are 600 of each month until 1500 are given, the 50% 400, 400, 500: together no more than all
        ([credit(rate="60%", amount="1500 USD"), credit(rate="50%") | {"id": "b"}], {"credit": 1500, "b": 2800}),
    ],
)  # fmt: skip
def test_credits_that_overlap_in_any_way(terms: list[dict[str, Any]], given: dict[str, int]) -> None:
    found = solved(build([tokens("north", 1)], [work()], agreement(*terms)))
    assert {name: -sum(postings(found, name).values()) for name in given} == given
    assert found.cost == 6000 - sum(given.values())


@pytest.mark.parametrize(("second", "paid"), [(800, 1100), (1200, 2000), (1000, 2000)])
def test_a_wider_credit_that_lapses_first_is_for_the_largest_charge(second: int, paid: int) -> None:
    """900 for January fall to North's first offer, of 1000 a month, where that is the larger: so the other credit,
    for that offer alone until March, pays 100 of January and 1000 of February. Of equals, onto what fewer cover."""
    offers = [tokens("north", 1), tokens("north", 1, id="other", model="n")]
    loads = [work(), work("second", f"{second} Mtok per month", **{"runs-on": {"models": ["n"]}})]
    terms = pool("wide", "900 USD", until="2026-02-01"), pool("narrow", "5 k USD", **NARROW)
    found = solved(build(offers, loads, agreement(*terms), months=2))
    assert -sum(postings(found, "narrow").values()) == paid
    assert found.cost == 2000 + 2 * second - 900 - paid


@pytest.mark.parametrize(("second", "short"), [(800, 900), (1200, 0)])
def test_a_commitment_to_some_of_what_a_credit_pays(second: int, short: int) -> None:
    """Two months of North's first offer, 1000 each, are 2000 that count, less what the credit pays of them."""
    offers = [tokens("north", 1), tokens("north", 1, id="other", model="n")]
    loads = [work(), work("second", f"{second} Mtok per month", **{"runs-on": {"models": ["n"]}})]
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "2 k USD", "measure": "after-credits"} | NARROW
    found = solved(build(offers, loads, agreement(floor, pool("credit", "900 USD")), months=2))
    assert found.commitments[0].short == short
    assert found.cost == 2000 + 2 * second - 900 + short


def test_a_plan_knows_what_a_credit_falls_to() -> None:
    """400 Mtok of North's second offer (1.10) are 440, and 300 of the first 300. The wide credit of 400, which lapses
    first, falls to the 440, and a narrow one pays all of the first, as long as that is not the larger charge: 140 Mtok
    more are free there, and 460 cost 0.05 at South. With all 600 there it would pay the first, and leave the 440, as
    in February, when it has lapsed.
    """
    offers = [tokens("north", 1), tokens("north", "1.1", id="other", model="n"), tokens("south", "0.05", model="s")]
    on = [{"runs-on": {"models": each}} for each in (["m"], ["n"], ["m", "s"])]
    loads = [work("own", "300 Mtok per month", **on[0]), work("other", "400 Mtok per month", **on[1])]
    loads.append(work("chat", "600 Mtok per month", **on[2]))
    terms = pool("wide", "400 USD", until="2026-02-01"), pool("narrow", "5 k USD", **NARROW)
    found = solved(build(offers, loads, agreement(*terms), months=2))
    assert abs(found.cost - (40 + 23) - 440) < D("0.01")
    assert abs(placed(found)["south-api"] - 460) < D("0.01")


def test_a_week_that_lapses_after_one_pool_and_before_another() -> None:
    """Chat is free on North's second offer: in January by weeks and a pool for gold work, which pays `own`, too; in
    February by weeks, by a pool until the 10th, and by weeks again. 600 of `own` are paid for in February."""
    weeks = pool("weeks", "700 USD", windows={"every": "week"}) | {"of": {"workload": "chat"}}
    gold = pool("gold", "1900 USD", until="2026-02-01") | {"of": {"tier": "gold"}}
    chats = pool("chats", "1900 USD", until="2026-02-10") | {"of": {"workload": "chat"}}
    offers = [tokens("north", 1, id="other", model="n"), tokens("south", "0.4", model="s")]
    tier = {"labels": {"tier": "gold"}}
    loads = [
        work("own", "600 Mtok per month", **{"runs-on": {"models": ["n"]}}) | tier,
        work("chat", "550 Mtok per month", **{"runs-on": {"models": ["n", "s"]}}) | tier,
    ]
    assert solved(build(offers, loads, agreement(gold, chats, weeks), months=2)).cost == 600


def test_a_credit_in_euros_beside_a_pool_and_a_rate() -> None:
    """1000 and 550 a month. 900 EUR are 990 of January's 1000; the narrow pool pays the other 10, and 690 of February;
    60% would be 930 a month: 550 are left in January, 860 in February."""
    terms = pool("euro", "900 EUR", until="2026-03-01"), pool("narrow", "700 USD", **NARROW), credit(rate="60%")
    offers = [tokens("north", 1), tokens("north", "1.1", id="other", model="n")]
    loads = [work(), work("second", "500 Mtok per month", **{"runs-on": {"models": ["n"]}})]
    rates = {"2026-01-01": "1.10 USD per EUR", "2026-02-01": "1.20 USD per EUR"}
    found = solved(build(offers, loads, agreement(*terms), months=3, exchange=[{"rate": rates, "day": "use"}]))
    given = {name: sum(postings(found, name).values()) for name in ("euro", "narrow", "credit")}
    assert given == {"euro": -990, "narrow": -700, "credit": -(550 + 860 + 930)}


def test_a_credit_says_which_of_others_come_first() -> None:
    """The week of 29 January lapses after January's pool, and before February's."""
    terms = pool("week", "50 USD", windows={"every": "week"}), pool("month", "400 USD", **EVERY_MONTH)
    case = build([tokens("north", 1)], [work()], agreement(*terms, ends="2026-02-05"), months=2)
    said = [
        (f"{t.validity.start:%m-%d}", t.explain().sentence.partition("USD")[2]) for t in case.signed if t.id == "week"
    ]
    assert said == [("01-01", " in each week"), ("01-29", " in each week, of what `month` left")]


def test_disputed_credits_that_overlap_are_refused() -> None:
    disputed = pool("b", "900 USD", readings={"all": {}, "some": NARROW})
    found = mistakes(data_of([tokens("north", 1)], [work()], agreement(pool("a", "900 USD"), disputed), reading="all"))
    assert len(found) == 2
    assert all("credits of one party that have no `readings`" in each for each in found)
