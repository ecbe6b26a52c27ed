"""Netlink sockets of the running kernel.

Each transport has an event socket, non-blocking, joined to multicast groups, and a request socket of its own, so
that an answer never waits behind a burst of events.

Rules of this file:
1. A datagram is read whole, whatever its size, or an error says so; never is one cut in silence (MSG_TRUNC).
2. Only datagrams of the kernel count: the sender's port id is 0 (netlink(7)). Others are counted and dropped.
3. NETLINK_NO_ENOBUFS is never set: a full buffer must be told (netlink(7)).
4. One request at a time. What was left of an answer is read off before the next, since the kernel refuses another
   dump meanwhile with EBUSY.
5. A thread may go to another network namespace; sockets and names stay those of the one where it all was opened.

Not here: decoding, and reopening a socket that was lost (the backend decides).
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence

from nlmon.errors import Overrun, TransportError
from nlmon.events import Datagram
from nlmon.transport.base import TransportStatus

__all__ = ["KernelFactory", "KernelTransport"]

# linux/netlink.h and asm-generic/socket.h; the socket module lacks them.
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP, NETLINK_DROP_MEMBERSHIP, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 1, 2, 11, 12
NETLINK_LISTEN_ALL_NSID = 8
SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_MEMINFO, SO_NETNS_COOKIE = 32, 33, 55, 71
SIOCGIFNAME = 0x8910  # linux/sockios.h
SK_MEMINFO_DROPS, SK_MEMINFO_VARS = 8, 9
NLMSG_ERROR, NLMSG_DONE, NLM_F_MULTI, NLM_F_ACK, NLM_F_DUMP = 2, 3, 0x2, 0x4, 0x300
# A larger datagram is measured first and read into a buffer of its size.
FIRST_READ = 64 * 1024
ANSWER_SECONDS = 10.0
_INT = struct.Struct("=i")
NSID_SPACE = socket.CMSG_SPACE(_INT.size) if hasattr(socket, "CMSG_SPACE") else 0


class KernelFactory:
    """Opens transports on this kernel, all in the network namespace of the thread that opens the first.

    ``all_nsid``: receive the events of every namespace that has a number in this one, too (netlink(7),
    NETLINK_LISTEN_ALL_NSID)."""

    def __init__(self, *, all_nsid: bool = False) -> None:
        self.byteorder = sys.byteorder
        self._all_nsid = all_nsid
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
            *(protocol, tuple(groups), receive_buffer, send_buffer, self._frames),
            all_nsid=self._all_nsid,
            namespace=self._namespace,
        )
        self._namespace = transport.namespace
        return transport


class KernelTransport:
    """One pair of sockets; see ``Transport``."""

    def __init__(
        self,
        protocol: int,
        groups: tuple[int, ...],
        receive_buffer: int | None,
        send_buffer: int | None,
        frames: Iterator[int],
        *,
        all_nsid: bool = False,
        namespace: bytes | None = None,
    ) -> None:
        self.protocol = protocol
        self._groups = list(groups)
        self._frames = frames
        self._requested = (receive_buffer, send_buffer)
        self._datagrams = self._foreign = self._told = 0
        self._answering = False
        self._asked = 0
        self._events = _open(protocol, namespace)
        self.namespace = _namespace(self._events)
        self._request: socket.socket | None = None
        try:
            if receive_buffer is not None:
                _set_buffer(self._events, socket.SO_RCVBUF, SO_RCVBUFFORCE, receive_buffer)
            if send_buffer is not None:
                _set_buffer(self._events, socket.SO_SNDBUF, SO_SNDBUFFORCE, send_buffer)
            if all_nsid:
                self._events.setsockopt(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1)
            self._events.bind((0, 0))
            for group in groups:
                # Membership works for every number; the bind mask ends at group 32.
                self._events.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
            self._events.setblocking(False)
            self._request = self._open_request()
        except OSError as error:
            self._events.close()
            raise _failed("NLM-T002", f"the kernel refuses a socket for protocol {protocol}", error) from error
        except TransportError:
            self._events.close()
            raise

    def fileno(self) -> int:
        """The event socket."""
        return self._events.fileno()

    def recv(self) -> Datagram | None:
        """The next event datagram from the kernel, whole, or None when nothing waits."""
        while True:
            try:
                data, more, flags, address = self._events.recvmsg(FIRST_READ, NSID_SPACE, socket.MSG_PEEK)
                if flags & socket.MSG_TRUNC:
                    size = self._events.recv_into(bytearray(1), 1, socket.MSG_PEEK | socket.MSG_TRUNC)
                    data = self._events.recv(size)
                else:
                    self._events.recv_into(bytearray(1))
            except BlockingIOError:
                return None
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    raise self._overrun() from error
                raise _failed("NLM-T003", "reading the event socket failed", error) from error
            if address[0] != 0:
                self._foreign += 1
                continue
            self._datagrams += 1
            nsid = next((_INT.unpack(value)[0] for _, kind, value in more if kind == NETLINK_LISTEN_ALL_NSID), None)
            return Datagram(next(self._frames), time.time_ns(), self.protocol, data, nsid=nsid)

    def _overrun(self) -> Overrun:
        total = _drops(self._events)
        drops = total - self._told if total >= 0 else -1
        self._told = max(self._told, total)
        lost = f"{drops} messages" if drops >= 0 else "an unknown number of messages"
        return Overrun(
            "NLM-T010",
            f"the receive buffer was full and the kernel dropped {lost}",
            hint="raise the receive buffer, or read faster",
            drops=drops,
        )

    def join(self, group: int) -> None:
        """Join a group; see ``Transport``. The kernel is always asked: it ends a membership when a generic family goes
        (net/netlink/genetlink.c), and tells nobody."""
        self._membership(NETLINK_ADD_MEMBERSHIP, group)
        if group not in self._groups:
            self._groups.append(group)

    def leave(self, group: int) -> None:
        """Leave a group; see ``Transport``."""
        if group in self._groups:
            self._membership(NETLINK_DROP_MEMBERSHIP, group)
            self._groups.remove(group)

    def _membership(self, option: int, group: int) -> None:
        try:
            self._events.setsockopt(SOL_NETLINK, option, group)
        except OSError as error:
            raise _failed("NLM-T006", f"the kernel refuses group {group} of protocol {self.protocol}", error) from error

    def request(self, message: bytes) -> Iterator[Datagram]:
        """Send a request and give its answer; the sequence number is the caller's. A dump ends with DONE or an
        error, a request with NLM_F_ACK with its acknowledgement, any other with the first reply. A new request ends
        the one before."""
        sock = self._request_socket()
        self._answering = True
        self._asked = mine = self._asked + 1
        try:
            sock.send(message)
        except OSError as error:
            raise _failed("NLM-T004", "sending a request failed", error) from error
        _, _, flags, seq, _ = struct.unpack_from("=IHHII", message)
        whole = flags & NLM_F_DUMP == NLM_F_DUMP or bool(flags & NLM_F_ACK)
        deadline = time.monotonic() + ANSWER_SECONDS
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        while True:
            if mine != self._asked:
                raise TransportError(
                    *("NLM-T004", "this answer was given up"),
                    why="another request was sent, or the protocol was disabled",
                    errno=errno.ECANCELED,
                )
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TransportError("NLM-T005", f"no answer within {ANSWER_SECONDS:.0f} s", errno=errno.ETIMEDOUT)
            try:
                size = sock.recv_into(bytearray(1), 1, socket.MSG_PEEK | socket.MSG_TRUNC)
                data, address = sock.recvfrom(max(size, 1))
            except OSError as error:
                raise _failed("NLM-T004", "reading an answer failed", error) from error
            if address[0] != 0:
                continue
            last = _ends(data, seq, whole)
            if last:
                self._answering = False
            yield Datagram(next(self._frames), time.time_ns(), self.protocol, data)
            if last:
                return

    def link_name(self, ifindex: int) -> str | None:
        """Name of an interface now; None when there is none or the index is out of range."""
        import fcntl  # noqa: PLC0415  (not there on every system, while this module is)

        try:
            # if_indextoname(3) would look in the thread's namespace, this looks in the socket's.
            found = fcntl.ioctl(self._events, SIOCGIFNAME, struct.pack("=16si20x", b"", ifindex))
        except (OSError, ValueError, struct.error):
            return None
        return os.fsdecode(found[:16].split(b"\0", 1)[0])

    def now(self) -> int:
        """The clock."""
        return time.time_ns()

    def status(self) -> TransportStatus:
        """Settings as requested and as the kernel made them, and counters."""
        return TransportStatus(
            groups=tuple(self._groups),
            receive_buffer_requested=self._requested[0],
            receive_buffer_effective=_buffer(self._events, socket.SO_RCVBUF),
            send_buffer_requested=self._requested[1],
            send_buffer_effective=_buffer(self._events, socket.SO_SNDBUF),
            datagrams=self._datagrams,
            drops=max(0, _drops(self._events)),
            foreign=self._foreign,
        )

    def close(self) -> None:
        """Close both sockets."""
        self._events.close()
        self._asked += 1
        if self._request is not None:
            self._request.close()
            self._request = None

    def _request_socket(self) -> socket.socket:
        """The request socket without remains of an answer; a new one where it was lost."""
        if self._events.fileno() < 0:
            raise TransportError("NLM-T004", "the socket is closed", errno=errno.EBADF)
        sock = self._request
        try:
            while self._answering and sock is not None:
                sock.recv_into(bytearray(1), 1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            self._answering = False
        except OSError:
            sock = None
        if sock is None:
            if self._request is not None:
                self._request.close()
            self._answering = False
            try:
                sock = self._request = self._open_request()
            except OSError as error:
                raise _failed("NLM-T002", "the kernel refuses a request socket", error) from error
        return sock

    def _open_request(self) -> socket.socket:
        sock = _open(self.protocol, self.namespace)
        try:
            sock.bind((0, 0))
        except OSError:
            sock.close()
            raise
        for option in (NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK):
            # Older kernels lack them: then answers are less detailed or less filtered, and still right.
            with contextlib.suppress(OSError):
                sock.setsockopt(SOL_NETLINK, option, 1)
        return sock


class _Socket(socket.socket):
    """Closes its descriptor only while it is its own: one that was closed by somebody else may be another's now."""

    def __init__(self, family: int, kind: int, protocol: int) -> None:
        super().__init__(family, kind, protocol)
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


