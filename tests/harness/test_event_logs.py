"""A log of events stands for an implementation: which line is of which message, and what is wrong with a log."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import msgspec
import pytest
import zstandard

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.compare.contract import kind_name
from nlmon.engine.feed import Feed
from nlmon.engine.read import read_capture
from nlmon.errors import InputError, UsageError
from nlmon.eventjson.write import event_to_json
from nlmon.events import Event
from nlmon.exporters.layout import exported_line
from nlmon.harness import logfile
from nlmon.jobs.work import ReplayOptions, replay_path
from nlmon.report.model import CaptureReport
from support.command import nlmon
from support.sampled import one_in

CAPTURES = Path(__file__).parents[2] / "fixtures" / "captures" / "linux-6.12"
BASIC = CAPTURES / "01-route-basic.pcap.zst"


@cache
def events(capture: Path = BASIC, implementation: str = "libnl") -> tuple[Event, ...]:
    """What an implementation makes of a recording."""
    with open_capture(capture) as reader:
        feed = Feed((partial(create, implementation),), reader.info.byteorder, answers=False)
        found = tuple(event for side in read_capture(feed, reader) for event in side.events)
        feed.close()
    return found


def decoded(event: Event) -> bytes:
    """Its line as ``nlmon decode`` writes it."""
    return event_to_json(event) + b"\n"


def short(event: Event) -> bytes:
    """Its short line."""
    fields = {name: getattr(event.payload, name) for name in event.payload.__struct_fields__}
    line = {
        "type": event.msg_type,
        "netlink": event.protocol,
        "kind": kind_name(event.payload),
        "interface": event.interface,
        "fields": {name: value for name, value in fields.items() if value is not msgspec.UNSET},
    }
    return msgspec.json.encode(line) + b"\n"


def bye(count: int) -> bytes:
    """The line that says how many there were."""
    return b'{"bye":{"events":%d}}\n' % count


def report(log: Sequence[bytes], folder: Path, reference: str = "libnl", **options: object) -> CaptureReport:
    """The report on a log in the place of the candidate."""
    file = folder / "mine.jsonl"
    file.write_bytes(b"".join(log))
    given = ReplayOptions(reference=reference, candidate=f"events:{file}", **options)  # type: ignore[arg-type]
    return replay_path(str(BASIC), BASIC.name, given).report


@pytest.mark.parametrize("reference", ["libnl", "legacy"])
@pytest.mark.parametrize("form", [decoded, exported_line])
def test_a_whole_log_is_the_same(form: Callable[[Event], bytes], reference: str, tmp_path: Path) -> None:
    """What nlmon wrote of a recording is equivalent to what it makes of it, in both forms in which it writes."""
    found = report([form(event) for event in events(implementation=reference)], tmp_path, reference)

    assert (found.verdict, found.reason, sum(found.answers.values())) == ("equivalent", "", 0)


def test_short_lines_are_enough(tmp_path: Path) -> None:
    """Kind, type and fields make an event; the rest of the header is that of the message."""
    ready = b'{"ready":{"name":"mine","version":"1.2","netlink":[0]}}\n'
    found = report([ready, *map(short, events()), bye(len(events()))], tmp_path)

    assert (found.verdict, found.reason) == ("equivalent", "")


LINES = [decoded(event) for event in events()]
ALL = len(LINES)
MTU = next(at for at, line in enumerate(LINES) if b'"mtu":1500' in line)
OTHER = [decoded(event) for event in events(CAPTURES / "02-route-topology.pcap.zst")]
READY = b'{"ready":{"name":"mine"}}\n'
MADE_UP = re.sub(rb'"timestamp":\d+', b'"timestamp":1', LINES[MTU].replace(b'"ifindex":', b'"ifindex":9'))
LATER = f"frame {events()[ALL // 2].frame}"
# What a program, or who copied its log, does wrong: the log, the verdict, what the reason says, and the differences.
ZOO: dict[str, tuple[list[bytes], str, str, dict[str, int]]] = {
    "silent": ([], "error", "NLM-N053: mine.jsonl has no event", {"missing": ALL, "state": 7, "crash": 1}),
    "crashes midway": (
        LINES[: ALL // 2],
        "error",
        f"NLM-N058: mine.jsonl says nothing of the last 72 messages, from {LATER} on: it may have been cut",
        {"missing": 72, "state": 48, "crash": 1},
    ),
    "cut in a line": (
        [*LINES[: ALL // 2], LINES[ALL // 2][:50]],
        "error",
        f"NLM-N056: mine.jsonl ends in the middle of line {ALL // 2 + 1}",
        {"missing": 72, "state": 48, "crash": 1},
    ),
    "garbage": (
        [*LINES[:5], b"panic: \xff\x1b[31m\n", *LINES[5:]],
        "error",
        "NLM-N052: mine.jsonl: line 6 is no event: 'panic: ",
        {"crash": 1},
    ),
    "lies about its version": (
        [b'{"ready":{"protocol":2}}\n', *LINES],
        "error",
        "NLM-N060: mine.jsonl is of version 2",
        {"crash": 1},
    ),
    "lies about its count": (
        [*LINES[:-1], bye(ALL)],
        "error",
        f"NLM-N056: mine.jsonl has {ALL - 1} events and says that there were {ALL}",
        {"missing": 1, "state": 1, "crash": 1},
    ),
    "drops the last": (
        LINES[:-1],
        "error",
        f"NLM-N058: mine.jsonl says nothing of the last message, from frame {events()[-1].frame} on",
        {"missing": 1, "state": 1, "crash": 1},
    ),
    "drops the last, and says that this is all": (
        [*LINES[:-1], bye(ALL - 1)],
        "regression",
        "1 missing, 1 state",
        {"missing": 1, "state": 1},
    ),
    "drops one": ([*LINES[: ALL // 2], *LINES[ALL // 2 + 1 :]], "regression", "1 missing", {"missing": 1}),
    "drops every other": (
        [*LINES[::2], bye(len(LINES[::2]))],
        "regression",
        "71 missing, 14 state",
        {"missing": 71, "state": 14},
    ),
    "reorders": (
        [*LINES[:20], LINES[21], LINES[20], *LINES[22:]],
        "error",
        "NLM-N057: mine.jsonl: line 22 belongs to a message before that of line 21",
        {"crash": 1},
    ),
    "duplicates": ([*LINES[:20], LINES[19], *LINES[20:]], "equivalent", "", {"duplicate": 1}),
    "gives a wrong value": (
        [*LINES[:MTU], LINES[MTU].replace(b'"mtu":1500', b'"mtu":1501'), *LINES[MTU + 1 :]],
        "regression",
        "1 conflict",
        {"conflict": 1},
    ),
    "does not know a field": (
        [line.replace(b'"mtu":1500,', b"") for line in LINES],
        "regression",
        "2 loss",
        {"loss": 2},
    ),
    "goes on behind its end": (
        [*LINES[:20], bye(20), *LINES[20:]],
        "error",
        "NLM-N063: mine.jsonl: line 22 stands behind bye",
        {"missing": 1, "crash": 1},
    ),
    "is of two runs": (
        [READY, *LINES[:20], READY, *LINES[20:]],
        "error",
        "NLM-N063: mine.jsonl: line 22 says ready behind another",
        {"crash": 1},
    ),
    "makes one up of another time": (
        [*LINES[:30], MADE_UP, *LINES[30:]],
        "error",
        "NLM-N055: mine.jsonl: line 31 (RTM_NEWLINK of ifindex 9",
        {"crash": 1},
    ),
    "reads nothing": (
        [b'{"ready":{"netlink":[]}}\n', *LINES],
        "error",
        "NLM-N054: no line of mine.jsonl belongs to a message",
        {"missing": ALL, "state": 7, "crash": 1},
    ),
    "names a protocol by a word": (
        [b'{"ready":{"groups":{"route":[1]}}}\n', *LINES],
        "error",
        "NLM-N052: mine.jsonl: line 1 is no event: ",
        {"crash": 1},
    ),
    "nests without end": (
        [*LINES, b'{"kind":"link","fields":' + b"[" * 100_000 + b"\n"],
        "error",
        f"NLM-N052: mine.jsonl: line {ALL + 1} is no event: ",
        {"crash": 1},
    ),
    "makes one up": (
        [*LINES[:30], LINES[MTU].replace(b'"ifindex":', b'"ifindex":9'), *LINES[30:]],
        "error",
        "NLM-N055: mine.jsonl: line 31 (RTM_NEWLINK of ifindex 9",
        {"crash": 1},
    ),
}


@pytest.mark.parametrize("one", one_in(3, ZOO))
def test_what_is_wrong_is_never_agreement(one: str, tmp_path: Path) -> None:
    """Each mistake has its verdict, its text and its differences, and no others."""
    log, verdict, reason, differences = ZOO[one]
    found = report(log, tmp_path)

    assert (found.verdict, found.reason[: len(reason)], found.differences) == (verdict, reason, differences)


def test_the_log_of_another_host_is_none(tmp_path: Path) -> None:
    """Lines about other objects belong to no message."""
    found = report(OTHER, tmp_path)

    assert (found.verdict, found.reason[:31]) == ("error", "NLM-N055: mine.jsonl: line 1 (R")


def test_a_log_may_begin_before_the_recording_and_end_behind_it(tmp_path: Path) -> None:
    """What a line says itself to be of another time is counted, where the program had the recording's clock."""
    found = report([*LINES, *OTHER], tmp_path)
    notes = [note for note in found.notes if "outside" in note]

    assert (found.verdict, len(notes)) == ("equivalent", 1)
    assert f"{len(OTHER):,} lines are of a time outside of the recording" in notes[0]


