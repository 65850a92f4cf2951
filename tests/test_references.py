"""What the documentation and the package say of each other: links, files, rooms, rules and decisions are there."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from detente import terms
from tests.pages import PAGES, ROOT, prose, read


@cache
def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"\[(.*?)\]\(.*?\)", r"\1", head).replace("`", "").lower() for head in heads)
    return {re.sub(r"[^\w\- ]", "", head).replace(" ", "-") for head in plain}


def test_links_lead_somewhere() -> None:
    dead = [f"{page.relative_to(ROOT)}: {fault}" for page in PAGES for fault in _dead_links(page)]
    assert not dead, "\n".join(dead)


def _dead_links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists():
            yield f"{target} leads nowhere"
        elif anchor and anchor not in anchors(there):
            yield f"{target}: there is no such heading"


def test_nothing_that_an_installed_program_says_names_a_page() -> None:
    """A wheel has the package alone."""
    named = [
        f"{path.relative_to(ROOT)}:{line}: {page}"
        for path in sorted((ROOT / "detente").rglob("*.py"))
        for line, text in _said(ast.parse(path.read_text(encoding="utf-8")))
        for page in re.findall(r"\bdocs/[\w/.-]+|\b[\w-]+\.md\b", text)
    ]
    assert not named, "\n".join(named)


def _said(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The texts of a file that are no docstrings, and their lines."""
    alone = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for each in ast.walk(tree):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in alone:
            yield each.lineno, each.value


def test_no_page_names_a_file_that_is_not_there() -> None:
    gone = [
        f"{page.relative_to(ROOT)} names {name}"
        for page in PAGES
        for name in re.findall(r"\bdetente/[\w/]*\.(?:py|html|css|yaml)\b", read(page))
        if not (ROOT / name).exists()
    ]
    assert not gone, "\n".join(gone)


def test_a_file_that_is_named_by_the_end_of_its_path_is_there() -> None:
    """`planner/answer/bill.py`, or `bill.py`; on the page of the planner, one of the planner's own."""
    paths = [
        f"/{path.relative_to(ROOT)}" for room in ("detente", "tests", "bench") for path in (ROOT / room).rglob("*.py")
    ]
    gone = []
    for page in PAGES:
        within = "/detente/planner/" if page.name == "planner.md" else "/"
        for name in set(re.findall(r"`(?!detente/)([\w/]+\.py)`", read(page))) - {"detente.py"}:
            named = [path for path in paths if path.endswith(f"/{name}")]
            if not any(path.startswith(within) or "/" in name for path in named):
                gone.append(f"{page.relative_to(ROOT)} names {name}")
    assert not gone, "\n".join(gone)


def test_the_code_that_a_clause_s_page_names_is_in_those_files() -> None:
    """``Code: `detente/terms/x.py`: `shape`, `settle`; …``: what follows a file is defined in it."""
    gone, pages = [], sorted((ROOT / "docs" / "terms").glob("*.md"))
    for page in pages:
        for file, names in re.findall(
            r"`(detente/[\w/]+\.py)`: ((?:`\w+`(?:, | and )?)+)", read(page).partition("\nCode: ")[2]
        ):
            code = read(ROOT / file)
            wanted = re.findall(r"`(\w+)`", names)
            gone += [
                f"{page.name}: {name} in {file}"
                for name in wanted
                if not re.search(rf"\bdef {name}\b|^ +{name}:", code, re.M)
            ]
    assert len(pages) > 20
    assert not gone, "\n".join(gone)


def test_what_a_file_says_is_elsewhere_is_there() -> None:
    """``Not here: the rule (``reach/verdict``)``: a file or a room, by its path or, in the same room, by its name."""
    package = ROOT / "detente"
    rooms = defaultdict[str, set[str]](set)  # by the end of a path, those that have such a path
    for path in (each.relative_to(package).with_suffix("") for each in package.rglob("*")):
        for first in range(len(path.parts)):
            rooms["/".join(path.parts[first:])].add(path.parts[0])
    astray = []
    for path in package.rglob("*.py"):
        told = read(path).partition('"""')[2].partition('"""')[0].partition("Not here:")[2].partition("\n\n")[0]
        for pointers in re.findall(r"\((``[^()]*)\)", told.replace("\n", " ")):
            for name in re.findall(r"``(?!docs/)([a-z_]+(?:[./][a-z_]+)*?)(?:/|\.py|\.html|\.typ)?``", pointers):
                leads = rooms[name.replace(".", "/")]
                if path.relative_to(package).parts[0] not in leads and len(leads) != 1 and name not in leads:
                    astray.append(f"{path.relative_to(ROOT)}: {name}")
    assert astray == []


def test_the_layout_is_that_of_the_package() -> None:
    """Each file, in its own room and in no other; kinds of clause and the sandbox are told in a line."""
    layout = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8").split("```")[1]
    package = ROOT / "detente"
    told, rooms = defaultdict[Path, set[str]](set), [(-1, package)]
    for line in layout.splitlines():
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent:
            rooms = [room for room in rooms if room[0] < indent]
            if room := re.match(r" +(\w+)/(?: |$)", line):
                rooms.append((indent, rooms[-1][1] / room[1]))
            told[rooms[-1][1]] |= set(re.findall(r"\b\w+\.py\b", line)) - {"__init__.py"}
    there = defaultdict[Path, set[str]](set)
    for path in package.rglob("*.py"):
        there[path.parent] |= {path.name} - {"__init__.py"}
    told[package / "terms"] |= {f"{kind.__module__.rpartition('.')[2]}.py" for kind in terms.kinds()}
    held, told[package / "sandbox"] = told.keys() | there.keys(), there[package / "sandbox"]
    assert {
        room.relative_to(ROOT): sorted(told[room] ^ there[room]) for room in held if told[room] != there[room]
    } == {}


def test_the_design_names_every_room() -> None:
    design = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rooms = design.partition("\n## 3. ")[2].partition("\n## 4. ")[0]
    there = {path.parent.name for path in (ROOT / "detente").glob("*/__init__.py")}
    assert sorted(there - set(re.findall(r"`(\w+)`", rooms.partition("File by file")[0]))) == []


def test_every_cited_rule_is_in_the_design() -> None:
    design = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    rules = design.partition("\n## 4. ")[2].partition("\n## 5. ")[0]
    known = set(re.findall(r"^(\d+)\. ", rules, re.MULTILINE))
    assert known == {str(n) for n in range(1, 16)}
    sections = set(re.findall(r"^## (\d+)\. ", design, re.MULTILINE))
    sources = [*(ROOT / "detente").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *PAGES]
    for source in sources:
        text = source.read_text(encoding="utf-8")
        for section in re.findall(r"[Dd]esign §(\d+)(?![\d.])", text):
            assert section in sections, f"{source.name} cites design §{section}"
        for rule in re.findall(r"(?<![Dd]esign )§(\d+)", text) + re.findall(r"[Dd]esign §4\.(\d+)", text):
            assert rule in known, f"{source.name} cites §{rule}"
    configured = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert set(re.findall(r"design §4\.(\d+)", configured)) <= known


def test_decisions_are_numbered_without_gaps_and_say_context_choice_cost() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {page.name[:4]}: ")
        assert re.findall(r"^## (\w+)", text, re.MULTILINE)[:3] == ["Context", "Choice", "Cost"], page.name


def test_the_version_is_in_the_changelog() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
