"""A small case: every wire that the gateway speaks, each under a model's name of its own.

So a test says by ``model`` which wire a call takes. The sandbox plays all of it; no address is a real one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.builders import Data

AZURE, LEGACY, NOVA, CLAUDE, BEDROCK, GPUS = "azure", "azure-legacy", "nova", "claude", "bedrock-openai", "gpus"
DIRECT = "claude-direct"
CHAT = (AZURE, LEGACY, NOVA, CLAUDE, DIRECT, BEDROCK, GPUS)
"""Models that chat, each over another wire (``nova`` and ``claude``: Converse, for two families)."""
OPENAI = (AZURE, LEGACY, BEDROCK, GPUS)
"""Those whose provider speaks OpenAI's own shape."""
RESPONSES = (AZURE, BEDROCK, GPUS)
EMBEDDING, TITAN, COHERE = "text-embedding-3-small", "titan-embed", "cohere-embed"

PROVIDERS: list[Data] = [
    {"id": "azure", "name": "Azure", "law": "US", "regions": {"swedencentral": {"country": "SE"}}},
    {
        "id": "aws",
        "name": "AWS",
        "law": "US",
        "regions": {"eu-central-1": {"country": "DE"}, "eu-west-1": {"country": "IE"}},
    },
    {"id": "anthropic", "name": "Anthropic", "law": "US", "regions": {"us": {"country": "US"}}},
    {"id": "nordgpu", "name": "NordGPU", "law": "FI", "regions": {"helsinki": {"country": "FI"}}},
]
KINDS: dict[str, tuple[str, Data]] = {
    "azure": ("swedencentral", {"endpoint": "https://one.openai.azure.com", "credential": {"env": "AZURE_KEY"}}),
    "anthropic": ("us", {"credential": {"env": "ANTHROPIC_KEY"}}),
    "aws": ("eu-central-1", {"credential": {"aws": "default"}}),
    "nordgpu": ("helsinki", {"endpoint": "https://llm.nordgpu.example/v1", "credential": {"env": "NORDGPU_KEY"}}),
}
BOTH, VECTORS = ["chat", "responses"], ["embeddings"]


def tokens(offer: str, provider: str, region: str, model: str, price: str = "1") -> Data:
    """An offer of tokens."""
    prices = {"input": f"{price} USD per Mtok", "output": f"{price} USD per Mtok"}
    return {"id": offer, "kind": "tokens", "provider": provider, "region": region, "model": model, "price": prices}


def case(names: dict[str, tuple[str, str, str, Data]], **head: Any) -> Data:
    """A case of deployments: by model, (provider, kind, the provider's name of it, more keys)."""
    offers, deployments = [], []
    for model, (provider, kind, name, more) in names.items():
        region, keys = KINDS[provider]
        offers.append(tokens(model, provider, region, model))
        deployments.append({"id": model, "kind": kind, "offer": model, "name": name, **keys, **more})
    workload = {
        "id": "everything",
        "kind": "inference",
        "demand": "1 Gtok per day",
        "mix": {"output": "20%"},
        "runs-on": {"models": list(names)},
    }
    return {
        "name": "wires",
        "horizon": {"start": "2026-01", "end": "2027-01", "every": "month"},
        "providers": PROVIDERS,
        "offers": offers,
        "workloads": [workload],
        "deployments": deployments,
        **head,
    }


WIRES: Data = case(
    {
        AZURE: ("azure", "azure", "gpt-new", {"serves": BOTH}),
        LEGACY: ("azure", "azure", "gpt-old", {"version": "2024-10-21"}),
        EMBEDDING: ("azure", "azure", "vectors", {"serves": VECTORS}),
        NOVA: ("aws", "bedrock", "eu.amazon.nova-pro-v1:0", {"regions": ["eu-central-1", "eu-west-1"]}),
        CLAUDE: (
            "aws",
            "bedrock",
            "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
            {"regions": ["eu-central-1", "eu-west-1"]},
        ),
        DIRECT: ("anthropic", "anthropic", "claude-sonnet-4-6", {}),
        BEDROCK: ("aws", "bedrock", "openai.gpt-oss-120b-1:0", {"api": "openai", "serves": BOTH}),
        TITAN: ("aws", "bedrock", "amazon.titan-embed-text-v2:0", {"serves": VECTORS}),
        COHERE: ("aws", "bedrock", "cohere.embed-v4:0", {"serves": VECTORS}),
        GPUS: ("nordgpu", "openai-compatible", "openai/gpt-oss-120b", {"serves": BOTH}),
    }
)


def written(folder: Path, case: Data) -> Path:
    """The case as a folder. JSON is YAML."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "case.yaml").write_text(json.dumps(case, indent=1), encoding="utf-8")
    return folder
