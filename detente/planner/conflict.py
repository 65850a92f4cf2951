"""Which clauses collide, and the cheapest way out (§8).

Owns: the minimal set, and the relaxations (least give of one clause, then least cost). Not here: which facts play a
part (``conflict_facts``), and what a clause gives, in words (``concession``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from detente.contract.metered.meter import Measure
from detente.contract.roles import GivingBack, PriceChange
from detente.contract.settled.threshold import ROUNDING
from detente.contract.term import Term
from detente.errors import UnsettledError
from detente.planner.concession import LITTLE, concession, version_of
from detente.planner.conflict_facts import facts_of
from detente.planner.conflict_grid import only_of_periods
from detente.planner.conflict_lifted import fewest
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Floats, Ints
from detente.planner.formulation.owner import Owner, by_owner
from detente.planner.solving.model import Model
from detente.planner.solving.solution import Solution
from detente.planner.solving.whole import whole_columns
from detente.planner.study import Study
from detente.results.conflict import Clash, Concession, Conflict, Version
from detente.values.money import nano

PAID: Collection[Measure] = ("spend", "off", "paid", "paid-before")
"""Measures of what turns on prices after discounts."""

DROPPED_WHOLE = (PriceChange, GivingBack)
"""Roles of clauses that set what use costs: one of them has nothing to give, and is done without (``_left_out``)."""

LARGE = 20_000
"""Columns above which the ways out of a conflict are sought without whole units, unless it turns on them."""

ACCURATE = 1e-6
"""The relative gap to which whole numbers are sought for a way out."""

SLIGHT = 1e-9
"""Of a number, and of one: a solution that is held to be that near may be solved again."""

MAX_NODES = 100
"""Nodes that a search for a way out may take; what is best by then is told as such (``Concession.at_most``)."""


def find_conflict(study: Study, whole: Ints | None = None) -> Conflict:
    """A minimal set of clauses that cannot be met together, and the ways out that are found in time, cheapest first.

    All clauses, where no time is left to find out which of them collide: that they do is known before it is asked for.

    Parameters
    ----------
    study
        Of a case that has no plan; where it is ``performed``, remedies (a shortfall against a fee) are ruled out.
    whole
        Columns that must be integer for the conflict to show; None where it shows without.
    """
    with study.program.as_asked():
        return _found(study, whole)


def _found(study: Study, whole: Ints | None) -> Conflict:
    program = study.draft.program
    denying = (denial.turns_on for denial in program.denials)
    present = {block.owner for block in program.row_blocks}.union(*denying)
    clauses = by_owner(study.case.terms)
    owners = [owner for owner in clauses if owner in present]

    def met(out: Sequence[Owner]) -> bool:
        return study.relaxed(out).possible(whole)

    try:
        minimal = fewest(owners, met) if met(owners) else []
        priced = _by_prices(study, minimal, whole)
    except UnsettledError:
        if not owners:  # whether clauses matter at all is not known
            raise
        every = tuple(_clash(clauses[owner], version_of(study, clauses[owner])) for owner in owners)
        return Conflict(study.case.reading, every, (), (), sought=False, minimal=False)
    others = study.relaxed(o for o in owners if o not in minimal)
    colliding = [clauses[owner] for owner in minimal]
    facts = [*only_of_periods(study, colliding), *facts_of(others, colliding, whole)]
    clashes = [_clash(clauses[owner], version_of(study, clauses[owner])) for owner in minimal]
    clashes += [_clash(versions[-1], _as_a_whole(versions)) for versions in priced]
    ways, sought = _in_time(_ways_out(study, minimal, priced, whole)) if minimal else ([], True)
    ways.sort(key=lambda w: (w.cost is None, w.cost or Decimal(0), w.term, w.version.start))
    return Conflict(study.case.reading, tuple(clashes), tuple(facts), tuple(ways), sought)


def _in_time(ways: Iterator[Concession]) -> tuple[list[Concession], bool]:
    """The ways out that are found in time, and whether these are all: the conflict is proven without them."""
    found = list[Concession]()
    try:
        for way in ways:
            found.append(way)
    except UnsettledError:
        return found, False
    return found, True


def _by_prices(study: Study, minimal: Sequence[Owner], whole: Ints | None) -> list[list[Term]]:
    """The fewest clauses that change prices, in all their versions, without which a minimal set of others could be met.

    Each takes another program, since prices are in the rows of whatever counts what is paid; so none is made where
    none of the set does, and one where the set collides at list prices too.
    """
    clauses = by_owner(study.case.terms)
    prices = list(dict.fromkeys(owner.name for owner, term in clauses.items() if isinstance(term, PriceChange)))
    if not any(meter.measure in PAID for owner in minimal for meter in clauses[owner].meters()):
        return []

    def collide(out: Sequence[str]) -> bool:
        bare = study.without(out)
        return not _possible(bare.relaxed(o for o in by_owner(bare.case.terms) if o not in minimal), whole)

    if not prices or collide(prices):
        return []
    out: list[str] = []
    for name in prices:
        out += [name] if collide([*out, name]) else []
    return [_versions(study, name) for name in prices if name not in out]


def _possible(bare: Study, whole: Ints | None) -> bool:
    """Whether what is left of a case has a plan; ``whole``: whether columns are integer, in its own program."""
    with bare.program.as_asked():
        return bare.possible(None if whole is None else whole_columns(bare.draft))


def _versions(study: Study, name: str) -> list[Term]:
    return [term for term in study.case.terms if term.id == name]


def _clash(term: Term, version: Version) -> Clash:
    return Clash(version, term.validity.agreement, term.text, term.explain().sentence)


def _as_a_whole(versions: Sequence[Term]) -> Version:
    """A clause in all its versions."""
    return Version(versions[0].id, versions[0].validity.start, versions[-1].validity.end, amended=False)


def _ways_out(
    study: Study, minimal: Sequence[Owner], priced: Sequence[Sequence[Term]], whole: Ints | None
) -> Iterator[Concession]:
    """Each clause of the conflict giving way alone, by as little as it can; all together where none suffices.

    A clause gives in all its versions: one that was amended may collide in more than one. One that sets what use costs
    (``priced``, or one of the minimal set that has nothing to give) gives way as a whole; where none of these suffices
    alone, the fewest that do.
    """
    terms = by_owner(study.case.terms)
    enough, dropped = False, [versions[0].id for versions in priced]
    for name in dict.fromkeys(o.name for o in minimal):
        versions = [owner for owner in terms if owner.name == name]
        found = _together(_give(study, versions, whole))
        yield from found
        enough = enough or bool(found)
        if not found and all(isinstance(terms[owner], DROPPED_WHOLE) for owner in versions):
            dropped.append(name)
    without = [way for name in dropped for way in _left_out(study, [name], whole)]
    without = without or (_fewest_left_out(study, whole) if dropped else [])
    yield from without
    if not enough and not without:
        yield from _together(_give(study, list(terms), whole))


def _together(ways: Sequence[Concession]) -> list[Concession]:
    """Concessions of which none is enough without the others: each says so."""
    found = []
    for way in ways:
        others = tuple(other.version for other in ways if other is not way)
        names = " and ".join(", ".join(other.name for other in others).rsplit(", ", 1))
        words = f"{way.sentence}; only together with {names}" if others else way.sentence
        found.append(replace(way, sentence=words, together=others))
    return found


def _left_out(study: Study, names: Sequence[str], whole: Ints | None) -> list[Concession]:
    """Clauses that are done without, in all their versions, and the least cost then; none where the others collide."""
    bare = study.without(names)
    with bare.program.as_asked():
        found = _going_on(_searched(bare.turn(), _counted(bare, None if whole is None else whole_columns(bare.draft))))
    _settled(found)
    if found.values is None:
        return []
    cost, at_most = nano(Fraction(found.objective)), found.status == "time-limit"
    versions = [_as_a_whole(_versions(study, name)) for name in names]
    return _together([Concession(each, (), "do without it", cost, at_most=at_most) for each in versions])


def _fewest_left_out(study: Study, whole: Ints | None) -> list[Concession]:
    """Clauses that set what use costs, of which none can stay; none where the others collide without all of them."""
    out = list(dict.fromkeys(term.id for term in study.case.terms if isinstance(term, DROPPED_WHOLE)))
    if not _possible(study.without(out), whole):
        return []
    for name in tuple(out):
        fewer = [other for other in out if other != name]
        if _possible(study.without(fewer), whole):
            out = fewer
    return _left_out(study, out, whole)


def _counted(study: Study, whole: Ints | None) -> Ints:
    """The columns that are to be whole: where a conflict turns on them, and in every program that is not large."""
    model, none = study.turn(), np.zeros(0, dtype=np.int32)
    counts = np.flatnonzero(model.integer).astype(np.int32) if model.program.n <= LARGE else none
    return counts if whole is None else np.union1d(counts, whole).astype(np.int32)


def _give(study: Study, owners: Sequence[Owner], whole: Ints | None) -> list[Concession]:
    """The least that some clauses must give together, then the least cost at that.

    Where they count in several units, it is the least as parts of all there is of each: they have no other sum.
    """
    soft = study.softened(owners)
    giving = soft.giving
    assert giving is not None
    columns = np.concatenate(list(giving.totals.values()))
    counts = _counted(soft, whole)
    terms = by_owner(study.case.terms)
    by_work = all(meter.measure == "work" for owner in owners for meter in terms[owner].meters())
    found = (by_work and _least_used(soft, columns, counts)) or _least_then_cheapest(soft, columns, counts)
    if found is None:
        return []
    least, best = found
    final = best if best.values is not None else least
    cost = nano(Fraction(best.objective)) if final is best else None
    at_most = cost is not None and "time-limit" in (least.status, best.status)
    assert final.values is not None
    amounts = least if len(owners) == 1 else final  # of several the least sum may be split more cheaply than at first
    assert amounts.values is not None
    ways = []
    for owner, total in giving.totals.items():
        in_all = float(amounts.values[total[0]])
        if in_all > LITTLE:
            alone = len(owners) == 1 and not giving.mixed
            way = concession(soft, owner, in_all if alone else None, final.values, cost)
            ways.append(replace(way, at_most=at_most, owed=_owed(soft, owner, final.values)))
    return ways


def _cheaper_paid(soft: Study, columns: Ints, counts: Ints, best: Solution) -> Solution | None:
    """The cheapest plan that pays for what it misses, where that is cheaper than to miss the least.

    What is paid for has its price: nobody fills a floor to the last while a lump sum is owed for it anyway. What is
    not paid for gives no more.
    """
    model, giving = soft.turn(), soft.giving
    assert giving is not None
    blocks = soft.draft.program.column_blocks
    priced = [block.numbers for block in blocks if block.remedy and block.owner in giving.gives]
    if best.values is None or not soft.performs or not priced:
        return None
    every = np.concatenate([part.columns for parts in giving.gives.values() for part in parts])
    with _no_more(model, np.setdiff1d(every, np.concatenate(priced)).astype(np.int32), best.values):
        model.forget()  # HiGHS was seen to report another cost from where the last search ended
        paid = _going_on(_searched(model, counts))
        if paid.values is None or best.objective - paid.objective <= ACCURATE * abs(best.objective):
            return None
        just = _given_by(soft, columns, counts, paid.values)
    return None if just.values is None else replace(paid, values=just.values)


def _owed(soft: Study, owner: Owner, values: Floats) -> Decimal:
    """What a clause charges for what it gives: nothing, unless its remedies are what gives."""
    blocks = [block for block in soft.draft.program.column_blocks if block.owner == owner]
    if not soft.performs or not any(block.remedy for block in blocks):
        return Decimal(0)
    own = np.concatenate([block.numbers for block in blocks if block.part != ROUNDING])
    return nano(Fraction(float(soft.turn().cost[own] @ values[own])))


def _least_then_cheapest(soft: Study, columns: Ints, counts: Ints) -> tuple[Solution, Solution] | None:
    """The least sum of what gives, and the cheapest plan that gives no more; None where there is none."""
    model = soft.turn()
    least = _least(model, columns, counts)
    _settled(least)
    if least.values is None:
        return None
    with _no_more(model, columns, least.values):
        best = _going_on(_searched(model, counts))
    paid = _cheaper_paid(soft, columns, counts, best)
    return (least, best) if paid is None else (paid, paid)


def _least_used(soft: Study, columns: Ints, counts: Ints) -> tuple[Solution, Solution] | None:
    """The same of what gives by work, as if capacity by the hour were paid for by its use; None where that is no way.

    A moment's work would let a whole unit be bought that stands idle, and meet by it what it was let through for. So
    what gives is sought without, and the plan with whole units gives as much: at whatever time that is cheapest, unless
    it gave less in truth; then just when it was found.
    """
    model, giving = soft.turn(), soft.giving
    assert giving is not None
    rows, units = _by_the_hour(soft.draft)
    divided = np.setdiff1d(counts, units).astype(np.int32)
    low, high = model.asked(rows)
    model.ask(rows, low, np.zeros(len(rows)))
    least = _least(model, columns, divided)
    given = least
    if least.values is not None:
        with _no_more(model, columns, least.values):
            given = _going_on(_searched(model, divided))
        paid = _cheaper_paid(soft, columns, divided, given)
        least, given = (least, given) if paid is None else (paid, paid)
    model.ask(rows, low, high)
    _going_on(given)
    if given.values is None:
        return None
    with _no_more(model, columns, given.values, low=given.values):
        best = _going_on(_searched(model, counts))
    true = best.values is not None and _gives(soft, columns, best.values)
    if not true or best.status != "optimal":
        each = np.unique(np.concatenate([part.columns for parts in giving.gives.values() for part in parts]))
        with _no_more(model, each, given.values, low=given.values):
            then = _going_on(_searched(model, counts))
        if not true or then.objective < best.objective:
            best = replace(then, status=best.status) if true else then
    return None if best.values is None else (least, best)


def _gives(soft: Study, columns: Ints, values: Floats) -> bool:
    """Whether a plan's use and units take all that it says to give: a sum of what gives may be more than is taken."""
    found = _given_by(soft, columns, np.zeros(0, dtype=np.int32), values)
    return found.status == "optimal" and found.objective >= float(values[columns].sum()) * (1 - ACCURATE) - LITTLE


