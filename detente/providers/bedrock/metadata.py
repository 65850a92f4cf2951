"""What a call says of itself, for Bedrock's invocation logs.

Owns: ``metadata``, ``user`` and ``safety_identifier`` as Bedrock's request metadata. Not here: labels that the gateway
decides by.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from detente.providers.bedrock.member import Member
from detente.providers.omission import Omissions

MAX_ENTRIES = 16
_KEY = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}", re.ASCII)
_VALUE = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}", re.ASCII)
_METADATA: Member[dict[str, str]] = Member("metadata", dict[str, str])
_OWN: tuple[Member[str], ...] = (Member("user", str), Member("safety_identifier", str))


def metadata_of(members: Mapping[str, msgspec.Raw], omissions: Omissions) -> dict[str, str]:
    """The metadata of a call; empty where it states none.

    It is a tag and changes no answer: what Bedrock's logs do not take is left out, as is a user in ``metadata`` beside
    another that the call states itself.
    """
    found = dict(_METADATA.of(members) or {})
    for member in _OWN:
        value = member.of(members)
        if value is not None:
            if found.get(member.name, value) != value:
                omissions.hint("metadata")
            found[member.name] = value
    kept: dict[str, str] = {}
    for name, value in found.items():
        if _KEY.fullmatch(name) and _VALUE.fullmatch(value) and len(kept) < MAX_ENTRIES:
            kept[name] = value
        else:
            omissions.hint(name if name in (member.name for member in _OWN) else "metadata")
    return kept
