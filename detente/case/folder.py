"""A case's files: which there are, and from them to one ``Declared``, with every mistake at once.

Owns: which section an entry stands in, and the order of checks. Not here: the form of an
entry (``declared``), and how entries fit together (``consistency``, ``clauses``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from detente.case.agreement import Agreement, endings
from detente.case.case_files import PLAN, START, case_files
from detente.case.changes import Changed
from detente.case.checks import budgets, clauses, consistency, invoices, magnitude, outlook, unread, wiring
from detente.case.declared import SECTIONS, Declared, Report, read_agreement, read_entry, read_head
from detente.case.document import Document
from detente.case.entries import Entries, Entry
from detente.case.exchanging import exchanged
from detente.case.scenario import ADDED
from detente.case.written import Written, node_of
from detente.contract.roles import DataReader
from detente.demand.workload import with_data
from detente.errors import CaseError, Flaw, FlawError, KeyPath, MissingExtraError, Mistake, Where
from detente.values.file import leads_out
from detente.values.likeness import did_you_mean
from detente.values.period import LAST

MAX_MISTAKES = 1000
SECTION = "begin it with a section, such as `offers:`; `detente init` writes a whole case"
NAME_A_CASE = "name a folder with a `case.yaml`, or a file, that you may read"
_FROM_FILES = (FlawError, OSError, MissingExtraError)  # what reading a trace, a table or a catalog may raise


@dataclass(frozen=True)
class Source:
    """What a case was read from: its entries as written, those that were read by their nodes, and its folder."""

    written: Written
    entries: Mapping[int, Entry] = field(repr=False)
    base: Path


@dataclass(frozen=True)
class ReadFiles:
    """What was read, where each clause of each agreement stands, and the scenarios of files beside the case's own."""

    declared: Declared
    clauses: Mapping[tuple[str, str], Where]
    source: Source
    beside: tuple[str, ...] = ()


def read(path: Path, beside: Sequence[Path] = ()) -> ReadFiles:
    """All files of a case: a folder, or one file; and files of scenarios ``beside`` it, of one scenario each.

    Raises CaseError with every mistake in them.
    """
    try:
        path.stat()
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        what = "does not exist" if missing else f"cannot be read: {getattr(error, 'strerror', error)}"
        raise CaseError([Mistake(Where(str(path)), what, START if missing else NAME_A_CASE)]) from None
    reader = _Reader(path)
    return reader.check([*reader.documents(), *reader.scenarios(beside)])


def read_changed(source: Source, changed: Changed) -> ReadFiles:
    """A case under scenarios, from what is then written; entries that are as they were are not read again.

    Raises CaseError.
    """
    reader = _Reader(source.base, source.entries, changed)
    return reader.check(list(reader.mappings([changed.written.document])))


def read_data(document: Document, folder: Path) -> ReadFiles:
    """A case of one document, with files relative to a folder. Raises CaseError."""
    reader = _Reader(folder)
    return reader.check(list(reader.mappings([document])))


def _is_plan(data: dict[str, Any]) -> bool:
    return str(data.get("format")).startswith("detente-plan/")


Read = tuple[Document, dict[str, Any]]


