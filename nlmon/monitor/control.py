"""The control socket of a running monitor, by which it is asked.

A Unix socket; whoever connects sends one line, such as ``{"command": "status"}``, and is answered with one line of
JSON. A monitor is its control socket: there is one monitor at a path.

    control = ControlSocket(path)
    control.open()                          # raises PlatformError: another monitor is there
    poll(control.descriptors())             # readable: there is something to do
    control.serve(descriptor, answer)       # never waits
    control.close()                         # removes the socket

Rules:
1. The socket is its owner's alone (0600) from the moment it has a name, and no link is followed.
2. Who holds the lock beside the socket is the monitor of that path; what lies there then is of a dead one, and is
   replaced.
3. Nobody at the other end is waited for; ``CLIENTS_KEPT`` may be slow at once. Where an answer takes long, whoever
   makes it may call ``serve`` for the others.
4. Where this process or host has no descriptor left, the client that has been there longest goes; without one, the next
   is let in on a descriptor that is kept for that, and is answered so. Nobody who waits keeps the loop busy.

Not here: where sockets are (``runtime``), who asks (``asking``), and what is answered (``status``).
"""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Protocol, TypeAlias

import msgspec

from nlmon.errors import NlmonError, PlatformError, reason_of
from nlmon.monitor.runtime import address, open_folder, this_user, unix_socket
from nlmon.printable import printable_json

if sys.platform == "linux":
    import fcntl

__all__ = ["CLIENTS_KEPT", "REQUEST_KEPT", "Answer", "ControlSocket", "Request", "refusal"]

# Clients that have not been served yet; beyond that the one that has been there longest goes.
CLIENTS_KEPT = 16
# Bytes of a request.
REQUEST_KEPT = 4096
LOCK = ".lock"
# How often a lock is taken that its last owner was just about to remove.
LOCK_TRIES = 100
# No descriptor is left, or no memory for one.
_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
# sys/epoll.h
_IN, _OUT = 0x001, 0x004
# A client that is gone is an error of the call, and no signal, which may be fatal.
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is asked: ``status``; or ``switch``, ``to`` an implementation, and with ``force`` although the configuration
    would lose something."""

    command: str
    to: str = ""
    force: bool = False


Answer: TypeAlias = Callable[[Request], bytes]


class _Epoll(Protocol):
    """What is used of ``select.epoll``, which other systems do not have."""

    def fileno(self) -> int: ...
    def register(self, fd: int, eventmask: int) -> None: ...
    def modify(self, fd: int, eventmask: int) -> None: ...
    def poll(self, timeout: float) -> list[tuple[int, int]]: ...
    def close(self) -> None: ...


class _Client:
    """One that has connected: what it has sent so far, and what is left to send to it."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.request = b""
        self.answer = memoryview(b"")
        # Its answer is being made, which may take so long that others are served meanwhile.
        self.waits = False


