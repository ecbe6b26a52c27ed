"""Where attributes begin: the set of each message, and of what nests by the text that stands beside it.

Every set is named as in ``attributes``. A fixed header has the size of its structure on 64-bit kernels, rounded up to
where the first attribute stands.

Source: the kernel's netlink specifications (the sub-messages of rt-link and tc), linux/rtnetlink.h, linux/if_link.h,
linux/lwtunnel.h, linux/sock_diag.h and its kin, linux/xfrm.h, linux/netfilter/nfnetlink.h, linux/ethtool_netlink.h,
linux/netdev.h.

Not here: what is in a set (``attributes``), and messages of netfilter but for connection tracking.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from nlmon import uapi

__all__ = ["ENCAPS", "INDEXED", "MESSAGES", "SELECTED", "Nest", "root_of"]


class Nest(NamedTuple):
    """Where attributes begin: their set (empty if none is known) and the bytes of the structure before them."""

    set: str = ""
    before: int = 0


# The set of the messages that give an event, by what they are called, and of a generic family by its name.
MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "link": "rt-link/link-attrs",
        "addr": "rt-addr/addr-attrs",
        "route": "rt-route/route-attrs",
        "neigh": "rt-neigh/neighbour-attrs",
        "rule": "rt-rule/fib-rule-attrs",
        "tc": "tc/attrs",
        "prefix": "rt-prefix/prefix-attrs",
        "netconf": "rt-netconf/netconf-attrs",
        "mdb": "rt-mdb/mdb-attrs",
        "nsid": "rt-nsid/nsid-attrs",
        "stats": "rt-link/stats-attrs",
        "nexthop": "rt-nexthop/nexthop-attrs",
        "inet socket": "sock-diag/inet-attrs",
        "unix socket": "sock-diag/unix-attrs",
        "xfrm": "xfrm/xfrm-attrs",
        "conntrack": "conntrack/conntrack-attrs",
        "expect": "conntrack/expect-attrs",
        # generic families whose messages all have one set
        "devlink": "devlink/devlink",
        "dpll": "dpll/dpll",
        "fou": "fou/fou",
        "net-shaper": "net-shaper/net-shaper",
        "nl80211": "nl80211/nl80211-attrs",
        "nlctrl": "nlctrl/ctrl-attrs",
        "ovpn": "ovpn/ovpn",
        "tcp_metrics": "tcp_metrics/tcp-metrics",
        "team": "team/team",
        "wireguard": "wireguard/wgdevice",
    }
)
# Messages of NETLINK_ROUTE by the first type of their noun (RTM_NEWLINK ...): set and size of the fixed header.
_ROUTE: Mapping[int, Nest] = {
    uapi.RTM_NEWLINK: Nest("rt-link/link-attrs", uapi.IFINFOMSG),
    uapi.RTM_NEWADDR: Nest("rt-addr/addr-attrs", uapi.IFADDRMSG),
    uapi.RTM_NEWROUTE: Nest("rt-route/route-attrs", uapi.RTMSG),
    uapi.RTM_NEWNEIGH: Nest("rt-neigh/neighbour-attrs", uapi.NDMSG),
    uapi.RTM_NEWRULE: Nest("rt-rule/fib-rule-attrs", uapi.FIB_RULE_HDR),
    uapi.RTM_NEWQDISC: Nest("tc/attrs", uapi.TCMSG),
    uapi.RTM_NEWTCLASS: Nest("tc/attrs", uapi.TCMSG),
    uapi.RTM_NEWTFILTER: Nest("tc/attrs", uapi.TCMSG),
    uapi.RTM_NEWACTION: Nest("rt-action/action-attrs", 4),
    uapi.RTM_NEWPREFIX: Nest("rt-prefix/prefix-attrs", uapi.PREFIXMSG),
    uapi.RTM_NEWNEIGHTBL: Nest("rt-neigh/ndt-attrs", 4),
    uapi.RTM_NEWNDUSEROPT: Nest("rt-nduseropt/nduseropt-attrs", 16),
    uapi.RTM_NEWADDRLABEL: Nest("rt-addrlabel/addrlabel-attrs", 12),
    uapi.RTM_NEWNETCONF: Nest("rt-netconf/netconf-attrs", uapi.NETCONFMSG),
    uapi.RTM_NEWMDB: Nest("rt-mdb/mdb-attrs", uapi.BR_PORT_MSG),
    uapi.RTM_NEWNSID: Nest("rt-nsid/nsid-attrs", uapi.RTGENMSG),
    uapi.RTM_NEWSTATS: Nest("rt-link/stats-attrs", uapi.IF_STATS_MSG),
    uapi.RTM_NEWCACHEREPORT: Nest("rt-cachereport/cachereport-attrs", 4),
    uapi.RTM_NEWCHAIN: Nest("tc/attrs", uapi.TCMSG),
    uapi.RTM_NEWNEXTHOP: Nest("rt-nexthop/nexthop-attrs", uapi.NHMSG),
    uapi.RTM_NEWLINKPROP: Nest("rt-link/link-attrs", uapi.IFINFOMSG),
    uapi.RTM_NEWVLAN: Nest("rt-vlan/vlan-attrs", 8),
    uapi.RTM_NEWNEXTHOPBUCKET: Nest("rt-nexthop/nexthop-attrs", uapi.NHMSG),
    uapi.RTM_NEWTUNNEL: Nest("rt-tunnel/vnifilter-attrs", 8),
}
# Links that a bridge or IPv6 announces have other attributes inside, by the address family of the message.
_LINK_OF = {uapi.AF_BRIDGE: "rt-link/link-attrs@bridge", uapi.AF_INET6: "rt-link/link-attrs@inet6"}
_DIAG: Mapping[int, Nest] = {
    uapi.AF_UNIX: Nest("sock-diag/unix-attrs", uapi.UNIX_DIAG_MSG),
    uapi.AF_INET: Nest("sock-diag/inet-attrs", uapi.INET_DIAG_MSG),
    uapi.AF_INET6: Nest("sock-diag/inet-attrs", uapi.INET_DIAG_MSG),
    uapi.AF_NETLINK: Nest("sock-diag/netlink-attrs", 28),
    uapi.AF_PACKET: Nest("sock-diag/packet-attrs", 16),
    uapi.AF_XDP: Nest("sock-diag/xdp-attrs", 16),
}
# Bytes of the structure by type of the message.
_XFRM_BYTES = {
    **dict.fromkeys((uapi.XFRM_MSG_NEWSA, uapi.XFRM_MSG_UPDSA), uapi.XFRM_USERSA_INFO),
    uapi.XFRM_MSG_DELSA: uapi.XFRM_USERSA_ID,
    **dict.fromkeys((uapi.XFRM_MSG_NEWPOLICY, uapi.XFRM_MSG_UPDPOLICY), uapi.XFRM_USERPOLICY_INFO),
    uapi.XFRM_MSG_DELPOLICY: uapi.XFRM_USERPOLICY_ID,
    uapi.XFRM_MSG_ACQUIRE: uapi.XFRM_USER_ACQUIRE,
    uapi.XFRM_MSG_EXPIRE: uapi.XFRM_USER_EXPIRE,
    uapi.XFRM_MSG_POLEXPIRE: uapi.XFRM_USER_POLEXPIRE,
    uapi.XFRM_MSG_FLUSHSA: 4,  # one byte with its padding
    uapi.XFRM_MSG_FLUSHPOLICY: 0,
    uapi.XFRM_MSG_NEWAE: uapi.XFRM_AEVENT_ID,
}
_XFRM: Mapping[int, Nest] = {
    **{msg_type: Nest("xfrm/xfrm-attrs", size) for msg_type, size in _XFRM_BYTES.items()},
    uapi.XFRM_MSG_GETSADINFO: Nest("xfrm/sad-attrs", 4),
    uapi.XFRM_MSG_GETSPDINFO: Nest("xfrm/spd-attrs", 4),
}
# linux/netfilter/nfnetlink.h: the subsystem, and for tracking what it tracks
_NETFILTER = {
    uapi.NFNL_SUBSYS_CTNETLINK: "conntrack/conntrack-attrs",
    uapi.NFNL_SUBSYS_CTNETLINK_EXP: "conntrack/expect-attrs",
}
# Generic families with a set for each command, by the number of the command.
_ETHTOOL = """
    - strset linkinfo linkinfo linkmodes linkmodes linkstate debug debug wol wol features features features privflags
    privflags rings rings channels channels coalesce coalesce pause pause eee eee tsinfo cable-test-ntf
    cable-test-tdr-ntf tunnel-info fec fec module-eeprom stats phc-vclocks module module pse rss plca plca plca mm mm
    module-fw-flash phy phy
