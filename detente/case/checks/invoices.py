"""Whether agreements with one party say one way to round its invoices.

Not here: what an agreement says when (``case.invoices``).
"""

from __future__ import annotations

from detente.case.entries import Entries
from detente.case.invoices import stated_roundings


def check(case: Entries) -> None:
    """Note each agreement that says otherwise than an earlier one of the invoices of the same time."""
    stated = stated_roundings(case.values("agreements"))
    entries = {entry.value.id: entry for entry in case.read("agreements")}
    for at, each in enumerate(stated):
        other = next((earlier for earlier in stated[:at] if earlier.clashes(each)), None)
        if other is not None:
            what = f"invoices of `{each.party}` are rounded {each.rounding.told} here, and {other.rounding.told}"
            remedy = "an invoice is rounded in one way: state it in one of them, or let one amend the other"
            case.wrong(entries[each.agreement], ("rounding",), f"{what} by `{other.agreement}`", remedy)
