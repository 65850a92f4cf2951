"""The figures of a plan: its cost, its bill, what runs where, commitments, providers, clauses and purchases.

Owns: those, of a plan as it was saved. Not here: why work runs where it does (``report.plans.explanation``), and what
stands between two plans (``plans``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from detente.report.drawing.strip import Room, rooms
from detente.report.figures.commitments import commitment_figures, part_of_cost
from detente.report.figures.figure import PART, NamedFigure, Operand, Rule, at
from detente.report.plans import digest
from detente.report.plans.bill import SPEND, BillLine, bill
from detente.report.plans.implication import Implication, implications
from detente.report.plans.section_rows import saved_a_year
from detente.results.plan import Plan
from detente.results.plan_rows import ClauseRow, WorkloadRow
from detente.values.period import named

ZERO = Decimal(0)
SAID = "as the case states it"
POSTED = "the plan's charges and postings, exact; the page shows cents that add up, so a cent more or less"
PLANNED = "the plan's work, period by period, added up"


def plan_figures(plan: Plan) -> Iterator[NamedFigure]:
    """All, section by section as the page has them."""
    lines = bill(plan)
    yield from _costs(plan, lines)
    yield from _bill(plan, lines)
    yield from _bought_nothing(plan)
    for workload in plan.workloads:
        yield from _workload(plan, workload)
    yield from commitment_figures(plan)
    for provider in implications(plan):
        yield from _provider(plan, provider)
    for bought in digest.purchases(plan):
        yield from _bought(plan, bought)
    for room in rooms(plan.capacity):
        yield from _room(room)
    for clause in plan.clauses:
        yield from _clause(plan, clause)


# -- what it costs -----------------------------------------------------------------------------------------------------
def _costs(plan: Plan, lines: Sequence[BillLine]) -> Iterator[NamedFigure]:
    unit = plan.currency
    parts = (
        Operand("what is owed", plan.bill, unit, "bill"),
        Operand("what is not served, at its value", plan.unserved_cost, unit, "unserved"),
        Operand("what moving costs", plan.moving_cost, unit, "moving"),
    )
    yield NamedFigure("cost", plan.cost, unit, "What the plan costs over the horizon", "", "sum", parts)
    own = tuple(
        Operand(bill_words(line), line.amount, unit, bill_address(line))
        for line in lines
        if line.kind == "line" and line.cause.owed
    )
    yield NamedFigure("bill", plan.bill, unit, "What is owed in money, exactly", "", "sum" if own else None, own)
    says = "The value of the demand that is not served"
    yield NamedFigure("unserved", plan.unserved_cost, unit, says, "that demand times the value that the case states")
    yield from part_of_cost(plan, "unserved/of-cost", "what is not served", plan.unserved_cost, "unserved")
    origin = "each change of provider times the cost that the case states"
    yield NamedFigure("moving", plan.moving_cost, unit, "What moving work to another provider costs", origin)
    proven = "the solver's duals, with a bound that holds whatever its tolerances"
    if plan.bounded_by == "prices":
        proven = "prices of its rows that were known when time ended, before the program was solved"
    yield NamedFigure("bound", plan.bound, unit, "What no plan of this case costs less than", proven)
    both = (Operand("the cost", plan.cost, unit, "cost"), Operand("the bound", plan.bound, unit, "bound"))
    yield NamedFigure(
        "gap/amount", plan.cost - plan.bound, unit, "By how much a plan could be cheaper", "", "difference", both
    )
    says = "By what part a plan could be cheaper"
    yield NamedFigure("gap", plan.gap, PART, says, "the gap, divided by the cost without its sign")
    yield NamedFigure("rounding", plan.rounding, unit, "What buying whole units added to the cost", "the search")
    if plan.present_value is not None and plan.discount_rate is not None:
        yield NamedFigure("discount-rate", plan.discount_rate, PART, "By what part a year money is worth less", SAID)
        says, origin = "What the plan costs on its first day", "each cost on its day, at the discount rate"
        yield NamedFigure("present-value", plan.present_value, unit, says, origin)


def _bought_nothing(plan: Plan) -> Iterator[NamedFigure]:
    """What of the bill buys no compute, and what it is paid for."""
    parts, base = digest.bought_nothing(plan), "buys-no-compute"
    for what, amount in parts.items():
        says, origin = f"What is paid for and buys no compute: {what}", "the plan's charges and postings"
        yield NamedFigure(at(base, what.strip("`")), amount, plan.currency, says, origin)
    if parts:
        own = tuple(Operand(what, amount, plan.currency, at(base, what.strip("`"))) for what, amount in parts.items())
        says = "What of the bill buys no compute"
        yield NamedFigure(base, sum(parts.values(), ZERO), plan.currency, says, "", "sum", own)


def _bill(plan: Plan, lines: Sequence[BillLine]) -> Iterator[NamedFigure]:
    before: list[BillLine] = []
    for line in lines:
        if line.kind == "line":
            before.append(line)
            clause = f" under `{line.clause}`" if line.clause else ""
            party = f" ({line.party})" if line.party else ""
            says, origin = f"A line of the bill: {line.what}{clause}{party}", POSTED
            yield NamedFigure(bill_address(line), line.amount, plan.currency, says, origin)
        elif line.cause is SPEND:
            own = tuple(Operand(bill_words(each), each.amount, plan.currency, bill_address(each)) for each in before)
            says = "What is spent with providers, after discounts and before fees"
            yield NamedFigure(at("bill", "spend"), line.amount, plan.currency, says, "", "sum", own)
    for each in plan.stated:
        base, says = at("stated", each.offer), f"What `{each.offer}` comes to at list price"
        origin = f"priced in {each.in_currency}: {each.stated:f} {each.in_currency}, at the case's rates"
        yield NamedFigure(base, each.listed, plan.currency, says, origin)
    for row in plan.rounded:
        base, says = at("rounded", row.provider, row.agreement), f"What rounding adds to {row.invoices:,} invoices"
        origin = f"`{row.agreement}`: {row.how}; exact, they come to {row.exact:f} {plan.currency}"
        yield NamedFigure(base, row.adds, plan.currency, says, origin)


def bill_address(line: BillLine) -> str:
    """Where a line of the bill stands."""
    return at("bill", line.cause.name, *(each for each in (line.clause, line.party) if each))


def bill_words(line: BillLine) -> str:
    """What a line is for, with whom and under which clause."""
    return " ".join(each for each in (line.what, line.party, line.clause and f"`{line.clause}`") if each)


# -- work --------------------------------------------------------------------------------------------------------------
def _workload(plan: Plan, row: WorkloadRow) -> Iterator[NamedFigure]:
    name, unit, base = row.workload, row.unit, at("workloads", row.workload)
    demand, served = at(base, "demand"), at(base, "served")
    yield NamedFigure(demand, row.demand, unit, f"The demand of `{name}` over the horizon", SAID)
    yield NamedFigure(served, row.served, unit, f"How much of `{name}` is served", PLANNED)
    for missing in (each for each in digest.unserved(plan) if each.workload.workload == name):
        both = (Operand("demand", row.demand, unit, demand), Operand("what is served", row.served, unit, served))
        says = f"How much of `{name}` is not served"
        exact = missing.work == row.demand - row.served
        rule: Rule | None = "difference" if exact else None
        yield NamedFigure(
            at(base, "unserved"), missing.work, unit, says, "" if exact else PLANNED, rule, both if exact else ()
        )
        if row.demand:
            of_demand = (
                Operand("what is not served", missing.work, unit, at(base, "unserved")),
                Operand("demand", row.demand, unit, demand),
            )
            says = f"What part of the demand of `{name}` is not served"
            yield NamedFigure(
                at(base, "unserved/of-demand"), missing.work / row.demand, PART, says, "", "ratio", of_demand
            )
        says = f"What the demand of `{name}` that is not served is worth"
        yield NamedFigure(
            at(base, "unserved/value"), missing.cost, plan.currency, says, "that work times its stated value"
        )
    says = f"What part of the work of `{name}` moves from one provider to another"
    yield NamedFigure(at(base, "moved"), row.moved, PART, says, "from period to period, against all of its work")
    places = digest.placements(plan)[name]
    for place in places:
        spot = at(base, "offers", place.offer)
        says = f"How much of `{name}` runs on `{place.offer}`"
        yield NamedFigure(at(spot, "work"), place.work, unit, says, PLANNED)
        says = f"What the use of `{place.offer}` by `{name}` comes to at list price"
        yield NamedFigure(at(spot, "listed"), place.cost, plan.currency, says, "use times the price of the offer")
        says = f"What part of the work of `{name}` runs on `{place.offer}`"
        yield NamedFigure(at(spot, "share"), place.share, PART, says, "its work there, divided by all of it")
    for provider, share in digest.by_provider(places).items():
        parts = tuple(
            Operand(f"`{each.offer}`", each.share, PART, at(base, "offers", each.offer, "share"))
            for each in places
            if each.provider == provider
        )
        says = f"What part of the work of `{name}` runs with `{provider}`"
        yield NamedFigure(at(base, "providers", provider), share, PART, says, "", "sum", parts)


# -- providers and clauses ---------------------------------------------------------------------------------------------
def _provider(plan: Plan, found: Implication) -> Iterator[NamedFigure]:
    row = found.row
    name, unit, base = row.provider, plan.currency, at("providers", row.provider)
    yield NamedFigure(
        at(base, "spend"), row.spend, unit, f"What is spent with `{name}`", "the plan's bill, after discounts"
    )
    says = f"What part of all spend goes to `{name}`"
    yield NamedFigure(at(base, "share-of-spend"), row.share_of_spend, PART, says, "its spend, divided by all spend")
    yield NamedFigure(
        at(base, "idle"), row.idle, unit, f"What is paid to `{name}` for capacity that stands idle", "the plan's bill"
    )
    for of, work in row.work.items():
        yield NamedFigure(at(base, "work", of), work, of, f"How much work runs with `{name}`", PLANNED)
        says = f"What part of all work in {of} runs with `{name}`"
        yield NamedFigure(
            at(base, "share-of-work", of),
            row.share_of_work.get(of, ZERO),
            PART,
            says,
            "its work, divided by all of that unit",
        )
    for each in found.prices:
        per, spot = f"{unit} per {each.unit}", at(base, "price", each.unit)
        says, origin = f"What work in {each.unit} costs with `{name}`", "what is paid for it, divided by that work"
        yield NamedFigure(spot, each.price, per, says, origin)
        if each.others is not None:
            says = f"What work in {each.unit} costs with all others but `{name}`"
            yield NamedFigure(at(spot, "others"), each.others, per, says, "their prices, by how much they do")
        if each.above is not None:
            says = "By what part that is above what it costs with others; below 0: below them"
            yield NamedFigure(at(spot, "above-others"), each.above, PART, says, "the price against the others'")


def _room(room: Room) -> Iterator[NamedFigure]:
    """Parts of an offer's capacity, or of what is used or held of it where it has no limit."""
    base, of = at("capacity", room.offer), "the capacity" if room.limited else "what is taken or held"
    parts = {"used": room.used, "standby": room.standby, "idle": room.idle}
    parts |= {"free": room.free} if room.limited else {}
    for name, part in parts.items():
        says = f"What part of {of} of `{room.offer}` is {ROOM[name]}"
        yield NamedFigure(at(base, name), part, PART, says, "the plan's capacity, period by period, added up")


