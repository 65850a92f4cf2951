"""Budgets hold live: alone by a worker's own count, together by leases; who is refused is told which, and until when.

A call of 10 tokens in and 5 out on South costs 15 x 2 USD per Mtok = 0.00003 USD. As it begins it is held at 8 tokens
(34 characters) and the 5 it says, 0.000026 USD.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.serving.caps.cap_news import CapNews
from detente.gateway.serving.caps.leaseholder import CapKeeper
from detente.gateway.serving.caps.own_count import OwnCount
from detente.gateway.serving.standing_page import standing_page
from detente.live.key import hash_of, make
from tests.builders import Data, agreement
from tests.gateway.caller import HELLO, KEY, Answer, request
from tests.gateway.http.peer import run
from tests.gateway.script import SERVED, http, play, refusal
from tests.gateway.stage import NOON, Stage, one, two
from tests.waiting import so

ASK: Data = {**HELLO, "max_tokens": 5}
OTHER = make("other-key", bytes(31) + b"1")
BOTH: list[Data] = [
    {"id": "chat-key", "workload": "chat", "hash": hash_of(KEY)},
    {"id": "other-key", "workload": "chat", "hash": hash_of(OTHER)},
]
GROUPS = [each | {"labels": {"group": group}} for each, group in zip(BOTH, "ab", strict=True)]
ALONE, SHARED = "alone", "shared"
WAYS = pytest.mark.parametrize("way", [ALONE, SHARED])


def stage(folder: Path, data: Data, way: str, said: list[str] | None = None) -> Stage:
    """A gateway that counts by itself, or by the leases of a ledger."""
    if way == SHARED:
        return Stage(folder, data, ledger=str(folder / "ledger.db"))
    return Stage(folder, data, standings=OwnCount(CapNews((said if said is not None else []).append)))


def budget(**more: Any) -> Data:
    return {"id": "b", "of": {}, "every": "month"} | more


def keeper(there: Stage) -> CapKeeper:
    """Who keeps its budgets."""
    assert isinstance(there.standings, CapKeeper)
    return there.standings


async def calls(there: Stage, count: int, **more: str) -> list[int]:
    return [(await there.ask(ASK, **more)).status for _ in range(count)]


@WAYS
@pytest.mark.parametrize(
    ("amounts", "served"),
    [
        ({"money": "0.0003 USD"}, 10),
        ({"tokens": 45}, 3),
        ({"input-tokens": "20 tok"}, 2),
        ({"output-tokens": 24}, 4),
        ({"requests": 3}, 3),
        ({"requests": 3, "tokens": 30}, 2),
    ],
)
def test_a_budget_holds(tmp_path: Path, way: str, amounts: Data, served: int) -> None:
    async def main() -> None:
        async with play(SERVED) as south, stage(tmp_path, one(south, budgets=[budget(**amounts)]), way) as there:
            assert await calls(there, served + 2) == [200] * served + [429] * 2
            there.clock.at = NOON.replace(month=4)
            assert await calls(there, 1) == [200], "another month"

    run(main())


@WAYS
def test_who_is_refused_is_told_which_budget_and_until_when(tmp_path: Path, way: str) -> None:
    async def main() -> tuple[Answer, Answer]:
        daily = budget(id="research", requests=1, every="day", zone="Europe/Berlin")
        async with play(SERVED) as south, stage(tmp_path, one(south, budgets=[daily]), way) as there:
            assert await calls(there, 1) == [200]
            messages = await there.ask(ASK, path="/v1/messages", x_api_key=KEY)
            return await there.ask(ASK), messages

    openai, anthropic = run(main())
    assert openai.status == anthropic.status == 429
    error = openai.json["error"]
    told = "budget `research` allows 1 request in 2026-03-10: 0 requests left, and the call may take 1 request"
    assert error["message"] == f"{told} [research]"
    assert (error["code"], error["type"]) == ("budget_exceeded", "insufficient_quota")
    # noon in UTC is 13:00 in Berlin, and its day ends 11 hours later
    assert (openai.headers["retry-after"], openai.headers["x-should-retry"]) == (str(11 * 3600), "false")
    assert error["detente"]["clause"] == "research"
    assert anthropic.json["error"]["type"] == "rate_limit_error"
    assert anthropic.json["error"]["message"].startswith("budget `research`")


@WAYS
def test_budgets_are_nested_and_a_call_must_fit_all_of_them(tmp_path: Path, way: str) -> None:
    """Group a has two requests of the department's three, and group b what is left."""
    budgets = [
        {"id": "dept", "every": "month", "requests": 3},
        {"id": "a", "of": {"group": "a"}, "within": "dept", "every": "day", "requests": 2},
        {"id": "b", "of": {"group": "b"}, "within": "dept", "every": "day", "requests": 2},
    ]

    async def main() -> None:
        async with play(SERVED) as south, stage(tmp_path, one(south, budgets=budgets, keys=GROUPS), way) as there:
            assert await calls(there, 3, key=KEY) == [200, 200, 429]
            assert await calls(there, 2, key=OTHER) == [200, 429]
            error = (await there.ask(ASK, key=OTHER)).json["error"]
            assert "budget `dept` allows 3 requests in Mar 2026" in error["message"]
            both = await there.ask(ASK, key=KEY)
            assert "`dept`" in both.json["error"]["message"], "what lasts longer is told"
            assert int(both.headers["retry-after"]) == (21 * 24 + 12) * 3600
            there.clock.at = NOON.replace(day=11)
            assert await calls(there, 1, key=KEY) == [429], "a day later, the month is used up still"

    run(main())


