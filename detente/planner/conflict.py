"""Which clauses collide (§8).

Owns: the minimal set, and the answer that is made of it. Not here: which facts play a part (``conflict_facts``), and
the ways out (``ways_out``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal

from detente.contract.metered.meter import Measure
from detente.contract.roles import PriceChange
from detente.contract.term import Term
from detente.errors import SolverError, UnsettledError
from detente.planner.concession import as_a_whole, version_of, versions
from detente.planner.conflict_facts import facts_of
from detente.planner.conflict_grid import only_of_periods
from detente.planner.conflict_lifted import fewest
from detente.planner.formulation.expression import Ints
from detente.planner.formulation.owner import Owner, by_owner
from detente.planner.study import Study
from detente.planner.ways_out import possible, ways_out
from detente.results.conflict import Clash, Concession, Conflict, Version

PAID: Collection[Measure] = ("spend", "off", "paid", "paid-before")
"""Measures of what turns on prices after discounts."""


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
    clashes += [_clash(each[-1], as_a_whole(each)) for each in priced]
    ways, sought = _in_time(ways_out(study, minimal, priced, whole)) if minimal else ([], True)
    ways.sort(key=lambda w: (w.cost is None, w.cost or Decimal(0), w.term, w.version.start))
    return Conflict(study.case.reading, tuple(clashes), tuple(facts), tuple(ways), sought)


def _in_time(ways: Iterator[Concession]) -> tuple[list[Concession], bool]:
    """The ways out that are found in time, and whether these are all: the conflict is proven without them.

    So is it where the solver doubts one of them.
    """
    found = list[Concession]()
    try:
        for way in ways:
            found.append(way)
    except (UnsettledError, SolverError):
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
        return not possible(bare.relaxed(o for o in by_owner(bare.case.terms) if o not in minimal), whole)

    if not prices or collide(prices):
        return []
    out: list[str] = []
    for name in prices:
        out += [name] if collide([*out, name]) else []
    return [versions(study, name) for name in prices if name not in out]


def _clash(term: Term, version: Version) -> Clash:
    return Clash(version, term.validity.agreement, term.text, term.explain().sentence)
