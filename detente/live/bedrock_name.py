"""A name at Amazon Bedrock: a model's id, an inference profile's, or an ARN, and what it says of where a call may run.

Owns: reading such a name. Not here: the address of a deployment (``deployment``), and whether the two and an offer fit
together (``wiring``).

Source: "Supported Regions and models for inference profiles" and "Cross-Region inference", Amazon Bedrock User Guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_ARN = re.compile(r"arn:[a-z0-9-]+:(?:bedrock|sagemaker):([a-z0-9-]*):[^:/]*:([a-z0-9-]+)/(.+)", re.IGNORECASE)
_OF_ONE_REGION = frozenset(
    {"foundation-model", "provisioned-model", "custom-model", "custom-model-deployment", "imported-model", "endpoint"}
)
"""Kinds of ARN that run where they are. Of others that is not known: profiles, routers and prompts hold other names."""
_PREFIX = re.compile(r"(us|eu|apac|jp|au|ca|sa|global|us-gov)\.[a-z]|([a-z-]+)\.[a-z][a-z0-9-]*\.[a-z]", re.IGNORECASE)
"""``eu.amazon.nova-pro-v1:0``; also a prefix that is not known here, ahead of what a model's maker is called."""
_BARE = re.compile(r"[a-z0-9]{12}")
"""What an application's profile or a router is called within its ARN; a model's id has a dot."""
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]+")
_HOME = {"us": "us", "eu": "eu", "apac": "ap", "jp": "ap", "au": "ap", "ca": "ca", "sa": "sa", "us-gov": "us-gov"}
_BESIDE = {"us": frozenset({"ca"}), "eu": frozenset({"il"}), "apac": frozenset({"me"})}
"""Neighbours from which a profile may be called, and which it then may use too."""


@dataclass(frozen=True, slots=True)
class BedrockName:
    """What Bedrock calls a model or a profile."""

    text: str

    @property
    def region(self) -> str | None:
        """The region that an ARN lies in; None where it names none, and of what is no ARN."""
        found = _ARN.fullmatch(self.text)
        return found[1] or None if found else None

    @property
    def prefix(self) -> str | None:
        """What a cross-region profile's name begins with: ``eu``, ``global``; None of what has no such prefix."""
        found = _PREFIX.match(self.text.rpartition("/")[2])
        return (found[1] or found[2]).lower() if found else None

    @property
    def model(self) -> str:
        """The model of a cross-region profile, as some actions want it named; of anything else, what it is called."""
        return self.text if self.prefix is None else self.text.rpartition("/")[2].partition(".")[2]

    @property
    def spans_regions(self) -> bool:
        """Whether it may run a call in several regions, as far as its name tells: what is not known may."""
        if self.prefix is not None:
            return True
        found = _ARN.fullmatch(self.text)
        if found is None:
            return self.text.lower().startswith("arn:") or bool(_BARE.fullmatch(self.text))
        return not found[1] or found[2].lower() not in _OF_ONE_REGION

    def contradiction(self, regions: Iterable[str]) -> str | None:
        """Why it cannot be that a profile of this name runs in these regions and no others; None where it can.

        Regions whose names are not of AWS's form are not judged.
        """
        prefix, those = self.prefix, tuple(dict.fromkeys(regions))
        if prefix is None:
            return None
        if len(those) == 1:
            return f"`{prefix}.` stands for several regions, and this names `{those[0]}` alone"
        lands = {region: _land(region) for region in those if _REGION.fullmatch(region)}
        if prefix == "global":
            if len(lands) == len(those) and len(set(lands.values())) == 1:
                return f"`global.` stands for regions all over the world, and all of these are in `{lands[those[0]]}-…`"
            return None
        home = _HOME.get(prefix)
        if home is None:
            return None
        away = [region for region, land in lands.items() if land != home and land not in _BESIDE.get(prefix, ())]
        if away:
            return f"`{prefix}.` stands for regions `{home}-…`, and `{away[0]}` is none of them"
        if len(lands) == len(those) and home not in lands.values():
            return f"`{prefix}.` stands for regions `{home}-…`, and this names none of them"
        return None


def _land(region: str) -> str:
    """The part of the world that an AWS region is in, as its name says: ``eu``, ``ap``; ``us-gov`` is its own."""
    return "us-gov" if region.startswith("us-gov-") else region.partition("-")[0]