class ControlSocket:
    """The control socket at ``path``. ``user``: whom its folder may belong to, beside this user and root."""

    def __init__(self, path: Path, user: int | None = None) -> None:
        self.path = path
        self._users = {0, this_user()} | ({user} if user is not None else set())
        self._folder = -1
        self._folder_made = False
        self._lock = -1
        self._listener: socket.socket | None = None
        self._epoll: _Epoll | None = None
        self._clients: dict[int, _Client] = {}
        # A descriptor that is there for a client when there is no other.
        self._spare = -1

    def check(self) -> None:
        """Raise what ``open`` would raise of the folder, and make nothing; another monitor may run."""
        folder = self.path.parent
        try:
            try:
                os.close(open_folder(folder, self._users))
            except FileNotFoundError:
                folder = folder.parent  # where it would be made
                folder.stat()
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except (OSError, ValueError) as error:
            raise _not_made(self.path, error) from error

    def open(self) -> None:
        """Make the socket, and its folder if that is missing; raises ``PlatformError``, at once if there is another
        monitor."""
        try:
            self._folder_made = _make_folder(self.path.parent)
            self._folder = open_folder(self.path.parent, self._users)
            # Whoever owns a folder that is trusted could replace whatever is in it.
            users = self._users | {os.fstat(self._folder).st_uid}
            self._lock = _locked(self._folder, self.path, users)
            self._listener = _listening(self._folder, self.path, users)
            self._epoll = _epoll()
            self._epoll.register(self._listener.fileno(), _IN)
            self._spare = os.dup(self._lock)
        except (OSError, ValueError) as error:
            self.close()
            raise _not_made(self.path, error) from error
        except PlatformError:
            self.close()
            raise

    def descriptors(self) -> list[int]:
        """What to wait for: readable when ``serve`` has something to do."""
        return [] if self._epoll is None else [self._epoll.fileno()]

    def serve(self, descriptor: int, answer: Answer) -> None:
        """Do what can be done at once for those who ask; ``answer`` gives a request its line of JSON. ``descriptor``:
        the one that is readable."""
        assert self._epoll is not None and self._listener is not None and descriptor == self._epoll.fileno()
        for ready, _ in self._epoll.poll(0):
            if client := self._clients.get(ready):
                self._go_on(client, answer)
            elif ready == self._listener.fileno():
                self._accept(self._listener, answer)

    def give(self, user: int, group: int) -> None:
        """Let the user that this monitor is going to run as own what has been made, so that it can be removed. What
        lies in a folder that was there stays as it is: somebody may have put another file in its place."""
        if self._folder_made and user != this_user() and sys.platform != "win32":
            os.chown(self.path.name, user, group, dir_fd=self._folder, follow_symlinks=False)
            os.fchown(self._lock, user, group)
            os.fchown(self._folder, user, group)

    def close(self) -> None:
        """End the socket and remove it, if this user may; one that stays is replaced by the next monitor."""
        for client in list(self._clients.values()):
            self._leave(client)
        self._give_spare()
        if self._epoll is not None:
            self._epoll.close()
            self._epoll = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            _remove(self.path.name, self._folder)
        if self._lock >= 0:
            _remove(self.path.name + LOCK, self._folder)
            os.close(self._lock)
            self._lock = -1
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    def _accept(self, listener: socket.socket, answer: Answer) -> None:
        for _ in range(CLIENTS_KEPT):
            try:
                connection, _address = listener.accept()
            except OSError as error:  # nobody is left, or one has gone at once
                if error.errno in _FULL:
                    self._make_room(listener)
                return
            if len(self._clients) >= CLIENTS_KEPT:
                self._leave(next(iter(self._clients.values())))
            connection.setblocking(False)
            client = self._clients[connection.fileno()] = _Client(connection)
            assert self._epoll is not None
            self._epoll.register(connection.fileno(), _IN)
            self._go_on(client, answer)  # mostly it has asked already

    def _make_room(self, listener: socket.socket) -> None:
        """Let one go, as there is no descriptor for the next."""
        if self._clients:
            self._leave(next(iter(self._clients.values())))
            return
        self._give_spare()
        with suppress(OSError):
            connection, _address = listener.accept()
            with connection:
                connection.setblocking(False)
                connection.send(refusal("the monitor has no descriptor left"), _NO_SIGNAL)
        with suppress(OSError):
            self._spare = os.dup(self._lock)

    def _give_spare(self) -> None:
        if self._spare >= 0:
            os.close(self._spare)
        self._spare = -1

    def _go_on(self, client: _Client, answer: Answer) -> None:
        """Read what one has sent, and send what it has not been sent, as far as that is possible now."""
        if client.waits:
            return
        try:
            if not client.answer:
                received = client.connection.recv(REQUEST_KEPT)
                client.request += received
                if received and b"\n" not in client.request and len(client.request) < REQUEST_KEPT:
                    return
                client.waits = True
                client.answer = memoryview(_answered(client.request, answer) if received else b"")
                client.waits = False
                if client.connection.fileno() < 0:
                    return  # it had to go meanwhile
                assert self._epoll is not None
                self._epoll.modify(client.connection.fileno(), _OUT)
            while client.answer:
                client.answer = client.answer[client.connection.send(client.answer, _NO_SIGNAL) :]
        except BlockingIOError:
            return
        except OSError:
            pass  # it has gone
        self._leave(client)

    def _leave(self, client: _Client) -> None:
        del self._clients[client.connection.fileno()]
        client.connection.close()


