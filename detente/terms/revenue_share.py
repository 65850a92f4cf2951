"""Revenue share: a part of what workloads earn is owed to the other party.

See ``docs/terms/revenue-share.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from fractions import Fraction
from typing import ClassVar, Literal

from pydantic import Field

from detente.contract.bases.capped_charge import CappedCharge
from detente.contract.case_view import CaseView
from detente.contract.metered.counting_moment import COUNTED, first_invoiced, invoice_day
from detente.contract.metered.meter import Meter
from detente.contract.reach.verdict import Reason
from detente.errors import Flaw
from detente.values.quantity import in_percent
from detente.values.quantity_field import Portion

SHOWN = 3
"""Workloads that a message names; of more it says how many."""


class RevenueShare(CappedCharge):
    """A rate of the revenue of what is covered, wherever it runs unless the scope says where; up to a cap."""

    kind: Literal["revenue-share"]
    rate: Portion = Field(description="the part of revenue that is owed")
    moment: Literal["use", "invoice"] = Field(
        default="use", description="when revenue counts: as the work is done, or when its month is invoiced"
    )
    fixed: ClassVar[Mapping[str, str]] = {
        "measure": "revenue is what is shared",
        "counts": "all that it covers is shared; leave the rest out with `except`",
    }
    effect = "restrains"

    @property
    def counted(self) -> Meter:
        """What is earned in each window."""
        return self.meter("revenue", "revenue", self.calendar(self.windows), moment=self.moment)

    @property
    def each(self) -> Fraction:
        """Its part."""
        return Fraction(self.rate)

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A part of nothing: no workload of the case states revenue. Where others do, a note says so of its own.

        And revenue that would be owed twice, or by nobody, since an amendment counts it at another moment.
        """
        yield from super().check(case)
        yield from self._at_another_moment()
        covered = {demand["workload"] for demand, _ in case.uses(self.covered, "workload")}
        if covered and all(w.revenue is None for w in case.workloads):
            names = ", ".join(f"`{name}`" for name in sorted(covered)[:SHOWN])
            names += f" and {len(covered) - SHOWN} more" if len(covered) > SHOWN else ""
            what = f"a share of revenue, and no workload states any ({names})"
            yield Flaw(what, "state what the work earns (`revenue:` of the workload), or drop the clause", ("rate",))

    def _at_another_moment(self) -> Iterator[Flaw]:
        on = self.validity.start
        amended = (text for text in self._texts if text.validity.end == on and isinstance(text, RevenueShare))
        earlier = next(amended, self)
        if earlier.moment == self.moment or self.validity.begun is None:
            return
        local = on.astimezone(self.validity.zone)
        begins = invoice_day(local - timedelta.resolution)  # the first of a month from which this text may count
        apart = local != begins
        month, own = f"{first_invoiced(local):%Y-%m}", "an `id` of its own"
        counts = f"the text that `{self.id}` replaces counts revenue {COUNTED[earlier.moment]}, and this one"
        if self.moment == "invoice":
            owed, until, first = "owed twice", begins, invoice_day(begins)
        else:
            owed, until, first = "owed under neither", begins + timedelta(days=1), begins
        remedy = f"end the earlier text itself (`until: {until:%Y-%m-%d}`), and write this one with {own}"
        if self.moment == "invoice" and not apart:
            remedy = f"say `removes: [{self.id}]`, and write this text with {own}, `from: {first:%Y-%m-%d}`"
        elif apart:
            remedy = f"change it on the first of a month: {remedy}, `from: {first:%Y-%m-%d}`"
            month = f"{month}, in part,"
        yield Flaw(
            f"{counts} {COUNTED[self.moment]}: that of {month} would be {owed}",
            f"{remedy}, or keep its `moment`",
            ("moment",),
        )

    def explain(self) -> Reason:
        """What the clause does."""
        who, part = self.validity.counterparty, in_percent(self.rate)
        when = f"; it counts {COUNTED[self.moment]}" if self.moment != "use" else ""
        return Reason(self.id, f"{part} of the revenue of {self.covered} is owed to {who}{self.told_cap}{when}")