ROOM = {"used": "used", "standby": "kept ready for a loss", "idle": "paid for and idle", "free": "free"}


def _bought(plan: Plan, bought: digest.Bought) -> Iterator[NamedFigure]:
    """What each way of buying costs, and how much it buys: rented and reserved units of one offer are told apart."""
    how, origin = "reserved" if bought.reserved else "rented", "the plan's purchases"
    base, of = at("purchases", bought.offer, how), f"units of `{bought.offer}`"
    says = f"What is paid for the {of} that are {how}"
    yield NamedFigure(at(base, "cost"), bought.cost, plan.currency, says, origin)
    yield NamedFigure(at(base, "times"), Decimal(bought.times), "", f"How often {of} are {how}", origin)
    for word, units in zip(("least", "most"), bought.units, strict=True):
        says = f"How many {of} are {how} at once, at {word}"
        yield NamedFigure(at(base, "units", word), Decimal(units), "", says, origin)


def _clause(plan: Plan, row: ClauseRow) -> Iterator[NamedFigure]:
    dated = [row.term, *([f"from-{row.start:%Y-%m-%d}"] if plan.dates(row) else [])]
    base, when = at("clauses", *dated), f", {plan.dates(row)}" if plan.dates(row) else ""
    says = f"What is owed under `{row.term}`{when}; below 0: what it gives"
    yield NamedFigure(at(base, "owed"), row.owed, plan.currency, says, "the clause's postings, settled exactly")
    saved = saved_a_year(row)
    if saved is not None:
        says = f"What would be saved in a year without what `{row.term}` denies{when}"
        origin = "all `saves` of its marginal prices, divided by the years in which it binds"
        yield NamedFigure(at(base, "saves-a-year"), saved, plan.currency, says, origin)
    for index, each in enumerate(row.marginal, 1):
        spot, during = at(base, "marginal", index), named(each.start, each.end)
        says = f"What the plan would save if `{row.term}` asked for one unit less ({each.part}), {during}"
        yield NamedFigure(
            spot,
            each.price,
            each.unit,
            says,
            "the dual of its row, where units may be divided",
            ask=f"price:{row.term}",
        )
        if each.saves is not None:
            says = f"What would be saved without what `{row.term}` denies, {during}"
            yield NamedFigure(
                at(spot, "saves"),
                each.saves,
                plan.currency,
                says,
                "the plan's cost, less that of a plan without the denial",
            )
