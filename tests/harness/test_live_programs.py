"""A program that runs beside stands for an implementation: tiny programs, each with one mistake, and what is said."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.registry import create
from nlmon.cli.live import _listen
from nlmon.compare.sequences import Aligned, align_log
from nlmon.engine import program_lane
from nlmon.engine.live import Live
from nlmon.engine.summary import live_reports
from nlmon.errors import HarnessError, UsageError
from nlmon.eventjson.write import event_to_json
from nlmon.events import Event
from nlmon.harness.live import AT_ONCE, LiveProgram
from nlmon.harness.program import CHUNK
from nlmon.report.model import CaptureReport
from nlmon.testing.messages import addr, link, message
from nlmon.testing.transport import ROUTE, FakeKernel
from nlmon.transport.kernel.waiting import readable
from nlmon.wire import Datagram
from support.command import nlmon

NEWLINK, NEWADDR = 16, 20
SENT = [message(NEWLINK, link(1, "a")), message(NEWADDR, addr(1, "192.0.2.1")), message(NEWLINK, link(2, "b"))]
READY = b'{"ready":{"name":"mine","netlink":[0]}}\n'


def lines() -> list[bytes]:
    """What libnl makes of what is sent."""
    backend = LibnlBackend(FakeKernel())
    events = [event for data in SENT for event in backend.decode(Datagram(0, 0, ROUTE, data)).events]
    return [event_to_json(event) + b"\n" for event in events]


LINES = lines()


def program(folder: Path, printed: Sequence[bytes], then: str = "exec sleep 60") -> str:
    """A program that prints lines, all at once, and then does something; its name."""
    (folder / "printed").write_bytes(b"".join(printed))
    (folder / "program").write_text(f"cat {folder}/printed\n{then}\n", encoding="utf-8")
    return f"live:sh {folder}/program"


@contextlib.contextmanager
def beside(name: str) -> Iterator[tuple[LiveProgram, Live, FakeKernel]]:
    """A program and libnl that listen to a scripted kernel."""
    kernel = FakeKernel()
    with contextlib.closing(LiveProgram(name)) as started:
        live = Live(LibnlBackend, started, factory=lambda: kernel)
        live.start((ROUTE,))
        yield started, live, kernel


def drain(live: Live) -> None:
    """Both have read all, or have waited long enough."""
    while True:
        while live.read(0, ROUTE) or live.read(1, ROUTE):
            pass
        if not live.waiting:
            return
        readable(live.programs.descriptors, live.programs.due(60.0))


def over(live: Live) -> CaptureReport:
    """The report, at the end."""
    drain(live)
    live.finish()
    return live_reports(live, "live", kernel="")[0]


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_lane, "PATIENCE", 0.2)


# What a program prints, what it does then, the verdict, what the reason says, and the differences.
ZOO: dict[str, tuple[list[bytes], str, str, str, dict[str, int]]] = {
    "good": (LINES, "exec sleep 60", "equivalent", "", {}),
    "silent": ([], "exec sleep 60", "error", "NLM-N053: NAME printed no event", {"missing": 3, "state": 3, "crash": 1}),
    "crashes midway": (
        LINES[:1],
        "echo out of luck >&2; exit 7",
        "error",
        "NLM-N003: sh FOLDER/program ended with status 7 (line 3 of its output): out of luck",
        {"missing": 2, "state": 2, "crash": 1},
    ),
    "garbage": (
        [LINES[0], b"panic\n", *LINES[1:]],
        "exec sleep 60",
        "error",
        "NLM-N052: NAME: line 3 is no event: 'panic'",
        {"crash": 1},
    ),
    "drops the last": (LINES[:-1], "exec sleep 60", "regression", "1 missing, 1 state", {"missing": 1, "state": 1}),
    "reorders": (
        [LINES[1], LINES[0], LINES[2]],
        "exec sleep 60",
        "error",
        "NLM-N057: NAME: line 3 belongs to a message before that of line 2",
        {"crash": 1},
    ),
    "duplicates": (
        [LINES[0], LINES[0], *LINES[1:]],
        "exec sleep 60",
        "error",
        "NLM-N055: NAME: line 3 (RTM_NEWLINK of ifindex 1) belongs to no message that waited for it",
        {"crash": 1},
    ),
    "was started again": (
        [LINES[0], READY, *LINES[1:]],
        "exec sleep 60",
        "error",
        "NLM-N063: NAME: line 3 says ready behind another",
        {"crash": 1},
    ),
    "gives a wrong value": (
        [LINES[0].replace(b'"ifname":"a"', b'"ifname":"x"'), *LINES[1:]],
        "exec sleep 60",
        "regression",
        "1 conflict, 1 state",
        {"conflict": 1, "state": 1},
    ),
}


@pytest.mark.parametrize("one", ZOO)
def test_what_a_program_does_wrong_is_never_agreement(one: str, tmp_path: Path) -> None:
    """Each mistake has its verdict, its text and its differences; of the good one there are none."""
    printed, then, verdict, reason, differences = ZOO[one]
    name = program(tmp_path, [READY, *printed], then)
    with beside(name) as (started, live, kernel):
        if then.startswith("echo"):
            os.waitid(os.P_PID, started._program._process.pid, os.WEXITED | os.WNOWAIT)
        for data in SENT:
            kernel.notify(data)
        found = over(live)
    said = reason.replace("NAME", name).replace("FOLDER", str(tmp_path))

    assert (found.verdict, found.reason[: len(said)], found.differences) == (verdict, said, differences)


def test_one_that_is_slow_is_said_to_be(tmp_path: Path) -> None:
    """A line that comes when its message has waited long enough is of none, and the event is missing."""
    os.mkfifo(tmp_path / "gate")
    name = program(tmp_path, [READY, *LINES[:2]], f"cat {tmp_path}/gate; exec sleep 60")
    with beside(name) as (started, live, kernel):
        for data in SENT:
            kernel.notify(data)
        drain(live)
        (tmp_path / "gate").write_bytes(LINES[2])
        readable(started.descriptors, 60.0)
        found = over(live)

    assert (found.verdict, found.differences) == ("error", {"missing": 1, "state": 1, "crash": 1})
    assert found.reason.startswith(f"NLM-N055: {name}: line 4 (RTM_NEWLINK of ifindex 2) belongs to no message")


@pytest.mark.parametrize(
    ("printed", "then", "code", "said"),
    [
        ([], "echo no libfoo.so >&2; exit 3", "NLM-N003", "ended with status 3 (line 1 of its output): no libfoo.so"),
        ([LINES[0]], "exec sleep 60", "NLM-N062", "does not say that it is ready"),
        ([b'{"ready":{"protocol":2}}\n'], "exec sleep 60", "NLM-N060", "is of version 2"),
        ([], "exec sleep 60", "NLM-N004", "gave no answer in 0.3 s"),
    ],
    ids=["crashes at start", "not ready", "lies about its version", "never ready"],
)
def test_one_that_does_not_begin_is_refused(
    printed: list[bytes], then: str, code: str, said: str, tmp_path: Path
) -> None:
    """It is ended, and what it wrote to standard error is shown."""
    with pytest.raises(HarnessError) as caught:
        LiveProgram(program(tmp_path, printed, then), timeout=0.3 if code == "NLM-N004" else 60.0)

    assert (caught.value.code, said in str(caught.value)) == (code, True)


def test_it_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """Its group goes with it."""
    name = program(tmp_path, [READY], f"sleep 60 & echo $! > {tmp_path}/pid; cat {tmp_path}/gate; wait")
    os.mkfifo(tmp_path / "gate")
    started = LiveProgram(name)
    (tmp_path / "gate").write_bytes(b"")
    number = int((tmp_path / "pid").read_text(encoding="ascii"))
    handle = os.pidfd_open(number)
    started.close()
    ended = readable([handle], 60.0)
    os.close(handle)

    assert ended == [handle]


@pytest.mark.parametrize("name", ["live:mine", "events:mine.jsonl"])
def test_without_bytes_none_decodes(name: str) -> None:
    """Where datagrams are to be decoded, a log and a program beside are refused."""
    with pytest.raises(UsageError) as caught:
        create(name, FakeKernel())

    assert caught.value.code == "NLM-N051"


@pytest.mark.slow
def test_a_line_long_before_its_message_is_of_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who prints what is expected beforehand has not received it."""
    with beside(program(tmp_path, [READY, *LINES])) as (started, live, kernel):
        kernel.notify(SENT[0])
        drain(live)
        due = live.programs.due(None)
        monkeypatch.setattr(started, "now", lambda: time.monotonic() + 1.0)
        live.programs.look(live.read)
        for data in SENT[1:]:
            kernel.notify(data)
        monkeypatch.undo()
        found = over(live)

    assert due is not None
    assert (found.verdict, found.differences) == ("error", {"missing": 2, "state": 2, "crash": 1})
    assert "line 3 (RTM_NEWADDR of ifindex 1, addr 192.0.2.1) belongs to no message" in found.reason


