"""What a clause's numbers turn on: which money, when, what of it, whose, in which time; stated, or by default.

Owns: the switches that every clause about money or use shares, each with its value in words, and who says it. Not here:
what a clause does with what it counts (``Term.explain``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from detente.case.agreement import Agreement, endings, lineage
from detente.case.case import Case
from detente.case.invoices import rounding_of, stated_roundings
from detente.contract.amounts.counting import CountedClass
from detente.contract.amounts.milestone import Milestone
from detente.contract.amounts.shortfall import Shortfall
from detente.contract.clause_text import SELF
from detente.contract.fixed_switch import why_fixed
from detente.contract.metered.counting_moment import COUNTED
from detente.contract.metered.meter import PAYMENTS, Measure, Meter
from detente.contract.returning import Returning
from detente.contract.roles import PriceChange
from detente.contract.term import Term
from detente.values.held import held_in
from detente.values.period import endless

StatedIn = Literal["clause", "agreement", "kind"] | None
"""Where a switch is stated; ``kind``: it is one thing by the kind of clause; None: nowhere, it is the default."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One thing that a clause's numbers turn on."""

    name: str
    value: str
    stated: StatedIn

    def __str__(self) -> str:
        by = {None: "the default", "kind": "fixed"}.get(self.stated, f"stated in the {self.stated}")
        return f"{self.name}: {self.value} ({by})"


MEASURES: Mapping[Measure, str] = {
    "spend": "what use costs after discounts",
    "listed": "what use costs at list prices",
    "revenue": "what work earns",
    "work": "work, in the workloads' own units",
    "taken": "what is taken of offers, in their own units",
    "off": "what it takes off list prices",
}
PLANS = "what savings plans charge, and what use that they do not cover costs after discounts"
COMBINED = {
    "product": "of what other discounts leave",
    "sum": "of the list price, beside other discounts",
    "best-of": "the largest discount alone",
}


def switches(case: Case, term: Term) -> tuple[Switch, ...]:
    """Those of a clause in force, in one order; of a clause that counts nothing, who is bound and when."""
    own = next((meter for meter in term.meters() if meter.measure not in PAYMENTS), None)
    known = {agreement.id: agreement for agreement in case.declared.agreements}
    signed = known.get(term.validity.agreement)
    line = [] if signed is None else lineage(signed, known)
    counted = [] if own is None else _counted(term, own)
    invoiced = [] if own is None else [_rounding(case, term)]
    return (*counted, *_priced(term), _who(term), *_calendar(case, term, own, line), *invoiced)


def switches_of(case: Case, name: str) -> tuple[Switch, ...]:
    """Those of all texts of a clause: what is alike in all of them once, what is not for each, with its agreement."""
    texts = {term.validity.agreement: term for term in reversed(case.terms) if term.id == name}
    found = {agreement: switches(case, texts[agreement]) for agreement in reversed(texts)}
    every = dict.fromkeys(switch.name for each in found.values() for switch in each)
    told: list[Switch] = []
    for one in every:
        said = {a: switch for a, each in found.items() for switch in each if switch.name == one}
        if len(said) == len(found) and len(set(said.values())) == 1:
            told += dict.fromkeys(said.values())
        else:
            told += [replace(switch, name=f"{one} in `{agreement}`") for agreement, switch in said.items()]
    return tuple(told)


def _counted(term: Term, own: Meter) -> Iterator[Switch]:
    """Which money or use, when, what of it, and what becomes of what credits pay."""
    stated = _in_clause(term, "measure")
    left = any(meter.measure == "saved" for meter in term.meters())
    yield _shared(term, "measure", PLANS if left else MEASURES[own.measure])
    yield _shared(term, "moment", COUNTED[own.moment])
    classes = [each for _, each in held_in(term, CountedClass)]
    milestones = any(True for _ in held_in(term, Milestone))
    told = "; ".join(each.told(milestones=milestones) for each in classes)
    whole = "all that it covers, in full; fees and what is given back do not count"
    if told or why_fixed(type(term), "counts") is not None or "counts" in type(term).model_fields:
        yield _shared(term, "counts", told or whole)
    if own.measure in ("spend", "listed"):
        paid = not isinstance(term, Returning) and any(meter.measure == "paid" for meter in term.meters())
        prepaid = any(each.prepaid for _, each in held_in(term, Milestone | Shortfall))
        prepaid |= "prepayments" in term.model_fields_set
        value = f"what credits pay {'does not count' if paid else 'counts'}"
        value += "; what prepayment pays does not, and its purchase does" if prepaid else ""
        yield Switch("credits", value, "clause" if prepaid else stated)


