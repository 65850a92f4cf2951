"""Whether budgets fit the rest of a case: what they cover, what they are within, and the keys that count towards them.

Owns: every check of a budget that needs more than the budget. Not here: the form of one (``live/budget``).

A label that no workload states is no mistake here: keys may state it, also those that are made while the gateway runs.
But where a scope asks for what stands beside it, and names one that there is, that is meant, and no label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from detente.case.entries import Entries, Entry
from detente.contract.clause_text import SELF
from detente.contract.reach.scope import Scope
from detente.live.budget import KEY, UseBudget
from detente.values.facts import DEMAND_KEYS, OFFER_KEYS


def check(case: Entries) -> None:
    """Note every mistake."""
    for entry in case.read("budgets"):
        budget: UseBudget = entry.value
        for flaw in budget.incomplete():
            case.note(entry, flaw)
        for at, scope in _scopes(budget):
            _scope(case, entry, at, scope)
            _beside(case, entry, at, scope)
        if budget.agreement is not None:
            _agreement(case, entry, budget.agreement)
        if budget.within is not None:
            case.knows(entry, ("within",), "budgets", budget.within)
        if budget.per in OFFER_KEYS or budget.per == "kind":
            remedy = "write `key`, `workload` or a label; for each provider, state a budget of its own"
            case.wrong(entry, ("per",), f"`{budget.per}` is nothing that callers have", remedy)
        _apart(case, entry, budget)
    _circle(case)
    for entry in case.read("keys"):
        if entry.value.within is not None:
            case.knows(entry, ("within",), "budgets", entry.value.within)
        for flaw in entry.value.budget.incomplete() if entry.value.budget is not None else ():
            case.note(entry, flaw, ("budget",))


def _scopes(budget: UseBudget) -> Iterator[tuple[Sequence[str | int], Scope]]:
    if budget.of is not None:
        yield ("of",), budget.of
    for at, scope in enumerate(budget.except_):
        yield ("except", at), scope


def _scope(case: Entries, entry: Entry, at: Sequence[str | int], scope: Scope) -> None:
    """Facts of workloads and offers that nothing in the case has."""
    for key, wanted in scope.wanted.items():
        if key in (*DEMAND_KEYS, *OFFER_KEYS) and not case.hides(key):
            for index, what, remedy in case.nobody_has(key, wanted):
                case.wrong(entry, (*at, key, index), what, remedy)


def _beside(case: Entries, entry: Entry, at: Sequence[str | int], scope: Scope) -> None:
    """A key of the budget itself in one of its scopes: as a label nobody states it, so that any call would count."""
    for key, section in (("agreement", "agreements"), ("within", "budgets")):
        named = [name for name in scope.wanted.get(key, ()) if name in case.names(section)]
        if not named or key in case.values_of or any(key in each.value.labels for each in case.read("keys")):
            continue
        what = f"`{key}: {named[0]}` is no label that anything states, and `{named[0]}` is one of the {section}"
        remedy = f"write `{key}: {named[0]}` beside `of:`, and not in it"
        if at[0] == "except":
            of = case.by_id("agreements").get(named[0]) if key == "agreement" else None
            remedy = "name in `except:` what calls have themselves: labels, `workload`, `key`, `provider`, `model`, …"
            if of is not None and of.with_ != SELF:
                remedy = f"write `provider: {of.with_}`, whose calls these are"
        elif named[1:]:
            remedy += "; for several, a budget for each"
        case.wrong(entry, (*at, key), what, remedy, key=True)


def _agreement(case: Entries, entry: Entry, name: str) -> None:
    if not case.knows(entry, ("agreement",), "agreements", name):
        return
    found = case.by_id("agreements").get(name)
    if found is not None and found.with_ == SELF:
        what = f"`{name}` is a policy, and nothing runs at ourselves"
        case.wrong(entry, ("agreement",), what, "name an agreement with a provider, or take it out")


def _apart(case: Entries, entry: Entry, budget: UseBudget) -> None:
    """A label that is called as what only budgets ask for: they could be taken for each other."""
    asks = budget.per == KEY or any(KEY in scope.wanted for _, scope in _scopes(budget))
    if asks and KEY in case.values_of:
        what = f"`{KEY}` is a label of workloads, and `{budget.id}` asks for the keys that callers present"
        case.wrong(entry, ("per",) if budget.per == KEY else ("of",), what, "call the label otherwise")


def _circle(case: Entries) -> None:
    """Budgets that are within themselves."""
    within = {name: budget.within for name, budget in case.by_id("budgets").items()}
    for entry in case.read("budgets"):
        seen, name = [entry.value.id], entry.value.within
        while name in within and name not in seen:
            seen.append(name)
            name = within[name]
        if name == entry.value.id:
            what = f"is in a circle of budgets: {' in '.join(f'`{each}`' for each in (*seen, name))}"
            case.wrong(entry, ("within",), what, "leave one `within` out")
            return
