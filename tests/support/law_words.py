"""Operations on the network of a namespace, as a grammar of command lines.

``ip link set {dev} mtu {mtu}`` is a pattern; what stands in braces is one of a few words, so that operations meet each
other. A pattern or a word that stands there twice comes twice as often. Most of what a pattern makes should be accepted
by the kernel in some state; what is refused is no failure.

Lines begin with ``ip`` or ``bridge``, with ``-6`` or ``-n peer`` behind it, or with ``rtnetlink``: what the programs
that are installed cannot say, ``rtnetlink rule add PRIORITY ATTRIBUTE:VALUE …`` (``support.law``).

Of IPv6 routes to one destination all have the same protocol, metrics and source: siblings are announced, and listed,
with those of one of them.

Not here: running them (``support.law``); ports of bridges that are the two ends of a veth, which would be a loop.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import strategies as st

__all__ = ["OPERATIONS", "SETUP", "WORDS", "operation"]

# Where every example begins.
SETUP = """\
ip link add v0 address 02:00:00:00:00:10 type veth peer name v1 address 02:00:00:00:00:11
ip link add v2 address 02:00:00:00:00:12 type veth peer name v3 address 02:00:00:00:00:13
ip link add br0 address 02:00:00:00:00:20 type bridge
ip link add br1 type bridge
ip link add vx0 address 02:00:00:00:00:15 type vxlan id 5 dstport 4789
ip link add vx1 address 02:00:00:00:00:18 type vxlan dstport 4790 external
ip link add mv0 address 02:00:00:00:00:16 link v0 type macvlan mode bridge
ip link add ifb0 address 02:00:00:00:00:17 type ifb
ip link set v1 master br0
ip link set lo up
ip link set v0 up
ip link set v1 up
ip link set v2 up
ip link set v3 up
ip link set br0 up
ip link set vx0 up
ip addr add 192.0.2.1/24 dev v0
ip addr add 198.51.100.1/24 dev v2
ip addr add 2001:db8::1/64 dev v0
ip addr add 2001:db8:1::1/64 dev v2
""".splitlines()

# What stands for a name in braces: one of these, which may have names in braces again.
WORDS = {
    name: words.split("|")
    for name, words in {
        "dev": "v0|v0|v0|v2|v2|v1|v3|br0|br1|vx0|mv0|ifb0|lo|d0",
        "bridge": "br0|br0|br1",
        "port": "v1|v1|v3|vx0|ifb0",
        "far": "10.0.0.1|10.0.0.2|2001:db8::99",
        "mac": "02:00:00:00:00:05|02:00:00:00:00:06|02:00:00:00:00:06|33:33:00:00:00:05|00:00:00:00:00:00",
        "own4": "192.0.2.1/24|192.0.2.2/24|192.0.2.3/25|192.0.2.1/32|198.51.100.1/24|198.51.100.2/24|{odd4}",
        "odd4": "10.0.0.1/8|10.0.0.1 peer 10.0.0.2/32|192.0.2.1/24 metric 5|192.0.2.2/24 noprefixroute",
        "own6": "2001:db8::1/64|2001:db8::2/64|2001:db8:1::1/64|2001:db8::1/128|fd00::1/64|{odd6}",
        "odd6": "2001:db8::2/64 metric 5|2001:db8::3/64 noprefixroute|2001:db8::4 peer 2001:db8::5/128|fd00::1/48",
        "to4": "203.0.113.0/24|203.0.113.0/24|203.0.113.0/25|10.1.0.0/16|default|203.0.113.7",
        "to6": "2001:db8:9::/48|2001:db8:9::/48|2001:db8:9::/64|default|2001:db8:9::7|{same6}",
        "same6": "2001:db8:8::/48 mtu 1300|2001:db8:7::/48 proto static|2001:db8:6::/48 src 2001:db8::1",
        "gw4": "192.0.2.7|192.0.2.8|198.51.100.7|198.51.100.8",
        "gw6": "2001:db8::7|2001:db8::8|2001:db8:1::7|2001:db8:1::8",
        "via4": "via {gw4}|via {gw4}|via {gw4} dev {dev} onlink|via inet6 fe80::7 dev {dev}|dev {dev}",
        "via6": "via {gw6}|via {gw6}|via fe80::7 dev {dev}|dev {dev}",
        "weight": "|| weight 2| weight 200",
        "encap4": "||||encap ip id {number} dst 192.0.2.9 ",
        "encap6": "||||encap seg6 mode encap segs 2001:db8::{number} ",
        "hops4": "{encap4}{via4}|{encap4}{via4}|{more_hops4}|nhid {nexthop}",
        "hops6": "{encap6}{via6}|{encap6}{via6}|{more_hops6}|nhid {nexthop}",
        "more_hops4": "nexthop {via4}{weight} nexthop {via4}{weight}|nexthop {via4} nexthop {via4} nexthop {via4}",
        "more_hops6": "nexthop {via6}{weight} nexthop {via6}{weight}|nexthop {via6} nexthop {via6} nexthop {via6}",
        "more4": "|||| tos 0x10| src 192.0.2.1| src 198.51.100.1| mtu 1300| proto static| scope link",
        "put": "add|add|append|prepend|replace|replace|change",
        "type": "blackhole|unreachable|prohibit|throw",
        "metric": "||| metric 50| metric 1024",
        "table": "||| table 77",
        "nexthop": "1|2|3|4|10|11",
        "single": "1|2|3|4",
        "group": "1|1/2|1/2/3|1,5/2|3/4|4",
        "nud": "permanent|permanent|reachable|stale|noarp",
        "pref": "100|100|101|200",
        "match": "iif {dev}|oif {dev}|fwmark 1|fwmark 1/0xff|tos 0x10|ipproto tcp|ipproto udp sport 5|{more_match}",
        "more_match": "dport 10-20|dport 10|uidrange 0-0|suppress_prefixlength 3",
        "from4": "from 10.1.0.0/16|from 10.1.0.0/24|to 10.1.0.0/16|from 10.1.0.1|from all|not from 10.1.0.1",
        "from6": "from fd01::/16|to fd01::/16|from fd01::1|from all",
        "act": "table 77|table 77|table 78|blackhole|goto 200|unreachable",
        "dscp": "10|46",
        "mask": "255|65535",
        "mtu": "1400|1500|1280|1000",
        "number": "5|6",
    }.items()
}

# What can be done, by kind.
OPERATIONS = {
    "links": """\
