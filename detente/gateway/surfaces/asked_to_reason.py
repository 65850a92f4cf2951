"""Whether a chat completion asks for reasoning, in the words of others than OpenAI, which compatible servers take.

Owns: their members (OpenRouter's `reasoning`; `thinking` of DeepSeek, Z.ai and Kimi; Qwen's `enable_thinking`; what
vLLM and SGLang hand to a chat template), and which of their values ask for it. Not here: `reasoning_effort`, which is
OpenAI's own (``chat``), and what a provider makes of them: they pass on as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from detente.providers.unreadable import UNREADABLE


def _effort(value: Any) -> bool:
    return isinstance(value, str) and value not in ("", "none")


def _amount(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0


def _on(value: Any) -> bool:
    return value is True


_ASKING: dict[str, dict[str, Callable[[Any], bool]]] = {
    "reasoning": {"effort": _effort, "max_tokens": _amount, "enabled": _on},
    "thinking": {"type": lambda value: value in ("enabled", "adaptive")},
    "chat_template_kwargs": {"enable_thinking": _on, "thinking": _on, "reasoning_effort": _effort},
}
"""Members of a call, and which of their own members ask for it by which value."""
SWITCHES = ("enable_thinking",)
"""Members of a call that ask for it by being true."""
NAMES = frozenset((*_ASKING, *SWITCHES))


def asks_to_reason(members: Mapping[str, msgspec.Raw]) -> bool:
    """Whether any of the members asks for it. What cannot be read asks for nothing: its provider judges it."""
    if any(bytes(members.get(name, b"")) == b"true" for name in SWITCHES):
        return True
    for name, asking in _ASKING.items():
        if name not in members:
            continue
        try:
            stated = msgspec.json.decode(members[name])
        except UNREADABLE:
            continue
        if isinstance(stated, dict) and any(asks(stated.get(own)) for own, asks in asking.items()):
            return True
    return False
