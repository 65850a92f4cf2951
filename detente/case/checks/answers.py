"""Whether a kind of clause answers with what it is asked for: asked of one clause of each kind, before all else.

And whether one that gives back asks what others leave, where that matters. Not here: what clauses say (``clauses``),
and kinds that answer what only a role is asked (``contract.term``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from detente.contract.amounts import left_over
from detente.contract.answer import cites_itself, misanswered
from detente.contract.metered.meter import Meter
from detente.contract.reach.counted_time import CountedTime
from detente.contract.reach.verdict import Reason
from detente.contract.returning import Returning
from detente.contract.term import Term


def answers_of(term: Term) -> None:
    """Raise TypeError where a bound clause answers with something else; ValueError where it cites another clause."""
    meters: Any = term.meters()
    reason: Any = term.explain()
    depends: Any = term.depends_on
    if not isinstance(meters, tuple) or not all(isinstance(meter, Meter) for meter in meters):
        raise TypeError(misanswered(term, "meters", meters, "a tuple of `Meter`"))
    if not isinstance(reason, Reason) or not isinstance(reason.sentence, str):
        raise TypeError(misanswered(term, "explain", reason, '`Reason(self.id, "what it does, in one sentence")`'))
    if not isinstance(depends, frozenset):
        raise TypeError(misanswered(term, "depends_on", depends, "a `frozenset` of the ids of clauses"))
    counted: Any = term.counted_time
    if not isinstance(counted, CountedTime):
        raise TypeError(misanswered(term, "counted_time", counted, "a `CountedTime`"))
    cites_itself(term, "explain", reason.term)


def asks_what_is_left(term: Term, agreed: Iterable[Term]) -> None:
    """Raise TypeError where a bound clause gives back without a look at others that do: together more than all.

    Of the bound clauses ``agreed`` with its party. A kind that knows others (``knowing``) is taken to ask.
    """
    if not isinstance(term, Returning) or type(term).knowing is not Term.knowing:
        return
    if (found := left_over.beside(term, agreed)) is not None:
        others = ", ".join(f"`{name}`" for name in sorted(found.names))
        what = f"`{term.id}` (`{type(term).__name__}`) gives back beside {others}, and does not ask what they leave"
        remedy = "keep `left_over.beside(self, clauses)` in `knowing`, and read `LeftOver` in `meters`, `shape`, "
        raise TypeError(f"{what}, so that more than all would be given back; {remedy}`returned` and `settle`")
