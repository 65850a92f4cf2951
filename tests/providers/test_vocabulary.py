"""Tokens in place of texts: back to their text by a stated vocabulary."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import FlawError
from detente.providers.vocabulary import Vocabulary

BYTES = {value: bytes([value]) for value in range(256)}
KNOWN = BYTES | {256: b"he", 257: b"llo", 300: "€".encode(), 301: "€".encode()[:2]}
FILE = b"".join(b64encode(piece) + b" %d\n" % token for token, piece in KNOWN.items())


def test_tokens_are_the_text_that_they_stand_for() -> None:
    read = Vocabulary.read(FILE)
    assert read.text([256, 257, 32, 300]) == "hello €"
    assert read.text([301, 0xAC]) == "€"  # a character of several tokens


@settings(deadline=None)
@given(st.text(min_size=1), st.data())
def test_a_text_that_was_cut_loses_no_more_than_the_character_that_was_cut(text: str, data: st.DataObject) -> None:
    """Byte by byte: what both parts hold, beside at most one character, is the whole."""
    whole = text.encode()
    at = data.draw(st.integers(0, len(whole)))
    read = Vocabulary(BYTES)
    first, second = read.text(list(whole[:at])), read.text(list(whole[at:]))
    assert text.startswith(first)
    assert text.endswith(second)
    assert len(text) - len(first) - len(second) in (0, 1)
    assert read.text(list(whole)) == text


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        ([256, 999], "token 999, which is none of the vocabulary's 260"),
        ([-1], "token -1"),
        ([0x61, 0xFF, 0x61], "no text in UTF-8"),
        ([0x61, 0xE2, 0x61], "no text in UTF-8"),
        ([0x80] * 4 + [0x61], "no text in UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(tokens: list[int], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Vocabulary.read(FILE).text(tokens)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it holds no token"),
        (b"YQ== 1\nYg== 1\n", "line 2 is not"),
        (b"YQ== 1\nnonsense\n", "line 2 is not"),
        (b"YQ== -1\n", "line 1 is not"),
        (b"Y Q 1\n", "line 1 is not"),
        (b" 1\n", "line 1 is not"),
        (b"YQ== " + b"9" * 5000, "line 1 is not"),
        (b'{"model": {"vocab": {}}}', "line 1 is not"),
    ],
)
def test_what_is_no_vocabulary_is_told_with_its_line(data: bytes, why: str) -> None:
    with pytest.raises(FlawError, match=why):
        Vocabulary.read(data)
