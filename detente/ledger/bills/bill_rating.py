"""What the rows of a bill come to by the case: tokens at its prices and clauses, as those of a call; money as stated.

Owns: the line of use of a row. Not here: reading rows (``bill_rows``), and what is done with the line (``bill_ingest``,
``reconciling``).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import msgspec

from detente.case.case import Case
from detente.contract.metered.use import Use
from detente.contract.rated.rating import Rating
from detente.errors import SettleError
from detente.ledger.bills.bill_mapping import (
    BillMapping,
    BillRule,
    facts_of,
    revenue_in_hour,
    taken_in_hour,
    work_in_hour,
    workload_of,
)
from detente.ledger.bills.bill_rows import BillRow
from detente.ledger.journals.record import CallRoute, EndAsRead, TokenCounts, route
from detente.ledger.use.line import UseClass, UseLine
from detente.ledger.use.metering import BILLED, Metering
from detente.market.offer import TokenOffer
from detente.values.micros import DAY, at_micros
from detente.values.money import NANOS, NOTHING, of_nanos

NO_QUANTITY = "the row states no quantity"


class BillRating:
    """A case and a mapping, ready to rate rows."""

    def __init__(self, case: Case, mapping: BillMapping) -> None:
        self._case, self._rules = case, mapping.rules
        self._metering, self._price_clauses = Metering(case), Rating(case.signed)
        self._of = [None if rule.no_use else UseClass("use", *facts_of(rule, case)) for rule in mapping.rules]
        of_hour = (taken_in_hour, work_in_hour, revenue_in_hour)
        self._in_hour = [tuple(each(rule, case) for each in of_hour) for rule in mapping.rules]
        """What an hour takes, what work it is, and what that earns."""
        self._where = [None if rule.no_use else self._route(rule) for rule in mapping.rules]
        self.routes = [(route(each)[:-1] + b"}").decode() if each is not None else "" for each in self._where]
        """What is the same for all rows of a rule, as records of calls say it."""

    def lines(self, row: BillRow) -> list[UseLine]:
        """What a row comes to, over its own time: of tokens, a line for each part of it in which nothing turns."""
        assert row.rule is not None
        rule, of = self._rules[row.rule], self._of[row.rule]
        assert of is not None
        if rule.tokens:
            return self._rated(row.rule, rule, of, row)
        stated = _stated(rule, of, row)
        return [self._with_hours(row.rule, rule, row, stated) if rule.hours else stated]

    def by_quantity(self, row: BillRow) -> list[UseLine]:
        """What its tokens or hours would cost by the case; nothing where it counts neither, or no price is known.

        What hours cost by reservations, the case does not know: it is their list price, less discounts.
        """
        assert row.rule is not None
        rule, lines = self._rules[row.rule], self.lines(row)
        if any(line.unknown for line in lines) or not (rule.tokens or rule.hours):
            return []
        return lines if rule.tokens else self._listed(lines[0])

    def _listed(self, line: UseLine) -> list[UseLine]:
        """Hours at list price less discounts, a line for each part of their time in which the price holds."""
        offer = next((each for each in self._case.offers if each.id == line.of.offer.get("offer")), None)
        if offer is None or isinstance(offer, TokenOffer):
            return []
        midnights = range(line.start - line.start % DAY + DAY, line.end, DAY)
        turns = [at for at in midnights if offer.price.on(at_micros(at)) != offer.price.on(at_micros(at - DAY))]
        found = []
        for part in line.cut(turns):
            start, end = at_micros(part.start), at_micros(max(part.end, part.start + 1))
            price = offer.unit_price(start, end)
            if price is None:
                return []
            taken, listed = of_nanos(part.taken), of_nanos(round(part.taken * price / offer.unit_flow))
            of, work = part.of, of_nanos(part.work)
            use = Use("use", of.demand, of.offer, start, at_micros(part.end), work, taken, listed, NOTHING)
            try:
                found.append(UseLine.rated(self._price_clauses.rate(use)))
            except SettleError:
                return []
        return found

    def _with_hours(self, number: int, rule: BillRule, row: BillRow, stated: UseLine) -> UseLine:
        """A row of money whose quantity says for how many hours it was."""
        if row.quantity is None:
            return UseLine(stated.of, row.start, row.end, unknown=NO_QUANTITY)
        taken, work, revenue = (
            round(row.quantity * rule.per * each * NANOS) if each is not None else 0 for each in self._in_hour[number]
        )
        return msgspec.structs.replace(stated, taken=taken, work=work, revenue=revenue)

    def _route(self, rule: BillRule) -> CallRoute:
        case, workload = self._case, workload_of(rule, self._case)
        labels = {**(workload.labels if workload is not None else {}), **rule.labels}
        sold = case.offer_facts[rule.offer] if rule.offer else rule.sold
        return CallRoute(
            BILLED, "", rule.workload or "", labels, sold.get("model", ""), case.hash, deployment="",
            offer=rule.offer, provider=sold.get("provider"), region=sold.get("region"),
        )  # fmt: skip

    def _rated(self, number: int, rule: BillRule, of: UseClass, row: BillRow) -> list[UseLine]:
        """A row of tokens, at the case's prices: what a call of as many would cost.

        Where a price or a clause turns within its time, its tokens are even over that: some at each price.
        """
        where = self._where[number]
        assert where is not None
        if row.quantity is None:
            return [UseLine(of, row.start, row.end, unknown=NO_QUANTITY)]
        count, before, found = round(row.quantity * rule.per), 0, list[UseLine]()
        for start, end in pairwise([row.start, *self._turns(number, where, row), row.end]):
            upto = round(Fraction(count * (end - row.start), row.end - row.start)) if end < row.end else count
            if upto != before:
                found.append(self._rated_part(number, rule, of, row.key, upto - before, start).over(start, end))
            before = upto
        return found or [UseLine(of, row.start, row.end)]

    def _turns(self, number: int, where: CallRoute, row: BillRow) -> Iterator[int]:
        """The moments within a row's time from which its use costs otherwise than before."""
        if where.offer is None:
            return
        before = self._metering.known(number, where, where.offer, "", row.start)
        for at in self._metering.turns(row.start, row.end):
            there = self._metering.known(number, where, where.offer, "", at)
            if there is not before and there != before:
                yield at
            before = there

    def _rated_part(self, number: int, rule: BillRule, of: UseClass, key: str, count: int, at: int) -> UseLine:
        """So many tokens at the prices of a moment."""
        where, each = self._where[number], abs(count)
        assert where is not None
        used = TokenCounts(
            each if rule.tokens != "output" else 0,
            each if rule.tokens == "output" else 0,
            each if rule.tokens == "cached" else 0,
        )
        lines = self._metering.lines(number, where, EndAsRead(key, "", "complete", used), at)
        line = next((one for one in lines if one.of.kind == "use"), UseLine(of, at, at))
        if count < 0:  # a correction, and one row more
            line = msgspec.structs.replace(line.times(-1), count=1)
        return line


def _stated(rule: BillRule, of: UseClass, row: BillRow) -> UseLine:
    """A row of money: what the provider states."""
    listed = row.net if row.listed is None else row.listed
    off = listed - row.net
    if rule.discount is None or off * listed <= 0:  # nothing is taken off where more is charged than the list says
        return UseLine(of, row.start, row.end, listed=row.net, net=row.net)
    reductions = ((rule.discount, row.start, row.end, off),)
    return UseLine(of, row.start, row.end, listed=listed, net=row.net, off=reductions)
