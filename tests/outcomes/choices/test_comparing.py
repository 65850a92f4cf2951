"""Choices and uncertain events: what each outcome costs, and what follows from it. Every sum can be done on paper."""

from __future__ import annotations

import signal
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import CaseError, UnsettledError
from detente.outcomes.choices import comparing
from detente.outcomes.choices.comparing import compare
from detente.outcomes.choices.comparison import Comparison
from detente.outcomes.estimate import LeastCost
from detente.planner.solve import plan
from detente.report.outcomes.outcomes import lines
from detente.results.tail import tail as tail_of
from tests.builders import D, Data, agreement, data_of, tokens, work
from tests.outcomes.choices.court import ONLY, RULING, SCENARIOS, compared, event, mistakes, world


# -- each outcome -----------------------------------------------------------------------------------------------------
def test_each_choice_with_each_outcome_is_a_column_with_a_plan_of_its_own() -> None:
    found = compared()
    assert [(o.name, o.probability, o.cost and o.cost.amount) for o in found.outcomes] == [
        ("settle", D(1), D(5000)),
        ("sue, win", D("0.8"), D(4000)),
        ("sue, lose", D("0.2"), D(12000)),
    ]
    assert found.baseline.cost is not None
    assert found.baseline.cost.amount == D(6000)


def test_each_party_gains_or_loses_against_the_case_as_it_is() -> None:
    settle, win, lose = compared().outcomes
    assert settle.gains == {"self": D(1000), "north": D(-6000), "south": D(5000), "east": D(0)}
    assert win.gains == {"self": D(2000), "north": D(-6000), "south": D(4000), "east": D(0)}
    assert lose.gains == {"self": D(-6000), "north": D(6000), "south": D(0), "east": D(0)}


def test_an_outcome_without_a_plan_names_the_clauses_and_leaves_its_choice_unknown() -> None:
    cap = {"id": "cap", "kind": "spending-cap", "amount": "1 k USD", "windows": {"every": "term"}}
    deal = {"agreements": [agreement(cap) | {"id": "court", "ends": "2026-03-01"}]}
    found = compared(scenarios=[*SCENARIOS[:2], {"id": "lost", "add": deal}])
    lose = found.outcomes[-1]
    assert (lose.planned, lose.cost, set(lose.collide)) == (True, None, {"only", "cap"})
    settle, sue = found.choices
    assert settle.expected is not None
    assert (sue.expected, sue.worst, sue.tail, found.best, found.swings) == (None, None, None, None, ())


def test_time_that_others_leave_goes_to_those_whose_time_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[tuple[str, float]] = []

    def slow(case: Case, *, gap: float, time_limit: float, progress: Any) -> Any:
        limits.append((name := case.scenario or "", time_limit))
        if name in ("free", "lost") and [each for each, _ in limits].count(name) == 1:
            raise UnsettledError("not settled in time")
        return plan(case, gap=gap, progress=progress)

    monkeypatch.setattr(comparing, "plan", slow)
    found = compare(Case.of(world()), gap=1e-9, time_limit=36_000)
    assert [name for name, _ in limits] == ["", "free", "won", "lost", "free", "lost"]
    assert limits[4][1] > 1.2 * limits[1][1], "a third of nearly all of it, not a quarter"
    assert found.status == "complete"
    assert [o.cost and o.cost.amount for o in found.outcomes] == [D(5000), D(4000), D(12000)]


def test_a_cost_that_is_not_proven_stands_with_what_is() -> None:
    found = compared()
    first = found.outcomes[0]
    assert first.cost is not None
    assert "at least, proven" not in [line.name for line in lines(found)]
    wide = replace(found, outcomes=(replace(first, cost=LeastCost(D(5000), D(3000))), *found.outcomes[1:]))
    (told,) = [line for line in lines(wide) if line.name == "at least, proven"]
    assert [text for text, _ in told.cells] == ["–", "3.00 k USD", "–", "–"]


