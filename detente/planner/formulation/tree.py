"""Several futures in one program: what is decided before they can be told apart is one column for all of them.

Owns: which columns are decisions, when each is taken, and which futures share it (non-anticipativity by shared
columns). Not here: one future's program (``formulate``), solving the tree and what it costs (``planner.hedging``).

Of each future the program has its own rows and columns, at its cost times its probability. A decision is work, standby
or a unit that is bought, in its period, and what a clause leaves to be decided, in its window: taken at the start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from detente.contract.term import Term
from detente.errors import CaseError, Mistake, Where
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Bools, Expr, Floats, Ints, Part
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.program import LinearProgram
from detente.values.period import named

News = Callable[[datetime], Hashable]
"""What is known at a moment: futures of which the same is known cannot be told apart yet."""

TakenDecision = tuple[int, tuple[Hashable, ...], datetime]
"""A column, what it decides, and when that is taken."""

WHOLE = ("units", "gang")
"""What decisions that are taken in whole numbers begin with."""


@dataclass(frozen=True)
class Future:
    """One way in which things may go: its draft, its probability, and what is known of it when."""

    draft: Draft
    probability: float
    news: News

    @property
    def upper(self) -> Floats:
        """Every column's upper bound; zero where it is denied."""
        found = self.draft.program.upper()
        for denial in self.draft.program.denials:
            found[denial.numbers] = 0.0
        return found


@dataclass(frozen=True)
class MeanBeside:
    """A tree's program with the mean future beside it, what that costs, and the columns that are decided for all."""

    program: LinearProgram
    cost: Floats
    common: Ints


class SharedDecisions:
    """Which columns of several futures are one decision: ``at`` numbers the columns of each, alike where shared."""

    def __init__(self, futures: Sequence[Future], until: datetime) -> None:
        """``until`` is the moment from which all futures are told apart. Raises CaseError: see ``_same_demand``."""
        self.futures, self.until = tuple(futures), until
        sizes = [future.draft.program.n for future in futures]
        self._first = np.cumsum([0, *sizes])
        self.at: list[Ints] = [
            np.arange(start, start + size, dtype=np.int32) for start, size in zip(self._first, sizes, strict=False)
        ]
        self._same_demand()
        self.closed: list[int] = []
        self.shared: set[int] = set()
        self._share()

    def _share(self) -> None:
        """Let one column stand for a decision in all futures that cannot be told apart when it is taken.

        Where one of them has no such decision, none of them takes it.
        """
        found: dict[tuple[Hashable, datetime, Hashable], list[tuple[int, int]]] = {}
        alike: Counter[tuple[datetime, Hashable]] = Counter()
        for index, future in enumerate(self.futures):
            news = {period.span_start: future.news(period.span_start) for period in future.draft.periods}
            for column, what, on in decisions(future.draft, self.until):
                known = news[on] if on in news else future.news(on)
                found.setdefault((what, on, known), []).append((index, column))
        for _, on, known in found:
            alike[on, known] = alike[on, known] or sum(future.news(on) == known for future in self.futures)
        for (_, on, known), ((first, column), *others) in found.items():
            stands = int(self.at[first][column])
            for index, other in others:
                self.at[index][other] = stands
            if others:
                self.shared.add(stands)
            if len(others) + 1 < alike[on, known]:
                self.closed.append(stands)

    def _same_demand(self) -> None:
        """Futures that cannot be told apart yet need the same. Raises CaseError where they do not."""
        seen: dict[tuple[str, int, int, Hashable], int] = {}
        for future in self.futures:
            for name, demand in future.draft.demand.items():
                first, after = demand.spans
                for group in np.flatnonzero(after > first).tolist():
                    start, last = (future.draft.periods[t] for t in (int(first[group]), int(after[group]) - 1))
                    if last.span_start >= self.until:
                        break
                    key = name, int(first[group]), int(after[group]), future.news(last.span_start)
                    work = int(demand.quanta[group])
                    if seen.setdefault(key, work) != work:
                        when = named(start.span_start, last.span_end)
                        what = f"an outcome changes the demand of `{name}` in {when}, before it is known"
                        raise CaseError([Mistake(Where("uncertain"), what, "let the change begin when it is known")])

    @property
    def common(self) -> Ints:
        """The columns that stand for several futures."""
        return np.array(sorted(self.shared), dtype=np.int32)

    def of(self, values: Floats, index: int) -> Floats:
        """The values of one future's columns."""
        return values[self.at[index]]


