"""How available a provider was, by journals: by hand, of a thousand attempts in January."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detente.case.case import Case
from detente.ledger.books.availability import RecordedAvailability, availability
from detente.ledger.journals.record import Attempt, decoded
from tests.builders import D, Data, data_of, posted, tokens, use, work
from tests.cli.shell import detente
from tests.gateway.stage import deployment
from tests.ledger.served import NOW, call, journal_of, served_case

SLA: Data = {
    "id": "sla",
    "kind": "service-credit",
    "bands": [{"below": "99.9%", "credit": "10%"}, {"below": "99%", "credit": "30%"}],
    "claim-within": "2 months",
}
SERVED, FAILED = Attempt("north-live", "served", 9.0, 200), Attempt("north-live", "unavailable", 9.0, 503)


def of(*attempts: Attempt, at: str = "2026-01-15T12:00", n: int = 0, **more: Any) -> bytes:
    return call(n, at, attempts=attempts, **more)


def counted(case: Case, records: Iterable[bytes]) -> list[tuple[int, int, D | None, str]]:
    found = availability(case, map(decoded, records))
    return [(each.asked, each.failed, each.availability, each.says) for each in found]


def test_failures_of_a_provider_are_a_part_of_what_it_was_asked() -> None:
    calls = [of(SERVED)] * 995 + [of(FAILED, Attempt("south-live", "served", 9.0, 200))] * 5
    assert counted(served_case(SLA), calls) == [(1000, 5, D("0.995000"), "10%, if claimed by 2026-03-31")]


@pytest.mark.parametrize("failed", [0, 1, 2, 11])
def test_the_band_is_the_one_that_settling_takes(failed: int) -> None:
    (found,) = counted(served_case(SLA), [of(SERVED)] * (1000 - failed) + [of(FAILED)] * failed)
    part = {0: "nothing", 1: "nothing", 2: "10%", 11: "30%"}[failed]  # 99.9% is not below 99.9%
    assert found[3].partition(",")[0] == part
    measured = [{"on": "2026-01-31", "availability": f"{(found[2] or 0) * 100}%", "claimed": "2026-02-01"}]
    case = served_case(SLA | {"measured": measured})

    given = posted(case, "sla", use(case, "chat", "north-api", "2026-01-05", "2026-01-06", 1000, 3000))
    assert sum((p.amount for p in given), D(0)) == -3000 * D({"nothing": "0", "10%": "0.1", "30%": "0.3"}[part])


NOT_ITS_DOING = ("abandoned", "refused", "throttled", "credential", "too-long", "foreign", "gateway")


@pytest.mark.parametrize("outcome", NOT_ITS_DOING)
def test_what_is_not_the_provider_s_doing_counts_for_nobody(outcome: str) -> None:
    assert counted(served_case(SLA), [of(Attempt("north-live", outcome, 9.0, 400))]) == []


def test_a_reply_that_broke_off_failed_though_it_had_begun() -> None:
    cut = [of(SERVED, outcome="cut"), of(FAILED, SERVED, outcome="complete")]
    assert [each[:2] for each in counted(served_case(SLA), cut)] == [(3, 2)]


def test_windows_labels_and_other_providers() -> None:
    gold = SLA | {"of": {"tier": "gold"}}
    case = served_case(gold, workloads=[work(labels={"tier": "gold"})])
    calls = [
        of(SERVED, labels={"tier": "gold"}),
        of(FAILED, labels={"tier": "gold"}, at="2026-02-01T00:00"),
        of(SERVED, labels={"tier": "silver"}),
        of(SERVED),  # a label that is not there: it is not known whether it is covered
        of(Attempt("south-live", "unavailable", 9.0, 503), labels={"tier": "gold"}),
        of(Attempt("gone-live", "unavailable", 9.0, 503), labels={"tier": "gold"}),
    ]
    found = availability(case, map(decoded, calls))
    assert [(e.start.month, e.asked, e.failed, e.unknown) for e in found] == [(1, 1, 0, 1), (2, 1, 1, 0)]
    assert [e.availability for e in found] == [D(1), D(0)]


def test_it_is_rounded_down() -> None:
    """Of 3,000,000 with one failure 99.99996666...% are left: never told as more."""
    one = RecordedAvailability("sla", NOW, NOW, 3_000_000, 1, 0, "")
    assert one.availability == D("0.999999")


def test_the_command(tmp_path: Path) -> None:
    live = [msgspec.to_builtins(deployment(f"{p}-live", f"{p}-api", "http://localhost:9")) for p in ("north", "south")]
    deal = {"id": "deal", "with": "north", "effective": "2026-01-01", "ends": "2026-07-01", "terms": [SLA]}
    case = tmp_path / "case.yaml"
    offers = [tokens("north", 3), tokens("south", 2)]
    case.write_text(json.dumps(data_of(offers, [work()], deal, deployments=live)))
    folder = journal_of(tmp_path / "journal", [of(SERVED, n=1), b"nothing", of(FAILED, n=2)])
    done = detente("availability", case, folder)
    assert done.returncode == 2
    assert "record 1 is not one of this version" in done.stderr
    assert "{ on: 2026-01-31, availability: 50% }" in done.stdout
    good = journal_of(tmp_path / "good", [of(SERVED, n=1), of(FAILED, n=2)])
    told = detente("availability", case, good, "--json")
    (row,) = json.loads(told.stdout)["availability"]
    assert (told.returncode, row["asked"], row["failed"], row["availability"]) == (0, 2, 1, "0.500000")
    assert row["says"] == "30%, if claimed by 2026-03-31"
