"""``detente explain --request`` as a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import Data, data_of, tokens, work
from tests.cli.shell import detente
from tests.cli.test_cli import document, written
from tests.gateway.stage import HELLO, case_data, deployment

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
