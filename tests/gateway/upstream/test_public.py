"""Which addresses are public."""

from __future__ import annotations

import pytest

from detente.gateway.upstream.public import is_public

LOOPBACK = ["127.0.0.1", "127.9.9.9", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1"]
NETWORKS = ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fe80::1%eth0", "fc00::1"]
INNER = ["::ffff:10.0.0.1", "2002:a00:1::", "2001:0:4136:e378:8000:63bf:f5ff:fffe"]
PLATFORM = ["169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254"]
PLATFORM += ["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "::ffff:168.63.129.16"]
NOBODYS = ["198.18.0.1", "203.0.113.7", "224.0.0.1", "240.0.0.1", "255.255.255.255", "ff02::1", "2001:db8::1"]
NONE = ["files.example.com", "1", "127.1", "0x7f000001", "2130706433", ""]
PRIVATE = [*LOOPBACK, *NETWORKS, *INNER, *PLATFORM, *NOBODYS, *NONE]
PUBLIC = ["93.184.215.14", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "64:ff9b::101:101", "168.63.129.17"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_network_of_somebodys_own_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_everybody_reaches_is(address: str) -> None:
    assert is_public(address)
