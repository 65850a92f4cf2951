"""The commands that look ahead, compare and simulate: exit codes, streams, files, mistakes. In this process."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click import ClickException
from pyarrow import parquet

from detente.errors import UnsettledError
from detente.outcomes.choices import comparing
from tests.builders import Data, agreement
from tests.cli.asking import written
from tests.cli.test_worth import code, run
from tests.gateway.stage import deployment
from tests.outcomes.choices.court import ONLY, SCENARIOS, world


def test_a_comparison_in_a_terminal(tmp_path: Path) -> None:
    done = run("compare", written(tmp_path / "case", world()))
    assert code(done) == 0
    text = " ".join(done.stdout.split())
    assert "`settle` costs least on average: 5.00 k USD; next comes `sue`, with 600.00 USD more." in text
    assert "the best choice is `settle`, then `sue` above 87.5%" in text
    assert all(len(line) <= 100 for line in done.stdout.splitlines())


def test_a_comparison_as_one_document_and_as_files(tmp_path: Path) -> None:
    done = run("compare", written(tmp_path / "case", world()), "--json", "--level", "0%", "--out", tmp_path / "out")
    assert code(done) == 0
    found = json.loads(done.stdout)
    assert [c["tail"] for c in found["choices"]] == ["5000", "5600"]
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "comparison.json", "comparison.parquet", "comparison.html",
    }  # fmt: skip
    assert json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8")) == found
    rows = parquet.read_table(tmp_path / "out" / "comparison.parquet").to_pylist()
    assert [(row["outcome"], row["cost"]) for row in rows] == [
        ("settle", 5000),
        ("sue, win", 4000),
        ("sue, lose", 12000),
    ]
    assert "</code> above 87.5%." in (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")


def test_an_outcome_in_which_not_all_can_be_served_that_must_is_exit_code_1(tmp_path: Path) -> None:
    lost = {"id": "lost", "lose": [{"provider": each, "from": "2026-02-01"} for each in ("north", "south")]}
    done = run("compare", written(tmp_path / "case", world(scenarios=[*SCENARIOS[:2], lost])))
    assert code(done) == 1
    assert "no clause: what must be served" in " ".join(done.stdout.split())


def test_an_outcome_without_a_plan_is_exit_code_1(tmp_path: Path) -> None:
    cap: Data = {"id": "cap", "kind": "spending-cap", "amount": "1 k USD", "windows": {"every": "term"}}
    deal = {"agreements": [agreement(cap) | {"id": "court", "ends": "2026-03-01"}]}
    case = written(tmp_path / "case", world(scenarios=[*SCENARIOS[:2], {"id": "lost", "add": deal}]))
    done = run("compare", case, "--out", tmp_path / "out")
    assert code(done) == 1
    assert "of `sue` an outcome has no plan" in " ".join(done.stdout.split())
    assert "no plan" in (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")


def test_what_was_stopped_says_so(tmp_path: Path) -> None:
    with mock.patch.object(comparing, "plan", side_effect=KeyboardInterrupt):
        done = run("compare", written(tmp_path / "case", world()))
    assert code(done) == 130
    assert "Stopped by Ctrl-C: 4 outcomes left." in done.stdout


def test_outcomes_that_were_not_planned_in_time_are_exit_code_3(tmp_path: Path) -> None:
    with mock.patch.object(comparing, "plan", side_effect=UnsettledError("not settled in time")):
        done = run("compare", written(tmp_path / "case", world()))
    assert code(done) == 3
    assert "Stopped by the time limit: 4 outcomes left." in done.stdout


@pytest.mark.parametrize(("level", "said"), [("100%", "nothing is left"), ("2", "--level"), ("120%", "--level")])
def test_a_level_that_makes_no_sense(tmp_path: Path, level: str, said: str) -> None:
    done = run("compare", written(tmp_path / "case", world()), "--level", level)
    assert done.exception is not None
    assert said in getattr(done.exception, "message", str(done.exception))


BASE = "https://models.example"


# -- simulate ----------------------------------------------------------------------------------------------------------
RISK: Data = {"id": "out", "kind": "outage", "of": {"provider": "north"}, "per-year": 60, "lasting": ["9 hours"]}


def risky(tmp_path: Path, **head: Any) -> Path:
    return written(tmp_path / "case", world(risks=[RISK], **head))


def test_a_simulation_in_a_terminal_and_as_files_and_gone_on_with(tmp_path: Path) -> None:
    command = ("simulate", risky(tmp_path), "--processes", 1, "--out", tmp_path / "out")
    done = run(*command, "--draws", 3)
    assert code(done) == 0
    assert "Over 3 draws the plan costs" in done.stdout
    assert "Each provider's own availability" in done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "simulation.json", "simulation.parquet", "simulation.html",
    }  # fmt: skip
    page = (tmp_path / "out" / "simulation.html").read_text(encoding="utf-8")
    assert "What is served" in page
    first = json.loads((tmp_path / "out" / "simulation.json").read_text(encoding="utf-8"))
    more = json.loads(run(*command, "--draws", 5, "--json").stdout)
    assert (len(more["draws"]), more["draws"][:3]) == (5, first["draws"])


def test_draws_that_follow_the_gateway_stand_beside_the_least_cost(tmp_path: Path) -> None:
    live = [deployment("north-live", "north-api", BASE), deployment("south-live", "south-api", BASE)]
    command = ("simulate", risky(tmp_path, deployments=live), "--processes", 1, "--draws", 3, "--out", tmp_path / "out")
    done = run(*command, "--dispatch", "live")
    assert code(done) == 0
    assert "Even somebody who knows each draw could not dispatch it for less." in " ".join(done.stdout.split())
    assert "best possible" in done.stdout
    assert "Calls go where the gateway's own order sends them" in " ".join(done.stdout.split())
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    assert "Best possible" in (tmp_path / "out" / "simulation.html").read_text(encoding="utf-8")
    found = json.loads((tmp_path / "out" / "simulation.json").read_text(encoding="utf-8"))
    assert found["dispatch"] == "live"
    assert all(Decimal(each["cost"]) >= Decimal(each["best"]["cost"]) - 1 for each in found["draws"])
    with pytest.raises(ClickException, match="holds draws of seed 0 with live dispatch, and seed 0 is asked for"):
        code(run(*command))


def test_live_dispatch_without_deployments_is_a_mistake(tmp_path: Path) -> None:
    done = run("simulate", risky(tmp_path), "--dispatch", "live")
    assert "no deployment serves an inference workload" in str(done.exception)


def test_a_file_that_is_no_simulation_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "simulation.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ClickException, match="is no simulation; name another folder"):
        code(run("simulate", risky(tmp_path), "--out", tmp_path / "out"))


def test_draws_of_another_seed_are_not_written_over(tmp_path: Path) -> None:
    command = ("simulate", risky(tmp_path), "--processes", 1, "--draws", 2, "--out", tmp_path / "out")
    assert code(run(*command)) == 0
    before = (tmp_path / "out" / "simulation.json").read_bytes()
    with pytest.raises(ClickException, match="holds draws of seed 0, and seed 7 is asked for; name another folder"):
        code(run(*command, "--seed", 7))
    assert (tmp_path / "out" / "simulation.json").read_bytes() == before


def test_a_simulation_of_what_has_no_plan_is_exit_code_1(tmp_path: Path) -> None:
    cap = {"id": "cap", "kind": "spending-cap", "amount": "1 k USD", "windows": {"every": "term"}}
    case = risky(tmp_path, agreements=[agreement(ONLY, cap) | {"ends": "2026-03-01"}])
    done = run("simulate", case, "--json")
    assert (code(done), json.loads(done.stdout)["status"]) == (1, "conflict")
