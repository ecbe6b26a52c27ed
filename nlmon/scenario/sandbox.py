"""The sandbox in which the steps of a scenario run: network namespaces in which a command changes nothing else.

A scenario may come from a stranger, and who runs it may be root. So its commands run in user, mount, PID, network, IPC
and UTS namespaces of their own, as a user who has no privilege on the host. They see its programs and can only read.

    with Sandbox() as sandbox:
        sandbox.add_namespace("peer")
        sandbox.run("ip link add veth0 type veth peer name veth1 netns peer")
        monitor = KernelFactory(opener=sandbox.open_socket)

Rules:
1. What a command may do is bounded by the kernel, not by looking at its words: the list of programs is there so that a
   scenario runs the same everywhere, and what is on it can run programs that are not (``tc exec``).
2. A command that fails, or does not end in time, is a result (``Ran``). An error is what should not have been asked for
   (NLM-X012 to NLM-X015), or a system that cannot do it (NLM-X010, NLM-X011, NLM-X016).
3. One request at a time, from any thread. When the sandbox is left, nothing of it is left but sockets that the caller
   has not closed.

Not here: what happens inside (``sandbox_init``, ``sandbox_root``), how it gets there (``program``), and comparing what
comes of it (``nlmon.engine``).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from msgspec import Struct

from nlmon.errors import InputError, PlatformError, UsageError, reason_of
from nlmon.scenario.program import arguments, compiled
from nlmon.scenario.refusals import forbidding_settings, hint_for
from nlmon.scenario.sandbox_control import REQUEST_SIZE, memory, pair, receive, send
from nlmon.transport.kernel.waiting import readable

__all__ = ["PROGRAMS", "Ran", "Sandbox", "parse_command"]

PROGRAMS = frozenset({"ip", "bridge", "tc", "nft", "conntrack", "ethtool", "iw", "ss"})
# Those of iproute2 that take the name of a namespace before everything else.
TAKES_NAMESPACE = {"ip", "bridge", "tc"}
DEADLINE = 10.0
# What the process inside may take beyond the deadline of a command, on a busy machine.
GRACE = 20.0
NOBODY = 65534
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")


class Ran(Struct, frozen=True):
    """A command that ran. ``status``: its exit status, or the negative number of the signal that ended it; ``ended``:
    whether it came to its end or was killed at its deadline."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str
    ended: Literal["exit", "deadline"] = "exit"

    @property
    def ok(self) -> bool:
        """Whether it ended by itself and well."""
        return self.status == 0 and self.ended == "exit"


