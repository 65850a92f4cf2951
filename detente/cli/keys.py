"""The commands of keys: make one for a case, or make, list, change and revoke those of run time.

Owns: their arguments, exit codes, and which stream gets what. Not here: any rule. Heavy imports wait for their command.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detente.cli.command import Command, Subgroup, cli, console
from detente.cli.options import CASE, JSON, LEDGER, GivenPath

if TYPE_CHECKING:
    from detente.case.case import Case
    from detente.errors import Flaw
    from detente.ledger.store.key_store import MadeKey

NEW_KEY = "detente keys new --workload assistant --case examples/enterprise"
CREATE = "detente keys create examples/enterprise --workload assistant --expires 2027-01-01 --ledger ledger.db"
CHANGE = "detente keys change examples/enterprise assistant-3f9a01 --budget 'every: day, money: 5 USD'"
REVOKE = "detente keys revoke examples/enterprise assistant-3f9a01 --ledger ledger.db"
NONE = "none"
"""What takes a value of a key out again."""
OPTIONS = {"labels": "--label", "models": "--model"}
"""The options of a key's members that are called otherwise."""
_What = Callable[..., Any]


@cli.group(cls=Subgroup, example=CREATE)
def keys() -> None:
    """Make the keys that callers of the gateway present, for a case or while it runs; list, change and revoke them."""


@keys.command("new", cls=Command, example=NEW_KEY)
@click.option("--workload", required=True, help="The workload that the key stands for.")
@click.option("--id", "key_id", help="The key's name; default: the workload's, with a few random letters.")
@click.option("--case", type=GivenPath(path_type=Path), help="Check that this case has the workload.")
@JSON
def new(workload: str, key_id: str | None, case: Path | None, as_json: bool) -> int:
    """Print a new key, once, and the lines that make a case accept it: they hold its hash, never the key."""
    from detente.errors import CaseError
    from detente.live import key as making
    from detente.values.likeness import did_you_mean
    from detente.values.noun import ID, MAX_CHARACTERS

    if case is not None:
        from detente.case.case import Case

        found = Case.load(case)
        known = [w.id for w in found.workloads if w.kind != "training"]
        if workload not in known:
            raise CaseError.of_parameter("workload", f"there is no `{workload}`", did_you_mean(workload, known))
    for option, name in (("--workload", workload), ("--id", key_id)):
        if name is not None and not (re.fullmatch(ID, name) and len(name) <= MAX_CHARACTERS):
            what = f"{option}: `{name}` is not a valid name; write lower-case letters, digits, `.`, `_`, `-`"
            raise click.ClickException(f"{what}, at most {MAX_CHARACTERS}")
    key_id = key_id or f"{workload[: MAX_CHARACTERS - 7]}-{os.urandom(3).hex()}"
    secret = making.make(key_id, os.urandom(making.SECRET_BYTES))
    line = {"id": key_id, "workload": workload, "hash": making.hash_of(secret)}
    read = making.Key.model_validate(line)
    if as_json:
        click.echo(json.dumps({"key": secret, "entry": line}))
        return 0
    click.echo("the key, shown only once; store it as a secret:", err=True)
    click.echo(secret)
    click.echo("\nto accept it, add this to the case, in its `keys/` folder or in case.yaml:\n", err=True)
    click.echo(f"keys:\n  - id: {read.id}\n    workload: {read.workload}\n    hash: {read.hash}", err=True)
    return 0


def _stated(what: _What) -> _What:
    """The options of what a key may state."""
    for option in (
        click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label of it; repeatable."),
        click.option("--model", "models", multiple=True, metavar="MODEL", help="A model it may ask for; repeatable."),
        click.option("--expires", metavar="MOMENT", help="When it opens nothing more: 2027-01-01, 2026-12-31T18:00Z."),
        click.option("--within", metavar="BUDGET", help="The budget of CASE that its calls count towards."),
        click.option("--budget", metavar="AMOUNTS", help="Its own: 'every: day, money: 5 USD, requests: 1 k'."),
    ):
        what = option(what)
    return what


