"""Flows between two namespaces, as connection tracking and socket diagnosis announce them."""

from __future__ import annotations

from typing import Any

import pytest

from support.namespaces import inside

pytestmark = pytest.mark.live

TCP, UDP = 6, 17
NEW, DESTROY, CREATED = 0x100, 0x102, 0x600

FLOWS = """
import socket
from pyroute2.netlink.nfnetlink.nfctsocket import NFCTSocket
from support.live import BOTH, Peer, Watch, agreement, ask, count_flows, done, ip, wait_up
from nlmon.testing.messages import native as message
count_flows()
peer = Peer()
ip("link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", str(peer.pid))
ip("addr", "add", "192.0.2.1/24", "dev", "v0"); ip("addr", "add", "2001:db8::1/64", "dev", "v0", "nodad")
ip("link", "set", "v0", "addrgenmode", "none", "up")
peer.run("ip('addr', 'add', '192.0.2.2/24', 'dev', 'v1'); ip('addr', 'add', '2001:db8::2/64', 'dev', 'v1', 'nodad')")
peer.run("ip('link', 'set', 'v1', 'addrgenmode', 'none', 'up'); wait_up('v1')"); wait_up("v0")
peer.run("tcp = socket.create_server(('192.0.2.2', 7))")
peer.run("udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); udp.bind(('::', 7))")
watch = Watch(4, 12)
peer.start("s, _ = tcp.accept(); s.send(s.recv(9) * 2); s.recv(1); s.close()")
with socket.create_connection(("192.0.2.2", 7), source_address=("192.0.2.1", 4001)) as client:
    client.send(b"hello"); said = client.recv(99)
peer.wait()
for family, here, there in ((2, "192.0.2.1", "192.0.2.2"), (10, "2001:db8::1", "2001:db8::2")):
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.bind((here, 4002)); client.connect((there, 7))
        peer.start("data, whom = udp.recvfrom(9); udp.sendto(data * 2, whom)")
        client.send(b"hello"); said += client.recv(99); peer.wait()
watch.until(lambda events: any(e.protocol == 12 and e.payload.tcp_state == 7 for e in events))
dump = watch["libnl"].dump(12, 0x101)
with NFCTSocket(nfgen_family=0) as other:
    kernel = [[one.get(side).get("CTA_COUNTERS_" + what) for side in ("CTA_COUNTERS_ORIG", "CTA_COUNTERS_REPLY")
               for what in ("PACKETS", "BYTES")] for one in other.dump()]
ask(12, message(0x102, bytes(4), flags=5))
watch.until(lambda events: sum(e.msg_type == 0x102 for e in events) == 3 == sum(e.protocol == 4 for e in events))
def flow(p): return [p.family, p.protocol, p.src_addr, p.src_port, p.dst_addr, p.dst_port]
def counters(p): return [p.packets_orig, p.bytes_orig, p.packets_reply, p.bytes_reply]
legacy, libnl = (watch.events[name] for name in BOTH)
done({
    "said": said.decode(), "compared": [agreement(watch, 4), agreement(watch, 12)],
    "errors": [len(errors) for errors in watch.errors.values()],
    "closed": [flow(e.payload) for e in legacy if e.protocol == 4],
    "flows": [[flow(e.payload), e.msg_type, e.msg_flags, e.payload.tcp_state] for e in legacy if e.protocol == 12],
    "status": [[flow(e.payload), e.payload.status, e.payload.reply.src_addr] for e in libnl if e.protocol == 12],
    "last": {e.payload.protocol * 100 + e.payload.family: counters(e.payload) for e in legacy if e.msg_type == 0x102},
    "kernel": sorted(kernel), "dump": [dump.outcome.value, sorted(counters(e.payload) for e in dump.events)],
})
watch.close(); peer.close()
"""

CLIENT = {
    TCP: [2, TCP, "192.0.2.1", 4001, "192.0.2.2", 7],
    UDP: [2, UDP, "192.0.2.1", 4002, "192.0.2.2", 7],
    "UDP6": [10, UDP, "2001:db8::1", 4002, "2001:db8::2", 7],
}


