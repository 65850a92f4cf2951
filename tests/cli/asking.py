"""Cases in folders, and what commands print of them: what the tests of several commands ask with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.builders import Data, agreement, compute, data_of, gpus, tokens


def document(done: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON document on standard output."""
    return json.loads(done.stdout)


def written(folder: Path, data: Data) -> Path:
    """A case as a folder. JSON is YAML too, but for its pairs of surrogates."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "case.yaml").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return folder


OFFERS = [tokens("north", 3), tokens("south", 2)]

FLOOR = {"id": "floor", "kind": "minimum-commitment", "amount": "3 k USD", "text": "At least $3,000."}

ONLY = {"id": "only", "kind": "exclusivity", "text": "Only on North."}

READINGS = {"letter": {"of": {"api": "stateless"}}, "spirit": {"of": {"api": ["stateless", "stateful"]}}}


def slow(folder: Path, value: str | None = "60 USD per GPU-hour") -> Path:
    """Whole units of awkward sizes, with shares of spend to hit: minutes of branch and bound, at a gap of 0%."""
    sizes = (8, 5, 7, 3, 11, 13, 6, 9)
    offers = [
        gpus("north" if i % 2 else "south", f"{2 + i / 10}", id=f"o{i}", unit=s, capacity=f"{s * 9} GPU")
        for i, s in enumerate(sizes)
    ]
    valued = {"value": value} if value else {}
    each = [compute(f"w{i}", {"rate": f"{27.3 + i} GPU", "growth": f"{3 + i}% per month"}, **valued) for i in range(5)]
    shares = {"kind": "share", "at-least": "37%", "at-most": "59%", "measure": "spend", "windows": {"every": "month"}}
    deals = [agreement(shares | {"id": f"{p}-part"}, party=p) for p in ("north", "south")]
    return written(folder, data_of(offers, each, *deals, months=12))
