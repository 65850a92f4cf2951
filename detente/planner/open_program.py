"""A program inside the solver, with the case that it was formulated from and all that was shaped into it since.

Owns: which cases it can answer without another formulation, and what is added to it for them: clauses with other
numbers, columns by which clauses may give, limits on what goes unserved. Not here: what a study varies (``study``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from detente.case.case import Case
from detente.contract.metered.meter import PAYMENTS
from detente.contract.payer import Payer
from detente.contract.roles import AfterPlans, OwnRates, PriceChange, StandbyHedge
from detente.contract.term import Term
from detente.planner.formulation.draft import Draft
from detente.planner.formulation.expression import Expr, Ints
from detente.planner.formulation.formulate import formulate
from detente.planner.formulation.idle_units import idle_ceilings
from detente.planner.formulation.owner import Owner, by_owner
from detente.planner.formulation.permissions import denies_anything
from detente.planner.formulation.price_kept import asks_other_prices
from detente.planner.formulation.shaping import Shaping
from detente.planner.formulation.softening import Softening, soften
from detente.planner.solving.model import Model
from detente.planner.solving.search import Progress


class Absence(NamedTuple):
    """Offers that are not there from one period of the plan until before another."""

    offers: frozenset[str]
    first: int
    last: int


@dataclass(eq=False)
class OpenProgram:
    """A program inside the solver, the case that it was formulated from, and the clauses shaped into it since.

    ``short`` are those of them that could ask for more units than it has.
    """

    case: Case
    draft: Draft
    model: Model
    shaped: dict[Owner, list[Term]] = field(default_factory=dict)
    short: set[Owner] = field(default_factory=set)
    softened: dict[tuple[tuple[Owner, ...], bool, tuple[int, ...]], Softening] = field(default_factory=dict)
    limited: dict[str, int] = field(default_factory=dict)
    """Of workloads, the row that says how much of it at most is not served."""
    limits: dict[str, float] = field(default_factory=dict)
    plenty: frozenset[str] = frozenset()
    """Offers of which there is as much as work could use."""

    @classmethod
    def of(cls, case: Case, progress: Progress) -> OpenProgram:
        """Formulate a case and hand it to the solver."""
        progress("formulating")
        draft = formulate(case)
        progress(f"assembling {draft.program.n:,} columns, {draft.program.m:,} rows")
        return cls(case, draft, Model(draft.program))

    # -- which cases it can answer -----------------------------------------------------------------------------
    def answering(self, case: Case) -> tuple[frozenset[Owner], frozenset[Owner]] | None:
        """Who is out in a case, and who of those shaped since is in; None where it has to be formulated anew.

        Exact: rows, bounds, columns and charges are all that a clause adds, save that it changes prices. A clause with
        other numbers is shaped once more, beside itself. What changes prices is in other clauses' coefficients; what
        pays, denies or wants standby is in columns that clauses share: it may be left out, and else is formulated anew.
        So is one for which more units could be bought, and stand idle, than there are columns for.
        """
        if not _same_but_clauses(self.case, case):
            return None
        before, after = by_owner(self.case.terms), by_owner(case.terms)
        changed = [owner for owner in {**before, **after} if before.get(owner) != after.get(owner)]
        if any(isinstance(each.get(owner), PriceChange) for owner in changed for each in (before, after)):
            return None
        other = {owner: after[owner] for owner in changed if owner in after}
        if not all(self._shapes_alone(owner, term) for owner, term in other.items()):
            return None
        out = frozenset(owner for owner in changed if owner in before)
        added = frozenset(self._shape(owner, term) for owner, term in other.items())
        return None if added & self.short else (out, added)

    def _shapes_alone(self, owner: Owner, after: Term) -> bool:
        """Whether a clause can be shaped beside itself: it denies and pays nothing, wants no standby or new prices."""
        left = any(isinstance(each, AfterPlans) and each.after_plans for each in self.case.terms)
        if left and isinstance(after, OwnRates):
            return False
        if isinstance(after, Payer) or any(meter.measure in PAYMENTS for meter in after.meters()):
            return False
        denied = any(owner in denial.turns_on for denial in self.draft.program.denials)
        if denied or asks_other_prices(self.draft, after):
            return False
        return not isinstance(after, StandbyHedge) and not denies_anything(self.draft, [after])

    def _shape(self, owner: Owner, term: Term) -> Owner:
        """The key of a clause with other numbers: shaped once, and kept."""
        known = self.shaped.setdefault(owner, [])
        if term not in known:
            known.append(term)
            program = self.draft.program
            program.variant = len(known)
            Shaping(self.draft).shape(term)
            program.variant = 0
            if idle_ceilings(self.draft):
                self.short.add(owner._replace(variant=len(known)))
            self.model.extend()
        return owner._replace(variant=1 + known.index(term))

    def soften(self, owners: tuple[Owner, ...], *, remedies: bool) -> Softening:
        """Columns and rows by which owners may give, out until they are put in: added once, and kept."""
        variants = tuple(len(self.shaped.get(owner, ())) for owner in owners)
        known = owners, remedies, variants  # rows shaped since give nothing yet
        if known not in self.softened:
            self.softened[known] = soften(self.draft, owners, remedies=remedies)
            self.model.extend()
        return self.softened[known]

    def limit(self, names: Collection[str]) -> None:
        """Add a row for each of some workloads that says how much of it at most is not served: once, and kept."""
        program = self.draft.program
        new = [name for name in names if name not in self.limited]
        for name in new:
            unserved = self.draft.unserved[name]
            whole = Expr(1, [(np.zeros(len(unserved), dtype=np.int32), unserved, 1.0)])
            self.limited[name] = program.m
            program.require(Owner("unserved", name), "limit", whole <= [float(self.draft.demand[name].work.sum())])
        if new:
            self.model.extend()
            self.limits = {}

    def leave(self, most: Mapping[str, float]) -> None:
        """Let at most so much of workloads go unserved, each of which has its row; of others, as much as they may."""
        if self.limits != most:
            rows = np.array(list(self.limited.values()), dtype=np.int32)
            high = np.array([most.get(name, np.inf) for name in self.limited])
            self.model.ask(rows, np.full(len(rows), -np.inf), high)
            self.limits = dict(most)

    def lost(self, absence: Absence) -> Ints:
        """Columns that are not there while offers are gone: their work, their standby, units that begin meanwhile."""
        draft, periods = self.draft, np.arange(absence.first, absence.last)
        found = [np.zeros(0, dtype=np.int32)]
        for arc in draft.arcs:
            if arc.offer.id in absence.offers:
                found.append(draft.x[arc.index, periods])
                if draft.standby_from[arc.index] >= 0:
                    found.append((draft.standby_from[arc.index] + periods).astype(np.int32))
        for units in draft.units.values():
            if units.offer.id in absence.offers:
                starts = np.array(units.starts, dtype=np.int64)
                found.append(units.columns[(starts >= absence.first) & (starts < absence.last)])
        return np.concatenate(found)

    def offer_plenty(self, offers: frozenset[str]) -> None:
        """Let there be as many units of these offers as work could use, of others what there is."""
        for name in sorted(offers ^ self.plenty):
            units = self.draft.units[name]
            self.model.widen(units.columns, units.wanted if name in offers else units.upper)
        self.plenty = offers

    @contextmanager
    def as_asked(self) -> Iterator[bool]:
        """Rows of demand hold the work as it was asked for, meanwhile, and not in whole quanta: whether that differs.

        A clause of exactly what was asked for may not be met by whole quanta of it.
        """
        program, of = self.draft.program, self.draft.demand
        served = [block for block in program.row_blocks if block.owner.kind == "demand"]
        off = [block for block in served if (of[block.owner.name].asked != of[block.owner.name].work).any()]
        for block in off:
            program.restate(block, of[block.owner.name].asked)
            self.model.restate(block)
        try:
            yield bool(off)
        finally:
            for block in off:
                program.restate(block, of[block.owner.name].work)
                self.model.restate(block)

    @property
    def since(self) -> frozenset[Owner]:
        """The keys of all that was added since it was formulated: clauses with other numbers, and what may give."""
        shaped = [owner._replace(variant=1 + at) for owner, known in self.shaped.items() for at in range(len(known))]
        return frozenset([*shaped, *(softening.key for softening in self.softened.values())])


CLAUSES: Collection[str] = (
    *("agreements", "events", "scenarios", "choices", "uncertain", "risks", "reading", "name", "title"),
)
"""Parts of a case that reach a program through its clauses only, or not at all."""


def _same_but_clauses(one: Case, other: Case) -> bool:
    """Whether two cases differ in nothing but clauses."""
    a, b = one.declared, other.declared
    return a is b or all(
        getattr(a, name) is getattr(b, name) or getattr(a, name) == getattr(b, name)
        for name in type(a).model_fields
        if name not in CLAUSES
    )
