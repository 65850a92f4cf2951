"""One name for one thing: no two rooms of the package call different things by the same name."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "detente"
CAPITALISED = re.compile(
    r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*"
)  # classes and names of types; neither CONSTANTS nor _own ones


def declared(module: ast.Module) -> Iterator[str]:
    """The classes and types that a file declares at its top level."""
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_no_two_classes_or_types_share_a_name() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for file in sorted(PACKAGE.rglob("*.py")):
        for name in declared(ast.parse(file.read_text(encoding="utf-8"))):
            if CAPITALISED.fullmatch(name):
                homes[name].append(str(file.relative_to(PACKAGE)))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def texts(module: ast.Module) -> Iterator[str]:
    """What a file says: its texts but for those that stand alone, which are comments."""
    alone = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_options_are_named_by_commands_and_by_what_people_read_alone() -> None:
    """Elsewhere a mistake names the parameter (``CaseError.of_parameter``), or a command as it is typed."""
    option, command = re.compile(r"(?<![\w<!-])--[a-z]"), re.compile(r"`detente [^`]*(`|$)")
    rest = [
        file for file in sorted(PACKAGE.rglob("*.py")) if file.relative_to(PACKAGE).parts[0] not in ("cli", "report")
    ]
    said = {
        (str(file.relative_to(PACKAGE)), text)
        for file in rest
        if "--" in (whole := file.read_text(encoding="utf-8"))
        for text in texts(ast.parse(whole))
        if option.search(command.sub("", text))
    }
    assert said == set()


def test_limits_are_called_max_and_min() -> None:
    odd = re.compile(r"_?(?:MOST|LEAST|\w+_MOST|\w+_LEAST|MOST_\w+|LEAST_\w+)")
    texts = {file: file.read_text(encoding="utf-8") for file in sorted(PACKAGE.rglob("*.py"))}
    found = {
        (str(file), node.id)
        for file, text in texts.items()
        if "MOST" in text or "LEAST" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and odd.fullmatch(node.id)
    }
    assert found == set()
