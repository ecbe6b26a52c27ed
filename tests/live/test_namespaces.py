"""Several namespaces of the running kernel: links that move, listeners that receive others, namespaces that end."""

from __future__ import annotations

import pytest

from support.namespaces import inside

pytestmark = pytest.mark.live

MOVED = """
from support.live import BOTH, Peer, Watch, agreement, ask, attr, done, ip
from nlmon.testing.messages import native as message
from nlmon.state.tables import State
from nlmon.transport.kernel.transport import KernelFactory
import sys
peer = Peer()
ask(0, message(88, bytes(4) + attr(1, (7).to_bytes(4, sys.byteorder)) +
               attr(2, peer.pid.to_bytes(4, sys.byteorder)), flags=5))
watch = Watch(0, factory=lambda: KernelFactory(all_nsid=True))
own = Watch(0)
ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
ip("link", "set", "v1", "netns", str(peer.pid))
peer.run("ip('addr', 'add', '192.0.2.2/24', 'dev', 'v1'); ip('link', 'set', 'v1', 'name', 'v9', 'up')")
there = int(peer.run("print(socket.if_nametoindex('v9'), end='')"))
ip("link", "set", "v0", "up"); ip("link", "add", "sentinel", "type", "bridge")
def over(events): return any(e.interface == "sentinel" for e in events)
watch.until(over); own.until(over)
found = {"compared": agreement(watch, 0), "errors": [len(watch.errors[name]) for name in BOTH]}
state = State()
for event in watch.events["libnl"]: state.apply(event)
found["state"] = sorted(link.ifname for link in state.tables["link"].values())
events = watch.events["libnl"]
found["gone"] = [[e.nsid, e.interface, e.payload.new_netnsid, e.payload.new_ifindex == there]
                for e in events if e.msg_type == 17 and e.payload.family == 0]
found["links"] = sorted({(e.nsid, e.payload.ifname) for e in events if e.msg_type == 16 and e.nsid is not None})
found["addresses"] = [[e.nsid, e.interface, e.payload.ifindex == there] for e in events
                     if e.msg_type == 20 and e.payload.addr == "192.0.2.2"]
found["routes"] = sorted({e.nsid for e in events if e.msg_type == 24 and e.payload.dst == "192.0.2.0"})
found["peer of v0"] = [e.payload.link_netnsid for e in events if e.msg_type == 16 and e.interface == "v0"][-1]
found["others"] = [any(e.nsid is not None for e in own.events[name]) for name in BOTH]
found["without others"] = agreement(own, 0)
done(found)
watch.close(); own.close(); peer.close()
"""


def test_a_link_that_moves_to_another_namespace() -> None:
    """A deletion that names the new namespace and index; a listener to all namespaces (NETLINK_LISTEN_ALL_NSID) has
    its life there with the namespace's number, another one nothing. The state of this namespace is of it alone."""
    found = inside(MOVED)

    assert found["compared"] > 10
    assert (found["errors"], found["gone"]) == ([0, 0], [[None, "v1", 7, True]])
    assert found["links"] == [[7, "v1"], [7, "v9"]]
    assert found["addresses"] == [[7, None, True]] * 2  # without and with the link being up
    assert (found["routes"], found["peer of v0"]) == ([7], 7)
    assert found["state"] == ["sentinel", "v0"]
    assert (found["others"], found["without others"] >= 5) == ([False, False], True)


ENDS = """
import fcntl, os, socket
from support.live import BOTH, Peer, Watch, agreement, done, enter, ip
from nlmon.errors import TransportError
SIOCGSKNS = 0x894C
home = os.open("/proc/self/ns/net", os.O_RDONLY)
peer = Peer()
ip("link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", str(peer.pid))
index = int(peer.run("print(socket.if_nametoindex('v1'), end='')"))
if index not in dict(socket.if_nameindex()): ip("link", "add", "odd", "index", str(index), "type", "bridge")
around = Watch(0)
enter(f"/proc/{peer.pid}/ns/net")
there = Watch(0)
enter(f"/proc/self/fd/{home}")
peer.close()  # nothing but the sockets of the implementations is left of it
places = [fcntl.ioctl(there[name].fileno(0), SIOCGSKNS) for name in BOTH]
enter(f"/proc/self/fd/{places[0]}")
ip("addr", "add", "192.0.2.1/24", "dev", "v1"); ip("link", "set", "v1", "mtu", "1400")
enter(f"/proc/self/fd/{home}")
there.until(lambda events: any(getattr(e.payload, "mtu", None) == 1400 for e in events))
dump = there["libnl"].dump(0, 18)
found = {"same": os.fstat(places[0]).st_ino == os.fstat(places[1]).st_ino != os.fstat(home).st_ino,
        "compared": agreement(there, 0), "dump": [dump.outcome.value, sorted(e.interface for e in dump.events)],
        "named": sorted({e.interface for name in BOTH for e in there.events[name] if e.msg_type == 20}),
        "still": [e.interface for e in around.events["libnl"] if e.msg_type == 17]}
for place in places: os.close(place)
found["elsewhere"] = []
for name in BOTH:
    try: there[name].enable(4)
    except TransportError as error: found["elsewhere"].append(error.code)
there.close()
around.until(lambda events: any(e.msg_type == 17 and e.interface == "v0" for e in events))
found["gone"] = agreement(around, 0) > 0
done(found)
around.close(); os.close(home)
"""


def test_a_namespace_lives_as_long_as_a_socket_in_it() -> None:
    """There is no loss of a namespace while somebody listens in it: without a process and a name it goes on, with
    events, names and dumps, wherever the thread is; what is enabled later does not land in another one in silence.
    It ends when the implementations are closed, which takes its links and their peers along."""
    found = inside(ENDS)

    assert (found["same"], found["compared"] > 0, found["still"]) == (True, True, [])
    assert found["dump"][0] == "complete"
    assert {"lo", "v1"} <= set(found["dump"][1])
    assert (found["named"], found["elsewhere"]) == (["v1"], ["NLM-T007"] * 2)
    assert found["gone"]
