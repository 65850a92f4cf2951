"""Parts of what a credit pays: use that other clauses tell apart, and how what is paid falls to them.

Owns: the parts, and the rule that the largest charge is paid first, in a plan and in exact numbers. Not here: how much
is paid in all (``terms``), and which clauses meet (``metered.paid_use``).

Where a credit that comes first may pay for use that a later one, or a commitment, covers in part, it must be known how
much of it is for what they cover. It goes onto the largest charge first, which is what is left to be paid of a part
(https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/useconsolidatedbilling-credits.html); of equals, onto the
one that fewest others cover.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from detente.contract.metered.paid_use import UsePart
from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.reach.scope import Selection
from detente.contract.reach.window import Window

MAX_DIVIDING = 4
"""Selections that divide what a credit pays: each doubles its parts."""

ALIKE = Fraction(1, 100_000)
"""Of a charge: another that is less by no more than this part is as large."""

SURELY, SURELY_NOT = 1 - ALIKE * Fraction(9, 10), 1 - ALIKE * Fraction(11, 10)
"""The same to a plan, whose amounts are a little off."""


@dataclass(frozen=True)
class PaidPart:
    """A part of what a credit covers, and the sums of whole selections that make it: how often each counts."""

    of: UsePart
    sums: tuple[tuple[int, Selection], ...]

    def exact(self, each: Mapping[Selection, Fraction]) -> Fraction:
        """Of it, from what there is of whole selections."""
        return sum((sign * each[of] for sign, of in self.sums), Fraction(0))

    def shaped(self, each: Mapping[Selection, Expression]) -> Expression:
        """The same in a plan."""
        (_, first), *rest = self.sums
        return sum((each[of] * Fraction(sign) for sign, of in rest), each[first])


def dividing(own: Selection, others: Sequence[Selection]) -> tuple[Selection, ...]:
    """Those of some selections that cover some of what another covers, and not all, each once."""
    found: list[Selection] = []
    for each in others:
        same = any(each.inside(other) is True and other.inside(each) is True for other in found)
        if own.inside(each) is None and not same:
            found.append(each)
    return tuple(found)


def parts(own: Selection, by: Sequence[Selection]) -> tuple[PaidPart, ...]:
    """What is in each of some selections and not in the others, in the order of how many cover it."""
    inside = [of for n in range(len(by) + 1) for of in combinations(range(len(by)), n) if _together(by, of)]
    found = []
    for of in inside:
        within = _both(own, by, of)
        without = tuple(each for place, each in enumerate(by) if place not in of)
        if any(within.inside(each) is True for each in without):
            continue  # all of it is in that one, too
        more = [wider for wider in inside if {*of} <= {*wider}]
        sums = tuple(((-1) ** (len(wider) - len(of)), _both(own, by, wider)) for wider in more)
        found.append(PaidPart(UsePart(within, without), sums))
    return tuple(found)


def _together(by: Sequence[Selection], of: Sequence[int]) -> bool:
    """Whether anything can be in all of some selections."""
    return all(by[a].inside(by[b]) is not False for a, b in combinations(of, 2))


def _both(own: Selection, by: Sequence[Selection], of: Sequence[int]) -> Selection:
    for place in of:
        own = own.both(by[place])
    return own


def fallen(given: Fraction, charges: Sequence[Fraction]) -> list[Fraction]:
    """What is given, onto the largest charge first, of those alike the first."""
    found, open_ = [Fraction(0) for _ in charges], list(range(len(charges)))
    while open_:
        large = max(charges[place] for place in open_) * (1 - ALIKE)
        place = next(place for place in open_ if charges[place] >= large)
        open_.remove(place)
        found[place] = min(given, charges[place])
        given -= found[place]
    return found


def fall(
    program: Program, owner: ClauseOwner, given: Expression, charges: Sequence[Expression], times: Sequence[Window]
) -> list[Expression]:
    """The same in a plan, which has no choice: a whole number for each charge and pair of them, in each time.

    They say whether all of it is paid, and which of the two is paid first.
    """
    one, nothing = [Fraction(1) for _ in times], [Fraction(0) for _ in times]
    most = [program.most(each) for each in charges]
    paid = [program.slack(owner, f"given of part {at}", most=top) for at, top in enumerate(most, start=1)]
    whole = [program.slack(owner, f"part {at} paid", most=one, whole="nearest") for at in range(1, len(charges) + 1)]
    left = given
    for at, (charge, part, full) in enumerate(zip(charges, paid, whole, strict=True)):
        program.require(owner, f"part-{at + 1}", part - charge <= nothing)
        program.require(owner, f"part-{at + 1}-paid", charge - part + full * most[at] <= most[at])
        left = left - part
    program.require(owner, "parts", left == nothing)
    for a, b in combinations(range(len(charges)), 2):
        first = program.slack(owner, f"part {a + 1} before {b + 1}", most=one, whole="nearest")
        name = f"part-{a + 1}-before-{b + 1}"
        program.require(owner, name, charges[b] * SURELY - charges[a] + first * most[b] <= most[b])
        program.require(owner, f"{name}-not", charges[a] - charges[b] * SURELY_NOT - first * most[a] <= nothing)
        program.require(owner, f"{name}-next", paid[b] - whole[a] * most[b] + first * most[b] <= most[b])
        program.require(owner, f"{name}-else", paid[a] - whole[b] * most[a] - first * most[a] <= nothing)
    return paid
