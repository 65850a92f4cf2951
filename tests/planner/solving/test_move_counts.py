"""Moves counted over a program's values, and over the rows of a plan: one count."""

from __future__ import annotations

import numpy as np
import pytest

from detente.planner.solving.moves import moves
from detente.results.move_count import counted


@pytest.mark.parametrize("seed", range(20))
def test_both_count_alike(seed: int) -> None:
    """Random work of few providers, with ties, crumbs, and times at which nothing runs."""
    random = np.random.default_rng(seed)
    work = random.choice([0, 0, 1, 5, 5, 10**6, 3 * 10**6], (random.integers(0, 4), 12))
    providers = {f"p{place}": {at: int(each) for at, each in enumerate(row) if each} for place, row in enumerate(work)}
    found = moves(work.astype(np.float64))
    changes, share = counted(providers)
    assert (changes, share) == (found.changes, pytest.approx(found.share, abs=1e-12))
