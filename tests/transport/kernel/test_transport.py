"""The running kernel, in network namespaces of our own: events, large messages, recordings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nlmon.capture import open_capture
from support.namespaces import inside
from support.requirements import require_netns, require_program

pytestmark = pytest.mark.live


BOTH = """
import json, subprocess, select
from nlmon.backends.registry import create
from nlmon.transport.kernel.transport import KernelFactory
seen = {}
backends = []
for name in ("legacy", "libnl"):
    backend = create(name, KernelFactory()); backend.enable(0); seen[name] = []
    backend.set_callback(lambda e, n=name: seen[n].append([e.msg_type, e.interface, e.payload.family]), print)
    backends.append(backend)
def ip(*words): subprocess.run(["ip", *words], check=True)
ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
ip("addr", "add", "192.0.2.1/24", "dev", "v0"); ip("link", "set", "v0", "up")
ip("-6", "rule", "add", "pref", "77", "lookup", "77"); ip("link", "set", "v0", "name", "sentinel")
def over(name): return any(row[1] == "sentinel" for row in seen[name])
for backend in backends:
    while not over(backend.name):
        assert select.select([backend.fileno(0)], [], [], 60)[0]
        while backend.process(0): pass
    backend.close()
print(json.dumps(seen))
"""


def test_both_implementations_receive_the_same() -> None:
    """Attached at once, both report the same events of a real kernel, IPv6 rules among them."""
    seen = inside(BOTH)

    assert [row[0::2] for row in seen["legacy"]] == [row[0::2] for row in seen["libnl"]]
    assert [32, None, 10] in seen["libnl"]
    assert {16, 20, 24, 32} <= {row[0] for row in seen["libnl"]}


LARGE = """
import json, subprocess, select
from nlmon.backends.registry import create
from nlmon.transport.kernel.transport import KernelFactory
backend = create("libnl", KernelFactory()); backend.enable(0)
names, sizes = [], []
decode = backend.decode
backend.decode = lambda datagram: (sizes.append(len(datagram.data)), decode(datagram))[1]
backend.set_callback(lambda e: names.append(len(e.payload.altnames or ())), print)
def ip(*words): subprocess.run(["ip", *words], check=True)
ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
ip("link", "set", "v0", "up")
for start in range(0, 220, 5):
    names_ = [word for i in range(start, start + 5) for word in ("altname", f"a{i:0>100}")]
    ip("link", "property", "add", "dev", "v0", *names_)
    while backend.process(0): pass
while 220 not in names:
    assert select.select([backend.fileno(0)], [], [], 60)[0]
    while backend.process(0): pass
backend.close()
print(json.dumps([max(names), max(sizes)]))
"""


def test_a_message_of_20_kilobytes_is_read_whole() -> None:
    """220 alternative names of 101 bytes make a link message larger than any first guess of a buffer."""
    names, size = inside(LARGE)

    assert (names, size > 20_000) == (220, True)


CUT = """
import json, subprocess, select
from nlmon.backends.registry import create
from nlmon.transport.kernel import transport as kernel
kernel.BUFFER = 4096
seen = {}
backends = []
for name in ("legacy", "libnl"):
    backend = create(name, kernel.KernelFactory()); backend.enable(0); seen[name] = []
    def event(e, n=name): seen[n].append(e.type if e.type == "overrun" else e.interface)
    backend.set_callback(event, lambda error, n=name: seen[n].append([error.code, getattr(error, "drops", None)]))
    backends.append(backend)
def ip(*words): subprocess.run(["ip", *words], check=True)
ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
ip("link", "set", "v0", "up")
for start in range(0, 40, 5):
    names = [word for i in range(start, start + 5) for word in ("altname", f"a{i:0>100}")]
    ip("link", "property", "add", "dev", "v0", *names)
    for backend in backends:
        while backend.process(0): pass
