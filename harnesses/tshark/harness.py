"""What tshark's dissectors of netlink make of recorded messages, by the harness protocol on stdin and stdout.

tshark knows nothing of this. It reads a capture from a pipe, with one message in each frame, and what it prints of a
frame as JSON is what it makes of that message.

Rules:
1. tshark reads its input in blocks and ends a frame's JSON when it begins the next one's: behind the messages of a
   datagram stand a small frame, which is printed, and one that fills a block, which a filter keeps out.
2. Of an attribute that stands twice the last one counts, as for the kernel; tshark shows both.
3. A value that tshark shows as bytes alone is not provided, nor is the header's byte where an attribute replaces it.
4. Where tshark ends, the message it had is reported as a crash, and it is started again for the next one.

Not here: rules and the attributes of routes and neighbours, which tshark 4.0 shows as bytes.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Fields = dict[str, Any]
# By the number of a netlink protocol its layer, and by types of messages what they are.
LAYERS = {0: "netlink-route", 4: "netlink-sock_diag", 12: "netlink-netfilter"}
TYPES = {
    (0, 16): "link", (0, 17): "link", (0, 20): "addr", (0, 21): "addr", (0, 24): "route", (0, 25): "route",
    (0, 28): "neigh", (0, 29): "neigh", (4, 20): "diag", (12, 256): "conntrack", (12, 258): "conntrack",
    (12, 512): "expect", (12, 514): "expect",
}  # fmt: skip
# linux/socket.h: the families of sockets that have an event.
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
# linktype 253: what stands before each message, its direction first (linux/if_packet.h: PACKET_USER, PACKET_KERNEL) and
# its protocol last.
COOKED, TO_USER, TO_KERNEL = struct.Struct(">HH10xH"), 6, 7
# Of no protocol: a small frame and more than the block that tshark reads at once. A pipe that takes a whole datagram.
SMALL, LARGE, BLOCK, PIPE = 30, 31, bytes(9000), 1 << 20


def number(text: str | None) -> int | None:
    """A number as tshark shows it."""
    return {"True": 1, "False": 0}.get(text) if text in {"True", "False"} else None if text is None else int(text, 0)


class Node:
    """A piece of what tshark shows: ``show(name)`` is a field's text, ``at(1, 2)`` an attribute inside attributes."""

    def __init__(self, held: Mapping[str, Any], prefix: str) -> None:
        self.held, self.prefix = held, prefix

    def show(self, name: str) -> str | None:
        found = self.held.get(f"{self.prefix}.{name}")
        return found[-1] if isinstance(found, list) else found

    def number(self, name: str) -> int | None:
        return number(self.show(name))

    def numbers(self, **names: str) -> Fields:
        return {field: self.number(name) for field, name in names.items()}

    def at(self, *path: int) -> Node:
        """An attribute; one that is not there shows nothing."""
        found: Mapping[str, Any] = {}
        for title, value in self.held.items():
            for one in (value if isinstance(value, list) else [value]) if title.startswith("Attribute") else ():
                if isinstance(one, dict) and int(one.get("netlink.attr_type", "0"), 0) & 0x3FFF == path[0]:
                    found = one
        node = Node(found, self.prefix)
        return node.at(*path[1:]) if path[1:] else node


def link(m: Node) -> Fields:
    """RTM_*LINK."""
    return m.numbers(
        family="ifi_family", type="ifi_type", ifindex="ifi_index", flags="ifi_flags", change="ifi_change"
    ) | {
        "addr": m.at(1).show("ifla_hwaddr"), "broadcast": m.at(2).show("ifla_broadcast"),
        "ifname": m.at(3).show("ifla_ifname"), "mtu": m.at(4).number("ifla_mtu"), "qdisc": m.at(6).show("ifla_qdisc"),
        "txqlen": m.at(13).number("ifla_txqlen"), "operstate": m.at(16).number("ifla_operstate"),
        "group": m.at(27).number("ifla_group"), "promiscuity": m.at(30).number("ifla_promiscuity"),
        "carrier": m.at(33).number("ifla_carrier"),
    }  # fmt: skip


def addr(m: Node) -> Fields:
    """RTM_*ADDR: the other end of a point-to-point address is in IFA_ADDRESS, its own in IFA_LOCAL."""
    address, local = (one.show("ifa_address.ipv4") or one.show("ifa_address.ipv6") for one in (m.at(1), m.at(2)))
    flags = m.at(8).number("ifa_flags32")
    return m.numbers(family="ifa_family", ifindex="ifa_index", prefixlen="ifa_prefixlen", scope="ifa_scope") | {
        "addr": local or address, "peer": address if local and address != local else None,
        "label": m.at(3).show("ifa_label"), "flags": m.number("ifa_flags") if flags is None else flags,
    }  # fmt: skip


