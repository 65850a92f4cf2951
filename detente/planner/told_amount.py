"""How much a clause is told to give: whole cents, or whole quanta of work, rounded up.

Owns: the step of an amount and its rounding, and the columns of a solution that may give no more than is told. Not
here: how little is enough (``least_given``), and what that is in words (``concession``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np

from detente.demand.quantum import QUANTUM
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.owner import Owner
from detente.planner.formulation.softening import DENIED, Yielding
from detente.planner.study import Study
from detente.values.money import CENT, nano
from detente.values.quantity import WORK_UNITS

LITTLE = 1e-6
"""Of a unit, or of a whole share: less than this is the solver's tolerance."""

NOISE, FLOATS = 1e-9, 4e-15
"""Of an amount, up to half of a cent or quantum, and of what rows ask: so much beyond a whole one is a tolerance."""


def step_of(given: Yielding) -> Fraction | None:
    """The least amount that is told of what a part gives: a cent, or a quantum of work; None of a part of a whole."""
    if given.share or not (given.unit or given.part == DENIED):
        return None
    return QUANTUM if given.part == DENIED or given.unit in WORK_UNITS else Fraction(CENT)


def told(amount: float, step: Fraction | None, asked: float = 0.0) -> Decimal:
    """An amount rounded up to whole steps, so that whoever gives so much has given enough.

    ``asked`` is what is asked of the rows that give.
    """
    if step is None:
        return nano(Fraction(f"{amount:.9g}"))
    off = max(min(NOISE * amount, float(step) / 2), FLOATS * asked)
    return nano(max(0, math.ceil((Fraction(amount) - Fraction(off)) / step)) * step)


def asked_of(soft: Study, owner: Owner) -> float:
    """The most that any row of a clause asks, in its own unit."""
    rows = [block.numbers for block in soft.draft.program.row_blocks if block.owner == owner]
    sides = soft.turn().asked(np.concatenate([np.zeros(0, dtype=np.int32), *rows]))
    return float(np.nan_to_num(np.abs(np.concatenate(sides)), posinf=0.0).max(initial=0.0))


def as_told(soft: Study, values: Floats) -> tuple[Ints, Floats]:
    """The columns that may give no more than is told, and how much each: of each owner what it gives in all.

    At least a step of one that gives alone. In several windows each gives what is told of it, which is rounded up by
    itself. Sums of parts are as found.
    """
    giving = soft.giving
    assert giving is not None
    columns, most = [], []
    nothing = max(float(values[total[0]]) for total in giving.totals.values()) <= LITTLE
    for owner, total in giving.totals.items():
        steps, amount = {step_of(part) for part in giving.gives[owner]}, float(values[total[0]])
        step = next(iter(steps)) if len(steps) == 1 and not giving.mixed else None
        columns.append(total)
        if step is None or (amount <= LITTLE and not nothing):
            most.append([amount])
            continue
        asked, windows = asked_of(soft, owner), _in_windows(giving.gives[owner])
        if np.count_nonzero(values[windows] > LITTLE) > 1:
            each = [float(told(given, step, asked)) for given in values[windows].tolist()]
            columns.append(windows)
            most += [[sum(each)], each]
        else:
            most.append([max(float(step), float(told(amount, step, asked)))])
    return np.concatenate(columns), np.concatenate(most)


def _in_windows(parts: Sequence[Yielding]) -> Ints:
    """The columns of parts that tell their windows; none where some part does not."""
    none = np.zeros(0, dtype=np.int32)
    return np.concatenate([none, *(part.columns for part in parts)]) if all(part.windows for part in parts) else none
