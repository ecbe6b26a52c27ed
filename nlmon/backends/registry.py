"""Implementations by name, loaded when they are asked for.

Not here: what an implementation is (``base``).
"""

from __future__ import annotations

from importlib import import_module

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.errors import UsageError
from nlmon.transport.base import TransportFactory
from nlmon.uapi import (
    NETLINK_AUDIT,
    NETLINK_GENERIC,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NETLINK_XFRM,
)

__all__ = ["BACKENDS", "READS", "backend_class", "brought", "create", "refuse_unknown"]

# A program of its own adds an implementation to both before it runs a command.
BACKENDS: dict[str, str] = {
    "legacy": "nlmon.backends.legacy:LegacyBackend",
    "libnl": "nlmon.backends.libnl:LibnlBackend",
}

_OURS = frozenset(BACKENDS)
# The protocols that each reads, which is known without loading it.
READS: dict[str, tuple[int, ...]] = {
    "legacy": (NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_NETFILTER, NETLINK_GENERIC),
    "libnl": (
        *(NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_XFRM, NETLINK_AUDIT, NETLINK_NETFILTER),
        NETLINK_GENERIC,
    ),
}


def brought() -> list[str]:
    """The names of implementations that a program has added."""
    return [name for name in BACKENDS if name not in _OURS]


def create(name: str, transports: TransportFactory, options: BackendOptions | None = None) -> Backend:
    """The implementation called ``name``; raises ``UsageError`` for a name that is not in ``BACKENDS``."""
    return backend_class(name)(transports, options)


def backend_class(name: str) -> type[Backend]:
    """The class of the implementation called ``name``; raises ``UsageError`` for a name that is not in ``BACKENDS``."""
    refuse_unknown(name)
    module, _, attribute = BACKENDS[name].partition(":")
    found: type[Backend] = getattr(import_module(module), attribute)
    return found


def refuse_unknown(name: str) -> None:
    """Raise ``UsageError`` for a name that no implementation has."""
    if name not in BACKENDS:
        raise UsageError("NLM-B003", f"no implementation is called {name!r}", hint="choose " + " or ".join(BACKENDS))
