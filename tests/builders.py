"""Cases for tests: hand-made ones in round figures, and random small ones with any kind of clause.

In the hand-made world a token endpoint has one price for input and output, and demand is stated per month, so that
each month of the plan holds exactly the stated work and every sum can be done on paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.position import Position
from detente.contract.posting import Posting
from detente.contract.rating import Rating
from detente.contract.settlement import Settlement
from detente.contract.settling import settle
from detente.contract.term import Term
from detente.contract.totals import Totals
from detente.contract.use import RatedUse, Use
from detente.errors import CaseError
from detente.planner.solve import plan
from detente.results.conflict import Concession, Conflict
from detente.results.plan import Plan
from detente.terms import KINDS, kind_named
from detente.values.facts import Facts
from detente.values.money import nano
from detente.values.period import Period

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


# -- random cases --------------------------------------------------------------------------------------------------


ALL_KINDS = tuple(kind for kind in KINDS if not issubclass(kind_named(kind), Position))
"""The kinds that deny something or move a number; the others are positions (`tests/terms/test_positions.py`)."""

ALIKE = {"first-ship": ("first-ship", "first-refusal", "permitted-use")}
"""Kinds that only judge, by facts of their own: where one is needed, any of them is drawn."""
EACH_KIND = tuple(kind for kind in ALL_KINDS if kind not in ("first-refusal", "permitted-use"))
"""The kinds of which a law is asked one by one; the others are drawn in place of one that is like them."""
LIKE_OTHERS = ("service-credit", "delivery")
"""To a planner the one is a credit of which the rate is known, and the other a cap."""
SHAPING_KINDS = (
    *(kind for kind in KINDS if kind_named(kind).shape is not Term.shape and kind not in LIKE_OTHERS),
    *("exclusivity", "discount"),
)
"""Those that add to a program, one that only denies, and one that only prices: what a planner tells apart."""

Draw = Callable[[st.SearchStrategy[Any]], Any]
Make = Callable[[Draw, Data, str], Data]
"""From a world and the other party to a clause without its id."""


def pick(draw: Draw, *choices: object) -> Any:
    """One of some values."""
    return draw(st.sampled_from(choices))


def _scope(draw: Draw, world: Data) -> Data:
    """All work, or some of it: by name, kind or label."""
    workload = pick(draw, *world["workloads"])
    key = pick(draw, None, "workload", "kind", "tier", "data")
    value = {"workload": workload["id"], "kind": workload["kind"], None: None} | workload["labels"]
    return {key: value[key]} if key else {}


def _of(draw: Draw, world: Data) -> Data:
    """``of`` and, at times, a carve-out."""
    scope = _scope(draw, world)
    found: Data = {"of": scope} if scope else {}
    if pick(draw, False, False, True):
        carved = _scope(draw, world)
        if carved:
            found["except"] = [carved]
    return found


def _windows(draw: Draw) -> Data:
    every = pick(draw, "month", "quarter", "term")
    found: Data = {"every": every, "cut": "prorate"}
    if every == "month" and pick(draw, False, True):
        found["starts"] = pick(draw, "2025-12-15", "2026-01-10")
    return {"windows": found}


def _credit(draw: Draw, world: Data, party: str) -> Data:
    found = _of(draw, world) | _windows(draw) | {"rate": pick(draw, "10%", "40%")}
    if pick(draw, True, False):
        found["amount"] = pick(draw, "500 USD", "4 k USD")
    return found


def _discount(draw: Draw, world: Data, party: str) -> Data:
    sold = [o for o in world["offers"] if o["provider"] == party]
    scope = pick(draw, {}, {"offer": sold[0]["id"]}, {"product": sold[0]["kind"]})
    return {"of": scope, "off": pick(draw, "5%", "20%", "45%")}


def _delivery(draw: Draw, world: Data, party: str) -> Data:
    offer = pick(draw, *(o for o in world["offers"] if o["kind"] == "gpu" and o["provider"] == party))
    first: Data = {"name": "one", "quantity": pick(draw, "4 GPU", "12 GPU"), "due": "2025-12-01"}
    second: Data = {"name": "two", "quantity": "6 GPU", "due": "2026-01-05", "worth": "1 k USD"}
    second |= pick(draw, {}, {"expected": "2026-02-01"}, {"accepted": "2026-01-25"}, {"accepted": "2026-02-01"})
    credit: Data = pick(draw, {}, {"credit": {"per-day": "1%", "at-most": pick(draw, "10%", "50%"), "after": "5 days"}})
    return {"offer": offer["id"], "tranches": [first | {"worth": "1 k USD"}, second]} | credit


def _warrants(draw: Draw, world: Data, party: str) -> Data:
    tranches = [{"reach": "1 k USD", "shares": 10}, {"reach": "9 k USD", "shares": 90, "worth": "1 M USD"}]
    return _of(draw, world) | {"tranches": tranches[: pick(draw, 1, 2)]}


def _escalator(draw: Draw, world: Data, party: str) -> Data:
    sold = [o for o in world["offers"] if o["provider"] == party]
    scope = pick(draw, {}, {"offer": sold[0]["id"]}, {"product": sold[0]["kind"]})
    return {"of": scope, "by": pick(draw, "2%", "10%"), "every": pick(draw, "1 month", "20 days", "1 year")}


def _price_lock(draw: Draw, world: Data, party: str) -> Data:
    """Of offers by the hour at one price, which the other party has; at an even part of that price."""
    flat = [o for o in world["offers"] if _flat(o) and o["provider"] == party]
    scope = {"offer": [o["id"] for o in flat]}
    price, _, unit = flat[0]["price"].partition(" ")
    at = {flat[0]["id"]: f"{D(price) * pick(draw, D('0.8'), D('1.05'), D('1.5'))} {unit}"}
    return {"of": scope, "method": pick(draw, "fixed", "lower-of"), "at": at}


def _exclusivity(draw: Draw, world: Data, party: str) -> Data:
    return _of(draw, world)


def _commitment(draw: Draw, world: Data, party: str) -> Data:
    if pick(draw, False, False, False, True):
        return _commitment_in_units(draw, world, party)
    found = _windows(draw) | {"amount": pick(draw, "300 USD", "3 k USD", "20 k USD")}
    found |= _of(draw, world) if pick(draw, False, False, True) else {}
    found |= {"measure": pick(draw, "list", "after-discounts")}
    found["shortfall"] = pick(draw, *({"fee": f"{f}%"} for f in (0, 50, 100, 150)), "forbidden")
    more = pick(draw, "carry-over", "carry-over", "counts", "deferral")
    if more == "deferral":
        found |= {"carry-over": pick(draw, "0%", "20%", "100%"), "carried": pick(draw, "once", "chained")}
        return found | {"deferral": pick(draw, "0%", "15%", "60%")}
    if more == "counts":
        sold = pick(draw, *(o for o in world["offers"] if o["provider"] == party))
        return found | {"counts": [{"of": {"offer": sold["id"]}, "at-most": pick(draw, "10%", "50%")}]}
    found["carry-over"] = pick(draw, "0%", "20%", "100%")
    if pick(draw, False, False, True):
        found["milestones"] = [
            {"by": pick(draw, "2026-02-01", "2026-02-20"), "reach": "1 k USD", "fee": pick(draw, "10%", "120%")}
        ]
    return found


def _payment(draw: Draw, world: Data, party: str) -> Data:
    return {"amount": pick(draw, "100 USD", "2 k USD"), "on": pick(draw, "2026-01-01", "2026-02-10")}


def _commitment_in_units(draw: Draw, world: Data, party: str) -> Data:
    sold = pick(draw, *(o for o in world["offers"] if o["provider"] == party))
    unit, amounts = ("GPU-hour", ("500 GPU-hour", "2 GPU")) if sold["kind"] == "gpu" else ("Mtok", ("300 Mtok",))
    price = {"price": pick(draw, f"0.10 USD per {unit}", f"4 USD per {unit}")}
    shortfall = pick(draw, price, price, "forbidden")
    return _windows(draw) | {"of": {"offer": sold["id"]}, "amount": pick(draw, *amounts), "shortfall": shortfall}


def _redundancy(draw: Draw, world: Data, party: str) -> Data:
    return _of(draw, world) | {"survives": pick(draw, "20%", "50%", "100%")}


def _residency(draw: Draw, world: Data, party: str) -> Data:
    return _of(draw, world) | {"within": pick(draw, ["EU"], ["US"], ["IE"], ["DE", "US"])}


def _revenue_share(draw: Draw, world: Data, party: str) -> Data:
    found = _of(draw, world) | {"rate": pick(draw, "5%", "20%")}
    if pick(draw, True, False):
        found["of"] = {**found.get("of", {}), "provider": party}
    cap: Data = pick(draw, {}, {}, {"cap": "2 k USD"}, {"cap-each": "150 USD"}, {"cap-each": "1 k USD"})
    return found | cap | (_windows(draw) if cap else {})


def _liquidated_damages(draw: Draw, world: Data, party: str) -> Data:
    """Of the work of one workload, in its unit, or as a part of what use costs; or a lump sum."""
    workload = pick(draw, *world["workloads"])
    unit = "Mtok" if "models" in workload["runs-on"] else "GPU-hour"
    price = {"price": f"{pick(draw, '0.20', '1.50')} USD per {unit}"}
    found: Data = pick(draw, {"of": {"workload": workload["id"]}} | price, {"rate": "20%"} | _of(draw, world))
    cap: Data = pick(draw, {}, {}, {"cap": "500 USD"}, {"cap-each": "150 USD"}, {"amount": "180 USD"})
    if "amount" in cap:
        found = {"of": {"workload": workload["id"]}} | cap
        cap = pick(draw, {}, {"cap": "500 USD"})
        return found | {"except": [{"provider": party}]} | cap | _windows(draw)
    return found | {"except": [{"provider": party}]} | cap | (_windows(draw) if cap else {})


def _share(draw: Draw, world: Data, party: str) -> Data:
    measure = pick(draw, "work", "spend", "list")
    found = _windows(draw) | {"measure": measure}
    found["of"] = {"workload": pick(draw, *world["workloads"])["id"]} if measure == "work" else _scope(draw, world)
    bound = pick(draw, "at-least", "at-most")
    found[bound] = pick(draw, "25%", "60%")
    return found


def _spending_cap(draw: Draw, world: Data, party: str) -> Data:
    found = _windows(draw) | {"amount": pick(draw, "800 USD", "6 k USD")}
    return found | (_of(draw, world) if pick(draw, False, True) else {})


def _first_ship(draw: Draw, world: Data, party: str) -> Data:
    releases: list[Data] = []
    for workload in world["workloads"]:
        told: Data = pick(
            draw,
            {"shipped": pick(draw, "2025-10-01", "2026-02-01", "2026-01-20")},
            {"offered": "2026-01-05"},
            {"answer": pick(draw, "will", "cannot", "will-not"), "answered": "2026-01-31"},
        )
        releases += [{"of": {"workload": workload["id"]}} | told] if pick(draw, True, True, False) else []
    more: Data = pick(draw, {}, {"ahead": "10 days"}, {"silence": "1 month"})
    return _of(draw, world) | more | {"releases": releases}


def _first_refusal(draw: Draw, world: Data, party: str) -> Data:
    notices: list[Data] = []
    for offer in world["offers"]:
        noticed, answered = pick(draw, ("2025-11-01", "2025-11-30"), ("2026-01-15", "2026-01-31"))
        told: Data = pick(draw, {}, *({"answer": a, "answered": answered} for a in ("matched", "declined")))
        told |= {"of": {"offer": offer["id"]}, "noticed": noticed}
        notices += [told] if pick(draw, True, True, False) else []
    more: Data = pick(draw, {}, {"sign-within": "20 days"})
    return _of(draw, world) | more | {"answer-within": "30 days", "notices": notices}


def _permitted_use(draw: Draw, world: Data, party: str) -> Data:
    decided = [
        {"of": _scope(draw, world), "allowed": pick(draw, True, False), "by": "counsel"}
        for _ in range(pick(draw, 0, 1, 2))
    ]
    return _of(draw, world) | {"asks": "is it a rival product?", "decided": decided}


def _take_or_pay(draw: Draw, world: Data, party: str) -> Data:
    offer = pick(draw, *(o for o in world["offers"] if o["kind"] == "gpu" and o["provider"] == party))
    few = offer.get("capacity") == "3 unit" and offer["unit"] == 1
    return (
        {
            "offer": offer["id"],
            "quantity": pick(draw, "1 GPU", "3 GPU" if few else "6 GPU"),
            "take": pick(draw, "50%", "100%"),
            "price": pick(draw, "0.50 USD per GPU-hour", "3 USD per GPU-hour"),
        }
        | _windows(draw)
        | _of_delivery(draw)
    )


def _of_delivery(draw: Draw) -> Data:
    """What the seller did not have ready, and what may be taken later."""
    missing = {"from": "2026-01-10", "until": pick(draw, "2026-01-20", "2026-02-10"), "quantity": "1 GPU"}
    found: Data = pick(draw, {}, {}, {"undelivered": [missing]})
    found |= pick(draw, {}, {}, {"make-up": {"within": pick(draw, "20 days", "2 months")}})
    return found


def _service_credit(draw: Draw, world: Data, party: str) -> Data:
    measured = [
        {"on": on, "availability": pick(draw, "99.999%", "99.5%", "94%"), "claimed": "2026-03-20"}
        for on in ("2026-01-15", "2026-02-12")
        if pick(draw, True, True, False)
    ]
    bands = [{"below": "99.99%", "credit": "10%"}, {"below": "95%", "credit": pick(draw, "30%", "100%")}]
    more: Data = pick(draw, {}, {"claim-within": "2 months"})
    return _of(draw, world) | more | {"bands": bands, "measured": measured}


def _volume_discount(draw: Draw, world: Data, party: str) -> Data:
    found = _windows(draw) | {"method": pick(draw, "graduated", "all-units")}
    found |= _of(draw, world) if pick(draw, False, False, True) else {}
    first, second = pick(draw, ("400 USD", "3 k USD"), ("1 k USD", "20 k USD"))
    off = pick(draw, ("5%", "20%"), ("10%", "45%"))
    return found | {"tiers": [{"from": first, "off": off[0]}, {"from": second, "off": off[1]}]}


def _savings_plan(draw: Draw, world: Data, party: str) -> Data:
    """Of offers by the hour at one price, which the other party has."""
    flat = [o for o in world["offers"] if _flat(o) and o["provider"] == party]
    rates = {o["id"]: f"{pick(draw, '0.20', '0.45')} USD per GPU-hour" for o in flat}
    return {"commitment": pick(draw, "1 USD per hour", "4 USD per hour"), "rates": rates}


def _second_plan(draw: Draw, first: Data) -> list[Data]:
    """At times another plan, for what the first leaves of each of its offers or of one, in another order."""
    rates = pick(
        draw, {}, dict.fromkeys(first["rates"], "0.50 USD per GPU-hour"), dict(list(first["rates"].items())[-1:])
    )
    second = {"id": f"{first['id']}-second", "kind": "savings-plan", "after": [first["id"]], "rates": rates}
    return [second | {"commitment": pick(draw, "1 USD per hour", "3 USD per hour")}] if rates else []


def _flat(offer: Data) -> bool:
    return offer["kind"] == "gpu" and "term" not in offer and isinstance(offer["price"], str)


def sold_for(kind: str, world: Data) -> list[Data]:
    """The offers whose provider may grant or be owed a clause of a kind."""
    if kind in ("savings-plan", "price-lock"):
        flat = [o for o in world["offers"] if _flat(o)]
        assume(flat)
        return flat
    return [o for o in world["offers"] if kind not in ("take-or-pay", "delivery") or o["kind"] == "gpu"]


GENERATORS: dict[str, Make] = {
    "credit": _credit,
    "delivery": _delivery,
    "discount": _discount,
    "escalator": _escalator,
    "exclusivity": _exclusivity,
    "first-refusal": _first_refusal,
    "first-ship": _first_ship,
    "liquidated-damages": _liquidated_damages,
    "minimum-commitment": _commitment,
    "payment": _payment,
    "price-lock": _price_lock,
    "permitted-use": _permitted_use,
    "redundancy": _redundancy,
    "residency": _residency,
    "revenue-share": _revenue_share,
    "savings-plan": _savings_plan,
    "service-credit": _service_credit,
    "share": _share,
    "spending-cap": _spending_cap,
    "take-or-pay": _take_or_pay,
    "volume-discount": _volume_discount,
    "warrants": _warrants,
}
"""How to make a clause of each kind. A kind without an entry fails the laws: add its generator here."""


def _offers(draw: Draw) -> list[Data]:
    """Three to five offers, at least one for models and one for accelerators."""
    found: list[Data] = []
    for index, what in enumerate(
        ("tokens", "gpu", *draw(st.lists(st.sampled_from(_MAKERS_OF_OFFERS), min_size=1, max_size=3)))
    ):
        provider = pick(draw, *REGIONS)
        offer = _OFFERS[what](draw, provider)
        found.append(offer | {"id": f"o{index}-{what}"})
    return found


def _tokens(draw: Draw, provider: str) -> Data:
    low = pick(draw, 1, 2, 3)
    price: Data = {"input": f"{low}.{index_of(provider)}1 USD per Mtok", "output": f"{low + 2} USD per Mtok"}
    price |= pick(draw, {}, {"cached-input": "0.25 USD per Mtok"}, {"batch": "50%"})
    dated: Data = pick(draw, price, {"2026-01": price, "2026-02-10": price | {"input": "1.5 USD per Mtok"}})
    capacity: Data = pick(draw, {}, {"capacity": "1.2 Mtok per hour"}, {"capacity": {"2026-01": "2 Mtok per hour"}})
    return tokens(provider, 1) | {"price": dated} | capacity


def _gpu(draw: Draw, provider: str) -> Data:
    price = pick(draw, "1.5", "2.25", "2.75")
    more: Data = pick(draw, {}, {"capacity": "9 GPU"}, {"capacity": "3 unit"}, {"buy": "spot"}, {"until": "2026-02-20"})
    return gpus(provider, f"{price[:-1]}{index_of(provider)}{price[-1]}", unit=pick(draw, 1, 4)) | more


def _reserved(draw: Draw, provider: str) -> Data:
    more = {"buy": "reserved", "term": pick(draw, "1 month", "2 months"), "cut": pick(draw, "refuse", "prorate")}
    more |= pick(draw, {}, {"capacity": "8 GPU"}, {"starts": ["2026-02-01"]})
    price = pick(draw, "1.1", "1.9", {"2026-01": "1.1 USD per GPU-hour", "2026-02-10": "1.7 USD per GPU-hour"})
    return gpus(provider, price, unit=pick(draw, 1, 4)) | more


def _provisioned(draw: Draw, provider: str) -> Data:
    offer = {
        "kind": "provisioned",
        "provider": provider,
        "region": REGIONS[provider][0],
        "model": "m",
        "price": pick(draw, "0.50 USD per unit-hour", "300 USD per unit-month"),
        "throughput": pick(draw, "3 ktok per minute", "0.3 Mtok per hour"),
        "output-ratio": pick(draw, 1, 4),
        "minimum": pick(draw, 1, 2, 5),
        "increment": pick(draw, 1, 2, 3),
    }
    more: Data = pick(draw, {}, {"capacity": "12 unit"}, {"term": "1 month"})
    return offer | more


def index_of(provider: str) -> int:
    """Prices differ a little from provider to provider, so that an optimum is seldom a tie."""
    return list(REGIONS).index(provider)


_OFFERS: dict[str, Callable[[Draw, str], Data]] = {
    "tokens": _tokens,
    "gpu": _gpu,
    "reserved": _reserved,
    "provisioned": _provisioned,
}
_MAKERS_OF_OFFERS = tuple(_OFFERS)


def _workloads(draw: Draw) -> list[Data]:
    """One of models, one of accelerators, and perhaps a third that waits or ends."""
    chat = work("chat", pick(draw, "500 Mtok per month", {"rate": "300 Mtok per month", "growth": "10% per month"}))
    chat |= {"mix": pick(draw, {"output": "25%"}, {"output": "50%", "cached": "30%"})}
    chat |= {"runs-on": {"models": ["m"], "accelerators": pick(draw, {}, {"H100": "1.5 Mtok per GPU-hour"})}}
    chat |= {"value": pick(draw, "4 USD per Mtok", "15 USD per Mtok"), "revenue": "6 USD per Mtok"}
    agents = compute("agents", pick(draw, "5.3 GPU", {"rate": {"2026-01": "2 GPU", "2026-02": "6.5 GPU"}}))
    agents |= {"value": "5 USD per GPU-hour", "revenue": "7 USD per GPU-hour", "interruptible": True}
    night = work("night", "90 Mtok per month", kind="batch", within=pick(draw, "24 hours", "1 month", "2 months"))
    job: Data = {"id": "job", "kind": "training", "work": "2000 GPU-hour", "deadline": pick(draw, "2026-02", "2026-03")}
    job |= {"runs-on": {"accelerators": {"H100": 1}}} | pick(draw, {}, {"gang": "4 GPU"}) | {"interruptible": True}
    third = pick(draw, None, night, job)
    found = [chat, agents, *([third] if third else [])]
    for workload in found:
        workload["labels"] = {"tier": pick(draw, "gold", "basic"), "data": pick(draw, "eu", "world")}
        unit = "Mtok" if "mix" in workload else "GPU-hour"
        workload |= pick(draw, {}, {"data": {"at": "north/dublin", "moves": f"0.5 GB per {unit}"}})
        workload.setdefault("value", f"9 USD per {unit}")
        if pick(draw, False, False, True):
            del workload["value"]
        if workload["kind"] != "training":
            workload |= pick(draw, {}, {}, {}, *({"moving": moving} for moving in _MOVING))
    return found


_MOVING: tuple[Data, ...] = (
    {"cost": "40 USD"},
    {"cost": "700 USD"},
    {"stays": "1 month"},
    {"stays": "2 months"},
    {"cost": "90 USD", "stays": "2 months"},
    {"cost": "300 USD", "today": {"north": "100%"}},
    {"cost": "90 USD", "stays": "2 months", "today": {"south": "60%", "east": "40%"}},
)


@st.composite
def worlds(draw: Draw, *, kinds: Sequence[str] = ALL_KINDS, need: str | None = None, most: int = 3) -> Data:
    """A small case as plain data, with clauses of some kinds; one of kind ``need`` at least."""
    months = pick(draw, 2, 3)
    idle: Data = pick(draw, {}, {"idle": "reserved"}, {"idle": "forbidden"}, {"idle": "allowed"})
    world = data_of(_offers(draw), _workloads(draw), months=months, **idle)
    world["networks"] = [
        {"from": "*", "to": "*", "price": "0.02 USD per GB"},
        {"from": "north", "to": "south", "price": "0.10 USD per GB"},
    ]
    needed = pick(draw, *ALIKE[need]) if need in ALIKE else need
    wanted = ([needed] if needed else []) + draw(st.lists(st.sampled_from(sorted(kinds)), max_size=most - bool(need)))
    combine = pick(draw, "product", "sum", "best-of")
    for index, kind in enumerate(wanted):
        sold = sold_for(kind, world)
        party = pick(draw, *dict.fromkeys(o["provider"] for o in sold))
        term = {"id": f"t{index}", "kind": kind, "text": f"Clause {index}."} | GENERATORS[kind](draw, world, party)
        term |= pick(draw, {}, {}, {"from": "2026-01-11"}, {"until": "2026-02-15"})
        more: Data = pick(draw, {}, {}, {"effective": "2025-11-15"}, {"ends": after(months)})
        terms = [term, *_second_plan(draw, term)] if kind == "savings-plan" else [term]
        world["agreements"].append(agreement(*terms, party=party, id=f"a{index}", combine=combine) | more)
    return world


def cases(**how: Any) -> st.SearchStrategy[Case]:
    """Random small cases in which nothing is wrong."""

    def read(data: Data) -> Case:
        try:
            return Case.of(data)
        except CaseError:
            assume(False)
            raise

    return worlds(**how).map(read)


# -- a plan as usage -----------------------------------------------------------------------------------------------
def replayed(case: Case, found: Plan) -> list[RatedUse]:
    """A plan's rows as a meter would report them: use, idle capacity and data moved, period by period.

    Written from the plan's own rows and the declared prices alone, apart from the planner's bill.
    """
    sold, wanted = {o.id: o for o in case.offers}, {w.id: w for w in case.workloads}
    lines: list[Use] = []
    own = set()
    used: dict[tuple[str, int], tuple[Decimal, Decimal]] = {}
    for row in found.allocations:
        workload, period = wanted[row.workload], found.periods[row.period]
        span = (period.span_start, period.span_end)
        earned = row.work * workload.revenue.amount if workload.revenue else D(0)
        facts = case.offer_facts[row.offer]
        lines.append(Use("use", workload.facts, facts, *span, row.work, row.taken, row.cost, nano(earned)))
        price, place = case.egress(workload, sold[row.offer])
        if price:
            lines.append(_moved(case, workload.facts, place, span, D(float(price)).quantize(D("1e-9")) * row.work))
        if facts["product"] == "gpu" and facts["buy"] != "reserved" and getattr(workload, "gang", None):
            own.add((row.offer, period.start, row.cost))
        elif facts["product"] != "tokens":
            cost, taken = used.get((row.offer, row.period), (D(0), D(0)))
            used[row.offer, row.period] = cost + row.cost, taken + row.taken
    for (offer, index), (cost, taken) in _bought(case, found, own).items():
        period = found.periods[index]
        idle, spare = (a - b for a, b in zip((cost, taken), used.get((offer, index), (D(0), D(0))), strict=True))
        span = (period.span_start, period.span_end)
        lines.append(Use("idle", None, case.offer_facts[offer], *span, D(0), nano(spare), nano(idle)))
    return rated(case, lines)


def _moved(case: Case, facts: Facts, place: str, span: tuple[datetime, datetime], cost: Decimal) -> Use:
    provider, _, region = place.partition("/")
    sold = {"provider": provider, "region": region, "product": "egress", "offer": f"{place} egress"}
    sold["country"] = case.providers[provider].regions[region].country
    return Use("egress", facts, sold, *span, D(0), D(0), nano(cost))


def _bought(case: Case, found: Plan, own: set[Any]) -> dict[tuple[str, int], tuple[Decimal, Decimal]]:
    """Cost and capacity of what is bought in units, by offer and period."""
    sold: dict[str, Any] = {o.id: o for o in case.offers}
    total: dict[tuple[str, int], tuple[Decimal, Decimal]] = {}
    for row in found.purchases:
        if (row.offer, row.start, row.cost) in own:
            own.discard((row.offer, row.start, row.cost))
            continue
        offer = sold[row.offer]
        held = [p for p in case.periods if p.span_start < row.end and p.span_end > row.start]
        price = offer.price.on(row.start)
        for period in held:
            span = max(period.span_start, row.start), min(period.span_end, row.end)
            reserved = offer.hour_price(price, *span, since=row.start)
            each = reserved if row.reserved else offer.unit_price(period.span_start, period.span_end)
            hours = _hours(period, row.start, row.end)
            cost, taken = total.get((row.offer, period.index), (D(0), D(0)))
            cost += _decimal(row.units * each * hours)
            total[row.offer, period.index] = cost, taken + _decimal(row.units * hours * offer.unit_flow)
    return total


def _hours(period: Period, start: datetime, end: datetime) -> Any:
    seconds = (min(end, period.span_end) - max(start, period.span_start)).total_seconds()
    return period.hours * int(seconds) / int((period.span_end - period.span_start).total_seconds())


def _decimal(value: Any) -> Decimal:
    return D(value.numerator) / D(value.denominator)


def amount_of(way: Concession) -> Decimal:
    """What a clause gives, where it gives by one part and in one unit."""
    (given,) = way.given
    return given.amount
