"""The plan before the news: one until it is known how an event ends, and what planning for every end is worth."""

from __future__ import annotations

import pytest

from detente.case.case import Case
from detente.outcomes.choices.comparing import compare
from detente.planner import hedging
from detente.report.outcomes.outcomes import opening
from tests.builders import D, agreement, compute, data_of, gpus
from tests.outcomes.choices.court import ONLY, RULING, SCENARIOS, compared, event, world


def test_until_the_news_the_plan_is_the_same_in_every_outcome() -> None:
    """In January South is closed to what may yet be lost: won costs 3,000 and 2,000 then, and not 4,000."""
    settle, sue = compared(uncertain=event(known="2026-02-01")).choices
    assert (settle.news, settle.before, sue.news) == ("none", None, "planned")
    assert sue.before is not None
    assert sue.before.costs == {"sue, win": D(5000), "sue, lose": D(12000)}
    assert sue.expected is not None
    assert sue.mean is not None
    assert (sue.mean.amount, sue.mean.bound, sue.expected.amount) == (D(6400), D(6400), D(5600))
    assert sue.before.information.amount == D(800)
    assert sue.before.likeliest == 0
    assert sue.regret is not None
    assert (sue.regret.most, sue.regret.mean) == (D(7000), D("0.8") * 1000 + D("0.2") * 7000)


def test_the_best_choice_is_that_of_the_plans_before_the_news() -> None:
    """Known on the first day, court would be the best at 90%: 4,800. Known in February it costs 5,700."""
    likely = RULING["outcomes"] | {
        "win": {"probability": "90%", "scenario": "won"},
        "lose": {"probability": "10%", "scenario": "lost"},
    }
    assert compared(uncertain=event(outcomes=likely)).best == "sue"
    assert compared(uncertain=event(outcomes=likely, known="2026-02-01")).best == "settle"


def test_the_worth_of_planning_for_more_than_the_mean_is_told() -> None:
    """February's demand is ten GPUs or twenty: worked out in ``tests/planner/test_hedging.py``."""
    grown = {"id": "grown", "change": [{"workload": "research", "demand": "+100%", "from": "2026-02-01"}]}
    growth = {
        "id": "growth",
        "known": "2026-02-01",
        "outcomes": {"more": {"probability": "60%", "scenario": "grown"}, "same": {"probability": "40%"}},
    }
    kept = gpus("south", 1, id="kept", buy="reserved", term="2 months", starts=["2026-01-01"])
    said = {"scenarios": [grown], "choices": [{"id": "go"}], "uncertain": [growth]}
    found = compare(Case.of(data_of([gpus("north", 3), kept], [compute()], months=2, **said)), gap=1e-9)
    before = found.choices[0].before
    assert before is not None
    assert (before.cost.amount, before.for_mean, before.likeliest) == (
        D(26256), pytest.approx(D("1238.4")), pytest.approx(D(2064)),
    )  # fmt: skip
    text = " ".join(opening(found))
    assert "for the mean of the outcomes would cost 1.24 k USD more on average" in text


def test_no_plan_suits_all_outcomes_until_the_news() -> None:
    """Each outcome has a plan, and each forbids in January what the other needs."""
    south = {"agreements": [agreement(ONLY | {"id": "order"}, party="south") | {"ends": "2026-03-01"}]}
    lost = {"id": "lost", "without": ["only"], "add": south}
    found = compared(scenarios=[SCENARIOS[0], {"id": "won"}, lost], uncertain=event(known="2026-02-01"))
    sue = found.choices[1]
    assert (sue.news, sue.mean, sue.worst, found.best, found.swings) == ("no-plan", None, None, None, ())


def test_with_weight_on_the_tail_another_choice_is_the_best() -> None:
    """At 90% to win, court costs 4,800 on average and 8,000 in the dearest fifth: 5,440 by a weight of a fifth."""
    likely = RULING["outcomes"] | {
        "win": {"probability": "90%", "scenario": "won"},
        "lose": {"probability": "10%", "scenario": "lost"},
    }
    case = Case.of(world(uncertain=event(outcomes=likely)))
    found = compare(case, level=D("0.8"), weight=D("0.2"), gap=1e-9)
    settle, sue = found.choices
    assert settle.weighed is not None
    assert sue.weighed is not None
    assert (settle.weighed.amount, sue.weighed.amount, found.best) == (D(5000), D(5440), "settle")


def test_outcomes_that_no_memory_holds_have_no_mean_and_the_table_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hedging, "SMALL", 0)
    monkeypatch.setattr(hedging, "memory", lambda: 1000)
    found = compared(uncertain=event(known="2026-02-01"))
    sue = found.choices[1]
    assert (found.status, sue.news, sue.mean, all(column.planned for column in found.outcomes)) == (
        "complete", "too-large", None, True,
    )  # fmt: skip