@keys.command("create", cls=Command, example=CREATE)
@CASE
@click.option("--workload", required=True, help="The workload that the key stands for.")
@click.option("--id", "key_id", help="The key's name; default: the workload's, with a few random letters.")
@_stated
@LEDGER
@JSON
def create(case: Path, workload: str, key_id: str | None, ledger: str, as_json: bool, **stated: Any) -> int:
    """Make a key that gateways of CASE with this ledger accept within seconds. It is printed once; its hash is kept."""
    from detente.ledger.books.books import must_be_of
    from detente.ledger.store.key_store import KeyStore
    from detente.ledger.store.opening import open_store
    from detente.live import key as making

    name = key_id or f"{workload[:100]}-{os.urandom(3).hex()}"
    secret = making.make(name, os.urandom(making.SECRET_BYTES))
    read, flaws = _written(stated)
    written = {"id": name, "workload": workload, "hash": making.hash_of(secret), **read}
    written = {member: value for member, value in written.items() if value is not None}
    loaded = _case(case)
    now = datetime.now(UTC)
    _must_fit(loaded, written, flaws, now)
    with open_store(ledger, make=True) as store:
        must_be_of(store, loaded)
        made = KeyStore(store).create(written, now)
    _say_new(secret, made, as_json)
    return 0


@keys.command("list", cls=Command, example="detente keys list examples/enterprise --ledger ledger.db")
@CASE
@click.option("--all", "all_of_them", is_flag=True, help="Also those that were revoked or have expired.")
@LEDGER
@JSON
def listed(case: Path, all_of_them: bool, ledger: str, as_json: bool) -> int:
    """Show the keys of CASE and those that were made at run time: what each stands for, and what it may do."""
    from detente.ledger.books.books import must_be_of
    from detente.ledger.store.key_store import UNREADABLE, KeyStore
    from detente.ledger.store.opening import open_store
    from detente.report.live.made_keys import keys_json, keys_view

    loaded, now = _case(case), datetime.now(UTC)
    with open_store(ledger) as store:
        must_be_of(store, loaded)
        found = KeyStore(store).all()
    shown = found._replace(made=tuple(each for each in found.made if all_of_them or each.state(now) == "active"))
    if as_json:
        click.echo(keys_json(loaded.declared.keys, shown, now))
    else:
        keys_view(console(), loaded.declared.display_name, loaded.declared.keys, shown, now)
    for name in found.unread:
        click.echo(f"key `{name}` opens nothing: it {UNREADABLE}", err=True)
    return 0


@keys.command("change", cls=Command, example=CHANGE)
@CASE
@click.argument("key_id", metavar="ID")
@_stated
@click.option("--new-secret", is_flag=True, help="Make a new key of its name; the one before opens nothing any more.")
@LEDGER
@JSON
def change(case: Path, key_id: str, new_secret: bool, ledger: str, as_json: bool, **stated: Any) -> int:
    """Change what a key made at run time states: gateways follow within seconds. `none` takes a value out.

    Labels and models take the place of all that it states.
    """
    from detente.ledger.books.books import must_be_of
    from detente.ledger.store.key_store import KeyStore
    from detente.ledger.store.opening import open_store
    from detente.live import key as making

    (changes, flaws), secret = _written(stated), ""
    if new_secret:
        secret = making.make(key_id, os.urandom(making.SECRET_BYTES))
        changes["hash"] = making.hash_of(secret)
    if not changes and not flaws:
        raise click.ClickException("nothing is changed; say what, for example --expires 2027-01-01, or --new-secret")
    loaded = _case(case)
    with open_store(ledger) as store:
        must_be_of(store, loaded)
        kept = KeyStore(store)
        written = {**kept.one(key_id).written, **changes}
        _must_fit(loaded, {member: value for member, value in written.items() if value is not None}, flaws)
        made = kept.change(key_id, changes, datetime.now(UTC))
    if secret:
        _say_new(secret, made, as_json)
    elif as_json:
        click.echo(json.dumps({"entry": made.written}))
    else:
        click.echo(f"key `{key_id}` was changed; gateways follow within seconds", err=True)
    return 0


@keys.command("revoke", cls=Command, example=REVOKE)
@CASE
@click.argument("key_id", metavar="ID")
@LEDGER
@JSON
def revoke(case: Path, key_id: str, ledger: str, as_json: bool) -> int:
    """Let a key made at run time open nothing any more, for good. Calls under way end as they would."""
    from detente.ledger.books.books import must_be_of
    from detente.ledger.store.key_store import KeyStore
    from detente.ledger.store.opening import open_store

    loaded = _case(case)
    if any(own.id == key_id for own in loaded.declared.keys):
        raise click.ClickException(f"`{key_id}` stands in the case; take it out there, and gateways follow")
    with open_store(ledger) as store:
        must_be_of(store, loaded)
        KeyStore(store).revoke(key_id, now := datetime.now(UTC))
    if as_json:
        click.echo(json.dumps({"id": key_id, "revoked": now.isoformat()}))
    else:
        click.echo(f"key `{key_id}` is revoked; gateways with this ledger refuse it within seconds", err=True)
    return 0


