"""The planner against the tests' independent oracle, over as many random cases as are wanted.

    python bench/oracle.py [--cases 3000] [--seed 1]

The same cases as in `tests/planner/test_oracle.py`: all kinds of clauses in random mixes, whole units, reservations,
gangs, work that waits, moves. The first case on which the two differ is made smaller, printed as it is written, and
ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings

from detente.case.case import Case

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.drawn_cases import cases
from tests.planner.test_oracle import agree


def main() -> None:
    """Print how many cases there were of which kind, and how long they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    seen: Counter[str] = Counter()

    @seed(wanted.seed)
    @settings(max_examples=wanted.cases, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=cases() | cases(least=2, wide=True))
    def run(case: Case) -> None:
        found = agree(case)
        seen.update({"plans" if found else "conflicts"} | {term.kind for term in case.terms})
        seen.update({"moving" for w in case.workloads if w.moving} | {w.kind for w in case.workloads})
        seen.update({o.kind if getattr(o, "term", None) is None else "reservations" for o in case.offers})

    begin = time.process_time()
    run()
    print(f"{seen['plans'] + seen['conflicts']:,} cases agree, in {time.process_time() - begin:.0f} s; of which with")
    print(", ".join(f"{name} {count:,}" for name, count in seen.most_common()))


if __name__ == "__main__":
    main()
