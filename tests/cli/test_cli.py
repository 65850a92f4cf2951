"""The program as a shell sees it: help, misuse, cases that are not there, and all mistakes at once, as JSON too."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from detente.cli import cli
from detente.cli.listing import COMMANDS
from tests.builders import agreement, data_of, tokens, work
from tests.cli.asking import document, written
from tests.cli.shell import detente, environment
from tests.waiting import PATIENCE


def test_help() -> None:
    done = detente("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", done.stdout, re.MULTILINE), name
    assert "Example: detente init" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_s_help_has_an_example(name: str) -> None:
    done = detente(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"Example:\n\s+detente {name}", done.stdout), done.stdout


def test_help_is_quick() -> None:
    """The solver and numpy are not loaded for it (design §3)."""
    code = "import sys; sys.argv = ['detente', '--help']\nimport detente.cli as c\n"
    code += "try: c.main()\nexcept SystemExit: pass\n"
    code += (
        "print([m for m in ('numpy', 'highspy', 'rich', 'jinja2', 'pydantic') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True, timeout=PATIENCE
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-command"], "there is no command `no-such-command`"),
        (["plan"], "Missing argument"),
        (["report"], "Missing argument"),
        (["explain", "somewhere"], "somewhere: does not exist"),
        (["plan", "x", "--no-such-option"], "No such option"),
        (["statement", "x", "--since", "2026-03-01"], "there is no option `--since`; did you mean `--window`?"),
        (["export", "x", "--since", "2026-03-01"], "did you mean `--from`?"),
        (["export", "x", "--window", "2026"], "there is no option `--window`; did you mean `--from` with `--until`?"),
        (["export", "x", "--month", "2026-01"], "did you mean `--from` with `--until`?"),
        (["statement", "x", "--month", "2026-01"], "did you mean `--window`?"),
        (["plan", "x", "--time-limit", "0"], "--time-limit"),
        (["plan", "x", "--time-limit", "soon"], "--time-limit"),
        (["plan", "x", "--out", ""], "'--out': the path is empty (is a variable not set?); name one"),
        (["calendar", "x", "--out", ""], "'--out': the path is empty"),
        (["check", ""], "'CASE': the path is empty"),
    ],
)
def test_misuse(arguments: list[str], message: str) -> None:
    done = detente(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_nothing_asked_shows_the_help() -> None:
    done = detente()
    assert done.returncode == 2
    assert "Usage:" in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["check", "plan"])
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_case_that_is_not_there(tmp_path: Path, name: str, flags: list[str]) -> None:
    done = detente(name, tmp_path / "nowhere", *flags)
    assert (done.returncode, bool(done.stdout)) == (2, bool(flags))
    assert "does not exist" in done.stderr
    assert "detente init" in done.stderr  # the remedy


def test_a_folder_without_a_case(tmp_path: Path) -> None:
    done = detente("check", tmp_path)
    assert done.returncode == 2
    assert "holds no `case.yaml`" in done.stderr


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    data = data_of(
        [tokens("north", 3) | {"provider": "nord"}],
        [work(demand="many")],
        agreement({"id": "x", "kind": "exklusivity"}),
    )
    done = detente("plan", written(tmp_path / "bad", data))
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no provider `nord`" in done.stderr
    assert "did you mean `north`?" in done.stderr
    assert "`many`" in done.stderr
    assert "did you mean `exclusivity`?" in done.stderr
    told = re.search(r"^(\d+) mistakes$", done.stderr, re.MULTILINE)
    assert told is not None
    assert len(re.findall(r"case\.yaml:\d+:\d+: ", done.stderr)) == int(told[1])


@pytest.mark.parametrize(
    "command",
    [
        "check CASE",
        "plan CASE",
        "price CASE",
        "leverage CASE",
        "compare CASE",
        "simulate CASE",
        "calendar CASE",
        "availability CASE CASE",
        "explain CASE chat",
        "explain CASE --request CASE/case.yaml --workload chat",
        "serve CASE --port 0",
        "serve CASE --port 0 --sandbox",
        "sandbox CASE",
        "keys new --workload chat --case CASE",
        "reconcile CASE CASE/case.yaml --mapping CASE/case.yaml",
    ],
)
def test_mistakes_of_a_case_as_a_document(tmp_path: Path, command: str) -> None:
    case = written(tmp_path / "bad", data_of([tokens("north", 3) | {"provider": "nord"}], [work(demand="many")]))
    done = detente(*command.replace("CASE", str(case)).split(), "--json", cwd=tmp_path)
    found = document(done)
    assert (done.returncode, set(found), found["status"]) == (2, {"status", "mistakes"}, "mistakes")
    assert all(list(m) == ["file", "line", "column", "what", "remedy"] for m in found["mistakes"])
    first = next(m for m in found["mistakes"] if "`nord`" in m["what"])
    assert (first["file"], first["line"]) == (str(case / "case.yaml"), 1)
    assert first["remedy"] == "did you mean `north`?"
    for m in found["mistakes"]:  # the same, in prose
        assert f"{m['file']}:{m['line']}:{m['column']}: {m['what']}\n    {m['remedy']}" in done.stderr
    assert done.stderr.endswith(f"{len(found['mistakes'])} mistakes\n")


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("report nosuch", "nosuch: does not exist; save a plan: `detente plan CASE --out FOLDER`"),
        ("journal .", ".: holds no journal; `detente serve … --journal .` writes one"),
        ("ingest . . --ledger x.db", ".: holds no journal; name a folder that `detente serve` wrote"),
        ("close GOOD --ledger x.db --as-of 2026-02-01", "x.db: there is no such ledger; `detente ingest CASE JOURNAL"),
        ("audit GOOD --ledger x.db", "x.db: there is no such ledger; `detente ingest CASE JOURNAL"),
        ("statement GOOD --ledger x.db", "x.db: there is no such ledger; `detente ingest CASE JOURNAL"),
        ("standing GOOD --ledger x.db", "x.db: there is no such ledger; `detente ingest CASE JOURNAL"),
        ("export GOOD --ledger x.db --out x.csv", "x.db: there is no such ledger; `detente ingest CASE JOURNAL"),
        ("leases GOOD --ledger x.db", "x.db: there is no such ledger; `detente ingest CASE JOURNAL"),
        ("replay GOOD GOOD/case.yaml --column input", "--column input: no role and name; write for example"),
        ("plan GOOD --gap lots", "--gap: `lots` is not a percentage; write for example `20%`"),
        ("explain GOOD", "give either a SUBJECT or --request FILE"),
        ("explain GOOD chat --path /v1/embeddings", "only with --request FILE: --path; add it, or leave them out"),
        (
            "explain GOOD chat --at 2026-06-15 --label a=b --label c=d --workload chat",
            "only with --request FILE: --workload, --label, --at; add it, or leave them out",
        ),
        ("explain GOOD chat --plan nosuch", "nosuch: does not exist; save a plan: `detente plan CASE --out FOLDER`"),
        (
            "keys new --workload Chat",
            "--workload: `Chat` is not a valid name; write lower-case letters, digits, `.`, `_`, `-`",
        ),
        (
            "serve GOOD --certificate GOOD/case.yaml",
            "--certificate and --private-key go together; give both or neither",
        ),
    ],
)
def test_what_else_is_wrong_as_a_document(good: Path, command: str, what: str) -> None:
    done = detente(*command.replace("GOOD", str(good)).split(), "--json", cwd=good)
    found = document(done)
    assert (done.returncode, found["status"]) == (2, "mistakes")
    (mistake,) = found["mistakes"]
    assert (mistake["file"], mistake["line"], mistake["column"], mistake["remedy"]) == (None, None, None, None)
    assert mistake["what"].startswith(what)
    assert mistake["what"] in done.stderr


def test_every_command_with_json_is_tried_with_mistakes() -> None:
    """``schema`` reads nothing, so that nothing can be wrong."""
    tried = {
        "check",
        "plan",
        "price",
        "leverage",
        "compare",
        "simulate",
        "calendar",
        "explain",
        "serve",
        "sandbox",
        "report",
        "journal",
        "keys",
        "leases",
        "ingest",
        "close",
        "standing",
        "availability",
        "replay",
        "export",
        "reconcile",
        "statement",
        "audit",
    }
    named = {n for n, c in cli.every().items() if n == "keys" or any("--json" in p.opts for p in c.params)}
    assert named == tried | {"schema"}


def test_the_list_of_commands_is_the_commands_that_there_are() -> None:
    every = cli.every()
    assert set(every) == set(cli.commands) == set(COMMANDS)
    for name, command in every.items():
        assert getattr(command.callback, "__module__", "") == f"detente.cli.{name}"
        assert len(COMMANDS[name]) < 62, "a line of a terminal of 80"


def test_a_command_that_there_is_not() -> None:
    done = detente("chek")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no command `chek`; did you mean `check`?" in done.stderr


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_bytes(b"name: \xff\xfe")
    done = detente("check", tmp_path)
    assert done.returncode == 2
    assert "is not UTF-8 text" in done.stderr


@pytest.mark.parametrize("name", ["check", "plan"])
@pytest.mark.parametrize("option", ["--reading", "--scenario"])
def test_a_name_that_the_case_does_not_know(disputed: Path, name: str, option: str) -> None:
    done = detente(name, disputed, option, "leter")
    assert (done.returncode, done.stdout) == (2, "")
    assert ("no clause has a reading" if option == "--reading" else "there is no") + " `leter`" in done.stderr
    if option == "--reading":
        assert "did you mean `letter`?" in done.stderr
