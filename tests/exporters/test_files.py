"""Files of exports: whole, private, one after another, and never somebody else's."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.capture import open_capture
from nlmon.errors import CaptureError, ExportError
from nlmon.exporters.files import FileExporter, JsonLinesExporter, PcapngExporter
from nlmon.exporters.layout import exported_line
from nlmon.exporters.logfile import LogFile, whole_lines
from nlmon.exporters.rotation import AT_ONCE, Rotation, rotated_files
from support.examples import examples
from support.exported import received

KINDS = {"json": JsonLinesExporter, "pcap": PcapngExporter}


def export(exporter: FileExporter, times: int = 1) -> None:
    """Write the events of a recording."""
    for _ in range(times):
        for event, datagram in received():
            exporter.write(event, datagram)
        exporter.flush()
    exporter.close()


def text(path: Path) -> bytes:
    """What a file holds, compressed or not."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def lines(path: Path, count: int = 0) -> list[bytes]:
    """Lines of all files under a path, the oldest first; each file ends with a whole one."""
    contents = [text(one) for one in [*reversed(rotated_files(path, count)), path]]
    assert [content[-1:] for content in contents] == [b"\n"] * len(contents)
    return b"".join(contents).splitlines(keepends=True)


EXPECTED = [exported_line(event) for event, _ in received()]


def test_lines_are_those_of_the_events(tmp_path: Path) -> None:
    """In their order, in a file that its owner alone may read."""
    exporter = JsonLinesExporter(tmp_path / "events.json")
    export(exporter)

    assert (lines(tmp_path / "events.json"), exporter.written) == (EXPECTED, len(EXPECTED))
    assert (tmp_path / "events.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "compressed"])
def test_files_follow_one_another(tmp_path: Path, compress: bool) -> None:
    """No line is lost or torn between them, none is larger than the limit, and all are private."""
    path = tmp_path / "events.json"
    size = max(map(len, EXPECTED)) * 10
    export(JsonLinesExporter(path, Rotation(size=size, count=99, compress=compress)))
    files = [*rotated_files(path, 99), path]

    assert lines(path, 99) == EXPECTED
    assert [one for one in files if len(text(one)) > size] == []
    assert len(files) > 5
    assert {one.stat().st_mode & 0o777 for one in files} == {0o600}
    assert {one.suffix for one in rotated_files(path, 99)[1:]} == (
        {".gz"} if compress else {f".{n}" for n in range(1, len(files) - 1)}
    )


@pytest.mark.parametrize("count", [0, 1, 3])
def test_so_many_files_are_kept(tmp_path: Path, count: int) -> None:
    """Those with the newest lines."""
    path = tmp_path / "events.json"
    export(JsonLinesExporter(path, Rotation(size=20_000, count=count)), times=5)
    found = lines(path, count)

    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "events.json",
        *(f"events.json.{n}" for n in range(count)),
    ]
    assert found == (EXPECTED * 5)[-len(found) :]


def test_a_line_that_is_larger_than_the_limit_has_a_file_of_its_own(tmp_path: Path) -> None:
    """It is not lost, and nothing turns forever."""
    path = tmp_path / "events.json"
    exporter = JsonLinesExporter(path, Rotation(size=1, count=20))
    for event, datagram in received()[:20]:
        exporter.write(event, datagram)
    exporter.flush()
    exporter.close()

    assert lines(path, 20) == EXPECTED[:20]
    assert len(rotated_files(path, 20)) == 19


def test_a_gap_in_the_numbers_is_filled(tmp_path: Path) -> None:
    """A process that was killed while it renamed files leaves one; nothing is deleted for it."""
    path = tmp_path / "e"
    for name in ("e.0", "e.2", "e.3.gz"):
        (tmp_path / name).write_bytes(gzip.compress(b"e.3.gz\n") if name.endswith("gz") else name.encode() + b"\n")
    (tmp_path / "e").write_bytes(b"{e}\n")
    exporter = JsonLinesExporter(path, Rotation(size=1, count=4))
    exporter.write(*received()[0])
    exporter.flush()
    exporter.close()

    assert [text(one) for one in rotated_files(path, 4)] == [b"{e}\n", b"e.0\n", b"e.2\n", b"e.3.gz\n"]


