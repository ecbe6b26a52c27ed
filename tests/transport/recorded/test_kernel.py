"""What the recorded kernel does unseen: how a dump is cut up, what a group carries, what a link takes along."""

from __future__ import annotations

import pytest

from nlmon.testing.messages import attr, link, message, nested, new_family, number
from nlmon.transport.recorded import kernel as recorded
from nlmon.transport.recorded.answers import answers
from nlmon.transport.recorded.groups import groups_of
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.wire import Datagram, Datagrams

ROUTE, XFRM, NETFILTER, GENERIC = 0, 6, 12, 16
CREATED = 0x600
DELFAMILY = 2


def learned(protocol: int, *parts: bytes, objects: bool = False) -> RecordedKernel:
    """A recorded kernel that learned messages."""
    kernel = RecordedKernel("little", objects=objects)
    for frame, data in enumerate(parts, 1):
        kernel.learn(Datagrams.of(Datagram(frame, 0, protocol, data)))
    return kernel


@pytest.mark.parametrize(("links", "datagrams"), [(0, 1), (1, 2), (2, 3), (5, 3)])
def test_a_dump_comes_in_several_datagrams(links: int, datagrams: int) -> None:
    """Two messages or more come in two datagrams at least, and the end in one of its own, so that a reader that stops
    after the first does not pass."""
    kernel = learned(ROUTE, *(message(16, link(index, f"d{index}")) for index in range(1, links + 1)))
    found = list(answers(kernel, ROUTE, message(18, bytes(16), flags=0x301, seq=7)))

    assert len(found) == datagrams
    assert found[-1][4:6] == b"\3\0"
    assert sum(len(one) for one in found[:-1]) == sum(len(one) for one in kernel.links.values())


def test_groups_of_a_family_go_with_it() -> None:
    """What nlctrl takes back has no groups; the number may be another family's by then."""
    group = nested(1, attr(2, number("I", 20)), attr(1, b"events\0"))
    there, gone = new_family(30, "team", nested(7, group)), new_family(30, "team", command=DELFAMILY)

    assert learned(GENERIC, there).generic_groups[30] == frozenset({20})
    assert 30 not in learned(GENERIC, there, gone).generic_groups


@pytest.mark.parametrize(
    ("protocol", "msg_type", "flags", "group"),
    [
        *[(NETFILTER, 0x100, CREATED, 1), (NETFILTER, 0x100, 0, 2), (NETFILTER, 0x102, 0, 3)],
        *[(NETFILTER, 0x200, CREATED, 4), (NETFILTER, 0x200, 0, 5), (NETFILTER, 0x202, 0, 6)],
        *[(XFRM, 23, 0, 1), (XFRM, 24, 0, 2), (XFRM, 16, 0, 3), (XFRM, 19, 0, 4), (XFRM, 30, 0, 5)],
        *[(ROUTE, 36, 0, 4), (ROUTE, 84, 0, 26), (ROUTE, 88, 0, 28), (ROUTE, 104, 0, 32), (ROUTE, 52, 0, 18)],
    ],
)
def test_the_group_of_a_message(protocol: int, msg_type: int, flags: int, group: int) -> None:
    """Each kind of announcement has its group: linux/netfilter/nfnetlink_compat.h, xfrm.h, rtnetlink.h."""
    assert groups_of(protocol, msg_type, flags, 0) == frozenset({group})


@pytest.mark.parametrize(("scope", "left"), [(0, 0), (253, 0), (254, 1)])
def test_a_route_to_the_host_itself_outlives_its_link(scope: int, left: int) -> None:
    """When a link goes down its IPv4 routes go unannounced, but not those to its own addresses (RT_SCOPE_HOST)."""
    route = number("BBBBBBBBI", 2, 32, 0, 0, 255, 2, scope, 2, 0)
    route += attr(1, bytes((10, 0, 0, 1))) + attr(4, number("i", 3))
    up, down = (message(16, link(3, "d0", up=state)) for state in (True, False))
    kernel = learned(ROUTE, up, message(24, route), down, objects=True)
    found = kernel.objects_of(26, message(26, b"\2" + bytes(11), flags=0x301))

    assert found is not None
    assert len(found) == left


def test_a_link_of_another_namespace_teaches_no_name() -> None:
    """A message with IFLA_TARGET_NETNSID neither names, renames nor removes a link of this one."""
    there = attr(46, number("i", 1))
    kernel = learned(
        ROUTE,
        message(16, link(3, "d0")),
        message(16, link(3, "x0") + there),
        message(16, link(4, "x1") + there),
        message(17, link(3, "x0") + there),
        objects=True,
    )

    assert kernel.names == {3: "d0"}
    assert kernel.objects_of(18, message(18, bytes(16))) == [message(16, link(3, "d0"))]


@pytest.mark.parametrize("objects", [False, True])
def test_a_partial_message_leaves_the_rest_of_a_link(objects: bool) -> None:
    """Of a message with neither MTU nor operational state the recorded kernel takes flags and name."""
    said = number("BxHiII", 0, 1, 3, 0, 0) + attr(3, b"d1\0") + attr(11, bytes(4))
    kernel = learned(ROUTE, message(16, link(3, "d0", mtu=9000)), message(16, said), objects=objects)
    name, kept = kernel.names[3], kernel.links[3]

    assert (name, kept) == ("d1", message(16, link(3, "d1", up=False, mtu=9000)))
    assert kernel.objects_of(18, message(18, bytes(16))) == ([kept] if objects else None)
    assert learned(ROUTE, message(16, said), objects=True).objects_of(18, message(18, bytes(16))) == []


def test_what_the_core_says_of_an_entry_behind_its_device_changes_nothing() -> None:
    """A forwarding entry of a vxlan keeps its destination; the zero address is nothing without one."""
    head = number("BxxxiHBB", 7, 3, 0x80, 2, 1)
    mac, zero, dst = attr(2, bytes((2, 0, 0, 0, 0, 1))), attr(2, bytes(6)), attr(1, bytes((10, 0, 0, 1)))
    kernel = learned(ROUTE, *(message(28, head + one) for one in (dst + mac, mac, dst + zero, zero)), objects=True)

    assert kernel.objects_of(30, message(30, b"\7" + bytes(11))) == [
        message(28, head + dst + mac),
        message(28, head + dst + zero),
    ]


def test_a_link_without_room_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a new link nor one that grows keeps what is not so any more; a dump then ends with an error."""
    monkeypatch.setattr(recorded, "BYTES_KEPT", 100)
    kernel = learned(ROUTE, message(16, link(3, "d0")), message(16, link(4, "d1")))
    before = (set(kernel.links), kernel.lacks_links, kernel.links_changed)
    for one in (message(16, link(4, "a-longer-one", altnames=["another"])), message(16, link(5, "d2"))):
        kernel.learn(Datagrams.of(Datagram(9, 0, ROUTE, one)))
    done = list(answers(kernel, ROUTE, message(18, bytes(16), flags=0x301)))[-1]

    assert before == ({3, 4}, False, 2)
    assert (set(kernel.links), kernel.lacks_links, kernel.links_changed) == ({3, 5}, True, 4)
    assert int.from_bytes(done[16:20], "little", signed=True) == -12  # ENOMEM
