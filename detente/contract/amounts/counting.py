"""What counts towards an amount: a measure of what is covered, and classes that count up to a part of the amount.

Owns: the vocabulary that every clause about an amount shares (``measure``, ``counts``), and how it reads in a plan and
in exact totals. Not here: amounts, windows, and what is owed where too little counts (``terms``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from detente.contract.case_view import CaseView, ClauseView
from detente.contract.metered.counting_moment import COUNTED
from detente.contract.metered.meter import Measure, Meter
from detente.contract.metered.totals import Totals
from detente.contract.payer import Payer
from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.reach.scope import Scope
from detente.contract.reach.window import Calendar, Window
from detente.contract.roles import OwnRates, off_price
from detente.errors import Flaw, FlawError
from detente.values.noun import Noun
from detente.values.period import Horizon
from detente.values.quantity import in_percent
from detente.values.quantity_field import Portion

MoneyMeasure = Literal["list", "after-discounts", "after-credits", "after-plans"]
"""Which money counts: at the offers' prices before discounts, after them, or what of that no credit pays; or what
savings plans charge, with the use that they do not cover."""

SpendMeasure = Literal["list", "after-discounts"]
"""The same of a clause that counts whatever credits pay."""

CapMeasure = Literal["list", "after-discounts", "after-plans"]
"""The same, or what savings plans charge, with the use that they do not cover."""

MEASURED: dict[MoneyMeasure | CapMeasure, Measure] = {
    "list": "listed",
    "after-discounts": "spend",
    "after-credits": "spend",
    "after-plans": "spend",
}
SAID: dict[MoneyMeasure | CapMeasure, str] = {
    "list": "spend at list prices",
    "after-discounts": "spend",
    "after-credits": "spend that no credit pays",
    "after-plans": "what savings plans charge and the use that they do not cover",
}
"""In a clause's sentence."""


LISTED = (
    "say `measure: list`, so that it counts at its price outside, or leave that use out of one of them with `except`, "
    "so that none of it counts"
)
OR_CHARGED = f"{LISTED}, or say `measure: after-plans` (what they charge counts, and use that they do not cover)"
APART = "leave that use out of one of them with `except`"
"""Ways out where use is charged for otherwise than by the use."""


OF_CHARGES: Mapping[str, str] = {
    "measure": "it is a part of what is charged, which is what use costs after discounts",
    "moment": "it is a part of what the use of its windows costs",
    "counts": "it is a part of all that it covers; leave the rest out with `except`",
}
"""Why what is given back of charges has no such switch."""


class CountedClass(Noun):
    """A class of use (a marketplace, support) that counts up to a part of the amount."""

    of: Scope = Field(description="which use of what the clause covers")
    at_most: Portion = Field(description="the part of the amount up to which it counts")

    def told(self, *, milestones: bool) -> str:
        """In a clause's sentence."""
        part = in_percent(self.at_most)
        step = f", and by the day of a milestone up to {part} of that" if milestones else ""
        return f"`{self.of}` counts up to {part} of it{step}"


def _a_list(given: Any) -> Any:
    if isinstance(given, dict):
        remedy = "write a list of classes: `counts: [ { of: { product: tokens }, at-most: 25% } ]`"
        raise FlawError("classes that count up to a part of the amount, each with its scope, are a list", remedy)
    return given


CountedClasses = Annotated[tuple[CountedClass, ...], BeforeValidator(_a_list)]


