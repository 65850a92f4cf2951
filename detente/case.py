"""A case: everything declared, read from a folder or a file.

Owns: reading the files, every mistake at once with its place, and the questions that all of the program asks of a
case (which terms are in force, may this run there, how much is needed when). Not here: what fits together
(``consistency``), and what runs where (``planner``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from detente import consistency, declared
from detente.agreement import in_force
from detente.declared import Declared
from detente.document import Document
from detente.errors import CaseError, Mistake, Where, did_you_mean
from detente.network import egress_price
from detente.offer import AnyOffer
from detente.period import Period, moment
from detente.provider import Provider
from detente.scope import Facts
from detente.term import PERMIT, Term, Verdict
from detente.workload import AnyWorkload, Training

FOLDERS = ("providers", "offers", "agreements", "workloads", "scenarios")
NOBODY: Facts = {}


@dataclass(frozen=True)
class Case:
    """Everything declared, consistent. Build one with ``Case.load`` or ``Case.of``."""

    declared: Declared
    reading: str | None = None
    without: frozenset[str] = frozenset()
    scenario: str | None = None
    folder: str = field(default=".", compare=False)

    # -- building -----------------------------------------------------------------------------------------------
    @classmethod
    def load(cls, path: Path | str) -> Case:
        """Read a folder or a file.

        Raises
        ------
        CaseError
            With every mistake in every file: file:line:column, what was found, what is allowed.
        """
        path = Path(path)
        reader = _Reader(path)
        found = reader.read()
        return cls(found, reading=found.reading, folder=str(path if path.is_dir() else path.parent))

    @classmethod
    def of(cls, data: Mapping[str, Any], folder: Path | str = ".") -> Case:
        """A case from plain values, as a YAML file would hold them. Raises CaseError."""
        reader = _Reader(Path(folder))
        found = reader.check([(Document.parse(json.dumps(data, default=str).encode(), "case"), dict(data))])
        return cls(found, reading=found.reading, folder=str(folder))

    def under(self, reading: str | None = None, scenario: str | None = None, without: Iterable[str] = ()) -> Case:
        """The same case under a reading, in a scenario, without some clauses. Raises CaseError for unknown names."""
        chosen = next((s for s in self.declared.scenarios if s.id == scenario), None)
        if scenario and chosen is None:
            known = [s.id for s in self.declared.scenarios]
            raise CaseError([Mistake(Where("scenario"), f"there is no `{scenario}`", did_you_mean(scenario, known))])
        reading = reading or (chosen.reading if chosen else None) or self.reading
        if reading and reading not in self.readings:
            hint = did_you_mean(reading, self.readings) or "no clause of this case has readings"
            raise CaseError([Mistake(Where("reading"), f"there is no `{reading}`", hint)])
        base = self.declared
        if chosen and chosen.events:
            base = base.model_copy(update={"events": {**base.events, **chosen.events}})
        left = self.without | set(without) | set(chosen.without if chosen else ())
        return replace(self, declared=base, reading=reading, without=left, scenario=scenario or self.scenario)

    # -- what is in it ------------------------------------------------------------------------------------------
    @property
    def currency(self) -> str:
        """The one currency."""
        return self.declared.currency

    @property
    def offers(self) -> tuple[AnyOffer, ...]:
        """All offers, those of catalogs included."""
        return self.declared.offers

    @property
    def workloads(self) -> tuple[AnyWorkload, ...]:
        """All workloads."""
        return self.declared.workloads

    @cached_property
    def providers(self) -> dict[str, Provider]:
        """Providers by id."""
        return {p.id: p for p in self.declared.providers}

    @cached_property
    def periods(self) -> tuple[Period, ...]:
        """The grid."""
        return self.declared.horizon.periods()

    @cached_property
    def readings(self) -> tuple[str, ...]:
        """The names of all readings, in the order written."""
        names = (name for a in self.declared.agreements for t in a.terms for name in t.readings)
        return tuple(dict.fromkeys(names))

    @cached_property
    def offer_facts(self) -> dict[str, Facts]:
        """What a scope may ask of each offer."""
        return {o.id: o.facts(self.providers[o.provider].regions[o.region].country) for o in self.offers}

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The terms in force at some time, bound to their dates and to the case's reading.

        Raises CaseError where terms have readings and none is chosen (§3).
        """
        return consistency.bind(self.declared, self.reading, self.without)

    def term(self, term_id: str) -> Term | None:
        """A term by its id."""
        return next((t for t in self.terms if t.id == term_id), None)

    @cached_property
    def demand(self) -> dict[str, tuple[Fraction, ...]]:
        """Work of each inference and batch workload in each period, in its unit."""
        begin = moment(self.declared.horizon.start)
        return {
            w.id: tuple(w.demand.in_period(p, begin) for p in self.periods)
            for w in self.workloads
            if not isinstance(w, Training)
        }

    def egress(self, workload: AnyWorkload, offer: AnyOffer) -> tuple[Fraction, str]:
        """Money per unit of work for moving its data to an offer, and the place that bills it.

        Raises ValueError where no price is declared: a price that is missing is never zero (§2).
        """
        if workload.data is None:
            return Fraction(0), ""
        source, to = workload.data.at, f"{offer.provider}/{offer.region}"
        if source == to or not workload.data.moves[0]:
            return Fraction(0), source
        price = egress_price(self.declared.networks, source, to)
        if price is None:
            raise ValueError(f"no network price from `{source}` to `{to}`")
        return Fraction(price.amount) * Fraction(workload.data.moves[0]), source

    # -- may this run there? ----------------------------------------------------------------------------------
    def verdict(self, demand: Facts, offer: Facts, start: datetime, end: datetime) -> Verdict:
        """All clauses in force in a time on one use: deny wins, then undecided, then prefer (§2)."""
        order = {"deny": 3, "undecided": 2, "prefer": 1, "permit": 0}
        found = (t.judge(demand, offer) for t in self.terms if t.force.over(start, end))
        return max(found, key=lambda verdict: order[verdict.decision], default=PERMIT)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over everything that a plan depends on."""
        parts = [
            self.declared.model_dump_json(by_alias=True),
            *(source.digest for source in consistency.sources(self.declared)),
            str(self.reading),
            str(sorted(self.without)),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class _Reader:
    """Files to one Declared, collecting mistakes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mistakes: list[Mistake] = []

    def read(self) -> Declared:
        """All files of the case."""
        documents: list[tuple[Document, dict[str, Any]]] = []
        for file, name in self._files():
            try:
                document = Document.read(file, name)
                documents.append((document, self._mapping(document)))
            except CaseError as error:
                self.mistakes += error.mistakes
        return self.check(documents)

    def _files(self) -> list[tuple[Path, str]]:
        if not self.path.is_dir():
            if not self.path.exists():
                raise CaseError([Mistake(Where(str(self.path)), "does not exist", "start one with `detente init`")])
            return [(self.path, str(self.path))]
        head = self.path / "case.yaml"
        if not head.is_file():
            raise CaseError([Mistake(Where(str(self.path)), "holds no `case.yaml`", "start one with `detente init`")])
        files = [head]
        for folder in FOLDERS:
            found = sorted((self.path / folder).glob("*"))
            files += [f for f in found if f.suffix in (".yaml", ".yml") and f.is_file()]
            self.mistakes += [
                Mistake(Where(str(f)), "is not read: a case's files end in `.yaml`", "rename it or move it elsewhere")
                for f in found
                if f.suffix not in (".yaml", ".yml") and f.suffix in (".json", ".yaml~", ".txt", "")
            ]
        return [(f, str(f)) for f in files]

    def _mapping(self, document: Document) -> dict[str, Any]:
        data = document.data()
        if data is None:
            return {}
        if not isinstance(data, dict):
            raise CaseError([Mistake(document.where(), "a case file is a mapping of sections", "such as `offers:`")])
        return data

    def check(self, documents: Sequence[tuple[Document, dict[str, Any]]]) -> Declared:
        """Entries one by one, then how they fit together; raise every mistake."""
        entries: dict[str, list[tuple[Any, Any, Document, declared.Path]]] = {s: [] for s in declared.SECTIONS}
        heads: dict[str, tuple[Document, Any]] = {}
        for document, data in documents:
            for key, value in data.items():
                if key in declared.SECTIONS:
                    self._section(key, value, document, entries)
                elif key in heads:
                    first = heads[key][0].where((key,), key=True)
                    self._wrong(document.where((key,), key=True), f"`{key}` is given twice, first at {first}")
                else:
                    heads[key] = (document, value)
        head = self._head(heads, documents)
        offers = self._catalogs(entries)
        world = consistency.World(head, entries, offers, heads)
        self.mistakes += world.mistakes()
        if self.mistakes or head is None:
            raise CaseError(self.mistakes)
        return world.declared()

    def _section(self, key: str, value: Any, document: Document, entries: dict[str, Any]) -> None:
        if value is None:
            return
        if not isinstance(value, list):
            self._wrong(document.where((key,)), f"`{key}` is a list of entries", "start each with `- id: …`")
            return
        for index, raw in enumerate(value):
            path: declared.Path = (key, index)
            entry = declared.read_entry(key, raw, path, self._report(document))
            if entry is not None and key == "workloads":
                entry = self._with_data(entry, document, path)
            entries[key].append((entry, raw, document, path))

    def _with_data(self, workload: Any, document: Document, path: declared.Path) -> Any:
        """A workload with its trace or table read in."""
        try:
            return consistency.with_data(workload, self.base)
        except ValueError as error:
            self._wrong(document.where((*path, "demand")), str(error))
            return None

    @property
    def base(self) -> Path:
        """The folder that files in a case are relative to."""
        return self.path if self.path.is_dir() else self.path.parent

    def _head(self, heads: dict[str, tuple[Document, Any]], documents: Sequence[Any]) -> Declared | None:
        def report(path: declared.Path, what: str, remedy: str) -> None:
            owner = heads.get(str(path[0])) if path else None
            document = owner[0] if owner else documents[0][0] if documents else None
            where = document.where(path, key=what.startswith("unknown key")) if document else Where(str(self.path))
            self._wrong(where, what, remedy)

        if not documents:
            return None
        return declared.read_head({key: value for key, (_, value) in heads.items()}, report)

    def _catalogs(self, entries: dict[str, Any]) -> list[Any]:
        """Offers that come from price catalogs, each with the place of its catalog."""
        found = []
        for catalog, _, document, path in entries["catalogs"]:
            if catalog is None:
                continue
            try:
                raws = catalog.offers(self.base)
            except ValueError as error:
                self._wrong(document.where(path), str(error))
                continue
            for raw in raws:
                offer = declared.read_entry("offers", raw, (), self._report(document, path))
                found.append((offer, raw, document, path))
        return found

    def _report(self, document: Document, base: declared.Path | None = None) -> declared.Report:
        def report(path: declared.Path, what: str, remedy: str) -> None:
            place = document.where(path if base is None else base, key=what.startswith("unknown key"))
            self._wrong(place, what, remedy)

        return report

    def _wrong(self, where: Where, what: str, remedy: str = "") -> None:
        self.mistakes.append(Mistake(where, what, remedy))
