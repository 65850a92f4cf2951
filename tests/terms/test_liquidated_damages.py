"""Liquidated damages, by hand. North 3 USD per Mtok, South 2; 1000 Mtok a month, six months: 12,000 USD at South.

What runs at South is a breach of what was agreed with North. To stay costs 1 USD more for each Mtok.
"""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.outcomes.deals.sign import sign
from detente.planner.check import check
from detente.report.outcomes.deal import changes
from tests.builders import (
    D,
    Data,
    agreement,
    build,
    data_of,
    mistakes,
    placed,
    posted,
    postings,
    rated,
    refused,
    settled_of,
    solved,
    tokens,
    two_clouds,
    use,
    work,
)
from tests.planner.oracle.oracle import Oracle

ELSEWHERE = [{"provider": "north"}]


def damages(**more: Any) -> Data:
    price: Data = {} if more.keys() & {"rate", "amount"} else {"price": "0.80 USD per Mtok"}
    return {"id": "damages", "kind": "liquidated-damages", "except": ELSEWHERE} | price | more


@pytest.mark.parametrize(
    ("more", "south", "cost"),
    [
        ({"price": "0.80 USD per Mtok"}, 6000, 12_000 + 4_800),
        ({"price": "1.20 USD per Mtok"}, 0, 18_000),
        ({"rate": "40%"}, 6000, 12_000 + 4_800),  # of what it costs there
        ({"rate": "60%"}, 0, 18_000),
        # once 3,000 are owed more costs nothing more: all or nothing, and all is 15,000
        ({"price": "1.20 USD per Mtok", "cap": "3 k USD"}, 6000, 15_000),
        ({"price": "1.20 USD per Mtok", "cap": "7 k USD"}, 0, 18_000),
        ({"price": "1.20 USD per Mtok", "cap-each": "900 USD"}, 6000, 12_000 + 6 * 900),
        # a lump sum: each month costs 1,000 more at North, whatever of it runs there; once and for all, 6,000
        ({"amount": "900 USD"}, 6000, 12_000 + 6 * 900),
        ({"amount": "1100 USD"}, 0, 18_000),
        ({"amount": "5900 USD", "windows": {"every": "term"}}, 6000, 17_900),
        ({"amount": "6100 USD", "windows": {"every": "term"}}, 0, 18_000),
        ({"amount": "1100 USD", "cap": "5 k USD"}, 6000, 17_000),
        # quarters from December, and one until August: each has the whole lump sum, as on the books
        ({"amount": "900 USD", "windows": {"every": "quarter", "starts": "2025-12-01"}}, 6000, 12_000 + 3 * 900),
        # by the day: 31 + 28 + 31 + 30 + 31 + 30 of them
        ({"amount": "30 USD", "windows": {"every": "day"}}, 6000, 12_000 + 181 * 30),
    ],
)
def test_a_breach_is_paid_where_that_is_cheaper(more: Data, south: int, cost: int) -> None:
    case = two_clouds(damages(**more))
    found = solved(case)
    assert (found.cost, placed(found).get("south-api", D(0))) == (D(cost), D(south))
    assert Oracle(case).solve() == pytest.approx(cost)


@pytest.mark.parametrize(("measure", "each"), [("list", "0.80"), ("after-discounts", "0.64")])
def test_a_part_of_what_use_costs_at_list_prices_or_after_discounts(measure: str, each: str) -> None:
    off: Data = {"id": "off", "kind": "discount", "off": "20%"}
    clause: Data = {"id": "breach", "kind": "liquidated-damages", "rate": "40%", "measure": measure}
    found = solved(two_clouds(off, clause | {"of": {"provider": "south"}}, party="south"))
    # 2 USD per Mtok at South, 1.60 after the discount; 40% of one of these is less than the way to North for 3
    assert found.cost == 6000 * (D("1.60") + D(each))
    (said,) = mistakes(data_of([tokens("south", 2)], [work()], agreement(damages(measure=measure), party="south")))
    assert said == "which money counts is said of a `rate`, and there is none; leave out `measure`"


def test_it_is_owed_window_by_window_as_far_as_the_cap_goes() -> None:
    case = two_clouds(damages(cap="1 k USD"))
    first = use(case, "chat", "south-api", "2026-01-05", "2026-01-06", 1000, 2000)
    second = use(case, "chat", "south-api", "2026-02-05", "2026-02-06", 1000, 2000)
    told = {(p.part, p.window): p.amount for p in posted(case, "damages", first, second)}
    assert told == {("liquidated-damages", 0): D(800), ("liquidated-damages", 1): D(200)}
    assert postings(solved(case), "damages") == told


