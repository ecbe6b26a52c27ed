"""Lines and entries of the log are written at once or not at all."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nlmon.monitor.journal import LINE_KEPT, Journal, is_journal, write_line

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the journal is Linux's")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[socket.socket]:
    """What stands for the journal: a socket at ``socket`` in the folder of the test."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "socket"))
        made.setblocking(False)
        yield made


def test_a_descriptor_is_the_journals_by_device_and_inode() -> None:
    """As JOURNAL_STREAM says; after a redirection it is not any more, and a closed one never."""
    read, write = os.pipe()
    other = os.fstat(read)
    status = os.fstat(write)
    environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
    found = [is_journal(write, environ), is_journal(write, {}), is_journal(write, {"JOURNAL_STREAM": "0:0"})]
    os.close(read)
    os.close(write)

    assert other.st_ino == status.st_ino
    assert found == [True, False, False]
    assert is_journal(-1, environ) is False


def test_an_entry_has_its_fields(server: socket.socket, tmp_path: Path) -> None:
    """One a line; with its length before it where the value has several lines."""
    journal = Journal(str(tmp_path / "socket"))
    sent = journal.send([("MESSAGE", "two\nlines"), ("PRIORITY", "4")])
    journal.close()

    assert sent is True
    assert server.recv(4096) == b"MESSAGE\n" + struct.pack("<Q", 9) + b"two\nlines\nPRIORITY=4\n"


def test_a_large_entry_goes_as_a_file_in_memory(server: socket.socket, tmp_path: Path) -> None:
    """Whole, and sealed: it does not change while the journal reads it."""
    journal = Journal(str(tmp_path / "socket"))
    sent = journal.send([("MESSAGE", "x" * 4_000_000)])
    journal.close()
    data, descriptors, _, _ = socket.recv_fds(server, 4096, 4)
    with open(descriptors[0], "r+b", buffering=0) as file:  # noqa: PTH123  (a descriptor has no path)
        whole = file.seek(0, os.SEEK_END)
        with pytest.raises(PermissionError):
            file.write(b"more")

    assert (sent, data, whole) == (True, b"", len("MESSAGE=") + 4_000_000 + 1)


def test_a_full_journal_loses_the_entry(server: socket.socket, tmp_path: Path) -> None:
    """And nobody waits for it."""
    journal = Journal(str(tmp_path / "socket"))
    sent = [journal.send([("MESSAGE", "again")]) for _ in range(5000)]
    journal.close()

    assert (sent[0], sent[-1]) == (True, False)
    assert server.recv(4096) == b"MESSAGE=again\n"


def test_without_a_journal_there_is_an_error(tmp_path: Path) -> None:
    """When it is opened, and when it goes later."""
    with pytest.raises(OSError, match="socket"):
        Journal(str(tmp_path / "socket"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "socket"))
        journal = Journal(str(tmp_path / "socket"))
    with pytest.raises(OSError, match="refused"):
        journal.send([("MESSAGE", "text")])
    journal.close()


def test_a_line_is_written_or_lost_and_never_waited_for() -> None:
    """A pipe that nobody reads fills up; one without a reader is not written to, which would be a signal."""
    read, write = os.pipe()
    written = [write_line(write, b"x" * 1000) for _ in range(200)]
    os.close(read)
    orphan = write_line(write, b"line")
    os.close(write)

    assert (written[0], written[-1], orphan, write_line(write, b"line")) == (True, False, False, False)


def test_a_line_is_bounded() -> None:
    """A pipe takes so many bytes at once."""
    read, write = os.pipe()
    write_line(write, b"x" * 10_000)
    line = os.read(read, 65_536)
    os.close(read)
    os.close(write)

    assert (len(line), line[-4:]) == (LINE_KEPT, "…\n".encode())
