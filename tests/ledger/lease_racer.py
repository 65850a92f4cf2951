"""A replica that uses a cap up, as a process of its own: for the tests that kill it, and for ``racing``.

It records each use in a file (one byte) before it counts it, as the gateway does in its journal.
"""

from __future__ import annotations

import sys
from pathlib import Path

from detente.ledger.caps.leases import Slice
from detente.ledger.caps.leasing import CapClaim, CapWindow, Leasing
from detente.ledger.store.opening import open_store

CAP = CapWindow("cap", 0)


def race(url: str, name: str, limit: int, said: int, wanted: int, folder: Path, slot: int = 0) -> None:
    """Use what there is, a unit at a time, and end where nothing remains; after ``said`` uses, wait to be told on."""
    mine, beat, uses = Slice(), 0, 0
    with open_store(url) as store, (folder / name).open("ab", buffering=0) as journal:
        leasing = Leasing(store)
        leasing.open(name, str(folder), slot)
        while True:
            if mine.free < 1:
                beat += 1
                answer = leasing.renew(name, beat, {CAP: CapClaim(mine.claim(1, 0, wanted), limit)})[CAP]
                mine.grant(answer.granted)
                if mine.free < 1:
                    break
            mine.take(1)
            journal.write(b".")
            mine.settle(1, 1)
            uses += 1
            if uses == said:
                print("there", flush=True)
                sys.stdin.readline()
        leasing.close(name, beat + 1, {CAP: mine.claim()})
    print(f"done {uses}", flush=True)


if __name__ == "__main__":
    at, who, most, after, ahead, where = sys.argv[1:]
    race(at, who, int(most), int(after), int(ahead), Path(where))
