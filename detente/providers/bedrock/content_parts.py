"""The parts of a message's content as blocks of Converse: text, images, and points up to which a prompt is cached.

Owns: one part at a time. Not here: messages, roles and turns (``turns``).
"""

from __future__ import annotations

from binascii import Error, a2b_base64
from typing import Any, Literal

import msgspec

from detente.providers.bedrock.family import Family
from detente.providers.wire import FETCHING, Refusal

ConverseBlock = dict[str, Any]
_FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_CONTENTS = ("text", "refusal", "image_url", "input_audio", "file")


class _Image(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    detail: str | None = None


class CachePoint(msgspec.Struct, forbid_unknown_fields=True):
    """Anthropic's mark that a prompt is cached up to here, which some of OpenAI's clients send too."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class _Breakpoint(msgspec.Struct, forbid_unknown_fields=True):
    """OpenAI's own mark for the same."""

    mode: Literal["explicit"]


class ContentPart(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a message's content, as OpenAI has it."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: _Image | None = None
    input_audio: Any = None
    file: Any = None
    cache_control: CachePoint | None = None
    prompt_cache_breakpoint: _Breakpoint | None = None
    id: Any = None
    index: Any = None
    annotations: Any = None
    """What parts of a reply may hold and clients (LangChain) send back: of no use to a model."""

    @property
    def mark(self) -> CachePoint | None:
        """That a prompt is cached up to here, by whichever name."""
        if self.cache_control is None and self.prompt_cache_breakpoint is not None:
            return CachePoint("ephemeral")
        return self.cache_control


def refused(what: str) -> Refusal:
    """What `messages` hold and Converse cannot say."""
    return Refusal.of("messages", f"holds {what}")


def cached(mark: CachePoint | None, family: Family) -> list[ConverseBlock]:
    """The point up to which a prompt is cached. It changes no answer, so where a family caches none it is left out."""
    if mark is None or family.caches == "nothing":
        return []
    point = {"type": "default"}
    if mark.ttl is not None and family.caches == "for a time":
        point["ttl"] = mark.ttl
    return [{"cachePoint": point}]


def _alone(part: ContentPart) -> None:
    for name in _CONTENTS:
        if name != part.type and getattr(part, name) is not None:
            raise refused(f"`{name}` in a part of type `{part.type[:40]}`, which has no such member")


def text_of(part: ContentPart, family: Family) -> str:
    """The text of a part that is text. Raises Refusal for one that is neither text nor an image."""
    _alone(part)
    if part.type == "text" and part.text is not None:
        return part.text
    if part.type == "refusal" and part.refusal is not None:
        return part.refusal
    raise refused(f"a part `{part.type[:40]}`, which is not sent to {family.interface.name}: it takes text and images")


class _File(msgspec.Struct, forbid_unknown_fields=True):
    file_data: str | None = None
    filename: str | None = None
    file_id: str | None = None


_PDF = "data:application/pdf;base64,"


def document_of(part: ContentPart, at: int) -> ConverseBlock:
    """The block of a part that is a PDF. ``at`` counts documents: Bedrock wants each to have a name of its own."""
    _alone(part)
    try:
        file = msgspec.convert(part.file, _File)
    except msgspec.ValidationError:
        raise refused("a file that is not as OpenAI's interface describes it") from None
    if not (file.file_data or "").startswith(_PDF):
        what = "a file that is no PDF in base64 (`file_data`): others cannot be read from here"
        raise refused(f"{what}; {FETCHING}" if (file.file_data or "").startswith("http") else what)
    data = (file.file_data or "").removeprefix(_PDF)
    return {"document": {"format": "pdf", "name": f"document-{at + 1}", "source": {"bytes": data}}}


def image_of(part: ContentPart, family: Family) -> ConverseBlock:
    """The block of a part that is an image. Raises Refusal where Converse does not take it."""
    _alone(part)
    image = part.image_url
    if image is not None and family.fetches and image.url.startswith(("https://", "http://")):
        return {"image": {"source": {"url": image.url}}}
    head, comma, payload = image.url.partition(",") if image is not None else ("", "", "")
    if image is None or not comma or not head.startswith("data:") or not head.endswith(";base64"):
        what = (
            f"an image by its address: {family.interface.name} takes images within the call, as `data:image/…;base64,…`"
        )
        raise refused(f"{what}; {FETCHING}")
    if image.detail not in (None, "auto", "high"):
        raise refused(f"an image of detail `{image.detail[:40]}`: {family.interface.house}'s models see it as it is")
    kind = head[len("data:") :].partition(";")[0].lower()
    if kind not in _FORMATS:
        raise refused(f"an image of type `{kind[:40]}`: {family.interface.name} takes PNG, JPEG, GIF and WebP")
    try:
        a2b_base64(payload, strict_mode=True)
    except (Error, ValueError):
        raise refused("an image that is not base64") from None
    if not payload:
        raise refused("an image without content")
    return {"image": {"format": _FORMATS[kind], "source": {"bytes": payload}}}
