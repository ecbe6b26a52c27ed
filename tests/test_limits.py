"""Hostile captures: what they make nlmon hold is bounded, and what a bound leaves out is said.

Peaks are those of a process of its own, in which a capture is generated, and not of a stored file.

Not here: damage (``tests/capture``).
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections import Counter
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.capture.base import Batch
from nlmon.capture.segment import NOTIFICATION, Segment
from nlmon.capture.segmenter import Segmenter
from nlmon.capture.tally import FURTHER, Tally
from nlmon.cli.bounds import interruption
from nlmon.engine.bounds import Bounds, Watch
from nlmon.engine.replay import Replay
from nlmon.engine.summary import capture_reports
from nlmon.limits import BYTES_HELD, INTERFACES_KEPT, KINDS_KEPT, count_kinds
from nlmon.testing.messages import attr, link, message, number, route
from nlmon.transport.recorded import kernel, objects
from nlmon.transport.recorded.faults import Fault
from nlmon.wire import Datagram, Datagrams
from support.bombs import NAMES, write_bomb, write_pcap
from support.command import nlmon
from support.paths import REPOSITORY
from support.sampled import one_in

MIB = 1 << 20
# What a replay of an ordinary capture takes beside its objects, and the most of any file below 16 MiB.
LEAST, MOST = 64 * MIB, 256 * MIB
PEAK = (
    "import sys\nfrom nlmon.cli.main import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
    "status = open('/proc/self/status').read()\nprint(status.split('VmHWM:')[1].split()[0], file=sys.stderr)"
)
HEADROOM = {
    **dict.fromkeys(("hops", "links of hops"), MOST),
    "open dumps": 96 * MIB,
    **dict.fromkeys(("many messages", "next hops", "dump of hops"), 128 * MIB),
}
# The first one stands for the others in the usual run, since it takes least.
OBJECTS = (
    "metrics",
    "hops",
    "next hops",
    "links of hops",
    "dump of hops",
    "near routes",
    "rules",
    "neighbours",
    "addresses",
)


def peak(*arguments: object) -> int:
    """The most memory that a command had, in bytes."""
    command = [sys.executable, "-c", PEAK, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stderr.split()[-1]) * 1024


def routes(count: int) -> list[bytes]:
    """A link and routes over it."""
    found = [message(16, link(1, "eth1"))]
    found += [message(24, route(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}/32", 1), flags=0x400) for n in range(count)]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", one_in(6, NAMES, pytest.mark.long))
def test_a_replay_of_a_bomb_takes_little_memory(tmp_path: Path, name: str) -> None:
    """A file of two MiB, whatever it holds; a huge datagram has eight."""
    write_bomb(tmp_path / "bomb", name, 2 * MIB)

    assert peak("replay", tmp_path / "bomb", "--format", "json") <= HEADROOM.get(name, LEAST + 16 * MIB)


@pytest.mark.slow
@pytest.mark.parametrize("name", one_in(len(OBJECTS), OBJECTS, pytest.mark.long))
def test_objects_take_little_memory_where_messages_are_lost(tmp_path: Path, name: str) -> None:
    """A file of 15 MiB of objects, which both states, a third one and the recorded kernel hold."""
    write_bomb(tmp_path / "bomb", name, 15 * MIB)
    recovery = ("--recover", "--fault", "overrun@20+3")

    assert peak("replay", tmp_path / "bomb", "--format", "json", *recovery) <= MOST


@pytest.mark.slow
@pytest.mark.parametrize("command", ["replay", "capture info"])
def test_a_file_full_of_interfaces_takes_no_more_memory_than_a_small_one(tmp_path: Path, command: str) -> None:
    """Each section may have 4,096 interfaces, and there may be any number of sections."""
    sizes = []
    for mebibytes in (1, 64):
        write_bomb(tmp_path / "bomb", "interfaces", mebibytes * MIB)
        sizes.append(peak(*command.split(), tmp_path / "bomb", "--format", "json"))

    assert sizes[1] <= sizes[0] + 8 * MIB


def test_interfaces_beyond_a_number_are_said(tmp_path: Path) -> None:
    """Their names are not listed, and a note has how many they are."""
    write_bomb(tmp_path / "bomb", "interfaces", 20 * MIB)
    info = json.loads(nlmon("capture", "info", tmp_path / "bomb", "--format", "json").stdout)

    more = 20 * MIB // 4028 - INTERFACES_KEPT
    note = f"{more:,} interfaces beyond the first {INTERFACES_KEPT:,} are not listed [NLM-L005]"
    assert (len(info["sockets"]), info["notes"]) == (INTERFACES_KEPT, [note])


def test_types_beyond_a_number_are_counted_together(tmp_path: Path) -> None:
    """No message is left out of the counts, in no report."""
    write_pcap(tmp_path / "bomb", 0, [message(200 + n, bytes(4)) for n in range(KINDS_KEPT + 500)])
    info = json.loads(nlmon("capture", "info", tmp_path / "bomb", "--format", "json").stdout)
    stats = nlmon("capture", "stats", tmp_path / "bomb", "--select", "all", "--format", "json", "-i", "legacy")
    both = json.loads(nlmon("replay", tmp_path / "bomb", "--select", "all", "--format", "json").stdout)

    counted = [
        info["protocols"]["NETLINK_ROUTE"],
        json.loads(stats.stdout)["protocols"]["NETLINK_ROUTE"]["unknown"],
        *both["captures"][0]["unknown_types"].values(),
    ]
    assert [(len(one), one["others"], sum(one.values())) for one in counted] == [
        (KINDS_KEPT + 1, 500, KINDS_KEPT + 500)
    ] * 4


def hostile(path: Path) -> None:
    """A capture of 66,000 packets: a protocol for each number, then a type, a family and an object for each number."""
    frames = [(protocol, message(200, bytes(4))) for protocol in range(65_536)]
    frames += [(0, message(200 + n, bytes(4))) for n in range(2000)]
    frames += [(16, message(200 + n, bytes(4))) for n in range(2000)]
    frames += [(0, message(16, link(n, f"eth{n}") + attr(500 + n, bytes(4)))) for n in range(1, 2000)]
    frames += [(0, message(16, link(1, "eth1"), flags=2, seq=9, pid=9))]
    records = []
    for step, (protocol, data) in enumerate(frames):
        head = number("HH10xH", 4, 824, protocol, byteorder="big")
        size = len(head) + len(data)
        records.append(number("IIII", 1_700_000_000, step % 1_000_000, size, size) + head + data)
    path.write_bytes(number("IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 253) + b"".join(records))


@pytest.mark.slow
def test_every_list_of_a_report_has_a_bound(tmp_path: Path) -> None:
    """Whatever a file holds: no list is longer than its bound, and a report of both directions fits into 2 MiB, in
    every form."""
    hostile(tmp_path / "a.pcap")
    files = {form: tmp_path / f"report.{form}" for form in ("json", "jsonl")}
    kept = [word for form, path in files.items() for word in ("--report", f"{form}:{path}")]
    out = nlmon("replay", tmp_path / "a.pcap", "--family", "none", "-v", "--both-ways", *kept).stdout
    texts = {form: path.read_text(encoding="utf-8") for form, path in files.items()} | {"pretty": out}

    assert {form: len(text) for form, text in texts.items() if not 10_000 < len(text) < 2 * MIB} == {}
    capture = json.loads(texts["json"])["captures"][0]
    lengths = {name: len(value) for name, value in capture.items() if isinstance(value, dict | list)}
    for name in ("unknown_types", "problems"):
        lengths |= {f"{name} {label}": len(one) for label, one in capture[name].items()}
    most = {"blind": 4096, "details": 1400, "not_subscribed": 1025, "unannounced": 1000, "groups": 1014}
    assert {name: size for name, size in lengths.items() if size > most.get(name, 1026)} == {}
    assert (len(capture["not_covered"]), capture["not_covered"]["others"]) == (59, 65_536 - 64)
    assert len(capture["reason"]) < 2048


def test_a_protocol_of_a_kernel_is_always_counted_apart() -> None:
    """Though any number of others came before it."""
    tally = Tally()
    for protocol in (*range(65_535, 60_000, -1), 12):
        segment = Segment(NOTIFICATION, Datagrams.of(Datagram(1, 0, protocol, bytes(16))), 1)
        tally.add(segment)

    assert (len(tally.protocols), tally.protocols[12], tally.protocols[FURTHER]) == (66, 1, 5535 - 64)


def test_kinds_that_are_known_are_counted_when_there_is_no_more_room() -> None:
    """Only new ones are others."""
    counts = Counter("ab")
    count_kinds(counts, "abcd", "others", most=2)

    assert counts == {"a": 2, "b": 2, "others": 2}


def test_a_datagram_that_is_too_large_is_not_read_and_said(tmp_path: Path) -> None:
    """What could not be read may hide a difference, so nothing is said about the move; a request hides nothing."""
    small, large = message(16, link(1, "eth1")), message(16, link(1, "eth1")) * 30_000
    verdicts = []
    for name, first in (("notified", b""), ("asked", message(18, bytes(16), flags=0x301, seq=1, pid=1))):
        write_pcap(tmp_path / name, 0, [small, first + large, small])
        done = json.loads(nlmon("replay", tmp_path / name, "--format", "json").stdout)["captures"][0]
        verdicts.append((done["verdict"], done["reason"], done["frames"], done["notes"][0]))

    note = "1 datagram larger than 1,048,576 bytes is not read [NLM-L004]"
    assert verdicts == [
        ("inconclusive", "1 datagram is too large and not read", 2, note),
        ("equivalent", "", 2, note),
    ]


@pytest.mark.parametrize(
    ("option", "code", "what"),
    [
        (("--max-objects", 300), "NLM-L001", "objects are held, more than 300 (--max-objects)"),
        (("--max-messages", 500), "NLM-L002", "it has more than 500 messages (--max-messages)"),
    ],
)
def test_a_bound_ends_a_replay_without_a_verdict(tmp_path: Path, option: tuple[str, int], code: str, what: str) -> None:
    """The report says where and why, and the exit code is that of thin evidence."""
    write_pcap(tmp_path / "a.pcap", 0, routes(5000))
    done = nlmon("replay", tmp_path / "a.pcap", "--format", "json", *option)
    (capture,) = json.loads(done.stdout)["captures"]

    stop = capture["stop"]
    assert (done.returncode, capture["verdict"], stop["code"], stop["what"][-len(what) :]) == (
        *(3, "inconclusive", code, what),
    )
    assert capture["stop"]["frame"] == capture["frames"] < 5001
    assert f"error[{code}]" in done.stderr


@pytest.mark.parametrize("command", ["decode", "capture stats", "capture info", "coverage"])
def test_a_bound_ends_every_other_command_with_its_code(tmp_path: Path, command: str) -> None:
    """They print what they read, of exactly so many messages."""
    write_pcap(tmp_path / "a.pcap", 0, routes(5000))
    done = nlmon(*command.split(), tmp_path / "a.pcap", "--max-messages", 500)

    assert (done.returncode, f"error[NLM-L002]: the capture was read up to frame 500 ({tmp_path}" in done.stderr) == (
        *(3, True),
    )
    assert done.stdout


def test_messages_are_bounded_exactly(tmp_path: Path) -> None:
    """A datagram whose messages do not all fit is not read; the bound itself is allowed."""
    write_pcap(tmp_path / "a.pcap", 0, [message(16, link(1, "eth1")) * 2] * 10)
    found = []
    for most in (1, 2, 3, 19, 20):
        with open_capture(tmp_path / "a.pcap") as reader:
            watch = Watch(Bounds(messages=most), "little")
            frames = sum(len(batch.data) for batch in watch.batches(reader.batches()))
            found.append((frames, watch.stop is not None))

    assert found == [(0, True), (1, True), (1, True), (9, True), (10, False)]


def test_large_objects_are_bounded_by_their_bytes() -> None:
    """Objects are looked at only after messages that may make large ones."""
    watch = Watch(Bounds(), "little")
    watch.look(10, lambda: BYTES_HELD + 1)
    before = watch.stop
    watch._large = 1 << 30
    watch.look(10, lambda: BYTES_HELD + 1)

    assert (before, watch.stop and watch.stop.what) == (None, "objects of more than 64 MiB are held")


@pytest.mark.parametrize("caches", [(), ("link",)], ids=["no cache", "a cache"])
def test_a_link_without_room_accuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caches: tuple[str, ...]
) -> None:
    """What an interface is called is not judged where the recording announced too many, and this is said."""
    monkeypatch.setattr(kernel, "REMEMBERED", 10)
    found = [message(16, link(index, f"eth{index}")) for index in range(1, 21)]
    found += [message(16, link(3, "renamed", mtu=9000)), *(message(36, qdisc(index)) for index in range(1, 21))]
    write_pcap(tmp_path / "a.pcap", 0, found)
    with open_capture(tmp_path / "a.pcap") as reader:
        makers = partial(create, "legacy"), partial(create, "libnl")
        options = BackendOptions(caches=caches, extra_groups=("tc",))
        replay = Replay(*makers, byteorder="little", options=options)
        replay.play(reader)
        replay.finish()
        (report,) = capture_reports(replay, reader, "a.pcap")

    assert (+replay.judge.counts, "names of links" in " ".join(report.notes)) == (Counter(), True)


def qdisc(index: int) -> bytes:
    """The body of a message: ``tcmsg`` and TCA_KIND."""
    return number("BxxxiIII", 0, index, 0x10000, 0xFFFFFFFF, 0) + attr(1, b"fifo\0")


def test_routes_that_are_replaced_are_not_held(tmp_path: Path) -> None:
    """What is known of the losses of a lane, and of what was announced, grows with objects and not with messages."""
    found = [message(24, route("192.0.2.0/24", 1, f"192.0.3.{n}"), flags=0x500) for n in range(1, 200)]
    write_pcap(tmp_path / "a.pcap", 0, found)
    options = BackendOptions(resync=True)
    makers = partial(create, "legacy"), partial(create, "libnl")
    with open_capture(tmp_path / "a.pcap") as reader:
        replay = Replay(*makers, byteorder="little", options=options, faults=(Fault(10, 1),))
        replay.play(reader)

    assert [len(lane.ledger.reported) for lane in replay.lanes] == [0, 1]
    assert replay.held <= 6


@pytest.mark.parametrize(
    ("known", "lost_at", "verdict", "incomplete"),
    [(90, 50, "equivalent", False), (200, 50, "equivalent", False), (200, 150, "inconclusive", True)],
    ids=["room for all", "full after the recovery", "full before the recovery"],
)
def test_what_the_recorded_kernel_has_no_room_for_is_not_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int, lost_at: int, verdict: str, incomplete: bool
) -> None:
    """A table that is full makes a recovery incomplete, which is said; no object is reported as deleted for it."""
    monkeypatch.setattr(objects, "REMEMBERED", 100)
    found = routes(known)
    found[lost_at + 2] = message(25, route("10.0.0.5/32", 1))  # one of those that are lost
    write_pcap(tmp_path / "a.pcap", 0, found)
    gone: list[object] = []
    with open_capture(tmp_path / "a.pcap") as reader:
        libnl, options = partial(create, "libnl"), BackendOptions(resync=True, resync_interval=0.0)
        replay = Replay(
            *(partial(create, "legacy"), libnl),
            byteorder="little",
            options=options,
            faults=(Fault(lost_at, 5),),
            on_side=lambda _, side: gone.extend(e for e in side.events if e.synthetic and e.msg_type == 25),
        )
        replay.play(reader)
        replay.finish()
        (report,) = capture_reports(replay, reader, "a.pcap")

    assert (report.verdict, len(gone)) == (verdict, not incomplete)
    assert ("NLM-T011 the resync after a loss is incomplete" in report.problems["libnl"]) == incomplete
    assert ("lack some: route [NLM-L006]" in " ".join(report.notes)) == (known > 100)


def test_an_interruption_ends_the_reading_and_not_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C: what was read is printed, with the exit code of an interruption and no traceback."""
    write_pcap(tmp_path / "a.pcap", 0, routes(5000))
    add = Replay.add

    def interrupted(replay: Replay, batch: Batch) -> None:
        signal.raise_signal(signal.SIGINT)
        add(replay, batch)

    monkeypatch.setattr(Replay, "add", interrupted)
    done = nlmon("replay", tmp_path / "a.pcap", tmp_path / "a.pcap", "--format", "json")
    (capture,) = json.loads(done.stdout)["captures"]

    assert (done.returncode, capture["verdict"], capture["stop"]["code"]) == (130, "inconclusive", "NLM-L003")
    assert 0 < capture["frames"] == capture["stop"]["frame"] < 5001
    assert done.stderr.splitlines()[-1] == "interrupted: 1 of 2 captures not replayed"