ip link set {dev} up
ip link set {dev} up
ip link set {dev} down
ip link set {dev} mtu {mtu}
ip link set {dev} address 02:00:00:00:01:0{number}
ip link set {dev} name {dev}
ip link set {dev} alias x
ip link set {dev} txqueuelen 50{number}
ip link set {dev} multicast off
ip link set {dev} arp off
ip link set {dev} arp on
ip link set {dev} group {number}
ip link property add dev {dev} altname other{number}
""",
    "kinds": """\
ip link del {dev}
ip link del {dev}
ip link del {dev}
ip link add v0 address 02:00:00:00:00:10 type veth peer name v1 address 02:00:00:00:00:11
ip link add v2 address 02:00:00:00:00:12 type veth peer name v3 address 02:00:00:00:00:13
ip link add {bridge} type bridge
ip link add vx0 address 02:00:00:00:00:15 type vxlan id 5 dstport 4789
ip link add vx1 address 02:00:00:00:00:18 type vxlan dstport 4790 external
ip link add mv0 address 02:00:00:00:00:16 link v0 type macvlan mode bridge
ip link add ifb0 address 02:00:00:00:00:17 type ifb
ip link add d0 type dummy
ip link add d0 type bond
ip link add link v0 name d0 type vlan id 5
""",
    "masters": """\
ip link set {port} master {bridge}
ip link set {port} master {bridge}
ip link set {port} nomaster
""",
    "moves": """\
ip link set {dev} netns peer
ip link set {dev} netns peer
ip link set {dev} netns peer
ip -n peer link set {dev} netns 1
ip -n peer link set {dev} netns 1
ip -n peer link set {dev} up
ip -n peer link del {dev}
ip link add v2 address 02:00:00:00:00:12 type veth peer name v3 address 02:00:00:00:00:13 netns peer
""",
    "addresses": """\
ip addr add {own4} dev {dev}
ip addr add {own4} dev {dev}
ip addr add {own4} dev {dev} label {dev}:1
ip addr replace {own4} dev {dev}
ip addr add {own6} dev {dev}
ip addr add {own6} dev {dev}
ip addr replace {own6} dev {dev}
ip addr change {own6} dev {dev} valid_lft 1000 preferred_lft 500
ip addr del {own4} dev {dev}
ip addr del {own6} dev {dev}
ip addr flush dev {dev}
""",
    "routes4": """\