def _open(protocol: int, namespace: bytes | None) -> socket.socket:
    """A socket in this thread's network namespace, which must be ``namespace`` if that is known."""
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        raise TransportError(
            *("NLM-T001", "this operating system has no netlink"),
            hint="live work needs Linux; captures can be replayed anywhere",
        )
    try:
        sock = _Socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    except OSError as error:
        raise _failed("NLM-T001", f"the kernel has no netlink protocol {protocol}", error) from error
    if namespace is not None and _namespace(sock) != namespace:
        sock.close()
        raise TransportError(
            *("NLM-T007", "this thread is in another network namespace than the sockets that are open"),
            hint="go back with setns(2), or use a factory of its own for each namespace",
        )
    return sock


def _namespace(sock: socket.socket) -> bytes | None:
    """What identifies the network namespace of a socket (SO_NETNS_COOKIE); None where Linux is older than 5.14."""
    try:
        return sock.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8)
    except OSError:
        return None


def _set_buffer(sock: socket.socket, option: int, force: int, size: int) -> None:
    """Ask for a buffer; beyond the system's limit only a privileged process gets it (socket(7))."""
    sock.setsockopt(socket.SOL_SOCKET, option, size)
    if sock.getsockopt(socket.SOL_SOCKET, option) < 2 * size:
        try:
            sock.setsockopt(socket.SOL_SOCKET, force, size)
        except PermissionError:
            return  # the status tells requested and effective


