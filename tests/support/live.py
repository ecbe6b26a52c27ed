"""What scripts inside a namespace of a live test share: both implementations at once, a second namespace, programs.

Rules:
1. ``Watch`` waits on descriptors until a sentinel has come, and fails when it does not. Whoever waits has ``PATIENCE``:
   a machine may be busy, and what comes costs no more for it.
2. Where nothing may be lost, whoever changes the kernel waits for those who listen (``change_addresses``): a receive
   buffer holds what comes while its process has no processor, as long as that is not too much.

Not here: making the namespace (``support.namespaces``).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import UNSET

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.compare.contract import kind_name
from nlmon.compare.statement import statement_of
from nlmon.errors import NlmonError
from nlmon.events import Event, RouteInfo
from nlmon.state.tables import State
from nlmon.testing import messages
from nlmon.testing.messages import native
from nlmon.testing.transport import Opened
from nlmon.transport.kernel.transport import KernelFactory

__all__ = [
    "BOTH",
    "Peer",
    "Watch",
    "agreement",
    "ask",
    "change_addresses",
    "count_flows",
    "done",
    "enter",
    "ip",
    "ip_json",
    "routes",
    "sockets",
    "wait_up",
]

BOTH = ("legacy", "libnl")
PATIENCE = 60.0
# Bytes that wait in a receive buffer from which on nothing more is changed.
ROOM = 16_384
HEADER = ("interface", "protocol", "msg_type", "msg_flags", "seq", "pid", "nsid", "synthetic")
NESTED = 0x8000
NLMSG_ERROR = (2).to_bytes(2, sys.byteorder)
attr = partial(messages.attr, byteorder=sys.byteorder)
CLONE_NEWNET = 0x40000000
socket.setdefaulttimeout(PATIENCE)


class Watch:
    """Implementations attached to the kernel at once: ``events`` and ``errors`` by name, in order; ``transports`` by
    name and protocol."""

    def __init__(
        self,
        *protocols: int,
        names: tuple[str, ...] = BOTH,
        options: BackendOptions | None = None,
        factory: Callable[[], KernelFactory] = KernelFactory,
    ) -> None:
        self.backends: dict[str, Any] = {}
        self.transports: dict[str, dict[int, Any]] = {}
        self.events: dict[str, list[Event]] = {}
        self.errors: dict[str, list[NlmonError]] = {}
        for name in names:
            opened = Opened(factory())
            self.transports[name] = opened.transports
            backend = self.backends[name] = create(name, opened, options)
            self.events[name], self.errors[name] = [], []
            backend.set_callback(self.events[name].append, self.errors[name].append)
            for protocol in protocols:
                if protocol in backend.groups:
                    backend.enable(protocol)

    def __getitem__(self, name: str) -> Any:
        return self.backends[name]

    def drain(self) -> None:
        """Process whatever waits."""
        for backend in self.backends.values():
            for protocol in backend.status().protocols:
                while backend.fileno(protocol) >= 0 and backend.process(protocol):
                    pass

    def until(self, enough: Callable[[list[Event]], bool]) -> None:
        """Process until every implementation has delivered enough."""
        for name, backend in self.backends.items():
            while not enough(self.events[name]):
                ready = {backend.fileno(protocol): protocol for protocol in backend.status().protocols}
                ready.pop(-1, None)
                readable = select.select(list(ready), [], [], PATIENCE)[0]
                assert readable, (name, "waits in vain", self.count(name), self.errors[name])
                for descriptor in readable:
                    while backend.process(ready[descriptor]):
                        pass

    def count(self, name: str) -> Counter[tuple[int, int]]:
        """Number of events by protocol and message type."""
        return Counter((event.protocol, event.msg_type) for event in self.events[name])

    def close(self) -> None:
        """Close all."""
        for backend in self.backends.values():
            backend.close()


class Peer:
    """A second namespace, of a process that runs Python lines on demand: ``run`` answers what ``print`` says.

    The lines see ``ip``, ``wait_up`` and ``socket``, and must not print line ends."""

    LOOP = (
        "import sys, socket\nfrom support.live import ip, wait_up\n"
        "for line in sys.stdin: exec(eval(line)); print(flush=True)"
    )

    def __init__(self) -> None:
        command = ["unshare", "--net", sys.executable, "-P", "-c", self.LOOP]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.run("ip('link', 'set', 'lo', 'up')")

    def run(self, lines: str) -> str:
        """Run lines to their end."""
        self.start(lines)
        return self.wait()

    def start(self, lines: str) -> None:
        """Begin to run lines; ``wait`` for them before the next."""
        assert self.process.stdin is not None
        self.process.stdin.write(repr(lines) + "\n")
        self.process.stdin.flush()

    def wait(self) -> str:
        """What the lines printed, when they are done."""
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], 2 * PATIENCE)[0], "the peer does not answer"
        said = self.process.stdout.readline()
        assert said, "the peer died"
        return said.strip()

    def close(self) -> None:
        """End the process, and with it its namespace if nothing else holds it."""
        self.process.communicate()


def agreement(watch: Watch, protocol: int, besides: Iterable[str] = ()) -> int:
    """Number of events of a protocol that both gave, equal field by field as far as legacy provides them, besides some
    fields of the header. Both must have had their sentinel; what one of them read behind it is not compared, since
    the kernel goes on meanwhile."""
    statement = statement_of("legacy")
    legacy, libnl = ([event for event in watch.events[name] if event.protocol == protocol] for name in BOTH)
    libnl = [event for event in libnl if kind_name(event.payload) in statement.events]
    for one, other in zip(legacy, libnl, strict=False):
        assert _shared(one, besides) == _shared(other, besides), (_shared(one, besides), _shared(other, besides))
    for event in legacy:
        kind, family = kind_name(event.payload), getattr(event.payload, "family", None)
        for field in event.payload.__struct_fields__:
            provided = statement.provides(kind, field, family)
            assert (getattr(event.payload, field) is not UNSET) == provided, field
    return min(len(legacy), len(libnl))


def _shared(event: Event, besides: Iterable[str]) -> dict[str, object]:
    """Header and those fields of the payload that both implementations must give."""
    kind, family = kind_name(event.payload), getattr(event.payload, "family", None)
    provides, fields = statement_of("legacy").provides, event.payload.__struct_fields__
    names = [field for field in fields if provides(kind, field, family) and field != "multipath"]
    besides = {*besides} if event.protocol == 0 else {*besides, "interface"}
    head = {name: getattr(event, name) for name in HEADER if name not in besides}
    return head | {name: getattr(event.payload, name) for name in names}


def ip(*words: str, lines: str | None = None, check: bool = True) -> str:
    """Run ip; ``lines`` is its standard input."""
    ran = subprocess.run(["ip", *words], input=lines, capture_output=True, text=True, check=False)
    assert not check or ran.returncode == 0, (words, ran.stderr)
    return ran.stdout


def ip_json(*words: str) -> list[dict[str, Any]]:
    """What ip shows."""
    return json.loads(ip("-json", *words) or "[]")  # type: ignore[no-any-return]


def wait_up(name: str) -> None:
    """Wait until a link can carry packets, which is some time after it and its peer were set up (linkwatch)."""
    watch = Watch(0, names=("libnl",))

    def is_up(events: list[Event]) -> bool:
        return any(event.interface == name and getattr(event.payload, "operstate", None) == 6 for event in events)

    if not is_up(watch["libnl"].dump(0, 18).events):
        watch.until(is_up)
    watch.close()


def enter(path: str) -> None:
    """Go into the network namespace of a file (setns(2), which Python 3.11 does not have)."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.setns(handle, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    finally:
        os.close(handle)


