"""Whether a saved plan holds against itself: its rows fit together, and it is what was saved.

Owns: every check that needs no case. It reads the saved document and not the plan's own types, which are built of it
only once it holds. Not here: its checksum (``checksum``), and whether a case's clauses give that bill (``planner``).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from detente.contract.settled.standing import CREDIT, FLOOR, MILESTONE, PAID, SUPERSEDED, TAKE, VESTING
from detente.demand.quantum import QUANTUM
from detente.errors import HIDDEN, cut
from detente.results.checksum import CHECKSUM
from detente.results.coherence import contradictions, moment_of
from detente.results.move_count import counted, total
from detente.values.money import NANO, nano
from detente.values.quantity import plain

MAX_SHIFT = Decimal("0.000001")
"""Of a sum, relative: standby is read off the solver's values, and shares have six places."""

PER_UNIT = QUANTUM.denominator
"""Quanta in a unit of work."""

RowsByList = list[dict[str, Any]]


def faults(document: Mapping[str, Any]) -> Iterator[str]:
    """What does not fit together, each in a sentence."""
    yield from _totals(document)
    yield from _bound(document)
    yield from _periods(document["periods"])
    yield from _names(document)
    yield from _charges(document)
    yield from _owed(document)
    yield from _short(document)
    yield from _signs(document)
    yield from _work(document)
    yield from _capacity(document)
    yield from _moves(document)
    yield from contradictions(document)
    yield from _texts(document)


def unlike(document: Any, plan: Any, at: str = "") -> Iterator[str]:
    """What a document has and its plan does not: members, and values that are read as others (`1_0`, `-0`, `true`)."""
    if isinstance(document, dict) and isinstance(plan, dict):
        for key, value in document.items():
            place = f"{at}.{key}".lstrip(".")
            if key in plan:
                yield from unlike(value, plan[key], place)
            elif place != CHECKSUM:
                yield f"it has `{place}`, which no plan has"
    elif isinstance(document, list) and isinstance(plan, list):
        for value, other in zip(document, plan, strict=False):
            yield from unlike(value, other, at)
    elif document != plan or type(document) is not type(plan):
        yield f"its `{at}` is written as {cut(json.dumps(document))}, and a plan writes {cut(json.dumps(plan))}"


def _bound(plan: Mapping[str, Any]) -> Iterator[str]:
    cost, bound, gap = (Decimal(plan[key]) for key in ("cost", "bound", "gap"))
    if bound > cost:
        yield f"its bound {plain(bound)} is above its cost {plain(cost)}"
    found = nano((cost - bound) / max(abs(cost), NANO))
    if gap != found:
        yield f"its gap is {plain(gap)}, and cost and bound are apart by {plain(found)}"
    if not 0 <= Decimal(plan["rounding"]) <= max(cost - bound, Decimal(0)):
        yield f"its rounding {plan['rounding']} is no part of cost - bound, {plain(cost - bound)}"


def _totals(plan: Mapping[str, Any]) -> Iterator[str]:
    spend = _sum(p["spend"] for p in plan["providers"])  # after discounts
    owed = _sum(p["amount"] for p in plan["postings"] if not p["in_spend"])
    bill, unserved, moving = (Decimal(plan[key]) for key in ("bill", "unserved_cost", "moving_cost"))
    for what, parts, found in (
        ("cost", "bill, unserved_cost and moving_cost", bill + unserved + moving),
        ("bill", "the spend of `providers` and the `postings` other than discounts", spend + owed),
        ("unserved_cost", "the costs of `unserved`", _sum(u["cost"] for u in plan["unserved"])),
        ("moving_cost", "the costs of `moves`", _sum(m["cost"] for m in plan["moves"])),
    ):
        if abs(Decimal(plan[what]) - found) > NANO * (1 + len(plan["unserved"])):  # each line is rounded by itself
            yield f"its {what} is {plain(Decimal(plan[what]))}, and {parts} come to {plain(found)}"


