"""The figures of a plan's commitments: what each asks, what counts towards it, what is short and owed.

Owns: those. Not here: what stands where in a ledger (``report.ledger.standing``).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from detente.report.figures.figure import PART, NamedFigure, Operand, at
from detente.report.plans import digest
from detente.results.plan import Plan
from detente.values.period import named

ZERO = Decimal(0)


def commitment_figures(plan: Plan) -> Iterator[NamedFigure]:
    """All: window by window, clause by clause, and the fees of all."""
    found = digest.commitments(plan)
    for each in found:
        yield from _commitment(plan, each)
    yield from _fees(plan, found)


def part_of_cost(plan: Plan, address: str, what: str, amount: Decimal, of: str) -> Iterator[NamedFigure]:
    """What an amount is of the cost; nothing where there is none."""
    if plan.cost:
        both = (Operand(what, amount, plan.currency, of), Operand("the cost", plan.cost, plan.currency, "cost"))
        yield NamedFigure(address, amount / plan.cost, PART, f"What part of the cost is {what}", "", "ratio", both)


def _commitment(plan: Plan, found: digest.Commitment) -> Iterator[NamedFigure]:
    name, base = found.term, at("commitments", found.term)
    told = {
        "required": (found.unit, [w.required for w in found.windows]),
        "reached": (found.unit, [w.drawn for w in found.windows]),
        "short": (found.unit, [w.short if w.missed else ZERO for w in found.windows]),
        "fee": (plan.currency, [w.owed if w.missed else ZERO for w in found.windows]),
    }
    whens = [named(w.start, w.end) for w in found.windows]
    for what, (unit, amounts) in told.items():
        places = [at(base, "windows", index, what) for index in range(1, len(whens) + 1)]
        for when, place, amount in zip(whens, places, amounts, strict=True):
            yield NamedFigure(place, amount, unit, f"{SAYS[what].format(name)}, {when}", ORIGINS[what])
        parts = tuple(Operand(w, a, unit, p) for w, a, p in zip(whens, amounts, places, strict=True))
        says = f"{SAYS[what].format(name)}, in all windows"
        yield NamedFigure(at(base, what), sum(amounts, ZERO), unit, says, "", "sum", parts)
    if found.owed:
        owed = at(base, "fee")
        yield from part_of_cost(plan, at(owed, "of-cost"), f"what is owed under `{name}`", found.owed, owed)
    for index, window in enumerate(found.windows, 1):
        spot = at(base, "windows", index)
        yield NamedFigure(
            at(spot, "carried-in"),
            window.brought,
            found.unit,
            f"What comes over into {whens[index - 1]} for `{name}`",
            "the window before",
        )
        yield NamedFigure(
            at(spot, "carried-over"),
            window.carried,
            found.unit,
            f"What goes on from {whens[index - 1]} for `{name}`",
            "what is drawn beyond what is asked, within the clause's limit",
        )
        if window.missed and window.required:
            both = (
                Operand("what is short", window.short, found.unit, at(spot, "short")),
                Operand("what is required", window.required, found.unit, at(spot, "required")),
            )
            says = f"What part of what `{name}` asks is missing, {whens[index - 1]}"
            yield NamedFigure(at(spot, "missing"), window.short / window.required, PART, says, "", "ratio", both)


SAYS = {
    "required": "What `{}` asks for",
    "reached": "What counts for `{}`",
    "short": "What is short of what `{}` asks",
    "fee": "What is owed under `{}`",
}
ORIGINS = {
    "required": "the clause",
    "reached": "the plan's use, metered as the clause counts it",
    "short": "what is required, less what counts and what is carried in",
    "fee": "the clause's postings, settled exactly",
}


def _fees(plan: Plan, commitments: list[digest.Commitment]) -> Iterator[NamedFigure]:
    own = tuple(
        Operand(f"`{each.term}`", each.owed, plan.currency, at("commitments", each.term, "fee")) for each in commitments
    )
    if own:
        fees = sum((each.owed for each in commitments), ZERO)
        yield NamedFigure("fees", fees, plan.currency, "What is owed for commitments that fall short", "", "sum", own)
        yield from part_of_cost(plan, "fees/of-cost", "what is owed for commitments", fees, "fees")
