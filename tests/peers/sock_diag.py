"""Socket diagnosis by tshark, by pyroute2 and by ``ss``, each in the words of our payload.

Not here: comparing (``table``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pyroute2.netlink.diag import MarshalDiag

from nlmon.capture.segment import Role
from nlmon.events import DiagInfo, Event
from peers.pieces import header_by_pyroute2, header_by_tshark, hexadecimal
from peers.recording import BACKENDS, Message, Recording
from peers.table import Case, Excuse, Witness
from peers.tshark import Dissection, dissected

__all__ = ["CASES"]

SOCK_DIAG = 4
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
BY_FAMILY = 20
Fields = dict[str, Any]


def announced(source: Recording) -> Iterator[Message]:
    """Messages of the kernel about one socket, of the families that have a payload."""
    for one in source.messages:
        answer = one.frame.protocol == SOCK_DIAG and one.header.type == BY_FAMILY and not one.asks
        if answer and one.data[16] in {AF_UNIX, AF_INET, AF_INET6}:
            yield one


# -- tshark ------------------------------------------------------------------------------------------------------


def number(m: Dissection, name: str) -> int | None:
    """A number that tshark shows."""
    shown = m.fields.get(f"netlink-sock_diag.{name}")
    return None if shown is None else int(shown, 0)


def little(m: Dissection, name: str) -> int | None:
    """A number of an attribute that tshark names and shows as bytes."""
    found = m.find(name)
    return None if found is None else int.from_bytes(found.payload, "little")


def local_by_tshark(m: Dissection) -> Fields:
    """unix_diag_msg."""
    queues, name, peer = m.find("RQ len"), m.find("Name"), m.find("Peer")
    return {
        "type": number(m, "type"),
        "path": None if name is None else name.text_shown,
        "peer": None if peer is None else peer.number_shown,
        "rqueue": None if queues is None else int(queues.leaves["netlink-sock_diag.recv_queue"]),
        "wqueue": None if queues is None else int(queues.leaves["netlink-sock_diag.send_queue"]),
        "uid": little(m, "uid"),
    }


def internet_by_tshark(m: Dissection) -> Fields:
    """inet_diag_msg."""
    version = "ip4" if number(m, "family") == AF_INET else "ip6"
    congestion = m.find("cong")
    return {
        "src_port": number(m, "inet_sport"),
        "dst_port": number(m, "inet_dport"),
        "src_addr": m.fields[f"netlink-sock_diag.inet_src_{version}"],
        "dst_addr": m.fields[f"netlink-sock_diag.inet_dest_{version}"],
        "ifindex": number(m, "inet_interface"),
        "rqueue": number(m, "recv_queue"),
        "wqueue": number(m, "send_queue"),
        "mark": little(m, "mark"),
        "v6only": little(m, "skv6only"),
        "cgroup_id": little(m, "cgroup_id"),
        "congestion": None if congestion is None else congestion.payload.rstrip(b"\0").decode(),
    }


def by_tshark(source: Recording) -> Iterator[Witness]:
    """Every socket. Its protocol is in an attribute, or else that of the last request for this family. A
    notification, whose port id is 0, tshark takes for a request, so that only its header is compared."""
    wanted = {one.key for one in announced(source)}
    asked: dict[int | None, int | None] = {}
    for m in dissected(source):
        family = number(m, "family")
        if m.header["flags"] & 1:
            asked[family] = number(m, "inet_protocol")
        if m.key not in wanted:
            continue
        shutdown = m.find("shutdown")
        header = header_by_tshark(m)
        if not m.header["pid"]:
            yield Witness(m.key, {**header, "family": family})
            continue
        common = {
            **header,
            "family": family,
            "state": number(m, "state"),
            "inode": number(m, "inode"),
            "cookie": number(m, "cookie"),
            "shutdown": None if shutdown is None else int(shutdown.leaves["netlink-sock_diag.shutdown"], 0),
        }
        if family == AF_UNIX:
            yield Witness(m.key, {**common, "protocol": None, **local_by_tshark(m)})
        else:
            said = little(m, "protocol")
            protocol = asked[family] if said is None else said
            yield Witness(m.key, {**common, "protocol": protocol, **internet_by_tshark(m)})


# -- pyroute2 ----------------------------------------------------------------------------------------------------


def by_pyroute2(source: Recording) -> Iterator[Witness]:
    """Every socket; pyroute2 does not look at the request, so it knows a protocol only where an attribute has it."""
    for one in announced(source):
        family = one.data[16]
        m = MarshalDiag.msg_map[family](one.data)
        m.decode()
        common = {
            **header_by_pyroute2(m),
            "shutdown": m.get_attr("UNIX_DIAG_SHUTDOWN" if family == AF_UNIX else "INET_DIAG_SHUTDOWN"),
        }
        if family == AF_UNIX:
            queues = m.get_attr("UNIX_DIAG_RQLEN")
            names = {"family": "family", "type": "type", "state": "state", "inode": "ino", "cookie": "cookie"}
            own = {
                **{ours: m[f"udiag_{theirs}"] for ours, theirs in names.items()},
                "path": m.get_attr("UNIX_DIAG_NAME"),
                "peer": m.get_attr("UNIX_DIAG_PEER"),
                "rqueue": queues and queues["udiag_rqueue"],
                "wqueue": queues and queues["udiag_wqueue"],
            }
        else:
            names = {"src_port": "sport", "dst_port": "dport", "src_addr": "src", "dst_addr": "dst", "ifindex": "if"}
            same = ("family", "state", "timer", "retrans", "cookie", "expires", "rqueue", "wqueue", "uid", "inode")
            protocol = m.get_attr("INET_DIAG_PROTOCOL")
            own = {
                **{name: m[f"idiag_{name}"] for name in same},
                **{ours: m[f"idiag_{theirs}"] for ours, theirs in names.items()},
                "mark": hexadecimal(m.get_attr("INET_DIAG_MARK")),
                "congestion": m.get_attr("INET_DIAG_CONG"),
                "v6only": m.get_attr("INET_DIAG_SKV6ONLY"),
                "cgroup_id": m.get_attr("INET_DIAG_CGROUP_ID"),
                **({} if protocol is None else {"protocol": hexadecimal(protocol)}),
            }
        yield Witness(one.key, {**common, **own})


# -- ss ----------------------------------------------------------------------------------------------------------

RAW = 255
PROTOCOLS = {"tcp": 6, "udp": 17, "raw": RAW, "sctp": 132, "mptcp": 262}
BY_OPTION = {"t": 6, "w": RAW, "S": 132, "M": 262}
SOCKET_TYPES = {"u_str": 1, "u_dgr": 2, "u_seq": 5}
STATES = {
    "ESTAB": 1,
    "SYN-SENT": 2,
    "SYN-RECV": 3,
    "FIN-WAIT-1": 4,
    "FIN-WAIT-2": 5,
    "TIME-WAIT": 6,
    "UNCONN": 7,
    "CLOSE-WAIT": 8,
    "LAST-ACK": 9,
    "LISTEN": 10,
    "CLOSING": 11,
}
# An association of the SCTP endpoint in the line above has SCTP's own states (linux/sctp.h, enum sctp_state).
ASSOCIATION, SCTP_STATES = "`- ", {"ESTAB": 3}
TIMERS = {"on": 1, "keepalive": 2, "timewait": 3, "persist": 4}
# What ss calls a port by its name: /etc/services, and for raw sockets /etc/protocols.
PORTS = {"*": 0, "bacula-dir": 9101, "bacula-fd": 9102, "bacula-sd": 9103, "ospf": 89}
INTERFACES = {"lo": 1}
# The message of a socket, and no other, in every line: without families that have no payload, totals, and filters
# that ss applies to what it received.
COMMANDS = [
    *("ss -tuanp", "ss -tuanpiemo", "ss -H -tan state established", "ss -x -a -p -e", "ss -x", "ss -w -a -p -e"),
    *("ss -M -a -p -e -i", "ss -tan6", "ss --bpf -tan", "ss -tan", "ss -tuan", "ss -tuanpx", "ss -S -a -p -e"),
    *("ss -tan 'sport = :8000 or dport = :8000'", "ss -tan src 127.0.0.1:8000 dst 127.0.0.0/8"),
    "ss -tan fwmark = 0x77",
]


def place(text: str) -> tuple[str, str | None, int]:
    """Address, interface and port of ``ADDRESS%INTERFACE:PORT``; ``*`` stands for any address of IPv6."""
    address, _, port = text.rpartition(":")
    address, _, interface = address.strip("[]").partition("%")
    return "::" if address == "*" else address, interface or None, PORTS.get(port) or int(port.replace("*", "0"))


def internet_by_ss(words: list[str], protocol: int | None, options: str) -> Fields:
    """A line about an internet socket, from its state on; what the options ask for stands behind the addresses."""
    (src, interface, sport), (dst, _, dport) = place(words[3]), place(words[4])
    more = dict(word.split(":", 1) for word in words[5:] if ":" in word)
    timer = re.match(r"\((\w+),.*,(\d+)\)", more.get("timer", ""))
    found: Fields = {
        "family": AF_INET6 if ":" in src else AF_INET,
        "src_addr": src,
        "dst_addr": "::" if ":" in src and dst == "*" else dst,
        "src_port": sport,
        "dst_port": dport,
        "protocol": sport if protocol == RAW else protocol,  # ss shows it as the port of a raw socket
        "ifindex": INTERFACES[interface] if interface else 0,
        "wqueue": int(words[2]) & 0xFFFFFFFF,
    }
    if "e" in options:
        arrow = next((word for word in words[5:] if re.fullmatch(r"[<-]-[->]", word)), None)
        found |= {
            "inode": int(more["ino"]),
            "cookie": int(more["sk"], 16),
            "mark or 0": int(more.get("fwmark", "0"), 16),
            "uid": int(more.get("uid", "0")),
            "v6only": int(more["v6only"]) if "v6only" in more else None,
            "shutdown": arrow and (arrow[0] == "-") * 1 + (arrow[2] == "-") * 2,
        }
    if "o" in options:
        found |= {"timer": TIMERS[timer[1]] if timer else 0, "retrans": int(timer[2]) if timer else 0}
    if "i" in options:
        found["congestion"] = "cubic" if "cubic" in words else None
    return found


def local_by_ss(kind: str, words: list[str]) -> Fields:
    """A line about a unix socket, from its state on: path, inode, path and inode of the peer."""
    return {
        "family": AF_UNIX,
        "type": SOCKET_TYPES[kind],
        "path": None if words[3] == "*" else words[3],
        "inode": int(words[4]),
        "peer or 0": int(words[6]),
        "wqueue": int(words[2]),
    }


def lines_of(stdout: str) -> list[str]:
    """Lines with their continuation, without the title."""
    lines = [line for line in re.sub(r"\n\t", " ", stdout).splitlines() if line.strip()]
    return [line for line in lines if not line.startswith(("Netid", "State"))]


def socket_by_ss(line: str, command: str) -> Fields:
    """A line."""
    words = line.removeprefix(ASSOCIATION).split()
    states = SCTP_STATES if line.startswith(ASSOCIATION) else STATES
    if "state established" in command:
        words.insert(0, "ESTAB")  # what the filter says has no column
    options = "".join(re.findall(r" -(\w+)", command))
    kind = words.pop(0) if words[0] not in STATES else ""
    common = {"state": states[words[0]], "rqueue": int(words[1])}
    if kind in SOCKET_TYPES:
        return {**common, **local_by_ss(kind, words)}
    asked = next((BY_OPTION[one] for one in options if one in BY_OPTION), None)
    return {**common, **internet_by_ss(words, PROTOCOLS[kind] if kind else asked, options)}


def by_ss(source: Recording) -> Iterator[Witness]:
    """The listings against the dumps that they printed, and ``ss -E`` against the notifications, in order."""
    sockets = {one.key for one in announced(source)}
    for command in COMMANDS:
        (row,) = (row for row in source.commands(command) if row["cmd"] == command)
        dump = [one for one in source.during(row, SOCK_DIAG) if one.place.role is Role.DUMP and one.key in sockets]
        yield from paired(lines_of(row["stdout"]), dump, command)
    (row,) = source.commands("ss -E")
    ended = [one for one in source.notifications(SOCK_DIAG) if one.key in sockets]
    lines = lines_of(row["stdout"])
    # Its output was kept up to a limit, in the middle of a line.
    yield from paired(lines[:-1], ended[: len(lines) - 1], row["cmd"])


def paired(lines: list[str], found: list[Message], command: str) -> Iterator[Witness]:
    """Lines and messages in order."""
    assert len(lines) == len(found), f"{command}: {len(lines)} lines, {len(found)} messages"
    for line, one in zip(lines, found, strict=True):
        yield Witness(one.key, socket_by_ss(line, command))


DERIVED = {
    "mark or 0": lambda p: p.mark + 0 if p.mark is not None else 0,
    "peer or 0": lambda p: p.peer + 0 if p.peer is not None else 0,
}

# -- cases -------------------------------------------------------------------------------------------------------


def is_socket(event: Event, _: Recording) -> bool:
    """A socket."""
    return isinstance(event.payload, DiagInfo)


CAPTURE = ("05-sock_diag",)
TSHARK = {
    "protocol": Excuse(
        "MPTCP's number is too large for a request's header, and tshark does not show what follows it",
        lambda ours, theirs, _: (ours, theirs) == (262, 6),
    ),
    "wqueue": Excuse(
        "tshark reads the first number of UNIX_DIAG_RQLEN twice",
        lambda _, theirs, payload: payload.family == AF_UNIX and theirs == payload.rqueue,
    ),
}
PYROUTE2 = {
    "path": Excuse(
        "pyroute2 strips the NUL that an abstract name begins with, where we write @",
        lambda ours, theirs, _: ours == f"@{theirs}",
    ),
}
# All sockets are root's, and none was waiting to send again.
UID, RETRANS = frozenset({"uid"}), frozenset({"retrans"})
CASES = (
    Case("sock_diag", "tshark", CAPTURE, BACKENDS, 581, by_tshark, is_socket, TSHARK, UID),
    Case("sock_diag", "pyroute2", CAPTURE, BACKENDS, 581, by_pyroute2, is_socket, PYROUTE2, UID | RETRANS),
    Case("sock_diag", "ss", CAPTURE, BACKENDS, 515, by_ss, None, {}, UID | RETRANS, DERIVED),
)
