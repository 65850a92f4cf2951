"""Budgets as a case states them: what is read, and what does not fit, with its place and a remedy."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from detente.case.notes import notes
from detente.errors import CaseError
from detente.live.budget_window import WallWindows
from tests.builders import Data, agreement, build, tokens, work
from tests.gateway.stage import deployment

LIVE = [deployment("north-m", "north-api", "http://localhost:9")]
KEY: Data = {"id": "k", "workload": "chat", "hash": "sha256:" + "0" * 64}


def case(*budgets: Data, **more: Any) -> Any:
    return build([tokens("north", 3)], [work()], deployments=LIVE, budgets=list(budgets), **more).declared


def wrong(*budgets: Data, **more: Any) -> list[tuple[str, str]]:
    """What is wrong, and what to do."""
    with pytest.raises(CaseError) as raised:
        case(*budgets, **more)
    return [(mistake.what, mistake.remedy) for mistake in raised.value.mistakes]


def daily(**more: Any) -> Data:
    return {"id": "b", "of": {}, "every": "day", "requests": 5} | more


def test_amounts_are_whole_numbers_of_what_is_counted() -> None:
    amounts = {"money": "5.5 USD", "tokens": "2 Gtok", "input-tokens": "1.5 M", "output-tokens": 7, "requests": "3 k"}
    (budget,) = case(daily(**amounts, concurrency=4)).budgets
    assert dict(budget.amounts) == {
        "money": 5_500_000_000,
        "tokens": 2_000_000_000,
        "input-tokens": 1_500_000,
        "output-tokens": 7,
        "requests": 3000,
        "concurrency": 4,
    }


def test_windows_are_those_that_it_states_but_for_calls_at_a_time() -> None:
    (budget,) = case(daily(every="month", zone="Europe/Berlin", starts="2026-01-15", concurrency=1)).budgets
    assert budget.windows("requests") == WallWindows("month", "Europe/Berlin", date(2026, 1, 15))
    assert budget.windows("concurrency") == WallWindows("day")
    (brief,) = case(daily(every="minute", zone="Europe/Berlin")).budgets
    assert brief.windows("requests") == WallWindows("minute"), "minutes are the same everywhere"


def test_keys_state_what_they_may() -> None:
    key = KEY | {"expires": "2026-12-31T18:00+01:00", "models": ["m"], "within": "b", "labels": {"group": "a"}}
    (found,) = case(daily(per="group"), keys=[key | {"budget": {"every": "day", "money": "1 USD"}}]).keys
    assert found.expires == datetime(2026, 12, 31, 17, tzinfo=UTC)
    assert (found.models, found.within, list(found.budget.amounts)) == (("m",), "b", [("money", 10**9)])


@pytest.mark.parametrize(
    ("budget", "what", "remedy"),
    [
        ({"id": "b", "of": {}}, "limits nothing", "state `money`, `tokens`, `requests` or `concurrency`"),
        (
            {"id": "b", "of": {}, "concurrency": 1, "requests": 1},
            "states `requests`, and not in which time",
            "add `every: month`, `day` or `minute`, or `every: term` for all time",
        ),
        (daily(every="minute", starts="2026-01-01"), "each minute begins by the clock", "take `starts` out"),
        (daily(zone="Europe/Berln"), "there is no time zone `Europe/Berln`", "did you mean `Europe/Berlin`?"),
        (daily(requests="1.5"), "`1.5` is not a whole number of 1 or more", "write for example `500 k`"),
        (daily(tokens="20 GPU"), "`GPU` is not a scale", ""),
        (daily(of={"provider": "nort"}), "no offer has `provider: nort`", "did you mean `north`?"),
        (daily(of={"workload": "chad"}), "no workload has `workload: chad`", "did you mean `chat`?"),
        (daily(within="a"), "there is no budget `a`", ""),
        (daily(within="b"), "is in a circle of budgets: `b` in `b`", "leave one `within` out"),
        (daily(per="provider"), "`provider` is nothing that callers have", ""),
        (daily(agreement="deal"), "there is no agreement `deal`", ""),
        (daily(money="1 EUR"), "the amount is in EUR, and the case is in USD", ""),
        (
            {"id": "b", "every": "day", "requests": 1, "except": [{"team": "a"}]},
            "states `except`, and not of what",
            "add `of:` (`of: {}` is everything)",
        ),
        (daily(notify="https://x.example"), "is no mapping", ""),
        (daily(notify={"url": "ftp://x.example"}), "is not the address of a web page", ""),
        (daily(notify={}), "found none of `url`, `env` and `file`", ""),
    ],
)
def test_what_is_wrong_with_a_budget_is_told(budget: Data, what: str, remedy: str) -> None:
    ((found, instead),) = wrong(budget)
    assert found == what
    assert remedy in instead


def test_what_stands_beside_a_scope_is_told_where_it_stands_in_one() -> None:
    """As a label nobody states it, so that every provider's calls would count."""
    discount: Data = {"id": "off", "kind": "discount", "off": "10%"}

    def told(*budgets: Data, labels: Data | None = None, **more: Any) -> list[tuple[str, str]]:
        all_of = {"deployments": LIVE, "budgets": list(budgets)} | more
        try:
            build([tokens("north", 3)], [work(labels=labels or {})], agreement(discount), **all_of)
        except CaseError as error:
            return [(each.what, each.remedy) for each in error.mistakes]
        return []

    meant = daily(of={"agreement": "north-deal"})
    what = "`agreement: north-deal` is no label that anything states, and `north-deal` is one of the agreements"
    assert told(meant) == [(what, "write `agreement: north-deal` beside `of:`, and not in it")]
    but = daily(**{"except": [{"agreement": "north-deal"}]})
    assert told(but) == [(what, "write `provider: north`, whose calls these are")]
    ((what, remedy),) = told(daily(id="all"), daily(of={"within": ["all", "b"]}))
    assert what == "`within: all` is no label that anything states, and `all` is one of the budgets"
    assert remedy == "write `within: all` beside `of:`, and not in it; for several, a budget for each"
    assert told(daily(agreement="north-deal")) == told(daily(of={"agreement": "frame"})) == []
    assert told(meant, labels={"agreement": "north-deal"}) == [], "a label that a workload states"
    assert told(meant, keys=[KEY | {"labels": {"agreement": "north-deal"}}]) == [], "or a key"


