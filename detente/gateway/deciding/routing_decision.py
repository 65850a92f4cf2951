"""What was decided of a call: who may serve it, and in which order they are asked.

Owns: the value alone. Not here: deciding (``decision``), and how long it stands (``moment``).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from detente.gateway.deciding.admit import Admission
from detente.gateway.deciding.choose import Order, State
from detente.gateway.surfaces.surface import Surface
from detente.live.request import Request


class RoutingDecision(msgspec.Struct, frozen=True):
    """Who may serve a request, and in which order they are asked."""

    request: Request
    admission: Admission
    order: Order
    surface: Surface
    states: Mapping[str, State] | None = None
    """What was weighed of the deployments; None of an order that was at hand."""
