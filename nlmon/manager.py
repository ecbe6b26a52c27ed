"""The guide's direct interface of libnl: a monitor with families, look-ups and reconnection, and its functions.

    with Manager() as manager:
        manager.enable(NETLINK_GENERIC)
        manager.resolve_family("nl80211")

    mgr = nlmon_nl_manager_init()
    nlmon_nl_enable_route(mgr)

Rules:
1. Functions return a ``Result``, or a number that is below 0 when they fail, and raise nothing that has a code; methods
   raise.
2. A manager is libnl. A configuration for legacy is refused (NLM-A001).

Not here: what both implementations have (``nlmon.api``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from nlmon.api.config import NetlinkConfig, Section, config_of, wrong_kind
from nlmon.api.monitor import Callback, Monitor, to_a_callback
from nlmon.api.results import Result, attempt, strerror
from nlmon.backends.base import Backend
from nlmon.errors import NlmonError, UsageError
from nlmon.events import LinkInfo
from nlmon.transport.base import TransportFactory
from nlmon.uapi import NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_ROUTE, NETLINK_SOCK_DIAG

if TYPE_CHECKING:
    from nlmon.backends.libnl import LibnlBackend

__all__ = [
    "Manager",
    "nlmon_nl_apply_config",
    "nlmon_nl_enable_diag",
    "nlmon_nl_enable_generic",
    "nlmon_nl_enable_netfilter",
    "nlmon_nl_enable_route",
    "nlmon_nl_get_diag_fd",
    "nlmon_nl_get_genl_fd",
    "nlmon_nl_get_nf_fd",
    "nlmon_nl_get_route_fd",
    "nlmon_nl_is_connected",
    "nlmon_nl_manager_destroy",
    "nlmon_nl_manager_init",
    "nlmon_nl_process_diag",
    "nlmon_nl_process_genl",
    "nlmon_nl_process_nf",
    "nlmon_nl_process_route",
    "nlmon_nl_reconnect",
    "nlmon_nl_resolve_family",
    "nlmon_nl_set_callback",
    "nlmon_nl_strerror",
]


class Manager(Monitor):
    """A monitor of libnl; see ``Monitor``."""

    def __init__(
        self,
        config: NetlinkConfig | Section | None = None,
        *,
        transports: TransportFactory | None = None,
        on_error: Callable[[NlmonError], None] | None = None,
    ) -> None:
        asked = None if config is None else _of_libnl(config)
        super().__init__(asked, transports=transports, on_error=on_error)

    def apply(self, config: NetlinkConfig | Section) -> None:
        """Take buffers, families and caches of a configuration, and enable its protocols. Raises ``UsageError`` while
        a protocol is enabled (NLM-A003), to a callback (NLM-A004), and as ``start`` does."""
        if self._delivering:
            raise to_a_callback("apply a configuration")
        if self.protocols:
            raise UsageError(
                "NLM-A003",
                "a configuration cannot be applied while protocols are enabled",
                why="sockets have their buffers and groups from the moment they are opened",
                hint="apply it first, or close the manager before",
            )
        self._set_up(_of_libnl(config))
        self.start()

    def resolve_family(self, name: str) -> int:
        """Number of a generic family. Raises ``NotFound`` with the families there are, ``UsageError`` when
        NETLINK_GENERIC is not enabled."""
        if not isinstance(name, str):
            raise wrong_kind(name, "name of a family", "give one such as nl80211")
        return _libnl(self._backend).resolve(name)

    def unresolved(self) -> tuple[str, ...]:
        """Families of the configuration that the kernel has not named yet; their groups are joined when it does."""
        return self._backend.unresolved()

    def link(self, which: int | str) -> LinkInfo:
        """A link by its index, its name or an alternative name, from the cache, or from the kernel where the cache may
        lack it. Raises ``NotFound``, ``UsageError`` without the link cache."""
        backend = _libnl(self._backend)
        return backend.get_link_by_index(which) if isinstance(which, int) else backend.get_link_by_name(which)

    def reconnect(self, protocol: int) -> None:
        """Close the socket of a protocol, if there is one, and open a new one with the same groups and buffers. What
        waited in the old one is gone."""
        self.disable(protocol)
        self.enable(protocol)


def _libnl(backend: Backend) -> LibnlBackend:
    """The implementation of a manager, which is libnl whatever class its name stands for."""
    return cast("LibnlBackend", backend)


def _of_libnl(config: NetlinkConfig | Section) -> NetlinkConfig:
    """The configuration, which must be one for libnl. Raises ``UsageError``."""
    made = config_of(config)
    if not made.use_libnl:
        raise UsageError(
            "NLM-A001", "the configuration is for legacy, and a manager is libnl", hint="nlmon.api has both"
        )
    return made


def _manager(mgr: Manager | None) -> Manager:
    if not isinstance(mgr, Manager):
        what = "there is no manager" if mgr is None else f"{type(mgr).__name__} is no manager"
        raise UsageError("NLM-A002", what, hint="nlmon_nl_manager_init() makes one")
    return mgr


def nlmon_nl_manager_init(*, transports: TransportFactory | None = None) -> Manager:
    """A manager with nothing enabled. ``transports``: see ``Monitor``."""
    return Manager(transports=transports)


def nlmon_nl_manager_destroy(mgr: Manager | None) -> Result:
    """Close every socket; a success without a manager, too."""
    return attempt(lambda: None if mgr is None else _manager(mgr).close())


def nlmon_nl_strerror(code: int) -> str:
    """What a result means, in a few words."""
    return strerror(code)


def nlmon_nl_apply_config(mgr: Manager | None, config: NetlinkConfig | Section) -> Result:
    """Take the options of a configuration and enable its protocols; the first that fails ends it, and those before
    stay enabled. ``BUSY`` while a protocol is enabled."""
    return attempt(lambda: _manager(mgr).apply(config))


def nlmon_nl_enable_route(mgr: Manager | None) -> Result:
    """Open the socket of NETLINK_ROUTE."""
    return attempt(lambda: _manager(mgr).enable(NETLINK_ROUTE))


def nlmon_nl_enable_generic(mgr: Manager | None) -> Result:
    """Open the socket of NETLINK_GENERIC, ask for the families and join their groups."""
    return attempt(lambda: _manager(mgr).enable(NETLINK_GENERIC))


def nlmon_nl_enable_diag(mgr: Manager | None) -> Result:
    """Open the socket of NETLINK_SOCK_DIAG."""
    return attempt(lambda: _manager(mgr).enable(NETLINK_SOCK_DIAG))


def nlmon_nl_enable_netfilter(mgr: Manager | None) -> Result:
    """Open the socket of NETLINK_NETFILTER and join the groups of connection tracking."""
    return attempt(lambda: _manager(mgr).enable(NETLINK_NETFILTER))


def nlmon_nl_resolve_family(mgr: Manager | None, name: str) -> int:
    """Number of a generic family; below 0 a result: ``NOTFOUND``, or ``NOTCONN`` when NETLINK_GENERIC is not
    enabled."""
    try:
        return _manager(mgr).resolve_family(name)
    except NlmonError as error:
        return Result.of(error)


def nlmon_nl_set_callback(mgr: Manager | None, callback: Callback | None, user_data: Any) -> Result:
    """Who receives the events of all protocols, as ``callback(event, user_data)``; None discards them."""
    return attempt(lambda: _manager(mgr).set_callback(callback, user_data))


def _fd(mgr: Manager | None, protocol: int) -> int:
    try:
        return _manager(mgr).fileno(protocol)
    except NlmonError as error:
        return Result.of(error, number=-1)


def nlmon_nl_get_route_fd(mgr: Manager | None) -> int:
    """Descriptor of NETLINK_ROUTE to poll, -1 when it is not enabled."""
    return _fd(mgr, NETLINK_ROUTE)


def nlmon_nl_get_genl_fd(mgr: Manager | None) -> int:
    """Descriptor of NETLINK_GENERIC to poll, -1 when it is not enabled."""
    return _fd(mgr, NETLINK_GENERIC)


def nlmon_nl_get_diag_fd(mgr: Manager | None) -> int:
    """Descriptor of NETLINK_SOCK_DIAG to poll, -1 when it is not enabled."""
    return _fd(mgr, NETLINK_SOCK_DIAG)


def nlmon_nl_get_nf_fd(mgr: Manager | None) -> int:
    """Descriptor of NETLINK_NETFILTER to poll, -1 when it is not enabled."""
    return _fd(mgr, NETLINK_NETFILTER)


def nlmon_nl_process_route(mgr: Manager | None) -> Result:
    """Read one datagram of NETLINK_ROUTE and deliver its events; a success also when nothing waited."""
    return attempt(lambda: _manager(mgr).process(NETLINK_ROUTE))


def nlmon_nl_process_genl(mgr: Manager | None) -> Result:
    """Read one datagram of NETLINK_GENERIC and deliver its events; a success also when nothing waited."""
    return attempt(lambda: _manager(mgr).process(NETLINK_GENERIC))


def nlmon_nl_process_diag(mgr: Manager | None) -> Result:
    """Read one datagram of NETLINK_SOCK_DIAG and deliver its events; a success also when nothing waited."""
    return attempt(lambda: _manager(mgr).process(NETLINK_SOCK_DIAG))


def nlmon_nl_process_nf(mgr: Manager | None) -> Result:
    """Read one datagram of NETLINK_NETFILTER and deliver its events; a success also when nothing waited."""
    return attempt(lambda: _manager(mgr).process(NETLINK_NETFILTER))


def nlmon_nl_reconnect(mgr: Manager | None, protocol: int) -> Result:
    """Open a new socket for a protocol, enabled before or not."""
    return attempt(lambda: _manager(mgr).reconnect(protocol))


def nlmon_nl_is_connected(mgr: Manager | None, protocol: int) -> int:
    """1 if a protocol has an open socket, else 0; below 0 a result when there is no manager."""
    try:
        return int(protocol in _manager(mgr).protocols)
    except NlmonError as error:
        return Result.of(error)
