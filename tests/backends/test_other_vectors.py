"""The golden datagrams of the other protocols, and what each implementation must make of them.

The expectations are read off the bytes of the vectors and the documented behaviour. Where the original went wrong
they differ from it: NOOP and OVERRUN became generic events, the subcommand of a vendor lost its upper bits and its
name, UDP sockets were TCP, unix sockets were read as internet ones, counters and marks were swapped, families other
than nl80211 and connection tracking were lost.
"""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nlmon.errors import KernelError
from nlmon.events import (
    ConntrackInfo,
    DiagInfo,
    ExpectInfo,
    FlowTuple,
    GenericInfo,
    Nl80211Info,
    QcaVendorInfo,
)
from support.decoding import BACKENDS, decode, findings
from support.paths import FIXTURES

VECTORS = FIXTURES / "vectors" / "replay-cases.txt"
ROWS = (line.split() for line in VECTORS.read_text().splitlines() if not line.startswith("#"))
DATAGRAMS = {name: (int(protocol), bytes.fromhex(data)) for name, protocol, data in ROWS if protocol != "0"}
FAMILIES = {28: "nl80211"}
VENDOR, QCA = 103, 0x1374
MAC = "02:11:22:33:44:55"


def _wifi(command: int, **fields: Any) -> tuple[GenericInfo, GenericInfo]:
    """A message of nl80211, for legacy and for libnl."""
    info = Nl80211Info(command, **fields)
    return GenericInfo(28, command, 1), GenericInfo(28, command, 1, None, None, "nl80211", None, info, None)


def _vendor(vendor: int, subcommand: int | None, data: str | None = None, **fields: Any) -> tuple[Any, Any]:
    """A vendor command of nl80211."""
    qca = QcaVendorInfo(vendor, subcommand, data) if vendor == QCA and subcommand is not None else None
    head = (28, VENDOR, 1, vendor, subcommand)
    return GenericInfo(*head), GenericInfo(*head, "nl80211", None, Nl80211Info(VENDOR, **fields), qca)


def _raw(family: int, command: int, version: int, name: str | None, *attributes: tuple[int, str]) -> tuple[Any, Any]:
    """A message of another family."""
    return (
        GenericInfo(family, command, version),
        GenericInfo(family, command, version, None, None, name, attributes, None, None),
    )


def _inet(*head: Any, ifindex: int = 0) -> tuple[DiagInfo, DiagInfo]:
    """An internet socket of inode 1234; without a request nobody knows its protocol."""
    family, state, sport, dport, src, dst = head
    legacy = DiagInfo(family, state, None, sport, dport, src, dst, 1234)
    more = (1000, 5, 6, 1, 2, 0, ifindex, 0, *[None] * 8)
    return legacy, DiagInfo(family, state, None, sport, dport, src, dst, 1234, *more)


def _unix(path: str) -> tuple[DiagInfo, DiagInfo]:
    head = (1, 1, None, None, None, None, None, 555)
    more = (*[None] * 7, 2 << 32 | 1, *[None] * 5, 1, path, None)
    return DiagInfo(*head), DiagInfo(*head, *more)


NONE = [None] * len(ConntrackInfo.__struct_fields__[12:])


def _flow(*head: Any, reply: FlowTuple | None = None) -> tuple[ConntrackInfo, ConntrackInfo]:
    legacy = ConntrackInfo(*head)
    known = [getattr(legacy, field) for field in legacy.__struct_fields__[:12]]
    return legacy, replace(ConntrackInfo(*known, *NONE), reply=reply)


ESTABLISHED = _inet(2, 1, 22, 40000, "10.0.0.1", "10.0.0.2")
COUNTED = (2, 6, 3, "10.0.0.1", "10.0.0.2", 1234, 443, 256, 10, 1500, 7, 900)
REPLY = FlowTuple("10.0.0.2", "10.0.0.1", 6, 443, 1234)

