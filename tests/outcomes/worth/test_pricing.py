"""The price of a clause: what the plan would save without it, by plans made anew and by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.errors import CaseError
from detente.outcomes.baseline import Baseline
from detente.outcomes.estimate import NOTHING, Estimate, LeastCost
from detente.outcomes.worth.prices import ClausePrices
from detente.outcomes.worth.pricing import price
from detente.planner.solve import plan
from detente.planner.study import Study
from detente.report.outcomes.prices import masked
from detente.report.pages.prices_page import render_prices
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from tests.builders import EXACT, D, Data, agreement, build, data_of, gpus, solved, tokens, two_clouds, work
from tests.case.test_exchanging import moving
from tests.drawn_cases import cases
from tests.outcomes.worth.priced import CENT, amounts, by_id, floor, prices, stopping

few = settings(deadline=None, derandomize=True, max_examples=8, suppress_health_check=list(HealthCheck))


# -- by hand -------------------------------------------------------------------------------------------------------
def test_a_prepayment_in_a_currency_that_rises_saves_something() -> None:
    """271.82 EUR are paid at 1.10 as January ends, and given back at 1.20 in February: without it, that is lost."""
    term = {"id": "early", "kind": "minimum-commitment", "amount": "300 EUR", "windows": {"every": "month"}}
    term |= {"shortfall": {"charged-as": "prepayment"}}
    steps = {"rate": {"2026-01-01": "1 Mtok per day", "2026-02-01": "30 Mtok per day"}}
    data = data_of(
        [tokens("north", 1)], [work(demand=steps)], agreement(term, ends="2026-04-01"), months=3, exchange=moving()
    )
    (found,) = prices(Case.of(data)).clauses
    short = 300 - Fraction(31) / Fraction("1.1")
    assert found.effect == "both"
    assert {m.part for m in found.marginal} <= {"floor"}, "no row that only makes a charge exact has a price"
    assert found.price is not None
    assert abs(found.price.amount + D(float(short * Fraction("0.1")))) < CENT


def test_a_floor_costs_what_it_moves_to_the_dearer_cloud() -> None:
    # 6 months of 1000 Mtok: 12,000 at South. 9,000 spent at North serves 3000 Mtok, the rest costs 6,000 at South.
    found = prices(two_clouds(floor(amount="9000 USD")))
    each = by_id(found)["floor"]
    assert found.cost.amount == 15_000
    assert each.price == Estimate(D(3_000), D(3_000), D(3_000))
    moved = {m.provider: m.change for m in each.moves}
    assert moved == {"north": -3000, "south": 3000}
    assert [m.price for m in each.marginal] == [D("0.333333333")]  # a third of a USD for each USD more of the floor


def test_work_that_runs_only_without_a_clause_is_told_as_moved() -> None:
    """6 months of 1000 Mtok at 2, worth 5 USD each: 12,000 instead of 30,000 that is lost while all is denied."""
    only = {"id": "only", "kind": "exclusivity", "of": {"workload": "chat"}}
    (found,) = prices(build([tokens("south", 2)], [work(value="5 USD per Mtok")], agreement(only))).clauses
    assert found.price == Estimate(D(18_000), D(18_000), D(18_000))
    assert {m.provider: m.change for m in found.moves} == {"south": 6000, "": -6000}  # what is not served counts, too


def test_what_is_granted_is_below_nothing() -> None:
    # North at 3 with 50% off is 1.50: 9,000 against 12,000 at South.
    found = prices(two_clouds({"id": "off", "kind": "discount", "off": "50%"}))
    assert amounts(found) == {"off": -3_000}
    assert found.status == "complete"


@pytest.mark.parametrize(
    ("measure", "given"),
    [
        ("after-discounts", {"kind": "discount", "off": "50%"}),
        ("after-credits", {"kind": "credit", "rate": "50%", "windows": {"every": "month"}}),
    ],
)
def test_what_is_granted_may_cost_more_than_it_gives(measure: str, given: Data) -> None:
    """3,000 a month meet the floor; half of it leaves 1,500, to be paid three times: 6,000 a month, and not 3,000."""
    asked = floor(amount="3000 USD", measure=measure, windows={"every": "month"}, shortfall={"fee": "300%"})
    found = prices(build([tokens("north", 3)], [work()], agreement(asked, given | {"id": "given"}), months=2))
    assert by_id(found)["given"].price == Estimate(D(6_000), D(6_000), D(6_000))


def test_a_discount_that_takes_another_away_hides_it() -> None:
    """A fifth off leaves 800 of 1,000, and two fifths more from 900 on are out of reach: without either 1,000."""
    tiers: Data = {"id": "tiers", "kind": "volume-discount", "method": "all-units", "windows": {"every": "month"}}
    tiers["tiers"] = [{"from": "900 USD", "off": "40%"}]
    off = {"id": "off", "kind": "discount", "off": "20%"}
    found = prices(build([tokens("north", 1)], [work()], agreement(tiers, off), months=1))
    assert amounts(found) == {"tiers": 0, "off": 200}
    (hidden,) = found.maskings
    assert (hidden.terms, hidden.joint.amount) == (("tiers", "off"), -200)


def test_without_a_cap_on_damages_more_is_owed() -> None:
    """All work is a breach at 1 USD per Mtok: 2,000 USD in two months, of which the cap leaves 500."""
    cap = {"id": "cap", "kind": "liability-cap", "amount": "500 USD"}
    breach = {"id": "breach", "kind": "liquidated-damages", "price": "1 USD per Mtok", "within": "cap"}
    found = prices(build([tokens("north", 1)], [work()], agreement(cap, breach), months=2))
    assert amounts(found) == {"cap": -1_500, "breach": 500}


def test_a_clause_that_asks_for_nothing_more_has_no_price() -> None:
    # 3 USD a Mtok at North with everything there anyway: nothing else is on offer.
    found = prices(build([tokens("north", 3)], [work()], agreement(floor(amount="9000 USD"))))
    assert by_id(found)["floor"].price == Estimate(D(0), D(0), D(0))


def test_an_agreement_is_priced_as_a_whole() -> None:
    # A floor of 12,000 at North, which has 60% off of 2 there; 1 at South: 12,000 either way.
    off = {"id": "off", "kind": "discount", "off": "60%"}
    offers = [tokens("north", 2), tokens("south", 1)]
    found = prices(
        build(offers, [work()], agreement(floor(amount="12000 USD") | {"measure": "after-discounts"}, off), months=12)
    )
    assert amounts(found) == {"floor": 2_400, "off": -6_000}
    (whole,) = found.agreements
    assert (whole.agreement, whole.terms, whole.price) == ("north-deal", ("floor", "off"), Estimate(D(0), D(0), D(0)))


def test_offers_under_an_agreement_go_with_it() -> None:
    # A negotiated rate of 1 at South for a floor of 1,000 at North: without the agreement South sells at 2.
    deal = tokens("south", 1, id="rate", under="north-deal")
    found = prices(build([tokens("north", 3), tokens("south", 2), deal], [work()], agreement(floor(amount="900 USD"))))
    (whole,) = found.agreements
    assert (whole.offers, whole.terms) == (("rate",), ("floor",))
    assert found.cost.amount == 900 + 5_700  # 300 Mtok at North, 5,700 at the rate
    assert whole.price is not None
    assert whole.price.amount == 6_600 - 12_000


def test_an_amendment_belongs_to_what_it_amends() -> None:
    monthly = {"every": "month"}
    first = agreement(floor(amount="300 USD", windows=monthly))
    second = agreement(floor(amount="900 USD", windows=monthly), id="more", effective="2026-04-01", amends="north-deal")
    found = prices(build([tokens("north", 3), tokens("south", 2)], [work()], first, second))
    assert [(a.agreement, a.terms) for a in found.agreements] == [("north-deal", ("floor",))]
    assert len(found.clauses) == 1


def test_two_that_hide_each_other_are_found_and_share_their_price() -> None:
    # Both ask for 9,000 at North: without one the other still does.
    found = prices(two_clouds(floor("one", "9000 USD"), floor("two", "9000 USD")))
    assert amounts(found) == {"one": 0, "two": 0}
    (hidden,) = found.maskings
    assert hidden.terms == ("one", "two")
    assert hidden.joint.amount == 3_000
    assert [(p.player, p.amount, p.alone, p.last) for p in hidden.split] == [
        ("one", 1_500, 0, 3_000),
        ("two", 1_500, 0, 3_000),
    ]
    assert [row["masked"] for row in found.rows()] == [True, True]


def test_a_fair_part_is_no_surer_than_the_plans_that_it_is_made_of() -> None:
    case = two_clouds(floor("one", "9000 USD"), floor("two", "9000 USD"))
    near = Baseline.near

    def loose(self: Baseline, study: Study, *within: Decimal) -> Any:
        found = near(self, study)
        assert found is not None
        gap = D(7) if len(study.out) == 1 else D(40)
        return replace(found, cost=LeastCost(found.cost.amount, found.cost.amount - gap))

    with mock.patch.object(Baseline, "near", loose):
        found = prices(case)
    (hidden,) = found.maskings
    assert [part.error for part in hidden.split] == [40, 40]
    assert "`one` 1.50 k USD (± 40.00 USD)" in masked(hidden, "USD")
    exact = prices(case).maskings[0]
    assert all(part.error < D("1e-6") for part in exact.split)
    assert "±" not in masked(exact, "USD")


def test_three_of_which_no_two_hide_each_other_are_found() -> None:
    found = prices(two_clouds(*(floor(name, "9000 USD") for name in ("one", "two", "three"))))
    assert {masking.terms for masking in found.maskings} == {("one", "two", "three")}
    assert [part.amount for part in found.maskings[0].split] == [1_000, 1_000, 1_000]


def test_of_a_split_no_more_is_sought_than_its_error_tells() -> None:
    """Were the cost without all three known to 7 USD alone, so would be each part: no other need be known better."""
    real, asked = Baseline.near, list[Decimal]()

    def near(self: Baseline, study: Study, within: Decimal = NOTHING) -> Any:
        found = real(self, study, within)
        asked.append(within)
        amount = found.cost.amount if found else D(0)
        return found and replace(found, cost=LeastCost(amount, amount - 7))

    with mock.patch.object(Baseline, "near", near):
        found = prices(two_clouds(*(floor(name, "9000 USD") for name in ("one", "two", "three"))))
    assert set(asked) <= {0, 7}
    assert asked == sorted(asked), "each by itself first"
    assert found.maskings[0].joint.bar == found.maskings[0].split[0].error == 7


def test_a_floor_that_hides_a_part_of_an_exclusivity() -> None:
    # Exclusivity moves all 6000 Mtok to North, the floor 3000 of them: alone 3,000 and 0; both 6,000.
    exclusive = {"id": "only-north", "kind": "exclusivity", "of": {"workload": "chat"}}
    found = prices(two_clouds(floor(amount="9000 USD"), exclusive))
    assert amounts(found) == {"floor": 0, "only-north": 3_000}
    (hidden,) = found.maskings
    assert (hidden.joint.amount, [p.amount for p in hidden.split]) == (6_000, [1_500, 4_500])


def test_a_case_without_several_begins_where_that_without_one_of_them_ended_that_makes_most_of_it() -> None:
    exclusive = {"id": "only-north", "kind": "exclusivity", "of": {"workload": "chat"}}
    baseline = Baseline.of(Study.of(two_clouds(floor(amount="9000 USD"), exclusive)), EXACT)
    assert isinstance(baseline, Baseline)
    both = ["floor", "only-north"]
    assert baseline.study_without(both).footing is baseline.study.footing, "nothing nearer is known"
    less, more = baseline.without(["floor"]), baseline.without(["only-north"])
    assert less is not None
    assert more is not None
    begun = baseline.study_without(both).footing
    assert begun is more.footing, "alone they save 0 and 3,000"
    assert baseline.study_without(["floor"]).footing is less.footing
    assert baseline.linear_without(both) == pytest.approx(float(baseline.cost.amount) - 6_000)
    again = baseline.study_without(both).footing
    assert again is not None
    assert again.basis is not begun.basis, "without whole numbers it is solved already"


def test_clauses_that_have_nothing_to_do_with_each_other_hide_nothing() -> None:
    offers = [tokens("north", 3), tokens("south", 2)]
    south = agreement({"id": "share", "kind": "share", "of": {"workload": "mail"}, "at-most": "50%"}, party="south")
    found = prices(
        build(offers, [work(), work("mail")], agreement(floor(amount="3000 USD", of={"workload": "chat"})), south)
    )
    assert amounts(found) == {"floor": 1_000, "share": 3_000}
    assert found.maskings == ()


def test_without_what_makes_a_plan_possible_there_is_none() -> None:
    # A take-or-pay's price is paid for units that are kept; nothing here makes a plan possible but the case itself.
    with mock.patch.object(Baseline, "without", return_value=None):
        found = prices(two_clouds(floor(amount="9000 USD")))
    each = by_id(found)["floor"]
    assert (each.asked, each.price) == (True, None)


def test_no_plan_is_a_conflict() -> None:
    impossible = floor(amount="90 k USD", shortfall="forbidden")
    found = price(two_clouds(impossible), gap=EXACT)
    assert isinstance(found, Conflict)
    assert [clash.term for clash in found.clauses] == ["floor"]


# -- laws ----------------------------------------------------------------------------------------------------------
@few
@given(data=st.data())
def test_a_price_is_the_difference_of_two_plans_made_anew(data: st.DataObject) -> None:
    case = data.draw(cases(most=3))
    found = price(case, gap=EXACT)
    whole = plan(case, gap=EXACT)
    if isinstance(found, Conflict) or isinstance(whole, Conflict):
        assert isinstance(found, Conflict)
        assert isinstance(whole, Conflict)
        return
    for each in found.clauses:
        left = plan(case.under(without=[each.term]), gap=EXACT)
        assert each.price is not None
        assert isinstance(left, Plan)
        true = Estimate.difference(LeastCost(whole.cost, whole.bound), LeastCost(left.cost, left.bound))
        room = CENT + abs(whole.cost) * D("1e-6")
        assert each.price.low <= true.high + room, each.term
        assert true.low <= each.price.high + room, each.term
        assert each.effect != "restrains" or each.price.low >= 0
    for masking in found.maskings:
        assert sum(part.amount for part in masking.split) == masking.joint.amount


def test_the_error_bar_is_the_gap_of_both() -> None:
    one, other = LeastCost(D(100), D(90)), LeastCost(D(60), D(55))
    found = Estimate.difference(one, other)
    assert found == Estimate(D(40), D(30), D(45))
    assert (found.bar, found.vague, found.limit) == (10, False, 45)
    assert Estimate(D(4), D(-6), D(9)).vague
    assert Estimate(D(-4), D(-6), D(9)).at_least(D(0)) == Estimate(D(0), D(0), D(9))


# -- saved ---------------------------------------------------------------------------------------------------------
def test_saved_prices_are_read_back(tmp_path: Any) -> None:
    found = prices(
        two_clouds(
            floor(amount="9000 USD") | {"measure": "after-discounts"}, {"id": "off", "kind": "discount", "off": "10%"}
        )
    )
    files = found.save(tmp_path)
    assert [file.name for file in files] == ["prices.json", "prices.parquet"]
    assert ClausePrices.from_json(files[0].read_bytes()) == found
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(files[1]).to_pylist()
    assert [(row["clause"], row["price"], row["masked"]) for row in table] == [
        (row["clause"], row["price"], row["masked"]) for row in found.rows()
    ]


def test_a_case_without_clauses_has_no_prices(tmp_path: Any) -> None:
    found = prices(two_clouds())
    assert (found.clauses, found.agreements, found.maskings) == ((), (), ())
    assert found.save(tmp_path)
    assert found.rows("agreements") == []
    with pytest.raises(CaseError, match="no rows of `nosuch`\n    choose from: `clauses`, `agreements`\n"):
        found.rows("nosuch")  # type: ignore[arg-type]


def test_a_price_that_was_not_asked_is_no_zero() -> None:
    with stopping(0, "time-limit"):
        found = prices(two_clouds(floor(amount="9000 USD")))
    assert [(row["price"], row["low"], row["high"]) for row in found.rows()] == [(None, None, None)]


def test_the_bill_is_made_once_where_nothing_changes() -> None:
    case = build([tokens("north", 3)], [work()], agreement(floor(amount="9000 USD")))
    with mock.patch.object(Study, "bill", autospec=True, side_effect=Study.bill) as billed:
        prices(case)
    assert billed.call_count == 1


def test_what_does_not_bind_without_others_takes_no_other_solve() -> None:
    """Of floors of 9,000, 6,000 and 3,000 the largest left binds: of 8 cases 4 are solved, the first among them.

    Each case costs what its largest floor moves to North, at a third of it more.
    """
    names = "large", "middle", "small"
    case = two_clouds(floor("large", "9000 USD"), floor("middle", "6000 USD"), floor("small", "3000 USD"))
    baseline = Baseline.of(Study.of(case), EXACT)
    assert isinstance(baseline, Baseline)
    with mock.patch.object(Baseline, "near", autospec=True, side_effect=Baseline.near) as asked:
        for size in range(4):
            for out in combinations(names, size):
                near = baseline.without(out)
                assert near is not None
                left = [{"large": 9_000, "middle": 6_000, "small": 3_000}[name] for name in names if name not in out]
                saved = 3_000 - max(left, default=0) / 3
                assert float(baseline.saved(near).amount) == pytest.approx(saved)
                assert baseline.linear_without(out) == pytest.approx(float(baseline.cost.amount) - saved)
    assert asked.call_count == 3


def test_what_charges_or_changes_prices_is_asked_though_no_row_of_it_binds() -> None:
    """2000 Mtok that earn 1 USD each, of which a tenth is owed; in February South asks a tenth more than 2 USD."""
    part = {"id": "part", "kind": "revenue-share", "rate": "10%"}
    rise = {"id": "rise", "kind": "escalator", "by": "10%", "every": "1 month"}
    deal = agreement(part, rise, party="south")
    case = build([tokens("south", 2)], [work(revenue="1 USD per Mtok")], deal, months=2)
    assert amounts(prices(case)) == {"part": 200, "rise": 200}


def test_whole_units_are_priced_with_their_gap() -> None:
    offers = [gpus("north", 3, unit=8), gpus("south", 2, unit=8)]
    research = {"id": "research", "kind": "inference", "demand": "10 GPU", "runs-on": {"accelerators": {"H100": 1}}}
    found = prices(build(offers, [research], agreement(floor(amount="20 k USD")), months=1))
    whole = plan(build(offers, [research], agreement(floor(amount="20 k USD")), months=1), gap=EXACT)
    left = solved(build(offers, [research], months=1))
    assert isinstance(whole, Plan)
    assert amounts(found) == {"floor": whole.cost - left.cost}


# -- present value ---------------------------------------------------------------------------------------------------
def test_a_price_at_present_value_is_what_falls_when() -> None:
    # a minimum of 36 k a year and 24 k of use: 12 k are owed at the end of each of three years
    floor: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "36 k USD", "shortfall": {"fee": "100%"}}
    more: dict[str, Any] = {"party": "south", "months": 36, "discount-rate": "10% per year"}
    answer = prices(two_clouds(floor | {"windows": {"every": "year"}}, **more))
    (clause,), (agreement,) = answer.clauses, answer.agreements
    assert clause.price is not None
    assert clause.price.amount == 36_000
    days = (365, 730, 1096)
    expected = sum(12_000 / 1.1 ** (each / 365) for each in days)
    assert clause.today is not None
    assert abs(float(clause.today) - expected) < 0.01
    assert agreement.today == clause.today
    assert answer.rows()[0]["at_present_value"] == clause.today
    assert "at present value" in render_prices(answer).lower()


def test_without_a_rate_no_present_value_is_told() -> None:
    answer = prices(two_clouds({"id": "only", "kind": "exclusivity", "of": {"workload": "chat"}}))
    assert [each.today for each in answer.clauses] == [None]
    assert "present value" not in render_prices(answer).lower()
