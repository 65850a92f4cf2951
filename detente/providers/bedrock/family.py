"""What differs between the models behind Converse, by family.

Owns: which family a model's id belongs to, and what that family takes. Not here: how it is said (``converse`` and its
neighbours). The sources of each fact are in ``docs/providers/bedrock.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from detente.live.claude_name import claude_version
from detente.providers.breakpoints import CACHED_MEMBERS
from detente.providers.claude import Sampling, sampling_of

Thinking = Literal["none", "unknown", "budget", "adaptive", "nova", "gpt-oss"]
"""How a family is asked to reason: not at all, nobody knows how, Claude's budget of tokens, Claude's effort, Nova's
``reasoningConfig``, gpt-oss's ``reasoning_effort``."""

Caching = Literal["nothing", "prompts", "tools too", "for a time"]
"""What is cached up to marked points: system prompts and messages, tools too, and all of them for a stated time."""


@dataclass(frozen=True, slots=True)
class ChatInterface:
    """Who is asked for a reply, in sentences: the interface by its name and by its house's, too, and the house."""

    name: str
    full: str
    house: str


CONVERSE = ChatInterface("Converse", "Bedrock's Converse", "Bedrock")


@dataclass(frozen=True, slots=True)
class Family:
    """What a family of models takes."""

    title: str
    most: int
    """Tokens of a reply where the caller states none: Bedrock reserves quota by it, so it is never left out."""
    system: bool = True
    tools: bool = True
    images: bool = True
    fetches: bool = False
    """Whether whoever serves it fetches images by their address: Anthropic does, and Bedrock does not."""
    shown: bool = False
    """Whether its tools can show it images, in their results."""
    stop: bool = True
    says_where: bool = False
    """Whether it says at which stop sequence it stopped."""
    structured: bool = True
    caches: Caching = "nothing"
    serial: bool = False
    """Whether it can be told to call one tool at a time."""
    thinking: Thinking = "none"
    sampling: Sampling = "both"
    interface: ChatInterface = CONVERSE

    @property
    def cached(self) -> tuple[str, ...]:
        """Which members of a call may hold breakpoints of the prompt's cache."""
        if self.caches == "nothing":
            return ()
        return CACHED_MEMBERS if self.caches != "prompts" else tuple(n for n in CACHED_MEMBERS if n != "tools")


TITAN = Family("Titan Text", 3072, system=False, tools=False, images=False, structured=False)
GPT_OSS = Family("gpt-oss", 8192, images=False, stop=False, thinking="gpt-oss")
OTHER = Family("this model", 2048, thinking="unknown")
"""A family that is not known here: what Converse itself can say is said, and Bedrock judges it."""

_KNOWN = (
    ("claude", re.compile(r"anthropic\.claude")),
    ("nova", re.compile(r"amazon\.nova-")),
    ("titan", re.compile(r"amazon\.titan-(text|tg1)")),
    ("gpt-oss", re.compile(r"openai\.gpt-oss")),
)
_NAMED = ("claude", "nova", "titan", "gpt-oss")
_VENDOR = re.compile(r"(^|[./])(ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen)\.")
_NOVA = re.compile(r"nova-(\d+)-")


def family_of(name: str, model: str | None = None) -> Family:
    """The family of a model.

    Parameters
    ----------
    name
        Bedrock's name: a model's id (``anthropic.claude-…``), with or without the prefix of a cross-region profile
        (``us.``, ``eu.``, ``apac.``, ``global.``, …), or an ARN that holds one.
    model
        The model as the case calls it, for names that say nothing (the ARN of an application's inference profile, of
        provisioned throughput or of an imported model).
    """
    id_ = name.lower()
    kind = next((kind for kind, pattern in _KNOWN if pattern.search(id_)), None)
    if kind is None and not _VENDOR.search(id_):
        id_ = f"{id_} {(model or '').lower()}"
        kind = next((kind for kind in _NAMED if kind in id_), None)
    if kind == "claude":
        return _claude(id_)
    if kind == "nova":
        return _nova(id_)
    return {"titan": TITAN, "gpt-oss": GPT_OSS}.get(kind or "", OTHER)


def _claude(id_: str) -> Family:
    version = claude_version(id_)
    if version is None:
        return Family("this Claude", 4096, structured=False, thinking="unknown")
    thinking: Thinking = "none" if version < (3, 7) else "budget" if version < (4, 6) else "adaptive"
    return Family(
        f"Claude {version[0]}.{version[1]}",
        4096,
        tools=version >= (3, 0),
        images=version >= (3, 0),
        shown=version >= (3, 0),
        says_where=version >= (3, 0),
        structured=version >= (4, 5),
        caches="for a time" if version >= (4, 5) else "tools too" if version >= (3, 7) else "nothing",
        serial=version >= (4, 5),
        thinking=thinking,
        sampling=sampling_of(version),
    )


def _nova(id_: str) -> Family:
    found = _NOVA.search(id_)
    second = found is not None and int(found.group(1)) >= 2
    title = "Nova 2" if second else "Nova"
    return Family(
        title,
        4096,
        images="micro" not in id_,
        shown="micro" not in id_,
        structured=False,
        caches="prompts",
        thinking="nova" if second else "none",
    )
