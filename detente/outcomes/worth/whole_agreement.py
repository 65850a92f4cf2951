"""An agreement as a whole: its clauses, those of its amendments, and the offers that are sold under it.

Owns: what belongs to it, and the case without all that. Not here: what is told against it (``pricing``, ``sweep``).
"""

from __future__ import annotations

from dataclasses import dataclass

from detente.case.agreement import root
from detente.case.case import Case
from detente.outcomes.baseline import Baseline, Near
from detente.planner.open_program import Absence


@dataclass(frozen=True, slots=True)
class WholeAgreement:
    """The ids of its clauses, and of the offers that there are none of without it."""

    terms: tuple[str, ...]
    offers: tuple[str, ...]

    def left_out(self, baseline: Baseline) -> Near | None:
        """The case without it; None where that has no plan. Raises StoppedError."""
        if not self.offers:
            return baseline.without(self.terms)
        study = baseline.study_without(self.terms)
        return baseline.near(study.losing([Absence(frozenset(self.offers), 0, study.draft.n)]))


def whole_agreements(case: Case) -> dict[str, WholeAgreement]:
    """By the agreement that was amended first; with no clauses, where only offers are sold under it."""
    known = {agreement.id: agreement for agreement in case.declared.agreements}
    terms: dict[str, dict[str, None]] = {}
    for term in case.terms:
        terms.setdefault(first_of(case, term.validity.agreement), {})[term.id] = None
    offers: dict[str, list[str]] = {}
    for offer in case.offers:
        if offer.under is not None:
            offers.setdefault(root(known[offer.under], known), []).append(offer.id)
    return {
        name: WholeAgreement(tuple(terms.get(name, ())), tuple(offers.get(name, ())))
        for name in dict.fromkeys([*terms, *offers])
    }


def first_of(case: Case, agreement: str) -> str:
    """The agreement that one amends, and that one, and so on; itself where the case knows none of its name."""
    known = {each.id: each for each in case.declared.agreements}
    return root(known[agreement], known) if agreement in known else agreement
