"""Use of which it is not known whether a meter covers it: what is missing, and whether each was taken back.

Sums of such use say nothing of it: 100 and -100 of two uses are nothing, 100 or -100, as one or the other is covered.
So beside each amount it is counted times a mark of its use. That sum is nothing where each use was taken back by one of
its own facts and time, and, with marks of 128 bits, nowhere else; and it adds up as all totals do, in constant space.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from hashlib import blake2b
from typing import NamedTuple

from detente.contract.metered.counting_moment import COUNTED
from detente.contract.metered.meter import Meter
from detente.contract.reach.window import Window
from detente.values.facts import Facts
from detente.values.micros import HOUR
from detente.values.money import nano
from detente.values.period import named
from detente.values.quantity import plain


class Lacks(NamedTuple):
    """The labels that use lacks of which a sum is; ``marked``: it is of amounts times the marks of their uses."""

    labels: tuple[str, ...]
    marked: bool = False

    @property
    def with_marks(self) -> Lacks:
        """Where such use is counted times its marks."""
        return Lacks(self.labels, marked=True)


NOT_BOUGHT = Lacks(("when it was bought",))
"""What use lacks that counts otherwise than by use, where nobody tells what is reserved."""


def mark_of(demand: Facts | None, offer: Facts, start: int, end: int) -> int:
    """The mark of all uses of some facts and time, in microseconds since 1970; of those at moments, of an hour."""
    if start == end:
        start = end = start - start % HOUR
    told = json.dumps([None if demand is None else dict(demand), dict(offer), start, end], sort_keys=True)
    return int.from_bytes(blake2b(told.encode(), digest_size=16).digest(), "big")


def still_lacking(apart: Mapping[Lacks, Fraction]) -> dict[Lacks, Fraction]:
    """What use comes to of which some was not taken back, by what it lacks."""
    marked = (lacks for lacks, amount in apart.items() if lacks.marked and amount)
    return {(bare := Lacks(lacks.labels)): apart.get(bare, Fraction(0)) for lacks in marked}


def why_unknown(meter: Meter, window: Window, lacking: Mapping[Lacks, Fraction]) -> str:
    """What is not known of a meter's total, and what helps."""
    if NOT_BOUGHT in lacking:
        what = f"`{meter.term}` counts what is reserved {COUNTED[meter.moment]}, and that is not on the books"
        return f"{what} (its use in {named(window.start, window.end)} is); say `moment: use`, or settle it by hand"
    labels = ", ".join(f"`{label}`" for label in sorted({label for lacks in lacking for label in lacks.labels}))
    amount, when = sum(map(abs, lacking.values()), Fraction(0)), named(window.start, window.end)
    of = f"{plain(nano(amount))} of {meter.measure} in {when}"
    what = of if amount else f"use in {when} that comes to 0 of {meter.measure} in all"
    return (
        f"`{meter.term}`: {what} lacks the label {labels}, so that it is not known whether the clause covers it;"
        " label that use (`none` if it is none of them)"
    )
