"""What entries name that could not be read: a mistake in one key hides none in another.

Owns: names that stand as plain text in an entry. Not here: entries that were read (``consistency``, ``clauses``,
``wiring``).
"""

from __future__ import annotations

from detente.case.entries import Entries, Entry
from detente.contract.clause_text import SELF

NAMES = {
    "offers": {"provider": "providers", "under": "agreements"},
    "agreements": {"with": "providers", "amends": "agreements"},
    "choices": {"scenario": "scenarios"},
    "deployments": {"offer": "offers"},
    "keys": {"workload": "workloads", "within": "budgets"},
    "budgets": {"within": "budgets", "agreement": "agreements"},
}
"""The keys of each section that hold the id of an entry of another section."""


def check(case: Entries) -> None:
    """Note every name that nothing has."""
    for section, keys in NAMES.items():
        for entry in case.sections[section]:
            if entry.value is None and isinstance(entry.raw, dict):
                for key, other in keys.items():
                    _name(case, entry, key, other)


def _name(case: Entries, entry: Entry, key: str, section: str) -> None:
    name = entry.raw.get(key)
    if isinstance(name, str):
        case.knows(entry, (key,), section, name, besides=[SELF] if key == "with" else ())
