"""A mapping: how the rows of a provider's bill, or of any export of use, become use on the books.

Owns: its keys, which columns three usual formats have, which rule a row falls under, and whether a mapping fits its
case. Not here: reading rows (``bill_rows``), and adding them (``bill_ingest``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from detente.case.case import Case
from detente.case.declared import read_noun
from detente.case.document import Document
from detente.contract.roles import PriceChange
from detente.demand.taking import taken_by_work
from detente.demand.workload import AnyWorkload, can_run
from detente.errors import CaseError, Flaw, FlawError, Mistake
from detente.market.offer import GpuOffer, TokenOffer
from detente.market.provider import OFFERED
from detente.values.facts import OFFER_KEYS, RESERVED, Facts
from detente.values.likeness import did_you_mean
from detente.values.noun import Id, Label, Noun, Title
from detente.values.quantity_field import Count
from detente.values.text import one_line
from detente.values.zone import Zone

BillFormat = Literal["focus", "aws-cur", "azure-usage"]

COLUMNS: dict[str, dict[str, str]] = {
    "focus": {
        "start": "chargeperiodstart", "end": "chargeperiodend", "quantity": "consumedquantity", "listed": "listcost",
        "net": "billedcost", "currency": "billingcurrency",
    },
    "aws-cur": {
        "start": "lineitemusagestartdate", "end": "lineitemusageenddate", "quantity": "lineitemusageamount",
        "listed": "pricingpublicondemandcost", "net": "lineitemunblendedcost", "currency": "lineitemcurrencycode",
    },
    "azure-usage": {
        "start": "date|usagedatetime", "quantity": "quantity|usagequantity", "net": "costinbillingcurrency|pretaxcost",
        "currency": "billingcurrency(code)?|currency",
    },
}  # fmt: skip
"""Patterns of the names of columns, of letters and digits alone: FOCUS 1.0 to 1.2, AWS cost and usage reports (1 and
2), Azure usage details. A format without ``end`` is by the day."""
TELLING = (
    "lineitemid|identitylineitemid|invoiceid|resourceid|skuid|skupriceid|subaccountid|regionid|chargedescription"
    "|chargecategory|chargeclass|commitmentdiscountid|meterid|instanceid|resourcename"
)
"""Columns that tell like rows apart, where they are there."""
OWN_LINE = "lineitemid|identitylineitemid"
"""The provider's own id of a line: where rows of two files have it and say the same, one is a copy.

