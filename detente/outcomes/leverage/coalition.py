"""What groups of providers save us: a fair split of it, and whether any group would do better by itself.

Owns: the worth of a group, by a linear solve each (units may be divided), remembered. Not here: the split itself
(``shapley``), and the program without a provider (``loss``).

A group is worth what the case costs with no provider at all less what it costs with the group alone. With nobody, no
work is served, so that each workload must say what it is worth: nothing is guessed. Clauses that keep standby are left
out, and policies of ours that limit somebody's share: with few providers none could be met, or nothing be served.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from detente.contract.roles import Hedge
from detente.outcomes.baseline import linear
from detente.outcomes.estimate import NOTHING
from detente.outcomes.leverage.loss import Away, losing
from detente.outcomes.shapley import FairPart, in_core, split
from detente.planner.study import Study
from detente.values.money import nano

EXACT = 10
"""Providers of which every group is asked; of more a sample."""

WITHIN = Decimal("1e-6")
"""A part of what all are worth by which a group may do better and the split still be in the core."""


class UnknownWorthError(Exception):
    """Why there is no fair split: it never leaves this room."""


@dataclass
class Coalitions:
    """The worth of groups of the providers of a case, from its first period on."""

    study: Study
    away: Away
    providers: Sequence[str]
    progress: Callable[[str], None]
    known: dict[frozenset[str], Decimal] = field(default_factory=dict)

    def split(self) -> tuple[tuple[FairPart, ...], bool | None]:
        """Each provider's part, and whether the parts are in the core (None: not asked of so many).

        Raises UnknownWorthError, StoppedError.
        """
        if self.study.must:
            names = _named(self.study.must)
            raise UnknownWorthError(f"{names} must be served at any price: state a `value` to have a fair split")
        parts = split(self.providers, self.worth, most=EXACT)
        if len(self.providers) > EXACT:
            return parts, None
        whole = self.worth(frozenset(self.providers))
        return parts, in_core(parts, self.worth, WITHIN * max(abs(whole), Decimal(1)))

    def worth(self, some: frozenset[str]) -> Decimal:
        """What a group saves us. Raises UnknownWorthError, StoppedError."""
        return NOTHING if not some else self._cost(frozenset()) - self._cost(some)

    def _cost(self, some: frozenset[str]) -> Decimal:
        if some not in self.known:
            self.progress(f"providers in groups: {len(self.known) + 1} of {2 ** len(self.providers)}")
            case = self.study.case
            study = self.study.without(
                dict.fromkeys(term.id for term in case.terms if isinstance(term, Hedge) and term.hedges)
            )
            for provider in self.providers:
                if provider not in some:
                    study = losing(study, provider, self.away)
            cost = linear(study)
            if cost is None:
                who = f"{_named(some)} alone" if some else "no provider"
                raise UnknownWorthError(f"with {who} the other clauses cannot all be met, so its worth is not known")
            self.known[some] = nano(Fraction(cost))
        return self.known[some]


def _named(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))
