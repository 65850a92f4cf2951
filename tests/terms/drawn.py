"""Clauses that are drawn: how to make one of each kind, for a small world of offers and workloads.

Not here: the worlds themselves (``drawn_cases``).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from detente.contract.bases.position import Position
from detente.contract.term import Term
from detente.terms import KINDS, kind_named
from tests.builders import Data

D = Decimal


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
    return choices[draw(_places(repr(choices), len(choices)))[0]]


@cache
def _places(said: str, count: int) -> st.SearchStrategy[tuple[int, str]]:
    """Places among values that are said so, made once: making a strategy takes longer than drawing from it."""
    return st.sampled_from([(place, said) for place in range(count)])


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
        if carved and any(_among(w, scope) and not _among(w, carved) for w in world["workloads"]):
            found["except"] = [carved]
    return found


def _among(workload: Data, scope: Data) -> bool:
    """Whether a scope by facts of work selects a workload."""
    facts = {"workload": workload["id"], "kind": workload["kind"]} | workload["labels"]
    return all(facts[key] == value for key, value in scope.items())


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
    found |= {"measure": pick(draw, "list", "after-discounts", "list", "after-plans")}
    found["shortfall"] = pick(draw, *({"fee": f"{f}%"} for f in (0, 50, 100, 150)), "forbidden", {"lump": "150 USD"})
    more = pick(draw, "carry-over", "carry-over", "counts", "deferral")
    if more == "deferral" and "lump" in found["shortfall"]:
        more = "carry-over"
    if more == "deferral":
        found |= {"carry-over": pick(draw, "0%", "20%", "100%"), "carried": pick(draw, "once", "chained")}
        return found | {"deferral": pick(draw, "0%", "15%", "60%")}
    if more == "counts":
        sold = pick(draw, *(o for o in world["offers"] if o["provider"] == party))
        found["counts"] = [{"of": {"offer": sold["id"]}, "at-most": pick(draw, "10%", "50%")}]
        return found | (_milestones(draw) if found["windows"]["every"] == "term" else {})
    found |= {"carry-over": pick(draw, "0%", "20%", "100%"), "carried": pick(draw, "chained", 2, 3)}
    return found | _milestones(draw)


def _milestones(draw: Draw) -> Data:
    """At times, one."""
    if pick(draw, False, False, True):
        by, fee = pick(draw, "2026-02-01", "2026-02-20"), pick(draw, "10%", "120%")
        return {"milestones": [{"by": by, "reach": "1 k USD", "fee": fee}]}
    return {}


def _payment(draw: Draw, world: Data, party: str) -> Data:
    to: Data = pick(draw, {}, {"to": "self"})
    return to | {"amount": pick(draw, "100 USD", "2 k USD"), "on": pick(draw, "2026-01-01", "2026-02-10")}


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
    found |= {"measure": pick(draw, "after-discounts", "list", "after-plans")}
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
    more: Data = pick(draw, {}, {"claim-within": "2 months"}, {"cap": "60 USD"})
    return _of(draw, world) | more | {"bands": bands, "measured": measured}


def _volume_discount(draw: Draw, world: Data, party: str) -> Data:
    found = _windows(draw) | {"method": pick(draw, "graduated", "all-units")}
    found |= _of(draw, world) if pick(draw, False, False, True) else {}
    first, second = pick(draw, ("400 USD", "3 k USD"), ("1 k USD", "20 k USD"))
    off = pick(draw, ("5%", "20%"), ("10%", "45%"))
    some: Data = pick(
        draw, {"lowers": {"product": "gpu"}}, {"lowers": {"tier": "gold"}, "measure": "list"}, {"measure": "list"}
    )
    found |= pick(draw, {}, {}, some) if found["method"] == "all-units" else {}
    return found | {"tiers": [{"from": first, "off": off[0]}, {"from": second, "off": off[1]}]}


def _savings_plan(draw: Draw, world: Data, party: str) -> Data:
    """Of offers by the hour at one price, which the other party has."""
    flat = [o for o in world["offers"] if _flat(o) and o["provider"] == party]
    rates = {o["id"]: f"{pick(draw, '0.20', '0.45')} USD per GPU-hour" for o in flat}
    when: Data = pick(draw, *_FEW_HOURS)
    owner: Data = pick(draw, {}, {}, {"owner": {"tier": "gold"}})
    return {"commitment": pick(draw, "1 USD per hour", "4 USD per hour"), "rates": rates} | when | owner


_FEW_HOURS: tuple[Data, ...] = ({"from": "2026-01-29", "until": "2026-02-03"},) * 3 + ({},)
"""Mostly some days over the end of a month: such a plan is settled hour by hour, and thousands of them say no more."""


def _second_plan(draw: Draw, first: Data) -> list[Data]:
    """At times another plan, for what the first leaves of each of its offers or of one, in another order."""
    rates = pick(
        draw, {}, dict.fromkeys(first["rates"], "0.50 USD per GPU-hour"), dict(list(first["rates"].items())[-1:])
    )
    second = {"id": f"{first['id']}-second", "kind": "savings-plan", "after": [first["id"]], "rates": rates}
    second |= {"owner": first["owner"]} if "owner" in first and pick(draw, True, False) else {}
    second |= {key: first[key] for key in ("from", "until") if key in first and pick(draw, True, True, False)}
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
"""How to make a clause of each kind; of one that is not among them, its own tests say so (``drawn``)."""


def generator(kind: str) -> Make:
    """How to make a clause of a kind. One of which nobody says so fails the laws."""
    if kind in GENERATORS:
        return GENERATORS[kind]
    own = own_tests(kind)
    assert hasattr(own, "drawn"), f"write `drawn(draw, world, party)` in {own.__file__}: a random clause of `{kind}`"
    made: Make = own.drawn
    return made


def own_tests(kind: str) -> Any:
    """The file of a kind's own tests: it may hold a generator (``drawn``) and the rule of the oracle (``asked``)."""
    name = f"test_{kind.replace('-', '_')}"
    assert (Path(__file__).parent / f"{name}.py").is_file(), f"write tests/terms/{name}.py: the tests of `{kind}`"
    return import_module(f"tests.terms.{name}")


BESIDE: dict[str, Callable[[Draw, Data], list[Data]]] = {"savings-plan": _second_plan}
"""More clauses of a kind that stand beside one that was drawn."""
