"""``detente plan``: what it prints and saves, and what it says before planning where that cannot be done."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from detente.cli import cli
from detente.errors import CaseError, PlanError
from detente.results.plan import Plan
from detente.results.plan_rows import ClauseRow
from tests.builders import agreement, data_of, work
from tests.cli.asking import OFFERS, ONLY, document, slow, written
from tests.cli.shell import detente


def test_plan_as_json(good: Path) -> None:
    done = detente("plan", good, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = document(done)
    names = ("status", "cost", "bound", "gap", "allocations", "purchases", "standings", "unserved", "providers")
    assert set(names) <= set(found)
    # 5000 Mtok at South for 2, 1000 at North for 3; in equal parts each month, in whole tokens
    assert (found["status"], round(Decimal(found["cost"]), 4), Decimal(found["bound"])) == ("optimal", 13000, 13000)
    for amount in (found["cost"], found["bound"], found["gap"], found["bill"], found["allocations"][0]["cost"]):
        assert isinstance(amount, str)
    (window,) = found["standings"]
    assert (window["term"], window["role"]) == ("floor", "floor")
    assert (Decimal(window["amount"]), round(Decimal(window["drawn"]), 4)) == (3000, 3000)
    assert {a["provider"] for a in found["allocations"]} == {"north", "south"}
    assert Plan.from_json(done.stdout).hash == found["hash"]


def test_plan_for_people(good: Path) -> None:
    done = detente("plan", good)
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("13.0", "south-api", "floor", "north"):
        assert words in done.stdout, words
    assert max(len(line) for line in done.stdout.splitlines()) <= 100


def test_plan_conflict(clash: Path) -> None:
    done = detente("plan", clash, "--json")
    found = document(done)
    assert (done.returncode, found["status"]) == (1, "conflict")
    assert [c["term"] for c in found["conflict"]] == ["only", "other"]
    shown = detente("plan", clash)
    assert shown.returncode == 1
    assert "Only on North." in shown.stdout


def test_plan_needs_a_reading(disputed: Path) -> None:
    done = detente("plan", disputed)
    assert (done.returncode, done.stdout) == (2, "")
    assert "several readings and none is chosen" in done.stderr
    assert "--reading" in done.stderr
    assert document(detente("plan", disputed, "--reading", "letter", "--json"))["reading"] == "letter"


def test_plan_in_a_scenario(tmp_path: Path) -> None:
    data = data_of(OFFERS, [work()], agreement(ONLY), scenarios=[{"id": "free", "without": ["only"]}])
    case = written(tmp_path / "case", data)
    costs = [Decimal(document(detente("plan", case, "--json", *s))["cost"]) for s in ([], ["--scenario", "free"])]
    assert costs == [18000, 12000]


def ran(*arguments: object) -> str:
    done = CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False)
    return done.stdout


def test_a_scenario_in_a_file_beside_the_case(tmp_path: Path) -> None:
    case, saved, deal = (
        written(tmp_path / "case", data_of(OFFERS, [work()], agreement(ONLY))),
        tmp_path / "p",
        tmp_path / "d",
    )
    deal.write_text("scenarios:\n  - { id: deal, without: [only] }\n")
    found = json.loads(ran("plan", case, "--with", deal, "--out", saved, "--json"))
    assert (Decimal(found["cost"]), found["scenario"]) == (12000, "deal")
    assert json.loads(ran("check", case, "--with", deal, "--json"))["answer"] == "yes"
    told = json.loads(ran("explain", case, "chat", "--with", deal, "--plan", saved, "--json"))
    assert told["kind"] == "workload"
    ran("report", saved, "--case", case, "--with", deal, "--out", tmp_path / "report.html")
    assert (tmp_path / "report.html").exists()
    with pytest.raises(PlanError, match="the plan is in the scenario `deal`, and the case has no such scenario"):
        ran("explain", case, "chat", "--plan", saved)


@pytest.mark.parametrize("gap", ["1", "-1%", "lots"])
def test_a_gap_that_is_none(good: Path, gap: str) -> None:
    done = detente("plan", good, f"--gap={gap}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--gap" in done.stderr


def test_no_time_at_all(good: Path, tmp_path: Path) -> None:
    done = detente("plan", good, "--time-limit", "0.000001", "--json")
    assert (done.returncode, document(done)["status"]) == (0, "optimal")  # what is small is solved all the same
    done = detente("plan", slow(tmp_path / "slow"), "--time-limit", "0.000001", "--json")
    assert (done.returncode, document(done)["status"]) == (0, "time-limit")  # there is a plan that needs no search


def test_no_is_not_said_where_time_ends(tmp_path: Path) -> None:
    """Whether whole units can keep every clause takes a search, and an answer that is not found is none."""
    done = detente("check", slow(tmp_path / "slow"), "--time-limit", "0.000001", "--json")
    assert (done.returncode, document(done)["status"]) == (3, "not-settled")
    assert "give it more time" in done.stderr


def test_where_time_ends_and_no_plan_is_at_hand_none_is_claimed(tmp_path: Path) -> None:
    done = detente("plan", slow(tmp_path / "slow", value=None), "--time-limit", "0.000001", "--json")
    assert (done.returncode, document(done)["status"]) == (3, "not-settled")
    assert "give it more time" in done.stderr


def test_saved_plans(good: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "deep"
    done = detente("plan", good, "--out", out, "--json")
    assert done.returncode == 0
    assert document(done)["status"] == "optimal"
    assert f"wrote {out / 'plan.json'}" in done.stderr
    assert (out / "allocations.parquet").exists()
    assert Plan.load(out) == Plan.from_json(done.stdout)
    # explained from the saved plan, and only with the case that it was made of
    why = detente("explain", good, "chat@north", "--plan", out)
    assert why.returncode == 0
    assert "floor" in why.stdout
    (good / "case.yaml").write_text((good / "case.yaml").read_text().replace("3 USD per Mtok", "4 USD per Mtok"))
    stale = detente("explain", good, "chat@north", "--plan", out)
    assert stale.returncode == 2
    assert "made of another case" in stale.stderr


@pytest.fixture
def unsolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be planned."""

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("planned")

    monkeypatch.setattr("detente.planner.solve.plan", never)


