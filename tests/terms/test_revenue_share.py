"""Revenue shares, by hand. North 3 USD per Mtok, South 2; 1000 Mtok a month that earn 6 USD each."""

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
    use,
    work,
)


def world(*, months: Any = 6, value: Any = None, **more: Any) -> Case:
    term = {"id": "cut", "kind": "revenue-share", "rate": "20%"} | more
    chat = work(revenue="6 USD per Mtok", labels={"tier": "gold"}, **({"value": value} if value else {}))
    free = work("free", labels={"tier": "basic"})  # earns nothing
    return build([tokens("north", 3), tokens("south", 2)], [chat, free], agreement(term), months=months)


def test_owed_wherever_it_runs() -> None:
    found = solved(world())
    # 12 x 1000 x 2 + 20% x 6 x 1000 x 6
    assert found.cost == D(24000 + 7200)
    assert charged(found, "cut") == D(7200)


def test_by_invoice_what_a_month_earns_counts_in_the_next() -> None:
    """1200 USD of each month from January to May; what December earned is not known."""
    found = solved(world(moment="invoice"))
    assert [p.amount for p in found.postings] == [D(1200)] * 5
    assert found.cost == D(24000 + 6000)
    assert "its month is invoiced" not in str(found.clauses)
    assert "`cut` counts what is invoiced on 2026-01-01" in found.notes[0].what
    quarters = {"windows": {"every": "quarter"}, "cap-each": "3 k USD"}
    assert solved(world(moment="invoice", **quarters)).cost == D(24000 + 2400 + 3000)
    assert solved(world(**quarters)).cost == D(24000 + 3000 + 3000)
    assert world(moment="invoice").terms[0].explain().sentence.endswith("; it counts when it is invoiced")


def test_by_invoice_what_runs_on_reserved_capacity_earns_as_any_other_work() -> None:
    """100 GPUs for a year, 876,000 USD; 10% of 2 USD per GPU-hour of eleven months, 8,016 hours."""
    share = {"id": "cut", "kind": "revenue-share", "rate": "10%", "moment": "invoice"}
    offer = gpus("north", 1, buy="reserved", term="12 months", invoiced="monthly")
    work_ = compute(demand="100 GPU", revenue="2 USD per GPU-hour")
    found = solved(build([offer], [work_], agreement(share), months=12))
    assert found.cost == D(876_000 + 160_320)


def test_an_amendment_by_another_moment_owes_no_month_twice_and_none_never() -> None:
    """1200 USD a month, until June by use and then by invoice: 14,400 USD less December's; and the other way about."""

    def amended(before: Data, after: Data, **more: Any) -> Data:
        share: Data = {"id": "cut", "kind": "revenue-share", "rate": "20%"}
        first = agreement(share | before, id="deal", ends="2028-01")
        later = agreement(share | after, id="later", amends="deal", effective="2026-07-01", ends="2028-01") | more
        return data_of([tokens("south", 2)], [work(revenue="6 USD per Mtok")], first, later, months=12)

    (said,) = mistakes(amended({}, {"moment": "invoice"}))
    assert "that of 2026-06 would be owed twice; say `removes: [cut]`" in said
    assert "`from: 2026-08-01`" in said
    own = {"id": "new", "moment": "invoice", "from": "2026-08-01"}
    assert solved(Case.of(amended({}, own, removes=["cut"]))).cost == D(24_000 + 11 * 1200)
    (said,) = mistakes(amended({"moment": "invoice"}, {}))
    assert "that of 2026-06 would be owed under neither; end the earlier text itself (`until: 2026-07-02`)" in said
    ended = {"moment": "invoice", "until": "2026-07-02"}
    assert solved(Case.of(amended(ended, {"id": "new"}))).cost == D(24_000 + 12 * 1200)


