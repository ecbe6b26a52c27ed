"""What nlmon does with a running kernel, in a namespace of its own.

*Burst*: ``ip -batch`` adds addresses and routes by the ten thousand as fast as it can, and libnl listens. Where the
receive buffer is small, ``ip monitor`` listens beside it with one of the same size. What was dropped for each is the
kernel's own count.
*Drain*: a socket is filled while nobody reads; then it is read to its end, decoded; three times, of which the last
counts. pyroute2's is filled alike.

Rules:
1. The final state is held against ``ip -json``, which shares no code with us.
2. A namespace is new for each measurement.
3. In a burst the garbage collector passes over what was there before (``settle``); whoever runs a monitor can do the
   same. It makes no difference to draining.

Not here: making the namespace (``namespace``), long runs (``soak``).
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from benchmarks.captures import Captures
from benchmarks.recording import GROUPS, batch, lines_of_mixed
from benchmarks.sample import Sample, peak_memory, timed
from nlmon.backends.base import Backend
from nlmon.backends.libnl.recovery import DUMPS
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.errors import NlmonError, Overrun
from nlmon.events import AddrInfo, Event, RouteInfo
from nlmon.state.tables import State
from nlmon.transport.kernel.transport import KernelFactory

__all__ = ["WORK", "burst_lines"]

ROUTE = 0
DEVICES = 20
LARGE, SMALL, LARGEST = 1 << 20, 32 << 10, 8 << 20
SO_RCVBUFFORCE = 33
QUIET, PATIENCE = 0.3, 300  # seconds
POOL = 1 << 16  # datagrams
# Collections of the youngest objects before one of the older, and of these before one of all, which is never.
COLLECTIONS = 10, 1_000_000
# Lines for ip whose messages fit in a mebibyte of a receive buffer, which counts the kernel's own structures, too.
FIT = 200
ROUNDS = 6
# How often a socket is filled and drained before it counts: a monitor that has run for a while knows its messages.
BEFORE = 2


def burst_lines(count: int) -> Iterator[str]:
    """What ``ip -batch`` reads for ``count`` addresses, then as many routes, half of them IPv6."""
    for n in range(count):
        device, high, low = n % DEVICES, n // 2 // 250, n // 2 % 250 + 1
        yield f"addr add {f'10.{high}.{low}.1/32' if n % 2 else f'2001:db8::{n:x}/128 nodad'} dev v{device}\n"
    for n in range(count):
        device, high, low = n % DEVICES, n // 2 // 250, n // 2 % 250
        yield f"route add {f'172.{high}.{low}.0/24' if n % 2 else f'2001:db8:1:{n:x}::/64'} dev v{device} proto bird\n"


def held() -> set[tuple[object, ...]]:
    """Addresses and routes of this namespace, as ``ip`` shows them."""
    found: set[tuple[object, ...]] = set()
    indexes = {}
    for row in _ip("-d", "addr"):
        indexes[row["ifname"]] = row["ifindex"]
        found |= {("addr", row["ifindex"], one["local"], one["prefixlen"]) for one in row["addr_info"]}
    for family, bits in (("-4", 32), ("-6", 128)):
        for row in _ip(family, "-N", "-d", "route", "show", "table", "all"):
            to, _, length = row["dst"].partition("/")
            to = {"default": "0.0.0.0" if family == "-4" else "::"}.get(to, to)
            found.add(("route", int(row.get("table", 254)), to, int(length or bits), indexes[row["dev"]]))
    return found


def folded(events: Iterable[Event]) -> set[tuple[object, ...]]:
    """The same of events."""
    state = State(notes=False)
    for event in events:
        state.apply(event)
    found: set[tuple[object, ...]] = set()
    for one in state.tables["addr"].values():
        if isinstance(one, AddrInfo):
            found.add(("addr", one.ifindex, one.addr, one.prefixlen))
    for other in state.tables["route"].values():
        if isinstance(other, RouteInfo):
            found.add(("route", other.table, other.dst, other.dst_len, other.oif))
    return found


def _ip(*words: str) -> list[dict[str, Any]]:
    shown = subprocess.run(["ip", "-json", *words], capture_output=True, text=True, check=True).stdout
    rows: list[dict[str, Any]] = json.loads(shown or "[]")
    return rows


def drops_of(pid: int) -> int | None:
    """What the kernel dropped for the first NETLINK_ROUTE socket of a process that listens; None: it does not yet."""
    for line in Path("/proc/net/netlink").read_text(encoding="ascii").splitlines()[1:]:
        row = line.split()
        if row[1] == "0" and row[2] == str(pid) and int(row[3], 16):
            return int(row[8])
    return None


def settle() -> None:
    """What is there stays: let the garbage collector pass over it. It looks at everything in quiet moments only."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(gc.get_threshold()[0], *COLLECTIONS)


