"""Each harness of a library answers the protocol, reads a message as the bytes say, and gives wrongly what is said of
it.

Not here: how often it does (``docs/matrix.md``).
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nlmon.cli.main import group
from nlmon.testing.messages import attr, message, number
from support.requirements import missing

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    "libnl-3",
    "pyroute2",
    "go-rtnetlink",
    pytest.param("vishvananda-netlink", marks=pytest.mark.long),
    "iproute2",
    "conntrack",
    pytest.param("tshark", marks=pytest.mark.long),
    pytest.param("rust-netlink-packet-route", marks=pytest.mark.long),
]
BATCH = {"iproute2", "conntrack"}
FINDINGS = ROOT / "harnesses" / "findings"
BODY = number("BBBBBBBBI", 2, 24, 0, 0, 254, 3, 0, 1, 0)
ROUTE = message(24, BODY + attr(1, bytes((10, 1, 2, 0))) + attr(4, number("I", 7)) + attr(6, number("I", 99)))
EXPECTED = {"dst": "10.1.2.0", "dst_len": 24, "type": 1, "table": 254, "protocol": 3, "oif": 7, "priority": 99}
TUPLE = attr(1, attr(1, bytes((10, 1, 2, 3))) + attr(2, bytes((10, 1, 2, 4)))) + attr(2, attr(1, b"\x84"))
FLOW = message(256, bytes((2, 0, 0, 0)) + attr(1, TUPLE) + attr(2, TUPLE) + attr(8, bytes((0, 0, 0, 5))))
FLOWS = {"family": 2, "protocol": 132, "src_addr": "10.1.2.3", "dst_addr": "10.1.2.4", "mark": 5}
# What each is given, where that is no route, or not all of one is read.
GIVEN = {
    "conntrack": (12, FLOW, "conntrack", FLOWS),
    "tshark": (0, ROUTE, "route", {"dst_len": 24, "type": 1, "protocol": 3, "oif": 7}),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each is built once."""
    return tmp_path_factory.mktemp("harnesses")


def built(name: str, folder: Path) -> str:
    """The program of a harness; without its toolchain the test is skipped."""
    if (folder / name).exists():
        return str(folder / name)
    environment = {**os.environ, "NLMON_HARNESSES": str(folder), "NLMON_TEST_REQUIRE_ALL": ""}
    command = [str(ROOT / "tools/harnesses"), name]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    _, outcome, detail = ran.stdout.strip().split("\t")
    if outcome == "skipped":
        missing(detail)
    return str(folder / name)


def talk(program: str, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    """Its answers to these lines and ``end``, behind which it ends with status 0."""
    lines = "".join(json.dumps(one) + "\n" for one in (*requests, {"cmd": "end"}))
    ran = subprocess.run([program], input=lines, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.mark.peer
@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_read_as_its_bytes_say(name: str, folder: Path) -> None:
    """hello names what is provided; a message that is no object is skipped at its offset; bye counts."""
    program = built(name, folder)
    netlink, first_message, kind, expected = GIVEN.get(name, (0, ROUTE, "route", EXPECTED))
    data = base64.b64encode(first_message + message(3, bytes(4))).decode()
    datagram = {"cmd": "datagram", "n": 17, "netlink": netlink, "role": "notification", "data": data}
    hello_ = {"cmd": "hello", "protocol": 1, "byteorder": "little"}
    batch = [{"cmd": "flush"}] if name in BATCH else []
    hello, answer, bye = talk(program, hello_, datagram, *batch)
    first, second = answer["events"]
    assert (answer["n"], bye) == (17, {"bye": {"datagrams": 1, "events": 2}})
    assert (first["offset"], first["type"], first["kind"]) == (0, int.from_bytes(first_message[4:6], "little"), kind)
    assert {field: first["fields"][field] for field in expected} == expected
    assert (second["offset"], second["type"], second["skip"]) == (len(first_message), 3, "unsupported")
    assert set(expected) <= set(hello["hello"]["provides"][kind])


@pytest.mark.peer
@pytest.mark.parametrize("name", NAMES)
def test_another_byte_order_is_refused(name: str, folder: Path) -> None:
    """Libraries read messages of their machine alone; a harness says so and ends with status 4."""
    program = built(name, folder)
    line = json.dumps({"cmd": "hello", "protocol": 1, "byteorder": "big"}) + "\n"
    ran = subprocess.run([program], input=line, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, "byte order" in ran.stderr) == (4, "", True)


def findings(name: str) -> list[Path]:
    """The captures of what an implementation gives wrongly."""
    return sorted(FINDINGS.glob(f"{name}.*.pcap"))


def found(report: dict[str, Any], name: str) -> set[str]:
    """What a matrix says that an implementation gives wrongly, as captures are called."""
    fields = {f"{row['kind']}.{row['field']}" for row in report["rows"] if name in row["wrong"]}
    whole = {
        f"{row['kind']}.{row['problem']}" for row in report["whole"] if row["implementation"] == name and row["count"]
    }
    return fields | whole | {"errored" for one in report["failures"] if one["implementation"] == name}


@pytest.mark.peer
@pytest.mark.parametrize("name", NAMES)
def test_each_finding_is_shown_by_its_capture(name: str, folder: Path) -> None:
    """The matrix says of one message alone what is said in ``harnesses/FINDINGS.md``, and is right with nlmon's own."""
    captures = findings(name)
    words = ["matrix", *map(str, captures), "-i", "libnl", "-i", f"exec:{built(name, folder)}", "--format", "json"]
    outcome = CliRunner().invoke(group, words)
    report = json.loads(outcome.stdout)

    assert {path.stem.removeprefix(f"{name}.") for path in captures} - found(report, name) == set()
    assert (outcome.exit_code, found(report, "libnl")) == (1, set())


def test_every_finding_is_described() -> None:
    """And of what is described there is a capture; ``*`` stands for several."""
    harnesses = "|".join(path.parent.name for path in (ROOT / "harnesses").glob("*/README.md"))
    text = (ROOT / "harnesses" / "FINDINGS.md").read_text(encoding="utf-8")
    named = set(re.findall(rf"`((?:by-hand/)?(?:{harnesses})[.][a-z_.*]+)`", text))
    there = {str(path.relative_to(FINDINGS).with_suffix("")) for path in FINDINGS.rglob("*.pcap")}

    assert {one for one in there if not any(fnmatchcase(one, name) for name in named)} == set()
    assert {name for name in named if not any(fnmatchcase(one, name) for one in there)} == set()
