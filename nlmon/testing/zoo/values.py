"""Wrong values: byte order, neighbours confused, one too many, cut, stale, lost, each a mistake in one field.

The other implementation says nothing of most of these fields, so only a third reading of the message contradicts them.

Rules of this file:
1. A mistake changes what is there and leaves alone what is not.
2. A row that is wanted for another field is added to the table; the table makes the rest.

Not here: mistakes with events as a whole (``nlmon.testing.zoo.events``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from msgspec import UNSET, Struct, structs

from nlmon.compare.difference import Class
from nlmon.events import (
    AuditInfo,
    ConntrackInfo,
    DiagInfo,
    Event,
    ExpectInfo,
    FlowTuple,
    GenericInfo,
    LinkInfo,
    XfrmFlushInfo,
    XfrmPolicyInfo,
    XfrmStateInfo,
)
from nlmon.testing.zoo.base import BadImplementation, changing

__all__ = ["VALUES", "Change", "WrongValue", "always", "inside", "more"]

Change: TypeAlias = Callable[[Any], Any]
Mistakes: TypeAlias = dict[str, Change]


# -- mistakes, each of which leaves alone what is not there ------------------------------------------------------


def swap(size: int) -> Change:
    """The other byte order."""
    return lambda value: int.from_bytes(value.to_bytes(size, "big"), "little")


def more(value: int) -> int:
    """One too many."""
    return value + 1


def always(value: Any) -> Change:
    """The same for all."""
    return lambda _: value


def cut(size: int) -> Change:
    """Only the beginning."""
    return lambda value: value[:size]


def stale() -> Change:
    """What the event before had."""
    last: list[Any] = []

    def change(value: Any) -> Any:
        last.append(value)
        return last[-2] if len(last) > 1 else value

    return change


def inside(**changes: Change | str) -> Change:
    """Fields of a structure in a field; a name is that of the field to take the value from."""

    def change(value: Struct) -> Struct:
        new = {}
        for name, how in changes.items():
            old = getattr(value, how if isinstance(how, str) else name)
            new[name] = old if isinstance(how, str) or old is None else how(old)
        return structs.replace(value, **new)

    return change


NONE: Mistakes = {"None": always(None)}
NAMED: Mistakes = NONE | {"another": inside(name=always("md5"))}
MORE: Mistakes = {"one more": more}
CUT: Mistakes = {"cut": cut(2)}
SECONDS: Mistakes = {"in seconds": lambda time: time // 10**9}
ORDER2: Mistakes
ORDER4: Mistakes
ORDER2, ORDER4 = ({"byte order": swap(size)} for size in (2, 4))
FLOW: Mistakes = {
    "mirrored": inside(src_addr="dst_addr", dst_addr="src_addr"),
    "byte order of ports": inside(src_port=swap(2), dst_port=swap(2)),
    "ports swapped": inside(src_port="dst_port", dst_port="src_port"),
    "protocol": inside(protocol=more),
    "empty": always(FlowTuple()),
}
SELECTOR: Mistakes = {
    "ports swapped": inside(sport="dport", dport="sport"),
    "byte order of ports": inside(
        sport=lambda p: (swap(2)(p[0]), p[1]), dport=lambda p: (swap(2)(p[0]), swap(2)(p[1]))
    ),
    "mask of a port": inside(sport=lambda p: (p[0], p[1] ^ 0xFFFF)),
    "addresses swapped": inside(src="dst", dst="src"),
    "prefixes swapped": inside(prefixlen_s="prefixlen_d", prefixlen_d=more),
    **{name: inside(**{name: more}) for name in ("proto", "ifindex", "user", "family")},
    **NONE,
}

# -- by recording and kind of payload, a field and its mistakes ---------------------------------------
FIELDS: dict[tuple[str, type], dict[str, Mistakes]] = {
    ("06-xfrm", XfrmStateInfo): {
        "spi": {"zero": always(0), **ORDER4},
        "saddr": {"another": always("192.0.2.77"), **NONE},
        "daddr": {"another": always("192.0.2.77")},
        "family": {"another": lambda family: 12 - family},
        "proto": {"AH for ESP": lambda proto: proto ^ 1},
        "mode": {"another": lambda mode: mode ^ 1, **NONE},
        **dict.fromkeys(("replay_window", "flags", "seq", "bytes", "packets"), MORE | NONE),
        "hard": {"inverted": lambda hard: not hard, **NONE},
        "selector": SELECTOR,
        "mark": {"swapped": lambda mark: mark[::-1], **NONE},
        **dict.fromkeys(("reqid", "if_id"), ORDER4 | NONE),
        "encap": NONE,
        **dict.fromkeys(("auth", "crypt", "aead", "comp"), NAMED),
    },
    ("06-xfrm", XfrmPolicyInfo): {
        **dict.fromkeys(("priority", "if_id"), ORDER4 | NONE),
        "index": {"zero": always(0), **ORDER4},
        "dir": {"out for in": lambda way: way ^ 1, **NONE},
        "action": {"block for allow": lambda action: action ^ 1, **NONE},
        **dict.fromkeys(("flags", "share", "type"), MORE),
        "mark": {"swapped": lambda mark: mark[::-1]},
        "templates": {"none": always(()), **NONE},
        "selector": SELECTOR,
        "acquire": {
            **NONE,
            "another address": inside(daddr=always("192.0.2.77")),
            "no selector": inside(selector=always(None)),
            "zero": inside(seq=always(0)),
        },
    },
    ("06-xfrm", XfrmFlushInfo): {"proto": MORE | NONE, "type": MORE | NONE},
    ("09-untapped-audit-uevent-connector", AuditInfo): {
        "text": {"cut": cut(64), "empty": always(""), "stale": stale(), "begins early": lambda text: f" {text}"},
        "serial": {"stale": stale(), **MORE, **NONE},
        "time": {"whole seconds": lambda time: time // 10**9 * 10**9, **SECONDS, **NONE},
        "record": MORE,
    },
    ("04-conntrack", ConntrackInfo): {
        "reply": {"stale": stale(), "a text": always("x"), **FLOW, **NONE},
        "master": FLOW | NONE,
        "id": ORDER4,
        "use": MORE,
        "helper": CUT | NONE,
        **dict.fromkeys(("start", "stop"), SECONDS),
        **dict.fromkeys(("zone", "icmp_id"), ORDER2),
        **dict.fromkeys(("icmp_type", "icmp_code"), MORE),
    },
    ("04-conntrack", ExpectInfo): {
        **dict.fromkeys(("tuple", "master"), FLOW | NONE),
        "mask": {"of ports": inside(dst_port=lambda mask: mask ^ 0xFF), "empty": always(FlowTuple()), **NONE},
        "nat_tuple": {"byte order of ports": FLOW["byte order of ports"], "empty": always(FlowTuple()), **NONE},
        **dict.fromkeys(("timeout", "id"), ORDER4),
        **dict.fromkeys(("helper", "function"), CUT | NONE),
        **dict.fromkeys(("nat_dir", "flags", "expect_class"), MORE),
        "family": {"another": lambda family: 12 - family, "too wide": lambda family: family + 256},
    },
    ("05-sock_diag", DiagInfo): {
        "cookie": {"zero": always(0), "halves swapped": lambda c: c >> 32 | (c & 0xFFFFFFFF) << 32, "stale": stale()},
        "expires": {"sign": lambda expires: expires - (1 << 32)},
        "timer": {"too wide": lambda timer: timer | 0xABCD00},
        "path": {"empty": always(""), "stale": stale(), "without @": lambda path: path.lstrip("@")},
        "peer": MORE | NONE,
        "uid": {"too wide": lambda uid: uid | 5 << 32, **MORE},
        "congestion": {"another": always("bbr")},
        **dict.fromkeys(("mark", "cgroup_id", "shutdown"), MORE),
    },
    ("03-nl80211", GenericInfo): {"nl80211": {"too wide": inside(cmd=lambda cmd: cmd + 256)}},
    ("01-route-basic", LinkInfo): {
        "type": {"too wide": lambda kind: kind | 0x10000, "sign": lambda kind: kind - (1 << 16)},
        "change": {"too wide": lambda change: change | 0xDEAD << 32},
        "altnames": {
            "another": always(("zzz",)),
            "only the first": cut(1),
            "none": always(()),
            "cut": lambda names: tuple(name[:15] for name in names),
        },
    },
}
OWN = (XfrmStateInfo, XfrmPolicyInfo, XfrmFlushInfo, AuditInfo, ExpectInfo)
HEADER: Mistakes = {
    "msg_type": lambda kind: kind ^ 2 if kind & 0x200 else kind ^ 1,
    "msg_flags": lambda flags: flags ^ 0x400,
    "seq": more,
    "pid": more,
    "timestamp": always(0),
    "frame": lambda frame: frame + 1000,
    "type": always("nonsense"),
    "nsid": always(3),
}
BOGUS: Mistakes = {"bogus": always("bogus0")}
INTERFACE: dict[tuple[str, type], Mistakes] = {
    ("05-sock_diag", DiagInfo): BOGUS | {"stale": stale()} | NONE,
    ("03-nl80211", GenericInfo): BOGUS | {"stale": stale()} | NONE,
    **dict.fromkeys((("04-conntrack", ConntrackInfo), ("04-conntrack", ExpectInfo)), BOGUS),
    **dict.fromkeys((("06-xfrm", XfrmStateInfo), ("06-xfrm", XfrmPolicyInfo)), BOGUS),
}


@dataclass(frozen=True)
class WrongValue:
    """One mistake in one field of the event (``header``) or of its payload, where it is of one of ``kinds``."""

    name: str
    recording: str
    kinds: tuple[type, ...]
    field: str
    change: Change
    header: bool = False

    def apply(self, event: Event) -> Event:
        """The event with the mistake; the very event where there is nothing to be wrong about."""
        holder: Any = event if self.header else event.payload
        old = getattr(holder, self.field) if isinstance(event.payload, self.kinds) else UNSET
        if old is UNSET or (old is None and not self.header):
            return event
        new = self.change(old)
        if new == old:
            return event
        made = structs.replace(holder, **{self.field: new})
        return made if self.header else structs.replace(event, payload=made)

    def implementation(self) -> BadImplementation:
        """A libnl that makes this mistake wherever it can."""
        return BadImplementation(
            name=self.name,
            description=f"A wrong value: {self.name}.",
            make=changing(self.apply),
            found_as=frozenset({Class.CONTRADICTED}),
            recording=self.recording,
        )


VALUES = (
    *(
        WrongValue(f"{kind.__name__}.{name}: {what}", recording, (kind,), name, how)
        for (recording, kind), fields in FIELDS.items()
        for name, mistakes in fields.items()
        for what, how in mistakes.items()
    ),
    *(
        WrongValue(f"{recording}, header: {name}", recording, OWN, name, how, header=True)
        for recording in ("04-conntrack", "06-xfrm", "09-untapped-audit-uevent-connector")
        for name, how in HEADER.items()
    ),
    *(
        WrongValue(f"{kind.__name__}, interface: {what}", recording, (kind,), "interface", how, header=True)
        for (recording, kind), mistakes in INTERFACE.items()
        for what, how in mistakes.items()
    ),
)
