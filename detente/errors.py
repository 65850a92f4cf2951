"""The error tree, and the mistakes it carries.

::

    DetenteError                     everything this package raises on purpose
    ├── CaseError                    what was declared is wrong; carries every Mistake at once
    ├── PlanError                    a saved plan cannot be read, or belongs to another case
    ├── SolverError                  the solver doubts its own answer
    ├── UnsettledError                  stopped before any plan, or any conflict, was found
    │   └── TooLargeError                it would take more memory than there is
    ├── BillError                    a plan and its exact bill disagree
    ├── SettleError                  what a clause comes to turns on what is not known
    ├── JournalError                 a journal cannot be made, is damaged, or is another process's
    ├── LedgerError                  a ledger cannot be opened, read or written, or is of a newer version
    ├── ServeError                   the gateway cannot listen
    ├── CredentialError              a secret cannot be had
    └── MissingExtraError            an optional dependency is not installed

Each becomes exit code 2 in ``cli``. An answer of "no" is a value (a ``Conflict``), never an error.

Beside the tree stands ``FlawError``, which never leaves the reading of a case: a reader of one value raises it, and the
case makes a ``Mistake`` of it, once it knows where that value stands; and ``UnexplainedError``, a defect beside which
there is a plan.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

KeyPath = tuple[str | int, ...]
"""Keys and positions that lead to a value: ``("terms", 2, "windows", "ramp")``."""

MAX_SHOWN = 200
"""Mistakes that are shown; how many more there are is said."""
MAX_TEXT = 1000
"""Characters of what is said of one mistake."""

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
"""A character that moves a cursor, turns the direction of writing, or shows nothing: no text needs one.

Line feeds and tabs are not among them.
"""


@dataclass(frozen=True, order=True)
class Where:
    """A place in a file: 1-based line and column; line 0 is the file as a whole. Or a parameter of a function.

    Of a ``parameter``, ``file`` is its name; of several that are wrong together, their names with commas between.
    """

    file: str
    line: int = 0
    column: int = 0
    parameter: bool = False

    @classmethod
    def of_parameter(cls, *names: str) -> Self:
        """The place of what a function was given; a command says its own option (``CaseError.by_options``)."""
        return cls(", ".join(names), parameter=True)

    def by_options(self, options: Mapping[str, str]) -> Where:
        """The same place by the options of a command, each by the name of the parameter that it gives."""
        if not self.parameter:
            return self
        return Where(", ".join(options.get(name, name) for name in self.file.split(", ")))

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, order=True)
class Mistake:
    """One thing that is wrong: where, what was found, and what to do about it."""

    where: Where
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{printable(f'{self.where}: {cut(self.what)}')}\n    {printable(cut(self.remedy))}"


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong in a value that does not know where it stands.

    ``path`` leads from that value to what is wrong; with ``key``, to the last key itself and not to its value.
    """

    what: str
    remedy: str
    path: KeyPath = ()
    key: bool = False

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


class FlawError(ValueError):
    """A value cannot be what it is read as. ``flaws`` holds what is wrong, one flaw or more.

    A ``ValueError``, because that is what pydantic takes from a validator.
    """

    def __init__(self, what: str, remedy: str, path: KeyPath = (), *, key: bool = False) -> None:
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
    """What was declared is wrong. ``mistakes`` holds all of them, in file order; ``all_read``: there can be no more."""

    def __init__(self, mistakes: Iterable[Mistake], *, all_read: bool = True) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        self.all_read = all_read
        super().__init__(str(self))

    @classmethod
    def of_parameter(cls, name: str, what: str, remedy: str) -> Self:
        """That one thing is wrong with what a function was given, by the name of the parameter."""
        return cls([Mistake(Where.of_parameter(name), what, remedy)])

    def by_options(self, options: Mapping[str, str]) -> CaseError:
        """The same mistakes, those of parameters at the options of a command, each by its parameter's name."""
        placed = [replace(each, where=each.where.by_options(options)) for each in self.mistakes]
        return CaseError(placed, all_read=self.all_read)

    def __str__(self) -> str:
        n, more = len(self.mistakes), len(self.mistakes) - MAX_SHOWN
        rest = [f"and {more:,} more"] if more > 0 else []
        count = f"{n:,} mistake{'s' * (n != 1)}"
        if not self.all_read:
            count = f"at least {count}: what comes after so many is not read"
        return "\n".join([*map(str, self.mistakes[:MAX_SHOWN]), *rest, count])


class PlanError(DetenteError):
    """A saved plan cannot be read, or belongs to another case."""


class SolverError(DetenteError):
    """The solver doubts its own answer: a warning, an unknown status, a residual that is too large."""


class UnsettledError(DetenteError):
    """Stopped, by a time limit or by Ctrl-C, before there was an answer."""


class TooLargeError(UnsettledError):
    """What is asked would take more memory than this machine has."""


class BillError(DetenteError):
    """A plan and its exact bill disagree by more than rounding (§4); ``clauses`` are those by whom, by id."""

    def __init__(self, what: str, clauses: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.clauses = clauses


class UnexplainedError(Exception):
    """A plan was found, and its marginal prices or reasons could not be worked out: a defect, which is its cause.

    ``plan`` is that plan, without them.
    """

    def __init__(self, plan: object) -> None:
        super().__init__("a plan was found, and what explains it could not be worked out")
        self.plan = plan


class SettleError(DetenteError):
    """What a clause comes to cannot be said: a label, a decision or an end that it turns on is not known (§2)."""


class JournalError(DetenteError):
    """A journal cannot be made, is damaged before its end, of another version, or written by another process.

    ``place`` is its file or folder.
    """

    def __init__(self, place: Path, why: str) -> None:
        super().__init__(place, why)
        self.place, self.why = place, why

    def __str__(self) -> str:
        return f"{self.place}: {self.why}"


class LedgerError(DetenteError):
    """A ledger cannot be opened, read or written; it is of a newer version, of another currency, or was changed."""


class ServeError(DetenteError):
    """The gateway cannot listen where it was told to."""


class CredentialError(DetenteError):
    """A secret cannot be had: what is missing, and where it was looked for; never the secret (§14)."""


LIVE = frozenset({"httptools", "msgspec", "prometheus_client", "uvicorn", "uvloop"})
"""The packages of the extra `gateway`, which live traffic and its records need, and `simulate`, which decides as it."""


class MissingExtraError(DetenteError, ImportError):
    """An optional dependency is needed and not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        self.what, self.remedy = f"{purpose} needs an optional package", f"pip install 'detente[{extra}]'"
        super().__init__(f"{self.what}: {self.remedy}")

    @classmethod
    def of_live(cls, purpose: str, error: ImportError) -> MissingExtraError:
        """What to install for a package of live traffic that is missing. Raises the error where it is another."""
        if (error.name or "").partition(".")[0] not in LIVE:
            raise error
        return cls(purpose, "gateway")


def cut(text: str) -> str:
    """A text of a sane length: its beginning, and how much more there is."""
    more = len(text) - MAX_TEXT
    return text if more <= 0 else f"{text[:MAX_TEXT]}… (and {more:,} characters more)"


def printable(text: str) -> str:
    """Text from anywhere as it can be shown on one line, with nothing that could forge what stands around it.

    What moves a cursor, turns the direction of writing or shows nothing is written out; any space is a plain one.
    """
    if text.isprintable() and not HIDDEN.search(text):
        return text
    return "".join(_written_out(c) for c in text)


def _written_out(c: str) -> str:
    if unicodedata.category(c) == "Zs":
        return " "
    return c if c.isprintable() and not HIDDEN.match(c) else c.encode("unicode-escape").decode()
