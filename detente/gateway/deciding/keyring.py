"""The keys that open the gateway now: those of the case, and those that were made while it runs.

Owns: what each stands for (``HeldKey``), worked out once, and telling whether a presented one opens. Not here: the form
of a key (``live/key``), and where those of run time are kept (``ledger/store/key_store``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from detente.case.made_keys import unfit
from detente.demand.workload import AnyWorkload
from detente.gateway.deciding.key_settings import KeySettings
from detente.gateway.deciding.policy import Policy
from detente.live.budget import BudgetAmounts
from detente.live.key import Key, opens
from detente.live.presented import Presented


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key, whose calls it opens for, the labels that it stands for, and what its calls go by.

    ``lenient`` is what may be left out of them, and ``whose`` the id of the workload.

    ``presented``: what turns on it beside these; None where nothing does, so that calls of several keys are decided as
    one.
    """

    key: Key
    id: str
    workload: AnyWorkload
    whose: str
    labels: Mapping[str, str]
    lenient: frozenset[str]
    presented: Presented | None
    settings: KeySettings


class Keyring:
    """The keys of a policy, and others that fit it.

    Parameters
    ----------
    more
        Keys that were made at run time; of those that do not fit the case, none is held (``strangers`` says why).
    """

    def __init__(self, policy: Policy, more: Iterable[Key] = ()) -> None:
        self.more = tuple(more)
        flaws = ((key.id, next(unfit(policy.case, key), None)) for key in self.more)
        self.strangers = {name: flaw.what for name, flaw in flaws if flaw is not None}
        keys = [*(key for key in self.more if key.id not in self.strangers), *policy.keys.values()]
        self._keys = {key.id: key for key in keys}  # one of the case comes before one of its name
        self._held = {key.id: _held(policy, key) for key in self._keys.values()}
        self._opened: dict[str, HeldKey] = {}
        """What was presented and opened: of each key one form, so that there are no more of them than keys."""
        self.labels = _labels(policy, self._keys.values())

    def __iter__(self) -> Iterator[HeldKey]:
        return iter(self._held.values())

    @cached_property
    def budgets(self) -> tuple[BudgetAmounts, ...]:
        """What keys have as budgets of their own."""
        return tuple(key.budget for key in self._keys.values() if key.budget is not None)

    def opened(self, presented: str) -> HeldKey | None:
        """The key that was presented, or None.

        One that opened before is looked up by what was presented, whose hash as a text nobody outside can foresee.
        """
        held = self._opened.get(presented)
        if held is None and (found := opens(self._keys, presented)) is not None:
            held = self._opened[presented] = self._held[found.id]
        return held

    def still(self, key: Key) -> HeldKey | None:
        """A key that opened a moment ago, as it is now; None where it no longer does."""
        found = self._held.get(key.id)
        return found if found is not None and (found.key is key or found.key.hash == key.hash) else None


def _held(policy: Policy, key: Key) -> HeldKey:
    workload = policy.workloads[key.workload]
    labels = {**workload.labels, **key.labels}
    lenient = frozenset(policy.serving.lenient if key.lenient is None else key.lenient)
    presented = None
    if policy.budgets.asks_key or key.within or key.budget or key.models:
        models = None if key.models is None else frozenset(key.models)
        presented = Presented(key.id, key.within, key.budget, models)
    return HeldKey(key, key.id, workload, workload.id, labels, lenient, presented, KeySettings.of(key, policy.serving))


def _labels(policy: Policy, keys: Iterable[Key]) -> Mapping[str, frozenset[str]]:
    """Every label that a request may state, with its values."""
    found = {name: set(values) for name, values in policy.labels.items()}
    for key in keys:
        for name, value in key.labels.items():
            found.setdefault(name, set()).add(value)
    return {name: frozenset(values) for name, values in found.items()}
