"""Addresses and paths, against AWS's own list of partitions and what its client sends."""

from __future__ import annotations

import json
from pathlib import Path

import botocore
import pytest

from detente.providers.bedrock.address import base_of, path_of, region_of
from tests.providers.bedrock.making import wire

PARTITIONS = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())["partitions"]
REGIONS = [(region, p["outputs"]["dnsSuffix"]) for p in PARTITIONS for region in p["regions"] if "global" not in region]


@pytest.mark.parametrize(("region", "suffix"), REGIONS)
def test_every_region_has_the_domain_of_its_partition(region: str, suffix: str) -> None:
    assert base_of(region) == f"https://bedrock-runtime.{region}.{suffix}"
    assert region_of(base_of(region), "elsewhere") == region


def test_a_declared_address_goes_before_the_region() -> None:
    assert wire().base == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    assert wire(endpoint="http://127.0.0.1:8080/aws/").base == "http://127.0.0.1:8080/aws"


@pytest.mark.parametrize(
    ("base", "region"),
    [
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://vpce-1-2.bedrock-runtime.us-east-1.vpce.amazonaws.com", "us-east-1"),
        ("http://127.0.0.1:8080", "eu-central-1"),
        ("https://proxy.example/bedrock-runtime.us-east-1.amazonaws.com", "eu-central-1"),
    ],
)
def test_a_signature_names_the_region_of_an_aws_address(base: str, region: str) -> None:
    assert region_of(base, "eu-central-1") == region


def test_paths_escape_what_ids_and_arns_hold() -> None:
    assert path_of("a.b-c_v1:0", "converse") == "/model/a.b-c_v1%3A0/converse"
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x"
    assert (
        path_of(arn, "invoke")
        == "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.x/invoke"
    )
