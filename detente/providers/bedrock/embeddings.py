"""Embeddings in OpenAI's shape as InvokeModel's, whose bodies each model defines for itself.

Owns: Titan's and Cohere's bodies, both ways, and calls of more texts than they take at a time. Not here: chat
(``converse``).
"""

from __future__ import annotations

import re
from array import array
from base64 import b64encode
from collections.abc import Mapping, Sequence
from sys import byteorder
from typing import Annotated, Any, Literal

import msgspec

from detente.providers.bedrock.converse_reply import TokenCount, broken
from detente.providers.bedrock.member import NULL, Member
from detente.providers.bedrock.metadata import metadata_of
from detente.providers.omission import Omissions
from detente.providers.outgoing import HeaderPairs
from detente.providers.unreadable import UNREADABLE
from detente.providers.vocabulary import Vocabulary
from detente.providers.wire import Call, Failure, Headers, Refusal, Reply, Tokens

EmbeddingModel = Literal["titan-1", "titan-2", "cohere-3", "cohere-4"]

_KINDS: tuple[tuple[re.Pattern[str], EmbeddingModel], ...] = (
    (re.compile(r"titan-embed-(text-v1|g1-text)"), "titan-1"),
    (re.compile(r"titan-embed-text-v2"), "titan-2"),
    (re.compile(r"cohere\.embed-(english|multilingual)-v3|embed-(english|multilingual)-v3"), "cohere-3"),
    (re.compile(r"cohere\.embed-v4|embed-v4"), "cohere-4"),
)
DIMENSIONS: Mapping[EmbeddingModel, tuple[int, ...]] = {
    "titan-1": (),
    "titan-2": (256, 512, 1024),
    "cohere-3": (),
    "cohere-4": (256, 512, 1024, 1536),
}
MAX_TEXTS = 96
"""Texts of a call, of Cohere's models; Titan's take one."""
MAX_INPUTS = 2048
"""Texts of a call in OpenAI's shape: more are refused there, too."""
INPUT_TYPES = ("search_document", "search_query", "classification", "clustering")

_SAID = frozenset(
    {"dimensions", "encoding_format", "input", "input_type", "metadata", "model", "safety_identifier", "user"}
)
_INPUT: Member[str | list[str | int | list[int]]] = Member("input", str | list[str | int | list[int]])
_TOKENS = (
    "`input` holds tokens, and Bedrock's models take text, in tokens of their own: send text "
    "(LangChain's `OpenAIEmbeddings`: `check_embedding_ctx_length=False`), or state under `serving:` which vocabulary "
    "they are of (`tokens: cl100k_base.tiktoken`)"
)
_DIMENSIONS: Member[int] = Member("dimensions", int)
_ENCODING: Member[str] = Member("encoding_format", str)
_INPUT_TYPE: Member[str] = Member("input_type", str)


def kind_of(name: str, model: str | None) -> EmbeddingModel | None:
    """Whose body a model takes; None where it is not known."""
    names = (name.lower(), (model or "").lower())
    return next((kind for id_ in names for pattern, kind in _KINDS if pattern.search(id_)), None)


def embedding_parts(call: Call, kind: EmbeddingModel | None, vocabulary: Vocabulary | None = None) -> Sequence[Call]:
    """A call as calls of as many texts as the model takes at a time, tokens as their text. Raises Refusal."""
    if bytes(call.members.get("input", b""))[:1] != b"[":
        return (call,)
    given = _INPUT.of(call.members)
    if not isinstance(given, list) or all(isinstance(text, str) for text in given):
        texts = _texts(call.members)
    else:
        texts = _told(given, vocabulary)
        call = _of(call, texts)
    most = 1 if (kind or "").startswith("titan") else MAX_TEXTS
    if len(texts) > MAX_INPUTS:
        raise Refusal(f"`input` holds {len(texts):,} texts, and a call takes {MAX_INPUTS:,}: send several", "input")
    if len(texts) <= most:
        return (call,)
    return [_of(call, texts[at : at + most]) for at in range(0, len(texts), most)]


