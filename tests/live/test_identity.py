"""What the running kernel takes for different objects is different in the state, too, as ip shows it.

Not here: objects that the kernel changes without a message (``test_loss``).
"""

from __future__ import annotations

import pytest
from live_helper import inside

pytestmark = pytest.mark.live

ROUTES = """
from live_kit import BOTH, Watch, done, ip, ip_json
from nlmon.state import State
ip("-batch", "-", lines="link add d0 type veth peer name d1\\nlink set d0 up\\nlink set d1 up\\n")
ip("addr", "add", "192.0.2.10/24", "dev", "d0")
watch = Watch(0); states = {name: State() for name in BOTH}; taken = dict.fromkeys(BOTH, 0)
MTU = 2
told = []
def look():
    ip("link", "add", f"s{len(told)}", "type", "bridge")
    watch.until(lambda events: any(e.interface == f"s{len(told)}" for e in events))
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
    told.append(row)
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
done(told)
watch.close()
"""


def test_routes_that_differ_in_metrics_or_nexthop() -> None:
    """Routes of one prefix that differ only in their mtu or in their nexthop object, appended, prepended, replaced
    and deleted, and a nexthop that is replaced: both states hold what ip shows, in its order."""
    told = inside(ROUTES)

    assert [[len(real) for real, *_ in row] for row in told] == [[3, 3], [2, 3], [3, 3], [3, 2]]
    assert [states for row in told for _, *states in row] == [[real] * 2 for row in told for real, *_ in row]
