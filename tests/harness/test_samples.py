"""What the check of a program holds its answers against: samples, what each states, and what a wrong answer gives."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from nlmon.cli.harness_samples import DAMAGED, STATED, samples
from nlmon.harness.command import Command
from nlmon.harness.samples import Sample
from nlmon.harness.spelling import misspelt
from nlmon.harness.values import misfit
from support.command import nlmon
from support.harnesses import program, right_answers

SAMPLES = samples("little")
FIELDS = {
    "link": ["family", "ifindex", "flags", "ifname", "mtu", "addr", "kind"],
    "addr": ["family", "prefixlen", "addr", "peer"],
    "route": ["family", "dst", "dst_len", "oif", "multipath"],
}
HELLO = {"name": "tiny", "protocol": 1, "provides": FIELDS, "interfaces": ["link"]}


def answers(order: str = "little") -> list[dict[str, Any]]:
    """What legacy says of the samples, and libnl of those of MPLS, as far as it is in ``FIELDS``."""
    found = right_answers("libnl", [one.datagram for one in samples(order)])  # type: ignore[arg-type]
    plain: list[dict[str, Any]] = json.loads(json.dumps(found))
    for answer in plain[1:]:
        for entry in answer["events"]:
            listed = FIELDS.get(entry.get("kind", ""), ())
            if "fields" in entry:
                entry["fields"] = {name: value for name, value in entry["fields"].items() if name in listed}
            if entry.get("kind") not in {None, *FIELDS}:
                del entry["kind"], entry["fields"]
                entry["skip"] = "unsupported"
    return [{"hello": HELLO}, *plain[1:]]


def problems(folder: Path, given: object) -> list[str]:
    """What the check finds in answers, one line a problem, without the lines of the program and its last one."""
    done = nlmon("harness", "check", program(folder, given), "--timeout", "30")
    return [line for line in done.stdout.splitlines()[:-1] if not line.startswith(" ")]


def test_every_statement_is_of_a_sample() -> None:
    """By its name."""
    assert {*STATED, *DAMAGED} <= {one.name for one in SAMPLES}


@pytest.mark.skipif(sys.byteorder == "big", reason="the answers of the file are those of little-endian samples")
def test_right_answers_have_no_problem(tmp_path: Path) -> None:
    """Of a program that knows three kinds, and fields of them alone."""
    assert problems(tmp_path, answers()) == []


def at(name: str) -> int:
    """The number of a sample among the answers."""
    return 1 + [one.name for one in SAMPLES].index(name)


def fields(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The fields that an answer gives first."""
    written: dict[str, Any] = found[at(name)]["events"][0]["fields"]
    return written


def wrong_value(found: list[dict[str, Any]]) -> None:
    fields(found, "a link")["mtu"] = 1400


def value_of_nothing(found: list[dict[str, Any]]) -> None:
    fields(found, "a link")["kind"] = "veth"


def peer_of_nobody(found: list[dict[str, Any]]) -> None:
    fields(found, "an address")["peer"] = "192.0.2.7"


def label_as_address(found: list[dict[str, Any]]) -> None:
    fields(found, "a route of MPLS")["dst"] = "0.6.65.0"


def hop_of_another(found: list[dict[str, Any]]) -> None:
    fields(found, "a route with two next hops")["multipath"][1]["gateway"] = "192.0.2.9"


def silent(found: list[dict[str, Any]]) -> None:
    for answer in found[1:]:
        answer["events"] = []


def no_address(found: list[dict[str, Any]]) -> None:
    for name in ("a link", "a link that is gone"):
        fields(found, name)["addr"] = "2:0:0:0:0:7"
    fields(found, "an address")["addr"] = "192:0:2:7"


def a_list(found: list[dict[str, Any]]) -> None:
    fields(found, "a link")["mtu"] = [1500]


def no_interface(found: list[dict[str, Any]]) -> None:
    for answer in found[1:]:
        for entry in answer["events"]:
            entry.pop("interface", None)


