"""How often a workload moves from provider to provider, and how much of it, by the rows of a plan.

Owns: what is too little to be a move, and the count over whole quanta of few providers, which needs no arrays: a
gateway reads plans, too. Not here: the same over a program's values (``planner.solving.moves``), which a test holds
against this.
"""

from __future__ import annotations

from collections.abc import Mapping

MIN_PART = 1e-6
"""A smaller part of the work of a time is not told from nothing: work comes in whole quanta."""

ByPeriod = Mapping[int, int]
"""Whole quanta of work; periods without work may be left out."""


def total(providers: Mapping[str, ByPeriod]) -> dict[int, int]:
    """The work of each period, in the order of time, over all providers."""
    found: dict[int, int] = {}
    for by_period in providers.values():
        for period, each in by_period.items():
            found[period] = found.get(period, 0) + each
    return dict(sorted(found.items()))


def counted(providers: Mapping[str, ByPeriod]) -> tuple[int, float]:
    """How often another provider becomes the main one, and the part of the work that moves (``WorkloadRow``).

    Periods with hardly any work are passed over. Of equals the main provider is the one that was it, and at first the
    first.
    """
    work = total(providers)
    least = MIN_PART * max(work.values(), default=0)
    at = [period for period, each in work.items() if each > least]
    main, changes, moved = "", 0, 0.0
    before: dict[str, float] = {}
    for period in at:
        shares = {name: quanta.get(period, 0) / work[period] for name, quanta in providers.items()}
        most = max(shares, key=shares.__getitem__)
        if not before:
            main = most
        else:
            rise = sum(max(share - before[name], 0.0) for name, share in shares.items())
            moved += rise * work[period] if rise > MIN_PART else 0.0
            if shares[most] > shares[main] + MIN_PART:
                main, changes = most, changes + 1
        before = shares
    could = sum(work[period] for period in at[1:])
    return changes, moved / could if could else 0.0
