"""Revenue share: a part of what workloads earn is owed to the other party.

See ``docs/terms/revenue-share.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from typing import Literal, Self

from pydantic import Field, model_validator

from detente.contract.case_view import CaseView
from detente.contract.decisions import Decisions
from detente.contract.meter import Meter
from detente.contract.program import Program
from detente.contract.settlement import Settlement, settled
from detente.contract.stated import StatedWindows
from detente.contract.term import Term
from detente.contract.totals import Totals
from detente.contract.verdict import Reason
from detente.contract.window import Every, Window
from detente.errors import Flaw, FlawError
from detente.values.money import Cash, shown
from detente.values.quantity_field import Portion

SHOWN = 3
"""Workloads that a message names; of more it says how many."""


class RevenueShare(Term):
    """A rate of the revenue of what is covered, wherever it runs unless the scope says where; up to a cap."""

    kind: Literal["revenue-share"]
    rate: Portion = Field(description="the part of revenue that is owed")
    cap: Cash | None = Field(default=None, description="the most that is owed in all")
    cap_each: Cash | None = Field(
        default=None, description="the most that is owed in each window; with a ramp: in all windows together"
    )
    windows: Every = Every(every="month")

    @model_validator(mode="after")
    def _one_cap(self) -> Self:
        if self.cap is not None and self.cap_each is not None:
            raise FlawError("states both `cap` and `cap-each`", "keep one of them")
        if self.cap_each is None and self.windows.ramp:
            raise FlawError("a ramp divides an amount, and there is none", "add `cap-each`", ("windows", "ramp"))
        return self

    @property
    def revenue(self) -> Meter:
        """What is earned in each window."""
        return Meter(self.id, "revenue", self.covered, "revenue", self.calendar(self.windows))

    @property
    def capped(self) -> Meter:
        """What is earned in each of the times for which a cap holds."""
        if self.cap is None:
            return self.revenue
        return Meter(self.id, "revenue in all", self.covered, "revenue", self.calendar(self._in_all))

    @property
    def _in_all(self) -> Every:
        """All windows as one."""
        return Every(starts=self.windows.starts, cut=self.windows.cut)

    def meters(self) -> tuple[Meter, ...]:
        """Revenue in each window."""
        return (self.revenue,)

    def most(self, window: Window) -> Fraction | None:
        """The cap of one of the times for which a cap holds."""
        if self.cap is not None:
            return Fraction(self.cap.amount) * self._in_all.share(window)
        return None if self.cap_each is None else Fraction(self.cap_each.amount) * self.windows.share(window)

    def shape(self, program: Program) -> None:
        """A cost in proportion to revenue; with a cap, the lesser of the two.

        The lesser of two amounts is concave, so it takes a whole number for each cap: whether it is reached. Until then
        the rate is owed, from then on the cap, and it is reached only where the rate comes to as much.
        """
        caps = [cap for window in self.capped.windows if (cap := self.most(window)) is not None]
        if not caps:
            program.charge(self, self.revenue, Fraction(self.rate))
            return
        share = program.total(self.capped) * Fraction(self.rate)
        most = program.most(share)
        above = [max(m - cap, Fraction(0)) for m, cap in zip(most, caps, strict=True)]
        lesser = [min(m, cap) for m, cap in zip(most, caps, strict=True)]
        owed = program.slack(self, "owed", most=lesser, price=Fraction(1))
        reached = program.slack(self, "reached", most=[Fraction(bool(a)) for a in above], whole="nearest")
        nothing = [Fraction(0) for _ in caps]
        program.require(self, "rate", share - owed - reached * above <= nothing)
        program.require(self, "cap", owed - reached * caps >= nothing)
        program.require(self, "reached", share - reached * caps >= nothing)

    def settle(self, totals: Totals, decisions: Decisions, as_of: datetime | None) -> Settlement:
        """What is owed for each window: the rate, as far as the cap leaves room."""
        return Settlement.of(self._owed(totals, as_of))

    def _owed(self, totals: Totals, as_of: datetime | None) -> Iterator[Settlement]:
        meter, part = self.revenue, "revenue-share"
        left = next((self.most(whole) for whole in self.capped.windows), None) if self.cap is not None else None
        for window, ended in meter.begun(as_of):
            room = left if self.cap is not None else self.most(window)
            share = totals.total(meter, window) * Fraction(self.rate)
            owed = share if room is None else min(share, room)
            yield settled(meter, window, "revenue-share", part, ended=ended, amount=room, drawn=owed, owed=owed)
            left = None if left is None else left - owed

    def stated_windows(self) -> tuple[StatedWindows, ...]:
        """Those in which it is owed, and the one of a cap in all; a rate alone loses nothing where a window is cut."""
        each = StatedWindows(("windows",), self.windows, "nothing" if self.cap_each is None else "amount")
        if self.cap is None:
            return (each,)
        return each, StatedWindows(("windows",), self._in_all, "amount")

    def check(self, case: CaseView) -> Iterator[Flaw]:
        """A part of nothing: no workload of the case states revenue. Where others do, work without it earns none."""
        yield from self._of_all_windows()
        covered = {demand["workload"] for demand, _ in case.uses(self.covered, "workload")}
        if covered and all(w.revenue is None for w in case.workloads):
            names = ", ".join(f"`{name}`" for name in sorted(covered)[:SHOWN])
            names += f" and {len(covered) - SHOWN} more" if len(covered) > SHOWN else ""
            what = f"a share of revenue, and no workload states any ({names})"
            yield Flaw(what, "state what the work earns (`revenue:` of the workload), or drop the clause", ("rate",))

    def _of_all_windows(self) -> Iterator[Flaw]:
        """A cap in all, of which windows that have been paid would be counted again."""
        handovers = self.validity.begun, self.validity.ended
        if self.cap is not None and any(each is not None and each.how == "whole-window" for each in handovers):
            what = "a `cap` in all is not taken over whole: what was owed under the earlier text is owed"
            yield Flaw(what, "say `takes-over: pro-rata` or `new-window`, with the cap that is left", ("takes-over",))

    def explain(self) -> Reason:
        """What the clause does."""
        who, cap = self.validity.counterparty, ""
        if self.cap is not None:
            cap = f", at most {shown(self.cap.amount, self.cap.currency)} in all"
        if self.cap_each is not None:
            each = "over its windows" if self.windows.ramp else f"in each {self.windows.every}"
            cap = f", at most {shown(self.cap_each.amount, self.cap_each.currency)} {each}"
        return Reason(self.id, f"{float(self.rate) * 100:g}% of the revenue of {self.covered} is owed to {who}{cap}")
