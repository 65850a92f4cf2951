"""A vocabulary: what text the tokens stand for that callers send in place of texts.

Owns: reading it as tiktoken's files write it (a line each: the bytes in base64, and the token), and from tokens back to
their text. Not here: where the file is, and which providers take no tokens.
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from collections.abc import Mapping, Sequence

from detente.errors import FlawError

MAX_BYTES = 32 * 1024 * 1024
"""Of a file; the largest in use has 3.6 million."""
_CUT = 3
"""Bytes of a character that are left at most where it was cut."""
_LATER = bytes(range(0x80, 0xC0))
"""Bytes that do not begin a character."""


class Vocabulary:
    """The bytes of each token.

    Parameters
    ----------
    pieces
        By token.
    """

    def __init__(self, pieces: Mapping[int, bytes]) -> None:
        self._pieces = pieces

    @classmethod
    def read(cls, data: bytes) -> Vocabulary:
        """A file's. Raises FlawError with the line that is none."""
        pieces: dict[int, bytes] = {}
        for number, line in enumerate(data.splitlines(), 1):
            piece, _, token = line.partition(b" ")
            try:
                known = int(token) if token.isdigit() else -1
                read = a2b_base64(piece, strict_mode=True)
            except (Error, ValueError):
                known, read = -1, b""
            if known < 0 or not read or known in pieces:
                what = f"line {number} is not the bytes of a token in base64 and, after a blank, its number"
                raise FlawError(what, "name a file as tiktoken writes them: `cl100k_base.tiktoken`")
            pieces[known] = read
        if not pieces:
            raise FlawError("it holds no token", "name a file as tiktoken writes them: `cl100k_base.tiktoken`")
        return cls(pieces)

    def text(self, tokens: Sequence[int]) -> str:
        """The text that some tokens stand for. Raises ValueError with what is wrong, in words.

        A text that was cut into arrays of tokens may have been cut within a character: what is left of one at either
        end is left out.
        """
        strange = next((token for token in tokens if token not in self._pieces), None)
        if strange is not None:
            raise ValueError(f"token {strange}, which is none of the vocabulary's {len(self._pieces):,}")
        data = b"".join([self._pieces[token] for token in tokens])
        begin = len(data[:_CUT]) - len(data[:_CUT].lstrip(_LATER))
        try:
            return data[begin:].decode()
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data" or len(data) - begin - error.start > _CUT:
                raise ValueError("tokens whose bytes are no text in UTF-8") from None
            return data[begin : begin + error.start].decode()
