"""Work at the batch price of an offer: plan, gateway and books say one price of it, or a note says that they do not.

A batch API takes files of requests and answers within a day; the gateway serves calls. North sells at 2 USD per Mtok,
and batches at half of that. 1,000 Mtok come to 2,000 USD as calls, and to 1,000 in batches.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.case.notes import notes
from detente.contract.reach.verdict import Reason
from detente.errors import CaseError
from detente.gateway.deciding.admit import admit
from detente.gateway.deciding.policy import Policy
from detente.ledger.journals.record import CallRoute, TokenCounts
from detente.ledger.use.metering import Metering, Tariff
from detente.live.request import Request
from tests.builders import Data, build, day, solved, tokens, work
from tests.gateway.stage import deployment
from tests.ledger.bills.bill_files import bill, mapped, read, row
from tests.ledger.served import accounts, fresh

AT = day("2026-01-15")
USD = 10**9
WHOLE = TokenCounts(500 * 10**6, 500 * 10**6)
"""1,000 Mtok, half of them output."""
OFFER = tokens("north", 2)
OFFER["price"] |= {"batch": "50%"}
OTHER = tokens("south", 3)


def case_of(*, live: bool = True, **stated: Any) -> Case:
    night = work("night", "1000 Mtok per month", kind="batch", mix={"output": "50%"}, **stated)
    deployments = [deployment("north-live", "north-api", "http://localhost:9")] if live else []
    return build([OFFER, OTHER], [night], months=1, deployments=deployments)


def booked(case: Case) -> int:
    """What calls of a month's work cost on the books."""
    found = Metering(case).tariff(CallRoute("/v1/chat/completions", "", "night", {}, "m", ""), "north-api", AT)
    assert isinstance(found, Tariff)
    (line,) = found.lines(0, WHOLE, 0)
    return line.net


@pytest.mark.parametrize(
    ("stated", "planned", "noted"),
    [
        ({}, 1000, True),
        ({"sent": "calls"}, 2000, False),
        ({"sent": "batches"}, 1000, False),
        ({"within": "6 hours"}, 2000, False),
    ],
)
def test_calls_cost_what_the_plan_says_or_a_note_says_that_they_cost_more(
    stated: Data, planned: int, noted: bool
) -> None:
    case = case_of(**stated)
    assert solved(case).cost == planned
    assert booked(case) == 2000 * USD, "a call is none of a batch"
    (candidate,) = admit(Policy.of(case), Request("night", "batch", (), "m", "chat"), AT).candidates
    served = candidate.permitted
    assert (planned == 2000 or noted) is served, "what is served at another price than the plan's is noted"
    assert [note.what for note in notes(case)] == (
        ["is planned at the batch price of `north-api`, and calls to `north-live` cost the whole"] if noted else []
    )


def test_work_that_goes_in_batches_is_not_served_as_calls_where_there_is_a_batch_price() -> None:
    case = case_of(sent="batches")
    (candidate,) = admit(Policy.of(case), Request("night", "batch", (), "m", "chat"), AT).candidates
    assert candidate.verdict.reason == Reason("night", "night goes to north-api by its batch API, and not in calls")
    live = [deployment("south-live", "south-api", "http://localhost:9")]
    night = work("night", kind="batch", sent="batches")
    elsewhere = build([OFFER, OTHER], [night], deployments=live)
    (candidate,) = admit(Policy.of(elsewhere), Request("night", "batch", (), "m", "chat"), AT).candidates
    assert candidate.permitted, "South has no batch price, so that all of it goes there as calls"


@pytest.mark.parametrize(("stated", "usd"), [({}, 1000), ({"sent": "batches"}, 1000), ({"sent": "calls"}, 2000)])
def test_what_a_bill_tells_of_work_in_batches_costs_what_the_plan_says(stated: Data, usd: int, tmp_path: Path) -> None:
    case, rules = case_of(live=False, **stated), []
    for kind in ("input", "output"):
        where = {"ServiceName": f"m {kind}"}
        rules.append({"where": where, "offer": "north-api", "workload": "night", "tokens": kind, "per": 1_000_000})
    rows = [row("m input", "1", "500"), row("m output", "1", "500")]
    with fresh(tmp_path) as store:
        read(store, case, mapped(tmp_path, *rules), bill(tmp_path / "bill.csv", rows))
        assert accounts(store)["use/north/north-api"] == usd * USD
    assert solved(case).cost == usd


def test_nothing_is_noted_where_no_call_can_be_made() -> None:
    assert notes(case_of(live=False)) == ()


def test_a_batch_api_may_take_a_day() -> None:
    with pytest.raises(CaseError, match="batch APIs may take 24 hours, and work waits 23 hours"):
        case_of(sent="batches", within="23 hours")
