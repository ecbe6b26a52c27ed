"""Objects are named as ``ip`` and ``bridge`` print them, as far as their identity goes."""

from __future__ import annotations

import pytest

from nlmon.events import AddrInfo, LinkInfo, NeighInfo, NextHop, RouteInfo, RoutePayload, RuleInfo
from nlmon.state.describe import show_key
from nlmon.state.identity import objects_of

INET, INET6, BRIDGE = 2, 10, 7
BOOT, KERNEL, STATIC, LINK, UNICAST, MAIN = 3, 2, 4, 253, 1, 254
LINKS: dict[tuple[object, ...], RoutePayload] = {
    (index,): LinkInfo(0, index, 0, ifname=name) for index, name in ((1, "lo"), (3, "eth0"), (4, "br0"), (9, "vxlan0"))
}


def route(family: int = INET, length: int = 24, *, table: int = MAIN, kind: int = UNICAST, **more: object) -> RouteInfo:
    """A route that ``ip route add`` made."""
    head = {"protocol": BOOT, "scope": 0, "flags": 0, "tos": 0, "dst": "10.0.0.0"} | more
    return RouteInfo(family, length, 0, type=kind, table=table, **head)  # type: ignore[arg-type]


def rule(family: int = INET, action: int = 1, table: int = MAIN, **more: object) -> RuleInfo:
    """A rule that ``ip rule add`` made."""
    head = {"dst_len": 0, "src_len": 0, "tos": 0, "flags": 0, "priority": 100} | more
    return RuleInfo(family, action=action, table=table, **head)  # type: ignore[arg-type]


HOPS = (NextHop(3, 1, 0, gateway="192.0.2.1"), NextHop(5, 10, 0, via="inet6 fe80::1"))
EXAMPLES = {
    "link eth0 (ifindex 3)": LinkInfo(0, 3, 0, ifname="eth0"),
    "link ifindex 7": LinkInfo(0, 7, 0, ifname="eth7"),
    "port eth0 (ifindex 3)": LinkInfo(BRIDGE, 3, 0),
    "addr 192.0.2.1/24 dev eth0": AddrInfo(INET, 3, 24, 0, addr="192.0.2.1"),
    "addr 192.0.2.1 peer 192.0.2.2/32 ifindex 5": AddrInfo(INET, 5, 32, 0, addr="192.0.2.1", peer="192.0.2.2"),
    "addr fe80::1 dev eth0": AddrInfo(INET6, 3, 64, LINK, addr="fe80::1"),
    "neigh 192.0.2.9 dev eth0": NeighInfo(INET, 3, 2, 0, dst="192.0.2.9"),
    "neigh 192.0.2.9 dev eth0 proxy": NeighInfo(INET, 3, 2, 8, dst="192.0.2.9"),
    "fdb 02:00:00:00:00:01 vlan 10 master br0": NeighInfo(
        *(BRIDGE, 3, 2, 0), lladdr="02:00:00:00:00:01", vlan=10, master=4
    ),
    "fdb 02:00:00:00:00:01 master ifindex 8": NeighInfo(BRIDGE, 3, 2, 0, lladdr="02:00:00:00:00:01", master=8),
    "fdb 00:00:00:00:00:00 dev vxlan0 dst 192.0.2.7 src_vni 3 port 4789 vni 7 self": NeighInfo(
        *(BRIDGE, 9, 2, 2, "192.0.2.7", "00:00:00:00:00:00"), vni=7, src_vni=3, port=4789
    ),
    "rule 100: from all lookup main": rule(),
    "rule inet6 0: from all lookup local": rule(INET6, table=255, priority=None),
    "rule RTNL_FAMILY_IPMR 100: from all lookup default": rule(128, table=253),
    "rule 100: not from 10.0.0.0/8 to 192.0.2.1 iif eth0 lookup 100": rule(
        table=100, flags=2, src="10.0.0.0", src_len=8, dst="192.0.2.1", dst_len=32, iifname="eth0"
    ),
    "rule 100: from all fwmark 0x1/0xff oif eth0 ipproto tcp uidrange 0-99 sport 80 dport 1-2 lookup main": rule(
        *(),
        fwmark=1,
        fwmask=255,
        oifname="eth0",
        ip_proto=6,
        uid_range=(0, 99),
        sport_range=(80, 80),
        dport_range=(1, 2),
    ),
    "rule 100: from all tos 0x10 tun_id 5 lookup main suppress_prefixlength 0 realms 1/2 proto kernel": rule(
        tos=16, tun_id=5, suppress_prefixlen=0, suppress_ifgroup=-1, flow=0x10002, protocol=KERNEL
    ),
    "rule 100: from all lookup [l3mdev-table]": rule(table=0, l3mdev=1),
    "rule 100: from all dscp 10/0x3f sport 80-95/0xfff0 lookup main": rule(
        dscp=10, dscp_mask=63, sport_range=(80, 95), sport_mask=0xFFF0
    ),
    "rule 100: from all dscp 46 lookup main": rule(dscp=46),
    "rule inet6 100: from all flowlabel 0x5/0xff lookup main": rule(family=INET6, flowlabel=5, flowlabel_mask=255),
    "rule 100: from all goto 200": rule(action=2, table=0, goto=200),
    "rule 100: from all prohibit": rule(action=8, table=0),
    "route 10.0.0.0/24 via 192.0.2.1 dev eth0 metric 50 mtu 1400 advmss 1200": route(
        gateway="192.0.2.1", oif=3, priority=50, metrics=((2, 1400), (8, 1200))
    ),
    "route default via 192.0.2.1 dev eth0 proto static": route(
        length=0, dst=None, gateway="192.0.2.1", oif=3, protocol=STATIC
    ),
    "route inet6 default via fe80::1 dev eth0": route(INET6, 0, dst=None, gateway="fe80::1", oif=3),
    "route local 192.0.2.1 dev lo table local proto kernel scope host src 192.0.2.1": route(
        *(INET, 32), table=255, kind=2, dst="192.0.2.1", oif=1, protocol=KERNEL, scope=254, prefsrc="192.0.2.1"
    ),
    "route blackhole 10.0.0.0/24 table 100": route(kind=6, table=100),
    "route 10.0.0.0/24 tos 0x8 nhid 7": route(nh_id=7, tos=8),
    "route 10.0.0.0/24 dev eth0 encap mpls 0800 onlink": route(oif=3, flags=4, encap_type=1, encap="0800"),
    "route 10.0.0.0/24 nexthop via 192.0.2.1 dev eth0 nexthop via inet6 fe80::1 ifindex 5 weight 10": route(
        multipath=HOPS
    ),
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_object_reads_as_ip_prints_it(text: str) -> None:
    """Interfaces by name where the state knows them; what ip leaves out is left out."""
    assert [show_key(kind, key, LINKS) for kind, key, _ in objects_of(EXAMPLES[text])] == [text]