def test_each_text_has_its_part_of_a_cap_in_all_by_its_time() -> None:
    """1,200 a month would be owed. Of 3,000 in all the two months until March have a third, of 1,500 the next two.

    From May on the part of 600 is a third of it, too: 1,000, 500 and 200. To leave South would cost 1,000 a month.
    """

    def text(on: str, cap: int, **more: str) -> Data:
        takes = {"takes-over": "pro-rata"} if more else {}
        return agreement(damages(price="1.20 USD per Mtok", cap=f"{cap} USD", **takes), effective=on) | more

    later = text("2026-03-01", 1500, id="second", amends="north-deal")
    last = text("2026-05-01", 600, id="third", amends="second")
    for texts, owed in (([later], (1000, 1000)), ([later, last], (1000, 500, 200))):
        case = build([tokens("north", 3), tokens("south", 2)], [work()], text("2026-01-01", 3000), *texts)
        months = [use(case, "chat", "south-api", f"2026-0{m}-05", f"2026-0{m}-06", 1000, 2000) for m in range(1, 7)]
        told = settled_of(case.terms, rated(case, months)).postings
        found = solved(case)
        assert [p.amount for p in told] == [p.amount for p in found.postings if p.term == "damages"] == [*map(D, owed)]
        assert found.cost == 12_000 + sum(owed)
        assert Oracle(case).solve() == pytest.approx(float(found.cost))


def test_a_lump_sum_is_owed_once_for_each_window_with_any_breach() -> None:
    """Two uses in February, and none in January: 700, and of what is left of 1,000 in March, 300."""
    case = two_clouds(damages(amount="700 USD", cap="1 k USD"))
    days = ("2026-02-05", "2026-02-15", "2026-03-05")
    uses = [use(case, "chat", "south-api", day, f"{day[:-1]}9", 1, 2) for day in days]
    told = {(p.part, p.window): p.amount for p in posted(case, "damages", *uses)}
    assert told == {("liquidated-damages", 1): D(700), ("liquidated-damages", 2): D(300)}
    assert "700.00 USD for each month in which there is any" in str(case.terms[0].explain())


CAP = {"id": "liability", "kind": "liability-cap", "amount": "3 k USD"}


@pytest.mark.parametrize("cut", [{}, {"cut": "prorate"}])
@pytest.mark.parametrize("bound", [{"cap": "150 USD"}, {"within": "liability"}])
def test_a_cap_in_all_of_a_lump_sum_is_whole_where_the_horizon_cuts_its_time(bound: Data, cut: Data) -> None:
    """1,500 Mtok at 2 USD until 14 February, and 100 for the quarter: 45 days of 365 would leave 18.49 of the cap."""
    lump = damages(amount="100 USD", windows={"every": "quarter"} | cut, **bound)
    deal = agreement(lump, *([CAP | {"amount": "150 USD"}] if "within" in bound else []), ends="2027-01-01")
    days = {"start": "2026-01-01", "end": "2026-02-15", "every": "day"}
    case = build([tokens("north", 3), tokens("south", 2)], [work()], deal, horizon=days)
    found = solved(case)
    assert found.cost == 3_000 + 100
    breach = use(case, "chat", "south-api", "2026-01-01", "2026-02-15", 1500, 3000)
    assert {(p.part, p.window): p.amount for p in posted(case, "damages", breach)} == postings(found, "damages")
    if "cap" in bound:
        assert Oracle(case).solve() == pytest.approx(3_100)


def test_a_ramp_of_lump_sums_is_refused_once_and_written_as_clauses_it_can_be_planned() -> None:
    """In turn it said to add `cap-each`, and that `cap-each` would lower it."""
    ramp = {"windows": {"every": "quarter", "ramp": ["40%", "60%"]}}
    facts = [tokens("north", 3), tokens("south", 2)], [work()]
    for each, leave in (({}, "leave out `ramp`, or"), ({"cap-each": "9 USD"}, "leave out `ramp` and `cap-each`, or")):
        (said,) = mistakes(data_of(*facts, agreement(damages(amount="1 k USD", **ramp, **each))))
        assert said.startswith(f"a lump sum is once for each window, whole, and a ramp would divide it; {leave}")
    quarter = {"windows": {"every": "quarter"}}
    first = damages(amount="400 USD", until="2026-04-01", **quarter)
    second = damages(id="more", amount="600 USD", **quarter, **{"from": "2026-04-01", "until": "2026-07-01"})
    assert solved(two_clouds(first, second)).cost == 12_000 + 1_000
    (said,) = mistakes(data_of(*facts, agreement(damages(**ramp, within="liability"), CAP)))
    assert said.endswith("add `cap-each` (in place of any other cap), or leave out `ramp`")
    assert solved(two_clouds(damages(**ramp, **{"cap-each": "1 k USD"}))).cost == 12_000 + 1_000


