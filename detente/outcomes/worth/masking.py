"""Clauses that hide each other's price: dropping either saves little, dropping both saves more.

Owns: finding such groups with few solves. Not here: what a group is worth (``baseline``), its split (``shapley``).

Two clauses can only hide each other where each acts once the other is gone. With no price on its rows, and none of its
columns used, the duals of the program without the other prove that dropping it too changes nothing; of one that changes
what others' columns cost they prove nothing. So only such pairs are tried, the cheapest first, by a linear solve each.
Three or more that hide each other, of which no two do, are looked for among the clauses that have no price of their
own: if dropping all of these saves anything, clauses are put back one by one as long as what is left still saves it,
and those that remain are such a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from detente.outcomes.baseline import Baseline, Near

MAX_PAIRS = 60
"""Pairs that are tried at most."""

MATERIAL = 0.02
"""A part of what clauses save together that, hidden, is worth telling."""

SURE = 1e-7
"""Of the cost of the case: what is less is the solver's tolerance."""

Group = tuple[str, ...]


@dataclass(frozen=True)
class Groups:
    """Groups of clauses in the order of the case, and how many pairs were not tried."""

    found: tuple[Group, ...]
    pairs_left: int


def groups(baseline: Baseline, near: Mapping[str, Near]) -> Groups:
    """Groups among clauses, each with the case without it. Raises StoppedError."""
    pairs = [pair for pair in combinations(near, 2) if _may_hide(baseline, near, pair)]
    pairs.sort(key=lambda pair: sum(abs(_alone(baseline, near[name])) for name in pair))
    joined = [frozenset(pair) for pair in pairs[:MAX_PAIRS] if _hides(baseline, near, pair)]
    known = frozenset().union(*joined) if joined else frozenset()
    free = [name for name in near if name not in known and abs(_alone(baseline, near[name])) <= _tolerance(baseline)]
    while len(free) > 2 and (more := _several(baseline, near, free)):
        joined.append(frozenset(more))
        free = [name for name in free if name not in more]
    return Groups(tuple(_ordered(near, group) for group in _merged(joined)), max(0, len(pairs) - MAX_PAIRS))


def _may_hide(baseline: Baseline, near: Mapping[str, Near], pair: tuple[str, str]) -> bool:
    return all(one in near[other].acts or one not in baseline.by_own for one, other in (pair, pair[::-1]))


def _hides(baseline: Baseline, near: Mapping[str, Near], some: Iterable[str]) -> bool:
    """Whether some save more together than those that save alone, or lose more than those that lose: enough to tell."""
    together = baseline.linear_without(some)
    if together is None:
        return False
    saved = baseline.relaxed.objective - together
    alone = [_alone(baseline, near[name]) for name in some]
    hidden = max(saved - sum(max(each, 0.0) for each in alone), sum(min(each, 0.0) for each in alone) - saved)
    return hidden > max(_tolerance(baseline), MATERIAL * abs(saved))


def _several(baseline: Baseline, near: Mapping[str, Near], free: list[str]) -> list[str]:
    """A minimal set of clauses without a price that have one together; empty where there is none."""
    if not _hides(baseline, near, free):
        return []
    left = list(free)
    for name in free:
        less = [other for other in left if other != name]
        if len(less) > 1 and _hides(baseline, near, less):
            left = less
    return left


def _alone(baseline: Baseline, near: Near) -> float:
    """What a clause saves by itself if units could be divided."""
    return baseline.relaxed.objective - near.linear


def _tolerance(baseline: Baseline) -> float:
    return SURE * max(1.0, abs(baseline.relaxed.objective))


def _merged(joined: list[frozenset[str]]) -> list[frozenset[str]]:
    """Groups that share a clause are one."""
    found: list[frozenset[str]] = []
    for group in joined:
        apart = [other for other in found if not other & group]
        found = [*apart, group.union(*(other for other in found if other & group))]
    return found


def _ordered(near: Mapping[str, Near], group: frozenset[str]) -> Group:
    return tuple(name for name in near if name in group)