def test_names_that_no_event_has_are_noted(tmp_path: Path) -> None:
    """Of a line with how many there are, and those that only the first line has."""
    ready = b'{"ready":{"absent":{"link.mtuu":0}}}\n'
    lines = [line.replace(b'"fields":{', b'"fields":{"colour":1,"x-own":1,') for line in map(short, events()[:1])]
    found = report([ready, *lines, *LINES[1:]], tmp_path)
    (kind,) = {kind_name(event.payload) for event in events()[:1]}
    notes = [note.partition(" gives ")[2] for note in found.notes if "no event of nlmon has" in note]

    assert notes == [f"what no event of nlmon has: {kind}.colour (1), link.mtuu (in ready)"]


def test_a_failure_at_the_end_is_of_no_datagram(tmp_path: Path) -> None:
    """What is wrong with a log does not say that a message went without an answer."""
    found = report(ZOO["drops the last"][0], tmp_path)

    assert [note for note in found.notes if "without an answer" in note] == []


def test_of_nothing_nothing_is_right(tmp_path: Path) -> None:
    """A recording without an event and a log without one have nothing to disagree about, which is not agreement."""
    nothing = CAPTURES / "08-tc.pcap.zst"
    (tmp_path / "mine.jsonl").write_bytes(READY + bye(0))
    given = ReplayOptions("libnl", f"events:{tmp_path}/mine.jsonl")
    found = replay_path(str(nothing), nothing.name, given).report

    assert (found.verdict, found.differences) == ("inconclusive", {})


