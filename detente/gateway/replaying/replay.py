"""Replay: traffic through the admission, choice, metering and settlement of live calls, without a network.

Owns: passing time, and calls dealt to deployments. Calls of a workload within a grain of time are decided together, as
one, and so are those of the grains after it as long as the answer is bound to be the same (``lasting``); each is
metered by itself, so that what it costs is what the ledger would say. A call ends when it begins. Not here: the calls
(``traffic``), what deployments can take of them (``headroom``), and any rule: those of ``deciding``,
``ledger.use.metering`` and ``contract``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from math import inf

import msgspec

from detente.contract.metered.totals import Totals
from detente.errors import CaseError
from detente.gateway.deciding.admit import Candidate
from detente.gateway.deciding.decision import Rejection, decide
from detente.gateway.deciding.keyring import Keyring
from detente.gateway.deciding.load import Load
from detente.gateway.deciding.moment import Moment
from detente.gateway.deciding.policy import Policy
from detente.gateway.deciding.routing_decision import RoutingDecision
from detente.gateway.replaying.budget_count import BudgetCount
from detente.gateway.replaying.dealt import DealtCalls, PendingCalls
from detente.gateway.replaying.ending import ended, idle_lines
from detente.gateway.replaying.headroom import ALL_WELL, Headroom
from detente.gateway.replaying.lasting import lasts
from detente.gateway.replaying.replayed import Replayed, RoutedWork
from detente.gateway.replaying.standing_totals import TotalStandings
from detente.gateway.replaying.traffic import ReplayedCall
from detente.gateway.surfaces import SURFACES
from detente.gateway.surfaces.surface import Asked, Surface
from detente.ledger.journals.record import CallRoute, EndAsRead, TokenCounts
from detente.ledger.use.line import LineSum, UseLine, summed
from detente.ledger.use.metered_together import TokenColumns, metered_together
from detente.ledger.use.metering import Metering, Tariff
from detente.ledger.use.running_totals import kept
from detente.ledger.use.sum_step import summing_step
from detente.live.deployment import Operation
from detente.live.presented import Presented
from detente.providers.wire import Call, Tokens
from detente.values.micros import HOUR, SECOND, at_micros, micros

GRAIN = SECOND
"""Microseconds in which calls of a workload are decided together."""
LOOK = 60 * SECOND
"""Microseconds after which clauses are asked again where they stand, if calls do not come near what remains before."""
NO_ROOM = "room"
"""What keeps calls from all that may serve them, where none of those can take them."""


class Replay:
    """Replays traffic by a policy.

    Parameters
    ----------
    policy
        As the gateway would follow it.
    grain
        Microseconds in which calls of a workload are decided together; 0: each by itself.
    steered
        Whether floors that would fall short steer calls, as they do where a gateway knows its ledger.
    room
        What deployments can take; default: all, so that their limits only change whom is asked first.
    capped
        Whether clauses and budgets are asked what remains of them.
    keys
        By which calls are made; default: those of the policy.
    """

    def __init__(
        self,
        policy: Policy,
        grain: int = GRAIN,
        *,
        steered: bool = True,
        room: Headroom = ALL_WELL,
        capped: bool = True,
        keys: Keyring | None = None,
    ) -> None:
        self._policy, self._grain, self._steered = policy, grain, steered
        self._room = room
        self._metering = Metering(policy.case)
        self._terms = policy.case.signed
        self._step = summing_step(policy.case)
        """In which calls are metered together: an hour, or less where days of a clock begin within one."""
        self._totals = Totals(kept(self._terms))
        self._keys = Keyring(policy) if keys is None else keys
        self._held = {held.key.id: held for held in self._keys}
        self._budgets = BudgetCount()
        counted = self._budgets if capped and (policy.budgets or self._keys.budgets) else None
        self._standings = TotalStandings(self._terms, self._totals, counted)
        self._counts = counted is not None
        self._looks = capped and self._standings.asked
        self._load = Load()
        self._asked = {name: _asked_of(policy, name) for name in policy.workloads}
        self._dealt: dict[tuple[str, str], DealtCalls] = {}
        """By workload and key, as all that follows."""
        self._pending: dict[tuple[str, str, str], PendingCalls] = {}
        self._routed: dict[tuple[str, str], RoutedWork] = {}
        self._used: dict[str, tuple[int, int]] = {}
        """What was taken of offers in this hour, and its list price."""
        self._moment: Moment | None = None
        self._until = self._hour = self._look = self._due = self._drawing = 0
        self._calls = self._tokens = self._decisions = self._unplanned = self._idle = 0
        self._given: Counter[str] = Counter()
        """Tokens, by workload."""
        self._followed: Counter[str] = Counter()
        """Those of which it is noted what the plan's shares would have given."""
        self._followed_calls: Counter[str] = Counter()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._kept_off: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._planned: dict[tuple[str, str], float] = {}

    def run(self, calls: Iterable[ReplayedCall], end: datetime | None = None) -> Replayed:
        """Replay calls, in the order of time. ``end``: as of when clauses are settled; default: the last hour's end.

        Raises CaseError as reading the calls does, and where there is none.
        """
        first = last = None
        for call in calls:
            last, _, _, _, _, left, _ = call
            if first is None:
                first = last
                self._hour = first - first % self._step
            most = 1 if left == 1 else max(1, -(-left // self._room.parts))
            while left > 0:
                if last >= self._due or self._drawing >= self._standings.looks_in:
                    self._pass(last)
                left -= self._call(call, min(most, left))
        if first is None or last is None:
            what = "no call is in the time to replay"
            raise CaseError.of_parameter("trace", what, "give a trace with calls, and an end after its beginning")
        until = end or at_micros(last - last % HOUR + HOUR)
        self._deal_anew(last)
        self._pass(micros(until))
        self._follow()
        return self._replayed(at_micros(first), until)

    # -- time ------------------------------------------------------------------------------------------------------
    def _pass(self, at: int) -> None:
        """Let time come to a moment: what has ended is counted, and what holds now is worked out."""
        while at >= self._hour + self._step:
            self._count()
        if self._moment is None or at >= self._until:
            self._turn(at_micros(at))
        if self._looks and (at >= self._look or self._drawing >= self._standings.looks_in):
            self._meter()
            self._standings.look(at_micros(at), self._drawing)
            self._look, self._drawing = at + LOOK, 0
            self._deal_anew(at)
        self._due = min(self._hour + self._step, self._until, *([self._look] if self._looks else []))

    def _turn(self, at: datetime) -> None:
        self._deal_anew(micros(at))
        self._follow()
        self._moment = Moment(self._policy, at, self._standings, self._keys)
        self._until = micros(self._moment.until)
        if self._room is ALL_WELL:
            self._load.limits(self._policy, at)
        self._load.enter(self._moment.period)

    def _deal_anew(self, at: int) -> None:
        """What was decided holds no more."""
        for (workload, _), dealt in self._dealt.items():
            self._took(workload, dealt, at)
        self._dealt.clear()

    def _count(self) -> None:
        """An hour has ended: count what was used, and what stood idle."""
        self._meter()
        hour = at_micros(self._hour)
        for line in idle_lines(self._policy, self._used, hour, at_micros(self._hour + self._step)):
            self._totals.add(line)
            self._idle += int(line.net.scaleb(9))
        self._used.clear()
        self._hour += self._step
        if self._steered:
            self._deal_anew(self._hour)
            self._standings.look_ahead(at_micros(self._hour))

    def _meter(self) -> None:
        """Meter the calls that came since this was last done: all of them are of this hour."""
        for pending in self._pending.values():
            if pending.tokens:
                for each in self._metered(pending):
                    self._count_sum(each, pending.routed)
                pending.tokens.clear()

    def _metered(self, pending: PendingCalls) -> Iterable[LineSum]:
        """What calls come to, each metered by itself."""
        tariff = self._metering.known(pending.number, pending.route, *pending.sold, self._hour)
        found = None
        if isinstance(tariff, Tariff):
            found = metered_together(tariff, TokenColumns.of(*zip(*pending.tokens, strict=True)), self._hour)
        if found is None:
            lines = (line for each in pending.tokens for line in self._one_by_one(pending, *each))
            found = list(summed(lines, self._step).values())
        return found

    def _one_by_one(self, pending: PendingCalls, given: int, cached: int, output: int, calls: int) -> Iterator[UseLine]:
        end = EndAsRead("", "", "complete", TokenCounts(given, output, cached))
        for line in self._metering.lines(pending.number, pending.route, end, self._hour):
            if line.unknown:
                self._unknown[line.unknown] += calls
            else:
                yield line.times(calls)

    def _count_sum(self, each: LineSum, routed: RoutedWork) -> None:
        each.count_in(self._totals)
        name = each.of.offer.get("offer", "")
        taken, listed = self._used.get(name, (0, 0))
        self._used[name] = taken + each.taken, listed + each.listed
        routed.listed += each.listed
        routed.net += each.net

    # -- a call ----------------------------------------------------------------------------------------------------
    def _call(self, call: ReplayedCall, most: int) -> int:
        """So many calls that are alike, or as many of them as find room where they are sent; how many that were."""
        at, workload, given, cached, output, _, key = call
        whose = workload, key
        dealt = self._dealt.get(whose)
        if dealt is None or at >= dealt.until or most > 1 or (dealt.asks and not self._holds(dealt, call)):
            if dealt is not None:
                self._took(workload, dealt, at)
                dealt.calls, dealt.input, dealt.cached, dealt.output = 0, 0, 0, 0
            if dealt is None or not self._stays(dealt, call):
                dealt = self._dealt[whose] = self._decide(call)
        count = most
        if dealt.candidate is not None and self._room is not ALL_WELL:
            count = self._room.take(dealt.candidate.deployed, call, most)
        if dealt.budgets:
            tokens = TokenCounts(given, output, cached)
            count = self._budgets.room(dealt.budgets, tokens, count)
            self._budgets.take(dealt.budgets, tokens, count)
        dealt.calls += count
        dealt.input += given * count
        dealt.cached += cached * count
        dealt.output += output * count
        if (pending := dealt.pending) is not None and count:
            pending.tokens.append((given, cached, output, count))
            if dealt.draws:
                self._drawing += (given + output) * count
        return count

    def _holds(self, dealt: DealtCalls, call: ReplayedCall) -> bool:
        """Whether a call goes where the one went for which it was decided: budgets leave room for both, or for none."""
        first = dealt.first
        if dealt.short and first is not None and (call.input < first.input or call.output < first.output):
            return False
        return self._budgets.room(dealt.budgets, TokenCounts(call.input, call.output, call.cached), 1) == 1

    def _stays(self, dealt: DealtCalls, call: ReplayedCall) -> bool:
        """Let what was decided hold for a grain more, if asking again would answer the same."""
        if not dealt.lasts or dealt.own >= dealt.lasts or dealt.given + dealt.own != self._given[call.workload]:
            return False
        if call.at >= dealt.ends or not self._load.at_ease(dealt.permitted, call.at / SECOND):
            return False
        dealt.until = call.at + self._grain
        if dealt.until > dealt.ends:
            dealt.until = int(dealt.ends)
        return True

    def _decide(self, call: ReplayedCall) -> DealtCalls:
        """Ask as a live call would."""
        caller, until, ends = self._held.get(call.key), call.at + self._grain, inf
        if caller is not None and caller.key.expires is not None:
            expires = micros(caller.key.expires)
            if expires <= call.at:
                return DealtCalls(until, denied=(f"key `{call.key}`: expired",))
            until, ends = min(until, expires), expires
        labels = self._policy.workloads[call.workload].labels if caller is None else caller.labels
        try:
            found = self._routing(call, labels, None if caller is None else caller.presented)
        except Rejection as rejected:
            return DealtCalls(until, denied=(str(rejected),))
        admission, choices = found.admission, found.order.choices
        short = tuple(c.short for c in admission.denied if c.short is not None)
        dealt = DealtCalls(until, forbidding=admission.forbidding, short=short, first=call, asks=bool(short), ends=ends)
        if not choices:
            dealt.denied = admission.denied_by
            return dealt
        choice = next((each for each in choices if self._room.left(each.candidate.deployed, call)), None)
        if choice is None:
            return DealtCalls(until, denied=(NO_ROOM,))
        dealt.candidate, dealt.why = choice.candidate, choice.why
        dealt.pending = self._known(call, labels, choice.candidate)
        dealt.draws = self._looks and bool(choice.candidate.live)
        if self._counts:
            dealt.budgets = tuple(each for each in choice.candidate.caps if each.cap.budget)
            dealt.asks = bool(dealt.budgets or short)
        if self._grain and self._room is ALL_WELL and not dealt.asks and (not self._counts or not admission.live):
            self._lasting(dealt, found, call)
        return dealt

    def _routing(self, call: ReplayedCall, labels: Mapping[str, str], presented: Presented | None) -> RoutingDecision:
        """What the gateway would decide of a call. Raises Rejection."""
        assert self._moment is not None
        surface, asked = self._asked[call.workload]
        if self._counts:
            asked = msgspec.structs.replace(asked, prompt=call.input, tokens=call.input + call.output)
        self._decisions += 1
        workload = self._policy.workloads[call.workload]
        return decide(self._moment, self._load, surface, asked, workload, labels, call.at / SECOND, presented)

    def _lasting(self, dealt: DealtCalls, found: RoutingDecision, call: ReplayedCall) -> None:
        """Note for how long asking again would answer the same."""
        assert self._moment is not None
        permitted, states = found.admission.permitted, found.states
        if states is None:
            shares = self._moment.shares(call.workload)
            states = self._load.states(permitted, call.workload, shares, {}, call.at / SECOND)
        dealt.lasts, dealt.given = lasts(found.order, states), self._given[call.workload]
        dealt.permitted = permitted

    def _took(self, workload: str, dealt: DealtCalls, at: int) -> None:
        """What came since it was decided: told to the load, as a live call's end tells it, and noted."""
        tokens = dealt.input + dealt.output
        self._calls += dealt.calls
        self._tokens += tokens
        for clause in dealt.forbidding:
            self._kept_off[clause] += dealt.calls
        if dealt.short:
            self._budgets.turned_away(dealt.short, dealt.calls)
        if dealt.candidate is None or dealt.pending is None:
            for clause in dealt.denied:
                self._refused[workload, clause] += dealt.calls
            return
        took = Tokens(dealt.input, dealt.output, dealt.cached)
        self._load.served(dealt.candidate.deployed, workload, took, 0.0, at / SECOND)
        self._given[workload] += tokens
        dealt.own += tokens
        routed = dealt.pending.routed
        routed.calls += dealt.calls
        routed.tokens += tokens
        routed.why[dealt.why] += dealt.calls

    def _follow(self) -> None:
        """Note what the plan's shares would have given of what came while they held."""
        if self._moment is None:
            return
        for workload in self._given:
            calls = sum(routed.calls for (name, _), routed in self._routed.items() if name == workload)
            tokens = self._given[workload] - self._followed[workload]
            shares = self._moment.shares(workload)
            if not shares:
                self._unplanned += calls - self._followed_calls[workload]
            for offer, share in shares.items():
                key = workload, offer
                self._planned[key] = self._planned.get(key, 0.0) + tokens * share
            self._followed[workload], self._followed_calls[workload] = self._given[workload], calls

    def _known(self, call: ReplayedCall, labels: Mapping[str, str], candidate: Candidate) -> PendingCalls:
        """Where calls of one workload by one key wait that went to a deployment."""
        deployed, workload = candidate.deployed, call.workload
        found = self._pending.get((workload, call.key, deployed.id))
        if found is None:
            offer = deployed.offer
            route = CallRoute(
                self._asked[workload][0].path, call.key or "replay", workload, labels, deployed.model,
                self._policy.hash, deployment=deployed.id, offer=offer.id, provider=offer.provider,
            )  # fmt: skip
            whole = RoutedWork(workload, deployed.id, offer.id, offer.provider)
            routed = self._routed.setdefault((workload, deployed.id), whole)
            found = PendingCalls(len(self._pending), route, (offer.id, deployed.model), routed)
            self._pending[workload, call.key, deployed.id] = found
        return found

    # -- the end ---------------------------------------------------------------------------------------------------
    def _replayed(self, start: datetime, end: datetime) -> Replayed:
        routed = sorted(self._routed.values(), key=lambda each: (each.workload, -each.tokens))
        return Replayed(
            start, end, self._calls, self._tokens, self._decisions, tuple(routed), dict(self._refused),
            dict(self._kept_off), self._planned, self._unplanned, dict(self._unknown), self._idle,
            ended(self._policy.case, self._terms, self._totals, start, end), self._budgets.replayed(),
        )  # fmt: skip


def _asked_of(policy: Policy, workload: str) -> tuple[Surface, Asked]:
    """What a workload's call asks for: a chat completion, or vectors where nothing that it runs on can do that."""
    serves = {name for d in policy.asked(policy.workloads[workload], workload) for name in d.deployment.serves}
    operation: Operation = "embeddings" if serves == {"embeddings"} else "chat"
    surface = next(each for each in SURFACES.values() if each.operation == operation)
    return surface, Asked(Call("chat", {}), "")
