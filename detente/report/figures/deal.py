"""The figures of a deal: what each way out costs, and what signing changes.

Owns: those, of an answer or of its document. Not here: which clauses collide (``results.conflict``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from pydantic import TypeAdapter

from detente.outcomes.deals.deal import (
    BeforeAfter,
    DealAnswer,
    DealWay,
    Fee,
    ProviderMoved,
    SignedReading,
    SigningEffect,
)
from detente.report.figures.estimate import estimate_figures
from detente.report.figures.figure import PART, NamedFigure, Operand, at
from detente.report.figures.given import given_figures
from detente.values.json_text import parsed

SIDES = ("without", "with")


@dataclass(frozen=True, slots=True)
class SignedDeal:
    """What has figures of a saved answer to ``check --sign``."""

    format: str
    deal: str
    currency: str
    readings: tuple[SignedReading, ...]

    @classmethod
    def from_json(cls, text: str | bytes) -> SignedDeal:
        """Of the answer's document, the rest of which is left unread. Raises ValueError."""
        parsed(text)  # nothing in it is said twice
        found: SignedDeal = TypeAdapter(cls).validate_json(text)
        if found.format != DealAnswer.FORMAT:
            raise ValueError(f"it is `{found.format}`, not `{DealAnswer.FORMAT}`")
        return found


def deal_figures(found: SignedDeal | DealAnswer) -> Iterator[NamedFigure]:
    """All, reading by reading."""
    for row in found.readings:
        base = at("readings", row.reading or "any")
        for index, way in enumerate(row.ways, 1):
            yield from _way(way, at(base, "ways", index), found.currency)
        for fee in row.fees:
            yield from _fee(fee, at(base, "fees", fee.term), found.currency)
        if row.effect is not None:
            yield from _effect(row.effect, base, found)


def _way(way: DealWay, base: str, unit: str) -> Iterator[NamedFigure]:
    yield from given_figures(way.given, base, way.sentence)
    if way.cost is None:
        return
    how = "the deal's case with that change, planned anew"
    more = "; the search for less ended before it was through" if way.at_most else ""
    says = f"What the plan costs at {'most' if way.at_most else 'least'} by this way out: {way.sentence}"
    yield NamedFigure(at(base, "cost"), way.cost, unit, says, f"{how}{more}")
    if way.more is not None:
        both = (
            Operand("what the plan costs by this way out", way.cost, unit, at(base, "cost")),
            Operand("what the plan without the deal costs", way.cost - way.more, unit),
        )
        says = f"How much more that is than not to sign; below 0 where it is less: {way.sentence}"
        yield NamedFigure(at(base, "more"), way.more, unit, says, "", "difference", both)


def _fee(fee: Fee, base: str, unit: str) -> Iterator[NamedFigure]:
    places = [at(base, "windows", index) for index in range(1, len(fee.windows) + 1)]
    found = zip(fee.windows, places, strict=True)
    own = tuple(Operand(when, amount, fee.unit, place) for (when, amount), place in found)
    what = "is done in breach of" if fee.breach else "is missing of what is asked by"
    says = f"How much {what} `{fee.term}`, in the cheapest plan that signs"
    for each in own:
        yield NamedFigure(each.address, each.value, fee.unit, f"{says}, {each.name}", "that plan, settled exactly")
    if own:
        yield NamedFigure(at(base, "missing"), fee.missing, fee.unit, says, "", "sum", own)
    says = f"What is owed for that under `{fee.term}`"
    yield NamedFigure(at(base, "owed"), fee.owed, unit, says, "the clause's postings in that plan's bill")


def _effect(effect: SigningEffect, base: str, found: SignedDeal | DealAnswer) -> Iterator[NamedFigure]:
    unit, deal = found.currency, found.deal
    cost = at(base, "cost")
    yield from _pair(effect.cost, cost, "What the least-cost plan costs over the horizon", unit, "its exact bill")
    both = tuple(
        Operand(f"what the plan costs {side} the deal", value, unit, at(cost, side))
        for side, value in zip(SIDES, (effect.cost.before, effect.cost.after), strict=True)
        if value is not None
    )
    says = "How much less the plan costs with the deal; below 0 where it costs more"
    whole = len(both) == 2
    main = NamedFigure(
        at(base, "saves"),
        effect.saves.amount,
        unit,
        says,
        "both plans",
        "difference" if whole else None,
        both if whole else (),
        f"deal:{deal}",
    )
    yield from estimate_figures(main, effect.saves)
    worth = "What the work that is not served is worth"
    yield from _pair(effect.unserved, at(base, "unserved"), worth, unit, "that work times its stated value")
    spread = "How much of the spend is in few hands: 10,000 is one provider alone (HHI)"
    origin = "the squares of all providers' shares of spend in percent, added up"
    yield from _pair(effect.concentration, at(base, "concentration"), spread, "", origin)
    for each in effect.providers:
        yield from _provider(each, at(base, "providers", each.provider), unit)


def _provider(each: ProviderMoved, base: str, unit: str) -> Iterator[NamedFigure]:
    name = each.provider
    yield from _pair(each.spend, at(base, "spend"), f"What is spent with `{name}`", unit, "the plan's bill")
    share = f"The share of all spend that goes to `{name}`"
    yield from _pair(each.share_of_spend, at(base, "share-of-spend"), share, PART, "the plan's bill")
    for of, moved in each.share_of_work.items():
        what = f"The share of all work in {of} that runs with `{name}`"
        yield from _pair(moved, at(base, "share-of-work", of), what, PART, "the plan's work, with units of one kind")
    for of, moved in each.margin.items():
        what = f"The part of the work of `{name}` in {of} that the others would do if it were lost"
        origin = "a plan made anew without it for all of the horizon, as if units could be divided"
        yield from _pair(moved, at(base, "others-could-do", of), what, PART, origin)


def _pair(moved: BeforeAfter, base: str, what: str, unit: str, origin: str) -> Iterator[NamedFigure]:
    """A figure without the deal, and with it."""
    for side, value in zip(SIDES, (moved.before, moved.after), strict=True):
        if value is not None:
            yield NamedFigure(at(base, side), Decimal(value), unit, f"{what}, {side} the deal", origin)
