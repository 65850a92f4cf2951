"""What live traffic needs, read from files: every mistake at its line and column, in a user's words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from detente.live.key import hash_of
from tests.builders import data_of, gpus, tokens, work
from tests.gateway.caller import KEY
from tests.gateway.stage import case_data, deployment

CASE = """\
name: live
horizon: { start: 2026-01, end: 2026-07, every: month }
providers:
  - { id: north, name: North, regions: { dublin: { country: IE }, oslo: { country: NO } } }
offers:
  - { id: api, kind: tokens, provider: north, region: dublin, model: m,
      price: { input: 1 USD per Mtok, output: 2 USD per Mtok } }
  - { id: cluster, kind: gpu, provider: north, region: dublin, accelerator: H100, price: 2 USD per GPU-hour }
workloads:
  - { id: chat, kind: inference, demand: 1 Mtok per day, labels: { team: sales }, mix: { output: 50% },
      runs-on: { models: [ m ], accelerators: { H100: 1 Mtok per GPU-hour } } }
  - { id: job, kind: training, work: 10 GPU-hour, deadline: 2026-03, runs-on: { accelerators: { H100: 1 } } }
"""
DEPLOYMENT = """\
deployments:
  - id: d
    kind: openai-compatible
    offer: api
    endpoint: https://x.example/v1
    credential: { env: KEY }
