"""What becomes known on a day: until then, all is decided as if it would not come.

Owns: planning from one piece of news to the next. Not here: how what was decided is kept (``past``), and events with
probabilities (``hedging``).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from detente.case.case import Case
from detente.errors import UnsettledError
from detente.planner.past import Past
from detente.planner.solving.incumbent import Unmet
from detente.planner.study import Study


def stages(case: Case) -> list[tuple[datetime, datetime]]:
    """The times before the last news of a case: from one day on which something becomes known to the next."""
    return list(pairwise([case.declared.horizon.opens, *case.news]))


def unforeseen(study: Study, gap: float, *, surely: bool = False) -> Study:
    """The same study with all that is decided before each day of news kept, as planned by what is known until then.

    Where there is no such plan, or none in time, the study is as it was: what hinders that is found again with it.
    ``surely``: raises UnsettledError where there is none in time, since an answer without it would be too good.
    """
    past, case = study.past, study.case
    for begin, until in stages(case):
        if past is not None and until <= past.until:
            continue
        earlier = replace(study, past=past, start=None, footing=None).under(case.known_at(begin))
        study.progress(f"planning what is decided before {until.date()}")
        with earlier.program.model.until(_half(earlier)):
            found = earlier.solve(gap)
        if isinstance(found, Unmet):
            return study
        if found.solution is None or found.solution.values is None:
            if surely:
                raise UnsettledError(
                    f"what is decided before {until.date()} was not planned in time: give it more time"
                )
            return study
        past = Past.of(earlier.draft, found.solution.values, until)
    return study if past is study.past or past is None else study.keeping(past)


def _half(study: Study) -> float | None:
    """A deadline that leaves half of the time."""
    model = study.program.model
    return None if model.deadline is None else model.deadline - model.left / 2
