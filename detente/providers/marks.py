"""Marks: names in the messages of a call that change how it is asked, all found in one look.

Owns: which names those are, in OpenAI's shape and in Anthropic's, and the look. A text cannot look like one, since its
quotation marks are escaped: so most messages need not be parsed, or searched for what a name may begin. Not here: what
follows from each (``gateway/surfaces``, ``omission``, ``tool_names``, ``claude``, ``conversation``).
"""

from __future__ import annotations

import re

from detente.providers.wire import Call

IMAGE, AUDIO = b'image_url"', b'input_audio"'
CALLS = b'tool_calls"'
SIGNED = frozenset({b'reasoning_signature"', b'reasoning_redacted"'})
"""Thoughts that only Claude reads."""
DATA = b"data:"
"""What is sent along as base64 begins so."""
BLOCK, SENT, SYSTEM = b'image"', b'base64"', b'system"'
"""Of Anthropic's: an image, what is sent along, and a turn of the system's."""
USE, RESULT, CACHED = b'tool_use"', b'tool_use_id"', b'cache_control"'
THOUGHT = b'thinking"'
"""Of Anthropic's: what a model thought."""
CITED = b'encrypted_index"'
"""Of a page of the web that a text cites."""
_NAMES = (IMAGE, AUDIO, CALLS, *sorted(SIGNED), DATA, BLOCK, SENT, SYSTEM, USE, RESULT, CACHED, THOUGHT, CITED)
_MARKS = re.compile(b'"(%b)' % b"|".join(_NAMES))
"""In a text without quotation marks a pattern is found several times faster than bytes are."""
_NONE: frozenset[bytes] = frozenset()
PIECE = 1024 * 1024
"""Bytes that are looked through at a time: a look keeps the interpreter, one through 30 MB takes everybody 15 ms."""
_LONGEST = 1 + max(map(len, _NAMES))
"""Bytes that a mark takes at most: one may begin in a piece and end in the next."""


def marks_in(messages: bytes) -> frozenset[bytes]:
    """The marks of some messages as JSON text."""
    if len(messages) > PIECE:
        pieces = [_MARKS.findall(messages, at, at + PIECE + _LONGEST) for at in range(0, len(messages), PIECE)]
        return frozenset().union(*pieces)
    found = _MARKS.findall(messages)
    return frozenset(found) if found else _NONE


def marks_of(call: Call) -> frozenset[bytes]:
    """The marks of a call's messages, looked for where nobody has."""
    return marks_in(bytes(call.members.get("messages", b""))) if call.marks is None else call.marks
