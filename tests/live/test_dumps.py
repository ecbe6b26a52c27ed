"""Dumps of the running kernel: abandoned, interrupted, after the descriptor was lost."""

from __future__ import annotations

import pytest

from support.namespaces import inside

pytestmark = pytest.mark.live

ABANDONED = """
import gc, os, struct
from support.live import Watch, done, ip
from nlmon.testing.messages import native as message
from nlmon.errors import TransportError
from nlmon.transport.kernel.transport import KernelFactory
ip("-batch", "-", lines="".join(f"link add b{n} type bridge\\n" for n in range(60)))
watch = Watch(0, names=("libnl",)); backend = watch["libnl"]
transport = KernelFactory().open(0, ())
def links(): return message(18, bytes(16), flags=0x301, seq=99)
def count(): return len(os.listdir("/proc/self/fd"))
def whole(): return sum(struct.unpack_from("=H", one.data, 4)[0] == 16 for one in transport.request(links()))
whole(); before = count(); seen = [whole()]
for _ in range(5):
    first = transport.request(links()); next(first)
    seen.append(whole())
    try: next(first); seen.append("went on")
    except TransportError as error: seen.append(error.errno)
    second = transport.request(links()); next(second); second.close()
seen += [whole(), count() - before]
late = transport.request(links()); next(late); transport.close(); transport.close()
try: list(late)
except TransportError as error: seen.append(error.errno)
seen.append(count() - before)
results = [backend.dump(0, 18)]
with open("/dev/null", "rb") as other: os.dup2(other.fileno(), backend._transports[0]._requests._socket.fileno())
try: backend.dump(0, 18)
except TransportError as error: seen.append(type(error).__name__)
results.append(backend.dump(0, 18))
done([seen, [[r.outcome.value, len(r.events), r.foreign, len(r.errors)] for r in results]])
watch.close()
"""


def test_an_abandoned_answer_does_not_spoil_the_next() -> None:
    """After a dump that was left half way the next is complete, nothing leaks, and whoever reads on in the old one
    gets an error, also after the transport was closed. So does, once, whoever lost the descriptor."""
    (first, *rest), results = inside(ABANDONED)
    ecanceled = 125

    assert first > 1
    assert rest == [first, ecanceled] * 5 + [first, 0, ecanceled, -2, "TransportError"]
    assert results == [["complete", 61, 0, 0]] * 2


INTERRUPTED = """
import itertools, os
from support.live import Watch, done, ip
from nlmon.backends.options import BackendOptions
from nlmon.errors import Overrun
ip("-batch", "-", lines="".join(f"link add b{n} type bridge\\n" for n in range(60)))
watch = Watch(0, names=("libnl",), options=BackendOptions(resync=True)); backend = watch["libnl"]
transport = watch.transports["libnl"][0]
asked = transport.request
names = (f"c{number}" for number in itertools.count())
attempts = left = 0
def churning(message):
    global attempts, left
    attempts += 1; left -= 1
    for number, datagram in enumerate(asked(message)):
        if number == 0 and left >= 0: ip("link", "add", next(names), "type", "bridge")
        yield datagram
transport.request = churning
seen = []
for left in (0, 1, 2, 3, 30):
    attempts, most = 0, left
    result = backend.whole_dump(18, 0)
    seen.append([most, attempts, result.outcome.value, len(result.events) > 60, len(result.errors)])
watch.drain()
ip("link", "del", "b7")
def lose(): raise Overrun("NLM-T010", "full", drops=1)
transport.recv = lose
backend.process(0)
transport.recv = lambda: None  # what waits is lost
left = 10 ** 6
backend.process(0)
synthetic = [e for e in watch.events["libnl"] if e.synthetic]
report = [[type(error).__name__, error.why] for error in watch.errors["libnl"]]
done([seen, {e.interface for e in synthetic if e.msg_type == 17} == set(), len(synthetic) > 0, report])
watch.close()
"""


def test_interrupted_dumps_are_asked_again_a_bounded_number_of_times() -> None:
    """A link that appears in the middle of an answer interrupts it (NLM_F_DUMP_INTR): up to two in a row are made up
    for, more give what there is, marked. A recovery from such dumps deletes nothing, and says that it is incomplete."""
    seen, kept, new, report = inside(INTERRUPTED)

    partly = "interrupted, with data"
    assert seen == [
        [0, 1, "complete", True, 0],
        [1, 2, "complete", True, 0],
        [2, 3, "complete", True, 0],
        [3, 3, partly, True, 0],
        [30, 3, partly, True, 0],
    ]
    assert (kept, new) == (True, True)
    assert report == [["Overrun", ""], ["ResyncIncomplete", f"dumps were {partly}"]]


CHURN = """
import subprocess
from collections import Counter
from support.live import Watch, done, ip, ip_json
from nlmon.backends.libnl.requests import DUMP_ATTEMPTS
ip("-batch", "-", lines="".join(f"link add b{n} type bridge\\n" for n in range(200)))
watch = Watch(0, names=("libnl",)); backend = watch["libnl"]
attempts, outcomes, most = 0, Counter(), 0
plain = backend.dump
def counted(*words, **more):
    global attempts
    attempts += 1
    return plain(*words, **more)
backend.dump = counted
lines = "".join(f"link add c{n} type bridge\\nlink del c{n}\\n" for n in range(60))
with subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True) as churn:
    churn.stdin.write(lines); churn.stdin.close()
    while churn.poll() is None:
        attempts = 0
        result = backend.whole_dump(18, 0)
        outcomes[result.outcome.value] += 1; most = max(most, attempts)
        assert (len(result.errors), result.foreign, len(result.events) >= 1) == (0, 0, True)
attempts = 0
last = backend.whole_dump(18, 0)
watch.drain()
here = sorted([e.payload.ifindex, e.payload.ifname] for e in last.events)
done({"outcomes": outcomes, "most": most, "allowed": DUMP_ATTEMPTS, "last": [last.outcome.value, attempts, here],
      "ip": sorted([row["ifindex"], row["ifname"]] for row in ip_json("link")), "churn": churn.returncode})
watch.close()
"""


def test_dumps_while_links_come_and_go() -> None:
    """Each dump is complete, or was interrupted and kept what it has, after a bounded number of attempts; when the
    links have settled a dump is complete at once and equals what ip shows."""
    seen = inside(CHURN)

    assert seen["churn"] == 0
    assert set(seen["outcomes"]) <= {"complete", "interrupted, with data"}
    assert sum(seen["outcomes"].values()) > 1
    assert 1 <= seen["most"] <= seen["allowed"]
    assert seen["last"] == ["complete", 1, seen["ip"]]
    assert len(seen["ip"]) == 201
