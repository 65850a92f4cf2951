"""What rounding adds to the invoices that a plan brings, where agreements say how a party rounds.

Owns: a plan's invoices, line by line: of each offer what its use comes to in a month after discounts, each reservation
that says when it is invoiced, each part of a clause. Not here: the bill, which is exact (``bill``), and what is on the
books (``ledger.books.invoices``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction

from detente.case.agreement import clocks
from detente.case.invoices import StatedRounding, rounding_of, stated_roundings
from detente.contract.metered.counting_moment import by_invoice, invoice_day
from detente.contract.metered.use import RatedUse
from detente.contract.rated.rating import Rating
from detente.market.invoicing import MONTH
from detente.planner.answer.bill import Bill
from detente.planner.answer.reservations import reserved_at
from detente.planner.formulation.draft import Draft
from detente.results.plan_rows import RoundedInvoices
from detente.values.money import NANOS, nano
from detente.values.period import later

InvoiceLine = tuple[str, datetime, tuple[str, ...], Fraction]
"""Whose invoice, on which day (the first of the next month), which of its lines, and a part of what that comes to."""


def rounded_invoices(draft: Draft, exact: Bill) -> Iterable[RoundedInvoices]:
    """Of each party whose agreement says how it rounds; once for each way, where an amendment changes it."""
    stated = stated_roundings(draft.case.declared.agreements)
    known = clocks(draft.case.declared.agreements)
    parties = {each.party: known[each.party] for each in stated}
    if not parties:
        return
    invoices: dict[tuple[str, datetime], dict[tuple[str, ...], Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for party, day, line, amount in _lines(draft, exact, parties):
        if party in parties:
            invoices[party, day][line] += amount * NANOS
    found: dict[StatedRounding, list[tuple[Fraction, Fraction]]] = defaultdict(list)
    for (party, day), lines in sorted(invoices.items()):
        said = rounding_of(stated, party, later(day, MONTH, -1), day)
        if said is not None:
            found[said].append((sum(lines.values(), Fraction(0)), said.rounding.adds(lines.values())))
    for said, each in found.items():
        whole, adds = (nano(sum(part, Fraction(0)) / NANOS) for part in zip(*each, strict=True))
        yield RoundedInvoices(said.party, said.agreement, said.rounding.told, len(each), whole, adds)


def _lines(draft: Draft, exact: Bill, clock: Mapping[str, tzinfo]) -> Iterator[InvoiceLine]:
    """What is invoiced, by months of each party's clock."""
    invoiced = {offer.id for offer in draft.case.offers if offer.invoicing is not None}
    for used in exact.rated:
        if used.use.kind == "egress" or used.use.offer["offer"] not in invoiced:
            yield from _used(used, clock.get(used.use.offer["provider"], UTC))
    rating = Rating(draft.case.terms)
    for name in sorted(invoiced & draft.units.keys()):
        for bought in reserved_at(draft, exact.quantities.units, rating, name, "invoice"):
            line = ("reservation", name, f"{bought.at}")
            party = bought.offer["provider"]
            yield party, invoice_day(bought.at.astimezone(clock.get(party, UTC))), line, Fraction(bought.net)
    for term, settlement in zip(draft.case.terms, exact.settlements, strict=True):
        for p in settlement.postings:
            if not p.in_spend:
                party = term.validity.counterparty
                last = min(p.end, draft.horizon.closes).astimezone(UTC) - timedelta.resolution
                clause = ("clause", term.validity.agreement, term.id, p.part)
                yield party, invoice_day(last.astimezone(clock.get(party, UTC))), clause, Fraction(p.amount)


def _used(line: RatedUse, zone: tzinfo) -> Iterator[InvoiceLine]:
    """What use comes to after discounts, in each month its share of the time."""
    use, net = line.use, Decimal(line.net)
    name = "" if use.kind == "egress" else use.offer["offer"]
    for day, part, whole in by_invoice(use.start.astimezone(zone), use.end.astimezone(zone)):
        yield use.offer["provider"], day, ("use", name), Fraction(net) * part / whole
