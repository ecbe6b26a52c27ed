"""The law of state holds: what the events of a namespace make is what its kernel lists, whatever was done in it."""

from __future__ import annotations

from typing import Any

import pytest

from nlmon.testing.zoo import ZOO
from support.law import obey, obeyed
from support.law_namespace import Namespace
from support.law_words import OPERATIONS, SETUP
from support.requirements import require_sandbox

pytestmark = [pytest.mark.live]

# The share of the operations of a kind that the kernel does not refuse; it refuses most links that are there already.
LEAST = 0.1


@pytest.fixture(autouse=True)
def namespaces() -> None:
    """Skips where there is no sandbox, with the reason that it gives."""
    require_sandbox()


# What broke the law once, as few commands as it takes.
FINDS: list[Any] = [
    pytest.param(
        ["rtnetlink rule add 100 25:10", "rtnetlink rule add 100 25:46"],
        id="rules-of-dscp",
    ),
    pytest.param(
        ["rtnetlink rule add 100 23:10,10 28:255", "rtnetlink rule add 100 23:10,10 28:65535"],
        id="rules-of-port-masks",
    ),
    pytest.param(
        [
            "bridge fdb add 02:00:00:00:00:06 dev vx0 dst 10.0.0.1",
            "bridge fdb replace 02:00:00:00:00:06 dev vx0 dst 10.0.0.2",
        ],
        id="remote-that-moves",
    ),
    pytest.param(
        [
            "ip -6 route add 2001:db8:9::/48 nexthop via fe80::7 dev v0 nexthop via 2001:db8::7",
            "ip -6 route replace throw 2001:db8:9::/48",
        ],
        id="siblings-that-one-replaces",
    ),
    pytest.param(
        ["ip route add 203.0.113.0/24 via 192.0.2.7", "ip addr del 192.0.2.1/24 dev v0"],
        id="last-address",
    ),
    pytest.param(
        [
            "ip route add 203.0.113.0/24 nexthop via 192.0.2.7 nexthop via 198.51.100.7",
            "ip link set v2 netns peer",
        ],
        id="hop-that-is-gone",
    ),
    pytest.param(
        [
            "ip nexthop add id 7 via 192.0.2.7 dev v0",
            "ip route add 203.0.113.0/24 nhid 7",
            "ip addr del 192.0.2.1/24 dev v0",
        ],
        id="nexthop-object-without-an-address",
    ),
    pytest.param(
        ["ip -6 route add 2001:db8:9::/48 via fe80::7 dev v1 src 2001:db8::1", "ip addr del 2001:db8::1/64 dev v0"],
        id="preferred-source-that-is-gone",
    ),
    pytest.param(
        ["ip -6 route add 2001:db8:9::/48 via fe80::7 dev v1 src 2001:db8::1", "ip link set v0 down"],
        id="preferred-source-of-a-link-that-is-down",
    ),
    pytest.param(
        ["ip -6 route add 2001:db8:9::/48 via fe80::7 dev v1 src 2001:db8::1", "ip link del v0"],
        id="preferred-source-of-a-link-that-is-gone",
    ),
    pytest.param(
        [
            "ip addr add 2001:db8::1/64 dev v1",
            "ip -6 route add 2001:db8:9::/48 via fe80::7 dev v1 src 2001:db8::1",
            "ip addr del 2001:db8::1/64 dev v0",
        ],
        id="preferred-source-of-two-links",
    ),
    pytest.param(
        ["ip nexthop add id 1 via 192.0.2.7 dev v0", "ip route add 203.0.113.0/24 nhid 1", "ip nexthop del id 1"],
        id="nexthop-object-that-is-gone",
    ),
    pytest.param(
        [
            "ip nexthop add id 1 via 192.0.2.7 dev v0",
            "ip nexthop add id 2 via 198.51.100.7 dev v2",
            "ip nexthop add id 3 via 192.0.2.8 dev v0",
            "ip nexthop add id 5 via 2001:db8::7 dev v0",
            "ip nexthop add id 10 group 1,5/2/3/5",
            "ip nexthop add id 11 group 3",
            "ip route add 203.0.113.0/24 nhid 10",
            "ip route add 203.0.113.0/25 nhid 11",
            "ip nexthop del id 3",
            "ip nexthop del id 5",
        ],
        id="member-of-a-group-that-is-gone",
    ),
    pytest.param(
        [
            "ip nexthop add id 3 via 2001:db8::7 dev v0",
            "ip nexthop add id 4 via 2001:db8:1::7 dev v2",
            "ip nexthop add id 11 group 3/4",
            "ip -6 route add 2001:db8:9::/48 nhid 11",
            "ip route add 203.0.113.0/24 nhid 11",
            "ip nexthop del id 3",
        ],
        id="ipv6-member-of-a-group-that-is-gone",
    ),
    pytest.param(
        [
            "ip nexthop add id 1 via 192.0.2.7 dev v0",
            "ip nexthop add id 2 via 198.51.100.7 dev v2",
            "ip nexthop add id 10 group 1/2",
            "ip route add 203.0.113.0/24 nhid 10",
            "ip link set v0 down",
        ],
        id="hop-of-a-group-that-is-down",
    ),
    pytest.param(
        [
            "ip nexthop add id 3 via 2001:db8::7 dev v0",
            "ip nexthop add id 4 via 2001:db8:1::7 dev v2",
            "ip nexthop add id 11 group 3/4",
            "ip -6 route add 2001:db8:9::/48 nhid 11",
            "ip link del v0",
        ],
        id="ipv6-hop-of-a-group-that-is-gone",
    ),
    pytest.param(
        [
            "ip nexthop add id 2 via 198.51.100.7 dev v2",
            "ip nexthop add id 4 via 2001:db8:1::7 dev v2",
            "ip route add 203.0.113.0/24 nhid 2",
            "ip -6 route add 2001:db8:9::/48 nhid 4",
            "ip link set v3 down",
        ],
        id="nexthop-object-without-a-carrier",
    ),
    pytest.param(["ip rule add pref 100 to 10.1.0.0/16 suppress_prefixlength 3 unreachable"], id="suppressed-nothing"),
    pytest.param(
        [
            "ip route add default nexthop via 192.0.2.8 nexthop dev v3",
            "ip addr flush dev v0",
            "ip link set v3 down",
        ],
        id="hop-without-an-address",
    ),
    pytest.param(["ip link set v1 name d0"], id="port-that-is-renamed"),
    pytest.param(["ip rule add pref 100 from 10.1.0.1 fwmark 1 dport 10 goto 200"], id="mask-of-every-bit"),
]