"""
HASH = hash_of(KEY)


def wrong(folder: Path, **files: str) -> list[str]:
    """The mistakes of a case with more files, each as a line without the folder."""
    (folder / "case.yaml").write_text(CASE)
    for name, text in files.items():
        (folder / name).mkdir()
        (folder / name / "some.yaml").write_text(text)
    try:
        Case.load(folder)
    except CaseError as error:
        return [f"{m}".removeprefix(f"{folder}/").replace("\n    ", "; ") for m in error.mistakes]
    return []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("offer: api", "offer: apo", "4:12: there is no offer `apo`; did you mean `api`?"),
        ("offer: api", "offer: cluster", "4:12: `cluster` is capacity, and `d` does not say which model it serves; "
         "add `model: …`, by the name that workloads use"),
        ("offer: api", "offer: cluster\n    model: n", "5:12: no workload runs on n; allowed: `m`"),
        ("offer: api", "offer: api\n    model: n", "5:12: `d` serves n, and `api` is an offer of m; "
         "leave out `model:`, or name the offer of that model"),
        ("offer: api", "offer: api\n    regions: [dublin, osl]", "5:23: `north` has no region `osl`; "
         "did you mean `oslo`? If not, declare it under the provider"),
        ("offer: api", "offer: api\n    regions: [oslo]", "5:14: leaves out `dublin`, the region of `api`; "
         "name every region where it may run a call"),
        ("https://x.example/v1", "x.example", "5:15: `x.example` is not an address; "
         "write for example `https://example.openai.azure.com`"),
        ("https://x.example/v1", "https://me:hunter2@x.example", "5:15: holds a secret; "
         "take it out and refer to it under `credential:`"),
        ("{ env: KEY }", "{ aws: default }", "6:17: an OpenAI-compatible endpoint takes a key; write `{ env: NAME }`"),
        ("{ env: KEY }", "sk-hunter2", "6:17: looks like a secret, not like a reference to one; write `{ env: NAME }`"),
        ("{ env: KEY }", "{ env: sk-hunter2 }", "6:24: is not the name of an environment variable; "
         "write for example `AZURE_KEY`"),
        ("{ env: KEY }", "{}", "6:17: found none of `env`, `file`, `aws` and `entra`; "
         "write `{ env: NAME }`"),
        ("kind: openai-compatible", "kind: openai", "3:11: there is no kind `openai`; allowed: `anthropic`, "
         "`azure`, `bedrock`, `openai-compatible`"),
        ("    credential: { env: KEY }\n", "", "2:5: `credential` is missing; add `credential: …`"),
    ],
)  # fmt: skip
def test_a_deployment_s_mistakes(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in DEPLOYMENT
    assert wrong(tmp_path, deployments=DEPLOYMENT.replace(old, new)) == [f"deployments/some.yaml:{expected}"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (f"{{ id: k, workload: chot, hash: '{HASH}' }}", "2:24: there is no workload `chot`; did you mean `chat`?"),
        (f"{{ id: k, workload: job, hash: '{HASH}' }}", "2:24: `job` is a training job, which no key can call; "
         "name an inference or a batch workload"),
        (f"{{ id: k, workload: chat, hash: '{HASH}', labels: {{ team: ops }} }}",
         "2:127: says `team: ops`, and `chat` says `team: sales`; a key may add labels, and not change them"),
        (f"{{ id: k, workload: chat, hash: '{HASH}', labels: {{ taem: ops }} }}",
         "2:121: no workload has a label `taem`; did you mean `team`?"),
        *((f"{{ id: k, workload: chat, hash: '{HASH}', labels: {{ {name}: x }} }}",
           f"2:121: `{name}` cannot be a label: clauses use it for something else; leave it out; a key speaks for")
          for name in ("workload", "kind", "provider", "country", "model")),
        ("{ id: k, workload: chat, hash: hunter2 }", "2:36: is not the hash of a key; "
         "write what `detente keys new` prints"),
        (f"{{ id: k, workload: chat, hash: '{HASH}' }}\n  - {{ id: l, workload: chat, hash: '{HASH}' }}",
         "3:36: is the hash of `k` too; make a new key: `detente keys new`"),
    ],
)  # fmt: skip
def test_a_key_s_mistakes(tmp_path: Path, entry: str, expected: str) -> None:
    (found,) = wrong(tmp_path, keys=f"keys:\n  - {entry}\n")
    assert found.startswith(f"keys/some.yaml:{expected}")


@pytest.mark.parametrize(
    ("kind", "name", "how", "expected"),
    [
        ("anthropic", "claude-haiku-4-5", "assistant", None),
        ("anthropic", "claude-haiku-4-5", "vllm", "`vllm` is no way to tell a Claude; write `assistant`"),
        ("anthropic", "claude-opus-4-6", "assistant",
         "Claude 4.6 refuses an answer's beginning, as all do from 4.6; leave `continues` out"),
        ("anthropic", "claude-sonnet-5", "assistant",
         "Claude 5.0 refuses an answer's beginning, as all do from 4.6; leave `continues` out"),
        ("bedrock", "anthropic.claude-haiku-4-5-20251001-v1:0", "assistant", None),
        ("bedrock", "anthropic.claude-opus-4-6-v1", "assistant",
         "Claude 4.6 refuses an answer's beginning, as all do from 4.6; leave `continues` out"),
        ("bedrock", "amazon.nova-pro-v1:0", "assistant",
         "by Converse nobody is told the beginning of an answer; leave `continues` out"),
        ("openai-compatible", "claude-opus-4-6", "assistant", None),
        ("openai-compatible", "m", "vllm\n    serves: [responses]", None),
        ("openai-compatible", "m", "assistant\n    serves: [responses]",
         "`assistant` is for chat completions, and it serves none; leave `continues` out"),
        ("openai-compatible", "m", "vllm\n    serves: [embeddings]",
         "`vllm` is for chat completions and responses, and it serves none; leave `continues` out"),
    ],
)  # fmt: skip
def test_who_cannot_go_on_with_an_answer_does_not_say_that_it_can(
    tmp_path: Path, kind: str, name: str, how: str, expected: str | None
) -> None:
    stated = DEPLOYMENT.replace("openai-compatible", kind) + f"    name: '{name}'\n    continues: {how}\n"
    place = "deployments/some.yaml:8:16: "
    assert wrong(tmp_path, deployments=stated) == ([] if expected is None else [place + expected])


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{ id: f, on: e, kind: cut }", "2:18: there is no deployment or provider `e`; allowed: `d`, `north`"),
        (
            "{ id: f, on: north/osl, kind: down }",
            "2:18: `north` has no region `osl`; did you mean `oslo`? If not, declare it under the provider",
        ),
        ("{ id: f, on: south/oslo, kind: down }", "2:18: there is no provider `south`"),
        ("{ id: f, on: d, kind: down, after: 3 }", "2:33: `down` strikes before any content; leave out `after:`"),
    ],
)
def test_a_fault_s_mistakes(tmp_path: Path, entry: str, expected: str) -> None:
    (found,) = wrong(tmp_path, deployments=DEPLOYMENT, faults=f"faults:\n  - {entry}\n")
    assert found.startswith(f"faults/some.yaml:{expected}")


def test_nothing_is_wrong_with_the_case_that_is_spoilt_here(tmp_path: Path) -> None:
    keys = f"keys:\n  - {{ id: k, workload: chat, hash: '{HASH}', labels: {{ team: sales }} }}\n"
    faults = "faults:\n  - { id: f, on: north/oslo, kind: down }\n  - { id: g, on: d, kind: stall, after: 1 }\n"
    assert wrong(tmp_path, deployments=DEPLOYMENT, keys=keys, faults=faults) == []


def test_a_secret_in_an_address_is_never_shown(tmp_path: Path) -> None:
    for address in ("https://me:hunter2@x.example", "https://hunter2@x.example", "ftp://hunter2@x"):
        folder = tmp_path / re.sub(r"\W", "", address)
        folder.mkdir()
        assert "hunter2" not in str(wrong(folder, deployments=DEPLOYMENT.replace("https://x.example/v1", address)))


# -- the plan does not depend on live traffic -----------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [
        {"deployments": []},
        {"deployments": [deployment("other", "south-api", "https://b.example", regions=["texas"], lacks=["tools"])]},
        {"keys": []},
        {"serving": {"headers": False, "deadlines": {"total": "1 s"}}},
        {"faults": [{"id": "f", "on": "south", "kind": "down"}]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_live_traffic_does_not_change_a_case_s_hash(change: dict[str, Any]) -> None:
    data = case_data({"south": "http://a.example"})
    if "deployments" in change and not change["deployments"]:
        data.pop("serving")
    assert Case.of(data | change).hash == Case.of(data).hash


def test_what_a_plan_depends_on_changes_it() -> None:
    offers = [tokens("south", 2), gpus("north", 2)]
    each = work() | {"runs-on": {"models": ["m"], "accelerators": {"H100": "1 Mtok per GPU-hour"}}}
    first = Case.of(data_of(offers, [each]))
    assert first.hash != Case.of(data_of([tokens("south", 3), offers[1]], [each])).hash
    assert first.serving(()).hash == first.hash


# -- where Bedrock may run a call ---------------------------------------------------------------------------------
BEDROCK = """\
deployments:
  - id: d
    kind: bedrock
    offer: api
    name: NAME
    credential: { aws: default }
