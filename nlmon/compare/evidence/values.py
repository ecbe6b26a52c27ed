"""Encodings of values, as the contract names them: from the bytes of an attribute or a header field to the value.

The third reading's own, written down from the kernel's headers and shared with no implementation.

Rules:
1. What the bytes alone do not say is ``UNKNOWN``; too few bytes raise, and nobody judges the field then.

Not here: where the bytes are (``reading``).
"""

from __future__ import annotations

import functools
import ipaddress
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any

from nlmon.compare.evidence.offsets import ATTRIBUTES
from nlmon.events import FlowTuple, MdbEntry, XfrmAlgorithm, XfrmSelector, XfrmStateInfo, XfrmTemplate
from nlmon.framing import align, attributes, walk_attributes
from nlmon.uapi import AF_INET, AF_INET6, IFLA_ALT_IFNAME

__all__ = [
    "ADDRESS_LENGTH",
    "NUMBERS",
    "TMPL",
    "UNKNOWN",
    "acquire",
    "auth",
    "ip_text",
    "labels",
    "packets",
    "readers",
    "selector",
]

UNKNOWN = object()
# The families of multicast routing (RTNL_FAMILY_IPMR) have addresses in routes and rules alone, which both give.
ADDRESS_LENGTH = {AF_INET: 4, AF_INET6: 16}
# Numbers in the byte order of the machine, by the codes of ``struct``.
NUMBERS: Mapping[str, str] = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "s32": "i"}
# linux/xfrm.h: the name of an algorithm in its structures, and the size of xfrm_user_tmpl.
ALG_NAME, TMPL = 64, 64
# linux/if_bridge.h: the size of br_mdb_entry
MDB_ENTRY = 28
# linux/if_ether.h
ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD
# audit_log_start() in kernel/audit.c
STAMP = re.compile(rb"audit\((\d{1,18})\.(\d{3}):(\d{1,18})\): ?")


@functools.lru_cache(4096)
def ip_text(raw: bytes) -> str:
    """4 or 16 bytes as inet_ntop(3) writes them; raises ``ValueError`` for another number of bytes."""
    # inet_ntop(3) writes an IPv4 address that is mapped or embedded with its dotted part.
    for head, text in ((bytes(10) + b"\xff\xff", "::ffff:"), (bytes(12), "::")):
        if len(raw) == 16 and raw[:12] == head and (text != "::" or any(raw[12:14])):
            return text + str(ipaddress.IPv4Address(raw[12:]))
    return str(ipaddress.ip_address(raw))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def readers(byteorder: str) -> dict[str, Callable[[bytes], Any]]:
    """A reader of the bytes of each encoding that the contract may name; they raise ``struct.error``, ``ValueError`` or
    ``IndexError`` for too few."""
    sign = "<" if byteorder == "little" else ">"

    def number(code: str) -> Callable[[bytes], Any]:
        unpack = struct.Struct(code).unpack_from
        return lambda raw: unpack(raw)[0]

    words = struct.Struct(sign + "II").unpack_from
    network = {"be16": ">H", "be32": ">I", "be64": ">Q"}
    return {
        **{name: number(sign + code) for name, code in NUMBERS.items()},
        **{name: number(code) for name, code in network.items()},
        "pair": words,
        # Two halves, the lower first, each in the machine's byte order (inet_diag and unix_diag cookies).
        "words": lambda raw: words(raw)[0] | words(raw)[1] << 32,
        "string": lambda raw: _text(raw.split(b"\0", 1)[0]),
        "text": _text,
        "hex": lambda raw: raw.hex(),
        "mac": lambda raw: raw.hex(":"),
        "socket": number(sign + "B"),
        "flag": lambda raw: bool(raw[0]) if len(raw) == 1 else True,
        "sun_path": _sun_path,
        "altnames": lambda raw: _altnames(raw, byteorder),
        "tuple": lambda raw: _tuple(raw, byteorder),
        "algorithm": lambda raw: _algorithm(raw, sign, 1),
        "aead": lambda raw: _algorithm(raw, sign, 2),
        "encap": lambda raw: (*struct.unpack_from(sign + "H", raw), *struct.unpack_from(">HH", raw, 2)),
        "templates": lambda raw: _templates(raw, sign),
        "nexthop_group": lambda raw: _group(raw, sign),
        "mdb": lambda raw: _mdb(raw, byteorder),
        "audit_time": lambda raw: _stamp(raw, 1),
        "audit_serial": lambda raw: _stamp(raw, 3),
        "audit_text": _record,
    }


def _sun_path(raw: bytes) -> str:
    """A path, or an abstract name, whose NULs are shown as ``@`` (unix(7))."""
    if raw[:1] == b"\0":
        return "@" + _text(raw[1:].rstrip(b"\0")).replace("\0", "@")
    return _text(raw.split(b"\0", 1)[0])


