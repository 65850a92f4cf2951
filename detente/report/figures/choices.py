"""The figures of choices: over their outcomes, and over each probability.

Owns: mean, worst, tail, regret, what it is worth to know more, and where the best choice changes. Not here: what one
outcome comes to (``comparison``).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import product

from detente.outcomes.choices.comparison import BeforeNews, ChoiceRisk, Comparison, OutcomeColumn, Swing
from detente.report.figures.estimate import cost_figures, estimate_figures
from detente.report.figures.figure import PART, NamedFigure, Operand, at
from detente.values.quantity import in_percent

NEWS = "the plan before the news, which is the same in all outcomes until they can be told apart; exact bills"
ALONE = "each outcome's own plan, as if all of it were known from the first day"


def paid(found: Comparison, choice: ChoiceRisk) -> list[tuple[OutcomeColumn, Decimal, str]]:
    """What a choice comes to in each of its outcomes, and where that stands: of the plan before the news, if any."""
    rows = []
    for column in found.outcomes:
        if column.choice != choice.choice or column.cost is None:
            continue
        if choice.before is None:
            rows.append((column, column.cost.amount, at("outcomes", column.name, "cost")))
        else:
            rows.append((column, choice.before.costs[column.name], at("choices", choice.choice, "paid", column.name)))
    return rows


def choice_figures(found: Comparison) -> Iterator[NamedFigure]:
    """Each choice over its outcomes; then by how much the best is better than the next."""
    level, unit = at("level"), found.currency
    yield NamedFigure(level, found.level, PART, "The level of the tail: it is the mean of what is dearer", "`--level`")
    says = "What the dearest part counts beside the mean, where choices are compared"
    yield NamedFigure("weight", found.weight, PART, says, "`--weight`")
    yield NamedFigure(
        "tail", 1 - found.level, PART, "How much of what may happen is the dearest part", "1 less `level`"
    )
    for choice in found.choices:
        yield from _choice(found, choice)
    scores = {c.choice: c.weighed.amount for c in found.choices if c.weighed is not None}
    if found.best is not None and len(scores) > 1:
        best = scores.pop(found.best)
        second = min(scores, key=lambda name: scores[name])
        both = (
            Operand(f"what `{second}` comes to", scores[second], unit, at("choices", second, "weighed")),
            Operand(f"what `{found.best}` comes to", best, unit, at("choices", found.best, "weighed")),
        )
        says = f"How much more the next choice, `{second}`, comes to than the best, `{found.best}`"
        yield NamedFigure("ahead", scores[second] - best, unit, says, "", "difference", both)


def _choice(found: Comparison, choice: ChoiceRisk) -> Iterator[NamedFigure]:
    base, unit, name = at("choices", choice.choice), found.currency, choice.choice
    costs = [(c, c.cost) for c in found.outcomes if c.choice == name and c.cost is not None]
    if choice.expected is not None:
        yield from _mean(
            at(base, "expected"),
            choice.expected.amount,
            unit,
            f"What `{name}` costs on average, if all were known from the first day",
            ALONE,
            [(c.name, c.probability, cost.amount, at("outcomes", c.name, "cost")) for c, cost in costs],
        )
    rows = paid(found, choice)
    if choice.before is not None:
        yield from _before(choice, choice.before, base, unit)
    if choice.mean is not None:
        means = [(c.name, c.probability, amount, where) for c, amount, where in rows]
        says = f"What `{name}` costs on average by the probabilities of the case"
        yield from _mean(at(base, "mean"), choice.mean.amount, unit, says, NEWS if choice.before else ALONE, means)
    if choice.weighed is not None:
        yield from _weighed(found, choice, base)
    own = tuple(Operand(f"`{c.name}`", amount, unit, where) for c, amount, where in rows)
    if choice.worst is not None:
        says = f"What `{name}` costs in its worst outcome, `{choice.worst_outcome}`"
        yield NamedFigure(at(base, "worst"), choice.worst, unit, says, "", "largest", own)
    if choice.tail is not None:
        yield from _tail(found, choice, base, rows)
    yield from _regret(found, choice, base)


def _mean(
    address: str, value: Decimal, unit: str, says: str, origin: str, rows: list[tuple[str, Decimal, Decimal, str]]
) -> Iterator[NamedFigure]:
    own = tuple(Operand(f"`{name}`", amount, unit, where, chance) for name, chance, amount, where in rows)
    yield NamedFigure(address, value, unit, says, origin, "mean", own)


def _before(choice: ChoiceRisk, before: BeforeNews, base: str, unit: str) -> Iterator[NamedFigure]:
    """What the plan before the news comes to, and what it is worth to know more."""
    for name, amount in before.costs.items():
        says = f"What `{choice.choice}` costs in `{name}`, where nothing is known of it before its day"
        yield NamedFigure(at(base, "paid", name), amount, unit, says, NEWS)
    known = choice.expected
    both: tuple[Operand, ...] = ()
    if known is not None:
        both = (
            Operand("on average, by the plan before the news", before.cost.amount, unit, at(base, "mean")),
            Operand("on average, if all were known", known.amount, unit, at(base, "expected")),
        )
    says = f"What it would be worth, after `{choice.choice}`, to know from the first day how things end"
    whole = known is not None and before.information.amount == before.cost.amount - known.amount
    origin = "" if whole else "nothing: the one plan came out no dearer than the others together"
    address = at(base, "information")
    main = NamedFigure(
        address, before.information.amount, unit, says, origin, "difference" if whole else None, both if whole else ()
    )
    yield from estimate_figures(main, before.information)
    if before.likeliest is not None:
        says = f"What planning `{choice.choice}` as if its likeliest outcome were sure, until the news, costs more"
        origin = "the mean over all outcomes of that plan, less that of the plan before the news: in divisible units"
        yield NamedFigure(at(base, "likeliest"), before.likeliest, unit, says, origin)
    if before.for_mean is not None:
        says = f"What planning `{choice.choice}` for the mean of its outcomes, until the first news, costs more"
        origin = "the mean over all outcomes of that plan, less that of the plan before the news: in divisible units"
        yield NamedFigure(at(base, "for-mean"), before.for_mean, unit, says, origin)


def _weighed(found: Comparison, choice: ChoiceRisk, base: str) -> Iterator[NamedFigure]:
    """By what choices are compared."""
    assert choice.weighed is not None
    unit = found.currency
    whose = f"by which `{choice.choice}` is compared: mean and dearest part by their weights,"
    for figure in cost_figures(at(base, "weighed"), choice.weighed, unit, whose):
        if figure.address != at(base, "weighed") or choice.mean is None or choice.tail is None:
            yield figure
            continue
        both = (
            Operand("on average", choice.mean.amount, unit, at(base, "mean"), 1 - found.weight),
            Operand("the dearest part", choice.tail, unit, at(base, "tail"), found.weight),
        )
        says = f"By what `{choice.choice}` is compared with other choices"
        yield NamedFigure(figure.address, figure.value, unit, says, "", "mean", both)


def _tail(
    found: Comparison, choice: ChoiceRisk, base: str, rows: list[tuple[OutcomeColumn, Decimal, str]]
) -> Iterator[NamedFigure]:
    assert choice.tail is not None
    left, own = 1 - found.level, []
    for column, amount, where in sorted(rows, key=lambda row: -row[1]):
        part = min(left, column.probability)
        if part > 0:
            own.append(Operand(f"`{column.name}`", amount, found.currency, where, part))
        left -= part
    says = f"The mean of the dearest {in_percent(1 - found.level)} of what may happen after `{choice.choice}` (CVaR)"
    origin = "the dearest outcomes, each with its probability, until that part is full"
    yield NamedFigure(at(base, "tail"), choice.tail, found.currency, says, origin, "mean", tuple(own))


# -- regret ----------------------------------------------------------------------------------------------------------
def _regret(found: Comparison, choice: ChoiceRisk, base: str) -> Iterator[NamedFigure]:
    if choice.regret is None:
        return
    unit, rows = found.currency, list(_regrets(found, choice))
    for name, _, amount, parts in rows:
        says = f"What `{choice.choice}` costs more than the least that any choice could, if this comes: {name}"
        yield NamedFigure(at(base, "regret", "if", name), amount, unit, says, "", "difference", parts)
    own = tuple(
        Operand(f"if {name}", amount, unit, at(base, "regret", "if", name), chance) for name, chance, amount, _ in rows
    )
    most, mean = choice.regret.most, choice.regret.mean
    says = f"The most that `{choice.choice}` can cost more than the best choice for what then happens"
    yield NamedFigure(at(base, "regret", "most"), most, unit, says, "", "largest", own)
    says = f"What `{choice.choice}` costs more than the best choice for what then happens, on average"
    yield NamedFigure(at(base, "regret", "mean"), mean, unit, says, "", "mean", own)


def _regrets(found: Comparison, choice: ChoiceRisk) -> Iterator[tuple[str, Decimal, Decimal, tuple[Operand, Operand]]]:
    """In each state of the world: its name, its probability, the regret, and the two costs it is the difference of."""
    unit, every = found.currency, {c.choice: paid(found, c) for c in found.choices}
    for world, chance in _worlds(found):
        own, least = Operand("", Decimal(0), unit), Operand("", Decimal(0), unit)
        for name, rows in every.items():
            column, amount, where = next(row for row in rows if row[0].world.items() <= world.items())
            assert column.cost is not None
            if name == choice.choice:
                own = Operand(f"what `{name}` comes to", amount, unit, where)
            alone = Operand(f"if known, `{column.name}`", column.cost.amount, unit, at("outcomes", column.name, "cost"))
            for each in (alone, Operand(f"what `{name}` comes to", amount, unit, where)):
                least = each if not least.name or each.value < least.value else least
        name = ",".join(world.values()) or "all-is-sure"
        yield name, chance, own.value - least.value, (own, least)


def _worlds(found: Comparison) -> Iterator[tuple[dict[str, str], Decimal]]:
    """Every way in which all events may turn out, and its probability."""
    events: dict[str, dict[str, Decimal]] = {}
    for column in found.outcomes:
        alike = [c for c in found.outcomes if c.choice == column.choice]
        for event, outcome in column.world.items():
            chance = sum((c.probability for c in alike if c.world[event] == outcome), Decimal(0))
            events.setdefault(event, {})[outcome] = chance
    for outcomes in product(*(each.items() for each in events.values())):
        chance = Decimal(1)
        for _, part in outcomes:
            chance *= part
        yield dict(zip(events, (name for name, _ in outcomes), strict=True)), chance


# -- over a probability ----------------------------------------------------------------------------------------------
def swing_figures(found: Comparison) -> Iterator[NamedFigure]:
    """What each choice costs on average where an outcome never happens and where it surely does; where it flips."""
    for swing in found.swings:
        base, unit = at("chances", swing.event, swing.outcome), found.currency
        says = f"How likely `{swing.outcome}` of `{swing.event}` is"
        yield NamedFigure(at(base, "probability"), swing.probability, PART, says, "the case")
        rest = "the other outcomes of the event keep their ratio"
        for name, ends in swing.ends.items():
            for word, value, what in (
                ("never", ends.never, "never happens"),
                ("surely", ends.surely, "surely happens"),
            ):
                says = f"What `{name}` costs on average where `{swing.outcome}` {what}"
                yield NamedFigure(at(base, word, name), value, unit, says, f"a mean of its outcomes; {rest}")
        for flip in swing.flips:
            lines = tuple(
                Operand(f"`{name}`, {word}", value, unit, at(base, word, name))
                for name in (flip.below, flip.above)
                for word, value in (("never", swing.ends[name].never), ("surely", swing.ends[name].surely))
            )
            says = f"The probability of `{swing.outcome}` at which the best choice changes to `{flip.above}`"
            origin = f"below it the best is `{flip.below}`; to a millionth"
            address = at(base, "changes-to", flip.above)
            yield NamedFigure(address, flip.probability, PART, says, origin, "crossing", lines)
        if found.best is not None and len(swing.ends) > 1:
            yield _advantage(found.best, swing, base, unit)


def _advantage(best: str, swing: Swing, base: str, unit: str) -> NamedFigure:
    """By how much the best choice is better than the next, at the stated probability."""
    means = {name: ends.at(Fraction(swing.probability)) for name, ends in swing.ends.items()}
    amounts = {name: Decimal(mean.numerator) / Decimal(mean.denominator) for name, mean in means.items()}
    second = min((name for name in amounts if name != best), key=lambda name: amounts[name])
    says = f"By how much `{best}` is better than the next choice at the stated probability of `{swing.outcome}`"
    both = tuple(Operand(f"`{name}` on average", amounts[name], unit) for name in (second, best))
    value = amounts[second] - amounts[best]
    return NamedFigure(at(base, "advantage"), value, unit, says, "", "difference", both)
