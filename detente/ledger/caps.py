"""Caps that are kept live: which there are in a case, what each allows in a window, and what a call takes of it.

Owns: ``LiveCap`` of a clause, and what calls that are on the books used of each. Not here: what was leased
(``leasing``), and which clause denies (the clause's own ``permits``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from detente.case.case import Case
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.meter import Meter
from detente.contract.scope import Selection
from detente.contract.term import Term
from detente.contract.totals import Totals
from detente.contract.use import nanos
from detente.errors import SettleError
from detente.ledger.leasing import CapWindow, whole_up
from detente.ledger.line import UseLine, summed
from detente.ledger.metering import ClauseMeasure, Tariff
from detente.ledger.record import TokenCounts
from detente.ledger.running import name_of
from detente.market.token_price import MTOK
from detente.values.facts import Facts


class CapLimit(NamedTuple):
    """What a cap allows in the window that a moment lies in."""

    key: CapWindow
    start: datetime
    end: datetime
    limit: int


@dataclass(frozen=True, eq=False)
class LiveCap:
    """A cap of a clause.

    ``id`` is the clause's, and ``name`` that of its meter in a ledger. ``since``: an amended clause is several.
    """

    id: str
    name: str
    term: Term
    meter: Meter
    measure: ClauseMeasure

    @property
    def since(self) -> datetime:
        """From when the clause is in force."""
        return self.term.validity.start

    @property
    def selection(self) -> Selection:
        """What it covers."""
        return self.meter.selection

    def at(self, moment: datetime) -> CapLimit | None:
        """What it allows at a moment; None where no window is then, or no amount is set.

        It is what the clause itself says of a window of which nothing is drawn yet.
        """
        nothing = Totals(self.term.meters())
        for standing in reversed(self.term.settle(nothing, NOTHING_DECIDED, moment).standings):
            if standing.meter == self.meter.name and standing.start <= moment and not standing.ended:
                if standing.amount is None:
                    return None
                key = CapWindow(self.name, standing.window)
                return CapLimit(key, standing.start, standing.end, nanos(standing.amount - standing.brought))
        return None


def of_terms(terms: Iterable[Term]) -> Iterator[LiveCap]:
    """The caps of clauses: of those that ask what remains, each of its meters that calls add to as they end."""
    for term in terms:
        if type(term).permits is not Term.permits:
            for meter in term.meters():
                if meter.measure in ("spend", "listed", "work"):
                    yield LiveCap(term.id, name_of(meter), term, meter, meter.measure)


class CallCap:
    """A cap, as calls of a kind meet it at a deployment.

    Parameters
    ----------
    tariff
        What they cost there, or why that is not known.
    main, moved
        Whether it covers the call itself, and the data that moves for it.
    """

    __slots__ = ("_input", "_main", "_moved", "_output", "allows", "cap", "known", "tariff")

    def __init__(self, cap: LiveCap, allows: CapLimit, tariff: Tariff | str, *, main: bool, moved: bool) -> None:
        self.cap, self.allows, self.tariff = cap, allows, tariff
        self._main, self._moved = main, moved
        self._input, self._output = (self.takes(TokenCounts(*m)) for m in ((MTOK, 0), (0, MTOK)))
        self.known = self._input is not None and self._output is not None
        """Whether it is known what calls cost."""

    def takes(self, tokens: TokenCounts) -> int | None:
        """What a call of so many tokens takes of the cap, exact; None where that is not known."""
        if isinstance(self.tariff, str):
            return None
        try:
            return self.tariff.comes_to(self.cap.measure, tokens, main=self._main, moved=self._moved)
        except SettleError:
            return None

    def about(self, tokens: TokenCounts) -> int:
        """The same for what a call may take, where it is known: quicker, and rounded up."""
        return -(-(tokens.input * (self._input or 0) + tokens.output * (self._output or 0)) // MTOK)


def covering(
    caps: Iterable[LiveCap], demand: Facts, tariff: Tariff | str, places: Collection[Facts], at: datetime
) -> tuple[CallCap, ...]:
    """The caps that cover calls of a kind at a moment, in any place where they may run; what may be covered is (§2)."""
    found = []
    moves = tariff.moved.of.offer if isinstance(tariff, Tariff) and tariff.moved is not None else None
    for cap in caps:
        main = any(cap.selection.covers(demand, place) is not False for place in places)
        moved = moves is not None and cap.selection.covers(demand, moves) is not False
        if (main or moved) and (allows := cap.at(at)) is not None:
            found.append(CallCap(cap, allows, tariff, main=main, moved=moved))
    return tuple(found)


class BookedCall(NamedTuple):
    """A call as it goes on the books: its id, and its lines."""

    id: str
    lines: tuple[UseLine, ...]


def holder_of(call: str) -> str:
    """The replica that served a call, by the call's id: ``req_``, the replica, and eight hexadecimal digits."""
    return call.removeprefix("req_")[:-8]


class CapCounts:
    """What calls on the books used of the caps of a case, by window and replica."""

    def __init__(self, case: Case) -> None:
        self._meters = {cap.meter: cap.name for cap in of_terms(case.signed)}

    def of(self, calls: Iterable[BookedCall], among: set[str]) -> Mapping[tuple[CapWindow, str], int]:
        """What some calls used, of replicas that hold leases."""
        lines: dict[str, list[UseLine]] = {}
        for call in calls:
            if (holder := holder_of(call.id)) in among:
                lines.setdefault(holder, []).extend(call.lines)
        found: dict[tuple[CapWindow, str], int] = {}
        for holder, served in lines.items():
            for key, amount in self._of_one(served):
                found[key, holder] = found.get((key, holder), 0) + amount
        return found

    def _of_one(self, lines: Iterable[UseLine]) -> Iterator[tuple[CapWindow, int]]:
        """By the very sums that the books keep, so that what is counted here is drawn there."""
        totals = Totals(self._meters)
        for each in summed(lines).values():
            if each.count:
                totals.add(each.rated)
        for meter, window, _, amount in totals.counts():
            yield CapWindow(self._meters[meter], window), whole_up(amount)