class Monitor:
    """libnl, listening; ``events`` and ``errors`` as they came."""

    def __init__(self, buffer: int, *, resync: bool = False, pool: int | None = None) -> None:
        # Dumps wait for the end of a burst.
        options = BackendOptions(receive_buffer=buffer, resync=resync, resync_quiet=QUIET, message_pool_size=pool)
        self.backend: Backend = create("libnl", KernelFactory(), options)
        self.events: list[Event] = []
        self.errors: list[NlmonError] = []
        self.backend.set_callback(self.events.append, self.errors.append)
        self.backend.enable(ROUTE)

    def drain(self) -> int:
        """Read what waits; the number of events."""
        before = len(self.events)
        while self.backend.process(ROUTE):
            pass
        return len(self.events) - before

    def attend(self, over: Callable[[], bool]) -> float:
        """Read until it is ``over`` and nothing comes any more; when the last came."""
        descriptor, last = self.backend.fileno(ROUTE), time.perf_counter()
        while True:
            due = self.backend.due()
            ready = select.select([descriptor], [], [], QUIET if due is None else min(due, QUIET))[0]
            if self.drain():
                last = time.perf_counter()
            elif due is None and not ready:
                gc.collect()
            if not ready and over() and not self.backend.resyncing():
                return last


def burst(captures: Captures, buffer: int, *, beside: bool = False, resync: bool = False) -> Sample:
    """Additions by ``ip -batch``; ``beside``: ``ip monitor`` listens, too; ``resync``: libnl recovers from losses."""
    batch("link set lo up\n" + "".join(map(_device, range(DEVICES))))
    # Read ahead of decoding, so that the kernel's buffer is empty sooner.
    monitor = Monitor(buffer, resync=resync, pool=POOL)
    status = monitor.backend.status().protocols[ROUTE].transport
    if status is None or (status.receive_buffer_effective or 0) < 2 * buffer:  # the kernel doubles it
        raise SystemExit("the kernel allows no such receive buffer: be root, or raise net.core.rmem_max")
    dumped = [event for dump in DUMPS for event in monitor.backend.whole_dump(*dump).events]  # type: ignore[attr-defined]
    settle()
    with listening(buffer) if beside else nullcontext(int) as theirs:
        start, cpu = time.perf_counter(), time.process_time()
        with subprocess.Popen(["ip", "-batch", str(captures.lines)], stdout=subprocess.DEVNULL) as changes:
            end = monitor.attend(lambda: changes.poll() is not None)
        cpu = time.process_time() - cpu
        facts: dict[str, float] = {"lost by ip monitor": theirs()} if beside else {}
    if changes.returncode:
        raise SystemExit("ip -batch failed")
    lost = monitor.backend.status().protocols[ROUTE].transport.drops  # type: ignore[union-attr]
    facts |= {
        "lost": lost,
        "overruns": sum(isinstance(error, Overrun) for error in monitor.errors),
        "synthetic": sum(event.synthetic for event in monitor.events),
        "state is right": float(folded([*dumped, *monitor.events]) == held()),
    }
    if beside:
        facts["lost, of ip monitor"] = lost / max(1, facts["lost by ip monitor"])
    monitor.backend.close()
    received = len(monitor.events) - int(facts["synthetic"])
    return Sample(received, end - start, cpu, peak_memory(), facts)