def _altnames(raw: bytes, byteorder: str) -> tuple[str, ...]:
    """The alternative names of a link, a list of attributes of one number."""
    found = walk_attributes(raw, 0, len(raw), byteorder)
    return tuple(_text(raw[at:end].split(b"\0", 1)[0]) for number, at, end in found if number == IFLA_ALT_IFNAME)


def _tuple(raw: bytes, byteorder: str) -> Any:
    """CTA_TUPLE_*: addresses and what tells the ends apart (linux/netfilter/nfnetlink_conntrack.h). Where attributes
    repeat, or two stand for one value, a reader may take either."""
    repeated: set[int] = set()
    doubled = False
    parts = attributes(raw, 0, len(raw), byteorder, repeated)

    def inside(name: str) -> tuple[Mapping[int, tuple[int, int]], bytes]:
        place = parts.get(ATTRIBUTES[name])
        part = b"" if place is None else raw[place[0] : place[1]]
        return attributes(part, 0, len(part), byteorder, repeated), part

    def pick(part: tuple[Mapping[int, tuple[int, int]], bytes], *names: str) -> bytes | None:
        nonlocal doubled
        places = [part[0][ATTRIBUTES[name]] for name in names if ATTRIBUTES[name] in part[0]]
        doubled = doubled or len(places) > 1
        return part[1][places[-1][0] : places[-1][1]] if places else None

    def big(value: bytes | None, size: int) -> int | None:
        return None if value is None else int.from_bytes(value[:size], "big")

    ip, proto = inside("CTA_TUPLE_IP"), inside("CTA_TUPLE_PROTO")
    ends = [pick(ip, f"CTA_IP_V4_{end}", f"CTA_IP_V6_{end}") for end in ("SRC", "DST")]
    zone = parts.get(ATTRIBUTES["CTA_TUPLE_ZONE"])
    values: list[Any] = [None if end is None else ip_text(end) for end in ends]
    values.append(big(pick(proto, "CTA_PROTO_NUM"), 1))
    values += [big(pick(proto, f"CTA_PROTO_{end}_PORT"), 2) for end in ("SRC", "DST")]
    values += [big(pick(proto, f"CTA_PROTO_ICMP_{n}", f"CTA_PROTO_ICMPV6_{n}"), 1) for n in ("TYPE", "CODE")]
    values.append(big(pick(proto, "CTA_PROTO_ICMP_ID", "CTA_PROTO_ICMPV6_ID"), 2))
    values.append(None if zone is None else big(raw[zone[0] : zone[1]], 2))
    return UNKNOWN if repeated or doubled else FlowTuple(*values)


def packets(raw: bytes, byteorder: str, number: int) -> int:
    """Packets that a queueing discipline counts: in 64 bits of an attribute of their own (TCA_STATS_PKT64), or behind
    the bytes in 32 bits of struct gnet_stats_basic."""
    sign = "<" if byteorder == "little" else ">"
    code, at = ("Q", 0) if number == ATTRIBUTES["TCA_STATS_PKT64"] else ("I", 8)
    count: int = struct.unpack_from(sign + code, raw, at)[0]
    return count


def labels(raw: bytes) -> Any:
    """A stack of MPLS labels (RFC 3032), whose last one says so; what is no such stack is not read here."""
    found = [int.from_bytes(raw[at : at + 4], "big") for at in range(0, len(raw), 4)]
    ends = [bool(label & 0x100) for label in found]
    if not raw or len(raw) % 4 or ends != [False] * (len(ends) - 1) + [True]:
        return UNKNOWN
    return "/".join(str(label >> 12) for label in found)


def _mdb(raw: bytes, byteorder: str) -> Any:
    """MDBA_MDB: lists of lists of struct br_mdb_entry, an address of an Ethernet type in network order, else a MAC.
    What is not made as the kernel makes it may be read in several ways."""
    sign, found = "<" if byteorder == "little" else ">", []
    for entry, begin, end in _whole(raw, 0, len(raw), byteorder):
        for info, at, stop in _whole(raw, begin, end, byteorder):
            if (entry, info) != (1, 1) or stop - at < MDB_ENTRY:
                return UNKNOWN
            ifindex, state, flags, vid = struct.unpack_from(sign + "IBBH", raw, at)
            (protocol,) = struct.unpack_from(">H", raw, at + 24)
            size = {ETH_P_IP: 4, ETH_P_IPV6: 16}.get(protocol)
            address = raw[at + 8 : at + 8 + (size or 6)]
            group = address.hex(":") if size is None else ip_text(address)
            found.append(MdbEntry(ifindex, state, flags, vid, protocol, group))
    return tuple(found)