@pytest.fixture(scope="module")
def flows() -> Any:
    """What both implementations gave of one TCP and two UDP conversations, which the client then ended."""
    return inside(FLOWS)


def test_both_implementations_give_the_same_of_flows(flows: Any) -> None:
    """Every field that both must give is equal, in every event; the conversations did take place."""
    diag, conntrack = flows["compared"]

    assert (flows["said"], flows["errors"], diag) == ("hellohello" * 3, [0, 0], 3)
    assert conntrack >= 13


def test_a_tracked_connection_goes_through_the_states_of_tcp(flows: Any) -> None:
    """SYN_SENT to TIME_WAIT, in the order of linux/netfilter/nf_conntrack_tcp.h; new, updated, destroyed."""
    seen = [rest for flow, *rest in flows["flows"] if flow == CLIENT[TCP]]
    states = [state for _, _, state in seen]

    assert [kind for kind, _, _ in seen] == [NEW] * (len(seen) - 1) + [DESTROY]
    assert [flags for _, flags, _ in seen] == [CREATED] + [0] * (len(seen) - 1)
    assert (states[:4], states[-2:]) == ([1, 2, 3, 4], [7, 7])
    assert states == sorted(states)


@pytest.mark.parametrize("which", [UDP, "UDP6"])
def test_a_tracked_udp_flow_is_new_updated_and_destroyed(flows: Any, which: int | str) -> None:
    """One datagram each way: new, updated by the answer (IPS_SEEN_REPLY), destroyed."""
    seen = [rest for flow, *rest in flows["flows"] if flow == CLIENT[which]]
    status = [[value & 2, source] for flow, value, source in flows["status"] if flow == CLIENT[which]]

    assert seen == [[NEW, CREATED, None], [NEW, 0, None], [DESTROY, 0, None]]
    assert status == [[0, CLIENT[which][4]], [2, CLIENT[which][4]], [2, CLIENT[which][4]]]


def test_the_counters_of_a_flow_are_the_kernels(flows: Any) -> None:
    """Given when a flow is destroyed, with nf_conntrack_acct: headers and payload, as pyroute2 has
    them and a dump of our own."""
    assert flows["last"][str(UDP * 100 + 2)] == [1, 20 + 8 + 5, 1, 20 + 8 + 10]
    assert flows["last"][str(UDP * 100 + 10)] == [1, 40 + 8 + 5, 1, 40 + 8 + 10]
    assert sorted(flows["last"].values()) == flows["kernel"]
    assert flows["dump"] == ["complete", flows["kernel"]]


def test_closed_sockets_are_announced_with_their_addresses(flows: Any) -> None:
    """One destroyed socket each, of this namespace alone."""
    assert flows["closed"] == list(CLIENT.values())


