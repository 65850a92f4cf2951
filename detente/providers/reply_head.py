"""What names a reply that passes through: its id, when it was made, and of chat what it is.

Owns: how a caller is told one of a wrong type, and of chat one that is not there. Clients take an id for a text and a
time for a number, and some lose the answer at another; it says nothing of the content. Not here: ids that lead
somewhere (``gateway/surfaces``), and replies that are said in another shape.
"""

from __future__ import annotations

from secrets import token_hex
from typing import Any
from zlib import crc32

import msgspec

from detente.providers.tool_calls import id_of
from detente.providers.wire import Members

_LATEST = 2**53
WHOLE, CHUNK = "chat.completion", "chat.completion.chunk"
"""What a completion of chat, and a chunk of one, say that they are."""


def is_odd(id_: Any, made: Any = None) -> bool:
    """Whether an id is stated that is no text, or a time that is no number."""
    return (id_.__class__ is not str and id_ is not None) or (
        made.__class__ is not int and made.__class__ is not float and made is not None
    )


def mended(reply: bytes, made: str = "created", *, names: bool = True, kind: str = "", name: str = "") -> bytes:
    """A reply, or a chunk of one, with a text as its id and a number as its time, ``made``; each is absent if it was.

    ``names``: whether the id is looked at; that of a response leads to where it is kept, and is another's to tell.
    ``kind``: what it says of itself that it is (``object``), of chat. It then has an id and a time in any case: an id
    that is absent is ``name``, or else a new one.

    An id that is a number is that number; of another, each time that it is stated, the same is made. A time that nobody
    can read is 0. Raises what decoding does, of what is no object.
    """
    members = msgspec.json.decode(reply, type=Members)
    if names and is_odd(stated := msgspec.json.decode(members.get("id", b"null"))):
        own = id_of(stated) or f"id-{crc32(members['id']):08x}"
        members["id"] = msgspec.Raw(msgspec.json.encode(own))
    if is_odd(None, stated := msgspec.json.decode(members.get(made, b"null"))):
        read = isinstance(stated, str) and stated.isascii() and stated.isdecimal() and len(stated) < 16
        members[made] = msgspec.Raw(b"%d" % min(int(stated), _LATEST) if read else b"0")
    if kind:
        members["object"] = msgspec.Raw(msgspec.json.encode(kind))
        for member, absent in (("id", name or new_name()), (made, 0)):
            if bytes(members.get(member, b"null")) == b"null":
                members[member] = msgspec.Raw(msgspec.json.encode(absent))
    return msgspec.json.encode(members)


def new_name() -> str:
    """The id of a completion whose provider gave it none."""
    return f"chatcmpl-{token_hex(12)}"
