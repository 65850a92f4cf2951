"""The calendar as people and their programs read it: a table, a page, iCalendar by a reader of its own."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.agenda import AgendaLine
from detente.cli import cli
from detente.report.agenda import CaseAgenda, render_agenda, to_ics
from tests.builders import agreement, data_of, tokens, work

REPORT = {
    "id": "report",
    "kind": "obligation",
    "what": "a report; of <all>, \\n",
    "due": "2026-03-01",
    "done": ["2026-03-03"],
}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    file = tmp_path / "case.yaml"
    file.write_text(json.dumps(data_of([tokens("north", 3)], [work()], agreement(REPORT))), encoding="utf-8")
    return file


def ran(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["calendar", *map(str, arguments)], standalone_mode=False)
    assert done.exception is None, done.exception
    return done.return_value, done.stdout


def unfolded(text: str) -> list[str]:
    """The lines of an iCalendar file, put together again as RFC 5545 §3.1 says."""
    assert text.endswith("\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    return text.replace("\r\n ", "").split("\r\n")[:-1]


def value(text: str) -> str:
    """A text of iCalendar as it was, by RFC 5545 §3.3.11."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], text)


def test_the_terminal_says_who_acts_and_how_late(case: Path) -> None:
    code, text = ran(case, "--from", "2026-02-01", "--until", "2026-04-01")
    assert code == 0
    assert "1 line from 2026-02-01 to 2026-03-31; 0 ask somebody to act." in text
    assert "done on 2026-03-03, 2 days late" in text


def test_the_document_and_the_files_say_the_same(case: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, text = ran(case, "--json", "--out", out)
    assert code == 0
    found = json.loads(text)
    assert json.loads((out / "calendar.json").read_text(encoding="utf-8")) == found
    assert [each["on"] for each in found["days"]] == ["2026-01-01", "2026-03-01", "2026-06-30"]
    assert found["days"][1] == {
        "on": "2026-03-01",
        "role": "duty",
        "what": "a report; of <all>, \\n",
        "agreement": "north-deal",
        "clause": "report",
        "by": "self",
        "done": "2026-03-03",
    }
    lines = unfolded((out / "calendar.ics").read_bytes().decode())
    said = [value(line.partition(":")[2]) for line in lines if line.startswith("SUMMARY:")]
    assert said[1] == "a report; of <all>, \\n [self] – done on 2026-03-03, 2 days late"
    assert [line for line in lines if line.startswith("DTSTART")][1] == "DTSTART;VALUE=DATE:20260301"
    page = (out / "calendar.html").read_text(encoding="utf-8")
    assert "a report; of &lt;all&gt;" in page
    assert "<script" not in page


def test_days_out_of_order_are_refused(case: Path) -> None:
    done = CliRunner().invoke(cli, ["calendar", str(case), "--until", "2026-01-01"])
    assert (done.exit_code, "is not after 2026-01-01" in done.output) == (1, True)
    done = CliRunner().invoke(cli, ["calendar", str(case), "--from", "soon"])
    assert "--from: `soon` is not a date" in done.output


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200), st.text(max_size=20))
def test_no_text_breaks_the_file(what: str, by: str) -> None:
    line = AgendaLine(date(2026, 1, 1), "duty", what, "deal", "clause", by or None)
    lines = unfolded(to_ics(CaseAgenda("c", "c", None, None, date(2026, 1, 1), date(2026, 2, 1), [line])))
    assert len(lines) == 4 + 10 + 1
    assert all(re.match(r"[A-Z-]+[;:]", each) for each in lines)
    assert [each.count("BEGIN:VEVENT") for each in lines].count(1) == 1


def test_nothing_to_list_is_a_page_too() -> None:
    found = CaseAgenda("c", "c", None, None, date(2026, 1, 1), date(2026, 2, 1), [])
    assert "0 lines from 2026-01-01 to 2026-01-31" in render_agenda(found)
