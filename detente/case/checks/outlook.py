"""Whether choices and uncertain events fit the rest of a case: the names that they use, and their days.

Owns: these checks. Not here: what a choice or an event says by itself (``choice``), and whether the scenarios of one
outcome go together (``outcomes.choices.leaves``: they are applied when they are compared).
"""

from __future__ import annotations

import contextlib
from datetime import date

from detente.case.choice import OpenChoice
from detente.case.entries import Entries, Entry
from detente.case.risk import AnyRisk
from detente.errors import FlawError
from detente.values.period import day


def check(case: Entries) -> None:
    """Note every mistake."""
    for entry in case.read("choices"):
        _scenario(case, entry, ("scenario",), entry.value.scenario)
    for entry in case.sections["uncertain"]:
        if entry.value is None:
            _unread(case, entry)
            continue
        for flaw in entry.value.flaws():
            case.note(entry, flaw)
        for index, choice in enumerate(entry.value.applies_to):
            case.knows(entry, ("applies-to", index), "choices", choice)
        for name, outcome in entry.value.outcomes.items():
            _scenario(case, entry, ("outcomes", name, "scenario"), outcome.scenario)
        _known(case, entry, entry.value.known)
        if not case.sections["choices"] and "choices" not in case.unread:
            case.wrong(entry, ("id",), "there is nothing to choose between", "add one or more under `choices:`")
    for entry in case.read("risks"):
        _covers(case, entry, entry.value)
    if case.whole("choices", "uncertain"):
        _same(case)


def _scenario(case: Entries, entry: Entry, path: tuple[str, ...], name: str | None) -> None:
    if name is not None:
        case.knows(entry, path, "scenarios", name)


def _covers(case: Entries, entry: Entry, risk: AnyRisk) -> None:
    """Whether a risk is of anything that the case has."""
    if risk.kind == "demand":
        whole, some = case.sure("workloads"), any(risk.of.covers(w.facts, None) for w in case.workloads)
    else:
        whole, some = (
            case.sure("offers", "catalogs", "providers"),
            any(risk.of.covers(None, facts) for facts in case.facts.values()),
        )
    if whole and not some:
        what = f"nothing in the case is `{risk.of}`"
        case.wrong(entry, ("of",), what, "select workloads by labels, or offers by provider, region or offer")


def _unread(case: Entries, entry: Entry) -> None:
    """An event of which a part could not be read: that hides no mistake in its day, nor in names that it uses."""
    raw = entry.raw if isinstance(entry.raw, dict) else {}
    with contextlib.suppress(FlawError):
        _known(case, entry, day(raw.get("known")))
    choices = raw.get("applies-to")
    for index, choice in enumerate(choices if isinstance(choices, list) else ()):
        if isinstance(choice, str):
            case.knows(entry, ("applies-to", index), "choices", choice)
    outcomes = raw.get("outcomes")
    for name, outcome in outcomes.items() if isinstance(outcomes, dict) else ():
        scenario = outcome.get("scenario") if isinstance(outcome, dict) else None
        if isinstance(scenario, str):
            _scenario(case, entry, ("outcomes", name, "scenario"), scenario)


def _known(case: Entries, entry: Entry, known: date) -> None:
    horizon = case.horizon
    if horizon is not None and not horizon.start <= known < horizon.end:
        what = f"it is known on {known}, outside the horizon ({horizon.start} to {horizon.end})"
        case.wrong(entry, ("known",), what, "move the day, or plan another horizon")


def _same(case: Entries) -> None:
    """Two choices that lead to one scenario, with the same events after them."""
    events = case.values("uncertain")
    seen: dict[tuple[str | None, tuple[str, ...]], OpenChoice] = {}
    for entry in case.read("choices"):
        choice: OpenChoice = entry.value
        leads = choice.scenario, tuple(event.id for event in events if event.under(choice.id))
        if leads in seen:
            to = f"the scenario `{choice.scenario}`" if choice.scenario else "the case as it is"
            what = f"`{choice.id}` is the same choice as `{seen[leads].id}`: both lead to {to}"
            case.wrong(entry, ("scenario",) if choice.scenario else ("id",), what, "leave one of them out")
        seen.setdefault(leads, choice)
