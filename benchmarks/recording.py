"""Records what this kernel says of changes that ``ip -batch`` makes in a namespace of its own.

    python -m benchmarks.recording mixed|links MESSAGES OUT

*mixed*: 5 % links, 25 % addresses, 45 % routes, 25 % neighbours, IPv4 and IPv6, in the order in which the kernel said
them; of a kind that is ahead of its share, a message is left out. *links*: RTM_NEWLINK of veth, bridge and vxlan
alone. OUT gets the messages one behind the other, each padded to four bytes, as they come in a buffer of recv(2).

Rules:
1. Every message is the kernel's own; none is made up or changed.
2. Rounds do not repeat: addresses, prefixes and names change from one to the next, as they do on a host.

Not here: making the namespace (``namespace``), file formats (``captures``).
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["SHARES", "lines_of_links", "lines_of_mixed", "record", "split"]

# Percent of each kind by RTM_NEW* type (linux/rtnetlink.h).
SHARES = {16: 5, 20: 25, 24: 45, 28: 25}
GROUPS = (1, 3, 5, 7, 9, 11)  # RTNLGRP_LINK, _NEIGH, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP = 270, 1
BUFFER = 4 << 20
HEADER = struct.Struct("=IHHII")
PORTS = 6
ROUND = 500
# So few lines make no more messages than fit in the receive buffer that everybody may have.
AT_ONCE = 20
# Addresses, more routes, and neighbours of one round, per family of addresses.
ADDRESSES, ROUTES, NEIGHBOURS = 50, 30, 50


def split(data: bytes) -> Iterator[bytes]:
    """The messages of a file or datagram, without padding."""
    at = 0
    while at + 16 <= len(data):
        length = HEADER.unpack_from(data, at)[0]
        yield data[at : at + length]
        at += (length + 3) & ~3


def lines_of_mixed(number: int) -> str:
    """One round of a host with a bridge, its ports and tunnels: all comes, all but the links goes."""
    if not number:
        return "\n".join([*_links(), "link add d0 type veth peer name e0", "link set e0 up", "link set d0 up", ""])
    port, high, low = f"v{number % PORTS}", number // 200 % 200 + 20, number % 200
    v6 = f"2001:db8:{number:x}"
    names = ["d0", *(f"{letter}{n}" for n in range(PORTS) for letter in "vbx")]
    new = [f"link set {name} mtu {1300 + (number + n) % 120}" for n, name in enumerate(names)]
    new += [f"link set {name} alias {name}-in-round-{number}" for name in names]
    new += [f"link set v{n} txqueuelen {500 + number % 400}" for n in range(PORTS)]
    new += [f"link add t{number} type veth peer name u{number}", f"link set t{number} up"]
    new += [f"addr add 10.{high}.{low}.{n}/32 dev d0 label d0:{n}" for n in range(1, ADDRESSES // 2)]
    new += [f"addr add 172.{n}.{low}.{high}/24 dev {port}" for n in range(ADDRESSES // 2)]
    new += [f"addr add {v6}:{n:x}::{n:x}/64 dev d0 nodad" for n in range(1, ADDRESSES)]
    new += [f"neigh add 172.0.{low}.{n} lladdr {_mac(number, n)} dev {port} nud reachable" for n in range(NEIGHBOURS)]
    new += [f"neigh add fe80::{number:x}:{n:x} lladdr {_mac(number, n)} dev d0" for n in range(1, NEIGHBOURS)]
    here = f"via 172.0.{low}.250 dev {port}"
    new += [f"route add 10.{100 + n}.{low}.0/24 {here} metric {100 + n} proto bird" for n in range(ROUTES)]
    new += [f"route add {v6}:a{n:x}::/64 via {v6}:1::99 dev d0 proto bird" for n in range(ROUTES)]
    new += [f"route add 10.{50 + n}.{low}.0/24 nexthop {here} weight 2 nexthop dev d0 weight 1" for n in range(4)]
    old = [line.replace(" add ", " del ", 1) for line in reversed(new) if " add " in line]
    return "\n".join([*new, *(line.partition(" lladdr ")[0] + _device(line) for line in old), ""])


def lines_of_links(number: int) -> str:
    """One round of changes of links that say so: their size, their queue, their alias, up and down."""
    if not number:
        return "\n".join([*_links(), ""])
    new = []
    for n in range(PORTS):
        for name in (f"v{n}", f"b{n}", f"x{n}"):
            new += [f"link set {name} mtu {1300 + number % 120}", f"link set {name} txqueuelen {100 + number % 990}"]
            new += [f"link set {name} alias {name}-{number}", f"link set {name} down", f"link set {name} up"]
    return "\n".join([*new, ""])


def _links() -> Iterator[str]:
    """Pairs of veth of which one end is the port of a bridge, and tunnels."""
    yield "link set lo up"
    for n in range(PORTS):
        yield f"link add b{n} type bridge"
        yield f"link add v{n} type veth peer name w{n}"
        yield f"link add x{n} type vxlan id {100 + n} dstport 4789 local 127.0.0.1 dev lo"
        yield f"link set w{n} master b{n}"
        for name in (f"b{n}", f"v{n}", f"w{n}", f"x{n}"):
            yield f"link set {name} up"


def _mac(number: int, n: int) -> str:
    return f"02:{number >> 8 & 255:02x}:{number & 255:02x}:00:00:{n:02x}"


def _device(line: str) -> str:
    """What ``partition`` cut off behind the address of a neighbour, without its state."""
    return " dev " + line.split(" dev ")[1].split(maxsplit=1)[0] if " lladdr " in line else ""


def listen() -> socket.socket:
    """A socket that receives all that is counted here."""
    listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    listener.bind((0, 0))
    for group in GROUPS:
        listener.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
    listener.setblocking(False)
    return listener


def waiting(listener: socket.socket) -> Iterator[bytes]:
    """The messages that wait in a socket; raises ``OSError`` if there were too many for it."""
    with contextlib.suppress(BlockingIOError):
        while True:
            yield from split(listener.recv(1 << 16))


def batch(lines: str) -> None:
    """Let ``ip`` make changes, all at once; raises ``SystemExit`` when it cannot."""
    if shutil.which("ip") is None:
        raise SystemExit("the program ip is not installed")
    done = subprocess.run(["ip", "-batch", "-"], input=lines, text=True, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"ip -batch failed: {done.stderr.strip()}")


def record(lines: Callable[[int], str], keep: Callable[[bytes], bool], total: int) -> list[bytes]:
    """The first ``total`` messages of as many rounds as it takes that ``keep`` wants."""
    kept: list[bytes] = []
    with listen() as listener:
        for number in itertools.count():
            todo = iter(lines(number).splitlines())
            while part := list(itertools.islice(todo, AT_ONCE)):
                batch("\n".join([*part, ""]))
                kept += filter(keep, waiting(listener))
            if len(kept) >= total:
                return kept[:total]
    return kept


def in_shares() -> Callable[[bytes], bool]:
    """Whether the next message is wanted: its kind is not ahead of its share by more than a round brings."""
    counts: Counter[int] = Counter()

    def keep(message: bytes) -> bool:
        kind = HEADER.unpack_from(message)[1] & ~3
        if kind not in SHARES or counts[kind] * 100 >= SHARES[kind] * (counts.total() + ROUND):
            return False
        counts[kind] += 1
        return True

    return keep


def is_new_link(message: bytes) -> bool:
    """RTM_NEWLINK of AF_UNSPEC, not of a bridge's port."""
    return HEADER.unpack_from(message)[1] == 16 and message[16] == 0


def main() -> None:
    """Record in this namespace."""
    what, total, out = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    if what == "mixed":
        found = record(lines_of_mixed, in_shares(), total)
    else:
        found = record(lines_of_links, is_new_link, total)
    out.write_bytes(b"".join(message + bytes(-len(message) % 4) for message in found))


if __name__ == "__main__":
    main()
