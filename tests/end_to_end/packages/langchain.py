"""LangChain's chat models of OpenAI, Azure and Anthropic, and its vectors."""

from __future__ import annotations

from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from langchain_openai import AzureChatOpenAI, ChatOpenAI, OpenAIEmbeddings

from tests.end_to_end.packages.noted import ADDRESS, BASE, ECHO, KEY, MODELS, VECTORS, Claim, note, tell, weather

OURS: Any = {"api_key": KEY, "max_retries": 0}
OPENAI: Any = {"base_url": BASE, **OURS}
AZURE: Any = {"azure_endpoint": ADDRESS, "api_version": "2024-10-21", **OURS}
ANTHROPIC: Any = {"base_url": ADDRESS, "max_tokens": 4000, **OURS}
OfOpenAI: Any = ChatOpenAI
OfAzure: Any = AzureChatOpenAI
"""Their arguments have other names to those who check types."""
MAKES: dict[str, Any] = {
    "chat": lambda model: OfOpenAI(model=model, stream_usage=True, **OPENAI),
    "responses": lambda model: OfOpenAI(model=model, use_responses_api=True, **OPENAI),
    "azure": lambda model: OfAzure(model=model, azure_deployment=model, **AZURE),
    "messages": lambda model: ChatAnthropic(model=model, **ANTHROPIC),
}
TOOL = tool(weather)


def text(chat: Any) -> Any:
    return chat.invoke(ECHO).text


def streamed(chat: Any) -> Any:
    whole: Any = None
    for piece in chat.stream(ECHO):
        whole = piece if whole is None else whole + piece
    return [whole.text, whole.usage_metadata["output_tokens"]]


def tools(chat: Any) -> int:
    """Messages that it takes to use a tool."""
    bound, said = chat.bind_tools([TOOL]), [("user", "sandbox:tool")]
    reply = bound.invoke(said)
    last = bound.invoke([*said, reply, *map(TOOL.invoke, reply.tool_calls)])
    return len([*said, reply, *reply.tool_calls, last]) if last.text and not last.tool_calls else 0


def structured(chat: Any, method: str) -> list[str]:
    found = chat.with_structured_output(Claim, method=method).invoke("Which claim?")
    return sorted(found.model_dump())


def vectors(model: str) -> int:
    told: Any = {"model": model, "base_url": BASE, "check_embedding_ctx_length": False, **OURS}
    return len(OpenAIEmbeddings(**told).embed_documents(["a", "b", "c"]))


def thinking(model: str) -> Any:
    """Thoughts and their signatures go back with the result of a tool."""
    return ChatAnthropic(model=model, thinking={"type": "enabled", "budget_tokens": 1024}, **ANTHROPIC)


def previous(model: str) -> str:
    chat = OfOpenAI(model=model, use_responses_api=True, use_previous_response_id=True, **OPENAI)
    said: list[Any] = [("user", "sandbox:echo first")]
    return str(chat.invoke([*said, chat.invoke(said), ("user", ECHO)]).text)


for name in MODELS:
    for kind, make in MAKES.items():
        note(f"{name} {kind} text", text, make(name))
        note(f"{name} {kind} stream", streamed, make(name))
        note(f"{name} {kind} tools", tools, make(name))
        note(f"{name} {kind} object", structured, make(name), "json_schema")
        note(f"{name} {kind} by a tool object", structured, make(name), "function_calling")
    note(f"{name} thinking tools", tools, thinking(name))
    note(f"{name} previous text", previous, name)
for name in VECTORS:
    note(f"{name} vectors", vectors, name)
tell()
