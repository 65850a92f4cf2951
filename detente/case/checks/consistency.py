"""Whether the entries of a case fit together: names, places, money, offers and workloads.

Owns: every check that needs more than one entry, save those of clauses. It finds all mistakes and never
stops at the first. Not here: the form of one entry (its own class checks that), the clauses (``clauses``),
how large anything may be (``magnitude``), and whether all can be met together (``planner``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Self

from detente.case.entries import Entries, Entry
from detente.demand.workload import AnyWorkload, Training, can_run, job_periods
from detente.errors import FlawError
from detente.market.network import egress_price
from detente.market.offer import AnyOffer, GpuOffer, ProvisionedOffer
from detente.values.exchange_rate import exchange_flaws
from detente.values.likeness import did_you_mean, nearest
from detente.values.period import FIRST, LAST, later, on_the_clock_of
from detente.values.quantity import Amount

MAX_GROWTH = 10**9
ALIKE = 0.85  # from here on two names differ by no more than a slip


def check(case: Entries) -> None:
    """Note every mistake."""
    _ids(case)
    _something(case)
    _exchange(case)
    _places(case)
    for entry in case.read("offers"):
        _on_offer(case, entry)
        _room(case, entry)
        if isinstance(entry.value, ProvisionedOffer | GpuOffer) and entry.value.term:
            _reservation(case, entry, entry.value)
    _one_for_several_models(case)
    named = _Named.of(case)
    for entry, fits in zip(case.read("workloads"), case.fits, strict=True):
        meant = _misspelt(case, entry, entry.value, named)
        case.meant |= meant
        if not meant:
            _serves(case, entry, entry.value, fits)
        _egress(case, entry, entry.value, fits)
        _moving(case, entry, entry.value)
        _deadline(case, entry, entry.value) if isinstance(entry.value, Training) else _demand(case, entry)
    _unused(case)


# -- names, money, places ------------------------------------------------------------------------------------
def _ids(case: Entries) -> None:
    for section in (
        "providers",
        "offers",
        "workloads",
        "agreements",
        "scenarios",
        "choices",
        "uncertain",
        "risks",
        "deployments",
        "keys",
        "budgets",
        "faults",
    ):
        seen: dict[str, Entry] = {}
        for entry in case.sections[section]:
            name = entry.raw.get("id") if isinstance(entry.raw, dict) else None
            if not isinstance(name, str):
                continue
            if name in seen:
                what = f"`{name}` is declared twice, first at {seen[name].where(('id',))}"
                case.wrong(entry, ("id",), what, "rename one")
            seen.setdefault(name, entry)


def _something(case: Entries) -> None:
    if "name" not in case.heads:
        return
    for section in ("providers", "offers", "workloads"):
        if not case.sections[section] and section not in case.unread:
            what = f"the case has no {section.removesuffix('s')}"
            case.wrong_head("name", what, f"add one under `{section}:`")


def _exchange(case: Entries) -> None:
    """RatesByDay of the case's currency and others, one for each pair, in the case and in each agreement."""
    if {"currency", "exchange"} & case.head.unread:
        return
    currency, head = case.head.declared.currency, case.head.declared.exchange
    for path, flaw in exchange_flaws(head, currency):
        case.wrong_head("exchange", flaw.what, flaw.remedy, (*path, *flaw.path))
    for entry in case.read("agreements"):
        for path, flaw in exchange_flaws(entry.value.exchange, currency):
            case.note(entry, flaw, ("exchange", *path))


def _places(case: Entries) -> None:
    for entry in case.read("offers"):
        if case.knows(entry, ("provider",), "providers", entry.value.provider):
            case.has_region(entry, ("region",), entry.value.provider, entry.value.region)
        if entry.value.under is not None:
            case.knows(entry, ("under",), "agreements", entry.value.under)
    for entry in case.read("networks"):
        for key, place in (("from", entry.value.from_), ("to", entry.value.to)):
            if place != "*":
                case.has_place(entry, (key,), place)
    for entry in case.read("workloads"):
        if entry.value.data is not None:
            case.has_place(entry, ("data", "at"), entry.value.data.at)


