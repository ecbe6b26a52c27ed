"""Captures as tasks: any executor gives what one process gives, in the order of the captures."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from nlmon import __version__
from nlmon.capture import open_capture
from nlmon.errors import CaptureError, PlatformError
from nlmon.jobs import work
from nlmon.jobs.order import replay_captures
from nlmon.jobs.processes import Processes
from nlmon.jobs.work import Outcome, ReplayOptions, replay_reader
from support.paths import FIXTURES
from support.workers import Around, die_on, make_a_mistake

pytestmark = pytest.mark.slow

CAPTURES = FIXTURES / "captures" / "linux-6.12"
SMALL = sorted(path for path in CAPTURES.glob("*.pcap.zst") if path.stat().st_size < 20_000)
BURST = CAPTURES / "07-burst.pcap.zst"


class Here(Executor):
    """Carries out every task at once, in this process."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **options))
        except Exception as error:
            future.set_exception(error)
        return future


EXECUTORS: dict[str, Callable[[], Executor]] = {
    "threads": partial(ThreadPoolExecutor, 3),
    "a pool of processes": partial(ProcessPoolExecutor, 2, multiprocessing.get_context("spawn")),
    "processes": partial(Processes, 2),
}


def facts(outcome: Outcome) -> tuple[object, ...]:
    """An outcome as values that can be compared."""
    error = outcome.error
    return outcome.report, error and (type(error), str(error), vars(error)), b"".join(outcome.lines())


def corpus(folder: Path) -> list[Path]:
    """Captures, among them one that is missing, one that is none, one that is damaged and one that is named twice."""
    text, half = folder / "notes.txt", folder / "half.pcap.zst"
    text.write_text("not a capture", encoding="utf-8")
    half.write_bytes(SMALL[0].read_bytes()[:-3000])
    return [SMALL[1], folder / "missing.pcap", *SMALL, text, half, SMALL[1]]


@pytest.mark.parametrize("name", EXECUTORS)
def test_any_executor_gives_what_one_process_gives(tmp_path: Path, name: str) -> None:
    """Reports, errors and lines are the same and in the order of the captures."""
    captures, options = corpus(tmp_path), ReplayOptions(lines=True)
    with EXECUTORS[name]() as executor:
        found = [facts(outcome) for outcome in replay_captures(captures, options, executor)]

    assert found == [facts(outcome) for outcome in replay_captures(captures, options, Here())]
    assert [report.path for report, _, _ in found] == list(map(str, captures))  # type: ignore[attr-defined]
    assert [error and error[0] for _, error, _ in found].count(CaptureError) == 2  # type: ignore[index]


@cache
def one_by_one() -> tuple[list[object], bytes]:
    """Reports and lines of the small captures where legacy is wrong, as one process finds them."""
    reports: list[object] = []
    lines: list[bytes] = []

    def replay(path: Path) -> None:
        with open_capture(path) as reader:
            reports.extend(replay_reader(reader, path, ReplayOptions(), on_line=lines.append))

    for path in SMALL:
        make_a_mistake(replay, path)
    return reports, b"".join(lines)


@pytest.mark.parametrize("name", ["a pool of processes", "processes"])
def test_differences_come_as_the_lines_of_one_process(name: str) -> None:
    """Every difference is a line, in order; the reports say the same of them."""
    reports, lines = one_by_one()
    with EXECUTORS[name]() as inner:
        found = list(replay_captures(SMALL, ReplayOptions(lines=True), Around(inner, make_a_mistake)))

    assert [outcome.report for outcome in found] == reports
    assert b"".join(piece for outcome in found for piece in outcome.lines()) == lines
    assert lines.count(b"\n") > 100


