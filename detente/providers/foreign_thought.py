"""A thought that whoever was asked does not take back: another signed it, or it was changed on its way.

Owns: Claude's words for that, at Anthropic and at Bedrock, and the failure. Not here: encrypted reasoning of OpenAI's
models (``error_object``), who is asked instead, and when a call is asked again without its thoughts
(``gateway/serving/call/relay``).
"""

from __future__ import annotations

import re

from detente.providers.wire import Failure

CODE = "invalid_thinking"
"""The code of such a call, as its caller is told it."""
_SAYS = re.compile(
    r"invalid [`'\"]?(?:signature|data)[`'\"]? in [`'\"]?(?:redacted_)?thinking[`'\"]? block"
    r"|thinking[`'\"]? blocks?\b[^.]{0,80} (?:cannot|can not|may not|must not) be (?:modified|changed)",
    re.IGNORECASE,
)
_REMEDY = "nobody who may serve the call takes it: leave earlier thoughts out (`lenient: [reasoning]`)"


def says_foreign(message: str) -> bool:
    """Whether a provider that refuses a request says that it does not accept a thought in it."""
    return _SAYS.search(message) is not None


def foreign_thought(message: str) -> Failure:
    """A call that sends back such a thought; ``message`` is how its provider says it, by which some clients mend it."""
    told = f"{message.rstrip('. ')}; {_REMEDY}"
    error = {"message": told, "type": "invalid_request_error", "param": None, "code": CODE}
    return Failure("foreign", 400, error)
