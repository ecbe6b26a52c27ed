"""What programs may write for a value, and what becomes of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from nlmon.compare.contract import load_contract
from nlmon.events import PAYLOADS, NextHop
from nlmon.harness.values import Values, field_types, misfit
from nlmon.harness.widths import Width, width_of

MAPPED = "00000000000000000000ffffc0000201"


def hop(*values: Any) -> NextHop:
    """A next hop of which a program gives so many values."""
    return NextHop(*values, *[UNSET] * (7 - len(values)))  # type: ignore[arg-type]


# Kind, field, what is written, and what the event has.
WRITTEN: list[tuple[str, str, Any, Any]] = [
    ("link", "mtu", 1500, 1500),
    ("link", "mtu", "1500", 1500),
    ("link", "mtu", -1, 0xFFFFFFFF),
    ("link", "mtu", None, None),
    ("link", "mtu", True, True),  # of another type: it agrees with no number
    ("link", "mtu", "many", "many"),
    ("link", "mtu", 1.5, "1.5"),
    ("link", "mtu", [1], "[1]"),
    ("link", "link_netnsid", 0xFFFFFFFF, -1),
    ("link", "link_netnsid", -1, -1),
    ("link", "type", 65537, 1),
    ("neigh", "state", -32768, 32768),
    ("route", "protocol", 259, 3),
    ("rule", "tun_id", "18446744073709551615", (1 << 64) - 1),
    ("rule", "tun_id", -1, (1 << 64) - 1),
    ("rule", "tun_id", 1 << 64, 0),
    ("rule", "suppress_prefixlen", 0xFFFFFFFF, -1),
    ("diag", "protocol", 262, 262),
    ("audit", "time", 1795463484815000000, 1795463484815000000),
    ("link", "ifname", "eth0", "eth0"),
    ("link", "ifname", r"a\xff", r"a\xff"),
    ("link", "ifname", {"hex": "6161"}, "6161"),
    ("link", "addr", "02:AB:00:00:00:01", "02:ab:00:00:00:01"),
    ("link", "addr", {"hex": "02ab00000001"}, "02:ab:00:00:00:01"),
    ("addr", "addr", {"hex": "c0000201"}, "192.0.2.1"),
    ("addr", "addr", {"hex": MAPPED}, "::ffff:192.0.2.1"),
    ("addr", "addr", "2001:DB8:0:0::1", "2001:db8::1"),
    ("addr", "addr", "::ffff:192.0.2.1", "::ffff:192.0.2.1"),
    ("addr", "addr", "192.0.2.1", "192.0.2.1"),
    ("addr", "addr", {"hex": "zz"}, '{"hex":"zz"}'),
    ("addr", "addr", {"hex": "c00002"}, "c00002"),
    ("route", "metrics", [[2, 1300], [16, "cubic"]], ((2, 1300), (16, "cubic"))),
    ("route", "multipath", [{"ifindex": 7, "weight": 1, "flags": 0}], (hop(7, 1, 0),)),
    ("route", "multipath", "two", "two"),
    ("link", "altnames", ["a", "b"], ("a", "b")),
]


@pytest.mark.parametrize(("kind", "field", "written", "value"), WRITTEN, ids=lambda one: str(one)[:20])
def test_what_is_written_becomes_a_value(kind: str, field: str, written: Any, value: Any) -> None:
    """A number of the field's width, an address as the kernel's C library writes it; what does not fit stays a text."""
    payload = Values({}).payload(kind, {field: written})

    assert payload is not None
    assert getattr(payload, field) == value
    assert type(getattr(payload, field)) is type(value)


def test_a_key_that_is_missing_is_not_provided() -> None:
    """Null is not in the message."""
    payload = Values({}).payload("link", {"ifindex": 7, "mtu": None})

    assert payload is not None
    given_ = {name: value for name, value in structs.asdict(payload).items() if value is not UNSET}
    assert given_ == {"ifindex": 7, "mtu": None}


def test_a_kind_that_there_is_not() -> None:
    """It gives no payload."""
    assert Values({}).payload("bond", {}) is None


def test_unknown_names_are_counted() -> None:
    """But for those that are the program's own."""
    values = Values({})
    for _ in range(2):
        values.payload("link", {"colour": 1, "x-colour": 2})

    assert values.unknown == {"link.colour": 2}