class Tree(SharedDecisions):
    """The one program of several futures. Their drafts' entries must not have been handed over yet."""

    def __init__(self, futures: Sequence[Future], until: datetime, weight: float = 0.0, level: float = 0.0) -> None:
        """The mean cost has the weight that the tail beyond a level does not have (``_weigh_tail``)."""
        super().__init__(futures, until)
        self.weight, self.level = weight, level
        self.constant = 0.0  # which is added to the program's cost
        self.program = self._joined()
        if weight:
            self._weigh_tail()

    def _joined(self) -> LinearProgram:
        """All programs in one; a shared column costs the mean, and is bounded by each future."""
        n = int(self._first[-1])
        cost, upper, program = np.zeros(n), np.full(n, np.inf), LinearProgram()
        for future, at in zip(self.futures, self.at, strict=True):
            np.minimum.at(upper, at, future.upper)
            np.add.at(cost, at, (1 - self.weight) * future.probability * future.draft.program.cost())
        upper[np.isinf(upper)] = 0.0  # another's column stands for it
        upper[self.closed] = 0.0
        for future, start, at in zip(self.futures, self._first.tolist(), self.at, strict=False):
            own_columns = slice(start, start + future.draft.program.n)
            program.append(future.draft.program, cost[own_columns], upper[own_columns], at)
        return program

    def with_mean(self) -> MeanBeside | None:
        """The tree and, beside it, the future in which each number is at its mean: where nothing else differs.

        It shares what is decided before any news. None where futures differ in more than numbers, or share nothing. To
        be asked before entries are handed over.
        """
        programs = [future.draft.program for future in self.futures]
        chances = [future.probability for future in self.futures]
        mean = programs[0].mean(programs[1:], chances) if self.shared else None
        if mean is None:
            return None
        common: Bools = np.stack(self.at).min(axis=0) == np.stack(self.at).max(axis=0)
        if not common.any():
            return None
        program, costs = self.program.copied(), [each.cost() for each in programs]
        at = np.where(common, self.at[0], np.arange(mean.n) + program.n).astype(np.int32)
        upper = np.average([future.upper for future in self.futures], axis=0, weights=chances)
        program.append(mean, np.zeros(mean.n), np.where(common, 0.0, upper), at)
        cost = np.zeros(program.n)
        np.add.at(cost, at, np.average(costs, axis=0, weights=chances))
        return MeanBeside(program, cost, self.at[0][common])

    def _weigh_tail(self) -> None:
        """The mean of the dearest part, 1 - level, of what may happen: CVaR by rows (Rockafellar and Uryasev, 2000).

        It is the least of v + sum of p·s / (1 - level), with s >= cost - v and s >= 0 of each future. Columns begin at
        zero, so v is counted from the least that any future could cost.
        """
        costs = [future.draft.program.cost() for future in self.futures]
        ends = [cost * self.program.upper()[at] for cost, at in zip(costs, self.at, strict=True)]
        least = min(float(np.minimum(each, 0.0).sum()) for each in ends)
        most = max(float(np.maximum(each, 0.0).sum()) for each in ends) - least
        chances = np.array([future.probability for future in self.futures])
        owner, n = Owner("tail"), len(self.futures)
        begins = self.program.columns(owner, "begins", 1, cost=self.weight, upper=most)
        beyond = self.program.columns(owner, "beyond", n, cost=self.weight * chances / (1 - self.level), upper=most)
        for index, (cost, at) in enumerate(zip(costs, self.at, strict=True)):
            some, row = np.flatnonzero(cost), np.zeros(1, dtype=np.int32)
            parts: list[Part] = [
                (np.zeros(len(some), dtype=np.int32), at[some], -cost[some]),
                (row, begins, 1.0),
                (row, beyond[index : index + 1], 1.0),
            ]
            self.program.require(owner, f"of future {index}", Expr(1, parts) >= [-least])
        self.constant = self.weight * least


def decisions(draft: Draft, until: datetime) -> Iterator[TakenDecision]:
    """What is decided before a moment."""
    early = [t for t, period in enumerate(draft.periods) if period.span_start < until]
    for arc in draft.arcs:
        where = arc.workload.id, arc.offer.id
        standby = draft.standby.get(arc.workload.id)
        for t in early:
            yield int(draft.x[arc.index, t]), ("use", *where, t), draft.periods[t].span_start
            if standby is not None:
                column = int(standby[draft.arcs.place[arc.index], t])
                yield column, ("standby", *where, t), draft.periods[t].span_start
    yield from _bought(draft, until)
    yield from _decided(draft, until)


def _bought(draft: Draft, until: datetime) -> Iterator[TakenDecision]:
    """Units, by the period in which they are bought; and gangs, by that in which they begin to run."""
    for name, units in draft.units.items():
        for index, (column, start) in enumerate(zip(units.columns.tolist(), units.starts, strict=True)):
            on = draft.periods[start].span_start
            if on < until:
                yield column, ("units", name, index < units.opening, start), on
    for arc, columns, spans in draft.gangs:
        for column, span in zip(columns.tolist(), spans, strict=True):
            on = draft.periods[int(span[0])].span_start
            if on < until:
                yield column, ("gang", arc.workload.id, arc.offer.id, int(span[0])), on


def _decided(draft: Draft, until: datetime) -> Iterator[TakenDecision]:
    """What clauses leave to be decided: at the start of its window, or at once where it holds for all time."""
    windows = {(term.id, term.validity.start): _windows(term) for term in draft.case.terms}
    begin = draft.periods[0].span_start
    for each in draft.decided:
        for what, column in zip(each.what, each.columns.tolist(), strict=True):
            term, since, _, window = what
            on = begin if window is None else windows[term, since].get(window, begin)
            if max(on, begin) < until:
                yield column, ("decided", *what), max(on, begin)


def _windows(term: Term) -> dict[int, datetime]:
    """When each window of a clause starts, by its index."""
    return {window.index: window.start for meter in term.meters() for window in meter.windows}
