"""A long run with flat memory: recorded messages by the million, or minutes of churn on this kernel.

    python benchmarks/soak.py replay [--messages 10000000]
    python benchmarks/soak.py live [--seconds 300]

``replay`` feeds every recording of Linux 6.12 into one comparison, over and over, as if the host had gone on; ``live``
attaches both implementations in a network namespace of its own (as root, or under ``unshare --user --map-root-user
--net``) and changes links, addresses, routes, neighbours and rules until the time is over. Both print a Markdown row
at every tenth: messages, resident memory, descriptors, threads; and at the end whether the two still agree.

Rules:
1. Memory is the resident set of /proc/self/statm after a garbage collection, so a rise is a leak and not a delay.
2. The live churn waits for both implementations after each round, so that a loss would be a fault and not a race.

Not here: speed (``ours``), and exporters (``exports``).
"""

from __future__ import annotations

import argparse
import gc
import os
import select
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.capture.base import Frame
from nlmon.compare.classify import Classifier
from nlmon.compare.final import compare_states
from nlmon.compare.pair import pair_of
from nlmon.engine.replay import Replay
from nlmon.errors import NlmonError
from nlmon.events import Event, LinkInfo
from nlmon.state.tables import State
from nlmon.transport.kernel.transport import KernelFactory

RECORDINGS = Path(__file__).parent.parent / "fixtures" / "captures" / "linux-6.12"
ROUTE = 0
ROWS = 10
PATIENCE = 30.0
# A link that is renamed at the end of each round: who received that received everything before.
SENTINELS = ("v0", "v1")


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def row(done: str, count: int, start: float) -> int:
    """Print a row of the table; the resident set in KiB."""
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    descriptors = len(list(Path("/proc/self/fd").iterdir())) - 1
    seconds = time.perf_counter() - start
    say(f"| {done} | {count:,} | {seconds:.0f} | {resident:,} | {descriptors} | {threading.active_count()} |")
    return resident


def verdict(sizes: list[int], text: str) -> None:
    """The last lines of a run: memory against half-time, when every bounded memo has filled, and agreement."""
    say(f"\nresident memory, last row against the fifth: {sizes[-1] / sizes[ROWS // 2 - 1]:.3f}\n{text}")


def head(what: str = "messages") -> None:
    """Head of the table; ``what`` is counted."""
    say(f"| done | {what} | seconds | resident, KiB | descriptors | threads |\n|---|---|---|---|---|---|")


# -- recorded messages ------------------------------------------------------------------------------------------


def endless() -> Iterator[Frame]:
    """The frames of every recording, over and over, numbered on."""
    number = 0
    while True:
        for path in sorted(RECORDINGS.glob("*.pcap.zst")):
            with open_capture(path) as reader:
                for frame in reader:
                    number += 1
                    yield structs.replace(frame, number=number)


def replayed(total: int) -> None:
    """Feed ``total`` messages into one comparison."""
    options = BackendOptions(caches=("link", "addr", "route"), resync=True)
    replay = Replay(partial(create, "legacy"), partial(create, "libnl"), byteorder="little", options=options)
    head()
    start, sizes = time.perf_counter(), []
    for frame in endless():
        replay.play([frame])
        if replay.feed.tally.messages >= total * (len(sizes) + 1) // ROWS:
            sizes.append(row(f"{len(sizes) + 1}/{ROWS}", replay.feed.tally.messages, start))
            if len(sizes) == ROWS:
                break
    replay.states.diverge()
    left, right = replay.states.both
    classifier = Classifier(replay.judge.pair)
    states = sum(1 for _ in compare_states(left, right, classifier, replay.feed.tally.last_frame))
    found = ", ".join(f"{count:,} {cls.label}" for cls, count in replay.judge.counts.items())
    verdict(sizes, f"differences: {found or 'none but enhancements'}; {states} in the final states")


# -- churn ------------------------------------------------------------------------------------------------------