def test_what_depends_on_one_provider() -> None:
    split = [tokens("north", 3, capacity="1000 Mtok per month"), tokens("south", 2, capacity="600 Mtok per month")]
    data = data_of(split, [work()], months=2, choices=[{"id": "a"}], horizon={"start": "2026-01", "end": "2026-03"})
    (only,) = compare(Case.of(data), gap=1e-9).outcomes
    assert only.dependency is not None
    south = only.providers[1]
    share = south.share_of_work["Mtok"]
    assert only.dependency.margin == {"Mtok": min(share, 1 - share)}
    spend = [p.spend for p in only.providers]
    assert abs(only.dependency.concentration - 10_000 * sum(s * s for s in spend) / D(sum(spend) ** 2)) < D("0.1")


def test_what_another_reading_would_forbid_of_the_plan() -> None:
    read = ONLY | {"of": {}, "readings": {"narrow": {"of": {"workload": "mail"}}, "wide": {}}}
    workloads = [work(), work("mail")]
    offers = [tokens("north", 3), tokens("south", 2)]
    data = data_of(offers, workloads, agreement(read), months=2, choices=[{"id": "a"}], reading="narrow")
    (only,) = compare(Case.of(data), gap=1e-9).outcomes
    (breach,) = only.breaches
    assert (breach.term, breach.reading, breach.work) == ("only", "wide", {"Mtok": D(2000)})
    assert only.cost is not None
    assert only.cost.amount == D(2 * (2000 + 3000))


def test_a_commitment_that_is_missed_is_counted_with_its_fee() -> None:
    floor = {
        "id": "floor",
        "kind": "minimum-commitment",
        "amount": "1 k USD",
        "windows": {"every": "month"},
        "shortfall": {"fee": "50%"},
    }
    deal = {"agreements": [agreement(floor, party="south") | {"ends": "2026-03-01"}]}
    choices = [{"id": "sign", "scenario": "deal"}]
    found = compared(scenarios=[{"id": "deal", "add": deal}], choices=choices, uncertain=[])
    (sign,) = found.outcomes
    (short,) = sign.short
    assert (sign.met, short.term, short.windows, short.short, short.owed) == (0, "floor", 2, D(2000), D(1000))
    assert sign.gains is not None
    assert (sign.gains["self"], sign.gains["south"]) == (D(-1000), D(1000))


# -- over all outcomes ------------------------------------------------------------------------------------------------
def test_a_choice_is_its_mean_its_worst_its_tail_and_its_regret() -> None:
    settle, sue = compared().choices
    assert settle.expected is not None
    assert sue.expected is not None
    assert (settle.expected.amount, settle.worst, settle.tail) == (D(5000), D(5000), D(5000))
    assert (sue.expected.amount, sue.worst, sue.worst_outcome) == (D(5600), D(12000), "sue, lose")
    assert sue.tail == D(12000)  # the dearest twentieth lies within the fifth that is lost
    assert settle.regret is not None
    assert sue.regret is not None
    assert (settle.regret.most, settle.regret.mean) == (D(1000), D(800))
    assert (sue.regret.most, sue.regret.mean) == (D(7000), D(1400))


@pytest.mark.parametrize(("level", "tail"), [("0", "5600"), ("0.5", "7200"), ("0.8", "12000"), ("0.99", "12000")])
def test_the_tail_is_the_mean_of_the_dearest_part(level: str, tail: str) -> None:
    assert tail_of([(D("0.8"), D(4000)), (D("0.2"), D(12000))], Decimal(level)) == D(tail)


def test_the_best_choice_and_the_probability_at_which_it_flips() -> None:
    found = compared()
    assert (found.best, found.sure) == ("settle", True)
    (swing,) = found.swings
    assert (swing.event, swing.outcome, swing.probability) == ("ruling", "win", D("0.8"))
    assert {name: (e.never, e.surely) for name, e in swing.ends.items()} == {
        "settle": (D(5000), D(5000)),
        "sue": (D(12000), D(4000)),
    }
    (flip,) = swing.flips
    assert (flip.probability, flip.below, flip.above) == (D("0.875"), "settle", "sue")


def test_of_three_outcomes_the_others_keep_their_ratio() -> None:
    outcomes = {
        "win": {"probability": "50%", "scenario": "won"},
        "lose": {"probability": "30%", "scenario": "lost"},
        "draw": {"probability": "20%"},
    }
    found = compared(uncertain=[RULING | {"outcomes": outcomes}])
    win = found.swings[0]
    assert len(found.swings) == 3
    assert win.ends["sue"].never == D("9600")  # 60% of 12,000 and 40% of 6,000
    assert win.ends["sue"].surely == D(4000)