@WAYS
def test_each_key_has_its_own_and_a_key_may_state_one(tmp_path: Path, way: str) -> None:
    keys = [{**BOTH[0], "budget": {"every": "term", "requests": 2}}, BOTH[1] | {"within": "trial"}]
    budgets = [
        {"id": "each", "of": {"workload": "chat"}, "per": "key", "every": "month", "requests": 3},
        {"id": "trial", "every": "day", "requests": 1},
    ]

    async def main() -> None:
        async with play(SERVED) as south, stage(tmp_path, one(south, budgets=budgets, keys=keys), way) as there:
            assert await calls(there, 3, key=KEY) == [200, 200, 429]
            own = await there.ask(ASK, key=KEY)
            assert own.json["error"]["message"].startswith("budget `key/chat-key` allows 2 requests in all: 0 requests")
            assert "retry-after" not in own.headers, "it never comes back"
            assert own.headers["x-should-retry"] == "false"
            assert await calls(there, 2, key=OTHER) == [200, 429]
            for day in (11, 12):
                there.clock.at = NOON.replace(day=day)
                assert await calls(there, 1, key=OTHER) == [200]
            there.clock.at = NOON.replace(day=13)
            error = (await there.ask(ASK, key=OTHER)).json["error"]
            assert "budget `each` of `key=other-key` allows 3 requests in Mar 2026" in error["message"]

    run(main())


def test_the_budget_is_told_where_clauses_keep_a_call_from_all_others(tmp_path: Path) -> None:
    only = {"id": "only", "kind": "exclusivity", "provider": "south", "text": "Only on South."}
    rate = {"id": "rate", "of": {}, "every": "minute", "requests": 1}

    async def main() -> Answer:
        async with play(SERVED) as south, play(SERVED) as north:
            data = two(south, north, agreement(only, party="south"), budgets=[rate])
            async with stage(tmp_path, data, ALONE) as there:
                assert await calls(there, 1) == [200]
                return await there.ask(ASK)

    found = run(main())
    assert (found.status, found.headers["retry-after"]) == (429, "60")
    error = found.json["error"]
    told = "budget `rate` allows 1 request from 2026-03-10 12:00 to 12:01 UTC: 0 requests left"
    assert error["message"].startswith(told)
    assert error["detente"]["clause"] == "rate"
    assert error["detente"]["text"].startswith(told)
    assert {each["clause"] for each in error["detente"]["denied"]} == {"rate", "only"}


