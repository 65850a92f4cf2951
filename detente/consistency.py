"""Whether the entries of a case fit together.

Owns: every check that needs more than one entry: names that refer to nothing, clauses that select nothing, offers
that nobody can use, cycles. It finds all mistakes and never stops at the first. Not here: the form of one entry
(its own class checks that), and whether the clauses can be met together (``planner``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from detente.agreement import Agreement, InForce, cycle, in_force
from detente.dated import Dated
from detente.declared import Declared
from detente.document import Document
from detente.errors import CaseError, Mistake, Where, did_you_mean
from detente.money import Money, Price
from detente.network import egress_price
from detente.offer import AnyOffer, GpuOffer, ProvisionedOffer
from detente.period import Period, each_period, later, moment
from detente.scope import DEMAND_KEYS, OFFER_KEYS, Facts, Scope
from detente.term import SELF, Term, Until
from detente.terms import Credit, Discount, TakeOrPay
from detente.terms import Share as ShareTerm
from detente.workload import AnyWorkload, Mix, Training

Entry = tuple[Any, Any, Document, tuple[str | int, ...]]


def with_data(workload: AnyWorkload, folder: Path) -> AnyWorkload:
    """A workload with its trace or table read, and its mix taken from there unless it states one."""
    if isinstance(workload, Training):
        return workload
    source = workload.demand.trace or workload.demand.table
    if source is None:
        return workload
    read = source.read(folder)
    name = "trace" if workload.demand.trace else "table"
    update: dict[str, Any] = {"demand": workload.demand.model_copy(update={name: read})}
    if workload.mix is None and workload.runs_on.models:
        output = Decimal(round(read.mix[0] * 10**9)).scaleb(-9)
        update["mix"] = Mix(output=f"{output * 100:f}%")
    return workload.model_copy(update=update)


def sources(declared: Declared) -> Iterator[Any]:
    """The traces and tables behind a case's demand."""
    for workload in declared.workloads:
        if not isinstance(workload, Training):
            source = workload.demand.trace or workload.demand.table
            if source is not None:
                yield source


def bind(declared: Declared, reading: str | None, without: frozenset[str]) -> tuple[Term, ...]:
    """Terms in force at some time, bound; the implied redundancy of workloads included. Raises CaseError."""
    events = {name: moment(on) if on else None for name, on in declared.events.items()}
    found = list(in_force([*declared.agreements, *_implied(declared)], events))
    disputed = [f.term.id for f in found if f.term.readings and f.term.id not in without]
    if disputed and reading is None:
        names = ", ".join(f"`{n}`" for f in found for n in f.term.readings)
        what = f"`{disputed[0]}` has several readings and none is chosen"
        raise CaseError([Mistake(Where("reading"), what, f"say `--reading`, or `reading:` in case.yaml: {names}")])
    return tuple(f.term.bound(f.force, reading) for f in found if f.term.id not in without)


def _implied(declared: Declared) -> list[Agreement]:
    """A workload's ``survives`` is a policy of its owner: a redundancy clause, like any other."""
    terms = [
        {"id": f"{w.id}.survives", "kind": "redundancy", "survives": f"{w.survives * 100:f}%", "of": {"workload": w.id}}
        for w in declared.workloads
        if w.survives
    ]
    if not terms:
        return []
    policy = {"id": "survival", "with": SELF, "effective": str(declared.horizon.start), "terms": terms}
    return [Agreement.model_validate(policy)]


