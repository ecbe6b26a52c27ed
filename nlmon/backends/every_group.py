"""Which multicast groups a recording joins: those that any implementation joins.

Groups of NETLINK_GENERIC have numbers that the kernel gives when a family is loaded, so all there are get joined, and
again whenever nlctrl announces a family. The names of families do not matter for that.

Not here: sockets (``nlmon.transport.kernel.transport``) and the loop that reads them (``nlmon.cli.record``).
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable
from importlib import import_module

from nlmon.backends.groups import EXTRA_GROUPS
from nlmon.backends.registry import BACKENDS
from nlmon.errors import TransportError, UsageError
from nlmon.framing import header
from nlmon.transport.base import Transport
from nlmon.uapi import GENL_ID_CTRL, NETLINK_ROUTE, NLMSG_HDRLEN

__all__ = ["announces_family", "groups_to_join", "join_generic"]

GENERIC_GROUPS = 256


def groups_to_join(names: Iterable[str] = ()) -> dict[int, tuple[int, ...]]:
    """The groups that any implementation joins, by protocol, and those of NETLINK_ROUTE that have these names.

    Raises ``UsageError`` for a name that nobody knows.
    """
    joined: dict[int, set[int]] = {}
    # Start-up: only a recording needs the implementations.
    for target in BACKENDS.values():
        module, _, attribute = target.partition(":")
        for protocol, numbers in getattr(import_module(module), attribute).groups.items():
            joined.setdefault(protocol, set()).update(numbers)
    for name in names:
        if name not in EXTRA_GROUPS:
            raise UsageError("NLM-U011", f"no group is called {name!r}", hint="there are " + ", ".join(EXTRA_GROUPS))
        joined[NETLINK_ROUTE].update(EXTRA_GROUPS[name])
    return {protocol: tuple(sorted(numbers)) for protocol, numbers in sorted(joined.items())}


def join_generic(transport: Transport) -> None:
    """Join every group of NETLINK_GENERIC that there is now; joining one twice does nothing."""
    for group in range(1, GENERIC_GROUPS + 1):
        try:
            transport.join(group)
        except TransportError as error:
            if error.errno == errno.EINVAL:
                break  # beyond the last group; others may need more privilege and are left out


def announces_family(data: bytes) -> bool:
    """Whether a datagram of NETLINK_GENERIC, in this host's byte order, is a message of nlctrl."""
    return len(data) >= NLMSG_HDRLEN and header(data, 0, sys.byteorder).type == GENL_ID_CTRL
