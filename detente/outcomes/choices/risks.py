"""Each choice over its outcomes: mean, worst, tail, regret, and how the best choice turns on each probability.

Owns: from the costs of a case's outcomes to these. Not here: the figures by themselves (``chances``), and where costs
come from (``comparing``).

A choice costs what its plan before the news comes to, where there is news to come; else what the plan of its outcome
costs. Both are held as they are while a probability moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from detente.case.case import Case
from detente.case.choice import OpenChoice
from detente.outcomes.choices.chances import Ends, Regret, conditional, expected, flips, regrets
from detente.outcomes.choices.comparison import BeforeNews, ChoiceRisk, NewsStatus, Swing
from detente.outcomes.choices.leaves import Leaf, WorldState, worlds
from detente.outcomes.estimate import LeastCost
from detente.results.tail import tail
from detente.values.money import nano

Costs = Mapping[str, LeastCost | None]
"""Of each outcome by its name, if all were known from the first day; None where it has no plan."""

Before = Mapping[str, tuple[NewsStatus, BeforeNews | None]]
"""Of each choice, the plan before the news."""


@dataclass(frozen=True, slots=True)
class Risk:
    """How the tail counts: the mean of the dearest part ``1 - level``, with a weight beside that of the mean."""

    level: Decimal
    weight: Decimal

    def score(self, costs: Sequence[tuple[Decimal, LeastCost]]) -> LeastCost:
        """Mean and tail by their weights, of costs and of their bounds."""
        mean, weight = expected(costs), Fraction(self.weight)
        dearest = [tail([(p, value(c)) for p, c in costs], self.level) for value in (_amount, _bound)]
        amount, bound = (
            nano((1 - weight) * Fraction(one) + weight * Fraction(other))
            for one, other in zip((mean.amount, mean.bound), dearest, strict=True)
        )
        return LeastCost(amount, min(amount, bound))


def _amount(cost: LeastCost) -> Decimal:
    return cost.amount


def _bound(cost: LeastCost) -> Decimal:
    return cost.bound


def weighed(
    case: Case, every: Sequence[Leaf], costs: Costs, before: Before, risk: Risk
) -> tuple[tuple[ChoiceRisk, ...], tuple[Swing, ...]]:
    """Each choice, and each probability that it turns on; no probability where a cost is not known."""
    weighing = _Weighing(case, every, costs, before)
    return tuple(weighing.risks(risk)), tuple(weighing.swings())


class _Weighing:
    def __init__(self, case: Case, every: Sequence[Leaf], costs: Costs, before: Before) -> None:
        self.case, self.costs, self.before = case, costs, before
        self.choices: Sequence[OpenChoice] = case.declared.choices
        self.own = {choice.id: [leaf for leaf in every if leaf.choice.id == choice.id] for choice in self.choices}
        self.paid = {choice: self._paid(choice) for choice in self.own}

    def _paid(self, choice: str) -> dict[WorldState, Decimal] | None:
        """What a choice comes to in each of its outcomes; None where that is not known of all."""
        news, before = self.before[choice]
        found = {}
        for leaf in self.own[choice]:
            cost = self.costs[leaf.name]
            if cost is None or (news != "none" and before is None):
                return None
            found[leaf.world] = cost.amount if before is None else before.costs[leaf.name]
        return found

    def risks(self, risk: Risk) -> Iterator[ChoiceRisk]:
        """Choice by choice."""
        regret = self._regrets()
        for choice in self.choices:
            own, paid, (news, before) = self.own[choice.id], self.paid[choice.id], self.before[choice.id]
            known = [(leaf.probability, cost) for leaf in own if (cost := self.costs[leaf.name]) is not None]
            mean = expected(known) if len(known) == len(own) else None
            if paid is None:
                yield ChoiceRisk(choice.id, choice.text, mean, None, None, None, None, news, before)
                continue
            worst = max(own, key=lambda leaf: paid[leaf.world])
            dearest = tail([(leaf.probability, paid[leaf.world]) for leaf in own], risk.level)
            amount = paid[worst.world]
            yield ChoiceRisk(
                choice.id,
                choice.text,
                mean,
                amount,
                worst.name,
                dearest,
                regret.get(choice.id),
                news,
                before,
                risk.score(known) if before is None else before.weighed,
            )

    def _regrets(self) -> dict[str, Regret]:
        """Of every choice, where all costs are known: in a state of the world each is where its own events lead."""
        by_world = []
        for world, chance in worlds(self.case):
            paid, least = {}, []
            for choice, each in self.paid.items():
                if each is None:
                    return {}
                leaf = next(leaf for leaf in self.own[choice] if set(leaf.world) <= set(world))
                cost = self.costs[leaf.name]
                assert cost is not None
                paid[choice] = each[leaf.world]
                least.append(min(cost.amount, each[leaf.world]))
            by_world.append((chance, paid, min(least)))
        return regrets(by_world)

    # -- over a probability ------------------------------------------------------------------------------------------
    def swings(self) -> Iterator[Swing]:
        """Over the probability of each outcome: of an event with two, of the first alone, for the other is the rest."""
        if any(paid is None for paid in self.paid.values()):
            return
        for event in self.case.declared.uncertain:
            names = list(event.outcomes)
            for name in names[:1] if len(names) == 2 else names:
                ends = {choice: self._ends(choice, (event.id, name)) for choice in self.own}
                yield Swing(event.id, name, event.outcomes[name].probability, ends, flips(ends))

    def _ends(self, choice: str, pair: tuple[str, str]) -> Ends:
        """What a choice costs on average where an outcome never happens, and where it surely does."""
        own, paid = self.own[choice], self.paid[choice]
        assert paid is not None
        follows = any(name == pair[0] for name, _ in own[0].world)
        amounts = [(leaf, Fraction(leaf.probability), paid[leaf.world]) for leaf in own]
        never = [(chance, amount) for leaf, chance, amount in amounts if pair not in leaf.world]
        surely = [(chance, amount) for leaf, chance, amount in amounts if pair in leaf.world or not follows]
        return Ends(conditional(never), conditional(surely))