@WAYS
def test_calls_at_a_time(tmp_path: Path, way: str) -> None:
    """Two may be under way. Once one ends, whether it was served, it failed or its caller left, another may begin."""

    async def main() -> None:
        goes, fails, leaves = asyncio.Event(), asyncio.Event(), asyncio.Event()
        scripts = [[goes, SERVED], [fails, http(refusal("bad"), "400 Bad Request")], [leaves, SERVED], SERVED]
        async with play(*scripts) as south:
            data = one(south, budgets=[{"id": "few", "of": {}, "concurrency": 2}])
            async with stage(tmp_path, data, way) as there:
                first, second, third = [await there.caller() for _ in range(3)]
                first.send(request(ASK))
                await so(lambda: len(south.requests) == 1)
                second.send(request(ASK))
                await so(lambda: len(south.requests) == 2)
                refused = await there.ask(ASK)
                assert (refused.status, refused.headers["retry-after"]) == (429, "1")
                error = refused.json["error"]
                assert error["message"] == "budget `few` allows 2 calls at a time, and as many are under way [few]"
                assert error["type"] == "rate_limit_error"
                goes.set()
                assert (await first.answer()).status == 200
                third.send(request(ASK))
                await so(lambda: len(south.requests) == 3)
                assert await calls(there, 1) == [429]
                fails.set()
                assert (await second.answer()).status == 400
                assert await calls(there, 1) == [200]
                await third.leave()
                await so(lambda: there.app._active == 0)
                assert await calls(there, 1) == [200]
                for caller in (first, second):
                    await caller.leave()
                (kept,) = keeper(there).kept.values()
                assert (kept.slice.held, kept.slice.used, kept.under_way) == (0, 0, 0)

    run(main())


def test_where_a_budget_does_not_reach_a_call_goes_elsewhere(tmp_path: Path) -> None:
    """South is the cheaper; with its two requests used up, calls go to North, and so they are recorded."""
    budgets = [{"id": "south", "of": {"provider": "south"}, "every": "day", "requests": 2}]

    async def main() -> None:
        south, north = play(SERVED), play(SERVED)
        async with south, north, stage(tmp_path, two(south, north, budgets=budgets), ALONE) as there:
            assert await calls(there, 3) == [200] * 3
            assert (len(south.requests), len(north.requests)) == (2, 1)
            assert [record.budgets for record in there.records] == [("budget south requests day UTC -",)] * 2 + [()]
            denied = there.records[-1].denied[0]
            assert (denied.clause, denied.amount) == ("south", "requests")

    run(main())


@pytest.mark.parametrize(("fault", "counts"), [(http(refusal("busy"), "429 Too Many Requests"), 1), (http(b"{"), 2)])
def test_a_call_that_fails_over_counts_where_it_may_have_been_served(tmp_path: Path, fault: bytes, counts: int) -> None:
    """South refuses, and has done nothing; or it says nothing that can be read, and may have done all of it."""
    budgets = [{"id": "all", "of": {}, "every": "day", "requests": 10}]

    async def main() -> None:
        async with play(fault) as south, play(SERVED) as north:
            data = two(south, north, budgets=budgets)
            async with stage(tmp_path, data, ALONE) as there:
                assert await calls(there, 1) == [200]
                assert [10 - left for _, _, left in there.standings.caps()] == [counts]

    run(main())


def test_a_label_that_a_call_does_not_state_may_be_the_budgets(tmp_path: Path) -> None:
    """Unknown is not outside (§2): nobody slips out of a budget by saying nothing."""
    budgets = [{"id": "claims", "of": {"group": "claims"}, "every": "day", "requests": 2}]
    keys = [BOTH[0], GROUPS[1]]

    async def main() -> None:
        async with play(SERVED) as south, stage(tmp_path, one(south, budgets=budgets, keys=keys), ALONE) as there:
            assert await calls(there, 1, key=KEY, x_detente_labels="group=claims") == [200]
            assert await calls(there, 2, key=KEY) == [200, 429]
            assert await calls(there, 2, key=OTHER) == [200, 200], "group b is outside"
            odd = await there.ask(ASK, key=KEY, x_detente_labels="group=mine")
            assert odd.status == 400
            assert "is not a value of `group`" in odd.json["error"]["message"]

    run(main())


