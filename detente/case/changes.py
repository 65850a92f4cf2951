"""What scenarios make of a case: its entries as they are then written, for the same reading and the same checks.

Owns: the order of changes, what falls with what, and which of them contradict each other. Pure: nodes in, nodes out; a
changed value stands at the place of its change. Not here: what a scenario may say (``scenario``), and how one thing has
another value (``changed_value``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from detente.case.changed_value import with_value
from detente.case.document import YamlNode
from detente.case.numbers import factor_of
from detente.case.scenario import Change, Loss, Scenario
from detente.case.written import Written, at, node_of, place, put, text_at
from detente.contract.clause_text import SELF
from detente.errors import CaseError, FlawError, Mistake, Where
from detente.market.network import parts_of
from detente.values.likeness import did_you_mean

HANGS_ON = {"offers": (("deployments", "offer"),), "workloads": (("keys", "workload"),)}
"""What falls away with an entry: the section, and the key that names the entry."""
ON_DATES = {"offer": ("price", "capacity"), "workload": ("demand",), "provider": ("price", "capacity")}
"""Fields that may be changed between two days."""


@dataclass(frozen=True)
class Changed:
    """A case under scenarios: what is written then, the clauses that fell away, and what is wrong with the changes."""

    written: Written
    without: frozenset[str]
    mistakes: tuple[Mistake, ...] = ()


@dataclass
class _Said:
    """A change of a field that was made, and where."""

    change: Change
    value: YamlNode
    relative: bool


def order(names: Sequence[str], known: Mapping[str, tuple[Scenario, YamlNode]]) -> list[str]:
    """Scenarios with those that they are based on, these first. Raises CaseError for a cycle, and unknown names."""
    found: list[str] = []
    for name in names:
        path: list[str] = []
        at_name: str | None = name
        while at_name is not None and at_name not in found:
            if at_name in path:
                chain = " is based on ".join(f"`{each}`" for each in [*path[path.index(at_name) :], at_name])
                raise CaseError([_wrong(known[name][1], "based-on", f"scenarios go in a circle: {chain}", "end it")])
            path.append(at_name)
            base = known[at_name][0].based_on
            if base is not None and base not in known:
                remedy = did_you_mean(base, known, "leave it out")
                raise CaseError([_wrong(known[at_name][1], "based-on", f"there is no scenario `{base}`", remedy)])
            at_name = base
        found += reversed(path)
    return found


def _wrong(node: YamlNode, key: str, what: str, remedy: str) -> Mistake:
    return Mistake(place(at(node, (key,)) or node), what, remedy)


def changed(
    written: Written, scenarios: Sequence[tuple[Scenario, YamlNode]], without: frozenset[str] = frozenset()
) -> Changed:
    """A case, of which some clauses fell away before, under scenarios in their order; no change that is wrong."""
    changing = _Changing(written, without)
    for scenario, node in scenarios:
        changing.take(scenario, node)
    for scenario, node in scenarios:
        changing.must_be_there(scenario, node)
    sold, replaced = written.sold, frozenset(changing.replaced)
    found = Written(written.name, changing.heads, changing.sections, sold, replaced)
    return Changed(found, frozenset(changing.without), tuple(changing.mistakes))


@dataclass
class _Changing:
    written: Written
    before: frozenset[str]
    mistakes: list[Mistake] = field(default_factory=list)
    gone: dict[tuple[str, str], Where] = field(default_factory=dict)
    said: dict[tuple[str, str, str], list[_Said]] = field(default_factory=dict)
    days: dict[str, YamlNode] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.without, self.replaced = set(self.before), set(self.written.replaced)
        self.heads = dict(self.written.heads)
        self.sections = {name: list(nodes) for name, nodes in self.written.sections.items()}

    def take(self, scenario: Scenario, node: YamlNode) -> None:
        """One scenario's changes: what falls away, what is new, what is another, what is lost, what happens when."""
        for index, name in enumerate(scenario.without):
            self._fall(name, at(node, ("without", index)) or node)
        for section in scenario.add:
            self.sections[section] += (at(node, ("add", section)) or node).items or ()
        for index, change in enumerate(scenario.change):
            self._change(change, at(node, ("change", index)) or node)
        for index, loss in enumerate(scenario.lose):
            self._lose(loss, at(node, ("lose", index)) or node)
        for name in scenario.events:
            self._event(name, node)
        self.sections["agreements"] += self._payments(scenario, node)

    def _payments(self, scenario: Scenario, node: YamlNode) -> Iterator[YamlNode]:
        """One-off costs as clauses: of an agreement with each provider who is paid, and of a policy for all others."""
        providers = {text_at(each, "id") for each in self.sections["providers"]}
        by_party: dict[str, list[YamlNode]] = {}
        for index, cost in enumerate(scenario.costs):
            here = at(node, ("costs", index)) or node
            party = cost.to if cost.to in providers else SELF
            said = {"id": cost.id or f"{scenario.id}.cost-{index + 1}", "kind": "payment", "text": cost.why}
            if party == SELF:
                said["to"] = cost.to
            stated = {key: pair for key, pair in (here.keys or {}).items() if key in ("on", "amount", "source")}
            keys = {**stated, **(node_of(said, place(here)).keys or {})}
            by_party.setdefault(party, []).append(YamlNode(here.line, here.column, keys=keys, file=here.file))
        (_, horizon) = self.written.heads["horizon"]
        for party, terms in by_party.items():
            name = f"{scenario.id}.costs" if party == SELF else f"{scenario.id}.costs-{party}"
            deal = node_of({"id": name, "with": party, "effective": text_at(horizon, "start")}, place(terms[0]))
            yield put(deal, ("terms",), replace(terms[0], keys=None, items=terms), terms[0])

    def _wrong(self, node: YamlNode, what: str, remedy: str) -> None:
        self.mistakes.append(Mistake(place(node), what, remedy))

    # -- what falls away ---------------------------------------------------------------------------------------
    def _fall(self, name: str, here: YamlNode) -> None:
        kinds = [kind for kind in ("term", "agreements", "offers", "workloads") if name in self._names(kind)]
        if not kinds:
            known = [each for kind in ("term", "agreements", "offers", "workloads") for each in self._names(kind)]
            self._missing(here, "clause, agreement, offer or workload", name, known)
        elif len(kinds) > 1:
            what = f"`{name}` is {' and '.join(_a(kind) for kind in kinds)}"
            self._wrong(here, what, "rename one of them, so that it is clear which falls away")
        elif not self._contradicts(kinds[0], name, here):
            self._take_away(kinds[0], name, here)

    def _contradicts(self, kind: str, name: str, here: YamlNode) -> bool:
        """Whether what falls away was changed by a scenario: then one of the two is meant."""
        made = [each for (of, known, _), said in self.said.items() if (of, known) == (kind, name) for each in said]
        if made:
            what = f"takes away {_a(kind)} `{name}`, which is changed at {place(made[0].value)}"
            self._wrong(here, what, "leave out one of the two")
        return bool(made)

    def must_be_there(self, scenario: Scenario, node: YamlNode) -> None:
        """Note a mistake where a scenario reads clauses that fell away, before or after; a name, all that have it."""
        here, there, read = at(node, ("reading",)) or node, {*self._names("term")}, scenario.reading or {}
        if isinstance(read, str):
            every = [*self.written.sections["agreements"], *self.sections["agreements"]]
            read = {text_at(t, "id"): read for a in every for t in _terms(a) if at(t, ("readings", read)) is not None}
            if there & read.keys():
                return
        for clause, name in read.items():
            taken = self.gone.get(("term", clause))
            if taken is not None and clause not in there:
                what = f"reads `{clause}` as `{name}`, a clause that is taken away at {taken}"
                self._wrong(at(here, (clause,)) or here, what, "leave out one of the two")

    def _take_away(self, kind: str, name: str, here: YamlNode) -> None:
        self.gone[kind, name] = place(here)
        if kind == "term":
            self.without.add(name)
            return
        for term in (term for node in self.sections[kind] if text_at(node, "id") == name for term in _terms(node)):
            self.gone["term", text_at(term, "id")] = place(here)
        self.sections[kind] = [node for node in self.sections[kind] if text_at(node, "id") != name]
        self.replaced |= {name} & self.written.sold.keys()
        for section, key in HANGS_ON.get(kind, ()):
            self.sections[section] = [node for node in self.sections[section] if text_at(node, key) != name]
        if kind == "agreements":
            for section, key in (("agreements", "amends"), ("offers", "under")):
                for each in [text_at(n, "id") for n in self.sections[section] if text_at(n, key) == name]:
                    self._take_away(section, each, here)

    def _names(self, kind: str) -> list[str]:
        """The ids of all clauses, or of a section's entries, that are still there."""
        if kind == "term":
            terms = [text_at(term, "id") for node in self.sections["agreements"] for term in _terms(node)]
            survive = [
                f"{text_at(node, 'id')}.survives" for node in self.sections["workloads"] if text_at(node, "survives")
            ]
            return [name for name in [*terms, *survive] if name not in self.without]
        there = [text_at(node, "id") for node in self.sections[kind]]
        return there + [n for n in self.written.sold if n not in self.replaced] if kind == "offers" else there

    def _missing(self, here: YamlNode, kind: str, name: str, known: Iterable[str]) -> None:
        taken = next((where for (_, gone), where in self.gone.items() if gone == name), None)
        if taken is not None:
            self._wrong(
                here, f"there is no {kind} `{name}` any more: it is taken away at {taken}", "leave out one of the two"
            )
        else:
            self._wrong(here, f"there is no {kind} `{name}`", did_you_mean(name, known))

    # -- what is another ---------------------------------------------------------------------------------------
    def _change(self, change: Change, node: YamlNode) -> None:
        here = at(node, (change.target,)) or node
        section = {"offer": "offers", "workload": "workloads", "provider": "offers", "term": "term"}[change.target]
        if change.target == "provider":
            names = self._of_provider(change.of, None, here)
        else:
            names = [change.of] if change.of in self._names(section) else []
            if not names:
                kind = "clause" if section == "term" else change.target
                self._missing(here, kind, change.of, self._names(section))
        for name in names:
            for key in change.fields:
                self._field(change, section, name, key, at(node, (key,)) or node)

    def _field(self, change: Change, section: str, name: str, key: str, value: YamlNode) -> None:
        """One field of one thing, in all its versions."""
        try:
            factor = factor_of(value)
            self._may(change, key, factor)
            self._agrees((section, name, key), _Said(change, value, factor is not None))
            for home, index, steps in self._homes(section, name):
                entry = self.sections[home][index]
                thing = at(entry, steps) or entry
                self.sections[home][index] = put(entry, steps, with_value(change, thing, key, factor, value), value)
        except FlawError as error:
            for flaw in error.flaws:
                self._wrong(value, flaw.what, flaw.remedy)

    def _may(self, change: Change, key: str, factor: Decimal | None) -> None:
        """Refuse what a change cannot mean. Raises FlawError."""
        if key == "id":
            raise FlawError("the id is what others name it by", "take it away with `without:`, and `add:` another")
        on_dates = ON_DATES.get(change.target, ())
        if change.target == "provider" and (key not in on_dates or factor is None):
            what = f"`{key}` of all offers of `{change.of}` at once"
            raise FlawError(
                what, "write a percentage of their `price` or `capacity`, such as `-15%`; or name one offer"
            )
        windowed = change.term is None and (change.from_ or change.until)
        if windowed and key not in on_dates:
            known = " or ".join(f"`{each}`" for each in on_dates)
            raise FlawError(f"`{key}` does not change on dates", f"leave out `from` and `until`, or change {known}")

    def _agrees(self, key: tuple[str, str, str], now: _Said) -> None:
        """Note a change; refuse a second value for the same time, whichever came first. Raises FlawError."""
        for earlier in self.said.setdefault(key, []):
            same = earlier.value == now.value or _plain(earlier.value) == _plain(now.value)
            if now.relative or (same and not earlier.relative) or not _overlap(earlier.change, now.change):
                continue
            what = f"`{key[2]}` of `{key[1]}` is `{_plain(now.value)}` here, and `{_plain(earlier.value)}`"
            raise FlawError(f"{what} at {place(earlier.value)}", "keep one of them, or a time for each")
        self.said[key].append(now)

    def _homes(self, section: str, name: str) -> list[tuple[str, int, tuple[str | int, ...]]]:
        """Where a thing stands: the section, the entry, and the path in it. A catalog's offer becomes an entry."""
        if section == "term":
            return [
                ("agreements", index, ("terms", place_of))
                for index, node in enumerate(self.sections["agreements"])
                for place_of, term in enumerate(_terms(node))
                if text_at(term, "id") == name
            ]
        if section == "offers" and name in self.written.sold and name not in self.replaced:
            self.sections["offers"].append(self.written.sold[name])
            self.replaced.add(name)
        return [(section, i, ()) for i, node in enumerate(self.sections[section]) if text_at(node, "id") == name]

    # -- what is lost, and when events happen ------------------------------------------------------------------
    def _of_provider(self, provider: str, region: str | None, here: YamlNode) -> list[str]:
        """The offers of a provider, or of one region; a mistake is noted where there are none."""
        known = {text_at(node, "id") for node in self.sections["providers"]}
        sold = [node for name, node in self.written.sold.items() if name not in self.replaced]
        found = [
            text_at(node, "id")
            for node in [*self.sections["offers"], *sold]
            if text_at(node, "provider") == provider and region in (None, text_at(node, "region"))
        ]
        if provider not in known:
            self._missing(here, "provider", provider, known)
        elif not found:
            where = f"in `{provider}/{region}`" if region else f"of `{provider}`"
            self._wrong(here, f"there is no offer {where}", "leave it out, or name another")
        return found

    def _lose(self, loss: Loss, node: YamlNode) -> None:
        here = at(node, (loss.lost,)) or node
        if loss.offer is not None:
            names = [loss.offer] if loss.offer in self._names("offers") else []
            if not names:
                self._missing(here, "offer", loss.offer, self._names("offers"))
        else:
            provider, region = parts_of(loss.provider or loss.region or "")
            names = self._of_provider(provider, region or None, here)
        days = {key: pair for key, pair in (node.keys or {}).items() if key in ("from", "until")}
        if loss.known is not None:
            days |= node_of({"known": str(loss.known)}, place(node)).keys or {}
        closed = YamlNode(node.line, node.column, keys=days, file=node.file)
        for home, index, _ in (found for name in names for found in self._homes("offers", name)):
            entry = self.sections[home][index]
            before = (at(entry, ("closed",)) or node_of([], place(node))).items or []
            times_closed = YamlNode(node.line, node.column, items=[*before, closed], file=node.file)
            self.sections[home][index] = put(entry, ("closed",), times_closed, node)

    def _event(self, name: str, node: YamlNode) -> None:
        assert node.keys is not None
        key, value = (node.keys["events"][1].keys or {})[name]
        _, known = self.heads.get("events", (None, None))
        if known is None or known.keys is None or name not in known.keys:
            names = (known.keys or {}) if known is not None else ()
            self._wrong(
                key, f"there is no event `{name}`", did_you_mean(name, names, "declare it under `events:` first")
            )
            return
        earlier = self.days.setdefault(name, value)
        if _plain(earlier) != _plain(value):
            what = f"`{name}` is on `{_plain(value)}` here, and on `{_plain(earlier)}` at {place(earlier)}"
            self._wrong(value, what, "keep one of them")
        self.heads["events"] = self.heads["events"][0], replace(known, keys={**known.keys, name: (key, value)})


def _terms(agreement: YamlNode) -> list[YamlNode]:
    terms = at(agreement, ("terms",))
    return (terms.items if terms is not None else None) or []


def _a(kind: str) -> str:
    return {"term": "a clause", "agreements": "an agreement", "offers": "an offer", "workloads": "a workload"}[kind]


def _plain(node: YamlNode) -> str:
    """A value as one would write it in a sentence."""
    if node.keys is not None:
        return f"{{ {', '.join(f'{key}: {_plain(value)}' for key, (_, value) in node.keys.items())} }}"
    return f"[{', '.join(map(_plain, node.items))}]" if node.items is not None else str(node.text)


def _overlap(one: Change, other: Change) -> bool:
    """Whether two changes hold at the same time; those of clauses always do."""
    (start, end), (since, until) = _times(one), _times(other)
    return one.term is not None or (start < until and since < end)


def _times(change: Change) -> tuple[date, date]:
    return change.from_ or date.min, change.until if isinstance(change.until, date) else date.max
