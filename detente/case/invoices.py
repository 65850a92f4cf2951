"""How each party rounds its invoices of a month, by what its agreements say.

Owns: which agreement says it when. Not here: what rounding adds (``contract/settled/invoice_rounding``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from detente.case.agreement import Agreement, clock_of, endings, lineage, root
from detente.contract.settled.invoice_rounding import InvoiceRounding
from detente.values.period import moment


@dataclass(frozen=True, slots=True)
class StatedRounding:
    """What an agreement says of the invoices of its party, and when it is in force (the end is exclusive)."""

    party: str
    agreement: str
    root: str
    start: datetime
    end: datetime
    rounding: InvoiceRounding

    def clashes(self, other: StatedRounding) -> bool:
        """Whether another agreement says otherwise of the same invoices; an amendment changes what it amends."""
        together = self.party == other.party and self.start < other.end and other.start < self.end
        return together and self.root != other.root and self.rounding.told != other.rounding.told


def stated_roundings(agreements: Sequence[Agreement]) -> tuple[StatedRounding, ...]:
    """All that agreements say, an amendment after what it amends."""
    known = {agreement.id: agreement for agreement in agreements}
    return tuple(_stated(agreements, known))


def _stated(agreements: Sequence[Agreement], known: dict[str, Agreement]) -> Iterator[StatedRounding]:
    ends = endings(agreements)
    for each in sorted(agreements, key=lambda each: (each.effective, len(lineage(each, known)))):
        if each.rounding is not None:
            zone = clock_of(each, known)
            start, end = moment(each.effective, zone), moment(ends[each.id].final, zone)
            yield StatedRounding(each.with_, each.id, root(each, known), start, end, each.rounding)


def rounding_of(stated: Sequence[StatedRounding], party: str, start: datetime, end: datetime) -> StatedRounding | None:
    """How a party's invoice for a time is rounded: by what is said last; None where it is not said."""
    inside = (each for each in stated if each.party == party and each.start < end and start < each.end)
    return next(reversed(list(inside)), None)
