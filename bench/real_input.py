"""Real prices and real demand, planned end to end.

    python bench/real_input.py [--months 12]

Published prices of GPUs (Azure, Google Cloud with committed use, Lambda) and two public traces of language models
(Azure 2023, ServeGen), in a case with a commitment and a limit on concentration. Tokens per GPU-hour, the commitment
and the limit are invented: no public list has them. The data are not part of the project: they are looked for in
``$DETENTE_DATA``, else in ``../shared/data``, and where they are not there the bench says so and ends. Times are CPU
seconds.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from detente.case.case import Case

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("DETENTE_DATA") or ROOT.parent / "shared" / "data")

FILES = {
    "azure.csv.gz": "prices/gpu_vms_azure_2026-05-20.csv.gz",
    "gcp.csv.gz": "prices/gcp_ondemand_spot_cud_2026-07-30.csv.gz",
    "lambda.csv.gz": "prices/gpu_vms_lambda_2026-05-20.csv.gz",
    "chat.csv.gz": "workload/azure_llm_2023_conv.csv.gz",
    "rates.parquet": "workload/servegen_rates.parquet",
    "tokens.parquet": "workload/servegen_tokens.parquet",
}
COUNTRIES = {
    "azure": {"eastus": "US", "westeurope": "NL"},
    "gcp": {"us-central1": "US", "europe-west4": "NL"},
    "lambda": {"us-east-1": "US", "us-west-1": "US"},
}
RATES = {"H100": "9.5 Mtok per GPU-hour", "h100-80gb": "9.5 Mtok per GPU-hour", "A100-80GB": "4 Mtok per GPU-hour"}
"""Invented, but of the right size."""


def catalogs() -> list[dict[str, Any]]:
    """What is bought of each list. Google's has a price for every region: those where it has the machine are named."""
    return [
        {
            "format": "skypilot",
            "provider": "azure",
            "file": "azure.csv.gz",
            "accelerators": ["H100", "A100-80GB"],
            "regions": [*COUNTRIES["azure"]],
            "buy": ["on-demand", "spot"],
            "capacity": "64 GPU",
        },
        {
            "format": "gcp-cud",
            "provider": "gcp",
            "file": "gcp.csv.gz",
            "accelerators": ["h100-80gb"],
            "regions": [*COUNTRIES["gcp"]],
            "instances": ["a3-highgpu-8g"],
            "buy": ["on-demand", "spot", "reserved"],
            "terms": ["1 year"],
            "cut": "prorate",
            "capacity": "256 GPU",
        },
        {
            "format": "skypilot",
            "provider": "lambda",
            "file": "lambda.csv.gz",
            "accelerators": ["H100"],
            "regions": [*COUNTRIES["lambda"]],
            "instances": ["gpu_8x_h100_sxm5"],
            "capacity": "64 GPU",
        },
    ]


def case(months: int) -> dict[str, Any]:
    """The case, as its file holds it."""
    chat = {"trace": {"file": "chat.csv.gz", "as": "mean", "scale": 40}}
    tenants = {
        "format": "servegen",
        "file": "rates.parquet",
        "tokens": "tokens.parquet",
        "model": "m-large",
        "missing-tokens": "skip",
        "as": "week",
        "starts": "2026-01-05",
    }
    year, month = divmod(months, 12)
    return {
        "name": "real-input",
        "horizon": {
            "start": "2026-01-01",
            "end": f"{2026 + year}-{month + 1:02d}-01",
            "every": "hour",
            "typical": "week",
        },
        "providers": [
            {"id": name, "name": name.title(), "regions": {region: {"country": at} for region, at in regions.items()}}
            for name, regions in COUNTRIES.items()
        ],
        "catalogs": catalogs(),
        "workloads": [
            {
                "id": "chat",
                "kind": "inference",
                "demand": chat,
                "value": "10 USD per Mtok",
                "runs-on": {"accelerators": RATES},
            },
            {
                "id": "tenants",
                "kind": "inference",
                "demand": {"table": tenants},
                "interruptible": True,
                "value": "10 USD per Mtok",
                "runs-on": {"accelerators": RATES},
            },
        ],
        "agreements": [
            {
                "id": "azure-2026",
                "with": "azure",
                "effective": "2026-01-01",
                "terms": [
                    {
                        "id": "azure-floor",
                        "kind": "minimum-commitment",
                        "amount": "20 k USD",
                        "windows": {"every": "month"},
                        "shortfall": {"fee": "100%"},
                    }
                ],
            },
            {
                "id": "policy",
                "with": "self",
                "effective": "2026-01-01",
                "terms": [{"id": "spread", "kind": "share", "on": {"provider": "gcp"}, "at-most": "70%"}],
            },
        ],
    }


