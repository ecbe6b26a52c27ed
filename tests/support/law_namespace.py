"""A namespace in which commands run while both implementations listen, and what the law of state asks of it.

Rules:
1. The authority is ``ip`` and ``bridge``. Of what they do not print (FRA_DSCP, masks of ports) they still list that
   there is such a rule.
2. Nothing sleeps: what the kernel announces later wakes the comparison up, which is made again until it holds, for a
   few seconds.

Not here: which commands (``support.law_words``), and in which order (``support.law``).
"""

from __future__ import annotations

import itertools
import json
import re
import socket
import struct
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial

from msgspec import structs

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture.base import Direction, Frame
from nlmon.compare.difference import Difference, Severity
from nlmon.compare.directions import BothDirections
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.replay import Replay
from nlmon.events import LinkInfo
from nlmon.scenario.kernel_state import Lines, differences, folded, listed
from nlmon.scenario.sandbox import Sandbox
from nlmon.state.tables import State
from nlmon.testing.messages import attr, native
from nlmon.uapi import IFF_UP, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, RTM_DELRULE, RTM_NEWRULE
from support.listening import listening

__all__ = ["Namespace"]

# Seconds until what the kernel does by itself is announced, and what detecting duplicate addresses takes.
PATIENCE = 3.0
DAD = 3.0
PEER = "peer"
# The kernel announces that a route goes with its nexthop object as the end of that alone.
GROUPS = ("nexthop",)
# linux/fib_rules.h
FRA_PRIORITY, FRA_TABLE = 6, 15
SIZES = {25: "B", 28: "H", 29: "H"}  # of FRA_DSCP and of masks of ports; else two of 16 bits


class Namespace:
    """A namespace of a sandbox in which commands run while both implementations listen; a context manager. ``done``:
    the commands, and whether each was refused; ``dad``: IPv6 addresses are announced when the kernel has found in a
    second that nobody else has them, else at once; ``candidate``: who takes the place of libnl."""

    def __init__(self, *, dad: bool = False, candidate: BackendMaker | None = None) -> None:
        self.done: list[tuple[str, bool]] = []
        self._dad = dad
        self._candidate = candidate
        self._recording = _Recording()
        self._stack = ExitStack()

    def __enter__(self) -> Namespace:
        with ExitStack() as stack:
            self._sandbox = stack.enter_context(Sandbox())
            self._sandbox.add_namespace(PEER)
            for link in ("all", "default"):
                self._sandbox.write(f"/proc/sys/net/ipv6/conf/{link}/accept_dad", str(int(self._dad)))
            listen = listening(self._sandbox, candidate=self._candidate, sink=self._recording, groups=GROUPS)
            self._watch = stack.enter_context(listen)
            self._watch.live.states.diverge()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, lines: Iterable[str]) -> None:
        """Run commands one after the other; one that is refused changes nothing."""
        for (words, netns), group in itertools.groupby(lines, _program):
            batch = list(group)
            if words == "rtnetlink":
                self.done += [(line, not self._ask(line)) for line in batch]
                continue
            text = "".join(f"{_without_program(line)}\n" for line in batch)
            ran = self._sandbox.run(f"{words} -force -batch -", stdin=text, netns=netns)
            failed = {int(number) for number in re.findall(r"Command failed -:(\d+)", ran.stderr)}
            self.done += [(line, number in failed) for number, line in enumerate(batch, 1)]

    def differences(self) -> dict[str, list[str]]:
        """What the state of each implementation and the lists of the kernel do not have in common, if anything."""
        found: dict[str, list[str]] = {}

        def holds() -> bool:
            # First, so that the lists are never older than the events: what is announced later wakes us up again.
            self._watch.catch_up()
            kernel = listed(lambda command: self._sandbox.run(command).stdout, whole=True)
            for lane, state in zip(self._watch.live.lanes, self._watch.live.states.both, strict=True):
                found[lane.name] = differences(kernel, folded(state, whole=True))
                if lane.name == "libnl":
                    found[lane.name] += differences(_listed_links(self._sandbox), _folded_links(state))
            return not any(found.values())

        patience = PATIENCE + DAD if self._dad else PATIENCE
        return {} if self._watch.wait_for(holds, patience) else {name: lines for name, lines in found.items() if lines}

    def accusations(self) -> dict[str, list[str]]:
        """What was held against one of both implementations while they listened or in a replay of what was recorded,
        and what the states of the replay do not have in common with those of the running kernel, if anything."""
        self._watch.finish()
        accused: list[str] = []

        def take(difference: Difference) -> None:
            if difference.cls.severity is Severity.REGRESSION:
                accused.append(" ".join(map(str, structs.astuple(difference))))

        replay = Replay(
            *(partial(create, name) for name in ("legacy", "libnl")),
            byteorder=sys.byteorder,
            on_difference=take,
            options=BackendOptions(extra_groups=GROUPS),
        )
        replay.states.diverge()
        replay.play(self._recording.frames)
        replay.finish()
        live = self._watch.live
        judge = live.judge.forward if isinstance(live.judge, BothDirections) else live.judge
        counts = {cls: count for cls, count in judge.counts.items() if cls.severity is Severity.REGRESSION}
        found = {"replay": accused, "live": [f"{cls.label}: {count}" for cls, count in counts.items()]}
        for lane, one, other in zip(live.lanes, live.states.both, replay.states.both, strict=True):
            found[lane.name] = differences(folded(one, whole=True), folded(other, whole=True))
        return {name: lines for name, lines in found.items() if lines}

    def _ask(self, line: str) -> bool:
        """Ask the kernel for a rule; whether it did so."""
        _, _, verb, priority, *attributes = line.split()
        kind, flags = (RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL) if verb == "add" else (RTM_DELRULE, 0)
        body = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 77, 0, 0, 1, 0)
        body += attr(FRA_PRIORITY, struct.pack("=I", int(priority)), sys.byteorder)
        for one in attributes:
            number, _, value = one.partition(":")
            numbers = [int(part) for part in value.split(",")]
            body += attr(int(number), struct.pack(f"={SIZES.get(int(number), 'HH')}", *numbers), sys.byteorder)
        with self._sandbox.open_socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
            asking.settimeout(PATIENCE)
            asking.send(native(kind, body, flags=NLM_F_REQUEST | NLM_F_ACK | flags))
            return struct.unpack_from("=i", asking.recv(65536), 16) == (0,)


