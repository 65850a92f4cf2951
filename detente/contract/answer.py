"""What a kind of clause answers, held to what it is asked for: the author of a kind is told which, and what to return.

Not here: the questions (``term``, ``roles``), and which answers a case asks for first (``case.checks.answers``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

AnswerPart = TypeVar("AnswerPart")


def misanswered(term: object, question: str, answer: object, instead: str) -> str:
    """Of a question that a kind answers with something else than it is asked for."""
    name, given = getattr(term, "id", ""), type(answer).__name__ + (" without a zone" if _is_naive(answer) else "")
    return f"`{name}` (`{type(term).__name__}`): `{question}` returns {given}; return {instead}"


def each_of(
    term: object, question: str, answers: Iterable[AnswerPart], kind: type[AnswerPart], instead: str
) -> list[AnswerPart]:
    """What a question is answered with, one by one. Raises TypeError where it is something else."""
    given: Any = answers
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise TypeError(misanswered(term, question, given, instead))
    found = list(given)
    for each in found:
        if not isinstance(each, kind) or _is_naive(each):
            raise TypeError(misanswered(term, question, each, instead))
    return found


def each_placed(
    term: object, question: str, answers: Iterable[tuple[Any, AnswerPart]], kind: type[AnswerPart], instead: str
) -> list[tuple[Any, AnswerPart]]:
    """The same, of parts that each have their place in the clause."""
    found = each_of(term, question, answers, tuple, instead)
    for each in found:
        if len(each) != 2 or not isinstance(each[0], tuple) or not isinstance(each[1], kind):
            raise TypeError(misanswered(term, question, each, instead))
    return found


def cites_itself(term: object, question: str, cited: str) -> None:
    """Raise ValueError where the reason of a clause cites another one (§1)."""
    name = getattr(term, "id", "")
    if cited != name:
        what = f"`{name}` (`{type(term).__name__}`): `{question}` cites `{cited}`"
        raise ValueError(f"{what}; cite the clause itself: `Reason(self.id, …)`")


def _is_naive(answer: object) -> bool:
    return isinstance(answer, datetime) and answer.tzinfo is None
