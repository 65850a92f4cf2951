"""``detente explain --request``: where a live call goes, by the same rules as live traffic.

Owns: what is asked of a call, and the exit code. Not here: the decision (``gateway/deciding/decision``), and its words
(``report/live/decision``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from detente.cli.command import console

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.demand.workload import AnyWorkload
    from detente.gateway.deciding.keyring import HeldKey, Keyring
    from detente.gateway.deciding.policy import Policy
    from detente.gateway.deciding.routing_decision import RoutingDecision
    from detente.gateway.deciding.source import PolicySource
    from detente.gateway.deciding.standings import Standings
    from detente.gateway.surfaces.surface import Asked

CHAT = "/v1/chat/completions"


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call as ``explain`` is told of it; ``key`` is the name of the one that is presented."""

    body: bytes
    path: str
    at: datetime
    workload: str | None
    labels: tuple[str, ...]
    key: str | None
    ledger: str | None


def call_asked(call: LiveCall, source: PolicySource, *, as_json: bool) -> int:
    """Show where a call goes, with every deployment well and idle. Exit code 1 where nobody may serve it.

    Raises ClickException where the call is no call of this case, CaseError, PlanError, LedgerError.
    """
    from detente.gateway.deciding.decision import Rejection
    from detente.live.request import LabelError
    from detente.report.live.decision import decision_json, decision_view, served

    try:
        decision, asked = _decided(call, source.read())
    except LabelError as error:
        raise click.ClickException(f"--label: {error}") from None
    except Rejection as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(decision_json(decision, asked, call.at), indent=1))
    else:
        decision_view(decision, asked, call.at, console())
    return 0 if served(decision, asked) else 1


def _decided(call: LiveCall, policy: Policy) -> tuple[RoutingDecision, Asked]:
    """The decision, and what the call asks for. Raises LabelError, Rejection."""
    from detente.gateway.deciding.decision import decide, read
    from detente.gateway.deciding.keyring import Keyring
    from detente.gateway.deciding.load import Load
    from detente.gateway.deciding.moment import Moment
    from detente.gateway.surfaces import SURFACES
    from detente.gateway.surfaces.file_addresses import as_if_fetched
    from detente.ledger.store.key_store import NO_KEYS, UNREADABLE, made_in
    from detente.live.request import labels_of, narrowed
    from detente.values.likeness import did_you_mean

    made = NO_KEYS if call.ledger is None else made_in(call.ledger)
    if call.key in made.unread:
        raise click.ClickException(f"--key {call.key}: it {UNREADABLE}")
    keys = Keyring(policy, made.keys)
    held = None if call.key is None else _held(keys, call.key, call.at)
    workload = _workload(call, policy, held)
    surface = SURFACES.get(call.path.encode())
    if surface is None:
        raise click.ClickException(f"--path: {did_you_mean(call.path, [p.decode() for p in SURFACES])}")
    stated = labels_of(",".join(call.labels)) if call.labels else {}
    own, presented = (workload.labels, None) if held is None else (held.labels, held.presented)
    labels = narrowed(own, stated, keys.labels)
    lenient = frozenset(policy.serving.lenient) if held is None else held.lenient
    asked = read(surface, call.body, workload.id, lenient, serving=partial(policy.ids_of, workload))
    moment, load = Moment(policy, call.at, _by(call.ledger, policy.case, call.at)), Load()
    load.limits(policy, call.at)
    load.enter(moment.period)
    decision = decide(moment, load, surface, asked, workload, labels, 0.0, presented)
    return decision, as_if_fetched(asked, policy.serving.fetch)


def _workload(call: LiveCall, policy: Policy, held: HeldKey | None) -> AnyWorkload:
    """Whose call it is: its key's, or who it says. Raises ClickException."""
    from detente.values.likeness import did_you_mean

    name = call.workload
    if held is not None:
        if name not in (None, held.key.workload):
            what = f"the key `{held.key.id}` stands for `{held.key.workload}`; leave it out"
            raise click.ClickException(f"--workload: {what}")
        name = held.key.workload
    workload = policy.workloads.get(name or "")
    if workload is None:
        hint = did_you_mean(name or "", policy.workloads)
        raise click.ClickException(f"--workload: there is no `{name}`; {hint}" if name else f"say --workload; {hint}")
    return workload


def _by(ledger: str | None, case: Case, at: datetime) -> Standings:
    """Where clauses and budgets of a case stand by a ledger. Raises LedgerError."""
    from detente.gateway.deciding.standings import Standings

    if ledger is None:
        return Standings()
    from detente.gateway.replaying.budget_count import BudgetCount
    from detente.gateway.replaying.standing_totals import TotalStandings
    from detente.ledger.books.books import Books
    from detente.ledger.books.stands import paced_since
    from detente.ledger.caps.budget_stands import budgets_stand
    from detente.ledger.store.opening import open_store

    with open_store(ledger) as store:
        books = Books(store, case)
        with store.reading() as session:
            books.must_match(session)
            totals = books.as_of(session, at, paced_since=paced_since(at))  # of what is to come, too
        found = TotalStandings(case.signed, totals, BudgetCount.of(budgets_stand(store, case, at)))
    found.look(at)
    found.look_ahead(at)
    return found


def _held(keys: Keyring, key: str, at: datetime) -> HeldKey:
    """The key of a name. Raises ClickException where it opens nothing at a moment."""
    from detente.values.likeness import did_you_mean

    found = {held.key.id: held for held in keys}
    if key not in found:
        why = keys.strangers.get(key) or f"there is no such key; {did_you_mean(key, found, 'the case has none')}"
        raise click.ClickException(f"--key {key}: {why}")
    expires = found[key].key.expires
    if expires is not None and expires <= at:
        raise click.ClickException(f"--key {key}: it expired on {expires:%Y-%m-%d %H:%M} UTC; make a new one")
    return found[key]
