"""Losses on the running kernel: a receive buffer that overflows, a socket that is closed behind a transport's back."""

from __future__ import annotations

import pytest

from support.namespaces import inside

pytestmark = pytest.mark.live

OVERRUN = """
import itertools, os
from pathlib import Path
from support.live import BOTH, Watch, done, ip, routes
from nlmon.backends.options import BackendOptions
from nlmon.backends.libnl.recovery import DUMPS
from nlmon.state.tables import State
ip("link", "set", "lo", "up")
watch = Watch(0, options=BackendOptions(receive_buffer=4096, resync=True))
states = {name: State(notes=False) for name in BOTH}
for dump in DUMPS:
    for event in watch["libnl"].whole_dump(*dump).events:
        for state in states.values(): state.apply(event)
lines = "".join(f"route add 10.{i // 250}.{i % 250}.0/24 dev lo\\n" for i in range(1990))
lines += "".join(f"route add 2001:db8:{i:x}::/48 dev lo\\n" for i in range(5))
lines += "route del 10.0.0.0/24\\nroute del 10.0.1.0/24\\nroute del 2001:db8:1::/48\\n"
lines += "route replace 10.0.2.0/24 dev lo metric 0 src 127.0.0.1\\nroute add 10.0.2.0/24 dev lo metric 9\\n"
ip("-batch", "-", lines=lines)
rows = [line.split() for line in Path("/proc/net/netlink").read_text().splitlines()[1:]]
drops = {int(row[9]): int(row[8]) for row in rows}
kernel = {name: drops[os.fstat(watch[name].fileno(0)).st_ino] for name in BOTH}
kept = {}
for name in BOTH:
    backend = watch[name]
    kept[name] = backend.status().protocols[0].transport.datagrams
    while backend.process(0): pass
    kept[name] = backend.status().protocols[0].transport.datagrams
ip("link", "add", "sentinel", "type", "bridge"); ip("route", "add", "192.0.2.0/24", "dev", "lo")
watch.until(lambda events: any(e.interface == "sentinel" for e in events) and events[-1].msg_type == 24)
for name in BOTH:
    for event in watch.events[name]: states[name].apply(event)
folded = {name: routes(states[name]) for name in BOTH}
synthetic = [e for e in watch.events["libnl"] if e.synthetic]
places = [key for key, _ in itertools.groupby(e.synthetic for e in watch.events["libnl"])]
done({
    "drops": [[getattr(error, "drops", None) for error in watch.errors[name]] == [kernel[name]] for name in BOTH],
    "texts": [str(kernel[name]) in str(watch.errors[name]) for name in BOTH],
    "lost": [kernel[name] > 1000 for name in BOTH], "all": [kept[name] + kernel[name] for name in BOTH],
    "status": [watch[name].status().protocols[0].transport.drops == kernel[name] for name in BOTH],
    "equal": [folded[name] == routes() for name in BOTH], "short": len(routes()) - len(folded["legacy"]),
    "routes": len(routes()), "synthetic": [len(synthetic), sorted({e.msg_type for e in synthetic})],
    "counted": watch["libnl"].status().protocols[0].events == len(watch.events["libnl"]),
    "marked": [any(e.synthetic for e in watch.events["legacy"]), {(e.seq, e.pid) for e in synthetic} == {(0, 0)}],
    "order": places, "due": watch["libnl"].due(),
})
watch.close()
"""


def test_libnl_recovers_from_an_overrun_and_legacy_reports_it() -> None:
    """2,000 changes of routes into a small buffer: both report one overrun with the kernel's own count and go on.
    libnl's events then lead to the routes that ip shows; legacy's do not, and its report says how much it lost."""
    found = inside(OVERRUN)

    assert (found["drops"], found["texts"], found["status"]) == ([True] * 2, [True] * 2, [True] * 2)
    assert (found["all"], found["lost"]) == ([2000, 2000], [True, True])
    assert found["routes"] > 1990
    assert found["equal"] == [False, True]
    assert found["short"] > 1000
    assert found["synthetic"][0] > 1000
    assert found["synthetic"][1] == [24, 25]
    assert (found["marked"], found["order"]) == ([False, True], [False, True, False])
    assert (found["counted"], found["due"]) == (True, None)


LOST = """
import os, stat
from support.live import BOTH, Watch, done, ip
from nlmon.backends.options import BackendOptions
from nlmon.errors import TransportError
options = BackendOptions(receive_buffer=50000, send_buffer=40000, resync=True, extra_groups=("nsid",),
                         generic_families=("ethtool", "nlctrl"))
watch = Watch(0, 4, 12, 16, options=options)
ip("link", "add", "before", "type", "bridge"); watch.drain()
def settings(name):
    return [[protocol, sorted(one.transport.groups), one.transport.receive_buffer_effective,
             one.transport.send_buffer_effective] for protocol, one in watch[name].status().protocols.items()]
found = {}
for name in BOTH:
    backend, seen = watch[name], settings(name)
    for protocol in backend.status().protocols: os.close(backend.fileno(protocol))
    lost = [one.transport.receive_buffer_effective for one in backend.status().protocols.values()]
    outcomes = []
    for protocol in backend.status().protocols:
        if name == "libnl" and protocol == 0:
            ip("link", "add", "meanwhile", "type", "bridge"); ip("link", "del", "before")
        try: outcomes.append(backend.process(protocol))
        except TransportError as error: outcomes.append([error.code, error.errno])
    found[name] = [outcomes, lost, [error.errno for error in watch.errors[name]]]
    if name == "libnl": found["same"] = settings(name) == seen
libnl = watch["libnl"]
while libnl.process(0): pass
found["meanwhile"] = [[e.msg_type, e.interface] for e in watch.events["libnl"] if e.synthetic and e.msg_type < 18]
found["number"] = libnl.resolve("ethtool") > 16
place = libnl.fileno(4)
with open("/dev/null", "rb") as other: os.dup2(other.fileno(), place)
found["taken"] = [libnl.process(4), libnl.fileno(4) != place, stat.S_ISCHR(os.fstat(place).st_mode)]; os.close(place)
for protocol in list(watch["legacy"].status().protocols):
    watch["legacy"].disable(protocol); watch["legacy"].enable(protocol)
count = len(watch.events["legacy"])
ip("link", "add", "after", "type", "bridge")
watch.until(lambda events: any(e.interface == "after" for e in events))
found["legacy again"] = {e.interface for e in watch.events["legacy"][count:] if e.msg_type == 16} == {"after"}
done(found)
watch.close()
"""


def test_a_lost_socket_is_replaced_by_libnl_and_ends_legacy() -> None:
    """libnl opens a new one with the same groups, buffers and families and reports what happened meanwhile; legacy
    raises, and works again when it is enabled again. A descriptor that is another file's by now is left alone."""
    found = inside(LOST)
    ebadf = 9

    assert found["libnl"] == [[True] * 4, [None] * 4, [ebadf] * 4]
    assert found["taken"] == [True, True, True]
    assert found["legacy"] == [[["NLM-T003", ebadf]] * 4, [None] * 4, []]
    assert (found["same"], found["number"], found["legacy again"]) == (True, True, True)
    assert found["meanwhile"] == [[17, "before"], [16, "meanwhile"]]