class World:
    """All entries of a case with their places."""

    def __init__(
        self,
        head: Declared | None,
        entries: dict[str, list[Entry]],
        from_catalogs: list[Entry],
        heads: dict[str, tuple[Document, Any]],
    ) -> None:
        self.head, self.entries, self.heads = head, entries, heads
        self.entries = {**entries, "offers": [*entries["offers"], *from_catalogs]}
        self.found: list[Mistake] = []
        self.providers = {e.id: e for e, *_ in entries["providers"] if e is not None}
        self.offers: list[AnyOffer] = [e for e, *_ in self.entries["offers"] if e is not None]
        self.workloads: list[AnyWorkload] = [e for e, *_ in entries["workloads"] if e is not None]
        self.periods: tuple[Period, ...] = head.horizon.periods() if head else ()

    def declared(self) -> Declared:
        """The whole, once there are no mistakes."""
        assert self.head is not None
        parts = {name: tuple(e for e, *_ in found) for name, found in self.entries.items()}
        return self.head.model_copy(update=parts)

    def mistakes(self) -> list[Mistake]:
        """Every mistake."""
        self._ids()
        self._currency()
        self._places()
        self._offers()
        self._arcs()
        self._agreements()
        if self.head is not None and all(e is not None for e, *_ in self.entries["agreements"]):
            self._terms()
        return self.found

    def _wrong(self, entry: Entry, path: Sequence[str | int], what: str, remedy: str = "", *, key: bool = False) -> None:
        _, raw, document, base = entry
        self.found.append(Mistake(document.where((*base, *path), key=key), what, remedy))

    def _names(self, section: str) -> set[str]:
        """Ids as written, those of entries that did not read included: they are not also unknown."""
        return {str(raw["id"]) for _, raw, *_ in self.entries[section] if isinstance(raw, dict) and "id" in raw}

    # -- names -------------------------------------------------------------------------------------------------
    def _ids(self) -> None:
        for section in ("providers", "offers", "workloads", "agreements", "scenarios"):
            seen: dict[str, Entry] = {}
            for entry in self.entries[section]:
                raw = entry[1]
                name = raw.get("id") if isinstance(raw, dict) else None
                if not isinstance(name, str):
                    continue
                if name in seen:
                    first = seen[name][2].where((*seen[name][3], "id"))
                    self._wrong(entry, ("id",), f"`{name}` is declared twice, first at {first}", "rename one")
                seen.setdefault(name, entry)
        for section, what in (("offers", "offer"), ("workloads", "workload"), ("providers", "provider")):
            if not self.entries[section] and self.head is not None and "name" in self.heads:
                where = self.heads["name"][0].where()
                self.found.append(Mistake(where, f"the case has no {what}", f"add a `{section}:` section"))

    def _currency(self) -> None:
        if self.head is None:
            return
        for found in self.entries.values():
            for entry in found:
                for path, currency in _currencies(entry[0]):
                    if currency != self.head.currency:
                        what = f"is in {currency}, and the case is in {self.head.currency}"
                        self._wrong(entry, path, what, "one currency a case: convert it")

    def _provider(self, entry: Entry, path: Sequence[str | int], name: str) -> bool:
        if name in self._names("providers"):
            return True
        self._wrong(entry, path, f"there is no provider `{name}`", did_you_mean(name, self._names("providers")))
        return False

    def _region(self, entry: Entry, path: Sequence[str | int], provider: str, region: str) -> None:
        known = self.providers.get(provider)
        if known is not None and region not in known.regions:
            what = f"`{provider}` has no region `{region}`"
            self._wrong(entry, path, what, did_you_mean(region, known.regions) or "declare it under the provider")

    def _place(self, entry: Entry, path: Sequence[str | int], place: str) -> None:
        provider, _, region = place.partition("/")
        if place != "*" and self._provider(entry, path, provider) and region:
            self._region(entry, path, provider, region)

    def _places(self) -> None:
        for entry in self.entries["offers"]:
            if entry[0] is not None and self._provider(entry, ("provider",), entry[0].provider):
                self._region(entry, ("region",), entry[0].provider, entry[0].region)
        for entry in self.entries["networks"]:
            if entry[0] is not None:
                self._place(entry, ("from",), entry[0].from_)
                self._place(entry, ("to",), entry[0].to)
        for entry in self.entries["workloads"]:
            if entry[0] is not None and entry[0].data is not None:
                self._place(entry, ("data", "at"), entry[0].data.at)

    # -- offers and workloads ----------------------------------------------------------------------------------
    def _offers(self) -> None:
        if self.head is None:
            return
        end = moment(self.head.horizon.end)
        for entry in self.entries["offers"]:
            offer = entry[0]
            if isinstance(offer, ProvisionedOffer | GpuOffer) and offer.term and offer.cut == "refuse":
                if later(moment(self.head.horizon.start), offer.term) > end:
                    what = f"a term of {offer.term} is longer than the horizon, so it can never be bought"
                    self._wrong(entry, ("term",), what, "say `cut: prorate`, or plan a longer horizon")
            if isinstance(offer, ProvisionedOffer):
                bad = [p for p in offer.price.values() if p.unit == "GPU-hour"]
                if bad:
                    self._wrong(entry, ("price",), f"`{bad[0]}`: a provisioned unit has no GPU-hours", "per unit-hour")

    def _arcs(self) -> None:
        """Offers that nobody can use, workloads that nothing serves, and prices that an arc needs."""
        used: set[str] = set()
        whole = all(e is not None for e, *_ in [*self.entries["offers"], *self.entries["workloads"]])
        for entry in self.entries["workloads"]:
            workload = entry[0]
            if workload is None:
                continue
            fits = [o for o in self.offers if can_run(workload, o)]
            used |= {o.id for o in fits}
            if not fits and whole:
                wants = [*workload.runs_on.models, *workload.runs_on.accelerators]
                has = {o.accelerator if isinstance(o, GpuOffer) else o.model for o in self.offers}
                spot = [o for o in self.offers if can_run(workload, o, spot=True)]
                hint = "only spot offers fit: say `interruptible: true`" if spot else did_you_mean(wants[0], has)
                self._wrong(entry, ("runs-on",), f"no offer can serve `{workload.id}`", hint)
            if any(not isinstance(o, GpuOffer) for o in fits) and workload.mix is None:
                self._wrong(entry, (), f"`{workload.id}` runs on models and has no `mix`", "mix: { output: 20% }")
            self._egress(entry, workload, fits)
            if isinstance(workload, Training):
                self._deadline(entry, workload)
        for entry in self.entries["offers"]:
            if entry[0] is not None and whole and entry[0].id not in used:
                offer = entry[0]
                what = offer.accelerator if isinstance(offer, GpuOffer) else offer.model
                known = {n for w in self.workloads for n in (*w.runs_on.models, *w.runs_on.accelerators)}
                self._wrong(entry, (), f"no workload can use `{offer.id}` ({what})", did_you_mean(what, known))

    def _egress(self, entry: Entry, workload: AnyWorkload, offers: Sequence[AnyOffer]) -> None:
        if workload.data is None or not workload.data.moves[0] or self.head is None:
            return
        networks = [e for e, *_ in self.entries["networks"] if e is not None]
        if len(networks) < len(self.entries["networks"]):
            return
        for to in dict.fromkeys(f"{o.provider}/{o.region}" for o in offers):
            if to == workload.data.at:
                continue
            try:
                price = egress_price(networks, workload.data.at, to)
            except ValueError as error:
                self._wrong(entry, ("data",), str(error), "keep one of them")
                continue
            if price is None:
                what = f"no network price from `{workload.data.at}` to `{to}`, where `{workload.id}` could run"
                self._wrong(entry, ("data", "at"), what, "add it under `networks:` (0 if it is free)")

    def _deadline(self, entry: Entry, job: Training) -> None:
        if self.head is None:
            return
        horizon = self.head.horizon
        if job.deadline > horizon.end:
            what = f"the deadline {job.deadline} is after the horizon's end {horizon.end}"
            self._wrong(entry, ("deadline",), what, "move the deadline or the horizon")
        elif not job_periods(job, self.periods):
            what = f"no whole period lies between its start and its deadline {job.deadline}"
            self._wrong(entry, ("deadline",), what, "plan in finer periods")

    # -- agreements --------------------------------------------------------------------------------------------
    def _agreements(self) -> None:
        known = self._names("agreements")
        read = {e.id: e for e, *_ in self.entries["agreements"] if e is not None}
        for entry in self.entries["agreements"]:
            agreement = entry[0]
            if agreement is None:
                continue
            if agreement.with_ != SELF:
                self._provider(entry, ("with",), agreement.with_)
            if agreement.amends is None:
                continue
            if agreement.amends not in known:
                what = f"there is no agreement `{agreement.amends}` to amend"
                self._wrong(entry, ("amends",), what, did_you_mean(agreement.amends, known))
            earlier = read.get(agreement.amends)
            if earlier is not None and earlier.effective > agreement.effective:
                what = f"takes effect on {agreement.effective}, before what it amends ({earlier.effective})"
                self._wrong(entry, ("effective",), what)
            family = [a for a in read.values() if a.id in _ancestors(agreement, read)]
            terms = {t.id for a in family for t in a.terms}
            for index, name in enumerate(agreement.removes):
                if earlier is not None and name not in terms:
                    what = f"there is no term `{name}` in `{agreement.amends}`"
                    self._wrong(entry, ("removes", index), what, did_you_mean(name, terms))
        path = cycle(list(read.values()))
        if path:
            entry = next(e for e in self.entries["agreements"] if e[0] is not None and e[0].id == path[0])
            chain = " amends ".join(f"`{name}`" for name in [*path, path[0]])
            self._wrong(entry, ("amends",), f"amendments go in a circle: {chain}", "end the circle")
            self.entries["agreements"] = [(None, *e[1:]) for e in self.entries["agreements"]]

    def _terms(self) -> None:
        assert self.head is not None
        head = self.head
        agreements: list[Agreement] = [e for e, *_ in self.entries["agreements"]]
        events = {name: moment(on) if on else None for name, on in head.events.items()}
        standing = list(in_force(agreements, events))
        alive = {id(f.term) for f in standing}
        seen: dict[str, tuple[Agreement, Any]] = {}
        readings = {name for a in agreements for t in a.terms for name in t.readings}
        self._head_names(readings, {t.id for a in agreements for t in a.terms})
        for entry, agreement in zip(self.entries["agreements"], agreements, strict=True):
            family = _ancestors(agreement, {a.id: a for a in agreements})
            for index, term in enumerate(agreement.terms):
                path = ("terms", index)
                first = seen.get(term.id)
                if first and first[0].id not in family:
                    self._wrong(entry, (*path, "id"), f"term `{term.id}` is declared twice, first in `{first[0].id}`")
                seen.setdefault(term.id, (agreement, term))
                if isinstance(term.until, Until) and term.until.event not in events:
                    what = f"the event `{term.until.event}` is not declared under `events:`"
                    remedy = did_you_mean(term.until.event, events) if events else "say its day, or `not expected`"
                    self._wrong(entry, (*path, "until"), what, remedy)
                elif id(term) not in alive and not _amended(term, agreement, agreements):
                    self._wrong(entry, path, f"`{term.id}` is never in force: it ends before it starts")
                missing = readings - set(term.readings) if term.readings else set()
                for name in sorted(missing):
                    what = f"`{term.id}` has no reading `{name}`, which other clauses have"
                    self._wrong(entry, (*path, "readings"), what, "give each disputed clause every reading")
        for found in standing:
            index = found.path[1]
            assert isinstance(index, int)
            self._one_term(self.entries["agreements"][index], found)
        self._together([f.term.bound(f.force, r) for f in standing for r in (f.term.readings or [None])])

    def _head_names(self, readings: set[str], terms: set[str]) -> None:
        assert self.head is not None
        if self.head.reading and self.head.reading not in readings:
            document, _ = self.heads["reading"]
            what = f"no clause has a reading `{self.head.reading}`"
            self.found.append(Mistake(document.where(("reading",)), what, did_you_mean(self.head.reading, readings)))
        for entry in self.entries["scenarios"]:
            scenario = entry[0]
            if scenario is None:
                continue
            for name in scenario.events:
                if name not in self.head.events:
                    what = f"there is no event `{name}`"
                    self._wrong(entry, ("events", name), what, did_you_mean(name, self.head.events))
            if scenario.reading and scenario.reading not in readings:
                what = f"no clause has a reading `{scenario.reading}`"
                self._wrong(entry, ("reading",), what, did_you_mean(scenario.reading, readings))
            for index, name in enumerate(scenario.without):
                if name not in terms:
                    self._wrong(entry, ("without", index), f"there is no term `{name}`", did_you_mean(name, terms))

    def _one_term(self, entry: Entry, found: InForce) -> None:
        assert self.head is not None
        path = found.path[2:]
        written = [(("of",), found.term.of), *((("except", i), s) for i, s in enumerate(found.term.except_))]
        written += [(("on",), found.term.on)] if isinstance(found.term, ShareTerm) else []
        for name, reading in found.term.readings.items():
            written += [(("readings", name, "of"), reading.of)] if reading.of else []
            written += [(("readings", name, "except", i), s) for i, s in enumerate(reading.except_ or ())]
        good = True
        for where, scope in written:
            good &= self._scope(entry, (*path, *where), scope, found.term.id)
        provider = getattr(found.term, "provider", None)
        if provider is not None:
            good &= self._provider(entry, (*path, "provider"), provider)
        if isinstance(found.term, TakeOrPay):
            names = self._names("offers")
            if found.term.offer not in names:
                what = f"there is no offer `{found.term.offer}`"
                self._wrong(entry, (*path, "offer"), what, did_you_mean(found.term.offer, names))
                good = False
            elif not all(isinstance(o, GpuOffer) for o in self.offers if o.id == found.term.offer):
                self._wrong(entry, (*path, "offer"), f"`{found.term.offer}` is not capacity in GPUs")
        for name in found.term.readings or [None]:
            term = found.term.bound(found.force, name)
            for where, what in term.mistakes(self.head.horizon, self.periods):
                text, _, remedy = what.partition("; ")
                self._wrong(entry, (*path, *_steps(where)), text, remedy)
            if good:
                self._selects(entry, path, term)

    def _scope(self, entry: Entry, path: Sequence[str | int], scope: Scope, term: str) -> bool:
        """Keys and values of a scope that nothing in the case has."""
        values = self._values()
        good = True
        for key, wanted in scope.wanted.items():
            if key not in values:
                what = f"no workload has the label `{key}`, which `{term}` asks for"
                self._wrong(entry, (*path, key), what, did_you_mean(key, values), key=True)
                good = False
                continue
            for value in wanted:
                if value not in values[key]:
                    subject = "offer" if key in OFFER_KEYS else "workload"
                    what = f"no {subject} has `{key}: {value}`, so `{term}` selects nothing by it"
                    self._wrong(entry, (*path, key), what, did_you_mean(value, values[key]))
                    good = False
            if key not in OFFER_KEYS and key not in DEMAND_KEYS:
                for other in self.entries["workloads"]:
                    workload = other[0]
                    if workload is not None and key not in workload.labels:
                        what = f"`{workload.id}` has no label `{key}`, and the clause `{term}` turns on it"
                        self._wrong(other, ("labels",), what, f"add it (`{key}: none` if it is none of them)")
                        good = False
        return good

    def _values(self) -> dict[str, set[str]]:
        """Every key that a scope may ask, and the values that occur."""
        values: dict[str, set[str]] = {key: set() for key in OFFER_KEYS}
        values["workload"] = self._names("workloads")
        values["kind"] = {"training", "inference", "batch"}
        values["provider"] = self._names("providers")
        values["offer"] = self._names("offers")
        for facts in self._offer_facts():
            for key, value in facts.items():
                values[key].add(value)
        for _, raw, *_ in self.entries["workloads"]:
            labels = raw.get("labels") if isinstance(raw, dict) else None
            for key, value in labels.items() if isinstance(labels, dict) else ():
                values.setdefault(str(key), set()).add(str(value))
        return values

    def _offer_facts(self) -> list[Facts]:
        found = []
        for offer in self.offers:
            provider = self.providers.get(offer.provider)
            if provider and offer.region in provider.regions:
                found.append(offer.facts(provider.regions[offer.region].country))
        return found

    def _selects(self, entry: Entry, path: Sequence[str | int], term: Term) -> None:
        """A clause that covers no use at all."""
        if any(e is None for e, *_ in [*self.entries["offers"], *self.entries["workloads"]]):
            return
        facts = {f["offer"]: f for f in self._offer_facts()}
        pairs = [(w.facts, facts[o.id]) for w in self.workloads for o in self.offers if o.id in facts and can_run(w, o)]
        if pairs and not any(term.covered.covers(d, o) for d, o in pairs):
            what = f"`{term.id}` selects nothing: no workload on any offer is {term.covered}"
            self._wrong(entry, path, what)

    def _together(self, terms: list[Term]) -> None:
        """Clauses that are each in order and together ambiguous."""
        if any(e is None for e, *_ in [*self.entries["offers"], *self.entries["workloads"]]):
            return
        facts = {f["offer"]: f for f in self._offer_facts()}
        offers = [o for o in self.offers if o.id in facts]
        places = {t.id: (e, ("terms", i)) for e in self.entries["agreements"] for i, t in enumerate(e[0].terms)}

        def wrong(term: Term, what: str, remedy: str) -> None:
            entry, path = places[term.id]
            self._wrong(entry, path, what, remedy)

        for kind, word in ((Discount, "off"), (Credit, "rate")):
            alike = [t for t in terms if isinstance(t, kind)]
            for workload in self.workloads:
                for offer in offers:
                    if not can_run(workload, offer):
                        continue
                    both = [t for t in alike if t.covered.covers(workload.facts, facts[offer.id])]
                    for term in both:
                        over = [t for t in both if t.force.over(term.force.start, term.force.end)]
                        if len({t.id for t in over}) > 1 and sum(Fraction(getattr(t, word)) for t in over) > 1:
                            names = " and ".join(sorted({f"`{t.id}`" for t in over}))
                            what = f"{names} together give more than 100% of what `{offer.id}` costs"
                            wrong(term, what, "narrow one with `of` or `except`")
        for term in terms:
            if isinstance(term, Discount) and term.covered.asks_demand:
                bought = [o for o in offers if isinstance(o, GpuOffer | ProvisionedOffer)]
                hit = [o for o in bought for w in self.workloads if term.covered.covers(w.facts, facts[o.id])]
                if hit:
                    what = f"a discount by workload on `{hit[0].id}`, which is bought in units that workloads share"
                    wrong(term, what, "select offers instead (`offer:`, `product: tokens`)")
            if isinstance(term, ShareTerm) and term.measure == "work":
                units = {w.unit for w in self.workloads if any(term.covered.covers(w.facts, facts[o.id]) for o in offers)}
                if len(units) > 1:
                    what = f"a share of work in different units: {', '.join(sorted(units))}"
                    wrong(term, what, "say `measure: spend` or `measure: taken`, or narrow `of`")
            if isinstance(term, ShareTerm) and term.measure == "taken":
                hit = [o for o in offers if any(term.covered.covers(w.facts, facts[o.id]) for w in self.workloads)]
                if len({isinstance(o, GpuOffer) for o in hit}) > 1:
                    what = "a share of what is taken in different units: GPU-hours and Mtok"
                    wrong(term, what, "say `measure: spend`, or narrow `of`")


