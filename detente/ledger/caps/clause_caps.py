"""Caps of clauses that are kept live: which there are in a case, and what a call takes of each.

Owns: ``LiveCap`` of a clause, and what calls that are on the books used of each. Not here: what any cap answers
(``cap``), what was leased (``leasing``), and which clause denies (the clause's own ``permits``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from math import ceil

from detente.case.case import Case
from detente.contract.answer import cites_itself, misanswered
from detente.contract.decisions import NOTHING_DECIDED
from detente.contract.metered.counting_moment import COUNTED
from detente.contract.metered.meter import Meter, UseMeasure
from detente.contract.metered.totals import Totals
from detente.contract.metered.use import nanos
from detente.contract.reach.scope import Selection
from detente.contract.reach.verdict import Verdict
from detente.contract.roles import CallLimit
from detente.contract.settled.standing import Standing
from detente.contract.settling import stands_by_use
from detente.contract.term import Term
from detente.errors import Mistake, SettleError, Where
from detente.ledger.caps.cap import BookedCall, Cap, CapLimit, CapRoom, CapTaker, holder_of
from detente.ledger.caps.leasing import CapWindow, whole_up
from detente.ledger.journals.record import TokenCounts
from detente.ledger.use.line import UseLine, summed
from detente.ledger.use.metering import Tariff
from detente.ledger.use.running_totals import name_of
from detente.ledger.use.sum_step import summing_step
from detente.market.token_price import MTOK, WholePrices, charge
from detente.values.facts import Facts
from detente.values.money import NANOS, of_nanos
from detente.values.quantity import LARGEST

ONE = Fraction(1)
"""The rate of what is in the case's currency."""


@dataclass(frozen=True, eq=False)
class LiveCap(Cap):
    """A cap of a clause.

    ``id`` is the clause's, and ``name`` that of its meter in a ledger. ``since``: an amended clause is several.
    ``limit`` is the clause in its role, by which it is asked at each call.
    """

    id: str
    name: str
    term: Term
    limit: CallLimit
    meter: Meter
    measure: UseMeasure

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
        allowed = min(self._allowing(moment), key=_limit, default=None)
        if allowed is None:
            return None
        return CapLimit(CapWindow(self.name, allowed.window), allowed.start, allowed.end, _limit(allowed))

    def _allowing(self, moment: datetime) -> list[Standing]:
        """Its standings in the window of a moment by which it denies once their amount is drawn: mostly one."""
        running = (s for s in self._fresh(moment) if s.start <= moment and not s.ended)
        return [each for each in running if each.amount is not None and not self._permits(each, _limit(each))]

    def _fresh(self, moment: datetime) -> list[Standing]:
        """Where it stands, by this meter, before anything is drawn. Raises SettleError."""
        found = self.term.settle(Totals(self.term.meters()), NOTHING_DECIDED, moment).standings
        return [each for each in found if each.meter == self.meter.name]

    def _permits(self, standing: Standing, drawn: int, need: int = 0) -> bool:
        return self._says(standing, drawn, need).permitted

    def _says(self, standing: Standing, drawn: int, need: int) -> Verdict:
        """What the clause says where so much is drawn, in whole billionths."""
        said = self.limit.permits(replace(standing, drawn=of_nanos(drawn)), of_nanos(need))
        if not isinstance(said, Verdict):
            raise TypeError(misanswered(self.term, "permits", said, "`PERMIT`, or a `Verdict` with its `Reason`"))
        if said.reason is not None:
            cites_itself(self.term, "permits", said.clause)
        return said

    def denies(self, room: CapRoom) -> Verdict | None:
        """What the clause itself says, as it stands for the call: the rest is drawn, or not to be had."""
        standing = min(self._allowing(room.allows.start), key=_limit)
        said = self._says(standing, room.allows.limit - room.left, room.needs)
        return None if said.permitted else said

    @property
    def unkept(self) -> str:
        """Why it cannot be kept live, in words; empty where it can."""
        windows = [*islice(self.meter.windows, SEEN)]
        if not windows:
            return ""
        try:
            fresh = self._fresh(windows[0].start)
            if self._turns_on_use(windows[-1].start):
                return CARRIED
        except SettleError as error:
            return f"where it stands turns on more than use ({error})"
        most = nanos(Decimal(LARGEST))
        denying = [s for s in fresh if not (self._permits(s, most) and self._permits(s, 0, most))]
        return "" if all(map(self._denies_at_its_amount, denying)) else ANOTHER

    def _turns_on_use(self, moment: datetime) -> bool:
        """Whether use changes what may be drawn in a window: what is leased is settled as where nothing was used."""
        most = nanos(Decimal(LARGEST))
        stands = stands_by_use(self.term, moment)
        fresh, *used = ([s for s in all_of if s.meter == self.meter.name] for all_of in stands)
        allowed = {(s.role, s.window): _limit(s) for s in fresh if s.amount is not None and not self._permits(s, most)}
        later = ((allowed.get((s.role, s.window)), s) for each in used for s in each)
        return any(limit is not None and limit != _limit(s) for limit, s in later)

    def _denies_at_its_amount(self, standing: Standing) -> bool:
        """Whether it permits all of its amount, at once and to the last, and nothing after it: as leases of it do."""
        limit = _limit(standing)
        all_of_it = limit <= 0 or (self._permits(standing, 0, limit) and self._permits(standing, limit - 1, 1))
        return standing.amount is not None and all_of_it and not self._permits(standing, limit)


