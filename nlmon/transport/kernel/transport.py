"""Netlink sockets of the running kernel.

Each transport has an event socket, non-blocking, joined to multicast groups, and a request socket of its own, so
that an answer never waits behind a burst of events.

Rules of this file:
1. A datagram is read whole, or an error says so; never is one truncated in silence (MSG_TRUNC). One call reads it, into
   a buffer that is used again. The socket's receive buffer is no bound for that one: when nothing waits, it holds a
   datagram of any size (net/netlink/af_netlink.c). A notification is one allocation, at most KMALLOC_MAX_SIZE, which
   is 4 MiB with pages of 4 KiB (include/linux/slab.h). Should one be larger than the buffer, as larger pages allow, it
   is a loss that is reported like any other, and the buffer grows for the next.
2. Only datagrams of the kernel count: the sender's port id is 0 (netlink(7)). Others are counted and dropped.
3. NETLINK_NO_ENOBUFS is never set: a full buffer must be reported (netlink(7)).
4. A thread may go to another network namespace; sockets and names stay those of the one where it all was opened.

Not here: requests and their answers (``requests``), decoding, how long a name is true (``ifnames``), and reopening a
socket that was lost (the backend decides).
"""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import mmap
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence

from nlmon.errors import Overrun, PlatformError, TransportError
from nlmon.transport.base import TransportStatus
from nlmon.transport.kernel.ifnames import Names
from nlmon.transport.kernel.requests import RequestSocket
from nlmon.transport.kernel.sockets import (
    Opener,
    buffer_of,
    drops_of,
    failed,
    namespace_of,
    no_netlink,
    open_socket,
    set_buffer,
)
from nlmon.uapi import (
    MSG_TRUNC,
    NETLINK_ADD_MEMBERSHIP,
    NETLINK_DROP_MEMBERSHIP,
    NETLINK_LISTEN_ALL_NSID,
    NETLINK_ROUTE,
    RTNLGRP_LINK,
    SIOCGIFNAME,
    SO_RCVBUFFORCE,
    SO_SNDBUFFORCE,
    SOL_NETLINK,
)
from nlmon.wire import Datagram

if sys.platform == "linux":
    import fcntl

__all__ = ["KernelFactory", "KernelTransport"]

# Bytes of address space, of which only the pages that a datagram has filled become memory.
BUFFER = 16 * 1024 * 1024
# How the system's names become text, as with os.fsdecode().
FILE_NAMES = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
_INT = struct.Struct("=i")
_IFREQ = struct.Struct("=16xi20x")
NSID_SPACE = socket.CMSG_SPACE(_INT.size) if hasattr(socket, "CMSG_SPACE") else 0


class KernelFactory:
    """Opens transports on this kernel, all in the network namespace of the thread that opens the first.

    ``all_nsid``: receive the events of every namespace that has a number in this one, too (netlink(7),
    NETLINK_LISTEN_ALL_NSID); ``opener``: what opens the sockets, instead of this thread."""

    def __init__(self, *, all_nsid: bool = False, opener: Opener | None = None) -> None:
        self.byteorder = sys.byteorder
        self._all_nsid = all_nsid
        self._opener = opener
        self._frames = itertools.count(1)
        self._namespace: bytes | None = None

    def open(
        self,
        protocol: int,
        groups: Sequence[int],
        *,
        receive_buffer: int | None = None,
        send_buffer: int | None = None,
    ) -> KernelTransport:
        """A transport joined to ``groups``; buffer sizes in bytes. Raises ``TransportError`` (NLM-T001, NLM-T002,
        NLM-T007 when the thread has gone to another network namespace since the first)."""
        transport = KernelTransport(
            protocol,
            tuple(groups),
            frames=self._frames,
            receive_buffer=receive_buffer,
            send_buffer=send_buffer,
            all_nsid=self._all_nsid,
            namespace=self._namespace,
            opener=self._opener,
        )
        self._namespace = transport.namespace
        return transport