def can_run(workload: AnyWorkload, offer: AnyOffer, *, spot: bool = False) -> bool:
    """Whether an offer can technically serve a workload: its model or accelerator, and spot only if it may."""
    if isinstance(offer, GpuOffer):
        willing = offer.buy != "spot" or workload.interruptible or spot
        fits = offer.accelerator in workload.runs_on.accelerators and willing
        gang = isinstance(workload, Training) and workload.gang is not None
        return fits and not (gang and workload.gang.value % offer.unit)  # type: ignore[union-attr]
    return offer.model in workload.runs_on.models


def job_periods(job: Training, periods: Sequence[Period]) -> list[Period]:
    """The periods that lie wholly between a job's start and its deadline."""
    start = moment(job.from_) if job.from_ else periods[0].span_start if periods else None
    return [p for p in periods if start is not None and p.span_start >= start and p.span_end <= moment(job.deadline)]


def _steps(path: Sequence[str]) -> tuple[str | int, ...]:
    return tuple(int(step) if step.isdigit() else step for step in path)


def _amended(term: Term, agreement: Agreement, agreements: Sequence[Agreement]) -> bool:
    """Whether a later agreement replaced or removed a term, from its very first day perhaps."""
    by_id = {a.id: a for a in agreements}
    return any(
        agreement.id in _ancestors(other, by_id) and term.id in {*other.removes, *(t.id for t in other.terms)}
        for other in agreements
    )


def _ancestors(agreement: Agreement, known: dict[str, Agreement]) -> set[str]:
    found: set[str] = set()
    at = agreement.amends
    while at is not None and at in known and at not in found:
        found.add(at)
        at = known[at].amends
    return found


def _currencies(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every amount of money in an entry: its path and its currency."""
    if isinstance(value, Money | Price):
        yield path, value.currency
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from _currencies(getattr(value, name), (*path, info.alias or name))
    elif isinstance(value, Dated):
        for start, step in value.steps:
            yield from _currencies(step, path if start is None else (*path, str(start)))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _currencies(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _currencies(item, (*path, index))
