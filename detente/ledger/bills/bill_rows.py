"""The rows of a bill: read one by one, each with its place, under the rule that is for it; or what is wrong with it.

Owns: what a row says, and by what it is known. A file of any length is read in bounded memory. Not here: how a value
is read (``bill_value``), what a row comes to on the books (``bill_ingest``), the keys of a mapping (``bill_mapping``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from detente.errors import FlawError
from detente.ledger.bills.bill_currency import BillCurrencies
from detente.ledger.bills.bill_files import BillCopies
from detente.ledger.bills.bill_mapping import COLUMNS, OWN_LINE, TELLING, BillMapping, named_columns
from detente.ledger.bills.bill_value import LATEST, UnreadError, in_zone, number_of, text_in, time_of
from detente.ledger.bills.like_rows import LikeRows
from detente.values.micros import DAY, at_micros, micros
from detente.values.money import NANOS
from detente.values.period import moment
from detente.values.quantity import LARGEST
from detente.values.rounding import half_even
from detente.values.sheet import UNREADABLE, Sheet, shown

NEEDED = ("start", "net")
ONE = Fraction(1)
_FINER = re.compile(r"[.,][0-9]{6}([0-9]*[1-9])")
TIMES, NUMBERS = ("start", "end"), ("quantity", "listed", "net")


@dataclass(frozen=True, slots=True)
class KnownBy:
    """By what rows are told apart: columns that are read, that rules ask for, and that tell like rows apart, in order.

    ``times`` and ``numbers`` are those of them that are known by what they say, however it is written; others are known
    by their text. ``zone`` is that of times that name none. Ledgers of before know all columns by their text: these
    three are empty there.
    """

    columns: tuple[str, ...]
    times: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    zone: str = ""


@dataclass(frozen=True, slots=True)
class BillRow:
    """A row: its number, its rule (None: none is for it), its time in microseconds, its money in nano-units.

    ``key`` is what it is known by: of rows that are alike in all that tells rows apart, it counts them. ``others`` are
    what it would be known by where other columns tell rows apart (``KnownBy``). ``listed`` and ``net`` are converted at
    ``rate`` into the currency of the books; ``charged`` is what is stated, in the row's own ``currency``.
    """

    row: int
    key: str
    rule: int | None
    start: int
    end: int
    quantity: Fraction | None
    listed: int | None
    net: int
    others: tuple[str, ...] = ()
    charged: int = 0
    currency: str = ""
    rate: Fraction = ONE


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read: where, and what was expected."""

    row: int
    column: int
    what: str


class BillSheet(Sheet):
    """A table whose wrong rows are set aside, however many: see ``Sheet``."""

    def __init__(self, folder: Path, file: str) -> None:
        super().__init__(folder, file)
        self.bad: list[BadRow] = []
        self._any_bad = False

    def wrong(self, row: int, column: int, what: str, remedy: str) -> None:
        """Note a flaw in a row."""
        self._any_bad = True
        self.bad.append(BadRow(row, column + 1, f"{what}; {remedy}"))

    def has_flaws(self) -> bool:
        """Whether any row was set aside: then the file is not empty."""
        return self._any_bad or super().has_flaws()


