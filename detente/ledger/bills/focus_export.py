"""The books as a FOCUS 1.2 file (Cost and Usage): what was used and what it cost, what clauses charged and gave.

Owns: the columns and what stands in each. One row is use of one class in one hour (or over its own time), or one line
of a clause that was booked. Of use that is not known there is no row: no cost is not a cost of zero, and how many there
are is told. What came once the books were closed for its time is a correction, in the billing period in which it is
booked: what was exported of a closed time stays so. Not here: the books (``books``).

The specification: https://focus.finops.org/focus-specification/v1-2/.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import chain
from pathlib import Path

from detente.ledger.bills.focus_commitments import AppliedCommitments
from detente.ledger.bills.focus_file import save_rows
from detente.ledger.books.books import Books
from detente.ledger.books.entry import booked_on
from detente.ledger.books.pricing_currency import rate_of
from detente.ledger.store.store import Session
from detente.ledger.use.known_purchases import KnownPurchases, told_purchases
from detente.ledger.use.late import sums_late, sums_on_time
from detente.ledger.use.line import LineSum, UseClass
from detente.ledger.use.purchases import PurchaseInvoice
from detente.ledger.use.sum_step import sum_step
from detente.market.offer import AnyOffer, GpuOffer, TokenOffer
from detente.values.micros import MICRO, at_micros, micros
from detente.values.money import of_nanos
from detente.values.period import later
from detente.values.quantity import Span, plain

COLUMNS = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency"),
    *("ChargePeriodEnd", "ChargePeriodStart", "CommitmentDiscountCategory", "CommitmentDiscountId"),
    *("CommitmentDiscountName", "CommitmentDiscountQuantity", "CommitmentDiscountStatus", "CommitmentDiscountType"),
    *("CommitmentDiscountUnit", "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "EffectiveCost", "InvoiceId"),
    *("InvoiceIssuerName", "ListCost", "PricingCategory", "PricingCurrency", "PricingCurrencyEffectiveCost"),
    *("PricingQuantity", "PricingUnit", "ProviderName"),
    *("PublisherName", "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory"),
    *("ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "Tags"),
    *("x_Adjusts", "x_Agreement", "x_CachedTokens", "x_Calls", "x_Clause", "x_ContractApplied"),
    *("x_InputTokens", "x_OutputTokens"),
    *("x_Part", "x_TakenOff", "x_Workload"),
)
"""The columns, those of the specification by name and then our own."""
AI, COMPUTE, NETWORKING = "AI and Machine Learning", "Compute", "Networking"
SERVICES = {
    "tokens": (AI, "Generative AI"),
    "provisioned": (AI, "Generative AI"),
    "gpu": (COMPUTE, "Virtual Machines"),
    "egress": (NETWORKING, "Network Connectivity"),
}
"""Category and subcategory by what is sold."""
OTHER = ("Other", "Other (Other)")
HOURS = timedelta(hours=1)

FocusRow = dict[str, str]
"""A row by column; what is not in it is null."""


@dataclass(frozen=True)
class FocusExport:
    """The books of a time, row by row.

    ``start`` and ``end`` are moments at which charge periods begin, and the days of what clauses charged and of what
    came late.
    """

    books: Books
    start: datetime
    end: datetime

    def rows(self) -> Generator[FocusRow, None, None]:
        """Every row, in the order of the books. Raises LedgerError."""
        with self.books.store.reading() as session:
            self.books.must_match(session)
            bought = KnownPurchases(self.books.case, told_purchases(session))
            step = sum_step(session) * MICRO
            on_time = ((None, each) for each in sums_on_time(session, self.start, self.end))
            for closed, each in chain(on_time, sums_late(session, self.start, self.end)):
                if _is_nothing(each):
                    continue
                covered = bought.covers(each, each.booked_at if closed is None else micros(closed))
                yield self._use(each, closed, step) | ({"BilledCost": _money(0)} if covered else {})
            for told, invoice in bought.invoiced(self.start, self.end):
                yield self._purchase(invoice, told)
            for told, each, more in bought.billed_anew(session, self.start, self.end):
                row = self._use(each, told, step)
                yield row | _billed_otherwise(row, more)
            yield from self._clauses(session)

    @cached_property
    def _applied(self) -> AppliedCommitments:
        return AppliedCommitments(self.books.case, self.books.terms)

    @property
    def unknown(self) -> int:
        """How many uses of that time are on the books of which it is not known how much there was, or at what price."""
        with self.books.store.reading() as session:
            time = micros(self.start), micros(self.end)
            return session.number("SELECT SUM(unknown) FROM sums WHERE start >= ? AND start < ?", time)

    def save(self, path: Path) -> int:
        """Write a CSV file, whole or not at all; how many rows it has. Raises LedgerError and OSError."""
        return save_rows(path, COLUMNS, self.rows())

    # -- use -------------------------------------------------------------------------------------------------------
    def _use(self, each: LineSum, closed: datetime | None, step: timedelta) -> FocusRow:
        """A row of use; ``closed``: it came late, when the books were closed up to that day."""
        start, end = at_micros(each.start), at_micros(each.end)
        end = start + step if start == end else end
        of = each.of
        offer = next((o for o in self.books.case.offers if o.id == of.offer.get("offer")), None)
        reserved = offer is not None and offer.reserved and of.kind != "egress"
        billed = closed or at_micros(each.booked_at)
        found = self._head(of.offer.get("provider", "unknown"), start, end, each.net, billed)
        found |= self._quantity(each, offer) | _service(of) | self._place(of) | self._priced(each, offer)
        found |= {
            "ChargeCategory": "Usage",
            "ChargeDescription": _described(of),
            "ChargeFrequency": "Usage-Based",
            "ContractedCost": _money(each.net),
            "ListCost": _money(each.listed),
            "PricingCategory": "Committed" if reserved else "Standard",
            "SkuId": of.offer.get("offer", ""),
            "SkuPriceId": of.offer.get("offer", ""),
            "x_Calls": str(each.count if of.kind == "use" else 0),
            "x_ContractApplied": self._applied.of(each),
            "x_InputTokens": str(each.tokens[0]),
            "x_CachedTokens": str(each.tokens[1]),
            "x_OutputTokens": str(each.tokens[3]),
            "x_TakenOff": json.dumps({term: _money(amount) for (term, _, _), amount in sorted(each.off.items())}),
        }
        found |= _tagged(of) | (_committed(of, found) if reserved else {})
        return found | _correcting(booked_on(start, closed)[1])

    @staticmethod
    def _quantity(each: LineSum, offer: AnyOffer | None) -> FocusRow:
        """What was priced: tokens, or hours of accelerators; of what has no quantity, one charge.

        A difference to what was paid for use is of money alone: none of its quantity.
        """
        if offer is None or each.of.kind == "egress" or not (each.taken or each.tokens[0] or each.tokens[3]):
            amount, unit = Decimal(1), "Charges"
        elif isinstance(offer, GpuOffer):
            amount, unit = of_nanos(each.taken), "GPU-Hours"
        elif isinstance(offer, TokenOffer):
            amount, unit = Decimal(each.tokens[0] + each.tokens[3]), "Tokens"
        else:
            amount, unit = of_nanos(each.taken * 10**6), "Tokens"
        meter = {"Tokens": "Tokens", "GPU-Hours": "Accelerators"}.get(unit, "Charge")
        consumed = Decimal(0) if each.of.kind == "reserved" else amount
        return {
            "ConsumedQuantity": number(consumed), "ConsumedUnit": unit, "PricingQuantity": number(amount),
            "PricingUnit": unit,
            "SkuMeter": meter,
        }  # fmt: skip

    def _priced(self, each: LineSum, offer: AnyOffer | None) -> FocusRow:
        """In which currency it is priced, and what it costs in that: what was converted, at its day's rate, back."""
        stated = None if offer is None or each.of.kind == "egress" else rate_of(offer, each)
        currency, rate = stated or (self.books.case.currency, Fraction(1))
        return {"PricingCurrency": currency, "PricingCurrencyEffectiveCost": _money(round(each.net / rate))}

    def _place(self, of: UseClass) -> FocusRow:
        region = of.offer.get("region", "")
        name = of.offer.get("offer") or of.kind
        return {
            "RegionId": region, "RegionName": region, "ResourceId": name, "ResourceName": name,
            "ResourceType": of.offer.get("product", "service"),
        }  # fmt: skip

    def _purchase(self, invoice: PurchaseInvoice, told: datetime | None) -> FocusRow:
        """A reservation that is invoiced: its cost is billed here, and is effective as it is used, or stands idle.

        ``told``: up to when the books were closed, where it is of a time that they were closed for.
        """
        case, of, start = self.books.case, invoice.of, invoice.at
        offer = next(o for o in case.offers if o.id == of.offer)
        facts = case.offer_facts[of.offer]
        bought = UseClass("reserved", None, facts)
        unit = "GPUs" if isinstance(offer, GpuOffer) else "Units"
        once = invoice.parts == 1
        until = f"{at_micros(of.start):%Y-%m-%d} to {at_micros(of.end):%Y-%m-%d}"
        return self._head(facts.get("provider", "unknown"), start, start + 24 * HOURS, invoice.net, told) | {
            **_service(bought), **self._place(bought),
            "EffectiveCost": _money(0), "PricingCurrencyEffectiveCost": _money(0),
            "ChargeCategory": "Purchase", "ChargeFrequency": "One-Time" if once else "Recurring",
            "ChargeDescription": f"{of.units:,} of {of.offer}, reserved from {until}",
            "ContractedCost": _money(invoice.net), "ListCost": _money(invoice.listed),
            "PricingCategory": "Committed", "PricingQuantity": number(Decimal(of.units)), "PricingUnit": unit,
            "SkuId": of.offer, "SkuPriceId": of.offer, "SkuMeter": "Reservation",
            "CommitmentDiscountCategory": "Usage", "CommitmentDiscountId": of.offer,
            "CommitmentDiscountName": of.offer, "CommitmentDiscountType": "Reservation",
            "CommitmentDiscountQuantity": number(Decimal(of.units)), "CommitmentDiscountUnit": unit,
        } | _correcting(booked_on(start, told)[1])  # fmt: skip

    # -- clauses ---------------------------------------------------------------------------------------------------
    def _clauses(self, session: Session) -> Iterator[FocusRow]:
        """What clauses charge or give back, as it was booked: each entry is a row."""
        days = f"{self.start:%Y-%m-%d}", f"{self.end:%Y-%m-%d}"
        rows = session.all(
            "SELECT day, account, amount, adjusts FROM entries WHERE day >= ? AND day < ?"
            " AND (account LIKE 'clause/%' OR account LIKE 'rounding/%') ORDER BY batch, n",
            days,
        )
        for day, account, amount, adjusts in rows:
            if account.startswith("rounding/"):
                yield self._rounding(str(day), account, int(amount))
                continue
            _, party, agreement, clause, part = account.split("/", 4)
            yield self._clause(str(day), party, int(amount)) | {
                "ChargeDescription": f"{part} of {clause}" + (f", for {adjusts}" if adjusts else ""),
                "SkuId": clause, "SkuPriceId": clause, "ResourceId": clause, "ResourceName": clause,
                "x_Agreement": agreement, "x_Clause": clause, "x_Part": part,
            } | _correcting(str(adjusts))  # fmt: skip

    def _rounding(self, day: str, account: str, amount: int) -> FocusRow:
        """What rounding adds to an invoice, or takes off it."""
        _, party, agreement = account.split("/", 2)
        return self._clause(day, party, amount) | {
            "ChargeCategory": "Adjustment", "ChargeDescription": "rounding of the invoice",
            "SkuId": "rounding", "SkuPriceId": "rounding", "SkuMeter": "Rounding",
            "ResourceId": agreement, "ResourceName": agreement, "x_Agreement": agreement, "x_Part": "rounding",
        }  # fmt: skip

    def _clause(self, day: str, party: str, amount: int) -> FocusRow:
        start = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        category, subcategory = OTHER
        return self._head(party, start, start + 24 * HOURS, amount) | {
            "ChargeCategory": "Credit" if amount < 0 else "Adjustment",
            "ChargeFrequency": "One-Time",
            "ContractedCost": _money(amount), "ListCost": _money(amount),
            "ResourceType": "clause", "ServiceCategory": category, "ServiceSubcategory": subcategory,
            "ServiceName": "Agreement", "SkuMeter": "Clause",
        }  # fmt: skip

    def _head(self, party: str, start: datetime, end: datetime, net: int, billed: datetime | None = None) -> FocusRow:
        """Who bills whom for when, and how much; ``billed``: in the billing period of another day."""
        case = self.books.case
        begin = (billed or start).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        name = case.providers[party].name if party in case.providers else party
        return {
            "BilledCost": _money(net), "EffectiveCost": _money(net), "BillingCurrency": case.currency,
            "BillingAccountId": case.declared.name, "BillingAccountName": case.declared.display_name,
            "BillingPeriodStart": _time(begin), "BillingPeriodEnd": _time(later(begin, Span(1, "month"))),
            "ChargePeriodStart": _time(start), "ChargePeriodEnd": _time(end),
            "InvoiceIssuerName": name, "ProviderName": name, "PublisherName": name,
            "PricingCurrency": case.currency, "PricingCurrencyEffectiveCost": _money(net),
        }  # fmt: skip


