"""Recordings in which the kernel keeps its objects otherwise than one would think: nothing that it announced is called
unannounced, and the recorded kernel holds what the states hold.

Not here: the final states of the same recordings, which are scenarios (``scenarios``).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.run import replay_capture
from nlmon.events import RoutePayload
from nlmon.framing import header
from nlmon.state.describe import show_key
from nlmon.state.identity import objects_of
from nlmon.state.tables import KINDS, State
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.uapi import NETLINK_ROUTE, NLM_F_REQUEST
from nlmon.wire import Datagram, Datagrams
from support.paths import FIXTURES

CASES = FIXTURES / "cases"
CAPTURES = sorted((FIXTURES / "captures").glob("*/0[12]-route-*.pcap.zst"))
# Name -> what changed without a notification. Addresses and neighbours: of multicast, and before their link was up.
UNANNOUNCED = {
    "02-vxlan-fdb-move": ["addr appeared", "neigh appeared"],
    "04-wext-partial-newlink": [],
    "06-rule-dscp": [],
    # The hop limit of an advertisement becomes a metric of a route that is there (net/ipv6/ndisc.c).
    "08-ra-default-beside-ecmp": ["fdb appeared", "neigh appeared", "route changed"],
    "09-ipv6-ecmp-replaced-by-dev": [],
    "09c-ipv6-nhgroup-append": [],
    "16-encap": [],
    "28-getlink-inet6-dump": [],
    "29-bridge-fdb-port-move": [],
}
DUMPS = ((18, 0), (18, 7), (22, 0), (30, 0), (30, 7), (34, 0), (26, 2), (26, 10))


@pytest.mark.parametrize("name", UNANNOUNCED)
def test_what_was_announced_is_not_called_unannounced(name: str) -> None:
    """And both implementations say so."""
    with open_capture(CASES / f"{name}.pcap") as reader:
        report = replay_capture(reader, name, partial(create, "legacy"), partial(create, "libnl"))[0]

    assert (report.verdict, sorted(report.unannounced_counts)) == ("equivalent", UNANNOUNCED[name])


@pytest.mark.parametrize(
    "path",
    [*(CASES / f"{name}.pcap" for name in UNANNOUNCED), *CAPTURES],
    ids=lambda path: f"{path.parent.name}-{path.name[:2]}",
)
def test_the_recorded_kernel_holds_what_the_state_holds(path: Path) -> None:
    """The rules are the same, by whichever way an object was read."""
    state, factory = State(notes=False), RecordedFactory(RecordedKernel(objects=True))
    backend = LibnlBackend(factory)
    backend.enable(NETLINK_ROUTE)
    with open_capture(path) as reader:
        for frame in reader:
            datagram = Datagram(frame.number, frame.timestamp, frame.protocol, frame.data)
            if datagram.protocol != NETLINK_ROUTE or header(datagram.data, 0, "little").flags & NLM_F_REQUEST:
                continue
            factory.kernel.learn(Datagrams.of(datagram))
            for event in backend.decode(datagram).events:
                state.apply(event)
    listed: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for dump in DUMPS:
        for event in backend.dump(NETLINK_ROUTE, *dump).events:
            if isinstance(event.payload, RoutePayload):
                for kind, key, _ in objects_of(event.payload):
                    listed[kind].add(show_key(kind, key))

    assert listed == {kind: {show_key(kind, key) for key in table} for kind, table in state.tables.items()}