def ask(protocol: int, *messages: bytes) -> None:
    """Send messages to the kernel, the last of which wants an acknowledgement; raises ``OSError`` on refusal."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as sock:
        sock.bind((0, 0))
        sock.send(b"".join(messages))
        while (answer := sock.recv(65536))[4:6] != NLMSG_ERROR:
            pass
        number = -int.from_bytes(answer[16:20], sys.byteorder, signed=True)
    if number:
        raise OSError(number, os.strerror(number))


def change_addresses(*commands: tuple[str, str]) -> None:
    """Let the kernel ``add`` or ``del`` addresses of lo, each when all who listen to NETLINK_ROUTE here have read
    nearly all that came before it, so that none of them loses anything."""
    for verb, address in commands:
        deadline = time.monotonic() + PATIENCE
        while _unread() > ROOM:
            assert time.monotonic() < deadline, "somebody who listens does not read"
            time.sleep(0.001)
        number, flags = (20, 0x605) if verb == "add" else (21, 5)  # NLM_F_CREATE | NLM_F_EXCL
        head = bytes([2, 32, 0, 0]) + (1).to_bytes(4, sys.byteorder)
        ask(0, native(number, head + attr(2, socket.inet_aton(address)), flags=flags))


def _unread() -> int:
    """The most bytes that wait in a socket of NETLINK_ROUTE that has joined a group (Rmem in /proc/net/netlink)."""
    rows = map(str.split, Path("/proc/net/netlink").read_text(encoding="ascii").splitlines()[1:])
    return max((int(row[4]) for row in rows if row[1] == "0" and int(row[3], 16)), default=0)


def done(result: object) -> None:
    """The script's answer to the test."""
    sys.stdout.write(json.dumps(result))


