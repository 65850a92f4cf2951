"""What clauses and providers are worth, against planning anew: seconds a price and a loss, and the error bars.

    python bench/worth.py [CASE] [--size S] [--seed 1] [--anew 4]

CPU seconds of this process (the solver runs on one thread): of ``detente price`` and of the losses of ``detente
leverage`` in all and for each re-solve, and of planning some of the same cases anew, in one run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TypeVar

from detente.case.case import Case
from detente.outcomes.leverage.leverage import Leverage
from detente.outcomes.leverage.leveraging import leverage
from detente.outcomes.worth.prices import ClausePrices
from detente.outcomes.worth.pricing import GAP, price
from detente.planner.solve import plan

Found = TypeVar("Found")


def timed(ask: Callable[[], Found]) -> tuple[float, Found]:
    """Seconds, and the answer."""
    begin = time.process_time()
    found = ask()
    return time.process_time() - begin, found


def each(ask: Callable[[Callable[[str], None]], Found]) -> tuple[float, list[float], Found]:
    """Seconds in all, seconds of each re-solve that the progress tells apart, and the answer."""
    marks: list[float] = []

    def told(text: str) -> None:
        if text.startswith(("without", "looking")):
            marks.append(time.process_time())

    seconds, found = timed(lambda: ask(told))
    marks.append(time.process_time())
    return seconds, [after - before for before, after in pairwise(marks)], found


def main() -> None:
    """Print a few lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="?", help="a folder; by default a seeded case of a size")
    parser.add_argument("--size", default="S")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reading", default=None)
    parser.add_argument("--anew", type=int, default=4, help="how many of the cases to plan anew, evenly over all")
    given = parser.parse_args()
    case = Case.load(given.case).under(reading=given.reading) if given.case else _seeded(given.size, given.seed)

    seconds, solves, prices = each(lambda told: price(case, gap=GAP, progress=told))
    assert isinstance(prices, ClausePrices)
    clauses = solves[: len(prices.clauses)]
    print(f"{len(clauses)} clauses: {seconds:.1f} s in all; a price {_spread(clauses)}")
    bars = [float(c.price.bar / prices.cost.amount) for c in prices.clauses if c.price is not None]
    gap = prices.cost.gap / prices.cost.amount
    print(f"gap {gap:.4%} of the cost; error bars {median(bars):.4%} of it (median), {max(bars):.4%} (most)")
    seconds, solves, found = each(lambda told: leverage(case, curves=False, gap=GAP, progress=told))
    assert isinstance(found, Leverage)
    print(f"{len(found.providers)} providers lost: {seconds:.1f} s in all; a loss {_spread(solves)}")
    ids = [c.term for c in prices.clauses]
    anew = [_anew(case, name) for name in ids[:: max(1, len(ids) // given.anew)]]
    times = median(anew) / median(clauses)
    print(f"planned anew without a clause, to the same gap: {_spread(anew)}: {times:.1f} times a price")


def _spread(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.2f} s (median), {max(seconds):.2f} s (most)"


def _anew(case: Case, name: str) -> float:
    return timed(lambda: plan(case.under(without=[name]), gap=GAP))[0]


def _seeded(size: str, seed: int) -> Case:
    sys.path.insert(0, str(Path(__file__).parent))
    from instance import SIZES

    return Case.of(SIZES[size].case(seed))


if __name__ == "__main__":
    main()
