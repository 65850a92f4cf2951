"""What budgets add to a call: room asked for, held and counted, and the headers that say what is left.

``python bench/budgets.py [--calls 30000]``: CPU microseconds a call, the least of seven runs, by a worker's own count
and by leases; beside it the same call without a budget.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from detente.gateway.serving.caps.cap_news import CapNews
from detente.gateway.serving.caps.leaseholder import CapKeeper, Leaseholder
from detente.gateway.serving.caps.left_of_budgets import left_of
from detente.gateway.serving.caps.own_count import OwnCount
from detente.ledger.caps.cap import CapTaker
from detente.ledger.caps.leasing import CapAnswer
from detente.ledger.journals.record import TokenCounts
from detente.providers.wire import Tokens
from tests.builders import Data
from tests.ledger.caps.test_budgets import taken
from tests.ledger.caps.test_clause_caps import AT

NEED, USED = TokenCounts(1000, 100), Tokens(1000, 100)
KINDS: dict[str, list[Data]] = {
    "none": [],
    "requests": [{"id": "rate", "of": {}, "every": "minute", "requests": "100 M"}],
    "money": [{"id": "money", "of": {}, "every": "month", "money": "5 M USD"}],
    "money, requests, tokens, calls at a time": [
        {"id": "money", "of": {}, "every": "month", "money": "5 M USD", "concurrency": 100_000},
        {"id": "rate", "of": {}, "every": "minute", "requests": "100 M", "tokens": "5 tn"},
    ],
}


def leased(caps: list[CapTaker]) -> Leaseholder:
    """A worker that has leased all of some budgets."""
    found = Leaseholder(lambda: None, lambda: 0.0)
    found.short(caps, NEED)
    found.claims(0.0, AT)
    found.answered({call.allows.key: CapAnswer(call.allows.limit, 0) for call in caps}, AT)
    return found


def micros(call: Callable[[], object], calls: int) -> float:
    """CPU microseconds of one."""
    best = float("inf")
    for _ in range(7):
        began = time.process_time()
        for _ in range(calls):
            call()
        best = min(best, time.process_time() - began)
    return best / calls * 1e6


def once(keeper: CapKeeper, caps: list[CapTaker]) -> None:
    """What a call does: only where anything covers it."""
    if caps:
        keeper.short(caps, NEED)
        keeper.hold(caps, NEED).settle(USED)


def main() -> None:
    """Print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=30_000)
    calls = parser.parse_args().calls
    print(f"{'budgets':42} {'own count':>10} {'leases':>10} {'headers':>10}")
    for kind, budgets in KINDS.items():
        caps = taken(budgets)
        own, leases = OwnCount(CapNews(print)), leased(caps)
        figures = [micros(lambda k=keeper, c=caps: once(k, c), calls) for keeper in (own, leases)]  # type: ignore[misc]
        figures.append(micros(lambda k=leases, c=caps: left_of(k.left(c), AT) if c else "", calls))  # type: ignore[misc]
        print(f"{kind:42} " + " ".join(f"{figure:10.2f}" for figure in figures))


if __name__ == "__main__":
    main()