Two lines of one report may have one id, and two versions of a report have different ones: AWS's user guide of Cost and
Usage Reports, identity/LineItemId. FOCUS up to 1.2 and Azure's details have no such id.
"""


class BillColumns(Noun):
    """Which columns are what; those of a ``format`` need no mention."""

    start: Title | None = Field(default=None, description="when the use began")
    end: Title | None = Field(default=None, description="when it ended; default: a day after it began")
    quantity: Title | None = Field(default=None, description="how much, where a rule counts `tokens`")
    listed: Title | None = Field(default=None, description="what the provider says it costs at list price")
    net: Title | None = Field(default=None, description="what the provider charges")
    currency: Title | None = Field(default=None, description="of its money; default: the case's")


ColumnText = Annotated[str, StringConstraints(max_length=200), AfterValidator(one_line)]
"""What may stand in a column: nothing, too."""


class BillRule(Noun):
    """Which rows it is for, and what they are."""

    where: dict[Title, ColumnText | Annotated[tuple[ColumnText, ...], Field(min_length=1)]] = Field(
        default={}, description="by column, what must stand in it: a text, with `*` for anything; or several"
    )
    skip: bool = Field(default=False, description="these rows are no use of this case: tax, say")
    offer: Id | None = Field(default=None, description="what was used, of the case's offers")
    sold: dict[str, Label] = Field(default={}, description="what was used, where the case has no such offer: its facts")
    workload: Id | None = Field(default=None, description="who used it; default: not known")
    labels: dict[Id, Label] = Field(default={}, description="labels beside those of the workload")
    tokens: Literal["input", "cached", "output"] | None = Field(
        default=None, description="what the quantity counts: the row is rated at the case's prices"
    )
    hours: bool = Field(
        default=False, description="the quantity counts hours of the offer: GPU-hours, or hours of a provisioned unit"
    )
    invoice: bool = Field(
        default=False, description="an invoice of what is reserved of the `offer`: no use; `reconcile` holds it to ours"
    )
    per: Count = Field(default=1, description="tokens, or hours, in one unit of the quantity")
    discount: Id | None = Field(default=None, description="the clause that takes off what `net` is below `listed`")

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if self.skip and (self.offer or self.sold or self.tokens or self.hours):
            raise FlawError("the rule skips its rows, and says what they are", "keep one of them", ("skip",))
        if not self.skip and bool(self.offer) == bool(self.sold):
            raise FlawError("a rule names an `offer`, or what was `sold`", "write one of them, or `skip: true`")
        if self.tokens and not self.offer:
            raise FlawError("`tokens` are rated by an offer", "name the `offer`", ("tokens",))
        if self.hours and (self.tokens or not self.offer):
            raise FlawError("`hours` are of an offer, and no tokens", "name the `offer`, and no `tokens`", ("hours",))
        if self.invoice and (self.skip or self.tokens or self.hours or not self.offer):
            what = "an `invoice` is of a reserved `offer`, and counts no use"
            raise FlawError(what, "name the `offer`, and no `tokens` or `hours`", ("invoice",))
        return self

    @property
    def no_use(self) -> bool:
        """Whether its rows put nothing on the books: they are skipped, or invoices."""
        return self.skip or self.invoice

    def fits(self, values: Mapping[str, str]) -> bool:
        """Whether it is for a row, by the values of its columns."""
        return all(any(fnmatchcase(values[c], p) for p in patterns) for c, patterns in self.patterns)

    @cached_property
    def patterns(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Columns, and what may stand in each, as ``fnmatch`` writes it: only ``*`` stands for anything."""
        stated = ((c, (given,) if isinstance(given, str) else given) for c, given in self.where.items())
        return tuple((c, tuple(re.sub(r"[\[?]", r"[\g<0>]", text) for text in texts)) for c, texts in stated)


class BillMapping(Noun):
    """How the rows of a bill become use. The first rule that fits a row is its own."""

    format: BillFormat | None = Field(default=None, description="by which names its columns are known")
    columns: BillColumns = BillColumns()
    zone: Zone = Field(default="UTC", description="of times that name no zone of their own")
    rules: tuple[BillRule, ...] = Field(min_length=1)

    @property
    def asked(self) -> tuple[str, ...]:
        """The columns that rules ask for, each once."""
        return tuple(dict.fromkeys(column for rule in self.rules for column in rule.where))


def read_mapping(path: Path, case: Case) -> BillMapping:
    """The mapping in a file. Raises CaseError with every mistake, those against the case among them."""
    document = Document.read(path)
    mistakes: list[Mistake] = []

    def report(flaw: Flaw) -> None:
        mistakes.append(Mistake(document.where(flaw.path, key=flaw.key), flaw.what, flaw.remedy))

    found = read_noun(BillMapping, document.data() or {}, report)
    for n, rule in enumerate(found.rules if found is not None else ()):
        for flaw in _flaws(rule, case):
            report(Flaw(flaw.what, flaw.remedy, ("rules", n, *flaw.path)))
    if mistakes or found is None:
        raise CaseError(mistakes)
    return found


def facts_of(rule: BillRule, case: Case) -> tuple[Facts, Facts]:
    """What clauses may ask of the rows of a rule: who used it, and what was used."""
    sold = case.offer_facts[rule.offer] if rule.offer else _placed(rule.sold, case)
    workload = workload_of(rule, case)
    if workload is None:
        return {**rule.labels}, sold  # somebody used it: what is not known of them is unknown, and not nobody
    return {**workload.labels, **rule.labels, "workload": workload.id, "kind": workload.kind}, sold


