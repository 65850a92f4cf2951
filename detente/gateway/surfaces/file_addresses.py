"""Files that a caller sends by their address: images and documents within a call, in any shape. Pure.

Owns: where they stand, and how each shape holds the file itself instead. What is not such a part is not read, and stays
as it was written. Not here: which of them are fetched, and fetching (``serving/call/fetching``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from detente.gateway.surfaces.surface import Asked
from detente.live.fetch import Fetch
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Call, Media

_MEMBERS = ("messages", "input")
_NESTED = ("content", "output")
"""Members of a message, an item or a part that hold parts."""
_BY_ADDRESS = re.compile(rb'"https?:\\?/\\?/', re.IGNORECASE)  # some write a slash as `\/`
_WEB = ("https://", "http://")
PDF_NAME = "document.pdf"
"""Of a file whose sender named none: OpenAI's shapes want a name."""


class InlineFile(NamedTuple):
    """A file: its type, and its content in base64."""

    type: str
    content: str

    @property
    def url(self) -> str:
        """Both, as an address."""
        return f"data:{self.type};base64,{self.content}"


_STAND_INS: Mapping[Media, InlineFile] = {
    "images": InlineFile("image/png", "iVBORw0KGgo="),
    "documents": InlineFile("application/pdf", "JVBERi0="),
}


class Attached(NamedTuple):
    """A file that is sent by its address, and where in the call."""

    media: Media
    url: str
    where: str


def attached(call: Call, media: Collection[Media]) -> Sequence[Attached]:
    """The files of some media that a call holds by their address."""
    found: list[Attached] = []

    def note(part: Attached) -> None:
        found.append(part)

    _walked(call, media, note)
    return found


def inlined(call: Call, media: Collection[Media], files: Mapping[str, InlineFile]) -> Call:
    """The same with those files within it whose addresses are among ``files``."""
    return msgspec.structs.replace(call, members=_walked(call, media, lambda part: files.get(part.url)))


def as_if_fetched(asked: Asked, fetch: Fetch | None) -> Asked:
    """The same as if all files had been fetched that may be: whether it can be said does not turn on what they hold."""
    if fetch is None:
        return asked
    parts = [part for part in attached(asked.call, tuple(_STAND_INS)) if fetch.forbids(part.url) is None]
    files = {part.url: _STAND_INS[part.media] for part in parts}
    return msgspec.structs.replace(asked, call=inlined(asked.call, tuple(_STAND_INS), files))


# -- the parts of each shape ------------------------------------------------------------------------------------------
JsonPart = dict[str, Any]


class _Kind(NamedTuple):
    """A kind of part: what it is, its address, and the same part with the file in its place."""

    media: Media
    address: Callable[[JsonPart], Any]
    holding: Callable[[JsonPart, InlineFile], JsonPart]


def _of(part: JsonPart, member: str, name: str) -> Any:
    inside = part.get(member)
    return inside.get(name) if isinstance(inside, dict) else None


def _source(part: JsonPart, file: InlineFile) -> JsonPart:
    return part | {"source": {"type": "base64", "media_type": file.type, "data": file.content}}


def _input_file(part: JsonPart, file: InlineFile) -> JsonPart:
    kept = {name: value for name, value in part.items() if name != "file_url"}
    return {"filename": PDF_NAME} | kept | {"file_data": file.url}


_KINDS: Mapping[str, _Kind] = {
    "image_url": _Kind(
        "images",
        lambda part: _of(part, "image_url", "url"),
        lambda part, file: part | {"image_url": part["image_url"] | {"url": file.url}},
    ),
    "file": _Kind(
        "documents",
        lambda part: _of(part, "file", "file_data"),
        lambda part, file: part | {"file": {"filename": PDF_NAME} | part["file"] | {"file_data": file.url}},
    ),
    "input_image": _Kind(
        "images", lambda part: part.get("image_url"), lambda part, file: part | {"image_url": file.url}
    ),
    "input_file": _Kind("documents", lambda part: part.get("file_url"), _input_file),
    "image": _Kind("images", lambda part: _of(part, "source", "url"), _source),
    "document": _Kind("documents", lambda part: _of(part, "source", "url"), _source),
}
_TYPED = re.compile(rb'"(?:%b)"' % b"|".join(kind.encode() for kind in _KINDS))


# -- finding them -----------------------------------------------------------------------------------------------------
Replacing = Callable[[Attached], InlineFile | None]
"""What becomes of a part that was found: the file that takes its address' place, or nothing."""


def _walked(call: Call, media: Collection[Media], seen: Replacing) -> dict[str, msgspec.Raw]:
    """The members of a call, whose parts were shown to ``seen``."""
    members = dict(call.members)
    for name in _MEMBERS:
        raw = members.get(name)
        if raw is not None and _BY_ADDRESS.search(bytes(raw)) is not None:
            members[name] = _listed(raw, name, media, seen)
    return members


def _listed(raw: msgspec.Raw, where: str, media: Collection[Media], seen: Replacing) -> msgspec.Raw:
    """A list of messages, items or parts; anything else stays for its reader to refuse."""
    text = bytes(raw)
    if text[:1] != b"[" or _BY_ADDRESS.search(text) is None:
        return raw
    try:
        items = msgspec.json.decode(raw, type=list[msgspec.Raw])
        changed = [_item(item, f"{where}[{at}]", media, seen) for at, item in enumerate(items)]
    except UNREADABLE:
        return raw
    if all(one is other for one, other in zip(items, changed, strict=True)):
        return raw
    return msgspec.Raw(msgspec.json.encode(changed))


def _item(raw: msgspec.Raw, where: str, media: Collection[Media], seen: Replacing) -> msgspec.Raw:
    text = bytes(raw)
    if text[:1] != b"{" or _BY_ADDRESS.search(text) is None:
        return raw
    members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    held = {name: _listed(members[name], f"{where}.{name}", media, seen) for name in _NESTED if name in members}
    if any(inner is not members[name] for name, inner in held.items()):
        return msgspec.Raw(msgspec.json.encode(members | held))
    if _TYPED.fullmatch(bytes(members.get("type", b""))) is None:
        return raw
    part: JsonPart = msgspec.json.decode(raw)
    kind = _KINDS[part["type"]]
    url = kind.address(part)
    if kind.media not in media or not isinstance(url, str) or not url.lower().startswith(_WEB):
        return raw
    file = seen(Attached(kind.media, url, where))
    return raw if file is None else msgspec.Raw(msgspec.json.encode(kind.holding(part, file)))
