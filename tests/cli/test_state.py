"""``nlmon state``: the objects of a host in the words of ``ip``, at a frame or in the end, of either implementation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nlmon.capture.base import Batch
from nlmon.capture.write import PcapngWriter
from nlmon.cli.schema import schema_text
from nlmon.engine.hoststate import up_to
from nlmon.testing.messages import attr, message
from support.command import nlmon
from support.paths import FIXTURES

CAPTURES = FIXTURES / "captures" / "linux-6.12"
BASIC = CAPTURES / "01-route-basic.pcap.zst"


def objects(*arguments: object) -> Any:
    done = nlmon("state", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def link(index: int, name: str, *, kind: int = 16, family: int = 0) -> bytes:
    """A message of a link that is up, or of a port in a bridge."""
    body = bytes([family, 0, 1, 0]) + index.to_bytes(4, "little") + (0x03).to_bytes(4, "little") + bytes(4)
    return message(kind, body + attr(3, name.encode() + b"\0") + attr(4, (1400).to_bytes(4, "little")))


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A capture that gives a link and a port, gives another link, and takes the first one away."""
    path = tmp_path / "three.pcapng"
    with PcapngWriter(path, metadata={}) as writer:
        socket = writer.add_socket("route", 0)
        for time, data in enumerate([link(7, "a") + link(7, "a", family=7), link(8, "b"), link(7, "a", kind=17)], 1):
            writer.write(socket=socket, timestamp=time, data=data)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["libnl", "legacy"])
def test_the_json_follows_its_schema(name: str) -> None:
    """Of either implementation; what legacy does not provide has no key."""
    found = objects(CAPTURES / "02-route-topology.pcap.zst", "-i", name)
    keys = {key for one in found["objects"]["link"] for key in one}

    assert [one.message for one in Draft202012Validator(json.loads(schema_text("state"))).iter_errors(found)] == []
    assert found["implementation"] == name
    assert {"ifindex", "ifname", "flags", "mtu"} <= keys
    assert ("linkinfo" in keys) == (name == "libnl")


@pytest.mark.parametrize(
    ("arguments", "names", "ports", "frame"),
    [
        ((), ["b"], [], 3),
        (("--at", 1), ["a"], ["a"], 1),
        (("--at", 2), ["a", "b"], ["a"], 2),
        (("--at", 3), ["b"], [], 3),
    ],
)
def test_the_state_at_a_frame(
    three: Path, arguments: tuple[object, ...], names: list[str], ports: list[str], frame: int
) -> None:
    """It holds what was announced up to that frame; without one, at the end."""
    found = objects(three, *arguments)

    assert [one["ifname"] for one in found["objects"]["link"]] == names
    assert [one["ifname"] for one in found["objects"]["port"]] == ports
    assert found["frame"] == frame


def test_an_object_has_the_keys_of_ip(three: Path) -> None:
    """Flags and numbers as ``ip -json -details link`` prints them; a link that is up and does not run has no
    carrier."""
    assert objects(three)["objects"]["link"] == [
        {"flags": ["NO-CARRIER", "BROADCAST", "UP"], "ifindex": 8, "ifname": "b", "link_type": "ether", "mtu": 1400}
    ]


def test_people_get_a_line_for_each_object(three: Path) -> None:
    """In the words that reports name objects with; how many there are is said beside it."""
    done = nlmon("state", three, "--at", 2)

    assert done.stdout.splitlines() == ["link a (ifindex 7)", "link b (ifindex 8)", "port a (ifindex 7)"]
    assert done.stderr == "3 objects at frame 2, by 3 events and 0 answers\n"


def test_a_frame_that_is_not_there_is_reported(three: Path) -> None:
    """The state at the last frame is printed, and the exit code says that it is another one."""
    done = nlmon("state", three, "--at", 4)

    assert done.returncode == 3
    assert done.stdout == "link b (ifindex 8)\n"
    assert "error[NLM-C030]: the capture has no frame 4" in done.stderr


def test_a_capture_without_objects_is_reported() -> None:
    """One of conntrack holds no link."""
    done = nlmon("state", CAPTURES / "04-conntrack.pcap.zst", "--at", 1)

    assert (done.returncode, done.stdout) == (3, "")
    assert "error[NLM-U002]: no object in this capture" in done.stderr


@pytest.mark.parametrize(
    ("frame", "sizes"), [(None, [3, 2]), (1, [1]), (3, [3]), (4, [3, 1]), (5, [3, 2]), (9, [3, 2])]
)
def test_batches_end_at_a_frame(frame: int | None, sizes: list[int]) -> None:
    """That one is among them, and nothing is read behind it."""

    def batches() -> Any:
        yield Batch(1, 0, timestamps=[0] * 3, data=[b""] * 3, offsets=[0] * 3)
        assert frame is None or frame > 3
        yield Batch(4, 0, timestamps=[0] * 2, data=[b""] * 2, offsets=[0] * 2)

    assert [len(batch.data) for batch in up_to(batches(), frame)] == sizes
