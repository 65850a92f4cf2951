"""Who owns columns, rows, denials and charges of a program: by it they are left out, softened, priced and blamed (§6).

Not here: what is owned (``program``), and who is in (``solving.model``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from detente.contract.program import ClauseOwner
from detente.contract.term import Term


class Owner(NamedTuple):
    """A clause as it is in force from one moment on, or something else of the case: ``demand/chat``, ``offer/gpus``.

    A clause that was amended is several owners, with one name. What is shaped once more, with other numbers, is a
    ``variant``. (A named tuple: owners are looked up in sets in every change of a program, and its hash is C.)
    """

    kind: str
    name: str = ""
    since: datetime | None = None
    variant: int = 0

    @classmethod
    def of(cls, clause: ClauseOwner) -> Owner:
        """A clause, as it is in force."""
        return cls("term", clause.id, clause.validity.start)

    @property
    def original(self) -> Owner:
        """Whose variant it is."""
        return self._replace(variant=0)

    def __str__(self) -> str:
        """As messages name it."""
        return "/".join(filter(None, (self.kind, self.name, f"{self.since:%Y-%m-%d}" if self.since else "")))


NOBODY = Owner("")


def by_owner(terms: Iterable[Term]) -> dict[Owner, Term]:
    """Clauses by owner: no two of one id begin at one moment."""
    return {Owner.of(term): term for term in terms}
