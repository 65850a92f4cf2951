"""Ids of responses that say where a response is stored, so that any worker finds it, also after a restart.

Owns: sealing a provider's id together with a deployment, and opening what was sealed. Nothing is kept anywhere: the id
is all there is. Not here: whether the deployment may serve the caller. Admission judges a pinned deployment like any
other, so an id widens nobody's permission, and needs no secret: its checksum, which the workload enters, finds ids that
were cut, mistyped, made elsewhere or given to another workload. It keeps out nobody who sets out to compute one: as at
the provider itself, ids are to be kept like what they lead to.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import blake2b

from detente.providers.wire import Refusal
from detente.values.noun import ID

PREFIX = "resp_dt1"
"""With a number: another form of ids gets the next one."""
MAX_ID = 1000
"""The longest id, in characters."""
_CHECK_BYTES = 6
_SEPARATOR = b"\n"
_DEPLOYMENT = re.compile(ID)


class UnknownIdError(ValueError):
    """An id that this gateway did not give out, or that was changed."""


def seal(response: str, deployment: str, workload: str = "") -> str:
    """The id that a caller sees of a response that a deployment stores for a workload.

    Raises ``UnknownIdError`` where the two make an id that could not be opened again.
    """
    payload = deployment.encode() + _SEPARATOR + response.encode("utf-8", "surrogatepass")
    sealed = PREFIX + urlsafe_b64encode(_check(payload, workload) + payload).decode().rstrip("=")
    if not response or not _DEPLOYMENT.fullmatch(deployment) or len(sealed) > MAX_ID:
        raise UnknownIdError("the provider's id of the response is empty or too long")
    return sealed


def unnamed(stated: bytes) -> str:
    """The id that a caller sees of a response whose provider gives it none that can be sealed: nothing builds on it."""
    return f"resp_{blake2b(stated, digest_size=12).hexdigest()}"


def open(sealed: str, workload: str = "") -> tuple[str, str]:
    """(deployment, the provider's id) of an id that was given to a workload. Raises ``UnknownIdError``."""
    wrong = UnknownIdError("this gateway gave out no such id")
    if not sealed.startswith(PREFIX) or len(sealed) > MAX_ID or not sealed.isascii():
        raise wrong
    text = sealed.removeprefix(PREFIX)
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        check, payload = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
        deployment, _, response = payload.partition(_SEPARATOR)
        opened = deployment.decode(), response.decode("utf-8", "surrogatepass")
    except (Error, UnicodeDecodeError):
        raise wrong from None
    # The decoder forgives stray characters and bits; one response has one id.
    if check != _check(payload, workload) or seal(opened[1], opened[0], workload) != sealed:
        raise wrong
    return opened


def _check(payload: bytes, workload: str) -> bytes:
    return blake2b(payload, digest_size=_CHECK_BYTES, key=workload.encode()[:64], person=b"detente response").digest()


def gone(deployment: str | None, model: str | None) -> Refusal:
    """What a caller is told whose response is stored where the asked model is not served; ``model``: what is there."""
    what = f"`previous_response_id` is of a response that {deployment} stores, and no other deployment can read it"
    if model is None:
        said = f"{what}; {deployment} is here no longer: send the whole conversation as `input`"
    else:
        said = f"{what}; ask for {model}, which is served there, or send the whole conversation as `input`"
    return Refusal(said, "previous_response_id")