def _make_folder(path: Path) -> bool:
    """Whether the folder had to be made."""
    try:
        path.mkdir(0o700)
    except FileExistsError:
        return False
    return True


def _locked(folder: int, path: Path, users: set[int]) -> int:
    """The descriptor of the lock beside a socket, which is this process's now."""
    name = path.name + LOCK
    for _ in range(LOCK_TRIES):
        try:
            lock = os.open(name, _LOCK_FLAGS, 0o600, dir_fd=folder)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise _not_ours(path.with_name(name), "it is a symbolic link") from error
            raise
        try:
            if sys.platform == "linux":
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            facts = os.fstat(lock)
            if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1 or facts.st_uid not in users:
                raise _not_ours(path.with_name(name), "it is no plain file of this user")
            if os.path.samestat(facts, os.stat(name, dir_fd=folder, follow_symlinks=False)):
                return lock
        except BlockingIOError as error:
            os.close(lock)
            raise _busy(path) from error
        except FileNotFoundError:
            pass  # whoever had it has just removed it
        except PlatformError:
            os.close(lock)
            raise
        os.close(lock)
    raise _busy(path)


def _listening(folder: int, path: Path, users: set[int]) -> socket.socket:
    """A socket that listens under the name in a folder; what is there of a dead monitor goes."""
    with suppress(FileNotFoundError):
        facts = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISSOCK(facts.st_mode) or facts.st_uid not in users:
            raise _not_ours(path, "it is no socket of this user")
        if _is_alive(folder, path.name):
            raise _busy(path)
        os.unlink(path.name, dir_fd=folder)
    listener = unix_socket()
    try:
        # unix_bind() in net/unix/af_unix.c gives the name the mode that the socket has.
        if sys.platform != "win32":
            os.fchmod(listener.fileno(), 0o600)
        listener.bind(address(folder, path.name))
        listener.listen(CLIENTS_KEPT)
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _is_alive(folder: int, name: str) -> bool:
    """Whether anybody listens on a socket."""
    with unix_socket() as probe:
        probe.setblocking(False)
        try:
            probe.connect(address(folder, name))
        except ConnectionRefusedError:
            return False
        except BlockingIOError:  # so many connect that one more would have to wait
            return True
        return True


def _answered(request: bytes, answer: Answer) -> bytes:
    try:
        asked = msgspec.json.decode(request.partition(b"\n")[0], type=Request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return refusal("the request is no command")
    try:
        return answer(asked)
    except NlmonError as error:  # a question ends no monitor
        return refusal(str(error))


def refusal(why: str) -> bytes:
    """The line of JSON that says why there is no answer."""
    return printable_json(msgspec.json.encode({"error": why})) + b"\n"


def _epoll() -> _Epoll:
    if sys.platform == "linux":
        return select.epoll()
    raise OSError(errno.ENOSYS, "this system has no epoll")


def _remove(name: str, folder: int) -> None:
    with suppress(OSError):
        os.unlink(name, dir_fd=folder)


def _not_made(path: Path, error: Exception) -> PlatformError:
    hint = "name one in a folder of your own, such as --socket ./nlmon.sock, and give nlmon --status the same"
    return PlatformError(
        "NLM-M021", "the control socket cannot be made", where=str(path), why=reason_of(error), hint=hint
    )


def _busy(path: Path) -> PlatformError:
    return PlatformError(
        *("NLM-M020", "another monitor runs with this control socket"),
        where=str(path),
        hint=f"see it with nlmon --status --socket {quote(str(path))}; "
        "one more on the same configuration needs a --socket of its own",
    )


def _not_ours(path: Path, why: str) -> PlatformError:
    what = "something else is in the place of the control socket"
    return PlatformError("NLM-M023", what, where=str(path), why=why, hint="move it away, or name another with --socket")