def _given_by(soft: Study, columns: Ints, counts: Ints, values: Floats) -> Solution:
    """The least sum of what gives in a plan of this use and these units."""
    model, draft = soft.turn(), soft.draft
    held = np.union1d(draft.x.ravel(), whole_columns(draft)).astype(np.int32)
    model.confine(held, np.maximum(0.0, values[held] * (1 - SLIGHT) - SLIGHT), values[held] * (1 + SLIGHT) + SLIGHT)
    found = _going_on(_least(model, columns, counts))
    model.release(held)
    return found


@contextmanager
def _no_more(model: Model, columns: Ints, high: Floats, low: Floats | None = None) -> Iterator[None]:
    """Keep columns within what was found, but for the solver's tolerance; and no less than a point has."""
    least = np.zeros(len(columns)) if low is None else np.maximum(0.0, low[columns] * (1 - SLIGHT) - SLIGHT)
    model.confine(columns, least, high[columns] * (1 + SLIGHT) + SLIGHT)
    try:
        yield
    finally:
        model.release(columns)


def _by_the_hour(draft: Draft) -> tuple[Ints, Ints]:
    """The rows that say how much may stand idle of what is rented by the hour, and the columns of its units."""
    rows, units = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int32)]
    for block in draft.program.row_blocks:
        held = draft.units.get(block.owner.name) if block.owner.kind == "units" and block.part == "idle" else None
        if held is not None and not held.offer.reserved:
            rows.append(block.numbers)
            units.append(held.columns)
    return np.concatenate(rows), np.concatenate(units)


def _searched(model: Model, counts: Ints) -> Solution:
    """The least of a model's objective with whole counts, or what is best after ``MAX_NODES`` or at the time limit."""
    if not len(counts):
        return model.solve_linear()
    with model.within(MAX_NODES):
        found = model.solve_as(counts, ACCURATE)
    nothing_yet = found.status == "time-limit" and found.values is None
    return model.solve_as(counts, ACCURATE) if nothing_yet else found


def _going_on(found: Solution) -> Solution:
    """What was found, unless Ctrl-C ended it."""
    if found.status == "interrupted":
        raise KeyboardInterrupt
    return found


def _settled(found: Solution) -> None:
    """Stopped is no answer: a way out that was not found in time is not none."""
    if _going_on(found).status == "time-limit" and found.values is None:
        raise UnsettledError("the ways out were not all found in time")


def _least(model: Model, columns: Ints, counts: Ints) -> Solution:
    """The least sum of some columns."""
    cost = np.zeros(model.program.n)
    cost[columns] = 1.0
    model.objective(cost)
    found = _searched(model, counts)
    model.objective(None)
    return found
