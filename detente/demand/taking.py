"""What work takes of an offer, in the offer's own unit: GPU-hours, or Mtok.

Owns: the conversion, for planned work by a workload's mix and for a call by its own tokens. Not here: whether an offer
can run it (``workload``), and what that costs (``market``).
"""

from __future__ import annotations

from fractions import Fraction

from detente.demand.workload import AnyWorkload
from detente.errors import FlawError
from detente.market.offer import AnyOffer, GpuOffer, TokenOffer


def taken_by_work(workload: AnyWorkload, offer: AnyOffer) -> Fraction:
    """What a unit of work takes of an offer; of tokens, a million of the workload's mix."""
    each = taken_by_tokens(workload, offer)
    if workload.mix is None:
        return each[0]
    return sum((part * taken for part, taken in zip(workload.mix.parts, each, strict=True)), Fraction(0))


def taken_by_tokens(workload: AnyWorkload, offer: AnyOffer, model: str = "") -> tuple[Fraction, Fraction, Fraction]:
    """What a million tokens of input, of input read from a cache, and of output take of an offer.

    Provisioned throughput counts tokens of input; a token of output weighs its ratio, and a cached one nothing
    (Azure: cached tokens are taken off utilisation in full). Of units that serve several models that a workload lists,
    it runs on the first, unless it is known by which ``model`` it was served. Raises FlawError where it can run on
    none of what is sold.
    """
    if isinstance(offer, TokenOffer):
        return (Fraction(1),) * 3
    if isinstance(offer, GpuOffer):
        rate = workload.runs_on.accelerators.get(offer.accelerator)
        if rate is None:
            raise _unknown(workload, offer, f"states no rate on `{offer.accelerator}`")
        return (1 / Fraction(rate[0]),) * 3
    served = next((name for name in (model, *workload.runs_on.models) if name in offer.sells), None)
    if served is None:
        raise _unknown(workload, offer, f"runs on no model of {' and '.join(offer.sells)}")
    of_input, of_output = offer.takes(served)
    return of_input, Fraction(0), of_output


def _unknown(workload: AnyWorkload, offer: AnyOffer, why: str) -> FlawError:
    what = f"`{workload.id}` {why}, so that what it takes of `{offer.id}` is not known"
    return FlawError(what, "state it under `runs-on`")
