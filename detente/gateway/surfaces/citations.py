"""What a chat completion cites: addresses of the web, as annotations of a response or as citations of Anthropic's.

Owns: reading them as OpenAI writes them (`annotations`) and as others do (`citations`, `search_results` beside the
choices, with marks such as `[1]` in the text), and what each becomes in another shape. What cannot be read spoils no
reply (decision 0070). Not here: the text itself (``completion``), and where in a stream they are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from detente.providers.own_citations import OWN_INDEX
from detente.providers.wire import MAX_TOKENS, as_text

MAX_MARKS = 4096
"""How many marks of a text are told: a mark has three characters, and what is told of it a hundred."""
_MARK = re.compile(r"\[([1-9][0-9]{0,3})\]")


class Citation(NamedTuple):
    """An address that a text cites, and the characters of the text that cite it (half-open).

    ``start`` is None of one whose place is not known.
    """

    url: str
    title: str = ""
    start: int | None = None
    end: int = 0

    def moved(self, by: int) -> Citation:
        """The same, with places that are counted from elsewhere."""
        return self._replace(start=max(0, (self.start or 0) + by), end=max(0, self.end + by))


def citations_of(annotations: Any) -> list[Citation]:
    """Those of a message's ``annotations``; annotations of other kinds are none."""
    found = []
    for one in annotations if isinstance(annotations, list) else ():
        if not isinstance(one, dict) or one.get("type") != "url_citation":
            continue
        inner = one.get("url_citation")
        said = inner if isinstance(inner, dict) else one  # some write it as responses do
        if url := as_text(said.get("url")):
            start, end = (_place(said.get(name)) for name in ("start_index", "end_index"))
            title = as_text(said.get("title"))
            found.append(Citation(url, title) if start is None or end is None else Citation(url, title, start, end))
    return found


def _place(stated: Any) -> int | None:
    return stated if isinstance(stated, int) and not isinstance(stated, bool) and 0 <= stated <= MAX_TOKENS else None


def sources_of(citations: Any, results: Any) -> list[Citation]:
    """What stands beside the choices: addresses, or what a search found, with titles; in the order of the marks."""
    found = []
    titles = {}
    for one in results if isinstance(results, list) else ():
        if isinstance(one, dict) and (url := as_text(one.get("url"))):
            titles[url] = as_text(one.get("title"))
    for one in citations if isinstance(citations, list) else ():
        url = as_text(one.get("url")) if isinstance(one, dict) else as_text(one)
        found.append(Citation(url, titles.get(url, "")))
    return found or [Citation(url, title) for url, title in titles.items()]


def in_text(text: str, cited: Sequence[Citation], sources: Sequence[Citation]) -> list[Citation]:
    """All that a text cites, each with its place in it.

    A source is cited at its marks. One that has none, and an annotation without a place, stands at the end of the text.
    """
    known = {one.url for one in cited}
    fresh = [source if source.url not in known else None for source in sources]
    found = list(cited)
    marked = set[str]()
    for mark in list(_MARK.finditer(text))[:MAX_MARKS] if any(fresh) else ():
        number = int(mark[1])
        source = fresh[number - 1] if number <= len(fresh) else None
        if source is not None and source.url:
            marked.add(source.url)
            found.append(source._replace(start=mark.start(), end=mark.end()))
    found += [one for one in fresh if one is not None and one.url and one.url not in marked]
    return [one if one.start is not None else one._replace(start=len(text), end=len(text)) for one in found]


def as_annotation(one: Citation) -> dict[str, Any]:
    """As a part of a response has it."""
    return {
        "type": "url_citation",
        "start_index": one.start or 0,
        "end_index": one.end,
        "url": one.url,
        "title": one.title,
    }


def once(cited: Iterable[Citation], known: dict[str, Citation]) -> None:
    """Add to what is known by its address: one that has a title stays."""
    for one in cited:
        if one.url not in known or not known[one.url].title:
            known[one.url] = one


def as_anthropics(cited: Iterable[Citation]) -> list[dict[str, Any]]:
    """As a block of Anthropic's text has them, each address once: its block is the place.

    What was read there (``cited_text``) is not told by a chat completion.
    """
    each = dict[str, Citation]()
    once(cited, each)
    return [
        {
            "type": "web_search_result_location",
            "url": one.url,
            "title": one.title or None,
            "cited_text": "",
            "encrypted_index": OWN_INDEX,
        }
        for one in each.values()
    ]
