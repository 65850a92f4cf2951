"""Where a policy comes from: a case's files, a plan, and what the command line says in place of them.

Owns: making a policy of them, and telling whether they changed. Blocks: it runs before serving, or in a thread. Not
here: what is served while it is made (``worker``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from detente.case.case import Case
from detente.case.case_files import case_files
from detente.errors import CaseError, FlawError, Mistake, Where
from detente.gateway.deciding.policy import Policy
from detente.ledger.caps.clause_caps import not_kept
from detente.live.deployment import AnyDeployment
from detente.live.key import Key
from detente.providers.vocabulary import MAX_BYTES, Vocabulary
from detente.values.file import FileState, leads_out, noted, read, state_of

Redirect = Callable[[Case], Sequence[AnyDeployment]]
"""Where calls go in place of a case's own deployments (the sandbox)."""


@dataclass(frozen=True)
class PolicySource:
    """A case and a plan on disk."""

    case: Path
    plan: Path | None = None
    reading: str | None = None
    scenario: str | None = None
    beside: tuple[Path, ...] = ()
    """Files of scenarios beside the case."""
    redirect: Redirect | None = None
    keys: tuple[Key, ...] = ()
    """Keys beside the case's own (the sandbox's)."""
    leasing: bool = False
    """Whether caps are leased while calls are served, so that each clause that asks what remains must be one."""
    workers: int = 1
    """How many count budgets, each by itself; 1 also where a ledger counts them for all."""
    seen: dict[Path, FileState] = field(default_factory=dict, init=False, compare=False, repr=False)
    """The files that it was read from the last time, as they were then."""

    def read(self) -> Policy:
        """The policy as the files are now.

        Raises
        ------
        CaseError
            With every mistake of the case, where it declares nothing to serve, or where a reading must be chosen (§3).
        PlanError
            Where the plan cannot be read, or is not of this case.
        """
        listed = self._listed()  # before reading: a change while they are read is seen at the next look
        with noted() as opened:
            try:
                return self._read()
            finally:
                self.seen.clear()
                self.seen.update(opened | listed)

    def _read(self) -> Policy:
        plan = None
        if self.plan is not None:
            from detente.results.plan import Plan  # which takes memory that a gateway without a plan does not

            plan = Plan.load(self.plan)
        reading = self.reading or (plan.reading if plan else None)
        scenario = self.scenario or (plan.scenario if plan else None)
        case = Case.load(self.case, self.beside, scenario).under(reading)
        if not case.declared.deployments:
            what, remedy = "the case has no deployments, so that nothing can be served", "add them under `deployments:`"
            raise CaseError([Mistake(Where(str(self.case)), what, remedy)])
        if plan is not None:
            from detente.case.planned import must_hold

            must_hold(plan, case, str(self.plan))
        if self.leasing and (mistakes := not_kept(case)):
            raise CaseError(mistakes)
        if self.workers > 1:
            _counted_by_one(case, self.case, self.workers)
        keys = (*case.declared.keys, *self.keys)
        case = case.serving(keys)
        policy = Policy.of(case, plan, self.redirect(case) if self.redirect else None, self._vocabulary(case))
        _ = policy.terms, policy.turns, policy.labels  # what is wrong is said now, and not to a caller
        return policy

    def _vocabulary(self, case: Case) -> Vocabulary | None:
        """Of the tokens that callers send, if the case names a file of it. Raises CaseError."""
        stated = case.declared.serving.tokens
        if stated is None:
            return None
        folder = self.case if self.case.is_dir() else self.case.parent
        file = folder / stated
        try:
            wrong = leads_out(folder, file)
            if wrong is None:
                return Vocabulary.read(read(file, MAX_BYTES))
            what, remedy = wrong
        except OSError as error:
            what, remedy = f"cannot be read: {error.strerror or error}", "the path counts from the case's folder"
        except FlawError as error:
            what, remedy = error.flaws[0].what, error.flaws[0].remedy
        raise CaseError([Mistake(Where(str(file)), what, remedy)])

    def changed(self) -> bool:
        """Whether a file that it was read from the last time is another now, or the case has one more.

        What lies in the case's folder beside these is no part of it: a ledger, journals, plans and reports.
        """
        return {path: state_of(path) for path in self.seen} | self._listed() != self.seen

    def _listed(self) -> dict[Path, FileState]:
        """The files of the case and the plan as they are, with those that are mistakes in the case."""
        found: list[Path] = []
        if self.plan is not None:
            found.append(self.plan / "plan.json" if self.plan.is_dir() else self.plan)
        with suppress(CaseError):  # there is no case in the folder any more
            found += case_files(self.case, lambda where, what, remedy: found.append(Path(where.file)))
        return {path: state_of(path) for path in found}


def _counted_by_one(case: Case, path: Path, workers: int) -> None:
    """Raise CaseError where a case has budgets: counts of several would each allow the whole."""
    budgets = [budget.id for budget in case.declared.budgets]
    budgets += [f"key {key.id}" for key in case.declared.keys if key.budget is not None]
    if budgets:
        what = f"`{budgets[0]}` is a budget, and {workers} workers would each count for themselves"
        remedy = "give them a ledger, by which they share it, or serve by one worker"
        raise CaseError([Mistake(Where(str(path)), what, remedy)])
