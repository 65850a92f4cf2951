"""The search for a least-cost solution with whole numbers: relaxed, rounded up, branched, fixed.

Owns: the order of solves, how long each may take, and what counts as close enough. Not here: the solver (``model``),
which columns are whole and how they are rounded (``whole``), what a study varies (``planner.study``), and what becomes
of a solution (``answer``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Ints
from detente.planner.solving.branch import MAX_PROGRAMS, better, branch
from detente.planner.solving.cheapest import at_cheapest
from detente.planner.solving.fallback import placed, quick, unsolved
from detente.planner.solving.hardly_used import without_hardly_used
from detente.planner.solving.incumbent import Footing, Incumbent, Unmet
from detente.planner.solving.model import Model
from detente.planner.solving.others import with_others_searched
from detente.planner.solving.solution import Solution, Stopped
from detente.planner.solving.spare import with_less_idle
from detente.planner.solving.whole import WHOLE, Roundings, whole_columns, with_counts

FEW, MEDIUM, LARGE = 60, 5_000, 20_000
"""Up to ``FEW`` whole columns in a program of over ``MEDIUM``: our own branch and bound. In a large one no other."""

MAX_SEARCHED = 5_000
"""At most so many whole columns are all searched: over tens of thousands the solver's memory has no end."""

SPARE = 0.15
"""The share of the time that is kept for a plan that needs no search, as long as none is at hand."""

SOON = 1.0
"""Seconds, on a processor of our own, in which a program that is not large is solved though there is no time left."""

SEARCH = 10.0
"""Seconds, on a processor of our own, for which whole numbers are searched where no time limit is given, or as long as
all took before."""

SMALL = 5_000
"""Columns of a program that is searched whole, however near it is to one that was."""

ENOUGH = 0.1
"""Of what a program's cost differs from that of one near it: to know it by that part is enough."""

NEAR, MAX_NODES = 1e-3, 200
"""How close whole numbers are searched in a program near another, and for at most how many nodes."""

LITTLE_LEFT, SHORT = 1e-3, 1.0
"""Within this of the bound a search without a time limit has little left to win: it rests after so many seconds, or as
long as all took before."""

BRIEF, MAX_SHARED = 0.1, 10.0
"""From fewer seconds of a processor nobody sees how many share it; a machine that slept had not so many at work."""

Progress = Callable[[str], None]


def silent(text: str) -> None:
    """Nobody is told."""


@dataclass(frozen=True)
class _Effort:
    """What is searched, how near to its bound, and until when (``time.monotonic``; None: to the end)."""

    draft: Draft
    model: Model
    columns: Ints
    gap: float
    progress: Progress
    end: float | None
    began: float
    worked: float = 0.0  # processor time when it began

    def resting(self, known: Incumbent) -> _Effort:
        """The same with an end, where no time limit is given: later beside other work, so that a plan is no worse."""
        if self.model.deadline is not None:
            return self
        now = time.monotonic()
        spent = now - self.began
        shared = min(max(spent / max(time.process_time() - self.worked, BRIEF), 1.0), MAX_SHARED)
        most = max((SHORT if known.gap <= LITTLE_LEFT else SEARCH) * shared, spent)
        return replace(self, end=now + most if self.end is None else min(self.end, now + most))

    def roundings(self, bound: float) -> Roundings:
        """Ways to round larger counts, until one is within the wanted gap of a bound, or time is over."""
        return Roundings(
            self.draft, self.model, self.columns, lambda s: _close(s.objective, bound, self.gap) or self.over
        )

    @property
    def at_once(self) -> bool:
        """Whether a plan is made before the program is solved."""
        return self.end is not None and self.model.program.n > LARGE

    @property
    def over(self) -> bool:
        """Whether its time is over."""
        return self.end is not None and time.monotonic() >= self.end

    @property
    def for_half(self) -> _Effort:
        """The same for half of the time that is left."""
        return replace(self, end=self.share(0.5))

    def share(self, part: float) -> float | None:
        """When a part of the time that is left is over."""
        now = time.monotonic()
        return None if self.end is None else now + part * max(0.0, self.end - now)


