"""How wide the numbers of events are, and which texts are addresses: what a program may write in more than one way.

Rules:
1. Width and sign are those of the kernel's headers, by field; what is not named here has 32 bits and no sign.

Not here: what a field is taken from (the contract).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

__all__ = ["BITS", "Width", "is_address", "is_device", "width_of"]


class Width(Struct, frozen=True):
    """A number of ``bits`` bits, with a sign or without."""

    bits: int
    signed: bool = False

    def number(self, value: int) -> int:
        """The number of this width that has the same low bits."""
        value &= (1 << self.bits) - 1
        return value - (1 << self.bits) if self.signed and value >> (self.bits - 1) else value

    @property
    def most(self) -> int:
        """The greatest number."""
        return (1 << (self.bits - self.signed)) - 1

    @property
    def text(self) -> str:
        """Such as ``uint16``."""
        return f"{'' if self.signed else 'u'}int{self.bits}"


def _named(text: str) -> frozenset[str]:
    return frozenset(text.split())


BITS = (8, 16, 32, 64)
_DEFAULT = Width(32)
# By kind and field; a field without its kind is the same in every kind that has no row of its own.
_ROWS: Mapping[Width, frozenset[str]] = {
    Width(8): _named(
        "family prefixlen scope dst_len src_len tos route.protocol route.type operstate carrier addr.protocol pref "
        "neigh.type neigh.protocol neigh.flags rule.protocol action ip_proto l3mdev dscp dscp_mask genl_cmd "
        "genl_version "
        "diag.state timer retrans shutdown v6only diag.type conntrack.protocol tuple.protocol tcp_state "
        "icmp_type icmp_code hw_offload nexthop.protocol prefix.type proto mode replay_window xfrm_state.flags dir "
        "xfrm_policy.action xfrm_policy.flags share xfrm_policy.type xfrm_flush.type mdb_entry.state mdb_entry.flags"
    ),
    Width(16): _named(
        "link.type vlan port encap_type neigh.state genl_family_id src_port dst_port icmp_id zone zone_orig "
        "reason_code status_code group_type sport_mask dport_mask vid mdb_entry.protocol"
    ),
    Width(64): _named(
        "audit.time tun_id wdev cookie cgroup_id packets_orig bytes_orig packets_reply bytes_reply start stop "
        "tc.bytes tc.packets "
        "xfrm_state.bytes xfrm_state.packets rx_packets tx_packets rx_bytes tx_bytes rx_errors tx_errors rx_dropped "
        "tx_dropped multicast collisions"
    ),
    Width(32, signed=True): _named(
        "target_netnsid link_netnsid new_netnsid new_ifindex route.expires nsid current_nsid tc.ifindex "
        "suppress_prefixlen suppress_ifgroup "
        "netconf.ifindex forwarding rp_filter mc_forwarding proxy_neigh ignore_routes_with_linkdown input bc_forwarding"
    ),
}
_WIDTHS = {name: width for width, names in _ROWS.items() for name in names}
_ADDRESSES = _named(
    "addr.addr peer addr.broadcast anycast route.dst route.src rule.dst rule.src gateway prefsrc neigh.dst src_addr "
    "dst_addr prefix daddr saddr"
)
_DEVICES = _named("link.addr link.broadcast lladdr mac")


def width_of(kind: str, field: str) -> Width:
    """The width of a number."""
    return _WIDTHS.get(f"{kind}.{field}") or _WIDTHS.get(field) or _DEFAULT


def is_address(kind: str, field: str) -> bool:
    """Whether a text is an IP address."""
    return field in _ADDRESSES or f"{kind}.{field}" in _ADDRESSES


def is_device(kind: str, field: str) -> bool:
    """Whether a text is the address of a device."""
    return field in _DEVICES or f"{kind}.{field}" in _DEVICES