# -- offers and workloads ------------------------------------------------------------------------------------
def _on_offer(case: Entries, entry: Entry) -> None:
    """Some of the horizon has a price, while it is on offer."""
    if case.horizon is None:
        return
    offer = entry.value
    first = max(offer.from_ or FIRST, offer.price.steps[0][0] or FIRST)
    last = offer.until or LAST
    if first >= min(last, case.horizon.end) or last <= case.horizon.start:
        key = "until" if last <= max(first, case.horizon.start) else "from" if first == offer.from_ else "price"
        what = f"`{offer.id}` is never on offer with a price between {case.horizon.start} and {case.horizon.end}"
        case.wrong(entry, (key,), what, "check its dates")


def _room(case: Entries, entry: Entry) -> None:
    """Some of its capacity holds one purchase; a remainder, as of a quota, is left unused.

    Not of a catalog's offers: one capacity stands there for machines of any size.
    """
    offer = entry.value
    if not isinstance(offer, ProvisionedOffer | GpuOffer) or offer.capacity is None or entry.path[0] != "offers":
        return
    most = max(offer.capacity.values(), key=lambda amount: amount.value)
    least = offer.minimum if isinstance(offer, ProvisionedOffer) else offer.unit if most.unit == "GPU" else 1
    if 0 < most.value < least:
        what = f"a capacity of {most} is less than the {least} of one purchase, so `{offer.id}` can never be bought"
        case.wrong(entry, ("capacity",), what, f"write {least} or more, or a smaller unit")


def _reservation(case: Entries, entry: Entry, offer: GpuOffer | ProvisionedOffer) -> None:
    """A reservation starts with the first period of a month, or on the stated days; with room for its term."""
    assert offer.term is not None
    if case.horizon is None:
        return
    starts, begins = offer.begins(case.begins), case.begins
    for index, day in enumerate(offer.starts or ()):
        if case.horizon.start <= day < case.horizon.end and on_the_clock_of(case.horizon.opens, day) not in begins:
            what = f"no period of the plan begins on {day}, so no reservation can start then"
            days = sorted({f"{at:%Y-%m-%d}" for at in begins})
            near = did_you_mean(str(day), days, "plan in finer periods (`every: day`)")
            case.wrong(entry, ("starts", index), what, near)
    end = case.horizon.closes
    if not starts:
        case.wrong(entry, ("starts",), "no start lies in the horizon, so it can never be bought", "move one")
    elif offer.cut == "refuse" and later(starts[0], offer.term) > end:
        what = f"a term of {offer.term} from {starts[0]:%Y-%m-%d} runs past the horizon: it can never be bought"
        case.wrong(entry, ("term",), what, "say `cut: prorate`, or plan a longer horizon")


def _one_for_several_models(case: Entries) -> None:
    """Units reserved in one region for different models, where it is not said that each serves its own model alone.

    At Azure one reservation serves any model, so that two would be bought for what one does; at Bedrock it is bound.
    """
    seen: dict[tuple[str, str], ProvisionedOffer] = {}
    for entry in case.read("offers"):
        offer = entry.value
        if not isinstance(offer, ProvisionedOffer) or not offer.reserved or offer.bound_to:
            continue
        first = seen.setdefault((offer.provider, offer.region), offer)
        if first.model != offer.model:
            what = f"`{first.id}` and `{offer.id}` are reserved in one region for `{first.model}` and `{offer.model}`"
            remedy = (
                f"where one reservation serves any model (Azure), write one offer that `covers: {{ {offer.model}: "
                f"{{ throughput: {offer.throughput} }} }}`; where each is bound to its own, say `bound-to: model` in "
                "both"
            )
            case.wrong(entry, ("model",), f"{what}, and whether one serves both is not said", remedy)


