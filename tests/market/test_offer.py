"""Offers and workloads: what one unit gives and costs, what can run where, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from detente.demand.workload import AnyWorkload, Training, Workload, can_run, job_periods
from detente.market.network import Network, egress_price
from detente.market.offer import AnyOffer, GpuOffer, Offer, ProvisionedOffer, TokenOffer
from detente.values.country import AREAS, CODES, country, in_area
from detente.values.period import Horizon, Period, day, hours_between, moment

OFFERS: TypeAdapter[AnyOffer] = TypeAdapter(Offer)
WORKLOADS: TypeAdapter[AnyWorkload] = TypeAdapter(Workload)
PERIODS = Horizon.model_validate({"start": "2026-01-01", "end": "2027-01-01"}).periods()


def offer(kind: str, **more: Any) -> Any:
    base: dict[str, Any] = {"id": "x", "kind": kind, "provider": "p", "region": "r"}
    each: dict[str, dict[str, Any]] = {
        "gpu": {"accelerator": "H100", "price": "2 USD per GPU-hour"},
        "provisioned": {"model": "m", "price": "1 USD per unit-hour", "throughput": "6 Mtok per minute"},
        "tokens": {"model": "m", "price": {"input": "1 USD per Mtok", "output": "5 USD per Mtok"}},
    }
    return OFFERS.validate_python(
        {**base, **each[kind], **{k.rstrip("_").replace("_", "-"): v for k, v in more.items()}}
    )


def price(found: GpuOffer | ProvisionedOffer, start: str = "2026-01-01", end: str = "2026-02-01") -> Fraction | None:
    return found.unit_price(moment(day(start)), moment(day(end)))


@pytest.mark.parametrize(
    ("more", "each"),
    [
        ({}, 2),
        ({"unit": 8}, 16),
        ({"unit": 8, "price": "98.32 USD per unit-hour"}, Fraction("98.32")),
        ({"unit": 8, "price": "7300 USD per unit per 730 hours"}, 10),
        ({"unit": 8, "price": "7440 USD per unit-month"}, 10),  # January has 744 hours
        (
            {"price": {"2026-01-01": "2 USD per GPU-hour", "2026-01-16": "4 USD per GPU-hour"}},
            Fraction(2 * 15 + 4 * 16, 31),
        ),
        ({"price": {"2026-01-02": "2 USD per GPU-hour"}}, None),
    ],
)
def test_the_price_of_a_unit_and_hour(more: dict[str, Any], each: Fraction | None) -> None:
    assert price(offer("gpu", **more)) == each


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2026-02-01", "2026-03-01", 1),  # 672 hours
        ("2026-01-01", "2026-04-01", 3),
        ("2026-02-08", "2026-02-15", Fraction(1, 4)),
        ("2026-01-31", "2026-02-15", Fraction(1, 31) + Fraction(14, 28)),
    ],
)
def test_a_price_a_month_is_one_flat_instalment_each_month(start: str, end: str, months: Fraction | int) -> None:
    each = price(offer("provisioned", price="260 USD per unit-month"), start, end)
    assert each is not None
    assert each * Fraction(hours_between(moment(day(start)), moment(day(end)))) == 260 * months


def test_instalments_of_a_reservation_count_from_its_start() -> None:
    """From 15 February to 15 March is one month, and not 14 days of one and 14 of another."""
    found = offer("provisioned", price="260 USD per unit-month", term="1 month")
    start, end = (moment(day(on)) for on in ("2026-02-15", "2026-03-15"))
    assert isinstance(found, ProvisionedOffer)
    (flat,) = found.price.values()
    assert found.hour_price(flat, start, end, since=start) * hours_between(start, end) == 260


def test_provisioned_units_give_tokens() -> None:
    found = offer("provisioned", capacity="107 units", minimum=15, increment=5)
    assert isinstance(found, ProvisionedOffer)
    assert found.unit_flow == 360
    assert price(found) == 1
    assert price(offer("provisioned", price="730 USD per unit per 730 hours")) == 1
    assert found.units_at_most(PERIODS[0]) == 105
    assert offer("provisioned", capacity="14 units", minimum=15).units_at_most(PERIODS[0]) == 0
    assert offer("provisioned", throughput="2400 tok per second").unit_flow == Fraction("8.64")


def test_whole_units_at_the_least_of_a_period() -> None:
    assert offer("gpu").units_at_most(PERIODS[0]) is None
    assert offer("gpu", unit=8, capacity="100 GPU").units_at_most(PERIODS[0]) == 12
    assert offer("gpu", unit=8, capacity="100 units").units_at_most(PERIODS[0]) == 100
    dated = offer("gpu", capacity={"2026-01-15": "10 GPU", "2026-03-15": "5 GPU"})
    assert [dated.units_at_most(p) for p in PERIODS[:4]] == [0, 10, 5, 5]
    limited = offer("gpu", from_="2026-02-01", until="2026-04-01", capacity="10 GPU")
    assert [limited.units_at_most(p) for p in PERIODS[:4]] == [0, 10, 10, 0]


def test_token_capacity_is_a_flow() -> None:
    found = offer("tokens", capacity={"2026-01-01": "730 Mtok per month", "2026-02-01": "2 Mtok per minute"})
    assert isinstance(found, TokenOffer)
    assert [found.flow_at_most(p) for p in PERIODS[:2]] == [1, 120]
    for rate in ("2190 Mtok per quarter", "8760 Mtok per year", "168 Mtok per week", "24 Mtok per day"):
        assert offer("tokens", capacity=rate).flow_at_most(PERIODS[0]) == 1
    assert offer("tokens").flow_at_most(PERIODS[0]) is None
    assert offer("tokens", capacity="1 Mtok per day", until="2026-01-10").flow_at_most(PERIODS[0]) == 0


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("gpu", {"buy": "reserved"}),
        ("gpu", {"term": "1 year"}),
        ("gpu", {"starts": ["2026-01-01"]}),
        ("gpu", {"from_": "2026-02-01", "until": "2026-02-01"}),
        ("gpu", {"price": "1 USD per Mtok"}),
        ("gpu", {"price": {}}),
        ("gpu", {"capacity": "10 Mtok"}),
        ("gpu", {"unit": 0}),
        ("gpu", {"unit": "1.5"}),
        ("provisioned", {"price": "1 USD per GPU-hour"}),
        ("provisioned", {"price": {"2026-01-01": "1 USD per unit-hour", "2026-02-01": "1 USD per GPU-hour"}}),
        ("provisioned", {"capacity": "5 GPU"}),
        ("provisioned", {"throughput": "0 Mtok per minute"}),
        ("provisioned", {"throughput": "1 Mtok per month"}),
        ("tokens", {"price": "1 USD per Mtok"}),
        ("tokens", {"capacity": "5 GPU"}),
        ("tokens", {"price": {"input": "1 USD per Mtok"}}),
        ("tokens", {"unit": 8}),
    ],
)
def test_offers_that_are_refused(kind: str, more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        offer(kind, **more)


def test_facts_say_what_kind_of_offer_it_is() -> None:
    assert offer("gpu", buy="spot").facts("US")["buy"] == "spot"
    assert offer("provisioned", term="1 year").facts("US") == {
        "offer": "x",
        "provider": "p",
        "region": "r",
        "country": "US",
        "product": "provisioned",
        "model": "m",
        "buy": "reserved",
    }
    assert "accelerator" not in offer("tokens").facts("US")


# -- workloads -------------------------------------------------------------------------------------------------------
def workload(kind: str = "inference", **more: Any) -> AnyWorkload:
    base: dict[str, Any] = {"id": "w", "kind": kind, "runs-on": {"accelerators": {"H100": 1}}}
    base |= {"work": "10 GPU-hours", "deadline": "2026-06-15"} if kind == "training" else {"demand": "5 GPU"}
    return WORKLOADS.validate_python({**base, **{k.rstrip("_").replace("_", "-"): v for k, v in more.items()}})


TOKENS: dict[str, Any] = {
    "demand": "1 Mtok per day",
    "runs_on": {"models": ["m"], "accelerators": {"H100": "9 Mtok per GPU-hour"}},
}


def test_what_can_run_where() -> None:
    gpu, spot, api = offer("gpu"), offer("gpu", buy="spot"), offer("tokens")
    assert can_run(workload(), gpu)
    assert not can_run(workload(), api)
    assert not can_run(workload(), offer("gpu", accelerator="H200"))
    assert not can_run(workload(), spot)
    assert can_run(workload(), spot, spot=True)
    assert can_run(workload(interruptible="true"), spot)
    assert can_run(workload(**TOKENS), api)
    assert can_run(workload(**TOKENS), offer("provisioned"))
    gang = workload("training", gang="16 GPU")
    assert can_run(gang, offer("gpu", unit=8))
    assert not can_run(gang, offer("gpu", unit=10))


def test_a_job_runs_in_whole_periods_between_its_days() -> None:
    def months(**more: Any) -> list[int]:
        job = workload("training", **more)
        assert isinstance(job, Training)
        return [p.index for p in job_periods(job, PERIODS)]

    assert months() == [0, 1, 2, 3, 4]
    assert months(deadline="2026-06-01") == [0, 1, 2, 3, 4]
    assert months(from_="2026-02-02") == [2, 3, 4]
    assert months(from_="2026-02-01", deadline="2026-02-28") == []
    none: list[Period] = []
    job = workload("training")
    assert isinstance(job, Training)
    assert job_periods(job, none) == []


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("inference", {"labels": {"region": "eu"}}),
        ("inference", {"labels": {"kind": "x"}}),
        ("inference", {"labels": {"Api": "x"}}),
        ("inference", {"runs_on": {}}),
        ("inference", {"runs_on": {"models": ["m"]}}),
        ("inference", {"runs_on": {"accelerators": {"H100": "9 Mtok per GPU-hour"}}}),
        ("inference", {"runs_on": {"accelerators": {"H100": 0}}}),
        ("inference", {"runs_on": {"accelerators": {"H100": "9 Mtok per day"}}}),
        ("inference", {"value": "1 USD per Mtok"}),
        ("inference", {"revenue": "-1 USD per GPU-hour"}),
        ("inference", {"data": {"at": "*", "moves": "1 GB per GPU-hour"}}),
        ("inference", {"data": {"at": "a/b/c", "moves": "1 GB per GPU-hour"}}),
        ("inference", {"data": {"at": "a", "moves": "1 GB per Mtok"}}),
        ("inference", {"data": {"at": "a", "moves": "1 Mtok per GB"}}),
        ("inference", {"mix": {"output": "120%"}}),
        ("inference", {"survives": "-1%"}),
        ("inference", {"interruptible": "yes"}),
        ("inference", {"interruptible": "1"}),
        ("inference", {"within": "1 day"}),
        ("batch", {"within": "0 hours"}),
        ("training", {"from_": "2026-06-15"}),
        ("training", {"gang": "1.5 GPU"}),
        ("training", {"gang": "0 GPU"}),
        ("training", {"work": "5 GPU"}),
        ("other", {}),
    ],
)
def test_workloads_that_are_refused(kind: str, more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        workload(kind, **more)


def test_a_million_tokens_are_fresh_cached_and_generated() -> None:
    found = workload(**TOKENS, mix={"output": "20%", "cached": "25%"})
    assert found.mix is not None
    assert found.mix.parts == (Fraction(3, 5), Fraction(1, 5), Fraction(1, 5))


# -- places ----------------------------------------------------------------------------------------------------------
def network(from_: str, to: str, price: int) -> Network:
    return Network.model_validate({"from": from_, "to": to, "price": f"{price} USD per GB"})


def test_the_most_specific_network_price_holds() -> None:
    networks = [
        network("*", "*", 1),
        network("a", "*", 2),
        network("a/r", "*", 3),
        network("a", "b", 4),
        network("a/r", "b/s", 5),
    ]
    prices = {to: egress_price(networks, "a/r", to) for to in ("b/s", "b/t", "c/s")}
    each = {to: next(p.values()) for to, p in prices.items() if p}
    assert {to: int(price.amount) for to, price in each.items()} == {"b/s": 5, "b/t": 3, "c/s": 3}
    assert egress_price(networks[1:], "c/r", "b/s") is None
    assert egress_price([*networks, network("a", "b", 4)], "a/r", "b/t") == egress_price(networks, "a/r", "b/t")
    with pytest.raises(ValueError, match="differ: 1 USD per GB and 9 USD per GB"):
        egress_price([*networks, network("*", "*", 9)], "z/r", "y/s")


def test_a_network_has_one_price_and_says_what_falls_from_a_day_on() -> None:
    falling = {"2026-01-01": "1 USD per GB", "2027-01-12": "0 USD per GB"}
    with pytest.raises(ValidationError, match=r"has no dates.*kind: discount.*egress"):
        Network.model_validate({"from": "a", "to": "*", "price": falling})


def test_areas() -> None:
    assert in_area("DE", "EU")
    assert in_area("NO", "EEA")
    assert not in_area("NO", "EU")
    assert in_area("US", "US")
    assert not in_area("GB", "EEA")


def test_countries() -> None:
    assert len(CODES) == 249
    assert all(areas < CODES for areas in AREAS.values())
    assert {name: len(areas) for name, areas in AREAS.items()} == {"EU": 27, "EEA": 30}
    for text, meant in {"UK": "GB", "EL": "GR", "se": "SE", "USA": "US"}.items():
        with pytest.raises(ValueError, match=f"did you mean `{meant}`"):
            country(text)
    for text in ("XX", "XK", "EU", ""):
        with pytest.raises(ValueError, match="is not a country; write its two letters"):
            country(text)
