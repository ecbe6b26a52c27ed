"""What ip lists and what the events of an implementation make are the same lines, unless something is amiss."""

from __future__ import annotations

from collections import Counter

import pytest

from nlmon.scenario.kernel_state import Lines, differences, folded, listed
from nlmon.scenario.sandbox import Sandbox
from support.listening import listening

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespaces")]

OBJECTS = """\
link add name veth0 type veth peer name veth1
link add name br0 type bridge
link set veth1 master br0
link set veth0 mtu 1400 up
link set veth1 up
link set br0 up
addr add 192.0.2.1/24 dev veth0
addr add 10.9.0.1 peer 10.9.0.2 dev veth0
addr add 2001:db8::1/64 dev veth0 nodad
route add 198.51.100.0/24 nexthop via 192.0.2.7 nexthop via 192.0.2.8
route add default via 192.0.2.7 metric 50 table 77
route add 203.0.113.0/24 via inet6 fe80::7 dev veth0
route add blackhole 10.0.0.0/8
route add 2001:db8:1::/48 via 2001:db8::2
route add 2001:db8:2::/48 nexthop via 2001:db8::2 nexthop via 2001:db8::3
route add unreachable 2001:db8:3::/48
rule add from 10.1.0.0/16 table 77 priority 90
neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev veth0
"""
SHOWN = {
    "addr 10.9.0.1/32 peer 10.9.0.2 dev veth0",
    "neigh 192.0.2.9 lladdr 02:00:00:00:00:09 dev veth0",
    "route 0.0.0.0/0 via 192.0.2.7 dev veth0 table 77 metric 50",
    "route 10.0.0.0/8 table 254 type 6",
    "route 198.51.100.0/24 via 192.0.2.8 dev veth0 table 254",
    "route 203.0.113.0/24 via fe80::7 dev veth0 table 254",
    "route 2001:db8:2::/48 via 2001:db8::3 dev veth0 table 254 metric 1024",
    "rule 32765 inet6 src all dst 2001:db8:7::/48 iif veth0",
    "rule 90 inet src 10.1.0.0/16 dst all",
}


@pytest.mark.parametrize("whole", [False, True])
def test_the_kernel_and_both_implementations_say_the_same(whole: bool) -> None:
    """Of every kind of object, in a few words or whole; what is not announced, a line has alone."""
    with Sandbox() as sandbox, listening(sandbox) as watch:
        watch.live.states.diverge()
        made = sandbox.batch(OBJECTS)
        sandbox.run("ip -6 rule add to 2001:db8:7::/48 iif veth0 lookup 99")
        kernel: Lines = Counter()

        def same() -> bool:
            nonlocal kernel
            watch.catch_up()  # first, so that the list is never older than the events
            kernel = listed(lambda command: sandbox.run(command).stdout, whole=whole)
            return all(folded(state, whole=whole) == kernel for state in watch.live.states.both)

        agreed = watch.wait_for(same, 10)
        legacy, libnl = (folded(state, whole=whole) for state in watch.live.states.both)
        sandbox.run("ip link set veth0 mtu 1300")
        later = listed(lambda command: sandbox.run(command).stdout, whole=whole)

    assert (made.stderr, differences(kernel, legacy), differences(kernel, libnl)) == ("", [], [])
    lacking = {words for words in SHOWN if not any(line.startswith(words) for line in kernel)}
    assert (agreed, lacking) == (True, set())
    assert {line.partition(" mtu")[0] for line in later.keys() ^ kernel.keys()} == {"link veth0 UP operstate UP"}
