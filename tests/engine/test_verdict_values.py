"""A zoo of wrong values: what libnl alone gives is held against the message, whatever the mistake.

Byte order, neighbours confused, one too many, cut, stale, lost: each animal is one mistake in one field, on recordings
of two kernels. Legacy says nothing of these fields, so only a third reading can contradict.

Not here: fields that both give (``test_verdict``), and events that break the rules (``test_verdict_guards``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import UNSET, Struct, structs

from nlmon.engine.lane import BackendMaker
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
from support.verdicts import KERNELS, changed, verdict

Change = Callable[[Any], Any]


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


NONE = {"None": always(None)}
NAMED = NONE | {"another": inside(name=always("md5"))}
MORE = {"one more": more}
CUT = {"cut": cut(2)}
SECONDS = {"in seconds": lambda time: time // 10**9}
ORDER2, ORDER4 = ({"byte order": swap(size)} for size in (2, 4))
FLOW = {
    "mirrored": inside(src_addr="dst_addr", dst_addr="src_addr"),
    "byte order of ports": inside(src_port=swap(2), dst_port=swap(2)),
    "ports swapped": inside(src_port="dst_port", dst_port="src_port"),
    "protocol": inside(protocol=more),
    "empty": always(FlowTuple()),
}
SELECTOR = {
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

# -- the zoo: by recording and kind of payload, a field and its mistakes ---------------------------------------
VALUES: dict[tuple[str, type], dict[str, dict[str, Change]]] = {
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
HEADER: dict[str, Change] = {
    "msg_type": lambda kind: kind ^ 2 if kind & 0x200 else kind ^ 1,
    "msg_flags": lambda flags: flags ^ 0x400,
    "seq": more,
    "pid": more,
    "timestamp": always(0),
    "frame": lambda frame: frame + 1000,
    "type": always("nonsense"),
    "nsid": always(3),
}
BOGUS = {"bogus": always("bogus0")}
INTERFACE: dict[tuple[str, type], dict[str, Change]] = {
    ("05-sock_diag", DiagInfo): BOGUS | {"stale": stale()} | NONE,
    ("03-nl80211", GenericInfo): BOGUS | {"stale": stale()} | NONE,
    **dict.fromkeys((("04-conntrack", ConntrackInfo), ("04-conntrack", ExpectInfo)), BOGUS),
    **dict.fromkeys((("06-xfrm", XfrmStateInfo), ("06-xfrm", XfrmPolicyInfo)), BOGUS),
}
Animal = tuple[str, tuple[type, ...], str, Change, bool]
ZOO: dict[str, Animal] = {
    f"{kind.__name__}.{name}: {what}": (recording, (kind,), name, how, False)
    for (recording, kind), fields in VALUES.items()
    for name, mistakes in fields.items()
    for what, how in mistakes.items()
}
ZOO |= {
    f"{recording}, header: {name}": (recording, OWN, name, how, True)
    for recording in ("04-conntrack", "06-xfrm", "09-untapped-audit-uevent-connector")
    for name, how in HEADER.items()
}
ZOO |= {
    f"{kind.__name__}, interface: {what}": (recording, (kind,), "interface", how, True)
    for (recording, kind), mistakes in INTERFACE.items()
    for what, how in mistakes.items()
}


def mistaken(kinds: tuple[type, ...], name: str, how: Change, header: bool) -> tuple[BackendMaker, list[int]]:
    """A libnl that makes one mistake in header or payload, and the frames of those values that became others."""
    frames: list[int] = []

    def change(event: Event) -> Event:
        holder: Any = event if header else event.payload
        old = getattr(holder, name) if isinstance(event.payload, kinds) else UNSET
        if old is UNSET or (old is None and not header):
            return event
        new = how(old)
        if new == old:
            return event
        frames.append(event.frame)
        made = structs.replace(holder, **{name: new})
        return made if header else structs.replace(event, payload=made)

    return changed(change), frames


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("recording", "kinds", "name", "how", "header"), ZOO.values(), ids=ZOO.keys())
def test_a_wrong_value_is_contradicted(
    kernel: str, recording: str, kinds: tuple[type, ...], name: str, how: Change, header: bool
) -> None:
    """A mistake is a regression, and most of the events that show it are contradicted by their message."""
    maker, frames = mistaken(kinds, name, how, header)
    report = verdict(recording, kernel, candidate=maker)

    assert report.verdict == "regression"
    assert report.differences["contradicted"] > len(frames) / 2 > 0


# What stands in an attribute of some messages and in the header of others: DELSA, DELPOLICY, ACQUIRE, NEWAE.
NESTED: dict[tuple[int, str], Change] = {
    (17, "saddr"): always("192.0.2.77"),
    (17, "bytes"): more,
    (17, "selector"): inside(sport="dport", proto=more),
    (17, "mark"): always((7, 7)),
    (20, "index"): always(0),
    (20, "selector"): inside(src="dst", proto=more),
    (20, "action"): lambda action: action ^ 1,
    (23, "index"): always(0),
    (23, "selector"): inside(proto=more),
    (23, "action"): lambda action: action ^ 1,
    (23, "dir"): lambda way: way ^ 1,
    (30, "bytes"): more,
    (30, "packets"): more,
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("place", "how"), NESTED.items(), ids=[f"{kind} {name}" for kind, name in NESTED])
def test_a_wrong_value_of_a_nested_structure_is_contradicted(kernel: str, place: tuple[int, str], how: Change) -> None:
    """Each event that shows the mistake, by the attribute that holds the structure."""
    kind, name = place
    frames: list[int] = []

    def change(event: Event) -> Event:
        if event.msg_type != kind or not isinstance(event.payload, XfrmStateInfo | XfrmPolicyInfo):
            return event
        old = getattr(event.payload, name)
        new = how(old)
        frames.extend([event.frame] if new != old else [])
        return structs.replace(event, payload=structs.replace(event.payload, **{name: new}))

    report = verdict("06-xfrm", kernel, candidate=changed(change))

    assert frames != []
    assert report.differences["contradicted"] == len(frames)


@pytest.mark.parametrize("recording", ["05-sock_diag", "06-xfrm"])
def test_an_interface_that_is_not_given_is_a_loss(recording: str) -> None:
    """The contract gives the interface of these events to libnl alone, so nobody else's event shows the lack."""
    report = verdict(recording, KERNELS[0], candidate=changed(lambda event: structs.replace(event, interface=UNSET)))

    assert report.verdict == "regression"
    assert report.differences["loss"] > 0
