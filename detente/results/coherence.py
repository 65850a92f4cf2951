"""What the rows of a saved plan say of each other: hours and units of purchases, shares, standby, windows, roles.

Owns: what needs more than one row to see, and no case. Not here: sums of money and of work, and texts (``integrity``),
and what the case says of the same rows (``case.planned``).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any

from detente.values.quantity import plain

MAX_SHIFT = Decimal("0.000001")
"""Of a share, and of a sum, relative: shares have six places."""

_CURRENCY = re.compile(r"[A-Z]{3}")


def contradictions(plan: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be true together, each in a sentence."""
    yield from _status(plan)
    yield from _providers(plan)
    yield from _places(plan)
    yield from _standby(plan)
    yield from _bought(plan)
    yield from _clauses(plan)
    yield from _windows(plan)


def _status(plan: Mapping[str, Any]) -> Iterator[str]:
    if (plan["discount_rate"] is None) != (plan["present_value"] is None):
        yield "it states one of `discount_rate` and `present_value` without the other"
    if not Decimal(plan["gap"]) and plan["status"] != "optimal":
        yield f"its gap is 0, and its status is {plan['status']}"
    if plan["bounded_by"] == "prices":  # time ended before the program was solved: nothing was rounded or searched
        if plan["status"] == "feasible":
            yield "its bound is that of `prices`, as where time ended, and its status is feasible"
        if Decimal(plan["rounding"]):
            yield f"its bound is that of `prices`, and its `rounding` from a solved program is {plan['rounding']}"
        if priced := [row["term"] for row in plan["clauses"] if row["marginal"]]:
            yield f"its bound is that of `prices`, and `{priced[0]}` has marginal prices from a solved program"


def _providers(plan: Mapping[str, Any]) -> Iterator[str]:
    """Shares, prices and deployments of each are what its spend, its work and its allocations say."""
    runs = defaultdict[str, set[tuple[str, str]]](set)
    for row in plan["allocations"]:
        runs[row["provider"]].add((row["workload"], row["offer"]))
    paid = defaultdict[str, Decimal](Decimal)
    for row in plan["charges"]:
        paid[row["provider"]] += Decimal(row["net"]) if row["what"] == "use" else 0
    total = sum((Decimal(row["spend"]) for row in plan["providers"]), Decimal(0))
    works = defaultdict[str, Decimal](Decimal)
    for row in plan["providers"]:
        for unit, work in row["work"].items():
            works[unit] += Decimal(work)
    for row in plan["providers"]:
        name, pairs = row["provider"], runs[row["provider"]]
        shares = [("spend", row["share_of_spend"], Decimal(row["spend"]), total)]
        shares += [
            (f"work in {unit}", share, Decimal(row["work"].get(unit, "0")), works[unit])
            for unit, share in row["share_of_work"].items()
        ]
        for what, share, part, whole in shares:
            found = part / whole if whole else Decimal(0)
            if abs(Decimal(share) - found) > MAX_SHIFT * max(Decimal(1), abs(found)):
                yield f"the share of {name} in {what} is {share}, and what it has of it says {found:.6f}"
        if row["effective_price"].keys() != row["work"].keys():
            yield f"{name} has effective prices of other work than it does"
        else:
            worth = [(Decimal(row["effective_price"][unit]), Decimal(work)) for unit, work in row["work"].items()]
            found = sum((price * work for price, work in worth), Decimal(0))
            room = MAX_SHIFT * (1 + abs(found) + sum((work for _, work in worth), Decimal(0)))
            if abs(found - paid[name]) > room:
                said = f"the effective prices of {name} come to {found:.6f} for its work"
                yield f"{said}, and its `charges` for use to {plain(paid[name])}"
        if row["deployments"] != len(pairs) or sorted(row["workloads"]) != sorted({each for each, _ in pairs}):
            of = ", ".join(sorted({workload for workload, _ in pairs})[:4]) or "nothing"
            told = f"{name} has {row['deployments']} deployments of {', '.join(row['workloads']) or 'nothing'}"
            yield f"{told}, and its allocations have {len(pairs)}, of {of}"


