"""``nlmon state`` beside ``ip`` and ``bridge`` on the running kernel: the same objects, keys and values."""

from __future__ import annotations

from typing import Any

import pytest

from support.namespaces import inside

pytestmark = pytest.mark.live

# What iproute2 prints and no message that is compared carries, or neither implementation reads.
NOT_READ = {
    "link": {
        *("linkmode", "allmulti", "min_mtu", "max_mtu", "inet6_addr_gen_mode", "num_tx_queues", "num_rx_queues"),
        *("gso_max_size", "gso_max_segs", "tso_max_size", "tso_max_segs", "gro_max_size", "gso_ipv4_max_size"),
        *("gro_ipv4_max_size", "parentbus", "parentdev", "permaddr", "netns-immutable", "max_pacing_offload_horizon"),
        *("headroom", "tailroom"),
    },
    "route": {"nh_info"},
    "fdb": {"ifindex"},
}
SCRIPT = """
import json, subprocess, sys, tempfile
from pathlib import Path
from support.live import done, ip, wait_up
def run(*words): return subprocess.run(words, capture_output=True, check=False, text=True)
COMMANDS = '''
link set lo up
link add v0 type veth peer name v1
link set v0 mtu 1400 alias "two words" group 5
link set v0 addrgenmode none
link set v1 addrgenmode none
link set v0 up
link set v1 up
link property add dev v0 altname other0
link add down0 type ifb
link add br0 type bridge
link set br0 addrgenmode none
link set down0 master br0
link add link v0 name v0.5 type vlan id 5
link add ipip0 type ipip local 10.0.0.1 remote 10.0.0.9
addr add 10.0.0.1/24 brd + dev v0 label v0:a
addr add 10.0.0.2/24 dev v0
addr add 10.9.0.1 peer 10.9.0.2/32 dev v1 metric 7
addr add fd00::1/64 dev v0 nodad
addr add fd00::2/64 dev v0 nodad noprefixroute
route add 10.1.0.0/16 via 10.0.0.254 metric 50 mtu 1300 src 10.0.0.2
route add 10.2.0.0/16 nexthop via 10.0.0.254 weight 2 nexthop via 10.9.0.2 dev v1
route add blackhole 10.3.0.0/16
route add default via 10.0.0.254 table 100 proto static
route add 10.4.0.0/16 via inet6 fd00::9 dev v0
route add 10.6.0.0/16 tos 0x10 dev v0 onlink via 10.77.0.1
route add fd01::/64 via fd00::9
route add fd02::/64 nexthop via fd00::9 nexthop via fd00::8 weight 3
route add unreachable fd03::/64
route add fd04::/64 from fd00::/64 dev v0
nexthop add id 7 via 10.0.0.254 dev v0
route add 10.5.0.0/16 nhid 7
rule add from 10.0.0.0/8 table 100 priority 5
rule add fwmark 0x10/0xff iif v0 lookup 100 priority 6
rule add to 10.7.0.0/16 uidrange 100-200 ipproto tcp dport 80-90 blackhole priority 7
rule add not from 10.8.0.1 tos 0x10 table main priority 8
rule add priority 9 goto 32766
rule add iif gone0 sport 53 lookup 100 priority 10
-6 rule add from fd00::/64 table 100 priority 5 suppress_prefixlength 3
neigh add 10.0.0.77 lladdr 00:11:22:33:44:55 dev v0
neigh add fd00::77 lladdr 00:11:22:33:44:66 dev v0 nud stale router
neigh add proxy 10.0.0.78 dev v0
'''
for line in COMMANDS.strip().splitlines():  # what this kernel has not, is not compared
    import shlex
    run("ip", *shlex.split(line))
run("bridge", "fdb", "add", "00:11:22:33:44:77", "dev", "down0", "master", "static", "vlan", "1")
run("bridge", "fdb", "add", "00:11:22:33:44:88", "dev", "v0", "self")
wait_up("v0")
wait_up("v1")
def listed(*words): return json.loads(run(*words).stdout or "[]")
def theirs():
    show = ("-json", "-details")
    return {
        "link": listed("ip", *show, "link"), "addr": listed("ip", *show, "address"),
        "route": listed("ip", *show, "-4", "route", "show", "table", "all"),
        "route6": listed("ip", *show, "-6", "route", "show", "table", "all"),
        "neigh": listed("ip", *show, "neighbour", "show", "nud", "all"),
        "rule": listed("ip", *show, "-4", "rule"), "rule6": listed("ip", *show, "-6", "rule"),
        "fdb": listed("bridge", *show, "fdb"),
    }
out = Path(tempfile.mkdtemp()) / "state.pcapng"
nlmon = [sys.executable, "-m", "nlmon"]
before = theirs()
recorded = run(*nlmon, "record", str(out), "--protocol", "route", "--duration", "0.01", "--no-final-dump")
after = theirs()
found = {}
for name in ("libnl", "legacy"):
    state = run(*nlmon, "state", str(out), "-i", name, "--format", "json")
    found[name] = json.loads(state.stdout)["objects"] if state.returncode == 0 else recorded.stderr + state.stderr
done([before, after, found])
"""