def lowered(term: ClauseView, case: CaseView, *, drawn: bool) -> Iterator[Flaw]:
    """Of a clause that does not say which money counts: the first clause by which that makes a difference.

    ``drawn``: the use that counts draws what it charges, and so only what is left to pay may count.
    """
    found: dict[bool, str] = {}
    for other in case.lowering:
        pays = isinstance(other, Payer)
        for demand, offer in case.uses(term.covered, *other.covered.keys) if pays not in found else ():
            if other.covered.covers(demand, offer) and (pays or off_price(other, demand, offer)):
                found[pays] = f"`{other.id}` {'pays for' if pays else 'changes the price of'} use of `{offer['offer']}`"
                break
    if found:
        what = (
            f"{next(iter(found.values()))}, and whether `{term.id}` counts what was paid before or after it is not said"
        )
        ways = [_BEFORE] * (False in found and not drawn) + [_LEFT] * (True in found)
        ways += ["`measure: after-discounts`"] * (not (drawn and True in found))
        yield Flaw(what, f"say {' or '.join(ways)}", ("amount",))


def repriced(
    term: ClauseView, measure: MoneyMeasure | None, case: CaseView, at: str = "amount", remedy: str = OR_CHARGED
) -> Iterator[Flaw]:
    """Clauses that charge for use in another way, where what use costs after discounts is counted."""
    for other in case.lowering if measure not in ("list", "after-plans") else ():
        uses = case.uses(term.covered, *other.covered.keys) if isinstance(other, OwnRates) else ()
        if any(other.covered.covers(demand, offer) for demand, offer in uses):
            what = f"`{other.id}` charges for use that `{term.id}` counts, and not by the use"
            yield Flaw(what, remedy, (at,))
            return


def saved_apart(counting: Meter, term: ClauseView, case: CaseView) -> Iterator[Flaw]:
    """Clauses with rates of their own of which it cannot be said, window by window, what they save of what counts."""
    if (horizon := case.horizon) is None:
        return
    begins = {period.span_start for period in horizon.periods()}
    for other in (clause for clause in case.lowering if isinstance(clause, OwnRates)):
        inside = other.sold.inside(term.covered)
        if inside is False or not other.covered.offers <= {each.id for each in case.offers}:
            continue
        if not other.tells_savings:
            yield Flaw(f"`{other.id}` does not say what it saves of what `{term.id}` counts", APART, ("measure",))
        elif (asked := other.sold.beyond(term.covered)) is not None:
            what = f"`{term.id}` {asked} and `{other.id}` does not, so what it saves of the rest is not known"
            remedy = f"say so in `{other.id}` too where it covers nothing else, or let `{term.id}` count all of that"
            yield Flaw(what, remedy, ("measure",))
        elif counting.windows.every == "hour" or str(other.validity.zone) != str(term.validity.zone):
            what = f"what `{other.id}` saves is known by the days of {other.validity.zone}"
            yield Flaw(what, "let both have one `zone`, and windows of whole days", ("measure",))
        else:
            seen = edges_of(counting, horizon)
            cut = next((at for at in seen if horizon.opens < at < horizon.closes and at not in begins), None)
            if cut is not None:
                what = f"a window of `{term.id}` begins or ends on {cut:%Y-%m-%d}, within a period of the plan"
                remedy = "plan by shorter periods (`every: day`), or let windows begin with them"
                if not horizon.begins_a_day(cut):
                    remedy = f"say `zone: {term.validity.zone}` in the `horizon`, whose days begin at another hour"
                yield Flaw(what, remedy, ("measure",))


def plans_apart(counting: Counting, term: ClauseView, case: CaseView) -> Iterator[Flaw]:
    """The same of what counts once they have covered use; plans that cover use of a class."""
    if counting.saved is None:
        return
    for other in (clause for clause in case.lowering if isinstance(clause, OwnRates)):
        if any(case.uses(meter.selection.both(other.covered)) for meter, _ in counting.classes):
            what = f"`{other.id}` may cover use of which `{term.id}` counts up to a part,"
            what += " and how much of what it charges is for that is not known"
            yield Flaw(what, "leave that use out of the class, or say `measure: list`", ("counts",))
    yield from saved_apart(counting.saved, term, case)