SEEN = 13
"""How many windows are seen for one that changes with use before it: a year of months, and one."""
CARRIED = "what it allows in a window turns on what was used before, and replicas share amounts that do not change"
ANOTHER = "it refuses at another amount than its standing states, so replicas cannot share that amount"


def _limit(standing: Standing) -> int:
    """What may be drawn in a window, in whole billionths."""
    return nanos((standing.amount or Decimal(0)) - standing.brought)


def of_terms(terms: Iterable[Term]) -> Iterator[LiveCap]:
    """The caps of clauses: of those that ask what remains, each of its meters of use. Calls add to it as they end."""
    for term in terms:
        if isinstance(term, CallLimit) and term.limits_calls:
            for meter in term.meters():
                if (measure := meter.of_use) is not None:
                    yield LiveCap(term.id, name_of(meter), term, term, meter, measure)


def not_kept(case: Case) -> list[Mistake]:
    """The clauses that ask what remains of something which nobody can tell while calls are under way."""
    found = []
    for term in case.signed:
        if isinstance(term, CallLimit) and term.limits_calls and (why := _unkept(term)):
            where = case.clauses.get((term.validity.agreement, term.id), Where(term.validity.agreement))
            found.append(Mistake(where, f"`{term.id}` cannot be asked while calls are served: {why}", UNSERVED))
    return found


UNSERVED = "serve a case without it, or see with `detente replay` what it would deny"


def _unkept(term: Term) -> str:
    """Why a clause that asks what remains cannot be asked live; empty where it can."""
    paid = [meter for meter in term.meters() if meter.of_use is None]
    if paid:
        return "it counts what credits pay, which is settled after the calls"
    if not term.meters():
        return "it counts nothing"
    later = next((meter.moment for meter in term.meters() if meter.moment != "use"), None)
    if later is not None:
        return f"it counts {COUNTED[later]}, and not as calls use it"
    return next((why for cap in of_terms([term]) if (why := cap.unkept)), "")


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
    rate
        What one of the cap's own currency is in the case's.
    """

    __slots__ = ("_input", "_main", "_measure", "_moved", "_output", "_plain", "_rate", "tariff")

    def __init__(
        self, cap: Cap, allows: CapLimit, measure: UseMeasure, tariff: Tariff | str, *, main: bool, moved: bool,
        rate: Fraction = ONE,
    ) -> None:  # fmt: skip
        self.cap, self.allows, self.tariff, self._rate = cap, allows, tariff, rate
        self._measure, self._main, self._moved = measure, main, moved
        self._plain = self._list_price()
        self._input, self._output = (self.takes(TokenCounts(*m)) for m in ((MTOK, 0), (0, MTOK)))
        self.unknown = self._why() if self._input is None or self._output is None else ""

    def _why(self) -> str:
        return self.tariff if isinstance(self.tariff, str) else "clauses take off more than its price"

    def _list_price(self) -> WholePrices | None:
        """The prices of tokens, where what they cost is all that is taken: no discount, no data, no other currency."""
        tariff = self.tariff
        if isinstance(tariff, str) or self._measure not in ("spend", "listed") or self._rate is not ONE:
            return None
        moves = self._moved and tariff.moved is not None
        return None if moves or not self._main or tariff.off.parts else tariff.prices

    def takes(self, tokens: TokenCounts) -> int | None:
        """What a call of so many tokens takes of the cap, exact; None where that is not known.

        Of a cap in another currency, rounded up to a whole billionth.
        """
        if (plain := self._plain) is not None:
            return charge(plain, tokens.input - tokens.cached, tokens.cached, tokens.output)
        if isinstance(self.tariff, str):
            return None
        try:
            found = self.tariff.comes_to(self._measure, self.cap.id, tokens, main=self._main, moved=self._moved)
        except SettleError:
            return None
        return found if self._rate is ONE else ceil(found / self._rate)

    def about(self, tokens: TokenCounts) -> int:
        """The same for what a call may take, where it is known: quicker, and rounded up."""
        return -(-(tokens.input * (self._input or 0) + tokens.output * (self._output or 0)) // MTOK)


def covering(
    caps: Iterable[LiveCap], demand: Facts, tariff: Tariff | str, sold: Facts, at: datetime
) -> tuple[PricedTaker, ...]:
    """The caps that cover calls of a kind at a moment, of an offer with these facts; what may be covered is (§2)."""
    found = []
    moves = tariff.moved.of.offer if isinstance(tariff, Tariff) and tariff.moved is not None else None
    for cap in caps:
        main = cap.selection.covers(demand, sold) is not False
        moved = moves is not None and cap.selection.covers(demand, moves) is not False
        if (main or moved) and (allows := cap.at(at)) is not None:
            rate = ONE if cap.meter.money is None else cap.meter.money.rate(at)
            found.append(PricedTaker(cap, allows, cap.measure, tariff, main=main, moved=moved, rate=rate))
    return tuple(found)


class CapCounts:
    """What calls on the books used of the caps of a case, by window and replica."""

    def __init__(self, case: Case) -> None:
        self._meters = {cap.meter: cap.name for cap in of_terms(case.signed)}
        self._step = summing_step(case)

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
        for each in summed(lines, self._step).values():
            if each.count:
                each.count_in(totals)
        for meter, window, _, amount in totals.counts():
            yield CapWindow(self._meters[meter], window), whole_up(amount)