def _whole(raw: bytes, at: int, end: int, byteorder: str) -> list[tuple[int, int, int]]:
    """Attributes that fill a range; raises ``ValueError`` where they do not."""
    found = walk_attributes(raw, at, end, byteorder)
    if align(found[-1][2] if found else at) < end:
        raise ValueError
    return found


def _record(raw: bytes) -> str:
    """An audit record up to its NUL, without its stamp."""
    body = raw.split(b"\0", 1)[0]
    stamp = STAMP.match(body)
    return _text(body if stamp is None else body[stamp.end() :])


def _stamp(raw: bytes, group: int) -> int | None:
    found = STAMP.match(raw)
    if found is None:
        return None
    if group == 1:
        return (int(found[1]) * 1000 + int(found[2])) * 1_000_000
    return int(found[group])


def selector(raw: bytes, byteorder: str, family_of_state: int | None) -> Any:
    """struct xfrm_selector; one without a family has addresses of the family of its state."""
    sign = "<" if byteorder == "little" else ">"
    family, length_d, length_s, proto, ifindex, user = struct.unpack_from(sign + "HBBBxxxiI", raw, 40)
    size = ADDRESS_LENGTH.get(family or family_of_state or 0)
    if size is None:
        return UNKNOWN
    dport, dmask, sport, smask = struct.unpack_from(">HHHH", raw, 32)
    dst, src = ip_text(raw[:size]), ip_text(raw[16 : 16 + size])
    return XfrmSelector(family, src, dst, length_s, length_d, proto, (sport, smask), (dport, dmask), ifindex, user)


def acquire(raw: bytes, byteorder: str, family: int) -> Any:
    """struct xfrm_user_acquire: the state that was wanted, between addresses of ``family``, which a template says."""
    sign, size = "<" if byteorder == "little" else ">", ADDRESS_LENGTH.get(family)
    traffic = selector(raw[40:96], byteorder, None)
    if size is None or traffic is UNKNOWN:
        return UNKNOWN
    (spi,), (seq,) = struct.unpack_from(">I", raw, 16), struct.unpack_from(sign + "I", raw, 276)
    daddr, saddr = ip_text(raw[:size]), ip_text(raw[24 : 24 + size])
    return XfrmStateInfo(family, daddr, spi, raw[20], saddr, seq=seq, selector=traffic)


def _algorithm(raw: bytes, sign: str, numbers: int) -> XfrmAlgorithm:
    """struct xfrm_algo and xfrm_algo_aead: a name, the length of the key, and of the check value."""
    lengths = struct.unpack_from(sign + "I" * numbers, raw, ALG_NAME)
    return XfrmAlgorithm(_text(raw[:ALG_NAME].split(b"\0", 1)[0]), *lengths)


def auth(raw: bytes, byteorder: str, number: int) -> XfrmAlgorithm:
    """struct xfrm_algo_auth, or xfrm_algo of the older attribute, by the ``number`` of the attribute: they differ by
    one number before the key."""
    sign = "<" if byteorder == "little" else ">"
    name = _text(raw[:ALG_NAME].split(b"\0", 1)[0])
    if number == ATTRIBUTES["XFRMA_ALG_AUTH"]:
        return XfrmAlgorithm(name, *struct.unpack_from(sign + "I", raw, ALG_NAME))
    key, trunc = struct.unpack_from(sign + "II", raw, ALG_NAME)
    return XfrmAlgorithm(name, key, None, trunc)


def _templates(raw: bytes, sign: str) -> Any:
    """struct xfrm_user_tmpl, several."""
    found = []
    for at in range(0, len(raw) - TMPL + 1, TMPL):
        one = raw[at : at + TMPL]
        (family,) = struct.unpack_from(sign + "H", one, 24)
        size = ADDRESS_LENGTH.get(family)
        if size is None:
            return UNKNOWN
        (spi,) = struct.unpack_from(">I", one, 16)
        reqid, mode, share, optional = struct.unpack_from(sign + "IBBB", one, 44)
        saddr, daddr = ip_text(one[28 : 28 + size]), ip_text(one[:size])
        found.append(XfrmTemplate(family, saddr, daddr, spi, one[20], mode, reqid, share, bool(optional)))
    return tuple(found)


def _group(raw: bytes, sign: str) -> tuple[tuple[int, int], ...]:
    """struct nexthop_grp: an id, and a weight less 1 in two bytes, the lower first."""
    members = (struct.unpack_from(sign + "IBB", raw, at) for at in range(0, len(raw) - 7, 8))
    return tuple((number, (high << 8 | low) + 1) for number, low, high in members)