@dataclass(frozen=True)
class _Sold:
    """What is on offer: the last offer of each name; the names that workloads use, and those that none uses."""

    by: dict[str, str]
    used: frozenset[str]
    unused: frozenset[str]

    @classmethod
    def of(cls, by: dict[str, str], times: Counter[str]) -> Self:
        return cls(by, frozenset(by.keys() & times.keys()), frozenset(by.keys() - times.keys()))


@dataclass(frozen=True)
class _Named:
    """What workloads name under ``runs-on``, each how often, and what is on offer."""

    times: Counter[str]
    models: _Sold
    accelerators: _Sold

    @classmethod
    def of(cls, case: Entries) -> Self:
        times = Counter(name for w in case.workloads for name in {*w.runs_on.models, *w.runs_on.accelerators})
        models = {name: o.id for o in case.offers if not isinstance(o, GpuOffer) for name in o.sells}
        accelerators = {o.accelerator: o.id for o in case.offers if isinstance(o, GpuOffer)}
        return cls(times, _Sold.of(models, times), _Sold.of(accelerators, times))


def _misspelt(case: Entries, entry: Entry, workload: AnyWorkload, named: _Named) -> set[str]:
    """What names under ``runs-on`` were meant to be: no offer has them, and one has a name that is like them.

    Other names may be of what is not on offer. One that is like a name of the same workload loses no option; where
    other workloads use what it is like, only a long likeness counts (`h200` is no slip for their `h100`); and where
    several workloads use it and none what it is like, the slip is the offer's.
    """
    if not case.whole("offers", "catalogs"):
        return set()
    asked: list[tuple[str, str | int, str, _Sold]] = [
        *(("models", index, name, named.models) for index, name in enumerate(workload.runs_on.models)),
        *(("accelerators", name, name, named.accelerators) for name in workload.runs_on.accelerators),
    ]
    own = {name for *_, name, _ in asked}
    found = set()
    for section, step, name, sold in asked:
        if name in sold.by:
            continue
        near = nearest(name, sold.used, ALIKE, besides=own)
        if named.times[name] == 1:
            near = nearest(name, sold.unused) or near
        if near is not None:
            found.add(near)
            remedy = f"did you mean `{near}`, as `{sold.by[near]}` has it?"
            case.unknown(entry, ("runs-on", section, step), f"no offer has `{name}`", remedy, key=step == name)
    return found


def _unused(case: Entries) -> None:
    """Offers that nobody can use, nor was meant to by a name that is misspelt."""
    if not case.whole("workloads"):
        return
    used = {o.id for offers in case.fits for o in offers}
    wants = [frozenset((*w.runs_on.models, *w.runs_on.accelerators)) for w in case.workloads]
    known = frozenset[str]().union(*wants)
    unserved = frozenset[str]().union(*(names for names, fits in zip(wants, case.fits, strict=True) if not fits))
    for entry in case.read("offers"):
        offer = entry.value
        if offer.id not in used and not entry.known:
            what = offer.accelerator if isinstance(offer, GpuOffer) else offer.model
            if what in case.meant:
                continue
            remedy = did_you_mean(
                what,
                known - {what} if what in known else known,
                "leave the offer out, or name what it sells under `runs-on:`",
            )
            if what in known and isinstance(offer, GpuOffer):
                if offer.buy == "spot":
                    remedy = "it is spot capacity: say `interruptible: true` of a workload"
                elif what in unserved:
                    continue  # told of the job, with which gangs its unit divides
                else:
                    remedy = (
                        f"its unit of {offer.unit} divides no gang: sell it in one that does, or leave the offer out"
                    )
            case.unknown(entry, (), f"no workload can use `{offer.id}` ({what})", remedy)