def search(
    draft: Draft, model: Model, gap: float, progress: Progress, footing: Footing | None = None
) -> Incumbent | Unmet:
    """Relaxed; rounded up; and, where that is not near enough, branch and bound from there.

    ``footing`` is of a program near this one: where that ended is where this begins, and its whole numbers are tried.
    """
    progress("solving")
    effort = _Effort(draft, model, whole_columns(draft), gap, progress, model.deadline, *_now())
    at_once = _at_once(effort)
    relaxed = _relaxed(effort, footing, at_once)
    if relaxed.status == "infeasible":
        return Unmet()
    if relaxed.status in ("time-limit", "interrupted"):
        bound = max(at_cheapest(draft, model), relaxed.bound)
        return Incumbent(at_once or _unsolved(effort), bound, relaxed.status)
    known = _rounded(effort, relaxed, footing, at_once)
    if known.gap > gap and len(effort.columns):
        if known.solution is None:
            known = replace(known, solution=_unsolved(effort))
        found = _searched(effort.resting(known), known)
        if isinstance(found, Unmet):
            return found
        known = found if model.deadline is not None else replace(found, stopped=_not_by_us(found.stopped))
    best = known.solution
    if best is not None and known.stopped is None and len(effort.columns):
        best = with_less_idle(draft, model, best, effort.columns)
        cheaper = without_hardly_used(draft, model, best, effort.columns)
        known = replace(known, rounding=max(0.0, known.rounding + cheaper.objective - best.objective))
        best = cheaper
    return replace(known, solution=best)


def nearby(
    draft: Draft, model: Model, gap: float, progress: Progress, start: Incumbent, footing: Footing
) -> Incumbent | Unmet:
    """``search`` for a program near one that was searched, with no more work than tells their costs apart.

    With the whole numbers of the other, or rounded; that is near enough where it is as near to its bound as the
    other, or within a tenth of what the cost has changed. Else the counts that matter most are searched: by our own
    search where they are few, and else, unless the program is large, by the solver's, for so many nodes. A small
    program is searched to the gap. One that was stopped has no solution.

    ``start`` is what was found of the other, from which the cost is to be told; ``footing`` may be that of one nearer.
    """
    if model.program.n <= SMALL:
        return search(draft, model, gap, progress, footing)
    effort = _Effort(draft, model, whole_columns(draft), gap, progress, model.deadline, *_now())
    relaxed = _relaxed(effort, footing)
    if relaxed.status == "infeasible":
        return Unmet()
    if relaxed.status in ("time-limit", "interrupted"):
        return Incumbent(None, at_cheapest(effort.draft, model), relaxed.status)
    known = _rounded(effort, relaxed, footing)
    enough = max(start.cost - start.bound, gap * abs(start.cost), ENOUGH * abs(start.bound - relaxed.bound))
    if known.cost - known.bound > enough and len(effort.columns):
        found = _for_some_nodes(effort, known)
        if isinstance(found, Unmet):
            return found
        known = found
    return known if known.solution else search(draft, model, gap, progress, footing)


def _for_some_nodes(effort: _Effort, known: Incumbent) -> Incumbent | Unmet:
    """Branch and bound over the counts that matter most, with an end that is the same on every machine."""
    model, closer = effort.model, replace(effort, gap=max(NEAR, effort.gap))
    small = np.flatnonzero(model.integer & (model.zeroed == 0)).astype(np.int32)
    if 0 < len(small) <= FEW:
        return _dived(closer, small, known, tight=effort.gap <= NEAR)
    if model.program.n > LARGE:
        return known
    with model.within(MAX_NODES):
        found = _branched(closer, small if len(small) else effort.columns, known)
    if isinstance(found, Unmet) or found.stopped == "interrupted":
        return found
    return replace(found, stopped=None if model.left > 0 else found.stopped)


def _now() -> tuple[float, float]:
    """By the clock, and of the processor."""
    return time.monotonic(), time.process_time()


