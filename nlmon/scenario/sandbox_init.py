"""The process inside of a sandbox: process 1 of its namespaces, which runs commands and opens sockets on request.

It is started as a program of its own, so that no thread, descriptor or memory of the caller comes along. The starter
leaves for the new namespaces and waits for the user map, which only somebody outside may write; its child is process 1,
builds the root and serves one request after the other until the control socket is closed.

Rules:
1. When process 1 ends, in whatever way, the kernel kills all that runs inside (pid_namespaces(7)); mounts and network
   namespaces go with it. It ends when the control socket is shut down, or the caller or its parent dies.
2. A command gets three capabilities, which count in the network namespaces of the sandbox alone, and three descriptors.
   It gains no privilege by what it runs. What it leaves running is killed before the next request.
3. Names of namespaces are looked up in a table of descriptors here and never in the files, which commands can change.
4. Only the standard library and ``nlmon.uapi``, all of it loaded before the host's files are gone.

Not here: what may be asked for (``sandbox``), and how this text gets inside (``program``).
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

assert sys.platform == "linux"

from nlmon.scenario.sandbox_control import receive, send
from nlmon.scenario.sandbox_root import make_root, open_sources
from nlmon.scenario.syscalls import (
    MNT_DETACH,
    MS_BIND,
    UMOUNT_NOFOLLOW,
    die_with_parent,
    keep_capabilities,
    mount,
    no_new_privileges,
    setns,
    umount,
    unshare,
)
from nlmon.uapi import (
    CAP_NET_ADMIN,
    CAP_NET_BIND_SERVICE,
    CAP_NET_RAW,
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
)

__all__ = ["PATH", "main"]

PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
ENVIRONMENT = {"PATH": PATH, "HOME": "/tmp", "LC_ALL": "C", "TERM": "dumb"}
NAMESPACES = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP
KINDS = ("user", "mnt", "net", "pid", "ipc", "uts", "cgroup")
CAPABILITIES = (CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE)
LIMITS = (
    (resource.RLIMIT_NOFILE, 256),
    (resource.RLIMIT_FSIZE, 16 * 1024 * 1024),
    # With 0 the kernel would still give a core dump to the host's program for it, which runs as root; 1 prevents it.
    (resource.RLIMIT_CORE, 1),
)
PROCESSES = 256


class _Refused(Exception):
    """A request that cannot be carried out; ``kind`` says why, in a word."""

    def __init__(self, kind: str, why: str = "") -> None:
        super().__init__(kind, why)
        self.kind = kind
        self.why = why


def main(descriptor: int, readable: list[str]) -> None:
    """Leave for new namespaces and start process 1 there; ``descriptor``: the control socket."""
    os.set_inheritable(descriptor, False)
    caller = os.pidfd_open(os.getppid())
    control = socket.socket(fileno=descriptor)
    with _reporting(control, "namespaces"):
        # Even root of the host is nobody there inside; groups of its would still open files.
        with contextlib.suppress(PermissionError):
            os.setgroups([])
        # At once, while this is still the user whose files are readable.
        unshare(CLONE_NEWUSER | NAMESPACES)
    with _reporting(control, "root"):
        sources = open_sources(readable)
    _send(control, {"ready": "map"})
    if not receive(control)[0]:
        return
    with _reporting(control, "namespaces"):
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
    child = os.fork()
    if child:
        control.close()
        _wait(child, caller)
    die_with_parent(signal.SIGKILL)
    with _reporting(control, "root"):
        missing = make_root(sources)
        # Nobody inside makes a user namespace, where it would have all capabilities again.
        _write("/proc/sys/user/max_user_namespaces", "0")
    namespaces = [os.readlink(f"/proc/self/ns/{kind}") for kind in KINDS]  # noqa: PTH115
    _send(control, {"ready": "serve", "missing": missing, "namespaces": namespaces})
    _Init(control).serve()


def _wait(child: int, caller: int) -> None:
    """Wait for the end of process 1, or kill it when the caller has ended and something else keeps its socket open."""
    handle = os.pidfd_open(child)
    if handle not in select.select([handle, caller], [], [])[0]:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os._exit(0)


@contextlib.contextmanager
def _reporting(control: socket.socket, part: str) -> Iterator[None]:
    """Say what failed, and end."""
    try:
        yield
    except Exception as error:
        _send(control, {"failed": part, "why": _why(error)})
        os._exit(1)


def _why(error: Exception) -> str:
    if not isinstance(error, OSError):
        return repr(error)
    return f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror or error)


def _send(control: socket.socket, answer: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    send(control, json.dumps(answer).encode(), descriptors)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)


class _Init:
    """Serves requests. ``namespaces``: a descriptor of each network namespace by name; the first has no name."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.namespaces = {"": os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)}

    def serve(self) -> None:
        """Answer requests until the control socket is closed."""
        while True:
            text, descriptors = receive(self.control)
            if not text:
                os._exit(0)
            opened: list[int] = []
            try:
                request = json.loads(text)
                answer = getattr(self, "do_" + request.pop("do"))(*descriptors, opened=opened, **request)
            except _Refused as error:
                answer = {"refused": error.kind, "why": error.why}
            except OSError as error:
                answer = {"refused": "errno", "why": _why(error), "errno": error.errno or 0}
            with contextlib.suppress(BrokenPipeError):
                _send(self.control, answer, tuple(opened))
            for descriptor in (*descriptors, *opened):
                os.close(descriptor)

    @contextlib.contextmanager
    def _inside(self, name: str) -> Iterator[None]:
        """Be in a network namespace for a while."""
        setns(self._namespace(name), CLONE_NEWNET)
        try:
            yield
        finally:
            setns(self.namespaces[""], CLONE_NEWNET)

    def _namespace(self, name: str) -> int:
        if name not in self.namespaces:
            raise _Refused("unknown namespace")
        return self.namespaces[name]

    def do_add(self, *, netns: str, opened: list[int]) -> dict[str, Any]:
        """Make a network namespace that commands know by a name, as ``ip netns add`` does."""
        if netns in self.namespaces:
            raise _Refused("namespace exists")
        path = f"/run/netns/{netns}"
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o444))
        unshare(CLONE_NEWNET)
        try:
            mount("/proc/self/ns/net", path, flags=MS_BIND)
            self.namespaces[netns] = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            setns(self.namespaces[""], CLONE_NEWNET)
        return {}

    def do_delete(self, *, netns: str, opened: list[int]) -> dict[str, Any]:
        """Forget a name; the kernel ends the namespace when no socket is in it."""
        descriptor = self._namespace(netns)
        umount(f"/run/netns/{netns}", MNT_DETACH | UMOUNT_NOFOLLOW)
        os.unlink(f"/run/netns/{netns}")  # noqa: PTH108
        os.close(descriptor)
        del self.namespaces[netns]
        return {}

    def do_socket(self, *, netns: str, family: int, kind: int, protocol: int, opened: list[int]) -> dict[str, Any]:
        """Open a socket in a namespace."""
        with self._inside(netns):
            opened.append(socket.socket(family, kind, protocol).detach())
        return {}

    def do_read(self, output: int, *, netns: str, path: str, opened: list[int]) -> dict[str, Any]:
        """Copy a file to a descriptor."""
        with self._inside(netns), open(path, "rb") as file:  # noqa: PTH123
            while piece := file.read(1 << 16):
                os.write(output, piece)
        return {}

    def do_write(self, *, netns: str, path: str, text: str, opened: list[int]) -> dict[str, Any]:
        """Write a file, such as a setting of the kernel."""
        with self._inside(netns):
            _write(path, text)
        return {}

    def do_run(
        self, *descriptors: int, netns: str, argv: list[str], deadline: float, opened: list[int]
    ) -> dict[str, Any]:
        """Run a command to its end or its deadline; then nothing but this process runs."""
        namespace = self._namespace(netns)
        program = argv[0] if "/" in argv[0] else _which(argv[0])
        failure, report = os.pipe()
        pid = os.fork()
        if pid == 0:
            _become(program, argv, namespace, descriptors, report)
        os.close(report)
        until = time.monotonic() + deadline
        child = os.pidfd_open(pid)
        try:
            ready = select.select([child, self.control.fileno()], [], [], max(0.0, until - time.monotonic()))[0]
            if self.control.fileno() in ready:  # the caller has gone, and does not ask before it has an answer
                os._exit(1)
            if not ready:
                os.kill(pid, signal.SIGKILL)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        finally:
            os.close(child)
            _kill_all()
        with os.fdopen(failure, "rb") as file:
            why = file.read().decode()
        if why:
            raise _Refused("not run", why)
        return {"status": status, "ended": "exit" if ready else "deadline"}


