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
case makes a ``Mistake`` of it, once it knows where that value stands.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

KeyPath = tuple[str | int, ...]
"""Keys and positions that lead to a value: ``("terms", 2, "windows", "ramp")``."""

MAX_SHOWN = 200
"""Mistakes that are shown; how many more there are is said."""
MAX_TEXT = 1000
"""Characters of what is said of one mistake."""
MAX_COMPARED = 60
"""Known words that one word is held against in search of the one that was meant."""
MAX_RANKED = 4
"""Of these, where they were found by their parts."""
MAX_WORD = 120
"""Characters of a word that are looked at then."""
MAX_REMEMBERED = 10_000
"""Words of which the nearest is remembered, of each of a few sets of known ones."""

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
    """What was declared is wrong. ``mistakes`` holds all of them, in file order."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        super().__init__(str(self))

    def __str__(self) -> str:
        n, more = len(self.mistakes), len(self.mistakes) - MAX_SHOWN
        rest = [f"and {more:,} more"] if more > 0 else []
        return "\n".join([*map(str, self.mistakes[:MAX_SHOWN]), *rest, f"{n:,} mistake{'s' * (n != 1)}"])


class PlanError(DetenteError):
    """A saved plan cannot be read, or belongs to another case."""


class SolverError(DetenteError):
    """The solver doubts its own answer: a warning, an unknown status, a residual that is too large."""


class UnsettledError(DetenteError):
    """Stopped, by a time limit or by Ctrl-C, before there was an answer."""


class TooLargeError(UnsettledError):
    """What is asked would take more memory than this machine has."""


class BillError(DetenteError):
    """A plan and its exact bill disagree by more than rounding (§4)."""


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


class MissingExtraError(DetenteError):
    """An optional dependency is needed and not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        self.what, self.remedy = f"{purpose} needs an optional package", f"pip install 'detente[{extra}]'"
        super().__init__(f"{self.what}: {self.remedy}")


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


def nearest(
    word: str, known: Iterable[str], likeness: float = 0.6, besides: Collection[str] = frozenset()
) -> str | None:
    """The known word that another is most like, but for its capitals perhaps; None where it is like none.

    ``besides``: known words that it cannot be. Linear in all that are looked up in the same frozen set.
    """
    found = _Known.of(frozenset(known))
    return found.nearest(word, likeness) if not besides else found.look_up(word, likeness, besides)


class _Known:
    """Known words, by their capitals left out and by each three letters in a row, so that a look-up reads few."""

    def __init__(self, words: frozenset[str]) -> None:
        self.words = sorted(words)
        self.folded = {word.casefold(): word for word in reversed(self.words)}
        self._found: dict[tuple[str, float], str | None] = {}
        self._having: dict[str, list[str]] = {}
        for word in self.words if len(self.words) > MAX_COMPARED else ():
            for part in _parts(word):
                self._having.setdefault(part, []).append(word)

    @classmethod
    @lru_cache(maxsize=8)
    def of(cls, words: frozenset[str]) -> Self:
        """The same, made once for the words that many others are looked up in."""
        return cls(words)

    def nearest(self, word: str, likeness: float) -> str | None:
        """Of all; remembered, since a mistake asks for its sentence and for its remedy, each in turn."""
        if (word, likeness) not in self._found:
            if len(self._found) > MAX_REMEMBERED:
                self._found.clear()
            self._found[word, likeness] = self.look_up(word, likeness)
        return self._found[word, likeness]

    def look_up(self, word: str, likeness: float, besides: Collection[str] = ()) -> str | None:
        """Of all but some."""
        same = self.folded.get(word.casefold())
        if same is not None and same not in besides:
            return same
        near = [each for each in self.near(word) if each not in besides]
        return next(iter(difflib.get_close_matches(word[:MAX_WORD], near, n=1, cutoff=likeness)), None)

    def near(self, word: str) -> list[str]:
        """All where they are few; else those that share what is rarest in the word."""
        if len(self.words) <= MAX_COMPARED:
            return self.words
        shared = Counter[str]()
        for having in sorted((self._having.get(part, []) for part in _parts(word)), key=len):
            if len(shared) + len(having) > MAX_COMPARED and shared:
                break
            shared.update(having[:MAX_COMPARED])
        return sorted(each for each, _ in shared.most_common(MAX_RANKED))


def _parts(word: str) -> set[str]:
    text = f"^{word[:MAX_WORD].casefold()}$"
    return {text[at : at + 3] for at in range(len(text) - 2)}


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "leave it out") -> str:
    """``did you mean `x`?`` for the nearest known word, else what is allowed; ``otherwise`` where nothing is known."""
    words = frozenset(known)
    near = nearest(word, words)
    if near is not None:
        return f"did you mean `{near}`?"
    if not words:
        return otherwise
    choices = _Known.of(words).words
    shown = ", ".join(f"`{c}`" for c in choices[:12])
    return f"allowed: {shown}" + (f" and {len(choices) - 12} more" if len(choices) > 12 else "")