def rows_of(file: Path) -> int:
    """Records of a file."""
    if file.suffix == ".parquet":
        import pyarrow.parquet

        return int(pyarrow.parquet.ParquetFile(file).metadata.num_rows)
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        return sum(1 for _ in csv.reader(text)) - 1


def timed(what: Callable[[], Any]) -> tuple[Any, float]:
    """What it returns, and the CPU seconds it took."""
    begin = time.process_time()
    return what(), time.process_time() - begin


def table(folder: Path, months: int) -> Iterator[tuple[str, str, str]]:
    """Each line: what, a count, seconds."""
    from detente.case.case import Case
    from detente.demand.quantum import QUANTUM
    from detente.demand.workload import Training
    from detente.planner.solve import plan
    from detente.results.plan import Plan

    for name, source in FILES.items():
        shutil.copyfile(DATA / source, folder / name)
        yield f"rows of {source.rpartition('/')[2]}", f"{rows_of(folder / name):,}", ""
    (folder / "case.yaml").write_text(yaml.safe_dump(case(months), sort_keys=False), encoding="utf-8")

    loaded: Case
    loaded, seconds = timed(lambda: Case.load(folder))
    yield "the case read and checked: offers", f"{len(loaded.offers):,}", f"{seconds:.2f}"
    periods = loaded.periods
    demand, seconds = timed(
        lambda: {w.id: loaded.demand(w, periods) for w in loaded.workloads if not isinstance(w, Training)}
    )
    for name, quanta in demand.items():
        yield f"demand of {name}, Mtok", f"{float(quanta.sum() * QUANTUM):,.0f}", f"{seconds:.2f}"
        seconds = 0.0
    found, seconds = timed(lambda: plan(loaded))
    if not isinstance(found, Plan):
        raise SystemExit(f"no plan obeys every clause: {found}")
    yield f"the plan: cost, {found.currency}", f"{found.cost:,.0f}", f"{seconds:.2f}"
    yield f"  {found.status}, gap", f"{float(found.gap):.4%}", ""
    yield "  of the gap, rounding of whole units", f"{float(found.rounding / (found.cost - found.bound or 1)):.0%}", ""
    yield "  allocations, purchases", f"{len(found.allocations):,}, {len(found.purchases):,}", ""
    for provider in found.providers:
        yield f"  of spend at {provider.provider}", f"{float(provider.share_of_spend):.1%}", ""


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--months", type=int, default=12)
    asked = given.parse_args()
    missing = [source for source in FILES.values() if not (DATA / source).is_file()]
    if missing:
        print(f"skipped: no {', '.join(missing)} in {DATA}; set DETENTE_DATA to the folder of the data")
        return
    sys.path.insert(0, str(ROOT))
    print(f"{'Real input, end to end':<52}{'count':>20}{'CPU s':>9}\n" + "-" * 81)
    with tempfile.TemporaryDirectory() as folder:
        for what, count, seconds in table(Path(folder), asked.months):
            print(f"{what:<52}{count:>20}{seconds:>9}", flush=True)


if __name__ == "__main__":
    main()
