"""Generic netlink in the legacy implementation: the command of any family, and the numbers of a vendor command."""

from __future__ import annotations

import pytest

from nlmon.events import UNSET, GenericInfo
from nlmon.testing.messages import attr, generic, message, nested, new_family, number
from support.decoding import ORDERS, decode, event, findings, payload

GENERIC = 16
VENDOR = 103
VENDOR_ID, VENDOR_SUBCMD, VENDOR_DATA = 195, 196, 197
QCA, OTHER = 0x1374, 0x1018


def u32(kind: int, value: int, order: str = "little") -> bytes:
    return attr(kind, number("I", value, byteorder=order), order)


@pytest.mark.parametrize("order", ORDERS)
def test_header(order: str) -> None:
    """Family, command and version of a message; all else is not provided."""
    found = event("legacy", GENERIC, generic(0x1C2D, 7, u32(3, 1, order), version=2, byteorder=order), order)
    assert found.payload == GenericInfo(0x1C2D, 7, 2, None, None, UNSET, UNSET, UNSET, UNSET)
    assert (found.msg_type, found.interface) == (0x1C2D, UNSET)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("subcommand", [0, 64, 255, 256, 334, 9999, 2**32 - 1])
@pytest.mark.parametrize("vendor", [QCA, OTHER])
def test_vendor_subcommand_is_whole(vendor: int, subcommand: int, order: str) -> None:
    """A subcommand has 32 bits, and the command stays what it is, for every vendor."""
    rows = [u32(VENDOR_ID, vendor, order), u32(VENDOR_SUBCMD, subcommand, order), attr(VENDOR_DATA, b"\1\2", order)]
    found = payload("legacy", GENERIC, generic(28, VENDOR, *rows, byteorder=order), order)
    assert found == GenericInfo(28, VENDOR, 1, vendor, subcommand)


@pytest.mark.parametrize(
    ("command", "rows", "vendor"),
    [
        (VENDOR, [u32(VENDOR_ID, QCA)], (QCA, None)),
        (VENDOR, [u32(VENDOR_SUBCMD, 64)], (None, 64)),
        (VENDOR, [u32(VENDOR_ID, OTHER), u32(VENDOR_ID, QCA)], (QCA, None)),
        (VENDOR, [attr(0x4000 | VENDOR_ID, number("I", QCA)), nested(VENDOR_SUBCMD, number("I", 9))], (QCA, 9)),
        (VENDOR, [attr(VENDOR_ID, number("II", QCA, 5))], (QCA, None)),
        (19, [u32(VENDOR_ID, QCA), u32(VENDOR_SUBCMD, 64)], (None, None)),
        (102, [u32(VENDOR_ID, QCA)], (None, None)),
    ],
)
def test_vendor_numbers_are_those_of_command_103(command: int, rows: list[bytes], vendor: tuple[int, int]) -> None:
    """Only a vendor command has them; the last of several counts, flags in the type do not."""
    found = payload("legacy", GENERIC, generic(28, command, *rows))
    assert (found.genl_cmd, found.vendor_id, found.vendor_subcmd) == (command, *vendor)


def test_a_family_with_a_103_of_its_own_is_taken_for_a_vendor_command() -> None:
    """Without names of families nothing else is possible: the limit that the module states."""
    found = payload("legacy", GENERIC, generic(33, VENDOR, u32(VENDOR_ID, QCA)), families={33: "ethtool"})
    assert (found.genl_family_id, found.vendor_id, found.genl_family_name) == (33, QCA, UNSET)


def test_nlctrl_is_a_family_like_others() -> None:
    """Announcements of families are events of family 16."""
    assert payload("legacy", GENERIC, new_family(31, "TASKSTATS")) == GenericInfo(16, 1, 2)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", range(4))
def test_short_header(size: int, order: str) -> None:
    """Less than a genlmsghdr gives no event and is said."""
    decoded = decode("legacy", GENERIC, message(28, bytes(size), byteorder=order), order)
    assert (decoded.events, findings(decoded)) == ([], [("HeaderError", 0, "")])


@pytest.mark.parametrize(
    ("command", "row", "path"),
    [
        *((VENDOR, attr(VENDOR_ID, bytes(size)), "NL80211_ATTR_VENDOR_ID") for size in range(4)),
        *((VENDOR, attr(VENDOR_SUBCMD, bytes(size)), "NL80211_ATTR_VENDOR_SUBCMD") for size in range(4)),
        *((command, number("HH", length, 5), "") for length in (0, 3, 5, 200) for command in (VENDOR,)),
    ],
)
def test_malformed_attributes(command: int, row: bytes, path: str) -> None:
    """The attribute is left out and named with its place; what came before it is kept."""
    decoded = decode("legacy", GENERIC, generic(28, command, u32(VENDOR_ID, QCA), u32(VENDOR_SUBCMD, 64), row))
    kept = (
        (None if path.endswith("_ID") else QCA, None if path.endswith("_SUBCMD") else 64)
        if command == VENDOR
        else (None, None)
    )
    (found,) = decoded.events
    assert (found.payload.vendor_id, found.payload.vendor_subcmd) == kept
    assert findings(decoded) == [("AttributeFormatError", 36, path)]


@pytest.mark.parametrize("row", [number("HH", length, 5) for length in (0, 3, 5, 200)] + [b"\1\2"])
def test_attributes_of_other_commands_are_not_read(row: bytes) -> None:
    """They may stand behind a header of their family, so what looks malformed need not be."""
    decoded = decode("legacy", GENERIC, generic(28, 1, row))

    assert (len(decoded.events), findings(decoded)) == (1, [])
