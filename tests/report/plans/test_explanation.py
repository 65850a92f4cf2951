"""What `explain` says of a clause, in full."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Literal

import pytest

from detente import terms
from detente.case.case import Case
from detente.contract.decisions import Decisions
from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.reach.window import Every
from detente.contract.settled.settlement import Settlement, settled
from detente.contract.term import Term
from detente.planner.solve import plan
from detente.report.pages.plans_page import render
from detente.report.plans.answer import commitments
from detente.report.plans.explanation import Explanation, explain
from detente.results.plan import Plan
from tests.builders import EXACT, Data, agreement, build, compute, gpus, solved, tokens, two_clouds, work

CASES = Path(__file__).parents[2] / "cases"

GOLDEN = [
    "`north-floor`: at least 6.00 k USD of spend (`provider: north`) in each quarter; 100% of what is missing is owed; "
    "an excess of up to 40% of a window's amount counts in the next, and may go on from there",
    "- minimum-commitment clause of `infrastructure`, in force Jan 2026 – Jun 2026",
    "- text: “Customer shall spend at least $6,000 in each quarter.”",
    "- 2026 Q1: 9.00 k USD spent of 6.00 k USD: met [north-floor]",
    "- 2026 Q2: 3.60 k USD spent and 2.40 k USD carried in, of 6.00 k USD: met [north-floor]",
    "- it binds in 1 window; its marginal price is at most 0.333333333 USD per USD (2026 Q2, floor) [north-floor]",
    "- `chat` on `north-api`: `north-floor` makes it worth 0.5 USD per Mtok more to run here [north-floor]",
    "It turns on:",
    "- measure: what use costs after discounts (the default)",
    "- moment: when it is used (the default)",
    "- counts: all that it covers, in full; fees and what is given back do not count (the default)",
    "- credits: what credits pay counts (the default)",
    "- who: everybody's use on our side, of what `north` sells (the default)",
    "- windows: each quarter, the first from 2026-01-01 (stated in the clause)",
    "- zone: days begin at midnight in UTC (the default)",
    "- last day: 2026-06-30, all of it; 2026-07-01 is out (stated in the agreement)",
    "- rounding: exact to a billionth; invoices are not rounded (the default)",
]


def test_what_was_brought_in_is_counted() -> None:
    case = Case.load(CASES / "commitment-carry-over")
    found = plan(case, gap=EXACT)
    assert isinstance(found, Plan)
    assert str(explain(case, found, "north-floor")).splitlines() == GOLDEN


def test_what_is_missing() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "6 k USD", "shortfall": {"fee": "30%"}}
    case = two_clouds(floor)
    said = [str(line) for line in explain(case, solved(case), "floor").lines]
    assert "Jan 2026 – Jun 2026: 0.00 USD spent of 6.00 k USD: short by 6.00 k USD [floor]" in said


def test_a_credit_binds_in_the_window_in_which_its_amount_is_used_up() -> None:
    # 744 USD in January and 672 in February, of which half is more than 350 and less
    credit = {"id": "credit", "kind": "credit", "rate": "50%", "amount": "350 USD", "windows": {"every": "month"}}
    case = build([gpus("north", 1)], [compute(demand="1 GPU")], agreement(credit), months=2)
    said = [str(line) for line in explain(case, solved(case), "credit").lines]
    assert "its cap is reached in Jan 2026 [credit]" in said
    assert "it binds in 1 window; its marginal price is at most 1 USD per USD (Jan 2026, amount) [credit]" in said


# By hand: of 59 days at 10 Mtok a day, each Mtok costs 3 USD on north and 2 on south.
LIMITS: dict[str, tuple[Data, str, str]] = {
    # one USD more of it is half of 2 USD, which buy 2/3 Mtok on north: 4/3 USD elsewhere, and here 1 after it
    "a credit each month": (
        {"kind": "credit", "rate": "50%", "amount": "350 USD", "windows": {"every": "month"}},
        "amount",
        "0.333333333",
    ),
    # one USD more is 40% of 2.50 USD, which buy 5/6 Mtok on north: 5/3 USD elsewhere, and here 1.50 after it
    "a cap on service credits": (
        {"kind": "service-credit", "bands": [{"below": "99%", "credit": "40%"}], "cap": "300 USD",
         "measured": [{"on": "2026-01-15", "availability": "95%"}]},
        "cap",
        "0.166666667",
    ),
    # one USD more at 60% off buys 1/3 Mtok for 0.40 USD, which costs 2/3 USD elsewhere
    "a tier that ends": (
        {"kind": "volume-discount", "method": "graduated", "windows": {"every": "term"},
         "tiers": [{"from": "0 USD", "off": "60%"}, {"from": "900 USD", "off": "0%"}]},
        "tier-1",
        "0.266666667",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", LIMITS)
def test_what_a_clause_grants_up_to_a_limit_binds_there(what: str) -> None:
    given, part, price = LIMITS[what]
    found = solved(
        build([tokens("north", 3), tokens("south", 2)], [work()], agreement({"id": "deal", **given}), months=2)
    )
    (row,) = found.clauses
    assert {(m.part, str(m.price), m.unit) for m in row.marginal} == {(part, price, "USD per USD")}


@pytest.mark.parametrize(("commitment", "price"), [("2 USD", "1"), ("20 USD", "1")], ids=["used up", "too large"])
def test_a_savings_plan_binds_by_what_one_more_of_its_money_is_worth(commitment: str, price: str) -> None:
    """Of 10 GPUs at 2 USD elsewhere: one USD more pays one more of them, and of 20 USD half are lost, used or not."""
    given = {
        "kind": "savings-plan",
        "commitment": f"{commitment} per hour",
        "rates": {"north-gpus": "1 USD per GPU-hour"},
    }
    case = build([gpus("north", 3), gpus("south", 2)], [compute(demand="10 GPU")], agreement({"id": "deal", **given}))
    (row,) = solved(case).clauses
    assert {(m.part, str(m.price)) for m in row.marginal} == {("commitment", price)}


def test_a_clause_that_moves_work_by_a_lump_sum_is_not_said_not_to_bind() -> None:
    """All of it stays on north, though south costs less: without the clause it would not."""
    given = {"of": {"workload": "chat"}, "except": [{"provider": "north"}], "amount": "5 k USD"}
    lump = {"id": "lump", "kind": "liquidated-damages", "windows": {"every": "month"}, **given}
    case = build([tokens("north", 3), tokens("south", 2)], [work()], agreement(lump), months=2)
    said = [line.sentence for line in explain(case, solved(case), "lump").lines]
    assert said[0] == "liquidated-damages clause of `north-deal`, in force Jan 2026 – Feb 2026"
    assert not any("does not bind" in line for line in said)
    assert "`chat` on `south-api`: `lump` makes it dearer here" in said


def test_what_costs_something_and_moves_nothing_says_so() -> None:
    paid = {"id": "cut", "kind": "revenue-share", "rate": "5%"}
    case = build([tokens("north", 2), tokens("south", 3)], [work(revenue="9 USD per Mtok")], agreement(paid), months=1)
    said = [line.sentence for line in explain(case, solved(case), "cut").lines]
    assert "it does not bind: a small change of it would change what it comes to, and move no work" in said


@pytest.mark.parametrize("price", [3, "2.005"])
def test_an_offer_beside_a_cheaper_one_names_the_cap_that_is_used_up_there(price: object) -> None:
    # 1000 Mtok a month; North costs 2, of which a cap of 1500 USD a month lets 750 through, and South more
    cap = {"id": "cap", "kind": "spending-cap", "amount": "1500 USD", "windows": {"every": "month"}}
    case = build([tokens("north", 2), tokens("south", price)], [work()], agreement(cap), months=2)
    (said,) = [str(line) for line in explain(case, solved(case), "chat").lines if "`south-api`" in str(line)[:12]]
    assert "`cap` is used up on `north-api`, which costs less, in Jan 2026, Feb 2026" in said


def test_a_clause_without_end() -> None:
    subsidy = {"id": "subsidy", "kind": "credit", "rate": "50%"}
    case = build([tokens("north", 3)], [work()], agreement(subsidy, ends=None))
    found = solved(case)
    said = str(explain(case, found, "subsidy"))
    assert "in force from 2026-01-01 without end" in said
    assert "2200" not in said + found.to_json()
    assert Plan.from_json(found.to_json()) == found


def test_of_an_amended_clause_each_version_says_its_own() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "900 USD", "windows": {"every": "quarter"}}
    deals = (
        agreement(floor, id="first"),
        agreement(floor | {"amount": "600 USD"}, id="second", effective="2026-04-01", amends="first"),
    )
    case = build([tokens("north", 3), tokens("south", 2)], [work()], *deals)
    found = solved(case)
    explained = explain(case, found, "floor")
    said = [str(line) for line in explained.lines]
    assert explained.headline.startswith("`floor`: at least 900.00 USD of spend")
    assert "; then at least 600.00 USD of spend" in explained.headline
    assert [line for line in said if "in force" in line or "met" in line] == [
        "minimum-commitment clause of `first`, in force 2026 Q1",
        "2026 Q1: 900.00 USD spent of 900.00 USD: met [floor]",
        "minimum-commitment clause of `second`, in force 2026 Q2",
        "2026 Q2: 600.00 USD spent of 600.00 USD: met [floor]",
    ]


def test_a_window_that_an_amendment_took_over_is_said_to_be_superseded() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD"}
    over = floor | {"amount": "600 USD", "takes-over": "whole-window"}
    deals = agreement(floor, id="first"), agreement(over, id="second", effective="2026-04-01", amends="first")
    case = build([tokens("north", 1)], [work()], *deals)
    found = solved(case)
    superseded = "superseded by an amendment, which counts the 3.00 k USD drawn of its 9.00 k USD"
    said = [str(line) for line in explain(case, found, "floor").lines]
    assert f"2026 Q1: {superseded} [floor]" in said
    assert "Jan 2026 – Jun 2026: 6.00 k USD spent of 600.00 USD: met [floor]" in said
    assert commitments(found)[-1] == f"The commitment `floor` of 2026 Q1 is {superseded}."


def denied() -> tuple[Case, Plan]:
    """Eight offers, of which a clause leaves one."""
    only = {"id": "only", "kind": "exclusivity", "of": {"workload": "chat"}, "text": "North alone."}
    case = build(
        [tokens("north", 5), *(tokens("south", 1, id=f"south-{i}") for i in range(7))], [work()], agreement(only)
    )
    return case, solved(case)


def test_what_a_clause_denies_is_said_once() -> None:
    case, found = denied()
    of_work, of_clause = (explain(case, found, subject) for subject in ("chat", "only"))
    seven = "on 7 offers (`south-0`, `south-1`, `south-2` and 4 more)"
    assert [str(line) for line in of_work.lines if "south-3" in line.offers] == [
        f"not {seven}: `workload: chat` runs only on north [only]"
    ]
    assert f"it denies `chat` {seven}: `workload: chat` runs only on north, so not on south [only]" in map(
        str, of_clause.lines
    )
    for one in (of_work, of_clause):
        lines = [line.sentence for line in one.lines]
        assert len(lines) == len(set(lines))
        assert len(lines) < 7
    reasons = of_work.as_json()["reasons"]
    assert [len(r["offers"]) for r in reasons if r["offers"]] == [7]  # nothing is lost: JSON names them all


def test_a_clause_is_told_what_it_does_and_not_what_is_said_of_an_offer_of_its_name() -> None:
    floor = {"id": "south-api", "kind": "minimum-commitment", "amount": "3 k USD", "windows": {"every": "month"}}
    deal = agreement(floor, ends="2026-04-01")
    case = build([tokens("north", 3), tokens("south", 2, capacity="10 Mtok per day")], [work()], deal)
    found = solved(case)
    north = next(d for d in found.decisions if d.offer == "north-api")
    assert "`south-api` costs less but is full at times; `south-api` makes it worth" in north.sentence
    said = [line.sentence for line in explain(case, found, "south-api").lines]
    assert [line for line in said if line.startswith("`chat` on")] == [
        "`chat` on `north-api`: `south-api` makes it worth 0.5 USD per Mtok more to run here",
    ]


def test_an_id_comes_with_its_name() -> None:
    case, found = denied()
    said: list[Explanation] = [explain(case, found, subject) for subject in ("chat@north", "chat")]
    assert said[0].headline == "`chat` runs on North (`north`) for 100% of its work"
    assert all(line.sentence.startswith("`north-api` (North): ") for line in (said[0].lines[0], said[1].lines[0]))


def test_what_is_deferred_is_neither_met_nor_forgotten() -> None:
    """300 USD a quarter of 400: of the first 40 go on; of the second 100 + 40 are missing, and 140 are owed."""
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "400 USD", "deferral": "10%"}
    floor |= {"windows": {"every": "quarter"}}
    case = build([tokens("north", 1)], [work(demand="100 Mtok per month")], agreement(floor), months=6)
    found = solved(case)
    said = [str(line) for line in explain(case, found, "floor").lines if " of 400.00 USD" in str(line)]
    assert said == [
        "2026 Q1: 300.00 USD spent of 400.00 USD: 40.00 USD deferred to the next, short by 60.00 USD [floor]",
        "2026 Q2: 300.00 USD spent, less 40.00 USD deferred from before, of 400.00 USD: short by 140.00 USD [floor]",
    ]
    assert "deferred to the next: 40.00 USD" in render([found])


def test_a_few_tokens_that_are_missing_are_neither_met_nor_a_hundredth() -> None:
    """5,000 tokens of ten million: 5 USD are owed for them."""
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "10 Mtok"}
    floor |= {"shortfall": {"price": "1000 USD per Mtok"}}
    case = build([tokens("north", 1)], [work(demand="9.995 Mtok per month")], agreement(floor), months=1)
    (said,) = (str(line) for line in explain(case, solved(case), "floor").lines if "drawn of" in str(line))
    assert said.endswith("short by 0.005 Mtok [floor]")


def test_milestones_are_told_and_the_amount_is_of_all_the_time() -> None:
    """3000 USD by April of 5000, so 2000 are charged; 3000 after, of which those pay 2000: 6000 of 9000."""
    step = {"by": "2026-04-01", "reach": "5 k USD", "fee": "100%", "charged-as": "prepayment"}
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "9 k USD", "milestones": [step]}
    case = build([tokens("north", 1)], [work(demand="1000 Mtok per month")], agreement(floor), months=6)
    said = [str(line) for line in explain(case, solved(case), "floor").lines]
    assert "Jan 2026 – Jun 2026: 6.00 k USD spent of 9.00 k USD: short by 3.00 k USD [floor]" in said
    assert "milestone by 2026-04-01: 3.00 k USD counted of 5.00 k USD: short by 2.00 k USD [floor]" in said
    assert any("(Jan 2026 – Jun 2026, floor)" in line for line in said)


def test_a_take_or_pay_tells_its_windows() -> None:
    """10 GPU kept, of which 8 are used in January and 12 in February: 2 x 744 GPU-hours are paid for and not taken."""
    keep: Data = {"id": "keep", "kind": "take-or-pay", "offer": "north-gpus", "quantity": "10 GPU"}
    deal = agreement(keep | {"price": "1 USD per GPU-hour"})
    demand = {"rate": {"2026-01": "8 GPU", "2026-02": "12 GPU"}}
    case = build([gpus("north", 1)], [compute(demand=demand)], deal, months=2)
    explained = explain(case, solved(case), "keep")
    assert "are paid for at 1 USD per GPU-hour in each month, taken or not" in explained.headline
    said = [str(line) for line in explained.lines if "taken" in line.sentence]
    assert said == [
        "Jan 2026: 5.95 k GPU-hour taken of 7.44 k GPU-hour: 1.49 k GPU-hour are paid for and not taken [keep]",
        "Feb 2026: 8.06 k GPU-hour taken of 6.72 k GPU-hour: met [keep]",
    ]


@pytest.mark.parametrize(
    ("cap", "said"),
    [
        # a fifth of 1000 USD a month
        ({"cap": "500 USD"}, "its cap is reached in Mar 2026"),
        ({"cap": "900 USD"}, "its cap is not reached"),
        ({"cap": "800.004 USD"}, "its cap is reached in Apr 2026"),  # less than a cent is left
        ({"cap-each": "500 USD", "windows": {"every": "quarter"}}, "its cap is reached in 2026 Q1"),
        ({"cap-each": "200 USD"}, "its cap is reached in Jan 2026, Feb 2026, Mar 2026, Apr 2026"),
        ({}, None),
    ],
)
def test_a_capped_share_says_in_which_window_its_cap_is_reached(cap: Data, said: str | None) -> None:
    share: Data = {"id": "share", "kind": "revenue-share", "rate": "20%"} | cap
    case = build([tokens("north", 1)], [work(revenue="1 USD per Mtok")], agreement(share), months=4)
    found = [line.sentence for line in explain(case, solved(case), "share").lines if "its cap" in line.sentence]
    assert found == ([said] if said else [])


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"by": "3%"}, "rise by 3% each year; from"),
        ({"by": "3%", "cap": "5%"}, "rise by 3% each year, at most 5%; from"),
        ({"by": "-3%"}, "fall by 3% each year; from"),
        ({"by": "3%", "floor": "4%"}, "rise by 3% each year, at least 4%; from"),
        (
            {"index": {"2026-01": 100}, "assume": "2%"},
            "each year, at least 0%, on the last price; from",
        ),
        ({"index": {"2026-01": 100}, "assume": "2%", "method": "base"}, "at least 0%, on the first price; from"),
    ],
)
def test_a_fixed_rise_says_no_floor_that_it_never_meets(terms: Data, said: str) -> None:
    case = build([tokens("north", 1)], [work()], agreement({"id": "up", "kind": "escalator"} | terms))
    assert said in case.term("up").explain().sentence  # type: ignore[union-attr]


def test_a_clause_that_no_plan_turns_on_tells_its_days() -> None:
    report: Data = {"id": "report", "kind": "obligation", "what": "a report", "by": "north", "done": ["2026-02-02"]}
    case = two_clouds(report | {"windows": {"every": "month"}})
    found = explain(case, solved(case), "report")
    assert [line.sentence for line in found.lines][1:] == [
        "2026-01-31: a report for Jan 2026 (north); done on 2026-02-02",
        "2026-02-28: a report for Feb 2026 (north)",
        "2026-03-31: a report for Mar 2026 (north)",
        "2026-04-30: a report for Apr 2026 (north)",
        "2026-05-31: a report for May 2026 (north)",
        "2026-06-30: a report for Jun 2026 (north)",
    ]


def test_a_clause_that_is_undecided_says_what_to_ask() -> None:
    use: Data = {"id": "use", "kind": "permitted-use", "asks": "is it a rival?", "except": [{"provider": "north"}]}
    case = two_clouds(use)
    assert "- it denies `chat` on `south-api`: a person decides: is it a rival? [use]" in str(
        explain(case, solved(case), "use")
    )


class Free(Term):
    """A kind of one's own: so much is free in each month, and more of it may be used."""

    kind: Literal["free"]
    theirs = True

    @property
    def spend(self) -> Meter:
        """What is spent in each month."""
        return self.meter("spend", "spend", self.calendar(Every(every="month")))

    def meters(self) -> tuple[Meter, ...]:
        """The same."""
        return (self.spend,)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """Nothing is owed."""
        return Settlement.of(
            settled(self.spend, at, "free", None, ended=ended, amount=Fraction(100), drawn=totals.total(self.spend, at))
            for at, ended in self.spend.begun(as_of)
        )


@pytest.mark.parametrize("party", ["north", "south"])
def test_what_is_no_cap_is_not_told_as_one(party: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is drawn at North, and 2000 USD a month at South."""
    monkeypatch.setattr(terms, "KINDS", {**terms.KINDS})
    terms.add(Free)
    deal = agreement({"id": "gift", "kind": "free"}, party=party)
    case = build([tokens("north", 3), tokens("south", 2)], [work()], deal)
    assert not [line for line in explain(case, solved(case), "gift").lines if "cap" in line.sentence]


def test_of_what_is_reserved_and_used_up_it_is_told_who_uses_it() -> None:
    """Two GPU in January, one after: one is reserved; the second is 2,232 USD by the hour, and 4,320 reserved."""
    steps = {"rate": {"2026-01": "2 GPU", "2026-02": "1 GPU"}}
    offers = [gpus("north", 3), gpus("south", 2, buy="reserved", term="3 months")]
    found = solved(build(offers, [compute("w", steps)], months=3))
    north = next(d for d in found.decisions if d.offer == "north-gpus")
    assert found.cost == 4_320 + 2_232
    assert (
        north.reasons[1].sentence == "all that is reserved of `south-gpus`, which costs less, is used at times by `w`"
    )