def _which(program: str) -> str:
    for folder in PATH.split(":"):
        if os.access(path := f"{folder}/{program}", os.X_OK):
            return path
    raise _Refused("not installed")


def _become(program: str, argv: list[str], namespace: int, descriptors: tuple[int, ...], report: int) -> None:
    """Become a command: in its namespace, with its descriptors, and with hardly a privilege."""
    try:
        setns(namespace, CLONE_NEWNET)
        os.setsid()
        os.chdir("/tmp")
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        for kind, limit in LIMITS:
            hard = resource.getrlimit(kind)[1]
            limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
            resource.setrlimit(kind, (limit, limit))
        if _counts_processes_by_namespace():
            resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        no_new_privileges()
        keep_capabilities(CAPABILITIES)
        os.execve(program, argv, ENVIRONMENT)
    except BaseException as error:
        os.write(report, str(error).encode())
    finally:
        os._exit(127)


def _counts_processes_by_namespace() -> bool:
    """Whether RLIMIT_NPROC counts what runs in this user namespace, not all of the user (Linux 5.14)."""
    release = os.uname().release.split(".")
    return (int(release[0]), int("".join(filter(str.isdigit, release[1][:2])) or 0)) >= (5, 14)


def _kill_all() -> None:
    """Kill what a command has left, and wait for its end."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
