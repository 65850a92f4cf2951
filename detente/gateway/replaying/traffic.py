"""Traffic to replay: the calls of a file, one row a call or a row for several alike, in the order of time.

Owns: which columns are what, when each call is, and repeating the file. Not here: where a call goes (``replay``), and
how a file is read (``values.sheet``, ``values.row_times``). One pass over the file at a time: memory does not grow
with it.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, NamedTuple

from detente.demand.trace import KNOWN, token_count
from detente.errors import CaseError, Flaw, FlawError, Mistake, Where
from detente.live.key import PREFIX
from detente.values.likeness import did_you_mean
from detente.values.micros import DAY, HOUR, micros
from detente.values.row_times import TimestampReader
from detente.values.sheet import UNREADABLE, Sheet, SheetFlaw, number_remedy, shown

MAX_CALLS = 10**9
"""Of one row."""
MAX_KEPT = 1_000_000
"""Calls of a file that is repeated which are kept: some 50 MB. A longer one is read anew each time."""

TRAFFIC = {
    **KNOWN,
    "cached": "cached|(cache(d|read)(input|prompt)?|(input|prompt)cached)tokens",
    "workload": "workload",
    "key": "key(id|name)?",
    "calls": "(calls|requests)",
}
"""Names known for the roles of columns; all but ``NEEDED`` may be missing."""
NEEDED = ("timestamp", "input", "output")
NO_KEYS = "the case has none; those that were made at run time are in a ledger: give it as `ledger`"


class ReplayedCall(NamedTuple):
    """Some calls that are alike: when (microseconds since 1970), whose, and the tokens of each.

    ``key`` is the name of the key by which they were made; empty: by none.
    """

    at: int
    workload: str
    input: int
    cached: int
    output: int
    calls: int
    key: str = ""


class KeptCalls:
    """The calls of a file that is repeated, kept so that it is not read again; of a very long one, nothing."""

    def __init__(self) -> None:
        self._numbers = tuple(array("q") for _ in range(5))
        self._whose: list[tuple[str, str]] = []
        self._known: dict[tuple[str, str], tuple[str, str]] = {}
        """Each of them once, however many calls they make."""
        self.whole = True
        """Whether all that were to be kept are here."""

    def keep(self, call: ReplayedCall) -> None:
        """Keep one."""
        if len(self._whose) >= MAX_KEPT:
            self.whole = False
            return
        at, workload, *rest, key = call
        for column, number in zip(self._numbers, (at, *rest), strict=True):
            column.append(number)
        whose = workload, key
        self._whose.append(self._known.setdefault(whose, whose))

    def moved(self, shift: int, until: int) -> Iterator[ReplayedCall]:
        """All of them, later by so many microseconds, as far as they are before a moment."""
        at, *rest = self._numbers
        workloads, keys = zip(*self._whose, strict=True)
        rows = zip(map(shift.__add__, at), workloads, *rest, keys, strict=True)
        made = partial(tuple.__new__, ReplayedCall)  # as ``_make``, in a third of the time
        return map(made, islice(rows, bisect_left(at, until - shift)))


@dataclass(frozen=True)
class TraceTraffic:
    """A file of calls.

    Attributes
    ----------
    columns
        Names of columns by role, where they are not known by themselves.
    unit
        Of times that are numbers: ``s``, ``ms``, ``us`` or ``ns``.
    workload
        Whose calls they are, where neither a column nor a key says.
    keys
        The workload of each key that a call may name.
    starts
        When the first call is; None: when the file says.
    until
        The file is repeated until then, each time after its own length: that of the last row is as the one before
        it, and the whole is in whole hours, or days where it is longer than one. None: it is read once.
    """

    file: Path
    workloads: Collection[str]
    workload: str | None = None
    columns: Mapping[str, str] | None = None
    unit: str | None = None
    starts: datetime | None = None
    until: datetime | None = None
    keys: Mapping[str, str] = field(default_factory=dict)

    def calls(self) -> Iterator[ReplayedCall]:
        """The calls. Raises CaseError with what is wrong in the file, and MissingExtraError."""
        until = None if self.until is None else micros(self.until)
        kept = KeptCalls() if until is not None else None
        first = last = None
        gap = shift = 0
        for call in self._once():
            if first is None or last is None:
                first = last = call.at
                shift = self._shift(first)
            gap, last = call.at - last or gap, call.at
            if kept is not None:
                kept.keep(call)
            if until is not None and call.at + shift >= until:
                return
            yield call._replace(at=call.at + shift) if shift else call
        if until is None or kept is None or first is None or last is None:
            return
        while True:
            shift += _length(last + gap - first)
            yield from kept.moved(shift, until) if kept.whole else self._moved(shift, until)
            if last + shift >= until:
                return

    def _moved(self, shift: int, until: int) -> Iterator[ReplayedCall]:
        """The same of a file that is too long to be kept."""
        rows = takewhile(lambda call: call.at + shift < until, self._once())
        return (call._replace(at=call.at + shift) for call in rows)

    def _shift(self, first: int) -> int:
        return 0 if self.starts is None else micros(self.starts) - first

    def _once(self) -> Iterator[ReplayedCall]:
        """The calls of the file as it stands."""
        try:
            with Sheet(self.file.parent, self.file.name) as sheet:
                yield from self._rows(sheet)
        except FlawError as error:
            raise CaseError(_mistake(flaw, self.file) for flaw in error.flaws) from None

    def _rows(self, sheet: Sheet) -> Iterator[ReplayedCall]:
        roles = self._roles(sheet)
        at = sheet.pick({role: (self.columns or {}).get(role) for role in roles}, TRAFFIC)
        places = {role: n for n, role in enumerate(roles)}
        cached, whose, by, count = (places.get(role) for role in ("cached", "workload", "key", "calls"))
        clock: TimestampReader | None = None
        callers: dict[tuple[Any, Any], tuple[str, str]] = {}
        before = 0
        for row, values in sheet.rows(at):
            clock = clock or self._clock(sheet, row, at[0], values[0])
            try:
                when, given, made = clock.read(values[0]), token_count(values[1]), token_count(values[2])
                read = token_count(values[cached]) if cached is not None else 0
                calls = _calls(values[count]) if count is not None else 1
                if read > given:
                    raise ValueError(read)
            except UNREADABLE:
                self._explain(sheet, row, at, roles, values, clock)
                continue
            said = None if whose is None else values[whose], None if by is None else values[by]
            caller = callers.get(said)
            if caller is None:
                try:
                    caller = callers[said] = self._caller(*said)
                except FlawError as error:
                    flaw = error.flaws[0]
                    place = by if flaw.path == ("key",) or whose is None else whose
                    sheet.wrong(row, at[place or 0], flaw.what, flaw.remedy)
                    continue
            if when < before:
                what = f"{shown(values[0])} is before the row above"
                sheet.wrong(row, at[0], what, "sort the file by time")
                continue
            before = when
            yield ReplayedCall(when, caller[0], given, read, made, calls, caller[1])

    def _caller(self, stated: Any, by: Any) -> tuple[str, str]:
        """Whose calls a row holds, and by which key they were made. Raises FlawError, which shows no secret (§14)."""
        key = "" if by is None else str(by)
        if key and key not in self.keys:
            if key.startswith(f"{PREFIX}_"):
                raise FlawError("a key itself is in the file, and not its name", "write the name alone", ("key",))
            raise FlawError(f"there is no key {shown(key)}", did_you_mean(key, self.keys, NO_KEYS), ("key",))
        own = self.keys.get(key, self.workload)
        workload = own if stated is None or (key and not stated) else str(stated)
        if workload is None or workload not in self.workloads:
            what = f"{shown(workload)} is no workload that can be called"
            raise FlawError(what, did_you_mean(str(workload), self.workloads))
        if key and workload != own:
            raise FlawError(f"the key `{key}` stands for `{own}`, not for {shown(workload)}", "correct either")
        return workload, key

    def _roles(self, sheet: Sheet) -> list[str]:
        """The roles that have a column."""
        named = self.columns or {}
        unknown = next((role for role in named if role not in TRAFFIC), None)
        if unknown is not None:
            sheet.stop(f"a column is named for `{unknown}`", did_you_mean(unknown, TRAFFIC))
        bare = [re.sub("[^a-z0-9]", "", name.casefold()) for name in sheet.columns]
        more = [role for role in TRAFFIC if role not in NEEDED]
        known = [role for role in more if role in named or any(re.fullmatch(TRAFFIC[role], name) for name in bare)]
        if not {"workload", "key"} & {*known} and self.workload is None:
            remedy = f"say by `workload` whose calls they are: {_named(self.workloads)}"
            sheet.stop("has no column `workload`", remedy, 1, 1)
        return [*NEEDED, *known]

    def _clock(self, sheet: Sheet, row: int, column: int, first: Any) -> TimestampReader:
        clock = TimestampReader.of(sheet, row, column, first, self.unit)
        if self.starts is None and not clock.dates and clock.from_zero(clock.read(first)):
            remedy = "say by `starts` when its first call is: `2026-01-05`"
            sheet.stop("its times count from zero", remedy, row, column + 1)
        return clock

    @staticmethod
    def _explain(sheet: Sheet, row: int, at: list[int], roles: list[str], values: Any, clock: TimestampReader) -> None:
        """Note what cannot be read of a row."""
        each = {role: n for n, role in enumerate(roles)}
        tokens: tuple[Callable[[Any], int], str] = token_count, "tokens, 0 to 1e9"
        reads = dict.fromkeys(("input", "output", "cached"), tokens)
        reads |= {"calls": (_calls, "calls, 1 to 1e9"), "timestamp": (clock.read, "a time from 1970 to 2200")}
        for role, n in each.items():
            if role not in reads:
                continue
            read, wanted = reads[role]
            try:
                read(values[n])
            except UNREADABLE:
                what = f"{shown(values[n])} in {shown(sheet.columns[at[n]])} is not {wanted}"
                sheet.wrong(row, at[n], what, number_remedy(values[n]))
                return
        what = f"{shown(values[each['cached']])} tokens came from a cache, of {shown(values[1])} of input"
        sheet.wrong(row, at[each["cached"]], what, "cached tokens are a part of the input; correct it")


def _calls(value: Any) -> int:
    found = int(value)
    if not 1 <= found <= MAX_CALLS or (found != value and str(found) != str(value).strip()):
        raise ValueError(value)
    return found


def _length(covered: int) -> int:
    """How long a file lasts that covers so much: in whole hours, or whole days where it is longer than one."""
    step = HOUR if covered <= DAY else DAY
    return max(1, -(-covered // step)) * step


def _named(names: Collection[str]) -> str:
    return " or ".join(f"`{name}`" for name in sorted(names)[:4])


def _mistake(flaw: Flaw, file: Path) -> Mistake:
    """What is wrong in the file, where the flaw knows its place there, or with it."""
    if isinstance(flaw, SheetFlaw):
        return Mistake(replace(flaw.place, file=str(file)), flaw.said, flaw.remedy)
    return Mistake(Where(str(file)), flaw.what, flaw.remedy)
