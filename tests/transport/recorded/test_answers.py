"""What a recorded kernel learns, whom it says a notification reaches, and how it answers."""

from __future__ import annotations

import pytest

from nlmon.testing.messages import attr, generic, link, message, nested, new_family, number
from nlmon.transport.recorded.groups import carried_by, groups_of
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams

ROUTE, NETFILTER, GENERIC = 0, 12, 16
NLM_F_REQUEST, NLM_F_DUMP, CREATED = 0x1, 0x300, 0x600
DELFAMILY, NEWMCAST_GRP, DELMCAST_GRP = 2, 7, 8
CTRL_ATTR_MCAST_GROUPS = 7


def groups(*numbers: int) -> bytes:
    """CTRL_ATTR_MCAST_GROUPS of a message of nlctrl."""
    rows = [nested(n, attr(1, b"g\0"), attr(2, number("I", value))) for n, value in enumerate(numbers, 1)]
    return nested(CTRL_ATTR_MCAST_GROUPS, *rows)


@pytest.mark.parametrize(
    ("msg_type", "flags", "group"),
    [(0x100, CREATED, 1), (0x100, 0, 2), (0x102, 0, 3), (0x200, CREATED, 4), (0x200, 0, 5), (0x202, 0, 6)],
)
def test_flows_and_expectations_have_groups_of_their_own(msg_type: int, flags: int, group: int) -> None:
    """linux/netfilter/nfnetlink_compat.h: new, updated and destroyed, each for flows and for expectations."""
    assert groups_of(NETFILTER, msg_type, flags, 2) == {group}


@pytest.mark.parametrize(
    ("learned", "carried"),
    [
        ([], {5, 6}),
        ([new_family(40, "x", groups(7), command=NEWMCAST_GRP)], {5, 6, 7}),
        ([new_family(40, "x", groups(6), command=DELMCAST_GRP)], {5}),
        ([new_family(40, "x", command=DELFAMILY)], None),
    ],
)
def test_groups_of_a_family_follow_nlctrl(learned: list[bytes], carried: set[int] | None) -> None:
    """They come and go with and without their family; of a number that is nobody's the bytes say nothing."""
    factory = RecordedFactory()
    for data in (new_family(40, "x", groups(5, 6)), *learned):
        factory.kernel.learn(Datagrams.of(Datagram(1, 0, GENERIC, data)))

    assert carried_by(Datagram(2, 0, GENERIC, generic(40, 1)), factory.kernel) == carried


def test_a_number_is_that_of_one_family() -> None:
    """Given to another one, it is no more that of the first, whose farewell the recording need not hold."""
    factory = RecordedFactory()
    for name in ("x", "y"):
        factory.kernel.learn(Datagrams.of(Datagram(1, 0, GENERIC, new_family(40, name, groups(5)))))

    assert {name: number for name, (number, _) in factory.kernel.families.items()} == {"y": 40}
    assert set(factory.kernel.family_names(40)) == {"x", "y"}
    assert [factory.kernel.family_name(one) for one in (40, 16, 41)] == ["y", "nlctrl", ""]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_dump_comes_in_several_datagrams(count: int) -> None:
    """A reader that stops after the first one must not pass for whole; DONE comes by itself."""
    factory = RecordedFactory()
    for index in range(1, count + 1):
        factory.kernel.learn(Datagrams.of(Datagram(index, 0, ROUTE, message(16, link(index, f"v{index}")))))
    request = message(18, bytes(16), flags=NLM_F_REQUEST | NLM_F_DUMP, seq=9)
    sizes = [len(one.data) for one in factory.open(ROUTE, ()).request(request)]

    assert (len(sizes), sizes[-1]) == (2 if count == 1 else 3, 20)


CHANGES = {
    "the same name": (message(16, link(3, "lan0") + attr(4, number("I", 1400))), False),
    "no link": (message(20, number("BBBBI", 2, 24, 0, 0, 3)), False),
    "another name": (message(16, link(3, "wan0")), True),
    "another index": (message(16, link(4, "lan0")), True),
    "no name": (message(16, number("BBHiII", 0, 0, 1, 3, 1, 0)), True),
    "a port": (message(16, b"\7" + link(3, "lan0")[1:]), True),
    "it goes": (message(17, link(3, "lan0")), True),
    "short": (message(16, bytes(4)), True),
}


@pytest.mark.parametrize(("data", "changes"), CHANGES.values(), ids=CHANGES.keys())
def test_only_a_link_that_keeps_its_name_changes_no_name(data: bytes, changes: bool) -> None:
    """Of a link that is known by this index and name; to ask for that does not teach the kernel anything."""
    kernel, first = RecordedKernel("little", objects=False), message(16, link(3, "lan0"))
    kernel.learn(Datagrams.of(Datagram(1, 0, ROUTE, first)))

    assert kernel.changes_names(data) == changes
    assert (kernel.names, kernel.links, kernel.links_changed) == ({3: "lan0"}, {3: first}, 1)


def test_the_latest_message_of_a_link_is_kept() -> None:
    """Also of one that keeps its name, which is then no change of names."""
    kernel, same = RecordedKernel("little", objects=False), message(16, link(3, "lan0") + attr(4, number("I", 1400)))
    kernel.learn(Datagrams((1, 2), ROUTE, (0, 0), (message(16, link(3, "lan0")), same)))

    assert (kernel.names, kernel.links, kernel.links_changed) == ({3: "lan0"}, {3: same}, 1)


@pytest.mark.parametrize("objects", [False, True])
def test_every_message_of_a_datagram_is_learned(objects: bool) -> None:
    """A link behind an address, and one behind another link."""
    kernel, address = RecordedKernel("little", objects=objects), message(20, number("BBBBI", 2, 24, 0, 0, 3))
    links = [message(16, link(index, f"d{index}")) for index in (3, 4)]
    kernel.learn(Datagrams.of(Datagram(1, 0, ROUTE, b"".join((address, *links)))))

    assert (kernel.names, kernel.links) == ({3: "d3", 4: "d4"}, {3: links[0], 4: links[1]})


def test_time_does_not_go_back() -> None:
    """The clock is that of the latest datagram, in whatever order they stand."""
    kernel, data = RecordedKernel("little"), message(20, number("BBBBI", 2, 24, 0, 0, 3))
    kernel.learn(Datagrams((1, 2, 3), ROUTE, (7, 9, 3), (data, data, data)))
    kernel.learn(Datagrams((4,), ROUTE, (5,), (data,)))

    assert kernel.time == 9
