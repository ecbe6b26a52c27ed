"""What conntrack(8) makes of recorded messages, by the harness protocol on stdin and stdout.

conntrack knows nothing of this. ``tools/kernel-shim`` gives it the recorded messages as events of a kernel, one after
the other, and marks where each begins; the XML that it prints between two marks is what it makes of one message.

Rules:
1. Mode batch: all is printed when ``flush`` comes, as conntrack is started once for flows and once for expectations.
2. An element that is not there is null: conntrack prints what it has read.
3. Where conntrack ends before the last message, the one it had is reported as a crash; it is started again behind it.

Not here: flags of a flow, which it prints as words, and ICMP, which its XML leaves out.
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
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

SHIM = os.environ.get("NLMON_SHIM", str(Path(__file__).resolve().parents[2] / ".harnesses" / "kernel-shim.so"))
MARK = "@@nlmon"
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
NETLINK_NETFILTER, IPPROTO_TCP = 12, 6
# linux/netfilter/nf_conntrack_tcp.h, as libnetfilter_conntrack calls them.
STATES = ("NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
          "SYN_SENT2")  # fmt: skip
Fields = dict[str, Any]


def text(held: Element | None, path: str) -> str | None:
    """What an element holds, None where there is none."""
    found = None if held is None else held.find(path)
    return None if found is None else found.text or ""


def number(held: Element | None, path: str) -> int | None:
    """A number that an element holds."""
    found = text(held, path)
    return None if found is None else int(found, 0)


def attribute(held: Element | None, path: str, name: str) -> int | None:
    """A number that is an attribute of an element."""
    found = None if held is None else held.find(path)
    return None if found is None else int(found.attrib[name])


def direction(flow: Element, name: str) -> Element | None:
    """One of a flow's ``meta`` elements."""
    return flow.find(f"meta[@direction='{name}']")


def port(one: Element | None, name: str) -> int | None:
    """A port, or the key of GRE that the kernel sends in its place."""
    found = number(one, f"layer4/{name[0]}port")
    return number(one, f"layer4/{name}key") if found is None else found


def ends(one: Element | None) -> Fields:
    """Addresses, protocol and ports of a direction."""
    return {
        "src_addr": text(one, "layer3/src"), "dst_addr": text(one, "layer3/dst"),
        "protocol": attribute(one, "layer4", "protonum"), "src_port": port(one, "src"), "dst_port": port(one, "dst"),
    }  # fmt: skip


def conntrack(flow: Element) -> Fields:
    """A tracked flow."""
    there, back, about = (direction(flow, name) for name in ("original", "reply", "independent"))
    found = ends(there)
    state = text(about, "state")
    found |= {
        "family": attribute(there, "layer3", "protonum"), "timeout": number(about, "timeout"),
        "mark": number(about, "mark"), "id": number(about, "id"), "use": number(about, "use"),
        "helper": text(flow, "helper") if text(flow, "helper") is not None else text(about, "helper"),
        "secctx": text(about, "secctx"), "packets_orig": number(there, "counters/packets"),
        "bytes_orig": number(there, "counters/bytes"), "packets_reply": number(back, "counters/packets"),
        "bytes_reply": number(back, "counters/bytes"), "zone": number(about, "zone"),
        "zone_orig": number(there, "zone"),
        "reply": None if back is None else ends(back) | {"zone": number(back, "zone")},
        "tcp_state": STATES.index(state) if state and found["protocol"] == IPPROTO_TCP else None,
    }  # fmt: skip
    return found


def expect(flow: Element) -> Fields:
    """An expected flow: each layer has the three tuples side by side."""
    return {
        "family": attribute(flow, "layer3", "protonum"), "timeout": number(flow, "meta/timeout"),
        "helper": text(flow, "meta/helper-name"), "expect_class": number(flow, "meta/class"),
        "zone": number(flow, "meta/zone"),
    } | {
        field: {
            "src_addr": text(flow, f"layer3/{name}/src"), "dst_addr": text(flow, f"layer3/{name}/dst"),
            "src_port": number(flow, f"layer4/{name}/sport"), "dst_port": number(flow, f"layer4/{name}/dport"),
        } for field, name in (("tuple", "expected"), ("mask", "mask"), ("master", "master"))
    }  # fmt: skip


# By the name of a kind: types of its messages, the command, and what makes fields of it.
KINDS: dict[str, tuple[tuple[int, int], Sequence[str], Callable[[Element], Fields]]] = {
    "conntrack": ((256, 258), ("conntrack", "-E", "-o", "xml,id"), conntrack),
    "expect": ((512, 514), ("conntrack", "-E", "expect", "-o", "xml"), expect),
}


def play(kind: str, messages: Sequence[bytes]) -> tuple[list[str], str]:
    """What conntrack prints for each of the messages, as far as it comes, and behind the last one; how it ended."""
    with tempfile.NamedTemporaryFile() as recording:
        for message in messages:
            recording.write(struct.pack("=II", NETLINK_NETFILTER, len(message)) + message)
        recording.flush()
        variables = {"NLMON_SHIM_RECORDING": recording.name, "NLMON_SHIM_MARK": MARK}
        environment = {"PATH": PATH, "LD_PRELOAD": SHIM, **variables}
        ran = subprocess.run(list(KINDS[kind][1]), env=environment, capture_output=True, check=False)
    parts = re.split(rf"{MARK} \d+\n", ran.stdout.decode("utf-8", "backslashreplace"))[1:]
    how = f"signal {-ran.returncode}" if ran.returncode < 0 else f"status {ran.returncode}"
    return parts, how


def outcome(kind: str, printed: str) -> Fields:
    """What a part of what conntrack printed says of its message."""
    begin, end = printed.find("<flow"), printed.rfind("</flow>")
    if begin < 0 or end < 0:
        return {"skip": "filtered"}
    try:
        return {"kind": kind, "fields": KINDS[kind][2](ElementTree.fromstring(printed[begin : end + len("</flow>")]))}
    except (ValueError, KeyError, ElementTree.ParseError) as error:
        return {"error": {"code": "garbage", "text": f"{error}: {printed[:200]}"}}


def outcomes(kind: str, messages: list[bytes]) -> list[Fields]:
    """What becomes of each message of a kind."""
    found: list[Fields] = []
    while len(found) < len(messages):
        parts, how = play(kind, messages[len(found) :])
        if not parts:
            nothing = {"error": {"code": "crash", "text": f"conntrack printed nothing ({how})"}}
            return found + [nothing] * (len(messages) - len(found))
        found += [outcome(kind, part) for part in parts[:-1]]
        if len(found) < len(messages):  # the last part is not of the end
            found.append({"error": {"code": "crash", "text": f"conntrack ended at this message ({how})"}})
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
    ran = subprocess.run(["conntrack", "--version"], env={"PATH": PATH}, capture_output=True, text=True, check=False)
    version = re.search(r"v([\d.]+\d)", ran.stdout)
    provides = {kind: list(make(Element("flow"))) for kind, (_, _, make) in KINDS.items()}
    return {
        "name": "conntrack", "version": version.group(1) if version else "unknown", "language": "C", "protocol": 1,
        "netlink": [NETLINK_NETFILTER], "mode": "batch", "provides": provides,
    }  # fmt: skip


def main() -> int:
    """Answer line by line; the exit status."""
    waiting: list[tuple[Any, bytes]] = []
    datagrams = count = 0
    for line in sys.stdin:
        request = json.loads(line)
        if request["cmd"] == "hello":
            if request.get("byteorder", sys.byteorder) != sys.byteorder:
                sys.stderr.write("conntrack reads messages of this machine's byte order alone\n")
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
