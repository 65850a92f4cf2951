"""The entries of a case while it is read: each with its place, its form checked, its fit not yet.

Owns: looking across entries (names, facts, what could run where) while some of them may be unreadable, and
noting a mistake at an entry. Not here: which mistakes there are (``consistency``, ``clauses``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any

from detente.case.agreement import Agreement
from detente.case.declared import CaseHead
from detente.case.document import Document
from detente.case.egress import moved_facts
from detente.contract.clause_text import SELF
from detente.contract.reach.scope import Selection
from detente.demand.workload import AnyWorkload, can_run
from detente.errors import Flaw, KeyPath, Mistake, Where
from detente.market.network import parts_of
from detente.market.offer import AnyOffer
from detente.market.provider import Provider
from detente.values.facts import OFFER_KEYS, Facts
from detente.values.likeness import did_you_mean, nearest
from detente.values.noun import ID, MAX_CHARACTERS
from detente.values.period import Horizon, Period, begins


@dataclass(frozen=True)
class Entry:
    """One entry of a section: what was read (None where it could not be), as it was written, and where.

    Of an agreement, the terms that could not be read are left out: ``places`` says where the others stand. ``known``
    says that it is as it was in a case that was found right before scenarios changed it.
    """

    value: Any
    raw: Any
    document: Document = field(repr=False)
    path: KeyPath
    places: tuple[int, ...] = ()
    known: bool = False

    @property
    def whole(self) -> bool:
        """Whether all of it was read."""
        terms = self.raw.get("terms") if isinstance(self.value, Agreement) else None
        return self.value is not None and len(self.places) == len(terms or ())

    def where(self, path: Sequence[str | int] = (), *, key: bool = False) -> Where:
        """The place of a value in it, or of its key."""
        return self.document.where((*self.path, *path), key=key)


class Entries:
    """All entries of a case, and the mistakes found so far in how they fit together."""

    def __init__(
        self,
        head: CaseHead,
        sections: dict[str, list[Entry]],
        heads: dict[str, tuple[Document, Any]],
        unread: frozenset[str],
        without: frozenset[str] = frozenset(),
        *,
        changed: bool = False,
    ) -> None:
        self.head, self.sections, self.heads, self.unread = head, sections, heads, unread
        self.without = without  # clauses that fell away
        self.changed = changed  # it is a case under scenarios, whose head was checked without them
        self.mistakes: list[Mistake] = []
        self.meant: set[str] = set()  # models and accelerators that workloads name otherwise, by a slip
        self.astray: set[str] = set()  # sections with an entry that names what nothing has
        self.workloads: list[AnyWorkload] = self.values("workloads")
        self.offers: list[AnyOffer] = self.values("offers")
        self.providers: dict[str, Provider] = self.by_id("providers")

    @property
    def horizon(self) -> Horizon | None:
        """The horizon; None where it could not be read."""
        return None if "horizon" in self.head.unread else self.head.declared.horizon

    @cached_property
    def periods(self) -> tuple[Period, ...]:
        """The grid; empty where the horizon could not be read."""
        return self.horizon.periods() if self.horizon else ()

    @cached_property
    def begins(self) -> dict[datetime, int]:
        """The moments at which periods begin, in order, each with the first that does."""
        return begins(self.periods)

    def read(self, section: str) -> list[Entry]:
        """The entries of a section that were read."""
        return [entry for entry in self.sections[section] if entry.value is not None]

    def values(self, section: str) -> list[Any]:
        """What was read of a section."""
        return [entry.value for entry in self.read(section)]

    def by_id(self, section: str) -> dict[str, Any]:
        """What was read of a section by its ids; those that are declared twice are left out."""
        return {value.id: value for value in self.values(section) if value.id not in self.repeated(section)}

    def whole(self, *sections: str) -> bool:
        """Whether all entries of some sections were read, each by its own id, so that what is not there is missing."""
        return all(self._is_whole(section) for section in sections)

    def _is_whole(self, section: str) -> bool:
        if section not in self._whole:
            self._whole[section] = (
                section not in self.unread
                and not self.repeated(section)
                and all(entry.whole for entry in self.sections[section])
            )
        return self._whole[section]

    @cached_property
    def _whole(self) -> dict[str, bool]:
        return {}

    def sure(self, *sections: str) -> bool:
        """Whether all entries of some sections were read, and each names what there is.

        Else what is not found in them is no mistake of its own: it may follow from one that is told already.
        """
        return self.whole(*sections) and not self.astray.intersection(sections)

    # -- noting mistakes -------------------------------------------------------------------------------------
    def wrong(self, entry: Entry, path: Sequence[str | int], what: str, remedy: str, *, key: bool = False) -> None:
        """Note a mistake at a place in an entry."""
        self.mistakes.append(Mistake(entry.where(path, key=key), what, remedy))

    def unknown(self, entry: Entry, path: Sequence[str | int], what: str, remedy: str, *, key: bool = False) -> None:
        """Note that an entry names what nothing has, so that what it stands for is not known."""
        self.astray.add(str(entry.path[0]))
        self.wrong(entry, path, what, remedy, key=key)

    @staticmethod
    def written(entry: Entry, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """The path of a value as written: terms that could not be read stand in between."""
        if path[:1] == ("terms",) and len(path) > 1 and isinstance(path[1], int):
            return ("terms", entry.places[path[1]], *path[2:])
        return path

    def note(self, entry: Entry, flaw: Flaw, under: KeyPath = ()) -> None:
        """Note what is wrong in a part of an entry."""
        self.wrong(entry, (*under, *flaw.path), flaw.what, flaw.remedy, key=flaw.key)

    def wrong_head(self, at: str, what: str, remedy: str, path: KeyPath = (), *, key: bool = False) -> None:
        """Note a mistake at a key beside the sections (at the case's name, if it is absent), or within its value."""
        document, _ = self.heads.get(at) or self.heads["name"]
        self.mistakes.append(Mistake(document.where((at, *path), key=key), what, remedy))

    def knows(
        self, entry: Entry, path: Sequence[str | int], section: str, name: str, *, besides: Collection[str] = ()
    ) -> bool:
        """Whether there is such an entry, or it is a word that may stand ``besides``; else a mistake is noted."""
        names = self.names(section)
        if name in names or name in besides:
            return True
        if not self.nameless(section):
            remedy = did_you_mean(name, names.union(besides), f"declare it under `{section}:`")
            self.unknown(entry, path, f"there is no {section[:-1]} `{name}`", remedy)
        return False

    def has_region(self, entry: Entry, path: Sequence[str | int], provider: str, region: str) -> None:
        """Note a region that its provider does not have; of a provider that is not known, nothing."""
        found = self.providers.get(provider)
        if found is not None and region not in found.regions:
            near = nearest(region, found.regions)
            remedy = f"{'' if near is None else f'did you mean `{near}`? If not, '}declare it under the provider"
            self.unknown(entry, path, f"`{provider}` has no region `{region}`", remedy)

    def has_place(self, entry: Entry, path: Sequence[str | int], place: str) -> None:
        """Note a place, ``provider`` or ``provider/region``, that there is not."""
        provider, region = parts_of(place)
        if self.knows(entry, path, "providers", provider) and region:
            self.has_region(entry, path, provider, region)

    # -- what scopes ask ---------------------------------------------------------------------------------------
    def hides(self, key: str) -> bool:
        """Whether what could not be read may have more values of a key of scopes."""
        return not self.sure(_section(key), "providers", "catalogs", "deployments")

    def nobody_has(self, key: str, values: Sequence[str]) -> Iterator[tuple[int, str, str]]:
        """The values of a key that a scope asks for and nothing has: the place of each, what is wrong, and a remedy."""
        known = self.values_of.get(key, set())
        for at, value in enumerate(values):
            if value not in known:
                negated = re.fullmatch(r"(?:!=?\s*|(?:not|no|except)\s+)(.+)", value)
                remedy = did_you_mean(value, known)
                if negated is not None and negated[1] in known:
                    remedy = f"what is left out stands in `except: [ {{ {key}: {negated[1]} }} ]`"
                yield at, f"no {_section(key)[:-1]} has `{key}: {value}`", remedy

    # -- names and facts -------------------------------------------------------------------------------------
    def names(self, section: str) -> set[str]:
        """Ids as written, those of entries that did not read included: they are not also unknown.

        Of one that did not read also in small letters, which its capitals may be what is told of.
        """
        if section not in self._names:
            entries = [
                e for e in self.sections[section] if isinstance(e.raw, dict) and isinstance(e.raw.get("id"), str)
            ]
            unread = {e.raw["id"].lower() for e in entries if e.value is None}
            self._names[section] = {e.raw["id"] for e in entries} | unread
        return self._names[section]

    def repeated(self, section: str) -> set[str]:
        """Ids that stand at several entries, so that none can be found by them."""
        if section not in self._repeated:
            raws = [e.raw.get("id") for e in self.sections[section] if isinstance(e.raw, dict)]
            times = Counter(name for name in raws if isinstance(name, str))
            self._repeated[section] = {name for name, n in times.items() if n > 1}
        return self._repeated[section]

    @cached_property
    def _repeated(self) -> dict[str, set[str]]:
        return {}

    @cached_property
    def _names(self) -> dict[str, set[str]]:
        return {}

    def nameless(self, section: str) -> bool:
        """Whether a section may hold names that cannot be seen: unread, or another's by mistake."""
        if section not in self._nameless:
            entries = self.sections[section]
            self._nameless[section] = (
                section in self.unread
                or (section == "offers" and "catalogs" in self.unread)  # which sell offers
                or bool(self.repeated(section))
                or not all(_has_name(section, entry) for entry in entries)
            )
        return self._nameless[section]

    @cached_property
    def _nameless(self) -> dict[str, bool]:
        return {}

    @cached_property
    def facts(self) -> dict[str, Facts]:
        """What a scope may ask of each offer whose place is known."""
        found = {}
        for offer in self.offers:
            provider = self.providers.get(offer.provider)
            if provider and offer.region in provider.regions:
                found[offer.id] = offer.facts(provider.regions[offer.region].country)
        return found

    @cached_property
    def spanned(self) -> dict[str, list[Facts]]:
        """What a scope may ask of an offer where its deployments run work: elsewhere, or as a model of their own."""
        offers = {offer.id: offer for offer in self.offers}
        found: dict[str, list[Facts]] = {}
        for deployment in self.values("deployments"):
            offer = offers.get(deployment.offer)
            provider = self.providers.get(offer.provider) if offer else None
            if offer is None or provider is None or offer.id not in self.facts:
                continue
            if all(region in provider.regions for region in deployment.regions):
                places = deployment.places(offer, provider)
                found.setdefault(offer.id, []).extend(place for place in places if place != self.facts[offer.id])
        return found

    @cached_property
    def fits(self) -> list[list[AnyOffer]]:
        """The offers that can technically serve each workload, in the order of the workloads."""
        return [[o for o in self.named_by(w) if can_run(w, o)] for w in self.workloads]

    def named_by(self, workload: AnyWorkload) -> list[AnyOffer]:
        """The offers that sell what a workload names under ``runs-on``, in their order."""
        names = {*workload.runs_on.models, *workload.runs_on.accelerators}
        found = [at for name in names for at in self.sellers.get(name, ())]
        return [self.offers[at] for at in sorted(found)]

    @cached_property
    def sellers(self) -> dict[str, list[int]]:
        """The places of the offers of each model and accelerator."""
        found: dict[str, list[int]] = {}
        for at, offer in enumerate(self.offers):
            for name in offer.sells:
                found.setdefault(name, []).append(at)
        return found

    @cached_property
    def sold(self) -> frozenset[str]:
        """Every model and accelerator on offer."""
        return frozenset(self.sellers)

    @cached_property
    def uses(self) -> list[tuple[Facts, Facts]]:
        """Every use that there could be, moving a workload's data out of its place included."""
        found = []
        for workload, fits in zip(self.workloads, self.fits, strict=True):
            facts = workload.facts
            for offer in fits:
                if offer.id in self.facts:
                    found += [(facts, there) for there in (self.facts[offer.id], *self.spanned.get(offer.id, ()))]
            if workload.data is not None and workload.data.moves[0]:
                found.append((facts, moved_facts(self.providers, workload.data.at)))
        return found

    def counted(self, selection: Selection) -> bool:
        """Whether any use that is selected counts: it does where its offer stands, not where deployments reach."""
        if not self.spanned:
            return True
        own = ((demand, place) for demand, place in self.uses if self.facts.get(place["offer"], place) == place)
        return any(selection.covers(demand, place) is not False for demand, place in own)

    def unlike(self, keys: Iterable[str]) -> list[tuple[Facts, Facts]]:
        """Uses that differ in some of these keys, one of each: what a scope with no other keys can tell apart."""
        asked = tuple(sorted(set(keys)))
        if asked not in self._unlike:
            of_offer = [key in OFFER_KEYS for key in asked]
            found: dict[tuple[str | None, ...], tuple[Facts, Facts]] = {}
            for demand, offer in self.uses:
                values = [(offer if of else demand).get(key) for key, of in zip(asked, of_offer, strict=True)]
                found.setdefault(tuple(values), (demand, offer))
            self._unlike[asked] = list(found.values())
        return self._unlike[asked]

    @cached_property
    def _unlike(self) -> dict[tuple[str, ...], list[tuple[Facts, Facts]]]:
        return {}

    @cached_property
    def values_of(self) -> dict[str, set[str]]:
        """Every key that a scope may ask, and the values that occur."""
        values: dict[str, set[str]] = {key: set() for key in OFFER_KEYS}
        values["workload"] = set(self.names("workloads"))
        values["kind"] = {"training", "inference", "batch"}
        values["provider"] = set(self.names("providers"))
        values["offer"] = set(self.names("offers"))
        spanned = [facts for each in self.spanned.values() for facts in each]
        beside = (facts for entry in self.read("providers") for facts in entry.value.beside_offers.values())
        uses = (offer for _, offer in self.uses)
        for facts in chain(self.facts.values(), spanned, uses, chain.from_iterable(beside)):
            for key, value in facts.items():
                values[key].add(value)
        for entry in self.sections["workloads"]:
            labels = entry.raw.get("labels") if isinstance(entry.raw, dict) else None
            for key, value in labels.items() if isinstance(labels, dict) else ():
                values.setdefault(str(key), set()).add(str(value))
        return values


def _section(key: str) -> str:
    """Whose fact a key of scopes asks for."""
    return "offers" if key in OFFER_KEYS else "workloads"


def _has_name(section: str, entry: Entry) -> bool:
    """Whether an entry has an id by which others can name it."""
    name = entry.raw.get("id") if isinstance(entry.raw, dict) else None
    if not isinstance(name, str) or len(name) > MAX_CHARACTERS or (section, name) == ("providers", SELF):
        return False
    return re.match(ID, name) is not None
