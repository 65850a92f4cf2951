"""When what is bought counts, by hand. Ten GPUs for a year, reserved at 1 USD per GPU-hour: 87,600 USD in all.

Quarters of 2026 have 2,160, 2,184, 2,208 and 2,208 hours.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.case.case import Case
from detente.case.notes import notes
from detente.contract.roles import CallLimit
from detente.errors import CaseError, SettleError
from detente.ledger.caps.clause_caps import not_kept, of_terms
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
    rated,
    settled_of,
    solved,
    standing,
    tokens,
    use,
    work,
)
from tests.drawing import drawing
from tests.drawn_cases import worlds
from tests.planner.oracle.oracle import Oracle
from tests.planner.test_oracle import agree

RESERVED: Data = {"buy": "reserved", "term": "12 months"}


def floor(amount: str, every: str, **more: Any) -> Data:
    return {"id": "floor", "kind": "minimum-commitment", "amount": amount, "windows": {"every": every}} | more


def written(*more: Data, invoiced: str | None = None, **clause: Any) -> Data:
    offer = gpus("north", 1, **RESERVED) | ({"invoiced": invoiced} if invoiced else {})
    deal = agreement(floor("10 k USD", "quarter", **clause), *more)
    return data_of([offer], [compute()], deal, months=12)


def year(*more: Data, **how: Any) -> Case:
    return Case.of(written(*more, **how))


def drawn(case: Case) -> list[D]:
    return [standing.drawn for standing in solved(case).commitments]


@pytest.mark.parametrize(
    ("moment", "invoiced", "expected"),
    [
        ("use", None, [21_600, 21_840, 22_080, 22_080]),
        ("purchase", None, [87_600, 0, 0, 0]),
        ("invoice", "upfront", [87_600, 0, 0, 0]),
        # twelve instalments of 7,300: three begin in each quarter; of those in arrears the last is of 2027-01-01
        ("invoice", "monthly", [21_900, 21_900, 21_900, 21_900]),
        ("invoice", "in-arrears", [14_600, 21_900, 21_900, 21_900]),
    ],
)
def test_a_reservation_counts_bit_by_bit_or_when_it_is_bought_or_invoiced(
    moment: str, invoiced: str | None, expected: list[int]
) -> None:
    found = solved(year(invoiced=invoiced, moment=moment))
    assert [standing.drawn for standing in found.commitments] == [D(each) for each in expected]
    short = sum(max(10_000 - each, 0) for each in expected)
    assert found.cost == D(87_600 + short)


def test_a_plan_buys_when_it_counts() -> None:
    # 40 k by April: bit by bit ten units would count 21.6 k
    case = build(
        [gpus("north", 1, **RESERVED, cut="prorate", invoiced="upfront"), gpus("south", "0.90")],
        [compute()],
        agreement(floor("40 k USD", "term", moment="invoice", until="2026-04-01")),
        months=12,
    )
    found = solved(case)
    # from February on a unit is 8,016 USD, a tenth of it more than at South; five of them are 40,080
    (bought,) = [p for p in found.purchases if p.reserved]
    assert (found.cost, bought.start.month, bought.units) == (D(78_840 + 4_008), 2, 5)


def test_an_invoice_is_discounted_as_of_its_day() -> None:
    off = {"id": "off", "kind": "discount", "off": "25%", "from": "2026-07-01"}
    monthly = year(off, moment="invoice", invoiced="monthly", measure="after-discounts")
    assert drawn(monthly) == [D(21_900), D(21_900), D(16_425), D(16_425)]
    assert drawn(year(off, moment="purchase", measure="after-discounts")) == [D(87_600), D(0), D(0), D(0)]
    assert drawn(year(off, moment="invoice", invoiced="monthly", measure="list")) == [D(21_900)] * 4


def test_use_is_invoiced_when_its_month_is_over() -> None:
    # 3,000 USD a month; what was used in December is not known to a plan of January to June
    invoice = floor("1 k USD", "month", moment="invoice", shortfall={"fee": "50%"})
    case = build([tokens("north", 3)], [work()], agreement(invoice))
    found = solved(case)
    assert [standing.drawn for standing in found.commitments] == [D(0), *[D(3_000)] * 5]
    assert found.cost == D(18_000 + 500)
    (note,) = found.notes
    assert note.what.startswith(
        "`floor` counts what is invoiced on 2026-01-01, of which a plan from 2026-01-01 on does"
    )
    for later, said in (({"from": "2026-01-02"}, 0), ({"of": {"buy": "reserved"}}, 0), ({"until": "2026-03-01"}, 1)):
        offers = [tokens("north", 3), gpus("north", 1, **RESERVED, invoiced="monthly")]
        case = build(offers, [work(), compute()], agreement(invoice | later), months=12)
        assert len(notes(case)) == said


def test_a_clause_says_when_it_counts() -> None:
    assert "it counts" not in str(year().terms[0].explain())
    assert "it counts when it is bought" in str(year(moment="purchase").terms[0].explain())


def test_what_is_not_known_when_it_is_bought_is_asked() -> None:
    (when,) = mistakes(written(moment="invoice"))
    assert when.startswith("`north-gpus` is reserved, and when it is invoiced is not said")
    (whose,) = mistakes(written(moment="purchase", of={"workload": "research"}))
    assert whose.startswith("`north-gpus` counts when it is bought, and whose work will run on it is not known then")
    pool = {"id": "pool", "kind": "credit", "amount": "5 k USD"}
    (paid,) = mistakes(written(pool, moment="purchase", measure="after-credits"))
    assert paid.startswith("`pool` pays for what is used of `north-gpus`, which is reserved, and `floor` counts that")


@pytest.mark.parametrize(("amount", "short"), [("500 USD", 500), ("2500 USD", 2000)])
def test_by_invoice_what_a_credit_paid_of_the_month_before_does_not_count(amount: str, short: int) -> None:
    """As at Microsoft. 1000 USD a month, a floor of 2000 a quarter: January and February, then March to May count."""
    gift = {"id": "gift", "kind": "credit", "amount": amount}
    own = floor("2 k USD", "quarter", moment="invoice", measure="after-credits")
    case = build([tokens("north", 1)], [work()], agreement(own, gift))
    paid = int(amount.split(maxsplit=1)[0])
    assert solved(case).cost == 6000 - paid + short
    assert Oracle(case).solve() == pytest.approx(6000 - paid + short)


def test_milestones_by_invoice_count_what_no_credit_paid_before_it() -> None:
    """By 15 April what was used until March counts, 3000 USD less 1200 that were paid; 700 are charged, and drawn."""
    gift = {"id": "gift", "kind": "credit", "amount": "1200 USD"}
    step = {"by": "2026-04-15", "reach": "2500 USD", "fee": "100%", "charged-as": "prepayment"}
    deal = agreement(floor("2500 USD", "term", moment="invoice", measure="after-credits", milestones=[step]), gift)
    found = solved(build([tokens("north", 1)], [work()], deal))
    assert [p.amount for p in found.postings if p.term == "floor"] == [700, -700]
    assert found.cost == 6000 - 1200


def _timed(data: Data, moment: str, invoiced: str, *, less_credits: bool) -> Case | None:
    """The same case with floors and tiers that count at a moment, and reservations that are invoiced so.

    ``less_credits``: what credits pay does not count.
    """
    for offer in data["offers"]:
        if "term" in offer:
            offer["invoiced"] = invoiced
    for term in (term for each in data["agreements"] for term in each["terms"]):
        in_money = not any(unit in term.get("amount", "") for unit in ("GPU", "Mtok"))
        if term["kind"] in ("volume-discount", "spending-cap") or (term["kind"] == "minimum-commitment" and in_money):
            term["moment"] = moment
        if term["kind"] == "minimum-commitment" and in_money and less_credits:
            term["measure"] = "after-credits"
        if term["kind"] == "revenue-share" and moment == "invoice":
            term["moment"] = moment
    try:
        return Case.of(data)
    except CaseError:
        return None


def test_use_of_what_is_reserved_does_not_tell_when_it_was_bought() -> None:
    case = year(moment="purchase")
    used = rated(case, [use(case, "research", "north-gpus", "2026-01-01", "2026-01-02", 240, 240)])
    with pytest.raises(SettleError, match="`floor` counts what is reserved when it is bought, and that is not on the"):
        settled_of(case.terms, used)


@pytest.mark.parametrize("kind", ["minimum-commitment", "volume-discount", "spending-cap", "revenue-share", "credit"])
@drawing(6)
@given(
    data=st.data(),
    moment=st.sampled_from(["invoice", "purchase"]),
    invoiced=st.sampled_from(["upfront", "monthly", "in-arrears"]),
)
def test_plans_of_any_moment_are_those_of_the_oracle(
    kind: str, data: st.DataObject, moment: str, invoiced: str
) -> None:
    case = _timed(data.draw(worlds(need=kind)), moment, invoiced, less_credits=kind == "credit")
    if case is not None:
        agree(case)


# -- caps ----------------------------------------------------------------------------------------------------------
def budget(amount: str, moment: str, **more: Any) -> Data:
    return {"id": "cap", "kind": "spending-cap", "amount": amount, "moment": moment} | more


@pytest.mark.parametrize(
    ("moment", "most", "reserved"), [("use", 22_100, 10), ("purchase", 22_100, 2), ("purchase", 87_600, 10)]
)
def test_a_budget_of_purchases_holds_what_is_bought_at_once(moment: str, most: int, reserved: int) -> None:
    """A unit is 8,760 USD for the year, bought in January: two of 22,100. By use ten are at most 22,080 a quarter."""
    cap = budget(f"{most} USD", moment, windows={"every": "quarter"})
    case = build([gpus("north", 1, **RESERVED), gpus("south", 2)], [compute()], agreement(cap), months=12)
    found = solved(case)
    assert found.cost == 8760 * (reserved + 2 * (10 - reserved))
    assert Oracle(case).solve() == pytest.approx(float(found.cost))


def test_a_budget_of_invoices_holds_the_use_of_the_month_before() -> None:
    """2 USD a Mtok at South, 500 of them invoiced in each month for 1000 USD; what June uses is invoiced in July."""
    cap = budget("1 k USD", "invoice", windows={"every": "month"})
    case = build([tokens("north", 3), tokens("south", 2)], [work()], agreement(cap, party="south"))
    assert solved(case).cost == 5 * (1000 + 1500) + 2000
    term = case.terms[0]
    assert "it counts when it is invoiced" in term.explain().sentence
    assert (not_kept(case), list(of_terms(case.signed))) == ([], [])  # nothing is asked at a call
    used = standing(case, "cap", use(case, "chat", "south-api", "2026-02-02", "2026-02-03", 900, 1800))
    assert isinstance(term, CallLimit)
    assert [(str(s.start)[:7], s.drawn, term.permits(s, D(10**6)).permitted) for s in used.standings if s.drawn] == [
        ("2026-03", 1800, True)
    ]


# -- tiers -----------------------------------------------------------------------------------------------------------
def tiers(start: str, moment: str, **more: Any) -> Data:
    steps = [{"from": start, "off": "10%"}]
    quarters = {"every": "quarter"}
    found = {"id": "tiers", "kind": "volume-discount", "method": "all-units", "tiers": steps, "windows": quarters}
    return found | {"moment": moment} | more


@pytest.mark.parametrize(("moment", "back"), [("use", [300, 300]), ("invoice", [0, 300]), ("purchase", [300, 300])])
def test_tiers_are_filled_by_what_counts_in_a_window(moment: str, back: list[int]) -> None:
    """1000 USD a month, six months: 2000 are invoiced from January to March, and 3000 until June."""
    case = build([tokens("north", 1)], [work()], agreement(tiers("2500 USD", moment)))
    found = solved(case)
    assert [-each.amount for each in found.postings if each.amount] == [D(each) for each in back if each]
    assert found.cost == 6000 - sum(back)
    assert Oracle(case).solve() == pytest.approx(6000 - sum(back))


def test_tiers_of_a_reservation_that_is_bought_whole() -> None:
    """87,600 USD when it is bought, and some 22 k in each quarter by use, of 50 k that are asked for."""
    off = {
        moment: solved(year(tiers("50 k USD", moment, id="back"), moment="use")).cost for moment in ("use", "purchase")
    }
    assert off["use"] - off["purchase"] == D(8_760)


@pytest.mark.parametrize(("amount", "back"), [("4500 USD", 300), ("4900 USD", 100), ("5 k USD", 0)])
def test_tiers_by_invoice_give_back_what_a_credit_left_of_those_months(amount: str, back: int) -> None:
    """1000 USD a month. 10% of what April to June invoice, the 3000 of March to May, as far as it was not paid."""
    pool = {"id": "pool", "kind": "credit", "amount": amount}
    case = build([tokens("north", 1)], [work()], agreement(tiers("2500 USD", "invoice"), pool))
    left = 6000 - {"4500 USD": 4500, "4900 USD": 4900, "5 k USD": 5000}[amount] - back
    assert solved(case).cost == left
    assert Oracle(case).solve() == pytest.approx(left)


def test_tiers_by_invoice_on_the_books_know_what_was_paid_before_the_horizon() -> None:
    """Of December 1000 USD, paid to 950; of the 3000 of January to March nothing was: 50 and 300 of 10% in each."""
    pool = {"id": "pool", "kind": "credit", "amount": "950 USD", "until": "2026-01-01"}
    deal = agreement(tiers("900 USD", "invoice") | {"windows": {"every": "month"}}, pool, effective="2025-12-01")
    case = build([tokens("north", 1)], [work()], deal, months=6)
    lines = [
        use(case, "chat", "north-api", f"{month}-05", f"{month}-06", 1000, 1000) for month in ("2025-12", "2026-01")
    ]
    found = settled_of(case.signed, rated(case, lines), day("2026-03-01"))
    assert [p.amount for p in found.postings if p.term == "tiers"] == [-50, -100]


def test_what_tiers_by_another_moment_do_not_go_with() -> None:
    units = tiers("2500 Mtok", "invoice", listed="1 USD per Mtok")
    (money,) = mistakes(data_of([tokens("north", 1)], [work()], agreement(units)))
    assert "`moment: invoice` is of money, and the tiers are in Mtok" in money


def test_a_plan_by_days_of_utc_counts_invoices_by_the_months_of_new_york() -> None:
    """30 USD a day, each month's counted in the next."""
    head = {"start": "2026-01-01", "end": "2026-05-01", "every": "month"}
    deal = agreement(floor("1 USD", "month", moment="invoice"), zone="America/New_York", ends="2026-04-30")
    deal["terms"][0]["windows"] |= {"cut": "prorate"}
    case = Case.of(data_of([tokens("north", 3)], [work(demand="10 Mtok per day")], deal, months=4) | {"horizon": head})
    # the first five hours of UTC are of December there, and its March is an hour shorter
    assert drawn(case)[:4] == [D("6.25"), 30 * 31, 30 * 28, 30 * 31 - D("1.25")]