def test_of_a_file_that_was_being_compressed_one_form_is_left(tmp_path: Path) -> None:
    """The compressed one is whole when it has its name; without the name it is made again."""
    (tmp_path / "e").write_bytes(b"{e}\n")
    (tmp_path / "e.0").write_bytes(b"twice\n")
    (tmp_path / "e.0.gz").write_bytes(gzip.compress(b"twice\n"))
    (tmp_path / "e.1").write_bytes(b"once\n")
    (tmp_path / "e.1.part").write_bytes(b"half")
    exporter = JsonLinesExporter(tmp_path / "e", Rotation(size=1, count=4, compress=True))
    exporter.write(*received()[0])
    exporter.flush()
    exporter._file._compressing.join()  # type: ignore[union-attr]
    exporter.close()

    assert [text(one) for one in rotated_files(tmp_path / "e", 4)] == [b"{e}\n", b"twice\n", b"once\n"]
    assert sorted(one.name for one in tmp_path.iterdir() if one.suffix != ".part") == [
        "e",
        "e.0.gz",
        "e.1.gz",
        "e.2.gz",
    ]


@pytest.mark.parametrize("left", [EXPECTED[1][:-9], bytes(9)], ids=["of a line", "zeros"])
def test_what_a_killed_process_or_machine_left_torn_is_cut_off(tmp_path: Path, left: bytes) -> None:
    """The lines before it stay, and the next one begins a line."""
    path = tmp_path / "events.json"
    path.write_bytes(EXPECTED[0] + left)
    export(JsonLinesExporter(path))

    assert lines(path) == [EXPECTED[0], *EXPECTED]


@pytest.mark.parametrize(
    "left",
    [b"", b"{", EXPECTED[0][:-1] + bytes(200_000)],
    ids=["empty", "short", "long"],
)
def test_a_file_without_a_whole_line_begins_anew(tmp_path: Path, left: bytes) -> None:
    """However long its torn line is."""
    path = tmp_path / "events.json"
    path.write_bytes(left)
    export(JsonLinesExporter(path))

    assert lines(path) == EXPECTED


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_somebody_moved_is_left_and_a_new_one_begun(tmp_path: Path, kind: str) -> None:
    """As logrotate does; with the mode of the one before, and every event in one of them."""
    path = tmp_path / "events"
    exporter = KINDS[kind](path)
    for number, (event, datagram) in enumerate(received()):
        exporter.write(event, datagram)
        if number == 50:
            exporter.flush()
            path.chmod(0o640)
            path.rename(tmp_path / "moved")
            exporter._file._mode = 0o640
    exporter.flush()
    exporter.close()

    assert exporter.written == len(EXPECTED)
    assert path.stat().st_mode & 0o777 == 0o640
    if kind == "json":
        assert lines(tmp_path / "moved") + lines(path) == EXPECTED
    else:
        assert datagrams(tmp_path / "moved") + datagrams(path) == sent()


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    """Nor is what it points to touched; also when the path becomes one while events are written."""
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "events.json").symlink_to("precious")
    with pytest.raises(ExportError, match="NLM-O002"):
        JsonLinesExporter(tmp_path / "events.json").open()
    later = JsonLinesExporter(tmp_path / "later.json")
    later.open()
    (tmp_path / "later.json").unlink()
    (tmp_path / "later.json").symlink_to("precious")
    later.write(*received()[0])
    with pytest.raises(ExportError, match="NLM-O002"):
        later.flush()

    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_only_a_plain_file_is_written(tmp_path: Path) -> None:
    """No pipe, which would be waited for, no device, no folder, and no file with another name."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "one").write_bytes(b"")
    (tmp_path / "other").hardlink_to(tmp_path / "one")
    found = {}
    for path in (
        tmp_path / "pipe",
        tmp_path / "folder",
        tmp_path / "one",
        Path("/dev/null"),
        tmp_path / "no" / "where",
    ):
        with pytest.raises(ExportError) as error:
            JsonLinesExporter(path).open()
        found[path.name] = error.value.code, error.value.why

    assert found == {
        "pipe": ("NLM-O003", "it is no plain file"),
        "folder": ("NLM-O001", "Is a directory"),
        "one": ("NLM-O003", "it has another name, too"),
        "null": ("NLM-O003", "it is no plain file"),
        "where": ("NLM-O001", "No such file or directory"),
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_not_written(tmp_path: Path) -> None:
    """Who prepared it could read what is written."""
    path = tmp_path / "events.json"
    path.touch()
    os.chown(path, 12345, 12345)

    with pytest.raises(ExportError, match=re.escape("it belongs to another user (uid 12345)")):
        JsonLinesExporter(path).open()


@pytest.mark.parametrize("kind", KINDS)
def test_two_never_write_one_file(tmp_path: Path, kind: str) -> None:
    """The second one is reported; when the first one has ended, it can."""
    first, second = KINDS[kind](tmp_path / "events"), KINDS[kind](tmp_path / "events")
    first.open()
    with pytest.raises(ExportError, match="NLM-O004"):
        second.open()
    first.close()
    export(second)

    assert second.written == len(EXPECTED)


def test_a_file_that_was_renamed_before_it_could_be_locked_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one that another process has just left, and not the one at the path."""
    path = tmp_path / "events"
    path.write_bytes(b"{}\n" + EXPECTED[0][:20])
    monkeypatch.setattr("nlmon.exporters.logfile._lock", lambda *_: path.rename(tmp_path / "events.0"))
    with pytest.raises(ExportError, match="NLM-O004"):
        JsonLinesExporter(path).open()

    assert (tmp_path / "events.0").read_bytes() == b"{}\n" + EXPECTED[0][:20]


