"""The loop of a monitor, and what it waits for."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from nlmon.monitor.files import FileWatch
from nlmon.monitor.loop import Loop, Part
from nlmon.monitor.parts import ChangedFiles, Every, Reloads, Signalled

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="poll and inotify are Linux's")


class Pipe:
    """Notes each byte that can be read, and ends the loop at the last one."""

    def __init__(self, parts: list[Part], said: list[str], data: bytes) -> None:
        self.loop = Loop(parts)
        self._said = said
        self._reader, writer = os.pipe()
        os.write(writer, data)
        os.close(writer)

    def descriptors(self) -> Iterable[int]:
        """The end that is read."""
        return (self._reader,)

    def ready(self, descriptor: int) -> None:
        """Read a byte."""
        byte = os.read(self._reader, 1)
        if byte:
            self._said.append(byte.decode())
        else:
            os.close(self._reader)
            self.loop.end("the end of the pipe")

    def due(self) -> None:
        """Never."""

    def tick(self) -> None:
        """Nothing."""


def test_a_part_is_called_when_it_is_ready() -> None:
    """Until one of them ends the loop; why is what ``run`` gives."""
    parts: list[Part] = []
    said: list[str] = []
    pipe = Pipe(parts, said, b"abc")
    parts.append(pipe)

    assert (pipe.loop.run(), said) == ("the end of the pipe", ["a", "b", "c"])


def test_a_duration_ends_it() -> None:
    """Also with nothing to wait for."""
    assert Loop([]).run(0.001) == "the duration"


def test_what_is_due_is_called_again_and_again() -> None:
    """Though no descriptor is ready."""
    parts: list[Part] = []
    loop, calls = Loop(parts), []

    def call() -> None:
        calls.append(1)
        if len(calls) == 3:
            loop.end("three")

    parts.append(Every(0.001, call))

    assert loop.run() == "three"


@pytest.mark.parametrize(
    ("signals", "done"),
    [
        ([signal.SIGTERM], ["end SIGTERM"]),
        ([signal.SIGINT], ["end SIGINT"]),
        ([signal.SIGHUP, signal.SIGHUP], ["reload"]),
        ([signal.SIGHUP, signal.SIGTERM], ["end SIGTERM"]),
    ],
    ids=str,
)
def test_signals(signals: list[signal.Signals], done: list[str]) -> None:
    """SIGHUP reloads, once for however many came; the others end."""
    reader, writer = socket.socketpair()
    with reader, writer:
        said: list[str] = []
        part = Signalled(reader, lambda why: said.append(f"end {why}"), lambda: said.append("reload"))
        writer.send(bytes(signals))
        part.ready(reader.fileno())
        part.ready(reader.fileno())

    assert said == done


CHANGES = [
    ("written", lambda path: path.write_text("b"), True),
    ("another one takes its place", lambda path: (path.parent / "new").rename(path), True),
    ("opened and not written", lambda path: path.open("a").close(), True),
    ("read", lambda path: path.read_text(), False),
    ("another file", lambda path: (path.parent / "other").write_text("b"), False),
    ("deleted", lambda path: path.unlink(), False),
]


@pytest.mark.parametrize(("what", "change", "seen"), CHANGES, ids=[row[0] for row in CHANGES])
def test_changes_of_a_file(tmp_path: Path, what: str, change: object, seen: bool) -> None:
    """Reported when it was written, or when another file has its name."""
    path = tmp_path / "nlmon.yaml"
    path.write_text("a")
    (tmp_path / "new").write_text("c")
    watch = FileWatch([path])
    change(path)  # type: ignore[operator]
    changed = [watch.changed(), watch.changed()]
    watch.close()

    assert changed == [seen, False]


def test_a_file_behind_a_link(tmp_path: Path) -> None:
    """The file itself and the link are watched, each in its folder."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.yaml").write_text("a")
    link = tmp_path / "nlmon.yaml"
    link.symlink_to("real/a.yaml")
    watch = FileWatch([link])
    (tmp_path / "real" / "a.yaml").write_text("b")
    first = watch.changed()
    (tmp_path / "other").symlink_to("real/a.yaml")
    (tmp_path / "other").rename(link)
    second = watch.changed()
    watch.close()

    assert (first, second) == (True, True)


def _mounted(folder: Path, version: str) -> None:
    """What Kubernetes does with a volume: a new folder, and a link to it in the place of the old one."""
    (folder / version).mkdir()
    (folder / version / "nlmon.yaml").write_text(version)
    (folder / "..data_tmp").symlink_to(version)
    (folder / "..data_tmp").rename(folder / "..data")


