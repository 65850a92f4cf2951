"""Rows of CSV: each with its line and its values, or with what is wrong with it; those behind a wrong one are read.

Owns: lines of bounded length, text, quotes. A quote that is not closed takes lines with it, up to the next that ends it
or 128 KiB: which of them are rows nobody can tell, so none is, and it is said which they are. Not here: columns, and
what values mean (``sheet``).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

MAX_LINE = 2**20


class CsvRow(NamedTuple):
    """A row, by its last line; of one that cannot be read (``what``), its first line and the column, from 0."""

    line: int
    values: Sequence[str] = ()
    what: str = ""
    remedy: str = ""
    column: int = 0


def csv_rows(stream: IO[bytes]) -> Iterator[CsvRow]:
    """Every row. Raises what reading the stream raises."""
    lines = _Lines(stream)
    reader = csv.reader(lines, strict=True)
    while True:
        first = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            several = f" (lines {first} to {reader.line_num} cannot be told apart)" if reader.line_num > first else ""
            yield CsvRow(first, (), *lines.wrong() or (f"is not CSV: {error}{several}", "check its quotes"))
            continue
        wrong = lines.wrong()
        if wrong is None:
            yield CsvRow(reader.line_num, values)
            continue
        at = next((n for n, value in enumerate(values) if any("\udc80" <= each <= "\udcff" for each in value)), 0)
        yield CsvRow(reader.line_num, (), *wrong, at)


class _Lines:
    """Lines as text. One that is too long is left out but for whether quotes stay open in it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._wrong = stream, ""

    def wrong(self) -> tuple[str, str] | None:
        """What is wrong with lines since it was asked last, and the remedy."""
        found, self._wrong = self._wrong, ""
        if not found:
            return None
        return found, "save the file as UTF-8" if "UTF-8" in found else "shorten its values, or leave it out"

    def __iter__(self) -> Iterator[str]:
        first = True
        while raw := self._stream.readline(MAX_LINE):
            if len(raw) == MAX_LINE:
                self._wrong = self._wrong or f"is a line of more than {MAX_LINE // 2**20} MiB"
                yield '"\n' if self._quotes_behind(raw) % 2 else "\n"
            else:
                yield self._text(raw, "utf-8-sig" if first else "utf-8")
            first = False

    def _quotes_behind(self, raw: bytes) -> int:
        """How many quotes are in a line of which this is the beginning."""
        found = raw.count(b'"')
        while not raw.endswith(b"\n") and (raw := self._stream.readline(MAX_LINE)):
            found += raw.count(b'"')
        return found

    def _text(self, raw: bytes, encoding: str) -> str:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError as error:
            self._wrong = self._wrong or f"byte 0x{raw[error.start]:02x} is not UTF-8 text"
            return raw.decode("utf-8", "surrogateescape")
