"""The guide's unified interface: its functions by their names, over either implementation.

    ctx = nlmon_netlink_init(NetlinkConfig(use_libnl=True))
    nlmon_netlink_enable(ctx, NLMON_PROTO_ROUTE, True)

Rules:
1. A function returns a ``Result``, or a number that is below 0 when it fails, and raises nothing that has a code. Where
   the C function returns nothing, here is a result, so that a refusal is seen.
2. A context remembers its implementation; a call that names the other one is refused (NLM-A001).

Not here: the same as methods (``nlmon.api.monitor``), and libnl alone (``nlmon.manager``).
"""

from __future__ import annotations

from typing import Any

from nlmon.api.config import NetlinkConfig, Section
from nlmon.api.monitor import Callback, Monitor, of_implementation
from nlmon.api.results import Result, attempt
from nlmon.errors import NlmonError
from nlmon.transport.base import TransportFactory
from nlmon.uapi import NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_ROUTE, NETLINK_SOCK_DIAG

__all__ = [
    "NLMON_PROTO_GENERIC",
    "NLMON_PROTO_NETFILTER",
    "NLMON_PROTO_ROUTE",
    "NLMON_PROTO_SOCK_DIAG",
    "nlmon_netlink_destroy",
    "nlmon_netlink_disable",
    "nlmon_netlink_enable",
    "nlmon_netlink_get_fd",
    "nlmon_netlink_init",
    "nlmon_netlink_process",
    "nlmon_netlink_set_callback",
]

NLMON_PROTO_ROUTE = NETLINK_ROUTE
NLMON_PROTO_SOCK_DIAG = NETLINK_SOCK_DIAG
NLMON_PROTO_GENERIC = NETLINK_GENERIC
# The C enumeration lacks it, though its configuration has the protocol.
NLMON_PROTO_NETFILTER = NETLINK_NETFILTER


def nlmon_netlink_init(
    config: NetlinkConfig | Section | None, *, transports: TransportFactory | None = None
) -> Monitor | None:
    """A context of the implementation that ``config.use_libnl`` chooses, with nothing enabled; None without a
    configuration. ``transports``: see ``Monitor``."""
    return None if config is None else Monitor(config, transports=transports)


def nlmon_netlink_enable(ctx: Monitor | None, protocol: int, use_libnl: bool) -> Result:
    """Open the socket of a protocol; enabling twice is a success."""
    return attempt(lambda: of_implementation(ctx, use_libnl).enable(protocol))


def nlmon_netlink_disable(ctx: Monitor | None, protocol: int, use_libnl: bool) -> Result:
    """Close the socket of a protocol; one that is not enabled is a success."""
    return attempt(lambda: of_implementation(ctx, use_libnl).disable(protocol))


def nlmon_netlink_set_callback(
    ctx: Monitor | None, callback: Callback | None, user_data: Any, use_libnl: bool
) -> Result:
    """Who receives events, as ``callback(event, user_data)``; None discards them."""
    return attempt(lambda: of_implementation(ctx, use_libnl).set_callback(callback, user_data))


def nlmon_netlink_get_fd(ctx: Monitor | None, protocol: int, use_libnl: bool) -> int:
    """Descriptor to poll; -1 when the protocol is not enabled or the call is refused."""
    try:
        return of_implementation(ctx, use_libnl).fileno(protocol)
    except NlmonError as error:
        return Result.of(error, number=-1)


def nlmon_netlink_process(ctx: Monitor | None, protocol: int, use_libnl: bool) -> Result:
    """Read one datagram and deliver its events; a success also when nothing waited, and never a count."""
    return attempt(lambda: of_implementation(ctx, use_libnl).process(protocol))


def nlmon_netlink_destroy(ctx: Monitor | None, use_libnl: bool) -> Result:
    """Close every socket; a success without a context, too."""
    return attempt(lambda: None if ctx is None else of_implementation(ctx, use_libnl).close())
