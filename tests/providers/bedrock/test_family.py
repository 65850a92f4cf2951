"""Which family an id belongs to: plain, of a cross-region profile, in an ARN, or told by the case."""

from __future__ import annotations

import pytest

from detente.live.claude_name import claude_version
from detente.providers.bedrock.family import GPT_OSS, OTHER, TITAN, family_of

ARN = "arn:aws:bedrock:eu-west-1:123456789012"


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("anthropic.claude-v2:1", (2, 1)),
        ("anthropic.claude-instant-v1", (1, 0)),
        ("anthropic.claude-3-haiku-20240307-v1:0", (3, 0)),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", (3, 5)),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", (3, 7)),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", (4, 0)),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", (4, 1)),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", (4, 5)),
        ("anthropic.claude-opus-4-6-v1", (4, 6)),
        ("anthropic.claude-opus-5", (5, 0)),
        ("claude-haiku-4.5", (4, 5)),
        ("anthropic.claude-mythos-preview", None),
    ],
)
def test_versions_of_claude(name: str, version: tuple[int, int] | None) -> None:
    assert claude_version(name) == version


@pytest.mark.parametrize(
    "prefix", ["", "us.", "us-gov.", "eu.", "apac.", "jp.", "global.", f"{ARN}:inference-profile/eu."]
)
def test_prefixes_of_regions_and_arns_change_no_family(prefix: str) -> None:
    assert family_of(f"{prefix}anthropic.claude-sonnet-4-5-20250929-v1:0").title == "Claude 4.5"
    assert family_of(f"{prefix}amazon.nova-2-lite-v1:0").title == "Nova 2"
    assert family_of(f"{prefix}openai.gpt-oss-20b-1:0") is GPT_OSS


def test_what_families_take() -> None:
    assert family_of("amazon.titan-text-premier-v1:0") is TITAN
    assert not family_of("amazon.nova-micro-v1:0").images
    assert family_of("amazon.nova-lite-v1:0").images
    assert family_of("amazon.nova-premier-v1:0").thinking == "none"
    assert family_of("mistral.mistral-large-2407-v1:0") is OTHER
    claudes = {
        "anthropic.claude-v2:1": ("none", "both", False),
        "anthropic.claude-3-7-sonnet-20250219-v1:0": ("budget", "both", False),
        "anthropic.claude-opus-4-1-20250805-v1:0": ("budget", "one", False),
        "anthropic.claude-haiku-4-5-20251001-v1:0": ("budget", "one", True),
        "anthropic.claude-opus-4-6-v1": ("adaptive", "one", True),
        "anthropic.claude-opus-4-7": ("adaptive", "none", True),
        "anthropic.claude-mythos-preview": ("unknown", "both", False),
    }
    for name, (thinking, sampling, structured) in claudes.items():
        found = family_of(name)
        assert (found.thinking, found.sampling, found.structured) == (thinking, sampling, structured), name


@pytest.mark.parametrize("kind", ["application-inference-profile", "provisioned-model", "imported-model"])
def test_an_arn_that_says_nothing_is_what_the_case_calls_it(kind: str) -> None:
    name = f"{ARN}:{kind}/abcdefghijkl"
    assert family_of(name) is OTHER
    assert family_of(name, "claude-sonnet-4.5").title == "Claude 4.5"
    assert family_of(name, "gpt-oss-120b") is GPT_OSS
    assert family_of(name, "llama-4") is OTHER


def test_an_id_that_names_its_model_is_believed_before_the_case() -> None:
    assert family_of("meta.llama3-1-70b-instruct-v1:0", "claude-sonnet-4.5") is OTHER
    custom = f"{ARN}:custom-model/amazon.titan-text-express-v1:0:8k/abcdefghijkl"
    assert family_of(custom, "claude-sonnet-4.5") is TITAN
