"""A case: everything declared, read from a folder or a file.

Owns: the questions that all of the program asks of a case (which terms are in force, may this run there,
how much is needed when). Not here: reading its files (``folder``), what fits together (``consistency``,
``clauses``), and what runs where (``planner``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente.case.agreement import InForce, in_force, severed
from detente.case.changes import Changed, changed, order
from detente.case.declared import Declared, read_entry
from detente.case.document import Document, YamlNode
from detente.case.egress import egress, moved_facts
from detente.case.folder import ReadFiles, Source, read, read_changed, read_data
from detente.case.news import known_at, news
from detente.case.offer_places import OfferPlaces
from detente.case.plain import as_text, as_written
from detente.case.reading import Chosen, choice_of, combinations, in_words, unread
from detente.case.scenario import Obligation, Scenario, scenarios_named
from detente.case.survival import survival
from detente.case.written import at, node_of, place, put, text_at
from detente.contract.reach.verdict import Reason, Verdict, applicable, best, verdict
from detente.contract.roles import DataReader
from detente.contract.term import Term
from detente.demand.workload import AnyWorkload, Batch, Inference, Training
from detente.errors import CaseError, FlawError, Mistake, Where
from detente.live.key import Key
from detente.market.offer import AnyOffer, GpuOffer, ProvisionedOffer
from detente.market.provider import Provider
from detente.values.dated import Dated
from detente.values.facts import Facts
from detente.values.likeness import did_you_mean
from detente.values.period import Period, moment

if TYPE_CHECKING:
    from detente.demand.quanta import InQuanta


@dataclass(frozen=True)
class Case:
    """Everything declared, consistent. Build one with ``Case.load`` or ``Case.of``."""

    declared: Declared
    chosen: tuple[tuple[str, str], ...] = ()
    """The reading of each disputed clause for which one was chosen."""
    without: frozenset[str] = frozenset()
    scenarios: tuple[Scenario, ...] = ()
    """Those that changed it, in their order."""
    folder: str = field(default=".", compare=False)
    severed: tuple[tuple[str, datetime], ...] = ()
    """Parties with whom every agreement ends at a moment, whatever it says."""
    clauses: Mapping[tuple[str, str], Where] = field(default_factory=dict, compare=False, repr=False)
    """Where each clause of each agreement stands."""
    source: Source | None = field(default=None, compare=False, repr=False)
    """What it was read from."""

    # -- building --------------------------------------------------------------------------------------------
    @classmethod
    def load(cls, path: Path | str, beside: Sequence[Path | str] | Path = (), scenario: str | None = None) -> Case:
        """Read a folder or a file; in a scenario, and in those of files of one scenario each beside it.

        Raises
        ------
        CaseError
            With every mistake in every file: file:line:column, what was found, what is allowed.
        """
        path = Path(path)
        files = [beside] if isinstance(beside, Path | str) else beside
        found = read(path, [Path(file) for file in files])
        case = cls._read(found, path if path.is_dir() else path.parent)
        given = [] if scenario is None else scenarios_named(scenario)
        named = [name for name in given if name not in found.beside]
        return case.under(scenario=",".join([*named, *found.beside]))

    @classmethod
    def of(cls, data: Mapping[str, Any], folder: Path | str = ".") -> Case:
        """A case from plain values, as a YAML file would hold them. Raises CaseError."""
        found = read_data(Document.parse(as_text(data), "case"), Path(folder))
        return cls._read(found, folder)

    @classmethod
    def _read(cls, found: ReadFiles, folder: Path | str) -> Case:
        """The case of files that were read, once each of its scenarios was tried."""
        case = cls(found.declared, folder=str(folder), clauses=found.clauses, source=found.source)
        case = case._read_as(found.declared.reading)
        mistakes: list[Mistake] = []
        for scenario in found.declared.scenarios:
            try:
                case.under(scenario=scenario.id)
            except CaseError as error:
                mistakes += error.mistakes
        if mistakes:
            raise CaseError(mistakes)
        return case

    def under(
        self, reading: str | Chosen | None = None, scenario: str | None = None, without: Iterable[str] = ()
    ) -> Case:
        """The same case under a reading, in a scenario, without clauses. CaseError for unknown ones.

        A reading is that of every clause that has it; clause by clause it is a mapping, or ``letter,clause=spirit``.
        Several scenarios are named with commas, and come in this order. What is not chosen stays as it was.
        """
        found = self._changed(scenario) if scenario else self
        return replace(found, without=found.without | set(without))._read_as(reading)

    def _changed(self, scenario: str) -> Case:
        """The case under scenarios, and those that they are based on. Raises CaseError."""
        assert self.source is not None, "a case that was read knows its files"
        nodes = self.source.written.sections["scenarios"]
        known = {each.id: (each, node) for each, node in zip(self.declared.scenarios, nodes, strict=True)}
        names = scenarios_named(scenario)
        for name in names:
            if name not in known:
                hint = did_you_mean(name, known, "the case has no scenarios: leave it out")
                raise CaseError.of_parameter("scenario", f"there is no `{name}`", hint)
        applied = {each.id for each in self.scenarios}
        chain = [known[name] for name in order(names, known) if name not in applied]
        return self._with(chain, f"in the scenario `{scenario}`, ")

    def with_changes(self, changes: Mapping[str, Any]) -> Case:
        """The same case with changes that stand in no file: a scenario, with its ``id``. Raises CaseError."""
        mistakes: list[Mistake] = []
        here = Where.of_parameter("changes")
        scenario = read_entry("scenarios", changes, (), lambda f: mistakes.append(Mistake(here, f.what, f.remedy)))
        if scenario is None:
            raise CaseError(mistakes)
        return self._with([(scenario, node_of(as_written(changes), here))], f"with `{scenario.id}`, ")

    def stating(self, agreement: str, term: str, keys: Sequence[str], value: str, where: Where) -> Case:
        """The same case with another value, as written, in a clause of one agreement. Raises CaseError.

        It is read and checked as if it stood in the files; ``where`` is told as its place.
        """
        assert self.source is not None, "a case that was read knows its files"
        entries = list(self.source.written.sections["agreements"])
        index = next(index for index, node in enumerate(entries) if text_at(node, "id") == agreement)
        terms = (at(entries[index], ("terms",)) or entries[index]).items or ()
        place_of = next(index for index, node in enumerate(terms) if text_at(node, "id") == term)
        new = node_of(value, where)
        try:
            entries[index] = put(entries[index], ("terms", place_of, *keys), new, new)
        except KeyError as error:
            what = f"`{term}` does not write out `{error.args[0]}`, of which `{'.'.join(keys)}` is a part"
            raise CaseError([Mistake(where, what, "write it out in the clause first")]) from None
        sections = {**self.source.written.sections, "agreements": entries}
        return self._edited(Changed(replace(self.source.written, sections=sections), self.without))

    def _edited(self, changes: Changed) -> Case:
        """The case with other entries. Raises CaseError."""
        assert self.source is not None, "a case that was read knows its files"
        found = read_changed(self.source, changes)
        return replace(
            self, declared=found.declared, without=changes.without, clauses=found.clauses, source=found.source
        )

    def _with(self, chain: Sequence[tuple[Scenario, YamlNode]], said: str) -> Case:
        """The case under scenarios, each with its node, in their order. Raises CaseError."""
        assert self.source is not None, "a case that was read knows its files"
        changes = changed(self.source.written, chain, self.without)
        try:
            case = self._edited(changes)
        except CaseError as error:
            found = [replace(each, what=said + each.what) for each in error.mistakes]
            raise CaseError([*changes.mistakes, *found]) from None
        if changes.mistakes:
            raise CaseError(changes.mistakes)
        return replace(case, scenarios=(*self.scenarios, *(each for each, _ in chain)))._read_in(chain)

    def _read_in(self, chain: Sequence[tuple[Scenario, YamlNode]]) -> Case:
        """The case with the readings that scenarios choose. Raises CaseError where two differ."""
        case, said = self, dict[str, tuple[str, YamlNode]]()
        for scenario, node in (each for each in chain if each[0].reading):
            here = at(node, ("reading",)) or node
            try:
                choice = choice_of(self._disputed, scenario.reading or "")
            except FlawError as error:
                raise CaseError(
                    [Mistake(place(at(here, f.path) or here), f.what, f.remedy) for f in error.flaws]
                ) from None
            for clause, name in choice.items():
                before, there = said.setdefault(clause, (name, here))
                if before != name:
                    what = f"reads `{clause}` as `{name}`, and {place(there)} as `{before}`"
                    raise CaseError([Mistake(place(here), what, "keep one of them")])
            case = case._read_as(choice)
        return case

    def _read_as(self, written: str | Chosen | None) -> Case:
        """The same case with the readings that a choice speaks of. Raises CaseError."""
        if not written:
            return self
        try:
            choice = choice_of(self._disputed, written)
        except FlawError as error:
            raise CaseError([Mistake(Where.of_parameter("reading"), f.what, f.remedy) for f in error.flaws]) from None
        return replace(self, chosen=tuple(sorted({**dict(self.chosen), **choice}.items())))

    def severing(self, party: str, at: datetime) -> Case:
        """The same case with every agreement with a party ended at a moment: a window that runs is asked for its part.

        What changes prices stays: there is nothing left to buy of who is gone.
        """
        return replace(self, severed=(*self.severed, (party, at)))

    @property
    def news(self) -> tuple[datetime, ...]:
        """The moments after its start at which it becomes known that offers will be closed, in order."""
        return news(self.offers, self.periods)

    def known_at(self, at: datetime) -> Case:
        """The same case as far as it is known at a moment: no offer is closed of which nobody knows it by then."""
        offers = known_at(self.offers, self.periods, at)
        return replace(self, declared=self.declared.model_copy(update={"offers": offers}))

    def serving(self, keys: Iterable[Key]) -> Case:
        """The same case with other keys."""
        return replace(self, declared=self.declared.model_copy(update={"keys": tuple(keys)}))

    @property
    def scenario(self) -> str | None:
        """The scenarios that changed it, as they are named: those that others are based on come with them."""
        bases = {each.based_on for each in self.scenarios}
        return ",".join(each.id for each in self.scenarios if each.id not in bases) or None

    @property
    def obligations(self) -> tuple[Obligation, ...]:
        """What the scenarios say must be delivered, in the order of its days."""
        return tuple(sorted((each for s in self.scenarios for each in s.obligations), key=lambda each: each.due))

    # -- what is in it ---------------------------------------------------------------------------------------
    @property
    def currency(self) -> str:
        """The one currency."""
        return self.declared.currency

    @property
    def discount_rate(self) -> Decimal | None:
        """By how much money is worth less from year to year; None where none is stated."""
        return self.declared.yearly_discount

    @property
    def offers(self) -> tuple[AnyOffer, ...]:
        """All offers, those of catalogs included."""
        return self.declared.offers

    @property
    def workloads(self) -> tuple[AnyWorkload, ...]:
        """All workloads."""
        return self.declared.workloads

    def may_stand_idle(self, offer: GpuOffer | ProvisionedOffer) -> bool:
        """Whether more of an offer may be bought than work uses, so that a clause is met."""
        return self.declared.idle == "allowed" or (self.declared.idle == "reserved" and offer.reserved)

    @cached_property
    def providers(self) -> dict[str, Provider]:
        """Providers by id."""
        return {p.id: p for p in self.declared.providers}

    @cached_property
    def periods(self) -> tuple[Period, ...]:
        """The grid."""
        return self.declared.horizon.periods()

    @cached_property
    def _disputed(self) -> dict[str, tuple[str, ...]]:
        """Every clause that has readings, in force or not."""
        return {t.id: tuple(t.readings) for a in self.declared.agreements for t in a.terms if t.readings}

    @cached_property
    def disputed(self) -> dict[str, tuple[str, ...]]:
        """The clauses in force that have readings, and the names of these."""
        return {f.term.id: tuple(f.term.readings) for f in self.versions if f.term.readings}

    @property
    def reading(self) -> str | None:
        """The chosen readings of the clauses in force, in one line; None where none is."""
        return in_words(self.disputed, dict(self.chosen))

    @property
    def readings(self) -> tuple[str, ...]:
        """Every combination of readings of the clauses in force, in the order written."""
        return tuple(filter(None, (in_words(self.disputed, each) for each in self.choices_beside(None))))

    def choices_beside(self, fixed: str | Chosen | None) -> tuple[Chosen, ...]:
        """The combinations of readings of the clauses in force, with those that are given. Raises CaseError."""
        given = dict(replace(self, chosen=())._read_as(fixed).chosen)
        try:
            return tuple(combinations(self.disputed, given))
        except FlawError as error:
            raise CaseError([Mistake(Where.of_parameter("reading"), f.what, f.remedy) for f in error.flaws]) from None

    @cached_property
    def offer_facts(self) -> dict[str, Facts]:
        """What a scope may ask of each offer."""
        return {o.id: o.facts(self.providers[o.provider].regions[o.region].country) for o in self.offers}

    @cached_property
    def signed(self) -> tuple[Term, ...]:
        """The terms in force at some time, bound to their dates and to the case's reading: with windows of their own.

        Raises CaseError where terms have readings and none is chosen (§3).
        """
        choice = dict(self.chosen)
        missing = [unread(name, self.disputed) for name in self.disputed if name not in choice]
        if missing:
            raise CaseError(missing)
        return tuple(f.term.bound(f.validity, choice.get(f.term.id)) for f in self.versions)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The terms as a plan sees them: with windows as far as the horizon sees."""
        return tuple(term.seen_by(self.declared.horizon) for term in self.signed)

    @cached_property
    def versions(self) -> tuple[InForce, ...]:
        """Each version of each clause, when it is in force."""
        events = {name: moment(on) if on else None for name, on in self.declared.events.items()}
        agreements = [*self.declared.agreements, *survival(self.workloads, self.declared.horizon.start)]
        found = in_force(agreements, events, self.offers, self.without, self.workloads)
        standing = (severed(f, dict(self.severed)) for f in found)
        return tuple(f for f in standing if f.validity.end > f.validity.start)

    @property
    def outside(self) -> tuple[InForce, ...]:
        """Clauses of which no version is in force at any time of the horizon: nothing that is planned sees them."""
        horizon = self.declared.horizon
        inside = {f.term.id for f in self.versions if f.validity.over(horizon.opens, horizon.closes)}
        return tuple(f for f in self.versions if f.term.id not in inside)

    def term(self, term_id: str) -> Term | None:
        """A term by its id."""
        return next((t for t in self.terms if t.id == term_id), None)

    def demand(self, workload: Inference | Batch, periods: Sequence[Period]) -> InQuanta:
        """Work of a workload in each of some periods, in whole quanta of its unit; growth counts from the horizon."""
        from detente.demand.quanta import quanta_over

        return quanta_over(workload.demand, periods, self.declared.horizon.opens)

    def egress(self, workload: AnyWorkload, offer: AnyOffer) -> tuple[Dated[Fraction] | None, str]:
        """Money per unit of work for moving its data to an offer, by the day (None: nothing), and who bills it.

        Raises FlawError.
        """
        return egress(self.declared.networks, workload, offer)

    def moved_facts(self, place: str) -> Facts:
        """What a scope may ask of data that moves: it is sold by the place that it leaves."""
        return moved_facts(self.providers, place)

    # -- may this run there? ---------------------------------------------------------------------------------
    def places(self, workload: AnyWorkload, offer: AnyOffer) -> tuple[tuple[Facts, ...], ...]:
        """Where an offer may run a workload: of each deployment that can serve it, the facts of every place."""
        return self._places.of(workload, offer)

    @cached_property
    def _places(self) -> OfferPlaces:
        offers = {offer.id: offer for offer in self.offers}
        return OfferPlaces.read(self.offer_facts, offers, self.declared.deployments, self.providers)

    def verdict(self, workload: AnyWorkload, offer: AnyOffer, start: datetime, end: datetime | None = None) -> Verdict:
        """Whether a workload may run on an offer for all of a time, or at a moment: every clause, every place (§2)."""
        terms = applicable(self.terms, start, end)
        found = best(verdict(terms, workload.facts, there) for there in self.places(workload, offer))
        if found.place is None or found.reason is None or found.place["region"] == offer.region:
            return found
        sentence = f"a deployment of it may run work in `{found.place['region']}`; {found.reason.sentence}"
        return replace(found, reason=Reason(found.reason.term, sentence))

    @property
    def head(self) -> tuple[str, str, str, str, str | None, str | None]:
        """What an answer says of its case: name, title, hash, currency, reading and scenario (``AnswerHead``)."""
        about = self.declared
        return about.name, about.display_name, self.hash, about.currency, self.reading, self.scenario

    @cached_property
    def hash(self) -> str:
        """SHA-256 over everything that a plan depends on."""
        read = [t for deal in self.declared.agreements for t in deal.terms if isinstance(t, DataReader)]
        recorded = [w.demand.recorded for w in self.workloads if not isinstance(w, Training)]
        parts = [
            repr(self.declared.planned),
            repr(self._places.elsewhere),
            *(file.digest for file in recorded if file is not None),
            *(digest for term in read if (digest := term.digest)),
            str(self.reading),
            str(sorted(self.without)),
            str(self.scenario),
            *([repr(self.severed)] if self.severed else []),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