@pytest.mark.parametrize("command", ["decode", "capture stats", "capture info", "coverage"])
def test_every_other_command_prints_what_it_read_before_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """The error has a code and names the last frame."""
    write_pcap(tmp_path / "a.pcap", 0, routes(5000))
    segments = Segmenter.segments

    def interrupted(*arguments: Any, **options: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return segments(*arguments, **options)

    monkeypatch.setattr(Segmenter, "segments", interrupted)
    done = nlmon(*command.split(), tmp_path / "a.pcap")

    assert (done.returncode, "error[NLM-L003]" in done.stderr, done.stdout != "") == (130, True, True)


def test_the_second_interruption_is_one() -> None:
    """Who presses Ctrl-C again does not want to wait, and afterwards the handler is that of before."""
    before = signal.getsignal(signal.SIGINT)
    with interruption() as interrupted:
        found = [interrupted()]
        signal.raise_signal(signal.SIGINT)
        found.append(interrupted())
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    assert (found, signal.getsignal(signal.SIGINT)) == ([False, True], before)


def test_every_bound_of_the_page_is_that_of_the_code() -> None:
    """``docs/reference/limits.md`` has a row for each, with its place and its value."""
    page = (REPOSITORY / "docs" / "reference" / "limits.md").read_text()
    rows = re.findall(r"^\| .* \| `([\w.]+)\.([A-Z_\d]+)` \| ([\d,]+) ", page, re.MULTILINE)
    stated = {(module, name): int(value.replace(",", "")) for module, name, value in rows}

    assert len(stated) >= 30
    assert {key: getattr(import_module(f"nlmon.{key[0]}"), key[1]) for key in stated} == stated


def test_every_bound_of_the_code_is_on_the_page() -> None:
    """Whatever is called a bound on what is kept has its row: names that end in KEPT or REMEMBERED."""
    page = (REPOSITORY / "docs" / "reference" / "limits.md").read_text()
    stated = set(re.findall(r"^\| .* \| `([\w.]+\.[A-Z_\d]+)` \| ", page, re.MULTILINE))
    package = REPOSITORY / "nlmon"
    found = set()
    for path in package.rglob("*.py"):
        room = ".".join(path.relative_to(package).with_suffix("").parts)
        for line in path.read_text().splitlines():
            names = re.match(r"[A-Z_]+(, [A-Z_]+)* = [\d\"(]", line)
            found |= {f"{room}.{name}" for name in re.findall(r"\w*(?:KEPT|REMEMBERED)\b", names[0] if names else "")}

    assert len(found) > 20
    assert found - stated == {"scenario.sandbox_root.KEPT", "harness.command.KEPT"}  # names of variables


def test_a_cache_is_bounded_by_its_option() -> None:
    """The page says so, too."""
    assert BackendOptions().cache_size == 65_536