def datagrams(path: Path) -> list[tuple[int, int, bytes]]:
    """Time, protocol and bytes of each datagram in a capture, which must not be damaged."""
    with open_capture(path) as reader:
        found = [(f.timestamp, f.protocol, f.data) for batch in reader.batches() for f in batch.frames()]
        assert reader.damage is None
    return found


def sent() -> list[tuple[int, int, bytes]]:
    """Each datagram of the events once."""
    return list({event.frame: (event.timestamp, event.protocol, data) for event, data in received()}.values())


def test_a_capture_has_each_datagram_once(tmp_path: Path) -> None:
    """Whole, with its time and protocol, and nothing to note."""
    path = tmp_path / "events.pcapng"
    exporter = PcapngExporter(path)
    export(exporter)
    with open_capture(path) as reader:
        list(reader.batches())
        notes = reader.notes

    assert (datagrams(path), exporter.written, list(notes)) == (sent(), len(EXPECTED), [])
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_capture_gives_the_same_events_again(tmp_path: Path) -> None:
    """Read by an implementation, with the same payloads at the same times."""
    path = tmp_path / "events.pcapng"
    export(PcapngExporter(path))
    again = [event for event, _ in received(path)]

    assert [(one.timestamp, one.payload) for one in again] == [(one.timestamp, one.payload) for one, _ in received()]


def test_captures_follow_one_another(tmp_path: Path) -> None:
    """Each can be read by itself, and none is larger than the limit."""
    path = tmp_path / "events.pcapng"
    export(PcapngExporter(path, Rotation(size=8_000, count=99)))
    files = [*reversed(rotated_files(path, 99)), path]

    assert [one for file in files for one in datagrams(file)] == sent()
    assert len(files) > 3
    assert [one for one in files if one.stat().st_size > 8_000] == []


@pytest.mark.parametrize("over", [0, 1], ids=["it fits", "it is full"])
def test_a_capture_that_is_full_is_not_gone_on_with(tmp_path: Path, over: int) -> None:
    """Where a further section would not fit, the next file begins."""
    path = tmp_path / "events.pcapng"
    empty = PcapngExporter(path)
    empty.open()
    empty.close()
    size = path.stat().st_size
    again = PcapngExporter(path, Rotation(size=2 * size - over, count=1))
    again.open()
    again.close()

    assert [one.stat().st_size for one in (path, *rotated_files(path, 1))] == [[2 * size], [size, size]][over]


