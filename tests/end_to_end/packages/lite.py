"""LiteLLM as a client: by the providers under which people reach a gateway."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import litellm

from tests.end_to_end.packages.noted import ADDRESS, BASE, CALL, ECHO, KEY, MODELS, VECTORS, Claim, note, tell

litellm.suppress_debug_info = True
PROVIDERS: dict[str, dict[str, str]] = {
    "openai": {"api_base": BASE},
    "litellm_proxy": {"api_base": BASE},
    "azure": {"api_base": ADDRESS, "api_version": "2024-10-21"},
    "anthropic": {"api_base": ADDRESS},
}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


def user(text: str) -> Any:
    return [{"role": "user", "content": text}]


def ask(model: str, messages: Any, **more: Any) -> Any:
    provider = model.partition("/")[0]
    return litellm.completion(model=model, messages=messages, api_key=KEY, num_retries=0, **PROVIDERS[provider], **more)


def text(model: str) -> Any:
    return ask(model, user(ECHO)).choices[0].message.content


def streamed(model: str) -> Any:
    pieces = list(ask(model, user(ECHO), stream=True, stream_options={"include_usage": True}))
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    used = [piece.usage.completion_tokens for piece in pieces if getattr(piece, "usage", None)]
    return [text, used[-1]]


def tools(model: str) -> int:
    """Messages that it takes to use a tool."""
    said = user(CALL)
    message = ask(model, said, tools=TOOLS).choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "fair"} for call in message.tool_calls]
    last = ask(model, [*said, message.model_dump(), *results], tools=TOOLS).choices[0].message
    return len([*said, message, *results, last]) if last.content and not last.tool_calls else 0


def structured(model: str) -> list[str]:
    return sorted(json.loads(ask(model, user("Which claim?"), response_format=Claim).choices[0].message.content))


def vectors(model: str) -> int:
    asked: Any = {"model": f"openai/{model}", "input": ["a", "b", "c"], "api_key": KEY, "api_base": BASE}
    return len(litellm.embedding(**asked).data)


def responses(model: str, **more: Any) -> Any:
    return litellm.responses(model=f"openai/{model}", input=ECHO, api_key=KEY, api_base=BASE, **more)


def response(model: str) -> Any:
    return responses(model).output[-1].content[0].text


def streamed_response(model: str) -> Any:
    last = next(event for event in responses(model, stream=True) if event.type == "response.completed").response
    return [last.output[-1].content[0].text, last.usage.output_tokens]


def message(model: str) -> Any:
    asked = litellm.anthropic_messages(
        model=f"anthropic/{model}", messages=user(ECHO), max_tokens=50, api_key=KEY, api_base=ADDRESS
    )
    return asyncio.run(asked)["content"][0]["text"]


for name in MODELS:
    for provider in PROVIDERS:
        model = f"{provider}/{name}"
        note(f"{model} text", text, model)
        note(f"{model} stream", streamed, model)
        note(f"{model} tools", tools, model)
        note(f"{model} object", structured, model)
    note(f"{name} responses text", response, name)
    note(f"{name} responses stream", streamed_response, name)
    note(f"{name} messages text", message, name)
for name in VECTORS:
    note(f"{name} vectors", vectors, name)
tell()
