"""Clients that nobody here wrote, pointed at a gateway.

They read no proxy from the environment, and try nothing twice: what the gateway answers is what a test sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anthropic
import openai
from pydantic import SecretStr

from tests.end_to_end.serving import Gateway
from tests.waiting import PATIENCE

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI


def of_openai(gateway: Gateway, workload: str, **more: Any) -> openai.OpenAI:
    """OpenAI's client. ``more`` is for its connections."""
    return openai.OpenAI(
        api_key=gateway.keys[workload],
        base_url=f"{gateway.address}/v1",
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False, timeout=PATIENCE, **more),
    )


def of_openai_async(gateway: Gateway, workload: str) -> openai.AsyncOpenAI:
    """OpenAI's client, in an event loop."""
    return openai.AsyncOpenAI(
        api_key=gateway.keys[workload],
        base_url=f"{gateway.address}/v1",
        max_retries=0,
        http_client=openai.DefaultAsyncHttpxClient(trust_env=False, timeout=PATIENCE),
    )


def of_azure(gateway: Gateway, workload: str) -> openai.AzureOpenAI:
    """Azure's flavour of it, which presents its key as ``api-key`` and writes deployments into paths."""
    return openai.AzureOpenAI(
        api_key=gateway.keys[workload],
        azure_endpoint=gateway.address,
        api_version="2024-10-21",
        max_retries=0,
        http_client=openai.DefaultHttpxClient(trust_env=False, timeout=PATIENCE),
    )


def of_anthropic(gateway: Gateway, workload: str) -> anthropic.Anthropic:
    """Anthropic's client."""
    return anthropic.Anthropic(
        api_key=gateway.keys[workload],
        base_url=gateway.address,
        max_retries=0,
        http_client=anthropic.DefaultHttpxClient(trust_env=False, timeout=PATIENCE),
    )


@contextmanager
def of_langchain(gateway: Gateway, workload: str, model: str, **more: Any) -> Iterator[ChatOpenAI]:
    """LangChain's chat model."""
    from langchain_openai import ChatOpenAI

    with openai.DefaultHttpxClient(trust_env=False, timeout=PATIENCE) as connections:
        told: Any = {"api_key": SecretStr(gateway.keys[workload]), "base_url": f"{gateway.address}/v1", "model": model}
        yield ChatOpenAI(max_retries=0, http_client=connections, **told, **more)