class _Reader:
    def __init__(self, path: Path, known: Mapping[int, Entry] | None = None, changed: Changed | None = None) -> None:
        self.path = path
        self.base = path if path.is_dir() else path.parent
        self.known, self.changed = known or {}, changed
        self.beside: list[str] = []
        self.mistakes: list[Mistake] = []
        self.unread: set[str] = set()  # sections that may hold more than what was read
        self.all_read = True

    def _wrong(self, where: Where, what: str, remedy: str) -> None:
        self.mistakes.append(Mistake(where, what, remedy))

    # -- files -----------------------------------------------------------------------------------------------
    def documents(self) -> Iterator[Read]:
        """Every file of the case that is YAML."""
        for file in case_files(self.path, self._wrong):
            if self.path.is_dir() and (wrong := leads_out(self.path, file)):
                self._wrong(Where(str(file)), *wrong)
                self.unread |= {*SECTIONS, "head"}
                continue
            try:
                document = Document.read(file)
            except CaseError as error:
                self.mistakes += error.mistakes
                self.unread |= {*SECTIONS, "head"}
                continue
            yield from self.mappings([document])

    def scenarios(self, files: Sequence[Path]) -> Iterator[Read]:
        """Files of scenarios beside the case: one scenario each, and nothing else."""
        for file in files:
            try:
                found = list(self.mappings([Document.read(file)]))
            except CaseError as error:
                self.mistakes += error.mistakes
                continue
            for document, data in found:
                entries = data.get("scenarios")
                if set(data) != {"scenarios"} or not isinstance(entries, list) or len(entries) != 1:
                    what = "is not a file of one scenario"
                    self._wrong(
                        document.where(), what, "write `scenarios:` and one entry; what is new goes under its `add:`"
                    )
                    continue
                name = entries[0].get("id") if isinstance(entries[0], dict) else None
                self.beside += [name] if isinstance(name, str) else []
                yield document, data

    def mappings(self, documents: Sequence[Document]) -> Iterator[Read]:
        """Documents with their plain values, where these are sections."""
        for document in documents:
            try:
                data = document.data()
            except CaseError as error:
                self.mistakes += error.mistakes
            else:
                if isinstance(data, dict) and _is_plan(data):
                    self._wrong(document.where(), "is a saved plan, and not a case", PLAN)
                elif data is None or isinstance(data, dict):
                    yield document, data or {}
                    continue
                else:
                    self._wrong(document.where(), "a case file is a mapping of sections", SECTION)
            self.unread |= {*SECTIONS, "head"}

    # -- entries ---------------------------------------------------------------------------------------------
    def check(self, documents: Sequence[Read]) -> ReadFiles:
        """Entries one by one, then how they fit together; raise every mistake."""
        if documents and not self.mistakes and not any(data for _, data in documents):
            self._wrong(documents[0][0].where(), "is empty", START)
            raise CaseError(self.mistakes)
        sections: dict[str, list[Entry]] = {name: [] for name in SECTIONS}
        heads: dict[str, tuple[Document, Any]] = {}
        for document, data in documents:
            for key, value in data.items():
                if key in SECTIONS:
                    sections[key] += self._section(key, value, document)
                elif key in heads:
                    first = heads[key][0].where((key,), key=True)
                    where = document.where((key,), key=True)
                    self._wrong(where, f"`{key}` is given twice, first at {first}", "keep one of the two")
                else:
                    heads[key] = (document, value)
                    if key not in Declared.model_fields and isinstance(value, list):
                        self.unread |= set(SECTIONS)  # perhaps one of them, mistyped
        for entry in sections["catalogs"]:
            sections["offers"] += self._sold(entry)
        read = {name: list(entries) for name, entries in sections.items()}
        sections["offers"] = self._under(sections["offers"], sections["agreements"])
        head = read_head({key: value for key, (_, value) in heads.items()}, self._head_report(heads, documents))
        sections, unconverted = exchanged(head, sections)
        self.mistakes += unconverted
        without = self.changed.without if self.changed else frozenset[str]()
        changed = self.changed is not None
        entries = Entries(head, sections, heads, frozenset(self.unread), without, changed=changed)
        unread.check(entries)
        consistency.check(entries)
        clauses.check(entries)
        invoices.check(entries)
        wiring.check(entries)
        budgets.check(entries)
        outlook.check(entries)
        magnitude.check(entries)
        if self.mistakes or entries.mistakes:
            raise CaseError([*self.mistakes, *entries.mistakes], all_read=self.all_read)
        declared = Declared.of(head.declared, {name: tuple(entries.values(name)) for name in SECTIONS})
        places = {
            (entry.value.id, term.id): entry.where(("terms", at, "id"))
            for entry in entries.read("agreements")
            for at, term in enumerate(entry.value.terms)
        }
        return ReadFiles(
            declared, places, self._source([document for document, _ in documents], read), tuple(self.beside)
        )

    def _source(self, documents: Sequence[Document], read: Mapping[str, Sequence[Entry]]) -> Source:
        """What it was read from, for scenarios to change."""
        if self.changed is not None:
            written = self.changed.written
        else:
            sold = {
                entry.value.id: node_of(entry.raw, entry.where())
                for entry in read["offers"]
                if entry.path[0] == "catalogs"
            }
            written = replace(Written.of(documents, SECTIONS), sold=sold)
        nodes = ((entry.document.node(entry.path), entry) for name in SECTIONS for entry in read[name])
        known = {id(node): entry for node, entry in nodes if node is not None and entry.path[0] != "catalogs"}
        known |= {id(e.document.node(e.path)): e for e in read["catalogs"]}
        return Source(written, known, self.base)

    @staticmethod
    def _under(offers: Sequence[Entry], agreements: Sequence[Entry]) -> list[Entry]:
        """Offers that are sold under an agreement, on sale while it is in force."""
        known = {entry.value.id: entry.value for entry in agreements if entry.value is not None}
        ends, found = endings(known.values()), []
        for entry in offers:
            deal = known.get(entry.value.under) if entry.value is not None else None
            if deal is not None:
                end = ends[deal.id].final
                entry = replace(entry, value=entry.value.within(deal.effective, None if end == LAST else end))
            found.append(entry)
        return found

    def _section(self, key: str, value: Any, document: Document) -> Iterator[Entry]:
        if value is None:
            return
        if not isinstance(value, list):
            self._wrong(document.where((key,)), f"`{key}` is a list of entries", "start each with `- id: …`")
            self.unread.add(key)
            return
        for index, raw in enumerate(value):
            path: KeyPath = (key, index)
            if len(self.mistakes) >= MAX_MISTAKES:
                self._wrong(document.where(path), "is not read: there are too many mistakes before it", "mend those")
                self.unread.add(key)
                self.all_read = False
                return
            known = self.known.get(id(document.node(path)))
            if known is not None:
                yield replace(known, document=document, path=path, known=True)
                continue
            report = self._report(document)
            if key == "scenarios":
                self._added(raw, path, report)
            if key == "agreements":
                agreement, places = read_agreement(raw, path, report)
                if agreement is not None:
                    agreement = self._with_data(agreement, document, path, places)
                yield Entry(agreement, raw, document, path, places)
                continue
            found = read_entry(key, raw, path, report)
            if found is not None and key in ("workloads", "risks"):
                try:
                    found = with_data(found, self.base) if key == "workloads" else found.with_data(self.base)
                except _FROM_FILES as error:
                    within = next(name for name in ("demand", "incidents", "prices") if name in raw)
                    self._elsewhere(document.where((*path, within)), error)
                    found = None
            yield Entry(found, raw, document, path)

    def _with_data(self, agreement: Agreement, document: Document, path: KeyPath, places: tuple[int, ...]) -> Agreement:
        """An agreement whose clauses have read the files that they name."""
        terms = []
        for at, term in zip(places, agreement.terms, strict=True):
            try:
                terms.append(term.with_data(self.base) if isinstance(term, DataReader) else term)
            except _FROM_FILES as error:
                self._elsewhere(document.where((*path, "terms", at)), error)
                terms.append(term)
        return agreement.model_copy(update={"terms": tuple(terms)})

    @staticmethod
    def _added(raw: Any, path: KeyPath, report: Report) -> None:
        """The form of what a scenario adds."""
        more = raw.get("add") if isinstance(raw, dict) else None
        if more is None:
            return
        if not isinstance(more, dict):
            report(Flaw("`add` is a mapping of sections", "write for example `add: { offers: [ … ] }`", (*path, "add")))
            return
        for section, entries in more.items():
            at = (*path, "add", section)
            if section not in ADDED:
                report(Flaw(f"a scenario adds no `{section}`", did_you_mean(section, ADDED), at, key=True))
            elif not isinstance(entries, list):
                report(Flaw(f"`{section}` is a list of entries", "start each with `- id: …`", at))
            else:
                for index, entry in enumerate(entries):
                    read_as = read_agreement if section == "agreements" else partial(read_entry, section)
                    read_as(entry, (*at, index), report)

    def _sold(self, entry: Entry) -> Iterator[Entry]:
        """Offers that come from a price catalog, each with the place of its catalog."""
        if entry.value is None:
            self.unread.add("offers")
            return
        try:
            raws = entry.value.offers(self.base)
        except _FROM_FILES as error:
            self._elsewhere(entry.where(), error)
            self.unread.add("offers")
            return
        replaced = self.changed.written.replaced if self.changed else ()
        for raw in raws:
            if raw["id"] in replaced:
                continue
            offer = read_entry("offers", raw, (), self._report(entry.document, entry.path))
            yield Entry(offer, raw, entry.document, entry.path)

    def _elsewhere(self, where: Where, error: Exception) -> None:
        """Mistakes in a file that the case names, each with its own place in it."""
        if isinstance(error, FlawError):
            for flaw in error.flaws:
                self._wrong(where, flaw.what, flaw.remedy)
        elif isinstance(error, MissingExtraError):
            self._wrong(where, error.what, error.remedy)
        else:
            self._wrong(where, f"cannot be read: {error}", "check the file that it names")

    # -- places ----------------------------------------------------------------------------------------------
    def _report(self, document: Document, base: KeyPath | None = None) -> Report:
        def report(flaw: Flaw) -> None:
            where = document.where(flaw.path, key=flaw.key) if base is None else document.where(base)
            self._wrong(where, flaw.what, flaw.remedy)

        return report

    def _head_report(self, heads: dict[str, tuple[Document, Any]], documents: Sequence[Read]) -> Report:
        def report(flaw: Flaw) -> None:
            if flaw.path:
                self._wrong(heads[str(flaw.path[0])][0].where(flaw.path, key=flaw.key), flaw.what, flaw.remedy)
            elif documents and "head" not in self.unread:
                self._wrong(documents[0][0].where(), flaw.what, flaw.remedy)

        return report