class BillReader:
    """Reads the rows of a file.

    Parameters
    ----------
    currencies
        That of the books, and the rates of others: at these, rows are converted.
    likes
        Of all files of one run: parts of one export are one.
    until
        A row that begins later is of a time to come; None: it may.
    before
        By what rows were known to mappings of before: whoever corrects one gives the same rows again.

    Attributes
    ----------
    known_by
        By what its rows are known, once they are read.
    copies
        What of it is in an earlier file of the run, once its rows are read.
    """

    def __init__(
        self,
        file: Path,
        mapping: BillMapping,
        currencies: BillCurrencies,
        likes: LikeRows,
        until: datetime | None = None,
        before: Iterable[KnownBy] = (),
    ) -> None:
        self._file, self._mapping, self._currencies, self._likes = file, mapping, currencies, likes
        self._until = LATEST if until is None else micros(until)
        self._zone = ZoneInfo(mapping.zone)
        self._before = tuple(before)
        self.known_by = KnownBy(())
        self._own_line: str | None = None
        self.copies = BillCopies()
        self._new = self._alike = 0

    def rows(self) -> Iterator[BillRow | BadRow]:
        """Every row. Raises FlawError where the file as a whole cannot be read, or no further."""
        self._likes.begin(str(self._file))
        with BillSheet(self._file.parent, self._file.name) as sheet:
            roles, at = self._columns(sheet)
            try:
                for row, values in sheet.every_row([*at.values()]):
                    yield from self._set_aside(sheet)
                    if values is None:
                        continue
                    read = self._read(row, roles, dict(zip(at, values, strict=True)), sheet)
                    if read is not None:
                        yield read
            except FlawError:  # it breaks off: what was wrong before that is told too
                yield from self._set_aside(sheet)
                raise
            yield from self._set_aside(sheet)
        if self._new and self._alike == self._new:
            self.copies.likely.append((self._file, self._new))

    @staticmethod
    def _set_aside(sheet: BillSheet) -> Iterator[BadRow]:
        bad, sheet.bad = sheet.bad, []
        yield from bad

    # -- columns ---------------------------------------------------------------------------------------------------
    def _columns(self, sheet: Sheet) -> tuple[dict[str, str], dict[str, int]]:
        """The column of each role, and where each column that is read stands."""
        stated, known = named_columns(self._mapping), COLUMNS.get(self._mapping.format or "", {})
        bare = {name: re.sub("[^a-z0-9]", "", name.casefold()) for name in sheet.columns}
        there = [r for r in known if r not in NEEDED and any(re.fullmatch(known[r], b) for b in bare.values())]
        wanted = dict.fromkeys([*NEEDED, *(role for role in stated if stated[role]), *there])
        missing = [role for role in wanted if not stated[role] and role not in known]
        if missing:
            sheet.stop(f"which column is `{missing[0]}` is not said", "say it under `columns:`, or state a `format:`")
        places = sheet.pick({role: stated[role] for role in wanted}, known)
        roles = {role: sheet.columns[place] for role, place in zip(wanted, places, strict=True)}
        asked = self._mapping.asked
        lacking = [name for name in asked if name not in sheet.columns]
        if lacking:
            sheet.stop(f"has no column {shown(lacking[0])}, which a rule asks for", "correct the rule", 1, 1)
        telling = [name for name, each in bare.items() if re.fullmatch(TELLING, each)]
        self._own_line = next((name for name, each in bare.items() if re.fullmatch(OWN_LINE, each)), None)
        times, numbers = (tuple(sorted(roles[r] for r in each if r in roles)) for each in (TIMES, NUMBERS))
        self.known_by = KnownBy(tuple(sorted({*roles.values(), *asked, *telling})), times, numbers, self._zone.key)
        self._before = tuple(b for b in self._before if b != self.known_by and {*sheet.columns}.issuperset(b.columns))
        names = dict.fromkeys(chain(self.known_by.columns, *(b.columns for b in self._before)))
        return roles, {name: sheet.columns.index(name) for name in names}

    # -- a row -----------------------------------------------------------------------------------------------------
    def _read(
        self, number: int, roles: dict[str, str], values: dict[str, Any], sheet: Sheet
    ) -> BillRow | BadRow | None:
        """A row; None of a copy. Of one that is skipped, nothing else is read: its amounts may be anything."""
        texts = {name: text_in(value) for name, value in values.items()}
        rule = next((n for n, rule in enumerate(self._mapping.rules) if rule.fits(texts)), None)
        if rule is not None and self._mapping.rules[rule].skip:
            return BillRow(number, "", rule, 0, 0, None, None, 0)
        if self._is_copy(number, values, sheet):
            return None
        try:
            return self._row(number, rule, roles, values, sheet)
        except UnreadError as error:
            return self._bad(number, error, rule, roles, values, sheet)

    def _bad(
        self,
        number: int,
        first: UnreadError,
        rule: int | None,
        roles: dict[str, str],
        values: dict[str, Any],
        sheet: Sheet,
    ) -> BadRow:
        """All that is wrong with a row, from the first column on; ``first`` is what was seen first."""
        found = {sheet.columns.index(first.column) + 1: first.what}
        reads: list[Callable[[], object]] = [partial(self._rate, rule, roles, values, None)]
        reads += [partial(self._quantity, rule, roles, values)]
        reads += [partial(self._time, roles, role, values, sheet) for role in ("start", "end") if role in roles]
        reads += [partial(self._money, roles, role, values) for role in ("net", "listed") if role in roles]
        for read in reads:
            try:
                read()
            except UnreadError as error:
                found.setdefault(sheet.columns.index(error.column) + 1, error.what)
        column = min(found)
        more = "".join(f"; column {at}: {found[at]}" for at in sorted(found) if at != column)
        return BadRow(number, column, found[column] + more)

    def _row(
        self, number: int, rule: int | None, roles: dict[str, str], values: dict[str, Any], sheet: Sheet
    ) -> BillRow:
        start = self._time(roles, "start", values, sheet)
        if start > self._until:
            what = f"{shown(values[roles['start']])} is more than a day from now"
            raise UnreadError(
                roles["start"], f"{what}; give the file again once it has come, or skip such rows by a rule"
            )
        end = self._time(roles, "end", values, sheet) if "end" in roles else self._a_day_later(start)
        if end < start:
            raise UnreadError(roles["end"], f"{shown(values[roles['end']])} is before its start")
        end = max(end, start + 1)  # of a moment: what is over a time is found by its corrections
        currency, rate = self._rate(rule, roles, values, (start, end))
        charged, net = self._money(roles, "net", values), self._money(roles, "net", values, rate)
        assert net is not None
        assert charged is not None
        quantity = self._quantity(rule, roles, values)
        listed = self._money(roles, "listed", values, rate) if "listed" in roles else None
        (key, elsewhere), *before = (self._key(values, by, sheet) for by in (self.known_by, *self._before))
        others = tuple(other for other, _ in before)
        self._new, self._alike = self._new + 1, self._alike + elsewhere
        return BillRow(number, key, rule, start, end, quantity, listed, net, others, charged, currency, rate)

    def _quantity(self, rule: int | None, roles: dict[str, str], values: dict[str, Any]) -> Fraction | None:
        """How much, where the row says so. No row is of more tokens than all the world uses: its ``per`` is wrong."""
        found = number_of(roles["quantity"], values) if "quantity" in roles else None
        of = self._mapping.rules[rule] if rule is not None else None
        if found is not None and of is not None and of.tokens and abs(found) * of.per > LARGEST:
            name = roles["quantity"]
            raise UnreadError(name, f"{shown(values[name])} times {of.per:,} is more than 1e15 tokens; correct `per:`")
        return found

    def _is_copy(self, number: int, values: dict[str, Any], sheet: Sheet) -> bool:
        """Whether an earlier file has this very line of the provider's."""
        if self._own_line is None or not text_in(values[self._own_line]):
            return False
        of = self._likes.copied(_mark(values, self.known_by, sheet), number)
        if of is None:
            return False
        self.copies.rows += 1
        self.copies.first = self.copies.first or (f"{self._file}:{number}", of)
        return True

    def _key(self, values: dict[str, Any], known_by: KnownBy, sheet: Sheet) -> tuple[str, bool]:
        """What it is known by, and whether it is like a row of an earlier file."""
        mark = _mark(values, known_by, sheet)
        like = self._likes.count(mark)
        return f"bill-{mark.hex()}-{like.number}", like.elsewhere

    def _rate(
        self, rule: int | None, roles: dict[str, str], values: dict[str, Any], time: tuple[int, int] | None
    ) -> tuple[str, Fraction]:
        """The currency of a row, and what one of it is in that of the books.

        Without a ``time`` it is only asked whether rates of it are stated. A row that no rule is for is not on the
        books: it is told with its money, and so must be in their currency or have a rate, too.
        """
        name = roles.get("currency")
        text = self._currencies.own if name is None else text_in(values[name])
        try:
            if time is None:
                self._currencies.must_know(text, rule)
                return text, ONE
            return text, self._currencies.rate(text, rule, *time)
        except FlawError as error:
            assert name is not None
            raise UnreadError(name, f"{shown(text)} {error.flaws[0].what}; {error.flaws[0].remedy}") from None

    def _time(self, roles: dict[str, str], role: str, values: dict[str, Any], sheet: Sheet) -> int:
        name, value = roles[role], values[roles[role]]
        try:
            return time_of(name, value, sheet, self._zone)
        except UNREADABLE:
            raise UnreadError(
                name, f"{shown(value)} is not a time from 1970 to 2200, such as 2026-01-31T13:00:00Z"
            ) from None

    def _a_day_later(self, start: int) -> int:
        """The same time on the next day of the zone, which may be 23 or 25 hours away; of a day's begin, the next's."""
        day = at_micros(start).astimezone(self._zone).date()
        if micros(moment(day, self._zone)) == start:  # which is no midnight where the clock skips that
            return micros(moment(day + timedelta(days=1), self._zone))
        return in_zone(micros(at_micros(start).astimezone(self._zone).replace(tzinfo=UTC)) + DAY, self._zone)

    @staticmethod
    def _money(roles: dict[str, str], role: str, values: dict[str, Any], rate: Fraction = ONE) -> int | None:
        found = number_of(roles[role], values)
        if found is None and role in NEEDED:
            raise UnreadError(
                roles[role], "states no amount of money; write 0 where it is free, or skip such rows by a rule"
            )
        if found is None:
            return None
        return half_even(found.numerator * rate.numerator * NANOS, found.denominator * rate.denominator)


def _mark(values: dict[str, Any], known_by: KnownBy, sheet: Sheet) -> bytes:
    """What a row is known by, in short."""
    said: list[Any] = [(name, _said(name, values, known_by, sheet)) for name in known_by.columns]
    if known_by.zone:  # two zones are never mixed up: a clock of one shows the moments of another
        said.append(known_by.zone)
    return blake2b(json.dumps(said).encode(), digest_size=16).digest()


def _said(name: str, values: dict[str, Any], known_by: KnownBy, sheet: Sheet) -> str:
    """What a value says, the same however it is written; of what cannot be read, its text."""
    value = values[name]
    try:
        if name in known_by.numbers:
            number = number_of(name, values)
            return "" if number is None else str(number)
        if name in known_by.times:
            finer = _FINER.search(str(value))  # than the books hold, and yet another time
            return f"{time_of(name, value, sheet, ZoneInfo(known_by.zone))}{' and ' + finer[1] if finer else ''}"
    except (UnreadError, *UNREADABLE):
        pass
    return text_in(value)


def unreadable(error: FlawError, file: Path) -> Sequence[str]:
    """What is wrong with a file as a whole."""
    return [str(flaw).replace(file.name, str(file), 1) for flaw in error.flaws]
