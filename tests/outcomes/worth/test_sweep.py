"""The sweep of one number: costs by hand, where they turn, and which numbers there are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.errors import CaseError, Where
from detente.outcomes.worth.number import ClauseNumber, between, size, written
from detente.outcomes.worth.sweep import NumberSweep, sweep
from detente.results.conflict import Conflict
from detente.values.money import Money
from tests.builders import EXACT, D, Data, agreement, build, data_of, tokens, two_clouds, work


def floor(**more: object) -> Data:
    return {"id": "floor", "kind": "minimum-commitment", "amount": "9000 USD", "windows": {"every": "term"}} | more


def swept(case: Case, of: str, start: str, end: str, steps: int = 3) -> NumberSweep:
    found = sweep(case, of, start, end, steps=steps, gap=EXACT)
    assert isinstance(found, NumberSweep), found
    return found


def costs(found: NumberSweep) -> list[tuple[str, Decimal | None]]:
    return [(point.value, None if point.cost is None else point.cost.amount) for point in found.points]


# -- costs -----------------------------------------------------------------------------------------------------------
def test_a_floor_costs_a_third_of_itself_until_nothing_is_left_to_move() -> None:
    # 6000 Mtok at 2 at South; each USD of floor moves a third of a Mtok to North, at 1 more. Above 18,000 it is a fee.
    found = swept(two_clouds(floor()), "floor", "0 USD", "24 k USD", steps=4)
    assert costs(found) == [
        ("0 USD", 12_000),
        ("6 k USD", 14_000),
        ("12 k USD", 16_000),
        ("18 k USD", 18_000),
        ("24 k USD", 24_000),
    ]
    (kink,) = found.kinks
    assert (kink.value, kink.exact) == ("18 k USD", True)
    assert (round(kink.before, 6), kink.after) == (D("0.333333"), 1)
    assert (found.stated, found.unit, found.field, found.begins) == ("9 k USD", "USD", "amount", "0 USD")


def test_a_kink_inside_of_a_step_is_found_where_the_lines_beside_it_meet() -> None:
    found = swept(two_clouds(floor()), "floor.amount", "0 USD", "40 k USD", steps=5)  # between 16 k and 24 k
    (kink,) = found.kinks
    assert (kink.value, kink.exact) == ("18 k USD", True)
    assert ("18 k USD", D(18_000)) in costs(found)


def test_the_value_at_which_an_agreement_costs_more_than_it_saves() -> None:
    # North at 2 with 60% off is 0.80: 9,600 for all. Without the agreement 12,000 at South.
    off = {"id": "off", "kind": "discount", "off": "60%"}
    case = build(
        [tokens("north", 2), tokens("south", 1)], [work()], agreement(floor(measure="after-discounts"), off), months=12
    )
    found = swept(case, "floor", "0 USD", "30 k USD", steps=10)
    assert (found.begins, found.even) == ("9.6 k USD", "12 k USD")
    assert found.without is not None
    assert found.unsigned is not None
    assert (found.without.amount, found.unsigned.amount) == (9_600, 12_000)


def test_a_share_is_swept_in_percent() -> None:
    share = {"id": "share", "kind": "share", "of": {"workload": "chat"}, "at-least": "10%"}
    found = swept(two_clouds(share), "share", "0%", "100%", steps=2)
    assert costs(found) == [("0%", 12_000), ("50%", 15_000), ("100%", 18_000)]
    assert found.kinks == ()
    assert found.unit == "of 1"


def test_a_discount_is_formulated_anew_at_each_value() -> None:
    found = swept(two_clouds({"id": "off", "kind": "discount", "off": "10%"}), "off", "0%", "80%", steps=4)
    # 3 USD at North: at 20% 2.40, at 40% 1.80, 1.20, 0.60; South stays at 2
    assert dict(costs(found))["80%"] == 3_600
    (kink,) = found.kinks
    assert written_third(kink.number)


def written_third(number: Decimal) -> bool:
    """A third off 3 USD is 2 USD, to what an estimated kink is worth."""
    return abs(number - D(1) / 3) < D("1e-6")


def test_a_date_is_swept_by_the_day() -> None:
    exclusive = {"id": "only", "kind": "exclusivity", "of": {"workload": "chat"}, "from": "2026-03-01"}
    found = swept(two_clouds(exclusive), "only.from", "2026-01-01", "2026-06-01", steps=1)
    assert costs(found) == [("2026-01-01", 18_000), ("2026-06-01", 13_000)]
    assert found.unit == "day"


def test_each_value_is_checked_as_the_case_with_it_would_be() -> None:
    exclusive = {"id": "only", "kind": "exclusivity", "of": {"workload": "chat"}, "from": "2026-03-01"}
    with pytest.raises(CaseError, match=r"with `only\.from` at 2026-07-01, `only` is never in force"):
        sweep(two_clouds(exclusive), "only.from", "2026-01-01", "2026-07-01")
    share = {"id": "share", "kind": "share", "of": {"workload": "chat"}, "at-least": "10%", "at-most": "60%"}
    with pytest.raises(CaseError, match=r"start, end: with `share\.at-least` at 80%"):
        sweep(two_clouds(share), "share.at-least", "0%", "80%", steps=2)


def test_values_between_two_others_have_few_digits() -> None:
    found = swept(two_clouds(floor()), "floor", "0 USD", "8 k USD", steps=3)
    assert [point.value for point in found.points] == ["0 USD", "2.667 k USD", "5.333 k USD", "8 k USD"]


def test_a_turn_in_the_last_step_is_found_inside_of_it() -> None:
    # until 18 k a third of each USD, above it each USD: nothing between 16 k and 32 k says so but more values
    found = swept(two_clouds(floor()), "floor", "0 USD", "32 k USD", steps=2)
    (kink,) = found.kinks
    assert (kink.value, kink.exact, round(kink.before, 6), kink.after) == ("18 k USD", True, D("0.333333"), 1)
    assert [point.value for point in found.points] == ["0 USD", "16 k USD", "18 k USD", "32 k USD"]


def test_what_a_floor_costs_begins_inside_of_the_last_step() -> None:
    # a share already keeps half of 6000 Mtok at North, at 3: up to there the floor costs nothing
    own = {"id": "own", "kind": "share", "of": {"workload": "chat"}, "at-least": "50%"}
    found = swept(two_clouds(floor(), own), "floor", "0 USD", "16 k USD", steps=2)
    assert found.begins == "9 k USD"


def test_a_value_without_a_plan_has_no_cost() -> None:
    found = swept(two_clouds(floor(shortfall="forbidden")), "floor", "9 k USD", "27 k USD", steps=2)
    assert costs(found) == [("9 k USD", 15_000), ("18 k USD", 18_000), ("27 k USD", None)]
    assert [row["cost"] for row in found.rows()] == [15_000, 18_000, None]


@pytest.mark.parametrize(
    ("amount", "start", "said"),
    [
        ("9 k USD", "1 EUR", "start: `1 EUR` is in EUR, and the case is in USD"),
        ("9 k USD", "1 Mtok", "start: `1 Mtok` is in other units than `floor.amount`, `9 k USD`"),
        ("5 Mtok", "1 USD", "start: `1 USD` is in other units than `floor.amount`, `5 Mtok`"),
    ],
)
def test_a_value_in_another_currency_or_unit_is_a_mistake(amount: str, start: str, said: str) -> None:
    case = two_clouds(floor(amount=amount, shortfall="forbidden"))
    with pytest.raises(CaseError) as error:
        sweep(case, "floor.amount", start, "2 USD")
    assert said in str(error.value)


def test_a_case_without_a_plan_is_a_conflict() -> None:
    found = sweep(two_clouds(floor(amount="90 k USD", shortfall="forbidden")), "floor", "0 USD", "1 USD")
    assert isinstance(found, Conflict)


def test_a_sweep_that_is_stopped_keeps_its_points() -> None:
    found = sweep(two_clouds(floor()), "floor", "0 USD", "9 k USD", steps=3, time_limit=1e-9)
    assert isinstance(found, NumberSweep)
    assert (found.status, found.points, found.begins) == ("time-limit", (), None)


def test_a_saved_sweep_is_read_back() -> None:
    found = swept(two_clouds(floor()), "floor", "0 USD", "24 k USD")
    assert NumberSweep.from_json(found.to_json()) == found


def test_a_list_is_changed_in_a_scenario_as_the_remedy_says() -> None:
    tiers = {
        "id": "tiers",
        "kind": "volume-discount",
        "method": "all-units",
        "tiers": [{"from": "0 USD", "off": "10%"}],
    }
    change = {"term": "tiers", "tiers": [{"from": "0 USD", "off": "20%"}]}
    data = data_of([tokens("north", 3)], [work()], agreement(tiers), months=1) | {
        "scenarios": [{"id": "more", "change": [change]}]
    }
    found = Case.of(data).under(scenario="more")
    assert found.terms[0].tiers[0].off == D("0.2")  # type: ignore[attr-defined]


# -- numbers ---------------------------------------------------------------------------------------------------------
def test_a_number_is_found_by_its_keys() -> None:
    case = two_clouds(floor(**{"shortfall": {"fee": "50%"}, "carry-over": "20%"}))
    assert ClauseNumber.of(case, "floor").path == ("amount",)
    assert ClauseNumber.of(case, "floor.carry-over").value == D("0.2")
    nested = ClauseNumber.of(case, "floor.shortfall.fee")
    assert (nested.value, nested.field) == (D("0.5"), "shortfall.fee")
    (term,) = nested.set(case, D("0.25")).terms
    assert term.shortfall.fee == D("0.25")  # type: ignore[attr-defined]
    assert case.terms[0] != term
    assert ClauseNumber.of(case, "north-deal/floor.amount").value == Money(D(9000), "USD")


def test_an_id_with_dots_is_read_whole() -> None:
    case = two_clouds(floor(id="floor.2026"))
    assert ClauseNumber.of(case, "floor.2026").path == ("amount",)
    assert ClauseNumber.of(case, "floor.2026.carry-over").path == ("carry-over",)


@pytest.mark.parametrize(
    ("of", "start", "end", "message"),
    [
        ("flor", "0 USD", "1 USD", "there is no clause `flor`"),
        ("floor.amunt", "0 USD", "1 USD", "has no `amunt`"),
        ("floor.windows", "0 USD", "1 USD", "is not a number"),
        ("floor.kind", "0 USD", "1 USD", "is not a number"),
        ("floor", "0 apples", "1 USD", "start"),
        ("floor", "0 USD", "1 bn", "end"),
        ("floor.carry-over", "0%", "120%", "is not between 0% and 100%"),
        ("floor", "5 USD", "5 USD", "are not two ends of a range"),
        ("floor.kind", "0 USD", "1 USD", r"say `floor.amount` or `floor.carry-over`"),
        ("only", "0 USD", "5 USD", "states no number"),
        ("tiers", "0%", "5%", "`tiers` states no number outside of a list"),
        ("tiers.tiers", "0%", "5%", r"is a list\n.*write each list in a scenario"),
        ("tiers.tiers.off", "0%", "5%", r"is in a list\n.*write each list in a scenario"),
    ],
)
def test_what_cannot_be_swept_is_said(of: str, start: str, end: str, message: str) -> None:
    tiers = {
        "id": "tiers",
        "kind": "volume-discount",
        "method": "all-units",
        "tiers": [{"from": "0 USD", "off": "10%"}],
    }
    case = two_clouds(floor(), {"id": "only", "kind": "exclusivity", "of": {"workload": "chat"}}, tiers)
    with pytest.raises(CaseError, match=message):
        sweep(case, of, start, end)


def test_a_clause_of_a_scenario_is_found_there_and_one_that_fell_away_is_not_swept() -> None:
    """A scenario adds a deal, one that is based on it changes nothing, and one takes the floor away."""
    added = {"id": "won", "add": {"agreements": [agreement(floor(id="new"), id="letter", ends="2026-07-01")]}}
    scenarios = [added, {"id": "late", "based-on": "won"}, {"id": "lost", "without": ["floor"]}]
    data = data_of([tokens("north", 3)], [work()], agreement(floor(), ends="2026-07-01"), months=6, scenarios=scenarios)
    case = Case.of(data)
    for of in ("new", "new.amount", "letter/new.amount"):
        with pytest.raises(CaseError, match=r"stated in a scenario: take the case in `won` or `late`\n"):
            ClauseNumber.of(case, of)
    with pytest.raises(CaseError, match=r"stated in a scenario: take the case in `lost,won` or `lost,late`\n"):
        ClauseNumber.of(case.under(scenario="lost"), "new")
    assert ClauseNumber.of(case.under(scenario="lost,won"), "new").value == Money(D(9000), "USD")
    with pytest.raises(CaseError, match="`floor` falls away in the scenario `lost`"):
        ClauseNumber.of(case.under(scenario="lost"), "floor")


def test_a_clause_that_several_agreements_state_has_to_be_told_apart() -> None:
    monthly = floor(windows={"every": "month"})
    second = agreement(monthly | {"amount": "12 k USD"}, id="more", effective="2026-04-01", amends="north-deal")
    case = build([tokens("north", 3), tokens("south", 2)], [work()], agreement(monthly), second)
    with pytest.raises(CaseError, match="stated in several agreements"):
        ClauseNumber.of(case, "floor")
    assert ClauseNumber.of(case, "more/floor").value == Money(D(12_000), "USD")


@settings(deadline=None, derandomize=True, max_examples=50)
@given(start=st.integers(0, 10**12), end=st.integers(0, 10**12), steps=st.integers(1, 20))
def test_values_go_from_one_end_to_the_other(start: int, end: int, steps: int) -> None:
    found = list(between(Money(D(start), "USD"), Money(D(end), "USD"), steps))
    assert (size(found[0]), size(found[-1]), len(found)) == (start, end, steps + 1)
    number: Any = ClauseNumber.of(two_clouds(floor()), "floor")
    assert number.read(written(found[0]), Where.of_parameter("start")) == found[0]


def test_both_ends_of_a_range_are_told_what_is_wrong_with_them() -> None:
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9000 USD", "windows": {"every": "term"}}
    with pytest.raises(CaseError) as error:
        sweep(two_clouds(floor), "floor", "much", "5 EUR")
    assert [str(each.where) for each in error.value.mistakes] == ["end", "start"]


def test_an_agreement_is_left_out_with_its_amendments_and_the_offers_under_it() -> None:
    """North asks 3 for 6,000 Mtok, and 1 under the deal, whose floor an amendment has: South is at 2.

    Without all of it: 12,000 USD at South. With it 6,000 at North's rate, and the floor F where it is more: even at
    12,000 USD.
    """
    rate = tokens("north", 1) | {"id": "north-rate", "under": "north-deal"}
    floor = {"id": "floor", "kind": "minimum-commitment", "amount": "9000 USD", "windows": {"every": "term"}}
    amendment = agreement(floor | {"shortfall": {"fee": "100%"}}, id="second", amends="north-deal")
    case = build([tokens("north", 3), tokens("south", 2), rate], [work()], agreement(), amendment)
    found = sweep(case, "floor", "0 USD", "18 k USD", steps=3, gap=EXACT)
    assert isinstance(found, NumberSweep)
    assert found.unsigned is not None
    assert (found.agreement, found.unsigned.amount, found.even) == ("north-deal", D(12000), "12 k USD")