@pytest.mark.parametrize(
    ("moments", "until", "first", "owed"),
    [
        # January to April by use, May's on 1 June
        (("use", "invoice"), "2026-05-01", "2026-06-01", 5 * 1200),
        # January's to April's from 1 February to 1 May, and May and June by use
        (("invoice", "use"), "2026-05-02", "2026-05-01", 6 * 1200),
    ],
)
def test_within_a_month_an_amendment_by_another_moment_leads_to_the_first_of_one(
    moments: tuple[str, str], until: str, first: str, owed: int
) -> None:
    """From 15 April, of 1200 USD a month: April's first half is owed by one text."""
    share: Data = {"id": "cut", "kind": "revenue-share", "rate": "20%"}
    before, after = (share | {"moment": moment} for moment in moments)

    def amended(before: Data, after: Data) -> Data:
        later = agreement(after, id="later", amends="deal", effective="2026-04-15", ends="2028-01")
        deals = agreement(before, id="deal", ends="2028-01"), later
        return data_of([tokens("south", 2)], [work(revenue="6 USD per Mtok")], *deals, months=6)

    (said,) = mistakes(amended(before, after))
    ended = f"end the earlier text itself (`until: {until}`), and write this one with an `id` of its own"
    assert f"; change it on the first of a month: {ended}, `from: {first}`, or keep its `moment`" in said
    followed = amended(before | {"until": until}, after | {"id": "new", "from": first})
    assert solved(Case.of(followed)).cost == D(12_000 + owed)


def test_owed_by_place() -> None:
    found = solved(world(of={"provider": "south"}))
    # South 2 + 20% x 6 = 3.20 > 3 for what earns; what earns nothing stays at 2
    assert (placed(found, "chat"), placed(found, "free")) == ({"north-api": D(6000)}, {"south-api": D(6000)})
    assert (found.cost, postings(found, "cut")) == (D(18000 + 12000), {})


def test_from_the_middle_of_a_month() -> None:
    found = solved(world(of={"provider": "south"}, **{"from": "2026-04-16"}))
    # April: 2 + 20% x 6 x 15/30 = 2.60 at South; May, June at North: 3 x 2000 + 2600 + 2 x 3000; free: 6 x 2000
    assert found.cost == D(14600 + 12000)
    assert charged(found, "cut") == D(600)


def test_carved_out() -> None:
    term = {"id": "cut", "kind": "revenue-share", "rate": "20%", "except": [{"tier": "gold"}]}
    chat = work(revenue="6 USD per Mtok", labels={"tier": "gold"})
    mail = work("mail", revenue="1 USD per Mtok", labels={"tier": "basic"})
    found = solved(build([tokens("north", 3), tokens("south", 2)], [chat, mail], agreement(term)))
    # 12 x 1000 x 2 + 20% x 6 x 1000 x 1
    assert (found.cost, charged(found, "cut")) == (D(24000 + 1200), D(1200))


def test_it_may_make_work_worthless() -> None:
    # serving costs 2 + 1.20, leaving it unserved 3.10
    found = solved(world(value="3.10 USD per Mtok", months=1))
    assert placed(found, "chat") == {}
    assert (found.unserved_cost, found.cost) == (D(3100), D(5100))


def test_account_of_metered_use() -> None:
    case = world(**{"from": "2026-01-11"})
    # a line of 20 days, of which the last 10 are in force: 20% x 500 x 10/20
    line = use(case, "chat", "south-api", "2026-01-01", "2026-01-21", 1, 1, revenue=500)
    assert [p.amount for p in posted(case, "cut", line)] == [D(50)]


# -- capped ------------------------------------------------------------------------------------------------------
# At South a month of `chat` costs 2000 and 1200 of its revenue, at North 3000; `free` stays at South, 12,000 in all.
@pytest.mark.parametrize(
    ("cap", "south", "owed"),
    [
        # 12,000 + 2000 is less than 18,000 at North: all at South, although 3.20 a unit is more than 3
        ({"cap": "2 k USD"}, 6000, 2000),
        ({"cap": "5999 USD"}, 6000, 5999),
        ({"cap": "6001 USD"}, 0, 0),
        # each month 2000 + 300 is less than 3000, and 2000 + 1100 is more
        ({"cap-each": "300 USD"}, 6000, 1800),
        ({"cap-each": "1100 USD"}, 0, 0),
        # 3000 in both quarters: a tenth in the first, the rest in the second: 6000 + 2700 < 9000
        ({"cap-each": "3 k USD", "windows": {"every": "quarter", "ramp": ["10%", "90%"]}}, 6000, 3000),
        ({"cap-each": "3.1 k USD", "windows": {"every": "quarter", "ramp": ["0%", "100%"]}}, 3000, 0),
    ],
)
def test_a_cap_makes_more_of_it_cheaper(cap: Any, south: int, owed: int) -> None:
    found = solved(world(of={"provider": "south"}, **cap))
    assert placed(found, "chat").get("south-api", D(0)) == D(south)
    assert charged(found, "cut") == D(owed)
    assert found.cost == D(12_000 + 2 * south + owed + 3 * (6000 - south))


