"""Netlink sockets as the kernel gives them: made, sized and asked how they are.

Rules of this file:
1. A descriptor is closed only by who owns it, and a socket is made only in the namespace that it is meant for.

Not here: reading and writing (``transport``).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from typing import TypeAlias

from nlmon.errors import TransportError
from nlmon.uapi import AF_NETLINK, NETLINK_AUDIT, SK_MEMINFO_DROPS, SK_MEMINFO_VARS, SO_MEMINFO, SO_NETNS_COOKIE

__all__ = ["Opener", "buffer_of", "drops_of", "failed", "namespace_of", "no_netlink", "open_socket", "set_buffer"]

# Opens a socket of a family, kind and protocol, as ``socket.socket`` does, perhaps in another network namespace.
Opener: TypeAlias = Callable[[int, int, int], socket.socket]


# The protocol is not there; whatever else is wrong, such as too many open files, is wrong with this process or host.
_ABSENT = {errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT, getattr(errno, "ESOCKTNOSUPPORT", errno.EPROTONOSUPPORT)}


class _Socket(socket.socket):
    """Closes its descriptor only while it is its own: one that was closed by somebody else may be another's now."""

    def __init__(self, family: int, kind: int, protocol: int, fileno: int | None = None) -> None:
        super().__init__(family, kind, protocol, fileno)
        self.settimeout(None)  # whatever socket.setdefaulttimeout() says
        self._identity = self._identify()

    def _identify(self) -> tuple[int, int] | None:
        try:
            status = os.fstat(self.fileno())
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def close(self) -> None:
        """Close, or forget what is not ours any more."""
        if self._identify() != self._identity:
            self.detach()
        super().close()


def open_socket(protocol: int, namespace: bytes | None, opener: Opener | None = None) -> socket.socket:
    """A socket in this thread's network namespace, or in that of ``opener``, which must be ``namespace`` if that is
    known."""
    if not hasattr(socket, "AF_NETLINK"):
        raise no_netlink()
    family, kind = AF_NETLINK, socket.SOCK_RAW
    try:
        sock = _Socket(family, kind, protocol, None if opener is None else opener(family, kind, protocol).detach())
    except OSError as error:
        if error.errno in _ABSENT:
            raise failed("NLM-T001", f"the kernel has no netlink protocol {protocol}", error) from error
        raise failed("NLM-T002", f"the kernel refuses a socket for protocol {protocol}", error, protocol) from error
    if namespace is not None and namespace_of(sock) != namespace:
        sock.close()
        raise TransportError(
            *("NLM-T007", "this thread is in another network namespace than the sockets that are open"),
            hint="go back with setns(2), or use a factory of its own for each namespace",
        )
    return sock


def namespace_of(sock: socket.socket) -> bytes | None:
    """What identifies the network namespace of a socket (SO_NETNS_COOKIE); None where Linux is older than 5.14."""
    try:
        return sock.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8)
    except OSError:
        return None


def set_buffer(sock: socket.socket, option: int, force: int, size: int) -> None:
    """Ask for a buffer; beyond the system's limit only a privileged process gets it (socket(7))."""
    sock.setsockopt(socket.SOL_SOCKET, option, size)
    if sock.getsockopt(socket.SOL_SOCKET, option) < 2 * size:
        try:
            sock.setsockopt(socket.SOL_SOCKET, force, size)
        except PermissionError:
            return  # the status shows requested and effective


def buffer_of(sock: socket.socket, option: int) -> int | None:
    """Size of a buffer as the kernel made it; None when the socket is lost."""
    try:
        return sock.getsockopt(socket.SOL_SOCKET, option)
    except OSError:
        return None


def drops_of(sock: socket.socket) -> int:
    """Messages dropped on this socket since it was opened (sock_diag(7), SK_MEMINFO_DROPS); -1 if unknown."""
    try:
        info = sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 4 * SK_MEMINFO_VARS)
    except OSError:
        return -1
    return int(struct.unpack_from("=I", info, 4 * SK_MEMINFO_DROPS)[0]) if len(info) >= 4 * SK_MEMINFO_VARS else -1


def no_netlink() -> TransportError:
    """The error on every system but Linux."""
    return TransportError(
        "NLM-T001",
        "this operating system has no netlink",
        hint="live work needs Linux; captures can be replayed anywhere",
    )


def failed(code: str, what: str, error: OSError, protocol: int | None = None) -> TransportError:
    """A failed call as an error of ours, with what to do where privilege is missing. ``protocol``: that of the socket,
    if it matters for that."""
    number = error.errno or 0
    refused = number in {errno.EPERM, errno.EACCES}
    hint = "run as root or in a user namespace: unshare --user --map-root-user --net" if refused else ""
    if hint and protocol == NETLINK_AUDIT:  # kernel/audit.c: audit_multicast_bind asks the first user namespace
        hint = "NETLINK_AUDIT is for root outside of user namespaces alone; name the other protocols by --protocol"
    return TransportError(code, what, why=os.strerror(number) if number else str(error), hint=hint, errno=number)
