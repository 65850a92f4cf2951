"""A key: what a caller of the gateway presents, and which workload it stands for.

Owns: making a key, the hash of it that a case holds, and telling whether a presented one is right. The key itself is
shown once and stored nowhere (§14). Not here: what the workload may do.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from detente.errors import FlawError
from detente.live.budget import BudgetAmounts
from detente.live.leniency import Leniency
from detente.live.serving import OnCut, ReplyModel
from detente.values.noun import Flag, Id, Label, Noun
from detente.values.period import Instant

PREFIX = "dtk"
SECRET_BYTES = 32
_NOBODY = "0" * 64
_OWN = r"^(openai|anthropic)-(organization|project|workspace)(-id)?$"
_SAID = r"^[!-~]([ -~]{0,198}[!-~])?$"
_HASH = r"^sha256:[0-9a-f]{64}$"


OwnHeader = Annotated[str, StringConstraints(pattern=_OWN)]
HeaderText = Annotated[str, StringConstraints(pattern=_SAID)]


def _hashed(given: Any) -> Any:
    """Refuses what is no hash without showing it: it may be the key itself."""
    if not isinstance(given, str) or not re.fullmatch(_HASH, given):
        raise FlawError("is not the hash of a key", "write what `detente keys new` prints")
    return given


class Key(Noun):
    """A key stands for a workload and its labels; it may state labels that the workload leaves open."""

    id: Id
    workload: Id
    hash: Annotated[str, StringConstraints(pattern=_HASH), BeforeValidator(_hashed)] = Field(
        description="of the whole key; `detente keys new` prints it"
    )
    labels: dict[str, Label] = Field(default_factory=dict, description="labels that the workload leaves open")
    expires: Instant | None = Field(default=None, description="when it no longer opens anything")
    models: tuple[Label, ...] | None = Field(
        default=None, min_length=1, description="the models that it may ask for; default: all that its workload runs on"
    )
    budget: BudgetAmounts | None = Field(default=None, description="what may be used with this key")
    within: Id | None = Field(default=None, description="the budget that its calls count towards, whatever that covers")
    headers: dict[OwnHeader, HeaderText] = Field(
        default_factory=dict,
        description="`openai-…` and `anthropic-…` headers for providers of that kind: whose organization pays, say",
    )
    on_cut: OnCut | None = Field(default=None, description="in place of the case's `on-cut`, for calls with this key")
    buffer: Flag | None = Field(default=None, description="in place of the case's `buffer`, for calls with this key")
    reply_model: ReplyModel | None = Field(
        default=None, description="in place of the case's `reply-model`, for calls with this key"
    )
    lenient: tuple[Leniency, ...] | None = Field(
        default=None, description="in place of the case's `lenient`, for calls with this key"
    )


def sent_along(key: Key, kind: str) -> tuple[tuple[str, str], ...]:
    """The headers of a key that a deployment of a kind is sent."""
    maker = {"openai-compatible": "openai-", "azure": "openai-", "anthropic": "anthropic-"}.get(kind)
    return tuple((n, v) for n, v in key.headers.items() if maker is not None and n.startswith(maker))


def make(key_id: str, random: bytes) -> str:
    """The key of an id: ``dtk_<id>_<43 characters>``, from 32 bytes of randomness.

    With 256 random bits a plain SHA-256 is enough to store: there is nothing to guess, and so nothing to slow down.
    """
    from base64 import urlsafe_b64encode

    return f"{PREFIX}_{key_id}_{urlsafe_b64encode(random).decode().rstrip('=').replace('_', '.')}"


def hash_of(presented: str) -> str:
    """What a case holds of a key."""
    return "sha256:" + hashlib.sha256(presented.encode("utf-8", "surrogatepass")).hexdigest()


def opens(keys: dict[str, Key], presented: str) -> Key | None:
    """The key that was presented, or None.

    The id is public and looked up; the hash is compared in constant time, against a dummy where there is no such id.
    """
    body, _, _ = presented.rpartition("_")
    _, _, key_id = body.partition("_")
    found = keys.get(key_id)
    held = found.hash if found else f"sha256:{_NOBODY}"
    return found if hmac.compare_digest(held, hash_of(presented)) else None
