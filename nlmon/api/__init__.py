"""The unified interface of the guide for programs: one monitor over either implementation.

    from nlmon.api import NLMON_PROTO_ROUTE, NetlinkConfig, nlmon_netlink_enable, nlmon_netlink_init
    from nlmon.api import Monitor              # the same as a class

``unified`` has the functions, ``monitor`` the class, ``stream`` its events in a loop of asyncio, ``event`` the event
with old and new fields, ``config`` what is asked for, ``listener`` the sockets below them, ``results`` the codes.

Not here: libnl's own interface (``nlmon.manager``), and deprecated names (``nlmon.compat``).
"""

from nlmon.api.config import NetlinkConfig
from nlmon.api.event import EventType, GenericMessage, NetlinkData, NetlinkFields, NlmonEvent, SocketDiag
from nlmon.api.monitor import Monitor
from nlmon.api.results import Code, Result
from nlmon.api.unified import (
    NLMON_PROTO_GENERIC,
    NLMON_PROTO_NETFILTER,
    NLMON_PROTO_ROUTE,
    NLMON_PROTO_SOCK_DIAG,
    nlmon_netlink_destroy,
    nlmon_netlink_disable,
    nlmon_netlink_enable,
    nlmon_netlink_get_fd,
    nlmon_netlink_init,
    nlmon_netlink_process,
    nlmon_netlink_set_callback,
)

__all__ = [
    "NLMON_PROTO_GENERIC",
    "NLMON_PROTO_NETFILTER",
    "NLMON_PROTO_ROUTE",
    "NLMON_PROTO_SOCK_DIAG",
    "Code",
    "EventType",
    "GenericMessage",
    "Monitor",
    "NetlinkConfig",
    "NetlinkData",
    "NetlinkFields",
    "NlmonEvent",
    "Result",
    "SocketDiag",
    "nlmon_netlink_destroy",
    "nlmon_netlink_disable",
    "nlmon_netlink_enable",
    "nlmon_netlink_get_fd",
    "nlmon_netlink_init",
    "nlmon_netlink_process",
    "nlmon_netlink_set_callback",
]
