"""The labels that a request states beside its body.

Owns: reading them, and refusing what a caller may not state. Not here: the body (``surfaces``), whose call it is
(``door``), and what may be stated (``live/request``).
"""

from __future__ import annotations

from collections.abc import Mapping

from detente.gateway.deciding.decision import Rejection
from detente.gateway.deciding.openai_error import error
from detente.live.request import LabelError, labels_of, narrowed

LABELS = b"x-detente-labels"


def stated_labels(held: Mapping[str, str], stated: bytes, known: Mapping[str, frozenset[str]]) -> Mapping[str, str]:
    """The labels of a key, with those that a request adds in its header. Raises Rejection."""
    try:
        return narrowed(held, labels_of(stated.decode("utf-8", "replace")), known)
    except LabelError as wrong:
        raise Rejection(400, error(400, str(wrong), param=LABELS.decode(), code="labels")) from None
