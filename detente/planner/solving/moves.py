"""How much of a workload's work moves from provider to provider.

Owns: how moves are counted, and where a workload runs. Not here: what is too little for one (``results.move_count``),
and how a plan comes to have few (``steadier``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detente.planner.formulation.expression import Floats, Ints
from detente.results.move_count import MIN_PART


@dataclass(frozen=True)
class MoveCount:
    """``changes``: how often another provider becomes the main one. ``share``: the part of the work that moved."""

    changes: int
    share: float


def moves(work: Floats) -> MoveCount:
    """The moves in work by provider and time; times with no work, or hardly any, are passed over.

    Counted in shares of what runs at a time, so that demand which rises and falls moves nothing. The work that moves
    into a time is what each provider does more of than its share of the time before, added up; ``share`` is that
    beside all work but the first time's, which could not move. The main provider is the one that does most; of equals
    the one that was it.
    """
    total = work.sum(axis=0)
    at = np.flatnonzero(total > MIN_PART * total.max(initial=0.0))
    shares = work[:, at] / total[at]
    rise = np.maximum(np.diff(shares, axis=1), 0.0).sum(axis=0)
    could = total[at][1:]
    moved = float((rise * could)[rise > MIN_PART].sum())
    return MoveCount(_changes(shares), moved / float(could.sum()) if len(could) else 0.0)


def _changes(shares: Floats) -> int:
    if not shares.size:
        return 0
    main, found = -1, 0
    largest, most = shares.argmax(axis=0).tolist(), shares.max(axis=0).tolist()
    for at, share in enumerate(shares.T.tolist()):  # of lists: hours of a year are many, and providers few
        if main < 0:
            main = largest[at]
        elif most[at] > share[main] + MIN_PART:
            main, found = largest[at], found + 1
    return found


@dataclass(frozen=True)
class Runs:
    """Where a workload runs, and could run: its columns of each provider, by offer and time.

    ``work`` is what its shares are parts of, by time: what runs then. Of work that may wait it is what would run if
    none of it waited, so that what is put off counts as what moves does.
    """

    columns: list[Ints]
    work: Floats
    held: bool  # whether as much runs at each time as was found, though it could be done at others

    def by_provider(self, values: Floats) -> Floats:
        """Its work by provider and time."""
        return np.array([values[columns].sum(axis=0) for columns in self.columns])

    @property
    def weights(self) -> Floats:
        """What a share that changes into each time but the first counts: work as a part of all that could move."""
        found: Floats = self.work[1:] / self.work[1:].sum()
        return found

    def moves(self, values: Floats) -> MoveCount:
        """How much of it moves."""
        return moves(self.by_provider(values))

    def unrest(self, values: Floats) -> float:
        """By how much its shares rise and fall, weighted by work: what moves, twice, and what is put off."""
        change = np.abs(np.diff(self.by_provider(values) / self.work, axis=1)).sum(axis=0)
        return float((change * self.weights).sum())
