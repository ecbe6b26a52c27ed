"""Event logs of many hosts, counted by host."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from zstandard import ZstdCompressor

from canary.fleets import fleet
from canary.logs import BEGIN, HOUR, lines, write
from nlmon.canary.files import files_of
from nlmon.canary.judging import Host
from nlmon.canary.logs import Counted, Window, read_logs
from nlmon.capture.source import zstd_is_whole
from nlmon.errors import InputError, PlatformError

COUNTS = {"RTM_NEWLINK": 3, "RTM_NEWADDR": 2}


def host(name: str, **bad: int) -> Host:
    """A host with few events."""
    return Host(name, COUNTS, bad, 3600.0)


def counted(old: str, new: str) -> Counted:
    """What is read of two patterns."""
    return read_logs(*files_of([old], [new], "file"))


@pytest.mark.parametrize("ending", [".json", ".jsonl", ".json.0.gz", ".json.zst"])
def test_each_kind_of_file(tmp_path: Path, ending: str) -> None:
    """Plain or compressed, a host has its events, its losses, and the hour that it was observed."""
    found = counted(
        write(tmp_path / "old", [host("a", overruns=1)], ending), write(tmp_path / "new", [host("b")], ending)
    )

    assert found.control == (Host("a", COUNTS, {"overruns": 1, "differences": 0, "unreadable lines": 0}, 3600.0),)
    assert (found.canary[0].name, found.canary[0].types, found.seconds) == ("b", COUNTS, 3600.0)


def test_kinds_of_files_beside_each_other(tmp_path: Path) -> None:
    """Files that follow one another are of one host, whatever they are compressed with."""
    for ending in (".json", ".json.0.gz", ".json.1.zst"):
        write(tmp_path / "old", [host("a")], ending)
    found = counted(str(tmp_path / "old" / "*"), write(tmp_path / "new", [host("b")]))

    assert found.control[0].types == {"RTM_NEWLINK": 9, "RTM_NEWADDR": 6}
    assert (found.facts[0].hosts, found.facts[0].files) == (1, 3)


def test_a_line_that_is_no_event_is_counted(tmp_path: Path) -> None:
    """A half one, one without a time, and what is no JSON; the others stay."""
    old, new = write(tmp_path / "old", [host("a")]), write(tmp_path / "new", [host("b")])
    with (tmp_path / "new" / "b.json").open("ab") as file:
        file.write(b'[1]\n{"type":"netlink"}\nnothing\n{"type":"netl')
    found = counted(old, new)

    assert (found.canary[0].bad["unreadable lines"], found.canary[0].types) == (4, COUNTS)


def test_both_groups_are_compared_over_the_same_time(tmp_path: Path) -> None:
    """What one has from before the other began is left out."""
    old, new = write(tmp_path / "old", [host("a")]), write(tmp_path / "new", [host("b")])
    earlier = b'{"type":"netlink","netlink":{"msg_type":"RTM_NEWLINK"},"timestamp":%d}\n' % (BEGIN - 24 * HOUR)
    (tmp_path / "old" / "c.json").write_bytes(earlier * 50)
    found = counted(old, new)

    assert ([one.types for one in found.control], found.facts[0].silent) == ([COUNTS, {}], 1)
    assert found.seconds == 3600.0


@pytest.mark.parametrize(
    ("window", "types", "seconds"),
    [
        (Window(), [3, 2], 3600.0),
        (Window(since=BEGIN + 1), [2, 2], 3599.999999999),
        (Window(until=BEGIN + HOUR // 2), [3, 0], 1800.0),
        (Window(BEGIN + HOUR // 4, BEGIN + HOUR // 2), [2, 0], 900.0),
        (Window(since=BEGIN + HOUR), [0, 1], 0.0),
        (Window(since=BEGIN + 2 * HOUR), [0, 0], 0.0),
        (Window(BEGIN + HOUR, BEGIN), [0, 0], 0.0),
    ],
)
def test_a_window_of_time(tmp_path: Path, window: Window, types: list[int], seconds: float) -> None:
    """Both ends belong to it; the five events of a host are a quarter of an hour apart."""
    found = read_logs(
        *files_of([write(tmp_path / "old", [host("a")])], [write(tmp_path / "new", [host("b")])], "file"), window
    )

    assert [[one.types.get(kind, 0) for kind in COUNTS] for one in (*found.control, *found.canary)] == [types, types]
    assert found.seconds == seconds


def test_names_with_characters_of_a_pattern(tmp_path: Path) -> None:
    """A file is itself, whatever it is called."""
    old, new = write(tmp_path / "old", [host("a[1]"), host("a1")]), write(tmp_path / "new", [host("b")])
    found = counted(old, new)

    assert {one.name: one.types for one in found.control} == {"a1": COUNTS, "a[1]": COUNTS}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """It ends the comparison, since its host would be compared with a part of its events."""
    old, new = write(tmp_path / "old", [host("a")]), write(tmp_path / "new", [host("b")], ".json.gz")
    (tmp_path / "new" / "b.json.gz").write_bytes(b"no gzip at all, but longer than a header of it")
    with pytest.raises(InputError) as caught:
        counted(old, new)

    assert (caught.value.code, "b.json.gz" in caught.value.why) == ("NLM-Z005", True)


def test_a_file_that_is_cut_is_named(tmp_path: Path) -> None:
    """Wherever it ends; where a frame ends it is whole, as are frames behind one another and those to skip."""
    old, new = write(tmp_path / "old", [host("a")]), write(tmp_path / "new", [host("b")], ".json.zst")
    path = tmp_path / "new" / "b.json.zst"
    frame = ZstdCompressor(write_checksum=True).compress(lines(host("b")) * 9)
    skipped = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    whole = frame + skipped + frame
    ends = [0, len(frame), len(frame + skipped), len(whole)]
    found = {}
    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        with path.open("rb") as file:
            found[end] = zstd_is_whole(file)
    path.write_bytes(whole[:-5])
    with pytest.raises(InputError) as caught:
        counted(old, new)

    assert [end for end, is_whole in found.items() if is_whole] == ends
    assert (caught.value.code, caught.value.where, caught.value.why) == (
        *("NLM-Z005", str(path)),
        "it ends inside a zstd frame",
    )


def test_without_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the command that installs it."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(PlatformError) as caught:
        counted(write(tmp_path / "old", [host("a")]), write(tmp_path / "new", [host("b")]))

    assert (caught.value.code, caught.value.hint) == ("NLM-Z001", "pip install 'nlmon[canary]'")


@pytest.mark.slow
def test_a_fleet_is_counted_as_it_was_made(tmp_path: Path) -> None:
    """Forty hosts, with everything that each of them had."""
    control, canary = fleet(1, hosts=20)
    found = counted(write(tmp_path / "old", control), write(tmp_path / "new", canary))

    assert {one.name: (one.types, one.bad["overruns"]) for one in (*found.control, *found.canary)} == {
        one.name: ({kind: n for kind, n in one.types.items() if n}, one.bad["overruns"]) for one in (*control, *canary)
    }