@pytest.mark.usefixtures("unsolved")
@pytest.mark.parametrize("out", ["file", "file/out", "out"])
def test_where_nothing_can_be_written_is_said_before_planning(good: Path, tmp_path: Path, out: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "out" / "plan.json").mkdir(parents=True)
    with pytest.raises(CaseError, match=r"^--out: `.*` exists and ") as raised:
        cli(["plan", str(good), "--out", str(tmp_path / out)], standalone_mode=False)
    assert "name another folder" in raised.value.mistakes[0].remedy
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.usefixtures("unsolved")
def test_a_name_that_no_file_can_have_is_refused_before_planning(good: Path, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"^--out: the name `n{40}…` is too long for a file"):
        cli(["plan", str(good), "--out", str(tmp_path / ("n" * 300))], standalone_mode=False)


@pytest.mark.usefixtures("unsolved")
def test_a_folder_of_another_s_is_refused_before_planning(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & os.W_OK)
    with pytest.raises(CaseError, match=f"^--out: no permission to write into `{tmp_path}`"):
        cli(["plan", str(good), "--out", str(tmp_path / "new" / "deep")], standalone_mode=False)
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_way_as_a_shell_sees_it(good: Path, tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("in the way")
    done = detente("plan", good, "--out", "f.txt", "--json", cwd=tmp_path)
    assert done.returncode == 2
    assert document(done)["mistakes"][0]["what"] == "`f.txt` exists and is not a folder"
    assert done.stderr == (
        "--out: `f.txt` exists and is not a folder\n    name another folder, or move it away\n1 mistake\n"
    )


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "plan.json")


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_plan_that_cannot_be_saved_is_printed(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    monkeypatch.setattr(Plan, "save", full)
    done = CliRunner().invoke(cli, ["plan", str(good), "--out", str(tmp_path / "out"), *flags], standalone_mode=False)
    assert done.return_value == 2
    assert done.stderr == "plan.json: No space left on device\n"
    if flags:
        assert json.loads(done.stdout)["status"] == "optimal"
    else:
        assert "south-api" in done.stdout


def test_a_conflict_leaves_no_folder(clash: Path, tmp_path: Path) -> None:
    assert detente("plan", clash, "--out", tmp_path / "out").returncode == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_where_no_report_can_be_written(good: Path, tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    done = detente("report", "nosuch", "--out", tmp_path / "file" / "page.html", *flags)
    assert done.returncode == 2
    assert done.stderr.startswith(f"--out: `{tmp_path / 'file'}` exists and is not a folder\n")


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_report_that_cannot_be_written(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    assert detente("plan", good, "--out", tmp_path / "a").returncode == 0
    monkeypatch.setattr(os, "fsync", full)
    done = CliRunner().invoke(cli, ["report", str(tmp_path / "a"), *flags], standalone_mode=False)
    full_disk = f"{tmp_path / 'a' / 'report.html'}: No space left on device"
    if flags:
        assert json.loads(done.stdout)["mistakes"][0]["what"] == full_disk
        assert isinstance(done.exception, OSError)
    else:
        assert (done.return_value, done.stderr) == (2, f"{full_disk}\n")
        assert "south-api" in done.stdout


def test_a_report_of_a_case_says_whether_it_can_be_signed(good: Path, tmp_path: Path) -> None:
    plan, page, other = (
        tmp_path / "plan",
        tmp_path / "page.html",
        written(tmp_path / "other", data_of(OFFERS, [work()])),
    )
    assert detente("plan", good, "--out", plan).returncode == 0
    done = detente("report", plan, "--case", good, "--out", page)
    assert done.returncode == 0, done.stderr
    assert "Yes: every clause can be performed." in page.read_text(encoding="utf-8")
    stale = detente("report", plan, "--case", other, "--out", page)
    assert (stale.returncode, stale.stdout) == (2, "")
    assert "made of another case" in stale.stderr


@pytest.mark.parametrize("rows", ["clauses", "decisions"])
def test_a_defect_in_what_explains_a_plan_does_not_lose_it(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: str
) -> None:
    """It is saved and shown, without marginal prices or without reasons, and holds against itself; then it is told."""

    def defective(*args: Any) -> Any:
        raise ZeroDivisionError(rows)

    whole = CliRunner().invoke(cli, ["plan", str(good), "--json"])
    monkeypatch.setattr(f"detente.planner.answer.result.{rows}", defective)
    done = CliRunner().invoke(cli, ["plan", str(good), "--json", "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, ZeroDivisionError)  # which `python -m detente` tells, with code 70
    found, asked = Plan.load(tmp_path / "out"), Plan.from_json(whole.stdout)
    assert (Plan.from_json(done.stdout).cost, found.cost, found.bound) == (asked.cost, asked.cost, asked.bound)
    assert found.clauses == (asked.clauses if rows == "decisions" else tuple(_unpriced(c) for c in asked.clauses))
    if rows == "clauses":
        assert found.decisions == asked.decisions
    else:
        why = [(d.workload, d.offer, d.work, "why could not be worked out") for d in asked.decisions]
        assert [(d.workload, d.offer, d.work, d.why) for d in found.decisions] == why


def _unpriced(row: ClauseRow) -> ClauseRow:
    return replace(row, binds=False, marginal=())