def _charges(plan: Mapping[str, Any]) -> Iterator[str]:
    """What is charged comes to spend, provider by provider, and list prices less discounts to the same."""
    net, idle = defaultdict[Any, Decimal](Decimal), defaultdict[Any, Decimal](Decimal)
    for row in plan["charges"]:
        net[row["provider"]] += Decimal(row["net"])
        idle[row["provider"]] += Decimal(row["net"]) if row["what"] == "idle" else 0
    for row in plan["providers"]:
        name = row["provider"]
        if Decimal(row["spend"]) != net[name] or Decimal(row["idle"]) != idle[name]:
            yield f"the spend and idle cost of {name} are not what its `charges` come to"
    off = _sum(p["amount"] for p in plan["postings"] if p["in_spend"])
    reduced = _sum(c["net"] for c in plan["charges"]) - _sum(c["listed"] for c in plan["charges"])
    if reduced != off:
        yield f"its `charges` are reduced by {plain(reduced)}, and the discounts among its `postings` are {plain(off)}"


_WITHOUT_MONEY = (SUPERSEDED, "at-least", "at-most", "cap", "delivered", VESTING)
"""Roles of what is counted and never owed for: what else the clause gives is for other times, as a delay is."""


def _owed(plan: Mapping[str, Any]) -> Iterator[str]:
    """What a clause owes, in all and in each window, is what its postings come to."""
    posted, stated = defaultdict[Any, Decimal](Decimal), defaultdict[Any, Decimal](Decimal)
    in_windows, standing = defaultdict[Any, Decimal](Decimal), defaultdict[Any, Decimal](Decimal)
    moves_money = defaultdict[Any, bool](bool)
    for row in plan["postings"]:
        posted[row["term"]] += Decimal(row["amount"])
        in_windows[row["term"], row["start"], row["end"]] += Decimal(row["amount"])
    for row in plan["clauses"]:
        stated[row["term"]] += Decimal(row["owed"])
    for row in plan["standings"]:
        standing[row["term"], row["start"], row["end"]] += Decimal(row["owed"])
        moves_money[row["term"], row["start"], row["end"]] |= row["role"] not in _WITHOUT_MONEY
    for name, owed in stated.items():
        if owed != posted[name]:
            yield f"{name} owes {plain(owed)}, and its `postings` come to {plain(posted[name])}"
    for (name, start, end), owed in standing.items():
        if owed != in_windows[name, start, end] and (owed or moves_money[name, start, end]):
            found = plain(in_windows[name, start, end])
            yield f"{name} stands at {plain(owed)} owed from {start}, and its `postings` come to {found}"


_FALLS_SHORT = (FLOOR, MILESTONE, TAKE, "at-least")
"""Roles whose amount is asked for: what is missing of it is short, less what goes on to the next window."""

_NEVER_SHORT = (CREDIT, PAID, SUPERSEDED, "at-most", "cap")


def _short(plan: Mapping[str, Any]) -> Iterator[str]:
    """What is short is what is missing of the amount; what is brought into a window is what the one before carried."""
    kinds = {row["term"]: row["kind"] for row in plan["clauses"]}
    carried: dict[Any, tuple[int, Decimal]] = {}
    for row in plan["standings"]:
        role, window, short, drawn = row["role"], row["window"], Decimal(row["short"]), Decimal(row["drawn"])
        where = f"{row['term']} from {row['start']}"
        brought, goes_on = Decimal(row["brought"]), Decimal(row["carried"])
        of = row["term"], row["meter"], role
        last, before = carried.get(of, (window - 1, Decimal(0)))
        if last == window - 1 and _apart(brought, before):
            yield f"{where} brings in {plain(brought)}, and the window before carries over {plain(before)}"
        carried[of] = window, goes_on
        if role in _FALLS_SHORT and row["amount"] is not None:
            missing = max(Decimal(row["amount"]) - brought - drawn, Decimal(0))
            deferred = max(-goes_on, Decimal(0))
            if drawn > Decimal(row["amount"]) and missing:  # some goes on, and some is deferred: the row has their sum
                deferred = min(max(missing - short, deferred), missing)
            if _apart(short, missing - deferred):
                yield f"{where} is {plain(short)} short, and its amounts say {plain(missing - deferred)}"
        elif role in _NEVER_SHORT and short:
            yield f"{where} is {plain(short)} short, and nothing is asked of it"
        elif row["amount"] is None and role == kinds.get(row["term"]) and short and _apart(short, drawn):
            yield f"{where} is {plain(short)} short, and {plain(drawn)} is drawn"