def _at_once(effort: _Effort) -> Solution | None:
    """A plan that is soon there, where time may end before the program is solved; it is made to its end."""
    if not effort.at_once:
        return None
    with effort.model.uninterrupted():
        found = quick(effort.draft, effort.model)
    effort.model.forget()
    return found


def _unsolved(effort: _Effort) -> Solution | None:
    """What is at hand where the program was not solved, or rounding it is not allowed."""
    return (placed if effort.at_once else unsolved)(effort.draft, effort.model)


def _relaxed(effort: _Effort, footing: Footing | None, at_once: Solution | None = None) -> Solution:
    """The program without whole numbers, from where another ended.

    One that is not large is solved for a little longer than there is time: no plan without it is as good. Where a plan
    is at hand, only the time that this takes to be billed is kept; and if the program is not solved by then, its
    bound is the better the longer it was.
    """
    model, end = effort.model, effort.share(1 - SPARE)
    begun = footing is not None and footing.basis is not None
    if footing is not None and footing.basis is not None:
        model.start_at(footing.basis)
    if end is not None and at_once is not None:
        end = max(end, model.with_plan or end)
    elif end is not None and model.program.n <= LARGE:
        end = max(end, model.last or end, time.monotonic() + SOON * model.shared)
    with model.until(end):
        relaxed = model.solve_linear() if begun or at_once is None else model.solve_reduced()
        if relaxed.status == "optimal" and model.sized_by(relaxed.objective):
            relaxed = model.solve_linear()
    return relaxed


def _not_by_us(stopped: Stopped | None) -> Stopped | None:
    """Where no time limit was given, none was met."""
    return None if stopped == "time-limit" else stopped


def _rounded(effort: _Effort, relaxed: Solution, footing: Footing | None, at_once: Solution | None = None) -> Incumbent:
    """The whole numbers of another, or, where those are not near enough, what is cheaper of them and of rounding.

    And of a plan that is at hand, which is it where no time is left for rounding.
    """
    model, columns = effort.model, effort.columns
    basis = model.basis
    if not len(columns):
        return Incumbent(relaxed, relaxed.bound, prices=relaxed, basis=basis)
    best = at_once
    if best is None or not effort.over:
        with model.uninterrupted():
            as_before = None if footing is None else _as_before(model, columns, footing)
            best = better(best, as_before)
            if best is None or not _close(best.objective, relaxed.bound, effort.gap):
                best = better(best, effort.roundings(relaxed.bound).of(relaxed))
    added = best.objective - relaxed.objective if best is not None else 0.0
    return Incumbent(best, relaxed.bound, rounding=added, prices=relaxed, basis=basis)


def _searched(effort: _Effort, known: Incumbent) -> Incumbent | Unmet:
    """First over the counts that matter most, for half of the time; then, unless there are too many, over all.

    Of a large program over the others first, with those as they were found; without a time limit that is all.
    """
    model, columns = effort.model, effort.columns
    first = np.flatnonzero(model.integer & (model.zeroed == 0)).astype(np.int32)
    if 0 < len(first) <= FEW and model.program.n > MEDIUM:
        known = _dived(effort, first, known)
        if _dived_enough(effort, known):
            return known
        effort = effort.resting(known)
    elif 0 < len(first) < len(columns):
        found = _branched(effort.for_half, first, known)
        if isinstance(found, Unmet) or _ended(effort, found):
            return found
        known = replace(found, stopped=None)
        effort = effort.resting(known)
    if known.solution is None:
        return _until_found(effort, known)
    if len(columns) > MAX_SEARCHED:
        return known
    if 0 < len(first) < len(columns) and model.program.n > MEDIUM:
        limited = model.deadline is not None
        known = _others(effort.for_half if limited else effort, first, known)
        if not limited or _ended(effort, known):
            return known
        known = replace(known, stopped=None)
    return _branched(effort, columns, known)


def _ended(effort: _Effort, found: Incumbent) -> bool:
    """Whether nothing more is searched: it is near enough, or somebody wants it now."""
    return found.stopped == "interrupted" or found.gap <= effort.gap


