"""An independent oracle: the same case as a textbook mixed-integer program, row by row.

It reads the declared objects (offers, workloads, terms) and shares nothing with the planner but the solver underneath:
its own arcs, periods, prices, capacities, demand and measures. It is slow and plain on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import highspy
import numpy as np

from detente.case.case import Case
from detente.contract.term import Term
from tests.planner.oracle.charges import Charges
from tests.planner.oracle.credits import Credits
from tests.planner.oracle.moving import Moving
from tests.planner.oracle.savings import Savings
from tests.planner.oracle.sheet import INFINITE
from tests.planner.oracle.stated import refuse_unknown
from tests.terms.drawn import own_tests

OPTIONS = {"output_flag": False, "threads": 1, "mip_rel_gap": 1e-10, "mip_abs_gap": 1e-9} | dict.fromkeys(
    ("primal_feasibility_tolerance", "dual_feasibility_tolerance", "mip_feasibility_tolerance"), 1e-9
)
OPTIONS["small_matrix_value"] = 1e-12  # else what a row has of a few GPU-hours beside many is dropped
"""Of the solver: an answer to the last unit."""
GIVEN_BACK = {"service-credit": 1, "volume-discount": 2}
"""In which turn clauses give back of what credits leave."""
ELSEWHERE = {
    "escalator",
    "price-lock",
    "credit",
    "exclusivity",
    "first-ship",
    "first-refusal",
    "permitted-use",
    "residency",
    "discount",
    "redundancy",
}
"""Clauses that act on what may run, on prices and on standby, or together, and add no rows one by one."""


def _turn(term: Any) -> int:
    """In which turn a clause adds its rows: what counts what savings plans leave after these."""
    return GIVEN_BACK.get(term.kind, 3 if getattr(term, "measure", None) == "after-plans" else 0)


class Oracle(Charges, Savings, Moving):
    """The textbook program of a case."""

    def __init__(self, case: Case) -> None:
        refuse_unknown(case)
        super().__init__(case)
        self.credits = Credits(self)
        for term in sorted(case.terms, key=_turn):
            if term.kind not in ELSEWHERE and type(term).shape is not Term.shape:
                self._rule(term.kind)(term)

    def _rule(self, kind: str) -> Callable[[Any], None]:
        """What adds the rows of a clause: of a kind that is not known here, its own tests say so (``asked``)."""
        if (rule := getattr(self, "_" + kind.replace("-", "_"), None)) is not None:
            found: Callable[[Any], None] = rule
            return found
        own = own_tests(kind)
        assert hasattr(own, "asked"), f"write `asked(oracle, term)` in {own.__file__}: the rule of `{kind}`, row by row"
        return partial(own.asked, self)

    def solve(self) -> float | None:
        """The least cost, or None where nothing obeys every clause. Each row is scaled to a largest entry of 1."""
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(self.rows)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = map(np.array, (self.cost, self.lower, self.upper))
        lp.integrality_ = [highspy.HighsVarType.kInteger if w else highspy.HighsVarType.kContinuous for w in self.whole]
        starts, index, value = [0], [], []
        low, high = np.full(len(self.rows), -INFINITE), np.full(len(self.rows), INFINITE)
        for k, (terms, sign, right) in enumerate(self.rows):
            scale = max([abs(each) for each in terms.values()], default=0.0) or 1.0
            index += list(terms)
            value += [each / scale for each in terms.values()]
            starts.append(len(index))
            if sign != "<=":
                low[k] = right / scale
            if sign != ">=":
                high[k] = right / scale
        lp.row_lower_, lp.row_upper_ = low, high
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = map(np.array, (starts, index, value))
        highs = highspy.Highs()
        for name, option in OPTIONS.items():
            highs.setOptionValue(name, option)
        assert highs.passModel(lp) == highspy.HighsStatus.kOk
        highs.run()
        status = highs.getModelStatus()
        if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            return None
        assert status == highspy.HighsModelStatus.kOptimal, status
        return float(highs.getInfo().objective_function_value)
