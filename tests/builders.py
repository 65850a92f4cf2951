"""Cases made by hand, in round figures, what a plan of one says, and metered use.

A token endpoint has one price for input and output, and demand is stated per month, so that each month of the plan
holds exactly the stated work and every sum can be done on paper. Not here: cases that are drawn (``drawn_cases``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from detente.case.case import Case
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.totals import Totals
from detente.contract.metered.use import RatedUse, Use
from detente.contract.rated.rating import Rating
from detente.contract.settled.posting import Posting
from detente.contract.settled.settlement import Settlement
from detente.contract.settling import settle
from detente.contract.term import Term
from detente.errors import CaseError
from detente.planner.solve import plan
from detente.results.conflict import Concession, Conflict
from detente.results.plan import Plan

Data = dict[str, Any]
D = Decimal
REGIONS = {"north": ("dublin", "IE"), "south": ("texas", "US"), "east": ("frankfurt", "DE")}
EXACT = 1e-9
"""A gap at which whole units are chosen to the last one."""

PROVIDERS: list[Data] = [
    {"id": name, "name": name.title(), "regions": {region: {"country": country}}}
    for name, (region, country) in REGIONS.items()
]


# -- hand-made cases ------------------------------------------------------------------------------------------------
def day(text: str) -> datetime:
    """A day's first moment."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def after(months: int) -> str:
    """The month that comes so many months after January 2026, as a case writes it."""
    return f"{2026 + months // 12}-{months % 12 + 1:02d}"


def tokens(provider: str, price: object, **more: object) -> Data:
    """A token endpoint at one price for every token; a mapping gives a price from each date on."""
    prices = price if isinstance(price, Mapping) else {None: price}
    each = {k: {"input": f"{p} USD per Mtok", "output": f"{p} USD per Mtok"} for k, p in prices.items()}
    offer = {
        "id": f"{provider}-api",
        "kind": "tokens",
        "provider": provider,
        "region": REGIONS[provider][0],
        "model": "m",
        "price": each.get(None, each),
    }
    return offer | more


def gpus(provider: str, price: object, **more: object) -> Data:
    """Accelerators by the hour."""
    offer = {
        "id": f"{provider}-gpus",
        "kind": "gpu",
        "provider": provider,
        "region": REGIONS[provider][0],
        "accelerator": "H100",
        "price": f"{price} USD per GPU-hour" if isinstance(price, int | str) else price,
    }
    return offer | more


def work(name: str = "chat", demand: object = "1000 Mtok per month", **more: object) -> Data:
    """A workload of inference on the model ``m``."""
    workload = {
        "id": name,
        "kind": "inference",
        "demand": demand,
        "runs-on": {"models": ["m"]},
        "mix": {"output": "50%"},
    }
    return workload | more


def compute(name: str = "research", demand: object = "10 GPU", **more: object) -> Data:
    """A workload of inference on accelerators."""
    workload = {"id": name, "kind": "inference", "demand": demand, "runs-on": {"accelerators": {"H100": 1}}}
    return workload | more


def agreement(*terms: Data, party: str = "north", **more: object) -> Data:
    """An agreement from the horizon's first day on."""
    return {"id": f"{party}-deal", "with": party, "effective": "2026-01-01", "terms": list(terms)} | more


def build(
    offers: Sequence[Data], workloads: Sequence[Data], *agreements: Data, months: int = 6, **head: object
) -> Case:
    """A case of so many months from January 2026."""
    return Case.of(data_of(offers, workloads, *agreements, months=months, **head))


def data_of(
    offers: Sequence[Data], workloads: Sequence[Data], *agreements: Data, months: int = 6, **head: object
) -> Data:
    """The same as plain data; agreements end with the horizon, unless they say when."""
    base: Data = {
        "name": "test",
        "horizon": {"start": "2026-01", "end": after(months), "every": "month"},
        "providers": PROVIDERS,
        "offers": list(offers),
        "workloads": list(workloads),
        "agreements": [{"ends": after(months)} | a for a in agreements],
    }
    return base | head


