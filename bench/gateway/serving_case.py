"""The case that the bench serves: every model on the stub, with clauses that every call is held against.

Owns: that case, and the key and the environment it is served with. Not here: how it is served (``contender``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from detente.live.key import hash_of, make

AT = "2026-06-15T09:00Z"
KEY = make("bench", b"bench".ljust(32, b"."))  # guards a stub on loopback, and is no secret
PASSED = "bench"  # one deployment, passed through
PAIRED = "bench-pair"  # three deployments, of which one is ruled out: the two that are left fail over
CONVERSE = "bench-converse"  # translated for Bedrock, with a bearer key
SIGNED = "bench-signed"  # the same, signed with SigV4
NATIVE = "bench-native"  # Anthropic's own shape, passed through
PATHS = {NATIVE: "/v1/messages"}
"""The paths of models that are not asked for chat completions."""
OUTSIDE = "outside"  # the deployment that no call may reach
ENVIRONMENT = {
    "BENCH_PROVIDER_KEY": "bench",
    "AWS_ACCESS_KEY_ID": "AKIDBENCH",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "*",
}
Json = dict[str, Any]


def _offer(offer: str, provider: str, region: str, model: str, cents: int = 40) -> Json:
    price = {"input": f"0.{cents} USD per Mtok", "cached-input": "0.10 USD per Mtok", "output": "1.60 USD per Mtok"}
    where: Json = {"id": offer, "kind": "tokens", "provider": provider, "region": region, "model": model}
    return {**where, "price": price, "capacity": "100 Gtok per minute"}


def _compatible(offer: str, port: int) -> Json:
    endpoint = f"http://127.0.0.1:{port}/v1"
    key = {"env": "BENCH_PROVIDER_KEY"}
    return {"id": offer, "kind": "openai-compatible", "offer": offer, "endpoint": endpoint, "credential": key}


def _bedrock(offer: str, port: int, credential: Json) -> Json:
    endpoint = f"http://127.0.0.1:{port}"
    name = "anthropic.claude-haiku-4-5-20251001-v1:0"
    where: Json = {"id": offer, "kind": "bedrock", "offer": offer, "endpoint": endpoint}
    return {**where, "name": name, "credential": credential}


def _anthropic(offer: str, port: int) -> Json:
    endpoint = f"http://127.0.0.1:{port}"
    where: Json = {"id": offer, "kind": "anthropic", "offer": offer, "endpoint": endpoint}
    return {**where, "name": "claude-haiku-4-5-20251001", "credential": {"env": "BENCH_PROVIDER_KEY"}}


def _workload(workload: str, line: str) -> Json:
    return {
        "id": workload,
        "kind": "inference",
        "labels": {"data": "personal", "line": line},
        "runs-on": {"models": [PASSED, PAIRED, CONVERSE, SIGNED, NATIVE]},
        "mix": {"output": "20%", "cached": "10%"},
        "demand": "1 Gtok per day",
        "value": "20 USD per Mtok",
    }


def case(ports: tuple[int, int]) -> Json:
    """The case, with the stub behind two ports: the first one is where providers fail on demand."""
    first, second = ports
    return {
        "name": "bench",
        "horizon": {"start": "2026-01-01", "end": "2027-01-01", "every": "month"},
        "providers": [
            {"id": "north", "name": "North", "law": "SE", "regions": {"stockholm": {"country": "SE"}}},
            {
                "id": "west",
                "name": "West",
                "law": "IE",
                "regions": {"dublin": {"country": "IE"}, "virginia": {"country": "US"}},
            },
            {"id": "aws", "name": "AWS", "law": "US", "regions": {"eu-central-1": {"country": "DE"}}},
        ],
        "offers": [
            _offer("passed", "north", "stockholm", PASSED),
            _offer("near", "north", "stockholm", PAIRED),
            _offer("far", "west", "dublin", PAIRED, cents=44),
            _offer(OUTSIDE, "west", "virginia", PAIRED, cents=12),
            _offer("converse", "aws", "eu-central-1", CONVERSE),
            _offer("signed", "aws", "eu-central-1", SIGNED),
            _offer("native", "west", "dublin", NATIVE),
        ],
        "workloads": [_workload("assistant", "assistant"), _workload("claims", "claims")],
        "agreements": [
            {
                "id": "north-2026",
                "with": "north",
                "effective": "2026-01-01",
                "terms": [
                    {
                        "id": "north-exclusive",
                        "kind": "exclusivity",
                        "text": "Claims run on North alone.",
                        "of": {"line": "claims"},
                    },
                    {
                        "id": "north-minimum",
                        "kind": "minimum-commitment",
                        "text": "The customer commits to $10,000 in each quarter.",
                        "amount": "10 k USD",
                        "windows": {"every": "quarter"},
                        "shortfall": {"fee": "100%"},
                    },
                ],
            },
            {
                "id": "policies",
                "with": "self",
                "effective": "2026-01-01",
                "terms": [
                    {
                        "id": "in-the-union",
                        "kind": "residency",
                        "text": "Personal data is processed in the European Union.",
                        "of": {"data": "personal"},
                        "within": ["EU"],
                    }
                ],
            },
        ],
        "deployments": [
            _compatible("passed", second),
            _compatible("near", first),
            _compatible("far", second),
            _compatible(OUTSIDE, second),
            _bedrock("converse", second, {"env": "BENCH_PROVIDER_KEY"}),
            _bedrock("signed", second, {"aws": "default"}),
            _anthropic("native", second),
        ],
        "keys": [{"id": "bench", "workload": "assistant", "hash": hash_of(KEY)}],
    }


def write(folder: Path, ports: tuple[int, int]) -> Path:
    """The case as a folder. JSON is YAML."""
    folder.mkdir(parents=True)
    (folder / "case.yaml").write_text(json.dumps(case(ports), indent=2), encoding="utf-8")
    return folder
