"""Asking a running monitor over its control socket.

Rules:
1. Whatever is at the other end, there is an answer or an error by the deadline, and no more than ``ANSWER_KEPT`` bytes
   are read.
2. Only this user and root are believed. Root believes a user in the folder of that user as well: nobody else could have
   put the socket there.

Not here: what the answer says (``status``), and which control sockets there are (``runtime``).
"""

from __future__ import annotations

import os
import socket
import stat
import struct
import sys
import time
from pathlib import Path

import msgspec

from nlmon.errors import PlatformError, reason_of
from nlmon.monitor.control import Request
from nlmon.monitor.runtime import address, open_folder, this_user, unix_socket

__all__ = ["ANSWER_KEPT", "NOT_RUNNING", "PATIENCE", "ask"]

# The code of a socket on which nobody listens.
NOT_RUNNING = "NLM-M024"

# Bytes of an answer.
ANSWER_KEPT = 4 << 20
# Seconds for an answer, and between two tries to connect.
PATIENCE, PAUSE = 2.0, 0.01


def ask(path: Path, command: str, patience: float = PATIENCE, *, to: str = "", force: bool = False) -> bytes:
    """The line that the monitor at ``path`` answers a request (``control.Request``) with; raises ``PlatformError`` when
    there is none, when it is not trusted, and when no answer comes in ``patience`` seconds."""
    deadline = time.monotonic() + patience
    request = msgspec.json.encode(Request(command, to, force)) + b"\n"
    try:
        with _connected(path, deadline) as connection:
            connection.settimeout(_left(deadline))
            connection.sendall(request)
            return _line(connection, deadline, path)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise PlatformError(
            *("NLM-M024", "no monitor runs with this control socket"),
            where=str(path),
            hint="start it with nlmon --config FILE; nlmon --status alone lists those that run",
        ) from error
    except (TimeoutError, BlockingIOError) as error:
        why = f"there was no answer in {patience:g} seconds"
        raise _no_answer(path, why) from error
    except ConnectionError as error:
        raise _no_answer(path, reason_of(error)) from error
    except (OSError, ValueError) as error:
        what, hint = "the control socket cannot be asked", "ask as the user who has started the monitor, or as root"
        raise PlatformError("NLM-M027", what, where=str(path), why=reason_of(error), hint=hint) from error


def _connected(path: Path, deadline: float) -> socket.socket:
    """A connection to a socket that is trusted."""
    user = this_user()
    folder = open_folder(path.parent, {user} if user else ())
    try:
        facts = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISSOCK(facts.st_mode):
            raise _not_trusted(path, "it is a symbolic link" if stat.S_ISLNK(facts.st_mode) else "it is no socket")
        # In the folder of a user nobody else could have put it there.
        trusted = {0, user or os.fstat(folder).st_uid}
        connection = unix_socket()
        try:
            _connect(connection, address(folder, path.name), deadline)
            for owner in (facts.st_uid, _peer(connection)):
                if owner not in trusted:
                    raise _not_trusted(path, f"it belongs to another user (uid {owner})")
        except BaseException:
            connection.close()
            raise
        return connection
    finally:
        os.close(folder)


def _connect(connection: socket.socket, address: str, deadline: float) -> None:
    connection.setblocking(False)
    while True:
        try:
            connection.connect(address)
        except BlockingIOError:  # connect(2): of a Unix socket, its backlog is full
            if not _left(deadline):
                raise
            time.sleep(PAUSE)
        else:
            return


def _line(connection: socket.socket, deadline: float, path: Path) -> bytes:
    """What comes until the end of a line."""
    line = bytearray()
    while b"\n" not in line[-1 << 16 :]:
        connection.settimeout(_left(deadline) or PAUSE)
        received = connection.recv(1 << 16)
        if not received:
            raise _no_answer(path, "the connection has ended")
        line += received
        if len(line) > ANSWER_KEPT:
            raise _no_answer(path, f"the answer has no end within {ANSWER_KEPT} bytes")
        if not _left(deadline):
            raise TimeoutError
    return bytes(line[: line.index(b"\n") + 1])


def _peer(connection: socket.socket) -> int:
    """The user that listens at the other end (unix(7): as it was when it called listen)."""
    if sys.platform == "linux":
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[1])
    raise OSError("this system does not say who listens")


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())


def _not_trusted(path: Path, why: str) -> PlatformError:
    return PlatformError(
        "NLM-M027", "the control socket is not trusted", where=str(path), why=why, hint="name the socket itself"
    )


def _no_answer(path: Path, why: str) -> PlatformError:
    hint = "it may be stopped or very busy; ps and ss -xlp show who listens there"
    return PlatformError("NLM-M025", "the monitor does not answer", where=str(path), why=why, hint=hint)
