"""What decoding of JSON raises where it cannot be read, whosever it is.

Owns: that alone. Not here: what is told of it (``raw_member``, ``bedrock.member``, ``gateway.surfaces.unreadable``).
"""

from __future__ import annotations

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""It is no JSON, or not of that kind; it is no UTF-8, or a text with half a character (which is encoded first); it is
nested too deeply."""
