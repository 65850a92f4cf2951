"""Leases: under every interleaving of replicas, of what they say, and of their deaths, no cap is passed.

The model explores every order of: claims sent, lost, or heard late; calls that begin and end; records that are read
into the books; kills, and starts after them; and whoever has read a journal to its end closes those who wrote it and
are dead. It runs the very functions of the program (``given``, ``Slice``, ``LeaseRow.closed``) on a cap of a few units.
No clock is in it, because none is in the protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given as by
from hypothesis import settings
from hypothesis import strategies as st

from detente.ledger.caps.leases import NO_ROW, LeaseClaim, LeaseRow, Slice, given, remaining

BOUNDS: dict[str, Any] = {}
"""Units of the cap; lives of each replica; claims of each life."""


class Replica(NamedTuple):
    """One life of a replica, as it sees itself."""

    alive: bool = True
    granted: int = 0
    used: int = 0
    held: int = 0
    beat: int = 0
    life: int = 0

    @property
    def slice(self) -> Slice:
        return Slice(self.granted, self.used, self.held)

    def having(self, mine: Slice) -> Replica:
        return self._replace(granted=mine.granted, used=mine.used, held=mine.held)


class Message(NamedTuple):
    """A claim that is under way: to the ledger, or as its answer."""

    who: int
    life: int
    beat: int
    claim: LeaseClaim
    answer: int | None = None


class Stored(NamedTuple):
    """What the ledger holds of one life of a replica.

    ``recorded`` is what its journal holds and the books do not yet.
    """

    row: LeaseRow = NO_ROW
    beat: int = 0
    alive: bool = True
    recorded: int = 0


class World(NamedTuple):
    replicas: tuple[Replica, ...]
    stored: tuple[tuple[Stored, ...], ...]
    """By replica and life."""
    net: frozenset[Message] = frozenset()
    drawn: int = 0

    def replica(self, who: int, new: Replica) -> World:
        return self._replace(replicas=(*self.replicas[:who], new, *self.replicas[who + 1 :]))

    def store(self, who: int, life: int, new: Stored) -> World:
        lives = list(self.stored[who])
        lives[life] = new
        return self._replace(stored=(*self.stored[:who], tuple(lives), *self.stored[who + 1 :]))

    def rows(self, *but: tuple[int, int]) -> list[LeaseRow]:
        return [
            each.row
            for who, lives in enumerate(self.stored)
            for life, each in enumerate(lives)
            if (who, life) not in but
        ]

    @property
    def used(self) -> int:
        """What is recorded, and what is under way at replicas that live."""
        under_way = sum(replica.held for replica in self.replicas if replica.alive)
        return self.drawn + under_way + sum(each.recorded for lives in self.stored for each in lives)


def told(world: World, message: Message) -> World:
    """The ledger hears a claim, however late."""
    there = world.stored[message.who][message.life]
    world = world._replace(net=world.net - {message})
    if not there.alive or message.beat <= there.beat:
        return world
    others = world.rows((message.who, message.life))
    free = message.claim.granted - there.row.counted - message.claim.held  # at most: some use is in the journal alone
    row = given(BOUNDS["limit"], world.drawn, others, there.row, message.claim, len(world.replicas), max(0, free))
    world = world.store(message.who, message.life, there._replace(row=row, beat=message.beat))
    return world._replace(net=world.net | {message._replace(answer=row.granted)})


def ingested(world: World, who: int, life: int) -> World:
    """The records of one life go on the books."""
    there = world.stored[who][life]
    row = there.row._replace(counted=there.row.counted + there.recorded)
    world = world._replace(drawn=world.drawn + there.recorded)
    return world.store(who, life, there._replace(row=row, recorded=0))


def closed(world: World, who: int, life: int) -> World:
    """A life whose journal is on the books, and will not grow, is closed."""
    there = world.stored[who][life]
    assert there.recorded == 0
    return world.store(who, life, there._replace(row=there.row.closed, alive=False))


def started(world: World, who: int) -> World:
    """After a kill another life begins."""
    world = world._replace(stored=(*world.stored[:who], (*world.stored[who], Stored()), *world.stored[who + 1 :]))
    return world.replica(who, Replica(life=world.replicas[who].life + 1))


def steps(world: World) -> Iterator[World]:
    for message in world.net:  # what is lost is never heard
        if message.answer is None:
            yield told(world, message)
            continue
        mine = world.replicas[message.who].slice
        mine.grant(message.answer)
        less = world._replace(net=world.net - {message})
        yield less.replica(message.who, less.replicas[message.who].having(mine))
    for who, replica in enumerate(world.replicas):
        yield from _of_one(world, who, replica)
        yield from _of_journals(world, who, replica)


def heard(world: World, message: Message) -> bool:
    """Whether anybody would still do anything about a message: all worlds that differ in others are one."""
    there, replica = world.stored[message.who][message.life], world.replicas[message.who]
    if message.answer is None:
        return there.alive and message.beat > there.beat
    return replica.alive and (replica.life, replica.beat) == (message.life, message.beat)


def after(world: World) -> Iterator[World]:
    """The worlds that can come next."""
    for found in steps(world):
        yield found._replace(net=frozenset(m for m in found.net if heard(found, m)))


def _of_one(world: World, who: int, replica: Replica) -> Iterator[World]:
    mine = replica.slice
    if not replica.alive:
        if replica.life + 1 < BOUNDS["lives"][who]:
            yield started(world, who)
        return
    yield world.replica(who, replica._replace(alive=False))  # killed
    if mine.free >= 1:
        mine.take(1)
        yield world.replica(who, replica.having(mine))
    elif replica.beat < BOUNDS["beats"]:
        yield _claims(world, who, replica, LeaseClaim(0, need=1, wanted=2))
    if replica.held:
        mine = replica.slice
        mine.settle(1, 1)
        there = world.stored[who][replica.life]
        ends = world.store(who, replica.life, there._replace(recorded=there.recorded + 1))
        yield ends.replica(who, replica.having(mine))
    if mine.free and replica.beat < BOUNDS["beats"]:
        yield _claims(world, who, replica, LeaseClaim(0))  # gives back what is free


def _of_journals(world: World, who: int, replica: Replica) -> Iterator[World]:
    """Records go on the books, by whoever reads them; and who is dead is closed once all are. Who is dead stays so."""
    for life, there in enumerate(world.stored[who]):
        if there.recorded:
            yield ingested(world, who, life)
        dead = not replica.alive or life < replica.life or BOUNDS["rash"]
        if there.alive and dead and not there.recorded:
            yield closed(world, who, life)


def _claims(world: World, who: int, replica: Replica, asks: LeaseClaim) -> World:
    mine = replica.slice
    claim = mine.claim(asks.need, 0, asks.wanted)
    sent = Message(who, replica.life, replica.beat + 1, claim)
    return world._replace(net=world.net | {sent}).replica(who, replica.having(mine)._replace(beat=replica.beat + 1))


def settled(world: World) -> World:
    """Nobody is killed any more: all is said, heard and on the books, and the dead are closed."""
    world = world._replace(net=frozenset())
    for who, replica in enumerate(world.replicas):
        for life, there in enumerate(world.stored[who]):
            world = ingested(world, who, life)
            if there.alive and not (replica.alive and life == replica.life):
                world = closed(world, who, life)
        if replica.alive:
            world, _ = _answered(world, who, 0)
    return world


def _answered(world: World, who: int, need: int) -> tuple[World, bool]:
    """A replica gives back what is free, and asks for what a call needs; whether it got that."""
    replica = world.replicas[who]
    mine, there = replica.slice, world.stored[who][replica.life]
    claim = mine.claim(need)
    row = given(BOUNDS["limit"], world.drawn, world.rows((who, replica.life)), there.row, claim, 1)
    mine.grant(row.granted)
    world = world.store(who, replica.life, there._replace(row=row)).replica(who, replica.having(mine))
    return world, mine.free >= need


def nobody_is_refused_what_another_can_spare(world: World) -> bool:
    """A call that finds no room has it once all who live gave back what they can spare, if there is any at all."""
    living = [who for who, replica in enumerate(world.replicas) if replica.alive]
    world = world._replace(net=frozenset())
    for who in living:
        world, _ = _answered(world, who, 0)
    left = remaining(BOUNDS["limit"], world.drawn, world.rows())
    held = sum(world.replicas[who].slice.used + world.replicas[who].held for who in living)
    on_books = sum(world.stored[who][world.replicas[who].life].row.counted for who in living)
    dead = sum(
        each.row.outstanding
        for who, lives in enumerate(world.stored)
        for life, each in enumerate(lives)
        if who not in living or life < world.replicas[who].life
    )
    assert left == BOUNDS["limit"] - world.drawn - dead - (held - on_books), "nothing else is kept from anybody"
    return all(_answered(world, who, 1)[1] is (left >= 1) for who in living)


def explored(limit: int, lives: tuple[int, ...], beats: int, *, rash: bool = False) -> set[World]:
    """Every world that can come about, of a cap of so many units and replicas of so many lives and claims each.

    ``rash``: whoever reads journals takes all writers for dead.
    """
    BOUNDS.update(limit=limit, lives=lives, beats=beats, rash=rash)
    start = World(tuple(Replica() for _ in lives), tuple((Stored(),) for _ in lives))
    found, next_ = {start}, [start]
    while next_:
        for world in after(next_.pop()):
            if world not in found:
                found.add(world)
                next_.append(world)
    return found


@pytest.mark.parametrize(
    ("limit", "lives", "beats"), [(2, (2, 1), 1), (2, (1, 1, 1), 1), (2, (1, 1), 2), (1, (2, 1), 2)]
)
def test_no_cap_is_passed_in_any_world_and_what_the_dead_did_not_use_comes_back(
    limit: int, lives: tuple[int, ...], beats: int
) -> None:
    worlds = explored(limit, lives, beats)
    assert len(worlds) > 2_000
    assert {world.used for world in worlds} == {*range(limit + 1)}, "all of the cap can be used, and no more"
    lost = set()
    for world in worlds:
        end = settled(world)
        apart = sum(each.row.outstanding for of_one in end.stored for each in of_one if not each.alive)
        assert remaining(limit, end.drawn, end.rows()) == limit - end.used - apart
        assert nobody_is_refused_what_another_can_spare(world)
        lost.add(apart)
    assert lost <= {*range(limit + 1)}
    assert 0 in lost


def test_a_cap_is_passed_where_a_replica_that_lives_is_taken_for_dead() -> None:
    """So the model would see it: its journal is on the books, and it goes on within what it was granted."""
    assert max(world.used for world in explored(1, (1, 1), 1, rash=True)) == 2


# -- the functions alone ----------------------------------------------------------------------------------------------
def test_ahead_of_need_nobody_is_given_more_than_half_of_its_part() -> None:
    others = [LeaseRow(30, 10), LeaseRow(5, 9)]
    # 100 - 40 drawn - (30 - 10) = 40 remain; of four replicas each is given 5 at most
    assert remaining(100, 40, others) == 40
    assert given(100, 40, others, NO_ROW, LeaseClaim(0, 0, 0, 50), 4) == LeaseRow(5)
    assert given(100, 40, others, NO_ROW, LeaseClaim(0, 0, 12, 50), 4) == LeaseRow(12), "a call waits for 12"
    assert given(100, 40, others, NO_ROW, LeaseClaim(0, 0, 41, 50), 4) == LeaseRow(5), "and 41 there are not"
    assert given(100, 90, others, NO_ROW, LeaseClaim(7, 2, 1, 1), 4) == LeaseRow(7, 0, 2), "use beyond the cap counts"


def test_a_dead_replica_leaves_its_use_and_what_nobody_knows() -> None:
    assert LeaseRow(granted=100, counted=60, held=10).closed == LeaseRow(70, 60)
    assert LeaseRow(granted=65, counted=60, held=10).closed == LeaseRow(65, 60)


@settings(deadline=None, max_examples=200)
@by(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 12)), max_size=12), st.integers(0, 40), st.integers(0, 20))
def test_a_slice_claims_what_was_used_and_gives_back_what_is_free(
    calls: list[tuple[int, int]], granted: int, keep: int
) -> None:
    mine, used = Slice(granted), 0
    for held, took in calls:
        mine.take(held)
        mine.settle(held, took)
        used += took
    mine.take(3)
    claim = mine.claim(keep=keep)
    assert claim.granted == max(used + 3, min(granted, used + 3 + keep))
    assert (claim.held, mine.free) == (3, claim.granted - used - 3)
