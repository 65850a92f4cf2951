"""A journal that was written, record by record."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from detente.ledger.journals.journal import Journal, files

HEAD = 12
"""Bytes of a record before its payload."""
PAYLOADS = st.lists(st.binary(min_size=1, max_size=300), max_size=12)


def written(folder: Path, payloads: list[bytes], **settings: int) -> list[Path]:
    journal = Journal(folder, **settings)
    for payload in payloads:
        journal.append(payload)
    journal.close()
    return files(folder)