def _placed(sold: Facts, case: Case) -> Facts:
    """Facts of what was sold, with the country in which its region lies, where its provider has that region."""
    provider, region = case.providers.get(sold.get("provider", "")), sold.get("region", "")
    return sold if provider is None or region not in provider.regions else {**provider.placed(sold, region), **sold}


def workload_of(rule: BillRule, case: Case) -> AnyWorkload | None:
    """The workload of a rule."""
    return next((w for w in case.workloads if w.id == rule.workload), None)


def taken_in_hour(rule: BillRule, case: Case) -> Fraction | None:
    """What an hour of a row takes of its offer, in the offer's own unit; None where its quantity counts no hours."""
    offer = next((o for o in case.offers if rule.hours and o.id == rule.offer), None)
    if offer is None or isinstance(offer, TokenOffer):
        return None
    return Fraction(1) if isinstance(offer, GpuOffer) else offer.unit_flow


def work_in_hour(rule: BillRule, case: Case) -> Fraction | None:
    """The work in an hour of a row: of work that is counted in GPU-hours, on accelerators whose rate it states."""
    workload, taken = workload_of(rule, case), taken_in_hour(rule, case)
    offer = next((o for o in case.offers if o.id == rule.offer), None)
    if workload is None or offer is None or not taken or workload.unit != "GPU-hour" or not can_run(workload, offer):
        return None
    return taken / taken_by_work(workload, offer)


def revenue_in_hour(rule: BillRule, case: Case) -> Fraction | None:
    """What the work in an hour of a row earns; nothing where its workload states none, and None where it is not known.

    That is so where nobody knows whose use it is, how much work that is, or what it earns at which time of the row.
    """
    workload, work = workload_of(rule, case), work_in_hour(rule, case)
    if workload is None:
        return None
    if workload.revenue is None:
        return Fraction(0)
    if work is None or not workload.always("revenue"):
        return None
    return work * workload.earns(case.declared.horizon.opens)


def _flaws(rule: BillRule, case: Case) -> Iterator[Flaw]:
    """What of a rule does not fit the case."""
    if rule.skip:
        return
    known = {
        "offer": (rule.offer, {o.id for o in case.offers}),
        "workload": (rule.workload, {w.id for w in case.workloads}),
        "discount": (rule.discount, {t.id for t in case.signed if isinstance(t, PriceChange)}),
    }
    wrong = [(k, name, names) for k, (name, names) in known.items() if name is not None and name not in names]
    for key, name, names in wrong:
        yield Flaw(f"the case has no {key} `{name}`", did_you_mean(name, names), (key,))
    for fact in rule.sold:
        if fact not in OFFER_KEYS:
            yield Flaw(f"`{fact}` is no fact of what is sold", did_you_mean(fact, OFFER_KEYS), ("sold", fact))
    if rule.sold:
        yield from _sold(rule.sold, case)
    for label in rule.labels:
        if label in RESERVED:
            yield Flaw(f"`{label}` is no label", "leave it out; it follows from the rest", ("labels", label))
    if not wrong and rule.invoice:
        yield from _uninvoiced(rule, case)
    elif not wrong and rule.hours and taken_in_hour(rule, case) is None:
        yield Flaw(f"`{rule.offer}` is paid by the token, and has no hours", "say what `tokens` it counts", ("hours",))
    elif not wrong and rule.tokens and rule.workload is None:
        yield from _anybody_s(rule, case)
    elif not wrong and rule.tokens is None:
        said = {"taken": taken_in_hour(rule, case), "work": work_in_hour(rule, case)}
        said["revenue"] = revenue_in_hour(rule, case)
        yield from _uncounted(rule, case, {measure for measure, each in said.items() if each is None})