class KernelTransport:
    """One pair of sockets; see ``Transport``."""

    def __init__(
        self,
        protocol: int,
        groups: tuple[int, ...],
        *,
        frames: Iterator[int],
        receive_buffer: int | None = None,
        send_buffer: int | None = None,
        all_nsid: bool = False,
        namespace: bytes | None = None,
        opener: Opener | None = None,
    ) -> None:
        self.protocol = protocol
        self._groups = list(groups)
        self._frames = frames
        self._requested = (receive_buffer, send_buffer)
        self._datagrams = self._foreign = self._reported = self._truncated = 0
        # What the kernel drops until a full socket was read to its end it drops in silence (NETLINK_S_CONGESTED,
        # net/netlink/af_netlink.c).
        self._congested = False
        self._all_nsid = all_nsid
        self._events = open_socket(protocol, namespace, opener)
        # Without the transport itself: what refers to itself is freed late, and its buffer with it.
        self._names = Names(functools.partial(_name_now, self._events))
        self.namespace = namespace_of(self._events)
        try:
            if receive_buffer is not None:
                set_buffer(self._events, socket.SO_RCVBUF, SO_RCVBUFFORCE, receive_buffer)
            if send_buffer is not None:
                set_buffer(self._events, socket.SO_SNDBUF, SO_SNDBUFFORCE, send_buffer)
            if all_nsid:
                self._events.setsockopt(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1)
            self._events.bind((0, 0))
            for group in groups:
                # Membership works for every number; the bind mask ends at group 32.
                self._events.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
            self._events.setblocking(False)
            self._buffer = _pages(BUFFER)
            self._requests = RequestSocket(protocol, self.namespace, opener)
            self._names.quiet(subscribed=self._subscribed_to_links())
        except OSError as error:
            self._events.close()
            raise failed("NLM-T002", f"the kernel refuses a socket for protocol {protocol}", error, protocol) from error
        except PlatformError:  # of the sockets, or of what opens them
            self._events.close()
            raise

    def fileno(self) -> int:
        """The event socket."""
        return self._events.fileno()

    def recv(self) -> Datagram | None:
        """The next event datagram from the kernel, whole, or None when nothing waits. Of one thread at a time."""
        events, buffer, nsid = self._events, self._buffer, None
        while True:
            try:
                # With MSG_TRUNC the size is that of the datagram, though the buffer were smaller (recv(2)).
                if self._all_nsid and sys.platform == "linux":
                    size, more, _, address = events.recvmsg_into([buffer], NSID_SPACE, MSG_TRUNC)
                    found = (_INT.unpack(value)[0] for _, kind, value in more if kind == NETLINK_LISTEN_ALL_NSID)
                    nsid = next(found, None)
                else:
                    size, address = events.recvfrom_into(buffer, 0, MSG_TRUNC)
            except BlockingIOError:
                self._names.quiet(subscribed=self._subscribed_to_links())
                if self._congested and drops_of(self._events) > self._reported:
                    raise self._overrun() from None
                self._congested = False
                return None
            except OSError as error:
                self._names.missed()
                if error.errno == errno.ENOBUFS:
                    self._congested = True
                    raise self._overrun() from error
                raise failed("NLM-T003", "reading the event socket failed", error) from error
            if address[0] != 0:
                self._foreign += 1
                continue
            if size > len(buffer):
                raise self._too_large(size)
            self._datagrams += 1
            data = buffer[:size]
            self._names.received(data)
            return Datagram(next(self._frames), time.time_ns(), self.protocol, data, 0, b"", nsid)

    def _too_large(self, size: int) -> Overrun:
        read = len(self._buffer)
        self._truncated += 1
        self._names.missed()
        with contextlib.suppress(OSError):  # no address space is left
            self._buffer = _pages(2 * size)
        return Overrun(
            "NLM-T013",
            f"the kernel sent a datagram of {size:,} bytes, which was truncated and is lost",
            why=f"one of {read:,} bytes was the largest that could be read",
            hint=f"from now on it is {len(self._buffer):,} bytes",
            drops=1,
        )

    def _overrun(self) -> Overrun:
        total = drops_of(self._events)
        drops = total - self._reported if total >= 0 else -1
        self._reported = max(self._reported, total)
        lost = f"{drops} messages" if drops >= 0 else "an unknown number of messages"
        return Overrun(
            "NLM-T010",
            f"the receive buffer was full and the kernel dropped {lost}",
            hint="raise the receive buffer, or read faster",
            drops=drops,
        )

    def join(self, group: int) -> None:
        """Join a group; see ``Transport``. The kernel is always asked: it ends a membership when a generic family goes
        (net/netlink/genetlink.c), and reports it to nobody."""
        self._membership(NETLINK_ADD_MEMBERSHIP, group)
        if group not in self._groups:
            self._groups.append(group)

    def leave(self, group: int) -> None:
        """Leave a group; see ``Transport``."""
        if group in self._groups:
            self._membership(NETLINK_DROP_MEMBERSHIP, group)
            self._groups.remove(group)
            self._names.missed()

    def _subscribed_to_links(self) -> bool:
        return self.protocol == NETLINK_ROUTE and RTNLGRP_LINK in self._groups

    def _membership(self, option: int, group: int) -> None:
        try:
            self._events.setsockopt(SOL_NETLINK, option, group)
        except OSError as error:
            raise failed("NLM-T006", f"the kernel refuses group {group} of protocol {self.protocol}", error) from error

    def request(self, message: bytes) -> Iterator[Datagram]:
        """Send a request and give its answer; see ``RequestSocket.ask``."""
        if self._events.fileno() < 0:
            raise TransportError("NLM-T004", "the socket is closed", errno=errno.EBADF)
        for data in self._requests.ask(message):
            self._names.answered()
            yield Datagram(next(self._frames), time.time_ns(), self.protocol, data)

    def link_name(self, ifindex: int) -> str | None:
        """Name of an interface for the datagram that was read last (``ifnames``); None when there is none or the
        index is out of range."""
        return self._names.of(ifindex)

    def now(self) -> int:
        """The clock."""
        return time.time_ns()

    def status(self) -> TransportStatus:
        """Settings as requested and as the kernel made them, and counters."""
        return TransportStatus(
            groups=tuple(self._groups),
            receive_buffer_requested=self._requested[0],
            receive_buffer_effective=buffer_of(self._events, socket.SO_RCVBUF),
            send_buffer_requested=self._requested[1],
            send_buffer_effective=buffer_of(self._events, socket.SO_SNDBUF),
            datagrams=self._datagrams,
            drops=max(0, drops_of(self._events)) + self._truncated,
            foreign=self._foreign,
        )

    def close(self) -> None:
        """Close both sockets."""
        self._events.close()
        self._names.missed()
        self._requests.close()


def _pages(size: int) -> mmap.mmap:
    """A buffer of memory pages; a process that is forked gets its own."""
    if sys.platform == "linux":
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    raise no_netlink()


def _name_now(sock: socket.socket, ifindex: int) -> str | None:
    if sys.platform == "linux":
        # if_indextoname(3) would look in the thread's namespace, this looks in the socket's.
        try:
            found = fcntl.ioctl(sock, SIOCGIFNAME, _IFREQ.pack(ifindex))
        except (OSError, ValueError, struct.error):
            return None
        return found[: found.index(0)].decode(*FILE_NAMES)
    raise no_netlink()