def test_lines_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long they are, no more than a piece is in memory at once."""
    monkeypatch.setattr(work, "CHUNK", 1000)
    (outcome,) = replay_captures(SMALL[:1], ReplayOptions(lines=True), Around(Here(), make_a_mistake))
    pieces = list(outcome.lines())

    assert (max(map(len, pieces)), b"".join(pieces).count(b"\n") > 10, len(pieces) > 10) == (1000, True, True)


def test_the_largest_begins_first(tmp_path: Path) -> None:
    """So that no worker is left alone with it at the end; what is not here comes last, equals in their order."""
    sizes = {"a": 10, "b": 300, "c": 10, "d": 20}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    executor = Around(Here(), lambda function, *arguments: function(*arguments))
    found = list(replay_captures([tmp_path / name for name in ("none", *sizes)], ReplayOptions(), executor))

    assert [Path(path).name for path, *_ in executor.submitted] == ["b", "d", "a", "c", "none"]
    assert [Path(outcome.report.path).name for outcome in found] == ["none", *sizes]


def test_a_lost_worker_costs_its_capture_alone() -> None:
    """One error that names it and what to do; every other capture has its report."""
    with Processes(2) as inner:
        found = list(replay_captures(SMALL, ReplayOptions(), Around(inner, partial(die_on, SMALL[1].name))))
    whole = list(replay_captures(SMALL, ReplayOptions(), Here()))

    assert [facts(outcome) for outcome in found if outcome is not found[1]] == [
        facts(outcome) for outcome in whole if outcome is not whole[1]
    ]
    error = found[1].error
    assert isinstance(error, PlatformError)
    assert str(error) == (
        f"NLM-J001: the process that replayed the capture is gone ({SMALL[1]}): it was killed, or memory ran out; "
        "replay it by itself, or with fewer --jobs"
    )
    assert (found[1].report.verdict, found[1].report.reason) == ("error", error.what)


def test_a_pool_that_breaks_is_reported_for_every_capture() -> None:
    """A pool of the standard library gives up all; each capture says so, and none raises."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as inner:
        dying = Around(inner, partial(die_on, ".zst"))
        first = list(replay_captures(SMALL, ReplayOptions(), dying))
        again = list(replay_captures(SMALL, ReplayOptions(), dying))  # now it refuses at once

    assert [outcome.error and outcome.error.code for outcome in first + again] == ["NLM-J001"] * 2 * len(SMALL)


def test_a_worker_of_another_version_is_refused() -> None:
    """Before it replays anything, with both versions."""
    with Processes(1) as executor, pytest.raises(PlatformError) as caught:
        list(replay_captures(SMALL, ReplayOptions(version="9.9"), executor))

    assert caught.value.code == "NLM-J002"
    assert caught.value.why == f"it has {__version__} and the task is of 9.9"


def fail_on(name: str, function: Callable[..., Any], target: str, *arguments: Any) -> Any:
    """A bug that one capture brings to light."""
    if target.endswith(name):
        raise ZeroDivisionError
    return function(target, *arguments)


def test_a_bug_is_raised_when_its_turn_comes() -> None:
    """What one process would have reported before it is reported."""
    reports = replay_captures(SMALL, ReplayOptions(), Around(Here(), partial(fail_on, SMALL[2].name)))
    first = [next(reports).report.path for _ in range(2)]
    with pytest.raises(ZeroDivisionError):
        next(reports)

    assert first == list(map(str, SMALL[:2]))


class Only(Here):
    """Carries out the task of one capture, and begins no other."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: list[Future[Any]] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        if arguments[0].endswith(self.name):
            return super().submit(function, *arguments, **options)
        self.waiting.append(Future())
        return self.waiting[-1]


def test_leaving_early_withdraws_what_has_not_begun() -> None:
    """Once the iterator is closed, nobody needs the rest."""
    executor = Only(SMALL[0].name)
    reports: Any = replay_captures(SMALL, ReplayOptions(), executor)
    next(reports)
    before = [future.cancelled() for future in executor.waiting]
    reports.close()

    assert before == [False] * (len(SMALL) - 1)
    assert [future.cancelled() for future in executor.waiting] == [True] * (len(SMALL) - 1)


def test_every_end_is_reported() -> None:
    """``on_done`` gets the index of each capture once, however it ended."""
    done: list[int] = []
    captures = [SMALL[0], Path("nowhere"), SMALL[1]]
    with Processes(2) as inner:
        dying = Around(inner, partial(die_on, SMALL[1].name))
        list(replay_captures(captures, ReplayOptions(), dying, on_done=done.append))

    assert sorted(done) == [0, 1, 2]


def test_what_travels_is_small() -> None:
    """The options to a worker, and back the report of a recording with tens of thousands of messages."""
    (outcome,) = replay_captures([BURST], ReplayOptions(lines=True), Here())

    assert pickle.loads(pickle.dumps(ReplayOptions())) == ReplayOptions()
    assert len(pickle.dumps(ReplayOptions())) < 1024
    assert len(pickle.dumps(outcome)) < 64 * 1024


def test_workers_elsewhere_get_whole_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means the same to all; the report keeps it. A missing file says where and what it takes."""
    monkeypatch.chdir(CAPTURES)
    monkeypatch.setattr("socket.gethostname", lambda: "far")
    executor = Around(Here(), lambda function, *arguments: function(*arguments))
    names = [Path(SMALL[0].name), Path("missing.pcap")]
    first, second = replay_captures(names, ReplayOptions(elsewhere=True), executor)

    assert [path for path, *_ in executor.submitted] == [str(CAPTURES / name) for name in names]
    assert (first.report.path, first.report.verdict) == (SMALL[0].name, "equivalent")
    assert str(second.error) == (
        f"NLM-C001: no such file ({CAPTURES / 'missing.pcap'} on far); "
        "a worker opens captures by their path; keep them where all workers see the same"
    )
    assert (second.report.path, second.report.damage and second.report.damage.code) == ("missing.pcap", "NLM-C001")