def test_lines_of_a_time_before_are_noted(tmp_path: Path) -> None:
    """What it printed before its first line of a message that was read is counted, and not compared."""
    older = LINES[0].replace(b'"ifindex":1', b'"ifindex":7')
    with beside(program(tmp_path, [READY, older, older, *LINES])) as (started, live, kernel):
        for data in SENT:
            kernel.notify(data)
        found = over(live)
    notes = [note for note in found.notes if "outside" in note]

    assert found.verdict == "equivalent"
    assert notes == [f"{started.name}: 2 lines are of a time outside of the comparison, and not compared"]


def test_a_burst_is_aligned_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not once for each of its datagrams."""
    aligned: list[int] = []

    def counted(messages: Sequence[Event], lines: Sequence[Event]) -> Aligned:
        aligned.append(len(messages))
        return align_log(messages, lines)

    monkeypatch.setattr(program_lane, "align_log", counted)
    monkeypatch.setattr(program_lane, "PATIENCE", 60.0)
    with beside(program(tmp_path, [READY, *LINES * 100])) as (_, live, kernel):
        for data in SENT * 100:
            kernel.notify(data)
        found = over(live)

    assert (found.verdict, found.frames, found.differences) == ("equivalent", 300, {})
    assert sum(aligned) <= 10 * 300


def test_what_is_closed_is_not_waited_for(tmp_path: Path) -> None:
    """A program without standard error does not keep nlmon awake."""
    with beside(program(tmp_path, [READY], "exec 2>&-; exec sleep 60")) as (started, live, _):
        while len(started.descriptors) > 1:  # it may have closed that before or behind its first line
            readable(started.descriptors, 10.0)
            live.programs.look(live.read)

        assert readable(started.descriptors, 0.0) == []


def flood(folder: Path) -> str:
    """The name of a program that prints one event for ever, without pause."""
    return program(folder, [READY], f"exec yes '{LINES[0].decode().strip()}'")


def test_one_that_never_pauses_is_read_a_part_at_a_time(tmp_path: Path) -> None:
    """So that what it has printed is looked at, and the sockets are."""
    with contextlib.closing(LiveProgram(flood(tmp_path))) as started:
        readable(started.descriptors, 60.0)
        parts = [sum(line.size + 1 for line in started.lines()) for _ in range(3)]

    assert [part for part in parts if part >= AT_ONCE + CHUNK + len(LINES[0])] == []
    assert (started.failure, started.reader.number > 1) == (None, True)


def test_the_end_of_a_duration_does_not_wait_for_a_pause(tmp_path: Path) -> None:
    """A comparison ends, though something can always be read."""
    wake, other = socket.socketpair()
    with wake, other, beside(flood(tmp_path)) as (started, live, _):
        readable(started.descriptors, 60.0)
        _listen(live, wake, count=None, duration=0.0)

    assert started.failure is None


@pytest.mark.parametrize(("bound", "most"), [("LINES_KEPT", "100 lines"), ("BYTES_KEPT", "100 bytes")])
def test_what_no_message_comes_for_is_kept_up_to_a_bound(
    bound: str, most: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By lines, and by bytes: a few may be very long. Beyond it the program is not read on, which is no agreement."""
    monkeypatch.setattr(program_lane, bound, 100)
    with beside(flood(tmp_path)) as (started, live, kernel):
        for data in SENT:
            kernel.notify(data)
        while started.running:
            readable(started.descriptors, 60.0)
            live.programs.look(live.read)
        found = over(live)

    assert found.verdict == "error"
    assert found.reason.startswith(f"NLM-N050: {started.name} prints more than {most} that no message has come for")