def _told(given: Sequence[str | int | list[int]], vocabulary: Vocabulary | None) -> list[str]:
    """The texts of arrays of tokens, or of a single one. Raises Refusal."""
    if vocabulary is None:
        raise Refusal(_TOKENS, "input")
    arrays = [given] if all(isinstance(token, int) for token in given) else given
    texts = []
    for at, tokens in enumerate(arrays):
        where = "input" if arrays is not given else f"input[{at}]"
        if isinstance(tokens, str | int) or not tokens:
            raise Refusal(f"`{where}` is no array of tokens, as others are", where)
        try:
            texts.append(vocabulary.text([token for token in tokens if isinstance(token, int)]))
        except ValueError as error:
            raise Refusal(f"`{where}` holds {error}", where) from None
        if not texts[-1]:
            raise Refusal(f"`{where}` holds less than a character", where)
    return texts


def _of(call: Call, texts: list[str]) -> Call:
    members = {**call.members, "input": msgspec.Raw(msgspec.json.encode(texts))}
    return msgspec.structs.replace(call, members=members)


class _Entry(msgspec.Struct):
    embedding: msgspec.Raw


class _Embeddings(msgspec.Struct):
    data: list[_Entry]
    model: str


_EMBEDDINGS = msgspec.json.Decoder(_Embeddings)


def embeddings_together(replies: Sequence[Reply]) -> Reply:
    """Lists of embeddings as one, whose places go on; their tokens are unknown where those of one are."""
    read = [_EMBEDDINGS.decode(reply.body) for reply in replies]
    vectors = [entry.embedding for found in read for entry in found.data]
    data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    answer: dict[str, Any] = {"object": "list", "data": data, "model": read[0].model}
    counts = [reply.tokens.input for reply in replies if reply.tokens is not None]
    if len(counts) < len(replies):
        return Reply(msgspec.json.encode(answer), None)
    answer["usage"] = {"prompt_tokens": sum(counts), "total_tokens": sum(counts)}
    return Reply(msgspec.json.encode(answer), Tokens(sum(counts), 0))


def embedding_request(call: Call, kind: EmbeddingModel | None) -> tuple[bytes, HeaderPairs, tuple[str, ...]]:
    """(The body, the headers beside its type, what is left out.) Raises Refusal where the model cannot be asked."""
    members = call.members
    if kind is None:
        raise Refusal("how this model is asked for embeddings is not known here", "model")
    for name, raw in members.items():
        if name not in _SAID and raw != NULL:
            raise Refusal(f"`{name[:80]}` is not supported: Bedrock's embeddings do not know it", name[:80])
    texts = _texts(members)
    dimensions = _dimensions(members, kind)
    as_base64(members)
    omissions = Omissions()
    metadata = metadata_of(members, omissions)
    headers: HeaderPairs = ()
    if metadata:
        headers = (("x-amzn-bedrock-request-metadata", msgspec.json.encode(metadata).decode()),)
    body = _titan(texts, members) if kind.startswith("titan") else _cohere(texts, members)
    if dimensions is not None:
        body["dimensions" if kind == "titan-2" else "output_dimension"] = dimensions
    return msgspec.json.encode(body), headers, omissions.names


def _texts(members: Mapping[str, msgspec.Raw]) -> list[str]:
    stated = _INPUT.of(members)
    given = [stated] if isinstance(stated, str) else stated or []
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) < len(given):
        raise Refusal(_TOKENS, "input")
    if not texts or "" in texts:
        raise Refusal("`input` is empty, or holds an empty text", "input")
    return texts


def _dimensions(members: Mapping[str, msgspec.Raw], kind: EmbeddingModel) -> int | None:
    stated = _DIMENSIONS.of(members)
    if stated is None or stated in DIMENSIONS[kind]:
        return stated
    known = ", ".join(map(str, DIMENSIONS[kind])) or "those it has"
    raise Refusal(f"`dimensions` is {stated}, and the model's are {known}", "dimensions")