ip("link", "set", "v0", "name", "sentinel")
for backend in backends:
    while "sentinel" not in seen[backend.name]:
        assert select.select([backend.fileno(0)], [], [], 60)[0]
        while backend.process(0): pass
    seen[backend.name].append(backend.status().protocols[0].transport.drops)
    backend.close()
print(json.dumps(seen))
"""


def test_a_datagram_that_is_cut_is_a_loss() -> None:
    """One larger than the buffer is reported in its place by both, with its count; the next like it is whole."""
    seen = inside(CUT)
    names = [one for one in seen["libnl"] if isinstance(one, str)]
    place = names.index("overrun")

    assert [one for one in seen["libnl"] if not isinstance(one, str)] == [["NLM-T013", 1], 1]
    assert sorted(map(str, seen["legacy"])) == sorted(map(str, seen["libnl"]))
    assert ("v0" in names[:place], "v0" in names[place:], names.count("overrun")) == (True, True, 1)


ENORMOUS = """
import json, os, select, socket, struct
from nlmon.transport.kernel import transport as kernel
found = []
for largest in (kernel.BUFFER, 4096):
    kernel.BUFFER = largest
    transport = kernel.KernelFactory().open(2, ())
    with socket.socket(fileno=os.dup(transport.fileno())) as same: address = same.getsockname()
    peer = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2); peer.bind((0, 0))
    for size in (150_000, 16):
        peer.sendto(bytes(size), address)
        found.append([transport.recv() is None, transport.status().foreign, transport.status().drops])
    transport.close(); peer.close()
print(json.dumps(found))
"""


def test_a_foreign_datagram_of_any_size_is_no_loss() -> None:
    """What another process sends is dropped and counted, though it were larger than the buffer."""
    assert inside(ENORMOUS) == [[True, 1, 0], [True, 2, 0]] * 2


FOREIGN = """
import json, os, socket, struct
from nlmon.transport.kernel.transport import KernelFactory
transport = KernelFactory().open(0, (1,))
liar = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); liar.bind((0, 0))
with socket.socket(fileno=os.dup(transport.fileno())) as same: address = same.getsockname()
liar.sendto(struct.pack("=IHHIIBxHiII", 32, 17, 0, 0, 0, 0, 1, 1, 0, 0), address)
got = transport.recv()
print(json.dumps([got is None, transport.status().foreign]))
transport.close(); liar.close()
"""


def test_only_the_kernel_is_believed() -> None:
    """A DELLINK sent by another process is dropped and counted."""
    assert inside(FOREIGN) == [True, 1]


RENAMED = """
import json, socket, subprocess, sys
from nlmon.transport.kernel.transport import KernelFactory
def ip(*words): subprocess.run(["ip", *words], check=True)
ip("link", "add", "v0", "type", "veth", "peer", "name", "w0")
index = socket.if_nametoindex("v0")
transport = KernelFactory().open(0, json.loads(sys.argv[1]))
def address(number): ip("addr", "add", f"192.0.2.{number}/32", "dev", "v0")
def read():
    while True:
        datagram = transport.recv()
        if datagram is None: return None
        if 20 in datagram.data[4:6]: return transport.link_name(index)
address(1); address(2)
found = [read()]
ip("link", "set", "v0", "name", "x0")
ip("addr", "add", "192.0.2.3/32", "dev", "x0")
found.append(read())
print(json.dumps([*found, sorted(set(iter(read, None)))]))
transport.close()
"""


@pytest.mark.parametrize(
    ("groups", "second"),
    [((1, 5), "v0"), ((5,), "x0")],
    ids=["links are subscribed", "links are not subscribed"],
)
def test_a_name_is_that_of_its_message(groups: tuple[int, ...], second: str) -> None:
    """A name holds until the message of its change is read; who is not subscribed to links has the names of now."""
    assert inside(RENAMED, json.dumps(groups)) == ["v0", second, ["x0"]]


LOST = """
import json, socket, subprocess
from nlmon.errors import Overrun
from nlmon.transport.kernel.transport import KernelFactory
def batch(*lines): subprocess.run(["ip", "-batch", "-"], input="\\n".join(lines), text=True, check=True)
batch("link add v0 type veth peer name w0")
index = socket.if_nametoindex("v0")
transport = KernelFactory().open(0, (1, 5), receive_buffer=4096)
addresses = [f"addr add 192.0.2.{n}/32 dev v0" for n in range(1, 200)]
batch(*addresses)
try: transport.recv()
except Overrun as error: first = error.drops
else: raise SystemExit("nothing was lost")
found, later = [], []
while True:
    try: datagram = transport.recv()
    except Overrun as error: later.append(error.drops); continue
    if datagram is None: break
    found.append(transport.link_name(index))
    if len(found) == 1: batch("link set v0 name x0")  # which is dropped in silence
