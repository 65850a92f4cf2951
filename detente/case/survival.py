"""A workload's ``survives`` as the policy that it is.

Not here: what a redundancy clause asks (``terms.redundancy``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from detente.case.agreement import Agreement
from detente.contract.clause_text import SELF
from detente.demand.workload import AnyWorkload
from detente.values.quantity import in_percent


def survival(workloads: Iterable[AnyWorkload], start: date) -> list[Agreement]:
    """A policy of the workloads' owner from the horizon's start on: redundancy clauses, like any others."""
    terms = [
        {"id": f"{w.id}.survives", "kind": "redundancy", "survives": in_percent(w.survives), "of": {"workload": w.id}}
        for w in workloads
        if w.survives
    ]
    policy = {"id": "survival", "with": SELF, "effective": str(start), "terms": terms}
    return [Agreement.model_validate(policy)] if terms else []
