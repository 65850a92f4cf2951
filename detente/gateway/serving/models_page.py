"""``GET /v1/models``: the models that a key's workload may ask for, and its own id, which stands for any of them.

Owns: the page. Not here: names of models (``surfaces/models``), and whose key it is (``app``).
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import unquote

import msgspec

from detente.gateway.deciding.openai_error import error
from detente.gateway.deciding.policy import Policy
from detente.gateway.http.exchange import RequestHead
from detente.gateway.serving.paths import plain
from detente.gateway.surfaces import SURFACES, models
from detente.live.key import Key
from detente.values.likeness import did_you_mean

_OPENAI, _ANTHROPIC = SURFACES[b"/v1/chat/completions"], SURFACES[b"/v1/messages"]


def models_page(head: RequestHead, policy: Policy, key: Key, at: datetime) -> tuple[int, bytes]:
    """(status, body) of the list, or of one model, in the shape of whoever asks."""
    workload = key.workload
    there = policy.models(policy.workloads[workload], key.models)
    anthropic = b"anthropic-version" in head.headers
    listed = models.in_anthropics_shape(there, at) if anthropic else models.in_openais_shape(there, at)
    asked = unquote(plain(head.path).removeprefix(b"/v1/models").strip(b"/"), errors="replace")
    name = asked if asked in listed else models.meant(asked, listed)
    if not asked:
        return 200, msgspec.json.encode(models.listed(listed, anthropic))
    if name is not None:
        return 200, msgspec.json.encode(listed[name])
    message = f"there is no model `{asked}` for {workload}; {did_you_mean(asked, listed)}"
    told = error(404, message, param="model", code="model_not_found")
    return 404, (_ANTHROPIC if anthropic else _OPENAI).error(404, told)
