"""Whether what live traffic needs fits together: deployments, keys and faults.

Owns: every check of these that needs more than one entry. Not here: the form of one entry, and what the plan needs
(``consistency``).
"""

from __future__ import annotations

from detente.case.entries import Entries, Entry
from detente.live.bedrock_name import BedrockName
from detente.live.deployment import AnyDeployment, region_of
from detente.market.network import parts_of
from detente.market.offer import AnyOffer, GpuOffer
from detente.values.facts import RESERVED
from detente.values.likeness import did_you_mean


def check(case: Entries) -> None:
    """Note every mistake."""
    offers = case.by_id("offers")
    for entry in case.read("deployments"):
        if case.knows(entry, ("offer",), "offers", entry.value.offer) and entry.value.offer in offers:
            _deployment(case, entry, entry.value, offers[entry.value.offer])
    for entry in case.read("keys"):
        _key(case, entry)
    for entry in case.read("faults"):
        _fault(case, entry)


def _deployment(case: Entries, entry: Entry, deployment: AnyDeployment, offer: AnyOffer) -> None:
    """It names a model that workloads ask for, and regions of its provider."""
    model = deployment.serves_model(offer)
    if model is None:
        what = f"`{offer.id}` is capacity, and `{deployment.id}` does not say which model it serves"
        case.wrong(entry, ("offer",), what, "add `model: …`, by the name that workloads use")
    elif not isinstance(offer, GpuOffer) and model not in offer.sells:
        what = f"`{deployment.id}` serves {model}, and `{offer.id}` is an offer of {' and '.join(offer.sells)}"
        case.wrong(entry, ("model",), what, "leave out `model:`, or name the offer of that model")
    elif case.sure("workloads", "offers", "catalogs"):
        asked = {name for workload in case.workloads for name in workload.runs_on.models}
        if model not in asked:
            path = ("model",) if deployment.model else ("offer",)
            case.wrong(entry, path, f"no workload runs on {model}", did_you_mean(model, asked))
    if (cannot := deployment.cannot_go_on(deployment.name_there(offer))) is not None:
        case.wrong(entry, ("continues",), *cannot)
    provider = case.providers.get(offer.provider)
    for at, region in enumerate(deployment.regions):
        case.has_region(entry, ("regions", at), offer.provider, region)
    if provider is None or not {offer.region, *deployment.regions} <= {*provider.regions}:
        return
    if deployment.regions and offer.region not in deployment.regions:
        what = f"leaves out `{offer.region}`, the region of `{offer.id}`"
        case.wrong(entry, ("regions",), what, "name every region where it may run a call")
    if deployment.at_bedrock:
        _bedrock(case, entry, deployment, offer)


def _bedrock(case: Entries, entry: Entry, deployment: AnyDeployment, offer: AnyOffer) -> None:
    """What may run in several regions names them, as its name has them; name and address are in the offer's region."""
    name = BedrockName(deployment.name_there(offer))
    path = ("name",) if deployment.name else ()
    if name.spans_regions and not deployment.regions:
        runs = "is an inference profile, which runs calls" if name.prefix else "may run calls"
        what = f"`{name.text}` {runs} in several regions"
        case.wrong(entry, path, what, "name every one of them under `regions:`")
    elif deployment.regions and (untrue := name.contradiction(deployment.regions)):
        case.wrong(entry, ("regions",), untrue, "name every region where it may run a call, or another profile")
    if name.region is not None and name.region != offer.region:
        what = f"the ARN is of {name.region}, and `{offer.id}` is in {offer.region}"
        case.wrong(entry, path, what, "name what is in that region, or the offer of the ARN's")
    there = region_of(deployment.endpoint)
    if there is not None and there != offer.region:
        what = f"the address is in {there}, and `{offer.id}` is in {offer.region}"
        case.wrong(entry, ("endpoint",), what, "leave out `endpoint:`, or name the offer of that region")


def _key(case: Entries, entry: Entry) -> None:
    """It stands for a workload that is served as it comes, and contradicts none of its labels."""
    key = entry.value
    if not case.knows(entry, ("workload",), "workloads", key.workload):
        return
    workload = case.by_id("workloads").get(key.workload)
    if workload is None:
        return
    if workload.kind == "training":
        what = f"`{workload.id}` is a training job, which no key can call"
        case.wrong(entry, ("workload",), what, "name an inference or a batch workload")
    for name, value in key.labels.items():
        if name in RESERVED:
            what = f"`{name}` cannot be a label: clauses use it for something else"
            case.wrong(entry, ("labels", name), what, "leave it out; a key speaks for its workload", key=True)
        elif workload.labels.get(name, value) != value:
            what = f"says `{name}: {value}`, and `{workload.id}` says `{name}: {workload.labels[name]}`"
            case.wrong(entry, ("labels", name), what, "a key may add labels, and not change them")
        elif name not in case.values_of and name not in (asked := _asked_by_budgets(case)):
            what = f"no workload has a label `{name}`"
            known = [label for label in (*case.values_of, *asked) if label not in RESERVED]
            case.wrong(entry, ("labels", name), what, did_you_mean(name, known), key=True)
    for at, model in enumerate(key.models or ()):
        if model not in workload.runs_on.models:
            what, runs = f"`{workload.id}` does not run on {model}", did_you_mean(model, workload.runs_on.models)
            case.wrong(entry, ("models", at), what, runs)
    same = [e for e in case.read("keys") if e.value.hash == key.hash and e is not entry]
    if same and same[0].where().line > entry.where().line:
        case.wrong(same[0], ("hash",), f"is the hash of `{key.id}` too", "make a new key: `detente keys new`")


def _asked_by_budgets(case: Entries) -> set[str]:
    """The labels that budgets ask for: keys may state them, whatever workloads state."""
    found: set[str] = set()
    for budget in case.values("budgets"):
        found |= budget.labels
    return found


def _fault(case: Entries, entry: Entry) -> None:
    """It strikes something that there is."""
    on = entry.value.on
    if parts_of(on)[1]:
        case.has_place(entry, ("on",), on)
        return
    names = case.names("deployments") | case.names("providers")
    if on not in names and not case.nameless("deployments") and not case.nameless("providers"):
        case.wrong(entry, ("on",), f"there is no deployment or provider `{on}`", did_you_mean(on, names))
