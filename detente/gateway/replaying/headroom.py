"""Headroom: what deployments can take of calls that come at a moment.

Owns: that question. This one answers that every deployment is well and takes all; a simulation knows better. Not here:
which deployments are asked, and in which order (``deciding``).
"""

from __future__ import annotations

from detente.gateway.deciding.policy import Deployed
from detente.gateway.replaying.traffic import ReplayedCall


class Headroom:
    """Every deployment is well, and has room for all."""

    parts = 50
    """In which the calls of one row are decided, where it is of many."""

    def left(self, deployed: Deployed, call: ReplayedCall) -> bool:
        """Whether a deployment can take one such call more."""
        return True

    def take(self, deployed: Deployed, call: ReplayedCall, most: int) -> int:
        """How many of so many such calls a deployment takes: at least one where there is room ``left``."""
        return most


ALL_WELL = Headroom()