def _apart(one: Decimal, other: Decimal) -> bool:
    """By more than the rounding of four amounts."""
    return abs(one - other) > 4 * NANO


_MICROSECONDS = Decimal(3_600_000_000)
"""In an hour."""

_MOMENTS = ("start", "end", "span_start", "span_end")


def _periods(periods: RowsByList) -> Iterator[str]:
    before: tuple[datetime, datetime] | None = None
    ended: datetime | None = None
    spans = defaultdict[tuple[datetime, datetime], Decimal](Decimal)
    for index, row in enumerate(periods):
        if row["index"] != index:
            yield f"period {index} is numbered {row['index']}"
        start, end, since, until = (moment_of(row[key]) for key in _MOMENTS)
        if not start < end or not since < until or Decimal(row["hours"]) <= 0:
            yield f"period {index} takes no time"
        if before is not None and (since, until) != before and since < before[1]:
            yield f"period {index} begins before the one before it has ended"
        elif ended is not None and start < ended:
            yield f"period {index} begins before the one before it ends"
        if start < since or until < end:
            yield f"period {index} lies outside of the time that it stands for"
        before, ended = (since, until), end
        spans[before] += Decimal(row["hours"])
    for (since, until), hours in spans.items():
        lasts = Decimal((until - since) // timedelta(microseconds=1)) / _MICROSECONDS
        if _above(hours, lasts) or _above(lasts, hours):
            yield f"the periods from {since:%Y-%m-%d %H:%M} have {plain(hours)} hours, and that time {plain(lasts)}"


def _names(plan: Mapping[str, Any]) -> Iterator[str]:
    """Rows name what there is: workloads, providers, clauses, periods; and an offer is one provider's."""
    known = {
        "workload": {row["workload"] for row in plan["workloads"]},
        "provider": {row["provider"] for row in plan["providers"]},
        "period": set(range(len(plan["periods"]))),
        "term": {row["term"] for row in plan["clauses"]},
    }
    sellers: dict[str, str] = {}
    for section in (
        "allocations",
        "standby",
        "purchases",
        "unserved",
        "moves",
        "capacity",
        "charges",
        "standings",
        "postings",
    ):
        for row in plan[section]:
            for key, names in known.items():
                if key in row and row[key] not in names:
                    yield f"a row of `{section}` has the {key} {row[key]}, which the plan does not have"
            if "offer" in row and sellers.setdefault(row["offer"], row["provider"]) != row["provider"]:
                yield f"the offer {row['offer']} is said to be of {sellers[row['offer']]} and of {row['provider']}"
    decided = set[tuple[str, str]]()
    for row in plan["decisions"]:
        pair = f"{row['workload']} on {row['offer']}"
        if row["workload"] not in known["workload"]:
            yield f"a row of `decisions` has the workload {row['workload']}, which the plan does not have"
        if (row["workload"], row["offer"]) in decided:
            yield f"{pair} stands twice in `decisions`"
        decided.add((row["workload"], row["offer"]))
        for cited in {reason["term"] for reason in row["reasons"]} - known["term"] - {None}:
            yield f"why {pair} cites {cited}, which is no clause of the plan"
        if row["denied"] and (Decimal(row["work"]) or not any(reason["term"] for reason in row["reasons"])):
            yield f"{row['workload']} is denied on {row['offer']}, and runs there or no clause is named"
    for row in plan["allocations"]:
        if (row["workload"], row["offer"]) not in decided:
            yield f"{row['workload']} runs on {row['offer']}, and no row of `decisions` says why"
    for section, key in (("workloads", "workload"), ("providers", "provider")):
        if len(known[key]) < len(plan[section]):
            yield f"a {key} stands twice in `{section}`"


_NOT_NEGATIVE = {
    "allocations": ("work", "taken", "cost"),
    "standby": ("work",),
    "purchases": ("units", "hours", "cost"),
    "standings": ("amount", "reserved", "short"),  # a shortfall is carried, and a price that holds is above the list
    "unserved": ("work", "cost"),
    "moves": ("share", "cost"),
    "workloads": ("demand", "served", "moves", "moved"),
    "providers": ("share_of_work", "work"),
    "capacity": ("limit", "bought", "used", "standby"),
    "decisions": ("work",),
}


def _signs(plan: Mapping[str, Any]) -> Iterator[str]:
    for section, keys in _NOT_NEGATIVE.items():
        for row in plan[section]:
            for key in keys:
                value = row[key]
                values = value.values() if isinstance(value, dict) else [value or 0]
                if any(Decimal(each) < 0 for each in values):
                    yield f"a row of `{section}` has a `{key}` below zero"


def _work(plan: Mapping[str, Any]) -> Iterator[str]:
    """Work is allocated once: by workload, by workload and offer, and by provider it comes to the same."""
    units = {row["workload"]: row["unit"] for row in plan["workloads"]}
    served, missing, placed, by = (defaultdict[Any, Decimal](Decimal) for _ in range(4))
    for row in plan["allocations"]:
        work = Decimal(row["work"])
        served[row["workload"]] += work
        placed[row["workload"], row["offer"]] += work
        by[row["provider"], units.get(row["workload"])] += work
    for row in plan["unserved"]:
        missing[row["workload"]] += Decimal(row["work"])
    for row in plan["workloads"]:
        name = row["workload"]
        yield from _exactly(f"the work served of {name}", row["served"], "its allocations", served[name])
        reached = Decimal(row["served"]) + missing[name]
        yield from _exactly(f"the demand of {name}", row["demand"], "served and unserved", reached)
    for row in plan["decisions"]:
        found = placed[row["workload"], row["offer"]]
        yield from _exactly(f"the work of {row['workload']} on {row['offer']}", row["work"], "its allocations", found)
    for row in plan["providers"]:
        for unit, stated in row["work"].items():
            name = row["provider"]
            yield from _exactly(f"the work on {name} in {unit}", stated, "its allocations", by[name, unit])


def _capacity(plan: Mapping[str, Any]) -> Iterator[str]:
    taken, most_of_one = defaultdict[Any, Decimal](Decimal), defaultdict[Any, Decimal](Decimal)
    for row in plan["allocations"]:
        at, work = (row["offer"], row["period"]), Decimal(row["work"])
        taken[at] += Decimal(row["taken"])
        most_of_one[at] = max(most_of_one[at], Decimal(row["taken"]) / work) if work else most_of_one[at]
    room = _rounding(plan)
    seen = set()
    for row in plan["capacity"]:
        place = row["offer"], row["period"]
        where = f"{row['offer']} in period {row['period']}"
        if place in seen:
            yield f"{where} stands twice in `capacity`"
        seen.add(place)
        yield from _same(f"what is used of {where}", row["used"], "its allocations", taken[place])
        added = most_of_one[place] * room
        for most in ("bought", "limit"):
            if row[most] is not None and _above(Decimal(row["used"]) - added, Decimal(row[most])):
                yield f"{row['used']} is used of {where}, and its `{most}` is {row[most]}"
    for offer, period in taken.keys() - seen:
        yield f"work runs on {offer} in period {period}, and `capacity` does not have it"


def _rounding(plan: Mapping[str, Any]) -> Decimal:
    """How much work rounding may add in a period: of each workload a quantum, and what a job misses in all periods.

    The last of a day (of a month, where periods are as long as days, or those of a typical week) makes good what is
    left of the others in it: half a quantum each.
    """
    together = Counter[str](_made_good_with(row) for row in plan["periods"])
    most = max(together.values(), default=0)
    waits = {row["workload"] for row in plan["workloads"] if row["kind"] != "inference"}
    places = sum(row["workload"] in waits for row in plan["decisions"]) * len(plan["periods"])
    return (len(plan["workloads"]) * max(Decimal(1), Decimal(most) / 2) + Decimal(places) / 2) / PER_UNIT


def _made_good_with(period: Mapping[str, Any]) -> str:
    """The day or the month in which what rounding leaves of demand is made good."""
    since, until = moment_of(period["span_start"]), moment_of(period["span_end"])
    return f"{since:%Y-%m-%d}" if until - since < timedelta(days=1) else f"{since:%Y-%m}"


def _moves(plan: Mapping[str, Any]) -> Iterator[str]:
    """How often work moves, and how much of it, are what its allocations say; so are shares that come to a provider."""
    quanta: dict[str, dict[str, dict[int, int]]] = defaultdict(dict)
    for row in plan["allocations"]:
        by_period = quanta[row["workload"]].setdefault(row["provider"], {})
        work = round(Decimal(row["work"]) * PER_UNIT)
        by_period[row["period"]] = by_period.get(row["period"], 0) + work
    for row in plan["workloads"]:
        changes, share = counted(quanta[row["workload"]])
        if row["moves"] != changes or abs(Decimal(row["moved"]) - Decimal(share)) > MAX_SHIFT:
            told = f"{row['workload']} moves {row['moves']} times, {row['moved']} of its work"
            yield f"{told}, and its allocations move {changes} times, {share:.6f} of its work"
    yield from _come(plan, quanta)


def _come(plan: Mapping[str, Any], quanta: Mapping[str, Mapping[str, Mapping[int, int]]]) -> Iterator[str]:
    """Of work that neither waits nor goes unserved, a share that comes is what a provider's share rises by.

    At the first time it may come from where the workload ran before, which a plan does not say: it is no more than is
    there.
    """
    waits = {row["workload"] for row in plan["unserved"]}
    waits |= {row["workload"] for row in plan["workloads"] if row["kind"] != "inference"}
    seen, work = set(), dict[str, tuple[dict[int, int], dict[int, int]]]()
    for row in plan["moves"]:
        name, provider, period, share = row["workload"], row["provider"], row["period"], Decimal(row["share"])
        where = f"a share of {plain(share)} of {name} that comes to {provider} in period {period}"
        if (name, provider, period) in seen:
            yield f"{where} stands twice in `moves`"
        seen.add((name, provider, period))
        if share > 1:
            yield f"{where} is more than all"
        if name in waits:
            continue
        if name not in work:
            whole = total(quanta[name])
            work[name] = whole, dict(zip(list(whole)[1:], whole, strict=False))
        here, (whole, earlier) = quanta[name].get(provider, {}), work[name]
        before = earlier.get(period)
        risen = Decimal(here.get(period, 0)) / (whole.get(period, 0) or 1)
        risen -= Decimal(here.get(before, 0)) / whole[before] if before is not None else 0
        if share - risen > MAX_SHIFT or (before is not None and risen - share > MAX_SHIFT):
            yield f"{where}: its allocations say {risen:.6f}"


def _texts(value: Any) -> Iterator[str]:
    """Texts show what they say, as those of a case do."""
    if isinstance(value, str):
        if HIDDEN.search(value):
            yield "a text has a character that shows nothing or forges what is shown"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _same(what: str, stated: str, parts: str, found: Decimal) -> Iterator[str]:
    if _above(Decimal(stated), found) or _above(found, Decimal(stated)):
        yield f"{what} is {stated}, and {parts} come to {plain(found)}"


def _exactly(what: str, stated: str, parts: str, found: Decimal) -> Iterator[str]:
    """Of whole millionths, which are rounded nowhere."""
    if Decimal(stated) != found:
        yield f"{what} is {stated}, and {parts} come to {plain(found)}"


def _above(one: Decimal, other: Decimal) -> bool:
    """By more than the rounding of its parts."""
    return one - other > MAX_SHIFT * max(Decimal(1), abs(other))


def _sum(amounts: Iterable[str]) -> Decimal:
    return sum(map(Decimal, amounts), Decimal(0))