ip route {put} {to4} {hops4}{metric}{table}{more4}
ip route {put} {to4} {hops4}{metric}{table}{more4}
ip route {put} {to4} {hops4}
ip route {put} {type} {to4}{metric}{table}
ip route del {to4}{metric}{table}
ip route del {to4} {hops4}{table}
ip route del {to4}
""",
    "routes6": """\
ip -6 route {put} {to6} {hops6}{metric}{table}
ip -6 route {put} {to6} {hops6}{metric}{table}
ip -6 route {put} {to6} {hops6}
ip -6 route {put} {type} {to6}{metric}{table}
ip -6 route del {to6}{metric}{table}
ip -6 route del {to6} {hops6}{table}
ip -6 route del {to6}
ip -6 route flush {to6}
""",
    "nexthops": """\
ip nexthop add id {single} via 198.51.100.{number} dev v2
ip nexthop add id {single} via 2001:db8:1::{number} dev v2
ip nexthop add id {single} blackhole
ip nexthop add id 10 group {group}
ip nexthop add id 11 group {group}
ip nexthop replace id {single} via 198.51.100.{number} dev v2
ip nexthop replace id {single} via 2001:db8:1::{number} dev v2
ip nexthop replace id {nexthop} group {group}
ip nexthop del id {nexthop}
""",
    "rules": """\
ip rule add pref {pref} {from4} {match} {act}
ip rule add pref {pref} {from4} {match} {match} {act}
ip rule add pref {pref} {from4} {act}
ip -6 rule add pref {pref} {from6} {match} {act}
ip rule del pref {pref}
ip rule del pref {pref} {from4} {match} {act}
ip -6 rule del pref {pref}
ip rule flush table 77
rtnetlink rule add {pref} 25:{dscp}
rtnetlink rule del {pref} 25:{dscp}
rtnetlink rule add {pref} 24:10,10 29:{mask}
rtnetlink rule del {pref} 24:10,10 29:{mask}
rtnetlink rule add {pref} 23:10,10 28:{mask}
""",
    "neighbours": """\
ip neigh add {gw4} lladdr {mac} dev {dev} nud {nud}
ip neigh replace {gw4} lladdr {mac} dev {dev} nud {nud}
ip neigh add {gw6} lladdr {mac} dev {dev} nud {nud}
ip neigh replace {gw6} lladdr {mac} dev {dev} nud {nud}
ip neigh del {gw4} dev {dev}
ip neigh del {gw6} dev {dev}
ip neigh add proxy {gw4} dev {dev}
ip neigh del proxy {gw4} dev {dev}
ip neigh flush dev {dev}
""",
    "entries": """\
bridge fdb add {mac} dev {port} master static
bridge fdb replace {mac} dev {port} master static
bridge fdb replace {mac} dev {port} master dynamic
bridge fdb del {mac} dev {port} master
bridge fdb add {mac} dev vx0 dst {far}
bridge fdb append {mac} dev vx0 dst {far}
bridge fdb append {mac} dev vx0 dst {far} vni {number}
bridge fdb replace {mac} dev vx0 dst {far}
bridge fdb replace {mac} dev vx0 dst {far}
bridge fdb append {mac} dev vx1 dst {far} src_vni {number}
bridge fdb replace {mac} dev vx1 dst {far} src_vni {number} vni {number}
bridge fdb del {mac} dev vx0 dst {far}
bridge fdb del {mac} dev vx0
bridge fdb add {mac} dev {dev} self
bridge fdb flush dev {bridge}
bridge mdb add dev {bridge} port {port} grp 239.1.1.{number} permanent
bridge mdb del dev {bridge} port {port} grp 239.1.1.{number}
""",
}


def operation(kind: str) -> st.SearchStrategy[str]:
    """Operations of a kind."""
    return _one_of(OPERATIONS[kind].splitlines())


def _one_of(patterns: Sequence[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(patterns).flatmap(_with_words)


def _with_words(pattern: str) -> st.SearchStrategy[str]:
    """A pattern with a word for each name in braces."""
    if "{" not in pattern:
        return st.just(pattern)
    parts = re.split(r"\{(\w+)\}", pattern)
    drawn = [_one_of(WORDS[part]) if number % 2 else st.just(part) for number, part in enumerate(parts)]
    return st.tuples(*drawn).map("".join)
