"""What goes wrong at a provider, and what must come of it: the table, and the case that is made of it.

Owns: the expectations, as data, and a case in which every line of the table has deployments of its own, so that all of
them can be played side by side. Not here: playing them (``test_failures``).
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from tests.builders import Data
from tests.end_to_end.wires import BOTH, KINDS, PROVIDERS, tokens

When = Literal["whole", "before", "after"]
"""The call asks for a whole reply; for a stream, which fails before its first content; or after it."""
Wire = Literal["azure", "ptu", "bedrock", "gpus", "responses", "messages"]
"""``ptu``: provisioned throughput of Azure's. ``responses``, ``messages``: those paths, of Azure and of Bedrock."""

AFTER = 10
"""Pieces of content before a stream fails."""
SPEED = "20 tok per second"
"""Of streams that fail then: so slow that the first pieces have reached the caller, on a busy machine too."""
DEADLINES = {"connect": "5 s", "first-byte": "10 s", "idle": "10 s", "total": "20 s"}
"""Long enough that only who hangs misses one, on a busy machine too; those who hang do it side by side."""
TOO_LONG, SHORT = "10 minutes", "200 ms"
CHATS: tuple[Wire, ...] = ("azure", "ptu", "bedrock", "gpus")
ALL: tuple[Wire, ...] = (*CHATS, "responses", "messages")


class Row(NamedTuple):
    """One line of the table.

    ``failure`` is what the attempt is called in the journal, and ``status`` what the caller is told where nobody else
    may serve the call; where another deployment may, it does, and the caller notices nothing. After the first content
    nobody else can: the caller is told inside the stream. No failure: the reply is late, and whole.
    """

    fault: str
    when: When
    wires: tuple[Wire, ...]
    failure: str
    status: int
    more: Data = {}  # noqa: RUF012 (nobody writes to it)


WAIT = {"retry-after": "100 ms"}
TWICE = {"calls": 2}
"""A connection that was kept and then dropped is asked once more, on a fresh one."""
HANGS, LATE, THEN = {"silence": TOO_LONG}, {"silence": SHORT}, {"after": AFTER}

# fmt: off
TABLE = (
    #   fault                 when      wires   failure        status  how
    Row("throttled",          "whole",  ALL,    "throttled",   429,    WAIT),
    Row("throttled",          "before", ALL,    "throttled",   429,    WAIT),
    Row("unavailable",        "whole",  ALL,    "unavailable", 503),
    Row("unavailable",        "before", ALL,    "unavailable", 503),
    Row("expired-credential", "whole",  ALL,    "credential",  502),
    Row("expired-credential", "before", ALL,    "credential",  502),
    Row("down",               "whole",  ALL,    "broken",      502,    TWICE),
    Row("down",               "before", ALL,    "broken",      502,    TWICE),
    Row("slow-first-byte",    "whole",  CHATS,  "timeout",     504,    HANGS),
    Row("slow-first-byte",    "before", ALL,    "timeout",     504,    HANGS),
    Row("slow-first-byte",    "before", CHATS,  "",            200,    LATE),
    Row("stall",              "whole",  CHATS,  "timeout",     504,    HANGS),
    Row("stall",              "before", ALL,    "timeout",     504,    HANGS),
    Row("stall",              "after",  ALL,    "timeout",     200,    HANGS | THEN),
    Row("stall",              "after",  CHATS,  "",            200,    LATE | THEN),
    Row("cut",                "whole",  ALL,    "broken",      502),
    Row("cut",                "before", ALL,    "broken",      502),
    Row("cut",                "after",  ALL,    "broken",      200,    THEN),
    Row("malformed",          "whole",  ALL,    "broken",      502),
    Row("malformed",          "before", ALL,    "broken",      502),
    Row("malformed",          "after",  ALL,    "broken",      200,    THEN),
    Row("exception",          "before", ALL,    "unavailable", 503),
    Row("exception",          "after",  ALL,    "unavailable", 200,    THEN),
)
# fmt: on


