"""Caps of clauses that are kept live: which there are in a case, and what a call takes of each.

Owns: ``LiveCap`` of a clause, and what calls that are on the books used of each. Not here: what any cap answers
(``cap``), what was leased (``leasing``), and which clause denies (the clause's own ``permits``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from detente.case.case import Case
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.meter import Meter
from detente.contract.scope import Selection
from detente.contract.standing import Standing
from detente.contract.term import Term
from detente.contract.totals import Totals
from detente.contract.use import nanos
from detente.contract.verdict import Verdict
from detente.errors import SettleError
from detente.ledger.cap import BookedCall, Cap, CapLimit, CapRoom, CapTaker, holder_of
from detente.ledger.leasing import CapWindow, whole_up
from detente.ledger.line import UseLine, summed
from detente.ledger.metering import ClauseMeasure, Tariff
from detente.ledger.record import TokenCounts
from detente.ledger.running import name_of
from detente.market.token_price import MTOK
from detente.values.facts import Facts
from detente.values.money import NANOS
from detente.values.quantity import WIDE


@dataclass(frozen=True, eq=False)
class LiveCap(Cap):
    """A cap of a clause.

    ``id`` is the clause's, and ``name`` that of its meter in a ledger. ``since``: an amended clause is several.
    """

    id: str
    name: str
    term: Term
    meter: Meter
    measure: ClauseMeasure

    @property
    def unit(self) -> int:
        """Billionths, of money and of work."""
        return NANOS

    @property
    def drawn_by(self) -> str:
        """What is drawn of it is the total of its meter, whoever used it."""
        return self.name

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

    def denies(self, room: CapRoom) -> Verdict | None:
        """What the clause itself says, as it stands for the call: the rest is drawn, or not to be had."""
        key, start, end, limit = room.allows
        amount, drawn, need = (WIDE.scaleb(n, -9) for n in (limit, limit - room.left, room.needs))
        standing = Standing(
            self.id, self.meter.name, "cap", self.meter.unit, key.window, start, end, False, amount, drawn
        )
        said = self.term.permits(standing, need)
        return None if said.permitted else said


def of_terms(terms: Iterable[Term]) -> Iterator[LiveCap]:
    """The caps of clauses: of those that ask what remains, each of its meters that calls add to as they end."""
    for term in terms:
        if type(term).permits is not Term.permits:
            for meter in term.meters():
                if meter.measure in ("spend", "listed", "work"):
                    yield LiveCap(term.id, name_of(meter), term, meter, meter.measure)


class PricedTaker(CapTaker):
    """A cap, as calls of a kind meet it at a deployment: what they take of it is what their use comes to.

    Parameters
    ----------
    measure
        What of their use counts.
    tariff
        What they cost there, or why that is not known.
    main, moved
        Whether it covers the call itself, and the data that moves for it.
    """

    __slots__ = ("_input", "_main", "_measure", "_moved", "_output", "tariff")

    def __init__(
        self, cap: Cap, allows: CapLimit, measure: ClauseMeasure, tariff: Tariff | str, *, main: bool, moved: bool
    ) -> None:
        self.cap, self.allows, self.tariff = cap, allows, tariff
        self._measure, self._main, self._moved = measure, main, moved
        self._input, self._output = (self.takes(TokenCounts(*m)) for m in ((MTOK, 0), (0, MTOK)))
        self.unknown = self._why() if self._input is None or self._output is None else ""

    def _why(self) -> str:
        return self.tariff if isinstance(self.tariff, str) else "clauses take off more than its price"

    def takes(self, tokens: TokenCounts) -> int | None:
        """What a call of so many tokens takes of the cap, exact; None where that is not known."""
        if isinstance(self.tariff, str):
            return None
        try:
            return self.tariff.comes_to(self._measure, tokens, main=self._main, moved=self._moved)
        except SettleError:
            return None

    def about(self, tokens: TokenCounts) -> int:
        """The same for what a call may take, where it is known: quicker, and rounded up."""
        return -(-(tokens.input * (self._input or 0) + tokens.output * (self._output or 0)) // MTOK)


def covering(
    caps: Iterable[LiveCap], demand: Facts, tariff: Tariff | str, places: Collection[Facts], at: datetime
) -> tuple[PricedTaker, ...]:
    """The caps that cover calls of a kind at a moment, in any place where they may run; what may be covered is (§2)."""
    found = []
    moves = tariff.moved.of.offer if isinstance(tariff, Tariff) and tariff.moved is not None else None
    for cap in caps:
        main = any(cap.selection.covers(demand, place) is not False for place in places)
        moved = moves is not None and cap.selection.covers(demand, moves) is not False
        if (main or moved) and (allows := cap.at(at)) is not None:
            found.append(PricedTaker(cap, allows, cap.measure, tariff, main=main, moved=moved))
    return tuple(found)


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
                each.count_in(totals)
        for meter, window, _, amount in totals.counts():
            yield CapWindow(self._meters[meter], window), whole_up(amount)
