"""Every command as a shell sees it: exit codes, streams, JSON, help, mistakes, stopping. Never a traceback."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from detente.cli import cli
from detente.cli.listing import COMMANDS
from detente.errors import CaseError, PlanError
from detente.results.plan import Plan
from tests.builders import Data, agreement, compute, data_of, gpus, tokens, work
from tests.cli.shell import detente, environment


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run a program that calls a command its own way."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=False, timeout=120
    )


def document(done: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON document on standard output."""
    return json.loads(done.stdout)


def written(folder: Path, data: Data) -> Path:
    """A case as a folder. JSON is YAML too, but for its pairs of surrogates."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "case.yaml").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return folder


OFFERS = [tokens("north", 3), tokens("south", 2)]
FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "3 k USD", "text": "At least $3,000."}
ONLY = {"id": "only", "kind": "exclusivity", "text": "Only on North."}
READINGS = {"letter": {"of": {"api": "stateless"}}, "spirit": {"of": {"api": ["stateless", "stateful"]}}}


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return written(tmp_path / "good", data_of(OFFERS, [work()], agreement(FLOOR)))


@pytest.fixture
def clash(tmp_path: Path) -> Path:
    other = agreement(ONLY | {"id": "other", "text": "Only on South."}, party="south")
    return written(tmp_path / "clash", data_of(OFFERS, [work()], agreement(ONLY), other, months=1))


@pytest.fixture
def disputed(tmp_path: Path) -> Path:
    each = [work("chat", labels={"api": "stateless"}), work("agents", labels={"api": "stateful"})]
    share = {"id": "part", "kind": "share", "at-least": "20%"}
    deals = [agreement(ONLY | {"readings": READINGS}), agreement(share, party="south")]
    return written(tmp_path / "disputed", data_of(OFFERS, each, *deals, months=1))


# -- help and misuse -------------------------------------------------------------------------------------
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
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True, timeout=60
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-command"], "there is no command `no-such-command`"),
        (["plan"], "Missing argument"),
        (["report"], "Missing argument"),
        (["explain", "somewhere"], "give either a SUBJECT"),
        (["plan", "x", "--no-such-option"], "No such option"),
        (["plan", "x", "--time-limit", "0"], "--time-limit"),
        (["plan", "x", "--time-limit", "soon"], "--time-limit"),
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


# -- check -----------------------------------------------------------------------------------------------
def test_check_yes(good: Path) -> None:
    done = detente("check", good)
    assert done.returncode == 0
    assert "yes" in done.stdout.lower()
    answer = document(detente("check", good, "--json"))
    assert (answer["answer"], answer["conflict"], answer["relaxation"]) == ("yes", [], [])


def test_check_no(clash: Path) -> None:
    done = detente("check", clash, "--json")
    answer = document(done)
    assert (done.returncode, done.stderr, answer["answer"]) == (1, "", "no")
    assert [(c["term"], c["text"]) for c in answer["conflict"]] == [
        ("only", "Only on North."),
        ("other", "Only on South."),
    ]
    keys = {"term", "start", "end", "given", "dearer", "sentence", "cost", "owed", "at-most", "together"}
    assert [(set(r), r["together"]) for r in answer["relaxation"]] == [(keys, [])] * 2
    # cheapest first: 1000 Mtok at South for 2, or at North for 3
    assert [(r["term"], Decimal(r["cost"])) for r in answer["relaxation"]] == [("only", 2000), ("other", 3000)]
    assert all(isinstance(r["given"][0]["amount"], str) and isinstance(r["cost"], str) for r in answer["relaxation"])
    shown = detente("check", clash)
    assert shown.returncode == 1
    for words in ("only", "other", "Only on North.", "Only on South."):
        assert words in shown.stdout


def test_check_says_which_clauses_must_give_together(tmp_path: Path) -> None:
    """One offer, forbidden twice: in this process, since what the shell sees is tested above."""
    data = data_of([tokens("south", 2)], [work()], agreement(ONLY, ONLY | {"id": "again"}), months=1)
    done = CliRunner().invoke(cli, ["check", str(written(tmp_path / "twice", data)), "--json"])
    ways = json.loads(done.stdout)["relaxation"]
    assert {way["term"]: way["together"] for way in ways} == {"only": ["again"], "again": ["only"]}


def test_check_depends(disputed: Path) -> None:
    done = detente("check", disputed, "--json")
    answer = document(done)
    assert (done.returncode, answer["answer"]) == (1, "depends")
    assert {r["reading"]: r["answer"] for r in answer["readings"]} == {"letter": "yes", "spirit": "no"}
    assert {c["term"] for c in answer["conflict"]} == {"only", "part"}
    assert detente("check", disputed, "--reading", "letter").returncode == 0
    assert detente("check", disputed, "--reading", "spirit").returncode == 1
    assert "spirit" in detente("check", disputed).stdout


# -- plan ------------------------------------------------------------------------------------------------
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


@pytest.mark.parametrize("subject", ["chatt", "chat@nord", "@", ""])
def test_explain_what_is_not_there(good: Path, subject: str) -> None:
    done = detente("explain", good, subject)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


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


# -- stopping --------------------------------------------------------------------------------------------
def slow(folder: Path, value: str | None = "60 USD per GPU-hour") -> Path:
    """Whole units of awkward sizes, with shares of spend to hit: minutes of branch and bound, at a gap of 0%."""
    sizes = (8, 5, 7, 3, 11, 13, 6, 9)
    offers = [
        gpus("north" if i % 2 else "south", f"{2 + i / 10}", id=f"o{i}", unit=s, capacity=f"{s * 9} GPU")
        for i, s in enumerate(sizes)
    ]
    valued = {"value": value} if value else {}
    each = [compute(f"w{i}", {"rate": f"{27.3 + i} GPU", "growth": f"{3 + i}% per month"}, **valued) for i in range(5)]
    shares = {"kind": "share", "at-least": "37%", "at-most": "59%", "measure": "spend", "windows": {"every": "month"}}
    deals = [agreement(shares | {"id": f"{p}-part"}, party=p) for p in ("north", "south")]
    return written(folder, data_of(offers, each, *deals, months=12))


SOLVING = """
import signal, sys
import highspy
real, looks = highspy.Highs.wait, {looks}
def wait(solver, timeout=None):
    global looks
    done = real(solver, timeout)
    looks -= not done[0]
    if not (looks or done[0]):
        looks = -1
        signal.raise_signal(signal.SIGINT)
    return done