SOCKETS = """
import os, socket
from pathlib import Path
from support.live import Watch, done, ip
ip("link", "set", "lo", "up")
watch = Watch(4)
T, U, S, D = socket.AF_INET, socket.AF_UNIX, socket.SOCK_STREAM, socket.SOCK_DGRAM
listener = socket.create_server(("127.0.0.1", 4000)); client = socket.create_connection(("127.0.0.1", 4000))
server, _ = listener.accept(); client.send(b"seven b")
six = socket.create_server(("::1", 4001), family=socket.AF_INET6)
udp = socket.socket(T, D); udp.bind(("127.0.0.1", 4002))
udp6 = socket.socket(socket.AF_INET6, D); udp6.bind(("::1", 4003)); udp6.connect(("::1", 4004))
abstract = socket.socket(U, S); abstract.bind(b"\\0name"); abstract.listen(); one, two = socket.socketpair(U, D)
mine = [listener, client, server, six, udp, udp6]
def address(text):
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    return socket.inet_ntop(T if len(text) == 8 else socket.AF_INET6, b"".join(word[::-1] for word in words))
def proc(name):
    for row in map(str.split, Path("/proc/net", name).read_text().splitlines()[1:]):
        (here, port), (there, far) = row[1].split(":"), row[2].split(":")
        yield [int(row[9]), int(row[3], 16), address(here), int(port, 16), address(there), int(far, 16), int(row[7])]
found, kernel = {}, {}
for name, family, protocol in (("tcp", 2, 6), ("tcp6", 10, 6), ("udp", 2, 17), ("udp6", 10, 17)):
    answer = watch["libnl"].dump_sockets(family, protocol)
    assert {(e.payload.family, e.payload.protocol) for e in answer.events} <= {(family, protocol)}
    found[name] = [answer.outcome.value, sorted(
        [p.inode, p.state, p.src_addr, p.src_port, p.dst_addr, p.dst_port, p.uid] for e in answer.events
        for p in [e.payload])]
    kernel[name] = ["complete", sorted(proc(name))]
unix = watch["libnl"].dump_sockets(1)
found["unix"] = [unix.outcome.value, sorted([p.inode, p.type, p.path] for e in unix.events for p in [e.payload])]
rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
kernel["unix"] = ["complete", sorted([int(r[6]), int(r[4], 16), r[7] if len(r) > 7 else None] for r in rows)]
peers = {e.payload.inode: e.payload.peer for e in unix.events}
def inode(sock): return os.fstat(sock.fileno()).st_ino
established = [e.payload.inode for e in watch["libnl"].dump_sockets(2, 6, 1 << 1).events]
waiting = [e.payload.rqueue for e in watch["libnl"].dump_sockets(2, 6).events if e.payload.inode == inode(server)]
done({"found": found, "kernel": kernel, "mine": sorted(map(inode, mine)), "waiting": waiting,
      "peers": [peers[inode(one)] == inode(two), peers[inode(two)] == inode(one)],
      "established": sorted(established) == sorted([inode(client), inode(server)]),
      "refused": watch["libnl"].dump_sockets(2, 254).outcome.value, "events": len(watch.events["libnl"])})
watch.close()
for sock in (*mine, abstract, one, two): sock.close()
"""


def test_sockets_on_request_are_those_of_proc() -> None:
    """TCP and UDP of both families and unix sockets, as /proc/net lists them; a filter of states works."""
    seen = inside(SOCKETS)

    assert seen["found"] == seen["kernel"]
    assert sorted(row[0] for name, (_, rows) in seen["found"].items() if name != "unix" for row in rows) == seen["mine"]
    assert len(seen["found"]["unix"][1]) == 3
    assert (seen["waiting"], seen["peers"], seen["established"]) == ([7], [True, True], True)
    assert (seen["refused"], seen["events"]) == ("failed", 0)


WRITTEN = """
import os, socket, struct
from support.live import BOTH, Watch, agreement, done, ip
from nlmon.testing.messages import native as message
ip("link", "set", "lo", "up")
watch = Watch(4)
with socket.create_server(("127.0.0.1", 4000)), socket.create_server(("127.0.0.1", 4001)):
    for backend in watch.backends.values():
        request = message(20, struct.pack("=BBBBI48x", 2, 6, 0, 0, 0xFFFFFFFF), flags=0x301, seq=7)
        assert os.write(backend.fileno(4), request) == len(request)
    watch.until(lambda events: len(events) == 2)
    watch.drain()
events = [[e.seq, e.payload.src_port, e.payload.protocol] for e in watch.events["legacy"]]
done([agreement(watch, 4, besides={"pid"}), sorted(events), [len(watch.errors[name]) for name in BOTH]])
watch.close()
"""


def test_an_application_may_write_its_own_request() -> None:
    """As with the original, on the descriptor that it polls: the answers come as events. They do not say whether
    they are of TCP, and neither does anybody else."""
    assert inside(WRITTEN) == [2, [[7, 4000, None], [7, 4001, None]], [0, 0]]
