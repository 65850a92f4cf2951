"""Which addresses are public: everybody's to reach, and nobody's own network. Pure.

Owns: the judgement of one address, in whichever form it is written. Not here: names, and connecting (``visits``).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

PLATFORM = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
"""Answered by the platform that a machine runs on, which tells it about itself (Azure, Oracle), whatever the registry
of addresses says of them."""
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""Addresses that lead to the one of version 4 in their last 32 bits (RFC 6052)."""


def is_public(address: str) -> bool:
    """Whether an address is public; of one that leads to another, whether that is."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        inner = _inner(found)
        if inner is None:
            return found.is_global and not found.is_multicast
        found = inner
    return found.is_global and not found.is_multicast and not any(found in network for network in PLATFORM)


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The address of version 4 that one of version 6 stands for, if it does."""
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo is not None else None)
