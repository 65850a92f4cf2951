"""Commitments as FOCUS has them: the Contract Commitment dataset, and which of them a charge is applied to.

Owns: a row for each window of a commitment (a floor, a milestone), after the model of 1.4, and the object of
``ContractApplied`` after that of 1.3. What counts towards which window is what totals count. Not here: charges
(``focus_export``), and the rules of clauses.

What a charge is applied with is what it counts by itself. What a clause makes of all of them together is no charge's:
a class counts up to a part of the amount, what credits pay does not count, and of a milestone after another only what
came since may be counted. So a row says both, what is applied to it and what is drawn.

The specification: https://focus.finops.org/focus-specification/v1-4/.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from detente.case.case import Case
from detente.case.counted_unit import counted_unit
from detente.contract.amounts.counting import classes_beside
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.reach.scope import Scope, Selection
from detente.contract.settled.settlement import Settlement
from detente.contract.settled.standing import FLOOR, MILESTONE, SUPERSEDED, Standing
from detente.contract.settling import settle_each
from detente.contract.term import Term
from detente.errors import SettleError
from detente.ledger.bills.focus_file import save_rows
from detente.ledger.books.books import Books
from detente.ledger.use.line import LineSum
from detente.values.money import nano
from detente.values.period import endless, later
from detente.values.quantity import Exact, Span, plain

COMMITMENT_COLUMNS = (
    *("BillingCurrency", "ContractCommitmentApplicability", "ContractCommitmentBenefitCategory"),
    *("ContractCommitmentCategory", "ContractCommitmentCost", "ContractCommitmentCreated"),
    *("ContractCommitmentDescription", "ContractCommitmentDiscountPercentage", "ContractCommitmentDurationType"),
    *("ContractCommitmentFulfillmentInterval", "ContractCommitmentId", "ContractCommitmentLastUpdated"),
    *("ContractCommitmentLifecycleStatus", "ContractCommitmentModel", "ContractCommitmentOfferCategory"),
    *("ContractCommitmentPaymentInterval", "ContractCommitmentPaymentModel", "ContractCommitmentPeriodEnd"),
    *("ContractCommitmentPeriodStart", "ContractCommitmentQuantity", "ContractCommitmentType"),
    *("ContractCommitmentUnit", "ContractId", "ContractPeriodEnd", "ContractPeriodStart", "InvoiceIssuerName"),
    *("ServiceProviderName", "x_Applied", "x_Brought", "x_Drawn", "x_Short"),
)
"""The columns of the specification that are mandatory, and then our own."""
COMMITTED = (FLOOR, MILESTONE, SUPERSEDED)
DIMENSIONS = {
    "provider": "ServiceProviderName", "region": "RegionId", "offer": "SkuId", "model": "ServiceName",
    "product": "ResourceType", "workload": "x_Workload",
}  # fmt: skip
"""What of a scope is a column of the export; labels are tags, which a dimension cannot ask."""
UNITS: Mapping[str, tuple[str, int]] = {"Mtok": ("Tokens", 10**6), "GPU-hour": ("GPU-Hours", 1)}
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)


@dataclass(frozen=True)
class FocusCommitments:
    """The commitments of a case as of a moment, one row a window."""

    books: Books
    as_of: datetime

    @cached_property
    def _totals(self) -> Totals:
        with self.books.store.reading() as session:
            self.books.must_match(session)
            return self.books.as_of(session, self.as_of)

    @cached_property
    def _settled(self) -> list[tuple[Term, Settlement | SettleError]]:
        end = max(self.as_of, self.books.case.declared.horizon.closes)
        each = settle_each(self.books.terms, self._totals, NOTHING_DECIDED, end)
        return list(zip(self.books.terms, each, strict=True))

    def rows(self) -> Generator[dict[str, str], None, None]:
        """Every window of the horizon, in the order of the clauses; of a clause that cannot be settled, none."""
        for term, each in self._settled:
            if isinstance(each, Settlement):
                yield from (self._row(term, standing) for standing in each.standings if standing.role in COMMITTED)

    @property
    def unknown(self) -> tuple[tuple[str, str], ...]:
        """The clauses that cannot be settled, and why: of what commitments they have there is no row."""
        return tuple((term.id, str(each)) for term, each in self._settled if isinstance(each, SettleError))

    def save(self, path: Path) -> int:
        """Write a CSV file, whole or not at all; how many rows it has. Raises LedgerError and OSError."""
        return save_rows(path, COMMITMENT_COLUMNS, self.rows())

    def _row(self, term: Term, standing: Standing) -> dict[str, str]:
        case, counted = self.books.case, _CountedBy.of(term, standing)
        party = term.validity.counterparty
        name = case.providers[party].name if party in case.providers else party
        return {
            "BillingCurrency": case.currency, "ServiceProviderName": name, "InvoiceIssuerName": name,
            "ContractId": term.validity.agreement, "ContractCommitmentId": commitment_id(term, standing),
            "ContractCommitmentType": term.kind, "ContractCommitmentDescription": term.explain().sentence,
            "ContractCommitmentBenefitCategory": "Other", "ContractCommitmentOfferCategory": "Negotiated",
            "ContractCommitmentModel": "Discontinuous", "ContractCommitmentFulfillmentInterval": "Full Period",
            "ContractCommitmentPaymentModel": "No Upfront", "ContractCommitmentPaymentInterval": "Monthly",
            "ContractCommitmentApplicability": json.dumps(_applicability(case, counted.selection)),
        } | self._times(term, standing) | self._amounts(counted, standing)  # fmt: skip

    def _times(self, term: Term, standing: Standing) -> dict[str, str]:
        own = [each.validity for each in self.books.terms if each.validity.agreement == term.validity.agreement]
        status, created = _status(standing, self.as_of), term.validity.first
        changed = {"Pending": created, "Expired": standing.end, "Superseded": standing.end}.get(status, self.as_of)
        return {
            "ContractCommitmentLifecycleStatus": status,
            "ContractCommitmentCreated": _time(created), "ContractCommitmentLastUpdated": _time(max(created, changed)),
            "ContractCommitmentPeriodStart": _time(standing.start), "ContractCommitmentPeriodEnd": _time(standing.end),
            "ContractCommitmentDurationType": _length(standing.start, standing.end),
            "ContractPeriodStart": _time(min(v.start for v in own)),
            "ContractPeriodEnd": _time(max(v.end for v in own)),
        }  # fmt: skip

    def _amounts(self, counted: _CountedBy, standing: Standing) -> dict[str, str]:
        unit, each = _in(self.books.case, counted.own, standing.end)
        told = {"x_Drawn": standing.drawn, "x_Brought": standing.brought, "x_Short": self._short(standing)}
        told["x_Applied"] = nano(counted.total(self._totals, standing.end))
        told["ContractCommitmentQuantity" if unit else "ContractCommitmentCost"] = standing.required
        numbers = {name: _number(amount * each) for name, amount in told.items()}
        return numbers | {"ContractCommitmentCategory": "Usage" if unit else "Spend", "ContractCommitmentUnit": unit}

    def _short(self, standing: Standing) -> Exact:
        """What is missing of a window that has ended by now: of others, nobody knows yet."""
        return standing.short if standing.end <= self.as_of else Decimal(0)


class AppliedCommitments:
    """Which commitments a charge is applied to, and with how much of it."""

    def __init__(self, case: Case, terms: Iterable[Term]) -> None:
        self._case = case
        self._by: dict[Meter, tuple[Term, Standing, Meter]] = {}
        for term in terms:
            for standing in _committed(term):
                counted = _CountedBy.of(term, standing)
                self._by |= dict.fromkeys(counted.meters, (term, standing, counted.own))

    @cached_property
    def _none(self) -> Totals:
        return Totals(self._by)

    def of(self, charge: LineSum) -> str:
        """The object of ``ContractApplied``, as text; empty where it is applied to none. Numbers are exact."""
        totals = self._none.anew()
        charge.count_in(totals)
        elements = [
            self._element(meter, window, found.value)
            for meter, window, lacks, found in totals.counts()
            if lacks is None and found.value
        ]
        return f'{{"Elements": [{", ".join(elements)}]}}' if elements else ""

    def _element(self, meter: Meter, index: int, amount: Fraction) -> str:
        term, first, own = self._by[meter]
        window = meter.windows.numbered(index)
        assert window is not None, "what is counted lies in a window"
        start = window.start if index else first.start  # that of a whole term may count only from its last stage on
        named = commitment_id(term, replace(first, start=start, end=window.end))
        names = {"ContractId": term.validity.agreement, "ContractCommitmentId": named}
        told = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in names.items()]
        unit, each = _in(self._case, own, window.end)
        number = plain(nano(amount) * each)
        if not unit:
            told.append(f'"ContractCommitmentAppliedCost": {number}')
        else:
            told.append(f'"ContractCommitmentAppliedQuantity": {number}')
            told.append(f'"ContractCommitmentAppliedUnit": {json.dumps(unit)}')
        return f"{{{', '.join(told)}}}"


@dataclass(frozen=True)
class _CountedBy:
    """The meters by which charges are applied to a commitment: its own, and those of its classes."""

    own: Meter
    classes: tuple[Meter, ...]

    @classmethod
    def of(cls, term: Term, standing: Standing) -> _CountedBy:
        meters = term.meters()
        own = next(meter for meter in meters if meter.name == standing.meter)
        return cls(own, classes_beside(own, meters))

    @property
    def meters(self) -> tuple[Meter, ...]:
        return self.own, *self.classes

    @property
    def selection(self) -> Selection:
        """All that is covered: what only its classes count is no exception."""
        inside = {scope for meter in self.classes for scope in meter.selection.within}
        return replace(self.own.selection, outside=tuple(s for s in self.own.selection.outside if s not in inside))

    def total(self, totals: Totals, end: datetime) -> Fraction:
        """What all that is applied to it comes to, in the window that ends then."""
        found = Fraction(0)
        for meter in self.meters:
            window = next((each for each in meter.windows.over(end - MOMENT, end - MOMENT) if each.end == end), None)
            found += totals.total(meter, window) if window is not None else 0
        return found


def commitment_id(term: Term, standing: Standing) -> str:
    """The name of a window of a commitment, however its clause was amended; that of a milestone is by its day."""
    named = f"{standing.end:by-%Y-%m-%d}" if standing.role == MILESTONE else f"{standing.start:%Y-%m-%d}"
    return f"{term.validity.agreement}/{term.id}/{named}"


def _in(case: Case, meter: Meter, end: datetime) -> tuple[str, Exact | int]:
    """The unit of what is committed, and what one of the meter's is of it; of money, in the currency of bills."""
    if meter.money is not None:
        return "", nano(meter.money.at_end(end))
    return ("", 1) if meter.of_money else unit_of(case, meter)