def _program(line: str) -> tuple[str, str]:
    """What runs a command, and in which namespace."""
    match line.split():
        case ["ip", "-n", name, *_]:
            return "ip", name
        case ["ip", "-6", *_]:
            return "ip -6", ""
        case [program, *_]:
            return program, ""
    raise ValueError(line)


def _without_program(line: str) -> str:
    return re.sub(r"^(ip|bridge)( -6| -n \w+)? ", "", line)


class _Recording:
    """A recording in memory."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._protocols: list[int] = []

    def add_socket(self, name: str, protocol: int) -> int:
        """Declare a socket."""
        self._protocols.append(protocol)
        return len(self._protocols) - 1

    def write(self, *, socket: int, timestamp: int, data: bytes, direction: Direction) -> None:
        """Keep one datagram."""
        number, protocol = len(self.frames) + 1, self._protocols[socket]
        self.frames.append(Frame(number, timestamp, protocol, data, direction, socket))

    def lost(self, socket: int, drops: int) -> None:
        """Messages that were lost break no law: the comparison is made until it holds."""


def _listed_links(sandbox: Sandbox) -> Lines:
    """What ``ip`` lists of links beside what both implementations give."""
    rows = json.loads(sandbox.run("ip -json -details link").stdout)
    return Counter(
        _link(
            row["ifname"],
            [row.get("linkinfo", {}).get("info_kind"), row.get("master"), row.get("txqlen", 0), row.get("broadcast")],
            [row.get("ifalias"), 0 if row["group"] == "default" else int(row["group"]), *row.get("altnames", ())],
            up="UP" in row["flags"],
        )
        for row in rows
    )


def _folded_links(state: State) -> Lines:
    """The same of a state."""
    links = [link for link in state.tables["link"].values() if isinstance(link, LinkInfo)]
    names = {link.ifindex: link.ifname for link in links}
    return Counter(
        _link(
            link.ifname,
            [link.kind, names.get(link.master) if isinstance(link.master, int) else None, link.txqlen, link.broadcast],
            [link.ifalias, link.group, *(link.altnames or ())],
            up=bool(link.flags & IFF_UP),
        )
        for link in links
    )


def _link(name: str | None, announced: list[object], while_up: list[object], *, up: bool) -> str:
    """A link as a line, without what the kernel does not announce while it is down (netdev_state_change)."""
    return f"link {name} {announced} {while_up if up else ''}"
