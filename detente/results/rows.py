"""The rows of a plan for a table: plain dicts with dates and units, ready for a data frame.

Owns: which dates and units belong to a row, and which sections there are. Not here: the rows themselves
(``plan_rows``), and any library of data frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal

from detente.errors import CaseError
from detente.results.plan_rows import Decision

Section = Literal[
    "allocations",
    "standby",
    "purchases",
    "standings",
    "unserved",
    "moves",
    "charges",
    "stated",
    "rounded",
    "postings",
    "workloads",
    "providers",
    "capacity",
    "decisions",
]
MONEY = frozenset({"cost", "amount", "listed", "net", "spend", "idle", "adds"})


def must_be_section(given: object, known: Sequence[str]) -> None:
    """Raise CaseError for a section of rows that an answer does not have."""
    if given not in known:
        names = ", ".join(f"`{name}`" for name in known)
        raise CaseError.of_parameter("section", f"there are no rows of `{given}`", f"choose from: {names}")


def dicts(
    rows: Iterable[Any], periods: Sequence[Any], units: Mapping[str, str], currency: str
) -> Iterator[dict[str, Any]]:
    """Each row as a dict: dates in place of period numbers, and the units of its numbers.

    A row of a period has its ``start``, ``end`` (UTC, exclusive) and ``hours``: the calendar time that its amounts are
    totals over (of a typical week, all of the weeks that it stands for). ``unit`` is that of ``work``, ``demand`` and
    ``served``; ``currency`` that of money. ``taken``, ``limit``, ``bought`` and ``used`` are in the offer's own unit.
    Numbers are exact decimals. The reasons of a decision are one ``sentence``, and the ``terms`` that it cites.

    Parameters
    ----------
    rows
        Of one section of a plan.
    periods
        The plan's.
    units
        Of work, by workload.
    currency
        The plan's.
    """
    for row in rows:
        found = {field.name: getattr(row, field.name) for field in fields(row)}
        if isinstance(row, Decision):
            del found["reasons"]
            found |= {"sentence": row.sentence, "terms": row.terms}
        if "period" in found:
            period = periods[found.pop("period")]
            found = {"start": period.span_start, "end": period.span_end, "hours": period.hours, **found}
        if "unit" not in found and found.get("workload") in units:
            found["unit"] = units[found["workload"]]
        if MONEY & found.keys():
            found["currency"] = currency
        yield found
