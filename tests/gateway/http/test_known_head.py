"""A head that came before is known again by its bytes; any other is read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from detente.gateway.http.exchange import HeaderLines, RequestHead
from detente.gateway.http.known_head import MAX_HEADS, KnownHead, known_head
from detente.gateway.http.reader import NoRequestError, Reader
from detente.live.key import Key, hash_of, make
from tests.gateway.caller import HELLO, request
from tests.gateway.http.limited import LIMIT, small
from tests.gateway.http.peer import run
from tests.gateway.script import SERVED, play
from tests.gateway.stage import NOON, Stage

RAW = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nb: c\r\n\r\n"


def known() -> KnownHead:
    found = known_head(RAW + b"hello", 3, b"5")
    assert found is not None
    return found


def test_the_same_head_with_any_length_is_known_again() -> None:
    other = RAW.replace(b"5", b"12345")
    assert known().starts(RAW + b"hello") == (5, len(RAW))
    assert known().starts(other) == (12345, len(other))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"POST /a", b"POST /b"),
        (b"b: c", b"b: d"),
        (b"b: c", b"B: c"),
        (b": 5\r", b": +5\r"),
        (b": 5\r", b": 5 \r"),
        (b": 5\r", b": \r"),
        (b": 5\r", b": 5"),
        (b": 5\r", b": 1234567890\r"),
        (b"\r\n\r\n", b"\r\nc: d\r\n\r\n"),
        (b"\r\n\r\n", b"\r\n"),
    ],
)
def test_another_head_is_not_known(old: bytes, new: bytes) -> None:
    assert known().starts(RAW.replace(old, new)) is None


@pytest.mark.parametrize(
    ("raw", "length"),
    [
        (RAW[:-1], b"5"),
        (RAW.replace(b"Host: a\r\n", b"Host: a\n"), b"5"),
        (RAW.replace(b"b: c", b"b: c\r\n d"), b"5"),
        (RAW, b""),
        (RAW, b"6"),
        (RAW.replace(b": 5", b":\t5"), b"5"),
    ],
    ids=["cut", "bare line feed", "folded", "no length", "another length", "tab"],
)
def test_a_head_that_could_be_taken_otherwise_is_read_each_time(raw: bytes, length: bytes) -> None:
    assert known_head(raw, 3, length) is None


MADE = make("made", bytes(31) + b"2")


def made(**more: object) -> Key:
    return Key.model_validate({"id": "made", "workload": "chat", "hash": hash_of(MADE)} | more)


def test_the_body_of_a_key_that_expired_is_not_read_behind_a_head_that_came_before(tmp_path: Path) -> None:
    """It was, up to the largest body that the case allows, before the 401."""

    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            stage.app.change_keys([made(expires=(NOON + timedelta(hours=1)).isoformat())])
            caller = await stage.caller()
            for _ in range(2):
                caller.send(request(key=MADE))
                assert (await caller.answer()).status == 200
            stage.clock.at = NOON + timedelta(hours=1)
            caller.send(request(key=MADE).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
            assert (await caller.answer()).status == 401
            await caller.leave()

    run(main())


def test_a_head_that_is_known_again_is_refused_for_what_changed_since(tmp_path: Path) -> None:
    """The key that it presents, which opens no more, and the length of its body."""

    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            stage.app.change_keys([made()])
            caller = await stage.caller()
            for _ in range(2):
                caller.send(request(key=MADE))
                assert (await caller.answer()).status == 200
            stage.app.change_keys([])
            caller.send(request(key=MADE))
            assert (await caller.answer()).status == 401
            await caller.leave()
            caller = await stage.caller()
            for size, status in ((0, 200), (0, 200), (LIMIT, 413)):
                caller.send(request({**HELLO, "user": "a" * size}))
                assert (await caller.answer()).status == status
            await caller.leave()

    run(main())


class Heard:
    """Rules that let in whoever has a key, and what came of it: heads that were read, and bodies."""

    max_body = LIMIT

    def __init__(self) -> None:
        self.epoch, self.opens = object(), True
        self.read = self.waiting = 0
        self.bodies: list[bytes] = []

    def refusal(self, head: RequestHead) -> tuple[int, HeaderLines, bytes] | None:
        self.read += 1
        head.key = made()
        return None if self.opens else (401, b"", b"")

    def expected(self) -> None:
        self.waiting += 1

    def asked(self, head: RequestHead, body: bytes) -> None:
        self.bodies.append(body)


def test_a_head_by_other_rules_is_read_before_its_body() -> None:
    heard = Heard()
    reader = Reader(heard, heard)
    for _ in range(2):
        reader.feed(RAW + b"hello", 0.0)
    assert (heard.read, heard.bodies) == (1, [b"hello"] * 2)
    heard.epoch, heard.opens = object(), False
    with pytest.raises(NoRequestError):
        reader.feed(RAW, 0.0)


def test_whoever_waits_to_be_told_to_send_a_body_is_told_each_time() -> None:
    heard = Heard()
    reader = Reader(heard, heard)
    head = RAW.replace(b"b: c", b"Expect: 100-continue")
    for times in (1, 2):
        reader.feed(head, 0.0)
        assert heard.waiting == times
        reader.feed(b"hello", 0.0)
    assert heard.bodies == [b"hello"] * 2


def test_heads_are_known_again_for_as_long_as_some_are() -> None:
    """Each comes twice in a row and is read once; behind `MAX_HEADS` that each came once, none is known again."""
    heard = Heard()
    reader = Reader(heard, heard)
    heads = [RAW.replace(b"b: c", b"b: %d" % number) for number in range(MAX_HEADS + 2)]
    for head in heads:
        reader.feed(head + b"hello", 0.0)
        reader.feed(head + b"hello", 0.0)
    assert (heard.read, len(heard.bodies)) == (len(heads), 2 * len(heads))
    for head in heads:
        reader.feed(head + b"hello", 0.0)
    reader.feed(heads[-1] + b"hello", 0.0)
    assert heard.read == 2 * len(heads) + 1
