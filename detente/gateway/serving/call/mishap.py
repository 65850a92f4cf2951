"""A mishap: an attempt that came to nothing without a provider saying so, as a failure.

Owns: what its caller and the journal are told of connections, deadlines, and of defects in our own code. Not here: what
providers say (their wires), and what follows from a failure (``relay``, ``health``).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Literal

from detente.gateway.deciding.policy import Deployed
from detente.gateway.upstream import UpstreamError
from detente.providers.wire import Failure, failure

MAX_DETAIL = 300
"""Letters of a defect's text that a record holds."""
LATE = failure("timeout", 504, "the total deadline passed before any deployment was asked")

_USED_NOTHING = frozenset(
    {"unreachable", "throttled", "credential", "exhausted", "gateway", "refused", "too-long", "foreign"}
)
"""How attempts end that used nothing; after any other failure what was used is not known."""


def unknown_use(failed: Failure) -> Literal["unknown"] | None:
    """What a record says of the use of an attempt that failed."""
    return None if failed.kind in _USED_NOTHING else "unknown"


def unanswered(error: UpstreamError, deployed: Deployed) -> Failure:
    """A provider that gave no reply. Its address is for the journal: a caller is told of the deployment."""
    message = f"{deployed.id} {error.what}"
    if error.kind == "busy":
        failed = failure("gateway", 503, message, code="busy")
    else:
        failed = failure(error.kind, 504 if error.kind == "timeout" else 502, message)
    return replace(failed, detail=str(error), passing=error.kind == "broken")


def unasked(defect: Exception, deployed: Deployed) -> Failure:
    """A request that we failed to make or to authorize: nothing was sent, and nothing is learned of the deployment."""
    failed = failure("gateway", 500, f"internal error while sending the request to {deployed.id}")
    return replace(failed, detail=type(defect).__name__)


def unread(defect: Exception, deployed: Deployed) -> Failure:
    """A reply on which our reading of it broke down: as broken as one that is cut, and another may do better."""
    failed = failure("broken", 502, f"the reply of {deployed.id} could not be read")
    return replace(failed, detail=f"{type(defect).__name__}: {defect}"[:MAX_DETAIL])


def tell(job: str, defect: Exception) -> None:
    """A defect in a call is the operator's to know of."""
    said = {"message": f"internal error in the call {job}", "exception": defect}
    asyncio.get_running_loop().call_exception_handler(said)
