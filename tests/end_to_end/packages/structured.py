"""instructor: objects by each of its ways to ask for them."""

from __future__ import annotations

from typing import Any

import instructor
import openai

from tests.end_to_end.packages.noted import BASE, KEY, MODELS, Claim, note, tell

CLIENT = openai.OpenAI(base_url=BASE, api_key=KEY, max_retries=0)
MODES = ("TOOLS", "TOOLS_STRICT", "JSON_SCHEMA", "RESPONSES_TOOLS")
SAID = [{"role": "user", "content": "Which claim?"}]


def client(mode: str) -> Any:
    return instructor.from_openai(CLIENT, mode=instructor.Mode[mode])


def ask(mode: str, model: str, said: Any = SAID) -> list[str]:
    asked: Any = {"model": model, "response_model": Claim, "messages": said, "max_retries": 0}
    return sorted(client(mode).chat.completions.create(**asked).model_dump())


def partial(model: str) -> list[str]:
    asked: Any = {"model": model, "response_model": Claim, "messages": SAID}
    return sorted(list(client("TOOLS").chat.completions.create_partial(**asked))[-1].model_dump())


for name in MODELS:
    for mode in MODES:
        note(f"{name} {mode} object", ask, mode, name)
    note(f"{name} partial object", partial, name)
tell()
