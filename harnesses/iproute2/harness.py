"""What ip(8) makes of recorded messages, by the harness protocol on stdin and stdout.

ip knows nothing of this. ``tools/kernel-shim`` answers its dump of a kind with the recorded messages of that kind, one
after the other, and marks where each begins; what ip prints between two marks is what it makes of one message.

Rules:
1. Mode batch: all is printed when ``flush`` comes, as ip is started once for each kind.
2. A name of an interface would be one of this host, so the shim says that none has one, and ip prints ``if5``.
3. Where ip ends before the last message, the one it had is reported as a crash; it is started again behind it.
4. A key that stands twice in one of its objects is reported as ``x-twice``, since a reader of JSON keeps either.

Not here: addresses, which ip prints with the links that they are of, and what ip prints as words alone.
"""

from __future__ import annotations

import base64
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SHIM = os.environ.get("NLMON_SHIM", str(Path(__file__).resolve().parents[2] / ".harnesses" / "kernel-shim.so"))
MARK = "@@nlmon"
Fields = dict[str, Any]
NAMES = {
    "state": ("INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "NOARP", "PERMANENT"),
    "operstate": ("UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP"),
}


def index(name: str | None) -> int | None:
    """The index of an interface that has no name here."""
    return None if name is None else int(name.removeprefix("if"))


def number(text: Any) -> int | None:
    """A number that ip prints as one or as text, decimal or with 0x."""
    return None if text is None else int(str(text), 0)


def whole(address: str) -> int:
    """Bits of an address, or of an MPLS label."""
    return 128 if ":" in address else 32 if "." in address else 20


def prefix(text: str | None) -> tuple[str | None, int]:
    """An address and the length of its prefix, which a whole address has not."""
    if text in {None, "default", "all"}:
        return None, 0
    address, _, length = str(text).partition("/")
    return address, int(length) if length else whole(address)


def route(found: Fields) -> Fields:
    """RTM_*ROUTE."""
    (dst, dst_len), (src, src_len) = prefix(found.get("dst")), prefix(found.get("from"))
    return {
        "dst": dst, "dst_len": dst_len, "src": src, "src_len": src_len, "type": number(found.get("type")),
        "table": number(found.get("table")), "protocol": number(found.get("protocol")),
        "scope": number(found.get("scope")), "oif": index(found.get("dev")), "gateway": found.get("gateway"),
        "prefsrc": found.get("prefsrc"), "priority": found.get("metric"), "tos": number(found.get("tos")) or 0,
        "nh_id": found.get("nhid"),
    }  # fmt: skip


def rule(found: Fields) -> Fields:
    """RTM_*RULE."""
    src = str(found.get("src", "all"))

    def ports(name: str) -> list[int] | None:
        if name in found:
            return [found[name], found[name]]
        return [found[f"{name}_start"], found[f"{name}_end"]] if f"{name}_start" in found else None

    return {
        "priority": found.get("priority"), "src_len": found.get("srclen", 0 if src == "all" else whole(src)),

        "table": number(found.get("table")) or 0,
        "protocol": number(found.get("protocol")), "tun_id": found.get("tun_id"),
        "sport_range": ports("sport"), "dport_range": ports("dport"), "iifname": found.get("iif"),
        "oifname": found.get("oif"), "fwmark": number(found.get("fwmark")), "goto": number(found.get("goto")),
        "uid_range": [found["uid_start"], found["uid_end"]] if "uid_start" in found else None,
    }  # fmt: skip


def neigh(found: Fields) -> Fields:
    """RTM_*NEIGH."""
    state = sum(1 << NAMES["state"].index(one) for one in found.get("state", []))
    return {"dst": found.get("dst"), "ifindex": index(found.get("dev")), "lladdr": found.get("lladdr"), "state": state}


# By the name of a kind: types of its messages, of the request that dumps it, the command, and what makes fields of it.
KINDS: dict[str, tuple[tuple[int, int], int, Sequence[str], Callable[[Fields], Fields]]] = {
    "route": ((24, 25), 26, ("route", "show", "table", "all"), route),
    "rule": ((32, 33), 34, ("rule", "show"), rule),
    "neigh": ((28, 29), 30, ("neigh", "show", "nud", "all"), neigh),
}
ABSENT = {"route.priority": 0, "rule.protocol": 0, "rule.priority": 0}


def play(kind: str, messages: Sequence[bytes]) -> list[str]:
    """What ip prints for each of the messages, as far as it comes, and behind the last one."""
    _, request, command, _ = KINDS[kind]
    with tempfile.NamedTemporaryFile() as recording:
        for message in messages:
            recording.write(struct.pack("=II", 0, len(message)) + message)
        recording.flush()
        variables = {"NLMON_SHIM_RECORDING": recording.name, "NLMON_SHIM_MARK": MARK, "NLMON_SHIM_DUMP": str(request)}
        environment = {"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin", "LD_PRELOAD": SHIM, **variables}
        ran = subprocess.run(
            ["ip", "-json", "-details", "-Numeric", *command], env=environment, capture_output=True, check=False
        )
    return re.split(rf"{MARK} \d+\n", ran.stdout.decode("utf-8", "backslashreplace"))[1:]


def outcome(kind: str, text: str) -> Fields:
    """What a part of what ip printed says of its message."""
    twice: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> Fields:
        names = [name for name, _ in found]
        twice.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(found)

    try:
        objects = json.loads("[" + text.strip().strip(",[]") + "]", object_pairs_hook=pairs)
        if not objects:
            return {"skip": "filtered"}
        fields = KINDS[kind][3](objects[0])
    except (ValueError, KeyError, TypeError) as error:
        return {"error": {"code": "garbage", "text": f"{error}: {text[:200]}"}}
    return {"kind": kind, "fields": fields | ({"x-twice": twice} if twice else {})}


def outcomes(kind: str, messages: list[bytes]) -> list[Fields]:
    """What becomes of each message of a kind."""
    found: list[Fields] = []
    while len(found) < len(messages):
        parts = play(kind, messages[len(found) :])
        if not parts:
            return found + [{"error": {"code": "crash", "text": "ip printed nothing"}}] * (len(messages) - len(found))
        found += [outcome(kind, part) for part in parts[:-1]]
        if len(found) < len(messages):  # the last part is not of the end
            found.append({"error": {"code": "crash", "text": "ip ended at this message"}})
    return found


def split(data: bytes) -> list[tuple[int, int, bytes]]:
    """(offset, type, bytes) of the messages of a datagram."""
    found, at = [], 0
    while len(data) - at >= 16:
        length, msg_type = struct.unpack_from("=IH", data, at)
        if not 16 <= length <= len(data) - at:
            break
        found.append((at, msg_type, data[at : at + length]))
        at += (length + 3) & ~3
    return found


def say(answer: Fields) -> None:
    """Print a line."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def answers(waiting: list[tuple[Any, bytes]]) -> int:
    """Print what became of all datagrams; the number of messages."""
    events = {place: split(data) for place, (_, data) in enumerate(waiting)}
    found: dict[tuple[int, int], Fields] = {}
    for kind, (types, *_) in KINDS.items():
        places = [(p, at, data) for p, parts in events.items() for at, msg_type, data in parts if msg_type in types]
        results = outcomes(kind, [data for _, _, data in places])
        found |= {(p, at): result for (p, at, _), result in zip(places, results, strict=True)}
    for place, (n, _) in enumerate(waiting):
        parts = [
            {"offset": at, "type": msg_type} | found.get((place, at), {"skip": "unsupported"})
            for at, msg_type, _ in events[place]
        ]
        say({"n": n, "events": parts})
    return sum(map(len, events.values()))


def hello() -> Fields:
    """The answer to the first line."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    ran = subprocess.run(["ip", "-V"], env={"PATH": path}, capture_output=True, text=True, check=False)
    version = re.search(r"iproute2-([\d.]+)", ran.stdout)
    provides = {kind: list(make({})) for kind, (_, _, _, make) in KINDS.items()}
    return {
        "name": "iproute2", "version": version.group(1) if version else "unknown", "language": "C", "protocol": 1,
        "netlink": [0], "mode": "batch", "provides": provides, "absent": ABSENT,
    }  # fmt: skip


def main() -> int:
    """Answer line by line; the exit status."""
    waiting: list[tuple[Any, bytes]] = []
    datagrams = count = 0
    for line in sys.stdin:
        request = json.loads(line)
        if request["cmd"] == "hello":
            if request.get("byteorder", sys.byteorder) != sys.byteorder:
                sys.stderr.write("ip reads messages of this machine's byte order alone\n")
                return 4
            say({"hello": hello()})
        elif request["cmd"] == "datagram":
            waiting.append((request["n"], base64.b64decode(request["data"])))
        elif request["cmd"] == "flush":
            datagrams, count = datagrams + len(waiting), count + answers(waiting)
            waiting = []
        else:
            say({"bye": {"datagrams": datagrams, "events": count}})
            return 0
    return 5  # without an end


if __name__ == "__main__":
    sys.exit(main())
