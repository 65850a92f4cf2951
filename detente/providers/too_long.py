"""Too long: how providers say that a call does not fit the window of its model.

Owns: their words, and the failure. Not here: whose window is longer (``gateway/serving/call/relay``).
"""

from __future__ import annotations

from detente.providers.wire import Failure

TOO_LONG = "context_length_exceeded"
"""OpenAI's code of a call that is too long for its model, as callers are told it of any provider."""
_LENGTHS = (
    TOO_LONG,
    "exceed_context_size",  # llama.cpp
    "maximum context length",  # OpenAI, vLLM
    "maximum model length",  # vLLM
    "exceeds the context",
    "exceeds the available context",
    "context window",
    "input is too long",  # Bedrock
    "prompt is too long",  # Anthropic
    "too many input tokens",
    "input length and `max_tokens` exceed context limit",  # Anthropic
    "model's context length",  # SGLang, Together
    "maximum number of tokens allowed",  # Gemini
    "maximum prompt length",  # xAI
    "number of tokens in the prompt cannot exceed",  # Cohere
    "input tokens exceeds maximum length",  # Amazon Nova, on Bedrock
    "`inputs` tokens + `max_new_tokens` must be <=",  # Text Generation Inference
)
"""How providers say it, in lower case."""


def says_too_long(*said: str) -> bool:
    """Whether a provider says, by a code or in a sentence, that a request which it refuses is too long."""
    return any(words in text.lower() for text in said for words in _LENGTHS)


def too_long(message: str, param: str | None = None) -> Failure:
    """A call that is too long for its model."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": TOO_LONG}
    return Failure("too-long", 400, error)
