"""Where lines of the log are written: the journal of systemd, and a descriptor such as standard error.

Both take what they can at once and never wait: a monitor that waits for its log loses events.

Rules:
1. A line for a descriptor has at most ``LINE_KEPT`` bytes. A pipe that poll(2) calls writable takes so many at once
   (pipe(7): PIPE_BUF).
2. To the journal goes its native protocol, a datagram with a field in each part; what does not fit into a datagram goes
   as a sealed file in memory (systemd.io/JOURNAL_NATIVE_PROTOCOL).

Not here: what is said, and how it looks (``log``).
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

if sys.platform == "linux":
    import fcntl

__all__ = ["LINE_KEPT", "SOCKET", "Journal", "is_journal", "write_line"]

SOCKET = "/run/systemd/journal/socket"
# Bytes of a line with its end; POSIX promises 512, Linux has 4,096.
LINE_KEPT = 4096
# The journal reads slower than we write, or this host has no memory for a datagram: the entry is lost, the journal not.
_FULL = {errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM}


def is_journal(descriptor: int, environ: Mapping[str, str]) -> bool:
    """Whether what is written to a descriptor goes to the journal: systemd says device and inode in JOURNAL_STREAM
    (systemd.exec(5)), and a redirection since then has others."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM", "") == f"{status.st_dev}:{status.st_ino}"


def write_line(descriptor: int, line: bytes) -> bool:
    """Write a line if that can be done at once; False: it is lost."""
    if not _writable(descriptor):
        return False
    if len(line) >= LINE_KEPT:
        line = (line[: LINE_KEPT - 4].decode("utf-8", "ignore") + "…").encode()
    try:
        os.write(descriptor, line + b"\n")
    except OSError:
        return False
    return True


if sys.platform == "win32":

    def _writable(descriptor: int) -> bool:
        """Windows has no poll(2), and no monitor."""
        return descriptor >= 0

else:

    def _writable(descriptor: int) -> bool:
        """Whether a write does not wait. A pipe that nobody reads is none: SIGPIPE would end the monitor for a line."""
        poll = select.poll()
        try:
            poll.register(descriptor, select.POLLOUT)
            found = poll.poll(0)
        except (OSError, ValueError):
            return False
        return any(event & select.POLLOUT and not event & (select.POLLERR | select.POLLHUP) for _, event in found)


class Journal:
    """A socket to the journal at ``path``. Raises ``OSError`` where there is none."""

    def __init__(self, path: str = SOCKET) -> None:
        family = getattr(socket, "AF_UNIX", None)
        if family is None or not Path(path).is_socket():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self._path = path
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send(self, fields: Iterable[tuple[str, str]]) -> bool:
        """Send an entry; False: it is lost, since the journal has no room. Raises ``OSError`` where there is no journal
        any more."""
        entry = b"".join(_field(name, value) for name, value in fields)
        try:
            # Each entry finds the socket by its path, so that a new journal gets what comes after its start.
            self._socket.sendto(entry, self._path)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                return self._send_file(entry)
            if error.errno in _FULL:
                return False
            raise
        return True

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _send_file(self, entry: bytes) -> bool:
        """Send an entry as a file in memory that cannot change any more."""
        if sys.platform == "linux":
            with suppress(OSError):
                descriptor = os.memfd_create("nlmon-journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
                with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123  (a descriptor has no path)
                    file.write(entry)
                    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
                    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
                    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("=i", descriptor))
                    self._socket.sendmsg([], [rights], 0, self._path)
                    return True
        return False


def _field(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "replace")
    if b"\n" in data:
        return b"%s\n%s%s\n" % (name.encode("ascii"), struct.pack("<Q", len(data)), data)
    return b"%s=%s\n" % (name.encode("ascii"), data)