def test_two_logs_are_two_implementations(tmp_path: Path) -> None:
    """They are compared with each other; a log with itself says nothing."""
    for name, lines in (("a", LINES), ("b", ZOO["gives a wrong value"][0])):
        (tmp_path / f"{name}.jsonl").write_bytes(b"".join(lines))
    verdicts = []
    for names in ("ab", "aa"):
        one, other = (f"events:{tmp_path}/{name}.jsonl" for name in names)
        verdicts.append(replay_path(str(BASIC), BASIC.name, ReplayOptions(one, other)).report.verdict)

    assert verdicts == ["regression", "inconclusive"]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_log_may_be_compressed(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """As a capture may be."""
    assert report([pack(b"".join(LINES))], tmp_path).verdict == "equivalent"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_log_that_is_cut_cannot_be_read(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """It is an error that names the file, and no traceback."""
    whole = pack(b"".join(LINES))
    with pytest.raises(InputError) as caught:
        report([whole[: len(whole) // 2]], tmp_path)

    assert (caught.value.code, caught.value.where) == ("NLM-N050", str(tmp_path / "mine.jsonl"))


def test_a_log_that_grows_without_end_when_it_is_unpacked_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before all of it is held."""
    (tmp_path / "mine.jsonl.gz").write_bytes(gzip.compress(bytes(8 << 20)))
    monkeypatch.setattr(logfile, "LARGEST", 1 << 20)

    with pytest.raises(InputError, match="more than 1,048,576 bytes"):
        logfile.read_log("mine.jsonl.gz", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [("missing.jsonl", {}, "NLM-N050"), ("mine.jsonl", {"caches": ("link",)}, "NLM-N059")],
)
def test_what_cannot_be_compared_is_refused(
    name: str, options: dict[str, tuple[str, ...]], code: str, tmp_path: Path
) -> None:
    """A log that is not there, and options by which events come without a message."""
    (tmp_path / "mine.jsonl").write_bytes(LINES[0])
    given = ReplayOptions("libnl", f"events:{tmp_path / name}", backend=BackendOptions(**options))  # type: ignore[arg-type]
    with pytest.raises((InputError, UsageError)) as caught:
        replay_path(str(BASIC), BASIC.name, given)

    assert caught.value.code == code


def test_a_scenario_names_a_log_of_its_folder(tmp_path: Path) -> None:
    """A log beside a scenario that has a capture is compared as an implementation of it."""
    (tmp_path / "mine.jsonl").write_bytes(b"".join(LINES))
    (tmp_path / BASIC.name).write_bytes(BASIC.read_bytes())
    text = f"""scenario: 1
id: own.log
title: A log says what libnl says.
authority: ["rtnetlink(7)"]
capture: {{path: {BASIC.name}}}
implementations: [libnl, "events:mine.jsonl"]
expect: {{verdict: {{migrate: equivalent, rollback: equivalent}}}}
"""
    (tmp_path / "log.yaml").write_text(text, encoding="utf-8")
    ran = nlmon("run", str(tmp_path / "log.yaml"))

    assert (ran.returncode, ran.stdout.splitlines()[-1][:8]) == (0, "2 passed"), ran.stdout + ran.stderr