def count_flows() -> None:
    """Let the kernel track the connections of this namespace, which it does for a rule that asks for their state
    (linux/netfilter/nf_tables.h), and count their packets. On some kernels each step loads the module that the next
    needs."""
    inet, number = b"\x01\0\0\0", 10 << 8
    batch = bytes([0, 0, 0, 10])
    table, chain = attr(1, b"t\0"), b"c\0"
    hook = attr(4 | NESTED, attr(1, bytes(4)) + attr(2, bytes(4)))
    state = attr(1, attr(1, b"ct\0") + attr(2 | NESTED, attr(1, b"\0\0\0\x01") + attr(2, bytes(4))))
    ask(
        12,
        native(16, batch, flags=1),
        native(number, inet + table, flags=0x401),
        native(number | 3, inet + table + attr(3, chain) + hook + attr(7, b"filter\0"), flags=0x401),
        native(number | 6, inet + table + attr(2, chain) + attr(4 | NESTED, state), flags=0x405),
        native(17, batch, flags=1),
    )
    Path("/proc/sys/net/netfilter/nf_conntrack_acct").write_text("1", encoding="ascii")
    ask(12, native(0x102, bytes(4), flags=5))  # forget all flows


def routes(state: State | None = None) -> list[tuple[object, ...]]:
    """The routes of a state, or of this namespace as ip shows them, in the same words."""
    if state is not None:
        names = {row["ifindex"]: row["ifname"] for row in ip_json("link")}
        shown = []
        for r in state.tables["route"].values():
            if isinstance(r, RouteInfo) and r.oif is not None:
                rest = (f"{r.dst}/{r.dst_len}", names[r.oif], r.priority or 0, r.protocol, r.prefsrc or "")
                shown.append((r.family, r.table, r.type, *rest))
        return sorted(shown)
    shown = []
    for family, bits in ((2, 32), (10, 128)):
        for row in ip_json("-N", "-d", "-4" if family == 2 else "-6", "route", "show", "table", "all"):
            dst = row["dst"] if "/" in row["dst"] else f"{row['dst']}/{bits}"
            rest = (dst, row["dev"], row.get("metric", 0), int(row["protocol"]), row.get("prefsrc", ""))
            shown.append((family, int(row.get("table", 254)), int(row["type"]), *rest))
    return sorted(shown)


def sockets() -> set[str]:
    """The sockets that this process holds, as /proc names them."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(entry.readlink()))
    return {name for name in found if name.startswith("socket:")}
