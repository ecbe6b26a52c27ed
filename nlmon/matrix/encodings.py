"""How the values of fields stand in attributes where the contract leaves that unsaid, since both of nlmon's own
implementations provide them and are held against each other.

Written down from the kernel's headers (linux/if_link.h, if_addr.h, rtnetlink.h, neighbour.h, fib_rules.h,
nfnetlink_conntrack.h, inet_diag.h), as ``nlmon.compare.evidence.values`` calls them.

Not here: values that are lists or depend on others (``third``).
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ENCODINGS"]

_ROWS: Mapping[str, str] = {
    "u8": "link.operstate rule.ip_proto rule.l3mdev rule.protocol rule.dscp rule.dscp_mask diag.protocol "
    "conntrack.protocol conntrack.tcp_state",
    "u16": "route.encap_type neigh.vlan rule.sport_mask rule.dport_mask",
    "u32": "link.mtu route.table route.oif route.priority route.nh_id neigh.master neigh.vni neigh.src_vni rule.table "
    "rule.priority rule.fwmark rule.fwmask rule.goto rule.flow",
    "s32": "link.target_netnsid addr.target_netnsid rule.suppress_prefixlen rule.suppress_ifgroup",
    "be16": "neigh.port conntrack.src_port conntrack.dst_port diag.src_port diag.dst_port",
    "be32": "rule.flowlabel rule.flowlabel_mask conntrack.mark",
    "be64": "rule.tun_id conntrack.packets_orig conntrack.bytes_orig conntrack.packets_reply conntrack.bytes_reply",
    "pair": "rule.uid_range",
    "string": "link.ifname link.qdisc addr.label rule.iifname rule.oifname",
    "mac": "link.addr neigh.lladdr",
    "hex": "route.encap",
    "address": "diag.src_addr diag.dst_addr",
    "ip": "addr.addr addr.peer route.dst route.src route.gateway route.prefsrc neigh.dst rule.dst rule.src "
    "conntrack.src_addr conntrack.dst_addr",
}
# By ``kind.field``.
ENCODINGS: Mapping[str, str] = {name: encoding for encoding, names in _ROWS.items() for name in names.split()}
