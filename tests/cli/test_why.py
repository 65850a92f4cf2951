"""``detente explain --request`` as a shell sees it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from detente.case.case import Case
from detente.ledger.caps.budgets import CaseBudgets
from detente.ledger.caps.leases import LeaseClaim
from detente.ledger.caps.leasing import CapClaim, Leasing
from detente.ledger.store.opening import open_store
from tests.builders import Data, data_of, tokens, work
from tests.cli.asking import document, written
from tests.cli.shell import detente
from tests.gateway.caller import HELLO
from tests.gateway.stage import case_data, deployment

BASES = dict.fromkeys(("south", "north"), "http://a.example")


def explained(folder: Path, data: Data, *more: object) -> list[tuple[str, str]]:
    """The order of a call: whom, and why."""
    case, body = written(folder / "case", data), folder / "body.json"
    body.write_text(json.dumps(HELLO))
    done = detente("explain", case, "--request", body, "--workload", "chat", "--json", *more)
    assert (done.returncode, done.stderr) == (0, "")
    return [(one["deployment"], one["why"]) for one in document(done)["order"]]


def test_a_capacity_that_is_not_stated_yet_is_none_as_in_live_traffic(tmp_path: Path) -> None:
    offers = [tokens("south", 2, capacity={"2026-03-01": "60 Mtok per hour"}), tokens("north", 3)]
    there: Data = {"deployments": [deployment(f"{p}-m", f"{p}-api", at) for p, at in BASES.items()]}
    data = data_of(offers, [work()], **there)
    before, after = ("--at", "2026-02-28T23:59Z"), ("--at", "2026-03-01T00:00Z")
    assert explained(tmp_path, data, *before) == [("north-m", "price"), ("south-m", "full")]
    assert explained(tmp_path, data, *after) == [("south-m", "price"), ("north-m", "price")]


@pytest.mark.parametrize("typed", ["foo", "=personal", "data=", "team=sales,foo", ""])
def test_a_label_that_is_none_is_said_as_the_option_is_written(tmp_path: Path, typed: str) -> None:
    case, body = written(tmp_path / "case", case_data(BASES)), tmp_path / "body.json"
    body.write_text(json.dumps(HELLO))
    done = detente("explain", case, "--request", body, "--workload", "chat", "--label", typed)
    assert (done.returncode, done.stdout) == (2, "")
    wrong = typed.rpartition(",")[2]
    assert done.stderr == f"Error: --label: `{wrong}` is not a label; write for example `data=personal`\n"


@pytest.mark.parametrize(
    ("serving", "code", "said"),
    [
        ({}, 1, "`fetch: { hosts: [files.example.com] }`"),
        ({"fetch": {"hosts": ["files.example"]}}, 0, "It goes to south-m."),
        ({"fetch": {"hosts": ["other.example"]}}, 1, "No deployment may serve it."),
    ],
)
def test_a_file_by_address_is_judged_as_if_it_had_been_fetched(
    tmp_path: Path, serving: Data, code: int, said: str
) -> None:
    """Without a network. What is said holds brackets, which the terminal's markup must not swallow."""
    data = case_data({"south": "http://a.example"}, serving=serving)
    bedrock = {"kind": "bedrock", "endpoint": "http://a.example", "name": "anthropic.claude-haiku-4-5-20251001-v1:0"}
    data["deployments"][0] |= bedrock
    case, body = written(tmp_path / "case", data), tmp_path / "body.json"
    part = {"type": "image_url", "image_url": {"url": "https://files.example/a.png"}}
    body.write_text(json.dumps({"model": "m", "messages": [{"role": "user", "content": [part]}]}))
    done = detente("explain", case, "--request", body, "--workload", "chat")
    assert done.returncode == code
    assert said in " ".join(done.stdout.replace("│", " ").split())


def test_budgets_are_asked_as_they_stand_in_a_ledger_and_by_whose_key(tmp_path: Path) -> None:
    """Of two requests a day two are leased; the key's own budget allows no call of 50 tokens."""
    budgets = [{"id": "daily", "of": {"group": "x"}, "every": "day", "requests": 2}]
    data = case_data(BASES, budgets=budgets, keys=[])
    case, body, ledger = written(tmp_path / "case", data), tmp_path / "body.json", str(tmp_path / "ledger.db")
    body.write_text(json.dumps({**HELLO, "max_tokens": 50}))
    made = {"x-key": ("--label", "group=x"), "small": ("--label", "group=y", "--budget", "every: day, tokens: 10")}
    for name, more in made.items():
        done = detente("keys", "create", case, "--workload", "chat", "--id", name, *more, "--ledger", ledger)
        assert done.returncode == 0, done.stderr
    with open_store(ledger) as store:
        leasing, (daily,) = Leasing(store), [cap for cap, _ in CaseBudgets(Case.load(case)).declared(())]
        leasing.open("one", "place", 0)
        allows = daily.at(datetime(2026, 3, 10, 12, tzinfo=UTC))
        assert allows is not None
        leasing.renew("one", 1, {allows.key: CapClaim(LeaseClaim(0, need=2), allows.limit)})
    at = ("--at", "2026-03-10T12:00Z", "--ledger", ledger)

    def asked(*more: str) -> tuple[int, str]:
        done = detente("explain", case, "--request", body, *more)
        return done.returncode, " ".join(re.sub("[│┃]", " ", done.stdout + done.stderr).split())

    code, told = asked("--key", "x-key", *at)
    assert (code, "0 requests left" in told, "[daily]" in told) == (1, True, True), told
    code, told = asked("--key", "small", *at)
    assert (code, "[key/small]" in told) == (1, True), told
    assert asked("--key", "x-kee", *at) == (2, "Error: --key x-kee: there is no such key; did you mean `x-key`?")
    assert asked("--workload", "chat", "--label", "group=y", *at)[0] == 0
