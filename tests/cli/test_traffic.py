"""Replay as a shell sees it. The guide's example is replayed: its case, its trace, and what it prints."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from detente.case.case import Case
from detente.cli import cli
from detente.planner.solve import plan
from detente.results.plan import Plan
from tests.builders import agreement, data_of, tokens, work
from tests.cli.asking import written
from tests.cli.shell import detente
from tests.gateway.stage import deployment
from tests.real_data import DATA, needs

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "replay.md"
AZURE = DATA / "workload" / "azure_llm_2023_conv.csv.gz"


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    """The guide's case, plan and trace."""
    (tmp_path / "my-case").mkdir()
    (tmp_path / "my-case" / "case.yaml").write_text(block("yaml"), encoding="utf-8")
    (tmp_path / "day.csv").write_text(block("csv"), encoding="utf-8")
    found = plan(Case.load(tmp_path / "my-case"))
    assert isinstance(found, Plan)
    found.save(tmp_path / "my-plan")
    return tmp_path


def ran(folder: Path, *more: str) -> str:
    command = ["replay", str(folder / "my-case"), str(folder / "day.csv"), "--plan", str(folder / "my-plan")]
    stated = ["--workload", "chat", "--starts", "2026-01-01", "--until", "2026-02-01"]
    done = CliRunner().invoke(cli, [*command, *stated, *more])
    assert done.exit_code in (0, None), done.output
    return done.stdout


def test_the_guide_s_example_prints_what_the_guide_says(guide: Path) -> None:
    printed = "".join(f"{line.rstrip()}\n" for line in ran(guide).splitlines())
    if os.environ.get("REWRITE_DOCS"):
        text = GUIDE.read_text(encoding="utf-8")
        GUIDE.write_text(re.sub(r"```text\n.*?```", lambda _: f"```text\n{printed}```", text, flags=re.DOTALL))
    assert block("text") == printed


def test_the_guide_s_example_saves_by_steering(guide: Path) -> None:
    """930 Mtok: all at South's 2 USD and the floor for nothing, or 500 at North's 3 USD and the rest at South."""
    found = json.loads(ran(guide, "--json"))
    alone = found["by_price"]
    assert (alone["spent"], alone["owed"], alone["total"]) == ("1860", "1500", "3360")
    assert found["owed"] == "0"
    assert 2360 <= float(found["total"]) < 2360 * 1.01
    assert (found["status"], found["unplanned"], found["calls"]) == ("served", 0, 31 * 40_000)


def test_what_nobody_owes_is_not_told(tmp_path: Path) -> None:
    """1,000 tokens at 3 USD per Mtok, under no clause: nothing is owed, and price alone goes the same way."""
    live = [deployment("n-live", "north-api", "http://localhost:9")]
    written(tmp_path / "case", data_of([tokens("north", 3)], [work()], deployments=live))
    (tmp_path / "c.csv").write_text("timestamp,input,output\n2026-01-01T00:00:00Z,600,400\n", encoding="utf-8")
    done = CliRunner().invoke(cli, ["replay", str(tmp_path / "case"), str(tmp_path / "c.csv"), "--workload", "chat"])
    costs = done.stdout.partition("What it came to")[2].split("\n")
    assert [line.split() for line in costs if line.strip()] == [["spent", "<0.01", "USD"], ["cost", "<0.01", "USD"]]


def test_calls_that_nobody_may_serve_are_exit_code_1(tmp_path: Path) -> None:
    only = agreement({"id": "only-us", "kind": "residency", "within": ["US"]}, party="self")
    live = [deployment("north-live", "north-api", "http://localhost:9")]
    case = written(tmp_path / "case", data_of([tokens("north", 3)], [work()], only, deployments=live))
    trace = tmp_path / "t.csv"
    trace.write_text("timestamp,input,output\n2026-01-05,1000,10\n2026-01-05,2000,10\n", encoding="utf-8")
    done = detente("replay", case, trace, "--workload", "chat")
    assert (done.returncode, done.stderr) == (1, "")
    assert re.search(r"chat +only-us +2", done.stdout)
    told = CliRunner().invoke(
        cli, ["replay", str(case), str(trace), "--workload", "chat", "--json"], standalone_mode=False
    )
    found = json.loads(told.stdout)
    assert (told.return_value, found["status"]) == (1, "refused")
    assert found["refused"] == [{"workload": "chat", "by": "only-us", "calls": 2}]
    assert "by_price" not in found  # it goes by price as it is


def test_a_workload_that_is_misspelt(guide: Path) -> None:
    done = CliRunner().invoke(cli, ["replay", str(guide / "my-case"), str(guide / "day.csv"), "--workload", "chats"])
    assert isinstance(done.exception, SystemExit)
    assert "--workload: there is no `chats` that can be called; did you mean `chat`?" in done.output


def test_keys_of_a_ledger_and_budgets_hold_and_are_told(tmp_path: Path) -> None:
    """Two requests a day for whoever has no room for a third; the key was made at run time."""
    live = [deployment("north-live", "north-api", "http://localhost:9")]
    budgets = [{"id": "daily", "of": {}, "every": "day", "requests": 2}]
    case = written(tmp_path / "case", data_of([tokens("north", 3)], [work()], deployments=live, budgets=budgets))
    ledger = str(tmp_path / "ledger.db")
    made = detente("keys", "create", case, "--workload", "chat", "--id", "mine", "--ledger", ledger)
    assert made.returncode == 0, made.stderr
    trace = tmp_path / "t.csv"
    trace.write_text("timestamp,input,output,key\n" + "2026-01-05,1000,10,mine\n" * 3, encoding="utf-8")
    done = detente("replay", case, trace, "--ledger", ledger)
    assert (done.returncode, done.stderr) == (1, "")
    assert re.search(r"chat +daily +1\n", done.stdout)
    assert re.search(r"daily +requests +2 +in 2026-01-05 +2 +1 of 1 +1\n", done.stdout), done.stdout
    told = json.loads(detente("replay", case, trace, "--ledger", ledger, "--json").stdout)
    assert told["budgets"] == [
        {
            "budget": "daily", "measure": "requests", "allows": "2", "windows": 1, "short": 1, "kept_off": 1,
            "fullest": {"start": "2026-01-05T00:00:00+00:00", "end": "2026-01-06T00:00:00+00:00", "used": "2"},
        }
    ]  # fmt: skip
    away = detente("replay", case, trace, "--ledger", f"{ledger}.gone")
    assert (away.returncode, "there is no such ledger" in away.stderr) == (2, True)


@needs(AZURE)
def test_an_hour_of_real_traffic(guide: Path) -> None:
    """Azure's trace of 2023: 19,366 calls."""
    stated = ["--workload", "chat", "--starts", "2026-01-05T09:00", "--json"]
    done = CliRunner().invoke(cli, ["replay", str(guide / "my-case"), str(AZURE), *stated])
    found = json.loads(done.stdout)
    assert (done.exit_code, found["calls"], len(found["routed"])) == (0, 19_366, 1)
