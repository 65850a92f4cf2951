"""The name of one amount of a budget, as ledgers and journals hold it.

Owns: the text, and reading it. It says all that is needed to count a call on record, whatever became of the budget
since: what is counted, in which windows, and of whom. What the amount is, and what it covers, may change.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple, get_args

from detente.live.budget import BudgetMeasure
from detente.live.budget_window import BudgetCycle, WallWindows

WORD = "budget"
_PARTS = 7
_MEASURES: dict[str, BudgetMeasure] = {each: each for each in get_args(BudgetMeasure)}
_CYCLES: dict[str, BudgetCycle] = {each: each for each in get_args(BudgetCycle)}


class BudgetName(NamedTuple):
    """A budget's id (of a key's own: ``key/ID``), what is counted, when, and of whom: ``team=claims``, or nobody."""

    budget: str
    measure: BudgetMeasure
    windows: WallWindows
    whose: str = ""

    @property
    def text(self) -> str:
        """As it is stored."""
        every, zone, starts = self.windows
        parts = (WORD, self.budget, self.measure, every, zone, str(starts or "-"), self.whose)
        return " ".join(parts).rstrip()

    @classmethod
    def read(cls, text: str) -> BudgetName | None:
        """From its text; None where it is none."""
        parts = text.split(" ", _PARTS - 1)
        if len(parts) < _PARTS - 1 or parts[0] != WORD or parts[2] not in _MEASURES or parts[3] not in _CYCLES:
            return None
        _, budget, measure, every, zone, starts, *whose = parts
        try:
            begins = None if starts == "-" else date.fromisoformat(starts)
        except ValueError:
            return None
        return cls(budget, _MEASURES[measure], WallWindows(_CYCLES[every], zone, begins), "".join(whose))
