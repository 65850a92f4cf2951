"""How outcomes and simulations take time: the lead example, by the clock and by the processor.

    python bench/outcomes.py [CASE] [--choice stand-firm] [--draws 1000] [--processes 1,2] [--futures 3,6]

Seconds on the clock and processor seconds of this process and its children: of ``detente compare``; of ``detente
simulate`` in so many processes, and whether each finds the same; and of the plan before the news with more futures.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TypeVar

from detente.case.case import Case
from detente.outcomes.choices.comparing import compare
from detente.outcomes.choices.leaves import Leaf, leaves
from detente.outcomes.draws.simulating import simulate
from detente.outcomes.draws.simulation import Simulation
from detente.planner.hedging import CaseInFuture, hedge
from detente.values.period import moment

Found = TypeVar("Found")


def timed(ask: Callable[[], Found]) -> tuple[str, Found]:
    """Seconds in words, and the answer."""
    begin, worked = time.monotonic(), os.times()
    found = ask()
    now = os.times()
    cpu = sum(now[:4]) - sum(worked[:4])
    return f"{time.monotonic() - begin:.1f} s on the clock, {cpu:.1f} s of processors", found


def main() -> None:
    """Print a few lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="?", default="examples/frontier-lab")
    parser.add_argument("--choice", default="stand-firm")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--processes", default="1,2")
    parser.add_argument("--futures", default="3,6")
    given = parser.parse_args()
    case = Case.load(given.case)
    seconds, found = timed(lambda: compare(case))
    print(f"compare, {len(found.outcomes)} outcomes and the plan before the news: {seconds}")
    first: Simulation | None = None
    for some in map(int, given.processes.split(",")):
        seconds, drawn = timed(partial(simulate, case, given.choice, draws=given.draws, processes=some))
        assert isinstance(drawn, Simulation)
        same = "" if first is None else ", the same to the last digit" if first == drawn else ", and other figures"
        print(f"simulate, {given.draws} draws in {some} processes: {seconds}{same}")
        first = first or drawn
    own = [leaf for leaf in leaves(case) if leaf.choice.id == given.choice and leaf.world]
    for some in map(int, given.futures.split(",")) if own else ():
        print(f"the plan before the news with {some} futures: {timed(partial(_hedged, own, some))[0]}")


def _hedged(own: list[Leaf], futures: int) -> None:
    """The plan before the news where the outcomes are repeated up to a number."""
    until = moment(max(own[0].known))
    some = [
        CaseInFuture(own[at % len(own)].case, Decimal(1) / futures, partial(_known, at, until)) for at in range(futures)
    ]
    hedge(some, until, gap=1e-3)


def _known(future: int, until: datetime, at: datetime) -> int | None:
    return future if at >= until else None


if __name__ == "__main__":
    main()
