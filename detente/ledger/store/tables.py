"""The tables of a ledger, as numbered migrations: what each version adds to the one before.

Owns: the tables, and their columns in the order in which the chain reads them. A migration that was released is never
changed. Not here: the databases that hold them (``sqlite``, ``postgres``), and what the rows say (``books``).

``{whole}`` is a whole number of 64 bits, ``{big}`` one of any size, ``{bytes}`` bytes.
"""

from __future__ import annotations

LATE_LINES = (
    "SELECT lines.batch, lines.n, found.closed FROM lines JOIN (SELECT batch,"
    " (SELECT MAX(as_of) FROM closings WHERE closings.batch < batches.batch) AS closed FROM batches) AS found"
    " ON lines.batch = found.batch WHERE lines.start < found.closed"
)
"""Lines of a time for which the books were closed when they came, and the day up to which they were."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        'CREATE TABLE batches (batch {whole} PRIMARY KEY, kind TEXT NOT NULL, at TEXT NOT NULL, "case" TEXT NOT NULL,'
        " counts TEXT NOT NULL, before TEXT NOT NULL, hash TEXT NOT NULL)",
        "CREATE TABLE routes (route {whole} PRIMARY KEY, batch {whole} NOT NULL, n {whole} NOT NULL,"
        " body TEXT NOT NULL UNIQUE, mark {bytes} NOT NULL)",
        "CREATE TABLE classes (class {whole} PRIMARY KEY, batch {whole} NOT NULL, n {whole} NOT NULL,"
        " body TEXT NOT NULL UNIQUE, mark {bytes} NOT NULL)",
        "CREATE TABLE calls (batch {whole} NOT NULL, n {whole} NOT NULL, id TEXT NOT NULL, route {whole} NOT NULL,"
        " at {whole} NOT NULL, outcome TEXT NOT NULL, body TEXT NOT NULL, mark {bytes} NOT NULL,"
        " PRIMARY KEY (batch, n))",
        "CREATE INDEX calls_by_id ON calls (id)",
        "CREATE TABLE lines (batch {whole} NOT NULL, n {whole} NOT NULL, call {whole}, part {whole} NOT NULL,"
        ' class {whole} NOT NULL, start {whole} NOT NULL, "end" {whole} NOT NULL, count {whole} NOT NULL,'
        " unknown TEXT NOT NULL, input {whole} NOT NULL, cached {whole} NOT NULL, written {whole} NOT NULL,"
        " output {whole} NOT NULL, reasoning {whole} NOT NULL, work {big} NOT NULL, taken {big} NOT NULL,"
        " listed {big} NOT NULL, net {big} NOT NULL, revenue {big} NOT NULL, off TEXT NOT NULL, mark {bytes} NOT NULL,"
        " PRIMARY KEY (batch, n))",
        "CREATE TABLE entries (batch {whole} NOT NULL, n {whole} NOT NULL, day TEXT NOT NULL, account TEXT NOT NULL,"
        " unit TEXT NOT NULL, amount {big} NOT NULL, subject TEXT NOT NULL, adjusts TEXT NOT NULL,"
        " mark {bytes} NOT NULL, PRIMARY KEY (batch, n))",
        "CREATE INDEX entries_by_account ON entries (account)",
        "CREATE INDEX entries_by_subject ON entries (subject)",
        "CREATE TABLE asides (batch {whole} NOT NULL, n {whole} NOT NULL, place TEXT NOT NULL UNIQUE,"
        " why TEXT NOT NULL, payload {bytes} NOT NULL, mark {bytes} NOT NULL, PRIMARY KEY (batch, n))",
        "CREATE TABLE closings (batch {whole} NOT NULL, n {whole} NOT NULL, as_of {whole} NOT NULL,"
        " mark {bytes} NOT NULL, PRIMARY KEY (batch, n))",
        "CREATE TABLE files (print TEXT PRIMARY KEY, name TEXT NOT NULL, last {whole} NOT NULL,"
        " number {whole} NOT NULL, tail TEXT NOT NULL)",
        "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        'CREATE TABLE sums (class {whole} NOT NULL, start {whole} NOT NULL, "end" {whole} NOT NULL,'
        " count {whole} NOT NULL, unknown {whole} NOT NULL, tokens TEXT NOT NULL, work {big} NOT NULL,"
        " taken {big} NOT NULL, listed {big} NOT NULL, net {big} NOT NULL, revenue {big} NOT NULL, off TEXT NOT NULL,"
        ' PRIMARY KEY (class, start, "end"))',
        "CREATE INDEX sums_unknown ON sums (class) WHERE unknown <> 0",
        "CREATE TABLE meters (meter TEXT PRIMARY KEY, told TEXT NOT NULL)",
        'CREATE TABLE totals (meter TEXT NOT NULL, "window" {whole} NOT NULL, labels TEXT NOT NULL,'
        ' amount {big} NOT NULL, parts TEXT NOT NULL, PRIMARY KEY (meter, "window", labels))',
    ),
    (
        "CREATE TABLE holders (holder TEXT PRIMARY KEY, place TEXT NOT NULL, worker {whole} NOT NULL,"
        " beat {whole} NOT NULL, alive {whole} NOT NULL)",
        'CREATE TABLE leases (cap TEXT NOT NULL, "window" {whole} NOT NULL, holder TEXT NOT NULL,'
        " granted {big} NOT NULL, counted {big} NOT NULL, held {big} NOT NULL,"
        ' PRIMARY KEY (cap, "window", holder))',
        'CREATE TABLE warnings (cap TEXT NOT NULL, "window" {whole} NOT NULL, percent {whole} NOT NULL,'
        ' PRIMARY KEY (cap, "window", percent))',
    ),
    (
        "CREATE TABLE keys (id TEXT PRIMARY KEY, body TEXT NOT NULL, made {whole} NOT NULL, changed {whole} NOT NULL,"
        " revoked {whole} NOT NULL, version {whole} NOT NULL)",
    ),
    (
        "CREATE TABLE late (batch {whole} NOT NULL, n {whole} NOT NULL, closed {whole} NOT NULL,"
        " PRIMARY KEY (batch, n))",
        f"INSERT INTO late (batch, n, closed) {LATE_LINES}",
    ),
    (
        "CREATE TABLE purchases (batch {whole} NOT NULL, n {whole} NOT NULL, offer TEXT NOT NULL,"
        ' start {whole} NOT NULL, "end" {whole} NOT NULL, units {whole} NOT NULL, cost {big} NOT NULL,'
        " count {whole} NOT NULL, mark {bytes} NOT NULL, PRIMARY KEY (batch, n))",
    ),
    (  # what was counted before may lack batches that were written by a case without the clause: it is counted anew
        "DELETE FROM totals",
        "DELETE FROM meters",
        "ALTER TABLE meters ADD COLUMN batch {whole} NOT NULL DEFAULT 0",
        # of a ledger that is older than this fact, it was that of what came since
        "DELETE FROM facts WHERE name = 'first'",
        "INSERT INTO facts (name, value) SELECT 'first', CAST(found.start AS TEXT)"
        " FROM (SELECT MIN(start) AS start FROM sums) AS found WHERE found.start IS NOT NULL",
    ),
    ("ALTER TABLE leases ADD COLUMN free {big} NOT NULL DEFAULT 0",),
    (  # without marks, use that lacked labels could not be taken back: such meters are counted anew
        "DELETE FROM meters WHERE meter IN (SELECT meter FROM totals WHERE labels <> '')",
        "DELETE FROM totals WHERE meter NOT IN (SELECT meter FROM meters)",
        "ALTER TABLE totals RENAME COLUMN labels TO lacks",
        "CREATE INDEX lines_unknown ON lines (class, start) WHERE unknown <> ''",
    ),
    ('CREATE INDEX lines_of_rows ON lines (class, start) WHERE start <> "end"',),
    (  # marks of before stand in no batch, and save no more than reading again; keys do from here on (``store``)
        "CREATE TABLE reads (batch {whole} NOT NULL, n {whole} NOT NULL, print TEXT NOT NULL, name TEXT NOT NULL,"
        " last {whole} NOT NULL, number {whole} NOT NULL, tail TEXT NOT NULL, mark {bytes} NOT NULL,"
        " PRIMARY KEY (batch, n))",
        "DELETE FROM files",
        # from here on every ledger with use says whose it is: nothing, where a version of before did not
        *(
            f"INSERT INTO facts (name, value) SELECT '{fact}', '' WHERE EXISTS (SELECT 1 FROM batches)"
            f" AND NOT EXISTS (SELECT 1 FROM facts WHERE name = '{fact}')"
            for fact in ("case", "currency")
        ),
        "CREATE TABLE key_changes (batch {whole} NOT NULL, n {whole} NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,"
        " made {whole} NOT NULL, changed {whole} NOT NULL, revoked {whole} NOT NULL, version {whole} NOT NULL,"
        " mark {bytes} NOT NULL, PRIMARY KEY (batch, n))",
    ),
    (
        "ALTER TABLE leases ADD COLUMN lacks {big} NOT NULL DEFAULT 0",
        'CREATE INDEX leases_lacking ON leases (cap, "window") WHERE lacks > 0',
    ),
)
LATEST = len(MIGRATIONS)
KEYS_CHAINED = 10
"""The version from which on the chain holds the keys of run time."""

CHAINED: dict[str, tuple[str, ...]] = {
    "routes": ("route", "body"),
    "classes": ("class", "body"),
    "calls": ("id", "route", "at", "outcome", "body"),
    "lines": (
        *("call", "part", "class", "start", '"end"', "count", "unknown"),
        *("input", "cached", "written", "output", "reasoning"),
        *("work", "taken", "listed", "net", "revenue", "off"),
    ),
    "entries": ("day", "account", "unit", "amount", "subject", "adjusts"),
    "asides": ("place", "why", "payload"),
    "closings": ("as_of",),
    "purchases": ("offer", "start", '"end"', "units", "cost", "count"),
    "reads": ("print", "name", "last", "number", "tail"),
    "key_changes": ("id", "body", "made", "changed", "revoked", "version"),
}
"""The tables whose rows never change, in the order of the chain, each with what its marks cover beside batch and n."""