def _is_nothing(each: LineSum) -> bool:
    """Whether a row would say that nothing of what is reserved stood idle, and at no other price than was booked."""
    return each.of.kind in ("idle", "reserved") and not (each.taken or each.listed or each.net)


def _correcting(period: str) -> FocusRow:
    """What names the closed period that a charge corrects; nothing where it corrects none.

    The specification lets a correction say how much of a commitment it is of, and the official validator does not.
    """
    unsaid = {"CommitmentDiscountQuantity": "", "CommitmentDiscountUnit": ""}
    return {"ChargeClass": "Correction", "x_Adjusts": period} | unsaid if period else {}


def _billed_otherwise(row: FocusRow, more: int) -> FocusRow:
    """Of use that was billed before, and is no use of this time: how much more of it is billed, and nothing else.

    What was consumed is none of it, and not unsaid: the specification allows that, and the official validator does not.
    """
    nothing = ("EffectiveCost", "ListCost", "ContractedCost", "PricingCurrencyEffectiveCost")
    unsaid = ("PricingQuantity", "PricingUnit", "x_ContractApplied")
    counts = ("x_Calls", "x_InputTokens", "x_CachedTokens", "x_OutputTokens")
    found = dict.fromkeys(nothing, _money(0)) | dict.fromkeys(unsaid, "") | dict.fromkeys(counts, "0")
    found |= {"ConsumedQuantity": number(Decimal(0))} if row["ConsumedQuantity"] else {}
    return found | {"BilledCost": _money(more), "x_TakenOff": "{}"}