def test_a_full_disk_lets_the_next_file_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the end of the one before does not fit: the oldest is deleted, which makes room."""
    path = tmp_path / "events.pcapng"
    first, second = received()[:2]
    exporter = PcapngExporter(path, Rotation(size=600, count=1))
    exporter.write(*first)
    exporter.flush()
    exporter.write(*second)
    with monkeypatch.context() as patched:
        patched.setattr("nlmon.exporters.logfile.os.write", FullDisk(os.write, 0, times=1))
        exporter.flush()
    exporter.close()

    assert datagrams(tmp_path / "events.pcapng.0") + datagrams(path) == sent()[:2]


@pytest.mark.parametrize("cut", [1, 3, 4, 20, 100, 40_000, 45_000])
def test_a_capture_goes_on_behind_its_last_whole_block(tmp_path: Path, cut: int) -> None:
    """A killed process left a torn one; what is before it can be read, and so is what comes after."""
    path = tmp_path / "events.pcapng"
    export(PcapngExporter(path))
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    before = len(datagrams_before(path))
    export(PcapngExporter(path))

    assert datagrams(path) == sent()[:before] + sent()


def datagrams_before(path: Path) -> list[bytes]:
    """The datagrams of a torn capture."""
    try:
        with open_capture(path) as reader:
            return [data for batch in reader.batches() for data in batch.data]
    except CaptureError:  # not even its beginning is whole
        return []


OTHER_ORDER = b"\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4d" + bytes(16)


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        ("json", b"root:x:0:0\n"),
        ("json", b"\n"),
        ("json", b'{"a": 1}'),
        ("json", b'{\n "a": 1\n}'),
        ("pcap", b"{}\n"),
        ("pcap", OTHER_ORDER),
        ("pcap", b"\x0a\x0e"),
    ],
    ids=["text", "empty line", "an object", "an object in lines", "lines", "other byte order", "two bytes"],
)
def test_a_file_that_holds_something_else_is_left_as_it_is(tmp_path: Path, kind: str, held: bytes) -> None:
    """Nothing is cut off or added; a capture of the other byte order is something else, too."""
    path = tmp_path / "events"
    path.write_bytes(held)
    with pytest.raises(ExportError, match="NLM-O003"):
        KINDS[kind](path).open()

    assert path.read_bytes() == held


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [0, 100], ids=["emptied", "cut"])
def test_a_file_that_somebody_empties_begins_anew(tmp_path: Path, kind: str, kept: int) -> None:
    """As logrotate does with copytruncate; a capture is one again, and what follows is in it."""
    path = tmp_path / "events"
    exporter = KINDS[kind](path)
    event, datagram = received()[-1]
    exporter.open()
    exporter.write(event, datagram)
    exporter.flush()
    os.truncate(path, kept)
    export(exporter)

    assert exporter.written == len(EXPECTED) + 1
    if kind == "json":
        assert lines(path) == EXPECTED
    else:
        assert [one[2] for one in datagrams(path)] == [one[2] for one in sent()]


def test_a_full_disk_puts_no_zeros_into_a_file_that_was_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking back what was written in part never makes the file longer."""
    path = tmp_path / "events"
    file = LogFile(path, whole_lines)
    file.append(EXPECTED[0])
    os.truncate(path, 0)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("nlmon.exporters.logfile.os.write", full)
    with pytest.raises(ExportError, match="NLM-O005"):
        file.append(EXPECTED[1])
    file.close()

    assert path.read_bytes() == b""


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_reports_at_the_end_ends_no_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """As one of NFS does: the file is left, and the next one begun."""
    real = os.close

    def quota(descriptor: int) -> None:
        real(descriptor)
        raise OSError(errno.EDQUOT, "quota")

    exporter = KINDS[kind](tmp_path / "events", Rotation(size=16_384, count=99))
    exporter.open()
    monkeypatch.setattr("nlmon.exporters.logfile.os.close", quota)
    export(exporter)

    assert exporter.written == len(EXPECTED)
    assert len(rotated_files(tmp_path / "events", 99)) > 1


