"""``nlmon coverage``: which attributes of the kernel the implementations read."""

from __future__ import annotations

import json
import struct
from functools import cache
from pathlib import Path

import jsonschema_rs
import pytest
from click.testing import CliRunner
from zstandard import ZstdDecompressor

from nlmon.cli.main import group
from nlmon.cli.schema import SCHEMAS
from nlmon.testing import messages as made
from support.paths import FIXTURES
from support.sampled import one_in


@cache
def run(*words: str) -> str:
    """What the command prints, which is the same each time."""
    outcome = CliRunner().invoke(group, ["coverage", *words])
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def test_a_line_for_each_kind_of_message() -> None:
    """With a total in the end, and generic families that are kept as they are in one line."""
    lines = run().splitlines()
    heads = [line.split("  ")[0].strip() for line in lines if line.strip()]

    assert heads[0] == "kind of message"
    assert {"link", "route", "tc", "nl80211", "24 more generic families", "all"} <= set(heads)
    assert lines[-1] == "as Linux 7.3 defines them; nlmon coverage -v names those that not both read"


@pytest.mark.slow
def test_the_table_is_that_of_the_report() -> None:
    """The last line counts what JSON counts, and JSON keeps to its schema."""
    report = json.loads(run("--format", "json"))
    line = next(line for line in run().splitlines() if line.strip().startswith("all "))
    numbers = [int(word.replace(",", "")) for word in line.split()[1:]]

    jsonschema_rs.validate(SCHEMAS["coverage"](), report)
    assert numbers == [
        sum(report["counts"].values()),
        *(report["counts"][state] for state in ("both", "legacy", "libnl", "neither", "ignored")),
    ]


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("link (NETLINK_ROUTE)", True),
        ("  libnl    IFLA_MASTER", True),
        ("  ignored  IFLA_STATS64: counters, which change without a notification", True),
        ("  neither  TCA_STAB (with 2 attributes in it)", True),
        ("  both     IFLA_MTU", False),
        ("conntrack (NETLINK_NETFILTER)", False),
    ],
)
def test_names_on_request(line: str, there: bool) -> None:
    """``-v`` names what not both read, by message; ``--protocol`` restricts it."""
    assert (line in run("-v", "--protocol", "route").splitlines()) is there


def test_one_implementation_with_itself() -> None:
    """Nothing is read by one alone then."""
    report = json.loads(run("--format", "json", "-i", "libnl", "--against", "libnl", "--protocol", "xfrm"))

    assert report["implementations"] == ["libnl", "libnl"]
    assert report["counts"]["libnl"] == 0


CAPTURES = FIXTURES / "captures" / "linux-6.12"


@pytest.mark.parametrize(
    "name", ["02-route-topology", "03-nl80211", "04-conntrack", "05-sock_diag", "06-xfrm", "08-tc"]
)
def test_what_a_capture_holds_is_what_there_could_be(name: str) -> None:
    """Who reads an attribute of a capture reads it of its kind; it is in no more messages than there are, and of these
    each has one kind."""
    could: dict[tuple[str, str], set[str]] = {}
    for message in json.loads(run("--format", "json"))["messages"]:
        for row in message["attributes"]:
            could.setdefault((message["message"].partition(",")[0], row["path"]), set()).update(row["read_by"])
    report = json.loads(run(str(CAPTURES / f"{name}.pcap.zst"), "--format", "json"))
    rows = [(message, row) for message in report["messages"] for row in message["attributes"]]
    found = {(message["message"], row["path"]): set(row["read_by"]) for message, row in rows}

    jsonschema_rs.validate(SCHEMAS["coverage"](), report)
    assert {key: readers for key, readers in found.items() if key in could and not readers <= could[key]} == {}
    assert [key for key in found if key not in could and not (key[1].rpartition("/")[2].isdecimal())] == []
    assert [
        row for message, row in rows if not sum(row["kinds"].values()) <= row["messages"] <= message["messages"]
    ] == []


@pytest.mark.slow
def test_kinds_are_counted() -> None:
    """What nobody reads says in how many messages of which kinds it is."""
    lines = run(str(CAPTURES / "02-route-topology.pcap.zst"), "-v", "--protocol", "route").splitlines()
    start = "  neither  IFLA_LINKINFO/IFLA_INFO_DATA (1,182 messages: bond 158, vlan 128, macvlan 122, "

    assert next(line for line in lines if line.startswith("  neither  IFLA_LINKINFO/")).startswith(start)
    assert "messages that give no event: RTM_NEWNEXTHOPBUCKET 8" in lines


