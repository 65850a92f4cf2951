"""What commands share: moments as they are typed, and the case."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from detente.cli import cli
from detente.cli.command import load
from detente.cli.options import TimestampParam
from detente.cli.plan import before_saving
from tests.builders import agreement, data_of, tokens, work


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-06-15T09:00Z", datetime(2026, 6, 15, 9, tzinfo=UTC)),
        ("2026-06-15T09:00", datetime(2026, 6, 15, 9, tzinfo=UTC)),
        ("2026-06-15T09:00+02:00", datetime(2026, 6, 15, 7, tzinfo=UTC)),
        ("2026-06-15", datetime(2026, 6, 15, tzinfo=UTC)),
        ("2026-07-01T00:30+02:00", datetime(2026, 6, 30, 22, 30, tzinfo=UTC)),  # another day, another month
    ],
)
def test_a_moment_is_in_utc(typed: str, meant: datetime) -> None:
    found = TimestampParam().convert(typed, None, None)
    assert found == meant
    assert found.tzinfo is UTC  # days and hours are read off it
    assert found.date() == meant.date()


@pytest.mark.parametrize("typed", ["9999-12-31T23:59:59Z", "9999-12-31T23:30Z", "9999-01-01T00:30+00:00"])
def test_a_moment_from_which_time_cannot_go_on(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="is too late; write a year before 9999"):
        TimestampParam().convert(typed, None, None)
    assert TimestampParam().convert("9998-12-31T23:59:59Z", None, None).year == 9998


@pytest.mark.parametrize("typed", ["noon", "", "2026-13-01", "0001-01-01T00:00+02:00", "9999-12-31T23:59-02:00"])
def test_what_is_no_moment(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a time; write for example 2026-06-15T09:00Z"):
        TimestampParam().convert(typed, None, None)


def test_clauses_outside_the_horizon_are_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cap = {"kind": "spending-cap", "amount": "1 M USD", "windows": {"cut": "prorate"}}
    old = agreement(cap | {"id": "old"}, effective="2024-01-01", ends="2025-01-01", id="past")
    now = agreement(cap | {"id": "now"}, id="present")
    path = tmp_path / "case.yaml"
    path.write_text(json.dumps(data_of([tokens("north", 3)], [work()], old, now)))
    load(path, None, None)
    (note,) = capsys.readouterr().err.splitlines()
    when = "is in force 2024, and at no time of the horizon (Jan 2026 – Jun 2026)"
    what, column = f"`old` of `past` {when}", path.read_text().index('"old"') + 1
    assert note == f"note: {path}:1:{column}: {what}: is the year right?"
    runner = CliRunner()
    for command in (["check", str(path)], ["explain", str(path), "old"]):
        told = json.loads(runner.invoke(cli, [*command, "--json"]).stdout)
        place = {"file": str(path), "line": 1, "column": column}
        assert told["notes"] == [place | {"what": what, "remedy": "is the year right?"}]
    saved = json.loads(runner.invoke(cli, ["plan", str(path), "--json"]).stdout)
    assert saved["notes"] == [{"term": "old", "agreement": "past", "what": what, "remedy": "is the year right?"}]
    assert f"- {what}: is the year right?" in runner.invoke(cli, ["explain", str(path), "old"]).stdout
    assert "at no time" not in runner.invoke(cli, ["explain", str(path), "now"]).stdout


@pytest.mark.parametrize(
    ("left", "took", "sought"),
    [(60.0, 1.0, 58.0), (4.0, 1.0, 2.0), (1.5, 1.0, 0.75), (1e-9, 1.0, 5e-10), (60.0, 3.0, 54.0), (10.0, 3.0, 5.0)],
)
def test_saving_takes_two_seconds_of_work_of_a_time_limit_and_never_more_than_half(
    left: float, took: float, sought: float
) -> None:
    assert before_saving(left, took, 1.0, rows=10**6) == pytest.approx(sought)


@pytest.mark.parametrize(("rows", "sought"), [(0, 9.6), (60_000, 9.0), (160_000, 8.0), (10**9, 8.0)])
def test_what_is_kept_for_saving_goes_by_the_rows_that_a_plan_may_have(rows: int, sought: float) -> None:
    assert before_saving(10.0, 1.0, 1.0, rows) == pytest.approx(sought)


def test_a_command_that_passes_its_time_limit_says_so_and_gives_its_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "case.json"
    path.write_text(json.dumps(data_of([tokens("north", 3)], [work()])))
    soon = CliRunner().invoke(cli, ["check", str(path), "--time-limit", "1000"])
    assert "time limit" not in soon.stderr
    monkeypatch.setattr("detente.cli.command.LATE", -1000.0)
    late = CliRunner().invoke(cli, ["check", str(path), "--time-limit", "1000"])
    assert (late.exit_code, late.stdout) == (soon.exit_code, soon.stdout)
    assert "with a time limit of 1000 s" in late.stderr
    assert "time limit" not in CliRunner().invoke(cli, ["check", str(path)]).stderr, "none was given"
