"""Blocks of Anthropic's messages as parts of messages of a chat completion.

Owns: how each block is written, what it becomes, and the sentence that says why another cannot be said. Not here:
turns, and the order of blocks within them (``messages_prompt``).
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from detente.providers.own_citations import is_own
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import FETCHING, Refusal

UNSAID = {
    "search_result": "chat completions have no search results and no citations",
    "server_tool_use": "tools that run at Anthropic are not available elsewhere",
    "container_upload": "chat completions have no containers",
    "browser_state": "chat completions have no browser",
    "compaction": "it stands for turns that Anthropic summed up; send its `content` as a text, without those turns",
    "mcp_tool_use": "tool servers that Anthropic calls are not called elsewhere",
}
_SERVER_RESULT = "results of tools that run at Anthropic can only be read there"
HOSTED_REMEDY = "leave it out, or allow it to be left out: `lenient: [hosted-tools]`"
PDF_NAME = "document.pdf"
"""Chat completions want a name of a file; Anthropic's documents have none."""
_FALSE = msgspec.Raw(b"false")
MEDIA = ("image/jpeg", "image/png", "image/gif", "image/webp")


Message = dict[str, Any]


# -- as they are written --------------------------------------------------------------------------------------------
class CacheControl(msgspec.Struct):
    """A hint for a cache, whatever it says (``ttl``, ``scope``): it changes what a call costs, and no answer."""

    type: str
    ttl: str | None = None

    @property
    def told(self) -> Message:
        """The same where it is known to mark a place and for how long; how far it is shared is nobody else's word."""
        return {"type": self.type} | ({"ttl": self.ttl} if self.ttl is not None else {})


class _Kind(msgspec.Struct):
    type: str


class _Marked(msgspec.Struct):
    cache_control: CacheControl | None = None


class InputMessage(msgspec.Struct, forbid_unknown_fields=True):
    """One message."""

    role: str
    content: str | list[msgspec.Raw]


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    text: str
    cache_control: CacheControl | None = None
    citations: list[msgspec.Raw] | None = None