def test_captures_add_up_and_a_bad_one_costs_nothing_else(tmp_path: Path) -> None:
    """Two captures are counted together; what is none, and the end of a damaged one, is said with exit code 3."""
    one = CAPTURES / "05-sock_diag.pcap.zst"
    none, cut = tmp_path / "none.pcap", tmp_path / "cut.pcap"
    none.write_text("no capture", encoding="utf-8")
    with one.open("rb") as file:
        cut.write_bytes(ZstdDecompressor().stream_reader(file).read()[:-300])
    words = ["coverage", "--format", "json", str(none), str(one), str(cut), str(one)]
    outcome = CliRunner().invoke(group, words)
    report = json.loads(outcome.stdout)
    (alone,) = (m for m in json.loads(run("--format", "json", str(one)))["messages"] if m["message"] == "unix socket")
    (summed,) = (message for message in report["messages"] if message["message"] == "unix socket")

    assert outcome.exit_code == 3
    assert report["captures"] == [str(one), str(cut), str(one)]
    assert 2 * alone["messages"] <= summed["messages"] <= 3 * alone["messages"]
    assert "this is not a netlink capture" in outcome.stderr
    assert [(one["path"], one["code"]) for one in report["unread"]] == [(str(none), "NLM-C006"), (str(cut), "NLM-C010")]


COOKED = struct.pack(">HH10xH", 0, 824, 0)
OTHER = struct.pack(">HH10xH", 0, 1, 0x800) + bytes(20)


def pcap(path: Path, *packets: bytes) -> Path:
    """A pcap file of the device ``any``."""
    records = b"".join(struct.pack("<IIII", 0, 0, len(one), len(one)) + one for one in packets)
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 113) + records)
    return path


@pytest.mark.parametrize(
    ("packets", "options", "code"),
    [
        ((), (), "NLM-U002"),
        ((OTHER,), (), "NLM-U010"),
        ((COOKED + made.message(16, made.link(1, "a")),), ("--byteorder", "big"), "NLM-U002"),
        ((COOKED + made.message(16, made.link(1, "a")),), ("--protocol", "xfrm"), "NLM-U002"),
        (None, (), "NLM-C001"),
    ],
    ids=["no packet", "no netlink", "byte order", "another protocol", "missing"],
)
def test_where_nothing_was_read_nothing_is_known(
    tmp_path: Path, packets: tuple[bytes, ...] | None, options: tuple[str, ...], code: str
) -> None:
    """No table without blind spots, and exit code 3; JSON says which capture could not be read."""
    path = tmp_path / "a.pcap" if packets is None else pcap(tmp_path / "a.pcap", *packets)
    plain = CliRunner().invoke(group, ["coverage", str(path), *options])
    report = json.loads(CliRunner().invoke(group, ["coverage", str(path), "--format", "json", *options]).stdout)

    jsonschema_rs.validate(SCHEMAS["coverage"](), report)
    assert (plain.exit_code, plain.stdout, plain.stderr.count("\n")) == (3, "", 1)
    assert plain.stderr.startswith(f"error[{code}]: ")
    assert [(one["path"], one["code"]) for one in report["unread"]] == [(str(path), code)] * ("xfrm" not in options)


def test_packets_that_are_no_netlink_are_mentioned(tmp_path: Path) -> None:
    """Beside the table of the others."""
    path = pcap(tmp_path / "a.pcap", OTHER, COOKED + made.message(16, made.link(1, "a")))
    outcome = CliRunner().invoke(group, ["coverage", str(path)])

    assert outcome.exit_code == 0
    assert outcome.stderr == f"note: 1 packet that is no netlink was skipped ({path})\n"


@pytest.mark.parametrize("name", one_in(2, ["01-route-basic", "02-route-topology"]))
def test_a_report_counts_the_same(name: str) -> None:
    """What a replay says that neither reads of links, addresses, neighbours and rules is what is counted here."""
    path = str(CAPTURES / f"{name}.pcap.zst")
    (capture,) = json.loads(CliRunner().invoke(group, ["replay", "--format", "json", path]).stdout)["captures"]
    kinds = {"link", "addr", "neigh", "rule"}
    reported = {
        (row["message"], row["attribute"]): (row["messages"], row["kinds"])
        for row in capture["blind"]
        if row["message"] in kinds and not row["read_by"]
    }
    counted = {
        (message["message"], row["path"]): (row["messages"], row["kinds"])
        for message in json.loads(run("--format", "json", path))["messages"]
        for row in message["attributes"]
        if message["message"] in kinds and not row["read_by"] and not row["ignored"]
    }

    assert counted == reported
    assert len(counted) > 10
