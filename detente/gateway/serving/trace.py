"""The trace that a caller's request belongs to (W3C Trace Context).

Owns: reading it, as far as it is well formed. Not here: passing it on (``provider_call``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from detente.providers.outgoing import HeaderPairs

PARENT = b"traceparent"
_PARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_STATE = re.compile(rb"[!-~][ -~]{0,511}")


def trace_of(headers: Mapping[bytes, bytes]) -> HeaderPairs:
    """``traceparent``, and its ``tracestate``; nothing where they are not well formed."""
    parent, state = headers[PARENT], headers.get(b"tracestate", b"")
    if not _PARENT.fullmatch(parent):
        return ()
    found = (("traceparent", parent.decode()),)
    return (*found, ("tracestate", state.decode())) if _STATE.fullmatch(state) else found
