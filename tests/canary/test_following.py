"""Logs that grow, are cut, and follow one another."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO

import pytest
from msgspec import structs
from zstandard import ZstdCompressor

from nlmon.canary import following
from nlmon.canary.following import Log
from nlmon.errors import InputError
from nlmon.exporters.layout import exported_line
from support.exported import received

LINK = received()[1][0]
Follow = Callable[[Path], Log]


def lines(*numbers: int) -> bytes:
    """Lines whose sequence numbers these are."""
    return b"".join(exported_line(structs.replace(LINK, timestamp=n, seq=n)) for n in numbers)


def read(log: Log) -> list[int]:
    """The sequence numbers of what is new; -1: no event."""
    return [one.event.seq if one.event is not None else -1 for one in log.lines()]


@pytest.fixture
def follow() -> Iterator[Follow]:
    """What makes logs, which are closed in the end."""
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(closing(Log(path)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of two lines."""
    found = tmp_path / "events.json"
    found.write_bytes(lines(1, 2))
    return found


def append(path: Path, data: bytes) -> None:
    """Write behind what is there."""
    with path.open("ab") as file:
        file.write(data)


def test_a_log_that_grows(follow: Follow, path: Path) -> None:
    """Half a line waits for its other half."""
    log = follow(path)
    data = lines(3, 4)
    found = [read(log)]
    for part in (data[:-9], data[-9:]):
        append(path, part)
        found.append([*read(log), log.unfinished])

    assert (found, log.notes) == ([[1, 2], [3, True], [4, False]], [])


def test_files_before_a_log_are_read_first(follow: Follow, path: Path) -> None:
    """The oldest one first, compressed or not."""
    path.with_name("events.json.0").write_bytes(lines(0))
    path.with_name("events.json.1.gz").write_bytes(gzip.compress(lines(8, 9)))

    assert read(follow(path)) == [8, 9, 0, 1, 2]


def test_a_log_that_is_renamed_and_compressed(follow: Follow, path: Path) -> None:
    """Twice between two looks: its last lines, the file between, and the new one are read."""
    log = follow(path)
    found = [read(log)]
    append(path, lines(3))
    data = path.read_bytes()
    path.with_name("events.json.1.gz").write_bytes(gzip.compress(data))
    path.unlink()
    path.with_name("events.json.0").write_bytes(lines(4, 5))
    path.write_bytes(lines(6))
    found += [read(log), read(log)]

    assert (found, log.notes) == ([[1, 2], [3, 4, 5, 6], []], [])


@pytest.mark.parametrize("after", [lines(7), lines(7, 8, 9)], ids=["shorter", "longer"])
def test_a_log_that_is_cut(follow: Follow, path: Path, after: bytes) -> None:
    """It is read from its beginning, and that lines may be lost is said."""
    log = follow(path)
    read(log)
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(after)

    assert (read(log), len(log.notes)) == ([7] if after == lines(7) else [7, 8, 9], 1)


def test_a_log_that_is_replaced(follow: Follow, path: Path) -> None:
    """Where the file before it is gone, that is said."""
    log = follow(path)
    read(log)
    path.with_name("new").write_bytes(lines(5))
    path.with_name("new").replace(path)

    assert (read(log), [note.partition("was replaced")[1] for note in log.notes]) == ([5], ["was replaced"])


def test_half_a_line_of_a_file_that_is_no_longer_written(follow: Follow, path: Path) -> None:
    """It is no event."""
    path.with_name("events.json.0").write_bytes(lines(0)[:50])

    assert read(follow(path)) == [-1, 1, 2]


def rotate(path: Path, data: bytes) -> None:
    """Give the file of a log, and those before it, other names, and begin a new one."""
    for number in reversed(range(20)):
        before = path.with_name(f"events.json.{number}")
        if before.exists():
            before.rename(path.with_name(f"events.json.{number + 1}"))
    path.rename(path.with_name("events.json.0"))
    path.write_bytes(data)


def test_files_that_get_other_names_while_they_are_opened(
    follow: Follow, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the beginning, and while a log is followed: none is read twice, and none is missing."""
    opened, numbers = following._opened, iter(range(10, 20))

    def open_and_rotate(one: Path) -> IO[bytes]:
        file = opened(one)
        if (number := next(numbers, None)) is not None and number % 3 < 2:
            rotate(path, lines(number))
        return file

    rotate(path, lines(3))
    monkeypatch.setattr(following, "_opened", open_and_rotate)
    log = follow(path)
    found = read(log)
    rotate(path, lines(50))
    rotate(path, lines(51))
    found += read(log)

    assert (found[:3], sorted(set(found)), log.notes) == ([1, 2, 3], found, [])
    assert found[-2:] == [50, 51]


def test_lines_before_a_file_gets_another_name(follow: Follow, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written behind what was read, before it is looked at whether the file still has its name."""
    log, still = follow(path), Log._still_there
    found = read(log)

    def grown(one: Log) -> bool:
        if not path.with_name("events.json.0").exists():
            append(path, lines(3))
            rotate(path, lines(4))
        return still(one)

    monkeypatch.setattr(Log, "_still_there", grown)

    assert (found, read(log), log.notes) == ([1, 2], [3, 4], [])


@pytest.mark.parametrize(
    ("copy", "expected", "notes"),
    [
        ((1, 2, 3), ([3], [4]), []),
        ((1,), ([1], [4]), ["{} was replaced by one that is shorter; it is read from its first line on"]),
    ],
    ids=["longer", "shorter"],
)
def test_a_copy_takes_the_place_of_a_log(
    copy: tuple[int, ...], expected: tuple[list[int], list[int]], notes: list[str], follow: Follow, path: Path
) -> None:
    """As of who copies the logs of other hosts again and again: what is new in it is read, and what comes behind."""
    log = follow(path)
    first, other = read(log), path.with_name("copy")
    other.write_bytes(lines(*copy))
    other.replace(path)
    second = read(log)
    append(path, lines(4))

    assert (first, (second, read(log)), log.notes) == ([1, 2], expected, [one.format(path) for one in notes])


def test_a_log_of_zstd(follow: Follow, tmp_path: Path) -> None:
    """A compressed file is read as it is."""
    path = tmp_path / "a.zst"
    path.write_bytes(ZstdCompressor().compress(lines(1, 2)))

    assert read(follow(path)) == [1, 2]


def test_a_log_that_cannot_be_read(follow: Follow, tmp_path: Path) -> None:
    """Missing, damaged, or cut off."""
    whole = {"gz": gzip.compress(lines(*range(99))), "zst": ZstdCompressor().compress(lines(*range(99)))}
    for suffix, data in whole.items():
        (tmp_path / f"none.{suffix}").write_bytes(b"not compressed")
        (tmp_path / f"half.{suffix}").write_bytes(data[: len(data) // 2])
        (tmp_path / f"bad.{suffix}").write_bytes(data[:30] + bytes(30) + data[60:])
    paths = [tmp_path / "missing", *sorted(tmp_path.iterdir())]
    codes = {}
    for path in paths:
        with pytest.raises(InputError) as caught:
            read(follow(path))
        codes[path.name] = caught.value.code

    assert codes == {path.name: "NLM-Z007" for path in paths}
