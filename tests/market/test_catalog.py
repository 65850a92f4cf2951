"""Offers from price lists: what they say, which rows they leave out, and how a bad list is refused."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from detente.market.catalog import Catalog
from detente.market.offer import GpuOffer
from tests.market.catalogs import OFFER, spelled
from tests.real_data import DATA, needs

PRICES = DATA / "prices"
real = needs(PRICES)

SKYPILOT = """\
InstanceType,AcceleratorName,AcceleratorCount,vCPUs,Price,SpotPrice,Region,Generation
Standard_ND96isr_H100_v5,H100,8.0,96,98.32,50.607,eastus,"V1,V2"
Standard_ND96isr_H100_v5,H100,8.0,96,100,,westeurope,V2
Standard_NC24ads_A100_v4,A100-80GB,1.0,24,3.673,0.746721,eastus,V2
Standard_NV6ads_A10_v5,A10,0.167,6,0.454,0.08,eastus,V2
Standard_NV36ads_A10_v5,A10,1,36,3.2,0,eastus,V2
"""
CUD = """\
instance_type,region,vcpu,ram_gib,accel,hour,hour_spot,month_1y,month_3y
a3-highgpu-8g,us-central1,208.0,1872.0,h100-80gb=8;local-ssd=6000,88.4899999025753,50.6095408219178,44810.08,28370.99
a2-highgpu-1g,us-central1,12.0,85.0,a100=1,3.67,1.8,1500,
c3-standard-4,us-central1,4.0,16.0,,0.22,0.02,102,72
"""


def offers(folder: Path, content: str | bytes, **keys: Any) -> list[dict[str, Any]]:
    (folder / "p.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    given_ = {"file": "p.csv", "format": "skypilot", "provider": "azure", "accelerators": ["H100"], **keys}
    found = Catalog.model_validate(spelled(given_)).offers(folder)
    for offer in found:
        OFFER.validate_python(offer)
    return found


def refused(folder: Path, content: str | bytes, **keys: Any) -> str:
    with pytest.raises(ValueError, match=r"^p\.csv") as error:
        offers(folder, content, **keys)
    return str(error.value)


# ---- machines ----------------------------------------------------------------------------------------------


def test_offers_are_what_one_would_write(tmp_path: Path) -> None:
    found = offers(tmp_path, SKYPILOT, regions=["eastus"], buy=["on-demand", "spot"], capacity="64 GPU")
    assert found == [
        {
            "kind": "gpu",
            "id": "azure-nd96isr-h100-v5-eastus-on-demand",
            "provider": "azure",
            "region": "eastus",
            "accelerator": "H100",
            "unit": 8,
            "buy": "on-demand",
            "price": "98.32 USD per unit-hour",
            "source": "p.csv, row 2",
            "capacity": "64 GPU",
        },
        {
            "kind": "gpu",
            "id": "azure-nd96isr-h100-v5-eastus-spot",
            "provider": "azure",
            "region": "eastus",
            "accelerator": "H100",
            "unit": 8,
            "buy": "spot",
            "price": "50.607 USD per unit-hour",
            "source": "p.csv, row 2",
            "capacity": "64 GPU",
        },
    ]
    offer = OFFER.validate_python(found[1])
    assert isinstance(offer, GpuOffer)
    assert next(offer.price.values()).amount == Decimal("50.607")


def test_filters(tmp_path: Path) -> None:
    def ids(**keys: Any) -> list[str]:
        return [offer["id"] for offer in offers(tmp_path, SKYPILOT, **keys)]

    assert ids() == ["azure-nd96isr-h100-v5-eastus-on-demand", "azure-nd96isr-h100-v5-westeurope-on-demand"]
    assert ids(buy=["spot"]) == ["azure-nd96isr-h100-v5-eastus-spot"]
    assert ids(accelerators=["A10"], instances=["Standard_NV36ads_A10_v5"], id_prefix="west") == [
        "west-nv36ads-a10-v5-eastus-on-demand"
    ]
    assert len(ids(accelerators=["H100", "A100-80GB"])) == 3


def test_capacity_may_change_on_dates(tmp_path: Path) -> None:
    found = offers(tmp_path, SKYPILOT, capacity={"2026-01": "8 units", "2026-07-01": "1 k GPU"})
    assert found[0]["capacity"] == {"2026-01-01": "8 units", "2026-07-01": "1000 GPU"}


def test_committed_use(tmp_path: Path) -> None:
    keys = {"format": "gcp-cud", "provider": "gcp", "accelerators": ["h100-80gb", "a100"]}
    found = offers(tmp_path, CUD, **keys, buy=["on-demand", "spot", "reserved"], cut="prorate", starts=["2026-01"])
    held, terms = ("starts", "cut"), (["2026-01-01"], "prorate")
    assert [(o["id"], o["price"], o.get("term"), *(o[key] for key in held if key in o)) for o in found] == [
        ("gcp-a2-highgpu-1g-us-central1-on-demand", "3.67 USD per unit-hour", None),
        ("gcp-a2-highgpu-1g-us-central1-reserved-1-year", "1500 USD per unit per 730 hours", "1 year", *terms),
        ("gcp-a2-highgpu-1g-us-central1-spot", "1.8 USD per unit-hour", None),
        ("gcp-a3-highgpu-8g-us-central1-on-demand", "88.4899999025753 USD per unit-hour", None),
        ("gcp-a3-highgpu-8g-us-central1-reserved-1-year", "44810.08 USD per unit per 730 hours", "1 year", *terms),
        ("gcp-a3-highgpu-8g-us-central1-reserved-3-years", "28370.99 USD per unit per 730 hours", "3 years", *terms),
        ("gcp-a3-highgpu-8g-us-central1-spot", "50.6095408219178 USD per unit-hour", None),
    ]
    three = offers(tmp_path, CUD, **keys, buy=["reserved"], terms=["3 years"])
    assert [o["id"] for o in three] == ["gcp-a3-highgpu-8g-us-central1-reserved-3-years"]


def test_names_become_ids_and_stay_apart(tmp_path: Path) -> None:
    content = (
        "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region\n"
        'A_1,H100,1,2,1,"Denmark, DK, EU"\n'
        'a-1,H100,1,3,1,"Denmark, DK, EU"\n'
        'a.1,H100,1,3,1,", US, NA"\n'
        f'{"x" * 150},H100,1,3,1,", US, NA"\n'
    )
    found = offers(tmp_path, content, regions=["denmark-dk-eu", ", US, NA"])
    assert [(o["id"], o["region"]) for o in found[:3]] == [
        ("azure-a-1-denmark-dk-eu-on-demand", "denmark-dk-eu"),
        ("azure-a-1-denmark-dk-eu-on-demand-2", "denmark-dk-eu"),
        ("azure-a.1-us-na-on-demand", "us-na"),
    ]
    assert len(found) == 4


def test_zones_of_one_region_are_one_offer_if_their_prices_agree(tmp_path: Path) -> None:
    head = "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region,Zone\n"
    assert len(offers(tmp_path, head + "a,H100,1,2,1,r,r-a\na,H100,1,2.0,1,r,r-b\n")) == 1
    assert refused(tmp_path, head + "a,H100,1,2,1,r,r-a\na,H100,1,3,1,r,r-b\n") == (
        "p.csv:3:1: `a` in `r` has other prices in row 2; keep one"
    )


def test_every_format_of_file_gives_the_same_offers(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {
        "InstanceType": ["Standard_ND96isr_H100_v5"] * 2,
        "AcceleratorName": ["H100"] * 2,
        "AcceleratorCount": [8.0, 8.0],
        "Price": [98.32, 100.0],
        "SpotPrice": [50.607, None],
        "Region": ["eastus", "westeurope"],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "flat")
    flat = (tmp_path / "flat").read_bytes()
    keys = {"buy": ["on-demand", "spot"]}
    found = offers(tmp_path, SKYPILOT, **keys)
    assert offers(tmp_path, gzip.compress(SKYPILOT.encode()), **keys) == found
    assert offers(tmp_path, flat, **keys) == found
    assert offers(tmp_path, gzip.compress(flat), **keys) == found


# ---- mistakes ----------------------------------------------------------------------------------------------


def test_names_that_are_not_in_the_list(tmp_path: Path) -> None:
    assert refused(tmp_path, SKYPILOT, accelerators=["H100", "A100"], regions=["eastus", "westeurop"]) == (
        "p.csv: has no row for `A100`; did you mean `A10`?\n"
        "p.csv: has no row for `westeurop`; did you mean `westeurope`?"
    )
    assert refused(tmp_path, SKYPILOT, accelerators=["A10"], instances=["x"]).endswith(
        "p.csv: has no row for `x`; allowed: `Standard_NV36ads_A10_v5`, `Standard_NV6ads_A10_v5`\n"
        "p.csv: has no row that fits every filter; leave out `regions:` or `instances:`"
    )
    assert refused(tmp_path, SKYPILOT, buy=["spot"], regions=["westeurope"]) == (
        "p.csv: has no price for `spot` of what is chosen; leave `spot` out of `buy:`"
    )


def test_rows_that_no_offer_can_state(tmp_path: Path) -> None:
    content = (
        "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region\n"
        "a,H100,0.5,2,1,r\n"
        "b,H100,x,2,1,r\n"
        "c,H100,1,-2,1,r\n"
        "d,H100,1,2,nan,r\n"
        "e,H100,1,2,3,r\n"
        'f,H100,1,2,1," "\n'
        "g,H100,1,1e30,,r\n"
    )
    assert refused(tmp_path, content).split("\n") == [
        "p.csv:2:3: `0.5` is not a whole number of H100 in `a`; name other machines under `instances:`",
        "p.csv:3:3: `x` is not a whole number of H100 in `b`; name other machines under `instances:`",
        "p.csv:4:4: `-2` is not a price in USD; choose other rows by `regions:` or `instances:`",
        "p.csv:5:5: `nan` is not a price in USD; choose other rows by `regions:` or `instances:`",
        "p.csv:6:5: the spot price 3 is above the price on demand, 2; "
        "one is wrong: choose other rows by `regions:` or `instances:`",
        "p.csv:7:6: ` ` is not a region; name others under `regions:`",
        "p.csv:8:4: `1e30` is not a price in USD; choose other rows by `regions:` or `instances:`",
    ]


def test_an_unknown_price_is_not_zero(tmp_path: Path) -> None:
    head = "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region\n"
    content = head + "a,H100,1,,0.0,r\nb,H100,1,2,,r\n"
    assert [o["id"] for o in offers(tmp_path, content)] == ["azure-b-r-on-demand"]


def test_a_gpu_without_its_machine(tmp_path: Path) -> None:
    content = "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region\n,H100,1,2,1,r\n"
    assert refused(tmp_path, content) == (
        "p.csv:2:1: is the price of a GPU without its machine; for Google's, use `format: gcp-cud`"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("a,b\n1,2\n", "p.csv:1:1: has no column named `InstanceType`"),
        (SKYPILOT.partition("\n")[0], "has no rows below its header"),
        (SKYPILOT + "x,y\n", "p.csv:7:1: has 2 values where the header has 8"),
        (SKYPILOT + '"', "p.csv:7:1: is not CSV"),
        (b"\x1f\x8bx", "cannot be read"),
    ],
)
def test_lists_that_cannot_be_read(tmp_path: Path, content: str | bytes, said: str) -> None:
    assert said in refused(tmp_path, content)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    format_=st.sampled_from([("skypilot", SKYPILOT), ("gcp-cud", CUD)]),
    where=st.floats(0, 1, exclude_max=True),
    cut=st.integers(0, 30),
    put=st.one_of(st.binary(max_size=12), st.text(max_size=8).map(str.encode)),
)
def test_no_bytes_end_in_a_traceback(
    tmp_path: Path, format_: tuple[str, str], where: float, cut: int, put: bytes
) -> None:
    whole = format_[1].encode()
    at = int(where * len(whole))
    said = ""
    try:
        offers(
            tmp_path,
            whole[:at] + put + whole[at + cut :],
            format=format_[0],
            accelerators=["H100"] if format_[0] == "skypilot" else ["h100-80gb"],
            buy=["on-demand", "spot"],
        )
    except ValidationError:
        raise  # an offer that does not pass is a mistake of ours
    except ValueError as error:
        said = str(error)
    assert all(line.startswith("p.csv:") and line.isprintable() for line in said.split("\n") if said)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"format": "skypilot", "accelerators": ["H100"]}, "a catalog of `format: skypilot` needs `file`"),
        ({"format": "skypilot", "file": "p"}, "needs `accelerators`"),
        ({"format": "skypilot", "file": "p", "accelerators": ["x"], "models": ["y"]}, "has no `models`"),
        ({"format": "skypilot", "file": "p", "accelerators": ["x"], "terms": ["1 year"]}, "has no `terms`"),
        ({"format": "genai-prices", "models": ["x"]}, "needs `region`"),
        ({"format": "genai-prices", "models": ["x"], "region": "r", "buy": ["spot"]}, "has no `buy`"),
        (
            {"format": "genai-prices", "models": ["x"], "region": "r", "capacity": "8 GPU"},
            "`20 Mtok per minute`",
        ),
        ({"format": "skypilot", "file": "p", "accelerators": ["x"], "capacity": "1 Mtok/hour"}, "`64 GPU`"),
        ({"format": "skypilot", "file": "p", "accelerators": ["x"], "buy": []}, "at least 1 item"),
        ({"format": "skypilot", "file": "/p", "accelerators": ["x"]}, "not a file beside the case"),
    ],
)
def test_catalogs_that_do_not_say_enough(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        Catalog.model_validate({"provider": "azure", **keys})
    assert said in str(error.value)


# ---- real data ---------------------------------------------------------------------------------------------


def load(**keys: Any) -> list[dict[str, Any]]:
    found = Catalog.model_validate(spelled(keys)).offers(PRICES)
    for offer in found:
        OFFER.validate_python(offer)
    return found


@real
def test_azure() -> None:
    azure = {"format": "skypilot", "provider": "azure", "file": "gpu_vms_azure_2026-05-20.csv.gz"}
    found = load(**azure, accelerators=["H100", "A100-80GB"], buy=["on-demand", "spot"])
    assert len({offer["id"] for offer in found}) == len(found)
    one = next(offer for offer in found if offer["id"] == "azure-nc24ads-a100-v4-eastus-spot")
    assert (one["price"], one["unit"]) == ("0.746721 USD per unit-hour", 1)
    with pytest.raises(ValueError, match=r"`0.333` is not a whole number of A10"):
        load(**azure, accelerators=["A10"])


@real
def test_google_and_lambda() -> None:
    with pytest.raises(ValueError, match="use `format: gcp-cud`"):
        load(format="skypilot", provider="gcp", file="gpu_vms_gcp_2026-05-20.csv.gz", accelerators=["H100"])
    found = load(
        format="gcp-cud",
        provider="gcp",
        file="gcp_ondemand_spot_cud_2026-07-30.csv.gz",
        accelerators=["h100-80gb"],
        regions=["us-central1"],
        instances=["a3-highgpu-8g"],
        buy=["on-demand", "spot", "reserved"],
    )
    assert [offer["price"] for offer in found] == [
        "88.4899999025753 USD per unit-hour",
        "44810.08066464 USD per unit per 730 hours",
        "28370.99821392 USD per unit per 730 hours",
        "50.6095408219178 USD per unit-hour",
    ]
    machines = load(
        format="skypilot", provider="lambda", file="gpu_vms_lambda_2026-05-20.csv.gz", accelerators=["H100"]
    )
    assert "lambda-gpu-8x-h100-sxm5-us-east-1-on-demand" in {offer["id"] for offer in machines}
