"""Churn: the running kernel's links, addresses, routes and neighbours changed at random and recorded, in a namespace.

    python -m support.churn OUT SEED [CHANGES]

records one run into OUT; it is to be started in a fresh network namespace. The recording begins and ends with the
dumps of ``nlmon record``, so that it proves its own final state. The same seed makes the same changes; what the kernel
answers, and when, is its own.

Not here: what is done with recordings (``support.windows``).
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from nlmon.capture.write import PcapngWriter
from nlmon.transport.dumps import DUMPS
from nlmon.transport.kernel.transport import KernelFactory
from nlmon.transport.recorder import RecordingFactory, RecordingTransport
from nlmon.uapi import NETLINK_ROUTE

__all__ = ["change", "main", "record"]

CHANGES = 400
# Changes that are made between two readings, and room for what they give.
AT_ONCE, BUFFER = 10, 1 << 24
# Groups of rtnetlink.h: links, neighbours, addresses, routes and rules of both families.
GROUPS = (1, 3, 5, 7, 8, 9, 11, 19)
LINKS = ("b0", "b1", "b2", "v0", "v1", "x0")
MADE = ("b0 type bridge", "b1 type bridge", "b2 type bridge", "v0 type veth peer name v1")
MADE += ("x0 type vxlan id 7 dstport 4789 local 127.0.0.1",)
ROUTES4 = ("10.9.0.0/16", "10.9.1.0/24", "default", "172.16.0.0/12")
ROUTES6 = ("2001:db8:9::/48", "default", "2001:db8:7::/48")


def change(rng: random.Random) -> str:
    """A line of ``ip -batch``, of which the kernel may refuse what does not fit."""
    return rng.choice(KINDS)(rng)


def _address(rng: random.Random) -> str:
    """An address of few, so that links share subnets, have secondary ones and lose their last."""
    link = rng.choice(LINKS)
    net, host = rng.randrange(3), rng.randrange(1, 4)
    if rng.random() < 0.25:
        one = f"2001:db8:{net}::{host}/64 dev {link} nodad"
    else:
        one = f"10.{net}.0.{host}/{rng.choice((24, 24, 32, 16))} dev {link}"
    return f"address {rng.choice(('add', 'add', 'del'))} {one}"


def _updown(rng: random.Random) -> str:
    return f"link set {rng.choice(LINKS)} {rng.choice(('up', 'up', 'down'))}"


def _link(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return f"link add {rng.choice(MADE)}"
    return f"link del {rng.choice(LINKS)}"


def _settings(rng: random.Random) -> str:
    link = rng.choice(LINKS)
    what = (f"mtu {rng.randrange(1300, 1500)}", f"alias a{rng.randrange(9)}", "nomaster", "master b0", "master b1")
    return f"link set {link} {rng.choice(what)}"


def _hop(rng: random.Random, six: bool) -> str:
    gateway = f"2001:db8:{rng.randrange(3)}::9" if six else f"10.{rng.randrange(3)}.0.{rng.randrange(8, 10)}"
    chance = rng.random()
    if chance < 0.4:
        return f"via {gateway}"
    return f"dev {rng.choice(LINKS)}" if chance < 0.7 else f"via {gateway} dev {rng.choice(LINKS)} onlink"


def _route(rng: random.Random) -> str:
    six = rng.random() < 0.3
    verb = rng.choice(("add", "add", "append", "prepend", "replace", "del"))
    to = rng.choice(ROUTES6 if six else ROUTES4)
    rest = [rng.choice(("", "", f"metric {rng.randrange(1, 3)}"))]
    if not six:
        rest += [rng.choice(("", "", "table 100", f"src 10.{rng.randrange(3)}.0.{rng.randrange(1, 4)}"))]
    if rng.random() < 0.25 and verb != "del":
        hops = " ".join(f"nexthop {_hop(rng, six)}" for _ in range(rng.randrange(2, 4)))
        return f"-{'6' if six else '4'} route {verb} {to} {' '.join(rest)} {hops}"
    return f"-{'6' if six else '4'} route {verb} {to} {_hop(rng, six)} {' '.join(rest)}"


def _nexthop(rng: random.Random) -> str:
    number = rng.randrange(1, 5)
    chance = rng.random()
    if chance < 0.4:
        return f"nexthop {rng.choice(('add', 'replace'))} id {number} {_hop(rng, False)}"
    if chance < 0.5:
        return f"nexthop del id {number}"
    if chance < 0.6:
        group = f"{rng.randrange(1, 3)}/{rng.randrange(3, 5)}"
        return f"nexthop {rng.choice(('add', 'replace'))} id {number + 4} group {group}"
    return f"-4 route {rng.choice(('add', 'append', 'replace'))} {rng.choice(ROUTES4)} nhid {rng.randrange(1, 9)}"


def _neighbour(rng: random.Random) -> str:
    link, host = rng.choice(LINKS), rng.randrange(20, 24)
    if rng.random() < 0.3:
        return f"neighbour del 10.0.0.{host} dev {link}"
    return f"neighbour replace 10.0.0.{host} dev {link} lladdr 02:00:00:00:00:0{rng.randrange(5)} nud permanent"


def _rule(rng: random.Random) -> str:
    return f"rule {rng.choice(('add', 'del'))} from 10.{rng.randrange(2)}.0.0/16 table 100 pref {rng.randrange(50, 52)}"


# How often each kind of change is made.
KINDS: tuple[Callable[[random.Random], str], ...] = (
    *(_address,) * 6,
    *(_updown,) * 4,
    *(_link,) * 2,
    *(_settings,) * 2,
    *(_route,) * 8,
    *(_nexthop,) * 3,
    *(_neighbour,) * 2,
    _rule,
)


def record(out: Path, seed: int, changes: int = CHANGES) -> int:
    """Record so many changes of this namespace; how many datagrams."""
    rng = random.Random(seed)
    _ip("link set lo up", *(f"link add {one}" for one in MADE), *(f"link set {link} up" for link in LINKS))
    with PcapngWriter(out, metadata={}, byteorder=sys.byteorder) as writer:
        transport = RecordingFactory(KernelFactory(), writer).open(NETLINK_ROUTE, GROUPS, receive_buffer=BUFFER)
        _dump(transport, 1)
        for begin in range(0, changes, AT_ONCE):
            _ip(*(change(rng) for _ in range(min(AT_ONCE, changes - begin))))
            while transport.recv() is not None:
                pass
        _dump(transport, 100)
        transport.close()
        return writer.frames


def _dump(transport: RecordingTransport, seq: int) -> None:
    for number, dump in enumerate(DUMPS[NETLINK_ROUTE], seq):
        for _ in transport.request(dump.message(number)):
            pass


def _ip(*lines: str) -> None:
    subprocess.run(
        ["ip", "-force", "-batch", "-"],
        input="\n".join(lines) + "\n",
        text=True,
        check=False,
        capture_output=True,
    )


def main() -> None:
    """Record as the arguments say."""
    out, seed, *rest = sys.argv[1:]
    sys.stdout.write(f"{record(Path(out), int(seed), *map(int, rest))}\n")


if __name__ == "__main__":
    main()
