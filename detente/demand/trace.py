"""A trace: demand as a file of requests, one a row.

Owns: the columns of a trace, and the tokens of its requests, hour by hour. Not here: rates (``table``), how a
file is read (``sheet``, ``clock``), and how hours are folded (``pattern``).

A trace covers the time from its first row to its last, and an hour in between without a row is an hour
without demand.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from detente.demand.demand_file import DemandFile
from detente.values.micros import HOUR
from detente.values.noun import Noun, Title
from detente.values.row_times import LATEST, TimestampReader
from detente.values.sheet import UNREADABLE, Sheet, atto

MAX_TOKENS = 10**9  # of one request

_MEANT = "a whole number of tokens, from 0 to 1e9"

# Names known for the roles of columns, of letters and digits alone: Azure LLM inference traces 2023 and 2024,
# Mooncake, BurstGPT, Vidur, OpenAI's usage.
KNOWN = {
    "timestamp": "timestamp|ts|(arrival|date|request|start)?time|(arrived|created)at",
    "input": "(context|input|numprefill|prompt|request)tokens|input(length)?",
    "output": "(completion|generated|numdecode|output|response)tokens|output(length)?",
}


class TraceColumns(Noun):
    """Which columns of a trace are what; well-known names need no mention."""

    timestamp: Title | None = None
    input: Title | None = None
    output: Title | None = None


class TraceSource(DemandFile):
    """Demand as a trace: one row a request, with its tokens of input and of output."""

    columns: TraceColumns = TraceColumns()

    def read(self, folder: Path) -> Self:
        """A copy that holds the trace.

        Raises FlawError with every flaw, each with its own place in the file.
        """
        with Sheet(folder, self.file) as sheet:
            wanted = self.columns
            at = sheet.pick({"timestamp": wanted.timestamp, "input": wanted.input, "output": wanted.output}, KNOWN)
            mooncake = {"timestamp", "input_length", "output_length", "hash_ids"} <= set(sheet.columns)
            unit = self.unit or ("ms" if mooncake else None)
            clock: TimestampReader | None = None
            tokens: dict[int, int] = defaultdict(int)
            first, last, inputs, outputs = LATEST, -1, 0, 0
            for row, (time, given, made) in sheet.rows(at):
                clock = clock or TimestampReader.of(sheet, row, at[0], time, unit)
                try:
                    when, i, o = clock.read(time), token_count(given), token_count(made)
                except UNREADABLE:
                    clock.explain(sheet, row, at, (time, given, made), token_count, _MEANT)
                    continue
                first, last = min(first, when), max(last, when)
                inputs, outputs = inputs + i, outputs + o
                tokens[when // HOUR] += i + o
        if clock is None or last <= first:
            sheet.stop("all rows are at one moment, so that no rate follows", "give a trace that takes time")
        if not inputs + outputs:
            sheet.stop("no row has any tokens", "check the columns, and which rows are chosen")
        zero = self.zero_hour(sheet, clock, first, last)
        covered = dict.fromkeys(range(first // HOUR, last // HOUR + 1), HOUR)
        covered[first // HOUR] -= first % HOUR
        covered[last // HOUR] -= HOUR - last % HOUR
        return self.holding(sheet, zero, tokens, covered, output=Fraction(outputs, inputs + outputs))


def token_count(value: Any) -> int:
    """Tokens of one request, of a file: a whole number from 0 to 1e9. Raises ``UNREADABLE``."""
    try:
        found = int(value) if type(value) is int or (type(value) is str and value.isascii()) else -1
    except ValueError:
        found = -1
    if found < 0:
        found, rest = divmod(atto(value), 10**18)
        if rest:
            raise ValueError(value)
    if found > MAX_TOKENS:
        raise ValueError(value)
    return found
