"""Demand by group: the periods over which a workload's work may be moved about.

Owns: which periods go together, and how much work each group has, in whole quanta. Not here: where work goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detente.case.case import Case
from detente.demand.quanta import Quanta, in_quanta
from detente.demand.quantum import QUANTUM
from detente.demand.workload import AnyWorkload, Batch, Training, job_periods
from detente.planner.formulation.expression import Floats, Ints
from detente.values.period import Period, later

HARDLY_ANY = 0.01
"""Of what would come in a period if as much came at all times of its group."""


@dataclass(frozen=True)
class Grouping:
    """A workload's groups: each hour of inference, a batch's window, a whole job.

    ``owner`` is the group that each period is in (-1: in none), and ``quanta`` the work of each group. The periods of
    a group follow one another. ``above`` is by how much a group's quanta are above the work that was asked for, and
    ``comes`` what of it comes in each period (of a job, which is there at once, nothing).
    """

    owner: Ints
    quanta: Quanta
    above: Floats
    comes: Quanta

    @cached_property
    def work(self) -> Floats:
        """The work of each group in the workload's unit (the float nearest to it)."""
        found: Floats = self.quanta / QUANTUM.denominator
        return found

    @cached_property
    def asked(self) -> Floats:
        """The work of each group as it was asked for; none where that is less than the quantum rounding made of it."""
        found: Floats = np.where(self.quanta > 0, self.work - self.above, 0.0)
        return found

    @cached_property
    def spans(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first period of each group, and the one after its last; both 0 for a group without any."""
        inside = np.flatnonzero(self.owner >= 0)
        every = np.arange(len(self.quanta))
        low, high = (np.searchsorted(self.owner[inside], every, side=side) for side in ("left", "right"))
        first, last = np.zeros(len(every), dtype=np.int64), np.zeros(len(every), dtype=np.int64)
        some = high > low
        first[some], last[some] = inside[low[some]], inside[high[some] - 1] + 1
        return first, last

    def rounded_up(self, hours: Floats) -> Floats:
        """What rounding to quanta may have added to the work of each period, by its share of its group's hours."""
        inside = self.owner >= 0
        whole = np.bincount(self.owner[inside], hours[inside], len(self.quanta))
        each = np.maximum(self.above, 0.0) / np.maximum(whole, np.finfo(np.float64).tiny)
        found: Floats = np.where(inside, np.append(each, 0.0)[self.owner] * hours, 0.0)
        return found

    def steady(self, hours: Floats) -> Floats:
        """The work of each period where none waits: as it comes, by hours where hardly any comes at some.

        Shape (periods,), in the workload's unit; ``hours`` are those of each period.
        """
        inside = self.owner >= 0
        group, comes = self.owner[inside], self.comes[inside] / QUANTUM.denominator
        whole = np.bincount(group, hours[inside], len(self.quanta))
        even = self.work[group] / whole[group] * hours[inside]
        hardly = np.bincount(group, comes < HARDLY_ANY * even, len(self.quanta)) > 0
        found = np.zeros(len(hours))
        found[inside] = np.where(hardly[group], even, comes)
        return found

    @property
    def most(self) -> Floats:
        """The most work that could be done in each period: all of its group's."""
        found: Floats = np.where(self.owner >= 0, np.append(self.work, 0.0)[self.owner], 0.0)
        return found

    @property
    def most_asked(self) -> Floats:
        """The same, in whole quanta or as it was asked for: whichever is more."""
        either = np.append(np.maximum(self.work, self.asked), 0.0)
        found: Floats = np.where(self.owner >= 0, either[self.owner], 0.0)
        return found


def grouping(case: Case, workload: AnyWorkload, periods: Sequence[Period]) -> Grouping:
    """How a workload's demand may be moved about over some periods."""
    if isinstance(workload, Training):
        owner = np.full(len(periods), -1, dtype=np.int32)
        owner[[p.index for p in job_periods(workload, periods)]] = 0
        nothing = np.zeros(len(periods), dtype=np.int64)
        return Grouping(owner, *in_quanta([Fraction(workload.work.value)], [True]), nothing)
    each = case.demand(workload, periods)
    if not isinstance(workload, Batch):
        return Grouping(np.arange(len(periods), dtype=np.int32), *each, each.quanta)
    owner = _waits(workload, periods, typical=case.declared.horizon.typical is not None)
    n = int(owner.max(initial=-1)) + 1
    quanta = np.zeros(n, dtype=np.int64)
    np.add.at(quanta, owner, each.quanta)
    above = np.zeros(n)
    np.add.at(above, owner, each.above)
    return Grouping(owner, quanta, above, each.quanta)


def _waits(workload: Batch, periods: Sequence[Period], *, typical: bool) -> Ints:
    """The run that each period is in, of the length that work may wait; a run never leaves a typical week."""
    owner = np.empty(len(periods), dtype=np.int32)
    run, first, end = -1, None, None
    for t, p in enumerate(periods):
        new = first is None or end is None or p.start >= end or p.span_start != first.span_start
        if not typical:
            new = first is None or end is None or p.end > end
        if new:
            run, first, end = run + 1, p, later(p.start, workload.within)
        owner[t] = run
    return owner