@pytest.fixture(scope="module")
def seen() -> Any:
    """What ``ip`` listed before and after the recording, and the objects of each implementation."""
    return inside(SCRIPT)


def plain(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    """An object without what changes by itself, and hops without what no state has of them."""
    gone = {"valid_life_time", "preferred_life_time", "expires"}
    if kind == "route6" and "nexthops" in row:
        hops = [{key: value for key, value in hop.items() if key not in {"weight", "flags"}} for hop in row["nexthops"]]
        row = {**row, "nexthops": hops}
    if kind == "addr":
        # iproute2 prints the protocol of an address from 6.3 on.
        addresses = [{k: v for k, v in one.items() if k not in gone | {"protocol"}} for one in row["addr_info"]]
        row = {**row, "addr_info": sorted(addresses, key=lambda one: str(one["local"]))}
    return {key: value for key, value in row.items() if key not in gone}


def within(ours: Any, theirs: Any) -> bool:
    """Whether all that one object has another one has, too."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return all(key in theirs and within(value, theirs[key]) for key, value in ours.items())
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(within, ours, theirs))
    return bool(ours == theirs)


def listed_alike(kind: str, ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[str]:
    """What is not the same: an object of ours of which ``ip`` has none with these keys and values, and what is left
    over of its own."""
    left = [plain(kind, row) for row in theirs]
    wrong = []
    for row in (plain(kind, row) for row in ours):
        same = next((one for one in left if within(row, one)), None)
        if same is None:
            wrong.append(f"{kind}, ours: {row}")
        else:
            left.remove(same)
    return wrong + [f"{kind}, of ip: {row}" for row in left]


def test_the_state_is_what_ip_lists(seen: Any) -> None:
    """Every object that ``ip`` and ``bridge`` list is there once, of libnl with every key but those that no
    implementation reads, and each key has the value that they print; legacy gives less of each, and nothing else."""
    before, after, found = seen
    wrong = []
    for kind, rows in after.items():
        for name in ("libnl", "legacy"):
            assert isinstance(found[name], dict), found[name]
            ours = found[name][kind]
            if kind == "fdb":  # what a device listens to by itself may come and go
                rows = [row for row in rows if not row["mac"].startswith(("33:33:", "01:00:5e:"))]
                ours = [row for row in ours if not row["mac"].startswith(("33:33:", "01:00:5e:"))]
            if kind == "neigh":  # what needs no resolution, too
                rows = [row for row in rows if row["state"] != ["NOARP"]]
                ours = [row for row in ours if row.get("state") != ["NOARP"] and "proxy" not in row]
            wrong += [f"{name} {text}" for text in listed_alike(kind, ours, rows)]

    assert before["rule"] == after["rule"]
    assert "\n".join(wrong) == ""


def test_no_key_is_missing_but_those_that_are_not_read(seen: Any) -> None:
    """What ``ip`` prints of an object and the state of libnl has not is in the table above."""
    _, after, found = seen
    lacking = {
        kind: sorted({key for row in after[kind] for key in row} - {key for row in found["libnl"][kind] for key in row})
        for kind in ("link", "route", "route6", "rule", "rule6", "fdb")
    }

    assert {kind: set(keys) - NOT_READ.get(kind, set()) for kind, keys in lacking.items()} == {
        kind: set() for kind in lacking
    }
