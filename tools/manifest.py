"""Writes fixtures/manifest.json: origin, kernel, digest and counts of every recording.

    python tools/manifest.py [--check]

Run it after a fixture has changed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from generated import run

from nlmon.capture import open_capture
from nlmon.cli.info import summarise

FIXTURES = Path(__file__).parent.parent / "fixtures"
MANIFEST = FIXTURES / "manifest.json"
ORIGINS = {
    "guide/commands.toml": "every shell command of the migration guide, and the test that types it, or why none does",
    "guide/differences.txt": "what differs in the events that both implementations print; for the guide's diff",
    "config/guide.toml": "what comes of each block of YAML of the migration guide",
    "-guide.yaml": "a block of YAML of the migration guide, by the line that it begins behind",
    "config/vectors.toml": "what comes of each configuration beside it, and of the same in the C program",
    "observed.txt": "what the C program printed of each configuration, linked with its loader",
    ".yaml": "a configuration that the C program was given",
    ".pcap.zst": "tcpdump on an nlmon device of a virtual machine that ran a scripted set of network changes",
    ".log.jsonl.zst": "every command of that run with its output, and snapshots of /proc, /sys and ip -j",
    "COUNTS.txt": "messages per protocol and type, counted when the recordings were made, with tshark beside it",
    "versions.txt": "kernel and programs of the recorded machine",
    "filter-expressions.txt": "filter expressions, one a line",
    "filter-observed.txt": "what the C monitor makes of them on four events, or its error",
    "filter-documented.tsv": "what documents make of them on the same events, and why where that is something else",
    "replay-cases.txt": "crafted datagrams: name, protocol, hexadecimal bytes or an errno",
    ".pcapng.zst": "nlmon record in a network namespace, while the script of the same name ran",
    ".sh": "the commands of the recording of the same name",
    "rare-values.pcap": "built by tools/by_hand.py: values that no kernel at hand sends",
    "malformed-attributes.pcap": "built by tools/by_hand.py: in each message one attribute that does not fit",
    "02-vxlan-fdb-move.pcap": "a vxlan on Linux 6.18 whose forwarding entry moves; a report to FRRouting/frr (2129)",
    "04-wext-partial-newlink.pcap": "messages of a wireless link as NetworkManager receives them, built by hand",
    "06-rule-dscp.pcap": "rules with DSCP and masks of ports on Linux 6.18; reports to FRRouting/frr (6730, 11529)",
    "08-ra-default-beside-ecmp.pcap": "an advertised route beside two hops, Linux 6.18; systemd/systemd (21781, 33470)",
    "09-ipv6-ecmp-replaced-by-dev.pcap": "three hops that one route replaces, Linux 6.18; FRRouting/frr (1463)",
    "09c-ipv6-nhgroup-append.pcap": "a route over a nexthop group beside one over a gateway, Linux 6.18",
    "16-encap.pcap": "routes that differ in encapsulation, Linux 6.18; vishvananda/netlink (282)",
    "28-getlink-inet6-dump.pcap": "ip -6 link on Linux 6.18",
    "29-bridge-fdb-port-move.pcap": "a forwarding entry that moves between ports, Linux 6.18; lance0/rustbgpd (462)",
    "evil-names.pcap": "built by hand: names of links with escape sequences, C1, DEL and controls of text direction",
    "20-vfinfo-222.pcap": "built as a device reports 222 virtual functions; a report to vishvananda/netlink (960)",
    "01-wireshark-nlmon-big.pcap": "nlmon device of a big-endian router; a sample capture of Wireshark's wiki",
    "03-tcpdiag-getsock.pcap": "sockets of a host as inet_diag answers TCPDIAG_GETSOCK, which older programs ask with",
    "05-bridge-mdb-sg.pcap": "multicast entries with sources, built by hand from linux/if_bridge.h",
    "17-nl80211-events.pcap": "connection quality, regulatory and radar events, built by hand from linux/nl80211.h",
    "22-mpls-labels.pcap": "routes whose labels change, built by hand from linux/rtnetlink.h and mpls_iptunnel.h",
    "24-audit-unicast.pcap": "records as the kernel sends them to the audit daemon, built by hand from kernel/audit.c",
    "10a-any-sll113.pcap": "frames of 01-wireshark-nlmon-big.pcap as tcpdump writes them in a capture of any",
    "14a-nlmon-big-resaved.pcap": "01-wireshark-nlmon-big.pcap as editcap wrote it again on a little-endian machine",
}


def describe(path: Path) -> dict[str, Any]:
    """One row of the manifest."""
    origin = next(text for ending, text in ORIGINS.items() if path.as_posix().endswith(ending))
    row: dict[str, Any] = {"origin": origin, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    versions = path.parent / "versions.txt"
    if versions.exists():
        row["kernel"] = versions.read_text(encoding="utf-8").split()[2]
    if path.name.endswith((".pcap.zst", ".pcap", ".pcapng.zst")):
        with open_capture(path) as reader:
            summary = summarise(reader, path.name)
            if "kernel" in reader.info.metadata:
                row["kernel"] = reader.info.metadata["kernel"].split()[1]
        row |= {"frames": summary.frames, "messages": summary.messages, "protocols": summary.protocols}
    return row


def files() -> dict[Path, bytes]:
    """The manifest of every file below fixtures."""
    paths = sorted(p for p in FIXTURES.rglob("*") if p.is_file() and p.name != MANIFEST.name)
    rows = {str(path.relative_to(FIXTURES)): describe(path) for path in paths}
    return {MANIFEST: (json.dumps(rows, indent=1, sort_keys=True) + "\n").encode()}


if __name__ == "__main__":
    run(files)
