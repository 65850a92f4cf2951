"""``explain``, ``report``, ``schema`` and ``init``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import agreement, data_of, work
from tests.cli.asking import OFFERS, ONLY, document, written
from tests.cli.shell import detente


# -- explain ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("subject", ["chat", "floor", "chat@north", "chat@south-api"])
def test_explain(good: Path, subject: str) -> None:
    done = detente("explain", good, subject)
    assert (done.returncode, done.stderr) == (0, "")
    for name in subject.split("@"):
        assert name in done.stdout
    assert isinstance(document(detente("explain", good, subject, "--json")), dict)


def test_explain_a_refusal(tmp_path: Path) -> None:
    case = written(tmp_path / "case", data_of(OFFERS, [work()], agreement(ONLY)))
    done = detente("explain", case, "chat@south")
    assert done.returncode == 0
    assert "only" in done.stdout
    assert "runs only on north" in done.stdout


def test_explain_without_a_plan_answers_no(tmp_path: Path) -> None:
    case = written(tmp_path / "case", data_of(OFFERS[1:], [work()], agreement(ONLY)))
    done = detente("explain", case, "chat")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("there is no plan: `only`")


@pytest.mark.parametrize("subject", ["chatt", "chat@nord", "@", "", "price:zzz", "leverage:zzz"])
def test_explain_what_is_not_there(good: Path, subject: str) -> None:
    """It is told at the argument, as the usage calls it."""
    done = detente("explain", good, subject)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("SUBJECT: ")


def test_explain_a_conflict(clash: Path) -> None:
    done = detente("explain", clash, "only")
    assert done.returncode in (0, 1)
    assert "only" in done.stdout


# -- report and schema -----------------------------------------------------------------------------------
def test_report(good: Path, tmp_path: Path) -> None:
    assert detente("plan", good, "--out", tmp_path / "a").returncode == 0
    page = tmp_path / "pages" / "report.html"
    done = detente("report", tmp_path / "a", tmp_path / "a" / "plan.json", "--out", page)
    assert done.returncode == 0
    assert "Side by side" in done.stdout
    assert "open it in a browser" in done.stderr
    text = page.read_text(encoding="utf-8")
    assert text[:15].lower() == "<!doctype html>"
    assert 'src="http' not in text
    answer = document(detente("report", tmp_path / "a", "--json"))
    assert Path(answer["report"]).is_file()


def test_report_of_nothing(tmp_path: Path) -> None:
    done = detente("report", tmp_path)
    assert done.returncode == 2
    assert "plan.json: does not exist; save a plan" in done.stderr
    (tmp_path / "plan.json").write_text("{}")
    done = detente("report", tmp_path)
    assert done.returncode == 2
    assert "not a saved plan" in done.stderr


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_schema(flags: list[str]) -> None:
    done = detente("schema", *flags)
    assert (done.returncode, done.stderr) == (0, "")
    assert document(done)["$schema"].endswith("2020-12/schema")


# -- init ------------------------------------------------------------------------------------------------
def test_init_check_plan(tmp_path: Path) -> None:
    case = tmp_path / "my-case"
    done = detente("init", "my-case", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "detente check" in done.stderr
    assert json.loads((case / "detente.schema.json").read_text())["$schema"]
    assert "#" in (case / "case.yaml").read_text(encoding="utf-8")  # with comments
    checked = detente("check", "my-case", "--json", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    planned = detente("plan", "my-case", "--json", cwd=tmp_path)
    assert planned.returncode == 0
    assert document(planned)["status"] == "optimal"


def test_init_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = detente("init", tmp_path)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]
    assert detente("init", tmp_path / "mine").returncode == 2
