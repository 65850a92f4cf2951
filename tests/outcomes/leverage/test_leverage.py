"""Each provider's leverage: by hand, by plans of the case without it, and by brute force over groups."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.errors import CaseError
from detente.outcomes.baseline import Baseline, StoppedError
from detente.outcomes.leverage.demand_curve import repriced
from detente.outcomes.leverage.leverage import Leverage
from detente.outcomes.leverage.leveraging import leverage
from detente.outcomes.leverage.loss import Away
from detente.planner.solve import plan
from detente.results.conflict import Conflict
from detente.results.plan import Plan
from tests.builders import EXACT, PROVIDERS, D, agreement, build, compute, day, gpus, tokens, work
from tests.drawn_cases import cases
from tests.outcomes.leverage.losing import OFFERS, VALUED, cost, floor, found, loss, near, of, without

few = settings(deadline=None, derandomize=True, max_examples=6, suppress_health_check=list(HealthCheck))


# -- losing it -------------------------------------------------------------------------------------------------------
def test_losing_the_cheap_one_costs_the_difference() -> None:
    answer = found(build(OFFERS, [VALUED]))
    south, north = of(answer, "south"), of(answer, "north")
    assert (south.receives, cost(south.loss), south.loss.loses) == (12_000, 6_000, 12_000)
    assert (north.receives, cost(north.loss), north.loss.loses) == (0, 0, 0)
    assert south.loss.unserved == ()


def test_a_loss_for_a_time_costs_that_time() -> None:
    away = Away(day("2026-02-01"), day("2026-04-01"))
    each = loss(build(OFFERS, [VALUED]), "south", away)
    assert (cost(each), each.loses) == (2_000, 4_000)


def test_with_it_for_ever_go_its_clauses() -> None:
    # A floor of 9,000 at North: 9,000 there and 6,000 at South. Without North 12,000 at South.
    case = build(OFFERS, [VALUED], agreement(floor("9000 USD")))
    each = loss(case, "north")
    assert (cost(each), each.ends, each.breaks, each.loses) == (-3_000, ("floor",), (), 9_000)


def test_for_a_time_they_go_on_and_may_fall_short() -> None:
    # 18,000 are asked, six months at 3 USD. Away for two: 6,000 are short, and South does the work for 4,000.
    case = build(OFFERS, [VALUED], agreement(floor("18 k USD")))
    each = loss(case, "north", Away(day("2026-02-01"), day("2026-04-01")))
    assert (cost(each), each.breaks, each.ends) == (4_000, ("floor",), ())


@pytest.mark.parametrize(
    ("start", "end", "counted", "costs"),
    [
        ("2026-02-01", "2026-02-11", ("2026-02-01", "2026-03-01"), 1_000),
        ("2026-01-20", "2026-03-02", ("2026-02-01", "2026-04-01"), 2_000),
        ("2026-04-10", None, ("2026-05-01", "2026-07-01"), 2_000),
    ],
)
def test_whole_periods_are_lost_and_said_to_be(
    start: str, end: str | None, counted: tuple[str, str], costs: int
) -> None:
    answer = found(build(OFFERS, [VALUED]), "south", away=Away(day(start), None if end is None else day(end)))
    each = of(answer, "south").loss
    assert (each.start, each.counted) == (day(start), (day(counted[0]), day(counted[1])))
    assert cost(each) == costs
    (row,) = answer.rows()
    assert (row["lost_from"][:10], row["lost_until"][:10]) == counted


def test_clauses_end_with_the_first_period_that_is_lost() -> None:
    # Lost for ever in the middle of March: March is delivered in, with half of 9,000 USD asked for by the end of it.
    case = build(OFFERS, [VALUED], agreement(floor("9000 USD")))
    middle, next_month = (loss(case, "north", Away(day(at), None)) for at in ("2026-03-11", "2026-04-01"))
    assert (cost(middle), middle.loses) == (cost(next_month), next_month.loses) == (-1_500, 4_500)


def test_the_day_of_a_loss_begins_on_the_clock_of_the_horizon() -> None:
    months = {"start": "2026-01-01", "end": "2026-07-01", "zone": "Asia/Tokyo"}
    answer = leverage(build(OFFERS, [VALUED], horizon=months), "south", "2026-06-01", curves=False, gap=EXACT)
    assert isinstance(answer, Leverage)
    assert cost(answer.providers[0].loss) == 1_000, "June alone: in UTC it begins on the 31st of May"


def test_a_window_that_the_loss_cuts_is_asked_for_its_part() -> None:
    # Lost after three of six months: of 9,000 USD half is still asked, and each USD moves a third of a Mtok, at 1 more.
    case = build(OFFERS, [VALUED], agreement(floor("9000 USD")))
    each = loss(case, "north", Away(day("2026-04-01"), None))
    assert (cost(each), each.loses, each.ends) == (-1_500, 4_500, ("floor",))


def test_work_with_a_value_goes_unserved_at_it() -> None:
    case = build([tokens("south", 2), tokens("north", 7)], [VALUED])
    each = loss(case, "south")
    assert cost(each) == 18_000  # 6000 Mtok at 5 instead of 2: North would cost 7
    (left,) = each.unserved
    assert (left.workload, left.work, left.part, left.valued) == ("chat", 6_000, 1, True)
    assert (left.start, left.end) == (day("2026-01-01"), day("2026-07-01"))
    assert not each.stranded


def test_work_without_a_value_is_said_to_be_stranded_and_as_little_as_can_be() -> None:
    # North serves at most 600 Mtok a month; the other 400 nobody can.
    offers = [tokens("south", 2), tokens("north", 3, capacity="600 Mtok per month")]
    each = loss(build(offers, [work()], months=3), "south", Away(day("2026-02-01"), day("2026-03-01")))
    (left,) = each.unserved
    february = Fraction(600, 730) * 24 * 28
    assert abs(left.work - (1_000 - D(february.numerator) / D(february.denominator))) < D("0.01")
    assert (left.valued, left.start, left.end) == (False, day("2026-02-01"), day("2026-03-01"))
    assert each.stranded
    served = 1_000 - left.work
    assert each.cost is not None
    assert abs(each.cost.amount - (served * 3 - 2_000)) < D("0.01")


def test_standby_against_a_loss_is_what_a_loss_uses_up() -> None:
    # Two providers, each must be able to take over from the other: with one gone there is none to survive.
    twice = {"id": "spare", "kind": "redundancy", "of": {"workload": "chat"}, "survives": "100%"}
    case = build(OFFERS, [work()], agreement(twice, party="self"))
    each = loss(case, "south")
    assert (cost(each), each.breaks) == (6_000, ("spare",))


def test_a_clause_that_cannot_be_met_meanwhile_is_set_aside_and_named() -> None:
    # 12,000 must be spent at South, and in four of six months 8,000 is all there is to buy.
    must = floor("12 k USD", shortfall="forbidden")
    case = build(OFFERS, [VALUED], agreement(must, party="south"))
    each = loss(case, "south", Away(day("2026-02-01"), day("2026-04-01")))
    assert (cost(each), each.breaks, each.ends) == (2_000, ("floor",), ())


@pytest.mark.parametrize(
    ("start", "loses", "profit", "room"),
    [
        ("2026-01-01", 12_000, 4_800, (7_200, 18_000)),  # from its own cost to what North would cost
        ("2026-03-01", 8_000, 3_200, (8_800, 16_000)),  # what it was paid for two months is no more in question
    ],
)
def test_what_it_would_lose_with_a_margin_is_profit_and_leaves_room_for_an_agreement(
    start: str, loses: int, profit: int, room: tuple[int, int]
) -> None:
    providers = [p | ({"margin": "40%"} if p["id"] == "south" else {}) for p in PROVIDERS]
    south = of(found(build(OFFERS, [VALUED], providers=providers), away=Away(day(start), None)), "south")
    assert (south.loss.loses, south.loss.profit) == (loses, profit)
    assert south.zone == room


def test_units_and_reservations_are_not_bought_of_who_is_gone() -> None:
    offers = [gpus("south", 2, unit=8), gpus("north", 3, unit=8)]
    case = build(offers, [compute(demand="10 GPU")], months=1)
    each = loss(case, "south")
    whole, left = plan(case, gap=EXACT), plan(build(offers[1:], [compute(demand="10 GPU")], months=1), gap=EXACT)
    assert isinstance(whole, Plan)
    assert isinstance(left, Plan)
    assert cost(each) == left.cost - whole.cost


@few
@given(data=st.data())
def test_losing_a_provider_for_ever_is_a_case_without_its_offers_and_clauses(data: st.DataObject) -> None:
    case = data.draw(cases(most=2, kinds=("minimum-commitment", "share", "discount", "residency", "spending-cap")))
    answer = leverage(case, curves=False, gap=EXACT)
    if isinstance(answer, Conflict):
        return
    for each in answer.providers:
        if each.loss.cost is None or each.loss.breaks or each.loss.stranded:
            continue
        left = plan(without(case, each.provider), gap=EXACT)
        assert isinstance(left, Plan), each.provider
        room = D("0.01") + abs(left.cost) * D("1e-6")
        assert each.loss.cost.low - room <= left.cost - answer.cost.amount + (answer.cost.gap), each.provider
        assert (
            abs(answer.cost.amount + each.loss.cost.amount - left.cost) <= room + answer.cost.gap + each.loss.cost.bar
        )


# -- other prices ----------------------------------------------------------------------------------------------------
def test_a_demand_curve_says_when_we_leave() -> None:
    south = of(found(build(OFFERS, [VALUED]), "south", curves=True), "south")
    assert south.curve is not None
    volumes = {p.factor: p.volume for p in south.curve.points}
    assert (volumes[D(1)], volumes[D("1.25")], volumes[D(2)]) == (12_000, 12_000, 0)
    assert south.curve.half is not None
    assert south.curve.gone is not None
    for low, high in (south.curve.half, south.curve.gone):
        assert low <= D("1.5") <= high  # at 3 USD it costs what North does
        assert high - low <= D("0.07")
    assert south.curve.half == south.curve.gone  # all of it leaves at once, so that half of it does no later
    assert south.curve.tenth is None


def test_a_demand_curve_says_which_discount_wins_work() -> None:
    north = of(found(build(OFFERS, [VALUED]), "north", curves=True), "north")
    assert north.curve is not None
    assert north.curve.tenth is not None
    low, high = north.curve.tenth
    assert low <= D(2) / 3 <= high  # at 2 USD it costs what South does
    assert (north.curve.half, north.curve.gone) == (None, None)


def test_other_prices_are_those_of_all_its_offers() -> None:
    half = repriced(build([*OFFERS, gpus("north", 4)], [VALUED, compute()]), "north", D("0.5"))
    prices = {offer.id: offer.price.steps[0][1] for offer in half.offers}
    assert prices["north-api"].input.amount == D("1.5")  # type: ignore[union-attr]
    assert prices["north-gpus"].amount == 2  # type: ignore[union-attr]
    assert prices["south-api"].output.amount == 2  # type: ignore[union-attr]


# -- when it is known --------------------------------------------------------------------------------------------------
def waiting() -> Case:
    """1500 Mtok that may wait until the end of March, when South sells at 2; North takes 3, and from March on 5."""
    batch = work("night", "500 Mtok per month", kind="batch", within="3 months", value="9 USD per Mtok")
    offers = [tokens("north", {"2026-01-01": 3, "2026-03-01": 5}), tokens("south", {"2026-03-01": 2})]
    return build(offers, [batch], months=3)


def test_a_loss_that_is_known_from_the_first_day_is_planned_for() -> None:
    assert cost(loss(waiting(), "south", Away(day("2026-03-01"), None))) == 1500 * (3 - 2)


def test_a_loss_that_comes_as_a_surprise_finds_what_was_decided_before() -> None:
    known = day("2026-03-01")
    assert near(cost(loss(waiting(), "south", Away(known, None, known))), 1500 * (5 - 2))


def test_with_notice_there_is_time_to_run_elsewhere() -> None:
    # it says so in February: what waits can still run at North at 3
    each = loss(waiting(), "south", Away(day("2026-03-01"), None, day("2026-02-01")))
    assert near(cost(each), 1500 * (3 - 2))


def test_what_was_reserved_before_is_kept_and_what_comes_after_is_planned_anew() -> None:
    # by the hour 4, reserved for three months 3: with foresight nothing is reserved of who is gone in February
    kept = gpus("north", 3, id="kept", buy="reserved", term="3 months", starts=["2026-01-01"])
    case = build([kept, gpus("south", 4)], [compute(value="9 USD per GPU-hour")], months=3)
    hours = [10 * 24 * days for days in (31, 28, 31)]
    later, known = day("2026-02-01"), day("2026-02-01")
    foreseen = loss(case, "north", Away(later, None))
    surprised = loss(case, "north", Away(later, None, known))
    assert cost(foreseen) == 4 * sum(hours) - 3 * sum(hours)
    assert near(cost(surprised), 4 * (hours[1] + hours[2])), "what is reserved is paid for all the same"


def test_a_loss_at_present_value() -> None:
    # North for South at 1 USD more in each of two months, 1000 Mtok each: 31 and 59 days from the first
    case = build([tokens("north", 3), tokens("south", 2)], [VALUED], months=2, **{"discount-rate": "10% per year"})
    each = loss(case, "south", Away(day("2026-01-01"), None))
    assert each.today is not None
    assert abs(float(each.today) - sum(1000 / 1.1 ** (days / 365) for days in (31, 59))) < 0.01


def test_a_study_without_a_past_is_as_before() -> None:
    answer = found(waiting(), away=Away(day("2026-03-01"), None, day("2026-03-01")))
    assert near(cost(of(answer, "north").loss), 0), "South alone would do all of it in March"


# -- asked wrongly, stopped, saved -----------------------------------------------------------------------------------
def test_a_provider_that_sells_nothing_is_no_answer() -> None:
    with pytest.raises(CaseError, match="no provider `west` that sells anything"):
        leverage(build(OFFERS, [work()]), ["west"])
    with pytest.raises(CaseError, match="no provider `east` that sells anything"):
        leverage(build(OFFERS, [work()]), ["east"])


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-02-10", "2026-02-20", r"(?s)in 2026-02-10 to 2026-02-19, .* \(2026-02-01 or 2026-03-01\), for longer"),
        ("2026-06-02", None, r"(?s)in 2026-06-02 to 2026-06-30, .* \(2026-06-01\), for longer"),
    ],
)
def test_a_time_without_a_period_is_said_with_those_that_there_are(start: str, end: str | None, said: str) -> None:
    with pytest.raises(CaseError, match=said):
        leverage(build(OFFERS, [work()]), away=Away(day(start), None if end is None else day(end)))


def test_a_case_without_a_plan_is_a_conflict() -> None:
    case = build(OFFERS, [work()], agreement(floor("90 k USD", shortfall="forbidden")))
    answer = leverage(case)
    assert isinstance(answer, Conflict)
    assert [clash.term for clash in answer.clauses] == ["floor"]


def test_what_is_found_before_a_stop_is_kept() -> None:
    real, asked = Baseline.near, list[Any]()

    def near(self: Baseline, study: Any) -> Any:
        asked.append(study)
        if len(asked) > 1:
            raise StoppedError("time-limit")
        return real(self, study)

    with mock.patch.object(Baseline, "near", near):
        answer = found(build(OFFERS, [VALUED]), curves=True)
    assert answer.status == "time-limit"
    assert [each.loss.asked for each in answer.providers] == [True, False]
    assert "stopped" in answer.no_split
    assert [each.curve for each in answer.providers] == [None, None]


def test_saved_leverage_is_read_back(tmp_path: Any) -> None:
    answer = found(build(OFFERS, [VALUED]), curves=True)
    files = answer.save(tmp_path)
    assert Leverage.from_json(files[0].read_bytes()) == answer
    assert [row["loss"] for row in answer.rows()] == [0, 6_000]
    parquet = pytest.importorskip("pyarrow.parquet")
    assert [row["fair_part"] for row in parquet.read_table(files[1]).to_pylist()] == [
        row["fair_part"] for row in answer.rows()
    ]


def test_the_answer_is_that_of_the_case_and_not_of_one_with_other_values() -> None:
    case = build(OFFERS, [work()])
    answer = found(case)
    whole = plan(case, gap=EXACT)
    assert isinstance(whole, Plan)
    assert (answer.hash, answer.cost.amount) == (case.hash, whole.cost)
    assert isinstance(answer.providers[0].loss.start, datetime)


def test_all_providers_that_there_are_not_are_told() -> None:
    with pytest.raises(CaseError) as error:
        leverage(build([tokens("north", 3)], [work()]), ["nobody", "north", "none"])
    assert [each.what for each in error.value.mistakes] == [
        "there is no provider `nobody` that sells anything",
        "there is no provider `none` that sells anything",
    ]
