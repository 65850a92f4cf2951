"""A sheet: a table in a file that comes with a case.

Owns: reading CSV and Parquet row by row, gzipped or not, within bounds; where mistakes are noted; numbers and
text as they stand in such a file. Not here: what rows mean (``trace``, ``table``, ``catalog``), and times
(``clock``).
"""

from __future__ import annotations

import gzip
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Context, Decimal
from operator import itemgetter
from pathlib import Path
from typing import IO, Annotated, Any, NoReturn, Self

from pydantic import AfterValidator, Field

from detente.errors import Flaw, FlawError, MissingExtraError, Where, printable
from detente.values.csv_rows import MAX_LINE, csv_rows
from detente.values.file import leads_out, opened
from detente.values.noun import Title
from detente.values.quantity import respelt

MAX_BYTES = 2 * 2**30
MAX_UNPACKED = 2 * 2**30  # a small gzip file may unpack to more than any disk holds
MAX_ROWS = 10_000_000  # half a minute's work
MAX_LINES = MAX_ROWS + 1  # with the header; and where all of them are empty
MAX_VALUE = 1024  # bytes of a text in Parquet: a dictionary of one long text may stand for gigabytes
BATCH = 8192  # rows of Parquet that are held at once
MAX_MISTAKES = 10

UNREADABLE = (ValueError, TypeError, ArithmeticError)  # what reading one value may raise

_WIDE = Context(prec=60)
_LOOSE = re.compile("(?<![0-9])_|_(?![0-9])")


def _in_folder(name: str) -> str:
    if not name.isprintable() or Path(name).is_absolute() or "://" in name:
        raise FlawError(f"`{name[:60]}` is not a file beside the case", "write its path from the case's folder")
    return name


File = Annotated[Title, AfterValidator(_in_folder), Field(description="path from the case's folder")]


@dataclass(frozen=True, slots=True)
class SheetFlaw(Flaw):
    """A flaw at a place in a sheet: ``what`` begins with the place, for a reader of another file; ``said`` does not."""

    place: Where = field(default_factory=lambda: Where(""))
    said: str = ""

    @classmethod
    def at(cls, place: Where, said: str, remedy: str) -> SheetFlaw:
        """What is wrong there."""
        return cls(f"{place}: {said}", remedy, place=place, said=said)


SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
"""What some programs write between columns in place of commas."""