def test_independent_events_multiply() -> None:
    event = {
        "id": "price",
        "known": "2026-01-01",
        "outcomes": {"up": {"probability": "25%", "scenario": "dear"}, "same": {"probability": "75%"}},
    }
    dear = {"id": "dear", "change": [{"offer": "south-api", "price": "+50%"}]}
    found = compared(uncertain=[RULING, event], scenarios=[*SCENARIOS, dear])
    likely = {o.name: o.probability for o in found.outcomes}
    assert likely["sue, win, up"] == D("0.2")
    assert sum(p for name, p in likely.items() if name.startswith("sue")) == 1
    assert sum(p for name, p in likely.items() if name.startswith("settle")) == 1


def test_it_is_read_back_as_it_was_written() -> None:
    found = compared()
    assert Comparison.from_json(found.to_json()) == found
    assert [row["gain"] for row in found.rows()] == [D(1000), D(2000), D(-6000)]
    assert [row["expected"] for row in found.rows("choices")] == [D(5000), D(5600)]
    assert len(found.rows("providers")) == 9
    with pytest.raises(CaseError, match="no rows of `nosuch`\n    choose from: `outcomes`, `choices`, `providers`\n"):
        found.rows("nosuch")  # type: ignore[arg-type]


def ends(a: str, b: str, scenario: str = "won") -> list[Data]:
    """An event with two outcomes, of which only the second changes anything."""
    return event(outcomes={"a": {"probability": a}, "b": {"probability": b, "scenario": scenario}})


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({"choices": []}, "there is nothing to choose between"),
        ({"choices": [], "uncertain": []}, "the case has no `choices:`, so there is nothing to compare"),
        ({"choices": [{"id": "a", "scenario": "fre"}], "uncertain": []}, "there is no scenario `fre`"),
        ({"choices": [{"id": "a"}, {"id": "a", "scenario": "won"}], "uncertain": []}, "`a` is declared twice"),
        (
            {"choices": [{"id": "a", "scenario": "won"}, {"id": "b", "scenario": "won"}], "uncertain": []},
            "`b` is the same choice as `a`: both lead to the scenario `won`",
        ),
        ({"choices": [{"id": "a"}, {"id": "b"}], "uncertain": []}, "both lead to the case as it is"),
        ({"uncertain": event(**{"applies-to": ["run"]})}, "there is no choice `run`"),
        ({"uncertain": event(**{"applies-to": []})}, "it applies to no choice"),
        ({"uncertain": event(known="2026-03-01")}, "it is known on 2026-03-01, outside the horizon"),
        ({"uncertain": event(known="2025-12-31")}, "it is known on 2025-12-31, outside the horizon"),
        ({"uncertain": ends("60%", "30%")}, "the probabilities add up to 90% (60% + 30%)"),
        ({"uncertain": event(outcomes={"a": {"probability": "100%"}})}, "has two outcomes or more"),
        ({"uncertain": ends("100%", "0%")}, "`b` has a probability of 0%"),
        (
            {"uncertain": event(outcomes={"a": {"probability": "50%"}, "b": {"probability": "50%"}})},
            "`b` and `a` come to the same",
        ),
        ({"uncertain": ends("50%", "50%", "x")}, "there is no scenario `x`"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(head: Data, said: str) -> None:
    found = mistakes(**head)
    assert any(said in each for each in found), found


def test_scenarios_that_contradict_each_other_are_told_of_every_outcome() -> None:
    other = {"id": "lost", "change": [{"offer": "south-api", "price.input": "2.50 USD per Mtok"}]}
    dear = {"id": "free", "change": [{"offer": "south-api", "price.input": "4 USD per Mtok"}]}
    found = mistakes(
        scenarios=[dear, SCENARIOS[1], other], choices=[{"id": "sue", "scenario": "free"}], uncertain=event()
    )
    assert any("is `2.50 USD per Mtok` here, and `4 USD per Mtok`" in each for each in found), found


def test_two_scenarios_that_come_to_the_same_case_are_one_choice() -> None:
    scenarios = [{"id": "one", "without": ["only"]}, {"id": "two", "without": ["only"]}]
    choices = [{"id": "a", "scenario": "one"}, {"id": "b", "scenario": "two"}]
    assert mistakes(scenarios=scenarios, choices=choices, uncertain=[]) == [
        "choices: `b` is the same choice as `a`: their scenarios come to the same case"
    ]


def test_a_plan_does_not_depend_on_choices() -> None:
    assert Case.of(world()).hash == Case.of(world(choices=[], uncertain=[])).hash


@pytest.mark.parametrize("level", ["-0.1", "1"])
def test_a_level_outside_its_range_is_refused(level: str) -> None:
    with pytest.raises(CaseError, match=r"level: `.*` is not (from 0 to less than 1|0 or more)"):
        compare(Case.of(world()), level=Decimal(level))


def test_what_is_paid_once_and_what_must_be_delivered() -> None:
    costs = [{"on": "2026-01-15", "amount": "700 USD", "to": "the court", "why": "costs"}]
    duties = [{"what": "a feed of usage", "by": "self", "to": "north", "due": "2026-02-01", "evidence": "a report"}]
    settled = SCENARIOS[0] | {"costs": costs, "obligations": duties}
    settle = compared(scenarios=[settled, *SCENARIOS[1:]]).outcomes[0]
    assert settle.cost is not None
    assert settle.cost.amount == D(5700)
    (once,), (duty,) = settle.one_off, settle.duties
    assert (once.amount, once.to, str(once.on.date())) == (D(700), "the court", "2026-01-15")
    assert (duty.what, duty.by, duty.to, str(duty.due), duty.evidence) == (
        "a feed of usage",
        "self",
        "north",
        "2026-02-01",
        "a report",
    )


def test_what_moves_cost_is_told_apart() -> None:
    """Once won, January stays at North for 3,000 and February moves to South for 2,000, and 10 for the move."""
    offers = [tokens("north", 3), tokens("south", {"2026-01": 4, "2026-02": 2})]
    case = Case.of(world() | {"offers": offers, "workloads": [work(moving={"cost": "10 USD"})]})
    found = compare(case, gap=1e-9)
    columns = {o.scenario: (o.cost.amount, o.moving) for o in found.outcomes if o.cost is not None}
    assert (columns["won"], columns["lost"]) == ((D(5010), D(10)), (D(12_000), D(0)))
    assert [row["moving"] for row in found.rows("outcomes") if row["cost"] == 5010] == [10]


@pytest.mark.parametrize("weight", ["-0.1", "1.1"])
def test_a_weight_outside_its_range_is_refused(weight: str) -> None:
    with pytest.raises(CaseError, match=r"weight: `.*` is not (from 0 to 1|0 or more)"):
        compare(Case.of(world()), weight=Decimal(weight))


def test_a_mistake_in_an_event_hides_none_in_another_of_its_keys() -> None:
    """Its day, and the scenarios and choices that it names, are looked at whatever is wrong with its probabilities."""
    late = {"known": "2027-01-01", "applies-to": ["sue", "run"]}
    for outcomes, told in (
        ({"win": {"probability": "60%", "scenario": "wno"}, "lose": {"probability": "30%"}}, "add up to 90%"),
        ({"win": {"probability": "160%", "scenario": "wno"}, "lose": {"probability": "30%"}}, "160%"),
    ):
        said = "\n".join(mistakes(uncertain=event(outcomes=outcomes, **late)))
        assert told in said
        assert "it is known on 2027-01-01, outside the horizon" in said
        assert "there is no scenario `wno`" in said
        assert "there is no choice `run`" in said


# -- stopped -----------------------------------------------------------------------------------------------------------
def test_ctrl_c_while_a_plan_is_billed_keeps_that_plan_and_makes_no_other() -> None:
    pressed: list[str] = []

    def press(text: str) -> None:
        if text == "billing" and not pressed:
            pressed.append(text)
            signal.raise_signal(signal.SIGINT)

    found = compare(Case.of(world()), gap=1e-9, progress=press)
    assert (pressed, found.status) == (["billing"], "interrupted")
    assert found.baseline.cost is not None
    assert [column.planned for column in found.outcomes] == [False, False, False]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
