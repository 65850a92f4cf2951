"""Steps of tiers: from which amount on which rate, in a plan and in exact numbers; of several clauses together, one.

Owns: what lies in each step, or is in the last that is reached, and how the rates of several combine step by step, so
that a plan and a bill go by one choice. Not here: what is counted, and what a rate is of (``terms``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from detente.contract.combining import Combine, parts_of
from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.reach.window import Window
from detente.contract.settled.threshold import enough, open_to
from detente.demand.quantum import QUANTUM


@dataclass(frozen=True)
class TierSteps:
    """From each start on, a rate; the first start is nothing. ``retroactive``: the last one reached is of everything.

    ``starts`` are in what is counted, rates in money a unit of it.
    """

    starts: tuple[Fraction, ...]
    rates: tuple[Fraction, ...]
    retroactive: bool

    @classmethod
    def together(cls, each: Sequence[TierSteps], whole: Fraction, way: Combine) -> TierSteps:
        """The steps of several of one kind, on what costs ``whole`` a unit: each combines as the contract says."""
        starts = sorted({start for steps in each for start in steps.starts})
        rates = [[steps.rate_from(start) / whole for steps in each] for start in starts]
        combined = tuple(sum(parts_of(rate, way), Fraction(0)) * whole for rate in rates)
        return cls(tuple(starts), combined, each[0].retroactive)

    def rate_from(self, start: Fraction) -> Fraction:
        """The rate of what lies just above an amount."""
        return next(rate for at, rate in reversed(list(zip(self.starts, self.rates, strict=True))) if at <= start)

    def of(self, share: Fraction) -> TierSteps:
        """Those of a part of the time."""
        return TierSteps(tuple(start * share for start in self.starts), self.rates, self.retroactive)

    def off(self, counted: Fraction) -> Fraction:
        """What they come to of an amount.

        A step of everything is reached by the exact amount: what the rounding of many lines leaves below a start, less
        than a quantum, does not lose a part of everything.
        """
        if self.retroactive:
            return counted * self.rate_of(counted)
        ends = [*self.starts[1:], max(counted, self.starts[-1])]
        parts = (max(min(counted, end) - start, Fraction(0)) for start, end in zip(self.starts, ends, strict=True))
        return sum((part * rate for part, rate in zip(parts, self.rates, strict=True)), Fraction(0))

    def rate_of(self, counted: Fraction) -> Fraction:
        """Of steps of everything, the rate of the last that an amount reaches."""
        steps = reversed(list(zip(self.starts, self.rates, strict=True)))
        return next(rate for start, rate in steps if start - counted < QUANTUM)

    def width(self, k: int, most: Fraction) -> Fraction:
        """How much fits in a step: up to the next, or in the last as much as there can be."""
        end = self.starts[k + 1] if k + 1 < len(self.starts) else max(most, self.starts[k])
        return end - self.starts[k]


def shaped(
    program: Program, owner: ClauseOwner, total: Expression, steps: Sequence[TierSteps], windows: Sequence[Window],
    *, counted: bool = False, lowered: Expression | None = None,
) -> Expression:  # fmt: skip
    """What steps come to of a total in each window of a plan, where each unit in a step saves its rate.

    ``counted``: another clause counts it, for which a plan might rather have less. ``lowered``: of steps of everything,
    what they are of, where that is not all of the total.
    """
    most = program.most(total)
    if steps[0].retroactive:
        return _retroactive(program, owner, total, most, steps, windows, lowered)
    assert lowered is None, "what lies in a step is lowered"
    return _graduated(program, owner, total, most, steps, windows, counted=counted)


def _graduated(
    program: Program, owner: ClauseOwner, total: Expression, most: Sequence[Fraction], steps: Sequence[TierSteps],
    windows: Sequence[Window], *, counted: bool,
) -> Expression:  # fmt: skip
    """A step fills once those before it are full: a whole number for each that is worth more than an earlier one."""
    nothing = [Fraction(0) for _ in most]
    rates = steps[0].rates
    inside = None
    before: list[tuple[Expression, Sequence[Fraction]]] = []
    back = total * Fraction(0)
    worth: list[Fraction] = []
    for k, rate in enumerate(rates):
        widths = [each.width(k, m) for each, m in zip(steps, most, strict=True)]
        if not any(widths):
            continue
        tier = program.slack(owner, f"tier {k}", most=most, price=-rate, windows=windows)
        if before and (counted or rate > min(worth)):
            open_ = program.slack(owner, f"open {k}", most=[Fraction(1) for _ in most], whole="nearest")
            program.require(owner, f"open-{k}", tier - open_ * widths <= nothing)
            for filled, full in before:
                program.require(owner, f"full-{k}", filled - open_ * full >= nothing)
            before = []  # once this is open, they are full
        elif k < len(rates) - 1:
            program.require(owner, f"tier-{k}", tier.like(total) <= widths)
        inside = tier if inside is None else inside + tier
        back += tier * rate
        before.append((tier, widths))
        worth.append(rate)
    if inside is not None:
        program.require(owner, "tiers", inside - total == nothing)
    return back


def _retroactive(
    program: Program, owner: ClauseOwner, total: Expression, most: Sequence[Fraction], steps: Sequence[TierSteps],
    windows: Sequence[Window], lowered: Expression | None,
) -> Expression:  # fmt: skip
    """Everything is in one step, the last that it reaches: a whole number for each."""
    nothing, one = [Fraction(0) for _ in most], [Fraction(1) for _ in most]
    inside = chosen = reached = back = total * Fraction(0)
    of, most_of = total * Fraction(0), [] if lowered is None else program.most(lowered)
    for k, rate in enumerate(steps[0].rates):
        starts = [each.starts[k] for each in steps]
        low = enough(starts, most, QUANTUM)
        high = [start + each.width(k, m) for start, each, m in zip(starts, steps, most, strict=True)]
        saves = -rate if lowered is None else Fraction(0)
        tier = program.slack(owner, f"tier {k}", most=high, price=saves, windows=windows)
        here = program.slack(owner, f"in {k}", most=open_to(low, most), whole="nearest")
        program.require(owner, f"in-{k}", tier - here * high <= nothing)
        program.require(owner, f"reached-{k}", tier - here * low >= nothing)
        inside, chosen, reached = inside + tier, chosen + here, reached + here * low
        if lowered is not None:
            tier = program.slack(owner, f"lowered {k}", most=most_of, price=-rate, windows=windows)
            program.require(owner, f"lowered-{k}", tier - here * most_of <= nothing)
            of += tier
        back += tier * rate
    program.require(owner, "tiers", inside - total == nothing)
    if lowered is not None:
        program.require(owner, "lowered", of - lowered == nothing)
    program.require(owner, "reached", total - reached >= nothing)  # by what is used, whole quanta and all
    program.require(owner, "one", chosen <= one)
    return back


def rising(rates: Sequence[Fraction]) -> bool:
    """Whether no later rate is less than the one before it."""
    return all(one <= two for one, two in pairwise(rates))