def _priced(term: Term) -> Iterator[Switch]:
    if isinstance(term, PriceChange):
        way = term.validity.combine
        value = "not said: two that meet on one price are a mistake" if way is None else f"`{way}`, {COMBINED[way]}"
        yield Switch("order", value, None if way is None else "agreement")
    elif "order" in term.fixed:
        yield Switch("order", term.fixed["order"], None)


def _who(term: Term) -> Switch:
    parties, party = term.parties or term.validity.parties, term.validity.counterparty
    if not any(scope.wanted.get("party") == parties for scope in term.covered.within):
        parties = ()  # others share what it is about
    whose = f"use of {', '.join(f'`{name}`' for name in parties)}" if parties else "everybody's use on our side"
    sold = "" if party == SELF or not term.theirs or "provider" in term.of.wanted else f", of what `{party}` sells"
    stated: StatedIn = "clause" if term.parties else "agreement" if term.validity.parties else None
    return Switch("who", f"{whose}{sold}", stated)


def _calendar(case: Case, term: Term, own: Meter | None, line: Sequence[Agreement]) -> Iterator[Switch]:
    """How it cuts time, on whose clock, and the last day that is in."""
    v = term.validity
    every = next((stated.every for stated in term.found_windows), None)
    if every is not None and own is not None:
        since = "" if every.every in ("term", "hour") else f", the first from {own.windows.first:%Y-%m-%d}"
        told = every.told if every.every == "term" else f"each {every.every}"
        yield Switch("windows", f"{told}{since}", _in_clause(term, "windows"))
    zone = next((a.zone for a in line if a.zone is not None), None)
    yield Switch("zone", f"days begin at midnight in {v.zone if zone else 'UTC'}", "agreement" if zone else None)
    end = max(t.validity.end for t in case.signed if (t.id, t.validity.agreement) == (term.id, v.agreement))
    if endless(end):
        yield Switch("last day", "open: neither the clause nor its agreement ends", None)
        return
    last, ends = (end - timedelta.resolution).astimezone(v.zone), endings(case.declared.agreements)
    by_agreement = bool(line) and v.begin(ends[v.agreement].final) == end
    value = f"{last:%Y-%m-%d}, all of it; {end.astimezone(v.zone):%Y-%m-%d} is out"
    yield Switch("last day", value, "agreement" if by_agreement or term.until is None else "clause")


def _rounding(case: Case, term: Term) -> Switch:
    """How the invoices are rounded on which its money stands, as of the end of its time in the horizon."""
    start, end = max(term.validity.start, case.declared.horizon.opens), term.validity.end
    said = rounding_of(stated_roundings(case.declared.agreements), term.validity.counterparty, start, end)
    if said is None:
        return Switch("rounding", "exact to a billionth; invoices are not rounded", None)
    told = f"exact to a billionth; invoices of `{said.party}` {said.rounding.told} (`{said.agreement}`)"
    return Switch("rounding", told, "agreement")


def _shared(term: Term, key: str, value: str) -> Switch:
    """One of those that kinds share: of a kind that has no such key, with why, where its author says it."""
    why = why_fixed(type(term), key)
    if why is None and key not in type(term).model_fields:
        return Switch(key, value, "kind")
    return Switch(key, value, _in_clause(term, key)) if why is None else Switch(key, f"{value}; {why}", "kind")


def _in_clause(term: Term, key: str) -> StatedIn:
    return "clause" if key in term.model_fields_set and getattr(term, key) not in (None, ()) else None
