"""Whether the clauses of a case make sense: in force, selecting something, unambiguous under every reading.

Owns: agreements and their amendments, what clauses state (references, scopes, windows) against what the case declares.
It finds all mistakes and never stops at the first, and knows no kind of clause. Not here: what makes no sense in a kind
(``Term.check``), and whether the clauses can be met together (``planner``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from detente.case.acting import acting_after
from detente.case.agreement import Agreement, InForce, cycle, dates, endings, in_force, lineage, root
from detente.case.billed import billed
from detente.case.checks import currencies, units, upfront, windows
from detente.case.checks import price_clauses as prices
from detente.case.checks.answers import answers_of, asks_what_is_left
from detente.case.checks.view import View
from detente.case.entries import Entries, Entry
from detente.case.reading import choice_of, combinations
from detente.case.whole_text import going_on
from detente.contract.answer import each_of, each_placed
from detente.contract.clause_text import SELF
from detente.contract.payer import Payer
from detente.contract.reach.ending import Until
from detente.contract.reach.scope import Scope
from detente.contract.returning import Returning
from detente.contract.roles import OwnRates, PriceChange
from detente.contract.stated import Reference
from detente.contract.term import Term
from detente.errors import Flaw, FlawError, KeyPath
from detente.values.facts import DEMAND_KEYS, OFFER_KEYS
from detente.values.likeness import did_you_mean
from detente.values.period import LAST, moment


def check(case: Entries) -> None:
    """Note every mistake."""
    _Clauses(case).check()


class _Clauses:
    def __init__(self, case: Entries) -> None:
        self.case = case
        self.entries = case.read("agreements")
        self.agreements: list[Agreement] = [entry.value for entry in self.entries]
        self.known = {a.id: a for a in self.agreements}
        self.ends = endings(self.agreements)
        self.all_read = case.whole("agreements")
        self.events = {n: moment(on) if on else None for n, on in case.head.declared.events.items()}
        self.survivors = {f"{w.id}.survives": w.id for w in case.workloads if w.survives}
        self.roots: dict[str, str] = {}
        self.families: dict[str, list[Agreement]] = {}
        self.first: dict[str, Agreement] = {}  # where each term is declared first
        self.unlabelled: set[tuple[str, str]] = set()  # workloads of which it was told that they lack a label
        self.disputed: dict[str, tuple[str, ...]] = {}  # each clause that has readings, and their names
        for term in (t for a in self.agreements for t in a.terms if t.readings):
            self.disputed.setdefault(term.id, tuple(term.readings))

    def check(self) -> None:
        """Agreements, then clauses one by one, then clauses together."""
        self._names()
        for entry in self.entries:
            self.case.knows(entry, ("with",), "providers", entry.value.with_, besides=[SELF])
        path = cycle(self.agreements)
        if path:
            if not self.case.repeated("agreements") & set(path):
                chain = " amends ".join(f"`{name}`" for name in [*path, path[0]])
                entry = next(e for e in self.entries if e.value.id == path[0])
                self.case.wrong(entry, ("amends",), f"amendments go in a circle: {chain}", "end the circle")
            return
        self.roots = {a.id: root(a, self.known) for a in self.agreements}
        for agreement in self.agreements:
            self.families.setdefault(self.roots[agreement.id], []).append(agreement)
        for entry in self.entries:
            self._amendment(entry, entry.value)
        known = self.case.workloads if self.case.sure("workloads") else None
        every = in_force(self.agreements, self.events, self.case.offers, self.case.without, known)
        standing = [found for found in every if not self._of_oneself(found)]
        for found in {found.term.kind: found for found in standing}.values():
            answers_of(found.term.in_force(found.validity))
        for found in (each for each in standing if isinstance(each.term, Returning)):
            party = found.validity.counterparty
            agreed = (e.term.in_force(e.validity) for e in standing if e.validity.counterparty == party)
            asks_what_is_left(found.term.in_force(found.validity), agreed)
        for entry in self.entries:
            self._parties(entry, (), entry.value.parties, entry.value.id)
            for place, term in enumerate(entry.value.terms):
                self._declared(entry, entry.value, place, term)
        for found in standing:
            self._in_force(self.entries[found.agreement], found)
        for entry in self.entries:
            self._lengthened(entry, entry.value, standing)
            self._of_the_whole(entry, entry.value, standing)
        self._same_day()
        self.lowering = [
            found.term.bound(found.validity, name)
            for found in standing
            if isinstance(found.term, PriceChange | Payer | OwnRates)
            for name in found.term.readings or [None]
        ]
        kinds: dict[str, list[InForce]] = {}
        for found in standing:
            kinds.setdefault(found.term.kind, []).append(found)
        for alike in kinds.values():
            self._alike(alike, _flaws)
        self._alike([found for found in standing if isinstance(found.term, PriceChange)], prices.flaws)
        if any(map(upfront.paid_at_once, self.case.offers)):
            lowering = [found for found in standing if isinstance(found.term, PriceChange | Payer)]
            self._alike(lowering, upfront.flaws)

    # -- agreements ------------------------------------------------------------------------------------------
    def _amendment(self, entry: Entry, agreement: Agreement) -> None:
        wrong = self.case.wrong
        if agreement.amends is None or not self.case.knows(entry, ("amends",), "agreements", agreement.amends):
            return
        earlier = self.known.get(agreement.amends)
        if earlier is None or earlier.id in self.case.repeated("agreements"):
            return
        if earlier.effective > agreement.effective:
            what = f"takes effect on {agreement.effective}, before what it amends ({earlier.effective})"
            wrong(entry, ("effective",), what, "the earlier agreement first")
        parties = {earlier.with_, agreement.with_}
        if len(parties) > 1 and parties <= {SELF, *self.case.names("providers")}:
            what = f"is with `{agreement.with_}`, and amends `{earlier.id}`, which is with `{earlier.with_}`"
            wrong(entry, ("with",), what, f"write `with: {earlier.with_}`, or leave out `amends`")
        if not self.all_read:
            return
        self._moved(entry, agreement)
        terms = {t.id for a in self._family(agreement) if a is not agreement for t in a.terms}
        for index, name in enumerate(agreement.removes):
            if name not in terms:
                what = f"there is no term `{name}` in `{agreement.amends}`"
                wrong(entry, ("removes", index), what, did_you_mean(name, terms))

    def _moved(self, entry: Entry, agreement: Agreement) -> None:
        """An amendment with another end: which end it is must be clear."""
        ending, wrong = self.ends[agreement.id], self.case.wrong
        if agreement.ends is None or agreement.removes or agreement.terms:
            if agreement.ends is not None and agreement.effective <= ending.before and agreement.ends < ending.before:
                when = "has no end" if ending.before == LAST else f"ends on {ending.before}"
                what = f"ends on {agreement.ends}, and `{agreement.amends}` {when}: whether all of it then ends,"
                remedy = (
                    f"for its own clauses, leave out `ends`, say `until: {agreement.ends}` in each, and write an "
                    "earlier text that comes back again, in an amendment that takes effect then; for all of "
                    f"`{agreement.amends}`, write `ends` in an amendment of its own, with `terms: []`"
                )
                wrong(entry, ("ends",), f"{what} or its own clauses alone, is not said", remedy)
        elif agreement.effective > ending.before:
            what = f"takes effect on {agreement.effective}, when `{agreement.amends}` has ended ({ending.before})"
            remedy = f"let it take effect on {ending.before} at the latest, or write its clauses again in it"
            wrong(entry, ("effective",), f"{what}, and can give it no other end", remedy)

    def _lengthened(self, entry: Entry, agreement: Agreement, standing: Sequence[InForce]) -> None:
        """An amount of a whole term that an amendment makes longer: whether it stays is not said."""
        ending = self.ends[agreement.id]
        if agreement.amends is None or not ending.moves or ending.after < ending.before:
            return
        told = set()
        for found in standing:
            earlier = self.agreements[found.agreement]
            same = self.ends[earlier.id].family == ending.family and earlier is not agreement
            if not same or found.term.id in told or not self._grows(found, agreement):
                continue
            told.add(found.term.id)
            stated = found.term.in_force(found.validity).found_windows
            if any(each.divides == "amount" and each.every.every == "term" for each in stated):
                what = f"makes the term of `{found.term.id}` longer, which has one amount for all of it: what becomes"
                remedy = (
                    f"write `{found.term.id}` again in `{agreement.id}`, with `takes-over`; or, if its amount stays, "
                    f"write `ends: {agreement.ends}` in `{earlier.id}`"
                )
                self.case.wrong(entry, ("ends",), f"{what} of that is not said", remedy)

    def _of_the_whole(self, entry: Entry, agreement: Agreement, standing: Sequence[InForce]) -> None:
        """What an amendment states of the whole agreement, where nothing goes by it."""
        horizon = self.case.horizon
        if not entry.whole or (horizon is not None and moment(agreement.effective) >= horizon.closes):
            return
        exchange = self.case.head.declared.exchange
        for each in going_on(agreement, self.known, standing, self.case.offers, exchange):
            if each.alone:
                self.case.note(entry, each.flaw(agreement))

    def _grows(self, found: InForce, by: Agreement) -> bool:
        """Whether a text that was there before an amendment ends later by it."""
        earlier, ending = self.agreements[found.agreement], self.ends[by.id]
        if (earlier.effective, len(lineage(earlier, self.known))) > (by.effective, len(lineage(by, self.known))):
            return False
        return found.validity.end > found.validity.begin(ending.before)

    def _lineage_read(self, agreement: Agreement) -> bool:
        """Whether every text that it amends was read, so that what none of them has is missing."""
        whole = {entry.value.id for entry in self.entries if entry.whole}
        earlier = [each for each in lineage(agreement, self.known) if each is not agreement]
        amended = {each.amends for each in (agreement, *earlier)} - {None}
        return amended <= whole

    @staticmethod
    def _unread_in(entry: Entry) -> frozenset[str]:
        """The clauses of an agreement that could not be read."""
        given = [term for at, term in enumerate(entry.raw.get("terms") or ()) if at not in entry.places]
        return frozenset(str(term["id"]) for term in given if isinstance(term, dict) and "id" in term)

    def _family(self, agreement: Agreement) -> list[Agreement]:
        """The agreement as amended: all that have the same first agreement."""
        return self.families[self.roots[agreement.id]]

    def _same_day(self) -> None:
        """Two amendments of one agreement that change one term on one day: neither holds over the other."""
        seen: dict[tuple[str, str, object], Entry] = {}
        for entry in self.entries:
            agreement = entry.value
            if agreement.amends is None:
                continue
            for name in dict.fromkeys([*agreement.removes, *(t.id for t in agreement.terms)]):
                key = self.roots[agreement.id], name, agreement.effective
                first = seen.setdefault(key, entry)
                if first is not entry and first.value not in lineage(agreement, self.known):
                    what = f"changes `{name}` on {agreement.effective}, as `{first.value.id}` does"
                    self.case.wrong(entry, ("effective",), what, "let one amend the other, or take effect later")

    def _names(self) -> None:
        """What the head names: readings. Of a case under scenarios, the clause may have fallen away with them."""
        for flaw in () if self.case.changed else self._unread(self.case.head.declared.reading):
            self.case.wrong_head("reading", flaw.what, flaw.remedy, flaw.path, key=flaw.key)

    def _unread(self, written: str | Mapping[str, str] | None) -> Iterable[Flaw]:
        """What a choice of readings names, and no clause has."""
        if not written or not self.all_read:
            return ()
        try:
            choice_of(self.disputed, written)
        except FlawError as error:
            return error.flaws
        return ()

    # -- one clause ------------------------------------------------------------------------------------------
    def _declared(self, entry: Entry, agreement: Agreement, place: int, term: Term) -> None:
        path = ("terms", entry.places[place])
        wrong = self.case.wrong
        first = self.first.setdefault(term.id, agreement)
        beside = first is agreement and any(t.id == term.id for t in agreement.terms[:place])
        apart = self.roots[first.id] != self.roots[agreement.id]
        if beside or (apart and {first.amends, agreement.amends} <= {None, *self.known}):
            what = f"term `{term.id}` is declared twice, first in `{first.id}`"
            wrong(entry, (*path, "id"), what, "rename one")
        if term.id in self.survivors:
            what = f"`{term.id}` is what `survives:` of the workload `{self.survivors[term.id]}` is called"
            wrong(entry, (*path, "id"), what, "rename it")
        event = term.until.event if isinstance(term.until, Until) else None
        if event is not None and event not in self.events:
            if "events" not in self.case.head.unread:
                what = f"the event `{event}` is not declared under `events:`"
                remedy = did_you_mean(event, self.events, "say its day, or `not expected`")
                wrong(entry, (*path, "until", "event"), what, remedy)
        else:
            validity = dates(term, agreement, self.known, self.events, self.ends)
            if validity.start == validity.end:
                what = f"`{term.id}` is never in force: it ends before it starts ({validity.start:%Y-%m-%d})"
                happens = self.events.get(event) if event is not None else None
                also = f", and of its event `{event}`, {happens:%Y-%m-%d}" if happens is not None else ""
                wrong(entry, path, what, f"check its dates, and those of its agreement{also}")
            self._days(entry, agreement, path, term.in_force(validity))
        names = self.disputed.get(term.id, ()) if term.readings else ()
        for name in sorted({*names} ^ {*term.readings}):
            what = f"the reading `{name}` is of one version of `{term.id}` only"
            wrong(entry, (*path, "readings"), what, "give each version of a disputed clause the same readings")

    def _days(self, entry: Entry, agreement: Agreement, path: KeyPath, term: Term) -> None:
        """Days after the end that a clause's own paper states; an end that an amendment moved is told (``outside``)."""
        ending, until, horizon = self.ends[agreement.id], term.until, self.case.horizon
        stated = (until.latest if isinstance(until, Until) else until) or LAST
        last = min(stated, max(ending.after, ending.final))
        for at, on in acting_after(term, term.begin(last), horizon.closes) if horizon is not None else ():
            what = f"`{term.id}` names {on}, and ends on {last}: it does nothing then"
            self.case.wrong(entry, (*path, *at), what, "move the day, or the end")

    def _of_oneself(self, found: InForce) -> bool:
        """Whether a clause moves money between its parties, who are one: nothing else is asked of it then."""
        wrong = found.validity.counterparty == SELF and found.term.between_parties
        if wrong:
            what = f"`{found.term.id}` is of money or prices between two parties, and is agreed with `self`, who is one"
            remedy = "write it in an agreement with the provider who sells, or is paid"
            self.case.wrong(self.entries[found.agreement], self._path(found), what, remedy)
        return wrong

    def _in_force(self, entry: Entry, found: InForce) -> None:
        """A clause against what it speaks of, under each of its readings."""
        path = self._path(found)
        good = found.validity.counterparty in {SELF, *self.case.names("providers")}
        good &= self._parties(entry, path, found.term.parties, found.term.id)
        good &= set(found.validity.parties) <= {*self.case.values_of.get("party", ())}
        instead = 'each `Scope` with its place: `(("of",), self.of)`'
        for at, scope in each_placed(found.term, "scopes", found.term.scopes(), Scope, instead):
            good &= self._scope(entry, (*path, *at), scope, found.term.id)
        references = each_of(found.term, "references", found.term.references(), Reference, "a tuple of `Reference`")
        for reference in references:
            good &= self.case.knows(entry, (*path, *reference.path), reference.section, reference.id)
        terms = [found.term.bound(found.validity, name) for name in found.term.readings or [None]]
        for flaw in windows.never(terms[0], dates(found.term, entry.value, self.known, {}, self.ends).end):
            self.case.note(entry, flaw, path)
        if self._lineage_read(entry.value):
            for flaw in windows.handed_over(terms[0]):
                self.case.note(entry, flaw, path)
            for flaw in windows.cut(terms[0], self.case.horizon) if self.case.horizon else ():
                self.case.note(entry, flaw, path)
        for term in terms if good else ():
            self._selects(entry, path, term)
            for flaw in (*units.flaws(term, View(self.case, term)), *currencies.flaws(term, View(self.case, term))):
                self.case.note(entry, flaw, path)

    def _path(self, found: InForce) -> KeyPath:
        return "terms", self.entries[found.agreement].places[found.place]

    def _parties(self, entry: Entry, path: Sequence[str | int], parties: Sequence[str], name: str) -> bool:
        """Parties on our side that no workload is of."""
        return not parties or self._scope(entry, path, Scope({"party": parties}), name, written="parties")

    def _scope(
        self, entry: Entry, path: Sequence[str | int], scope: Scope, term: str, written: str | None = None
    ) -> bool:
        """Keys and values of a scope that nothing in the case has; ``written``: its key, where it stands as another."""
        values, wrong = self.case.values_of, self.case.wrong
        good = True
        for key, wanted in scope.wanted.items():
            hidden = entry.known or self.case.hides(key)
            if key not in values:
                good = False
                if not hidden:
                    what = f"no workload has the label `{key}`, which `{term}` asks for"
                    wrong(entry, (*path, written or key), what, did_you_mean(key, values), key=True)
                continue
            if key not in OFFER_KEYS and key not in DEMAND_KEYS and not self._labelled(key, scope, term):
                good = False
                continue  # who lacks it might have the value
            for index, what, remedy in self.case.nobody_has(key, wanted):
                good = False
                if not hidden:
                    what += f", so `{term}` selects nothing by it"
                    wrong(entry, (*path, written or key, index), what, remedy)
        return good

    def _labelled(self, key: str, scope: Scope, term: str) -> bool:
        """Whether every workload says if it is meant (§2), unless another key of the scope settles it."""
        good = True
        others = Scope({k: v for k, v in scope.wanted.items() if k not in OFFER_KEYS and k != key})
        for entry in self.case.read("workloads"):
            workload = entry.value
            if key not in workload.labels and others.covers(workload.facts, None) is not False:
                good = False
                if (workload.id, key) in self.unlabelled:
                    continue
                self.unlabelled.add((workload.id, key))
                what = f"`{workload.id}` has no label `{key}`, and the clause `{term}` turns on it"
                self.case.wrong(entry, ("labels",), what, f"add it (`{key}: none` if it is none of them)")
        return good

    def _selects(self, entry: Entry, path: Sequence[str | int], term: Term) -> None:
        """A clause that covers no use at all."""
        whole = not entry.known and self.case.sure("offers", "workloads", "providers", "catalogs", "deployments")
        if not whole or not self.case.uses or self.case.meant:
            return
        if billed(term, [entry.value for entry in self.case.read("providers")]):
            return
        if not View(self.case, term).uses(term.covered):
            what = f"`{term.id}` selects nothing: no workload on any offer is {term.covered}"
            self.case.wrong(entry, path, what, "widen `of`, or drop the clause")
        elif not term.judges and term.meters() and not self.case.counted(term.covered):
            what = f"`{term.id}` counts nothing: use counts where its offer stands, and only deployments reach"
            remedy = "name the region in which the offer stands, or the offer"
            self.case.wrong(entry, path, f"{what} {term.covered}", remedy)

    # -- what a clause says of itself --------------------------------------------------------------------------
    def _alike(self, standing: Sequence[InForce], flaws: Callable[[Term, View], Iterable[Flaw]]) -> None:
        """Clauses that are alike, each beside the others, under every combination of their readings."""
        disputed = {f.term.id: self.disputed[f.term.id] for f in standing if f.term.readings}
        try:
            choices = combinations(disputed, {})
        except FlawError as error:
            self.case.note(self.entries[standing[0].agreement], error.flaws[0], self._path(standing[0]))
            return
        told: set[tuple[int, KeyPath, str]] = set()  # once, of all versions of a clause and of all readings
        for choice in choices:
            read = [f for f in standing if not f.term.readings or choice[f.term.id] in f.term.readings]
            terms = [found.term.bound(found.validity, choice.get(found.term.id)) for found in read]
            for found, term in zip(read, terms, strict=True):
                unread = self._unread_in(self.entries[found.agreement]) | {*self.case.without}
                for flaw in flaws(term, View(self.case, term, terms, self.lowering, unread)):
                    path = self._path(found)
                    same = found.agreement, (*path, *flaw.path), flaw.what
                    if same not in told:
                        told.add(same)
                        self.case.note(self.entries[found.agreement], flaw, path)


def _flaws(term: Term, view: View) -> Iterable[Flaw]:
    """What a clause says of itself in its case."""
    return each_of(term, "check", term.check(view), Flaw, "each `Flaw`")
