"""What a message consists of: every attribute by its name, as deep as the kernel's tables know it."""

from __future__ import annotations

import pytest

from nlmon.compare.evidence.tree import DEEPEST, Part, parts_of
from nlmon.framing import messages
from nlmon.testing.messages import attr, generic, message, nested, number
from support.agreement import recorded

ROUTE, XFRM, NETFILTER, GENERIC = 0, 6, 12, 16
LINK = bytes(16)
HOPS = number("HBBI", 16, 0, 0, 7) + attr(5, bytes(4)) + number("HBBI", 8, 0, 0, 8)
OPS = nested(6, nested(1, attr(1, bytes(4))), nested(2, attr(2, bytes(4))))
# Protocol, family and message, and the lines of its parts behind the first header.
CASES = {
    "nested": (
        *(ROUTE, "", message(16, LINK + nested(18, attr(1, b"vlan\0"), nested(2, attr(1, b"\5\0"))))),
        "(header) 16+16, IFLA_LINKINFO 32+28,   IFLA_INFO_KIND 36+9,   IFLA_INFO_DATA 48+12,     IFLA_VLAN_ID 52+6",
    ),
    "hops": (
        *(ROUTE, "", message(24, bytes(12) + attr(9, HOPS))),
        "(header) 16+12, RTA_MULTIPATH 28+28,   (next hop) 32+16,     RTA_GATEWAY 40+8,   (next hop) 48+8",
    ),
    "indices": (
        *(GENERIC, "nlctrl", generic(16, 1, OPS)),
        "(header) 16+4, CTRL_ATTR_OPS 20+28,   [1] 24+12,     CTRL_ATTR_OP_ID 28+8,   [2] 36+12, "
        "    CTRL_ATTR_OP_FLAGS 40+8",
    ),
    "unknown": (ROUTE, "", message(16, LINK + attr(200, b"\1")), "(header) 16+16, rt-link/link-attrs/200 32+5"),
    "no family": (GENERIC, "", generic(30, 1, attr(3, b"\1")), "(header) 16+4, 3 20+5"),
    "control": (ROUTE, "", message(3, bytes(4)), "(payload) 16+4"),
    "short header": (ROUTE, "", message(16, bytes(4)), "(header) 16+4"),
    "rest": (
        *(ROUTE, "", message(16, LINK + attr(4, bytes(4)) + b"\x08\0\4\0")),
        "(header) 16+16, IFLA_MTU 32+8, (no attribute) 40+4",
    ),
    "empty": (ROUTE, "", message(16), ""),
}


def shown(data: bytes, protocol: int = ROUTE, family: str = "", hidden: tuple[tuple[int, int], ...] = ()) -> list[str]:
    """The parts behind the headers of a message, a line each."""
    kind = int.from_bytes(data[4:6], "little")
    found = parts_of(data, protocol, kind, family, "little", hidden)
    return [f"{'  ' * p.depth}{p.name} {p.offset}+{p.length}{' hidden' * p.hidden}" for p in found][1:]


@pytest.mark.parametrize(("protocol", "family", "data", "lines"), CASES.values(), ids=CASES)
def test_parts_have_the_names_of_the_kernel(protocol: int, family: str, data: bytes, lines: str) -> None:
    """Each at its place, what is in it behind it; without a name by its number."""
    assert ", ".join(shown(data, protocol, family)) == lines


def test_what_holds_keys_is_not_looked_into() -> None:
    """It is named with its length, and nothing inside of it."""
    data = message(16, LINK + nested(18, attr(1, b"vlan\0")) + attr(4, bytes(4)))

    assert shown(data, hidden=((36, 48),)) == ["(header) 16+16", "IFLA_LINKINFO 32+16 hidden", "IFLA_MTU 48+8"]


def test_attributes_in_each_other_end_somewhere() -> None:
    """However deep a message was made that the tables let nest in itself."""
    data = b""
    for _ in range(200):
        data = nested(2, data)  # CTRL_ATTR_OP_POLICY and policies are levels of indices
    deep = [part.depth for part in parts_of(generic(16, 1, nested(8, data)), GENERIC, 16, "nlctrl", "little", ())]

    assert max(deep) <= DEEPEST


def test_parts_of_real_messages_lie_in_each_other() -> None:
    """Of recorded messages every byte is in an outermost part or padding, and every other part in the one around it."""
    looked_at = 0
    for protocol in (ROUTE, XFRM, NETFILTER, GENERIC):
        for data in recorded(protocol, "02-route-topology", "04-conntrack", "06-xfrm", "06-generic")[:300]:
            for one in messages(data, "little"):
                found = list(parts_of(data[one.offset :][: one.length], protocol, one.type, "", "little", ()))
                assert outside(found) == []
                assert covered([part for part in found if not part.depth]) == (one.length + 3) & ~3
                looked_at += 1

    assert looked_at > 300


def outside(parts: list[Part]) -> list[Part]:
    """Parts that are not inside of the one around them."""
    around: dict[int, Part] = {}
    found = []
    for part in parts:
        outer = around.get(part.depth - 1)
        if outer and not outer.offset <= part.offset <= part.offset + part.length <= outer.offset + outer.length:
            found.append(part)
        around[part.depth] = part
    return found


def covered(parts: list[Part]) -> int:
    """How far parts reach that stand one behind the other; raises where there is a gap."""
    at = 0
    for part in parts:
        assert part.offset == at
        at += (part.length + 3) & ~3
    return at
