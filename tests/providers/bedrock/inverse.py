"""The way back, for the law that what both sides can say survives: Converse's request as OpenAI's, and the reply.

Only in tests: the gateway never needs it.
"""

from __future__ import annotations

import json
from typing import Any


def openai_request(body: dict[str, Any]) -> dict[str, Any]:
    """The call that a request of Converse came from."""
    found: dict[str, Any] = {"messages": [*map(_system, body.get("system", ())), *_messages(body["messages"])]}
    inference = body.get("inferenceConfig", {})
    names = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p", "stopSequences": "stop"}
    found |= {names[name]: value for name, value in inference.items()}
    config = body.get("toolConfig", {})
    if config:
        found["tools"] = [_tool(tool["toolSpec"]) for tool in config["tools"]]
    if "toolChoice" in config:
        ((kind, value),) = config["toolChoice"].items()
        named = {"type": "function", "function": value}
        found["tool_choice"] = {"auto": "auto", "any": "required", "tool": named}[kind]
    structure = body.get("outputConfig", {}).get("textFormat", {}).get("structure", {}).get("jsonSchema")
    if structure:
        schema = {**structure, "schema": json.loads(structure["schema"])}
        found["response_format"] = {"type": "json_schema", "json_schema": schema}
    if "requestMetadata" in body:
        found["metadata"] = body["requestMetadata"]
    if "serviceTier" in body:
        found["service_tier"] = body["serviceTier"]["type"]
    return found


def _system(block: dict[str, Any]) -> dict[str, Any]:
    return {"role": "system", "content": [{"type": "text", "text": block["text"]}]}


def _messages(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for turn in turns:
        parts: list[dict[str, Any]] = []
        calls = [_call(block["toolUse"]) for block in turn["content"] if "toolUse" in block]
        for block in turn["content"]:
            if "toolResult" in block:
                content = [_part(held) for held in block["toolResult"]["content"]]
                identity = block["toolResult"]["toolUseId"]
                found.append({"role": "tool", "tool_call_id": identity, "content": content})
            elif "toolUse" not in block:
                parts.append(_part(block))
        message: dict[str, Any] = {"role": turn["role"], "content": parts}
        if calls:
            message["tool_calls"] = calls
        if parts or calls:
            found.append(message)
    return found


def _part(block: dict[str, Any]) -> dict[str, Any]:
    if "text" in block:
        return {"type": "text", "text": block["text"]}
    image = block["image"]
    return {
        "type": "image_url",
        "image_url": {"url": f"data:image/{image['format']};base64,{image['source']['bytes']}"},
    }


def _call(use: dict[str, Any]) -> dict[str, Any]:
    function = {"name": use["name"], "arguments": json.dumps(use["input"])}
    return {"id": use["toolUseId"], "type": "function", "function": function}


def _tool(spec: dict[str, Any]) -> dict[str, Any]:
    function = {name: value for name, value in spec.items() if name != "inputSchema"}
    return {"type": "function", "function": {**function, "parameters": spec["inputSchema"]["json"]}}


def converse_reply(completion: dict[str, Any]) -> dict[str, Any]:
    """The reply of Converse that a completion came from, short of what only metrics say."""
    (choice,) = completion["choices"]
    message, usage = choice["message"], completion["usage"]
    content: list[dict[str, Any]] = []
    if "reasoning_content" in message:
        text = {"text": message["reasoning_content"]}
        if "reasoning_signature" in message:
            text["signature"] = message["reasoning_signature"]
        content.append({"reasoningContent": {"reasoningText": text}})
    if message["content"] is not None:
        content.append({"text": message["content"]})
    for call in message.get("tool_calls", ()):
        function = call["function"]
        use = {"toolUseId": call["id"], "name": function["name"], "input": json.loads(function["arguments"] or "{}")}
        content.append({"toolUse": use})
    details = usage["prompt_tokens_details"]
    read, written = details["cached_tokens"], details["cache_write_tokens"]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": {
            "stop": "end_turn",
            "tool_calls": "tool_use",
            "length": "max_tokens",
            "content_filter": "content_filtered",
        }[choice["finish_reason"]],
        "usage": {
            "inputTokens": usage["prompt_tokens"] - read - written,
            "outputTokens": usage["completion_tokens"],
            "totalTokens": usage["total_tokens"],
            "cacheReadInputTokens": read,
            "cacheWriteInputTokens": written,
        },
    }