def _device(number: int) -> str:
    """A link without addresses of its own, which would come when the measurement is over."""
    new = f"link add v{number} type veth peer name w{number}\n"
    return new + "".join(f"link set {end}{number} addrgenmode none\nlink set {end}{number} up\n" for end in "vw")


@contextmanager
def listening(buffer: int) -> Iterator[Callable[[], int]]:
    """``ip monitor`` on the same kinds of messages; gives how many the kernel dropped for it so far."""
    words = ["ip", "-rcvbuf", str(buffer), "monitor", "link", "address", "route", "neigh", "rule"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        while drops_of(peer.pid) is None:
            with suppress(subprocess.TimeoutExpired):
                peer.wait(0.01)
                raise SystemExit("ip monitor failed")
        try:
            yield lambda: drops_of(peer.pid) or 0
        finally:
            peer.terminate()


def fill(effective: int, start: int) -> str:
    """Make changes whose messages fit in a receive buffer of so many bytes, from round ``start`` on; the alias that a
    link gets in the last."""
    rounds = range(start, start + ROUNDS)
    lines = chain.from_iterable(lines_of_mixed(number).splitlines() for number in rounds)
    alias = f"the-last-before-{start + ROUNDS}"
    batch("\n".join([*islice(lines, effective * FIT >> 20), f"link set v0 alias {alias}", ""]))
    return alias


def drain(_: Captures) -> Sample:
    """libnl: process() until nothing waits, the last time."""
    batch(lines_of_mixed(0))
    monitor = Monitor(LARGEST)
    effective = monitor.backend.status().protocols[ROUTE].transport.receive_buffer_effective  # type: ignore[union-attr]
    for time_ in range(BEFORE):
        fill(effective or 0, 1 + time_ * ROUNDS)
        monitor.drain()
    fill(effective or 0, 1 + BEFORE * ROUNDS)
    sample = timed(monitor.drain)
    if monitor.errors:
        raise SystemExit(f"the buffer was too small: {monitor.errors[0]}")
    return sample


def drain_by_pyroute2(_: Captures) -> Sample:
    """pyroute2: its get() until the last message, the last time. It decodes attributes only when they are asked for,
    and nobody asks."""
    from pyroute2 import IPRoute  # noqa: PLC0415

    batch(lines_of_mixed(0))
    with IPRoute(rcvbuf=LARGEST) as ipr, socket.socket(fileno=os.dup(ipr.fileno())) as descriptor:
        ipr.bind(groups=sum(1 << group - 1 for group in GROUPS))
        with suppress(PermissionError):  # then it has what the system allows to everybody
            descriptor.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, LARGEST)
        effective = descriptor.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        signal.alarm(PATIENCE)

        def until(alias: str) -> int:
            count = 0
            while True:
                for message in ipr.get():
                    count += 1
                    if message["header"]["type"] == 16 and message.get_attr("IFLA_IFALIAS") == alias:
                        return count

        for time_ in range(BEFORE):
            until(fill(effective, 1 + time_ * ROUNDS))
        alias = fill(effective, 1 + BEFORE * ROUNDS)
        return timed(lambda: until(alias))


WORK: dict[str, Callable[[Captures], Sample]] = {
    "burst 1 MiB": partial(burst, buffer=LARGE),
    "burst 32 KiB": partial(burst, buffer=SMALL, beside=True, resync=True),
    "burst 32 KiB without recovery": partial(burst, buffer=SMALL, beside=True),
    "drain": drain,
    "drain by pyroute2": drain_by_pyroute2,
}
