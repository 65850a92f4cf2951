"""What the gateway is held against, and how a figure is judged.

Owns: the aims, by name. Not here: measuring (``measure``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Aim:
    """A bound that a figure shall keep, and the one that comes next."""

    what: str
    bound: float
    unit: str = ""
    at_least: bool = False
    following: float | None = None
    digits: int = 2

    def verdict(self, figure: float) -> str:
        """In a word or two."""
        if not self._kept(figure, self.bound):
            return "NOT REACHED"
        return "next reached" if self.following is not None and self._kept(figure, self.following) else "reached"

    def _kept(self, figure: float, bound: float) -> bool:
        return figure >= bound if self.at_least else figure <= bound

    @property
    def says(self) -> str:
        """The bound in words."""
        word = "at least" if self.at_least else "at most"
        following = f" (next {self.following:g})" if self.following is not None else ""
        return f"{word} {self.bound:g}{' ' + self.unit if self.unit else ''}{following}"

    def shown(self, figure: float) -> str:
        return f"{figure:.{self.digits}f}{' ' + self.unit if self.unit else ''}"


AIMS: dict[str, Aim] = {
    "to-floor": Aim("CPU a request, 1 KB in and out, to the floor's", 1.5, "x"),
    "to-nginx": Aim("requests/s of one core, to nginx's", 0.22, "x", at_least=True, following=0.40, digits=3),
    "to-vllm-router": Aim("requests/s of one core, to vllm-router's", 1, "x", at_least=True),
    "to-litellm": Aim("requests/s of one core, to LiteLLM's", 150, "x", at_least=True, digits=0),
    "p50": Aim("added at 100 req/s, p50 over nginx's p50", 0.5, "ms"),
    "p99": Aim("added at 100 req/s, p99 over nginx's p50", 2, "ms"),
    "lost": Aim("400 streams x 50 events/s: events lost or streams not ended", 0, digits=0),
    "delay": Aim("400 streams x 50 events/s: p99 delay of an event", 5, "ms"),
    "event": Aim("400 streams x 50 events/s: CPU an event, to nginx's", 1.3, "x"),
    "bedrock": Aim("CPU of a Bedrock translation, to a pass-through's", 2, "x"),
    "messages": Aim("CPU of /v1/messages passed through, to chat's", 1.2, "x"),
    "memory": Aim("memory when idle", 80, "MB", digits=0),
    "start": Aim("start, to the first 200 of /readyz", 1, "s"),
    "workers": Aim("two workers, requests/s a core to one worker's", 0.9, "x", at_least=True),
}
