"""Embeddings in OpenAI's shape: read and answered.

Owns: the shape. Not here: the vectors (``embedding``), and the shapes of Titan and Cohere (``invoke``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detente.sandbox.ask import WrongError
from detente.sandbox.chat_request import whole_number
from detente.sandbox.embedding import MAX_DIMENSIONS, base64_of, vector
from detente.sandbox.tokens import count

MAX_INPUTS = 2_048
NATIVE = {"text-embedding-3-large": 3_072, "text-embedding-3-small": 1_536, "text-embedding-ada-002": 1_536}
USUAL = 1_024


@dataclass(frozen=True, slots=True)
class Texts:
    """What is to be embedded: texts, each with its count (of tokens given as numbers, their number)."""

    texts: tuple[tuple[str, int], ...]
    dimensions: int | None
    as_base64: bool

    @property
    def tokens(self) -> int:
        """All of them."""
        return sum(tokens for _, tokens in self.texts)


def texts(body: Mapping[str, Any]) -> Texts:
    """What is asked. Raises WrongError."""
    given = body.get("input")
    numbers = isinstance(given, list) and bool(given) and all(isinstance(part, int) for part in given)
    inputs = [given] if isinstance(given, str) or numbers else given
    if not isinstance(inputs, list) or not inputs or len(inputs) > MAX_INPUTS:
        raise WrongError(f"Invalid 'input': expected 1 to {MAX_INPUTS} texts or lists of tokens.", "input")
    kind = body.get("encoding_format", "float")
    if kind not in ("float", "base64"):
        raise WrongError("Invalid 'encoding_format': expected 'float' or 'base64'.", "encoding_format")
    dimensions = whole_number(body, "dimensions")
    if dimensions is not None and dimensions > MAX_DIMENSIONS:
        raise WrongError(f"Invalid 'dimensions': expected at most {MAX_DIMENSIONS}.", "dimensions")
    return Texts(tuple(_text(part) for part in inputs), dimensions, kind == "base64")


def _text(part: Any) -> tuple[str, int]:
    if isinstance(part, str) and part:
        return part, count(part)
    if isinstance(part, list) and part and all(isinstance(x, int) for x in part):
        return " ".join(map(str, part)), len(part)
    raise WrongError("Invalid 'input': a text or a list of tokens is empty, or of another type.", "input")


def reply(asked: Texts, model: str, name: str) -> dict[str, Any]:
    """The reply. Raises WrongError where the model has fewer dimensions than asked for."""
    native = NATIVE.get(model, USUAL)
    if asked.dimensions and asked.dimensions > native:
        raise WrongError(f"This model supports at most {native} dimensions.", "dimensions")
    found = [vector(model, text, asked.dimensions or native) for text, _ in asked.texts]
    data = [
        {"object": "embedding", "index": at, "embedding": base64_of(made) if asked.as_base64 else made.tolist()}
        for at, made in enumerate(found)
    ]
    usage = {"prompt_tokens": asked.tokens, "total_tokens": asked.tokens}
    return {"object": "list", "data": data, "model": name, "usage": usage}