def parse_command(line: str, namespace: str = "") -> tuple[str, list[str]]:
    """The network namespace and the words of a command line, which no shell sees.

    Going into another namespace needs a privilege that commands do not have; so the sandbox does it where it is written
    as ``ip -n NAME``, also of ``bridge`` and ``tc``, or ``ip netns exec NAME``. Raises ``InputError`` (NLM-X013)."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise InputError("NLM-X013", "a command line cannot be split into words", where=line, why=str(error)) from error
    if not words or "\0" in line:
        raise InputError("NLM-X013", "a command line has no words, or a zero byte", where=repr(line))
    match words:
        case [program, "-n" | "-netns", name, *rest] if program in TAKES_NAMESPACE:
            return name, [program, *rest]
        case ["ip", "netns", "exec", name, *rest] if rest:
            return name, rest
    return namespace, words


class Sandbox:
    """Runs commands, and opens sockets, in network namespaces that nothing leads out of; a context manager.

    ``allow_run``: programs that are not on the list, too; ``readable``: files and folders of the host that are there
    inside, read-only; ``deadline``: seconds for a command that has none of its own. ``missing``: what the kernel did
    not allow and commands seldom need; ``namespaces``: those that were made on entering, as the kernel names them."""

    def __init__(self, *, allow_run: bool = False, readable: Sequence[Path] = (), deadline: float = DEADLINE) -> None:
        self.allow_run = allow_run
        self.deadline = deadline
        self.missing: tuple[str, ...] = ()
        self.namespaces: tuple[str, ...] = ()
        self._readable = [str(path.resolve(strict=True)) for path in readable]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def __enter__(self) -> Sandbox:
        """Make the namespaces. Raises ``PlatformError``: NLM-X010 when the kernel refuses them, and which setting
        forbids it; NLM-X011 when the files inside cannot be made."""
        if self._control is not None:
            raise UsageError("NLM-X017", "the sandbox is entered already")
        _require_linux()
        self._control, theirs = pair()
        try:
            with theirs, memory("program", compiled()) as program:
                self._process = subprocess.Popen(
                    arguments(theirs.fileno(), self._readable),
                    stdin=program,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                    cwd="/",
                )
            _answer(self._control, GRACE)
            self._map_user(self._process.pid)
            made, _ = _exchange(self._control, b"mapped", (), GRACE)
            self.missing, self.namespaces = tuple(made["missing"]), tuple(made["namespaces"])
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything that runs inside; the namespaces go with it. Closing again does nothing."""
        control, process, self._control, self._process = self._control, self._process, None, None
        if control is not None:
            _shut_down(control)
        if process is not None:
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()  # which kills process 1 (PR_SET_PDEATHSIG), and that everything else
                process.wait()

    def run(self, line: str, *, netns: str = "", stdin: str = "", deadline: float | None = None) -> Ran:
        """Run a command line in a namespace, the first one by default, to its end or its deadline.

        Raises ``InputError``: NLM-X012 for a program that is not on the list, NLM-X013 for a line without words,
        NLM-X015 for a namespace that is not there; ``PlatformError``: NLM-X014 for a program that is not installed."""
        if line.split()[:3] in (["ip", "netns", "add"], ["ip", "netns", "del"], ["ip", "netns", "delete"]):
            return self._name(parse_command(line)[1])
        netns, argv = parse_command(line, netns)
        if argv[0] not in PROGRAMS and not self.allow_run:
            raise InputError(
                *("NLM-X012", f"a scenario may not run {argv[0]}"),
                where=line,
                why=f"it is none of {', '.join(sorted(PROGRAMS))}",
                hint="allow it with --allow-run if you trust the scenario",
            )
        return self._run(argv, netns, stdin, self.deadline if deadline is None else deadline)

    def batch(self, text: str, *, netns: str = "", deadline: float | None = None) -> Ran:
        """Run lines for ``ip -batch``, of which the first that fails ends it."""
        return self._run(["ip", "-batch", "-"], netns, text, self.deadline if deadline is None else deadline)

    def add_namespace(self, name: str) -> None:
        """Make another network namespace, which commands inside know by its name and nobody outside knows. Raises
        ``InputError`` (NLM-X015)."""
        if not _NAME.fullmatch(name):
            raise InputError("NLM-X015", "the name of a namespace has letters, digits, _, - and . in it", where=name)
        self._ask({"do": "add", "netns": name})

    def delete_namespace(self, name: str) -> None:
        """Forget a namespace; it ends with the last socket in it. Raises ``InputError`` (NLM-X015)."""
        self._ask({"do": "delete", "netns": name})

    def open_socket(self, family: int, kind: int, protocol: int = 0, *, netns: str = "") -> socket.socket:
        """A socket of a namespace inside, for use out here; who asks for it closes it. It is ``socket.socket`` for
        what takes one that opens sockets. Raises ``OSError`` as that does."""
        _, descriptors = self._ask(
            {"do": "socket", "netns": netns, "family": family, "kind": kind, "protocol": protocol}
        )
        return socket.socket(family, kind, protocol, fileno=descriptors[0])

    def read(self, path: str, *, netns: str = "") -> str:
        """Text of a file as it is inside, such as ``/proc/net/netlink`` of a namespace. Raises ``OSError``."""
        with memory("file") as output:
            self._ask({"do": "read", "netns": netns, "path": path}, [output])
            return _text(output)

    def write(self, path: str, text: str, *, netns: str = "") -> None:
        """Write a file inside, such as ``/proc/sys/net/ipv4/ip_forward``. Raises ``OSError``."""
        self._ask({"do": "write", "netns": netns, "path": path, "text": text})

    def _name(self, words: list[str]) -> Ran:
        """What ``ip netns`` needs a privilege for that it does not have here."""
        if len(words) != 4:
            raise InputError("NLM-X013", "a namespace is added and deleted by one name", where=shlex.join(words))
        (self.add_namespace if words[2] == "add" else self.delete_namespace)(words[3])
        return Ran(tuple(words), 0, "", "")

    def _run(self, argv: list[str], netns: str, stdin: str, deadline: float) -> Ran:
        with memory("stdin", stdin.encode()) as source, memory("stdout") as output, memory("stderr") as errors:
            request = {"do": "run", "netns": netns, "argv": argv, "deadline": deadline}
            answer, _ = self._ask(request, [source, output, errors], deadline)
            return Ran(tuple(argv), answer["status"], _text(output), _text(errors), answer["ended"])

    def _ask(
        self, request: dict[str, Any], descriptors: Sequence[int] = (), deadline: float = 0.0
    ) -> tuple[dict[str, Any], list[int]]:
        """Send a request inside; the answer, and the descriptors that came with it."""
        text = json.dumps(request).encode()
        if len(text) > REQUEST_SIZE // 2:
            raise InputError("NLM-X013", "a command line is too long", where=f"{len(text):,} bytes")
        with self._lock:
            if self._control is None:
                raise UsageError("NLM-X017", "the sandbox is not entered, or is left already")
            try:
                answer, received = _exchange(self._control, text, descriptors, deadline + GRACE)
            except BaseException:
                # An answer that comes later would be taken for that of the next request.
                _shut_down(self._control)
                raise
        if "refused" in answer:
            raise _refused(answer, request)
        return answer, received

    def _map_user(self, pid: int) -> None:
        """Root inside is a user without privilege outside: nobody if this is root, else the user that this is."""
        user, group = _user_and_group()
        if user == 0 and _is_mapped("uid_map") and _is_mapped("gid_map"):
            user = group = NOBODY
        try:
            for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
                Path(f"/proc/{pid}/{name}").write_text(text, encoding="ascii")
        except OSError as error:
            raise _cannot("namespaces", reason_of(error)) from error