def test_absent_values_are_values_of_their_fields() -> None:
    """As they would be given; they stay in the event, since what they mean is judged by the statement."""
    values = Values({"neigh.vlan": -1, "link.ifalias": "", "bond.mode": 0, "route.nothing": 7})
    payload = values.payload("neigh", {"vlan": -1})

    assert values.absent == {"neigh.vlan": 65535, "link.ifalias": "", "bond.mode": 0, "route.nothing": 7}
    assert payload is not None
    assert getattr(payload, "vlan", None) == 65535


HOP = {"ifindex": 7, "gateway": "192.0.2.1", "weight": 1, "flags": 0}
# What a program lists as next hops of every route, and the fields of the route that come of it.
HOPS: list[tuple[Any, dict[str, Any]]] = [
    ([HOP], {"oif": 7, "gateway": "192.0.2.1", "multipath": None}),
    ([{"ifindex": 7}], {"oif": 7, "multipath": None}),
    ([], {"oif": None, "gateway": None, "via": None, "encap_type": None, "encap": None, "multipath": None}),
    (
        [HOP, HOP],
        {
            "oif": None,
            "gateway": None,
            "via": None,
            "encap_type": None,
            "encap": None,
            "multipath": (hop(7, 1, 0, "192.0.2.1"),) * 2,
        },
    ),
    ("odd", {"multipath": "odd"}),
]


@pytest.mark.parametrize(("hops", "fields"), HOPS, ids=range(len(HOPS)))
def test_next_hops_of_every_route(hops: Any, fields: dict[str, Any]) -> None:
    """The one hop of a route stands in the route, as in a message; without the shape it is an unknown field."""
    shaped, plain = Values({}, {"route": "nexthops"}), Values({})
    payload = shaped.payload("route", {"nexthops": hops})
    plain.payload("route", {"nexthops": hops})

    assert payload is not None
    assert {name: value for name, value in structs.asdict(payload).items() if value is not UNSET} == fields
    assert (shaped.unknown, plain.unknown) == ({}, {"route.nexthops": 1})


@given(st.integers(-(1 << 70), 1 << 70), st.sampled_from([8, 16, 32, 64]), st.booleans())
def test_a_number_is_taken_modulo_its_width(value: int, bits: int, signed: bool) -> None:
    """It stays in the range of the width, and two that differ by the width's modulus are one."""
    width = Width(bits, signed)
    number = width.number(value)

    assert (number - value) % (1 << bits) == 0
    assert -(1 << (bits - 1)) * signed <= number < 1 << (bits - signed)
    assert width.number(number) == number


@pytest.mark.parametrize(
    ("kind", "field", "text"),
    [
        ("link", "mtu", "uint32"),
        ("link", "type", "uint16"),
        ("neigh", "type", "uint8"),
        ("rule", "tun_id", "uint64"),
        ("link", "link_netnsid", "int32"),
        ("hop", "flags", "uint32"),
    ],
)
def test_widths_are_those_of_the_kernel(kind: str, field: str, text: str) -> None:
    """As linux/if_link.h and its like declare them."""
    assert width_of(kind, field).text == text


def test_widths_are_those_of_the_contract() -> None:
    """Wherever it says how a number stands in its attribute."""
    stated = re.compile(r"(u|s|be)(8|16|32|64)")
    said = {
        f"{kind}.{field.name}": f"{'' if found[1] == 's' else 'u'}int{found[2]}"
        for kind, struct in PAYLOADS.items()
        for field in load_contract().kinds[kind].fields
        if field_types(struct)[field.name] is int and (found := stated.fullmatch(field.encoding))
    }

    assert {place: width_of(*place.split(".")).text for place in said} == said
    assert len(said) > 60


@pytest.mark.parametrize(
    ("kind", "field", "written", "why"),
    [
        ("link", "mtu", "1500", ""),
        ("link", "mtu", None, ""),
        ("link", "colour", 1, ""),
        ("link", "mtu", "many", "Expected `int`, got `str`"),
        ("link", "ifname", 7, "Expected `str`, got `int`"),
        ("route", "multipath", {}, "Expected `array`, got `str`"),
    ],
)
def test_what_does_not_fit_is_said(kind: str, field: str, written: Any, why: str) -> None:
    """For authors; in a comparison it agrees with nothing."""
    assert misfit(kind, field, written) == why


def test_every_kind_can_be_made_of_nothing() -> None:
    """And of null in every field."""
    for kind, struct in PAYLOADS.items():
        empty = Values({}).payload(kind, {})
        nulls = Values({}).payload(kind, dict.fromkeys(struct.__struct_fields__))
        assert (type(empty), type(nulls)) == (struct, struct)
