"""What is wrong with a request, where a provider says it otherwise than in an error's `message`.

Owns: FastAPI's `detail` (a text, or a list of what is wrong and where), the same within Mistral's `message`, and bodies
that are plain text. A request's own content, which FastAPI repeats, is not told. Not here: what an error means
(``error_object``), and our secrets in it (``gateway/serving/call/redaction``).
"""

from __future__ import annotations

from typing import Any

MAX_DETAILS = 20
"""Details that are told."""
MAX_PLACE = 200


def detail_of(stated: dict[str, Any], *, whole: bool = True) -> tuple[str, str | None]:
    """(what is wrong, in one line; the member that is, where one is named); an empty text where nothing is said.

    ``whole``: it is not itself one of the details, within which no others are looked for.
    """
    for name in ("detail", "message", "msg"):
        said = stated.get(name)
        if isinstance(said, str) and (text := _line(said)):
            return text, None
        if whole and isinstance(said, dict) and (found := detail_of(said, whole=False))[0]:
            return found
        if isinstance(said, list):
            told = [one for one in map(_one, said[:MAX_DETAILS]) if one[0]]
            if told:
                return "; ".join(f"`{at}`: {text}" if at else text for text, at in told), told[0][1]
    return "", None


def said_plainly(body: bytes) -> dict[str, Any]:
    """An error object of a body that is plain text; empty of one that is none, of markup, and of JSON that is cut."""
    try:
        text = _line(body.decode())
    except UnicodeDecodeError:
        return {}
    return {"message": text} if text and text[0] not in "<{[" else {}


def _one(stated: Any) -> tuple[str, str | None]:
    """One of a list: (what is wrong, where)."""
    if isinstance(stated, str):
        return _line(stated), None
    if not isinstance(stated, dict):
        return "", None
    said, place = stated.get("msg") or stated.get("message"), stated.get("loc")
    return (_line(said) if isinstance(said, str) else ""), _place(place) if isinstance(place, list) else None


def _place(steps: list[Any]) -> str | None:
    """A member of the body, as paths are written here: `messages[0].content`."""
    found = ""
    for step in steps[1:] if steps[:1] == ["body"] else steps:
        found += f"[{step}]" if isinstance(step, int) else f".{step}"
    return _line(found).removeprefix(".")[:MAX_PLACE] or None


def _line(text: str) -> str:
    """A text in one line, without signs that are none."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
