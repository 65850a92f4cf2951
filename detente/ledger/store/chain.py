"""The chain: a mark on each row, a hash over each batch's marks, and in it the hash of the batch before (§11).

Owns: the bytes that marks and hashes are of. A row that was altered no longer has its mark; one that is missing or was
inserted leaves a gap in the numbers of its batch; and whoever makes new marks for it changes the hash of the batch, and
of every batch after it. Not here: adding a batch (``store``), and looking for what was changed (``audit``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b, sha256
from typing import Any

import msgspec

_JSON = msgspec.json.Encoder(order="deterministic")
_NOTHING = blake2b(digest_size=16)
"""A hash of nothing yet: a copy of it takes a third of the time of one that is made by its parameters."""
GENESIS = "0" * 64
"""What stands before the first batch."""


def mark(table: str, batch: int, n: int, row: Sequence[Any]) -> bytes:
    """The mark of a row: of its table, its place, and every value in it."""
    found = _NOTHING.copy()
    found.update(_JSON.encode((table, batch, n, *row)))
    return found.digest()


def hash_of(head: Sequence[Any], counts: Mapping[str, int], before: str, marks: Iterable[bytes]) -> str:
    """The hash of a batch: of what it says of itself, how many rows it has in each table, and their marks in order."""
    found = sha256(_JSON.encode((*head, counts, before)))
    for each in marks:
        found.update(each)
    return found.hexdigest()