def lenient(found: list[dict[str, Any]]) -> None:
    del found[at("an attribute that is longer than its message")]["events"][1]


WRONG = {
    wrong_value: ["NLM-N017: a link: link.mtu is 1400, and the message holds 1500"],
    value_of_nothing: ["NLM-N017: a link: link.kind is 'veth', and the message holds none"],
    peer_of_nobody: ["NLM-N017: an address: addr.peer is '192.0.2.7', and the message holds none"],
    label_as_address: ["NLM-N017: a route of MPLS: route.dst is '0.6.65.0', and the message holds '100'"],
    hop_of_another: ["NLM-N017: a route with two next hops: route.multipath is "],
    silent: [
        "NLM-N017: a link: no event of kind link at offset 0, and hello provides link, and 2 more like it",
        "NLM-N017: an address: no event of kind addr at offset 0, and hello provides addr, and 2 more like it",
        "NLM-N017: a route with one next hop: no event of kind route at offset 0, and hello provides route, and 1 more",
        "NLM-N017: two messages in one datagram: no event of kind link at offset 52, and hello provides link",
        "NLM-N017: an attribute that is longer than its message: the message is damaged, and no entry has an error",
    ],
    no_address: [
        "NLM-N016: a link: link.addr is '2:0:0:0:0:7': an address of a device has two hexadecimal digits a byte",
        "NLM-N016: an address: addr.addr is '192:0:2:7': it is no IP address",
    ],
    a_list: ["NLM-N016: a link: link.mtu is [1500]: Expected `int`, got `array`"],
    no_interface: ["NLM-N016: a link: hello says that it names the interface of link; the entry has no interface"],
    lenient: [
        "NLM-N017: an attribute that is longer than its message: the message is damaged, and no entry has an error"
    ],
}


@pytest.mark.skipif(sys.byteorder == "big", reason="the answers of the file are those of little-endian samples")
@pytest.mark.parametrize("mistake", WRONG, ids=lambda one: one.__name__)
def test_a_wrong_answer_is_one_problem(mistake: Any, tmp_path: Path) -> None:
    """However many samples show it, and of each kind of mistake no other."""
    found = answers()
    mistake(found)
    printed = problems(tmp_path, found)

    assert [one[: len(begin)] for one, begin in zip(printed, WRONG[mistake], strict=True)] == WRONG[mistake]


@pytest.mark.parametrize(
    ("place", "text", "family", "right"),
    [
        ("addr.addr", "192.0.2.1", 2, True), ("addr.addr", "2001:DB8::1", 10, True), ("addr.addr", "192.0.2", 2, False),
        ("addr.addr", "localhost", 2, False), ("route.dst", "100", 28, True), ("route.dst", "100", 2, False),
        ("neigh.lladdr", "02:00:00:00:00:01", 2, True), ("neigh.lladdr", "0200.0000.0001", 2, False),
        ("neigh.lladdr", "", 2, True), ("link.ifname", "d0", 0, True), ("addr.addr", None, 2, True),
    ],
)  # fmt: skip
def test_addresses_are_spelt(place: str, text: str | None, family: int, right: bool) -> None:
    """As the page says; where another protocol has another form, nothing is asked."""
    assert (misspelt(*place.split("."), text, family) == "") is right


@pytest.mark.parametrize(("value", "said"), [([1], "got `array`"), ({"a": 1}, "got `object`"), ("x", "got `str`")])
def test_what_was_written_is_named(value: object, said: str) -> None:
    """And not what would have been made of it."""
    assert misfit("link", "mtu", value) == f"Expected `int`, {said}"


def test_samples_are_of_both_byte_orders() -> None:
    """The same of each, and other bytes."""
    both: list[tuple[Sample, ...]] = [samples("little"), samples("big")]

    assert [one.name for one in both[0]] == [one.name for one in both[1]]
    assert both[0][0].datagram.data != both[1][0].datagram.data
    assert Command(("a",)).place == ""