def test_a_folder_that_is_exchanged_by_a_link(tmp_path: Path) -> None:
    """Each exchange is a change, and what is then in its place is watched."""
    _mounted(tmp_path, "..1")
    (tmp_path / "nlmon.yaml").symlink_to("..data/nlmon.yaml")
    watch = FileWatch([tmp_path / "nlmon.yaml"])
    changed = [watch.changed()]
    for number in (2, 3):
        _mounted(tmp_path, f"..{number}")
        changed += [watch.changed()]
    (tmp_path / "..3" / "nlmon.yaml").write_text("b")
    changed += [watch.changed()]
    (tmp_path / "..1" / "nlmon.yaml").write_text("b")
    changed += [watch.changed(), watch.changed()]
    watch.close()

    assert changed == [False, True, True, True, False, False]


def test_a_folder_that_is_another_one(tmp_path: Path) -> None:
    """Moved away, made anew, and filled: what vanishes is no change, and the file that comes is one."""
    (tmp_path / "etc").mkdir()
    path = tmp_path / "etc" / "nlmon.yaml"
    path.write_text("a")
    watch = FileWatch([path])
    (tmp_path / "etc").rename(tmp_path / "old")
    changed = [watch.changed()]
    (tmp_path / "etc").mkdir()
    changed += [watch.changed()]
    path.write_text("b")
    changed += [watch.changed(), watch.changed()]
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "nlmon.yaml").write_text("c")
    (tmp_path / "etc").rename(tmp_path / "older")
    (tmp_path / "new").rename(tmp_path / "etc")
    changed += [watch.changed(), watch.changed()]
    watch.close()

    assert changed == [False, False, True, False, True, False]


def test_a_file_that_is_made_is_no_change_until_it_is_written(tmp_path: Path) -> None:
    """Another name of a file, and a link, are one at once."""
    (tmp_path / "other").write_text("a")
    path = tmp_path / "nlmon.yaml"
    watch = FileWatch([path])
    changed = []
    with path.open("w") as file:
        changed += [watch.changed()]
        file.write("b")
    changed += [watch.changed()]
    path.unlink()
    path.hardlink_to(tmp_path / "other")
    changed += [watch.changed()]
    path.unlink()
    path.symlink_to("other")
    changed += [watch.changed()]
    watch.close()

    assert changed == [False, True, True, True]


def test_links_without_an_end_are_no_way(tmp_path: Path) -> None:
    """They lead to no file, and nothing is said of them."""
    path = tmp_path / "nlmon.yaml"
    path.symlink_to("nlmon.yaml")
    watch = FileWatch([path])
    (tmp_path / "new").symlink_to("nlmon.yaml")
    (tmp_path / "new").rename(path)
    changed = watch.changed()
    watch.close()

    assert not changed


def test_a_change_reloads_once(tmp_path: Path) -> None:
    """However often it was written."""
    path = tmp_path / "nlmon.yaml"
    path.write_text("a")
    watch, calls = FileWatch([path]), []
    part = ChangedFiles(watch, lambda: calls.append(1))
    path.write_text("b")
    path.write_text("c")
    for descriptor in part.descriptors():
        part.ready(descriptor)
        part.ready(descriptor)
    watch.close()

    assert calls == [1]


def test_reloads_leave_time_for_reading() -> None:
    """However often one is asked for: the first is at once, and after each comes a pause of four times as long."""
    now, calls = [100.0], list[float]()

    def reload() -> None:
        calls.append(now[0])
        now[0] += 2.0

    part = Reloads(reload, lambda: now[0])
    quiet = part.due()
    while now[0] < 125:
        part.ask()
        if part.due() == 0.0:
            part.tick()
        now[0] += 0.5

    assert (quiet, calls) == (None, [100.0, 110.0, 120.0])


def test_the_pause_after_a_reload_has_an_end() -> None:
    """Of one that took a minute, since the machine was busy, nobody waits minutes for the next."""
    now = [100.0]

    def reload() -> None:
        now[0] += 60.0

    part = Reloads(reload, lambda: now[0])
    part.ask()
    part.tick()
    part.ask()

    assert part.due() == 10.0


def test_a_reload_that_was_asked_for_is_not_forgotten() -> None:
    """What changes in the pause after a reload is read at its end, once."""
    now, calls = [100.0], list[float]()
    part = Reloads(lambda: calls.append(now[0]), lambda: now[0])
    part.ask()
    part.tick()
    part.ask()
    part.ask()
    due = part.due()
    now[0] += due or 0.0
    part.tick()

    assert (due, calls, part.due()) == (0.5, [100.0, 100.5], None)


def test_without_files_there_is_nothing_to_wait_for() -> None:
    """As of a monitor of the defaults."""
    watch = FileWatch([])
    found = watch.descriptors()
    watch.close()

    assert found == ()