def paid_apart(
    counting: Counting,
    term: ClauseView,
    case: CaseView,
    at: str = "measure",
    does: str = "counts what credits do not pay",
) -> Iterator[Flaw]:
    """Credits of which it cannot be said, window by window, how much pays for what counts."""
    horizon = case.horizon
    if counting.paid is None or horizon is None:
        return
    for other in case.lowering:
        if not isinstance(other, Payer):
            continue
        if (offer := bought_apart(counting.own, other, case)) is not None:
            what = f"`{other.id}` pays for what is used of `{offer}`, which is reserved, and `{term.id}` counts that"
            remedy = "leave it out of one of them (`except: [{ buy: reserved }]`), or say `moment: use`"
            yield Flaw(f"{what} {COUNTED[counting.own.moment]}", remedy, ("moment",))
            continue
        inside = other.sold.inside(term.covered)
        if any(case.uses(meter.selection.both(other.covered)) for meter, _ in counting.classes):
            what = (
                f"`{other.id}` pays for use of which `{term.id}` counts up to a part, and how much of that is not known"
            )
            yield Flaw(what, "leave that use out of the credit with `except`, or say another `measure`", ("measure",))
        elif term.id in other.tells_apart:
            continue
        elif (asked := other.sold.beyond(term.covered)) is not None:
            what = f"`{term.id}` {does}, and {asked}, which `{other.id}` does not, and may pay for more"
            yield Flaw(what, "let both clauses cover the same use, or narrow the credit", (at,))
        elif inside and (edge := edge_inside(counting.own, other.paying, horizon)) is not None:
            what = (
                f"a window of `{term.id}` begins or ends on {edge:%Y-%m-%d}, inside a time in which `{other.id}` pays"
            )
            yield Flaw(what, "let the windows of both begin on the same day of a month", (at,))


def bought_apart(counting: Meter, other: ClauseView, case: CaseView) -> str | None:
    """An offer that is reserved, of which a meter counts what is bought and another clause speaks of its use."""
    found = case.uses(counting.selection.both(other.covered), "buy", "offer") if counting.moment != "use" else ()
    return next((str(offer["offer"]) for _, offer in found if not counting.counts_use_of(offer)), None)


def edges_of(counting: Meter, horizon: Horizon) -> Iterator[datetime]:
    """When what each window counts begins and ends, as far as a horizon sees."""
    for time in map(counting.use_of, counting.windows.seen_by(horizon)):
        yield from (time.start, time.end)


def edge_inside(counting: Meter, paying: Calendar, horizon: Horizon) -> datetime | None:
    """An edge of what a window counts that lies inside a time of a calendar, as far as a horizon sees."""
    inside = (at for at in edges_of(counting, horizon) for part in paying.over(at, at) if part.start < at)
    return next(inside, None)


_BEFORE = "`measure: list` (use counts at the price before discounts)"
_LEFT = "`measure: after-credits` (what a credit pays does not count)"


OF_CLASS = " of class "
"""In the name of a class's meter, between that of the meter beside which it counts and its number."""


def classes_beside(own: Meter, meters: Iterable[Meter]) -> tuple[Meter, ...]:
    """The meters of the classes that count beside one, each up to a part of the amount."""
    return tuple(meter for meter in meters if meter.name.startswith(f"{own.name}{OF_CLASS}"))


