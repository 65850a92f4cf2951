"""Where Bedrock is: its address by region, and the paths of a model.

Owns: the part of AWS's endpoint rules that Bedrock uses, and how a model's id is written in a path. Not here: what is
sent there.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "us-isof-": "csp.hci.ic.gov",
}
"""Domains of AWS's partitions, by how their regions begin; GovCloud (``us-gov-``) has the common one."""

_HOST = re.compile(r"(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z]{2,}(?:-[a-z]+)+-\d)\.")


def base_of(region: str) -> str:
    """The address of Bedrock's runtime in a region (AWS's endpoint rule set for it, without FIPS and dual stack)."""
    suffix = next((domain for start, domain in SUFFIXES.items() if region.startswith(start)), "amazonaws.com")
    return f"https://bedrock-runtime.{region}.{suffix}"


def region_of(base: str, declared: str) -> str:
    """The region that a signature names: an AWS address names its own, any other is in the declared one."""
    found = _HOST.search(urlsplit(base).hostname or "")
    return found.group(1) if found else declared


def path_of(name: str, action: str) -> str:
    """The path of an action on a model, a profile or an ARN: everything but letters, digits and ``-._~`` is escaped.

    AWS's clients send it this way, and a signature covers it as sent: ``:`` is ``%3A``, ``/`` of an ARN ``%2F``.
    """
    return f"/model/{quote(name, safe='-._~')}/{action}"