def _sold(sold: Facts, case: Case) -> Iterator[Flaw]:
    """What was sold, and the case knows nothing of: a clause that asks for it would count none of it."""
    provider, product = case.providers.get(sold.get("provider", "")), sold.get("product")
    if provider is None:
        given = sold.get("provider", "")
        yield Flaw("`sold` names no provider of the case", did_you_mean(given, case.providers), ("sold",))
        return
    known = (*OFFERED, "egress", *provider.also_sells)
    if provider.also_sells and product is not None and product not in known:
        remedy = f"add it to its `also-sells`, or correct it: {did_you_mean(product, known)}"
        yield Flaw(f"`{provider.id}` sells no `{product}`", remedy, ("sold", "product"))
    region = sold.get("region")
    if region is not None and region not in provider.regions:
        asked = (key for term in case.signed for meter in term.meters() for key in meter.selection.keys)
        if not {"region", "country"}.isdisjoint(asked):
            what = f"`{provider.id}` has no region `{region}`, and clauses ask for regions or countries"
            remedy = f"add it to its `regions`, or correct it: {did_you_mean(region, provider.regions)}"
            yield Flaw(what, remedy, ("sold", "region"))


def _uninvoiced(rule: BillRule, case: Case) -> Iterator[Flaw]:
    offer = next(each for each in case.offers if each.id == rule.offer)
    if offer.invoicing is None:
        remedy = "say `invoiced:` of the offer, or `hours: true` where the rows count its hours"
        yield Flaw(f"`{offer.id}` does not say when it is invoiced", remedy, ("invoice",))


def _anybody_s(rule: BillRule, case: Case) -> Iterator[Flaw]:
    """Tokens of nobody knows whom are rated where the price is the same for all who may have used them."""
    offer = next(each for each in case.offers if each.id == rule.offer)
    if not isinstance(offer, TokenOffer):
        yield Flaw(f"what tokens take of `{offer.id}` turns on the workload", "name the `workload`", ("tokens",))
        return
    can = [workload for workload in case.workloads if workload.unit == "Mtok" and can_run(workload, offer)]
    if offer.sells_batches() and any(workload.in_batches for workload in can):
        what = f"`{offer.id}` sells batches at another price, and which work these tokens are of is not said"
        yield Flaw(what, "name the `workload`", ("tokens",))
    moves = next((workload.id for workload in can if case.egress(workload, offer)[0]), None)
    if moves is not None:
        what = f"moving the data of `{moves}` to `{offer.id}` costs something, and whose these tokens are is not said"
        yield Flaw(what, "name the `workload`", ("tokens",))
    yield from _uncounted(rule, case, {"revenue"})


def _uncounted(rule: BillRule, case: Case, unsaid: Set[str]) -> Iterator[Flaw]:
    """Clauses that count what a row does not say: what is not known is never zero (§2)."""
    demand, sold = facts_of(rule, case)
    for term in case.signed:
        counts = [m for m in term.meters() if m.measure in unsaid and m.selection.covers(demand, sold) is not False]
        if counts:
            what = f"`{term.id}` counts {counts[0].measure} of these rows, which {_saying(rule)} not say"
            remedy = "name the `workload`" if rule.tokens else _countable(sold, counts[0].measure, term.id)
            yield Flaw(what, remedy, ("hours" if rule.hours else "tokens",))


def _saying(rule: BillRule) -> str:
    return "their tokens do" if rule.tokens else "their hours do" if rule.hours else "their money does"


def _countable(sold: Facts, measure: str, term: str) -> str:
    """What helps: tokens and hours can be counted."""
    if sold.get("product") in (None, "tokens"):
        return "say what their quantity counts: `tokens:`"
    if measure == "revenue":
        return (
            f"name the `workload`, with `hours` where it earns anything, or narrow `of` of `{term}` by what it runs on"
        )
    if measure == "taken":
        return "say that their quantity counts hours of an `offer`: `hours: true`"
    return f"narrow `of` of `{term}`, or skip these rows and tell them otherwise"


def named_columns(mapping: BillMapping) -> dict[str, Any]:
    """The names that the mapping states, by role."""
    return {role: getattr(mapping.columns, role) for role in ("start", "end", "quantity", "listed", "net", "currency")}
