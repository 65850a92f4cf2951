"""Whether a deal can be signed, in words and on a terminal.

Owns: the words of ``detente check --sign``. Not here: the answer (``outcomes.deals``), how clauses that collide are
told (``conflict_view``), and the page (``deal_page``).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from rich.console import Console

from detente.outcomes.deals.deal import (
    BeforeAfter,
    DealAnswer,
    DealWay,
    Fee,
    ProviderMoved,
    SigningEffect,
    UnderReading,
)
from detente.report.estimates import bar
from detente.report.layout import Row, heading, say, table
from detente.report.numerals import count, percent, price, ticked
from detente.report.plans.conflict_view import collision
from detente.values.money import shown

HEADLINES = {"yes": "Yes", "no": "No", "depends": "It depends on the reading", "unsettled": "Not settled"}
WORDS = {
    "yes": "every clause can be performed",
    "price": "not every clause can be performed; what is missed has a price",
    "no": "not every clause can be performed, and what is missed is forbidden",
    "conflict": "not every clause can be performed",
}
STOPPED = {
    "time-limit": "The time ended: readings, ways out and what signing changes may be missing.",
    "interrupted": "Stopped: readings, ways out and what signing changes may be missing.",
}
KINDS = {
    "lower": "ask for less",
    "carve-out": "let it pass",
    "date": "move a day",
    "pay": "pay for it",
    "capacity": "add capacity",
}


# -- words -----------------------------------------------------------------------------------------------------------
def opening(found: DealAnswer) -> list[str]:
    """The answer under each reading, and how many combinations are not shown."""
    said = []
    for row in found.readings:
        under = f"Under the reading `{row.reading}`" if row.reading else "Under any reading"
        added = "the deal adds no conflict to those that there are without it"
        said.append(f"{under}: {added if row.word == 'yes' and row.aside else WORDS[row.word]}.")
    if found.folded:
        more = count(found.folded, "more combination")
        said.append(f"{more} of readings gave the same answers, and are not shown.")
    return said


def duties(found: DealAnswer) -> list[str]:
    """What the deal says must be delivered."""
    shows = [f"; evidence: {due.evidence}" if due.evidence else "" for due in found.obligations]
    each = zip(found.obligations, shows, strict=True)
    return [f"By {due.due}, {due.by} must deliver: {due.what}{more}." for due, more in each]


def without_it(row: UnderReading) -> list[str]:
    """What collides without the deal too, and what is set aside for that."""
    names = [ticked([clash.term for clash in before.clauses]) for before in row.before]
    said = [f"Without the deal, {each} cannot all be performed either: that is not the deal's doing." for each in names]
    if row.aside:
        said.append(f"So {ticked(row.aside)} {'is' if len(row.aside) == 1 else 'are'} set aside in what follows.")
    return said


def _missed(fee: Fee) -> str:
    return f"`{fee.term}` is breached in {shown(fee.missing, fee.unit)}" if fee.breach else f"`{fee.term}` falls short"


def changes(row: UnderReading, effect: SigningEffect, currency: str) -> list[str]:
    """What signing changes, in sentences."""
    said = [_cost(effect, currency)]
    said += [f"{_missed(fee)}; {shown(fee.owed, currency)} are owed for it." for fee in row.fees]
    if row.word == "yes" and row.fees:
        said.append("That is cheaper than to perform every clause.")
    if effect.binds:
        said.append(f"Binds only with the deal: {ticked(effect.binds)}.")
    if effect.no_longer_binds:
        said.append(f"Binds no longer: {ticked(effect.no_longer_binds)}.")
    return [*said, f"Concentration of spend (HHI; 10,000 is one provider alone): {_moved(effect.concentration)}."]


def changing(row: UnderReading) -> str:
    """What stands above them."""
    return "What signing changes, with the fees paid" if row.fees or row.word != "yes" else "What signing changes"


def against(more: Decimal, currency: str) -> str:
    """A cost against that of the plan without the deal."""
    if not more:
        return "the same as without the deal"
    return f"{shown(abs(more), currency)} {'more' if more > 0 else 'less'} than without the deal"


def briefly(more: Decimal, currency: str) -> str:
    """The same, beside a bar."""
    return f"{shown(abs(more), currency)} {'more' if more > 0 else 'less'}" if more else "the same"


HEADS = ("", "spend", "", "share of work", "", "others could do", "")


def provider_rows(
    effect: SigningEffect,
    currency: str,
    money: Callable[[Decimal, str], str] = shown,
    part: Callable[[Decimal], str] = percent,
) -> list[Row]:
    """Each provider without the deal and with it; ``money`` and ``part`` say how amounts and shares are shown."""
    return [line for each in effect.providers for line in _provider(each, lambda value: money(value, currency), part)]


# -- on a terminal ---------------------------------------------------------------------------------------------------
def deal_view(found: DealAnswer, console: Console) -> None:
    """The answer first; then, reading by reading, what collides, the ways out, and what signing changes."""
    say(console, f"{HEADLINES[found.answer]} \u00b7 sign `{found.deal}`?", style="bold")
    for sentence in opening(found):
        say(console, sentence)
    if found.status != "complete":
        say(console, STOPPED[found.status], style="bold")
    for row in found.readings:
        _row(row, found, console)
    for sentence in duties(found):
        say(console, sentence)


def _row(row: UnderReading, found: DealAnswer, console: Console) -> None:
    if len(found.readings) > 1:
        heading(console, f"Reading `{row.reading}`")
    for sentence in without_it(row):
        say(console, sentence)
    if row.conflict is not None:
        say(console, "")
        collision(row.conflict, console)
        _ways(row.ways, found.currency, console)
    if row.effect is not None:
        _effect(row, row.effect, found.currency, console)


def _ways(ways: tuple[DealWay, ...], currency: str, console: Console) -> None:
    heading(console, "Ways out, cheapest first" if ways else "Ways out")
    if not ways:
        say(console, "No change to these clauses is enough, not even to all of them together.", indent=2)
    for index, way in enumerate(ways, 1):
        at_most = "at most " if way.at_most else ""
        cost = "" if way.cost is None else f"; the plan then costs {at_most}{shown(way.cost, currency)}"
        more = "" if way.more is None else f", {against(way.more, currency)}"
        say(console, f"{index}. {KINDS[way.kind]}: {way.sentence}{cost}{more}", indent=2)


def _effect(row: UnderReading, effect: SigningEffect, currency: str, console: Console) -> None:
    """What signing changes, in figures."""
    heading(console, changing(row))
    for sentence in changes(row, effect, currency):
        say(console, sentence, indent=2)
    rows = provider_rows(effect, currency)
    table(console, "Without the deal, and with it", HEADS, rows, right=range(1, 7), most=len(rows))


def _cost(effect: SigningEffect, currency: str) -> str:
    """What signing costs or saves, as surely as both plans tell."""
    saves = effect.saves
    if saves.vague:
        return f"The plan costs the same to within {shown(saves.limit, currency)}."
    word = "less" if saves.amount > 0 else "more"
    return (
        f"The plan costs {' '.join(filter(None, [shown(abs(saves.amount), currency), bar(saves, currency)]))} {word}."
    )


def _provider(each: ProviderMoved, money: Callable[[Decimal], str], part: Callable[[Decimal], str]) -> list[Row]:
    """A provider's figures; with work in several units its spend once, which is of all, and then a row for each."""
    units = list(each.share_of_work)
    spend, none = _pair(each.spend, money), BeforeAfter(None, None)
    work = {
        unit: (
            *_pair(each.share_of_work.get(unit, none), part),
            *_pair(each.margin.get(unit, none), part),
        )
        for unit in units or [""]
    }
    if len(units) > 1:
        rows = [[f"{each.name} ({unit})", "", "", *figures] for unit, figures in work.items()]
        return [[each.name, *spend, "", "", "", ""], *rows]
    (figures,) = work.values()
    return [[each.name, *spend, *figures]]


def _pair(moved: BeforeAfter, told: Callable[[Decimal], str]) -> tuple[str, str]:
    """A figure without the deal and with it."""
    before, after = ("\u2013" if value is None else told(value) for value in (moved.before, moved.after))
    return before, after


def _moved(moved: BeforeAfter) -> str:
    before, after = _pair(moved, price)
    return before if before == after else f"{before} without the deal, {after} with it"
