"""Who goes on with a stream that broke off.

Owns: what a deployment would be asked then, or that it cannot go on. Not here: the call by which it is asked to
(``continuation``), and who is asked in which order (``relay``).
"""

from __future__ import annotations

import msgspec

from detente.gateway.deciding.choose import RankedCandidate
from detente.gateway.serving.call.continuation import continued
from detente.gateway.serving.call.job import Job
from detente.gateway.surfaces.surface import Asked


def going_on(job: Job, choice: RankedCandidate) -> Asked | None:
    """What a deployment is asked that goes on with a stream that broke off; None where it cannot, or none did."""
    stream, deployed = job.broken, choice.candidate.deployed
    if stream is None or stream.said is None:
        return None
    if job.asked.call.operation != stream.asked.call.operation and deployed.wire.speaks(job.asked.call.operation):
        return None  # it would go on in another shape than the one that was begun
    tokens = stream.said.tokens_of(stream.pieces)
    call = continued(stream.asked.call, stream.said.text, tokens, deployed.deployment.continues)
    return None if call is None else msgspec.structs.replace(stream.asked, call=call)
