"""Lives of an implementation on the running kernel: nothing is left behind, whatever the order of calls."""

from __future__ import annotations

import pytest

from support.namespaces import inside

pytestmark = pytest.mark.live

LIVES = """
import gc, os, sys, threading, tracemalloc
from support.live import BOTH, done, ip
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.transport.kernel.transport import KernelFactory
ip("link", "set", "lo", "up")
options = BackendOptions(caches=("link", "addr", "route"), resync=True, extra_groups=("tc",), message_pool_size=8)
events, errors = [0], []
def count(_): events[0] += 1
def live(number):
    backend = create(BOTH[number % 2], KernelFactory(), options if number % 20 == 3 else None)
    backend.set_callback(count, errors.append)
    for protocol in (0, 4, 6, 12, 16):
        if protocol in backend.groups:
            backend.enable(protocol); backend.enable(protocol); backend.process(protocol)
    if number % 50 == 0: ip("link", "set", "lo", "down"); ip("link", "set", "lo", "up")
    while backend.process(0): pass
    if number % 2: backend.dump(0, 18); backend.dump_sockets(2, 6)
    backend.disable(4); backend.disable(4); backend.status(); backend.enable(4)
    backend.close(); backend.close()
    if number % 3 == 0: backend.enable(0); backend.close()
forget = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache  # Python's own, of names looked up
def state():
    forget(); gc.collect()
    return [len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), threading.active_count()]
for number in range(20): live(number)
before = state(); received = events[0]
for number in range(800): live(number)
tracemalloc.start()  # slow
for number in range(40): live(number)
state(); memory = tracemalloc.get_traced_memory()[0]
for number in range(160): live(number)
after = state(); grown = tracemalloc.get_traced_memory()[0] - memory
done([before, after, grown, events[0] > received, len(errors)])
"""


def test_a_thousand_lives_leave_nothing_behind() -> None:
    """Enable (twice), process, dump, disable, enable again, close (twice), now and then reopen, with every protocol
    that needs no more than the namespace: as many descriptors, threads and, but for a few KB, bytes as before."""
    before, after, grown, received, errors = inside(LIVES)

    assert after == before
    assert grown < 4 * 1024
    assert (received, errors) == (True, 0)


FORK = """
import os, subprocess, sys
from support.live import BOTH, Watch, agreement, done, ip, sockets
watch = Watch(0, 4, 12, 16)
watch["libnl"].dump(0, 18)
ours = sockets()
child = os.fork()
if child == 0:
    try:
        watch.close()
        left = sockets()
        watch["libnl"].enable(0); good = not left and watch["libnl"].dump(0, 18).outcome.value == "complete"
        watch["libnl"].close()
    finally:
        os._exit(0 if good else 1)
_, status = os.waitpid(child, 0)
script = "from support.live import sockets; print(*sockets())"
shown = subprocess.run([sys.executable, "-P", "-c", script], close_fds=False, stdout=subprocess.PIPE, text=True).stdout
ip("link", "add", "sentinel", "type", "bridge")
watch.until(lambda events: any(e.interface == "sentinel" for e in events))
watch.drain()
dump = watch["libnl"].dump(0, 18)
done([os.waitstatus_to_exitcode(status), len(ours), sorted(ours & set(shown.split())), agreement(watch, 0) > 0,
      [dump.outcome.value, dump.foreign], [len(watch.errors[name]) for name in BOTH]])
watch.close()
"""


def test_a_forked_child_may_close_what_it_inherited() -> None:
    """The parent goes on receiving and asking, and no descriptor survives an exec."""
    code, count, inherited, agreed, dump, errors = inside(FORK)

    assert (code, count, inherited) == (0, 16, [])
    assert (agreed, dump, errors) == (True, ["complete", 0], [0, 0])


ORDERS = """
from support.live import BOTH, Watch, done, ip
from nlmon.errors import TransportError, UsageError
watch = Watch(0); results = {}
def errors(*calls):
    found = []
    for call in calls:
        try: call(); found.append(None)
        except (TransportError, UsageError) as error: found.append(error.code)
    return found
for name in BOTH:
    backend = watch[name]; first = backend.fileno(0)
    backend.enable(0); same = backend.fileno(0) == first
    ip("link", "add", "lost" + name, "type", "bridge")  # waits in the socket when it is closed
    backend.disable(0); backend.disable(0)
    closed = [backend.fileno(0), *errors(lambda: backend.process(0), lambda: backend.enable(99))]
    status = backend.status().protocols[0]
    backend.enable(0); ip("link", "add", "seen" + name, "type", "bridge")
    while backend.process(0): pass
    received = {e.interface for e in watch.events[name] if e.msg_type == 16}
    backend.close(); backend.close()
    results[name] = [same, closed, [status.enabled, status.fd, status.transport], sorted(received),
                  errors(lambda: backend.process(0))]
libnl = watch["libnl"]; libnl.enable(0); transport = watch.transports["libnl"][0]
asked = transport.request
def closing(message):  # the protocol is closed while an answer arrives
    for datagram in asked(message):
        yield datagram
        libnl.close()
transport.request = closing
results["closed in a dump"] = errors(lambda: libnl.dump(0, 18)); libnl.enable(0)
results["then"] = libnl.dump(0, 18).outcome.value
def again(event): libnl.close()  # closed by a callback, in the middle of a datagram's events
libnl.set_callback(again); ip("link", "add", "last", "type", "bridge")
results["callback"] = [libnl.process(0), libnl.fileno(0), *errors(lambda: libnl.process(0))]
done(results)
watch.close()
"""


def test_calls_in_any_order() -> None:
    """Enabling twice keeps the socket; what waited in a closed one is gone; every misuse has its error; a dump whose
    protocol is closed meanwhile ends with one; a callback may close."""
    results = inside(ORDERS)

    for name in ("legacy", "libnl"):
        closed = [-1, "NLM-B002", "NLM-B001"]
        assert results[name] == [True, closed, [False, -1, None], ["seen" + name], ["NLM-B002"]]
    assert results["closed in a dump"] == ["NLM-T004"]
    assert results["then"] == "complete"
    assert results["callback"] == [True, -1, "NLM-B002"]
