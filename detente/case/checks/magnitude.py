"""Whether a plan can add up what a case declares: nothing is more than ``LARGEST``, and no work less than a quantum.

Owns: the work of the horizon, its worth, what it would take of an offer and cost there and on the way, and the amounts
of clauses, each against that limit, so that a slip of many zeros is said at its place and not by the solver. Not here:
the form of a number (``quantity``).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from detente.case.entries import Entries, Entry
from detente.demand.quantum import QUANTUM
from detente.demand.workload import AnyWorkload, Training
from detente.errors import KeyPath
from detente.market.network import egress_price
from detente.market.offer import AnyOffer, GpuOffer, ProvisionedOffer
from detente.values.held import held_in
from detente.values.money import HOURS_A_MONTH, Price
from detente.values.period import Period, hours_between
from detente.values.quantity import LARGEST

MAX_WORK = 9 * 10**12
"""Of one workload in all, in its unit: its quanta are counted in 64 bits (``demand.quanta``)."""
TOO_MUCH_WORK = f"more than a plan can count ({MAX_WORK:.0e})"
TOO_LITTLE = f"less than a plan can count ({float(QUANTUM):.0e})"
TOO_MUCH = f"more than a plan can add up ({LARGEST:.0e})"
REMEDY = "check the number, its scale and its unit"


def check(case: Entries) -> None:
    """Note every mistake; of work only where there are no others, which may be why it is large or unknown."""
    if case.horizon is None:
        return
    sound = not case.mistakes
    begin, end = case.horizon.opens, case.horizon.closes
    over = Period(0, begin, end, begin, end, hours_between(begin, end))
    for entry in case.read("agreements"):
        _clauses(case, entry, over.hours)
    if not sound:
        return
    entries = {id(entry.value): entry for entry in case.read("offers")}
    paths_known = all(entry.known for entry in case.read("networks"))
    for entry, fits in zip(case.read("workloads"), case.fits, strict=True):
        if paths_known and entry.known and all(entries[id(offer)].known for offer in fits):
            continue  # as it was in a case that was found right
        work = _work(entry.value, over)
        if work > MAX_WORK or 0 < work <= QUANTUM / 2:
            key = "work" if isinstance(entry.value, Training) else "demand"
            what = f"`{entry.value.id}` needs {_shown(work)} {entry.value.unit} in all"
            case.wrong(entry, (key,), f"{what}, {TOO_MUCH_WORK if work > 1 else TOO_LITTLE}", REMEDY)
            continue
        _worth(case, entry, work)
        _moved(case, entry, fits, work)
        for offer in fits:
            _taken(case, entry, entries[id(offer)], work)


def _clauses(case: Entries, entry: Entry, hours: Fraction) -> None:
    """What each clause says that its amounts come to."""
    for place, term in zip(entry.places, entry.value.terms, strict=True):
        for found in term.magnitudes(hours):
            if found.value > LARGEST:
                what = f"comes to {_shown(found.value)} {found.unit}, {TOO_MUCH}"
                case.wrong(entry, ("terms", place, *found.path), what, REMEDY)


def _work(workload: AnyWorkload, over: Period) -> Fraction:
    """All of a workload's work; the shape of its weeks changes nothing in the sum."""
    if isinstance(workload, Training):
        return Fraction(workload.work.value)
    (work,) = workload.demand.model_copy(update={"profile": None}).over([over], over.span_start)
    return work


def _taken(case: Entries, entry: Entry, sold: Entry, work: Fraction) -> None:
    """Hours of GPUs or of units that all of a workload's work would take of an offer, and their price."""
    workload, offer = entry.value, sold.value
    taken, at, path, unit = _need(entry, sold, work)
    if taken > LARGEST:
        what = f"`{workload.id}` would take {_shown(taken)} {unit} of `{offer.id}`, {TOO_MUCH}"
        case.wrong(at, path, what, REMEDY)
        return
    dearest = max(_price(offer, price) for _, price in held_in(offer.price, Price))
    if taken * dearest > LARGEST:
        what = f"`{workload.id}` would cost {_shown(taken * dearest)} {case.head.declared.currency} on `{offer.id}`"
        case.wrong(sold, ("price",), f"{what}, {TOO_MUCH}", REMEDY)


def _worth(case: Entries, entry: Entry, work: Fraction) -> None:
    """What all of a workload's work is worth, and what it earns."""
    workload = entry.value
    moving = workload.moving.cost.amount if workload.moving and workload.moving.cost else 0
    if moving > LARGEST:
        what = f"a move of `{workload.id}` costs {_shown(Fraction(moving))} {case.head.declared.currency}, {TOO_MUCH}"
        case.wrong(entry, ("moving", "cost"), what, REMEDY)
    for key, price in (("value", workload.value), ("revenue", workload.revenue)):
        if price is not None and (total := work * Fraction(price.amount)) > LARGEST:
            what = f"the {key} of `{workload.id}` comes to {_shown(total)} {case.head.declared.currency} in all"
            case.wrong(entry, (key,), f"{what}, {TOO_MUCH}", REMEDY)


def _moved(case: Entries, entry: Entry, fits: Sequence[AnyOffer], work: Fraction) -> None:
    """The data that all of a workload's work moves, and what that costs to the dearest place where it could run."""
    workload = entry.value
    if workload.data is None:
        return
    places = dict.fromkeys(f"{offer.provider}/{offer.region}" for offer in fits)
    prices = [egress_price(case.values("networks"), workload.data.at, to) for to in places if to != workload.data.at]
    each = (price for by_day in prices if by_day is not None for price in by_day.values())
    dearest = max((Fraction(price.amount) for price in each), default=Fraction(0))
    moved = work * Fraction(workload.data.moves[0])
    what, remedy = f"`{workload.id}` moves {_shown(moved)} GB in all", REMEDY
    if moved <= LARGEST:
        cost = moved * dearest
        what, remedy = f"{what}, for {_shown(cost)} {case.head.declared.currency}", f"{REMEDY}; and `networks:`"
    if max(moved, moved * dearest) > LARGEST:
        case.wrong(entry, ("data", "moves"), f"{what}, {TOO_MUCH}", remedy)


def _need(entry: Entry, sold: Entry, work: Fraction) -> tuple[Fraction, Entry, KeyPath, str]:
    """What work takes of an offer at the most, where the figure stands that says so, and its unit."""
    offer = sold.value
    if isinstance(offer, GpuOffer):
        rate = Fraction(entry.value.runs_on.accelerators[offer.accelerator][0])
        return work / rate, entry, ("runs-on", "accelerators", offer.accelerator), "GPU-hours"
    if isinstance(offer, ProvisionedOffer):
        most = max(each for name in offer.sells for each in offer.takes(name))
        return work * most / offer.unit_flow, sold, ("throughput",), "unit-hours"
    return work, sold, ("price",), "Mtok"


def _price(offer: AnyOffer, price: Price) -> Fraction:
    """A price for an hour of a GPU or of a unit, or for a million tokens."""
    per = HOURS_A_MONTH if price.unit in ("unit-month", "unit per 730 hours") else 1  # about: a month is a month
    return Fraction(price.amount) / (
        per * (offer.unit if isinstance(offer, GpuOffer) and price.unit != "GPU-hour" else 1)
    )


def _shown(value: Fraction) -> str:
    return f"{float(value):.3g}"