def unit_of(case: Case, meter: Meter) -> tuple[str, int]:
    """The unit of what a meter counts, and how many of it are one of the meter's own: a case has one for each meter."""
    unit = counted_unit(case, meter)
    return UNITS.get(unit, (unit, 1)) if unit is not None else ("Charges", 1)


def _committed(term: Term) -> Iterator[Standing]:
    """The first standing of each commitment of a clause, as soon as the first window of each of its meters stands."""
    nothing = Totals(term.meters())
    firsts = (meter.windows.numbered(0) for meter in nothing.meters)
    begun = max((window.start for window in firsts if window is not None), default=term.validity.start)
    found = settle_each((term,), nothing, NOTHING_DECIDED, begun + DAY)[0]
    if isinstance(found, Settlement):
        yield from {s.meter: s for s in reversed(found.standings) if s.role in COMMITTED}.values()


def _status(standing: Standing, as_of: datetime) -> str:
    if standing.role == SUPERSEDED:
        return "Superseded"
    if standing.start > as_of:
        return "Pending"
    if standing.end <= as_of:
        return "Expired"
    left = standing.remaining
    return "Exhausted" if left is not None and left <= 0 else "Active"


def _applicability(case: Case, selection: Selection) -> dict[str, Any]:
    """What a commitment covers, as far as columns can say it; else that they cannot, and what it is in our words."""
    scopes = [*selection.within, *selection.outside]
    asked = [scope for scope in selection.outside if scope.wanted]
    if any(key not in DIMENSIONS for scope in scopes for key in scope.wanted) or len(asked) > 1:
        return {"IsComplexScope": True, "x_Scope": selection.written}
    rules = [rule for scope in selection.within for rule in _rules(case, scope)]
    found: dict[str, Any] = {"InclusionOperator": "And", "Inclusions": rules} if rules else {"IsGlobalScope": True}
    if asked:
        found |= {"ExclusionOperator": "And", "Exclusions": list(_rules(case, asked[0]))}
    return found


def _rules(case: Case, scope: Scope) -> Iterator[dict[str, Any]]:
    for key, values in sorted(scope.wanted.items()):
        named = [case.providers[v].name if key == "provider" and v in case.providers else v for v in values]
        yield {"Dimension": DIMENSIONS[key], "Operator": "In", "Values": named}


def _length(start: datetime, end: datetime) -> str:
    """How long a window is, in whole years, months or days."""
    for unit in ("year", "month"):
        count = 1
        while not endless(end) and later(start, Span(count, unit)) < end:
            count += 1
        if later(start, Span(count, unit)) == end:
            return f"{count} {unit.capitalize()}{'s' * (count != 1)}"
    days = max(1, (end - start) // DAY)
    return f"{days} Day{'s' * (days != 1)}"


def _number(amount: Exact) -> str:
    text = plain(amount)
    return text if "." in text else f"{text}.0"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
