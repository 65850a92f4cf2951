"""JSON of a file says one thing."""

from __future__ import annotations

import pytest

from detente.outcomes.worth.prices import ClausePrices
from detente.report.figures.check import CheckedWays
from detente.report.figures.deal import SignedDeal
from detente.values.json_text import parsed


def test_what_is_given_once_is_read() -> None:
    assert parsed(b'{"a": [{"b": 1}, {"b": 2}], "b": null}') == {"a": [{"b": 1}, {"b": 2}], "b": None}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "b": 2, "a": 1}', "the member `a` is given twice"),
        ('[{"x": {"b": 1, "\\u0062": 2}}]', "the member `b` is given twice"),
        ("[" * 100_000, "it is nested too deeply"),
        ("{", "Expecting property name"),
    ],
)
def test_what_says_two_things_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parsed(text)


@pytest.mark.parametrize("answer", [ClausePrices, CheckedWays, SignedDeal])
def test_no_saved_answer_gives_a_member_twice(answer: type[ClausePrices | CheckedWays | SignedDeal]) -> None:
    with pytest.raises(ValueError, match="the member `currency` is given twice"):
        answer.from_json('{"currency": "USD", "currency": "EUR"}')
