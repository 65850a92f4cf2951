"""The documentation against the program: every kind, command and option has its place, every example runs.

Conventions of the pages, by the first line of a ``yaml`` block: ``# case`` is a whole case; ``# add`` goes to
the end of the page's case; ``# clause`` is read inside the case of ``docs/terms/README.md``, and the page's
table of costs is what the plan of that case costs. Any other block with sections of a case is read entry by
entry. ``console`` blocks of the tutorial are replayed: ``REWRITE_DOCS=1`` writes what they print now.
"""

from __future__ import annotations

import doctest
import os
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from detente import terms
from detente.case import declared as sections
from detente.case.case import Case
from detente.case.document import Document
from detente.cli import cli
from detente.errors import Flaw
from detente.planner.check import check
from detente.planner.solve import plan
from detente.results.plan import Plan
from detente.values.money import shown
from tests.pages import PAGES, ROOT, read

TERMS = ROOT / "docs" / "terms"


def kinds() -> list[str]:
    return sorted(terms.KINDS)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL)


def marked(page: Path, mark: str) -> list[str]:
    return [block for block in blocks(page, "yaml") if block.startswith(f"# {mark}\n")]


def data(text: str) -> dict[str, Any]:
    found = Document.parse(text.encode(), "example").data()
    assert isinstance(found, dict)
    return found


CASES = [(page, text) for page in PAGES for text in marked(page, "case")]
CLAUSES = [(page, text) for page in PAGES for text in marked(page, "clause")]


@cache
def two_clouds() -> str:
    (text,) = marked(TERMS / "README.md", "case")
    return text


# -- what must have its place ---------------------------------------------------------------------
@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_clause_has_a_page_with_an_example(kind: str) -> None:
    page = TERMS / f"{kind}.md"
    assert page.is_file(), f"write docs/terms/{kind}.md"
    (example,) = marked(page, "clause")
    used = {term["kind"] for agreement in data(example)["agreements"] for term in agreement["terms"]}
    assert kind in used
    rows = (TERMS / "README.md").read_text(encoding="utf-8").splitlines()
    assert any(row.startswith(f"| [{kind}]({kind}.md) |") for row in rows), "give it a row in docs/terms/README.md"


def test_every_page_of_a_clause_is_about_a_kind() -> None:
    assert {page.stem for page in TERMS.glob("*.md")} == {*kinds(), "README", "finding", "mechanics"}


@pytest.mark.parametrize("kind", terms.kinds(), ids=lambda kind: kind.__name__)
def test_every_key_of_a_clause_is_on_its_page(kind: Any) -> None:
    name = kind.model_fields["kind"].annotation.__args__[0]
    pages = (TERMS / f"{name}.md").read_text(encoding="utf-8") + (TERMS / "README.md").read_text(encoding="utf-8")
    keys = [field.alias for field in kind.model_fields.values()]
    assert [key for key in keys if f"`{key}`" not in pages] == []


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The declared things that an annotation may hold, and what they hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        if annotation not in terms.kinds():
            for field in annotation.model_fields.values():
                yield from models(field.annotation)
    for part in get_args(annotation):
        yield from models(part)


def test_every_key_of_a_case_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "guide" / "case-format.md").read_text(encoding="utf-8")
    written = set(re.findall(r"`(?:\w+\.)?([\w-]+)(?::[^`]*)?`", text))
    for model in dict.fromkeys(models(sections.Declared)):
        if model not in terms.kinds():  # these have pages of their own
            keys = {str(field.alias) for field in model.model_fields.values()}
            assert sorted(keys - written) == [], model.__name__


@pytest.mark.parametrize("name", sorted(cli.every()))
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"detente {name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_option_is_documented() -> None:
    written = set(re.findall(r"--[\w-]*\w", "\n".join(map(read, PAGES))))
    options = {
        (name, option)
        for name, command in cli.every().items()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--")
    }
    assert [each for each in sorted(options) if each[1] not in written] == []


# -- what must be true ----------------------------------------------------------------------------
@pytest.mark.parametrize(("page", "text"), CASES, ids=[str(p.relative_to(ROOT)) for p, _ in CASES])
def test_every_case_in_the_docs_can_be_planned(page: Path, text: str) -> None:
    case = Case.of(data(text))
    for reading in case.readings or (None,):
        assert isinstance(plan(case.under(reading=reading)), Plan)


@cache
def cost(clauses: str, reading: str | None) -> str:
    case = Case.of(data(two_clouds() + clauses)).under(reading=reading)
    found = plan(case)
    assert isinstance(found, Plan)
    return shown(found.cost, found.currency)