# -- from options to a key ---------------------------------------------------------------------------------------------
def _case(path: Path) -> Case:
    from detente.case.case import Case

    return Case.load(path)


def _written(stated: Mapping[str, Any]) -> tuple[dict[str, Any], list[Flaw]]:
    """What options state of a key, as a case writes it, None for what shall be taken out; and what cannot be read."""
    from detente.live.request import read_labels

    found: dict[str, Any] = {}
    flaws: list[Flaw] = []
    for member, given in stated.items():
        if given is None or given == ():
            continue
        if given in (NONE, (NONE,)):
            found[member] = None
        elif member == "labels":
            found[member], wrong = read_labels(",".join(given))
            flaws += (replace(flaw, path=("labels",)) for flaw in wrong)
        elif member == "budget":
            found[member] = dict(_amounts(given, flaws))
        else:
            found[member] = list(given) if member == "models" else given
    unread = {flaw.path[0] for flaw in flaws}
    return {member: value for member, value in found.items() if value or member not in unread}, flaws


def _amounts(text: str, flaws: list[Flaw]) -> Iterator[tuple[str, str]]:
    """``every: day, money: 5 USD`` part by part."""
    from detente.errors import Flaw

    seen: set[str] = set()
    for part in text.strip().strip("{}").split(","):
        name, colon, value = (piece.strip() for piece in part.partition(":"))
        if colon and name and value and name not in seen:
            seen.add(name)
            yield name, value
        else:
            remedy = "write for example 'every: day, money: 5 USD, requests: 1 k'"
            flaws.append(Flaw(f"`{part.strip()}` is no amount, or is stated twice", remedy, ("budget",)))


def _must_fit(case: Case, written: Mapping[str, Any], unread: Sequence[Flaw], on: datetime | None = None) -> None:
    """Raises CaseError with all that is wrong with a key, by the options that say so: what is ``unread`` of them, too.

    ``on``: when it is made; one that has expired by then would open nothing.
    """
    from detente.case.declared import read_noun
    from detente.case.made_keys import unfit
    from detente.errors import CaseError, Flaw
    from detente.live.key import Key

    flaws: list[Flaw] = []
    found = read_noun(Key, dict(written), flaws.append)
    bad = {str(flaw.path[0]) for flaw in flaws if flaw.path}
    if found is None:  # what can be read of it is held against the case all the same
        rest = {member: value for member, value in written.items() if member not in bad}
        found = read_noun(Key, {"id": "x", "workload": "x"} | rest, lambda flaw: None)
    if found is not None:
        flaws += (flaw for flaw in unfit(case, found) if str(flaw.path[0]) not in bad)
        if on is not None and found.expires is not None and found.expires <= on:
            has_passed = f"{found.expires:%Y-%m-%d %H:%M} UTC has passed: the key would open nothing"
            flaws.append(Flaw(has_passed, "write a later moment, or leave it out", ("expires",)))
    if unread or flaws:
        torn = {flaw.path for flaw in unread}  # of what was read in part, it is no mistake that something is missing
        raise CaseError(list(_mistakes([*unread, *(flaw for flaw in flaws if flaw.path not in torn)])))


def _mistakes(flaws: Iterable[Flaw]) -> Iterable[Any]:
    from detente.errors import Mistake, Where

    for flaw in flaws:
        member, inside = str(flaw.path[0]) if flaw.path else "key", ".".join(map(str, flaw.path[1:]))
        option = OPTIONS.get(member, f"--{member}")
        yield Mistake(Where(f"{option} {inside}".rstrip()), flaw.what, flaw.remedy)


def _say_new(secret: str, made: MadeKey, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"key": secret, "entry": made.written}))
        return
    click.echo("the key, shown only once; store it as a secret:", err=True)
    click.echo(secret)
    click.echo(f"gateways with this ledger accept `{made.key.id}` within seconds", err=True)