total = transport.status().drops
try: transport.recv()
except Overrun: later.append(-1)
print(json.dumps([found[0], sorted(set(found[1:])), later == [total - first], later[0] > 0]))
transport.close()
"""


def test_what_is_lost_in_silence_is_reported_when_all_is_read() -> None:
    """Until a full socket was read to its end the kernel drops more, and does not say so: names are those of now, and
    the losses that are reported are all that the kernel counts."""
    assert inside(LOST) == ["v0", ["x0"], True, True]


DUMP = """
import json
from nlmon.backends.registry import create
from nlmon.transport.kernel.transport import KernelFactory
backend = create("libnl", KernelFactory()); backend.enable(0)
result = backend.dump(0, 18)
print(json.dumps([result.outcome.value, [e.payload.ifname for e in result.events], len(result.errors)]))
backend.close()
"""


def test_a_live_dump() -> None:
    """A fresh namespace has one link."""
    outcome, names, errors = inside(DUMP)

    assert (outcome, "lo" in names, errors) == ("complete", True, 0)


HIGH = """
import json, subprocess, select, struct
from nlmon.transport.kernel.transport import KernelFactory
transport = KernelFactory().open(0, (32,))
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["ip", "nexthop", "add", "id", "7", "blackhole"], check=True)
assert select.select([transport.fileno()], [], [], 60)[0]
print(json.dumps(struct.unpack_from("=H", transport.recv().data, 4)[0]))
transport.close()
"""


def test_groups_above_31_are_joined() -> None:
    """RTNLGRP_NEXTHOP is number 32, which no bind mask reaches."""
    assert inside(HIGH) == 104


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=str)
def test_record_ends_with_a_complete_file(tmp_path: Path, ending: signal.Signals) -> None:
    """A recording holds its dumps and the events, in a file that is whole after a signal, and replays."""
    require_program("ip")
    path = tmp_path / "live.pcapng"
    script = (
        "import os, signal, subprocess, sys\n"
        "program = [sys.executable, '-m', 'nlmon.cli.main']\n"
        "record = subprocess.Popen([*program, 'record', sys.argv[1]], stderr=subprocess.PIPE, text=True)\n"
        "while 'recording into' not in (line := record.stderr.readline()): assert 'not recorded' in line, line\n"
        "subprocess.run(['ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1'], check=True)\n"
        "subprocess.run(['ip', 'link', 'del', 'v0'], check=True)\n"
        "record.send_signal(int(sys.argv[2]))\n"
        "summary = record.stderr.read()\n"
        "sys.exit(record.wait())\n"
    )
    done = subprocess.run(
        [*require_netns(), sys.executable, "-c", script, str(path), str(int(ending))],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=os.environ,
    )
    with open_capture(path) as reader:
        frames = list(reader)

    assert (done.returncode, done.stderr, reader.damage) == (0, "", None)
    assert {frame.direction for frame in frames} == {"in", "out"}
    assert reader.info.metadata["kernel"].startswith("Linux ")
    replayed = subprocess.run(
        [sys.executable, "-m", "nlmon.cli.main", "replay", str(path), "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(replayed.stdout)["verdict"] == "equivalent"
