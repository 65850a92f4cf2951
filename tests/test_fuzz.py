"""Any bytes at all in a case's files: a case, or mistakes; never another exception, and soon."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.case.case_files import FOLDERS
from detente.demand.workload import Training
from detente.errors import CaseError, MissingExtraError, Mistake
from tests import fuzz as hostile
from tests.drawing import MORE
from tests.effort import soon

VALID = (Path(__file__).parent / "cases" / "mistakes" / "case.yaml").read_text(encoding="utf-8")
LINES = VALID.splitlines()


def fuzz(examples: int) -> settings:
    """The same examples at every run, unless more are asked for."""
    return settings(
        max_examples=examples * MORE,
        derandomize=MORE == 1,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def holds(path: Path) -> None:
    """A case, in all that is asked of it, or mistakes that can be shown; soon."""
    found = soon(lambda: mistakes_at(path), hostile.MAX_CALLS)
    if found is not None:
        assert found.mistakes
        assert all(mistake.what.strip() and mistake.remedy.strip() for mistake in found.mistakes)
        assert str(found).encode()
        assert all(line.isprintable() for line in str(found).split("\n"))


def mistakes_at(path: Path) -> CaseError | None:
    """The mistakes of the case at a path; None where it is one, or one that needs what is not installed."""
    try:
        case = Case.load(path)
        for reading in case.readings or (None,):
            assert isinstance(case.under(reading=reading).terms, tuple)
        assert len(case.hash) == 64
        if len(case.periods) < 1000:
            of = [w for w in case.workloads if not isinstance(w, Training)]
            assert all((case.demand(w, case.periods).quanta >= 0).all() for w in of)
    except CaseError as error:
        return error
    except MissingExtraError:
        pass
    return None


def one_file(folder: Path, text: str | bytes) -> None:
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    (folder / "case.yaml").write_bytes(raw)
    holds(folder / "case.yaml")


@fuzz(60)
@given(raw=st.binary(max_size=400))
@example(raw=b"\xef\xbb\xbfname: x\n\xff")
@example(raw=b"\xff\xfen\x00a\x00")
@example(raw=b"a: \x00")
@example(raw=b"%YAML 9.9\n---\na: 1")
def test_any_bytes(tmp_path: Path, raw: bytes) -> None:
    one_file(tmp_path, raw)


@fuzz(40)
@given(raw=st.binary(max_size=200), folder=st.sampled_from(FOLDERS))
def test_any_bytes_in_any_folder(tmp_path: Path, raw: bytes, folder: str) -> None:
    (tmp_path / "case.yaml").write_text(VALID)
    for name in FOLDERS:
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "x.yaml").write_bytes(raw if name == folder else b"")
    holds(tmp_path)


@fuzz(60)
@given(text=st.text(alphabet=st.sampled_from("ab:-?[]{}&*!|>'\"%@`#,. \n\t\r0\u2028\ud800\U0001f600"), max_size=60))
def test_anything_that_looks_like_yaml(tmp_path: Path, text: str) -> None:
    one_file(tmp_path, text)


VALUES = [
    *(
        "",
        "~",
        "null",
        "[]",
        "{}",
        "- a",
        "[[]]",
        "{a: b}",
        "{value: 1}",
        "{value: {value: 1}}",
        "true",
        ".nan",
        ".inf",
    ),
    *("-.inf", "0", "-0", "-1", "1e400", "1e-400", "9" * 200, "0.1", "1_0", "0x10", "1:30", "NaN", "Infinity", "'\\0'"),
    *('"\\u0000"', '"\\ud800"', '"\\e[2J"', "\u202e", "\u0660", "\uff11", "x" * 300, "2026-02-30", "0000-00-00"),
    *("9999-12-31", "2200-01-01", "1970-01-01", "2026-01", "9999 years", "100 years", "self", "*x", "&x 1", "!!int 1"),
    *(
        "!!python/object:os.system x",
        "<<",
        "? a",
        "self",
        "not expected",
        "0%",
        "100%",
        "-5%",
        "1e2%",
        "1e-9%",
        "999999 %",
    ),
    *("1 USD", "1 USD per GPU-hour", "1e24 USD", "-1 USD", "1 USD per tok", "1 tn USD per Ttok", "1 GPU", "0 GPU"),
    *("1e24 GPU", "1e-18 GPU", "1 tn Ttok per second", "100% per day", "1000% per day", "-99% per day", "az", "az-2"),
    *("{2026-01-01: 1 GPU, 2026-02-01: 1 tok per day}", "{2026-01-01: {2026-01-01: 1 GPU}}", "{1: 1}", "{'': ''}"),
    *(
        "{value: {2026-01-01: 1 GPU}, source: x}",
        "1 GPU per month",
        "{ file: case.yaml }",
        "{ file: '' }",
        "{ file: . }",
    ),
]
LINE = st.integers(0, len(LINES) - 1)
EDIT = st.one_of(
    st.tuples(st.just("delete"), LINE, st.just("")),
    st.tuples(st.just("double"), LINE, st.just("")),
    st.tuples(st.just("swap"), LINE, st.integers(0, len(LINES) - 1).map(str)),
    st.tuples(st.just("value"), LINE, st.sampled_from(VALUES)),
    st.tuples(st.just("part"), LINE, st.sampled_from(VALUES)),
    st.tuples(st.just("key"), LINE, st.sampled_from([*VALUES, "id", "kind", "of", "value", "source"])),
    st.tuples(st.just("deeper"), LINE, st.sampled_from(["  ", "\t", "- ", "    - "])),
)


def edited(edits: list[tuple[str, int, str]]) -> str:
    lines = list(LINES)
    for how, at, what in edits:
        line, escaped = lines[at], what.replace("\\", r"\\")
        if how == "delete":
            lines[at] = ""
        elif how == "double":
            lines[at] = f"{line}\n{line}"
        elif how == "swap":
            lines[at], lines[int(what)] = lines[int(what)], lines[at]
        elif how == "value":
            lines[at] = re.sub(r":( .*|$)", f": {escaped}", line, count=1)
        elif how == "part":
            lines[at] = re.sub(r": [^:,{}\[\]]+ ?([,}\]]|$)", rf": {escaped} \1", line, count=1)
        elif how == "key":
            lines[at] = re.sub(r"[a-z-]+:", f"{escaped}:", line, count=1)
        else:
            lines[at] = what + line
    return "\n".join(lines)


@fuzz(150)
@given(edits=st.lists(EDIT, min_size=1, max_size=3))
def test_a_valid_case_with_a_few_edits(tmp_path: Path, edits: list[tuple[str, int, str]]) -> None:
    one_file(tmp_path, edited(edits))


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def mistakes_of(data: Any) -> tuple[Mistake, ...]:
    try:
        Case.of(data)
    except CaseError as error:
        return error.mistakes
    return ()


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a tree."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, item in inner for path in paths(item, (*at, key)))]


def tree() -> Any:
    from detente.case.document import Document

    return Document.parse(VALID.encode(), "case").data()


TREE = json.dumps(tree())
PATHS = paths(json.loads(TREE))


@fuzz(150)
@given(edits=st.lists(st.tuples(st.sampled_from(PATHS[1:]), PLAIN), min_size=1, max_size=3))
def test_a_valid_case_with_any_value_anywhere(edits: list[tuple[tuple[Any, ...], Any]]) -> None:
    data = json.loads(TREE)
    for path, value in edits:
        at = data
        try:
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    assert all(mistake.what.strip() and mistake.remedy.strip() for mistake in mistakes_of(data))


def test_aliases_that_double_themselves(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    one_file(tmp_path, bomb)
    one_file(tmp_path, f"{bomb}offers: *a39\n")
    one_file(tmp_path, "a: &a [*a]\n")
    one_file(tmp_path, "a: &a {b: *a}\n")
    one_file(tmp_path, "offers: &a\n" + "- {id: [*b]}\n" * 10)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 100_000,
        "- " * 100_000,
        "? " * 100_000,
        "a:\n" + "".join(" " * n + "a:\n" for n in range(1, 500)),
        "'" + "x" * 1_000_000,
        "name: " + "x" * 1_000_000,
        "x" * 1_000_000,
        '{"' + "k" * 5_000 + '": 1}',
        "\n" * 1_000_000,
        "# " + "x" * 1_000_000,
        "offers:\n" + "- {}\n" * 3_000,
        "offers:\n" + "- {kind: gpu, id: 1}\n" * 1_000,
        "scenarios: [" + "x," * 20_000 + "]",
        "".join(f"k{n}: 1\n" for n in range(5_000)),
        "events: {" + ",".join(f"e{n}: 2026-01-01" for n in range(5_000)) + "}",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_much_of_one_thing(tmp_path: Path, text: str) -> None:
    one_file(tmp_path, text)


def test_much_in_each_part_of_a_valid_case(tmp_path: Path) -> None:
    """Lists that are long where a schedule is short: every check stays near linear."""
    many = ", ".join(f"v{n}" for n in range(5_000))
    one_file(tmp_path, VALID.replace("api: [ stateless ]", f"api: [ stateless, {many} ]"))
    one_file(tmp_path, VALID.replace("models: [ sonnet ]", f"models: [ sonnet, {many} ]"))
    one_file(tmp_path, VALID.replace("removes: [ exclusive ]", f"removes: [ exclusive, {many} ]"))
    steps = ", ".join(
        f"{y}-{m:02}-{d:02}: 2 USD per GPU-hour" for y in range(2027, 2037) for m in range(1, 13) for d in (1, 2, 3)
    )
    one_file(tmp_path, VALID.replace("2026-04-01: 2.10 USD per GPU-hour", steps))


@pytest.mark.parametrize("kind", hostile.KINDS)
def test_hostile_files_of_each_kind(kind: str) -> None:
    """As ``python -m tests.fuzz`` makes them: some of them here, for hours by hand."""
    for seed in range(28 * MORE):
        try:
            hostile.once(kind, seed)
        except Exception as error:
            raise AssertionError(f"python -m tests.fuzz --kind {kind} --seed {seed} --minutes 0") from error
