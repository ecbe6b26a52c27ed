"""Generic netlink and IPsec of the running kernel: changes of an interface's features, policies, states."""

from __future__ import annotations

import pytest

from support.namespaces import inside

pytestmark = pytest.mark.live

# linux/xfrm.h
DELSA, NEWPOLICY, DELPOLICY, ACQUIRE, UPDPOLICY, POLEXPIRE, FLUSHSA, FLUSHPOLICY = 17, 19, 20, 23, 25, 27, 28, 29

FEATURES = r"""
from support.live import BOTH, NESTED, Watch, agreement, ask, attr, done, ip
from nlmon.testing.messages import native as message
ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
watch = Watch(0, 16)
number = watch["libnl"].resolve("ethtool")
def toggle(there):
    bit = attr(1 | NESTED, attr(2, b"tx-generic-segmentation\0") + (attr(3) if there else b""))
    body = attr(1 | NESTED, attr(2, b"v0\0")) + attr(3 | NESTED, attr(3 | NESTED, bit))
    return message(number, b"\x0c\1\0\0" + body, flags=5)
ask(16, toggle(False)); ask(16, toggle(True))
watch.until(lambda events: sum(e.protocol == 16 for e in events) >= 2)
watch.drain()
legacy, libnl = ([e.payload for e in watch.events[name] if e.protocol == 16] for name in BOTH)
groups = watch["libnl"].families.named("ethtool").groups
done([agreement(watch, 16), [[p.genl_family_id == number, p.genl_cmd] for p in legacy],
      [[p.genl_family_name, [one for one, _ in p.attributes]] for p in libnl],
      [set(groups.values()) <= set(watch[name].status().protocols[16].transport.groups) for name in BOTH],
      list(groups), [len(watch.errors[name]) for name in BOTH]])
watch.close()
"""


def test_a_changed_feature_is_announced_by_the_family_ethtool() -> None:
    """ETHTOOL_MSG_FEATURES_NTF (13) of the group monitor: by name in libnl, by number in legacy."""
    compared, legacy, libnl, joined, groups, errors = inside(FEATURES)

    assert (compared, errors) == (2, [0, 0])
    assert legacy == [[True, 13]] * 2
    assert [name for name, _ in libnl] == ["ethtool"] * 2
    assert all(1 in attributes for _, attributes in libnl)
    assert (joined, groups) == ([True, True], ["monitor"])


POLICIES = """
import socket
from support.live import Watch, done, ip
# not over lo, which knows no IPsec (disable_xfrm)
for words in ("link add v0 up type veth peer name v1", "link set v1 up", "addr add 192.0.2.1/24 dev v0",
              "route add 198.51.100.0/24 dev v0"): ip(*words.split())
watch = Watch(6, names=("libnl",))
def xfrm(words): ip("xfrm", *words.split())
ends = "src 192.0.2.1 dst 198.51.100.1"
one = "src 192.0.2.0/24 dst 198.51.100.0/24 dir out"
xfrm(f"policy add {one} priority 7 tmpl {ends} proto esp reqid 5 mode tunnel")
xfrm(f"policy update {one} priority 7 mark 3 mask 255 tmpl {ends} proto esp reqid 6 mode tunnel")
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind(("192.0.2.1", 4000)); sock.setblocking(False)
    try: sock.sendto(b"x", ("198.51.100.1", 9))
    except OSError: pass
xfrm(f"policy delete {one}")
xfrm("policy add src 2001:db8::/32 dst ::/0 dir in action block")
xfrm(f"state allocspi {ends} proto esp reqid 5 mode tunnel min 0x1000 max 0x1000")
xfrm(f"state delete {ends} proto esp spi 0x1000")
xfrm("policy add src 203.0.113.0/24 dst 203.0.113.0/24 dir fwd action allow limit time-hard 1")
watch.until(lambda events: any(e.msg_type == 27 for e in events))
xfrm("policy flush")
xfrm(f"state allocspi {ends} proto esp mode tunnel min 0x3000 max 0x3000"); xfrm("state flush")
watch.until(lambda events: any(e.msg_type == 28 for e in events))
def show(e):
    p = e.payload
    if e.msg_type in (28, 29): return [p.proto]
    if e.msg_type in (17, 24, 26, 16): return [p.family, p.saddr, p.daddr, p.spi, p.proto, p.hard]
    t, a = (p.templates or [None])[0], p.acquire
    return [p.selector.family, p.selector.src, p.selector.prefixlen_s, p.selector.dst, p.selector.prefixlen_d, p.dir,
            p.priority, p.action, p.mark, t and [t.saddr, t.daddr, t.proto, t.mode, t.reqid],
            a and [a.daddr, a.proto], p.hard]
done([[[e.msg_type, *show(e)] for e in watch.events["libnl"]], len(watch.errors["libnl"])])
watch.close()
"""


def test_policies_and_states_of_ipsec_are_announced() -> None:
    """As ip xfrm makes them. The states are those that wait for a key (allocspi), which every kernel can make."""
    esp, ends = 50, ["192.0.2.1", "198.51.100.1"]
    selector = [2, "192.0.2.0", 24, "198.51.100.0", 24, 1, 7, 0]
    first, second = [*ends, esp, 1, 5], [*ends, esp, 1, 6]
    fwd = [2, "203.0.113.0", 24, "203.0.113.0", 24, 2, 0, 0, None, None, None]
    announced, errors = inside(POLICIES)

    assert errors == 0
    assert announced == [
        [NEWPOLICY, *selector, None, first, None, None],
        [UPDPOLICY, *selector, [3, 255], second, None, None],
        [ACQUIRE, *selector, None, first, [ends[1], esp], None],
        [DELPOLICY, *selector, None, first, None, None],
        [NEWPOLICY, 10, "2001:db8::", 32, "::", 0, 0, 0, 1, None, None, None, None],
        [DELSA, 2, *ends, 0x1000, esp, None],
        [NEWPOLICY, *fwd, None],
        [POLEXPIRE, *fwd, True],
        [FLUSHPOLICY, None],
        [FLUSHSA, 0],
    ]
