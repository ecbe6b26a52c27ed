"""What netfilter's connection tracking messages carry: a tracked flow, or an expected one.

Not here: nftables, logging and queues, whose messages are counted by name.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from nlmon.payloads.diag import IpProtocol
from nlmon.payloads.route import Family

__all__ = ["ConntrackInfo", "ExpectInfo", "FlowTuple"]

ConntrackTcpState: TypeAlias = Annotated[int, Meta(extra={"names": "conntrack_tcp_state"})]
ConntrackStatus: TypeAlias = Annotated[int, Meta(extra={"names": "conntrack_status", "flags": True})]


class FlowTuple(Struct, frozen=True, gc=False):
    """One direction of a flow: CTA_TUPLE_* (linux/netfilter/nfnetlink_conntrack.h). The ICMP fields take the
    place of the ports."""

    src_addr: str | None = None
    dst_addr: str | None = None
    protocol: IpProtocol | None = None
    src_port: int | None = None
    dst_port: int | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None
    icmp_id: int | None = None
    zone: int | None = None


class ConntrackInfo(Struct, frozen=True, gc=False):
    """IPCTNL_MSG_CT_*: a tracked flow (linux/netfilter/nfnetlink_conntrack.h). All numbers are big-endian there.

    The addresses and ports are those of the original direction; ``reply`` is the other direction, whose
    addresses differ from the mirrored original exactly when NAT is at work. ``timeout``: seconds until the flow
    is forgotten. ``start``, ``stop``: nanoseconds since 1970-01-01 UTC. ``labels``: hexadecimal.
    """

    family: Family
    protocol: IpProtocol | None = None
    tcp_state: ConntrackTcpState | None = None
    src_addr: str | None = None
    dst_addr: str | None = None
    src_port: int | None = None
    dst_port: int | None = None
    mark: int | None = None
    packets_orig: int | None = None
    bytes_orig: int | None = None
    packets_reply: int | None = None
    bytes_reply: int | None = None
    icmp_type: int | None | UnsetType = UNSET
    icmp_code: int | None | UnsetType = UNSET
    icmp_id: int | None | UnsetType = UNSET
    reply: FlowTuple | None | UnsetType = UNSET
    status: ConntrackStatus | None | UnsetType = UNSET
    id: int | None | UnsetType = UNSET
    zone: int | None | UnsetType = UNSET
    zone_orig: int | None | UnsetType = UNSET
    timeout: int | None | UnsetType = UNSET
    use: int | None | UnsetType = UNSET
    helper: str | None | UnsetType = UNSET
    master: FlowTuple | None | UnsetType = UNSET
    start: int | None | UnsetType = UNSET
    stop: int | None | UnsetType = UNSET
    labels: str | None | UnsetType = UNSET
    secctx: str | None | UnsetType = UNSET


class ExpectInfo(Struct, frozen=True, gc=False):
    """IPCTNL_MSG_EXP_*: a flow that a helper expects (CTA_EXPECT_*). ``timeout`` in seconds."""

    family: Family
    tuple: FlowTuple | None = None
    mask: FlowTuple | None = None
    master: FlowTuple | None = None
    timeout: int | None = None
    id: int | None = None
    helper: str | None = None
    zone: int | None = None
    flags: int | None = None
    expect_class: int | None = None
    function: str | None = None
    nat_dir: int | None = None
    nat_tuple: FlowTuple | None = None
