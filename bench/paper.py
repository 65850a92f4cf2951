"""How long a case of size S takes whose paper has clauses that need whole numbers, as it is signed.

    python bench/paper.py [--size S] [--gap 0.001] [--time-limit 60] [--seed 1]

Three agreements with tiers of each quarter's spend, a savings plan by the hour for a week, and a capped revenue share,
beside all that a case of that size has. Prints CPU seconds and seconds on the clock, the gap, and the whole numbers.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from instance import SIZES

from detente.case.case import Case
from detente.planner.formulation.formulate import formulate
from detente.planner.solve import plan
from detente.results.plan import Plan

TIERS = ((0.0, 4), (0.5, 9), (1.0, 15))
"""Of each agreement: from which part of its amount, how many percent off."""
QUARTERLY = (38_000_000, 3_200_000, 1_500_000)
"""USD: near what a quarter of each provider's tokens comes to, so that it is worth while to reach a tier."""


def signed(size: str, seed: int) -> Case:
    """The case, with its paper."""
    data = SIZES[size].case(seed)
    for deal in data["agreements"]:
        for term in deal["terms"]:
            if term["kind"] == "minimum-commitment":
                term["measure"] = "list"  # tiers and a savings plan charge otherwise than by the use
    sold = data["offers"]
    for workload in data["workloads"]:
        unit = "Mtok" if "mix" in workload else "GPU-hour"
        workload["revenue"] = f"5 USD per {unit}"
    parties = list(dict.fromkeys(offer["provider"] for offer in sold if offer["kind"] == "tokens"))[:3]
    data["agreements"] += [_tiers(party, index) for index, party in enumerate(parties)]
    data["agreements"] += [_savings(sold), _share(parties[0])]
    return Case.of(data)


def _tiers(party: str, index: int) -> dict[str, Any]:
    tiers = [{"from": f"{max(1, int(part * QUARTERLY[index]))} USD", "off": f"{off}%"} for part, off in TIERS]
    term = {
        "id": f"{party}-tiers", "kind": "volume-discount", "of": {"product": "tokens"}, "tiers": tiers,
        "method": ("graduated", "all-units", "graduated")[index], "windows": {"every": "quarter", "cut": "prorate"},
    }  # fmt: skip
    return {"id": f"{party}-volume", "with": party, "effective": "2026-01-05", "ends": "2027-01-04", "terms": [term]}


def _savings(sold: list[dict[str, Any]]) -> dict[str, Any]:
    party = next(o["provider"] for o in sold if o["kind"] == "gpu" and o["buy"] == "on-demand")
    hourly = [o for o in sold if o["kind"] == "gpu" and o["buy"] == "on-demand" and o["provider"] == party]
    rates = {o["id"]: f"{float(o['price'].split()[0]) * 0.7:.3f} USD per GPU-hour" for o in hourly}
    term = {"id": "plan", "kind": "savings-plan", "commitment": "200 USD per hour", "rates": rates}
    return {"id": "week", "with": party, "effective": "2026-02-02", "ends": "2026-02-09", "terms": [term]}


def _share(party: str) -> dict[str, Any]:
    term = {"id": "revenue", "kind": "revenue-share", "rate": "5%", "of": {"provider": party}, "cap": "20 M USD",
            "windows": {"every": "month"}}  # fmt: skip
    return {"id": "revenue-2026", "with": party, "effective": "2026-01-05", "ends": "2027-01-04", "terms": [term]}


def main() -> None:
    """Plan it once."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--size", default="S", choices=SIZES)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--gap", type=float, default=0.001)
    options.add_argument("--time-limit", type=float, default=60)
    given = options.parse_args()
    case = signed(given.size, given.seed)
    program = formulate(case).program
    print(f"{given.size}: {len(program.upper()):,} columns, {int(program.integer().sum()):,} whole")
    cpu, clock = time.process_time(), time.perf_counter()
    found = plan(case, gap=given.gap, time_limit=given.time_limit)
    took = f"{time.process_time() - cpu:.1f} s of CPU, {time.perf_counter() - clock:.1f} s on the clock"
    if not isinstance(found, Plan):
        raise SystemExit(f"no plan obeys every clause, after {took}")
    print(f"{took}; cost {float(found.cost):,.0f} {found.currency}, gap {float(found.gap):.4%} ({found.status})")


if __name__ == "__main__":
    main()
