"""What the oracle states of a case: what else a case says is refused by name, and never left out in silence.

Not here: the rows (``oracle`` and what it is made of). A clause of a kind whose own tests state its rule is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from detente.case.case import Case
from detente.contract.term import Term

OF_CLAUSES: dict[str, set[str]] = {
    "credit": {"amount", "rate", "windows"},
    "delivery": {"offer", "windows", "tranches", "credit"},
    "discount": {"off"},
    "escalator": {"by", "every"},
    "liquidated-damages": {"cap", "cap_each", "windows", "price", "rate", "measure", "amount", "within"},
    "minimum-commitment": {
        *("amount", "measure", "moment", "counts", "windows", "shortfall", "carry_over", "carried", "deferral"),
        *("milestones", "prepayments"),
    },
    "payment": {"amount", "on", "to"},
    "price-lock": {"method", "at"},
    "redundancy": {"survives"},
    "revenue-share": {"cap", "cap_each", "windows", "rate", "moment"},
    "savings-plan": {"commitment", "rates", "owner", "after"},
    "service-credit": {"bands", "measured", "claim_within", "cap", "windows"},
    "share": {"on", "at_least", "at_most", "measure", "windows"},
    "spending-cap": {"amount", "measure", "moment", "windows"},
    "take-or-pay": {"offer", "windows", "quantity", "take", "price", "undelivered", "make_up", "carry_over", "carried"},
    "volume-discount": {"tiers", "method", "listed", "lowers", "measure", "windows", "moment"},
}
"""What is read of each kind that moves a number, beside what stands in every clause."""
OF_EVERY_CLAUSE = set(Term.model_fields)

NOT_OF_OFFERS = ("closed",)
NOT_OF_WORKLOADS = ("sent",)
NOT_OF_DEMAND = ("factor", "between", "profile", "trace", "table")


class NotStatedError(Exception):
    """The oracle does not know what a case says."""


def refuse_unknown(case: Case) -> None:
    """Raise NotStatedError for the first thing that would be left out."""
    if (found := next(_unknown(case), None)) is not None:
        raise NotStatedError(f"{found}: teach the oracle, or leave it out")


def _unknown(case: Case) -> Iterator[str]:
    horizon = case.declared.horizon
    if horizon.every == "hour":
        yield "a horizon by the hour"
    for at, zone in (("the horizon", horizon.zone), *((f"`{t.id}`", t.validity.zone) for t in case.terms)):
        if str(zone) != "UTC":
            yield f"{at} is in the zone {zone}"
    for offer in case.offers:
        yield from _given(offer, NOT_OF_OFFERS)
        if getattr(offer, "_instalment_rates", None) is not None:
            yield f"instalments of `{offer.id}` are in a currency whose rate changes"
    for workload in case.workloads:
        yield from _given(workload, NOT_OF_WORKLOADS)
        yield from _given(getattr(workload, "demand", None), NOT_OF_DEMAND, workload.id)
    for priced in (*case.workloads, *case.declared.networks):
        if priced._of_each_day:
            yield f"`{getattr(priced, 'id', 'a network')}` has a price in a currency whose rate changes"
    for term in case.terms:
        yield from _of_clause(term, case.periods[0].start)


def _of_clause(term: Any, start: datetime) -> Iterator[str]:
    if term.own_money is not None or term.at_rates:
        yield f"`{term.id}` is in a currency whose rate changes"
    if term.kind in OF_CLAUSES:
        fields = type(term).model_fields.keys() - OF_EVERY_CLAUSE - OF_CLAUSES[term.kind]
        yield from _given(term, sorted(fields))
    if isinstance(getattr(term, "deferral", 0), tuple) and (term.validity.begun or term.validity.start < start):
        yield f"`{term.id}` has windows from before the horizon, and parts of each that are put off"
    if getattr(term, "measure", "") == "after-credits" and any(m.valid_for for m in getattr(term, "milestones", ())):
        yield f"`{term.id}` has prepayment that lapses, beside what no credit pays"
    if getattr(getattr(term, "shortfall", None), "charged_as", "fee") == "prepayment":
        yield f"`{term.id}` charges what is missing of a window as prepayment"


def _given(of: Any, keys: Sequence[str], name: str | None = None) -> Iterator[str]:
    """Which of some keys say anything: another value than where they are left out."""
    for key in keys if of is not None else ():
        field = type(of).model_fields.get(key)
        if field is not None and getattr(of, key) != field.get_default(call_default_factory=True):
            yield f"`{name or of.id}` says `{key.strip('_').replace('_', '-')}`"