def _places(plan: Mapping[str, Any]) -> Iterator[str]:
    """An offer is in one region, and work that is said to be somewhere is work."""
    regions: dict[str, str] = {}
    for row in plan["allocations"]:
        if regions.setdefault(row["offer"], row["region"]) != row["region"]:
            yield f"the offer {row['offer']} is said to be in {regions[row['offer']]} and in {row['region']}"
    for row in plan["decisions"]:
        if not row["reasons"]:
            yield f"{row['workload']} on {row['offer']} has no reason"


def _standby(plan: Mapping[str, Any]) -> Iterator[str]:
    """What an offer has on standby is for the workloads that stand by there."""
    ready = {(row["offer"], row["period"]): Decimal(0) for row in plan["standby"]}
    for row in plan["standby"]:
        ready[row["offer"], row["period"]] += Decimal(row["work"])
        if not Decimal(row["work"]):
            yield f"{row['workload']} stands by on {row['offer']} in period {row['period']} with nothing"
    for row in plan["capacity"]:
        work, held = ready.get((row["offer"], row["period"]), Decimal(0)), Decimal(row["standby"])
        if (held > 2 * MAX_SHIFT and not work) or (work > 2 * MAX_SHIFT and not held):
            where = f"{row['offer']} in period {row['period']}"
            yield f"{where} has {plain(held)} on standby, and {plain(work)} of work stands by there"


def _bought(plan: Mapping[str, Any]) -> Iterator[str]:
    """Purchases last as long as their hours say, and what is bought in each period is as many units of one size."""
    periods = plan["periods"]
    spans = [[moment_of(row[key]) for key in ("start", "end", "span_start", "span_end")] for row in periods]
    hours = [Decimal(row["hours"]) for row in periods]
    starts, span_starts = [each[0] for each in spans], [each[2] for each in spans]
    before = list(accumulate(hours, initial=Decimal(0)))
    changes: dict[str, dict[int, Decimal]] = defaultdict(lambda: defaultdict(Decimal))  # of the units held, by period
    in_part = defaultdict[str, set[int]](set)
    for row in plan["purchases"]:
        since, until, name = moment_of(row["start"]), moment_of(row["end"]), row["offer"]
        of, ends = (span_starts, 3) if row["reserved"] else (starts, 1)
        first, end, stated = bisect_left(of, since), bisect_left(of, until), Decimal(row["hours"])
        where = f"a purchase of {name} from {row['start']}"
        if not first < end or of[first] != since or spans[end - 1][ends] != until:
            yield f"{where} to {row['end']} is for no periods of the plan"
            continue
        lasts = before[end] - before[first]
        short = lasts - stated > MAX_SHIFT * lasts
        inner = before[max(first + 1, end - 1)] - before[first + 1]  # a term may begin and end within a period
        too_short = short and stated < inner if row["reserved"] else short and end - first > 1  # or a gang's run
        if too_short or stated - lasts > MAX_SHIFT * lasts:
            yield f"{where} has {row['hours']} hours, and its periods {plain(lasts)}"
        in_part[name] |= {first, end - 1} if short else set()
        changes[name][first] += Decimal(row["units"])
        changes[name][end] -= Decimal(row["units"])
    held = {name: [Decimal(0)] * len(periods) for name in changes}
    for name, by_period in changes.items():
        for at, units in enumerate(accumulate(by_period[at] for at in range(len(periods)))):
            held[name][at] = units * hours[at]
    sizes: dict[str, Decimal] = {}
    for row in plan["capacity"]:
        if row["offer"] in held:
            count, bought = held[row["offer"]][row["period"]], Decimal(row["bought"])
            if row["period"] in in_part[row["offer"]]:
                continue
            size = sizes.setdefault(row["offer"], bought / count) if count else Decimal(0)
            if abs(bought - size * count) > MAX_SHIFT * max(Decimal(1), bought):
                where = f"{row['offer']} in period {row['period']}"
                yield f"{plain(bought)} is bought of {where}, and its purchases say {plain(size * count)}"