"""
_NETDEV = "- dev dev dev dev page-pool page-pool page-pool page-pool page-pool-stats queue napi qstats dmabuf"
_COMMANDS: Mapping[str, tuple[str, ...]] = {"ethtool": tuple(_ETHTOOL.split()), "netdev": tuple(_NETDEV.split())}


def root_of(protocol: int, msg_type: int, first: int = -1, family: str = "") -> Nest:
    """Where the attributes of a message begin.

    ``first``: the first byte behind the message header, which is the address family, or the command of a generic
    message. ``family``: the name of the generic family, which the kernel gives with its number.
    """
    if protocol == uapi.NETLINK_ROUTE:
        noun = msg_type & ~uapi.RTNL_KIND_MASK
        root = _ROUTE.get(noun, Nest())
        return Nest(_LINK_OF.get(first, root.set), root.before) if noun == uapi.RTM_NEWLINK else root
    if protocol == uapi.NETLINK_SOCK_DIAG:
        return _DIAG.get(first, Nest())
    if protocol == uapi.NETLINK_XFRM:
        return _XFRM.get(msg_type, Nest())
    if protocol == uapi.NETLINK_NETFILTER:
        return Nest(_NETFILTER.get(msg_type >> 8, ""), uapi.NFGENMSG)
    if protocol == uapi.NETLINK_GENERIC:
        commands = _COMMANDS.get(family, ())
        if 0 < first < len(commands):
            return Nest(f"{family}/{commands[first]}", uapi.GENL_HDRLEN)
        return Nest(MESSAGES.get("nlctrl" if msg_type == uapi.GENL_ID_CTRL else family, ""), uapi.GENL_HDRLEN)
    return Nest()


def _sets(family: str, **sets: str) -> dict[str, Nest]:
    """Texts with the set that they stand for: ``set="one another"``."""
    return {text: Nest(f"{family}/{name}") for name, texts in sets.items() for text in texts.split()}


_LINKS = (
    "bond bridge vlan vrf tun netkit ovpn hsr geneve vxlan macsec xfrm bareudp gtp ppp ipoib rmnet dsa can amt batadv"
)
_QDISCS = """
    basic bpf cake cbs cgroup choke codel drr dualpi2 etf ets flow flower fq fw gred hfsc hhf htb matchall pie qfq red
    route taprio tbf u32 sfb cbq dsmark tcindex