def test_a_liability_cap_bounds_them() -> None:
    bounded = damages(price="1.20 USD per Mtok", within="liability")
    found = solved(two_clouds(bounded, CAP))
    assert (found.cost, placed(found)) == (D(15_000), {"south-api": D(6000)})
    assert "at most 3.00 k USD in all" in str(two_clouds(bounded, CAP).terms[0].explain())


def test_caps_that_cannot_bound_them_are_mistakes() -> None:
    def wrong(*terms: Data) -> str:
        (only,) = mistakes(data_of([tokens("north", 3), tokens("south", 2)], [work()], agreement(*terms)))
        return only

    assert wrong(damages(within="liability")).startswith("there is no liability cap `liability` with `north`")
    yearly = CAP | {"each": "year"}
    assert wrong(damages(within="liability"), yearly).startswith("`liability` says no one amount in all: it turns on")
    assert wrong(damages(within="liability", cap="1 USD"), CAP).startswith("states a cap of its own, and one of lia")
    assert wrong(damages(rate="10%", price="1 USD per Mtok")).startswith("says none or several of `price`, `rate`")
    assert wrong(damages(price="1 USD per GPU-hour")) == (
        "is per GPU-hour, and `damages` counts Mtok (`chat`); write it per that unit"
    )


def test_two_clauses_do_not_share_a_cap() -> None:
    twice = damages(within="liability"), damages(id="more", within="liability"), CAP
    found = mistakes(data_of([tokens("north", 3), tokens("south", 2)], [work()], agreement(*twice)))
    assert any("bounded by `liability`, and each would use all of it" in each for each in found)


APRIL = {"until": "2026-04-01"}
OWED = damages() | {"except": []}
"""Of all use."""


@pytest.mark.parametrize(
    ("cap", "later", "told"),
    [
        (APRIL, None, "`liability` holds until 2026-04-01 only, and these damages are owed after that too"),
        ({"from": "2026-04-01"}, None, "`liability` holds from 2026-04-01 on only, and these damages are owed before"),
        ({}, {"removes": ["liability"]}, "`liability` holds until 2026-04-01 only"),
        ({}, {"terms": [CAP]}, "`liability` is amended on 2026-04-01, and whether what was owed by then counts"),
        ({"party": "North"}, None, "`liability` bounds what `north` owes, and these damages are owed to it"),
        ({"party": "the Provider"}, None, "`liability` bounds what `north` owes"),
        ({"party": "North Compute"}, None, "`liability` bounds what `north` owes"),  # its `name`
        ({"party": "Lessor"}, None, "`liability` bounds what `north` owes"),
        ({"party": "Acme Inc."}, None, "whether `Acme Inc.` is us or `north` is not known, and `damages` goes by this"),
        # where no horizon sees it, too: what was owed before it is of the same cap
        ({"until": "2025-12-01"}, None, "`liability` holds until 2025-12-01 only"),
        ({"from": "2026-08-01"}, None, "`liability` holds from 2026-08-01 on only"),
        (
            {},
            {"terms": [CAP | {"amount": "4 k USD"}], "effective": "2026-01-01"},
            "`liability` is amended on 2026-01-01",
        ),
        (
            {},
            {"terms": [CAP | {"amount": "4 k USD"}], "effective": "2026-10-01"},
            "`liability` is amended on 2026-10-01",
        ),
    ],
)
def test_a_cap_bounds_them_while_it_holds_and_if_it_is_ours(cap: Data, later: Data | None, told: str) -> None:
    owed = OWED | {"within": "liability", "windows": {"every": "month", "cut": "prorate"}}
    facts = data_of([tokens("north", 3)], [work()], agreement(owed, CAP | cap, effective="2025-06-01", ends="2027-01"))
    facts["providers"] = [facts["providers"][0] | {"name": "North Compute"}, *facts["providers"][1:]]
    if later is not None:
        first = facts["agreements"][0]
        amended = {"id": "second", "with": "north", "effective": "2026-04-01", "amends": first["id"]}
        facts["agreements"].append(amended | later)
    (only,) = mistakes(facts)
    assert only.startswith(told)


