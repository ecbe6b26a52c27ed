"""What a played kernel was told, whom it says a notification reaches, and how it answers."""

from __future__ import annotations

import pytest

from nlmon.testing.messages import attr, generic, link, message, nested, new_family, number
from nlmon.transport.recorded.groups import groups_of
from nlmon.transport.recorded.kernel import Told
from nlmon.transport.recorded.transport import ReplayFactory
from nlmon.wire import Datagram

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
    ("told", "heard"),
    [
        ([], {5, 6}),
        ([new_family(40, "x", groups(7), command=NEWMCAST_GRP)], {5, 6, 7}),
        ([new_family(40, "x", groups(6), command=DELMCAST_GRP)], {5}),
        ([new_family(40, "x", command=DELFAMILY)], None),
    ],
)
def test_groups_of_a_family_follow_nlctrl(told: list[bytes], heard: set[int] | None) -> None:
    """They come and go with and without their family; of a number that is nobody's the bytes tell nothing."""
    factory = ReplayFactory()
    for data in (new_family(40, "x", groups(5, 6)), *told):
        factory.learn(Datagram(1, 0, GENERIC, data))

    assert factory.carried_by(Datagram(2, 0, GENERIC, generic(40, 1))) == heard


def test_a_number_is_that_of_one_family() -> None:
    """Given to another one, it is no more that of the first, whose farewell the recording need not hold."""
    factory = ReplayFactory()
    for name in ("x", "y"):
        factory.learn(Datagram(1, 0, GENERIC, new_family(40, name, groups(5))))

    assert {name: number for name, (number, _) in factory.families.items()} == {"y": 40}
    assert set(factory.family_names(40)) == {"x", "y"}


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_dump_comes_in_several_datagrams(count: int) -> None:
    """A reader that stops after the first one must not pass for whole; DONE comes by itself."""
    factory = ReplayFactory()
    for index in range(1, count + 1):
        factory.learn(Datagram(index, 0, ROUTE, message(16, link(index, f"v{index}"))))
    request = message(18, bytes(16), flags=NLM_F_REQUEST | NLM_F_DUMP, seq=9)
    sizes = [len(one.data) for one in factory.open(ROUTE, ()).request(request)]

    assert (len(sizes), sizes[-1]) == (2 if count == 1 else 3, 20)


def test_a_link_that_keeps_its_name_is_no_news() -> None:
    """Its message is remembered; another name, another index, a farewell or a second message are left to be learned."""
    told = Told("little", objects=False)
    first = message(16, link(3, "lan0"))
    told.learn(Datagram(1, 0, 0, first))
    same = message(16, link(3, "lan0") + attr(4, number("I", 1400)))
    more = {
        "another name": message(16, link(3, "wan0")),
        "another index": message(16, link(4, "lan0")),
        "no name": message(16, number("BBHiII", 0, 0, 1, 3, 1, 0)),
        "a port": message(16, b"\7" + link(3, "lan0")[1:]),
        "a farewell": message(17, link(3, "lan0")),
        "two": same + same,
        "cut": same[:-4],
        "short": message(16, bytes(4)),
    }

    assert {what: told.renew(data) for what, data in more.items()} == dict.fromkeys(more, False)
    assert (told.links, told.links_changed) == ({3: ("lan0", first)}, 1)
    assert told.renew(same)
    assert (told.links, told.links_changed) == ({3: ("lan0", same)}, 1)
