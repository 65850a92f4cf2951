"""OpenAI's Agents SDK: an agent by chat completions and by responses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI

from tests.end_to_end.packages.noted import BASE, CALL, ECHO, KEY, MODELS, Claim, note, tell, weather

set_tracing_disabled(True)
CLIENT = AsyncOpenAI(base_url=BASE, api_key=KEY, max_retries=0)
MAKES: dict[str, Any] = {
    "chat": lambda model: OpenAIChatCompletionsModel(model=model, openai_client=CLIENT),
    "responses": lambda model: OpenAIResponsesModel(model=model, openai_client=CLIENT),
}
LOOP = asyncio.new_event_loop()


def agent(model: Any, **more: Any) -> Any:
    return Agent(name="clerk", model=model, **more)


def done(run: Awaitable[Any]) -> Any:
    async def main() -> Any:
        return await run

    return LOOP.run_until_complete(main())


def text(model: Any) -> Any:
    return done(Runner.run(agent(model), ECHO)).final_output


async def _streamed(model: Any) -> Any:
    run = Runner.run_streamed(agent(model, model_settings=ModelSettings(include_usage=True)), ECHO)
    async for _ in run.stream_events():
        pass
    return [run.final_output, run.raw_responses[-1].usage.output_tokens]


def streamed(model: Any) -> Any:
    return done(_streamed(model))


def tools(model: Any, **more: Any) -> int:
    """Items that it takes to use a tool, with what was asked."""
    return len(done(Runner.run(agent(model, tools=[function_tool(weather)]), CALL, **more)).new_items) + 1


def structured(model: Any) -> list[str]:
    return sorted(done(Runner.run(agent(model, output_type=Claim), "Which claim?")).final_output.model_dump())


def chained(model: Any) -> int:
    """The result of a tool is sent alone, after the response that asked for it."""
    return tools(model, auto_previous_response_id=True)


def previous(model: Any) -> Any:
    """A turn is sent alone, after the response to the one before."""
    first = done(Runner.run(agent(model), "sandbox:echo first"))
    return done(Runner.run(agent(model), ECHO, previous_response_id=first.last_response_id)).final_output


for name in MODELS:
    for kind, make in MAKES.items():
        note(f"{name} {kind} text", text, make(name))
        note(f"{name} {kind} stream", streamed, make(name))
        note(f"{name} {kind} tools", tools, make(name))
        note(f"{name} {kind} object", structured, make(name))
    note(f"{name} previous text", previous, MAKES["responses"](name))
    note(f"{name} chained tools", chained, MAKES["responses"](name))
tell()
