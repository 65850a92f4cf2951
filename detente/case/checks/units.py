"""Whether what a clause counts has one unit, and what it states is in that unit.

Owns: the units of a clause's meters against what they cover and against the clause's own amounts and prices; no kind of
clause is known here. Not here: the form of an amount (``values.quantity``), and money.
"""

from __future__ import annotations

from collections.abc import Iterator

from detente.case.checks.view import View
from detente.contract.amounts.counting import CountedClass
from detente.contract.metered.meter import Meter
from detente.contract.term import Term
from detente.errors import Flaw
from detente.values.held import held_in
from detente.values.money import Price
from detente.values.quantity import WORK_UNITS, Amount

UnitsCounted = dict[str, str]
"""Each unit that a meter counts in, and the first workload or offer that is counted so."""


def flaws(term: Term, view: View) -> Iterator[Flaw]:
    """Units that a clause would add up, else amounts in no meter's unit, and prices in that of no work that is counted.

    A meter adds up what it counts, and a clause its classes that count up to a part. Nothing where it is not known.
    """
    known: UnitsCounted = {}
    of_work: UnitsCounted = {}
    classes = bool(held_in(term, CountedClass))
    for meter in (meter for meter in term.meters() if not meter.of_money):
        units = _units(meter, view)
        if len(units) > 1 or (classes and len(known | units) > 1):
            yield _mixed(meter, units) if len(units) > 1 else _apart(meter, known | units)
            return
        known |= units
        of_work |= units if meter.unit == "work" else {}
    stated = [(path, amount.unit, "in", known) for path, amount in held_in(term, Amount)] if known else []
    stated += [(path, price.unit, "per", of_work) for path, price in held_in(term, Price)] if of_work else []
    for path, unit, word, counted in stated:
        if unit in WORK_UNITS and unit not in counted:
            what = f"is {word} {unit}, and `{term.id}` counts {_named(counted)}"
            yield Flaw(what, f"write it {word} that unit", path)


def _units(meter: Meter, view: View) -> UnitsCounted:
    if meter.unit == "work":
        of = {workload.id: workload.unit for workload in view.workloads}
        counted = [demand["workload"] for demand, _ in view.uses(meter.selection, "workload")]
    else:
        of = {offer.id: offer.taken_in for offer in view.offers}
        counted = [offer["offer"] for _, offer in view.uses(meter.selection, "offer")]
    return {of[name]: name for name in reversed(counted) if name in of}  # moving data is sold by no offer


def _mixed(meter: Meter, units: UnitsCounted) -> Flaw:
    what = "work" if meter.unit == "work" else "what is taken"
    remedy = "narrow `of` to one of them, write a clause for each, or count spend where the kind can"
    return Flaw(f"`{meter.term}` counts {what} in different units: {_named(units)}", remedy)


def _apart(meter: Meter, units: UnitsCounted) -> Flaw:
    """Of several meters of one amount: all that a clause covers, and a class of it that counts up to a part."""
    remedy = "state the amount in money (`measure: list` says which), or narrow `of` to one unit, without that class"
    return Flaw(f"`{meter.term}` adds up different units: {_named(units)}", remedy)


def _named(units: UnitsCounted) -> str:
    return " and ".join(f"{unit} (`{what}`)" for unit, what in sorted(units.items()))
