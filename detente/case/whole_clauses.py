"""Each clause of a case over the time of all its texts, and where it stands.

Not here: one text and its time (``agreement.InForce``), and what is noted of them (``notes``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from detente.case.agreement import InForce
from detente.case.case import Case
from detente.contract.term import Term
from detente.errors import Where


def whole_clauses(case: Case) -> Iterator[tuple[Term, Where]]:
    """Each as its first text says it, in force until its last text ends; of an amendment, its own."""
    texts: dict[tuple[str, str], list[InForce]] = {}
    for found in case.versions:
        texts.setdefault((found.validity.agreement, found.term.id), []).append(found)
    for (agreement, name), versions in texts.items():
        last = versions[-1].validity
        term = versions[0].term.in_force(replace(versions[0].validity, end=last.end, ended=last.ended))
        yield term, where_stands(case, agreement, name)


def where_stands(case: Case, agreement: str, term: str) -> Where:
    """Where a clause is written; its agreement, where no file has it."""
    return case.clauses.get((agreement, term), Where(agreement))
