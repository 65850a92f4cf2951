"""HiGHS at work: made, run within a time, stopped.

Owns: its options, the deadline, and Ctrl-C while it runs. Not here: what it is given and what comes back (``model``).
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from detente.planner.solving.interrupt import Interrupt

TOLERANCE = 1e-8  # by which a bound, a row or a whole number may be missed, in the solver's scale

PATIENCE = 5.0  # seconds for the solver to notice that it shall stop, before we go without it

OPTIONS = {
    "output_flag": False,
    "threads": 1,
    "random_seed": 0,
    "small_matrix_value": 1e-12,  # HiGHS drops smaller coefficients without a word
    "primal_feasibility_tolerance": TOLERANCE,
    "dual_feasibility_tolerance": TOLERANCE,
    "mip_feasibility_tolerance": TOLERANCE,
}


def made() -> Any:
    """A solver with our options, made with the process's standard output closed: HiGHS prints a banner before them."""
    import highspy

    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        highs = highspy.Highs()
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
    for option, setting in OPTIONS.items():
        highs.setOptionValue(option, setting)
    highs.HandleUserInterrupt = True
    return highs


class Running:
    """HiGHS at work, until it is done, a deadline is over, or Ctrl-C was noted.

    ``deadline`` is a ``time.monotonic``; None: there is none. ``last`` is a later one, of what makes a plan of what is
    at hand, and ``with_plan`` one of what comes before, where a plan is at hand that is billed as it is. Things take
    ``shared`` times as long as on a processor of our own.
    """

    highs: Any

    def __init__(self) -> None:
        self.deadline: float | None = None
        self.last: float | None = None
        self.with_plan: float | None = None
        self.shared = 1.0
        self.interrupt: Interrupt | None = None

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()

    def as_long_as(self, other: Running) -> None:
        """The same deadlines as another, and the same Ctrl-C."""
        self.deadline, self.last, self.with_plan = other.deadline, other.last, other.with_plan
        self.interrupt, self.shared = other.interrupt, other.shared

    def was_interrupted(self) -> bool:
        """Whether Ctrl-C was noted."""
        return self.interrupt is not None and self.interrupt.noted

    def run(self, *, soon_done: bool = False) -> Any:
        """Let the solver run, in its thread, until it is done or Ctrl-C was noted; one that is raised stops it too.

        What is ``soon_done`` runs in the thread of who asks, where a Ctrl-C waits for its end: another thread takes
        longer to begin than a small program to be solved.

        Not highspy's own way with a thread: on Ctrl-C it speaks to the user, and forgets one pressed before it waits.
        """
        self._give_time()
        if soon_done:
            self.highs.disableCallbacks()  # a Ctrl-C that is raised in one of them would unwind HiGHS in its midst
            try:
                return self.highs.solve()
            finally:
                self.highs.enableCallbacks()
        self.highs.startSolve()
        done, outcome, cancelled = False, None, False
        try:
            while not done:
                done, outcome = self.highs.wait(0.1)
                if not done and (self.was_interrupted() or self.left < 0):  # its own clock is looked at too seldom
                    self.highs.cancelSolve()
                    cancelled = True
        except KeyboardInterrupt:
            self.highs.cancelSolve()
            self.highs.wait(PATIENCE)
            raise
        if cancelled:  # HiGHS 1.16 keeps the wish to stop, and would stop the next run at once
            self.highs.disableCallbacks()
            self.highs.enableCallbacks()
        return outcome

    def _give_time(self) -> None:
        """Let the solver's own clock end at the deadline, too: it counts over all its runs."""
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + self.left)

    def reduced(self) -> Running | None:
        """A solver of the program as HiGHS reduces it first, with the same time; None where it does not."""
        import highspy

        self._give_time()
        self.highs.presolve()
        if self.highs.getModelPresolveStatus() != highspy.HighsPresolveStatus.kReduced:
            return None
        small = Running()
        small.as_long_as(self)
        small.highs = made()
        small.highs.passModel(self.highs.getPresolvedLp())
        for option in ("solver", "simplex_scale_strategy"):
            small.highs.setOptionValue(option, self.highs.getOptionValue(option)[1])
        small.highs.setOptionValue("presolve", "off")
        return small

    @contextlib.contextmanager
    def uninterrupted(self, *, settled: bool = False) -> Iterator[None]:
        """Solve although Ctrl-C was noted or the time is over: what makes a plan of what is at hand.

        Until the last deadline, where there is a plan without it (``settled``).
        """
        kept, self.interrupt = self.interrupt, None
        try:
            with self.until(self.last if settled else None):
                yield
        finally:
            self.interrupt = kept

    @contextlib.contextmanager
    def until(self, deadline: float | None) -> Iterator[None]:
        """Solve with another deadline."""
        kept, self.deadline = self.deadline, deadline
        try:
            yield
        finally:
            self.deadline = kept
