"""Words of a case that look alike and are not the same."""

from __future__ import annotations

import pytest

from detente.case.lookalikes import lookalikes
from tests.builders import Data, agreement, build, gpus, tokens, work


def said(one: str, other: str) -> list[str]:
    """Of two workloads with such a label each, the first of which a clause covers; without places."""
    jobs = [work("chat", labels={"data": one}), work("mail", labels={"data": other})]
    clause: Data = {"id": "eu", "kind": "residency", "of": {"data": one}, "within": ["IE"]}
    case = build([tokens("north", 3)], jobs, agreement(clause, party="self"))
    return [each.what for each in lookalikes(case)]


@pytest.mark.parametrize(
    ("other", "by"),
    [
        ("personaI", "U+0049 (latin capital letter i), and not U+006C (latin small letter l)"),
        ("persona1", "U+0031 (digit one), and not U+006C (latin small letter l)"),
        ("persona\u029f", "U+029F (latin letter small capital l), and not U+006C (latin small letter l)"),
        ("pers\u0251nal", "U+0251 (latin small letter alpha), and not U+006F (latin small letter o)"),
        ("perso\u0273al", "U+0273 (latin small letter n with retroflex hook), and not U+006E (latin small letter n)"),
    ],
)
def test_a_label_that_looks_like_one_that_a_clause_covers_is_noted(other: str, by: str) -> None:
    """`personal` stands there twice, and the other once: that is the odd one."""
    found = said("personal", other)
    assert [each.partition(" at ")[0] for each in found] == [f"`{other}` looks like `personal`"]
    assert found[0].endswith(f", and is not the same: {by}")


@pytest.mark.parametrize("pair", [("modern", "modem"), ("h100", "h1OO"), ("\u0441\u043e\u0441", "coc")])
def test_what_two_letters_look_like_and_words_of_another_script_are_noted(pair: tuple[str, str]) -> None:
    assert [each.partition(" at ")[0] for each in said(*pair)] == [f"`{pair[1]}` looks like `{pair[0]}`"]


@pytest.mark.parametrize("other", ["Personal", "personals", "pers\u00f3nal", "public", "per\u0142onal"])
def test_words_that_anybody_tells_apart_are_not(other: str) -> None:
    assert said("personal", other) == []


def test_words_of_different_kinds_are_not_held_against_each_other() -> None:
    """A label `l4` and an accelerator `14`; and a title may say what it likes."""
    jobs = [work("chat", labels={"gpu": "l4"}, **{"runs-on": {"accelerators": {"14": "9 Mtok per GPU-hour"}}})]
    case = build([gpus("north", 2, accelerator="14")], jobs, title="test tesI")
    assert list(lookalikes(case)) == []


def test_the_names_of_labels_and_accelerators_are_words_too() -> None:
    jobs = [work("chat", labels={"dal": "x"}), work("mail", labels={"da1": "x"})]
    jobs.append(work("code", **{"runs-on": {"accelerators": {"Hl": "9 Mtok per GPU-hour"}}}))
    offers = [tokens("north", 3), gpus("north", 2, accelerator="Hl"), gpus("south", 2, accelerator="H1")]
    jobs.append(work("docs", **{"runs-on": {"accelerators": {"H1": "9 Mtok per GPU-hour"}}}))
    found = {each.what.partition(" at ")[0] for each in lookalikes(build(offers, jobs))}
    assert found == {"`da1` looks like `dal`", "`H1` looks like `Hl`"}