def as_base64(members: Mapping[str, msgspec.Raw]) -> bool:
    """Whether the caller wants vectors as base64 (OpenAI's clients do) rather than as numbers."""
    stated = _ENCODING.of(members)
    if stated not in (None, "float", "base64"):
        raise Refusal(f"`encoding_format` is `{stated[:40]}`, and is float or base64", "encoding_format")
    return stated == "base64"


def _titan(texts: list[str], members: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    if len(texts) > 1:
        raise Refusal(f"`input` holds {len(texts)} texts, and Titan embeds one a call", "input")
    if _INPUT_TYPE.of(members) is not None:
        raise Refusal("`input_type` is stated, and Titan knows none", "input_type")
    return {"inputText": texts[0]}


def _cohere(texts: list[str], members: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    """Cohere's models ask what a text is for, which OpenAI's interface cannot say: a document, unless stated."""
    if len(texts) > MAX_TEXTS:
        raise Refusal(f"`input` holds {len(texts)} texts, and Cohere embeds {MAX_TEXTS} a call", "input")
    use = _INPUT_TYPE.of(members) or INPUT_TYPES[0]
    if use not in INPUT_TYPES:
        raise Refusal(f"`input_type` is `{use[:40]}`, and is one of {', '.join(INPUT_TYPES)}", "input_type")
    return {"texts": texts, "input_type": use, "embedding_types": ["float"], "truncate": "NONE"}


# -- and back -------------------------------------------------------------------------------------------------------
LARGEST = 3.4028234663852886e38
"""Of numbers of 32 bits, which base64 holds."""
Float32 = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]


class _ByType(msgspec.Struct):
    numbers: list[list[Float32]] = msgspec.field(name="float")


class _Reply(msgspec.Struct, rename="camel"):
    embedding: list[Float32] | None = None
    embeddings: _ByType | list[list[Float32]] | None = None
    input_text_token_count: msgspec.Raw = NULL


_REPLY = msgspec.json.Decoder(_Reply)


def embedding_reply(call: Call, model: str, headers: Headers, body: bytes) -> Reply | Failure:
    """OpenAI's list of embeddings. Tokens are those of Titan's body, else those of AWS's header, else unknown."""
    try:
        found = _REPLY.decode(body)
        wants, asked = as_base64(call.members), len(_texts(call.members))
    except (ValueError, RecursionError) as error:  # msgspec's errors, or UTF-8's
        return broken(f"embeddings that cannot be read: {str(error)[:200]}")
    except Refusal as refusal:
        return refusal.failure
    vectors = found.embeddings
    if isinstance(vectors, _ByType):
        vectors = vectors.numbers
    if vectors is None:
        vectors = [found.embedding] if found.embedding is not None else []
    vectors = [vector for vector in vectors if vector]
    if len(vectors) != asked:
        return broken(f"{len(vectors)} embeddings of {asked} texts")
    data = [
        {"object": "embedding", "index": index, "embedding": packed(vector) if wants else vector}
        for index, vector in enumerate(vectors)
    ]
    answer: dict[str, Any] = {"object": "list", "data": data, "model": model}
    count = _counted(found.input_text_token_count, headers)
    if count is None:
        return Reply(msgspec.json.encode(answer), None)
    answer["usage"] = {"prompt_tokens": count, "total_tokens": count}
    return Reply(msgspec.json.encode(answer), Tokens(count, 0))


def _counted(stated: msgspec.Raw, headers: Headers) -> int | None:
    """Tokens, where a number of them is stated: what is none spoils no reply."""
    for text in (bytes(stated), headers.get("x-amzn-bedrock-input-token-count", "").encode("latin-1", "replace")):
        try:
            return msgspec.json.decode(text, type=TokenCount)
        except UNREADABLE:
            continue
    return None


def packed(vector: list[float]) -> str:
    """Base64 of numbers of 32 bits, the least significant byte first, as OpenAI sends them."""
    numbers = array("f", vector)
    if byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()
