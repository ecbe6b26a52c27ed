"""IPsec by ``ip xfrm``, in the words of our payloads, and by tshark as far as it goes.

tshark has no dissector for NETLINK_XFRM and pyroute2 no definitions: tshark is a witness of the message headers alone,
and what a message holds is held against ``ip xfrm state``, ``policy`` and ``monitor``; requests against the commands
(``xfrm_commands``).

Not here: comparing (``table``), and lifetimes, which we do not provide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from nlmon.capture.segment import Role
from nlmon.events import Event
from peers.pieces import header_by_tshark
from peers.recording import Message, Recording
from peers.table import Case, Excuse, Witness
from peers.tshark import dissected

__all__ = ["CASES", "Fields", "after", "family_of", "number", "policy"]

XFRM = 6
AF_INET, AF_INET6 = 2, 10
NEWSA, DELSA, NEWPOLICY, DELPOLICY, ACQUIRE, EXPIRE, UPDPOLICY, UPDSA, FLUSHSA, FLUSHPOLICY, NEWAE, DEFAULT = (
    *(16, 17, 19, 20, 23, 24, 25, 26, 28, 29, 30),
    40,
)
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "esp": 50, "ah": 51, "comp": 108}
MODES = {"transport": 0, "tunnel": 1}
DIRECTIONS = {"in": 0, "out": 1, "fwd": 2}
ACTIONS = {"allow": 0, "block": 1}
STATE_FLAGS = {"esn": 128}
ENCAPSULATIONS = {"espinudp": 2}
POLICY_TYPES = {"main": 0}
LEVELS = {"required": False, "use": True}
Fields = dict[str, Any]


def after(word: str, line: str, default: str | None = None) -> str | None:
    """The word behind a word."""
    found = re.search(rf"(?:^|\s){re.escape(word)} (\S+)", line)
    return default if found is None else found[1]


def number(text: str | None) -> int | None:
    """``0x00001001(4097)``, ``7``."""
    return None if text is None else int(text.partition("(")[0], 0)


def family_of(address: str) -> int:
    """The family of an address."""
    return AF_INET6 if ":" in address else AF_INET


def line_of(lines: list[str], *beginnings: str) -> str | None:
    """The first line that begins with one of these."""
    return next((line for line in lines if line.startswith(beginnings)), None)


def selector(text: str, prefix: str, index: dict[str, int]) -> Fields:
    """``src A/N dst B/N proto P sport N dport N dev NAME``."""
    (src, s), (dst, d) = ((after(word, text) or "").split("/") for word in ("src", "dst"))
    proto, device = after("proto", text), after("dev", text)
    port = {side: number(after(side, text)) for side in ("sport", "dport")}
    return {
        f"{prefix}.family": family_of(src),
        f"{prefix}.src": src,
        f"{prefix}.dst": dst,
        f"{prefix}.prefixlen_s": int(s),
        f"{prefix}.prefixlen_d": int(d),
        f"{prefix}.proto": PROTOCOLS[proto] if proto else 0,
        **{f"{prefix}.{side}": (value or 0, 0xFFFF if value else 0) for side, value in port.items()},
        f"{prefix}.ifindex": index[device] if device else 0,
        f"{prefix}.user": int(after("uid", text, "0") or 0),
    }


def pair(lines: list[str]) -> tuple[int, int] | None:
    """``mark 0x3/0xff``, the value and the mask."""
    text = after("mark", line_of(lines, "mark") or "")
    return None if text is None else (int(text.split("/")[0], 0), int(text.split("/")[1], 0))


def algorithms(lines: list[str]) -> Fields:
    """The names, the lengths of the keys in bits, and what stands behind them."""
    found: Fields = {}
    names = {"auth": "auth-trunc", "crypt": "enc", "aead": "aead", "comp": "comp"}
    for ours, theirs in names.items():
        line = line_of(lines, f"{theirs} ")
        if line is None:
            found[ours] = None
            continue
        words = line.split()
        key = words[2].removeprefix("0x") if len(words) > 2 else ""
        last = int(words[-1]) if ours in {"auth", "aead"} else None
        found |= {f"{ours}.name": words[1], f"{ours}.key_len": len(key) * 4}
        found |= {
            f"{ours}.trunc_len": last if ours == "auth" else None,
            f"{ours}.icv_len": last if ours == "aead" else None,
        }
    return found


def encapsulation(lines: list[str]) -> tuple[int, int, int] | None:
    """``encap type espinudp sport 4500 dport 4500``."""
    line = line_of(lines, "encap type")
    if line is None:
        return None
    return ENCAPSULATIONS[line.split()[2]], int(after("sport", line) or 0), int(after("dport", line) or 0)


def state(text: str, index: dict[str, int]) -> Fields:
    """A state: addresses, then a line for each thing."""
    lines = [line.strip() for line in text.splitlines()]
    head = next(line for line in lines if re.search(r"(^|\s)src \S+ dst \S+$", line))
    saddr, daddr = after("src", head) or "", after("dst", head) or ""
    proto, replay = line_of(lines, "proto ") or "", line_of(lines, "replay-window") or ""
    use = re.search(r"lifetime current:\s*(\d+)\(bytes\), (\d+)\(packets\)", text)
    flags = re.search(r"flag ([a-z ]*)", replay)
    found: Fields = {
        "family": family_of(saddr),
        "saddr": saddr,
        "daddr": daddr,
        "proto": PROTOCOLS[after("proto", proto) or ""],
        "spi": number(after("spi", proto)),
        "reqid": number(after("reqid", proto)),
        "mode": MODES[after("mode", proto) or ""],
        "replay_window": number(after("replay-window", replay)),
        "flags": sum(STATE_FLAGS[word] for word in (flags[1] if flags else "").split()),
        "mark": pair(lines),
        "encap": encapsulation(lines),
        "if_id": number(after("if_id", line_of(lines, "if_id") or "")),
        **algorithms(lines),
        **selector(line_of(lines, "sel ") or "", "selector", index),
    }
    if "seq" in replay:
        found["seq"] = number(after("seq", replay))
    if use is not None:
        found |= {"bytes": int(use[1]), "packets": int(use[2])}
    return found


def policy(text: str, index: dict[str, int]) -> Fields:
    """A policy: a selector, then a line for each thing, and templates."""
    head, *lines = [line.strip() for line in text.strip().splitlines()]
    line = line_of(lines, "dir ") or ""
    found: Fields = {
        **selector(head, "selector", index),
        "dir": DIRECTIONS[after("dir", line) or ""],
        "action": ACTIONS[after("action", line, "allow") or ""],
        "priority": number(after("priority", line)),
        "type": POLICY_TYPES[after("ptype", line) or ""],
        "mark": pair(lines),
        "if_id": number(after("if_id", line_of(lines, "if_id") or "")),
    }
    if after("index", line):
        found["index"] = number(after("index", line))
    if "share any" in line:
        found["share"] = 0
    template = next((at for at, one in enumerate(lines) if one.startswith("tmpl")), None)
    if template is None:
        return {**found, "templates": None}
    (addresses, proto), level = lines[template : template + 2], after("level", text, "required") or ""
    return {
        **found,
        "one template": (
            *(family_of(after("src", addresses) or ""), after("src", addresses), after("dst", addresses)),
            *(
                number(after("spi", proto, "0")),
                PROTOCOLS[after("proto", proto) or ""],
                MODES[after("mode", proto) or ""],
            ),
            *(number(after("reqid", proto)), 0, LEVELS[level]),
        ),
    }


def one_template(payload: Any) -> tuple[Any, ...]:
    """Our only template, as a plain tuple."""
    (only,) = payload.templates
    return (only.family, only.saddr, only.daddr, only.spi, only.proto, only.mode, only.reqid, only.share, only.optional)


def asynchronous(text: str) -> Fields:
    """``Async event (0x20) timer expired`` and what names the state."""
    return {
        "event.msg_type": NEWAE,
        "saddr": after("src", text),
        "daddr": after("dst", text),
        "reqid": number(after("reqid", text)),
        "proto": PROTOCOLS[after("protocol", text) or ""],
        "spi": number(re.findall(r"SPI (\S+)", text)[0]),
    }


def acquired(text: str, index: dict[str, int]) -> Fields:
    """``acquire proto esp``, the traffic and the policy."""
    traffic = line_of([line.strip() for line in text.splitlines()], "sel ") or ""
    wanted = selector(traffic, "acquire.selector", index)
    return {
        "event.msg_type": ACQUIRE,
        **policy(text[text.index("policy src") + len("policy ") :], index),
        **wanted,
        "acquire.proto": PROTOCOLS[after("proto", text) or ""],
        "acquire.family": wanted["acquire.selector.family"],
    }


def announced(text: str, index: dict[str, int]) -> Fields | None:
    """What ``ip xfrm monitor`` prints of one notification; None: of the default policy, which has no payload."""
    text = re.sub(r"^\[\S+\] ", "", text)
    word = text.split()[0]
    if word == "Default":
        return None
    if word == "Async":
        return asynchronous(text)
    if word == "acquire":
        return acquired(text, index)
    if text.startswith("Flushed policy"):
        return {"event.msg_type": FLUSHPOLICY, "type": POLICY_TYPES[after("ptype", text) or ""]}
    if text.startswith("Flushed state"):
        return {"event.msg_type": FLUSHSA, "proto": number(after("proto", text))}
    types = {"Deleted": (DELSA, DELPOLICY), "Updated": (UPDSA, UPDPOLICY), "Expired": (EXPIRE, EXPIRE)}
    of_state, of_policy = types.get(word, (NEWSA, NEWPOLICY))
    body = text.removeprefix(word).strip() if word in types else text
    if "dir " in body.splitlines()[1]:
        return {"event.msg_type": of_policy, **policy(body, index)}
    hard = number(after("hard", text))
    return {"event.msg_type": of_state, **state(body, index), "hard": None if hard is None else bool(hard)}


def blocks(stdout: str) -> list[str]:
    """The objects of a listing: each begins in the first column."""
    return re.findall(r"^\S.*(?:\n[ \t].*)*", stdout, re.MULTILINE)


def notifications(stdout: str) -> list[str]:
    """What the monitor printed of each notification: each begins with a time."""
    return re.findall(r"^\[\d{4}-.*(?:\n(?!\[\d{4}-).*)*", stdout, re.MULTILINE)


def listed(source: Recording) -> Iterator[Witness]:
    """``ip xfrm state`` and ``ip xfrm policy`` against the dumps and answers that they printed, in order."""
    index = source.devices()
    for row in source.log:
        command = row.get("cmd", "")
        if re.fullmatch(r"ip( -d)? -s xfrm (state|policy)|ip( -s)? xfrm (state|policy) (get|allocspi) .*", command):
            kind, read = (NEWPOLICY, policy) if " policy" in command else (NEWSA, state)
            answers = [
                one
                for one in source.during(row, XFRM)
                if one.header.type == kind and one.place.role in {Role.DUMP, Role.REPLY}
            ]
            # What an allocation answers stands among the notifications, whose type it has.
            answers = answers or [one for one in source.during(row, XFRM) if one.header.type == kind]
            yield from paired((read(text, index) for text in blocks(row["stdout"])), answers, command)


def monitored(source: Recording) -> Iterator[Witness]:
    """``ip xfrm monitor`` against the notifications, in order."""
    (row,) = source.commands("ip -tshort xfrm monitor")
    index = source.devices()
    shown = [announced(text, index) for text in notifications(row["stdout"])]
    changes = [one for one in source.notifications(XFRM) if one.header.type != DEFAULT]
    yield from paired((one for one in shown if one is not None), changes, row["cmd"])


def paired(shown: Iterable[Fields], found: list[Message], command: str) -> Iterator[Witness]:
    """Printed objects and messages in order."""
    shown = list(shown)
    assert len(shown) == len(found), f"{command}: {len(shown)} printed, {len(found)} messages"
    for fields, one in zip(shown, found, strict=True):
        yield Witness(one.key, fields)


def by_tshark(source: Recording) -> Iterator[Witness]:
    """The headers of all messages that have a payload."""
    events = source.events("libnl")
    for m in dissected(source):
        if m.key in events and events[m.key].protocol == XFRM:
            yield Witness(m.key, header_by_tshark(m))


def is_xfrm(event: Event, _: Recording) -> bool:
    """Any event of NETLINK_XFRM."""
    return event.protocol == XFRM


CAPTURE = ("06-xfrm",)
LISTED = {
    "selector.family": Excuse(
        "ip shows the family of the state where the selector has none (after XFRM_MSG_ALLOCSPI)",
        lambda ours, theirs, payload: ours == 0 and theirs == payload.family,
    ),
}
DERIVED = {"one template": one_template}
# Absent algorithms and templates, what an algorithm cannot have, and what the recordings show as zero only.
ABSENT = {"templates", "auth", "crypt", "aead", "comp"}
CANNOT = {
    "auth.icv_len",
    "aead.trunc_len",
    *(f"{one}.{name}_len" for one in ("crypt", "comp") for name in ("icv", "trunc")),
}
SILENT = ABSENT | CANNOT | {"comp.key_len", "replay_window", "selector.user", "type"}
ANNOUNCED_SILENT = SILENT | {"acquire.selector.user", "hard", "selector.ifindex"}
ONE = ("libnl",)
CASES = (
    Case("xfrm", "tshark (headers)", CAPTURE, ONE, 206, by_tshark, is_xfrm),
    Case(
        "xfrm", "ip xfrm state, policy", CAPTURE, ONE, 72, listed, None, LISTED, SILENT | {"action", "share"}, DERIVED
    ),
    Case("xfrm", "ip xfrm monitor", CAPTURE, ONE, 56, monitored, None, LISTED, ANNOUNCED_SILENT, DERIVED),
)
