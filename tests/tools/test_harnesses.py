"""Each harness of a library answers the protocol, and reads a route as the bytes say.

Not here: what libraries get wrong (``harnesses/FINDINGS.md``).
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from nlmon.testing.messages import attr, message, number
from support.requirements import missing

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    "libnl-3",
    "pyroute2",
    "go-rtnetlink",
    "iproute2",
    pytest.param("rust-netlink-packet-route", marks=pytest.mark.long),
]
BODY = number("BBBBBBBBI", 2, 24, 0, 0, 254, 3, 0, 1, 0)
ROUTE = message(24, BODY + attr(1, bytes((10, 1, 2, 0))) + attr(4, number("I", 7)) + attr(6, number("I", 99)))
EXPECTED = {"dst": "10.1.2.0", "dst_len": 24, "type": 1, "table": 254, "protocol": 3, "oif": 7, "priority": 99}


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
def test_a_route_is_read_as_its_bytes_say(name: str, folder: Path) -> None:
    """hello names what is provided; a message that is no object is skipped at its offset; bye counts."""
    program = built(name, folder)
    data = base64.b64encode(ROUTE + message(3, bytes(4))).decode()
    datagram = {"cmd": "datagram", "n": 17, "netlink": 0, "role": "notification", "data": data}
    hello_ = {"cmd": "hello", "protocol": 1, "byteorder": "little"}
    batch = [{"cmd": "flush"}] if name == "iproute2" else []
    hello, answer, bye = talk(program, hello_, datagram, *batch)
    first, second = answer["events"]
    assert (answer["n"], bye) == (17, {"bye": {"datagrams": 1, "events": 2}})
    assert (first["offset"], first["type"], first["kind"]) == (0, 24, "route")
    assert {field: first["fields"][field] for field in EXPECTED} == EXPECTED
    assert (second["offset"], second["type"], second["skip"]) == (len(ROUTE), 3, "unsupported")
    assert set(EXPECTED) <= set(hello["hello"]["provides"]["route"])


@pytest.mark.peer
@pytest.mark.parametrize("name", NAMES)
def test_another_byte_order_is_refused(name: str, folder: Path) -> None:
    """Libraries read messages of their machine alone; a harness says so and ends with status 4."""
    program = built(name, folder)
    line = json.dumps({"cmd": "hello", "protocol": 1, "byteorder": "big"}) + "\n"
    ran = subprocess.run([program], input=line, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, "byte order" in ran.stderr) == (4, "", True)
