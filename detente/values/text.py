"""Text that people write in a case: which characters it may have, and when two texts could be taken for one.

Owns: characters that show nothing or move what is shown, and letters that look like others. Not here: what a text
means, and how text is printed (``errors``).
"""

from __future__ import annotations

import re
import unicodedata

from detente.errors import HIDDEN, FlawError

_ALIKE = str.maketrans(
    "I1|0\u0131\u0237\u019a\u01c0" + "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u03bf",
    "lllOijll" + "aeopcyxijso",
)
"""Characters and what many fonts draw as they do; the last are Cyrillic and Greek, of words in those letters alone."""
_PHONETIC = re.compile("[\u0250-\u02af\u1d00-\u1dbf\ua720-\ua7ff]")
"""Latin letters of phonetic alphabets (alpha, small capitals, turned ones): plain letters a little changed."""
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


def looks(word: str) -> str:
    """What a word looks like: the same of two that many fonts draw alike, such as `personal` and `personaI`."""
    return word.translate(_ALIKE).replace("rn", "m")


def phonetic(word: str) -> re.Pattern[str] | None:
    """What a word may be taken for that has letters of phonetic alphabets: any in their place; None without them."""
    return re.compile(_PHONETIC.sub(".", re.escape(word))) if _PHONETIC.search(word) else None


def told_apart_by(word: str, other: str) -> str:
    """The first character in which a word is not another of as many characters; empty where they have not as many."""
    pairs = ((a, b) for a, b in zip(word, other, strict=False) if a != b and len(word) == len(other))
    each = (" (".join((f"U+{ord(c):04X}", unicodedata.name(c, "unnamed").lower() + ")")) for c in next(pairs, ()))
    return ", and not ".join(each)


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
