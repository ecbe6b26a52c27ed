"""The names that the guide calls deprecated: what an old program calls works, and says what takes its place.

    ctx = nlmon_multi_protocol_init()          # DeprecationWarning: use nlmon_netlink_init() of nlmon.api …
    nlmon_multi_protocol_enable(ctx, NLMON_PROTO_ROUTE)

Rules:
1. A call warns, at the line of the caller, before it does anything; to import this module does not.
2. They are legacy, as they always were; which implementation runs never changes under a program's feet.
3. What takes the place of each is in the table of ``nlmon.deprecations``.
4. A failure is -1, whatever it is, as old programs expect; as a ``Result`` it says what and why.

Not here: anything new (``nlmon.api``, ``nlmon.manager``).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from nlmon.api.config import NetlinkConfig
from nlmon.api.monitor import Callback, Monitor
from nlmon.api.results import Result
from nlmon.api.unified import (
    NLMON_PROTO_GENERIC,
    NLMON_PROTO_ROUTE,
    NLMON_PROTO_SOCK_DIAG,
    nlmon_netlink_destroy,
    nlmon_netlink_disable,
    nlmon_netlink_enable,
    nlmon_netlink_get_fd,
    nlmon_netlink_process,
    nlmon_netlink_set_callback,
)
from nlmon.deprecations.table import FUNCTIONS, REMOVED_IN
from nlmon.transport.base import TransportFactory

__all__ = [
    "NLMON_PROTO_GENERIC",
    "NLMON_PROTO_ROUTE",
    "NLMON_PROTO_SOCK_DIAG",
    "REMOVED_IN",
    "nlmon_multi_protocol_destroy",
    "nlmon_multi_protocol_disable",
    "nlmon_multi_protocol_enable",
    "nlmon_multi_protocol_get_fd",
    "nlmon_multi_protocol_init",
    "nlmon_multi_protocol_process",
    "nlmon_multi_protocol_set_callback",
]

P = ParamSpec("P")
R = TypeVar("R")


def deprecated(function: Callable[P, R]) -> Callable[P, R]:
    """Warn the caller of a function about what takes its place in ``nlmon.api`` and in ``nlmon.manager``."""
    row = FUNCTIONS[function.__name__]
    text = (
        f"{row.name}() is deprecated and will be removed in nlmon {REMOVED_IN}; "
        f"use {row.replacement} of nlmon.api, or {row.direct} of nlmon.manager"
    )

    @wraps(function)
    def warned(*args: P.args, **kwargs: P.kwargs) -> R:
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return function(*args, **kwargs)

    return warned


def _old(result: Result) -> Result:
    """A result with the number that old programs expect."""
    return result if result >= 0 else Result(result.code, result.error, number=-1)


@deprecated
def nlmon_multi_protocol_init(*, transports: TransportFactory | None = None) -> Monitor:
    """A context of the legacy implementation, with nothing enabled. ``transports``: see ``Monitor``."""
    return Monitor(NetlinkConfig(use_libnl=False), transports=transports)


@deprecated
def nlmon_multi_protocol_enable(ctx: Monitor | None, protocol: int) -> Result:
    """Open the socket of a protocol; 0 or -1."""
    return _old(nlmon_netlink_enable(ctx, protocol, use_libnl=False))


@deprecated
def nlmon_multi_protocol_disable(ctx: Monitor | None, protocol: int) -> Result:
    """Close the socket of a protocol; 0 or -1."""
    return _old(nlmon_netlink_disable(ctx, protocol, use_libnl=False))


@deprecated
def nlmon_multi_protocol_set_callback(ctx: Monitor | None, callback: Callback | None, user_data: Any) -> Result:
    """Who receives events, as ``callback(event, user_data)``; 0 or -1."""
    return _old(nlmon_netlink_set_callback(ctx, callback, user_data, use_libnl=False))


@deprecated
def nlmon_multi_protocol_get_fd(ctx: Monitor | None, protocol: int) -> int:
    """Descriptor to poll, -1 when there is none."""
    return nlmon_netlink_get_fd(ctx, protocol, use_libnl=False)


@deprecated
def nlmon_multi_protocol_process(ctx: Monitor | None, protocol: int) -> Result:
    """Read one datagram and deliver its events; 0, also when nothing waited, or -1."""
    return _old(nlmon_netlink_process(ctx, protocol, use_libnl=False))


@deprecated
def nlmon_multi_protocol_destroy(ctx: Monitor | None) -> Result:
    """Close every socket; 0 or -1, and 0 without a context."""
    return _old(nlmon_netlink_destroy(ctx, use_libnl=False))
