"""Leniency: what of a call may be left out for a deployment that cannot do it, where a case or a key says so.

Owns: the names of what may be left out. Not here: what changes no answer, which is left out in any case (each wire and
surface knows its own), and leaving out (``providers``, ``gateway/surfaces``). Whatever is left out is listed in the
reply's headers and in its record.
"""

from __future__ import annotations

from typing import Literal

Leniency = Literal[
    "seed",
    "penalties",
    "logit-bias",
    "logprobs",
    "prediction",
    "parallel-tools",
    "reasoning",
    "sampling",
    "verbosity",
    "hosted-tools",
    "strict-tools",
    "names",
]
"""``reasoning``: effort, budgets, and thoughts that another maker's model cannot read. ``sampling``: values of
``temperature``, ``top_p`` and ``top_k`` that a model does not take. ``strict-tools``: that arguments of tools keep to
their schema (`strict`), which some models cannot promise. ``hosted-tools``: tools on offer that run at a
provider. ``names``: of participants. The others are members, or the features that ``lacks:`` names."""