def test_an_address_that_is_refused_is_not_shown() -> None:
    assert "hunter2" not in str(wrong(daily(notify={"url": "slack:hunter2"})))


def test_a_longer_circle_is_told_once() -> None:
    one, two = (daily(id=name, within=other) for name, other in (("one", "two"), ("two", "one")))
    assert [what for what, _ in wrong(one, two)] == ["is in a circle of budgets: `one` in `two` in `one`"]


def test_what_is_wrong_with_a_key_is_told() -> None:
    key = KEY | {"models": ["x"], "within": "c", "labels": {"grop": "a"}}
    found = wrong(daily(per="group"), keys=[key])
    told = dict(found)
    assert told.keys() == {"`chat` does not run on x", "no workload has a label `grop`", "there is no budget `c`"}
    assert told["no workload has a label `grop`"].startswith("did you mean `group`?")
    (naive,) = wrong(daily(), keys=[KEY | {"expires": "2026-12-31T18:00"}])
    assert naive == ("`2026-12-31T18:00` names no time zone", "write for example `2026-12-31T18:00Z` (UTC)")


def test_a_policy_is_no_agreement_that_anything_runs_at() -> None:
    cap: Data = {"id": "cap", "kind": "spending-cap", "amount": "1 USD"}
    with pytest.raises(CaseError, match="is a policy, and nothing runs at ourselves"):
        build(
            [tokens("north", 3)], [work()], agreement(cap, party="self"),
            deployments=LIVE, budgets=[daily(agreement="self-deal")],
        )  # fmt: skip


def test_a_label_called_key_could_be_taken_for_a_key() -> None:
    both = [work(labels={"key": "a"})]
    with pytest.raises(CaseError, match="`key` is a label of workloads, and `b` asks for the keys"):
        build([tokens("north", 3)], both, deployments=LIVE, budgets=[daily(per="key")])


def test_what_may_be_a_slip_is_noted() -> None:
    budgets = [daily(of={"taem": "a"}), {"id": "dept", "every": "day", "requests": 1}, daily(id="fine", per="team")]
    workloads = [work(labels={"team": "a"})]
    found = notes(build([tokens("north", 3)], workloads, deployments=LIVE, budgets=budgets))
    unstated = "no workload and no key of the case states `taem`: a call counts, unless it or a key made at run time"
    unstated += " states another value"
    assert [(str(note.where), note.what) for note in found] == [
        ("b", unstated),
        ("dept", "covers no call: it states no `of`, and no budget and no key of the case is within it"),
    ]
    key = KEY | {"labels": {"taem": "b"}, "within": "dept"}
    assert notes(build([tokens("north", 3)], workloads, deployments=LIVE, budgets=budgets, keys=[key])) == ()


def test_what_is_missing_and_what_does_not_fit_are_told_together() -> None:
    budget = {"id": "b", "of": {"workload": "chad"}, "money": "1 EUR"}
    assert [what.split("`")[0].strip() for what, _ in wrong(budget)] == [
        "states", "no workload has", "the amount is in EUR, and the case is in USD",
    ]  # fmt: skip
    assert [what for what, _ in wrong(keys=[KEY | {"budget": {"money": "1 EUR"}}])] == [
        "states `money`, and not in which time", "the amount is in EUR, and the case is in USD"
    ]  # fmt: skip
