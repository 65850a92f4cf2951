"""YAML with places: text stays text, and nothing is read twice, guessed or run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detente.case import document
from detente.case.document import Document
from detente.errors import CaseError


def parse(text: str) -> Document:
    return Document.parse(text.encode(), "x.yaml")


def wrong(text: str | bytes) -> str:
    with pytest.raises(CaseError) as caught:
        Document.parse(text if isinstance(text, bytes) else text.encode(), "x.yaml").data()
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", {"a": "no"}),
        ("a: 1:30", {"a": "1:30"}),
        ("a: 2.30", {"a": "2.30"}),
        ("a: 010", {"a": "010"}),
        ("a: 2026-01-01", {"a": "2026-01-01"}),
        ("a:", {"a": None}),
        ("a: ~", {"a": None}),
        ("a: null", {"a": None}),
        ("a: 'null'", {"a": "null"}),
        ("a: ''", {"a": ""}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: !!str 1", {"a": "1"}),
        ("2026-01-01: x", {"2026-01-01": "x"}),
        ("~: x", {"": "x"}),
        ("- [a, {b: c}]", [["a", {"b": "c"}]]),
        ("base: &b {x: 1}\na: *b", {"base": {"x": "1"}, "a": {"x": "1"}}),
        ("\ufeffa: 1", {"a": "1"}),
        ("", None),
        ("# nothing", None),
        ('{"a": [1, 2.50, true, null]}', {"a": ["1", "2.50", "true", None]}),
    ],
)
def test_values_stay_as_they_are_written(text: str, value: Any) -> None:
    assert parse(text).data() == value


def test_places_count_from_one_and_in_characters() -> None:
    found = parse("é: { naïve: [ a, 'ü' ],\n     b: c }\n")
    assert str(found.where()) == "x.yaml:1:1"
    assert str(found.where(("é",), key=True)) == "x.yaml:1:1"
    assert str(found.where(("é",))) == "x.yaml:1:4"
    assert str(found.where(("é", "naïve", 1))) == "x.yaml:1:18"
    assert str(found.where(("é", "b"), key=True)) == "x.yaml:2:6"
    assert str(found.where(("é", "b"))) == "x.yaml:2:9"


def test_what_is_missing_is_placed_at_what_should_hold_it() -> None:
    found = parse("a:\n  - b: 1\n  - c: 2\n")
    assert str(found.where(("a", 1, "missing"))) == "x.yaml:3:5"
    assert str(found.where(("a", 7))) == "x.yaml:2:3"
    assert str(found.where(("z", 1))) == "x.yaml:1:1"


def test_every_key_that_is_given_twice_is_said() -> None:
    assert wrong("a: 1\nb: 2\na: 3\nb: {c: 1, c: 2}\n") == (
        "x.yaml:3:1: `a` is given twice: here and on line 1\n    keep one of the two\n"
        "x.yaml:4:1: `b` is given twice: here and on line 2\n    keep one of the two\n"
        "x.yaml:4:11: `c` is given twice: here and on line 4\n    keep one of the two\n"
        "3 mistakes"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: !ruby/object:Gem x", "x.yaml:1:4: the tag `!ruby/object:Gem` is not allowed"),
        ("a: !!python/name:os.system", "is not allowed"),
        ("a: !!binary aGk=", "is not allowed"),
        ("? [a]\n: b", "x.yaml:1:3: a key must be plain text"),
        ("a: {{ amount }}", "x.yaml:1:5: a key must be plain text"),
        ("a: *b", "x.yaml:1:4: alias `*b` has no value"),
        ("a: &b [*b]", "x.yaml:1:8: alias `*b` has no value"),
        ("a: 1\n---\nb: 2", "x.yaml:2:1: a second document"),
        ("a: [", "is not YAML"),
        ("a: b: c", "x.yaml:1:5: is not YAML"),
        ("a: 'é\x07'", "x.yaml:1:6: character U+0007 is not allowed in YAML"),
        (b"a: ok\nb: \xff", "x.yaml:2:4: byte 0xff is not UTF-8 text"),
        (b"\xff\xfea\x00", "x.yaml:1:1: byte 0xff is not UTF-8 text"),
        ("[" * 65 + "]" * 65, "x.yaml:1:65: is nested deeper than 64 levels"),
    ],
)
def test_what_is_refused(text: str | bytes, said: str) -> None:
    assert said in wrong(text)
    assert "\\x00" not in wrong(text)


def test_aliases_that_multiply_are_refused_before_they_fill_memory() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    assert "expands to more than 500,000 values" in wrong(bomb)


def test_a_large_file_is_refused_before_it_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 2**20)
    (tmp_path / "x.yaml").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(CaseError, match="is larger than 1 MiB"):
        Document.read(tmp_path / "x.yaml")
    with pytest.raises(CaseError, match="cannot be read: Is a directory"):
        Document.read(tmp_path)
