"""Messages of the control socket of a sandbox, and descriptors that go with them: files in memory, sockets.

Rules:
1. Only the standard library: the process inside of a sandbox has nothing else.
2. Where there is no Linux there is no sandbox, and this can be imported all the same.

Not here: what the messages say (``sandbox``, ``sandbox_init``).
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator, Sequence

__all__ = ["REQUEST_SIZE", "memory", "pair", "receive", "send"]

REQUEST_SIZE = 128 * 1024
# Of a request: standard input, output and error of a command.
DESCRIPTORS = 3
_INT = struct.Struct("=i")


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends of a control socket."""
    if sys.platform == "linux":
        return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    raise _unsupported()


def send(control: socket.socket, text: bytes, descriptors: Sequence[int] = ()) -> None:
    """Send a message."""
    if sys.platform == "linux":
        socket.send_fds(control, [text], list(descriptors))
        return
    raise _unsupported()


def receive(control: socket.socket) -> tuple[bytes, list[int]]:
    """The next message of a control socket, empty at its end, and the descriptors that come with it. No program that is
    run meanwhile gets them, as it would with ``socket.recv_fds``, which leaves flags out (Python 3.11)."""
    if sys.platform == "linux":
        space = socket.CMSG_LEN(DESCRIPTORS * _INT.size)
        text, ancillary, _, _ = control.recvmsg(REQUEST_SIZE, space, socket.MSG_CMSG_CLOEXEC)
        numbers = [
            number
            for level, kind, data in ancillary
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
            for (number,) in _INT.iter_unpack(data[: len(data) - len(data) % _INT.size])
        ]
        return text, numbers
    raise _unsupported()


@contextlib.contextmanager
def memory(name: str, content: bytes = b"") -> Iterator[int]:
    """A file in memory, as a descriptor at its beginning."""
    if sys.platform == "linux":
        descriptor = os.memfd_create(name)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(content)
            os.lseek(descriptor, 0, os.SEEK_SET)
            yield descriptor
        finally:
            os.close(descriptor)
    else:
        raise _unsupported()


def _unsupported() -> OSError:
    return OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
