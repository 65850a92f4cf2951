"""What every test keeps to, so that the suite says the same on a busy machine as on a free one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import LONGEST, turn

TESTS = Path(__file__).parent
Trees = dict[Path, ast.Module]


@pytest.fixture(scope="module")
def trees() -> Trees:
    """Every file of the tests, parsed once for all that is asked of them."""
    return {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted(TESTS.rglob("*.py"))}


def calls(trees: Trees) -> Iterator[tuple[str, str, ast.Call]]:
    """(file and line, what is called, the call) of every call."""
    for file, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield f"{file.relative_to(TESTS)}:{node.lineno}", called(node.func), node


def test_hypothesis_looks_at_no_clock() -> None:
    assert settings.default is not None
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check


class Long:
    """What is drawn, and long as text, as a case is."""

    def __repr__(self) -> str:
        return "long " * 10_000


def test_what_takes_long_comes_first_and_then_what_waits() -> None:
    """Else it is left when the others are done, and a processor is idle beside it."""
    first = sorted(TESTS.rglob("test_*.py"), key=turn)
    assert {file.name for file in first[:3]} == {Path(file).name for file in LONGEST}, "a file has gone"
    waits = [file.parent.name == "end_to_end" for file in first[3:]]
    assert any(waits)
    assert waits == sorted(waits, reverse=True)


def test_what_is_long_as_text_does_not_hide_why_a_law_fails() -> None:
    @settings(database=None)
    @given(st.builds(Long))
    def law(each: Long) -> None:
        raise AssertionError("planner and oracle differ")

    with pytest.raises(AssertionError, match="planner and oracle differ"):
        law()


def test_no_test_lets_hypothesis_look_at_the_clock_again(trees: Trees) -> None:
    found = []
    for where, name, call in calls(trees):
        for stated in call.keywords:
            if stated.arg == "deadline" and name == "settings" and ast.unparse(stated.value) != "None":
                found.append(f"{where}: a deadline")
            if stated.arg == "suppress_health_check":
                named = ast.unparse(stated.value)
                if "too_slow" not in named and named != "list(HealthCheck)":
                    found.append(f"{where}: `too_slow` is not suppressed")
    assert not found, "\n".join(found)


def test_no_test_sleeps(trees: Trees) -> None:
    """To sleep for no time lets others on a loop act, and takes none."""
    pauses = [
        f"{where}: a fixed pause; wait until something is so (`waiting`)"
        for where, name, call in calls(trees)
        if name == "sleep" and ast.unparse(call.func) in ("time.sleep", "asyncio.sleep", "sleep")
        if ast.unparse(call.args[0]) != "0" and not where.startswith("waiting.py:")
    ]
    assert not pauses, "\n".join(pauses)


DEADLINES = {
    "connect",
    "first",
    "first-byte",
    "idle",
    "keep",
    "keep-alive",
    "patience",
    "time",
    "total",
    "wait",
    "within",
}
"""What deadlines are called where they are stated: as arguments, attributes and in cases."""
WAITS = {"acquire", "join", "later", "result", "setattr", "settimeout", "timeout", "timeout_at", "wait", "wait_for"}
"""What is called with a deadline that has no name; a constant of ours that is set (`setattr`) is one."""
SHORT = {
    "ledger/journals/test_journal.py": "a sync that must not end yet is given a moment to: who is late sees the same",
    "sandbox/test_faults.py": "silence is waited for: who is late hears no more of it",
}
"""Files with deadlines that are short, and why no busy machine ends them too early."""


def called(node: ast.expr) -> str:
    """The last name of what is called or set; nothing for what has none."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def stated(node: ast.AST) -> Iterator[tuple[object, ast.expr]]:
    """(what it is called, value) of whatever a piece of source states that may be a deadline."""
    if isinstance(node, ast.Call):
        yield from ((keyword.arg, keyword.value) for keyword in node.keywords)
        if called(node.func) in WAITS:
            yield from (("wait", value) for value in node.args)
    elif isinstance(node, ast.Assign):
        yield from ((called(target), node.value) for target in node.targets)
    elif isinstance(node, ast.Dict):
        keys = (key.value if isinstance(key, ast.Constant) else None for key in node.keys)
        yield from zip(keys, node.values, strict=True)


def deadlines(tree: ast.Module) -> Iterator[tuple[int, float]]:
    """(line, seconds) of each deadline that a file states as a constant, by itself or by a name of the file's."""
    named = {
        called(target): node.value for node in tree.body if isinstance(node, ast.Assign) for target in node.targets
    }
    for name, value in (each for node in ast.walk(tree) for each in stated(node)):
        if not isinstance(name, str):
            continue
        if name.replace("_", "-") in DEADLINES or name.endswith(("timeout", "limit")):
            constant = named.get(value.id) if isinstance(value, ast.Name) else value
            if isinstance(constant, ast.Constant):
                yield value.lineno, seconds(constant.value)


def seconds(constant: object) -> float:
    """How long a constant is as a deadline; none, where it is no span of time."""
    if isinstance(constant, str):
        said = re.fullmatch(r"(\d*\.?\d+) ?(m?)s", constant)
        return float(said[1]) / (1000 if said[2] else 1) if said else 0.0
    return float(constant) if isinstance(constant, int | float) else 0.0


def test_no_deadline_is_one_that_a_busy_machine_misses(trees: Trees) -> None:
    """It has passed before anything is done (within 0.1 ms), or is let pass by the test (``waiting.AGES``)."""
    short: dict[str, list[str]] = {}
    for file, tree in trees.items():
        for line, lasts in deadlines(tree):
            if 0.0001 < lasts < 1:
                short.setdefault(str(file.relative_to(TESTS)), []).append(f"line {line}: {lasts:g} s")
    assert {name: lines for name, lines in short.items() if name not in SHORT} == {}, "a machine that is busy misses it"
    assert short.keys() == SHORT.keys(), "`SHORT` says why, where there is none any more"


@pytest.mark.parametrize(
    "source",
    [
        "client(connect=0.2)",
        "Patience(first=0.05)",
        "pool.connect = 0.05",
        "SOON = 0.3\nclient(timeout=SOON)",
        "stage(time='300 ms')",
        "serving = {'deadlines': {'first-byte': '0.3 s'}}",
        "monkeypatch.setattr(renewal, 'PATIENCE', 0.05)",
        "connection.settimeout(0.1)",
        "future.result(.5)",
        "ask(until=later(0.01))",
    ],
)
def test_a_deadline_is_seen_however_it_is_stated(source: str) -> None:
    assert [lasts for _, lasts in deadlines(ast.parse(source)) if 0.0001 < lasts < 1]


@pytest.mark.parametrize("source", ["client(connect=0)", "plan(time_limit=1e-9)", "wait(60)", "part(share=0.5)"])
def test_none_and_a_long_one_are_no_short_deadlines(source: str) -> None:
    assert not [lasts for _, lasts in deadlines(ast.parse(source)) if 0.0001 < lasts < 1]


SLOW = ("langchain", "langsmith", "schemathesis")
"""Packages that take a second to import, in each process that collects the tests."""


def test_what_is_slow_to_import_is_imported_by_the_test_that_needs_it(trees: Trees) -> None:
    early = []
    for file, tree in trees.items():
        if file.parent.name == "packages":  # programs of their own
            continue
        for node in tree.body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            early += [f"{file.relative_to(TESTS)}:{node.lineno}: {name}" for name in names if name.startswith(SLOW)]
    assert not early, "\n".join(early)
