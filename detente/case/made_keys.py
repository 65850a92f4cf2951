"""Whether a key that is made at run time fits a case, as one that stands in it must.

Owns: what is wrong with such a key, by its keys' paths. Not here: keys of a case (``checks/wiring``), the form of a key
(``live/key``), and where such keys are kept (``ledger/store/key_store``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from detente.case.case import Case
from detente.demand.workload import AnyWorkload, Training
from detente.errors import Flaw
from detente.live.key import Key
from detente.values.facts import RESERVED
from detente.values.held import held_in
from detente.values.likeness import did_you_mean
from detente.values.money import Money


def unfit(case: Case, key: Key) -> Iterator[Flaw]:
    """Everything about a key that does not fit."""
    workloads = {w.id: w for w in case.workloads if not isinstance(w, Training)}
    if key.workload not in workloads:
        what = f"the case has no workload `{key.workload}` that can be called"
        yield Flaw(what, did_you_mean(key.workload, workloads), ("workload",))
    else:
        yield from _of_workload(case, key, workloads[key.workload])
    if any(own.id == key.id for own in case.declared.keys):
        yield Flaw(f"the case has a key `{key.id}` of its own", "choose another name", ("id",))
    budgets = [budget.id for budget in case.declared.budgets]
    if key.within is not None and key.within not in budgets:
        yield Flaw(f"the case has no budget `{key.within}`", did_you_mean(key.within, budgets), ("within",))
    for flaw in key.budget.incomplete() if key.budget is not None else ():
        yield replace(flaw, path=("budget", *flaw.path))
    for _, money in held_in(key, Money):
        if money.currency != case.currency:
            what = f"the amount is in {money.currency}, and the case is in {case.currency}"
            yield Flaw(what, "one currency a case: convert it", ("budget",))


def _of_workload(case: Case, key: Key, workload: AnyWorkload) -> Iterator[Flaw]:
    known = {name for each in case.workloads for name in each.labels} - RESERVED
    known |= {name for budget in case.declared.budgets for name in budget.labels}
    for name, value in key.labels.items():
        if workload.labels.get(name, value) != value:
            what = f"it says `{name}: {value}`, and `{workload.id}` says `{name}: {workload.labels[name]}`"
            yield Flaw(what, "a key may add labels, and not change them", ("labels", name))
        elif name not in known:
            what = f"no workload and no budget of the case has a label `{name}`"
            yield Flaw(what, did_you_mean(name, known), ("labels", name))
    for model in key.models or ():
        if model not in workload.runs_on.models:
            what = f"`{workload.id}` does not run on {model}"
            yield Flaw(what, did_you_mean(model, workload.runs_on.models), ("models",))
