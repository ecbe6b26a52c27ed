"""Reads the logs that were recorded beside the captures: what the host said of itself, netlink aside.

Each log holds snapshots: a note ``snapshot NAME`` and, after it, the output of ``/proc``, ``/sys`` and ``ip -j``
at that moment. The functions turn those outputs into plain sets; nothing here uses nlmon.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

__all__ = ["Snapshot", "snapshots"]

SCOPES = {"global": 0, "site": 200, "link": 253, "host": 254}
NUD = {"INCOMPLETE": 1, "REACHABLE": 2, "STALE": 4, "DELAY": 8, "PROBE": 16, "FAILED": 32, "PERMANENT": 128}


class Snapshot:
    """One moment of a recording: its name, its begin and end in nanoseconds, the outputs by command."""

    def __init__(self, name: str, begin: int) -> None:
        self.name = name
        self.begin = begin
        self.end = begin
        self.outputs: dict[str, str] = {}

    def _json(self, command: str) -> Any:
        return json.loads(self.outputs.get(command) or "[]", object_pairs_hook=_first)

    @property
    def names(self) -> dict[str, int]:
        """Interface index by name, from /sys."""
        return {name: int(values["ifindex"]) for name, values in self.sys.items()}

    @property
    def sys(self) -> dict[str, dict[str, str]]:
        """/sys/class/net/NAME/ATTRIBUTE."""
        found: dict[str, dict[str, str]] = {}
        for line in self._proc("/sys/class/net/"):
            name, attribute = line.split("/")[4], line.split("/", 5)[5]
            key, _, value = attribute.partition(":")
            found.setdefault(name, {})[key] = value
        return found

    def _proc(self, prefix: str) -> list[str]:
        text = next(out for command, out in self.outputs.items() if command.startswith("grep -H"))
        return [line for line in text.splitlines() if line.startswith(prefix)]

    def sys_links(self) -> set[tuple[Any, ...]]:
        """(index, name, mtu, IFF_UP, operstate, address) as /sys shows them; no address: empty."""
        return {
            (
                *(int(v["ifindex"]), name, int(v["mtu"]), bool(int(v["flags"], 16) & 1), v["operstate"].upper()),
                v.get("address", ""),
            )
            for name, v in self.sys.items()
        }

    def proc_addresses6(self) -> set[tuple[Any, ...]]:
        """(index, address, length) of /proc/net/if_inet6."""
        text = next(out for command, out in self.outputs.items() if command.startswith("grep -H"))
        found = set()
        for line in text.splitlines():
            words = line.split()
            if len(words) == 6 and len(words[0]) == 32 and len(words[1]) == 2:
                found.add((int(words[1], 16), _ip6(words[0]), int(words[2], 16)))
        return found

    def proc_routes4(self) -> set[tuple[Any, ...]]:
        """(interface, destination, gateway or None, metric, mask length) of the main table, /proc/net/route."""
        text = next(out for command, out in self.outputs.items() if command.startswith("grep -H"))
        found = set()
        for line in text.splitlines():
            words = line.split()
            if len(words) == 11 and len(words[1]) == 8 and len(words[7]) == 8 and words[0] != "Iface":
                gateway = None if words[2] == "00000000" else _ip4(words[2])
                length = int(words[7], 16).bit_count()
                found.add((words[0], _ip4(words[1]), gateway, int(words[6]), length))
        return found

    def links(self) -> set[tuple[Any, ...]]:
        """(index, name, mtu, qdisc, operstate, txqlen, kind) of ``ip link``."""
        return {
            (
                *(one["ifindex"], one["ifname"], one["mtu"], one["qdisc"], one["operstate"], one.get("txqlen", 0)),
                one.get("linkinfo", {}).get("info_kind"),
            )
            for one in self._json("ip -d -s -j link show")
        }

    def addresses(self) -> set[tuple[Any, ...]]:
        """(index, family, local, peer or None, length, scope, label, broadcast) of ``ip addr``."""
        return {
            (
                *(link["ifindex"], 2 if one["family"] == "inet" else 10, one["local"], one.get("address")),
                *(one["prefixlen"], SCOPES[one["scope"]], one.get("label"), one.get("broadcast")),
            )
            for link in self._json("ip -d -j addr show")
            for one in link["addr_info"]
        }

    def routes(self) -> set[tuple[Any, ...]]:
        """(family, table, type, protocol, destination, metric, gateway, device) per hop, of every table."""
        return {route for family in (4, 6) for route in self._routes(family)}

    def _routes(self, family: int) -> Iterator[tuple[Any, ...]]:
        for one in self._json(f"ip -d -N -j -{family} route show table all"):
            dst = (
                one["dst"]
                if "/" in one["dst"] or one["dst"] == "default"
                else f"{one['dst']}/{32 if family == 4 else 128}"
            )
            head = (
                *(2 if family == 4 else 10, int(one["table"]), int(one["type"]), int(one["protocol"]), dst),
                one.get("metric", 0),
            )
            for hop in one.get("nexthops") or [one]:
                device = hop.get("dev")
                yield (*head, hop.get("gateway"), None if device is None else self.names[device])

    def neighbours(self) -> set[tuple[Any, ...]]:
        """(index, destination, link-layer address, state bits) of ``ip neigh``, which leaves out NOARP and NONE."""
        return {
            (self.names[one["dev"]], one["dst"], one.get("lladdr"), sum(NUD[name] for name in one["state"]))
            for one in self._json("ip -j neigh show")
        }

    def rules(self) -> set[tuple[Any, ...]]:
        """(family, priority, source, destination) of ``ip rule``."""
        found = set()
        for family, number in ((4, 2), (6, 10)):
            for one in self._json(f"ip -j -{family} rule show"):
                found.add((number, one["priority"], _prefix(one, "src"), _prefix(one, "dst")))
        return found


def snapshots(log: Path) -> list[Snapshot]:
    """Every snapshot of a log, in order."""
    found: list[Snapshot] = []
    with log.open("rb") as raw:
        lines = zstandard.ZstdDecompressor().stream_reader(raw).read().decode().splitlines()
    for line in lines:
        row = json.loads(line)
        note = row.get("note", "")
        if note.startswith("snapshot "):
            found.append(Snapshot(note.removeprefix("snapshot "), int(row["t"] * 1e9)))
        elif found and row.get("kind") == "oracle" and row["cmd"] not in found[-1].outputs:
            found[-1].outputs[row["cmd"]] = row["stdout"]
            found[-1].end = int(row["t_end"] * 1e9)
        elif found and row.get("kind") == "do":
            found.append(Snapshot("", int(row["t"] * 1e9)))
    return [snapshot for snapshot in found if snapshot.name]


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # The older ``ip`` prints the encapsulation of a route into the same object, with a second "dst".
    return dict(reversed(pairs))


def _prefix(one: dict[str, Any], side: str) -> str:
    text = one.get(side, "all")
    return text if text == "all" else f"{text}/{one.get(side + 'len', '')}".rstrip("/")


def _ip4(text: str) -> str:
    # /proc/net/route prints the number in the byte order of the machine; the recordings are of x86-64.
    return str(ipaddress.ip_address(bytes.fromhex(text)[::-1]))


def _ip6(text: str) -> str:
    return str(ipaddress.ip_address(bytes.fromhex(text)))
