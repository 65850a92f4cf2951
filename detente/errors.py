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

Beside the tree stands ``FlawError``, which never leaves the reading of a case: a reader of one value raises it, and the
case makes a ``Mistake`` of it, once it knows where that value stands.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

Path = tuple[str | int, ...]
"""Keys and positions that lead to a value: ``("terms", 2, "windows", "ramp")``."""

INVISIBLE = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that show nothing, though Unicode does not count all of them among its control characters."""


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
    remedy: str

    def __str__(self) -> str:
        return f"{printable(f'{self.where}: {self.what}')}\n    {printable(self.remedy)}"


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong in a value that does not know where it stands.

    ``path`` leads from that value to what is wrong; with ``key``, to the last key itself and not to its value.
    """

    what: str
    remedy: str
    path: Path = ()
    key: bool = False

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


class FlawError(ValueError):
    """A value cannot be what it is read as. ``flaws`` holds what is wrong, one flaw or more.

    A ``ValueError``, because that is what pydantic takes from a validator.
    """

    def __init__(self, what: str, remedy: str, path: Path = (), *, key: bool = False) -> None:
        super().__init__(what, remedy)
        self.flaws: tuple[Flaw, ...] = (Flaw(what, remedy, path, key),)

    @classmethod
    def of(cls, first: Flaw, *others: Flaw) -> Self:
        """The error of flaws that are values already."""
        error = cls(first.what, first.remedy, first.path, key=first.key)
        error.flaws = (first, *others)
        return error

    def __str__(self) -> str:
        return "\n".join(map(str, self.flaws))


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
        self.what, self.remedy = f"{purpose} needs an optional package", f"pip install 'detente[{extra}]'"
        super().__init__(f"{self.what}: {self.remedy}")


def printable(text: str) -> str:
    """Text from anywhere as it can be shown on one line, with nothing that could forge what stands around it.

    What moves a cursor, turns the direction of writing or shows nothing is written out; any space is a plain one.
    """
    if text.isprintable() and not INVISIBLE.search(text):
        return text
    return "".join(_written_out(c) for c in text)


def _written_out(c: str) -> str:
    if unicodedata.category(c) == "Zs":
        return " "
    return c if c.isprintable() and not INVISIBLE.match(c) else c.encode("unicode-escape").decode()


def nearest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known word that another is most like, but for its capitals perhaps; None where it is like none."""
    choices = sorted(set(known))
    same = [c for c in choices if c.casefold() == word.casefold()]
    return next(iter(same or difflib.get_close_matches(word, choices, n=1, cutoff=likeness)), None)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "leave it out") -> str:
    """``did you mean `x`?`` for the nearest known word, else what is allowed; ``otherwise`` where nothing is known."""
    choices = sorted(set(known))
    near = nearest(word, choices)
    if near is not None:
        return f"did you mean `{near}`?"
    if not choices:
        return otherwise
    shown = ", ".join(f"`{c}`" for c in choices[:12])
    return f"allowed: {shown}" + (f" and {len(choices) - 12} more" if len(choices) > 12 else "")
