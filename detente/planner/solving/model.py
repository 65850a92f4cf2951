"""An assembled program inside HiGHS: solving it, and what comes back.

All amounts are given and returned in natural units; scaling by powers of two happens on the way to HiGHS (``matrix``)
and is undone on the way back. Nothing but this, ``posed`` and ``solver_run`` touches the solver.

Not here: what is asked of it (``posed``), the bound (``bound``), and time (``solver_run``).
"""

from __future__ import annotations

import ctypes
import gc
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from detente.errors import SolverError
from detente.planner.formulation.expression import Floats, Ints, dot
from detente.planner.solving.bound import safe_bound
from detente.planner.solving.posed import Posed
from detente.planner.solving.solution import Solution, Stopped

SIMPLEX_COLUMNS = 60_000  # above: the first solve is by interior point with crossover
AS_SCALED_COLUMNS = 20_000
"""Above, simplex leaves a program as it was scaled on the way: scaled once more it takes up to twice as long."""
NO_SCALING, EQUILIBRATION = 0, 2  # as HiGHS numbers them; the second is its own choice
SOON_DONE = 2_000
"""Columns and rows of a linear program that takes some hundredths of a second at most."""
RENEWED_COLUMNS = 500_000
"""Above, the solver is made anew after interior point, where that ended: it keeps what that took, twice the program."""


@dataclass(frozen=True)
class Basis:
    """Where a linear solve ended, of so many columns and rows: only a model looks inside."""

    given: Any
    columns: int
    rows: int