@dataclass(frozen=True)
class Counting:
    """What counts in each window: what ``own`` counts, and of each class up to its part.

    Of that, what credits ``paid`` does not count, nor what savings plans ``saved`` (less what they charge). What is
    ``bought`` ahead counts on its day.
    """

    own: Meter
    classes: tuple[tuple[Meter, Fraction], ...] = ()
    paid: Meter | None = None
    saved: Meter | None = None
    bought: Sequence[tuple[datetime, Fraction]] = ()

    @classmethod
    def of(
        cls,
        whole: Meter,
        classes: Sequence[CountedClass] = (),
        measure: MoneyMeasure | None = None,
        bought: Sequence[tuple[datetime, Fraction]] = (),
    ) -> Counting:
        """From all that is covered; a use that is in two classes is in the first."""
        paid = replace(whole, name=f"{whole.name} paid", measure="paid") if measure == "after-credits" else None
        saved = replace(whole, name=f"{whole.name} saved", measure="saved") if measure == "after-plans" else None
        found: list[tuple[Meter, Fraction]] = []
        left = whole.selection
        for place, each in enumerate(classes):
            inside = replace(left, within=(*left.within, each.of))
            meter = replace(whole, name=f"{whole.name}{OF_CLASS}{place + 1}", selection=inside)
            found.append((meter, Fraction(each.at_most)))
            left = replace(left, outside=(*left.outside, each.of))
        return cls(replace(whole, selection=left), tuple(found), paid, saved, bought)

    def meters(self) -> tuple[Meter, ...]:
        """What it reads."""
        lowering = (meter for meter in (self.paid, self.saved) if meter is not None)
        return self.own, *(meter for meter, _ in self.classes), *lowering

    @property
    def class_parts(self) -> tuple[str, ...]:
        """Of each class, the part by which its rows in a plan are known."""
        return tuple(f"{self.own.name}-class-{place}" for place in range(1, len(self.classes) + 1))

    def shaped(
        self, program: Program, owner: ClauseOwner, amounts: Sequence[Fraction], by: Sequence[Window] | None = None
    ) -> Expression:
        """What counts in a plan, one row a window (or by other times): of a class what there is, and up to its part."""
        counted = program.total(self.own, by)
        if self.paid is not None:
            counted -= program.total(self.paid, by)
        if self.saved is not None:
            program.exactly(self.saved)  # a plan would rather leave use uncovered, so that more counts
            counted -= program.total(self.saved, by)
        return self.beside_shaped(counted, program, owner, amounts, by)

    def beside_shaped(
        self,
        counted: Expression,
        program: Program,
        owner: ClauseOwner,
        amounts: Sequence[Fraction],
        by: Sequence[Window] | None = None,
        *,
        exactly: bool = False,
    ) -> Expression:
        """What is counted of use, with what is bought and with classes."""
        if self.bought:
            counted += [self._bought_in(window) for window in (self.own.windows if by is None else by)]
        return sum(self._of_classes_shaped(program, owner, amounts, by, exactly=exactly), counted)

    def _of_classes_shaped(
        self,
        program: Program,
        owner: ClauseOwner,
        amounts: Sequence[Fraction],
        by: Sequence[Window] | None = None,
        *,
        exactly: bool = False,
    ) -> Iterator[Expression]:
        """Of each class what there is, up to its part; ``exactly`` where a plan might rather count less than that."""
        nothing = [Fraction(0) for _ in amounts]
        for name, (meter, part) in zip(self.class_parts, self.classes, strict=True):
            there, caps = program.total(meter, by), [part * amount for amount in amounts]
            some = program.slack(owner, f"counted of {name}", most=caps)
            program.require(owner, name, some - there <= nothing)
            if exactly:
                full = program.slack(owner, f"{name} full", most=[Fraction(1) for _ in amounts], whole="nearest")
                program.require(owner, f"{name}-full", some - full * caps >= nothing)
                program.require(owner, f"{name}-all", some - there + full * program.most(there) >= nothing)
            yield some

    def drawn(self, totals: Totals, window: Window, amount: Fraction) -> Fraction:
        """What counted in a window, exact."""
        lowering = (meter for meter in (self.paid, self.saved) if meter is not None)
        less = sum((totals.total(meter, window) for meter in lowering), Fraction(0))
        return totals.total(self.own, window) - less + self.of_classes(totals, window, amount)

    def of_classes(self, totals: Totals, window: Window, amount: Fraction) -> Fraction:
        """What counted of the classes in a window, and of what was bought in it, exact."""
        each = (min(totals.total(meter, window), part * amount) for meter, part in self.classes)
        return sum(each, self._bought_in(window))

    def _bought_in(self, window: Window) -> Fraction:
        return sum((amount for day, amount in self.bought if window.start <= day < window.end), Fraction(0))