def test_a_line_without_end_is_not_read_on(tmp_path: Path) -> None:
    """It is held up to its bound."""
    endless = program(tmp_path, [READY], "exec tr '\\0' x < /dev/zero")
    with contextlib.closing(LiveProgram(endless)) as started:
        found = []
        while started.running:
            readable(started.descriptors, 60.0)
            found += started.lines()

    assert (found, started.failure and started.failure.code) == ([], "NLM-N005")


def test_equal_datagrams_are_told_apart_by_their_order(tmp_path: Path) -> None:
    """The same bytes three times are three events, each in its own datagram."""
    with beside(program(tmp_path, [READY, *[LINES[0]] * 3])) as (_, live, kernel):
        for _ in range(3):
            kernel.notify(SENT[0])
        found = over(live)

    assert (found.verdict, found.frames, found.differences) == ("equivalent", 3, {})


def test_faults_of_sockets_are_not_asked_of_a_program_that_has_its_own(tmp_path: Path) -> None:
    """What nlmon's sockets lose, those of the program receive, and its lines would be blamed."""
    text = """scenario: 1
id: own.fault
title: A link that is lost.
authority: ["netlink(7)"]
needs: {live: true, devices: [veth]}
implementations: [libnl, "live:./mine"]
steps: [ip link add d0 type veth peer name d1]
faults: [{drop: {at: 1}}]
expect: {verdict: {migrate: lossy}}
"""
    (tmp_path / "fault.yaml").write_text(text, encoding="utf-8")
    ran = nlmon("run", str(tmp_path / "fault.yaml"), "--allow-run")

    assert (ran.returncode, ran.stdout.splitlines()[0].split(":")[0]) == (4, "skipped  own.fault"), ran.stdout
    assert "live:./mine has its own" in ran.stdout