def _dived_enough(effort: _Effort, found: Incumbent) -> bool:
    """Whether a dive over few counts ends the search; in a large program, of the others, it would not see the end."""
    model = effort.model
    little_left = model.deadline is None and found.gap <= LITTLE_LEFT
    large = found.solution is not None and model.program.n > LARGE
    return found.stopped is not None or found.gap <= effort.gap or little_left or large


def _others(effort: _Effort, small: Ints, known: Incumbent) -> Incumbent:
    """Over the counts that are many, with those that matter most as they were found."""
    model, best = effort.model, known.solution
    assert best is not None
    effort.progress(f"choosing {len(effort.columns) - len(small):,} other whole numbers{_at_hand(known)}")
    with model.until(effort.end):
        found, stopped = with_others_searched(model, effort.columns, small, best, effort.gap * ENOUGH)
    cheaper = better(best, found)
    assert cheaper is not None
    rounding = max(0.0, known.rounding + cheaper.objective - best.objective)
    return replace(known, solution=cheaper, stopped=stopped, rounding=rounding)


def _until_found(effort: _Effort, known: Incumbent) -> Incumbent | Unmet:
    """Over all counts, until there is a solution; without a time limit, from the start for twice as long each time."""
    while True:
        found = _branched(effort, effort.columns, known)
        if isinstance(found, Unmet) or found.solution is not None or found.stopped == "interrupted":
            return found
        if effort.model.deadline is not None:
            return found
        effort = replace(effort, end=None).resting(known)


def _dived(effort: _Effort, small: Ints, known: Incumbent, *, tight: bool = True) -> Incumbent:
    """By our own search: until the time is over, or, where none was given, for so many programs."""
    model = effort.model
    assert known.prices is not None
    assert known.basis is not None
    effort.progress(f"branching over {len(small):,} whole numbers{_at_hand(known)}")
    roundings = effort.roundings(known.bound)
    most = MAX_PROGRAMS if model.deadline is None else None
    with model.until(model.deadline and effort.end):
        tried = branch(
            model,
            small,
            known.prices,
            known.basis,
            known.solution,
            effort.gap,
            lambda node: roundings.in_steps(node, small),
            most,
            tight=tight,
        )
    return replace(known, solution=tried.best, bound=max(known.bound, tried.bound), stopped=tried.stopped)


def _at_hand(known: Incumbent) -> str:
    """What a stop (a time limit, Ctrl-C) would leave: the search may take long for the last of it."""
    return "" if known.solution is None else f"; a plan within {known.gap:.3%} of the bound is at hand"


def _close(cost: float, bound: float, gap: float) -> bool:
    return cost - bound <= gap * max(abs(cost), 1e-9)


def _as_before(model: Model, columns: Ints, footing: Footing) -> Solution | None:
    """The least cost with the whole numbers of what was found for a program near this one, if they do here."""
    counts = footing.counts
    if counts is None or len(counts) != len(columns) or (counts > model.most[columns] + WHOLE).any():
        return None
    return with_counts(model, columns, counts)


def _branched(effort: _Effort, whole: Ints, known: Incumbent) -> Incumbent | Unmet:
    """Branch and bound over ``whole``, then round the larger counts up and fix everything."""
    model = effort.model
    effort.progress(f"choosing {len(whole):,} whole numbers{_at_hand(known)}")
    with model.until(effort.end):
        tried = model.solve_as(whole, effort.gap)
    if tried.status == "infeasible":
        return Unmet(whole)
    stopped = tried.status if tried.status in ("time-limit", "interrupted") else None
    bound = max(known.bound, tried.bound) if math.isfinite(tried.bound) else known.bound
    best, added = known.solution, known.rounding
    if tried.values is not None:
        with model.uninterrupted():
            fixed = effort.roundings(bound).in_steps(tried, whole)
        if fixed is not None and (best is None or fixed.objective < best.objective):
            best, added = fixed, max(0.0, fixed.objective - tried.objective)
    return replace(known, solution=best, bound=bound, stopped=stopped, rounding=added)
