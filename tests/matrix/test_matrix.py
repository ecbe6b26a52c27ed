"""Implementations beside each other: what is wrong by the bytes, what is errored, and what contradicts nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from nlmon.cli.main import group
from nlmon.cli.schema import SCHEMAS
from nlmon.compare.contract import load_contract
from nlmon.matrix.encodings import ENCODINGS
from nlmon.testing import messages as made
from support.captures import route_capture
from support.paths import CAPTURES
from support.programs import program

UP = made.message(16, made.link(7, "eth7", mtu=1400))
SHORT = made.message(16, made.number("BxHiII", 0, 1, 7, 1, 0) + made.attr(4, b"\x01\x02"))
LINK = '{"offset": 0, "type": 16, "kind": "link", "fields": {"family": 0, "ifindex": 7, "flags": 1, %s}}'


def answering(events: str) -> str:
    """The code of a program that gives the same events for every datagram."""
    return f"null = None\ndef answer(n):\n    return [{events}]\n"


def run(path: str, *names: str, options: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
    """The exit code, and the report as JSON, which keeps to its schema."""
    words = [word for name in names for word in ("-i", name)]
    outcome = CliRunner().invoke(group, ["matrix", path, *words, "--format", "json", *options])
    report = json.loads(outcome.stdout)
    jsonschema.validate(report, SCHEMAS["matrix"]())
    return outcome.exit_code, report


def pretty(path: str, *words: str) -> Result:
    return CliRunner().invoke(group, ["matrix", path, *words])


# Fields that a program gives of a link with an MTU of 1400; who is wrong, and how often each letter of ``Said``.
SAID = [
    ('"mtu": 1400', 0, {"right": 1}),
    ('"mtu": 1401', 1, {"wrong": 1}),
    ('"mtu": null', 1, {"wrong": 1}),
    ('"mtu": "1400"', 0, {"right": 1}),
    ('"mtu": 4294968696', 0, {"right": 1}),
    ('"x-mtu": 9', 0, {"not_provided": 1}),
]


@pytest.mark.parametrize(("field", "code", "said"), SAID, ids=[one[0] for one in SAID])
def test_a_value_is_held_against_the_bytes(tmp_path: Path, field: str, code: int, said: dict[str, int]) -> None:
    """A number of another form is the same; null says that the message has none; what is missing says nothing."""
    tiny = program(tmp_path, answering(LINK % field))
    exit_code, report = run(route_capture(tmp_path, UP), "libnl", tiny)
    rows = {f"{row['kind']}.{row['field']}": row for row in report["rows"]}
    counts = report["implementations"][1]

    assert (exit_code, counts["wrong"], counts["errored"]) == (code, code, 0)
    if code:
        example = rows["link.mtu"]["examples"][0]
        assert rows["link.mtu"]["wrong"] == ["tiny"]
        assert {name: value for name, value in rows["link.mtu"]["said"]["tiny"].items() if value} == said
        assert (example["frame"], example["hex"], example["bytes_say"]) == (1, "08 00 04 00 78 05 00 00", "1400")
        assert example["said"]["libnl"] == "1400"


def test_a_majority_is_not_right(tmp_path: Path) -> None:
    """Two that give the same wrong value are two that are wrong."""
    one, other = (program(tmp_path, answering(LINK % '"mtu": 9'), name) for name in ("one", "other"))
    code, report = run(route_capture(tmp_path, UP), one, other, "legacy")

    assert (code, [row["wrong"] for row in report["rows"]]) == (1, [["tiny", "tiny (2)"]])


def test_all_may_be_wrong(tmp_path: Path) -> None:
    """That all say the same is no proof."""
    one, other = (program(tmp_path, answering(LINK % '"mtu": 9'), name) for name in ("one", "other"))
    code, report = run(route_capture(tmp_path, UP), one, other)

    assert (code, report["agreed"], report["rows"][0]["wrong"]) == (1, 0, ["tiny", "tiny (2)"])


ABSENT = [(0, '"master": 0', 0), (8, '"master": 0', 1), (8, '"master": 8', 0)]


@pytest.mark.parametrize(("master", "field", "code"), ABSENT)
def test_what_stands_for_nothing_is_a_class_of_its_own(tmp_path: Path, master: int, field: str, code: int) -> None:
    """A declared value is right where the message has none, and wrong where it has another one."""
    more = made.attr(10, made.number("I", master)) if master else b""
    tiny = program(tmp_path, 'hello["absent"] = {"link.master": 0}\n' + answering(LINK % field))
    exit_code, report = run(route_capture(tmp_path, made.message(16, made.link(7, "eth7") + more)), "libnl", tiny)

    assert (exit_code, [row["field"] for row in report["rows"]]) == (code, ["master"] * code)


PROBLEMS = [
    ("repeated", f"{LINK % ''}, {LINK % ''}"),
    ("no message", f"{LINK % ''}, {LINK.replace(': 0,', ': 4,', 1) % ''}"),
    ("another kind", '{"offset": 0, "type": 16, "kind": "addr", "fields": {"family": 0}}'),
    ("refused", '{"offset": 0, "type": 16, "error": {"code": "refused", "text": "no"}}'),
]


@pytest.mark.parametrize(("problem", "events"), PROBLEMS, ids=[one[0] for one in PROBLEMS])
def test_what_is_wrong_with_whole_messages(tmp_path: Path, problem: str, events: str) -> None:
    """Each has a row of its own, and fails the run."""
    code, report = run(route_capture(tmp_path, UP), "libnl", program(tmp_path, answering(events)))

    assert (code, [(row["problem"], row["count"]) for row in report["whole"]]) == (1, [(problem, 1)])


def test_a_message_that_is_passed_over_is_missing_where_others_are_read(tmp_path: Path) -> None:
    """A program that reads links elsewhere has lost this one; one that never does provides none."""
    code = f"null = None\ndef answer(n):\n    return [{LINK % ''}] if n == 1 else []\n"
    some = run(route_capture(tmp_path, UP, UP), "libnl", program(tmp_path, code))
    none = run(route_capture(tmp_path, UP, UP), "libnl", "legacy", program(tmp_path, answering("")))

    assert (some[0], [(row["problem"], row["count"]) for row in some[1]["whole"]]) == (1, [("missing", 1)])
    assert (none[0], none[1]["whole"]) == (0, [])


def test_a_malformed_message_excuses_who_refuses_it(tmp_path: Path) -> None:
    """And who reads a value of it is counted apart."""
    refusing = program(tmp_path, answering('{"offset": 0, "type": 16, "error": {"code": "refused"}}'), "refusing")
    reading = program(tmp_path, answering(LINK % '"mtu": 513'), "reading")
    code, report = run(route_capture(tmp_path, SHORT), "libnl", refusing, reading)

    assert (code, [(row["problem"], row["count"], row["excused"]) for row in report["whole"]]) == (
        0,
        [("refused", 0, 1)],
    )
    assert [(row["field"], row["said"]["tiny (2)"]["malformed"]) for row in report["malformed"]] == [("mtu", 1)]


FAILING = [
    ("import os\ndef answer(n):\n    os._exit(3)\n", "NLM-N003"),
    ("def answer(n):\n    print('garbage', flush=True)\n    return []\n", "NLM-N005"),
    ("def answer(n):\n    say(n=n + 5, events=[])\n    return []\n", "NLM-N006"),
    ("raise SystemExit\n", "NLM-N003"),
    ("hello['protocol'] = 9\n", "NLM-N007"),
]


@pytest.mark.parametrize(("code", "text"), FAILING, ids=["crash", "garbage", "order", "start", "version"])
def test_who_fails_is_errored_and_never_agrees(tmp_path: Path, code: str, text: str) -> None:
    """The others go on, and the program has no event that counts."""
    exit_code, report = run(route_capture(tmp_path, UP), "legacy", "libnl", program(tmp_path, code))

    assert (exit_code, report["messages"], report["implementations"][2]["events"]) == (1, 1, 0)
    assert (report["implementations"][2]["errored"], text in report["failures"][0]["text"]) == (1, True)


def test_what_is_explained_fails_nothing(tmp_path: Path) -> None:
    """And is shown with its explanation."""
    known = tmp_path / "known.toml"
    known.write_text(
        '[[explained]]\nimplementation = "tiny"\nwhat = "link.m*"\nwhy = "nines alone"\n', encoding="utf-8"
    )
    tiny = program(tmp_path, answering(LINK % '"mtu": 9'))
    code, report = run(route_capture(tmp_path, UP), "libnl", tiny, options=("--explained", str(known)))
    shown = pretty(route_capture(tmp_path, UP), "-i", "libnl", "-i", tiny, "--explained", str(known))

    assert (code, report["rows"][0]["explained"]) == (0, {"tiny": "nines alone"})
    assert (shown.exit_code, "    tiny, explained: nines alone" in shown.stdout.splitlines()) == (0, True)


def test_lines_for_people(tmp_path: Path) -> None:
    """Who is wrong, where, what the bytes say, who says so, and counts at the end."""
    tiny = program(tmp_path, answering(LINK % '"mtu": 9'))
    lines = pretty(route_capture(tmp_path, UP), "-i", "libnl", "-i", tiny).stdout.splitlines()

    assert lines[0] == "1 of 2 disagree with the bytes: link.mtu: tiny once"
    assert lines[1].endswith("some.pcap (1) offset 0, RTM_NEWLINK, IFLA_MTU at 44: 08 00 04 00 78 05 00 00")
    assert lines[2:5] == ["        the bytes: 1400", "        libnl: 1400", "        tiny: 9"]
    assert lines[-1].startswith("2 implementations over 1 capture, 1 message that two or more read, 0 alike, ")


def test_a_page_in_markdown(tmp_path: Path) -> None:
    """The tables have who took part, who is wrong, and the evidence."""
    tiny = program(tmp_path, answering(LINK % '"mtu": 9'))
    page = pretty(route_capture(tmp_path, UP), "-i", "libnl", "-i", tiny, "--format", "markdown").stdout

    assert "| `link.mtu` | 1 of 2 | `tiny` once |  |" in page.splitlines()
    assert "| `1400` | **the bytes**, `libnl` |" in page.splitlines()


def test_nothing_comparable(tmp_path: Path) -> None:
    """Where no two read the same message nobody is right."""
    outcome = pretty(route_capture(tmp_path, UP), "-i", "libnl", "-i", program(tmp_path, answering("")))

    assert (outcome.exit_code, "NLM-Q003" in outcome.stderr) == (3, True)


@pytest.mark.parametrize(
    "name",
    [
        "linux-6.18/01-rules-routes-neighbours.pcapng.zst",
        "linux-6.18/03-wide-values.pcapng.zst",
        "by-hand/02-malformed-attributes.pcap",
        pytest.param("linux-6.12/01-route-basic.pcap.zst", marks=pytest.mark.long),
        pytest.param("linux-6.1/02-route-topology.pcap.zst", marks=pytest.mark.long),
        pytest.param("linux-6.1/05-sock_diag.pcap.zst", marks=pytest.mark.long),
        pytest.param("linux-6.1/06-xfrm.pcap.zst", marks=pytest.mark.long),
    ],
)
def test_ours_are_right_by_the_bytes(name: str) -> None:
    """Every value of recorded messages is what the third reading finds."""
    code, report = run(str(CAPTURES / name), "legacy", "libnl")

    assert (code, report["rows"], report["open"]) == (0, [], [])
    assert report["values"] > 100


def test_encodings_are_of_fields() -> None:
    """Each is of a field of which the contract does not say how it stands, but how that of MPLS does."""
    kinds = load_contract().kinds.items()
    fields = {f"{name}.{field.name}": field.encoding for name, kind in kinds for field in kind.fields}

    assert {name: fields[name] for name in ENCODINGS if fields[name]} == {"route.dst": "labels"}