"""


AWS = CASE.replace("dublin: { country: IE }, oslo: { country: NO }", ", ".join(
    f"{name}: {{ country: {country} }}" for name, country in (
        ("eu-central-1", "DE"), ("eu-west-1", "IE"), ("il-central-1", "IL"), ("us-east-1", "US"), ("us-west-2", "US"),
        ("us-gov-west-1", "US"), ("ca-central-1", "CA"), ("ap-northeast-1", "JP"))
)).replace("dublin", "eu-central-1")  # fmt: skip
ARN = "arn:aws:bedrock:eu-central-1:123456789012:"


def aws_wrong(folder: Path, text: str, region: str = "eu-central-1") -> list[str]:
    """The mistakes of deployments of an offer in an AWS region."""
    (folder / "deployments").mkdir()
    (folder / "deployments" / "some.yaml").write_text(text)
    (folder / "case.yaml").write_text(AWS.replace("region: eu-central-1, model", f"region: {region}, model"))
    try:
        Case.load(folder)
    except CaseError as error:
        return [f"{m}".removeprefix(f"{folder}/deployments/some.yaml:").replace("\n    ", "; ") for m in error.mistakes]
    return []


@pytest.mark.parametrize(
    "name",
    [
        "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        "eu.amazon.nova-pro-v1:0",
        "mx.amazon.nova-pro-v1:0",
        f"{ARN}inference-profile/us-gov.anthropic.claude-3-haiku",
    ],
)
def test_a_profile_that_spans_regions_names_them_all(tmp_path: Path, name: str) -> None:
    assert aws_wrong(tmp_path, BEDROCK.replace("NAME", name)) == [
        f"5:11: `{name}` is an inference profile, which runs calls in several regions; "
        "name every one of them under `regions:`"
    ]


@pytest.mark.parametrize(
    "kind",
    [
        "application-inference-profile/abcd",
        "inference-profile/abcd",
        "prompt-router/abcd",
        "default-prompt-router/anthropic.claude:1",
        "prompt/ABCD:1",
        "what-comes-next/abcd",
    ],
)
def test_an_arn_that_does_not_say_where_it_runs_names_its_regions(tmp_path: Path, kind: str) -> None:
    text = BEDROCK.replace("NAME", ARN + kind)
    assert aws_wrong(tmp_path, text) == [
        f"5:11: `{ARN}{kind}` may run calls in several regions; name every one of them under `regions:`"
    ]
    for number, regions in enumerate(("[eu-central-1]", "[eu-central-1, eu-west-1]")):
        (tmp_path / str(number)).mkdir()
        assert aws_wrong(tmp_path / str(number), f"{text}    regions: {regions}\n") == []


@pytest.mark.parametrize(
    "name",
    [
        "amazon.nova-pro-v1:0",
        "deepseek.v3.2",
        "zai.glm-4.7",
        "gpt-oss-120b",
        "meta.llama3-1-8b-instruct-v1:0:128k",
        "arn:aws:bedrock:eu-central-1::foundation-model/amazon.nova-pro-v1:0",
        f"{ARN}provisioned-model/abcd",
        f"{ARN}imported-model/abcd",
        f"{ARN}custom-model/amazon.nova-lite-v1:0/abcd",
        f"{ARN}custom-model-deployment/abcd",
    ],
)
def test_what_runs_in_one_region_needs_no_list(tmp_path: Path, name: str) -> None:
    assert aws_wrong(tmp_path, BEDROCK.replace("NAME", name)) == []


def test_the_bare_id_of_an_application_s_profile_names_its_regions(tmp_path: Path) -> None:
    (said,) = aws_wrong(tmp_path, BEDROCK.replace("NAME", "l1ddcrswuq5z"))
    assert said.startswith("5:11: `l1ddcrswuq5z` may run calls in several regions; name every one of them")


def test_an_arn_of_another_region_than_the_offers_is_a_mistake(tmp_path: Path) -> None:
    name = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcd"
    assert aws_wrong(tmp_path, BEDROCK.replace("NAME", name)) == [
        "5:11: the ARN is of us-east-1, and `api` is in eu-central-1; "
        "name what is in that region, or the offer of the ARN's"
    ]


@pytest.mark.parametrize(
    ("name", "regions", "expected"),
    [
        ("us.x.m", "eu-central-1", "`us.` stands for several regions, and this names `eu-central-1` alone"),
        ("eu.x.m", "eu-central-1", "`eu.` stands for several regions, and this names `eu-central-1` alone"),
        ("global.x.m", "eu-central-1", "`global.` stands for several regions, and this names `eu-central-1` alone"),
        ("us.x.m", "eu-central-1, us-east-1", "`us.` stands for regions `us-…`, and `eu-central-1` is none of them"),
        ("us.x.m", "us-east-1, us-gov-west-1", "`us.` stands for regions `us-…`, and `us-gov-west-1` is none of them"),
        ("us-gov.x.m", "us-gov-west-1, us-east-1", "`us-gov.` stands for regions `us-gov-…`, and `us-east-1` is none"),
        ("jp.x.m", "eu-central-1, eu-west-1", "`jp.` stands for regions `ap-…`, and `eu-central-1` is none of them"),
        ("us.x.m", "ca-central-1, ca-central-1", "`us.` stands for several regions, and this names `ca-central-1` alo"),
        ("global.x.m", "eu-central-1, eu-west-1", "`global.` stands for regions all over the world, and all of these"),
        (f"{ARN}inference-profile/us.x.m", "eu-central-1, eu-west-1", "`us.` stands for regions `us-…`, and `eu-cent"),
        ("us.x.m", "ca-central-1, us-east-1", ""),
        ("eu.x.m", "il-central-1, eu-west-1", ""),
        ("eu.x.m", "eu-central-1, eu-west-1", ""),
        ("global.x.m", "eu-central-1, us-east-1", ""),
        ("mx.x.m", "eu-central-1, us-east-1", ""),
    ],
)
def test_regions_that_contradict_a_prefix_are_a_mistake(tmp_path: Path, name: str, regions: str, expected: str) -> None:
    first = regions.partition(",")[0]
    found = aws_wrong(tmp_path, BEDROCK.replace("NAME", name) + f"    regions: [{regions}]\n", first)
    assert len(found) == bool(expected)
    assert not expected or found[0].startswith(f"7:14: {expected}")


@pytest.mark.parametrize(
    ("host", "name", "expected"),
    [
        ("bedrock-runtime.us-east-1.amazonaws.com", "openai.gpt-oss-120b-1:0", ["the address is in us-east-1"]),
        ("bedrock-runtime.eusc-de-east-1.amazonaws.eu", "openai.gpt-oss-120b-1:0", ["the address is in eusc-de-east"]),
        ("bedrock-mantle.us-east-1.api.aws", "openai.gpt-oss-120b", ["the address is in us-east-1"]),
        ("x.bedrock-runtime.us-east-1.vpce.amazonaws.com", "openai.gpt-oss-120b-1:0", ["the address is in us-east-1"]),
        ("bedrock-runtime.eu-central-1.amazonaws.com", "eu.amazon.nova-pro-v1:0", ["`eu.amazon.nova-pro-v1:0` is an"]),
        ("bedrock-runtime.eu-central-1.amazonaws.com", "openai.gpt-oss-120b-1:0", []),
        ("x.execute-api.us-east-1.amazonaws.com", "m", []),
        ("proxy.example", "eu.amazon.nova-pro-v1:0", []),
    ],
)
def test_bedrock_s_own_address_is_held_to_the_same(tmp_path: Path, host: str, name: str, expected: list[str]) -> None:
    text = DEPLOYMENT.replace("https://x.example/v1", f"https://{host}/openai/v1") + f"    name: {name}\n"
    found = aws_wrong(tmp_path, text)
    assert [said.split(": ", 1)[1][: len(start)] for said, start in zip(found, expected, strict=True)] == expected


def test_a_profile_with_its_regions_and_a_model_of_one_region_are_fine(tmp_path: Path) -> None:
    named = BEDROCK.replace("NAME", "eu.amazon.nova-pro-v1:0") + "    regions: [dublin, oslo]\n"
    assert wrong(tmp_path, deployments=named) == []
    (tmp_path / "one").mkdir()
    assert wrong(tmp_path / "one", deployments=BEDROCK.replace("NAME", "amazon.nova-pro-v1:0")) == []


def test_an_address_in_another_region_than_the_offers_is_a_mistake(tmp_path: Path) -> None:
    address = "    endpoint: https://bedrock-runtime.us-east-1.amazonaws.com\n"
    (said,) = wrong(tmp_path, deployments=BEDROCK.replace("NAME", "amazon.nova-pro-v1:0") + address)
    assert said == (
        "deployments/some.yaml:7:15: the address is in us-east-1, and `api` is in dublin; leave out `endpoint:`, or "
        "name the offer of that region"
    )
