"""How tokens are sampled.

Owns: ``temperature`` and ``top_p``, which families take together, one of them or neither, and what reasoning leaves of
them. Not here: how many tokens (``reasoning``), and where they stop (``converse``).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from detente.providers.bedrock.family import Family
from detente.providers.bedrock.member import Member
from detente.providers.bedrock.reasoning import Reasoning
from detente.providers.omission import Omissions, remedy
from detente.providers.wire import Refusal

MIN_TOP_P = 0.95
"""Of the probability, while Claude thinks."""

_TEMPERATURE: Member[float] = Member("temperature", float)
_TOP_P: Member[float] = Member("top_p", float)


def sampling_of(
    members: Mapping[str, msgspec.Raw], family: Family, reasoning: Reasoning, omissions: Omissions
) -> dict[str, float]:
    """What a request says of sampling. Raises Refusal where the family takes no such value and it may not be left out.

    A value that a model has anyway (both are 1 unless stated) is left out where stating it would be an error.
    """
    told = dict(members)
    while True:
        try:
            return _sampling(told, family, reasoning)
        except Refusal as refusal:
            name = refusal.param
            if name not in told or not omissions.may("sampling", name):
                raise
            del told[name]


def _sampling(members: Mapping[str, msgspec.Raw], family: Family, reasoning: Reasoning) -> dict[str, float]:
    temperature, top_p = _unit(_TEMPERATURE, members, family), _unit(_TOP_P, members, family)
    if reasoning.on and family.thinking in ("budget", "adaptive"):
        _only(1, "temperature", temperature, f"{family.title} reasons at 1")
        temperature, top_p = None, None if top_p == 1 else top_p
        if top_p is not None and (top_p < MIN_TOP_P or family.sampling == "none"):
            raise Refusal.of("top_p", f"is {top_p:g}, and {family.title} reasons with 0.95 or more")
    elif reasoning.on and reasoning.most is None:
        for name, value in (("temperature", temperature), ("top_p", top_p)):
            _only(None, name, value, f"{family.title} takes none at its highest effort")
    elif family.sampling == "none":
        for name, value in (("temperature", temperature), ("top_p", top_p)):
            _only(1, name, value, f"{family.title} takes none")
        temperature = top_p = None
    elif family.sampling == "one" and temperature is not None and top_p is not None:
        _only(1, "top_p", top_p, f"{family.title} takes it only without `temperature`")
        top_p = None
    stated = {"temperature": temperature, "topP": top_p}
    return {name: value for name, value in stated.items() if value is not None}


def _only(idle: float | None, name: str, value: float | None, why: str) -> None:
    if value is not None and value != idle:
        raise Refusal.of(name, f"is {value:g}, and {why}; leave it out, or {remedy('sampling')}")


def _unit(member: Member[float], members: Mapping[str, msgspec.Raw], family: Family) -> float | None:
    value = member.of(members)
    if value is not None and not 0 <= value <= 1:
        what = f"is {value:g}, and {family.interface.house} takes 0 to 1"
        raise Refusal.of(member.name, f"{what}; write one of these, or {remedy('sampling')}")
    return value
