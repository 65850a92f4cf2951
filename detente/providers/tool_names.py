"""Names of tools that are longer than models take: shortened in what is asked, and whole again in what is answered.

Owns: the short name of a long one, and which long names a call holds. Not here: where the names stand, in calls
(``bedrock/tools``, ``bedrock/turns``) and in replies (``bedrock/reply``, ``bedrock/stream``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b

import msgspec

MAX_NAME = 64
"""Characters of a function's name, at every provider but Anthropic, whose models take 128."""
_LONG = re.compile(rb'"name"\s*:\s*"([a-zA-Z0-9_-]{65,})"')


def shortened(name: str) -> str:
    """A name as models take it: one that is too long ends with a digest of the whole, so that no two become one."""
    if len(name) <= MAX_NAME:
        return name
    return f"{name[: MAX_NAME - 9]}_{blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"


def whole_names(members: Mapping[str, msgspec.Raw]) -> dict[str, str]:
    """The long names that a call holds, by their short ones: of its tools, else of those that its messages called.

    Nothing is parsed: a text cannot look like such a member, since its quotation marks are escaped.
    """
    text = bytes(members.get("tools") or members.get("messages") or b"")
    names = [found.decode() for found in _LONG.findall(text)]
    return {shortened(name): name for name in names}