class Model(Posed):
    """A program inside HiGHS. Bounds may be changed and solved again, warm.

    ``as_scaled``: simplex scales it no more, whatever its size.
    """

    as_scaled = False
    _longer: tuple[Basis, Basis] | None = None  # the last that was extended, and what it is then

    # -- solving -------------------------------------------------------------------------------------------------
    def solve_linear(self) -> Solution:
        """Solve as a linear program. The bound is computed here from the duals, not taken from the solver.

        That there is no feasible point is only said where it is proved, or found twice: HiGHS was seen to say so of
        programs that have one, with nothing to minimise.
        """
        warm = self.highs.getBasis().valid  # after other bounds or costs, simplex goes on from the last basis
        simplex = warm or self.program.n <= SIMPLEX_COLUMNS
        self._by("simplex" if simplex else "ipx")
        found = self._run(linear=True)
        if not simplex and found.status == "optimal" and self.program.n > RENEWED_COLUMNS:
            self.renew()
        if found.status != "infeasible" or self._proved():
            return found
        return self._looked_again(lambda: self._run(linear=True))

    def solve_reduced(self) -> Solution:
        """The same from nothing, by simplex: where time ends it, with the bound of the prices that it had by then.

        What HiGHS solves after it has reduced a program itself is gone where it is stopped. So the reduced program is
        solved beside it; the prices of its rows at any time prove a bound of the whole.
        """
        import highspy

        self._by("simplex")
        cut_short = self.left <= 0 or self.was_interrupted()
        small = None if cut_short or self.program.n > SIMPLEX_COLUMNS else self.reduced()
        if small is None:
            return self.solve_linear()
        small.run()
        found = small.highs.getSolution()
        if small.highs.getModelStatus() == highspy.HighsModelStatus.kOptimal:
            self.highs.postsolve(found, small.highs.getBasis())
            return self.solve_linear()  # from its end
        stopped: Stopped | None = "interrupted" if self.was_interrupted() else "time-limit" if self.left <= 0 else None
        bound = -math.inf
        if stopped and found.dual_valid:
            self.highs.postsolve(found)
            bound = self.bound_by(np.array(self.highs.getSolution().row_dual))
        self.forget()
        return Solution(stopped, None, math.inf, bound) if stopped else self.solve_linear()

    def _by(self, solver: Literal["simplex", "ipx", "choose"]) -> None:
        """By which algorithm it is solved next."""
        self.highs.setOptionValue("solver", solver)
        as_scaled = solver == "simplex" and (self.as_scaled or self.program.n > AS_SCALED_COLUMNS)
        self.highs.setOptionValue("simplex_scale_strategy", NO_SCALING if as_scaled else EQUILIBRATION)

    def _proved(self) -> bool:
        """Whether the solver's dual ray proves that no point holds every row: its safe bound at no cost is positive."""
        _, there, ray = self.highs.getDualRay()
        if not there:
            return False
        nothing = np.zeros(self.program.n)
        bounds = (self._low, self._high), (self._row_low, self._row_high)
        return any(safe_bound(self.matrix, nothing, *bounds, sign * np.array(ray))[0] > 0.0 for sign in (1.0, -1.0))

    def _looked_again(self, run: Callable[[], Solution]) -> Solution:
        """The same from the start, at the program's own cost; then again at the other, from the point that it found."""
        custom = self.custom_cost
        self.highs.clearSolver()
        self.objective(None)
        found = run()
        if custom is not None:
            self.objective(custom)
            return run() if found.status == "optimal" else found
        return found

    def renew(self) -> None:
        """A new solver in place of this one, at the same basis: what the old one kept for itself is given back."""
        basis = self.highs.getBasis()
        self.highs = None
        gc.collect()  # its callbacks hold it in a cycle
        _give_back()
        self.highs = self._handed_over()
        self.highs.setBasis(basis)

    def forget(self) -> None:
        """Begin the next solve from nothing: where so much has changed that where the last one ended is of no use."""
        self.highs.clearSolver()

    def feasible(self) -> Solution:
        """Any point that holds every row. A large program's is found by interior point; a no is simplex's to say."""
        if self.program.n > SIMPLEX_COLUMNS:
            self._by("ipx")
            self.highs.setOptionValue("run_crossover", "off")
            found = self._run(linear=True)
            self.highs.setOptionValue("run_crossover", "on")
            if found.status == "optimal":
                return found
            self.highs.clearSolver()
        return self.solve_linear()

    def solve_whole(self, gap: float) -> Solution:
        """Solve with the integers asked for, to a relative gap.

        No known plan is handed over to start from: HiGHS 1.16 then reports a cost that is not its own plan's.
        """
        self._by("choose")
        self.highs.setOptionValue("mip_rel_gap", gap)
        found = self._run(linear=False)
        if found.status != "infeasible" or self.custom_cost is None:
            return found
        return self._looked_again(lambda: self._run(linear=False))

    @contextmanager
    def within(self, nodes: int) -> Iterator[None]:
        """End searches for whole numbers after so many nodes, as at a time limit, but always at the same place."""
        _, most = self.highs.getOptionValue("mip_max_nodes")
        self.highs.setOptionValue("mip_max_nodes", nodes)
        try:
            yield
        finally:
            self.highs.setOptionValue("mip_max_nodes", most)

    def solve_as(self, whole: Ints, gap: float) -> Solution:
        """Solve with some columns integer, which are continuous again after it."""
        self.whole(whole, on=True)
        try:
            return self.solve_whole(gap)
        finally:
            self.whole(whole, on=False)

    @property
    def basis(self) -> Basis:
        """Where the last linear solve ended."""
        return Basis(self.highs.getBasis(), self.program.n, self.program.m)

    def start_at(self, basis: Basis) -> None:
        """Begin the next linear solve there; what was added since stands at zero, and its rows are free."""
        if not basis.given.valid or basis.columns > self.program.n or basis.rows > self.program.m:
            return
        if (basis.columns, basis.rows) != (self.program.n, self.program.m):
            basis = self._extended(basis)
        self.highs.setBasis(basis.given)

    def _extended(self, basis: Basis) -> Basis:
        """The same over all that there is now: kept, as prices go back to one again and again, and it takes a while."""
        before, known = self._longer or (None, None)
        if known is None or before is not basis or (known.columns, known.rows) != (self.program.n, self.program.m):
            import highspy

            given, kinds = highspy.HighsBasis(), highspy.HighsBasisStatus
            more = [kinds.kLower] * (self.program.n - basis.columns), [kinds.kBasic] * (self.program.m - basis.rows)
            given.col_status = [*basis.given.col_status, *more[0]]
            given.row_status = [*basis.given.row_status, *more[1]]
            given.valid = True
            known = Basis(given, self.program.n, self.program.m)
            self._longer = basis, known
        return known

    def _run(self, *, linear: bool) -> Solution:
        import highspy

        if self.left <= 0:
            return Solution("time-limit", None, math.inf, -math.inf)
        if self.was_interrupted():
            return Solution("interrupted", None, math.inf, -math.inf)
        soon = linear and self.program.n + self.program.m <= SOON_DONE
        outcome, kinds = self.run(soon_done=soon), highspy.HighsModelStatus
        # Unknown, not set: seen of warm starts where numbers differ by 1e10; an error: of floors that collide by 1e-11
        if self.highs.getModelStatus() in (kinds.kUnknown, kinds.kSolveError, kinds.kNotset):  # go cold
            self.highs.clearSolver()
            outcome = self.run(soon_done=soon)
        status = self.highs.getModelStatus()
        if status in (kinds.kInfeasible, kinds.kUnboundedOrInfeasible):
            return Solution("infeasible", None, math.inf, -math.inf)
        if status in (kinds.kTimeLimit, kinds.kSolutionLimit, kinds.kInterrupt):
            name: Stopped = "interrupted" if self.was_interrupted() else "time-limit"
            return self._partial(name, linear=linear)
        if status != kinds.kOptimal or outcome == highspy.HighsStatus.kError:
            raise SolverError(f"the solver stopped with `{self.highs.modelStatusToString(status)}`")
        return self._optimal(linear=linear)

    def _partial(self, name: Literal["time-limit", "interrupted"], *, linear: bool) -> Solution:
        info = self.highs.getInfo()
        if linear or info.primal_solution_status != 2:
            bound = -math.inf if linear else info.mip_dual_bound / self.money_scale
            return Solution(name, None, math.inf, bound)
        values = np.array(self.highs.getSolution().col_value) * self.column_scale
        return Solution(
            name, values, info.objective_function_value / self.money_scale, info.mip_dual_bound / self.money_scale
        )

    def _optimal(self, *, linear: bool) -> Solution:
        info, found = self.highs.getInfo(), self.highs.getSolution()
        values = np.array(found.col_value) * self.column_scale
        objective = info.objective_function_value / self.money_scale
        self._agrees(values, objective)
        if not linear:
            return Solution("optimal", values, objective, info.mip_dual_bound / self.money_scale)
        scaled = np.array(found.row_dual)
        bounds = (self._low, self._high), (self._row_low, self._row_high)
        bound, reduced = safe_bound(self.matrix, self._cost, *bounds, scaled)
        duals = scaled * self.row_scale / self.money_scale
        reduced = reduced / self.column_scale / self.money_scale
        return Solution("optimal", values, objective, bound / self.money_scale, duals, reduced)

    def _agrees(self, values: Floats, objective: float) -> None:
        """The solver's objective against its own values: HiGHS 1.16 was seen to report another after a warm start."""
        if self.custom_cost is None:
            cost = dot(self.cost, values)
            if abs(cost - objective) > 1e-6 * max(1.0, abs(cost)):
                raise SolverError(f"the solver reports a cost of {objective:.6f} for a plan that costs {cost:.6f}")

    def bound_by(self, prices: Floats) -> float:
        """What any prices of rows (in the solver's scale) prove that no solution costs less than (natural units)."""
        bounds = (self._low, self._high), (self._row_low, self._row_high)
        return safe_bound(self.matrix, self._cost, *bounds, prices)[0] / self.money_scale

    # -- read off ------------------------------------------------------------------------------------------------
    def reached(self, values: Floats) -> tuple[Floats, Floats]:
        """What each row comes to (natural units), and how far floats may be off."""
        parts = self.matrix.value * (values / self.column_scale)[self.matrix.columns]
        reached = np.bincount(self.matrix.index, weights=parts, minlength=self.program.m) / self.row_scale
        size = np.bincount(self.matrix.index, weights=np.abs(parts), minlength=self.program.m) / self.row_scale
        return reached, 1e-14 * size

    def priced(self, duals: Floats) -> Floats:
        """What the rows' prices come to in each column (natural units): a clause's rows, and what they ask for."""
        return self.matrix.priced(duals / self.row_scale) / self.column_scale


def _give_back() -> None:
    """What was freed goes back to the system, where the C library can be told to; else it lies about in pieces."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)
