"""Audit: whether anything of a ledger was altered, is missing or was inserted, and where first.

Owns: verifying the chain, row by row and batch by batch, and that sums, totals, marks of files, keys and what is on the
books of budgets follow from the rows. Not here: how marks and hashes are made (``chain``), what calls used of budgets
(``budget_counts``), and checkpoints (``checkpoint``).

Memory does not grow with the number of records: a batch is read at a time, and sums are by class and hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from detente.errors import LedgerError
from detente.ledger.books.books import Books
from detente.ledger.journals.file_mark import read_files
from detente.ledger.proof.budget_counts import lease_faults
from detente.ledger.store.chain import GENESIS, hash_of, mark
from detente.ledger.store.key_store import KEY_COLUMNS, changed_keys
from detente.ledger.store.store import Session, plain_value
from detente.ledger.store.tables import CHAINED, LATEST
from detente.ledger.use.late import misnoted
from detente.ledger.use.line import LineSum, UseClass
from detente.ledger.use.running_totals import RunningTotals, all_sums
from detente.ledger.use.stored_lines import use_lines
from detente.ledger.use.sum_step import sum_step
from detente.values.micros import at_micros

MAX_FOUND = 200
"""Faults that are listed."""
_UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, msgspec.MsgspecError)
"""What comes of reading what nobody but another program can have written."""


@dataclass(frozen=True, slots=True)
class AuditFault:
    """What is wrong, and where: the batch, and the table and row of it where one row is to blame.

    Batch 0: what follows from the rows of all batches.
    """

    batch: int
    table: str
    n: int | None
    what: str

    def __str__(self) -> str:
        where = ", ".join(filter(None, (f"batch {self.batch}" if self.batch else "", self.table)))
        return f"{where}{'' if self.n is None else f', row {self.n}'}: {self.what}"


@dataclass(frozen=True, slots=True)
class Audited:
    """What was verified: how many batches and rows, the last hash, and the faults in the order of the chain."""

    batches: int
    rows: int
    hash: str
    faults: tuple[AuditFault, ...]


FACTS = ("case", "currency", "first", "last", "step")
"""What a ledger notes of itself: whose it is, from when to when there is use, and how finely that is summed up."""


def audit(books: Books) -> Audited:
    """Verify all of a ledger: each row's mark, each batch's hash, and what follows from them.

    Raises LedgerError where it is of another case, or states no step of time by which it sums up. One that has written
    a batch is not another: what is noted of it was altered.
    """
    with books.store.reading() as session:
        wrote = session.number('SELECT COUNT(*) FROM batches WHERE "case" = ?', (books.case.hash,))
        wrong = books.mismatch(session)
        if wrong and not wrote:
            raise LedgerError(wrong)
        return _Chain(session).verified(books.totals, altered=bool(wrong))


def _which(of: UseClass, start: int) -> str:
    """A sum, for people."""
    return f"of {of.offer.get('offer') or of.kind} at {at_micros(start):%Y-%m-%d %H:%M} UTC"


class _Chain:
    """A ledger as it is read through."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._faults: list[AuditFault] = []
        self._rows = 0

    def verified(self, totals: RunningTotals, *, altered: bool) -> Audited:
        last, before = 0, GENESIS
        heads = list(
            self._session.all('SELECT batch, kind, at, "case", counts, before, hash FROM batches ORDER BY batch')
        )
        for number, kind, at, case, counts, stated, told in heads:
            if number != last + 1:
                self._found(last + 1, "", None, f"missing: batch {number} comes after batch {last}")
            elif stated != before:
                self._found(number, "", None, "does not follow from the batch before it, which was altered or removed")
            self._batch((number, kind, at, case), self._counts(number, counts), str(stated), str(told))
            last, before = int(number), str(told)
        self._beyond(last)
        self._schema()
        self._derived(totals, last)
        if altered and not self._faults:
            self._found(0, "facts", None, "`case` or `currency`: not that of this case, which wrote batches of it")
        return Audited(len(heads), self._rows, before, tuple(self._faults))

    def _found(self, batch: int, table: str, n: int | None, what: str) -> None:
        if len(self._faults) < MAX_FOUND:
            self._faults.append(AuditFault(batch, table, n, what))

    def _counts(self, batch: int, told: str) -> dict[str, int]:
        """How many rows a batch says that it has in each table."""
        try:
            return msgspec.json.decode(told, type=dict[str, int])
        except _UNREADABLE:
            self._found(batch, "", None, "altered: what it says of its rows cannot be read")
            return {}

    # -- a batch -------------------------------------------------------------------------------------------------
    def _batch(self, head: tuple[int, str, str, str], counts: dict[str, int], before: str, told: str) -> None:
        marks: list[bytes] = []
        faults = len(self._faults)
        for table in CHAINED:
            found = list(self._table(head[0], table))
            marks += found
            if len(found) != counts.get(table, 0) and len(self._faults) == faults:
                written = counts.get(table, 0)
                what = "missing" if len(found) < written else "inserted"
                self._found(head[0], table, min(len(found), written), f"{what}: {written} rows were written")
        if len(self._faults) == faults and hash_of(head, counts, before, marks) != told:
            self._found(
                head[0], "", None, "its hash is not that of its rows: rows were altered together with their marks"
            )

    def _table(self, batch: int, table: str) -> Iterator[bytes]:
        """The marks of a batch's rows in a table, as they should be."""
        columns = ", ".join(("n", *CHAINED[table], "mark"))
        rows = self._session.all(f"SELECT {columns} FROM {table} WHERE batch = ? ORDER BY n", (batch,))
        due = 0
        for n, *values, stated in rows:
            self._rows += 1
            if not isinstance(n, int):
                self._found(batch, table, None, f"altered: a row is numbered {str(n)[:40]!r}")
                continue
            if n != due:
                self._found(batch, table, due, "missing" if n > due else "comes twice")
            due = int(n) + 1
            wanted = mark(table, batch, int(n), [plain_value(value) for value in values])
            if plain_value(stated) != wanted:
                self._found(batch, table, int(n), "altered: it does not have its mark")
            yield plain_value(stated)

    def _beyond(self, last: int) -> None:
        """Rows of batches that there are not."""
        for table in CHAINED:
            row = self._session.one(f"SELECT MIN(batch) FROM {table} WHERE batch > ? OR batch < 1", (last,))
            if row is not None and row[0] is not None:
                self._found(int(row[0]), table, None, "inserted: there is no such batch")

    def _schema(self) -> None:
        """One row says of which version the ledger is: that which opened it here."""
        versions = [version for (version,) in self._session.all("SELECT version FROM ledger_schema")]
        if versions != [LATEST]:
            self._found(0, "ledger_schema", None, f"states {versions}, and the ledger is of version {LATEST}")

    # -- what follows from the rows ------------------------------------------------------------------------------
    def _derived(self, totals: RunningTotals, last: int) -> None:
        """That sums are those of the lines, totals those of the sums, and all else as rows of batches have it."""
        if self._faults:
            return  # they follow from rows that are not what they were
        for table, follows in (
            ("sums", self._sums_follow),
            ("totals", partial(self._totals_follow, totals, last)),
            ("leases", self._leases_follow),
            ("files", partial(self._last_follow, "files", read_files, ("name", "last", "number", "tail"))),
            ("keys", partial(self._last_follow, "keys", changed_keys, KEY_COLUMNS)),
        ):
            self._readable(table, follows)

    def _readable(self, table: str, follows: Callable[[], None]) -> None:
        """A row that cannot be read is a fault of its table."""
        try:
            follows()
        except _UNREADABLE as error:
            self._found(0, table, None, f"altered: a row cannot be read ({type(error).__name__}: {str(error)[:80]})")

    def _sums_follow(self) -> None:
        wanted = self._sums()
        self._times(list(wanted))
        self._facts()
        for each in all_sums(self._session):
            key = each.of.body, each.start, each.end
            if wanted.pop(key, None) != each:
                self._found(0, "sums", None, f"{_which(each.of, each.start)}: not that of its lines")
        for body, start, _ in wanted:
            self._found(0, "sums", None, f"{_which(UseClass.read(body), start)}: missing")
        for batch, n in misnoted(self._session):
            self._found(batch, "late", n, "whether it came late is not what the closings say")

    def _totals_follow(self, totals: RunningTotals, last: int) -> None:
        for meter in totals.differing(self._session):
            self._found(0, "totals", None, f"of `{meter.term}` ({meter.name}): not those of its lines")
        for (meter,) in self._session.all(
            "SELECT DISTINCT meter FROM totals WHERE meter NOT IN (SELECT meter FROM meters) ORDER BY meter"
        ):
            self._found(0, "totals", None, f"of `{meter}`: inserted: no such meter is counted")
        ahead = self._session.all("SELECT told, batch FROM meters WHERE batch > ? ORDER BY meter", (last,))
        for told, batch in ahead:
            self._found(0, "meters", None, f"`{told}`: counted up to batch {batch}, and the last is {last}")

    def _leases_follow(self) -> None:
        for fault in lease_faults(self._session):
            self._found(0, fault.table, None, fault.what)

    def _last_follow(
        self,
        table: str,
        wanted: Callable[[Session], Mapping[str, tuple[Any, ...]]],
        columns: Sequence[str],
    ) -> None:
        """That a table says of each of its keys what the last batch says that holds it."""
        key = "print" if table == "files" else "id"
        rows = self._session.all(f"SELECT {key}, {', '.join(columns)} FROM {table}")
        found, due = {str(name): tuple(row) for name, *row in rows}, wanted(self._session)
        for name in sorted({*found, *due}):
            if found.get(name) != due.get(name):
                what = "missing" if name not in found else "inserted" if name not in due else "altered"
                self._found(0, table, None, f"`{name}`: {what}: it is not as the last batch has it that holds it")

    def _times(self, sums: Sequence[tuple[str, int, int]]) -> None:
        """That the earliest and latest use are noted: by these it is known what came later than a day."""
        for name, at in (
            ("first", min((s for _, s, _ in sums), default=None)),
            ("last", max((e for _, _, e in sums), default=None)),
        ):
            noted = self._session.one(f"SELECT value FROM facts WHERE name = '{name}'")
            told = None if noted is None else str(noted[0])
            if told != (None if at is None else str(at)):
                what = "missing" if told is None else f"it is not the {name} use of the lines"
                self._found(0, "facts", None, f"`{name}`: {what}")

    def _facts(self) -> None:
        """That it is noted whose the ledger is: else any case would be that of the ledger."""
        noted = {str(name): str(value) for name, value in self._session.all("SELECT name, value FROM facts")}
        for name in sorted({*noted}.difference(FACTS)):
            self._found(0, "facts", None, f"`{name}`: inserted: no ledger notes it")
        if self._session.one("SELECT 1 FROM batches WHERE \"case\" <> '' LIMIT 1") is not None:
            for name in ("case", "currency"):
                if name not in noted:
                    self._found(0, "facts", None, f"`{name}`: missing")
        owed = self._session.all("SELECT DISTINCT unit FROM entries WHERE account LIKE 'owed/%'")
        if (currency := noted.get("currency")) and {str(unit) for (unit,) in owed} - {currency}:
            self._found(0, "facts", None, "`currency`: it is not that of the entries")

    def _sums(self) -> dict[tuple[str, int, int], LineSum]:
        """All lines, summed up anew."""
        found: dict[tuple[str, int, int], LineSum] = {}
        step = sum_step(self._session)
        for line in use_lines(self._session):
            start, end = line.where(step)
            found.setdefault((line.of.body, start, end), LineSum(line.of, start, end)).add(line)
        return found
