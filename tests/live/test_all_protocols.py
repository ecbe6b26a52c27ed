"""Every protocol of both implementations at once, while everything happens."""

from __future__ import annotations

import pytest

from support.namespaces import inside

pytestmark = pytest.mark.live

EVERYTHING = """
import socket
from support.live import BOTH, NESTED, Watch, agreement, ask, attr, count_flows, done, ip
from nlmon.testing.messages import native as message
from nlmon.backends.options import BackendOptions
from nlmon.errors import TransportError
count_flows()
watch = Watch(0, 4, 6, 12, 16, options=BackendOptions(extra_groups=("tc", "nexthop", "nsid", "netconf", "mdb")))
audit = []
try: watch["libnl"].enable(9)
except TransportError as error: audit.append(error.errno)
for words in (
    "link set lo up", "link add v0 type veth peer name v1", "link add br0 type bridge", "link set v1 master br0",
    "addr add 192.0.2.1/24 dev v0", "addr add 2001:db8::1/64 dev v0 nodad", "link set v0 up", "link set v1 up",
    "link set br0 up", "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev v0", "rule add pref 77 lookup 77",
    "-6 rule add pref 78 lookup 78", "route add 198.51.100.0/24 via 192.0.2.9 table 77", "link set v1 nomaster",
    "route add 203.0.113.0/24 nexthop dev v0 weight 1 nexthop via 192.0.2.9 dev v0 weight 2",
    "nexthop add id 7 blackhole", "xfrm policy add src 10.0.0.0/8 dst 10.0.0.0/8 dir in action block",
):
    ip(*words.split()); watch.drain()
for number in range(5):
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as two:
        one.bind(("127.0.0.1", 4000 + number)); two.connect(("127.0.0.1", 4000 + number)); two.send(b"x"); one.recv(9)
family = watch["libnl"].resolve("ethtool")
def nest(kind, payload): return attr(kind | NESTED, payload)
body = nest(1, attr(2, b"v0\\0")) + nest(3, nest(3, nest(1, attr(2, b"tx-generic-segmentation\\0"))))
ask(16, message(family, bytes([12, 1, 0, 0]) + body, flags=5))
ask(12, message(0x102, bytes(4), flags=5))
ip("link", "add", "sentinel", "type", "bridge")
def over(events):
    def number(protocol, kind): return sum((e.protocol, e.msg_type) == (protocol, kind) for e in events)
    last = any(e.interface == "sentinel" for e in events)
    return last and number(4, 20) >= 10 and number(12, 0x102) >= 5 and number(16, family) >= 1
watch.until(over); watch.drain()
status = {name: watch[name].status().protocols for name in BOTH}
libnl = watch.events["libnl"]
done({"compared": {p: agreement(watch, p) for p in (0, 4, 12, 16)}, "audit": audit,
      "route": sorted({e.msg_type for e in watch.events["legacy"] if e.protocol == 0}),
      "xfrm": [e.msg_type for e in libnl if e.protocol == 6], "nexthop": any(e.msg_type == 104 for e in libnl),
      "errors": [[one.errors for one in status[name].values()] for name in BOTH],
      "counts": [[one.events for one in status[name].values()] ==
                 [sum(e.protocol == p for e in watch.events[name]) for p in status[name]] for name in BOTH],
      "drops": [sum(one.transport.drops for one in status[name].values() if one.transport) for name in BOTH],
      "enabled": [sorted(p for p, one in status[name].items() if one.enabled) for name in BOTH]})
watch.close()
"""


def test_every_protocol_in_both_implementations_at_once() -> None:
    """One descriptor per protocol and implementation in one loop: whatever both must give is equal, nothing lost, and
    counters count what was delivered. Audit alone needs more than a namespace gives (CAP_AUDIT_READ)."""
    found = inside(EVERYTHING)

    assert {16, 17, 20, 24, 28, 32} <= set(found["route"])
    assert found["compared"]["0"] > 30
    assert (found["compared"]["4"], found["compared"]["12"] >= 10, found["compared"]["16"] >= 1) == (10, True, True)
    assert (found["xfrm"], found["nexthop"]) == ([19], True)
    assert found["drops"] == [0, 0]
    assert found["errors"] == [[0] * 4, [0] * (5 if found["audit"] else 6)]
    assert (found["counts"], found["enabled"]) == (
        [True, True],
        [[0, 4, 12, 16], [0, 4, 6, 12, 16] if found["audit"] else [0, 4, 6, 9, 12, 16]],
    )