@pytest.mark.parametrize("commands", FINDS)
def test_what_broke_the_law(commands: list[str]) -> None:
    """The states of both implementations are what the kernel lists after a few commands."""
    assert obeyed(commands) == {}


def test_addresses_are_announced_when_nobody_else_has_them() -> None:
    """What duplicate address detection delays is waited for."""
    assert obeyed(["ip addr add 2001:db8::7/64 dev v0", "ip link set v2 down"], dad=True) == {}


@pytest.mark.parametrize(
    ("name", "command"),
    [("no RTM_DELADDR", "ip addr del 2001:db8::1/64 dev v0"), ("no RTM_DELLINK", "ip link del vx0")],
)
def test_an_implementation_can_break_the_law(name: str, command: str) -> None:
    """Of one that keeps what has gone the law says so, and of the other nothing."""
    with Namespace(candidate=ZOO[name].make) as namespace:
        namespace.run([*SETUP, command])
        found = namespace.differences()

    assert found.keys() - {"legacy"} == found.keys() != set()


def test_the_law_holds() -> None:
    """After 300 operations that nobody chose, and at every tenth of them; of each kind the kernel did some."""
    kinds = obey(1, 300)

    assert kinds.keys() == OPERATIONS.keys()
    assert {kind for kind, (count, refused) in kinds.items() if count - refused < count * LEAST} == set()