class Sheet:
    """A table in a file: CSV or Parquet, gzipped or not, whatever it is called.

    Row 1 is the header, and in Parquet what would be the header: the first record is row 2 in both. A
    ``with`` statement ends in a FlawError that lists what was found ``wrong``, up to ten flaws.
    """

    def __init__(self, folder: Path, file: str) -> None:
        self.file, self._folder, self._path = file, folder, folder / file
        self.columns: tuple[str, ...] = ()
        self.moments: frozenset[int] = frozenset()  # columns of dates, given as microseconds since 1970
        self.zoneless: frozenset[int] = frozenset()  # those of them that name no zone
        self._open, self._flaws = ExitStack(), list[SheetFlaw]()
        self._rows: Callable[[Sequence[int]], Iterator[tuple[int, Any]]]

    def __enter__(self) -> Self:
        try:
            if wrong := leads_out(self._folder, self._path):
                self.stop(*wrong)
            if not self._path.exists() or self._path.is_dir():
                self.stop("there is no such file", "the path counts from the case's folder")
            if self._path.stat().st_size > MAX_BYTES:
                self.stop(f"is larger than {MAX_BYTES // 2**30} GiB", "keep the hours that matter")
            stream, head = self._unpacked(self._open.enter_context(opened(self._path)))
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
        if kind is None and self._flaws:
            raise FlawError.of(*self._flaws) from None

    def stop(self, what: str, remedy: str, row: int = 0, column: int = 0) -> NoReturn:
        """Raise FlawError, with the flaws so far."""
        where = Where(self.file, row, column or min(row, 1))
        raise FlawError.of(*self._flaws, SheetFlaw.at(where, what, remedy)) from None

    def wrong(self, row: int, column: int, what: str, remedy: str) -> None:
        """Note a flaw in a row; column 0 is the first. The tenth raises FlawError."""
        if len(self._flaws) + 1 >= MAX_MISTAKES:
            self.stop(what, f"{remedy} (no more is shown)", row, column + 1)
        self._flaws.append(SheetFlaw.at(Where(self.file, row, column + 1), what, remedy))

    def note(self, what: str, remedy: str) -> None:
        """Note a flaw of the file as a whole."""
        self._flaws.append(SheetFlaw.at(Where(self.file), what, remedy))

    def has_flaws(self) -> bool:
        """Whether anything wrong was noted so far."""
        return bool(self._flaws)

    def pick(self, given: Mapping[str, str | None], known: Mapping[str, str] | None = None) -> list[int]:
        """Where the columns of some roles stand: by their given names, else by names known for the role.

        What is ``known`` are patterns of letters and digits alone, in lower case.
        """
        bare = [re.sub("[^a-z0-9]", "", name.casefold()) for name in self.columns]
        found, problems = [], []
        for role, name in given.items():
            fits = [i for i, c in enumerate(self.columns) if c == name] if name else []
            if name:
                fits = fits or [i for i, c in enumerate(self.columns) if c.casefold() == name.casefold()]
            else:
                fits = [i for i, c in enumerate(bare) if re.fullmatch((known or {})[role], c)]
            if len(fits) != 1:
                which = f"named `{name}`" if name else f"known as `{role}`"
                problems.append(f"{len(fits) or 'no'} column{'s' * (len(fits) > 1)} {which}")
            elif fits[0] in found:
                problems.append(f"one column, {shown(self.columns[fits[0]])}, for two things")
            found += fits[:1]
        if problems:
            self.stop(f"has {', '.join(problems)}", self._columns_remedy(), 1, 1)
        return found

    def _columns_remedy(self) -> str:
        """What to do where a column is not found as it should be."""
        apart = next((mark for mark in SEPARATORS if len(self.columns) == 1 and mark in self.columns[0]), None)
        if apart is not None:
            return f"its columns stand apart by {SEPARATORS[apart]}: save it with commas between them"
        twice = next((c for c in self.columns if self.columns.count(c) > 1), None)
        if twice is not None:
            return f"{shown(twice)} is the name of two columns: rename one in the file"
        return f"its columns are {', '.join(map(shown, self.columns[:40]))}: name yours under `columns:`"

    def rows(self, at: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """Each row's number and its values in two or more columns: text from CSV, any type from Parquet."""
        return ((row, values) for row, values in self.every_row(at) if values is not None)

    def every_row(self, at: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """The same, with no values (None) of a row that is empty, or was just noted as wrong."""
        any_row = False
        for row, values in self._rows(at):
            any_row = any_row or values is not None
            yield row, values
        if not any_row and not self.has_flaws():
            self.stop("has no rows below its header", "give a file with data")

    def _unreadable(self, error: Exception) -> NoReturn:
        text = str(getattr(error, "strerror", None) or error).split("\n")[0][:160] or type(error).__name__
        self.stop(f"cannot be read: {printable(text)}", "give CSV or Parquet, gzipped or not")

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
        while chunk := packed.read(MAX_LINE):
            if flat.tell() > MAX_UNPACKED:
                self.stop(f"unpacks to more than {MAX_UNPACKED // 2**30} GiB", "keep the hours that matter")
            flat.write(chunk)
        flat.seek(0)
        return flat, head

    def _must_be_short(self, stream: IO[bytes]) -> None:
        """Raise FlawError where there are too many lines, or they unpack to too much: before any of them is read."""
        size = lines = 0
        while chunk := stream.read(MAX_LINE):
            size, lines = size + len(chunk), lines + chunk.count(b"\n")
            if lines > MAX_LINES:
                self.stop(f"has more than {MAX_ROWS:,} rows", "keep the hours that matter")
            if size > MAX_UNPACKED:
                self.stop(f"unpacks to more than {MAX_UNPACKED // 2**30} GiB", "keep the hours that matter")
        stream.seek(0)

    def _start_csv(self, stream: IO[bytes]) -> None:
        self._must_be_short(stream)
        found = csv_rows(stream)
        header = next(found, None)
        if header is not None and header.what:
            self.stop(header.what, f"{header.remedy}; the first line names the columns", header.line, header.column + 1)
        if header is None or not any(header.values):
            self.stop("is empty", "give a file with a header and rows")
        self.columns = tuple(name.strip() for name in header.values)

        def rows(at: Sequence[int]) -> Iterator[tuple[int, Any]]:
            width, chosen = len(self.columns), itemgetter(*at)
            try:
                for row in found:
                    if len(row.values) == width:
                        yield row.line, chosen(row.values)
                        continue
                    if row.what:
                        self.wrong(row.line, row.column, row.what, row.remedy)
                    elif row.values:
                        what = f"has {len(row.values)} values where the header has {width}"
                        self.wrong(row.line, 0, what, "check its commas and quotes")
                    yield row.line, None
            except (OSError, EOFError, zlib.error) as error:
                self._unreadable(error)

        self._rows = rows

    def _must_be_small(self, metadata: Any, names: Sequence[str]) -> None:
        """Raise FlawError where columns unpack to too much, as the file itself says."""
        groups = (metadata.row_group(at) for at in range(metadata.num_row_groups))
        chunks = [group.column(at) for group in groups for at in range(metadata.num_columns)]
        for name in names:
            mine = [c for c in chunks if c.path_in_schema == name or c.path_in_schema.startswith(f"{name}.")]
            if sum(c.total_uncompressed_size for c in mine) > MAX_UNPACKED:
                self.stop(f"unpacks to more than {MAX_UNPACKED // 2**30} GiB", "keep the hours that matter")
            within = [c for c in mine if c.path_in_schema != name]
            if sum(c.num_values for c in within) > MAX_ROWS or any("BYTE" in c.physical_type for c in within):
                self.stop(f"holds lists or mappings in {shown(name)}", "give numbers, times or text", 1, 1)

    def _start_parquet(self, stream: IO[bytes]) -> None:
        try:
            import pyarrow as pa
            import pyarrow.compute as pc
            import pyarrow.parquet as pq
        except ImportError:
            raise MissingExtraError(f"reading the Parquet file `{self.file}`", "parquet") from None
        wrong = (pa.ArrowException, OSError, EOFError, ValueError, LookupError, ArithmeticError, TypeError)
        try:
            file = pq.ParquetFile(stream)
            texts = [field.name for field in file.schema_arrow if _text(pa, field.type)]
            file = pq.ParquetFile(stream, read_dictionary=texts, metadata=file.metadata)  # each text held once
            names, kinds = file.schema_arrow.names, file.schema_arrow.types
            size = file.metadata.num_rows
        except wrong as error:
            self._unreadable(error)
        if size > MAX_ROWS:
            self.stop(f"has {size:,} rows, more than {MAX_ROWS:,}", "keep the hours that matter")
        self.columns = tuple(names)
        self.moments = frozenset(i for i, k in enumerate(kinds) if pa.types.is_timestamp(k) or pa.types.is_date(k))
        self.zoneless = frozenset(i for i in self.moments if getattr(kinds[i], "tz", None) is None)

        def values(column: Any, at: int) -> list[Any]:
            longest = 0
            if pa.types.is_dictionary(column.type):
                longest = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
            elif pa.types.is_fixed_size_binary(column.type):
                longest = column.type.byte_width
            if longest > MAX_VALUE:
                what = f"has a text of {longest:,} bytes in {shown(names[at])}, more than {MAX_VALUE:,}"
                self.stop(what, "give numbers and times", 2, at + 1)
            if at in self.moments:
                column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
            return list(column.to_pylist())

        def rows(at: Sequence[int]) -> Iterator[tuple[int, Any]]:
            row = 1
            try:
                self._must_be_small(file.metadata, [names[i] for i in at])
                for batch in file.iter_batches(BATCH, columns=[names[i] for i in at]):
                    for found in zip(*(values(batch.column(names[i]), i) for i in at), strict=True):
                        row += 1
                        yield row, found
            except FlawError:
                raise
            except wrong as error:
                self._unreadable(error)

        self._rows = rows


def _text(pa: Any, kind: Any) -> bool:
    """Whether a column's values may be of any length."""
    of = pa.types
    return bool(of.is_string(kind) or of.is_large_string(kind) or of.is_binary(kind) or of.is_large_binary(kind))


def atto(value: Any) -> int:
    """A number from 0 to 1e24 in units of 1e-18, from text or as it would be printed. Raises ``UNREADABLE``."""
    text = str(value).strip()
    if not text.isascii() or _LOOSE.search(text):  # which Python would read
        raise ValueError(value)
    found = Decimal(text)
    if not found.is_finite() or not 0 <= found <= 10**24:
        raise ValueError(value)
    return int(_WIDE.to_integral_value(_WIDE.scaleb(found, 18)))


def number_remedy(value: Any) -> str:
    """What to do with a value that is not the number that it should be."""
    return respelt(str(value)[:MAX_VALUE]) or "correct it, or leave the row out"


def shown(value: Any) -> str:
    """A value of a file as a message quotes it: short, and printable."""
    return "nothing" if value is None or value == "" else f"`{printable(str(value)[:40])}`"