class Listener:
    """One implementation on this kernel, and what it made of it."""

    def __init__(self, name: str) -> None:
        self.backend: Backend = create(name, KernelFactory(), BackendOptions(receive_buffer=8 << 20))
        self.state = State()
        self.events: Counter[int] = Counter()
        self.problems: list[str] = []
        self.seen = ""
        self.backend.set_callback(self._event, self._error)
        self.backend.enable(ROUTE)

    def _event(self, event: Event) -> None:
        self.events[event.msg_type] += 1
        self.state.apply(event)
        self.state.take_corrections()
        if isinstance(event.payload, LinkInfo) and event.payload.ifname in SENTINELS:
            self.seen = event.payload.ifname

    def _error(self, error: NlmonError) -> None:
        self.problems.append(str(error))

    def wait(self, sentinel: str) -> None:
        """Read until a link of this name was announced."""
        while self.seen != sentinel:
            if not select.select([self.backend.fileno(ROUTE)], [], [], PATIENCE)[0]:
                raise SystemExit(f"{self.backend.name} never received {sentinel}")
            while self.backend.process(ROUTE):
                pass


def churn(number: int) -> str:
    """One round for ``ip -batch``: a bridge with two ports and what stands on them comes and goes."""
    lines = [
        f"link add r{number} type veth peer name s{number}",
        f"link add b{number} type bridge",
        f"link set r{number} master b{number}",
        f"link set r{number} up",
        f"link set s{number} up",
        f"addr add 10.{number % 200}.0.1/24 dev s{number}",
        f"addr add 2001:db8:{number % 9999}::1/64 dev s{number} nodad",
    ]
    lines += [f"route add 10.{number % 200}.{n}.0/24 via 10.{number % 200}.0.9 dev s{number}" for n in range(1, 60)]
    lines += [f"neigh add 10.{number % 200}.0.{n} lladdr 02:00:00:00:00:{n:02x} dev s{number}" for n in range(9, 60)]
    lines += [f"rule add from 10.{number % 200}.{n}.0/24 lookup {1000 + n}" for n in range(1, 20)]
    lines += [f"rule del from 10.{number % 200}.{n}.0/24 lookup {1000 + n}" for n in range(1, 20)]
    lines += [f"link set r{number} nomaster", f"link del b{number}", f"link del r{number}"]
    return "\n".join([*lines, f"link set v{number % 2} name v{(number + 1) % 2}"]) + "\n"


def live(seconds: float) -> None:
    """Churn for a while and compare after each round."""
    listeners = [Listener("legacy"), Listener("libnl")]
    subprocess.run(["ip", "link", "add", "v0", "type", "veth", "peer", "name", "w0"], check=True)
    head()
    start, sizes, number, differences = time.perf_counter(), [], 0, 0
    while len(sizes) < ROWS:
        subprocess.run(["ip", "-batch", "-"], input=churn(number), text=True, check=True, stdout=subprocess.DEVNULL)
        number += 1
        for listener in listeners:
            listener.wait(f"v{number % 2}")
        left, right = listeners
        judge = Classifier(pair_of(left.backend.name, right.backend.name))
        differences += left.events != right.events
        differences += sum(1 for _ in compare_states(left.state, right.state, judge, number))
        if time.perf_counter() - start >= seconds * (len(sizes) + 1) / ROWS:
            sizes.append(row(f"{len(sizes) + 1}/{ROWS}", left.events.total(), start))
    problems = [text for listener in listeners for text in listener.problems]
    for listener in listeners:
        listener.backend.close()
    verdict(sizes, f"{number:,} rounds, {differences} differences, {len(problems)} errors or losses")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("replay").add_argument("--messages", type=int, default=10_000_000)
    what.add_parser("live").add_argument("--seconds", type=float, default=300)
    arguments = parser.parse_args()
    if arguments.what == "replay":
        replayed(arguments.messages)
    else:
        live(arguments.seconds)


if __name__ == "__main__":
    main()
