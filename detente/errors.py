"""The error tree, and the mistakes it carries.

::

    DetenteError                     everything this package raises on purpose
    ├── CaseError                    what was declared is wrong; carries every Mistake at once
    ├── PlanError                    a saved plan cannot be read, or belongs to another case
    ├── SolverError                  the solver doubts its own answer
    ├── NoPlanError                  stopped before any plan, or any conflict, was found
    ├── BillError                    a plan and its exact bill disagree
    ├── JournalError                 a journal cannot be made, is damaged, or is another process's
    ├── ServeError                   the gateway cannot listen
    ├── CredentialError              a secret cannot be had
    └── MissingExtraError            an optional dependency is not installed

Each becomes exit code 2 in ``cli``. An answer of "no" is a value (a ``Conflict``), never an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Where:
    """A place in a file: 1-based line and column; line 0 is the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, order=True)
class Mistake:
    """One thing that is wrong: where, what was found, and what to do about it."""

    where: Where
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        text = printable(f"{self.where}: {self.what}")
        return f"{text}\n    {printable(self.remedy)}" if self.remedy else text


class DetenteError(Exception):
    """The root of the tree."""


class CaseError(DetenteError):
    """What was declared is wrong. ``mistakes`` holds all of them, in file order."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__(str(self))

    def __str__(self) -> str:
        n = len(self.mistakes)
        return "\n".join([*map(str, self.mistakes), f"{n} mistake{'s' * (n != 1)}"])


class PlanError(DetenteError):
    """A saved plan cannot be read, or belongs to another case."""


class SolverError(DetenteError):
    """The solver doubts its own answer: a warning, an unknown status, a residual that is too large."""


class NoPlanError(DetenteError):
    """Stopped, by a time limit or by Ctrl-C, before any plan or any conflict was found."""


class BillError(DetenteError):
    """A plan and its exact bill disagree by more than rounding (§4)."""


class JournalError(DetenteError):
    """A journal cannot be made, is damaged before its end, of another version, or written by another process."""


class ServeError(DetenteError):
    """The gateway cannot listen where it was told to."""


class CredentialError(DetenteError):
    """A secret cannot be had: what is missing, and where it was looked for; never the secret (§14)."""


class MissingExtraError(DetenteError):
    """An optional dependency is needed and not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs an optional package: pip install 'detente[{extra}]'")


def printable(text: str) -> str:
    """Text from a file as it can be shown: control characters, which could move a cursor, are written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode-escape").decode() for c in text)


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known word that another is most like, but for its capitals perhaps; None where it is like none."""
    choices = sorted(set(known))
    same = [c for c in choices if c.casefold() == word.casefold()]
    return next(iter(same or difflib.get_close_matches(word, choices, n=1, cutoff=likeness)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean `x`?`` for the nearest known word, else the list of what is allowed."""
    choices = sorted(set(known))
    near = nearest(word, choices)
    if near is not None:
        return f"did you mean `{near}`?"
    if not choices:
        return ""
    shown = ", ".join(f"`{c}`" for c in choices[:12])
    return f"allowed: {shown}" + (f" and {len(choices) - 12} more" if len(choices) > 12 else "")