def _serves(case: Entries, entry: Entry, workload: AnyWorkload, fits: list[AnyOffer]) -> None:
    """Workloads that nothing serves, and the mix that token prices need."""
    if not fits and case.offers and case.whole("offers", "catalogs"):
        wants = [*workload.runs_on.models, *workload.runs_on.accelerators]
        remedy = did_you_mean(wants[0], case.sold, "add an offer of it")
        if any(can_run(workload, o, spot=True) for o in case.named_by(workload)):
            remedy = "only spot offers fit: say `interruptible: true`"
        elif isinstance(workload, Training) and workload.gang and case.sold & set(wants):
            remedy = f"no offer's unit divides its gang of {workload.gang}{_gangs(case, workload, workload.gang)}"
        case.unknown(entry, ("runs-on",), f"no offer can serve `{workload.id}`", remedy)
    if any(not isinstance(o, GpuOffer) for o in fits) and workload.mix is None:
        what = f"`{workload.id}` runs on models and has no `mix`"
        case.wrong(entry, (), what, "say what a token is: `mix: { output: 20% }`")


def _gangs(case: Entries, job: Training, gang: Amount) -> str:
    """The next gangs below and above that an offer's unit divides."""
    sold = (o for o in case.named_by(job) if isinstance(o, GpuOffer) and o.accelerator in job.runs_on.accelerators)
    units = {offer.unit for offer in sold}
    below = max((int(gang.value) // unit * unit for unit in units), default=0)
    above = min((-(-int(gang.value) // unit) * unit for unit in units), default=0)
    return f": write {' or '.join(f'`{each} GPU`' for each in (below, above) if each)}" if units else ""


def _egress(case: Entries, entry: Entry, workload: AnyWorkload, fits: list[AnyOffer]) -> None:
    """Where data moves, it has a price."""
    if workload.data is None or not workload.data.moves[0] or not case.whole("networks"):
        return
    for to in dict.fromkeys(f"{o.provider}/{o.region}" for o in fits):
        if to == workload.data.at:
            continue
        try:
            price = egress_price(case.values("networks"), workload.data.at, to)
        except FlawError as error:
            for flaw in error.flaws:
                case.note(entry, flaw, ("data",))
            continue
        if price is None:
            what = f"no network price from `{workload.data.at}` to `{to}`, where `{workload.id}` could run"
            case.wrong(entry, ("data", "at"), what, "add it under `networks:` (0 if it is free)")


def _moving(case: Entries, entry: Entry, workload: AnyWorkload) -> None:
    """Moves are from one time to the next; the weeks that a typical week stands for do not follow one another."""
    for provider in workload.moving.today if workload.moving is not None else ():
        case.knows(entry, ("moving", "today", provider), "providers", provider)
    if workload.moving is None or case.horizon is None or case.horizon.typical is None:
        return
    what = f"`{workload.id}` states `moving`, and a typical week does not say what follows what"
    case.wrong(entry, ("moving",), what, "leave it out, or plan without `typical: week`")


def _deadline(case: Entries, entry: Entry, job: Training) -> None:
    if case.horizon is None:
        return
    if job.deadline > case.horizon.end:
        what = f"the deadline {job.deadline} is after the horizon's end {case.horizon.end}"
        case.wrong(entry, ("deadline",), what, "move the deadline or the horizon")
    elif job.deadline <= case.horizon.start:
        what = f"the deadline {job.deadline} is not after the horizon's start {case.horizon.start}"
        case.wrong(entry, ("deadline",), what, "move the deadline or the horizon: is the year right?")
    elif not job_periods(job, case.periods):
        what = f"no whole period lies between its start and its deadline {job.deadline}"
        case.wrong(entry, ("deadline",), what, "plan in finer periods")


def _demand(case: Entries, entry: Entry) -> None:
    """Data for the whole horizon, and growth that stays within reason."""
    if case.horizon is None:
        return
    begin, end = case.horizon.opens, case.horizon.closes
    demand = entry.value.demand
    source = demand.recorded
    if source is not None and (missing := source.uncovered(begin, end)):
        case.note(entry, missing, ("demand",))
    if demand.growth and demand.grown(begin, end) > MAX_GROWTH:
        what = f"demand grows more than {MAX_GROWTH:,} times by the horizon's end"
        case.wrong(entry, ("demand", "growth"), what, "check the rate and its span of time")
