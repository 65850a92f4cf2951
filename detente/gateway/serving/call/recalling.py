"""The turns that a call builds on, or asks for: recalled before it is decided.

Owns: what a call then holds, and what its caller is told where they cannot be had. Not here: where turns are kept
(``kept_turns``), and what they are (``surfaces/responses_kept``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

import msgspec

from detente.gateway.deciding import decision
from detente.gateway.deciding.decision import Rejection
from detente.gateway.deciding.openai_error import error
from detente.gateway.serving.call.job import Job
from detente.gateway.serving.call.kept_turns import FAILURES, KeptTurns
from detente.gateway.serving.call.mishap import tell
from detente.gateway.surfaces.responses_kept import id_of
from detente.gateway.surfaces.surface import KeptTurn

T = TypeVar("T")
UNREAD = "the responses that the gateway keeps cannot be read now; try again later, or send the whole conversation"


async def recalled(kept: KeptTurns, job: Job, lenient: frozenset[str]) -> Sequence[KeptTurn]:
    """The kept turns that a call builds on, which it then holds; and whether its own is kept. Raises Rejection."""
    bounds = job.moment.policy.serving.kept_responses
    turns: Sequence[KeptTurn] = ()
    if name := job.asked.recalls:
        turns = await _had(job, kept.recall(job.held.id, name, bounds, job.began), UNREAD)
        job.asked = decision.recalled(job.surface, job.asked, turns, lenient)
    if kept.keeps(bounds) and job.surface.keeps(job.asked):
        job.asked = msgspec.structs.replace(job.asked, kept_as=id_of(job.id))
    return turns


async def forgotten(kept: KeptTurns, job: Job) -> None:
    """Let go of the turn that a call names. Raises Rejection."""
    await _had(job, kept.forget(job.held.id, job.asked.recalls), "the response could not be deleted; try again later")


async def _had(job: Job, asked: Awaitable[T], otherwise: str) -> T:
    """What is asked of those who keep turns. Raises Rejection where they cannot say, or not in time."""
    try:
        return await asked
    except FAILURES as failed:
        tell(job.id, failed)
        raise Rejection(503, error(503, otherwise)) from None
