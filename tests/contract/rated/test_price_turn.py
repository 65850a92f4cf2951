"""A price that changes within a period of the plan is a mistake; one that changes where a period begins is none."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from detente.contract.rated.price_turn import within_a_period
from detente.values.period import Horizon
from tests.builders import day

HORIZON = Horizon.model_validate({"start": "2026-01-01", "end": "2026-04-01", "every": "month"})
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize("at", [day("2026-01-01") + INSTANT, day("2026-02-16"), day("2026-04-01") - INSTANT])
def test_within_a_period_it_is_a_mistake(at: datetime) -> None:
    (flaw,) = within_a_period("plan", at, HORIZON, ("rates", "north-api"))
    assert flaw.what == f"a price that `plan` covers changes on {at:%Y-%m-%d}, within a period of the plan"
    assert flaw.path == ("rates", "north-api")


@pytest.mark.parametrize("on", ["2025-12-16", "2026-01-01", "2026-02-01", "2026-04-01", "2026-04-16"])
def test_elsewhere_it_is_none(on: str) -> None:
    assert not list(within_a_period("plan", day(on), HORIZON, ()))


def test_nor_where_the_horizon_could_not_be_read() -> None:
    assert not list(within_a_period("plan", day("2026-02-16"), None, ()))


@pytest.mark.parametrize(("zone", "every"), [("UTC", "day"), ("America/New_York", "hour")])
def test_the_shorter_period_that_it_names_begins_with_the_price(zone: str, every: str) -> None:
    """The day of a price begins at 0:00 UTC, which is 19:00 in New York."""
    (flaw,) = within_a_period("plan", day("2026-02-16"), HORIZON.model_copy(update={"zone": zone}), ())
    assert flaw.remedy == f"plan by shorter periods (`every: {every}`), or let it change where one begins"
    shorter = HORIZON.model_copy(update={"zone": zone, "every": every})
    assert not list(within_a_period("plan", day("2026-02-16"), shorter, ()))