class _Source(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None


class _Image(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    source: _Source
    cache_control: CacheControl | None = None
    transformations: dict[str, msgspec.Raw] | None = None


class _ToolUse(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    id: str
    name: str
    input: msgspec.Raw
    cache_control: CacheControl | None = None
    caller: _Kind | None = None
    toolset_name: str | None = None


class ToolResult(msgspec.Struct, forbid_unknown_fields=True):
    """What came of a call of a tool: its own content is text and images."""

    type: str
    tool_use_id: str
    content: str | list[msgspec.Raw] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None
    toolset_name: str | None = None


class _ToolReference(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    tool_name: str
    cache_control: CacheControl | None = None


class _Thinking(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    thinking: str
    signature: str | None = None
    cache_control: CacheControl | None = None


class _Redacted(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    data: str
    cache_control: CacheControl | None = None


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    source: _Source
    title: str | None = None
    context: str | None = None
    citations: dict[str, msgspec.Raw] | None = None
    cache_control: CacheControl | None = None


# -- translating ----------------------------------------------------------------------------------------------------
T = TypeVar("T")


def read(raw: msgspec.Raw, kind: type[T], where: str) -> T:
    """A member as one kind of thing. Raises ``Refusal``, with what is wrong in the reader's words."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except UNREADABLE as error:
        raise Refusal(f"`{where}` cannot be read: {_words(error)}", where) from None


def _words(error: BaseException) -> str:
    text = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return text[:1].lower() + text[1:200]


def kind_of(raw: msgspec.Raw, where: str) -> str:
    """The type of a block."""
    return read(raw, _Kind, where).type


def marked(part: Message, raw: msgspec.Raw) -> Message:
    """A part with the mark that its block holds: that a prompt is cached up to here."""
    mark = read(raw, _Marked, "cache_control").cache_control
    return part if mark is None else part | {"cache_control": mark.told}


def content_of(parts: list[Message]) -> str | list[Message]:
    """One text is the same as its string, which more providers understand."""
    if not parts:
        return ""
    return str(parts[0]["text"]) if len(parts) == 1 and parts[0].keys() == {"type", "text"} else parts


def is_cited(raw: msgspec.Raw, where: str) -> bool:
    """Whether a block of text says what it was taken from."""
    return any(not is_own(one) for one in read(raw, _Text, where).citations or ())


def text_of(raw: msgspec.Raw, where: str, *, cited: bool = False) -> Message:
    """A block of text; ``cited``: what it was taken from may be left out, as it is where it came from a completion."""
    block = read(raw, _Text, where)
    if not cited and any(not is_own(one) for one in block.citations or ()):
        raise Refusal("chat completions have no citations", f"{where}.citations")
    return {"type": "text", "text": block.text}


def only_text_of(raw: msgspec.Raw, where: str) -> Message:
    """A block of text, where nothing else has a place."""
    if (kind := kind_of(raw, where)) != "text":
        raise refused(kind, where, "system")
    return text_of(raw, where)


def call_of(raw: msgspec.Raw, where: str) -> Message:
    """A call of a tool: its input is passed on as the text that it is, numbers and all."""
    block = read(raw, _ToolUse, where)
    arguments = bytes(block.input).decode()
    if not arguments.startswith("{"):
        raise Refusal("a tool's input is an object", f"{where}.input")
    if block.caller is not None and block.caller.type != "direct":
        raise Refusal("chat completions have no tools that call tools", f"{where}.caller")
    if block.toolset_name is not None:
        raise Refusal("chat completions have no toolsets", f"{where}.toolset_name")
    return {"id": block.id, "type": "function", "function": {"name": block.name, "arguments": arguments}}


def reference_of(raw: msgspec.Raw, where: str) -> Message:
    """What a search for tools has found, in words: chat completions are told of all tools from the beginning."""
    return {"type": "text", "text": f"The tool `{read(raw, _ToolReference, where).tool_name}` is loaded."}


def thought_of(raw: msgspec.Raw, where: str) -> Message:
    """The assistant's thinking, where it is signed: Claude wants to read it again, as it was.

    Other models do not sign what they think, and their providers do not take it back: it is left out.
    """
    block = read(raw, _Thinking, where)
    if not block.signature:
        return {}
    return {"reasoning_content": block.thinking, "reasoning_signature": block.signature}


def redacted_of(raw: msgspec.Raw, where: str) -> Message:
    """Thinking that is encrypted as a whole: only Claude reads it, and wants it back as it was."""
    return {"reasoning_redacted": read(raw, _Redacted, where).data}


def document_of(raw: msgspec.Raw, where: str) -> Message:
    """A document: a PDF becomes a file, plain text a text."""
    document = read(raw, _Document, where)
    if (document.citations or {}).get("enabled", _FALSE) != _FALSE:
        raise Refusal("chat completions have no citations", f"{where}.citations")
    if document.title or document.context:
        name = "title" if document.title else "context"
        raise Refusal(f"chat completions have no `{name}` of a document; write it as a text", f"{where}.{name}")
    match document.source:
        case _Source(type="text", data=str(text), url=None, file_id=None):
            return {"type": "text", "text": text}
        case _Source(type="base64", media_type="application/pdf", data=str(data), url=None, file_id=None):
            if not data.isascii() or data.startswith("data:"):
                raise Refusal("the document's data is not base64", f"{where}.source.data")
            return {
                "type": "file",
                "file": {"filename": PDF_NAME, "file_data": f"data:application/pdf;base64,{data}"},
            }
        case _:
            what = "chat completions take documents as `base64` PDF or as `text`: send the document itself"
            what += f", {FETCHING}" if document.source.type == "url" else ""
            raise Refusal(what, f"{where}.source")


def hosted_call(kind: str) -> str:
    """Which call of a tool that ran at Anthropic a block is, or is the result of; empty for any other block."""
    if kind in ("server_tool_use", "mcp_tool_use"):
        return kind
    if kind.endswith("_tool_result"):
        return "mcp_tool_use" if kind.startswith("mcp_") else "server_tool_use"
    return ""


def refused(kind: str, where: str, turn: str) -> Refusal:
    """Why a block has no place in the content of a turn."""
    if hosted_call(kind) and turn in ("user", "assistant"):
        return Refusal(f"`{kind[:60]}` is not supported: {UNSAID.get(kind, _SERVER_RESULT)}; {HOSTED_REMEDY}", where)
    if kind in UNSAID:
        return Refusal(f"`{kind}` is not supported: {UNSAID[kind]}", where)
    return Refusal(f"a block of type `{kind[:60]}` is not allowed in the content of `{turn}`", where)


def image_of(raw: msgspec.Raw, where: str) -> Message:
    """An image by its address."""
    image = read(raw, _Image, where)
    if image.transformations:
        raise Refusal("chat completions have no setting for large images", f"{where}.transformations")
    source = image.source
    match source:
        case _Source(type="base64", media_type=str(media), data=str(data), url=None, file_id=None):
            if media not in MEDIA:
                raise Refusal(
                    f"`{media[:40]}` is not a known type of image; write {' or '.join(MEDIA)}",
                    f"{where}.source.media_type",
                )
            if not data.isascii() or data.startswith("data:"):
                raise Refusal("the image's data is not base64", f"{where}.source.data")
            url = f"data:{media};base64,{data}"
        case _Source(type="url", media_type=None, data=None, url=str(url), file_id=None):
            if not url.startswith(("https://", "http://")):
                raise Refusal("an image's address begins with `https://`", f"{where}.source.url")
        case _Source(type="file"):
            raise Refusal("files that are stored at Anthropic cannot be read elsewhere", f"{where}.source")
        case _:
            raise Refusal(
                "an image's source is `base64` with `media_type` and `data`, or `url` with `url`", f"{where}.source"
            )
    return {"type": "image_url", "image_url": {"url": url}}
