"""A scope: which use a clause speaks of.

Owns: matching facts of a demand (a workload's or a request's labels) and of an offer, with three answers:
yes, no, unknown. Not here: what a clause does with what it covers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import core_schema

from detente.errors import FlawError
from detente.values.facts import DEMAND_KEYS, OFFER_KEYS, Facts
from detente.values.noun import Noun
from detente.values.text import plain_name


class Scope:
    """``{api: stateless, kind: [inference, batch]}``: every key must match, with any of its values.

    ``idle``: the offers that run only work which has what it asks of a demand: what stands idle there is nobody else's.
    """

    __slots__ = ("idle", "wanted")

    def __init__(self, wanted: Mapping[str, Iterable[str]] | None = None, *, idle: Collection[str] = ()) -> None:
        self.wanted: dict[str, tuple[str, ...]] = {k: tuple(v) for k, v in (wanted or {}).items()}
        self.idle = frozenset(idle)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scope) and self.wanted == other.wanted and self.idle == other.idle

    def __hash__(self) -> int:
        return hash(tuple(self.wanted.items()))

    def __str__(self) -> str:
        return ", ".join(f"{key}: {' or '.join(values)}" for key, values in self.wanted.items()) or "everything"

    __repr__ = __str__

    def covers(self, demand: Facts | None, offer: Facts | None) -> bool | None:
        """Yes, no, or None where a demand's label is unknown and nothing else settles it.

        A demand of None is capacity that stands idle: a key about a demand covers it only where the scope has its
        offer among the ``idle``. An offer that has no such fact (a token endpoint has no accelerator) is not covered
        by a key that asks for it.
        """
        unknown = False
        for key, values in self.wanted.items():
            if key in OFFER_KEYS:
                if offer is None or offer.get(key) not in values:
                    return False
            elif demand is None:
                if offer is None or offer.get("offer") not in self.idle:
                    return False
            elif key not in demand:
                unknown = True
            elif demand[key] not in values:
                return False
        return None if unknown else True

    def of_offer(self, facts: Facts) -> Scope | None:
        """What is left to ask of use of an offer with such facts; None where they are not what it asks for."""
        known = self.wanted.keys() & facts.keys()
        if any(facts[key] not in self.wanted[key] for key in known):
            return None
        return Scope({key: values for key, values in self.wanted.items() if key not in known}, idle=self.idle)

    @classmethod
    def _parse(cls, given: Any) -> Scope:
        if isinstance(given, Scope):
            return given
        if not isinstance(given, dict):
            raise FlawError("a scope is a mapping", "write for example `{ api: stateless }`")
        wanted: dict[str, tuple[str, ...]] = {}
        for key, value in given.items():
            values = value if isinstance(value, list) else [value]
            if not values or not all(isinstance(v, str) and v for v in values):
                raise FlawError(f"`{key}` needs a value or a list of values", "write for example `[ a, b ]`")
            twice = [v for v in values if values.count(v) > 1] if len(values) < 100 else []
            if twice:
                raise FlawError(f"`{twice[0]}` is named twice", "name it once", (key,))
            for each in values:
                plain_name(each)
            wanted[str(key)] = tuple(values)
        return cls(wanted)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._parse,
            serialization=core_schema.to_string_ser_schema(),
            metadata={
                "written_as": {
                    "type": "object",
                    "description": "which use: labels of workloads, or " + ", ".join((*DEMAND_KEYS, *OFFER_KEYS)),
                    "additionalProperties": {
                        "anyOf": [
                            {"type": "string"},
                            {"type": "array", "items": {"type": "string"}, "minItems": 1},
                        ]
                    },
                }
            },
        )


@dataclass(frozen=True)
class Selection:
    """What a clause covers: everything in all of ``within``, except what is in any of ``outside``."""

    within: tuple[Scope, ...]
    outside: tuple[Scope, ...] = ()

    def __str__(self) -> str:
        """As it stands in a sentence: each scope in backticks, so that its words are not read as the sentence's."""
        parts = [f"`{scope}`" for scope in self.within if scope.wanted]
        outside = f" (except {' and '.join(f'`{scope}`' for scope in self.outside)})" if self.outside else ""
        return (" and ".join(parts) or "everything") + outside

    @property
    def written(self) -> str:
        """As it stands alone, in a column of a file."""
        parts = [str(scope) for scope in self.within if scope.wanted]
        return ("; ".join(parts) or "everything") + "".join(f", except {scope}" for scope in self.outside)

    def covers(self, demand: Facts | None, offer: Facts | None) -> bool | None:
        """Yes, no, or None where it turns on an unknown fact."""
        answers = [scope.covers(demand, offer) for scope in self.within]
        if False in answers:
            return False
        excepted = [scope.covers(demand, offer) for scope in self.outside]
        if True in excepted:
            return False
        return None if None in answers or None in excepted else True

    def inside(self, other: Selection) -> bool | None:
        """Whether all that it covers is covered by another: yes, none of it (False), or not known from the scopes."""
        if any(_apart(mine, theirs) for mine in self.within for theirs in other.within):
            return False
        if self._left_out_by(other) or other._left_out_by(self):
            return False
        narrower = all(self._asks(key, values) for scope in other.within for key, values in scope.wanted.items())
        excepted = all(scope in self.outside or any(_apart(m, scope) for m in self.within) for scope in other.outside)
        return True if narrower and excepted else None

    def beyond(self, other: Selection) -> str | None:
        """What another asks and it does not, by which it may cover more; None where it is inside, or they are apart."""
        if self.inside(other) is not None:
            return None
        asked = ((key, values) for scope in other.within for key, values in scope.wanted.items())
        more = next((each for each in asked if not self._asks(*each)), None)
        if more is not None:
            return f"asks for `{Scope(dict((more,)))}`"
        left = (scope for scope in other.outside if scope not in self.outside)
        return next(f"leaves out `{scope}`" for scope in left if not any(_apart(m, scope) for m in self.within))

    def as_sold(self, sold: Mapping[str, Facts]) -> Selection:
        """The same, which says beside the names of offers what all of these have, where each of them is known.

        So another that asks for that, and names none of them, is found to cover it (``inside``).
        """
        names = self.offers
        if not names or not names <= sold.keys():
            return self
        found = [facts for name, facts in sold.items() if name in names and self._may_cover(facts)]
        keys = sorted(set.intersection(*({*facts} for facts in found))) if found else ()
        return replace(self, within=(*self.within, Scope({k: sorted({f[k] for f in found}) for k in keys})))

    def _left_out_by(self, other: Selection) -> bool:
        """Whether another leaves out all that it covers; of idle capacity, a scope does not say that by labels."""
        if any(scope.idle for scope in self.within):
            return False
        return any(all(self._asks(*each) for each in scope.wanted.items()) for scope in other.outside)

    @property
    def offers(self) -> set[str]:
        """The offers that it names; nothing where it asks for none by name."""
        named = [{*scope.wanted["offer"]} for scope in self.within if "offer" in scope.wanted]
        return set.intersection(*named) if named else set()

    def _may_cover(self, facts: Facts) -> bool:
        """Whether it covers any use of an offer of which some facts are known."""
        excepted = (scope.of_offer(facts) for scope in self.outside)
        none = any(left is not None and not left.wanted for left in excepted)
        return not none and all(scope.of_offer(facts) is not None for scope in self.within)

    def of_offer(self, facts: Facts) -> Selection:
        """What is left to ask of use of one offer, of which some facts are known."""
        answers = [scope.of_offer(facts) for scope in self.outside]
        within = tuple(scope.of_offer(facts) or scope for scope in self.within)
        return Selection(within, tuple(scope for scope in answers if scope is not None))

    def both(self, other: Selection) -> Selection:
        """What is in this and in another."""
        return Selection(self.within + other.within, self.outside + other.outside)

    def _asks(self, key: str, values: tuple[str, ...]) -> bool:
        """Whether it covers only what has one of some values."""
        return any(key in scope.wanted and {*scope.wanted[key]} <= {*values} for scope in self.within)

    def missing(self, demand: Facts | None) -> tuple[str, ...]:
        """The labels that it asks for and a demand does not state."""
        known = demand if demand is not None else {}
        return tuple(sorted(key for key in self.keys if key not in OFFER_KEYS and key not in known))

    @property
    def keys(self) -> set[str]:
        """Every key that it asks; that of the offer too, where whose capacity stands idle turns on it."""
        asked = {key for scope in (*self.within, *self.outside) for key in scope.wanted}
        return asked | {"offer"} if any(scope.idle for scope in self.within) else asked

    def at(self, **wanted: str) -> Selection:
        """The part of this selection at a provider, an offer, a workload or the like."""
        return Selection((*self.within, Scope({k: (v,) for k, v in wanted.items()})), self.outside)


def _apart(one: Scope, two: Scope) -> bool:
    """Whether nothing can be in both: they ask one key for different values."""
    return any(key in two.wanted and not {*values} & {*two.wanted[key]} for key, values in one.wanted.items())


class Reading(Noun):
    """A named alternative scope of the same text."""

    of: Scope | None = None
    except_: tuple[Scope, ...] | None = None