def _buffer(sock: socket.socket, option: int) -> int | None:
    """Size of a buffer as the kernel made it; None when the socket is lost."""
    try:
        return sock.getsockopt(socket.SOL_SOCKET, option)
    except OSError:
        return None


def _drops(sock: socket.socket) -> int:
    """Messages dropped on this socket since it was opened (sock_diag(7), SK_MEMINFO_DROPS); -1 if unknown."""
    try:
        info = sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 4 * SK_MEMINFO_VARS)
    except OSError:
        return -1
    return int(struct.unpack_from("=I", info, 4 * SK_MEMINFO_DROPS)[0]) if len(info) >= 4 * SK_MEMINFO_VARS else -1


def _ends(data: bytes, seq: int, whole: bool) -> bool:
    """Whether a datagram ends the answer to the request ``seq``."""
    at = 0
    while at + 16 <= len(data):
        length, kind, flags, number, _ = struct.unpack_from("=IHHII", data, at)
        if length < 16:
            break
        if number == seq and (kind in {NLMSG_ERROR, NLMSG_DONE} or not (whole or flags & NLM_F_MULTI)):
            return True
        at += (length + 3) & ~3
    return False


def _failed(code: str, what: str, error: OSError) -> TransportError:
    number = error.errno or 0
    hint = "run as root or in a user namespace: unshare --user --map-root-user --net" if number in {1, 13} else ""
    return TransportError(code, what, why=os.strerror(number) if number else str(error), hint=hint, errno=number)