def _clauses(plan: Mapping[str, Any]) -> Iterator[str]:
    for row in plan["clauses"]:
        if row["binds"] != bool(row["marginal"]):
            yield f"{row['term']} {'binds' if row['binds'] else 'does not bind'}, and has {len(row['marginal'])} prices"
        if not moment_of(row["start"]) < moment_of(row["end"]):
            yield f"{row['term']} is in force for no time"
        yield from _priced(row, plan)


def _priced(clause: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[str]:
    """Marginal prices have a part, a unit of money and a time in which the clause is in force."""
    for row in clause["marginal"]:
        where = f"a marginal price of {clause['term']} from {row['start']}"
        since, until = moment_of(row["start"]), moment_of(row["end"])
        if not since < until or until <= moment_of(clause["start"]) or moment_of(clause["end"]) <= since:
            yield f"{where} is of no time of it"
        if not row["part"] or not row["unit"].startswith(f"{plan['currency']} per "):
            yield f"{where} is of `{row['part']}` in `{row['unit']}`, and prices are money of something"


def _windows(plan: Mapping[str, Any]) -> Iterator[str]:
    """A window has one number and one time, nothing is promised in a plan, and no cap is passed."""
    in_tranches = {row["term"] for row in plan["standings"] if row["role"] == "delivered"}  # numbered by themselves
    numbers = defaultdict[tuple[str, str, str], set[int]](set)
    for row in plan["standings"]:
        numbers[row["term"], row["start"], row["end"]].add(row["window"])
    for section in ("standings", "postings"):
        for row in plan[section]:
            where = f"{row['term']} from {row['start']}"
            if not moment_of(row["start"]) < moment_of(row["end"]):
                yield f"{where} has a window of no time in `{section}`"
            known = numbers.get((row["term"], row["start"], row["end"]), set())
            if known and row["window"] not in known and row["term"] not in in_tranches:
                yield f"{where} is window {min(known)} and window {row['window']}"
    ends = plan["periods"][-1]["span_end"] if plan["periods"] else None
    before: dict[tuple[str, str, str], tuple[int, datetime]] = {}
    for row in plan["standings"]:
        where = f"{row['term']} from {row['start']}"
        of, since, until = (row["term"], row["meter"], row["role"]), moment_of(row["start"]), moment_of(row["end"])
        last, ended = before.get(of, (row["window"] - 1, since))
        if row["window"] == last + 1 and since < ended:
            yield f"{where} begins before the window before it has ended"
        before[of] = row["window"], until
        if row["ended"] and Decimal(row["accruing"]):
            yield f"{where} is said to have ended, and to accrue {row['accruing']}"
        if not row["ended"] and until <= moment_of(ends):
            yield f"{where} is said to go on, and ends within the plan"
        if Decimal(row["reserved"]):
            yield f"{where} has {row['reserved']} promised to calls, and a plan has no calls"
        if row["of_money"] != (_CURRENCY.fullmatch(row["unit"]) is not None and row["unit"] != "GPU"):
            yield f"{where} counts {'money' if row['of_money'] else 'no money'}, and its unit is {row['unit']}"
        if row["role"] == "cap" and row["amount"] is not None:
            beyond = Decimal(row["brought"]) + Decimal(row["drawn"]) - Decimal(row["amount"])
            if beyond > MAX_SHIFT * max(Decimal(1), Decimal(row["amount"])):
                yield f"{where} is a cap of {row['amount']}, and {row['drawn']} is drawn"


def moment_of(text: str | None) -> datetime:
    """As it was saved, on the clock of its horizon; of one that names none, UTC; of no end, the last there is."""
    if text is None:
        return datetime.max.replace(tzinfo=UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
