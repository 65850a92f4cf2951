"""What is left of what use costs, for a clause that gives back a part of it beside others that do.

Owns: whether together they could give back more than all, what each then leaves to the next, in a plan and in exact
numbers, and what of it is not known. Not here: what each would give by itself (``terms``), and their order
(``returning``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from detente.contract.amounts.counting import Counting, bought_apart, edges_of, paid_apart
from detente.contract.case_view import CaseView, ClauseView
from detente.contract.metered.counting_moment import COUNTED
from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.payer import meet
from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.reach.window import Window
from detente.contract.returning import Returning, in_turn
from detente.contract.roles import ClauseRole, GivingBack
from detente.errors import Flaw
from detente.values.period import Horizon

ALIKE = "let both cover the same use, in windows that begin on the same days"


@dataclass(frozen=True)
class GivenBeside:
    """The clauses that pay for use or give back beside one, and those of them that give back before it.

    ``exchanged``: they and it are not all kept in one currency. What is given at the rate of a later day may then be
    worth more than what was spent.
    """

    met: tuple[GivingBack, ...]
    before: tuple[Returning, ...]
    exchanged: bool

    @property
    def names(self) -> frozenset[str]:
        """What they are called."""
        return frozenset(each.id for each in self.met)


def beside(own: GivingBack, clauses: Iterable[ClauseRole | ClauseView]) -> GivenBeside | None:
    """Who gives back beside a clause; None where all that meet it give back no more than all, whatever comes.

    Of clauses agreed with one party, as ``Term.told`` is told them: each of its texts is among them.
    """
    giving = [each for each in in_turn(clauses) if isinstance(each, GivingBack)]
    texts = [each for each in giving if each.id == own.id]
    met = [each for each in giving if each.id != own.id and any(meet(text, each) for text in texts)]
    parts: dict[str, Fraction] = {}
    for each in met:
        parts[each.id] = max(each.most_part, parts.get(each.id, Fraction(0)))
    if own.most_part + sum(parts.values()) <= 1:
        return None
    place = giving.index(texts[0])
    known = {id(each) for each in met}
    earlier = (each for each in giving[:place] if isinstance(each, Returning) and id(each) in known)
    kept = {None if each.own_money is None else each.own_money.currency for each in (*texts, *met)}
    return GivenBeside(tuple(met), tuple(earlier), exchanged=len(kept) > 1)


@dataclass(frozen=True)
class LeftOver:
    """What use costs in the windows of a clause, less what credits pay and what those before it give back."""

    spend: Meter
    paid: Meter
    returned: Meter

    @classmethod
    def of(cls, spend: Meter) -> LeftOver:
        """Of what use costs by a clause's meter, in its currency."""
        return cls(
            spend, replace(spend, name="paid", measure="paid"), replace(spend, name="returned", measure="returned")
        )

    def meters(self) -> tuple[Meter, ...]:
        """What it reads."""
        return self.spend, self.paid, self.returned

    def exact(self, totals: Totals, window: Window) -> Fraction:
        """What is left in a window."""
        gone = totals.total(self.paid, window) + totals.total(self.returned, window)
        return max(totals.total(self.spend, window) - gone, Fraction(0))

    def shaped(self, program: Program, owner: ClauseOwner, beside: GivenBeside) -> Expression:
        """The same in a plan, in each window."""
        spent = program.total(self.spend)
        gone = program.total(self.paid) + program.total(self.returned)
        left = spent - gone
        if not beside.exchanged:  # each of them gives no more than there is
            return left
        most, rest = program.most(gone), program.most(spent)
        beyond = program.slack(owner, "beyond what is spent", most=most)
        all_gone = program.slack(owner, "all is gone", most=[Fraction(1) for _ in most], whole="nearest")
        program.require(owner, "beyond", beyond - all_gone * most <= [Fraction(0) for _ in most])
        program.require(owner, "not-below", left + beyond >= [Fraction(0) for _ in most])
        program.require(owner, "all-gone", left + beyond + all_gone * rest <= rest)
        return left + beyond

    def unknown(self, term: ClauseView, beside: GivenBeside, case: CaseView, at: str) -> Iterator[Flaw]:
        """What of it cannot be told: credits, and others that give back, of other use or in other windows."""
        whole = Counting(self.spend, paid=self.paid)
        if beside.exchanged and self.spend.moment != "use":
            what = f"`{term.id}` counts {COUNTED[self.spend.moment]}, beside others in another currency"
            yield Flaw(what, "say `moment: use`, or write all of them in one currency", ("moment",))
        yield from paid_apart(whole, term, case, at, "is of what credits leave")
        for other in beside.before if case.horizon is not None else ():
            assert case.horizon is not None
            inside, counted = other.sold.inside(term.covered), other.meters()[0]
            if not meet(term, other) or inside is False:
                continue
            what = f"`{other.id}` and `{term.id}` could give back more than all that use costs, and "
            if (offer := bought_apart(counted, term, case)) is not None:
                counts = f"the first counts what is bought of `{offer}` {COUNTED[counted.moment]}"
                yield Flaw(what + counts, f"let `{other.id}` say `moment: use`", (at,))
            elif inside is None or _begins_within(self.spend, counted, case.horizon):
                unknown = "how much of what the first gives is for what the other covers is not known"
                yield Flaw(what + unknown, ALIKE, (at,))


def _begins_within(counting: Meter, other: Meter, horizon: Horizon) -> bool:
    """Whether what a window counts begins or ends inside of what a window of another counts."""
    times = [other.use_of(each) for each in other.windows.seen_by(horizon)]
    starts = [time.start for time in times]
    edges = ((at, bisect_left(starts, at)) for at in edges_of(counting, horizon))
    return any(place and at < times[place - 1].end for at, place in edges)