# name: the payloads that legacy and libnl give
EVENTS: dict[str, tuple[Any, Any]] = {
    "g_nl80211_newsta": _wifi(19, ifindex=1, mac=MAC),
    "g_nl80211_full": _wifi(7, wiphy=0, ifindex=1, iftype=2, mac=MAC, freq=5180, channel_type=3),
    "g_nl80211_noattrs": _wifi(35),
    "g_qca_roam": _vendor(QCA, 64, "01020304", wiphy=0, ifindex=1),
    "g_qca_llstats_get": _vendor(QCA, 15),
    "g_qca_subcmd_over255": _vendor(QCA, 334),
    "g_qca_unknown_subcmd": _vendor(QCA, 9999),
    "g_qca_no_subcmd": _vendor(QCA, None),
    "g_vendor_other": _vendor(0x1018, 5),
    "g_vendor_attr_in_other_cmd": _wifi(19, ifindex=1),
    "g_vendor_in_other_family": _raw(33, 1, 1, None, (195, "74130000"), (196, "40000000")),
    "g_ctrl_newfamily": _raw(16, 1, 2, "nlctrl", (1, "2800"), (2, "64656d6f00")),
    "g_other_family": _raw(31, 5, 1, None),
    "d_tcp4_estab": ESTABLISHED,
    "d_udp4_close7": _inet(2, 7, 53, 0, "0.0.0.0", "0.0.0.0"),
    "d_tcp6_iface": _inet(10, 10, 80, 0, "fe80::1", "::", ifindex=3),
    "d_state0_ports": _inet(2, 0, 53, 1, "1.1.1.1", "2.2.2.2"),
    "d_state1_noports": _inet(2, 1, 0, 0, "1.1.1.1", "2.2.2.2"),
    "d_unix_short": _unix("/run/x"),
    "d_unix_long": _unix("/run/" + "x" * 90),
    "d_done": ESTABLISHED,
    "n_ct_new": _flow(*COUNTED, reply=REPLY),
    "n_ct_update": _flow(*COUNTED, reply=REPLY),
    "n_ct_delete": _flow(*COUNTED, reply=REPLY),
    "n_ct_v6_udp": _flow(10, 17, None, "fd00::1", "fd00::2", 53, 5353),
    "n_ct_counters32": _flow(2),
    "n_exp_new": (None, ExpectInfo(2)),
    **dict.fromkeys(("n_queue", "n_ulog", "n_nft", "d_destroy_type21"), (None, None)),
}
CONTROL = {"g_noop_len20": 1, "g_noop_len16": 1, "d_done": 1}
HEADER, OVERRUN, REFUSED = ("HeaderError", 0, ""), ("OverrunMessage", 0, ""), ("KernelError", 0, "")
ERRORS = {
    **dict.fromkeys(("g_header_only", "g_hdr_2bytes", "d_short", "n_short"), HEADER),
    "g_overrun_len20": OVERRUN,
    "g_error_enoent": REFUSED,
}


def test_every_vector_has_an_expectation() -> None:
    """The tables name exactly the datagrams of the file, and no vector twice but the one with a DONE behind it."""
    assert sorted({*EVENTS, *CONTROL, *ERRORS}) == sorted(DATAGRAMS)
    assert (EVENTS.keys() & CONTROL.keys(), ERRORS.keys() & {*EVENTS, *CONTROL}) == ({"d_done"}, set())
    assert len(DATAGRAMS) == 39


@pytest.mark.parametrize("name", DATAGRAMS)
@pytest.mark.parametrize("implementation", BACKENDS)
def test_vector_gives_what_the_guide_promises(implementation: str, name: str) -> None:
    """The event, the typed error, and the two counts."""
    protocol, data = DATAGRAMS[name]
    decoded = decode(implementation, protocol, data, families=FAMILIES)
    expected = EVENTS.get(name, (None, None))[BACKENDS.index(implementation)]
    error = ERRORS.get(name)
    counted = int(name in EVENTS and expected is None)
    assert [one.payload for one in decoded.events] == ([] if expected is None else [expected])
    assert findings(decoded) == ([] if error is None else [error])
    assert (len(decoded.unknown), decoded.control) == (counted, CONTROL.get(name, 0))
    assert [one.errno for one in decoded.errors if isinstance(one, KernelError)] == ([2] if error == REFUSED else [])


@pytest.mark.parametrize("name", DATAGRAMS)
@pytest.mark.parametrize("implementation", BACKENDS)
def test_every_cut_of_a_vector_is_a_value(implementation: str, name: str) -> None:
    """Cut at any byte a vector gives the events before the cut or typed errors, and is not silent about the rest."""
    protocol, data = DATAGRAMS[name]
    whole = decode(implementation, protocol, data, families=FAMILIES)
    for size in range(len(data)):
        decoded = decode(implementation, protocol, data[:size], families=FAMILIES)
        assert decoded.events == [] or (decoded.events == whole.events and name == "d_done")
        assert findings(decoded) or not any(data[:size]) or decoded.events
