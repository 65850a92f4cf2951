"""Small cases that are drawn: offers, workloads, and clauses of any kind (``terms.drawn``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from detente.case.case import Case
from detente.errors import CaseError
from tests.builders import REGIONS, D, Data, after, agreement, compute, data_of, gpus, tokens, work
from tests.terms.drawn import ALIKE, ALL_KINDS, BESIDE, Draw, generator, pick, sold_for


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
    more |= pick(draw, {}, {"capacity": "8 GPU"}, {"starts": ["2026-02-01"], "term": "1 month"})
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
def worlds(
    draw: Draw,
    *,
    kinds: Sequence[str] = ALL_KINDS,
    need: str | None = None,
    least: int = 0,
    most: int = 3,
    wide: bool = False,
) -> Data:
    """A small case as plain data, with so many clauses of some kinds; one of kind ``need`` at least.

    ``wide``: with amendments, units that serve several models, and clauses that go by others (their whole numbers take
    long to search, so that only the oracle has them).
    """
    months = pick(draw, 2, 3)
    idle: Data = pick(draw, {}, {"idle": "reserved"}, {"idle": "forbidden"}, {"idle": "allowed"})
    world = data_of(_offers(draw), _workloads(draw), months=months, **idle)
    if wide:
        _serve_two(draw, world)
    world["networks"] = [
        {"from": "*", "to": "*", "price": "0.02 USD per GB"},
        {"from": "north", "to": "south", "price": "0.10 USD per GB"},
    ]
    needed = pick(draw, *ALIKE[need]) if need in ALIKE else need
    others = st.lists(st.sampled_from(sorted(kinds)), min_size=max(0, least - bool(need)), max_size=most - bool(need))
    wanted = ([needed] if needed else []) + draw(others)
    combine = pick(draw, "product", "sum", "best-of")
    for index, kind in enumerate(wanted):
        sold = sold_for(kind, world)
        party = pick(draw, *dict.fromkeys(o["provider"] for o in sold))
        term = {"id": f"t{index}", "kind": kind, "text": f"Clause {index}."} | generator(kind)(draw, world, party)
        term |= pick(draw, {}, {}, {"from": "2026-01-11"}, {"until": "2026-02-15"})
        more: Data = pick(draw, {}, {}, {"effective": "2025-11-15"}, {"ends": after(months)})
        more |= {"ends": after(months)} if _must_end(term) else {}
        terms = [term, *(BESIDE[kind](draw, term) if wide and kind in BESIDE else ())]
        signed = agreement(*terms, party=party, id=f"a{index}", combine=combine) | more
        world["agreements"] += [signed, *(_amendment(draw, signed, months) if wide else ())]
    return world


def _serve_two(draw: Draw, world: Data) -> None:
    """Units of throughput may serve another model, too, and a workload may run on both, the one or the other first."""
    for offer in world["offers"]:
        if offer["kind"] == "provisioned" and pick(draw, True, False):
            other = {"throughput": pick(draw, "1 ktok per minute", "0.5 Mtok per hour")}
            offer["covers"] = {"k": other | {"output-ratio": pick(draw, 1, 3)}}
    world["workloads"][0]["runs-on"]["models"] = pick(draw, ["m"], ["m", "k"], ["k", "m"])


def _must_end(term: Data) -> bool:
    """Whether a clause is refused where its agreement goes on for ever."""
    kind: str = term["kind"]
    return kind == "escalator" or (kind != "share" and term.get("windows") == {"every": "term", "cut": "prorate"})


DIVIDED = ("minimum-commitment", "spending-cap", "credit", "volume-discount", "revenue-share", "liquidated-damages")
"""Kinds whose windows divide an amount."""


def _amendment(draw: Draw, signed: Data, months: int) -> list[Data]:
    """At times later texts of a clause, in the middle of a window perhaps: with half of its amounts, or the same.

    All end on the same day, since nobody could say what became of the rest where only a later one does.
    """
    first, *rest = signed["terms"]
    if rest or first["kind"] not in DIVIDED or pick(draw, False, False, True):
        return []
    later = {key: value for key, value in first.items() if key not in ("from", "until", "milestones")}
    whole = [] if "cap" in first else ["whole-window"]  # a cap in all is not taken over whole
    later |= _taking_over(draw, later, whole)
    key = next((each for each in ("cap", "cap-each", "amount") if each in later), None)
    if key and isinstance(later[key], str) and pick(draw, True, False):
        number, _, unit = later[key].partition(" ")
        later[key] = f"{D(number) / 2} {unit}"
    on = pick(draw, "2026-01-16", "2026-02-01", "2026-02-10")
    deal = agreement(later, party=signed["with"], id=f"{signed['id']}-later", effective=on, amends=signed["id"])
    deals, signed["ends"] = [deal], after(months)
    if pick(draw, False, True):  # and a third text, within the same window perhaps
        last = later | _taking_over(draw, later, whole)
        name = f"{signed['id']}-last"
        deals.append(agreement(last, party=signed["with"], id=name, effective="2026-02-20", amends=deal["id"]))
    return [each | {key: signed[key] for key in ("combine", "ends") if signed.get(key)} for each in deals]


def _taking_over(draw: Draw, text: Data, whole: list[str]) -> Data:
    """How a later text takes over; a new window begins with it, and at no stated day."""
    how = pick(draw, "pro-rata", "new-window", *whole)
    windows = {key: value for key, value in text.get("windows", {}).items() if key != "starts" or how != "new-window"}
    return {"takes-over": how} | ({"windows": windows} if windows else {})


def cases(**how: Any) -> st.SearchStrategy[Case]:
    """Random small cases in which nothing is wrong."""

    def read(data: Data) -> Case:
        try:
            return Case.of(data)
        except CaseError:
            assume(False)
            raise

    return worlds(**how).map(read)