def test_a_cap_that_is_never_reached_changes_nothing() -> None:
    found = solved(world(cap="1 M USD"))
    assert (found.cost, charged(found, "cut")) == (D(24000 + 7200), D(7200))


def test_of_a_cap_in_all_each_window_owes_what_is_left() -> None:
    found = solved(world(cap="2 k USD"))
    assert postings(found, "cut") == {("revenue-share", 0): D(1200), ("revenue-share", 1): D(800)}
    assert [(s.amount, s.drawn, s.remaining) for s in found.standings[:3]] == [
        (2000, 1200, 800),
        (800, 800, 0),
        (0, 0, 0),
    ]


def test_a_capped_share_as_of_a_day() -> None:
    case = world(cap="150 USD")
    lines = [
        use(case, "chat", "south-api", "2026-01-05", "2026-01-05", 1, 1, revenue=500),
        use(case, "chat", "south-api", "2026-02-05", "2026-02-05", 1, 1, revenue=500),
    ]
    found = settled_of(case.signed, rated(case, lines), day("2026-02-10"))
    assert [(p.window, p.amount) for p in found.postings] == [(0, D(100))]
    assert [(s.ended, s.owed, s.accruing) for s in found.standings] == [(True, 100, 0), (False, 0, 50)]


def cut_term(**more: Any) -> Data:
    term = {"id": "cut", "kind": "revenue-share", "rate": "20%"} | more
    return data_of([tokens("north", 3)], [work(revenue="6 USD per Mtok")], agreement(term, ends="2027-01"))


def test_a_cap_of_a_term_that_the_horizon_cuts() -> None:
    (only,) = mistakes(cut_term(cap="365 USD"))
    assert "is cut by the horizon" in only
    found = solved(Case.of(cut_term(cap="365 USD", windows={"every": "month", "cut": "prorate"})))
    assert charged(found, "cut") == D(181)  # 181 of 365 days


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"cap": "1 USD", "cap-each": "1 USD"}, "states both `cap` and `cap-each`; keep one of them"),
        ({"windows": {"every": "quarter", "ramp": ["50%", "50%"]}}, "a ramp divides an amount, and there is none"),
    ],
)
def test_caps_that_make_no_sense(more: Any, message: str) -> None:
    found = mistakes(cut_term(**more))
    assert any(message in each for each in found), found


def test_the_sentence() -> None:
    ends = ["", ", at most 2.00 k USD in all", ", at most 300.00 USD in each month"]
    caps: list[Any] = [{}, {"cap": "2 k USD"}, {"cap-each": "300 USD"}]
    for cap, end in zip(caps, ends, strict=True):
        (term,) = world(**cap).terms
        assert term.explain().sentence == f"20% of the revenue of everything is owed to north{end}"


def test_a_share_of_nothing() -> None:
    share = {"id": "cut", "kind": "revenue-share", "rate": "20%"}
    free = work("free", labels={"tier": "basic"})
    deal = agreement(share | {"of": {"tier": "basic"}})
    paid = work("paid", labels={"tier": "gold"}, revenue="6 USD per Mtok")
    expected = (
        "a share of revenue, and no workload states any (`free`); "
        "state what the work earns (`revenue:` of the workload), or drop the clause"
    )
    assert mistakes(data_of([tokens("north", 3)], [free], deal)) == [expected]
    (told,) = notes(Case.of(data_of([tokens("north", 3)], [free, paid], deal)))  # what others earn is not shared
    assert told.what == "`cut` comes to nothing: it counts revenue, and what it covers states none (`free`)"
    later: Data = {"id": "later", "with": "north", "effective": "2026-02-01", "amends": "north-deal"}
    later["terms"] = [share | {"of": {"tier": "gold"}}]
    assert not notes(Case.of(data_of([tokens("north", 3)], [free, paid], deal, later)))  # it comes to something then
    assert mistakes(data_of([tokens("north", 3)], [free, paid], agreement(share))) == []
    stated = free | {"revenue": "0 USD per Mtok"}  # stated, and so known
    assert mistakes(data_of([tokens("north", 3)], [stated, paid], deal)) == []