def _service(of: UseClass) -> FocusRow:
    product = "egress" if of.kind == "egress" else of.offer.get("product", "")
    category, subcategory = SERVICES.get(product, OTHER)
    names = (of.offer.get(key) for key in ("model", "accelerator", "product"))
    name = "Data transfer" if of.kind == "egress" else next(filter(None, names), "Service")
    return {"ServiceCategory": category, "ServiceSubcategory": subcategory, "ServiceName": name}


def _committed(of: UseClass, found: FocusRow) -> FocusRow:
    """Of capacity that is reserved: which, how much of it, and whether it was used: so is what was paid for use."""
    name, used = of.offer.get("offer", ""), of.kind == "use" or of.demand is not None
    return {
        "CommitmentDiscountCategory": "Usage", "CommitmentDiscountId": name, "CommitmentDiscountName": name,
        "CommitmentDiscountQuantity": found["ConsumedQuantity"], "CommitmentDiscountType": "Reservation",
        "CommitmentDiscountStatus": "Used" if used else "Unused", "CommitmentDiscountUnit": found["ConsumedUnit"],
    } | ({} if used else {"ConsumedQuantity": "", "ConsumedUnit": ""})  # fmt: skip


def _tagged(of: UseClass) -> FocusRow:
    """Labels as tags; of what serves nobody, none."""
    demand = of.demand or {}
    labels = {key: value for key, value in sorted(demand.items()) if key not in ("workload", "kind")}
    return {"Tags": json.dumps(labels), "x_Workload": demand.get("workload", "")}


def _described(of: UseClass) -> str:
    sold = of.offer.get("offer") or of.offer.get("product", "service")
    if of.kind == "idle":
        return f"{sold}, reserved and not used"
    if of.kind == "reserved":
        return f"{sold}: the difference to the price that was reserved"
    who = (of.demand or {}).get("workload", "use that states no workload")
    return f"data moved for {who}" if of.kind == "egress" else f"{sold}, used by {who}"


def _money(nanos: int) -> str:
    return number(of_nanos(nanos))


def number(amount: Decimal) -> str:
    """A number as readers of CSV take it for a decimal, whole or not: ``3.0``."""
    text = plain(amount)
    return text if "." in text else f"{text}.0"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
