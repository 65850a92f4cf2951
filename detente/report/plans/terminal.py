"""Plans and comparisons on a terminal, in at most 100 columns, with or without colour.

Owns: which sentences and tables stand in which order. Not here: laying out (``layout``), sentences (``answer``), sums
(``digest``) and conflicts (``conflict_view``). Colour only repeats what a word says. Long tables are cut, and say
where the rest is.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from detente.report.layout import Row, plain, say, table, title
from detente.report.numerals import count, exact, listed, percent, plural, price, quantity
from detente.report.plans import answer, comparison, digest
from detente.report.plans.bill import bill, merged
from detente.report.plans.implication import implications
from detente.report.plans.section_rows import saved_a_year, worth
from detente.results.plan import Plan
from detente.results.plan_rows import ClauseRow
from detente.values.money import CENT, shown
from detente.values.period import named

MAX_WINDOWS = 10

_STYLES = {"": "", "good": "green", "bad": "bold red"}


def plan_view(plan: Plan, console: Console) -> None:
    """A plan: the answer, then who gets what, commitments, placements, what is unserved, and what binds.

    Parameters
    ----------
    plan
        What to show.
    console
        Where to; never more than 100 columns of it are used.
    """
    title(console, plan.title or plan.case, plan.reading, plan.scenario)
    say(console, " ".join([answer.cost(plan), *answer.today(plan), answer.proof(plan), *answer.given_back(plan)]))
    say(console, " ".join([*answer.commitments(plan), answer.unserved(plan)]))
    _bill(plan, console)
    _providers(plan, console)
    _commitments(plan, console)
    _workloads(plan, console)
    _unserved(plan, console)
    _binding(plan, console)


def compare_view(plans: Sequence[Plan], console: Console) -> None:
    """Plans side by side: the answer in words, then a line a measure."""
    title(console, plans[0].title or plans[0].case, None, None)
    for paragraph in answer.comparison(plans):
        say(console, paragraph)
    for dispute in comparison.disputes(plans)[:3]:
        say(console, "")
        say(
            console,
            f"They differ on `{dispute.clause.term}`" + (f": “{dispute.clause.text}”" if dispute.clause.text else ""),
        )
        for label, sentence in zip(answer.labels(plans), dispute.sentences, strict=True):
            say(console, f"{label}: {sentence}", indent=2)
    rows: list[Row] = []
    group = ""
    for measure in comparison.measures(plans):
        if measure.group != group:
            group = measure.group
            rows.append([Text(group, style="bold"), *[""] * len(plans)])
        cells = [Text(plain(c.text), style=_STYLES[c.state]) for c in measure.cells]
        rows.append([f"  {measure.name.strip('`')}", *cells])
    table(console, "Side by side", ["", *answer.labels(plans)], rows, most=80)


# -- tables of a plan -----------------------------------------------------------------------------------------------
def _bill(plan: Plan, console: Console) -> None:
    """Every line of the bill, to the cent; what is charged is told apart by provider in the next table."""
    rows: list[Row] = []
    above = ""
    for line in merged(bill(plan)):
        style = "" if line.kind == "line" else "bold"
        name = "" if line.what == above else f"{'= ' if style else ''}{line.what}"
        rows.append([Text(plain(name), style=style), line.clause, Text(f"{line.cents:,.2f}", style=style)])
        above = line.what
    table(console, f"The bill, {plan.currency}", ["", "", ""], rows, right=(2,), most=len(rows))
    stated = [[each.offer, f"{each.stated:,.2f} {each.in_currency}", f"{each.listed:,.2f}"] for each in plan.stated]
    if stated:
        heads = ["offer", "as priced", plan.currency]
        table(console, "Priced in another currency, at list price", heads, stated, right=(1, 2), most=len(stated))
    rounded = [[r.provider, r.how, f"{r.invoices:,}", exact(r.exact), exact(r.adds)] for r in plan.rounded]
    if rounded:
        heads = ["provider", "rounded", "invoices", plan.currency, "adds"]
        table(console, "Invoices, exact, and what rounding adds", heads, rounded, right=(2, 3, 4), most=len(rounded))


def _providers(plan: Plan, console: Console) -> None:
    units = list(dict.fromkeys(u for p in plan.providers for u in p.work))[:2]
    rows = [
        [
            i.row.name or i.row.provider,
            shown(i.row.spend, plan.currency),
            percent(i.row.share_of_spend),
            *(percent(i.row.share_of_work[u]) if i.row.work.get(u) else "–" for u in units),
            *(price(i.row.effective_price[u]) if u in i.row.effective_price else "–" for u in units),
            f"{i.row.deployments}",
            shown(i.row.idle) if i.row.idle >= CENT else "–",
        ]
        for i in sorted(implications(plan), key=lambda i: -i.row.spend)
    ]
    heads = ["provider", "spend", "of\nspend", *(f"of\n{plural(u)}" for u in units)]
    heads += [f"{plan.currency} per\n{u}" for u in units]
    table(console, "Providers", [*heads, "deploy-\nments", "idle"], rows, right=range(1, len(heads) + 2))


def _commitments(plan: Plan, console: Console) -> None:
    """Every window where they are few; else each commitment as a whole, and the windows that fall short."""
    found = digest.commitments(plan)
    whole = sum(len(c.windows) for c in found) > MAX_WINDOWS
    money = all(c.unit == plan.currency for c in found)  # then the head says the unit, and not each line

    def required(amount: Decimal, unit: str) -> str:
        return shown(amount) if money else shown(amount, unit) if unit == plan.currency else quantity(amount, unit)

    rows: list[Row] = []
    for c in found:
        if whole:
            when = f"all {count(len(c.windows), 'window')}"
            state = _state(bool(c.missed), c.short, None)
            rows.append([c.term, when, required(c.required, c.unit), shown(c.drawn), state, _fee(c.owed)])
        for index, w in enumerate(c.missed if whole else c.windows):
            name = c.term if not index and not whole else ""
            asked = required(w.required, w.unit)
            state = _state(w.missed, w.short, w.deferred if w.tells(w.deferred) else None)
            rows.append([name, named(w.start, w.end), asked, shown(w.drawn + w.brought), state, _fee(w.owed)])
    heads = ["commitment", "window", f"required, {plan.currency}" if money else "required", "reached", "", "fee"]
    table(console, "Commitments", heads, rows, right=(2, 3, 5), most=MAX_WINDOWS, what="line")


def _state(missed: bool, short: Decimal, deferred: Decimal | None) -> Text:
    """Whether a commitment is met, and what is missing or put off where it is not."""
    if missed:
        return Text(f"short {digest.missing(short)}", style="bold red")
    return Text("met", style="green") if deferred is None else Text(f"deferred {shown(deferred)}", style="yellow")


def _fee(owed: Decimal) -> str:
    return shown(owed) if owed >= CENT else "–"


def _workloads(plan: Plan, console: Console) -> None:
    places = digest.placements(plan)
    rows: list[Row] = []
    for w in plan.workloads:
        found = [f"{p.offer} {percent(p.share)}" for p in places.get(w.workload, [])]
        moves = f"{w.moves}, {percent(w.moved)} of work" if w.moves or w.moved else "–"
        rows.append([w.workload, quantity(w.served, w.unit), listed(found, 4) or "nowhere", moves])
    table(console, "What runs where", ["workload", "served", "on", "moves"], rows, right=(1,), what="workload")


def _unserved(plan: Plan, console: Console) -> None:
    rows: list[Row] = [
        [
            m.workload.workload,
            quantity(m.work, m.workload.unit),
            percent(m.share),
            shown(m.cost, plan.currency),
            named(m.first, m.last) if m.first and m.last else "",
        ]
        for m in digest.unserved(plan)
    ]
    heads = ["workload", "not served", "of demand", "valued at", "when"]
    table(console, "Demand that is not served", heads, rows, right=(1, 2, 3), what="workload")


def _binding(plan: Plan, console: Console) -> None:
    rows: list[Row] = [
        [
            _versioned(plan, c),
            worth(c),
            "–" if (saved := saved_a_year(c)) is None else shown(saved),
            count(len(c.marginal), "window"),
        ]
        for c in plan.clauses
        if c.binds
    ]
    heads = ["clause", "price of one more unit", f"without it\nsaved,\n{plan.currency} a year", "binding in"]
    if all(row[2] == "–" for row in rows):
        heads, rows = [heads[0], heads[1], heads[3]], [[row[0], row[1], row[3]] for row in rows]
    table(console, "Clauses that bind", heads, rows, right=range(2, len(heads)), what="clause")


def _versioned(plan: Plan, clause: ClauseRow) -> str:
    """The id of a clause; of an amended one with its dates."""
    dates = plan.dates(clause)
    return f"{clause.term} ({dates})" if dates else clause.term
