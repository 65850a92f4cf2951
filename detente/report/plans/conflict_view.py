"""A conflict on a terminal: the clauses that collide, what else plays a part, and the ways out.

Owns: its words, and in which order they stand. Not here: finding it (``planner.conflict``). Whoever is told of a
conflict has no plan: nothing that a plan is told by is imported.
"""

from __future__ import annotations

from rich.console import Console

from detente.report.layout import MAX_ROWS, cut, heading, say
from detente.report.numerals import listed
from detente.results.conflict import Conflict
from detente.values.money import shown

MORE = "There may be others: not all were found in time, or the solver could not tell."
"""Of ways out of which not all were sought."""

NOT_NAMED = "Which of them collide was not looked for: no time was left. Give it more time to find out."
"""Of a conflict whose clauses are all that the case has."""


def conflict_view(conflict: Conflict, currency: str, console: Console) -> None:
    """A conflict: the clauses that collide, each with its text, what else plays a part, and the ways out.

    Parameters
    ----------
    conflict
        What to show.
    currency
        Of the costs; may be empty.
    console
        Where to.
    """
    collision(conflict, console)
    if conflict.joint:
        heading(console, "Way out: all of these changes together")
        if len({way.term for way in conflict.relaxations}) > 1:
            say(console, "No change to one clause alone is enough.", indent=2)
    else:
        heading(console, "Ways out, cheapest first" if conflict.relaxations else "Ways out")
    if not conflict.relaxations:
        say(console, no_way_out(conflict), indent=2)
    for index, way in enumerate(conflict.relaxations[:MAX_ROWS], 1):
        at_most = "at most " if way.at_most else ""
        then = f"; the plan then costs {at_most}{shown(way.cost, currency)}" if way.cost is not None else ""
        more = conflict.dearer(way)
        then += f", {shown(more, currency)} more than the cheapest" if more and not way.together else ""
        say(console, f"{index}. {way.version.name}: {way.sentence}{then}", indent=2)
    cut(console, len(conflict.relaxations) - MAX_ROWS)
    if conflict.relaxations and not conflict.sought:
        say(console, MORE, indent=2)


def collision(conflict: Conflict, console: Console) -> None:
    """The clauses that collide, each with its text, and what else plays a part."""
    under = f"Under the reading `{conflict.reading}`" if conflict.reading else ""
    if conflict.clauses:
        names = listed([c.version.name for c in conflict.clauses], 5)
        together = "cannot be performed" if len(conflict.clauses) == 1 else "cannot all be performed"
        say(console, f"{under + ', ' if under else ''}{names} {together}.", style="bold")
    else:
        say(console, f"{under + ', n' if under else 'N'}o plan exists, even without any clause.", style="bold")
    if not conflict.minimal:
        say(console, NOT_NAMED)
    for clash in conflict.clauses if conflict.minimal else ():
        say(console, "")
        say(console, f"{clash.version.name} in `{clash.agreement}`")
        if clash.text:
            say(console, f"“{clash.text}”", indent=2)
        say(console, f"that is: {clash.sentence}", indent=2)
    if conflict.facts:
        heading(console, "Other facts involved" if conflict.clauses else "What collides")
        for fact in conflict.facts[:MAX_ROWS]:
            say(console, f"- {fact}", indent=2)
        cut(console, len(conflict.facts) - MAX_ROWS)


def no_way_out(conflict: Conflict) -> str:
    """What to do about a conflict in which no change to clauses is enough."""
    if not conflict.sought:
        return "Not looked for: no time was left. Give it more time to find them."
    if conflict.clauses:
        return "No change to these clauses is enough, not even to all of them together."
    return "It is not the clauses: more capacity, less demand or a `value` at which work may go unserved is needed."
