"""What a Claude or a Nova cites of the web, as annotations of a chat completion.

Owns: Converse's citations in OpenAI's words. Not here: the text that cites (``converse_reply``, ``converse_stream``),
and citations of documents: a chat completion has no place for them, and no call asks for any.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from detente.providers.wire import as_text

WEB = ("https://", "http://")


class Cited(msgspec.Struct):
    """Converse's ``Citation``, or a piece of a stream that is one."""

    title: Any = ""
    source: Any = ""
    location: Any = None

    @property
    def url(self) -> str:
        """The address that it names; empty where it names none."""
        web = self.location.get("web") if isinstance(self.location, dict) else None
        url = as_text(web.get("url")) if isinstance(web, dict) else ""
        source = as_text(self.source)
        return url or (source if source.startswith(WEB) else "")


class Citing(msgspec.Struct):
    """Converse's ``CitationsContentBlock``: a text, and what it cites."""

    content: list[dict[str, Any]]
    citations: list[Cited] | None = None

    @property
    def text(self) -> str:
        """The text."""
        return "".join(as_text(one.get("text")) for one in self.content)


def annotations_of(cited: Iterable[Cited] | None, start: int, end: int) -> list[dict[str, Any]]:
    """What the characters of a message from ``start`` to ``end`` cite, as OpenAI has it."""
    return [
        {
            "type": "url_citation",
            "url_citation": {"start_index": start, "end_index": end, "url": one.url, "title": as_text(one.title)},
        }
        for one in cited or ()
        if one.url
    ]
