"""Which known word was meant by one that is not known, and how that is said.

Owns: likeness of words, and the remedy that names the nearest. Not here: which words there are (whoever asks), and
which mean the same though they are not alike (``case.other_names``, ``case.kind_words``).
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Self

MAX_COMPARED = 60
"""Known words that one word is held against in search of the one that was meant."""
MAX_RANKED = 4
"""Of these, where they were found by their parts."""
MAX_WORD = 120
"""Characters of a word that are looked at then."""
MAX_REMEMBERED = 10_000
"""Words of which the nearest is remembered, of each of a few sets of known ones."""


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
