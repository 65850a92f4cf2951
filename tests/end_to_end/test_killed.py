"""Workers are killed while providers fail: the bench that proves it, at a small scale, and that it would notice."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest

from bench.gateway.witness import KINDS, Seen, broken
from detente.ledger.journals.record import Attempt, DeniedDeployment, Record, TokenCounts
from tests.end_to_end.serving import ROOT

WHOLE, STREAM = KINDS[0], KINDS[5]


def test_every_whole_reply_has_its_record_and_none_is_untrue() -> None:
    asked = ["--requests", "700", "--connections", "24", "--kill-every", "90"]
    ran = subprocess.run(
        [sys.executable, "bench/gateway/killed.py", *asked], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "every whole reply has its record, and none is untrue" in ran.stdout
    assert "BROKEN" not in ran.stdout


RECORD = Record(
    id="req_1",
    at="2026-06-15T09:00:00.000000+00:00",
    path="/v1/chat/completions",
    key="k",
    workload="assistant",
    labels={},
    model="assistant",
    outcome="complete",
    status=200,
    case="c",
    deployment="nova",
    region="eu-central-1",
    usage=TokenCounts(5, 30),
    attempts=(Attempt("nova", "served", 1.0, 200),),
    denied=(DeniedDeployment("us", "eu-residency"),),
)
SEEN = Seen(STREAM, "assistant", 200, "nova", True, False, 30)

BREACHES: dict[str, tuple[Seen, dict[str, Any], str]] = {
    "none": (SEEN, {}, ""),
    "no record": (SEEN, {"id": "req_2"}, "has no record"),
    "served where a clause denies it": (SEEN, {"deployment": "us"}, "denied"),
    "asked where a clause denies it": (SEEN, {"attempts": (Attempt("us", "broken", 1.0),)}, "denied"),
    "personal data outside of the Union": (SEEN, {"region": "eastus2"}, "denied"),
    "complete, and it was cut": (SEEN, {"outcome": "cut", "usage": None}, "recorded as cut"),
    "complete, with pieces missing": (SEEN._replace(pieces=29), {}, "29 pieces of 30"),
    "cut, and recorded as complete": (SEEN._replace(complete=False, error=True), {}, "ended badly"),
    "ended in silence": (SEEN._replace(complete=False), {}, "or neither"),
    "an error, and then complete": (SEEN._replace(error=True), {}, "both"),
    "use that nobody knows": (SEEN, {"usage": None}, "no use"),
    "another place": (SEEN._replace(deployment="ptu"), {}, "said ptu, recorded nova"),
    "another status": (SEEN._replace(kind=WHOLE, status=503, deployment=""), {"deployment": None}, "recorded as"),
    "a status that providers do not explain": (SEEN._replace(kind=WHOLE, status=500), {"status": 500}, "status 500"),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_noticed(name: str) -> None:
    seen, changed, what = BREACHES[name]
    found = list(broken({"req_1": seen}, [msgspec.structs.replace(RECORD, **changed)]))
    assert bool(found) == bool(what)
    assert what in " ".join(found)