def test_what_is_left_is_told_where_clients_look(tmp_path: Path) -> None:
    budgets = [
        budget(money="1 USD"),
        {"id": "rate", "of": {}, "every": "minute", "requests": 10, "tokens": "1 k"},
        {"id": "day", "of": {}, "every": "day", "tokens": 50},
    ]

    async def main() -> Answer:
        async with play(SERVED) as south, stage(tmp_path, one(south, budgets=budgets), ALONE) as there:
            await there.ask(ASK)
            return await there.ask(ASK)

    headers = run(main()).headers
    found = {name: value for name, value in headers.items() if "ratelimit" in name or "budget" in name}
    assert found == {
        "x-detente-budget": "b=0.99994",  # 2 x 0.00003
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "8",
        "x-ratelimit-reset-requests": "60.000s",  # it is noon exactly
        "x-ratelimit-limit-tokens": "50",  # the day's: a smaller part of it is left than of the minute's
        "x-ratelimit-remaining-tokens": "20",
        "x-ratelimit-reset-tokens": "43200.000s",
        "anthropic-ratelimit-requests-limit": "10",
        "anthropic-ratelimit-requests-remaining": "8",
        "anthropic-ratelimit-requests-reset": "2026-03-10t12:01:00z",
        "anthropic-ratelimit-tokens-limit": "50",
        "anthropic-ratelimit-tokens-remaining": "20",
        "anthropic-ratelimit-tokens-reset": "2026-03-11t00:00:00z",
    }


def test_keys_expire_and_may_ask_for_their_models_alone(tmp_path: Path) -> None:
    keys = [BOTH[0] | {"expires": "2026-03-10T12:30Z"}, BOTH[1] | {"models": ["m"]}]

    async def main() -> None:
        async with play(SERVED) as south:
            data = one(south, keys=keys)
            data["workloads"][0]["runs-on"]["models"] = ["m", "n"]
            async with stage(tmp_path, data, ALONE) as there:
                assert await calls(there, 1) == [200]
                there.clock.at = NOON.replace(minute=30)
                over = await there.ask(ASK)
                assert over.status == 401
                told = "the key `chat-key` expired on 2026-03-10 12:30 UTC; ask for a new one"
                assert over.json["error"]["message"] == told
                assert await calls(there, 1, key=OTHER) == [200]

    run(main())


@WAYS
def test_operators_see_budgets_and_are_told_at_80_and_100_percent(tmp_path: Path, way: str) -> None:
    said: list[str] = []

    async def main() -> None:
        budgets = [budget(id="month", requests=10), {"id": "rate", "of": {}, "every": "minute", "requests": 11}]
        async with play(SERVED) as south, stage(tmp_path, one(south, budgets=budgets), way, said) as there:
            assert await calls(there, 8) == [200] * 8
            await told(there, "budget `month`: 80% of its amount in Mar 2026 is used or held by calls (2 of 10 left)")
            assert await calls(there, 3) == [200, 200, 429]
            await told(there, "budget `month`: 100% of its amount in Mar 2026 is used or held by calls (0 of 10 left)")
            assert len([line for line in lines(there) if "%" in line]) == 2, "each once, and nothing of minutes"
            page = {each["budget"]: each for each in standing_page(there.standings)["budgets"]}
            assert page["month"]["allows"] == "10"
            assert page["month"]["remaining"] == "0"
            assert page["month"]["until"] == "2026-04-01T00:00:00+00:00"
            if way == SHARED:
                await there.watch.look()
                page = {each["budget"]: each for each in standing_page(there.standings)["budgets"]}
                assert (page["month"]["remaining"], page["rate"]["allows"]) == ("0", "11")
                assert int(page["month"]["used"]) + int(page["month"]["leased"]) == 10
            metrics = (await there.page("/metrics")).body.decode()
            assert 'detente_budget_limit{budget="month",measure="requests",of=""} 10.0' in metrics
            assert 'detente_budget_remaining{budget="month",measure="requests",of=""} 0.0' in metrics
            assert 'detente_denials_total{clause="month"} 1.0' in metrics

    def lines(there: Stage) -> list[str]:
        return [*said, *there.said]

    async def told(there: Stage, line: str) -> None:
        if isinstance(there.standings, OwnCount):
            there.standings.tick(there.clock.now())
        await so(lambda: line in lines(there))

    run(main())
