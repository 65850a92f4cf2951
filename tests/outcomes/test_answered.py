"""What comes before every question about a plan: where there is none, each tells what collides as `plan` does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detente.case.case import Case
from detente.outcomes.draws.simulating import simulate
from detente.outcomes.leverage.leveraging import leverage
from detente.outcomes.worth.pricing import price
from detente.outcomes.worth.sweep import sweep
from detente.planner.solve import plan
from detente.results.conflict import Conflict
from tests.builders import agreement, data_of, tokens, work

ASKED: list[Callable[[Case], object]] = [
    price,
    leverage,
    lambda case: sweep(case, "floor.amount", "1400 USD", "1500 USD", steps=2),
    lambda case: simulate(case, draws=1, processes=1),
]


def surprised() -> Case:
    """A floor of 1,500 USD at South by the end of March, which is lost in March with a day's notice.

    North takes 1 until March, so all wait for March, when it takes 5: then it is too late. Whoever knew it in January
    would draw 1,500 USD before March: a plan there is, but none that anybody would have followed.
    """
    floor = {
        "id": "floor",
        "kind": "minimum-commitment",
        "amount": "1500 USD",
        "windows": {"every": "term"},
        "until": "2026-04-01",
    }
    deal = agreement(floor | {"shortfall": "forbidden"}, party="south")
    offers = [tokens("north", {"2026-01-01": 1, "2026-03-01": 5}), tokens("south", 2)]
    lost = {"id": "lost", "lose": [{"provider": "south", "from": "2026-03-01", "notice": "1 day"}]}
    risks = [
        {
            "id": "wobble",
            "kind": "demand",
            "of": {"workload": "chat"},
            "least": "90%",
            "likeliest": "100%",
            "most": "110%",
        }
    ]
    data = data_of(offers, [work(value="9 USD per Mtok")], months=3, agreements=[deal], scenarios=[lost], risks=risks)
    return Case.of(data).under(scenario="lost")


@pytest.mark.parametrize("asked", ASKED)
def test_what_was_decided_before_the_news_is_in_the_conflict(asked: Callable[[Case], object]) -> None:
    case = surprised()
    told, found = plan(case), asked(case)
    assert isinstance(told, Conflict)
    assert isinstance(found, Conflict)
    assert found == told