@pytest.mark.parametrize(("page", "text"), CLAUSES, ids=[str(p.relative_to(ROOT)) for p, _ in CLAUSES])
def test_every_clause_in_the_docs_costs_what_its_page_says(page: Path, text: str) -> None:
    rows = re.findall(r"^\| (with.*?) \| ([\d.]+ M USD) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) >= 2
    for what, said in rows:
        reading = re.search(r"reading `(.+)`", what)
        assert cost("" if "without" in what else text, reading[1] if reading else None) == said, what
    readings = Case.of(data(two_clouds() + text)).readings
    assert len(rows) == 1 + max(1, len(readings)), "a row for each reading"


FRAGMENTS = [
    (page, text)
    for page in PAGES
    for text in blocks(page, "yaml")
    if not text.startswith("# ") and set(re.findall(r"^([\w-]+):", text, re.MULTILINE)) & {"name", *sections.SECTIONS}
]


@pytest.mark.parametrize(("page", "text"), FRAGMENTS, ids=[f"{p.stem}-{t.split(':')[0]}" for p, t in FRAGMENTS])
def test_every_fragment_of_a_case_reads(page: Path, text: str) -> None:
    mistakes: list[Flaw] = []
    whole = data(text)
    for section in whole.keys() & sections.SECTIONS.keys():
        for index, entry in enumerate(whole[section]):
            sections.read_entry(section, entry, (section, index), mistakes.append)
    head = {key: value for key, value in whole.items() if key not in sections.SECTIONS}
    if head:
        sections.read_head(head, mistakes.append)
    assert mistakes == [], page.name


def test_the_tutorial_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "guide" / "first-case.md"
    text = page.read_text(encoding="utf-8")
    case = tmp_path / "first-case" / "case.yaml"
    case.parent.mkdir()
    monkeypatch.chdir(tmp_path)
    pieces = re.split(r"^(```\w+\n.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    for at, piece in enumerate(pieces):
        if piece.startswith("```yaml\n# case\n"):
            case.write_text(piece[8:-3], encoding="utf-8")
        elif piece.startswith("```yaml\n# add\n"):
            case.write_text(case.read_text(encoding="utf-8") + piece[8:-3], encoding="utf-8")
        elif piece.startswith("```console\n"):
            commands = re.findall(r"^\$ (detente .*)$", piece, re.MULTILINE)
            printed = "".join(f"$ {command}\n{_printed(command)}" for command in commands)
            pieces[at] = f"```console\n{printed}```"
    if os.environ.get("REWRITE_DOCS"):
        page.write_text("".join(pieces), encoding="utf-8")
        return
    assert "".join(pieces) == text


def _printed(command: str) -> str:
    done = CliRunner().invoke(cli, command.split()[1:], standalone_mode=False)
    said = done.output if done.exception is None else f"{done.output}{done.exception}\n"
    return "".join(f"{line.rstrip()}\n" for line in said.strip("\n").split("\n")) if said.strip() else ""


def test_the_session_in_python_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "guide" / "python.md"
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(cli, ["init", "my-case"], catch_exceptions=False)
    text = "".join(blocks(page, "pycon"))
    session = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    said: list[str] = []
    done = doctest.DocTestRunner(verbose=False).run(session, out=said.append)
    assert done.attempted > 15
    assert "".join(said) == ""


def test_the_kind_of_ones_own_is_planned_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "guide" / "own-kinds.md"
    monkeypatch.setattr(terms, "KINDS", {**terms.KINDS})
    (tmp_path / "levy.py").write_text("".join(blocks(page, "python")))
    monkeypatch.syspath_prepend(tmp_path)
    names = vars(import_module("levy"))
    session = doctest.DocTestParser().get_doctest("".join(blocks(page, "pycon")), names, page.name, str(page), 0)
    said: list[str] = []
    done = doctest.DocTestRunner(verbose=False).run(session, out=said.append)
    assert done.attempted == 14
    assert "".join(said) == ""


def test_the_case_of_the_tutorial_turns_on_the_reading() -> None:
    page = ROOT / "docs" / "guide" / "first-case.md"
    case = Case.of(data(marked(page, "case")[0] + marked(page, "add")[0]))
    found = check(case)
    assert found.answer == "depends"
    assert found.readings["letter"] is None
    assert found.conflict is not None
    assert {clause.term for clause in found.conflict.clauses} == {"api-exclusivity", "south-floor"}


def test_the_case_of_the_examples_can_be_performed() -> None:
    assert check(Case.of(data(two_clouds()))).answer == "yes"
