"""The bill of a plan, line by line: what it is made of, so that every line that is shown adds up to the total.

Owns: the order of the lines, their rounding to cents, and folding many into few without losing any. Not here: how an
amount comes about (``planner``), and layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from detente.results.plan import Plan
from detente.values.money import CENT

ZERO = Decimal(0)

Kind = Literal["line", "subtotal", "total"]


@dataclass(frozen=True, slots=True)
class BillCause:
    """What a line is for: its name, by which its figure is found, and in words, of one line and of several.

    ``compute``: charged for what providers sell, by price and no clause. ``owed``: in money, to somebody.
    """

    name: str
    words: str
    several: str = ""
    compute: bool = False
    owed: bool = True

    @classmethod
    def of_part(cls, part: str) -> BillCause:
        """A part of what clauses post."""
        words = part.replace("-", " ")
        return cls(part, words, words if words.endswith("s") else f"{words}s")


CHARGED = {
    "use": BillCause("use-at-list-price", "use, at list price", compute=True),
    "idle": BillCause("paid-for-and-idle", "paid for and idle", compute=True),
    "egress": BillCause("data-moved", "data moved", compute=True),
}
SPEND = BillCause("spend", "spend")
BILL = BillCause("bill", "the bill")
UNSERVED = BillCause(
    "value-of-demand-not-served", "value of demand not served", "value of demand not served", owed=False
)
MOVING = BillCause("moving-to-another-provider", "moving to another provider", "moving to other providers", owed=False)
COST = BillCause("cost", "the cost of the plan", "cost of the plan")


@dataclass(frozen=True, slots=True)
class BillLine:
    """A line: what for (``shortfall fee``), with whom (of moves: which workload) or under which clause, and the amount.

    The amount is exact and to the cent. ``clause`` is empty where it is a price and no clause. The cents of lines add
    up to those of the totals below them.
    """

    cause: BillCause
    party: str
    clause: str
    amount: Decimal
    cents: Decimal
    kind: Kind = "line"

    @property
    def what(self) -> str:
        """What it is for, in words."""
        return self.cause.words


def bill(plan: Plan, most: int = 0) -> list[BillLine]:
    """Charges and discounts, which are spend; what clauses owe and give: the bill; what is not served, moves: the cost.

    Parameters
    ----------
    plan
        Whose bill.
    most
        Lines for one cause (use, say) before the smallest are shown as one; 0 shows all.
    """
    book = _Book()
    parties = {c.term: c.counterparty for c in plan.clauses}
    names = {p.provider: p.name or p.provider for p in plan.providers}
    for what, cause in CHARGED.items():
        rows = [(names.get(p, p), "", amount) for p, amount in _charged(plan, what)]
        book.add(cause, rows, most)
    amounts = posted(plan)
    for in_spend in (True, False):
        for part in dict.fromkeys(p for s, p, _ in amounts if s == in_spend):
            rows = [
                (names.get(parties.get(t, ""), ""), t, amount)
                for (s, p, t), amount in amounts.items()
                if (s, p) == (in_spend, part)
            ]
            book.add(BillCause.of_part(part), rows, most)
        if in_spend and any(s for s, _, _ in amounts):
            book.total(SPEND, "subtotal")
    if book.lines:
        book.total(BILL, "total")
    book.add(UNSERVED, [("", "", plan.unserved_cost)], most)
    book.add(MOVING, [(name, "", amount) for name, amount in _moving(plan)], most)
    if plan.unserved_cost or plan.moving_cost:
        book.total(COST, "total")
    return book.lines


def merged(lines: Sequence[BillLine]) -> list[BillLine]:
    """The same bill with what is charged as one line a cause, over all providers; clauses keep lines of their own."""
    found: list[BillLine] = []
    for line in lines:
        last = found[-1] if found else None
        if last and (last.cause, last.clause, last.kind) == (line.cause, line.clause, line.kind):
            found[-1] = replace(last, party="", amount=last.amount + line.amount, cents=last.cents + line.cents)
        else:
            found.append(line)
    return found


class _Book:
    """Lines written one after the other. Each is rounded with all before it, so that no cent is lost between them."""

    def __init__(self) -> None:
        self.lines: list[BillLine] = []
        self.sum = ZERO

    def add(self, cause: BillCause, rows: Iterable[tuple[str, str, Decimal]], most: int) -> None:
        """The lines of one group, the largest first; those after the ``most`` largest as one."""
        kept = sorted((r for r in rows if r[2]), key=lambda r: -abs(r[2]))
        if most and len(kept) > most:
            rest = kept[most - 1 :]
            kept = [*kept[: most - 1], (f"{len(rest)} more", "", sum((r[2] for r in rest), ZERO))]
        for party, clause, amount in kept:
            before, self.sum = cents(self.sum), self.sum + amount
            self.lines.append(BillLine(cause, party, clause, amount, cents(self.sum) - before))

    def total(self, cause: BillCause, kind: Kind) -> None:
        """What all lines so far come to."""
        self.lines.append(BillLine(cause, "", "", self.sum, cents(self.sum), kind))


def cents(amount: Decimal) -> Decimal:
    """To the cent, half to even."""
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def _charged(plan: Plan, what: str) -> list[tuple[str, Decimal]]:
    """By provider, at list price. What stands idle for less than a cent is the rounding of use, and counts as use."""
    tiny = {c.provider: c.listed for c in plan.charges if c.what == "idle" and abs(c.listed) < CENT}
    rows: dict[str, Decimal] = {}
    for charge in plan.charges:
        slight = charge.what == "idle" and charge.provider in tiny
        if (slight and what == "use") or (charge.what == what and not slight):
            rows[charge.provider] = rows.get(charge.provider, ZERO) + charge.listed
    return list(rows.items())


def _moving(plan: Plan) -> list[tuple[str, Decimal]]:
    """What moves cost, by workload."""
    rows: dict[str, Decimal] = {}
    for move in plan.moves:
        rows[move.workload] = rows.get(move.workload, ZERO) + move.cost
    return list(rows.items())


def posted(plan: Plan) -> dict[tuple[bool, str, str], Decimal]:
    """Postings by whether they are in spend, by what they are for, and by clause."""
    found: dict[tuple[bool, str, str], Decimal] = {}
    for p in plan.postings:
        key = p.in_spend, p.part, p.term
        found[key] = found.get(key, ZERO) + p.amount
    return found
