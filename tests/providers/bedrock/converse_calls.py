"""Parts of calls, as the tests of what Converse is asked make them."""

from __future__ import annotations

from typing import Any

from tests.providers.bedrock.making import cases

CORPUS = dict(cases("requests"))

ADAPTIVE, NEWEST = "us.anthropic.claude-opus-4-6-v1", "us.anthropic.claude-opus-4-8"

NOVA, NOVA2, MICRO = "eu.amazon.nova-pro-v1:0", "us.amazon.nova-2-lite-v1:0", "us.amazon.nova-micro-v1:0"

TITAN, OSS, OTHER = "amazon.titan-text-express-v1", "openai.gpt-oss-120b-1:0", "mistral.mistral-large-2407-v1:0"

OLD = "anthropic.claude-3-haiku-20240307-v1:0"

PIXEL = "data:image/png;base64,AAAA"

TOOL: dict[str, Any] = {"type": "function", "function": {"name": "clock"}}

SHOT = {"type": "image_url", "image_url": {"url": PIXEL}}

USE: dict[str, Any] = {"id": "c1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}

USED: list[dict[str, Any]] = [
    {"role": "user", "content": "Time?"},
    {"role": "assistant", "tool_calls": [USE]},
    {"role": "tool", "tool_call_id": "c1", "content": "noon"},
]
