"""The file of a ledger as an operator has it in hand: copied, moved away with its log, and another put in its place."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def copied(ledger: Path) -> Path:
    """A backup of it as it is now, beside it, whoever uses it."""
    backup = ledger.with_name(f"backup-of-{ledger.name}")
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute("VACUUM INTO ?", (str(backup),))
    return backup


def moved_away(ledger: Path) -> Path:
    """Where it is now, with its log."""
    aside = ledger.with_name(f"aside-{ledger.name}")
    for end in ("", "-wal", "-shm"):
        found = ledger.with_name(ledger.name + end)
        if found.exists():
            found.rename(aside.with_name(aside.name + end))
    return aside


def put_back(other: Path, ledger: Path) -> None:
    """One that was made, copied or moved away before is the ledger from now on, with its log where it has one."""
    for end in ("-wal", "-shm", ""):
        found = other.with_name(other.name + end)
        if found.exists():
            found.rename(ledger.with_name(ledger.name + end))
