"""Decoding what the encoder wrote is the identity, in both byte orders and both implementations."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Struct, structs

from nlmon.backends.registry import create
from nlmon.capture import ByteOrder
from nlmon.compare.contract import kind_name
from nlmon.compare.statement import statement_of
from nlmon.eventjson.read import event_from_json
from nlmon.eventjson.write import event_to_json
from nlmon.events import AddrInfo, Event, LinkInfo, NeighInfo, NextHop, Payload, RouteInfo, RuleInfo
from nlmon.testing.encode import encode_event
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram
from support.examples import examples

u8, u16, u32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
s32 = st.integers(-(1 << 31), (1 << 31) - 1)
name = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=15)
mac = st.binary(max_size=20).map(lambda raw: raw.hex(":"))


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _ipv4_text(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed))


ip4 = st.binary(min_size=4, max_size=4).map(_ipv4_text)
# Addresses that embed an IPv4 one are written with its dotted part; their text is covered by a table below.
ip6 = st.binary(min_size=15, max_size=15).map(lambda raw: _ipv4_text(b"\xfd" + raw))


def ip_of(family: int) -> st.SearchStrategy[str]:
    return ip4 if family == 2 else ip6


links = st.builds(
    LinkInfo,
    family=st.sampled_from([0, 7]),
    ifindex=s32,
    flags=u32,
    ifname=name,
    mtu=maybe(u32),
    addr=maybe(mac),
    qdisc=maybe(name),
    operstate=maybe(u8),
    type=u16,
    change=u32,
    kind=maybe(name),
    slave_kind=maybe(name),
    master=maybe(u32),
    link=maybe(u32),
    link_netnsid=maybe(s32),
    broadcast=maybe(mac),
    txqlen=maybe(u32),
    ifalias=maybe(name),
    group=maybe(u32),
    carrier=maybe(u8),
    promiscuity=maybe(u32),
    new_netnsid=maybe(s32),
    new_ifindex=maybe(s32),
    target_netnsid=maybe(s32),
    altnames=maybe(st.lists(name, max_size=3).map(tuple)),
)


@st.composite
def addresses(draw: st.DrawFn) -> AddrInfo:
    family = draw(st.sampled_from([2, 10]))
    own, times = draw(ip_of(family)), draw(maybe(st.tuples(u32, u32))) or (None, None)
    peer = draw(maybe(ip_of(family).filter(lambda text: text != own)))
    fields = {"label": maybe(name), "broadcast": maybe(ip_of(family)), "anycast": maybe(ip_of(family))}
    fields["target_netnsid"] = maybe(s32)
    more = {key: draw(s) for key, s in {**fields, "route_priority": maybe(u32), "protocol": maybe(u8)}.items()}
    head = (family, draw(s32), draw(u8), draw(u8), own, peer)
    return AddrInfo(*head, flags=draw(u32), preferred_lifetime=times[0], valid_lifetime=times[1], **more)


vias = maybe(st.one_of(ip4.map("inet {}".format), ip6.map("inet6 {}".format)))
metrics = st.lists(st.one_of(st.tuples(st.integers(1, 15), u32), st.tuples(st.just(16), name)), max_size=4).map(tuple)


@st.composite
def routes(draw: st.DrawFn) -> RouteInfo:
    family = draw(st.sampled_from([2, 10, 28]))
    label = st.integers(0, (1 << 20) - 1).map(str)
    dst = st.lists(label, min_size=1, max_size=3).map("/".join) if family == 28 else ip_of(family)
    other = st.none() if family == 28 else maybe(ip_of(family))
    encap = maybe(st.binary(max_size=12).map(bytes.hex))
    hop = st.builds(NextHop, s32, st.integers(1, 256), u8, other, vias, maybe(u16), encap)
    fields = {
        "dst": maybe(dst),
        "src": other,
        "gateway": other,
        "oif": maybe(u32),
        "priority": maybe(u32),
        "multipath": maybe(st.lists(hop, max_size=3).map(tuple)),
        "prefsrc": other,
        "iif": maybe(u32),
        "via": vias,
        "nh_id": maybe(u32),
        "metrics": maybe(metrics),
        "pref": maybe(u8),
        "flow": maybe(u32),
        "encap_type": maybe(u16),
        "encap": encap,
        "mark": maybe(u32),
        "expires": maybe(s32),
    }
    head = (family, *(draw(u8) for _ in range(6)), draw(u32), draw(u32))
    return RouteInfo(*head, **{key: draw(strategy) for key, strategy in fields.items()})


@st.composite
def neighbours(draw: st.DrawFn) -> NeighInfo:
    family = draw(st.sampled_from([2, 7, 10]))
    fields = {
        "dst": maybe(ip_of(family) if family != 7 else ip4 | ip6),
        "lladdr": maybe(mac),
        "vlan": maybe(u16),
        "master": maybe(u32),
        "vni": maybe(u32),
        "src_vni": maybe(u32),
        "port": maybe(u16),
        "nda_ifindex": maybe(u32),
        "probes": maybe(u32),
        "flags_ext": maybe(u32),
        "link_netnsid": maybe(s32),
        "protocol": maybe(u8),
    }
    head = (family, draw(s32), draw(u16), draw(u8))
    return NeighInfo(*head, type=draw(u8), **{key: draw(strategy) for key, strategy in fields.items()})


@st.composite
def rules(draw: st.DrawFn) -> RuleInfo:
    family = draw(st.sampled_from([2, 10]))
    ports, users = st.tuples(u16, u16), st.tuples(u32, u32)
    fields = {
        "priority": maybe(u32),
        "dst": maybe(ip_of(family)),
        "src": maybe(ip_of(family)),
        "iifname": maybe(name),
        "oifname": maybe(name),
        "fwmark": maybe(u32),
        "fwmask": maybe(u32),
        "ip_proto": maybe(u8),
        "sport_range": maybe(ports),
        "dport_range": maybe(ports),
        "uid_range": maybe(users),
        "tun_id": maybe(st.integers(0, (1 << 64) - 1)),
        "l3mdev": maybe(u8),
        "goto": maybe(u32),
        "suppress_prefixlen": maybe(s32),
        "suppress_ifgroup": maybe(s32),
        "flow": maybe(u32),
        "protocol": maybe(u8),
        "dscp": maybe(u8),
        "flowlabel": maybe(u32),
        "flowlabel_mask": maybe(u32),
        "sport_mask": maybe(u16),
        "dport_mask": maybe(u16),
        "dscp_mask": maybe(u8),
    }
    head = (family, *(draw(u8) for _ in range(4)), draw(u32), draw(u32))
    return RuleInfo(*head, **{key: draw(strategy) for key, strategy in fields.items()})


BASE = {LinkInfo: 16, AddrInfo: 20, RouteInfo: 24, NeighInfo: 28, RuleInfo: 32}


@st.composite
def events(draw: st.DrawFn) -> Event:
    payload: Payload = draw(st.one_of(links, addresses(), routes(), neighbours(), rules()))
    kind = BASE[type(payload)] + draw(st.integers(0, 2))
    interface = payload.ifname if isinstance(payload, LinkInfo) else None
    return Event(7, 0, kind, draw(u16), draw(u32), draw(u32), 3, 0, interface, payload)


def decoded(event: Event, implementation: str, byteorder: ByteOrder) -> Event:
    """The event that an implementation makes of the encoded one."""
    backend = create(implementation, RecordedFactory(RecordedKernel(byteorder)))
    result = backend.decode(Datagram(3, 7, 0, encode_event(event, byteorder)))
    assert result.errors == []
    (found,) = result.events
    return found


def legacy_view(value: Any) -> Any:
    """The same event without what legacy does not provide."""
    if isinstance(value, Event):
        return structs.replace(value, payload=legacy_view(value.payload))
    if isinstance(value, tuple):
        return tuple(map(legacy_view, value))
    if not isinstance(value, Struct):
        return value
    kind, family, provides = kind_name(value), getattr(value, "family", None), statement_of("legacy").provides
    return structs.replace(
        value,
        **{
            field: legacy_view(getattr(value, field)) if provides(kind, field, family) else UNSET
            for field in value.__struct_fields__
        },
    )


@pytest.mark.slow
@examples(200)
@given(events(), st.sampled_from(["little", "big"]))
def test_libnl_decodes_what_was_encoded(event: Event, byteorder: ByteOrder) -> None:
    """Every field survives the way to bytes and back."""
    assert decoded(event, "libnl", byteorder) == event


@pytest.mark.slow
@examples(200)
@given(events(), st.sampled_from(["little", "big"]))
def test_legacy_decodes_its_share(event: Event, byteorder: ByteOrder) -> None:
    """Of the same bytes legacy gives every field that the contract asks of it, and no other."""
    assert decoded(event, "legacy", byteorder) == legacy_view(event)


@pytest.mark.slow
@examples(200)
@given(events())
def test_json_and_back_is_the_identity(event: Event) -> None:
    """A line of JSON holds the whole event, for either implementation's view of it."""
    assert event_from_json(event_to_json(event)) == event
    assert event_from_json(event_to_json(legacy_view(event))) == legacy_view(event)


@pytest.mark.parametrize(
    ("packed", "text"),
    [
        ("00000000000000000000ffff01020304", "::ffff:1.2.3.4"),
        ("00000000000000000000000001020304", "::1.2.3.4"),
        ("00000000000000000000000000000001", "::1"),
        ("00000000000000000000000000000000", "::"),
        ("0000000000000000000000000000ffff", "::ffff"),
        ("20010db8000000000001000000000001", "2001:db8::1:0:0:1"),
        ("20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"),
    ],
)
@pytest.mark.parametrize("implementation", ["legacy", "libnl"])
def test_text_of_ipv6_addresses(packed: str, text: str, implementation: str) -> None:
    """Addresses are written as inet_ntop(3) writes them."""
    body = bytes([10, 128, 0, 0, 1, 0, 0, 0]) + (20).to_bytes(2, "little") + b"\1\0" + bytes.fromhex(packed)
    data = (16 + len(body)).to_bytes(4, "little") + (20).to_bytes(2, "little") + bytes(10) + body
    (event,) = create(implementation, RecordedFactory()).decode(Datagram(1, 0, 0, data)).events

    assert isinstance(event.payload, AddrInfo)
    assert event.payload.addr == text
