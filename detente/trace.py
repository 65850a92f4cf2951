"""Demand from files: a trace of requests, or a table of rates.

Owns: reading CSV and Parquet row by row, within bounds; when a row is; and tokens folded onto hours.
Not here: what serves the demand (``workload``).

Times are UTC; one without a zone is taken as UTC. A trace covers the time from its first row to its last, and
an hour in between without a row is an hour without demand. A row of a table lasts until the next row, and the
last row as long as the one before it. An hour that is covered in part counts by the time that is covered; if
that is less than half an hour, the hour is not covered. Sums are exact: rates are kept to 18 decimals, times
to the microsecond.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from operator import itemgetter
from pathlib import Path
from typing import IO, Annotated, Any, Literal, NoReturn, Self

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from detente.errors import MissingExtraError, Where, did_you_mean
from detente.noun import Label, Noun, read_by, written_as
from detente.period import Day, Period, moment
from detente.quantity import number

MOST_BYTES = 2 * 2**30
MOST_UNPACKED = 8 * 2**30  # a small gzip file may unpack to more than any disk holds
MOST_LINE = 2**20
MOST_ROWS = 200_000_000
MOST_MISTAKES = 10
MOST_TOKENS = 10**9  # of one request
MOST_HOURS = 20 * 8766  # longer than 20 years: a time was misread

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_HOUR = 3_600_000_000  # microseconds
_MONDAY = date(1970, 1, 5)  # where time zero lies when no date is given
_LAST = 7_258_118_400_000_000  # 2200-01-01
_DATES_FROM = 10**15  # microseconds: numbers from 2001-09-09 on are dates, smaller ones are counted from zero
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WIDE = Context(prec=60)
_BAD = (ValueError, TypeError, ArithmeticError)  # what reading one value may raise
_PER = {"second": _HOUR // 3600, "minute": _HOUR // 60, "hour": _HOUR}
_UNITS = {"s": Fraction(10**6), "ms": Fraction(1000), "us": Fraction(1), "ns": Fraction(1, 1000)}

# Names known for the roles of columns, of letters and digits alone: Azure LLM inference traces 2023 and 2024,
# Mooncake, BurstGPT, Vidur, OpenAI's usage.
KNOWN = {
    "timestamp": "timestamp|ts|(arrival|date|request|start)?time|(arrived|created)at",
    "input": "(context|input|numprefill|prompt|request)tokens|input(length)?",
    "output": "(completion|generated|numdecode|output|response)tokens|output(length)?",
}


def _in_folder(name: str) -> str:
    if not name.isprintable() or Path(name).is_absolute() or "://" in name:
        raise ValueError(
            f"`{name[:60]}` is not a file beside the case; write its path from the case's folder"
        )
    return name


def _scale(given: Any) -> Decimal:
    found = number(str(given))
    if found <= 0:
        raise ValueError(f"`{given}` is not a factor above zero")
    return found


Scale = Annotated[
    Decimal, read_by(_scale, written_as(r"^[0-9][0-9_.eE]*$", "2.5", "a factor above zero", number=True))
]
File = Annotated[Label, AfterValidator(_in_folder), Field(description="path from the case's folder")]


class Sheet:
    """A table in a file: CSV or Parquet, gzipped or not, whatever it is called.

    Row 1 is the header, and in Parquet what would be the header: the first record is row 2 in both. A
    ``with`` statement ends in a ValueError that lists what was found ``wrong``, up to ten mistakes.
    """

    def __init__(self, folder: Path, file: str) -> None:
        self.file, self._path = file, folder / file
        self.columns: tuple[str, ...] = ()
        self.moments: frozenset[int] = frozenset()  # columns of dates, given as microseconds since 1970
        self._open, self._mistakes = ExitStack(), list[str]()
        self._rows: Callable[[Sequence[int]], Iterator[tuple[int, Any]]]

    def __enter__(self) -> Self:
        try:
            if not self._path.is_file():
                self.stop("there is no such file; the path counts from the case's folder")
            if self._path.stat().st_size > MOST_BYTES:
                self.stop(f"is larger than {MOST_BYTES // 2**30} GiB; keep the hours that matter")
            stream, head = self._unpacked(self._open.enter_context(self._path.open("rb")))
            self._start_parquet(stream) if head == b"PAR1" else self._start_csv(stream)
        except (OSError, EOFError, zlib.error) as error:
            self._open.close()
            self._unreadable(error)
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._open.close()
        if kind is None and self._mistakes:
            raise ValueError("\n".join(self._mistakes)) from None

    def stop(self, what: str, row: int = 0, column: int = 0) -> NoReturn:
        """Raise ValueError, with the mistakes so far."""
        where = Where(self.file, row, column or min(row, 1))
        raise ValueError("\n".join([*self._mistakes, f"{where}: {what}"])) from None

    def wrong(self, row: int, column: int, what: str) -> None:
        """Note a mistake in a row; column 0 is the first. The tenth raises ValueError."""
        if len(self._mistakes) + 1 >= MOST_MISTAKES:
            self.stop(f"{what} (no more is shown)", row, column + 1)
        self._mistakes.append(f"{Where(self.file, row, column + 1)}: {what}")

    def note(self, what: str) -> None:
        """Note a mistake of the file as a whole."""
        self._mistakes.append(f"{self.file}: {what}")

    def pick(self, given: Mapping[str, str | None]) -> list[int]:
        """Where the columns of some roles stand: by their given names, else by names known for the role."""
        bare = [re.sub("[^a-z0-9]", "", name.casefold()) for name in self.columns]
        found, problems = [], []
        for role, name in given.items():
            fits = [i for i, c in enumerate(self.columns) if c == name] if name else []
            if name:
                fits = fits or [i for i, c in enumerate(self.columns) if c.casefold() == name.casefold()]
            else:
                fits = [i for i, c in enumerate(bare) if re.fullmatch(KNOWN[role], c)]
            if len(fits) != 1:
                which = f"named `{name}`" if name else f"known as `{role}`"
                problems.append(f"{len(fits) or 'no'} column{'s' * (len(fits) > 1)} {which}")
            elif fits[0] in found:
                problems.append(f"one column, {shown(self.columns[fits[0]])}, for two things")
            found += fits[:1]
        if problems:
            known = ", ".join(shown(c) for c in self.columns[:40])
            self.stop(
                f"has {', '.join(problems)}; its columns are {known}: name yours under `columns:`", 1, 1
            )
        return found

    def rows(self, at: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """Each row's number and its values in two or more columns: text from CSV, any type from Parquet."""
        row = 0
        for row, values in self._rows(at):
            yield row, values
        if not row and not self._mistakes:
            self.stop("has no rows below its header; give a file with data")

    def _unreadable(self, error: Exception) -> NoReturn:
        text = str(getattr(error, "strerror", None) or error).split("\n")[0][:160] or type(error).__name__
        self.stop(f"cannot be read: {printable(text)}; give CSV or Parquet, gzipped or not")

    def _unpacked(self, raw: IO[bytes]) -> tuple[IO[bytes], bytes]:
        head = raw.read(4)
        raw.seek(0)
        if head[:2] != b"\x1f\x8b":
            return raw, head
        packed = self._open.enter_context(gzip.GzipFile(fileobj=raw))
        head = packed.read(4)
        packed.seek(0)
        if head != b"PAR1":
            return packed, head  # type: ignore[return-value]
        # Parquet is read from its end, so it must lie flat.
        flat = self._open.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        while chunk := packed.read(MOST_LINE):
            if flat.tell() > MOST_UNPACKED:
                self.stop(f"unpacks to more than {MOST_UNPACKED // 2**30} GiB; keep the hours that matter")
            flat.write(chunk)
        flat.seek(0)
        return flat, head

    def _start_csv(self, stream: IO[bytes]) -> None:
        reader = csv.reader(self._lines(stream), strict=True)
        try:
            header = next(reader, None)
        except csv.Error as error:
            self.stop(f"is not CSV: {error}; give CSV or Parquet", reader.line_num)
        if not header or not any(header):
            self.stop("is empty; give a file with a header and rows")
        self.columns = tuple(name.strip() for name in header)

        def rows(at: Sequence[int]) -> Iterator[tuple[int, Any]]:
            width, chosen = len(header), itemgetter(*at)
            try:
                for row in reader:
                    if len(row) == width:
                        yield reader.line_num, chosen(row)
                    elif row:
                        self.wrong(reader.line_num, 0, f"has {len(row)} values where the header has {width}")
            except csv.Error as error:
                self.stop(f"is not CSV: {error}; check the quotes", reader.line_num)
            except (OSError, EOFError, zlib.error) as error:
                self._unreadable(error)

        self._rows = rows

    def _lines(self, stream: IO[bytes]) -> Iterator[str]:
        size, line = 0, 0
        while raw := stream.readline(MOST_LINE):
            size, line = size + len(raw), line + 1
            if len(raw) == MOST_LINE:
                self.stop("a line is longer than 1 MiB; give CSV or Parquet", line)
            if size > MOST_UNPACKED:
                self.stop(f"unpacks to more than {MOST_UNPACKED // 2**30} GiB; keep the hours that matter")
            try:
                yield raw.decode("utf-8-sig" if line == 1 else "utf-8")
            except UnicodeDecodeError as error:
                self.stop(f"byte 0x{raw[error.start]:02x} is not UTF-8 text; save the file as UTF-8", line)

    def _start_parquet(self, stream: IO[bytes]) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise MissingExtraError(f"reading the Parquet file `{self.file}`", "parquet") from None
        wrong = (pa.ArrowException, OSError, EOFError, ValueError, LookupError, ArithmeticError, TypeError)
        try:
            file = pq.ParquetFile(stream)
            names, kinds = file.schema_arrow.names, file.schema_arrow.types
            size = file.metadata.num_rows
        except wrong as error:
            self._unreadable(error)
        if size > MOST_ROWS:
            self.stop(f"has {size:,} rows, more than {MOST_ROWS:,}; keep the hours that matter")
        self.columns = tuple(names)
        self.moments = frozenset(
            i for i, k in enumerate(kinds) if pa.types.is_timestamp(k) or pa.types.is_date(k)
        )

        def values(column: Any, at: int) -> list[Any]:
            if at in self.moments:
                column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
            return list(column.to_pylist())

        def rows(at: Sequence[int]) -> Iterator[tuple[int, Any]]:
            row = 1
            try:
                for batch in file.iter_batches(columns=[names[i] for i in at]):
                    for found in zip(*(values(batch.column(names[i]), i) for i in at), strict=True):
                        row += 1
                        yield row, found
            except wrong as error:
                self._unreadable(error)

        self._rows = rows


