"""What the running kernel takes for different objects is different in the state, too, as ip shows it.

Not here: objects that the kernel changes without a message (``test_loss``).
"""

from __future__ import annotations

import pytest

from support.namespaces import inside
from support.requirements import require_program

pytestmark = pytest.mark.live

ROUTES = """
from support.live import BOTH, Watch, done, ip, ip_json
from nlmon.state.tables import State
ip("-batch", "-", lines="link add d0 type veth peer name d1\\nlink set d0 up\\nlink set d1 up\\n")
ip("addr", "add", "192.0.2.10/24", "dev", "d0")
watch = Watch(0); states = {name: State() for name in BOTH}; taken = dict.fromkeys(BOTH, 0)
MTU = 2
found = []
def look():
    ip("link", "add", f"s{len(found)}", "type", "bridge")
    watch.until(lambda events: any(e.interface == f"s{len(found)}" for e in events))
    row = []
    for dst in ("10.8.0.0", "10.9.0.0"):
        shown = ip_json("-4", "route", "show", dst + "/16")
        real = [[r["gateway"], r.get("nhid"), r.get("metrics", [{}])[0].get("mtu")] for r in shown]
        row.append([real])
        for name in BOTH:
            for event in watch.events[name][taken[name]:]: states[name].apply(event)
            taken[name] = len(watch.events[name])
            keys = {key[:8]: None for key in states[name].tables["route"] if key[2] == dst}
            mine = [states[name].tables["route"][key] for group in keys for key in states[name].order(group)]
            row[-1].append([[r.gateway, r.nh_id, dict(r.metrics or ()).get(MTU)] for r in mine])
    found.append(row)
for step in (
    ("route append 10.8.0.0/16 via 192.0.2.1 mtu 1400", "route append 10.8.0.0/16 via 192.0.2.1 mtu 1300",
     "route append 10.8.0.0/16 via 192.0.2.1 mtu 1200", "nexthop add id 1 via 192.0.2.1 dev d0",
     "nexthop add id 2 via 192.0.2.2 dev d0", "nexthop add id 3 via 192.0.2.1 dev d0",
     "route add 10.9.0.0/16 nhid 1", "route append 10.9.0.0/16 nhid 2", "route append 10.9.0.0/16 nhid 3"),
    ("nexthop replace id 2 via 192.0.2.22 dev d0", "route del 10.8.0.0/16 via 192.0.2.1 mtu 1300"),
    ("route replace 10.9.0.0/16 via 192.0.2.33", "route prepend 10.8.0.0/16 via 192.0.2.1 mtu 1100"),
    ("route del 10.9.0.0/16 nhid 2",),
):
    for line in step: ip(*line.split())
    look()
done(found)
watch.close()
"""


def test_routes_that_differ_in_metrics_or_nexthop() -> None:
    """Routes of one prefix that differ only in their mtu or in their nexthop object, appended, prepended, replaced
    and deleted, and a nexthop that is replaced: both states hold what ip shows, in its order."""
    found = inside(ROUTES)

    assert [[len(real) for real, *_ in row] for row in found] == [[3, 3], [2, 3], [3, 3], [3, 2]]
    assert [states for row in found for _, *states in row] == [[real] * 2 for row in found for real, *_ in row]


RULES = """
from support.live import BOTH, Watch, done, ip
from nlmon.state.tables import State
watch = Watch(0)
before = len(ip("-4", "rule").splitlines())
for line in ("rule add from 10.1.0.0/16 table 100 priority 9 realms 5",
             "rule add from 10.1.0.0/16 table 100 priority 9 realms 6"): ip(*line.split())
more = len(ip("-4", "rule").splitlines()) - before
ip(*"rule del from 10.1.0.0/16 table 100 priority 9 realms 5".split())
watch.until(lambda events: any(e.msg_type == 33 for e in events))
found = []
for name in BOTH:
    state = State(); sizes = []
    for event in watch.events[name]:
        state.apply(event); sizes.append(len(state.tables["rule"]))
    found.append([sizes, [rule.flow for rule in state.tables["rule"].values()]])
done([more, found])
watch.close()
"""


def test_rules_that_differ_in_realms() -> None:
    """The kernel has two rules, and so has the state; deletion takes the one it names."""
    assert inside(RULES) == [2, [[[1, 2, 1], [6]]] * 2]


ENTRIES = """
from support.live import BOTH, Watch, done, ip
import subprocess
from nlmon.state.tables import State
ip("link", "add", "vx0", "type", "vxlan", "external", "vnifilter", "dstport", "4789")
ip("link", "set", "vx0", "up")
for vni in ("10", "20"): subprocess.run(["bridge", "vni", "add", "dev", "vx0", "vni", vni], check=True)
watch = Watch(0)
def fdb(*words): return subprocess.run(["bridge", "fdb", *words], check=True, capture_output=True, text=True).stdout
for vni in ("10", "20"): fdb("append", "02:00:00:00:00:02", "dev", "vx0", "dst", "192.0.2.1", "src_vni", vni)
shown = fdb("show", "dev", "vx0").count("02:00:00:00:00:02")
fdb("del", "02:00:00:00:00:02", "dev", "vx0", "dst", "192.0.2.1", "src_vni", "10")
watch.until(lambda events: any(e.msg_type == 29 for e in events))
found = []
for name in BOTH:
    state = State(); sizes = []
    for event in watch.events[name]:
        if event.msg_type in (28, 29) and event.payload.family == 7:
            state.apply(event); sizes.append(len(state.tables["neigh"]))
    found.append([sizes, [entry.src_vni for entry in state.tables["neigh"].values()]])
done([shown, found])
watch.close()
"""


def test_forwarding_entries_that_differ_in_their_source_identifier() -> None:
    """A vxlan device in external mode has two entries for one link-layer address, and so has the state."""
    require_program("bridge")

    assert inside(ENTRIES) == [2, [[[1, 2, 1], [20]]] * 2]
