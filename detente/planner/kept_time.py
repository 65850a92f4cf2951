"""What a time limit leaves for the solver: the bill, and what makes a solution good, take their part of it.

Owns: how long these take, and the deadlines that follow. Not here: who asks for them (``study``), and what ends at a
deadline (``solving``).
"""

from __future__ import annotations

import time

from detente.planner.solving.model import Model

BILLED, ROWS = 2e-5, 1e-5
"""Seconds that a plan takes for each column of its program, made good and billed, and its bill and rows alone:
estimates, on the safe side for a processor that is ours alone."""

MIN_BILLED = 0.2
"""Seconds that either takes, however small the program."""

MAX_KEPT = 0.5
"""Of the time that is left after formulating, at most so much is kept for the bill."""

MAX_SHARED = 4.0
"""Where the processor is shared with more than so many others, the rest is not waited for."""


def billed(model: Model) -> float:
    """Seconds that a plan takes to be made good and billed, beside whatever else runs here."""
    return model.shared * (MIN_BILLED + BILLED * model.program.n)


def keep_time(model: Model, end: float, shared: float) -> None:
    """Let no solve use the time that the bill takes, nor what makes a solution good that of the bill's own rows.

    A plan that is at hand before the program is solved needs the rows alone. Formulating took ``shared`` times as long
    as its own work did.
    """
    model.shared = min(max(1.0, shared), MAX_SHARED)
    left = max(0.0, end - time.monotonic())
    rows = model.shared * (MIN_BILLED + ROWS * model.program.n)
    model.deadline = end - min(MAX_KEPT * left, billed(model))
    model.with_plan = end - min(MAX_KEPT * left, rows)
    model.last = end - min(MAX_KEPT * MAX_KEPT * left, rows)