highspy.Highs.wait = wait
sys.argv[:] = {arguments!r}
from detente.__main__ import main
main()
"""


@pytest.mark.parametrize("looks", [1, 8])
def test_control_c(tmp_path: Path, looks: int) -> None:
    """Pressed as the plan looks whether the solver is done, and finds it at work: the first time, or later."""
    arguments = ["detente", "plan", str(slow(tmp_path / "slow")), "--gap", "0%", "--json"]
    done = python(SOLVING.format(looks=looks, arguments=arguments))
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert done.returncode in (0, 130), (done.returncode, done.stderr)
    if done.returncode == 0:
        assert done.stderr == ""  # the solver's own words stay away
        found = document(done)
        assert found["status"] == "interrupted"
        assert Decimal(found["bound"]) < Decimal(found["cost"])
    else:
        assert (done.stdout, done.stderr.strip()) == ("", "stopped")


def test_control_c_while_a_plan_is_saved_and_printed(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Plan.save

    def pressed(plan: Plan, folder: Path) -> list[Path]:
        signal.raise_signal(signal.SIGINT)
        return save(plan, folder)

    monkeypatch.setattr(Plan, "save", pressed)
    out = tmp_path / "out"
    done = CliRunner().invoke(cli, ["plan", str(good), "--out", str(out), "--json"], standalone_mode=False)
    assert (done.return_value, Plan.load(out)) == (0, Plan.from_json(done.stdout))


PRESSED = """
import signal, sys
class Pressing:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)
if {ignored}:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.meta_path.insert(0, Pressing())
sys.argv[:] = {arguments!r}
from detente.__main__ import main
main()
"""


def pressed(module: str, *arguments: object, ignored: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command in which Ctrl-C is pressed at the moment at which it first imports a module."""
    code = PRESSED.format(module=module, ignored=ignored, arguments=["detente", *map(str, arguments)])
    return python(code)


@pytest.mark.parametrize(
    "module", ["detente.cli", "click", "detente.case.case", "pydantic", "numpy", "highspy", "detente.planner.check"]
)
def test_control_c_at_the_start(good: Path, module: str) -> None:
    done = pressed(module, "check", good)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "stopped")


def test_control_c_that_pydantic_hides() -> None:
    """It then ends in an error of pydantic's that has nothing but the name."""
    code = "import detente.cli as c\ndef hidden(): raise ValueError('SchemaError: …\\n  KeyboardInterrupt: ')\n"
    code += "c._code = hidden\nc.main(interruptible=True)"
    done = python(code)
    assert (done.returncode, done.stderr) == (130, "stopped\n")


def test_control_c_of_another_s_terminal_is_ignored_in_the_background(good: Path) -> None:
    done = pressed("numpy", "check", good, "--json", ignored=True)
    assert (done.returncode, document(done)["answer"]) == (0, "yes")


def test_control_c_after_the_end_changes_nothing(good: Path) -> None:
    code = "import atexit, signal, sys\natexit.register(signal.raise_signal, signal.SIGINT)\n"
    code += f"sys.argv[:] = ['detente', 'check', {str(good)!r}, '--json']\nfrom detente.__main__ import main\nmain()"
    done = python(code)
    assert (done.returncode, done.stderr, document(done)["answer"]) == (0, "", "yes")


def test_a_time_limit_is_kept(tmp_path: Path) -> None:
    """Without one it runs for longer than ``detente`` waits."""
    done = detente("plan", slow(tmp_path / "slow"), "--gap", "0%", "--time-limit", "2", "--json")
    assert done.returncode in (0, 3)
    status = document(done)["status"]
    assert status in (("time-limit", "feasible") if done.returncode == 0 else ("not-settled",))


def test_a_reader_that_goes_away(good: Path) -> None:
    shell = f"'{sys.executable}' -m detente plan '{good}' --json | head -c 10"
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, env=environment(), check=False, timeout=60
    )
    assert done.stdout == '{"checksum'
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
