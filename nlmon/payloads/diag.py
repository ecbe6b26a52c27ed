"""What socket diagnosis messages carry: one socket, internet or unix.

Not here: other families of sockets, which are counted by name.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from nlmon.payloads.route import Family

__all__ = ["DiagInfo"]

SocketState: TypeAlias = Annotated[int, Meta(extra={"names": "socket_state"})]
IpProtocol: TypeAlias = Annotated[int, Meta(extra={"names": "ip_protocol"})]
SocketType: TypeAlias = Annotated[int, Meta(extra={"names": "socket_type"})]
DiagTimer: TypeAlias = Annotated[int, Meta(extra={"names": "diag_timer"})]


class DiagInfo(Struct, frozen=True, gc=False):
    """SOCK_DIAG_BY_FAMILY: ``inet_diag_msg`` (linux/inet_diag.h) or ``unix_diag_msg`` (linux/unix_diag.h).

    ``protocol``: INET_DIAG_PROTOCOL, or what the request that this answers asked for; None where neither says.
    A unix socket has no protocol, ports or addresses. ``state``: a TCP state, which the kernel uses for UDP
    (ESTABLISHED when connected, CLOSE when not) and unix sockets too. ``rqueue``, ``wqueue``: bytes, for a
    listening socket the backlog. ``expires``: milliseconds until ``timer`` fires. ``cookie``: the kernel's own
    number of the socket. ``type``, ``path``, ``peer``: of a unix socket; an abstract name begins with ``@``.
    """

    family: Family
    state: SocketState
    protocol: IpProtocol | None
    src_port: int | None
    dst_port: int | None
    src_addr: str | None
    dst_addr: str | None
    inode: int
    uid: int | None | UnsetType = UNSET
    rqueue: int | None | UnsetType = UNSET
    wqueue: int | None | UnsetType = UNSET
    timer: DiagTimer | None | UnsetType = UNSET
    retrans: int | None | UnsetType = UNSET
    expires: int | None | UnsetType = UNSET
    ifindex: int | None | UnsetType = UNSET
    cookie: int | UnsetType = UNSET
    mark: int | None | UnsetType = UNSET
    congestion: str | None | UnsetType = UNSET
    shutdown: int | None | UnsetType = UNSET
    v6only: int | None | UnsetType = UNSET
    cgroup_id: int | None | UnsetType = UNSET
    type: SocketType | None | UnsetType = UNSET
    path: str | None | UnsetType = UNSET
    peer: int | None | UnsetType = UNSET
