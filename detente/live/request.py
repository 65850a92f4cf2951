"""A request: one live call, as far as clauses and plans are concerned.

Owns: whose call it is (workload and labels, narrowed), which model it asks for and what it needs. Not here: its body,
and where it goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from detente.errors import Flaw
from detente.live.deployment import Feature, Operation
from detente.live.presented import Presented
from detente.values.facts import Facts
from detente.values.likeness import did_you_mean


class Request(NamedTuple):
    """One call. Hashable: the decision of which deployments may serve it is remembered by it.

    ``model`` is a model's name, or the workload's own id: any model that it runs on. ``pinned`` names the only
    deployment that holds the state which the call builds on. ``wishes`` are needs that may be left out: who can do them
    is asked first.
    """

    workload: str
    kind: str
    labels: tuple[tuple[str, str], ...]
    model: str
    operation: Operation = "chat"
    needs: frozenset[Feature] = frozenset()
    pinned: str | None = None
    wishes: frozenset[Feature] = frozenset()
    presented: Presented | None = None
    """What turns on the key that was presented, where anything does."""

    @property
    def facts(self) -> Facts:
        """What a scope may ask of it."""
        return {**dict(self.labels), "workload": self.workload, "kind": self.kind}


class LabelError(ValueError):
    """A request's labels contradict what its key stands for, or are labels that nobody knows."""


def read_labels(text: str) -> tuple[dict[str, str], list[Flaw]]:
    """``data=personal, case=4711`` as labels, and all that is wrong: of a name stated twice, the first stays."""
    found: dict[str, str] = {}
    flaws: list[Flaw] = []
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not value:
            flaws.append(Flaw(f"`{part.strip()[:80]}` is not a label", "write for example `data=personal`"))
        elif found.setdefault(name, value) != value:
            flaws.append(Flaw(f"`{name}` is stated twice, as `{found[name]}` and as `{value}`", "keep one"))
    return found, flaws


def labels_of(text: str) -> dict[str, str]:
    """The same, where all must be right. Raises LabelError with the first that is not."""
    found, flaws = read_labels(text)
    if flaws:
        raise LabelError(f"{flaws[0].what}; {flaws[0].remedy}")
    return found


def narrowed(held: Mapping[str, str], stated: Mapping[str, str], known: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """The labels of a workload and its key with those that a request states: it may add, and never change.

    Parameters
    ----------
    held
        What the workload and the key say.
    stated
        What the request says of itself.
    known
        Every label that the case's workloads, keys and clauses use, with its values.

    Raises
    ------
    LabelError
        Where a request would change a label, or states one that the case does not use (§2).
    """
    for name, value in stated.items():
        if name in held and held[name] != value:
            raise LabelError(
                f"the key stands for `{name}: {held[name]}`, and the request says `{name}: {value}`; a request may "
                "narrow its labels, and not change them"
            )
        if name not in known:
            raise LabelError(f"no workload or clause uses a label `{name}`; {did_you_mean(name, known)}")
        if value not in known[name]:
            raise LabelError(f"`{value}` is not a value of `{name}`; {did_you_mean(value, known[name])}")
    return {**held, **stated}
