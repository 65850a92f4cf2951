"""Text that people write in a case: which characters it may have, and when two texts could be taken for one.

Owns: characters that show nothing or move what is shown, and letters that look like others. Not here: what a text
means, and how text is printed (``errors``).
"""

from __future__ import annotations

import re
import unicodedata

from detente.errors import HIDDEN, FlawError

_WORD = re.compile(r"[^\W\d_]+")
_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO"}
"""Scripts that are written together, and with Latin letters, none of which look like theirs."""


def hidden_in(text: str) -> tuple[int, str] | None:
    """Where the first character stands that shows nothing or moves what is shown, and what it is; None for none."""
    found = HIDDEN.search(text)
    if found is None:
        return None
    name = unicodedata.name(found[0], "a control character").lower()
    return found.start(), f"U+{ord(found[0]):04X} ({name})"


def one_line(text: str) -> str:
    """A text of one line. Raises FlawError."""
    if "\n" in text or "\t" in text:
        raise FlawError("has line breaks or tabs", "write it on one line, in single spaces")
    return text


def plain_name(text: str) -> str:
    """A name that things are told apart by, as it is. Raises FlawError where it could be taken for another.

    Each character is written in the form that has no other (NFKC: no full-width letters, ligatures, or letters whose
    accents are characters of their own), and all letters of a word are of one script.
    """
    one_line(text)
    if text != text.strip():
        raise FlawError(f"`{text}` begins or ends with a blank", "take the blanks off")
    plain = unicodedata.normalize("NFKC", text)
    if plain != text:
        raise FlawError(f"`{text}` has {_other_form(text, plain)}", f"write `{plain}`")
    for word in _WORD.findall(text):
        _one_script(word)
    return text


def _other_form(text: str, plain: str) -> str:
    """What of a text has another form, by its code point: the two may look the same."""
    accents = [c for c in text if unicodedata.combining(c)]
    if accents and unicodedata.normalize("NFC", text) == plain:
        return f"an accent as a character of its own (U+{ord(accents[0]):04X}), where one letter has it"
    at = next(i for i, c in enumerate(text) if not plain.startswith(text[: i + 1]))
    return f"a character that looks like another: U+{ord(text[at]):04X}"


def _one_script(word: str) -> None:
    scripts: dict[str, str] = {}
    for letter in word:
        scripts.setdefault(_script(letter), letter)
    if len(scripts) > 1 and not set(scripts) <= {"LATIN", "EAST ASIAN"}:
        (one, a), (other, b), *_ = scripts.items()
        what = f"`{word}` mixes {one.title()} letters (`{a}`) with {other.title()} ones (`{b}`, U+{ord(b):04X})"
        raise FlawError(what, "type the word anew, in one script")


def _script(letter: str) -> str:
    """The script of a letter, as its name in Unicode begins."""
    first = unicodedata.name(letter, "UNNAMED").partition(" ")[0]
    return "EAST ASIAN" if first in _EAST_ASIAN else first
