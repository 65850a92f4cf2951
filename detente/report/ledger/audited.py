"""What an audit found, for people and for programs.

Owns: how it is told. Not here: doing it (``ledger.proof.audit``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from detente.errors import printable
from detente.ledger.proof.audit import MAX_FOUND, Audited
from detente.report.numerals import count


def audited_view(found: Audited, broken: Sequence[str]) -> str:
    """The answer first, then each fault at its place."""
    size = f"{_batches(found.batches)}, {count(found.rows, 'row')}; the last hash is {found.hash}"
    faults = [*broken, *map(str, found.faults)]
    if not faults:
        return f"all holds: {size}"
    more = ["and perhaps more"] if len(found.faults) >= MAX_FOUND else []
    return "\n".join([f"it does not hold: {size}", *(f"  {printable(fault)}" for fault in [*faults, *more])])


def _batches(number: int) -> str:
    return f"{number:,} batch{'' if number == 1 else 'es'}"


def audited_json(found: Audited, broken: Sequence[str]) -> str:
    """The same as one document."""
    faults = [{"batch": f.batch, "table": f.table or None, "row": f.n, "what": f.what} for f in found.faults]
    head = {"holds": not (faults or broken), "batches": found.batches, "rows": found.rows, "hash": found.hash}
    return json.dumps({**head, "checkpoints": list(broken), "faults": faults}, indent=1)
