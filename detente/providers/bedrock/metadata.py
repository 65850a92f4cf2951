"""What a call says of itself, for Bedrock's invocation logs.

Owns: ``metadata``, ``user`` and ``safety_identifier`` as Bedrock's request metadata. Not here: labels that the gateway
decides by.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from detente.providers.bedrock.member import Member
from detente.providers.wire import Refusal

MAX_ENTRIES = 16
_KEY = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}", re.ASCII)
_VALUE = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}", re.ASCII)
_METADATA: Member[dict[str, str]] = Member("metadata", dict[str, str])
_OWN: tuple[Member[str], ...] = (Member("user", str), Member("safety_identifier", str))


def metadata_of(members: Mapping[str, msgspec.Raw]) -> dict[str, str]:
    """The metadata of a call; empty where it states none. Raises Refusal where Bedrock takes no such text."""
    found = dict(_METADATA.of(members) or {})
    for member in _OWN:
        value = member.of(members)
        if value is not None:
            if found.get(member.name, value) != value:
                raise Refusal(f"`metadata` states another `{member.name}` than the call does", "metadata")
            found[member.name] = value
    for name, value in found.items():
        if not _KEY.fullmatch(name) or not _VALUE.fullmatch(value):
            param = name if name in (m.name for m in _OWN) else "metadata"
            raise Refusal(f"`{param}` holds what Bedrock's logs take not: 256 letters, digits, `:_@$#=/+,-.`", param)
    if len(found) > MAX_ENTRIES:
        raise Refusal(f"`metadata` has {len(found)} entries, and Bedrock takes {MAX_ENTRIES}", "metadata")
    return found
