"""pydantic-ai: an agent over each of the shapes that it speaks."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.end_to_end.packages.noted import ADDRESS, BASE, CALL, ECHO, KEY, MODELS, Claim, note, tell, weather

OPENAI = OpenAIProvider(base_url=BASE, api_key=KEY)
ANTHROPIC = AnthropicProvider(base_url=ADDRESS, api_key=KEY)
MAKES: dict[str, Any] = {
    "chat": lambda model: OpenAIChatModel(model, provider=OPENAI),
    "responses": lambda model: OpenAIResponsesModel(model, provider=OPENAI),
    "messages": lambda model: AnthropicModel(model, provider=ANTHROPIC),
}


def text(model: Any) -> Any:
    return Agent(model).run_sync(ECHO).output


async def _streamed(model: Any) -> Any:
    async with Agent(model).run_stream(ECHO) as reply:
        return [await reply.get_output(), reply.usage.output_tokens]


def streamed(model: Any) -> Any:
    return asyncio.run(_streamed(model))


def tools(model: Any) -> int:
    """Messages that it takes to use a tool."""
    return len(Agent(model, tools=[weather]).run_sync(CALL).all_messages())


def structured(model: Any) -> list[str]:
    return sorted(Agent(model, output_type=Claim).run_sync("Which claim?").output.model_dump())


for name in MODELS:
    for kind, make in MAKES.items():
        note(f"{name} {kind} text", text, make(name))
        note(f"{name} {kind} stream", streamed, make(name))
        note(f"{name} {kind} tools", tools, make(name))
        note(f"{name} {kind} object", structured, make(name))
tell()