def route(m: Node) -> Fields:
    """RTM_*ROUTE."""
    return m.numbers(
        family="rt_family", dst_len="rt_dst_len", src_len="rt_src_len", tos="rt_tos", protocol="rt_protocol",
        scope="rt_scope", type="rt_type", flags="rt_flags",
    ) | {"iif": m.at(3).number("rta_iif"), "oif": m.at(4).number("rta_oif")}  # fmt: skip


def neigh(m: Node) -> Fields:
    """RTM_*NEIGH."""
    return m.numbers(family="nd_family", ifindex="nd_index", state="nd_state", flags="nd_flags", type="nd_type")


def flow(m: Node) -> Fields | None:
    """CTA_TUPLE_*."""
    if not m.held:
        return None
    ip, proto = m.at(1), m.at(2)

    def address(four: int, six: int) -> str | None:
        return ip.at(four).show("nfct_tuple.ip.ip_addr") or ip.at(six).show("nfct_tuple.ip.ip6_addr")

    return {
        "src_addr": address(1, 3), "dst_addr": address(2, 4), "protocol": proto.at(1).number("nfct_tuple.proto.num"),
        "src_port": proto.at(2).number("nfct_tuple.proto.src_port"),
        "dst_port": proto.at(3).number("nfct_tuple.proto.dst_port"), "zone": m.at(3).number("nfct_tuple.zone"),
    }  # fmt: skip


def conntrack(m: Node) -> Fields:
    """IPCTNL_MSG_CT_*."""
    original = flow(m.at(1)) or {}
    found = {name: original.get(name) for name in ("src_addr", "dst_addr", "protocol", "src_port", "dst_port")}
    return found | {
        "family": m.number("family"), "reply": flow(m.at(2)), "status": m.at(3).number("ct_attr.status"),
        "timeout": m.at(7).number("ct_attr.timeout"), "id": m.at(12).number("ct_attr.id"),
        "helper": m.at(5, 1).show("ct_help_attr.help_name"), "zone_orig": original.get("zone"),
    }  # fmt: skip


def expect(m: Node) -> Fields:
    """IPCTNL_MSG_EXP_*."""
    return {
        "family": m.number("family"), "master": flow(m.at(1)), "tuple": flow(m.at(2)), "mask": flow(m.at(3)),
        "timeout": m.at(4).number("nfexp.timeout"), "id": m.at(5).number("nfexp.id"),
        "zone": m.at(7).number("nfexp.zone"), "expect_class": m.at(9).number("nfexp.class"),
    }  # fmt: skip


def diag(m: Node) -> Fields:
    """SOCK_DIAG_BY_FAMILY, of internet and unix sockets."""
    found = m.numbers(family="family", state="state", inode="inode", cookie="cookie")
    if found["family"] == AF_UNIX:
        return found | m.numbers(type="type") | {"peer": m.at(2).number("unix_peer_inode")}
    return found | m.numbers(
        src_port="inet_sport", dst_port="inet_dport", ifindex="inet_interface", rqueue="recv_queue", wqueue="send_queue"
    ) | {
        "src_addr": m.show("inet_src_ip4") or m.show("inet_src_ip6"),
        "dst_addr": m.show("inet_dest_ip4") or m.show("inet_dest_ip6"),
    }  # fmt: skip


KINDS: dict[str, Callable[[Node], Fields]] = {
    "link": link, "addr": addr, "route": route, "neigh": neigh, "diag": diag, "conntrack": conntrack, "expect": expect,
}  # fmt: skip


# Where queues are given: those of a unix socket are attributes, which tshark does not dissect.
FAMILIES = {"diag.rqueue": [2, 10], "diag.wqueue": [2, 10]}


def frame(protocol: int, direction: int, data: bytes) -> bytes:
    """A frame of the capture that tshark reads."""
    size = COOKED.size + len(data)
    return struct.pack("=IIII", 0, 0, size, size) + COOKED.pack(direction, 824, protocol) + data


