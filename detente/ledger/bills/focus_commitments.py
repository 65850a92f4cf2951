"""Commitments as FOCUS has them: the Contract Commitment dataset, and which of them a charge is applied to.

Owns: a row for each window of a commitment (a floor, a milestone), after the model of 1.4, and the object of
``ContractApplied`` after that of 1.3. What counts towards which window is what totals count. Not here: charges
(``focus_export``), and the rules of clauses.

The specification: https://focus.finops.org/focus-specification/v1-4/.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from detente.case.case import Case
from detente.case.counted_unit import counted_unit
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
    *("ServiceProviderName", "x_Brought", "x_Drawn", "x_Short"),
)
"""The columns of the specification that are mandatory, and then our own."""
COMMITTED = (FLOOR, MILESTONE, SUPERSEDED)
DIMENSIONS = {
    "provider": "ServiceProviderName", "region": "RegionId", "offer": "SkuId", "model": "ServiceName",
    "product": "ResourceType", "workload": "x_Workload",
}  # fmt: skip
"""What of a scope is a column of the export; labels are tags, which a dimension cannot ask."""
UNITS: Mapping[str, tuple[str, int]] = {"Mtok": ("Tokens", 10**6), "GPU-hour": ("GPU-Hours", 1)}
DAY = timedelta(days=1)


@dataclass(frozen=True)
class FocusCommitments:
    """The commitments of a case as of a moment, one row a window."""

    books: Books
    as_of: datetime

    @cached_property
    def _settled(self) -> list[tuple[Term, Settlement | SettleError]]:
        with self.books.store.reading() as session:
            self.books.must_match(session)
            totals = self.books.as_of(session, self.as_of)
        end = max(self.as_of, self.books.case.declared.horizon.closes)
        return list(zip(self.books.terms, settle_each(self.books.terms, totals, NOTHING_DECIDED, end), strict=True))

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
        case, meter = self.books.case, _meter(term, standing)
        party = term.validity.counterparty
        name = case.providers[party].name if party in case.providers else party
        return {
            "BillingCurrency": case.currency, "ServiceProviderName": name, "InvoiceIssuerName": name,
            "ContractId": term.validity.agreement, "ContractCommitmentId": commitment_id(term, standing.start),
            "ContractCommitmentType": term.kind, "ContractCommitmentDescription": term.explain().sentence,
            "ContractCommitmentBenefitCategory": "Other", "ContractCommitmentOfferCategory": "Negotiated",
            "ContractCommitmentModel": "Discontinuous", "ContractCommitmentFulfillmentInterval": "Full Period",
            "ContractCommitmentPaymentModel": "No Upfront", "ContractCommitmentPaymentInterval": "Monthly",
            "ContractCommitmentApplicability": json.dumps(_applicability(case, meter.selection)),
        } | self._times(term, standing) | self._amounts(meter, standing)  # fmt: skip

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

    def _amounts(self, meter: Meter, standing: Standing) -> dict[str, str]:
        unit, each = self._in(meter, standing)
        told = {"x_Drawn": standing.drawn, "x_Brought": standing.brought, "x_Short": self._short(standing)}
        told["ContractCommitmentQuantity" if unit else "ContractCommitmentCost"] = standing.required
        numbers = {name: _number(amount * each) for name, amount in told.items()}
        return numbers | {"ContractCommitmentCategory": "Usage" if unit else "Spend", "ContractCommitmentUnit": unit}

    def _in(self, meter: Meter, standing: Standing) -> tuple[str, Exact | int]:
        """The unit of what is committed, and what one of the meter's is of it; of money, in the currency of bills."""
        if meter.money is not None:
            return "", nano(meter.money.at_end(standing.end))
        return ("", 1) if meter.of_money else unit_of(self.books.case, meter)

    def _short(self, standing: Standing) -> Exact:
        """What is missing of a window that has ended by now: of others, nobody knows yet."""
        return standing.short if standing.end <= self.as_of else Decimal(0)


class AppliedCommitments:
    """Which commitments a charge is applied to, and with how much of it."""

    def __init__(self, case: Case, terms: Iterable[Term]) -> None:
        self._case = case
        billed = ((term, replace(meter, money=None)) for term in terms for meter in _floors(term))
        self._terms = {(term.id, meter): term for term, meter in billed}

    @cached_property
    def _meters(self) -> tuple[Meter, ...]:
        return tuple(meter for _, meter in self._terms)

    def of(self, charge: LineSum) -> str:
        """The object of ``ContractApplied``, as text; empty where it is applied to none. Numbers are exact."""
        totals = Totals(self._meters)
        charge.count_in(totals)
        elements = [
            self._element(meter, window, nano(found.value))
            for meter, window, lacks, found in totals.counts()
            if lacks is None and found.value
        ]
        return f'{{"Elements": [{", ".join(elements)}]}}' if elements else ""

    def _element(self, meter: Meter, index: int, amount: Decimal) -> str:
        term, window = self._terms[meter.term, meter], meter.windows.numbered(index)
        assert window is not None, "what is counted lies in a window"
        names = {"ContractId": term.validity.agreement, "ContractCommitmentId": commitment_id(term, window.start)}
        told = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in names.items()]
        if meter.of_money:
            told.append(f'"ContractCommitmentAppliedCost": {plain(amount)}')
        else:
            unit, each = unit_of(self._case, meter)
            told.append(f'"ContractCommitmentAppliedQuantity": {plain(amount * each)}')
            told.append(f'"ContractCommitmentAppliedUnit": {json.dumps(unit)}')
        return f"{{{', '.join(told)}}}"


def commitment_id(term: Term, start: datetime) -> str:
    """The name of a window of a commitment: one for each, however its clause was amended."""
    return f"{term.validity.agreement}/{term.id}/{start:%Y-%m-%d}"


def unit_of(case: Case, meter: Meter) -> tuple[str, int]:
    """The unit of what a meter counts, and how many of it are one of the meter's own: a case has one for each meter."""
    unit = counted_unit(case, meter)
    return UNITS.get(unit, (unit, 1)) if unit is not None else ("Charges", 1)


def _floors(term: Term) -> Iterator[Meter]:
    """The meters by which a clause counts towards a commitment, as soon as the first window of each stands."""
    nothing = Totals(term.meters())
    firsts = (meter.windows.numbered(0) for meter in nothing.meters)
    begun = max((window.start for window in firsts if window is not None), default=term.validity.start)
    found = settle_each((term,), nothing, NOTHING_DECIDED, begun + DAY)[0]
    roles = {s.meter for s in found.standings if s.role in COMMITTED} if isinstance(found, Settlement) else set()
    yield from (meter for meter in term.meters() if meter.name in roles)


def _meter(term: Term, standing: Standing) -> Meter:
    return next(meter for meter in term.meters() if meter.name == standing.meter)


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