def _no_namespaces() -> PlatformError:
    return PlatformError("NLM-X010", "this operating system has no namespaces", hint="live work needs Linux")


def _require_linux() -> None:
    if sys.platform != "linux":
        raise _no_namespaces()


def _user_and_group() -> tuple[int, int]:
    if sys.platform == "linux":
        return os.geteuid(), os.getegid()
    raise _no_namespaces()


def _exchange(
    control: socket.socket, text: bytes, descriptors: Sequence[int], patience: float
) -> tuple[dict[str, Any], list[int]]:
    try:
        send(control, text, descriptors)
    except OSError as error:
        raise _gone() from error
    return _answer(control, patience)


def _answer(control: socket.socket, patience: float) -> tuple[dict[str, Any], list[int]]:
    try:
        text, descriptors = receive(control) if readable([control], patience) else (b"", [])
    except OSError as error:
        raise _gone() from error
    if not text:
        raise _gone()
    answer = json.loads(text)
    if "failed" in answer:
        raise _cannot(answer["failed"], answer["why"])
    return answer, descriptors


def _gone() -> PlatformError:
    return PlatformError("NLM-X016", "the process inside of the sandbox ended, or does not answer")


def _shut_down(control: socket.socket) -> None:
    """Close a socket for everybody who has it, such as a process that was forked meanwhile."""
    with contextlib.suppress(OSError):
        control.shutdown(socket.SHUT_RDWR)
    control.close()


def _is_mapped(name: str) -> bool:
    """Whether this user namespace has a nobody."""
    lines = Path("/proc/self", name).read_text(encoding="ascii").splitlines()
    ranges = [tuple(map(int, line.split())) for line in lines]
    return any(first <= NOBODY < first + length for first, _, length in ranges)


def _cannot(part: str, why: str) -> PlatformError:
    settings = forbidding_settings()
    if part == "namespaces" or settings:
        return PlatformError(
            "NLM-X010", "the kernel refuses the namespaces of a sandbox", why=why, hint=hint_for(settings)
        )
    hint = "a container that covers parts of /proc does not allow it: run outside, or with /proc as it is"
    return PlatformError("NLM-X011", "the files of a sandbox cannot be made", why=why, hint=hint)


def _refused(answer: dict[str, Any], request: dict[str, Any]) -> Exception:
    program, netns = request.get("argv", [""])[0], request.get("netns", "")
    match answer["refused"]:
        case "errno":
            return OSError(answer["errno"], answer["why"])
        case "not installed":
            return PlatformError("NLM-X014", f"the program {program} is not installed")
        case "not run":
            return PlatformError("NLM-X014", f"the program {program} cannot be run", why=answer["why"])
        case "namespace exists":
            return InputError("NLM-X015", f"there is a namespace {netns} already")
        case _:
            return InputError("NLM-X015", f"there is no namespace {netns}", hint=f"add it first: ip netns add {netns}")


def _text(descriptor: int) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, "rb", closefd=False) as file:
        return file.read().decode("utf-8", "replace")
