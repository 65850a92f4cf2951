"""Why nobody served a call, for its caller: an error of OpenAI's, with ``detente`` inside.

Owns: the status, the sentence, and what is told of clauses and of every deployment. Not here: an error's shape on other
surfaces (``surface``), and how it came to it (``relay``).
"""

from __future__ import annotations

from typing import Any

from detente.gateway.deciding.admit import Candidate
from detente.gateway.deciding.standings import Shortage
from detente.gateway.serving.call.job import Job
from detente.providers.wire import Failure, failure

NEVER = float("inf")
"""Seconds until a call may be asked again that never may."""


def explained(job: Job, last: Failure | None) -> tuple[int, dict[str, Any], float | None]:
    """(status, error, when to ask again) of a call that nobody served.

    ``error.detente`` holds the clause that decided and its text, where clauses kept the call from somebody else, and
    what became of every deployment.
    """
    denied, short = job.admission.denied, None
    wait = job.order.retry_after
    if last is not None:
        status, error = last.status, dict(last.error)
        if last.fails_over:
            wait = last.retry_after
            error["message"] = f"{error['message']}{_elsewhere(denied)}"
    elif job.cannot and not job.order.resting:
        candidate, refusal = job.cannot[0]
        message = f"{candidate.deployed.id}: {refusal.message}{_elsewhere(denied)}"
        status, error = 400, {**refusal.failure.error, "message": message}
    elif job.order.resting:
        names = ", ".join(c.deployed.id for c in job.order.resting)
        message = f"{names}: not available now, after failures or rate limits{_elsewhere(denied)}"
        if job.order.limited:
            status, error = 429, dict(failure("throttled", 429, message).error)
        else:
            status, error = 503, dict(failure("unavailable", 503, message).error)
    elif (short := _to_wait_for(job)) is not None:
        status, error, wait = 429, _used_up(short), _seconds(job, short)
    elif unable := _unable(denied):
        status, error = 400, _beyond(job, unable)
    else:
        status, error = 403, _forbidden(denied)
    error["detente"] = detail(job)
    if short is not None:
        error["detente"] |= {"clause": short.cap.id, "text": _sentence_of(short)}
    if status == 403 and (deciding := _deciding(denied)) is not None:
        error["detente"]["clause"] = deciding.clause  # the same as in the sentence, also where a fact decides
    return status, error, wait


def _forbidden(denied: tuple[Candidate, ...]) -> dict[str, Any]:
    """The error of a call that is kept from every deployment."""
    deciding = _deciding(denied)
    assert deciding is not None, "a call without candidates is answered before"
    message = f"{_sentence(deciding)} [{deciding.clause}]"
    return {"message": message, "type": "permission_error", "param": None, "code": "clause"}


def _to_wait_for(job: Job) -> Shortage | None:
    """The budget that has room first, where a budget is all that keeps the call from somebody."""
    found = [c.short for c in job.admission.denied if c.short is not None and c.short.known and c.short.cap.budget]
    return min(found, key=lambda short: _seconds(job, short), default=None)


def _seconds(job: Job, short: Shortage) -> float:
    wait = short.seconds(job.at)
    return NEVER if wait is None else wait


def _used_up(short: Shortage) -> dict[str, Any]:
    """The error of a call for which a budget has no room: by its type, clients tell a rate from an account."""
    kind = "rate_limit_error" if short.cap.brief else "insufficient_quota"
    message = f"{_sentence_of(short)} [{short.cap.id}]"
    return {"message": message, "type": kind, "param": None, "code": "budget_exceeded"}


def _unable(denied: tuple[Candidate, ...]) -> Candidate | None:
    """Who could do better if the request asked for less; None where a clause keeps it from somebody."""
    if not all(c.fact for c in denied):
        return None
    return next((c for c in denied if c.unable), None)


def _beyond(job: Job, unable: Candidate) -> dict[str, Any]:
    """The error of a call that asks for what no deployment can do: the request is wrong, and not forbidden."""
    member = job.surface.member(unable.unable[0])
    param = member if member in job.asked.call.members else None
    message = _sentence(unable)
    return {"message": message, "type": "invalid_request_error", "param": param, "code": "unsupported"}


def _deciding(denied: tuple[Candidate, ...]) -> Candidate | None:
    """What to tell of first: a clause with a text, another clause, else any fact that keeps the call from somebody."""
    return min(denied, key=lambda c: 0 if c.text else 1 if not c.fact else 2, default=None)


def _elsewhere(denied: tuple[Candidate, ...]) -> str:
    """Why nobody else may serve it, in a sentence."""
    deciding = _deciding(denied)
    if deciding is None or not deciding.text:
        return ""
    return f"; {deciding.deployed.id} may not serve it: {_sentence(deciding)} [{deciding.clause}]"


def detail(job: Job) -> dict[str, Any]:
    """``error.detente``: the deciding clause and its text, and what became of every deployment."""
    denied = job.admission.denied
    deciding = _deciding(denied)
    found: dict[str, Any] = {
        "request": job.id,
        "clause": deciding.clause if deciding and not deciding.fact else None,
        "text": (deciding.text or _sentence(deciding)) if deciding else None,
        "denied": [{"deployment": c.deployed.id, "clause": c.clause, "why": _sentence(c)} for c in denied],
        "tried": [{"deployment": a.deployment, "outcome": a.outcome} for a in job.attempts],
    }
    if job.cannot:
        found["cannot"] = [{"deployment": c.deployed.id, "why": r.message} for c, r in job.cannot]
    if job.order.resting:
        found["resting"] = [c.deployed.id for c in job.order.resting]
    return found


def _sentence(candidate: Candidate) -> str:
    return candidate.verdict.reason.sentence if candidate.verdict.reason else ""


def _sentence_of(short: Shortage) -> str:
    return short.verdict.reason.sentence if short.verdict.reason else ""