"""
_ACTIONS = "bpf connmark csum ct ctinfo gact gate ife mirred mpls nat pedit sample simple skbedit skbmod vlan"
# linux/lwtunnel.h, enum lwtunnel_encap_types; the names are those of ip
ENCAPS: Mapping[int, str] = MappingProxyType(
    dict(enumerate(["mpls", "ip", "ila", "ip6", "seg6", "bpf", "seg6local", "rpl", "ioam6", "xfrm"], 1))
)

# What nests where the attribute beside it says which set it is: by the name of the choice and the text.
SELECTED: Mapping[str, Mapping[str, Nest]] = MappingProxyType(
    {
        "linkinfo-data-msg": {
            **{kind: Nest(f"rt-link/linkinfo-{kind}-attrs") for kind in _LINKS.split()},
            **_sets("rt-link", **{"linkinfo-gre-attrs": "gre gretap erspan ip6gre ip6gretap ip6erspan"}),
            **_sets("rt-link", **{"linkinfo-iptun-attrs": "ipip sit ip6tnl", "linkinfo-vti-attrs": "vti vti6"}),
            **_sets(
                "rt-link", **{"linkinfo-macvlan-attrs": "macvlan macvtap", "linkinfo-ipvlan-attrs": "ipvlan ipvtap"}
            ),
            **_sets("rt-link", **{"linkinfo-veth-attrs": "veth vxcan"}),
        },
        "linkinfo-member-data-msg": {
            "bond": Nest("rt-link/bond-slave-attrs"),
            "bridge": Nest("rt-link/linkinfo-brport-attrs"),
            "vrf": Nest("rt-link/vrf-port-attrs"),
        },
        "options-msg": {
            **{kind: Nest(f"tc/{kind}-attrs") for kind in _QDISCS.split()},
            **_sets("tc", **{"fq-codel-attrs": "fq_codel", "fq-pie-attrs": "fq_pie", "rsvp-attrs": "rsvp rsvp6"}),
            "netem": Nest("tc/netem-attrs", 24),
            "mqprio": Nest("tc/mqprio-attrs", 84),
        },
        "tca-stats-app-msg": {"cake": Nest("tc/cake-stats-attrs")},
        "act-options-msg": {
            **{kind: Nest(f"tc/act-{kind}-attrs") for kind in _ACTIONS.split()},
            **_sets("tc", **{"police-attrs": "police", "act-tunnel-key-attrs": "tunnel_key"}),
        },
        "lwtunnel": {kind: Nest(f"rt-encap/{kind}") for kind in ENCAPS.values()},
    }
)
# How many levels of attributes with indices for numbers stand inside, where the type does not say so.
INDEXED: Mapping[str, int] = MappingProxyType({"CTRL_ATTR_POLICY": 2, "CTRL_ATTR_OP_POLICY": 1})
