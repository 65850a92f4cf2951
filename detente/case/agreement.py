"""An agreement: parties, terms, readings, amendments, and what is in force when.

Owns: from a list of agreements to the terms in force, each bound to its dates and one reading.
Not here: what a term does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from itertools import pairwise
from typing import Any

from pydantic import Field, model_validator

from detente.contract.answer import each_of, misanswered
from detente.contract.clause_text import SELF
from detente.contract.combining import Combine
from detente.contract.reach.ending import Until
from detente.contract.reach.handover import Handover
from detente.contract.reach.validity import Validity
from detente.contract.roles import PriceChange
from detente.contract.settled.invoice_rounding import InvoiceRounding
from detente.contract.term import Term
from detente.demand.workload import AnyWorkload, can_run
from detente.errors import FlawError
from detente.market.offer import AnyOffer
from detente.terms import AnyTerm
from detente.values.exchange_rate import CurrencyExchange
from detente.values.noun import Id, Label, Noun, Title
from detente.values.period import LAST, Day, moment
from detente.values.zone import Zone, zone_of


class Agreement(Noun):
    """What was signed with one party, clause by clause; or a policy, signed with oneself (``with: self``)."""

    id: Id
    with_: Id = Field(description="the other party: a provider's id, or `self` for a policy of one's own")
    effective: Day
    ends: Day | None = Field(
        default=None,
        description="the day from which it no longer holds; of an amendment: the new end of all of what it amends",
    )
    title: Title | None = None
    parties: tuple[Label, ...] = Field(
        default=(), description="who is bound on our side, by the label `party` of workloads; default: everybody"
    )
    amends: Id | None = Field(default=None, description="the agreement that this one changes from its effective day on")
    removes: tuple[Id, ...] = Field(default=(), description="terms of the amended agreement that end with this one")
    combine: Combine | None = Field(
        default=None,
        description="how its discounts on one price combine: each of what is left, all of the list price, or the best",
    )
    zone: Zone | None = Field(
        default=None,
        description="the time zone in which its days begin; default: that of what it amends, else UTC",
    )
    rounding: InvoiceRounding | None = Field(
        default=None, description="how the party rounds its invoices of a month; default: as what it amends, else exact"
    )
    exchange: tuple[CurrencyExchange, ...] = Field(
        default=(), description="what currencies cost for its clauses and what is sold under it; default: the case's"
    )
    terms: tuple[AnyTerm, ...] = ()

    @model_validator(mode="after")
    def _dates(self) -> Agreement:
        if self.ends and self.ends <= self.effective:
            what = f"ends on {self.ends}, not after its effective day {self.effective}"
            raise FlawError(what, "move one of them", ("ends",))
        if self.removes and not self.amends:
            what = "removes terms, and amends no agreement that they stand in"
            raise FlawError(what, "write `amends:` too", ("removes",), key=True)
        if self.rounding and self.with_ == SELF:
            what = "a policy of one's own has no invoices to round"
            raise FlawError(what, "state `rounding` in the agreement with whoever sends them", ("rounding",), key=True)
        return self


@dataclass(frozen=True)
class InForce:
    """A term, when it is in force, and where it stands: which agreement, which of its terms."""

    term: Term
    validity: Validity
    agreement: int
    place: int


@dataclass(frozen=True)
class AmendedEnd:
    """When an agreement as amended ends: as it was ``before`` one of its texts, ``after`` that, and the ``final`` day.

    ``family`` is the first of those that end together: an amendment that ends by itself is its own.
    """

    before: date
    after: date
    final: date
    family: str

    @property
    def moves(self) -> bool:
        """Whether the text gives those of its family another end."""
        return self.after != self.before


def in_force(
    agreements: Sequence[Agreement],
    events: Mapping[str, datetime | None],
    offers: Sequence[AnyOffer] = (),
    without: Collection[str] = frozenset(),
    workloads: Sequence[AnyWorkload] | None = None,
) -> Iterator[InForce]:
    """Every term with its dates, amendments applied, as it knows the others; once for each time in which it stays so.

    Terms that it is ``without`` are there for nobody. ``workloads``: all work, where it is known.
    """
    sold = {each.id: each.facts_anywhere for each in offers}
    asked = any(each.parties or any(term.parties for term in each.terms) for each in agreements)
    run_for = whose_work(offers, workloads) if asked and workloads is not None else {}
    held = [
        replace(each, term=each.term.among(sold, run_for))
        for each in texts_in_force(agreements, events)
        if each.term.id not in without
    ]
    there = [each for standing in held for each in _by_rate(standing)]
    return (version for standing in there for version in _versions(_knowing(standing, there, offers)))


def whose_work(offers: Iterable[AnyOffer], workloads: Iterable[AnyWorkload]) -> dict[str, frozenset[str | None]]:
    """Whose work each offer can run, whatever clauses permit: by the label `party`, None for work without it."""
    of: dict[str | None, list[AnyWorkload]] = {}
    for each in workloads:
        of.setdefault(each.labels.get("party"), []).append(each)
    return {
        offer.id: frozenset(party for party, works in of.items() if any(can_run(work, offer) for work in works))
        for offer in offers
    }


def texts_in_force(agreements: Sequence[Agreement], events: Mapping[str, datetime | None]) -> list[InForce]:
    """Every term that is in force at any time, with its dates, amendments applied.

    An agreement as amended is one text: a term of an amendment that has the id of an earlier one replaces
    it from that day on, whichever amendment brought the earlier one, and takes over its windows. All of it ends when
    the last amendment that names an end says. ``events`` gives the day of each event, or None for one that is not
    expected.
    """
    found: list[InForce] = []
    replaced: set[int] = set()
    known = {a.id: a for a in agreements}
    roots = [root(a, known) for a in agreements]
    ends = endings(agreements)
    for index, agreement in _in_order(agreements, known):
        replacing: dict[str, Term | None] = dict.fromkeys(agreement.removes)
        replacing |= {term.id: term for term in agreement.terms}
        begun: dict[str, Handover] = {}
        start, ending = moment(agreement.effective, clock_of(agreement, known)), ends[agreement.id]
        for at, earlier in enumerate(found if agreement.amends else ()):
            if earlier.agreement == index or roots[earlier.agreement] != roots[index] or at in replaced:
                continue
            if earlier.term.id in replacing:
                replaced.add(at)
                if earlier.validity.end > earlier.validity.start:
                    handover = _handover(earlier, replacing[earlier.term.id], start)
                    found[at] = replace(earlier, validity=_until(earlier.validity, start, handover))
                    if handover is not None and earlier.validity.end > start:
                        begun[earlier.term.id] = handover
            elif ending.moves and ends[agreements[earlier.agreement].id].family == ending.family:
                until = _dates(earlier.term, agreements[earlier.agreement], known, events, ending.after).end
                found[at] = replace(earlier, validity=replace(earlier.validity, end=until))
        for place, term in enumerate(agreement.terms):
            validity = _dates(term, agreement, known, events, ending.after)
            found.append(InForce(term, replace(validity, begun=begun.get(term.id)), index, place))
    return [each for each in found if each.validity.end > each.validity.start]


def _knowing(standing: InForce, there: Sequence[InForce], offers: Sequence[AnyOffer]) -> InForce:
    """A term that knows what is on offer, and the clauses that are agreed with its party, each when it is in force.

    Disputed ones are told under no reading.
    """
    party = standing.validity.counterparty
    same = [each.term.in_force(each.validity) for each in there if each.validity.counterparty == party]
    found: Any = standing.term.knowing(offers, same)
    if not isinstance(found, Term) or found.id != standing.term.id:
        raise TypeError(misanswered(standing.term, "knowing", found, "the clause, or a copy of it that knows more"))
    return replace(standing, term=found)


def _by_rate(standing: InForce) -> Iterator[InForce]:
    """A term once for each rate of exchange at which its amounts are, where they hold at each moment."""
    rates = standing.term.at_rates
    for version in _cut(standing, (at for at, _ in rates[1:])):
        begun = (term for at, term in reversed(rates) if at <= version.validity.start)
        yield replace(version, term=next(begun, standing.term))


def _versions(standing: InForce) -> Iterator[InForce]:
    """A term once for each time in which it stays as it is."""
    whole = standing.validity
    term = standing.term.in_force(whole)
    turns = term.turns(whole.start, whole.end)
    return _cut(standing, each_of(term, "turns", turns, datetime, "each moment, a `datetime` with its zone"))


def _cut(standing: InForce, turns: Iterable[datetime]) -> Iterator[InForce]:
    """A term once for each time between some moments; what an amendment makes of windows is at its two ends."""
    whole = standing.validity
    inside = {at for at in turns if whole.start < at < whole.end}
    edges = sorted({whole.start, whole.end, *inside})
    for start, end in pairwise(edges):
        begun = whole.begun if start == whole.start else None
        ended = whole.ended if end == whole.end else None
        first = whole.text_from if start == whole.start else whole.first
        version = replace(whole, start=start, end=end, begun=begun, ended=ended, text_from=first)
        yield replace(standing, validity=version)


def severed(standing: InForce, ends: Mapping[str, datetime]) -> InForce:
    """A term whose party is gone from a moment on: it ends there, and the window that runs is asked for its part."""
    at = ends.get(standing.validity.counterparty)
    if at is None or isinstance(standing.term, PriceChange) or standing.validity.end <= at:
        return standing
    end = max(at, standing.validity.start)
    handover = Handover.on(end, "pro-rata", standing.term.divided(standing.validity))
    return replace(standing, validity=replace(standing.validity, end=end, ended=handover))


def _handover(earlier: InForce, term: Term | None, on: datetime) -> Handover | None:
    """What becomes of the window that runs when a text is replaced; None where it only ends."""
    if term is None:
        return None
    was, validity = earlier.term, earlier.validity
    parties, divided = was.parties or validity.parties, was.divided(validity)
    every = next((stated.every for stated in was.found_windows), None) if divided is None else None
    undivided = was.in_force(validity).calendar(every) if every else None
    return Handover.on(on, term.takes_over, divided, was.going_on(validity), parties, undivided)


def _until(validity: Validity, on: datetime, handover: Handover | None) -> Validity:
    """The time in force of a text that an amendment ends, unless it has ended before."""
    end = max(validity.start, on)
    return validity if validity.end <= on else replace(validity, end=end, ended=handover, replaced=True)


def dates(
    term: Term,
    agreement: Agreement,
    known: Mapping[str, Agreement],
    events: Mapping[str, datetime | None],
    ends: Mapping[str, AmendedEnd],
) -> Validity:
    """When a term is in force, as long as no amendment replaces it; never, where it ends before it starts."""
    return _dates(term, agreement, known, events, ends[agreement.id].final)


def _dates(
    term: Term,
    agreement: Agreement,
    known: Mapping[str, Agreement],
    events: Mapping[str, datetime | None],
    ends: date,
) -> Validity:
    zone = clock_of(agreement, known)
    start = max(moment(agreement.effective, zone), moment(term.from_ or agreement.effective, zone))
    end = min([moment(ends, zone), *own_ends(term, events, zone)])
    until = term.until.latest if isinstance(term.until, Until) else term.until
    line = lineage(agreement, known)
    combine = next((a.combine for a in line if a.combine), None)
    parties = next((a.parties for a in line if a.parties), ())
    return Validity(
        agreement.id, agreement.with_, start, max(start, end), combine=combine, parties=parties, zone=zone,
        amends=tuple(each.id for each in line[1:]), stated=moment(min(ends, until or LAST), zone),
    )  # fmt: skip


def endings(agreements: Iterable[Agreement]) -> dict[str, AmendedEnd]:
    """When each agreement ends, as amended; by its id.

    An amendment with `ends` moves the end of all of it, from its effective day on. Not so where it takes effect when
    all of it has ended, or has clauses and ends before the rest: then it is its own end alone.
    """
    every = list(agreements)
    known = {a.id: a for a in every}
    found: dict[str, AmendedEnd] = {}
    held: dict[str, list[str]] = {}  # of each first agreement, those that end together
    for _, each in _in_order(every, known):
        first = root(each, known)
        together = held.setdefault(first, [])
        before = found[together[-1]].after if together else LAST
        after = each.ends or before
        late = each.effective > before
        alone = each.ends is not None and (late or (after < before and changes_text(each)))
        if alone or not together:
            found[each.id] = AmendedEnd(before, after, after, each.id)
        else:
            found[each.id] = replace(found[together[0]], before=before, after=after)
        if not together or (alone and late):
            held[first] = [each.id]
        elif not alone:
            together.append(each.id)
            found |= {name: replace(found[name], final=after) for name in together}
    return found


def changes_text(agreement: Agreement) -> bool:
    """Whether an amendment brings clauses, or removes any, beside what else it says."""
    return bool(agreement.terms or agreement.removes)


def _in_order(agreements: Sequence[Agreement], known: Mapping[str, Agreement]) -> list[tuple[int, Agreement]]:
    """Each with its place, as they take effect; on one day an amendment after what it amends."""
    order = [(a.effective, len(lineage(a, known)), index, a) for index, a in enumerate(agreements)]
    return [(index, a) for _, _, index, a in sorted(order, key=lambda entry: entry[:3])]


def clock_of(agreement: Agreement, known: Mapping[str, Agreement]) -> tzinfo:
    """On whose clock its days begin: its own, or that of what it amends."""
    return zone_of(next((a.zone for a in lineage(agreement, known) if a.zone is not None), "UTC"))


def lineage(agreement: Agreement, known: Mapping[str, Agreement]) -> list[Agreement]:
    """An agreement, what it amends, what that amends, …; it stops at what is not known, and in a circle."""
    found, seen = [agreement], {agreement.id}
    while (name := found[-1].amends) is not None and name in known and name not in seen:
        found.append(known[name])
        seen.add(name)
    return found


def root(agreement: Agreement, known: Mapping[str, Agreement]) -> str:
    """The first agreement that an amendment changes, through others perhaps; else its own id."""
    return lineage(agreement, known)[-1].id


def clocks(agreements: Sequence[Agreement]) -> dict[str, tzinfo]:
    """On whose clock the days of each party begin: that of its agreements; UTC where they go by several."""
    known = {agreement.id: agreement for agreement in agreements}
    found: dict[str, set[tzinfo]] = {}
    for each in agreements:
        found.setdefault(each.with_, set()).add(clock_of(each, known))
    return {party: zones.pop() if len(zones) == 1 else UTC for party, zones in found.items()}


def own_ends(term: Term, events: Mapping[str, datetime | None], zone: tzinfo) -> list[datetime]:
    """When it ends whatever its agreement says: on a day, or with an event."""
    if isinstance(term.until, Until):
        happens = events.get(term.until.event)
        latest = [moment(term.until.latest, zone)] if term.until.latest else []
        return [*latest, moment(happens.date(), zone)] if happens else latest
    return [moment(term.until, zone)] if term.until else []


def cycle(agreements: Sequence[Agreement]) -> list[str]:
    """A cycle of amendments, if there is one: the agreements on it, in order."""
    amends = {a.id: a.amends for a in agreements}
    for start in amends:
        path, at = [start], amends.get(start)
        while at is not None and at in amends:
            if at == start:
                return path
            if at in path:
                break
            path.append(at)
            at = amends.get(at)
    return []
