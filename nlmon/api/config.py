"""What a monitor is asked for: the implementation, the protocols, and the options of an implementation.

``NetlinkConfig`` is the guide's ``struct nlmon_netlink_config``, made in a program; ``NetlinkConfig.of`` makes it of
the section ``netlink`` of a configuration file.

Not here: files of configurations, and options that the guide does not name (``nlmon.backends.options``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from nlmon.backends.options import BackendOptions
from nlmon.errors import UsageError
from nlmon.uapi import NETLINK_GENERIC, NETLINK_NETFILTER, NETLINK_ROUTE, NETLINK_SOCK_DIAG

if TYPE_CHECKING:  # start-up: who has no configuration file needs no model of one
    from nlmon.config.model import Netlink

    # The section ``netlink`` of a configuration.
    Section: TypeAlias = Netlink
else:
    Section = object

__all__ = ["NetlinkConfig", "Section", "config_of", "wrong_kind"]

# What is on or off; 0 and 1 are as good, as in C.
_SWITCHES = ("use_libnl", "enable_route", "enable_generic", "enable_sock_diag", "enable_netfilter")


class NetlinkConfig(Struct, frozen=True, kw_only=True):
    """``struct nlmon_netlink_config``: ``use_libnl`` chooses the implementation, ``enable_*`` the protocols.

    ``receive_buffer``, ``send_buffer``: bytes, None leaves the kernel's. For libnl alone: ``caches``, any of ``link``,
    ``addr`` and ``route``; ``generic_families``, whose groups are joined, None: all there are; ``max_message_size`` in
    bytes, and ``message_pool_size``, datagrams that are read ahead. A value that means nothing raises
    ``UsageError``."""

    use_libnl: bool = True
    enable_route: bool = True
    enable_generic: bool = False
    enable_sock_diag: bool = False
    enable_netfilter: bool = False
    receive_buffer: int | None = 32768
    send_buffer: int | None = 32768
    caches: tuple[str, ...] = ()
    generic_families: tuple[str, ...] | None = None
    max_message_size: int | None = None
    message_pool_size: int | None = None

    def __post_init__(self) -> None:
        for name in _SWITCHES:
            if (value := getattr(self, name)) not in (False, True):
                raise UsageError("NLM-B012", f"the option {name} cannot be {value!r}", hint="allowed: True, False")
        _ = self.options  # refuses what means nothing

    @classmethod
    def of(cls, section: Section) -> NetlinkConfig:
        """The same of a configuration's section; families that are not named are all there are."""
        protocols, caching, buffers = section.protocols, section.caching, section.buffer_size
        switches = {"link": caching.link_cache, "addr": caching.addr_cache, "route": caching.route_cache}
        return cls(
            use_libnl=section.use_libnl,
            enable_route=protocols.route,
            enable_generic=protocols.generic,
            enable_sock_diag=protocols.sock_diag,
            enable_netfilter=protocols.netfilter,
            receive_buffer=buffers.receive,
            send_buffer=buffers.send,
            caches=tuple(name for name, switch in switches.items() if caching.enabled and switch),
            generic_families=tuple(section.generic_families) or None,
            max_message_size=section.limits.max_message_size,
            message_pool_size=section.limits.message_pool_size,
        )

    @property
    def implementation(self) -> str:
        """Name of the implementation."""
        return "libnl" if self.use_libnl else "legacy"

    @property
    def protocols(self) -> tuple[int, ...]:
        """Numbers of the protocols to enable, in the order in which that is done."""
        wanted = {
            NETLINK_ROUTE: self.enable_route,
            NETLINK_GENERIC: self.enable_generic,
            NETLINK_SOCK_DIAG: self.enable_sock_diag,
            NETLINK_NETFILTER: self.enable_netfilter,
        }
        return tuple(protocol for protocol, switch in wanted.items() if switch)

    @property
    def options(self) -> BackendOptions:
        """The same as options of an implementation."""
        return BackendOptions(
            receive_buffer=self.receive_buffer,
            send_buffer=self.send_buffer,
            caches=self.caches,
            generic_families=self.generic_families,
            max_message_size=self.max_message_size,
            message_pool_size=self.message_pool_size,
        )


def config_of(config: NetlinkConfig | Section) -> NetlinkConfig:
    """What a program or a file gives as a configuration. Raises ``UsageError`` for what is none."""
    if isinstance(config, NetlinkConfig):
        return config
    try:
        return NetlinkConfig.of(config)
    except AttributeError as error:
        hint = "give a NetlinkConfig, or the section netlink of a configuration"
        raise wrong_kind(config, "configuration", hint) from error


def wrong_kind(value: object, wanted: str, hint: str) -> UsageError:
    """The error of an argument that is of another kind than it must be."""
    return UsageError("NLM-A005", f"{type(value).__name__} is no {wanted}", hint=hint)
