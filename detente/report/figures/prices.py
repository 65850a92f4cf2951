"""The figures of what clauses cost.

Owns: prices of clauses and agreements, what moves, hidden prices. Not here: costs and error bars (``estimate``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from detente.outcomes.worth.prices import AgreementPrice, ClausePrice, ClausePrices, Masking
from detente.report.figures.estimate import cost_figures, estimate_figures
from detente.report.figures.figure import PART, NamedFigure, Operand, Rule, at
from detente.results.plan_rows import MarginalPrice

AGAIN = "a plan made anew without it, and billed: by how much it is cheaper"


def price_figures(found: ClausePrices) -> Iterator[NamedFigure]:
    """All, in the order of the page."""
    yield from cost_figures("cost", found.cost, found.currency, "of the case")
    for clause in found.clauses:
        yield from _clause(found, clause)
    for agreement in found.agreements:
        says = f"What the plan would save without all of `{agreement.agreement}` and the offers under it"
        base = at("agreements", agreement.agreement)
        yield from _price(found, agreement, base, says, f"agreement:{agreement.agreement}")
    for masking in found.maskings:
        yield from _masking(masking, found.currency)


def _clause(found: ClausePrices, clause: ClausePrice) -> Iterator[NamedFigure]:
    base, name = at("clauses", clause.term), clause.term
    says = f"What the plan would save without `{name}`; below 0 is what it would lose"
    yield from _price(found, clause, base, says, f"price:{name}")
    if clause.price is not None and found.cost.amount:
        whole = Operand("what the plan costs", found.cost.amount, found.currency, "cost")
        parts = (Operand("the price", clause.price.amount, found.currency, at(base, "price")), whole)
        part = clause.price.amount / found.cost.amount
        yield NamedFigure(
            at(base, "share"), part, PART, f"The price of `{name}` as a part of the cost", "", "ratio", parts
        )
    if clause.owed:
        says = f"What `{name}` charges in the plan (below 0: gives back)"
        yield NamedFigure(at(base, "owed"), clause.owed, found.currency, says, "its postings in the plan's bill")
    yield from _marginal(base, name, clause.marginal)
    for move in clause.moves:
        where = f"with `{move.provider}`" if move.provider else "is not served"
        yield NamedFigure(
            at(base, "moves", move.workload, move.provider or "not-served"),
            move.change,
            move.unit,
            f"How much more of `{move.workload}` runs {where} in the plan without `{name}`"
            if move.provider
            else f"How much more of `{move.workload}` is not served in the plan without `{name}`",
            "the work in the plan without it, less that in the plan with it",
            ask=f"price:{name}",
        )


def _marginal(base: str, name: str, rows: Sequence[MarginalPrice]) -> Iterator[NamedFigure]:
    """The lowest and the highest price of one more unit, by unit."""
    for unit in dict.fromkeys(row.unit for row in rows):
        own = tuple(
            Operand(f"{row.part} from {row.start:%Y-%m-%d}", row.price, unit) for row in rows if row.unit == unit
        )
        prices = [each.value for each in own]
        duals = "the duals of the clause's rows, a window each, in the program whose units may be divided"
        ends: tuple[tuple[str, Rule, Decimal], ...] = (
            ("least", "smallest", min(prices)),
            ("most", "largest", max(prices)),
        )
        for word, rule, value in ends:
            says = f"What one more unit of what `{name}` asks would cost, {word} of all its windows"
            yield NamedFigure(at(base, "one-more", unit, word), value, unit, says, duals, rule, own)


def _price(
    found: ClausePrices, each: ClausePrice | AgreementPrice, base: str, says: str, ask: str
) -> Iterator[NamedFigure]:
    """A price with its error bar, as the difference of two plans.

    Where it is nothing, or a bound of it is, a clause that only restrains may have been held to its sign: then the
    other plan cannot be told from it.
    """
    price, cost, unit = each.price, found.cost, found.currency
    if price is None:
        return
    without = cost.amount - price.amount
    other = Operand("what the plan without it costs", without, unit)
    own = (Operand("what the plan costs", cost.amount, unit, "cost"), other) if price.amount else ()
    exact = bool(own) and price.low == cost.bound - without
    low = (Operand("what every plan costs at least", cost.bound, unit, "cost/bound"), other) if exact else ()
    proven = Operand("what every plan without it costs at least", cost.amount - price.high, unit)
    high = (Operand("what the plan costs", cost.amount, unit, "cost"), proven) if own and price.high else ()
    origin = AGAIN if own else f"{AGAIN}; no difference was found, or one with a sign that it cannot have"
    address = at(base, "price")
    main = NamedFigure(address, price.amount, unit, says, origin, "difference" if own else None, own, ask)
    yield from estimate_figures(main, price, low, high)
    if each.today is not None:
        discounted = "both plans' costs, each amount at its present value by the case's `discount-rate`"
        yield NamedFigure(at(address, "today"), each.today, unit, f"{says}, at present value", discounted, ask=ask)


def _masking(masking: Masking, unit: str) -> Iterator[NamedFigure]:
    names = ", ".join(f"`{name}`" for name in masking.terms)
    base = at("hidden", "+".join(masking.terms))
    says = f"What the plan would save without all of {names}"
    main = NamedFigure(at(base, "joint"), masking.joint.amount, unit, says, "a plan made anew without all of them")
    yield from estimate_figures(main, masking.joint)
    for part in masking.split:
        says = f"The fair part of `{part.player}` in what {names} cost together"
        origin = (
            "the Shapley value: the mean of what leaving it out saves, over all orders in which they could be left out"
        )
        address = at(base, "parts", part.player)
        yield NamedFigure(address, part.amount, unit, says, origin)
        for word, value, what in (
            ("alone", part.alone, "is left out by itself"),
            ("last", part.last, "is left out after all others"),
        ):
            says = f"What the plan saves where `{part.player}` {what}"
            yield NamedFigure(at(address, word), value, unit, says, "plans made anew")
        if part.error:
            says = f"How far off `{address}` may be"
            origin = "the largest gap of the plans that it is made of; of sampled orders, 1.96 standard errors more"
            yield NamedFigure(at(address, "error"), part.error, unit, says, origin)
