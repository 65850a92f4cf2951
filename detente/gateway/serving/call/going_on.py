"""Who goes on with a stream that broke off.

Owns: whether anybody may, what a deployment would be asked then, or that it cannot go on. Not here: the call by which
it is asked to (``continuation``, ``said_message``, ``said_response``), and who is asked in which order (``relay``).
"""

from __future__ import annotations

from itertools import dropwhile, islice

import msgspec

from detente.gateway.deciding.choose import RankedCandidate
from detente.gateway.serving.call.continuation import Said, continuable, continued
from detente.gateway.serving.call.job import Job
from detente.gateway.serving.call.said_message import MessageSaid, continuable_message, continued_message
from detente.gateway.serving.call.said_response import ResponseSaid, continuable_response, continued_response
from detente.gateway.surfaces.surface import Asked
from detente.providers.wire import Call, Wire

_HOW = {"messages": continued_message, "responses": continued_response}
"""How a call is made to go on with an answer, by its shape; others as chat."""


def said_of(job: Job, call: Call) -> Said | None:
    """A reader of what a stream says, where another may have to go on with it; None where nobody is to, or can."""
    settings = job.held.settings
    if not settings.goes_on or settings.buffers:
        return None
    if continuable_message(call):
        return MessageSaid()
    if continuable_response(call):
        return ResponseSaid()
    return Said() if continuable(call) else None


def others_go_on(job: Job, choice: RankedCandidate, call: Call, said: Said) -> bool:
    """Whether a deployment that is asked after this one may go on with a stream, by what its beginning says.

    Those before it in the order have failed. What is cut before any text is asked anew, of whoever takes the call.
    """
    if not said.plain:
        return False
    later = islice(dropwhile(lambda other: other is not choice, job.order.choices), 1, None)
    able = (other.candidate.deployed for other in later)
    wires = [deployed.wire for deployed in able if not job.is_beyond(deployed)]
    return any(_takes(job, call, wire) and (not said.text or bool(wire.goes_on(call.operation))) for wire in wires)


def going_on(job: Job, choice: RankedCandidate) -> Asked | None:
    """What a deployment is asked that goes on with a stream that broke off; None where it cannot, or none did."""
    stream, wire = job.broken, choice.candidate.deployed.wire
    if stream is None or stream.said is None:
        return None
    asked = stream.asked.call
    if not _takes(job, asked, wire):
        return None
    how = _HOW.get(asked.operation, continued)
    tokens = stream.said.tokens_of(stream.pieces)
    call = how(asked, stream.said.text, tokens, wire.goes_on(asked.operation))
    return None if call is None else msgspec.structs.replace(stream.asked, call=call)


def _takes(job: Job, call: Call, wire: Wire) -> bool:
    """Whether a deployment is asked in the shape in which a stream was begun: one stream is of one shape."""
    own = job.asked.call.operation
    return wire.speaks(call.operation) and (own == call.operation or not wire.speaks(own))