class Scene(NamedTuple):
    """A line of the table at one wire, with or without another deployment that may serve the call."""

    id: str
    row: Row
    wire: Wire
    spare: bool

    @property
    def said(self) -> str:
        """For people: ``cut after, bedrock, with a spare``."""
        late = "late, but " if not self.row.failure else ""
        return f"{late}{self.row.fault} {self.row.when}, {self.wire}, {'with a spare' if self.spare else 'alone'}"

    @property
    def fails(self) -> bool:
        """Whether its reply fails at all."""
        return bool(self.row.failure)

    @property
    def hangs(self) -> bool:
        """Whether its reply does not come."""
        return self.row.more.get("silence") == TOO_LONG

    @property
    def saved(self) -> bool:
        """Whether another deployment serves it instead."""
        waits = self.hangs and self.row.when == "whole"  # nobody can tell it from one that is being made
        return self.fails and self.spare and self.row.when != "after" and not waits

    @property
    def stream(self) -> bool:
        return self.row.when != "whole"


SCENES = [
    Scene(f"s{n}", *found)
    for n, found in enumerate((row, wire, spare) for row in TABLE for wire in row.wires for spare in (False, True))
]

PATHS: dict[Wire, str] = {"responses": "/v1/responses", "messages": "/v1/messages"}
MADE_BY = {"azure": "azure", "ptu": "azure", "responses": "azure", "bedrock": "aws", "messages": "aws"}
NAMES = {"azure": "gpt", "aws": "anthropic.claude-haiku-4-5-20251001-v1:0", "nordgpu": "openai/gpt-oss-120b"}
TYPES = {"azure": "azure", "aws": "bedrock", "nordgpu": "openai-compatible"}


def _offer(scene: Scene, provider: str) -> Data:
    region = KINDS[provider][0]
    if scene.wire != "ptu":
        return tokens(scene.id, provider, region, scene.id, "2")
    return {
        "id": scene.id,
        "kind": "provisioned",
        "provider": provider,
        "region": region,
        "model": scene.id,
        "throughput": "1 Mtok per minute",
        "output-ratio": 4,
        "price": "300 USD per unit-month",
        "capacity": "10 units",
    }


def _deployment(id_: str, provider: str) -> Data:
    keys: Data = {"id": id_, "kind": TYPES[provider], "offer": id_, "name": NAMES[provider], **KINDS[provider][1]}
    return keys | ({} if provider == "aws" else {"serves": BOTH})


def _of(scene: Scene) -> tuple[list[Data], list[Data], Data]:
    """(offers, deployments, fault) of a scene: the one that fails, a cheaper one that is forbidden, maybe a spare."""
    first = MADE_BY.get(scene.wire, "nordgpu")
    outside = f"{scene.id}-outside"
    rhythm: Data = {"play": {"speed": SPEED}} if scene.row.when == "after" else {}
    offers = [_offer(scene, first), tokens(outside, "azure", "eastus2", scene.id, "1")]
    deployments = [_deployment(scene.id, first) | rhythm, _deployment(outside, "azure")]
    if scene.spare:
        other = "azure" if first == "nordgpu" else "nordgpu"
        offers.append(tokens(f"{scene.id}-spare", other, KINDS[other][0], scene.id, "3"))
        deployments.append(_deployment(f"{scene.id}-spare", other))
    fault = {"id": scene.id, "on": scene.id, "kind": scene.row.fault, "calls": 1, **scene.row.more}
    return offers, deployments, fault


def case() -> Data:
    """The case of all scenes: each is a model, and each fault meets one call."""
    made: list[tuple[list[Data], list[Data], Data]] = [_of(scene) for scene in SCENES]
    azure, *others = PROVIDERS
    everywhere: Any = {**azure, "regions": {**azure["regions"], "eastus2": {"country": "US"}}}
    union = {
        "id": "in-the-union",
        "kind": "residency",
        "text": "All data stay in the Union.",
        "of": {"data": "personal"},
        "within": ["EU"],
    }
    return {
        "name": "failures",
        "horizon": {"start": "2026-01", "end": "2027-01", "every": "month"},
        "providers": [everywhere, *others],
        "offers": [offer for offers, _, _ in made for offer in offers],
        "workloads": [
            {
                "id": "everything",
                "kind": "inference",
                "labels": {"data": "personal"},
                "demand": "1 Gtok per day",
                "mix": {"output": "20%"},
                "runs-on": {"models": [scene.id for scene in SCENES]},
            }
        ],
        "agreements": [{"id": "policies", "with": "self", "effective": "2026-01-01", "terms": [union]}],
        "deployments": [deployment for _, deployments, _ in made for deployment in deployments],
        "serving": {"deadlines": DEADLINES, "retry": False, "wait": "0 s"},  # each fault meets one call
        "faults": [fault for _, _, fault in made],
    }