class Tshark:
    """A tshark that runs, and is started again where it has ended. ``small``: a small frame is to be read first."""

    def __init__(self) -> None:
        self.running: subprocess.Popen[bytes] | None = None
        self.small = False

    def start(self) -> subprocess.Popen[bytes]:
        layers = " ".join((*LAYERS.values(), "_ws.malformed"))
        command = ["tshark", "-n", "-l", "-r", "-", "-T", "json", "--no-duplicate-keys", "-J", layers]
        command += ["-Y", f"netlink.family != {LARGE}"]
        pipe = subprocess.PIPE
        running = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        assert running.stdin is not None
        with contextlib.suppress(OSError):
            fcntl.fcntl(running.stdin, fcntl.F_SETPIPE_SZ, PIPE)
        running.stdin.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 253))
        return running

    def layers(self, frames: Sequence[bytes]) -> list[Fields | None]:
        """What it shows of each frame; None for those behind which it ended."""
        self.running = self.running or self.start()
        assert self.running.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.running.stdin.write(b"".join((*frames, frame(SMALL, TO_USER, b""), frame(LARGE, TO_USER, BLOCK))))
            self.running.stdin.flush()
        if self.small:
            self.next()
        found = [self.next() for _ in frames]
        self.small = True
        if None in found:
            self.end()
        return found

    def next(self) -> Fields | None:
        assert self.running is not None and self.running.stdout is not None
        begun: list[bytes] = []
        for line in self.running.stdout:
            begun.append(line)
            if line.rstrip(b",\n") == b"  }":  # the end of a frame
                layers: Fields = json.loads(b"".join(begun).strip(b" [,\n"))["_source"]["layers"]
                return layers
        return None

    def end(self) -> None:
        if self.running is not None:
            self.running.kill()
            self.running.communicate()
        self.running, self.small = None, False


def outcome(protocol: int, kind: str, layers: Fields | None) -> Fields:
    """What tshark says of a message."""
    if layers is None:
        return {"error": {"code": "crash", "text": "tshark ended at this message"}}
    layer = layers.get(LAYERS[protocol])
    if "_ws.malformed" in layers or not isinstance(layer, dict):
        return {"error": {"code": "refused", "text": "Malformed Packet"}}
    try:
        return {"kind": kind, "fields": KINDS[kind](Node(layer, LAYERS[protocol]))}
    except (ValueError, KeyError, TypeError) as error:
        return {"error": {"code": "garbage", "text": f"{error}: {json.dumps(layer)[:200]}"}}


def kind_of(protocol: int, msg_type: int, data: bytes) -> str | None:
    """The kind of a message that tshark dissects."""
    kind = TYPES.get((protocol, msg_type))
    return None if kind == "diag" and data[16:17] not in {b"\1", b"\2", b"\n"} else kind


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


def events(tshark: Tshark, protocol: int, role: str, data: bytes) -> list[Fields]:
    """What becomes of each message of a datagram."""
    parts = [(at, msg_type, message, kind_of(protocol, msg_type, message)) for at, msg_type, message in split(data)]
    direction = TO_KERNEL if role == "request" else TO_USER
    frames = [frame(protocol, direction, message) for _, _, message, kind in parts if kind is not None]
    shown = iter(tshark.layers(frames) if frames else ())
    return [
        {"offset": at, "type": msg_type}
        | ({"skip": "unsupported"} if kind is None else outcome(protocol, kind, next(shown)))
        for at, msg_type, _, kind in parts
    ]


def hello() -> Fields:
    """The answer to the first line."""
    ran = subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"[\d.]+\d", ran.stdout)
    provides = {kind: list(make(Node({}, ""))) for kind, make in KINDS.items()}
    return {
        "name": "tshark", "version": version.group() if version else "unknown", "language": "C", "protocol": 1,
        "netlink": list(LAYERS), "mode": "stream", "provides": provides, "families": FAMILIES,
    }  # fmt: skip


def main() -> int:
    """Answer line by line; the exit status."""
    tshark = Tshark()
    datagrams = count = 0
    for line in sys.stdin:
        request = json.loads(line)
        if request["cmd"] == "hello":
            if request.get("byteorder", sys.byteorder) != sys.byteorder:
                sys.stderr.write("this harness writes captures of this machine's byte order alone\n")
                return 4
            say({"hello": hello()})
        elif request["cmd"] == "datagram":
            data = base64.b64decode(request["data"])
            found = events(tshark, request["netlink"], request.get("role", ""), data)
            datagrams, count = datagrams + 1, count + len(found)
            say({"n": request["n"], "events": found})
        else:
            tshark.end()
            say({"bye": {"datagrams": datagrams, "events": count}})
            return 0
    return 5  # without an end


if __name__ == "__main__":
    sys.exit(main())
