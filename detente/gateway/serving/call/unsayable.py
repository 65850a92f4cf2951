"""What of a call could not be said to a deployment that is not asked, since it rests.

Owns: looking at it as if it were asked, files by address included. Not here: asking (``provider_call``), and what a
caller is told of it (``refusal``).
"""

from __future__ import annotations

from detente.gateway.deciding.admit import Candidate
from detente.gateway.serving.aside import LARGE, aside
from detente.gateway.serving.call.fetching import Fetching
from detente.gateway.serving.call.job import Job
from detente.gateway.surfaces.surface import Asked
from detente.providers.wire import Refusal, Wire


async def unsayable(job: Job, candidate: Candidate, fetching: Fetching) -> Refusal | None:
    """Why a call could not be said there, in its caller's words; None where it could."""
    wire = candidate.deployed.wire
    try:
        spoken = await fetching.spoken(job, wire) if job.held.settings.fetches else None
        return _found(job, wire, spoken) if job.size <= LARGE else await aside(_found, job, wire, spoken)
    except Refusal as refusal:
        return refusal


def _found(job: Job, wire: Wire, spoken: Asked | None) -> Refusal | None:
    """What cannot be said. Raises ``Refusal``."""
    asked = job.surface.spoken(job.asked, wire) if spoken is None else spoken
    found = wire.cannot(asked.call)
    return job.surface.refused(found, job.asked, asked) if found is not None else None
