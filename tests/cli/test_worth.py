"""The commands that say what something is worth: exit codes, streams, files, mistakes. In this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click import ClickException
from click.testing import CliRunner, Result

from detente.cli import cli
from detente.errors import CaseError
from detente.outcomes.baseline import Baseline, StoppedError
from tests.builders import Data, agreement, data_of, tokens, work
from tests.cli.asking import written

FLOOR: Data = {"id": "floor", "kind": "minimum-commitment", "amount": "9000 USD", "windows": {"every": "term"}}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return written(tmp_path / "case", data(FLOOR))


def data(*terms: Data) -> Data:
    return data_of([tokens("north", 3), tokens("south", 2)], [work()], agreement(*terms))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)), standalone_mode=False, catch_exceptions=True)


def code(done: Result) -> Any:
    """The exit code of a command that returned, raised on for what it raised."""
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.return_value


def test_prices_in_a_terminal(case: Path) -> None:
    done = run("price", case)
    assert code(done) == 0
    assert "`floor` costs most: without it the plan would cost 3.00 k USD less (20%)." in done.stdout
    assert "What each clause costs" in done.stdout
    assert all(len(line) <= 100 for line in done.stdout.splitlines())


def test_no_number_of_seconds_is_no_time_limit(case: Path) -> None:
    with pytest.raises(ClickException, match="`nan` is not a number of seconds; write for example 60"):
        code(run("price", case, "--time-limit", "nan"))


def test_prices_as_one_document_and_as_files(case: Path, tmp_path: Path) -> None:
    done = run("price", case, "--json", "--out", tmp_path / "out")
    assert code(done) == 0
    found = json.loads(done.stdout)
    assert found["clauses"][0]["price"] == {"amount": "3000", "low": "3000", "high": "3000"}
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"prices.json", "prices.parquet", "prices.html"}
    assert json.loads((tmp_path / "out" / "prices.json").read_text(encoding="utf-8")) == found


def test_a_sweep_in_a_terminal_and_as_files(case: Path, tmp_path: Path) -> None:
    sweep = ("price", case, "--of", "floor", "--from", "0 USD", "--to", "24 k USD", "--steps", 4, "--gap", "0%")
    done = run(*sweep, "--out", tmp_path / "out")
    assert code(done) == 0
    assert "from 0.3333 to 1 USD per USD" in done.stdout
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"sweep.json", "sweep.parquet", "sweep.html"}
    done = run(*sweep, "--json")
    assert [point["value"] for point in json.loads(done.stdout)["points"]] == [
        "0 USD", "6 k USD", "12 k USD", "18 k USD", "24 k USD",
    ]  # fmt: skip


def test_no_plan_is_exit_code_1_with_the_conflict(tmp_path: Path) -> None:
    impossible = written(tmp_path / "case", data(FLOOR | {"amount": "90 k USD", "shortfall": "forbidden"}))
    for more in ((), ("--of", "floor", "--from", "0 USD", "--to", "1 USD")):
        done = run("price", impossible, "--json", *more)
        assert code(done) == 1
        assert json.loads(done.stdout)["conflict"][0]["term"] == "floor"


def test_what_was_stopped_says_so(case: Path) -> None:
    with mock.patch.object(Baseline, "near", side_effect=StoppedError("interrupted")):
        done = run("price", case)
    assert code(done) == 0
    assert "Stopped by Ctrl-C: 2 prices left." in done.stdout
    assert "not priced" in done.stdout


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--from", "0 USD"], "only with --of"),
        (["--of", "floor"], "with --of, say --from and --to too"),
        (["--of", "floor", "--from", "0 USD"], "with --of, say --to too"),
        (["--of", "floor", "--from", "0 USD", "--to", "1 USD", "--steps", "0"], "is not in the range"),
        (["--gap", "often"], "--gap"),
    ],
)
def test_options_that_do_not_go_together(case: Path, more: list[str], message: str) -> None:
    done = run("price", case, *more)
    assert done.exception is not None
    assert message in getattr(done.exception, "message", str(done.exception))


def test_a_number_that_is_not_there_names_its_option(case: Path) -> None:
    with pytest.raises(CaseError, match="--of: there is no clause `flor`"):
        code(run("price", case, "--of", "flor", "--from", "0 USD", "--to", "1 USD"))


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (["price", "--of", "floor", "--from", "0 EUR", "--to", "9 USD"], "--from: "),
        (["price", "--of", "floor", "--from", "0 USD", "--to", "0 USD"], "--to: "),
        (["leverage", "--provider", "west"], "--provider: there is no provider `west`"),
        (["leverage", "--from", "2031-01-01"], "--from: the loss begins on 2031-01-01"),
        (
            ["leverage", "--scenario", "nosuch"],
            "--scenario: there is no `nosuch`\n    the case has no scenarios: leave",
        ),
        (["plan", "--reading", "letter"], "--reading: no clause has a reading `letter`"),
        (["check", "--sign", "nosuch"], "--sign: there is no file, and no scenario or agreement"),
    ],
)
def test_what_a_parameter_cannot_be_is_said_of_the_option(case: Path, command: list[str], place: str) -> None:
    name, *more = command
    done = run(name, case, "--json", *more)
    assert isinstance(done.exception, CaseError)
    assert str(done.exception).startswith(place)
    (mistake,) = json.loads(done.stdout)["mistakes"]
    assert mistake["file"] == place.partition(":")[0]


# -- leverage --------------------------------------------------------------------------------------------------------
def test_leverage_in_a_terminal(case: Path) -> None:
    done = run("leverage", case)
    assert code(done) == 0
    assert "Losing `south` costs us most: 3.00 k USD." in " ".join(done.stdout.split())
    assert "There is no fair split: `chat` must be served at any price" in " ".join(done.stdout.split())
    assert all(len(line) <= 100 for line in done.stdout.splitlines())


def test_leverage_as_one_document_and_as_files(case: Path, tmp_path: Path) -> None:
    done = run("leverage", case, "--no-curves", "--provider", "south", "--json", "--out", tmp_path / "out")
    assert code(done) == 0
    (south,) = json.loads(done.stdout)["providers"]
    assert (south["provider"], south["loss"]["cost"]["amount"]) == ("south", "3000")
    files = {"leverage.json", "leverage.parquet", "leverage.html"}
    assert {file.name for file in (tmp_path / "out").iterdir()} == files


def test_a_loss_has_a_day_a_notice_and_a_length(case: Path) -> None:
    when = ("--from", "2026-02-01", "--notice", "1 month", "--for", "2 months")
    done = run("leverage", case, "--no-curves", "--json", *when)
    assert code(done) == 0
    loss = json.loads(done.stdout)["providers"][0]["loss"]
    assert (loss["start"], loss["end"]) == ("2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z")
    assert loss["counted"] == [loss["start"], loss["end"]]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--from", "soon"], "--from"),
        (["--notice", "a while"], "--notice"),
        (["--for", "0 days"], "--for"),
        (["--provider", "west"], "there is no provider `west`"),
        (["--from", "2031-01-01"], "the loss begins on 2031-01-01, with its notice, outside the horizon"),
    ],
)
def test_a_loss_that_cannot_be_is_said(case: Path, more: list[str], message: str) -> None:
    done = run("leverage", case, *more)
    assert done.exception is not None
    assert message in getattr(done.exception, "message", str(done.exception))


def test_leverage_without_a_plan_is_exit_code_1(tmp_path: Path) -> None:
    impossible = written(tmp_path / "case", data(FLOOR | {"amount": "90 k USD", "shortfall": "forbidden"}))
    done = run("leverage", impossible, "--json")
    assert code(done) == 1
    assert json.loads(done.stdout)["conflict"][0]["term"] == "floor"
