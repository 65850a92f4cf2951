"""InvokeModel for embeddings: the bodies of Titan and of Cohere.

Owns: both shapes. Of other models InvokeModel is not played: Converse is. Not here: the vectors (``embedding``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detente.sandbox.ask import WrongError
from detente.sandbox.embedding import vector
from detente.sandbox.reply import Json
from detente.sandbox.tokens import count

MAX_TEXTS = 96
TITAN_SIZES = (256, 512, 1_024)
COHERE_SIZES = (256, 512, 1_024, 1_536)
PURPOSES = ("search_document", "search_query", "classification", "clustering", "image")


def reply(model: str, body: Mapping[str, Any], mark: str) -> tuple[Json, int]:
    """(the reply, the tokens of its input). Raises WrongError as Bedrock would refuse it."""
    if "titan-embed" in model:
        return _titan(model, body)
    if "cohere.embed" in model:
        return _cohere(model, body, mark)
    raise WrongError("The sandbox plays InvokeModel for the embeddings of Titan and Cohere; call Converse.")


def _titan(model: str, body: Mapping[str, Any]) -> tuple[Json, int]:
    second = "embed-text-v2" in model
    _known(body, ("inputText", "dimensions", "normalize", "embeddingTypes") if second else ("inputText",))
    text, size = body.get("inputText"), body.get("dimensions", 1_024 if second else 1_536)
    if not isinstance(text, str) or not text:
        raise WrongError("Malformed input request: inputText is missing or empty.")
    if second and (size not in TITAN_SIZES or not isinstance(size, int)):
        raise WrongError(f"Malformed input request: dimensions must be one of {TITAN_SIZES}.")
    if body.get("embeddingTypes", ["float"]) != ["float"] or body.get("normalize") is False:
        raise WrongError("The sandbox plays normalized embeddings of floats.")
    found = vector(model, text, size).tolist()
    reply: Json = {"embedding": found, "inputTextTokenCount": count(text)}
    return reply | ({"embeddingsByType": {"float": found}} if second else {}), count(text)


def _cohere(model: str, body: Mapping[str, Any], mark: str) -> tuple[Json, int]:
    fourth = "embed-v4" in model
    known = (
        "texts",
        "input_type",
        "truncate",
        "embedding_types",
        *(("output_dimension", "max_tokens") if fourth else ()),
    )
    _known(body, known)
    texts, size = body.get("texts"), body.get("output_dimension", 1_536 if fourth else 1_024)
    if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_TEXTS or not all(isinstance(t, str) for t in texts):
        raise WrongError(f"Malformed input request: texts must hold 1 to {MAX_TEXTS} texts.")
    if body.get("input_type") not in PURPOSES:
        raise WrongError("Malformed input request: input_type is missing or unknown.")
    if size not in COHERE_SIZES or not isinstance(size, int):
        raise WrongError(f"Malformed input request: output_dimension must be one of {COHERE_SIZES}.")
    kinds = body.get("embedding_types")
    if kinds not in (None, ["float"]):
        raise WrongError("The sandbox plays embeddings of floats.")
    found = [vector(model, text, size).tolist() for text in texts]
    shape = "embeddings_floats" if kinds is None else "embeddings_by_type"
    reply = {
        "id": mark,
        "response_type": shape,
        "texts": texts,
        "embeddings": found if kinds is None else {"float": found},
    }
    return reply, sum(count(text) for text in texts)


def _known(body: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in body:
        if name not in names:
            raise WrongError(f"Malformed input request: extraneous key [{str(name)[:80]}] is not permitted.")
