"""Demand by group: the periods over which a workload's work may be moved about.

Owns: which periods go together, and how much work each group has, in whole quanta. Not here: where work goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from detente.case.case import Case
from detente.demand.workload import AnyWorkload, Batch, Training, job_periods
from detente.planner.formulation.expression import Floats, Ints
from detente.values.period import Period, later

QUANTUM = Fraction(1, 10**6)
"""Work is planned in whole multiples of this much of its unit."""


@dataclass
class Group:
    """Periods in which demand may be moved about: each hour of inference, a batch's window, a whole job."""

    periods: NDArray[np.int64]
    demand: int  # quanta

    @property
    def work(self) -> float:
        """The demand in the workload's unit (the float nearest to it)."""
        return self.demand / QUANTUM.denominator


@dataclass(frozen=True)
class Grouping:
    """A workload's groups: the one that each period is in (-1: in none), and the work of each."""

    groups: list[Group]
    owner: Ints
    work: Floats

    @property
    def most(self) -> Floats:
        """The most work that could be done in each period: all of its group's."""
        found: Floats = np.where(self.owner >= 0, np.append(self.work, 0.0)[self.owner], 0.0)
        return found


def grouping(case: Case, workload: AnyWorkload) -> Grouping:
    """How a workload's demand may be moved about."""
    groups = _groups(case, workload)
    owner = np.full(len(case.periods), -1, dtype=np.int32)
    for g, group in enumerate(groups):
        owner[group.periods] = g
    return Grouping(groups, owner, np.array([group.work for group in groups]))


def _groups(case: Case, workload: AnyWorkload) -> list[Group]:
    if isinstance(workload, Training):
        periods = np.array([p.index for p in job_periods(workload, case.periods)], dtype=np.int64)
        return [Group(periods, _quanta(Fraction(workload.work.value)))]
    quanta = [_quanta(work) for work in case.demand[workload.id]]
    if isinstance(workload, Batch):
        typical = case.declared.horizon.typical is not None
        return [Group(t, sum(quanta[i] for i in t)) for t in _waits(workload, case.periods, typical=typical)]
    return [Group(np.array([i]), d) for i, d in enumerate(quanta)]


def _quanta(work: Fraction) -> int:
    """Work in whole quanta, the nearest (of two the even one): ``round(work / QUANTUM)``, without another fraction."""
    whole, rest = divmod(work.numerator * QUANTUM.denominator, work.denominator)
    return whole + (2 * rest > work.denominator or (2 * rest == work.denominator and whole % 2 == 1))


def _waits(workload: Batch, periods: Sequence[Period], *, typical: bool) -> list[NDArray[np.int64]]:
    """Periods in runs of the length that work may wait; a run never leaves a typical week."""
    runs: list[list[int]] = []
    end = None
    for p in periods:
        new = not runs or end is None or p.start >= end or p.span_start != periods[runs[-1][0]].span_start
        if not typical:
            new = not runs or end is None or p.end > end
        if new:
            runs.append([])
            end = later(p.start, workload.within)
        runs[-1].append(p.index)
    return [np.array(run, dtype=np.int64) for run in runs]
