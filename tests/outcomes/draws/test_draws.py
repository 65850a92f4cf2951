"""Which draws there are: by seed and number alone, in any number of processes, for as long as there is time."""

from __future__ import annotations

import sys
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import MissingExtraError
from detente.outcomes.draws import drawn as module
from detente.outcomes.draws import simulating
from detente.outcomes.draws.draws import Draw, GridClock, Outage, draw, failing, parts_out, spells
from detente.outcomes.draws.simulation import SimulatedDraw
from tests.builders import D, build, tokens
from tests.outcomes.draws.worlds import HOURS, SOUTH_OUT, STEADY, found, world


def test_a_draw_turns_on_its_seed_and_number_alone() -> None:
    case = world(tokens("north", 3, capacity="0.4 Mtok per hour"))
    all_at_once, fewer, other = found(case, draws=6), found(case, draws=3), found(case, draws=3, seed=1)
    assert all_at_once.draws[:3] == fewer.draws
    assert other.draws != fewer.draws
    assert found(case, draws=6, before=fewer) == all_at_once


def test_processes_find_the_same() -> None:
    case = world(tokens("north", 3, capacity="0.4 Mtok per hour"))
    assert found(case, draws=24, processes=2) == found(case, draws=24)


def test_a_ray_cluster_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    ray: Any = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    case = world(tokens("north", 3, capacity="0.4 Mtok per hour"))
    ray.init(num_cpus=2, log_to_driver=False, logging_level="error", include_dashboard=False)
    try:
        assert found(case, draws=12, processes=2, on="ray") == found(case, draws=12)
    finally:
        ray.shutdown()


def test_without_ray_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"a simulation on Ray needs .* pip install 'detente\[ray\]'"):
        found(world(), on="ray")


def test_ctrl_c_keeps_the_draws_that_were_made_and_the_next_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    real, made = module.Drawn.made, list[int]()

    def stopping(self: module.Drawn, each: Draw) -> SimulatedDraw:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(each.index)
        return real(self, each)

    def going_on(self: module.Drawn, each: Draw) -> SimulatedDraw:
        made.append(each.index)
        return real(self, each)

    monkeypatch.setattr(module.Drawn, "made", stopping)
    stopped = found(world())
    assert (stopped.status, len(stopped.draws), stopped.wanted) == ("interrupted", 2, 6)
    made.clear()
    monkeypatch.setattr(module.Drawn, "made", going_on)
    assert found(world(), before=stopped).status == "complete"
    assert len(made) == 4
    made.clear()
    found(world(tokens("north", 3)), before=stopped)
    assert len(made) == 6, "draws of another case are not kept"


def test_a_time_limit_that_is_over_keeps_what_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = iter([0.0, 1.0, 1.0, 9999.0])  # when it begins, and after each draw
    monkeypatch.setattr(simulating, "time", SimpleNamespace(monotonic=lambda: next(passed)))
    stopped = found(world(), time_limit=5000.0)
    assert (stopped.status, len(stopped.draws)) == ("time-limit", 3)


def test_outages_come_as_often_as_stated() -> None:
    case = world()
    times = [len(draw(case, [D(1)], 7, index).outages) for index in range(400)]
    expected = 30 * HOURS / 8766
    assert abs(sum(times) / 400 - expected) < 4 * (expected / 400) ** 0.5


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.floats(0, 1400), st.floats(0.01, 200)), min_size=1, max_size=6),
    st.booleans(),
)
def test_spells_add_up_to_the_time_in_which_anything_is_out(
    some: list[tuple[str, float, float]], typical: bool
) -> None:
    horizon = {"start": "2026-01", "end": "2026-03", "every": "hour" if typical else "month"}
    case = build([tokens("south", 2)], [STEADY], horizon=horizon | ({"typical": "week"} if typical else {}))
    clock = GridClock(case)
    outages = [Outage(*each) for each in some]
    total = sum(hours for _, hours, _ in spells(outages, clock))
    covered, reached = 0.0, 0.0
    for start, end in sorted((o.start, min(o.start + o.hours, HOURS)) for o in outages):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    assert total == pytest.approx(covered)
    if not typical:
        per = [sum(h for p, h, _ in spells(outages, clock) if p == at) for at in (0, 1)]
        assert per[0] <= 744 + 1e-6
        assert per[1] <= 672 + 1e-6


def test_an_hour_of_the_calendar_is_that_hour_of_its_months_week() -> None:
    horizon = {"start": "2026-01", "end": "2026-03", "every": "hour", "typical": "week"}
    case = build([tokens("south", 2)], [STEADY], horizon=horizon)
    (piece,) = GridClock(case).pieces(31 * 24 + 5.25, 31 * 24 + 5.75)  # 2026-02-01, a Sunday, 5:15 to 5:45
    period = case.periods[piece[0]]
    assert (period.span_start.month, period.start.weekday(), period.start.hour, piece[1]) == (2, 6, 5, 0.5)
    assert period.end - period.start == timedelta(hours=1)


def test_two_risks_at_once_leave_a_part_of_a_part() -> None:
    half = SOUTH_OUT | {"id": "half", "part": "50%"}
    case = world(tokens("north", 3), risks=[half, half | {"id": "everything", "of": {}}])
    assert failing(case)["everything"] == {"south-api": 0.5, "north-api": 0.5}
    assert parts_out(frozenset(["half", "everything"]), failing(case)) == (("north-api", 0.5), ("south-api", 0.75))
