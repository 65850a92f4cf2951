"""What every test keeps to, so that the suite says the same on a busy machine as on a free one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("*.py"))


def calls(file: Path) -> Iterator[ast.Call]:
    """Every call that a file makes."""
    return (node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))


def test_hypothesis_looks_at_no_clock() -> None:
    assert settings.default is not None
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))
def test_no_test_lets_hypothesis_look_at_the_clock_again(file: Path) -> None:
    for call in calls(file):
        for stated in call.keywords:
            where = f"{file.relative_to(TESTS)}:{call.lineno}"
            if stated.arg == "deadline" and ast.unparse(call.func).endswith("settings"):
                assert ast.unparse(stated.value) == "None", f"{where}: a deadline"
            if stated.arg == "suppress_health_check":
                named = ast.unparse(stated.value)
                assert "too_slow" in named or named == "list(HealthCheck)", f"{where}: `too_slow` is not suppressed"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))
def test_no_test_sleeps(file: Path) -> None:
    """To sleep for no time lets others on a loop act, and takes none."""
    if file.name == "waiting.py":
        return
    for call in calls(file):
        if ast.unparse(call.func) in ("time.sleep", "asyncio.sleep", "sleep"):
            where = f"{file.relative_to(TESTS)}:{call.lineno}"
            assert ast.unparse(call.args[0]) == "0", f"{where}: a fixed pause; wait until something is so (`waiting`)"


SLOW = ("langchain", "langsmith", "schemathesis")
"""Packages that take a second to import, in each process that collects the tests."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TESTS)))
def test_what_is_slow_to_import_is_imported_by_the_test_that_needs_it(file: Path) -> None:
    if file.parent.name == "packages":  # programs of their own
        return
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not [name for name in names if name.startswith(SLOW)], f"{file.relative_to(TESTS)}:{node.lineno}"