def atto(value: Any) -> int:
    """A number from 0 to 1e24 in units of 1e-18, from text or as it would be printed. Raises ``_BAD``."""
    found = Decimal(str(value).strip())
    if not found.is_finite() or not 0 <= found <= 10**24:
        raise ValueError(value)
    return int(_WIDE.to_integral_value(_WIDE.scaleb(found, 18)))


def _tokens(value: Any) -> int:
    try:
        found = int(value) if type(value) in (int, str) else -1
    except ValueError:
        found = -1
    if found < 0:
        found, rest = divmod(atto(value), 10**18)
        if rest:
            raise ValueError(value)
    if found > MOST_TOKENS:
        raise ValueError(value)
    return found


def _dated(value: str) -> int:
    at = datetime.fromisoformat(value.strip())
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return _within((at - _EPOCH) // _MICROSECOND)


def _within(at: int) -> int:
    if not 0 <= at < _LAST:
        raise ValueError(at)
    return at


def _counted(unit: str) -> Callable[[Any], int]:
    up, down = _UNITS[unit].as_integer_ratio()

    def read(value: Any) -> int:
        if type(value) is int:
            return _within(value * up // down)
        return _within(atto(value) * up // (down * 10**18))

    return read


@dataclass(frozen=True)
class Clock:
    """How the times of a column are read, to microseconds: since 1970 (``dates``), or perhaps zero."""

    read: Callable[[Any], int]
    dates: bool


def _clock(sheet: Sheet, row: int, at: int, first: Any, unit: str | None) -> Clock:
    """The clock of a column, from the first of its times."""
    if at in sheet.moments:
        return Clock(_counted("us"), True)
    if isinstance(first, str) and not re.fullmatch(
        r"\s*-?[0-9]+(\.[0-9]*)?(e[+-]?[0-9]+)?\s*", first, re.IGNORECASE
    ):
        return Clock(_dated, True)
    if unit is None:
        try:
            size = atto(first) // 10**18
        except _BAD:
            size = 0
        unit = {10: "s", 13: "ms", 16: "us", 19: "ns"}.get(len(str(size)))  # 2001 to 2286
    if unit is None:
        sheet.stop(
            f"{shown(first)} is a time without its unit; add `unit: s`, `ms`, `us` or `ns`", row, at + 1
        )
    return Clock(_counted(unit), False)


@dataclass(frozen=True)
class Pattern:
    """Tokens over time: Mtok an hour, for each hour of a pattern (one, a day, a week) or of the calendar.

    ``first`` is the hour (since 1970) of ``rates[0]`` where they are dated; None is an hour without data.
    """

    folded: Literal["mean", "day", "week", "dated"]
    first: int
    rates: tuple[Fraction | None, ...]
    output: Fraction | None
    left_out: tuple[str, ...] = ()
    left_out_share: Fraction = Fraction(0)

    @property
    def digest(self) -> str:
        """SHA-256 of what the file says: the same for CSV and Parquet."""
        parts = [self.folded, self.first, self.output, *self.left_out, self.left_out_share, *self.rates]
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()

    def gap(self, start: datetime, end: datetime) -> datetime | None:
        """The first hour of a time that has no data; None where all have."""
        hours = range(_hour(start), _hour(end)) if self.folded == "dated" else ()
        return next((_EPOCH + timedelta(hours=h) for h in hours if self._at(h) is None), None)

    def mean(self, period: Period) -> Fraction | None:
        """The mean rate of a period; None where part of it has no data.

        An hour of a typical week stands for the like hours of its month.
        """
        start, step, end = _hour(period.start), 1, _hour(period.end)
        if self.folded == "dated" and (period.span_start, period.span_end) != (period.start, period.end):
            first, step, end = _hour(period.span_start), 168, _hour(period.span_end)
            start = first + (start - first) % 168
        hours = max(1, len(range(start, end, step)))
        whole, rest = divmod(hours, len(self.rates)) if self.folded != "dated" else (0, hours)
        found = [self._at(start + i * step) for i in range(rest)]
        if None in found:
            return None
        once = sum((r for r in found if r is not None), Fraction(0))
        return (whole * self._sum + once) / hours if whole else once / hours

    @property
    def _sum(self) -> Fraction:
        return sum((r for r in self.rates if r is not None), Fraction(0))

    def _at(self, hour: int) -> Fraction | None:
        if self.folded == "dated":
            return self.rates[hour - self.first] if 0 <= hour - self.first < len(self.rates) else None
        return self.rates[_place(hour, self.folded)]


def _hour(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(hours=1)


def _place(hour: int, folded: str) -> int:
    """Where an hour since 1970 (a Thursday) stands in a pattern; a week begins on Monday."""
    return {"mean": 0, "day": hour % 24, "week": (hour + 72) % 168}[folded]


def _length(hours: Fraction) -> str:
    for size, name in ((24, "days"), (1, "hours"), (Fraction(1, 60), "minutes")):
        if hours >= 2 * size:
            return f"{float(hours / size):.1f} {name}"
    return f"{float(hours * 3600):.1f} seconds"


class _Source(Noun):
    file: File
    as_: Literal["mean", "day", "week", "dated"] = Field(
        default="mean",
        description="one mean rate; folded onto the hours of a day or a week; or each hour at its own date",
    )
    scale: Scale = Decimal(1)
    unit: Literal["s", "ms", "us", "ns"] | None = Field(default=None, description="of times that are numbers")
    starts: Day | None = Field(
        default=None, description="the day of time zero, where times count from zero; absent: a Monday"
    )
    _pattern: Pattern | None = PrivateAttr(default=None)

    @property
    def pattern(self) -> Pattern:
        """What was read, before ``scale``. Raises ValueError before ``read``."""
        if self._pattern is None:
            raise ValueError(f"{self.file}: was not read")
        return self._pattern

    @property
    def digest(self) -> str:
        """SHA-256 of what was read from the file."""
        return self.pattern.digest

    @property
    def mix(self) -> tuple[Fraction, None]:
        """The share of output in all tokens, and of cached input, which no file says.

        Raises ValueError where the file gives one rate for both.
        """
        if self.pattern.output is None:
            raise ValueError(f"{self.file}: does not tell output from input; state `mix:` beside `demand:`")
        return self.pattern.output, None

    def hourly(self, period: Period) -> Fraction:
        """Mean Mtok an hour in a period, input and output. Raises ValueError where dated data lack it."""
        mean = self.pattern.mean(period)
        if mean is None:
            raise ValueError(self.uncovered(period.span_start, period.span_end))
        return mean * Fraction(self.scale)

    def uncovered(self, start: datetime, end: datetime) -> str:
        """What is missing between two moments, in a sentence; empty where nothing is."""
        gap = self.pattern.gap(start, end)
        if gap is None:
            return ""
        first = _EPOCH + timedelta(hours=self.pattern.first)
        last = first + timedelta(hours=len(self.pattern.rates))
        return (
            f"{self.file}: has no data for the hour of {gap:%Y-%m-%d %H:%M}, only from {first:%Y-%m-%d %H:%M}"
            f" to {last:%Y-%m-%d %H:%M}; give a longer file, or write `as: week`, `day` or `mean`"
        )

    def _loaded(self, pattern: Pattern) -> Self:
        whole = self.model_copy()
        whole._pattern = pattern
        return whole

    def _begin(self, sheet: Sheet, clock: Clock, first: int, last: int) -> int:
        """Hours to add to the times of a file, so that they count from 1970."""
        if last - first > MOST_HOURS * _HOUR:
            sheet.stop(f"covers {_length(Fraction(last - first, _HOUR))}; check the times and their unit")
        if clock.dates or last >= _DATES_FROM:
            if self.starts is not None:
                sheet.stop("its times are dates of their own; leave out `starts`")
            return 0
        if self.as_ == "dated" and self.starts is None:
            sheet.stop("its times count from zero, and `as: dated` needs dates; add `starts: 2026-01-05`")
        return _hour(moment(self.starts or _MONDAY))

    def _fold(
        self, sheet: Sheet, begin: int, tokens: Mapping[int, int], covered: Mapping[int, int], per: int
    ) -> tuple[int, tuple[Fraction | None, ...]]:
        """The first hour, and rates from tokens (in 1/``per``) and microseconds covered, hour by hour."""
        first, half = min(covered), _HOUR // 2
        if self.as_ == "dated":
            work, time = tokens, covered
            places = range(first, max(covered) + 1)
        else:
            work, time = defaultdict(int), defaultdict(int)
            for hour, size in covered.items():
                place = _place(hour + begin, self.as_)
                time[place] += size
                work[place] += tokens.get(hour, 0)
            places = range({"mean": 1, "day": 24, "week": 168}[self.as_])
        least = 1 if self.as_ == "mean" else half
        rates = [
            Fraction(work.get(p, 0) * _HOUR, time[p] * per * 10**6) if time.get(p, 0) >= least else None
            for p in places
        ]
        missing = [p for p, rate in enumerate(rates) if rate is None]
        if self.as_ != "dated" and missing:
            names = ", ".join(_named(p, self.as_) for p in missing[:3]) + (", …" if len(missing) > 3 else "")
            sheet.stop(
                f"covers {_length(Fraction(sum(covered.values()), _HOUR))}, and `as: {self.as_}` needs half "
                f"an hour of each of its {len(rates)} hours: {len(missing)} lack ({names}); write `as: mean`"
            )
        return (first + begin if self.as_ == "dated" else 0), tuple(rates)


def _named(place: int, folded: str) -> str:
    day = _DAYS[place // 24] + " " if folded == "week" else ""
    return f"{day}{place % 24:02d}:00"


class TraceColumns(Noun):
    """Which columns of a trace are what; well-known names need no mention."""

    timestamp: Label | None = None
    input: Label | None = None
    output: Label | None = None


class TraceSource(_Source):
    """Demand as a trace: one row a request, with its tokens of input and of output."""

    columns: TraceColumns = TraceColumns()

    def read(self, folder: Path) -> Self:
        """A copy that holds the trace.

        Raises ValueError with a line a mistake: ``file:row:column: what; remedy``.
        """
        with Sheet(folder, self.file) as sheet:
            wanted = self.columns
            at = sheet.pick({"timestamp": wanted.timestamp, "input": wanted.input, "output": wanted.output})
            mooncake = {"timestamp", "input_length", "output_length", "hash_ids"} <= set(sheet.columns)
            unit = self.unit or ("ms" if mooncake else None)
            clock: Clock | None = None
            tokens: dict[int, int] = defaultdict(int)
            first, last, inputs, outputs = _LAST, -1, 0, 0
            for row, (time, given, made) in sheet.rows(at):
                clock = clock or _clock(sheet, row, at[0], time, unit)
                try:
                    when, i, o = clock.read(time), _tokens(given), _tokens(made)
                except _BAD:
                    _explain(sheet, row, at, (time, given, made), clock, _tokens)
                    continue
                first, last = min(first, when), max(last, when)
                inputs, outputs = inputs + i, outputs + o
                tokens[when // _HOUR] += i + o
        if clock is None or last <= first:
            sheet.stop("all rows are at one moment, so that no rate follows; give a trace that takes time")
        if not inputs + outputs:
            sheet.stop("no row has any tokens; check the columns, and which rows are chosen")
        begin = self._begin(sheet, clock, first, last)
        covered = dict.fromkeys(range(first // _HOUR, last // _HOUR + 1), _HOUR)
        covered[first // _HOUR] -= first % _HOUR
        covered[last // _HOUR] -= _HOUR - last % _HOUR
        start, rates = self._fold(sheet, begin, tokens, covered, 1)
        return self._loaded(Pattern(self.as_, start, rates, Fraction(outputs, inputs + outputs)))


def _explain(
    sheet: Sheet,
    row: int,
    at: Sequence[int],
    values: Sequence[Any],
    clock: Clock,
    reader: Callable[[Any], int],
) -> None:
    """Note which of a row's values cannot be read: a time, then numbers."""
    for column, value in zip(at, values, strict=True):
        try:
            (clock.read if column == at[0] else reader)(value)
        except _BAD:
            meant = (
                "a whole number of tokens, from 0 to 1e9" if reader is _tokens else "a number from 0 to 1e24"
            )
            if column == at[0]:
                meant = "a time from 1970 to 2200; write for example `2026-01-31T13:45:00Z`"
            sheet.wrong(row, column, f"{shown(value)} in {shown(sheet.columns[column])} is not {meant}")


def shown(value: Any) -> str:
    """A value of a file as a message quotes it: short, and printable."""
    return "nothing" if value is None or value == "" else f"`{printable(str(value)[:40])}`"


def printable(text: str) -> str:
    """A text without control characters, so that a message of one line stays one."""
    return text if text.isprintable() else ascii(text)[1:-1]


class TableColumns(Noun):
    """Which columns of a table are what.

    Either ``rate``, of all tokens; or ``input`` and ``output``: where there are ``requests``, means of one.
    """

    timestamp: Label
    rate: Label | None = None
    input: Label | None = None
    output: Label | None = None
    requests: Label | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        apart = {self.input is not None, self.output is not None}
        if apart == {True, False} or (self.rate is not None) == (True in apart):
            raise ValueError("names neither `rate` nor `input` and `output`, or both; name one of the two")
        if self.requests is not None and self.rate is not None:
            raise ValueError(
                "`requests` needs `input` and `output`, the mean tokens of a request, instead of `rate`"
            )
        return self


class Table(_Source):
    """Demand as a table: one row a time, with its rate."""

    format: Literal["rates", "servegen"] = Field(
        default="rates",
        description="`servegen`: requests a second by tenant, and their tokens in another file",
    )
    columns: TableColumns | None = None
    per: Literal["second", "minute", "hour"] | None = Field(
        default=None, description="what the rates are per"
    )
    tokens: File | None = Field(default=None, description="`servegen`: the file of mean tokens")
    model: Label | None = Field(default=None, description="`servegen`: whose requests")
    tenants: tuple[Label, ...] = Field(default=(), description="`servegen`: whose requests; absent: of all")
    missing_tokens: Literal["refuse", "skip"] = Field(
        default="refuse", description="`servegen`: requests of tenants whose tokens are not known"
    )

    @model_validator(mode="after")
    def _format(self) -> Self:
        rates, servegen = {"columns", "per"}, {"tokens"}
        needs, forbids = (
            (servegen, rates) if self.format == "servegen" else (rates, servegen | {"model", "tenants"})
        )
        missing = sorted(name for name in needs if getattr(self, name) is None)
        extra = sorted(name for name in forbids if getattr(self, name))
        if missing or extra:
            what = f"needs `{missing[0]}`" if missing else f"has no `{extra[0]}`"
            raise ValueError(f"a table of `format: {self.format}` {what}")
        return self

    @property
    def left_out(self) -> tuple[str, ...]:
        """Tenants whose requests are left out in whole or part, for their tokens are not known."""
        return self.pattern.left_out

    @property
    def left_out_share(self) -> Fraction:
        """The share of all requests that is left out."""
        return self.pattern.left_out_share

    def read(self, folder: Path) -> Self:
        """A copy that holds the table.

        Raises ValueError with a line a mistake: ``file:row:column: what; remedy``.
        """
        return self._read_servegen(folder) if self.format == "servegen" else self._read_rates(folder)

    def _read_rates(self, folder: Path) -> Self:
        columns = self.columns
        assert columns is not None
        assert self.per is not None
        roles = ["rate"] if columns.rate else ["input", "output"] + ["requests"] * bool(columns.requests)
        series: dict[int, tuple[int, int]] = {}
        clock: Clock | None = None
        with Sheet(folder, self.file) as sheet:
            at = sheet.pick({role: getattr(columns, role) for role in ("timestamp", *roles)})
            for row, values in sheet.rows(at):
                clock = clock or _clock(sheet, row, at[0], values[0], self.unit)
                try:
                    when, rates = clock.read(values[0]), [atto(value) for value in values[1:]]
                except _BAD:
                    _explain(sheet, row, at, values, clock, atto)
                    continue
                if when in series:
                    sheet.wrong(row, at[0], f"{shown(values[0])} has a row already; keep one, or add them up")
                each = rates[2] if columns.requests else 1
                series[when] = rates[0] * each, (rates[1] if len(roles) > 1 else 0) * each
        per = _PER[self.per] * 10 ** (36 if columns.requests else 18)
        return self._spread(sheet, clock, series, per, known=columns.rate is None)

    def _spread(
        self,
        sheet: Sheet,
        clock: Clock | None,
        series: Mapping[int, tuple[int, int]],
        per: int,
        *,
        known: bool = True,
        left_out: tuple[str, ...] = (),
        left_out_share: Fraction = Fraction(0),
    ) -> Self:
        """The pattern of rates of input and output, each from its time to the next."""
        times = sorted(series)
        if clock is None or len(times) < 2:
            sheet.stop("has one time only, so that its row has no length; give two rows or more")
        begin = self._begin(sheet, clock, times[0], times[-1])
        tokens: dict[int, int] = defaultdict(int)
        covered: dict[int, int] = defaultdict(int)
        inputs = outputs = 0
        for time, until in zip(times, [*times[1:], 2 * times[-1] - times[-2]], strict=True):
            given, made = series[time]
            inputs, outputs = inputs + given * (until - time), outputs + made * (until - time)
            while time < until:
                hour = time // _HOUR
                stop = min(until, (hour + 1) * _HOUR)
                tokens[hour] += (given + made) * (stop - time)
                covered[hour] += stop - time
                time = stop
        if not inputs + outputs:
            sheet.stop("no row has any tokens; check the columns, and which rows are chosen")
        start, rates = self._fold(sheet, begin, tokens, covered, per)
        output = Fraction(outputs, inputs + outputs) if known else None
        return self._loaded(Pattern(self.as_, start, rates, output, left_out, left_out_share))

    def _read_servegen(self, folder: Path) -> Self:
        """ServeGen's rates (model, client, t_s, rate_rps) by its means of tokens of six hours."""
        means = self._servegen_tokens(folder)
        series: dict[int, tuple[int, int]] = {}
        seen: set[tuple[str, str, int]] = set()
        missing: dict[str, int] = defaultdict(int)
        models, requests = set(), 0
        clock: Clock | None = None
        with Sheet(folder, self.file) as sheet:
            at = sheet.pick({name: name for name in ("t_s", "rate_rps", "model", "client")})
            for row, (time, rate, model, client) in sheet.rows(at):
                model, tenant = str(model), str(client)
                models.add(model)
                if self.model not in (None, model):
                    continue
                clock = clock or _clock(sheet, row, at[0], time, self.unit or "s")
                try:
                    when, each = clock.read(time), atto(rate)
                except _BAD:
                    _explain(sheet, row, at[:2], (time, rate), clock, atto)
                    continue
                if (model, tenant, when) in seen:
                    sheet.wrong(row, at[0], f"{shown(time)} has a row of {shown(tenant)} already; keep one")
                seen.add((model, tenant, when))
                given, made = series.get(when, (0, 0))
                if each and not (self.tenants and tenant not in self.tenants):
                    requests += each
                    window = means.get((model, tenant, when // (6 * _HOUR)), {})
                    if len(window) < 2:
                        missing[tenant] += each
                    else:
                        given += each * window["input_tokens"]
                        made += each * window["output_tokens"]
                series[when] = given, made
            self._servegen_choice(sheet, models, {tenant for _, tenant, _ in seen})
        share = Fraction(sum(missing.values()), requests or 1)
        left_out = tuple(sorted(missing, key=lambda t: (len(t), t)))
        if missing and self.missing_tokens == "refuse":
            who = ", ".join(left_out[:8]) + (", …" if len(left_out) > 8 else "")
            sheet.stop(
                f"`{self.tokens}` lacks tokens of tenants {who} ({len(left_out)} in all, with "
                f"{float(share):.1%} of the requests); write `missing-tokens: skip` to leave these out"
            )
        per = _PER["second"] * 10**36
        return self._spread(sheet, clock, series, per, left_out=left_out, left_out_share=share)

    def _servegen_choice(self, sheet: Sheet, models: set[str], tenants: set[str]) -> None:
        if self.model is None and len(models) > 1:
            sheet.stop(
                f"has requests of {len(models)} models; add `model:`, one of {', '.join(sorted(models)[:12])}"
            )
        if self.model is not None and self.model not in models:
            sheet.stop(f"has no model `{self.model}`; {did_you_mean(self.model, models)}")
        for tenant in self.tenants:
            if tenant not in tenants:
                sheet.stop(f"has no tenant `{tenant}`; {did_you_mean(tenant, tenants)}")

    def _servegen_tokens(self, folder: Path) -> Mapping[tuple[str, str, int], Mapping[str, int]]:
        """Mean tokens by model, tenant and window of six hours: ``input_tokens`` and ``output_tokens``."""
        assert self.tokens is not None
        means: dict[tuple[str, str, int], dict[str, int]] = defaultdict(dict)
        clock: Clock | None = None
        with Sheet(folder, self.tokens) as sheet:
            at = sheet.pick({name: name for name in ("window_start_s", "mean", "model", "client", "field")})
            for row, (time, mean, model, client, field) in sheet.rows(at):
                if field not in ("input_tokens", "output_tokens"):
                    continue
                clock = clock or _clock(sheet, row, at[0], time, self.unit or "s")
                try:
                    window = means[str(model), str(client), clock.read(time) // (6 * _HOUR)]
                    size = atto(mean)
                except _BAD:
                    _explain(sheet, row, at[:2], (time, mean), clock, atto)
                    continue
                if window.setdefault(field, size) != size:
                    sheet.wrong(
                        row, at[1], f"`{field}` of `{client}` has a mean already in this window; keep one"
                    )
        return means