@pytest.mark.parametrize("name", ["events.0", "events.1", "events.0.gz"])
def test_a_folder_in_the_way_is_named_and_left_alone(tmp_path: Path, name: str) -> None:
    """What waits is written once it is gone."""
    path = tmp_path / "events"
    (tmp_path / name).mkdir()
    (tmp_path / "events.2").write_bytes(b"older")
    exporter = JsonLinesExporter(path, Rotation(size=max(map(len, EXPECTED)), count=3))
    exporter.open()
    with pytest.raises(ExportError, match=rf"NLM-O006.*/{name}\)"):
        export(exporter)
    there = sorted(one.name for one in tmp_path.iterdir())
    (tmp_path / name).rmdir()
    exporter.flush()
    exporter.close()

    assert there == sorted(["events", "events.2", name])
    assert exporter.written == len(EXPECTED)


def test_a_name_that_no_file_can_have_is_reported(tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(ExportError, match=r"NLM-O001.*null byte"):
        JsonLinesExporter(tmp_path / "a\0b").open()


def test_an_event_of_no_datagram_is_in_no_capture(tmp_path: Path) -> None:
    """It is written all the same: there is nothing to write of it."""
    exporter = PcapngExporter(tmp_path / "events.pcapng")
    event = received()[0][0]
    exporter.write(event, b"")
    exporter.flush()
    exporter.close()

    assert (exporter.written, datagrams(tmp_path / "events.pcapng")) == (1, [])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("some", [0, 1, 100, 2000])
def test_what_was_written_in_part_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, some: int
) -> None:
    """The file stays whole, and the next try writes everything once."""
    path = tmp_path / "events"
    exporter = KINDS[kind](path)
    exporter.open()
    for event, datagram in received()[:20]:
        exporter.write(event, datagram)
    before = path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("nlmon.exporters.logfile.os.write", FullDisk(os.write, some))
        with pytest.raises(ExportError, match="NLM-O005"):
            exporter.flush()
    after = path.read_bytes(), exporter.written
    exporter.flush()
    exporter.close()

    assert after == (before, 0)
    assert exporter.written == 20
    if kind == "json":
        assert lines(path) == EXPECTED[:20]
    else:
        assert datagrams(path) == sent()[:20]


class FullDisk:
    """A disk that takes ``some`` bytes and is full then, for so many ``times``; 0: for ever."""

    def __init__(self, write: Callable[[int, memoryview], int], some: int, times: int = 0) -> None:
        self.write = write
        self.left = some
        self.times = times

    def __call__(self, descriptor: int, data: memoryview) -> int:
        if not self.left:
            self.times -= 1
            self.left = sys.maxsize * (self.times == 0)
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self.write(descriptor, data[: self.left])
        self.left -= written
        return written


@examples(25)
@given(
    st.lists(st.integers(0, 300), max_size=60),
    st.integers(0, 1000),
    st.integers(0, 40),
)
def test_records_are_kept_whole_and_in_order(sizes: list[int], limit: int, once: int) -> None:
    """Whatever their sizes and the limit, also of a file that is there: no file is larger, unless one record is."""
    records = deque(b"{%0*d}\n" % (size, number) for number, size in enumerate(sizes))
    expected, exporter = b"".join(records), None
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events"
        while records:
            exporter = JsonLinesExporter(path, Rotation(size=limit, count=99))
            for record in [records.popleft() for _ in range(min(len(records), once + 1))]:
                exporter._waiting.append(record)
            exporter.flush()
            exporter.close()
        contents = [one.read_bytes() for one in [*reversed(rotated_files(path, 99)), path] if one.exists()]

    assert b"".join(contents) == expected
    assert [one for one in contents if len(one) > limit > 0 and one.count(b"\n") > 1] == []
    assert limit or len(contents) <= 1


def test_a_large_record_alone_lets_no_next_file_begin(tmp_path: Path) -> None:
    """Where files have no limit, there is one."""
    path = tmp_path / "events"
    exporter = JsonLinesExporter(path)
    for size in (10, AT_ONCE * 3, 10):
        exporter._waiting.append(b"{%0*d}\n" % (size, 0))
    exporter.flush()
    exporter.close()

    assert ([one.name for one in tmp_path.iterdir()], path.stat().st_size) == (["events"], AT_ONCE * 3 + 29)


def test_every_line_is_json(tmp_path: Path) -> None:
    """As jq reads it."""
    export(JsonLinesExporter(tmp_path / "events.json"))

    assert [json.loads(line)["type"] for line in lines(tmp_path / "events.json")] == ["netlink"] * len(EXPECTED)
