"""A study's re-solves against planning anew: each clause of a case left out, both ways.

    python bench/study.py [CASE] [--size S] [--seed 1] [--clauses 6]

Both ways solve the same case, to the same gap, and as a linear program alone. CPU seconds of this process (the solver
runs on one thread), one after the other for each clause, so that what the machine does beside it meets both. Anew is
formulating, handing over and solving.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from detente.case.case import Case
from detente.planner.solving.incumbent import Incumbent, Unmet
from detente.planner.solving.solution import Solution
from detente.planner.study import GAP, Study


def timed(make: Callable[[], Study], *, linear: bool) -> tuple[float, Incumbent | Unmet | Solution]:
    """Seconds of a solve, and of what makes its study."""
    begin = time.process_time()
    study = make()
    found = study.bound() if linear else study.solve(GAP)
    return time.process_time() - begin, found


def cost(found: Incumbent | Unmet | Solution) -> float:
    """What was found costs; nothing where there is no plan."""
    if isinstance(found, Solution):
        return found.objective
    return found.cost if isinstance(found, Incumbent) else float("nan")


def main() -> None:
    """Print a line a clause, and the median of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="?", help="a folder; by default a seeded case of a size")
    parser.add_argument("--size", default="S")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clauses", type=int, default=6, help="how many to leave out, evenly over all")
    given = parser.parse_args()
    if given.case:
        case = Case.load(given.case)
    else:
        sys.path.insert(0, str(Path(__file__).parent))
        from instance import SIZES

        case = Case.of(SIZES[given.size].case(given.seed))
    begin = time.process_time()
    study = Study.of(case)
    first = study.solve(GAP)
    seconds = time.process_time() - begin
    if isinstance(first, Unmet):
        sys.exit("there is no plan")
    study = study.starting(first)
    print(f"{len(case.terms)} clauses, {study.draft.program.n:,} columns; first plan {seconds:.2f} s")
    ids = list(dict.fromkeys(term.id for term in case.terms))
    ratios: dict[bool, list[float]] = {True: [], False: []}
    for name in ids[:: max(1, len(ids) // given.clauses)]:
        for linear in (True, False):
            warm, found = timed(partial(study.without, [name]), linear=linear)
            cold, fresh = timed(partial(Study.of, case.under(without=[name])), linear=linear)
            ratios[linear].append(warm / cold)
            off = abs(cost(found) - cost(fresh)) / max(abs(cost(fresh)), 1.0)
            what = "linear" if linear else "whole "
            print(f"{name:24} {what} {warm:6.2f} s against {cold:6.2f} s: {warm / cold:4.2f}; costs differ {off:.0e}")
    for linear, every in ratios.items():
        print(f"{'linear' if linear else 'whole'}: median {median(every):.2f}, {min(every):.2f} to {max(every):.2f}")


if __name__ == "__main__":
    main()