@pytest.mark.parametrize("party", ["either party", "the Customer", "Licensee", "self", "Each Party", "lab"])
def test_a_cap_on_us_or_on_either_bounds_them(party: str) -> None:
    deal = agreement(OWED | {"within": "liability"}, CAP | {"party": party, "amount": "500 USD"}, parties=["lab"])
    case = build([tokens("north", 3)], [work(labels={"party": "lab"})], deal)
    assert solved(case).cost == 18_000 + 500


def test_as_two_clauses_they_are_bounded_while_the_cap_holds() -> None:
    """3,000 Mtok at 0.80 until April are 2,400, of which 500 are owed; as many after it, all of which are."""
    bounded, free = OWED | {"within": "liability"} | APRIL, OWED | {"id": "free", "from": "2026-04-01"}
    cap = CAP | {"amount": "500 USD"} | APRIL
    case = build([tokens("north", 3)], [work()], agreement(bounded, free, cap))
    assert solved(case).cost == 18_000 + 500 + 2_400
    said = {term.id: str(term.explain()) for term in case.terms}
    assert "in all at most 500.00 USD; it bounds what `damages` asks" in said["liability"]


def test_a_cap_in_another_currency_bounds_them_at_the_rate_of_their_time() -> None:
    """From April 3,000 Mtok at 0.80 EUR are 2,400 EUR, of which 1,000 are owed, at 1.20; at two rates it is asked."""
    cap = CAP | {"amount": "1 k EUR"}
    rates = {"exchange": [{"rate": {"2026-01-01": "1.10 USD per EUR", "2026-04-01": "1.20 USD per EUR"}, "day": "use"}]}
    bounded = OWED | {"within": "liability"}
    late = bounded | {"from": "2026-04-01", "price": "0.80 EUR per Mtok"}
    facts = data_of([tokens("north", 3)], [work()], agreement(late, cap)) | rates
    assert solved(Case.of(facts)).cost == 18_000 + 1_200
    part = {"id": "damages", "kind": "liquidated-damages", "rate": "50%", "within": "liability"}
    # half of 9,000 USD from April on, of which 1,000 EUR at 1.20 are owed
    from_april = data_of([tokens("north", 3)], [work()], agreement(part | {"from": "2026-04-01"}, cap)) | rates
    assert solved(Case.of(from_april)).cost == 18_000 + 1_200
    (only,) = mistakes(data_of([tokens("north", 3)], [work()], agreement(part, cap)) | rates)
    assert "state it here as `cap: 1000 EUR`" in only


def test_a_case_is_performed_where_nothing_is_done_in_breach() -> None:
    assert check(two_clouds(damages())).answer == "yes"  # all can run at North
    small = build([tokens("north", 3, capacity="20 Mtok per day"), tokens("south", 2)], [work()], agreement(damages()))
    assert check(small).answer == "no"
    only = {"id": "only", "kind": "exclusivity"}
    both = build(
        [tokens("north", 3, capacity="20 Mtok per day"), tokens("south", 2)], [work()], agreement(damages(), only)
    )
    assert check(both).answer == "no"
    assert [clause.term for clause in refused(both).clauses] == ["only"]


def test_signing_tells_a_breach_with_a_price_from_what_is_forbidden() -> None:
    offers = [tokens("north", 3, capacity="20 Mtok per day"), tokens("south", 2)]
    deal = {"id": "deal", "add": {"agreements": [agreement(damages(), ends="2026-03-01")]}}
    case = Case.of(data_of(offers, [work()], months=2, scenarios=[deal]))
    found = sign(case, "deal", gap=1e-9)
    (row,) = found.readings
    assert (found.answer, row.word) == ("no", "price")
    (fee,) = row.fees
    assert (fee.breach, fee.unit) == (True, "Mtok")
    # 20 Mtok a day at North are 620 and 560: 820 Mtok in breach at the least, and 2,000 if that is cheaper
    assert (fee.missing, fee.owed) == (D(2000), D(1600))
    assert row.effect is not None
    assert "`damages` is breached in 2.00 k Mtok; 1.60 k USD are owed for it." in changes(row, row.effect, "USD")
    paid = next(way for way in row.ways if way.kind == "pay")
    assert paid.sentence == "pay 1.60 k USD of damages under `damages`, for 2.00 k Mtok in breach"
    assert not [way for way in row.ways if way.kind == "lower" and "lower what" in way.sentence]
