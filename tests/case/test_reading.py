"""Readings: chosen by name or clause by clause, and never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from detente.case.case import Case
from detente.case.reading import MAX_COMBINATIONS, choice_of, combinations, in_words
from detente.case.written import at, place
from detente.errors import CaseError, FlawError
from tests.builders import Data, agreement, build, data_of, tokens, work

DISPUTED = {"a": ("letter", "spirit"), "b": ("letter", "wide"), "c": ("narrow",)}


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("letter", {"a": "letter", "b": "letter"}),
        ("wide", {"b": "wide"}),
        ("a=spirit", {"a": "spirit"}),
        ("letter,b=wide", {"a": "letter", "b": "wide"}),
        ("b=wide, letter", {"a": "letter", "b": "wide"}),  # of one clause holds over a name that is said of all
        ("spirit,wide,narrow", {"a": "spirit", "b": "wide", "c": "narrow"}),
        ({"a": "spirit", "c": "narrow"}, {"a": "spirit", "c": "narrow"}),
    ],
)
def test_a_choice(written: Any, found: dict[str, str]) -> None:
    assert choice_of(DISPUTED, written) == found


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("leter", "no clause has a reading `leter`; did you mean `letter`?"),
        ("a=wide", "`a` has no reading `wide`; allowed: `letter`, `spirit`"),
        ({"d": "letter"}, "there is no clause `d` that has readings; allowed: `a`, `b`, `c`"),
        ("a=letter,a=spirit", "`a` is given two readings, `letter` and `spirit`; keep one of them"),
        ("letter,wide", "`b` is given two readings, `letter` and `wide`; keep one of them"),
    ],
)
def test_what_no_clause_has(written: Any, said: str) -> None:
    with pytest.raises(FlawError) as error:
        choice_of(DISPUTED, written)
    assert str(error.value) == said


def test_a_choice_reads_as_it_was_said() -> None:
    for choice in combinations(DISPUTED, {}):
        said = in_words(DISPUTED, choice)
        assert said is not None
        assert choice_of(DISPUTED, said) == choice
    assert in_words({"a": ("x", "y"), "b": ("x", "z")}, {"a": "x", "b": "x"}) == "x"
    assert in_words(DISPUTED, {}) is None


def test_combinations_are_those_that_are_left() -> None:
    assert len(list(combinations(DISPUTED, {}))) == 4
    assert [c["b"] for c in combinations(DISPUTED, {"a": "spirit"})] == ["letter", "wide"]
    many = {f"c{n}": ("x", "y") for n in range(11)}
    with pytest.raises(FlawError, match=f"combine in 2,048 ways, more than {MAX_COMBINATIONS:,}"):
        combinations(many, {})
    assert len(list(combinations(many, {"c0": "x"}))) == 1024


def two_disputes(**head: object) -> Case:
    def only(name: str, *readings: str) -> Data:
        scopes: list[Data] = [{"api": "stateless"}, {"api": ["stateless", "stateful"]}]
        return {
            "id": name,
            "kind": "exclusivity",
            "readings": {r: {"of": of} for r, of in zip(readings, scopes, strict=True)},
        }

    works = [work(labels={"api": "stateless"}), work("agents", labels={"api": "stateful"})]
    deals = [agreement(only("one", "letter", "spirit"), only("two", "narrow", "wide"))]
    return build([tokens("north", 3), tokens("south", 2)], works, *deals, months=1, **head)


def test_clauses_need_not_share_the_names_of_their_readings() -> None:
    case = two_disputes(reading={"one": "letter"})
    assert case.reading == "one=letter"
    with pytest.raises(CaseError, match="`two` has several readings and none is chosen"):
        _ = case.terms
    both = case.under("wide")
    assert both.reading == "one=letter,two=wide"
    assert [str(t.of) for t in both.terms] == ["api: stateless", "api: stateless or stateful"]
    assert case.under(both.reading).hash == both.hash != case.under("two=narrow").hash
    assert case.readings == tuple(f"one={one},two={two}" for one in ("letter", "spirit") for two in ("narrow", "wide"))


def test_a_clause_that_fell_away_has_no_reading() -> None:
    case = two_disputes(reading="letter").under("narrow", without=["two"])
    assert (case.reading, case.readings) == ("letter", ("letter", "spirit"))


def read_and_gone(*scenarios: Data) -> Case:
    """Two clauses with a `letter` and a `spirit`, each in an agreement of its own, under two scenarios."""
    ways: Data = {"letter": {"of": {"workload": "chat"}}, "spirit": {}}
    only = {"id": "only", "kind": "exclusivity", "readings": ways}
    deals = [agreement(only), agreement(only | {"id": "other"}, id="second")]
    named = [{"id": name, **each} for name, each in zip(("won", "lost"), scenarios, strict=True)]
    return Case.of(data_of([tokens("north", 3)], [work()], *deals, scenarios=named, reading="letter"))


@pytest.mark.parametrize("gone", [["only"], ["north-deal"]], ids=str)
@pytest.mark.parametrize("names", ["won,lost", "lost,won"])
def test_a_reading_of_a_clause_that_falls_away_names_both_places(gone: list[str], names: str) -> None:
    case = read_and_gone({"without": gone}, {"reading": {"only": "spirit"}})
    assert case.under(scenario="lost").reading == "only=spirit,other=letter"
    with pytest.raises(CaseError) as error:
        case.under(scenario=names)
    (found,) = error.value.mistakes
    written = case.source.written.sections["scenarios"]  # type: ignore[union-attr]
    taken = place(at(written[0], ("without", 0)) or written[0])
    read = place(at(written[1], ("reading", "only")) or written[1])
    assert found.where == read
    assert found.what == f"reads `only` as `spirit`, a clause that is taken away at {taken}"
    assert found.remedy == "leave out one of the two"


@pytest.mark.parametrize("reading", ["letter", {"only": "letter", "other": "spirit"}])
def test_the_reading_of_a_case_may_fall_away_with_all_agreements_that_have_it(reading: Any) -> None:
    only = {"id": "only", "kind": "exclusivity", "readings": {"letter": {"of": {"workload": "chat"}}, "spirit": {}}}
    deals = [agreement(only), agreement(only | {"id": "other"}, id="second")]
    gone: Data = {"id": "gone", "without": ["north-deal", "second"]}
    case = Case.of(data_of([tokens("north", 3)], [work()], *deals, scenarios=[gone], reading=reading))
    for without in (case.under(scenario="gone"), case.with_changes(gone | {"id": "neither"})):
        assert (without.reading, without.terms) == (None, ())


def test_a_reading_of_all_clauses_that_have_it_is_of_those_that_are_left() -> None:
    case = read_and_gone({"without": ["only"]}, {"reading": "spirit"})
    assert case.under(scenario="won,lost").reading == "spirit"
    case = read_and_gone({"without": ["only", "second"]}, {"reading": "spirit"})
    with pytest.raises(CaseError) as error:
        case.under(scenario="won,lost")
    assert [each.what.partition(", ")[0] for each in error.value.mistakes] == [
        "reads `only` as `spirit`",
        "reads `other` as `spirit`",
    ]
