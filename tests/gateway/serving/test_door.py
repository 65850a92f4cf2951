"""The door: keys of the case and of run time let in, change while callers wait, and are told apart from strangers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from detente.gateway.deciding.keyring import Keyring
from detente.gateway.serving.beside.key_watch import KeysChanged, KeyWatch
from detente.ledger.store.key_store import KeyStore
from detente.ledger.store.opening import open_store
from detente.ledger.store.store import Store
from detente.live.key import Key, hash_of, make
from tests.builders import Data
from tests.gateway.caller import HELLO, KEY, request
from tests.gateway.deciding.test_policy import policy
from tests.gateway.http.peer import run
from tests.gateway.script import SERVED, play
from tests.gateway.stage import NOON, Stage, one
from tests.ledger.ledger_files import copied, moved_away, put_back
from tests.ledger.served import call, ingested, journal_of, served_case

CASE = served_case()
MADE = make("made", bytes(31) + b"2")
WRITTEN: Data = {"id": "made", "workload": "chat", "hash": hash_of(MADE)}


def key(**more: object) -> Key:
    return Key.model_validate(WRITTEN | more)


def watching(url: str, changed: KeysChanged, say: Callable[[str], None]) -> KeyWatch:
    watch = KeyWatch(url, changed, say)
    watch.follow(CASE)
    return watch


def test_keys_of_run_time_open_until_they_are_revoked(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south)) as stage:

            async def status(presented: str) -> int:
                return (await stage.ask(HELLO, key=presented)).status

            assert await status(MADE) == 401
            assert stage.app.change_keys([key()]) == {}
            assert [await status(MADE), await status(KEY)] == [200, 200]
            (record,) = (record for record in stage.records if record.key == "made")
            assert record.status == 200
            stage.app.change_keys([key(hash=hash_of("another"))])
            assert await status(MADE) == 401
            stage.app.change_keys([key(expires="2026-03-10T12:01Z")])
            assert await status(MADE) == 200
            stage.clock.at = NOON + timedelta(minutes=1)
            assert await status(MADE) == 401
            strangers = stage.app.change_keys([key(workload="gone"), key(id="other")])
            assert strangers == {"made": "the case has no workload `gone` that can be called"}

    run(main())


def test_a_key_that_is_revoked_while_its_request_comes_in_opens_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south)) as stage:
            stage.app.change_keys([key()])
            caller = await stage.caller()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\nauthorization: Bearer {MADE}\r\n"
            caller.send(f"{head}content-length: 2\r\nexpect: 100-continue\r\n\r\n".encode())
            await caller.reader.readuntil(b"\r\n\r\n")
            stage.app.change_keys([])
            caller.send(b"{}")
            assert (await caller.answer()).status == 401
            await caller.leave()

    run(main())


def test_nobody_is_a_stranger_while_keys_cannot_be_read(tmp_path: Path) -> None:
    """A database that is away at the start makes no 401 of it, which callers take for final."""

    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south)) as stage:
            stage.app.door.made = None
            answer = await stage.ask(HELLO, key=MADE)
            assert answer.status == 503
            assert "cannot be read now" in answer.json["error"]["message"]
            assert (await stage.ask(HELLO)).status == 200, "keys of the case need no ledger"
            caller = await stage.caller()
            caller.send(request(key=None))
            assert (await caller.answer()).status == 401
            await caller.leave()

    run(main())


def test_a_watch_sees_what_changed_and_tells_of_keys_that_do_not_fit(tmp_path: Path) -> None:
    url, said, seen = str(tmp_path / "ledger.db"), list[str](), list[list[str]]()

    def changed(keys: object) -> dict[str, str]:
        names = [each.id for each in keys]  # type: ignore[attr-defined]
        seen.append(names)
        return {"made": "the case has no budget `x`"} if "made" in names else {}

    async def main() -> None:
        open_store(url, make=True).close()
        watch = watching(url, changed, said.append)
        await watch.look()
        await watch.look()
        with open_store(url) as store:
            KeyStore(store).create(WRITTEN, NOON)
            for _ in range(2):
                await watch.look()
            KeyStore(store).change("made", {"labels": {}}, NOON)
            await watch.look()
            KeyStore(store).revoke("made", NOON)
            await watch.look()
        watch.close()

    run(main())
    assert seen == [[], ["made"], ["made"], []]
    assert said == ["key `made` opens nothing: the case has no budget `x`; see `detente keys change`"]


def test_a_watch_without_a_ledger_says_so_once_and_goes_on(tmp_path: Path) -> None:
    url, said, seen = str(tmp_path / "ledger.db"), list[str](), list[object]()
    (tmp_path / "ledger.db").mkdir()

    def changed(keys: object) -> dict[str, str]:
        seen.append(keys)
        return {}

    async def main() -> None:
        watch = watching(url, changed, said.append)
        for _ in range(2):
            await watch.look()
        (tmp_path / "ledger.db").rmdir()
        await watch.look()
        assert not (tmp_path / "ledger.db").exists(), "it makes none"
        open_store(url, make=True).close()
        await watch.look()
        watch.close()

    run(main())
    assert said[0].startswith("keys made at run time cannot be read: ")
    assert said[1:] == ["keys made at run time are read again"]
    assert seen == [()]


@pytest.mark.parametrize("backup_knows", [True, False], ids=["a copy", "a backup without the last change"])
def test_a_key_that_is_revoked_in_a_ledger_that_was_put_back_opens_nothing(tmp_path: Path, backup_knows: bool) -> None:
    """The watch asked the file that was gone for good: the key opened until the worker ended.

    The backup is at version 1, or at 2 as the ledger; revoked in it, the key's is 2, which the watch had seen, or 3.
    """
    ledger, said, seen = tmp_path / "ledger.db", list[str](), list[list[str]]()

    def changed(keys: Iterable[Key]) -> dict[str, str]:
        seen.append([each.id for each in keys])
        return {}

    async def main() -> None:
        watch = watching(str(ledger), changed, said.append)
        with open_store(str(ledger), make=True) as store:
            keys = KeyStore(store)
            keys.create(WRITTEN, NOON)
            backup = copied(ledger)
            keys.change("made", {"labels": {"team": "sales"}}, NOON)
            if backup_knows:
                backup.unlink()
                backup = copied(ledger)
            await watch.look()
        moved_away(ledger)
        await watch.look()
        put_back(backup, ledger)
        with open_store(str(ledger)) as store:
            KeyStore(store).revoke("made", NOON)
        await watch.look()
        watch.close()

    run(main())
    assert seen == [["made"], []]
    assert [line.partition(":")[0] for line in said] == [
        "keys made at run time cannot be read",
        "keys made at run time are read again",
    ]


def test_a_key_that_cannot_be_read_is_told_once_and_all_others_are_taken(tmp_path: Path) -> None:
    url, said, seen = str(tmp_path / "ledger.db"), list[str](), list[list[str]]()

    def changed(keys: Iterable[Key]) -> dict[str, str]:
        seen.append([each.id for each in keys])
        return {}

    async def main() -> None:
        with open_store(url, make=True) as store:
            keys, watch = KeyStore(store), watching(url, changed, said.append)
            for name in ("a", "made", "z"):
                keys.create(WRITTEN | {"id": name}, NOON)
            await watch.look()
            newer(store, "made")
            await watch.look()
            keys.revoke("z", NOON)
            for _ in range(2):
                await watch.look()
            newer(store, "a")
            await watch.look()
            keys.revoke("made", NOON)
            await watch.look()
        watch.close()

    run(main())
    assert seen == [["a", "made", "z"], ["a", "z"], ["a"], [], []]
    assert said == [
        f"key `{name}` opens nothing: it cannot be read by this program; revoke it, and make a new one"
        for name in ("made", "a")
    ]


def newer(store: Store, name: str) -> None:
    """A newer program changes a key, and writes what this one does not know."""
    with store.writing() as session:
        version = session.number("SELECT MAX(version) FROM keys") + 1
        session.run("UPDATE keys SET body = ?, version = ? WHERE id = ?", ('{"colour": 1}', version, name))


def test_keys_of_another_cases_ledger_that_takes_the_place_open_nothing(tmp_path: Path) -> None:
    """A gateway does not begin with such a ledger; put there later, its keys opened workloads of the same names."""
    ledger, other, said, seen = tmp_path / "ledger.db", tmp_path / "other.db", list[str](), list[object]()

    def changed(keys: object) -> dict[str, str]:
        seen.append(keys)
        return {}

    async def main() -> None:
        open_store(str(ledger), make=True).close()
        with open_store(str(other), make=True) as store:
            ingested(store, served_case(name="another"), journal_of(tmp_path / "j", [call(1)]))
            KeyStore(store).create(WRITTEN, NOON)
        watch = watching(str(ledger), changed, said.append)
        await watch.look()
        moved_away(ledger)
        for _ in range(2):
            await watch.look()
        put_back(other, ledger)
        await watch.look()
        watch.follow(served_case(name="another"))
        await watch.look()
        watch.close()

    run(main())
    assert seen == [(), (key(),)]
    assert len(said) == 2


def test_keys_that_could_not_be_taken_over_are_read_again(tmp_path: Path) -> None:
    url, tries = str(tmp_path / "ledger.db"), list[object]()

    def changed(keys: object) -> dict[str, str]:
        tries.append(keys)
        if len(tries) == 1:
            raise ValueError("a defect")
        return {}

    async def main() -> None:
        with open_store(url, make=True) as store:
            KeyStore(store).create(WRITTEN, NOON)
        watch = watching(url, changed, print)
        with pytest.raises(ValueError, match="a defect"):
            await watch.look()
        for _ in range(2):
            await watch.look()
        watch.close()

    run(main())
    assert tries == [(key(),)] * 2


def test_calls_of_keys_are_decided_as_one_unless_something_turns_on_the_key() -> None:
    plain = policy()
    assert [held.presented for held in Keyring(plain, [key()])] == [None] * len(list(Keyring(plain, [key()])))
    (held,) = (held for held in Keyring(plain, [key(models=["m"])]) if held.key.id == "made")
    assert held.presented is not None
    assert held.presented.models == frozenset({"m"})
    budget: Data = {"id": "each", "of": {}, "per": "key", "every": "day", "requests": 1}
    assert all(held.presented is not None for held in Keyring(policy(budgets=[budget]), [key()]))


def test_of_two_keys_of_a_name_the_case_s_opens() -> None:
    given = policy(keys=[{"id": "made", "workload": "chat", "hash": hash_of(KEY)}])
    ring = Keyring(given, [key()])
    assert ring.strangers == {"made": "the case has a key `made` of its own"}
    assert ring.opened(MADE) is None


def test_labels_that_only_keys_of_run_time_have_may_be_stated() -> None:
    budget: Data = {"id": "each", "of": {}, "per": "group", "every": "day", "requests": 1}
    ring = Keyring(policy(budgets=[budget]), [key(labels={"group": "z"})])
    assert ring.labels["group"] == {"z"}
    assert Keyring(policy(budgets=[budget])).labels["group"] == frozenset()