def two_clouds(*terms: Data, party: str = "north", combine: str | None = None, **head: Any) -> Case:
    """1000 Mtok a month; 3 USD per Mtok at North, 2 at South: without clauses 2000 USD a month, all at South."""
    agreements = [agreement(*terms, party=party) | ({"combine": combine} if combine else {})] if terms else []
    return build([tokens("north", 3), tokens("south", 2)], [work()], *agreements, **head)


def solved(case: Case, gap: float = EXACT) -> Plan:
    """The plan of a case that has one."""
    found = plan(case, gap=gap)
    assert isinstance(found, Plan), [c.term for c in found.clauses] + list(found.facts)
    return found


def refused(case: Case) -> Conflict:
    """The conflict of a case that has no plan."""
    found = plan(case, gap=EXACT)
    assert isinstance(found, Conflict), found.cost
    return found


def ways(found: Conflict) -> list[tuple[str, Decimal, Decimal | None]]:
    """The ways out of a conflict: clause, what it gives and the cost then, to a thousandth."""
    near = D("0.001")
    return [(w.term, amount_of(w).quantize(near), w.cost and w.cost.quantize(near)) for w in found.relaxations]


def placed(found: Plan, workload: str | None = None) -> dict[str, Decimal]:
    """Work by offer over the horizon."""
    total: dict[str, Decimal] = {}
    for row in found.allocations:
        if workload in (None, row.workload):
            total[row.offer] = total.get(row.offer, D(0)) + row.work
    return total


def by_period(found: Plan, offer: str) -> list[Decimal]:
    """Work on an offer in each period."""
    total = [D(0)] * len(found.periods)
    for row in found.allocations:
        if row.offer == offer:
            total[row.period] += row.work
    return total


def postings(found: Plan | Iterable[Posting], term: str, part: str | None = None) -> dict[tuple[str, int], Decimal]:
    """Amounts that a clause posted, by part and window."""
    rows = found.postings if isinstance(found, Plan) else found
    return {(p.part, p.window): p.amount for p in rows if p.term == term and part in (None, p.part)}


def charged(found: Plan | Iterable[Posting], term: str) -> Decimal:
    """What a clause charged in all, or gave back."""
    return sum(postings(found, term).values(), D(0))


def mistakes(data: Data) -> list[str]:
    """What is wrong with a case, as sentences."""
    try:
        Case.of(data)
    except CaseError as error:
        return [f"{m.what}; {m.remedy}" for m in error.mistakes]
    return []


def amount_of(way: Concession) -> Decimal:
    """What a clause gives, where it gives by one part and in one unit."""
    if not way.given:
        return D(0)
    (given,) = way.given
    return given.amount


# -- metered use -------------------------------------------------------------------------------------------------
def use(
    case: Case, workload: str, offer: str, start: str, end: str, amount: object, spend: object, revenue: object = 0
) -> Use:
    """So much work, at so much money at list price, between two days."""
    facts = next(w.facts for w in case.workloads if w.id == workload)
    return Use(
        "use", facts, case.offer_facts[offer], day(start), day(end),
        D(str(amount)), D(str(amount)), D(str(spend)), D(str(revenue)),
    )  # fmt: skip


def rated(case: Case, used: Iterable[Use]) -> list[RatedUse]:
    """Use at its price under a case's clauses."""
    rating = Rating(case.terms)
    return [rating.rate(line) for line in used]


def settled_of(terms: Iterable[Term], lines: Iterable[RatedUse], as_of: datetime | None = None) -> Settlement:
    """What clauses make of rated use, metered line by line."""
    terms = list(terms)
    totals = Totals(meter for term in terms for meter in term.meters())
    for line in lines:
        totals.add(line)
    return Settlement.of(settle(list(terms), totals, NOTHING_DECIDED, as_of))


def posted(case: Case, term: str, *used: Use) -> list[Posting]:
    """What a clause owes, or gives, for metered use."""
    return list(standing(case, term, *used).postings)


def standing(case: Case, term: str, *used: Use) -> Settlement:
    """What a clause makes of metered use."""
    clause = case.term(term)
    assert clause is not None
    return settled_of([clause], rated(case, used))
