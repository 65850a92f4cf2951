"""Metering: what a call took, earned and moved, worked by hand; the same rates as the gateway's and a plan's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.case.case import Case
from detente.contract.metered.use import Use, nanos
from detente.contract.rated.rating import PartsOff, Rating
from detente.gateway.deciding.policy import Policy, cost
from detente.ledger.journals.record import Attempt, TokenCounts, parted, read_end, read_route
from detente.ledger.use.line import UseLine, summed
from detente.ledger.use.metered_together import TokenColumns, metered_together
from detente.ledger.use.metering import Metering, Tariff
from detente.providers.wire import Tokens
from detente.values.micros import HOUR, at_micros, micros
from detente.values.money import of_nanos
from tests.builders import REGIONS, Data, agreement, compute, day, gpus, tokens, work
from tests.gateway.stage import deployment
from tests.ledger.served import call, served_case

AT = (day("2026-01-15") - at_micros(0)).total_seconds()
MOVED = {
    "workloads": [work(data={"at": "south/texas", "moves": "1 GB per Mtok"}, revenue="7 USD per Mtok")],
    "networks": [{"from": "south", "to": "north", "price": "0.02 USD per GB"}],
}


def lines(case: Case, **more: Any) -> list[UseLine]:
    route, body = parted(call(1, "2026-01-15", **more))
    return Metering(case).lines(1, read_route(route), read_end(body), int(AT) * 10**6)


def test_revenue_and_the_data_that_moves() -> None:
    case = served_case({"id": "off", "kind": "discount", "off": "50%", "of": {"product": "tokens"}}, **MOVED)
    used, moved = lines(case, used=(10, 90))
    assert (used.work, used.taken, used.listed, used.net, used.revenue) == (100_000, 100_000, 300_000, 150_000, 700_000)
    assert (moved.of.kind, moved.of.offer["offer"], moved.of.offer["provider"]) == (
        "egress",
        "south/texas egress",
        "south",
    )
    assert (moved.work, moved.listed, moved.net, moved.off) == (
        0,
        2_000,
        2_000,
        (),
    )  # 100 tokens: 0.1 MB at 2 cents a GB


def test_revenue_in_another_currency_has_the_rate_of_the_day() -> None:
    """100 tokens of 7 EUR per Mtok, at 1.10 and at 1.20."""
    rates = {"2026-01-01": "1.10 USD per EUR", "2026-02-01": "1.20 USD per EUR"}
    works = {"workloads": [work(revenue="7 EUR per Mtok")], "exchange": [{"rate": rates, "day": "use"}]}
    metering = Metering(served_case(**works))
    route, body = parted(call(1, "2026-01-15", used=(10, 90)))
    times = [micros(day(on)) for on in ("2026-01-15", "2026-02-15")]
    found = [metering.lines(1, read_route(route), read_end(body), at) for at in times]
    assert [line.revenue for (line,) in found] == [770_000, 840_000]


def test_moved_data_in_another_currency_has_the_rate_of_the_day() -> None:
    """0.1 MB at 2 cents of a euro a GB, at 1.10 and at 1.20."""
    rates = {"2026-01-01": "1.10 USD per EUR", "2026-02-01": "1.20 USD per EUR"}
    networks = [{"from": "south", "to": "north", "price": "0.02 EUR per GB"}]
    metering = Metering(served_case(**(MOVED | {"networks": networks, "exchange": [{"rate": rates, "day": "use"}]})))
    route, body = parted(call(1, "2026-01-15", used=(10, 90)))
    times = [micros(day(on)) for on in ("2026-01-15", "2026-02-15")]
    found = [metering.lines(1, read_route(route), read_end(body), at) for at in times]
    assert [moved.listed for _, moved in found] == [2_200, 2_400]


def test_provisioned_throughput_counts_output_by_its_weight_and_cached_input_not_at_all() -> None:
    unit: Data = {"id": "ptu", "kind": "provisioned", "provider": "north", "region": REGIONS["north"][0], "model": "m"}
    unit |= {"price": "120 USD per unit-hour", "throughput": "2 Mtok per minute", "output-ratio": 4}
    live = [deployment("ptu-live", "ptu", "http://localhost:9")]
    case = served_case(offers=[unit], deployments=live)
    (used,) = lines(case, usage=TokenCounts(1000, 50, cached=600), offer="ptu", deployment="ptu-live")
    # 400 fresh and 50 of output at 4 each: 600 of 120 Mtok an hour, that cost 120 USD
    assert (used.work, used.taken, used.listed) == (1_050_000, 600_000, 600_000)


def test_units_that_several_models_share_are_taken_by_the_model_that_a_deployment_serves() -> None:
    """Of one unit, 2 Mtok a minute of m, or half a Mtok of large, of which a token of output weighs two."""
    large = {"large": {"throughput": "500 ktok per minute", "output-ratio": 2}}
    unit: Data = {"id": "ptu", "kind": "provisioned", "provider": "north", "region": REGIONS["north"][0], "model": "m"}
    unit |= {"price": "120 USD per unit-hour", "throughput": "2 Mtok per minute", "output-ratio": 4, "covers": large}
    live = [
        deployment("small-live", "ptu", "http://localhost:9"),
        deployment("large-live", "ptu", "http://localhost:9", model="large"),
    ]
    both = {"runs-on": {"models": ["m", "large"]}}
    case = served_case(offers=[unit], deployments=live, workloads=[work() | both])
    used = TokenCounts(1000, 50, cached=600)
    (small,), (big,) = (lines(case, usage=used, offer="ptu", deployment=name) for name in ("small-live", "large-live"))
    assert (small.taken, small.listed) == (600_000, 600_000)
    assert (big.taken, big.listed) == (2_000_000, 2_000_000)  # 400 and 50 at 2 each, of a quarter of the throughput
    failed = (Attempt("large-live", "cut", 1.0, 200, used=used), Attempt("small-live", "served", 1.0, 200))
    first, then = lines(case, usage=used, offer="ptu", deployment="small-live", attempts=failed)
    assert (first.taken, then.taken) == (600_000, 2_000_000)


def test_use_of_capacity_that_a_workload_cannot_run_on_is_unknown_with_the_reason() -> None:
    """A case that was changed since the call was served: it is no reason to stop, and no use of nothing."""
    unit: Data = {"id": "ptu", "kind": "provisioned", "provider": "north", "region": REGIONS["north"][0], "model": "m"}
    unit |= {"price": "120 USD per unit-hour", "throughput": "2 Mtok per minute"}
    others = [work("else") | {"runs-on": {"models": ["other"]}}, compute()]
    case = served_case(
        offers=[unit | {"model": "other"}, tokens("north", 3), gpus("north", 2)],
        deployments=[deployment("north-live", "north-api", "http://localhost:9")],
        workloads=[work(), *others],
    )
    for offer, why in (
        ("ptu", "`chat` runs on no model of other, so that what it takes of `ptu` is not known"),
        ("north-gpus", "`chat` states no rate on `H100`, so that what it takes of `north-gpus` is not known"),
    ):
        (line,) = lines(case, offer=offer)
        assert (line.unknown.partition(";")[0], line.count, line.taken, line.listed) == (why, 1, 0, 0)


PRICED = {"input": "1.2345 USD per Mtok", "output": "9.8765 USD per Mtok", "cached-input": "0.1111 USD per Mtok"}
CASE = served_case(
    {"id": "off", "kind": "discount", "off": "33%"}, offers=[tokens("north", 1) | {"price": PRICED}, tokens("south", 2)]
)


@settings(deadline=None, max_examples=80)
@given(given_=st.integers(0, 10**7), output=st.integers(0, 10**6), part=st.fractions(0, 1))
def test_a_call_costs_in_the_ledger_what_it_costs_in_the_gateway_and_in_a_bill(
    given_: int, output: int, part: Fraction
) -> None:
    cached = int(given_ * part)
    found = lines(CASE, usage=TokenCounts(given_, output, cached=cached))
    if not given_ and not output:
        assert found == []
        return
    (line,) = found
    policy = Policy.of(CASE)
    rates = policy.deployed[0].rates(day("2026-01-15"))
    assert rates is not None
    assert line.listed == cost(rates, Tokens(given_, output, cached=cached))
    amounts = map(of_nanos, (line.work, line.taken, line.listed))
    at = day("2026-01-15")
    rated = Rating(CASE.signed).rate(Use("use", line.of.demand, line.of.offer, at, at, *amounts))
    assert line.net == nanos(rated.net)


@pytest.mark.parametrize("count", [0, 1])
def test_use_of_nothing_is_no_line(count: int) -> None:
    assert len(lines(CASE, used=(count, 0))) == count


@pytest.mark.parametrize(("at", "listed"), [("2026-01-14T23:59:59", 500_000), ("2026-01-15T00:00", 1_000_000)])
def test_a_price_of_capacity_holds_from_its_day_on(at: str, listed: int) -> None:
    """8 Mtok do in an hour of a GPU, for 4 USD, and for 8 from the 15th on; asked at any moment of a day."""
    rated = work() | {"runs-on": {"models": ["m"], "accelerators": {"H100": "8 Mtok per GPU-hour"}}}
    price = {"2026-01-01": "4 USD per GPU-hour", "2026-01-15": "8 USD per GPU-hour"}
    live = [deployment("gpu-live", "north-gpus", "http://localhost:9", model="m")]
    case = served_case(offers=[gpus("north", price)], workloads=[rated], deployments=live)
    route, body = parted(call(1, at, used=(1000, 0), deployment="gpu-live", offer="north-gpus"))
    when = datetime.fromisoformat(at).replace(tzinfo=UTC)
    metering = Metering(case)
    (line,) = metering.lines(1, read_route(route), read_end(body), micros(when))
    tariff = metering.tariff(read_route(route), "north-gpus", when)
    assert isinstance(tariff, Tariff)
    (again,) = tariff.lines(micros(when), TokenCounts(1000, 0), 0)
    assert line.listed == again.listed == listed


@pytest.mark.parametrize(("at", "net"), [("2026-05-16T03:59:59", 22_500), ("2026-05-16T04:00", 15_000)])
def test_a_clause_turns_for_a_call_at_midnight_of_its_agreement(at: str, net: int) -> None:
    """10 tokens at 3 USD per Mtok: 25% off, and 50% from 16 May on in New York; the gateway says the same."""
    more = agreement(
        {"id": "less", "kind": "discount", "off": "50%"}, id="later", amends="north-deal", effective="2026-05-16"
    )
    less: Data = {"id": "less", "kind": "discount", "off": "25%"}
    case = served_case(less, signed={"zone": "America/New_York"}, also=[more])
    route, body = parted(call(1, at, used=(10, 0)))
    when = datetime.fromisoformat(at).replace(tzinfo=UTC)
    metering = Metering(case)
    for near in (timedelta(hours=-3), timedelta(hours=3)):  # of the same day UTC, and metered before
        metering.lines(1, read_route(route), read_end(body), micros(when + near))
    (line,) = metering.lines(1, read_route(route), read_end(body), micros(when))
    assert line.net == net
    tariff = metering.tariff(read_route(route), "north-api", when)
    assert isinstance(tariff, Tariff)
    assert tariff.lines(micros(when), TokenCounts(10, 0), 0)[0].net == net


# -- many calls at once ------------------------------------------------------------------------------------------------
UNIT: Data = {
    "id": "ptu", "kind": "provisioned", "provider": "north", "region": REGIONS["north"][0], "model": "m",
    "price": "119.37 USD per unit-hour", "throughput": "2.7 Mtok per minute", "output-ratio": 3,
}  # fmt: skip
MANY = served_case(
    {"id": "off", "kind": "discount", "off": "33.3%"},
    offers=[tokens("north", 1) | {"price": PRICED}, UNIT, tokens("south", 2)],
    deployments=[deployment(n, o, "http://localhost:9") for n, o in (("api", "north-api"), ("ptu-live", "ptu"))],
    **MOVED | {"workloads": [work(data={"at": "south/texas", "moves": "1.7 GB per Mtok"}, revenue="7.3 USD per Mtok")]},
)
one_call = st.tuples(st.integers(0, 10**6), st.fractions(0, 1), st.integers(0, 10**5), st.integers(1, 50))
any_call = one_call | st.tuples(
    st.integers(0, 10**9), st.just(Fraction(1, 3)), st.integers(0, 10**9), st.integers(1, 10**9)
)


@settings(deadline=None, max_examples=80)
@given(
    offer=st.sampled_from(["north-api", "ptu"]),
    some=st.lists(one_call, min_size=1, max_size=30),
    more=st.lists(any_call, max_size=1),
)
def test_calls_that_are_metered_together_come_to_what_each_comes_to(
    offer: str, some: list[Any], more: list[Any]
) -> None:
    """Of amounts that 64 bits cannot hold, nothing is said: then they are metered one by one."""
    rows = [(given_, int(given_ * part), output, count) for given_, part, output, count in [*some, *more]]
    metering, hour = Metering(MANY), micros(day("2026-01-15"))
    route, _ = parted(call(1, offer=offer, deployment="api" if offer == "north-api" else "ptu-live"))
    tariff = metering.known(1, read_route(route), offer, "m", hour)
    assert isinstance(tariff, Tariff)
    each = [
        line.times(count)
        for given_, cached, output, count in rows
        if given_ or output
        for line in tariff.lines(hour, TokenCounts(given_, output, cached), 0)
    ]
    found = metered_together(tariff, TokenColumns.of(*zip(*rows, strict=True)), hour)
    assert found is not None or more
    if found is not None:
        assert found == list(summed(each, HOUR).values())


def test_calls_off_which_clauses_take_more_than_all_are_told_one_by_one() -> None:
    tariff = Metering(MANY).known(1, read_route(parted(call(1))[0]), "north-api", "m", 0)
    assert isinstance(tariff, Tariff)
    more = replace(tariff, off=PartsOff((("off", 2, 1),)))
    assert metered_together(more, TokenColumns.of([10], [0], [5], [1]), 0) is None
    assert metered_together(tariff, TokenColumns.of([0], [0], [0], [1]), 0) == []
