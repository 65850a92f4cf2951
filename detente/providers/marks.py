"""Marks: names in the messages of a chat completion that change how it is asked, all found in one look.

Owns: which names those are, and the look. A text cannot look like one, since its quotation marks are escaped: so most
messages need not be parsed. Not here: what follows from each (``gateway/surfaces/chat``, ``omission``,
``tool_names``).
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
_MARKS = re.compile(b'"(%b)' % b"|".join((IMAGE, AUDIO, CALLS, *sorted(SIGNED), DATA)))
"""In a text without quotation marks a pattern is found several times faster than bytes are."""
_NONE: frozenset[bytes] = frozenset()


def marks_in(messages: bytes) -> frozenset[bytes]:
    """The marks of some messages as JSON text."""
    found = _MARKS.findall(messages)
    return frozenset(found) if found else _NONE


def marks_of(call: Call) -> frozenset[bytes]:
    """The marks of a call's messages, looked for where nobody has."""
    return marks_in(bytes(call.members.get("messages", b""))) if call.marks is None else call.marks
