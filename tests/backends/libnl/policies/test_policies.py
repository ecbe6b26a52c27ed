"""Every row of every policy of libnl under attack: what is malformed is reported with its path and left out, and the
rest of the message is read as if it were not there.

The rows are those of ``nlmon.backends.libnl.policies``, so a new one is attacked without a new test.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nlmon.backends.libnl import policies
from nlmon.backends.libnl.policies import Policy
from nlmon.backends.libnl.policies.resolve import numbers
from nlmon.testing.messages import attr, number
from support.decoding import ORDERS, decode, findings, payload
from support.policies import CARRIERS, KINDS, Carrier, policy_of

FAMILIES = {28: "nl80211"}
UNKNOWN = 16000


class Row(NamedTuple):
    """An attribute in a message: where it stands, by names and numbers, and what its payload may be. Rows of one
    path are one attribute that fills several fields."""

    carrier: Carrier
    path: str
    numbers: tuple[int, ...]
    kind: str
    smallest: int

    @property
    def lengths(self) -> str:
        return KINDS[self.kind].lengths

    def valid(self, i: int, order: str) -> bytes:
        """One of two payloads, as long as the rows of this path need it."""
        made = bytearray(KINDS[self.kind].make(i, order))
        if self.lengths == "longer":
            made += bytes((i + 1) % 256 for _ in range(self.smallest - len(made)))
        if self.kind in {"ip", "ip_or_all"} and self.carrier.family == 10:
            made += bytes(12)
        return bytes(made)

    def at(self, payload_: bytes, order: str, *, flags: int = 0, raw: bool = False) -> bytes:
        """The attribute with this payload within its nests; ``raw``: the payload stands for the attribute."""
        data = payload_ if raw else attr(self.numbers[-1] | flags, payload_, order)
        for kind in reversed(self.numbers[:-1]):
            data = attr(0x8000 | kind, data, order)
        return data

    @property
    def whole_path(self) -> str:
        return f"{self.carrier.inside}/{self.path}".strip("/")

    @property
    def parent(self) -> str:
        return self.whole_path.rpartition("/")[0]

    @property
    def place(self) -> int:
        """Where the attribute begins when nothing stands before it."""
        return self.carrier.start + 4 * (len(self.numbers) - 1)


def _rows() -> dict[str, Row]:
    found: dict[str, Row] = {}
    for carrier in CARRIERS:
        policy = policy_of(carrier.policy)
        known = numbers(policy)
        for path in dict.fromkeys(row.path for row in policy.attributes):
            if path in carrier.but or (carrier.only and path not in carrier.only):
                continue
            rows = [row for row in policy.attributes if row.path == path]
            kind = rows[0].kind
            smallest = max(row.begin + KINDS[row.kind].smallest for row in rows)
            if kind in {"ip", "ip_or_all"} and carrier.family == 10:
                smallest = 16
            name = f"{carrier.policy}-{carrier.inside}/{path}"
            found[name] = Row(carrier, path, known[path], kind, smallest)
    return found


ROWS = _rows()
OF_CARRIERS = [[row for row in ROWS.values() if row.carrier is carrier] for carrier in CARRIERS]
# A test of the rows of one message names the row that fails.
every_row = pytest.mark.parametrize(
    "rows", OF_CARRIERS, ids=[f"{carrier.policy}-{carrier.inside}" for carrier in CARRIERS]
)
every_order = pytest.mark.parametrize("order", ORDERS)


def got(row: Row, rows: bytes, order: str = "little") -> tuple[Any, list[tuple[str, int, str]]]:
    """The one payload of the message that carries these attributes, and what was wrong with them."""
    decoded = decode("libnl", row.carrier.protocol, row.carrier.message(rows, order), order, families=FAMILIES)
    (found,) = decoded.events
    return found.payload, findings(decoded)


def good(row: Row, rows: bytes, order: str = "little") -> Any:
    """The payload of a message in which nothing is wrong."""
    return payload("libnl", row.carrier.protocol, row.carrier.message(rows, order), order, families=FAMILIES)


def neighbour(row: Row) -> bytes:
    """Another attribute of the same message, if its policy has one."""
    for other in ROWS.values():
        if other.carrier is row.carrier and other.numbers[0] != row.numbers[0]:
            return other.at(other.valid(1, "little"), "little")
    return b""


def bad(place: int, path: str) -> list[tuple[str, int, str]]:
    return [("AttributeFormatError", place, path)]


def test_every_policy_is_carried_and_every_row_attacked() -> None:
    """No policy of the package is missing in the table of messages, and there are rows to attack."""
    folder = Path(policies.__file__).parent
    modules = sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")
    named = {
        f"{module}.{name}"
        for module in modules
        for name, value in vars(import_module(f"{policies.__name__}.{module}")).items()
        if isinstance(value, Policy)
    }
    assert named == {carrier.policy for carrier in CARRIERS}
    for name in named:
        assert {row.path for row in policy_of(name).attributes} == {
            row.path for row in ROWS.values() if row.carrier.policy == name
        }
    assert len(ROWS) > 200


@every_order
@every_row
def test_valid_values_are_seen(rows: list[Row], order: str) -> None:
    """Each of two payloads changes the event, in its own way: no row is read in vain."""
    for row in rows:
        nothing, first, second = (
            good(row, made, order) for made in (b"", *(row.at(row.valid(i, order), order) for i in (0, 1)))
        )
        seen = first != nothing, first != second or row.kind == "flag"
        assert (row.path, seen) == (row.path, (True, True))


@every_order
@every_row
def test_wrong_lengths(rows: list[Row], order: str) -> None:
    """Every length below the smallest one, and for addresses every other, leaves the attribute out; members of a
    list are kept as far as they are whole; numbers and structures may be longer, and texts have any length."""
    for row in rows:
        nothing, whole, error = good(row, b"", order), row.valid(0, order), bad(row.place, row.whole_path)
        for size in range(1 if row.kind == "ip_or_all" else 0, len(whole)):  # no byte is any address
            found = got(row, row.at(whole[:size], order), order)
            if row.lengths == "exact" or (row.lengths == "longer" and size < row.smallest):
                assert (row.path, size, found) == (row.path, size, (nothing, error))
            elif row.lengths == "members":
                assert (row.path, size, found[1]) == (row.path, size, error if size % row.smallest else [])
            elif row.lengths == "nest":
                outside = [path for _, _, path in found[1] if not path.startswith(row.whole_path)]
                assert (row.path, size, outside) == (row.path, size, [])
                assert found[1] or not any(whole[:size]) or size == 0, row.path
            else:
                assert (row.path, size, found[1]) == (row.path, size, [])
        longer = got(row, row.at(whole + b"\x7f" * 4, order), order)
        if row.lengths == "longer" and row.kind != "via":
            assert (row.path, longer) == (row.path, (good(row, row.at(whole, order), order), []))
        elif row.lengths == "exact":
            assert (row.path, longer) == (row.path, (nothing, error))


@every_row
def test_attribute_that_does_not_fit(rows: list[Row]) -> None:
    """Its nest ends there and is named; what stands before, and behind the nest, is read."""
    for row in rows:
        before = neighbour(row)
        after = before if len(row.numbers) > 1 else b""
        # Attributes of generic messages are libnl's alone to read, but for those of a vendor command.
        path = row.parent or ("(genl_attributes)" if row.carrier.policy == "generic.NL80211" else "")
        expected = good(row, before + after), bad(row.place + len(before), path)
        for length in (0, 1, 3, 5, 0x7FFF):
            broken = row.at(number("HH", length, row.numbers[-1]), "little", raw=True)
            assert (row.path, length, got(row, before + broken + after)) == (row.path, length, expected)


@every_row
def test_plain_payload_where_nests_are_expected(rows: list[Row]) -> None:
    """What is no attribute is reported with the path of the nest that it stands in."""
    for row in rows:
        for depth in range(1, len(row.numbers)):
            outer = row._replace(numbers=row.numbers[:depth])
            path = "/".join(row.path.split("/")[:depth])
            error = bad(outer.place + 4, f"{row.carrier.inside}/{path}".strip("/"))
            found = got(row, outer.at(b"\xff" * 8, "little"))
            assert (row.path, depth, found) == (row.path, depth, (good(row, b""), error))


@every_order
@every_row
def test_flags_in_the_type_say_nothing(rows: list[Row], order: str) -> None:
    """NLA_F_NESTED and NLA_F_NET_BYTEORDER on an attribute change nothing."""
    for row in rows:
        value = row.valid(0, order)
        found = [good(row, row.at(value, order, flags=flags), order) for flags in (0, 0x8000, 0x4000, 0xC000)]
        assert (row.path, found) == (row.path, [found[0]] * 4)


@every_row
def test_unknown_numbers_are_passed_over(rows: list[Row]) -> None:
    """Beside the attribute, in its nest, before and behind it, with any payload."""
    for row in rows:
        known, strange = attr(row.numbers[-1], row.valid(0, "little")), attr(UNKNOWN, b"\xff" * 6)
        mixed = row.at(strange + known + strange, "little", raw=True)
        expected = good(row, row.at(row.valid(0, "little"), "little"))
        assert (row.path, good(row, strange + mixed + strange)) == (row.path, expected)


@every_row
def test_the_last_of_several_counts(rows: list[Row]) -> None:
    """In one nest or in two; one that is malformed counts, too: the value is not known then."""
    for row in rows:
        first, second = (attr(row.numbers[-1], row.valid(i, "little")) for i in (0, 1))
        expected = good(row, row.at(second, "little", raw=True))
        in_one = good(row, row.at(first + second, "little", raw=True))
        in_two = good(row, row.at(first, "little", raw=True) + row.at(second, "little", raw=True))
        assert (row.path, in_one, in_two) == (row.path, expected, expected)
        if row.lengths in {"longer", "exact"}:
            cut = attr(row.numbers[-1], row.valid(0, "little")[: row.smallest - 1])
            error = bad(row.place + len(first), row.whole_path)
            found = got(row, row.at(first + cut, "little", raw=True))
            assert (row.path, found) == (row.path, (good(row, b""), error))
            assert good(row, row.at(first, "little", raw=True)) != good(row, b""), row.path


# linux/if.h has 16 bytes for the name of an interface, with its NUL; the guide has 32 for that of a qdisc.
LIMITS = {
    **dict.fromkeys(("IFLA_IFNAME", "IFA_LABEL", "FRA_IIFNAME", "FRA_OIFNAME", "NL80211_ATTR_IFNAME"), 15),
    "IFLA_QDISC": 31,
}
STRINGS = {name: row for name, row in ROWS.items() if row.kind == "string"}


@pytest.mark.parametrize("row", STRINGS.values(), ids=STRINGS.keys())
def test_strings(row: Row) -> None:
    """With or without a NUL, or with more behind it, the same text; one that is too long is kept whole, and said."""
    longest = b"x" * LIMITS.get(row.path, 5000)
    plain = good(row, row.at(longest, "little"))
    assert repr(longest.decode()) in repr(plain)
    for form in (longest + b"\0", longest + b"\0\0\0junk"):
        assert good(row, row.at(form, "little")) == plain
    found, errors = got(row, row.at(longest + b"y\0", "little"))
    assert repr(longest.decode() + "y") in repr(found)
    assert errors == (bad(row.place, row.whole_path) if row.path in LIMITS else [])
    assert "\\\\xff\\\\xc3" in repr(good(row, row.at(b"\xff\xc3\0", "little")))
