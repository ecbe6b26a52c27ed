"""``nlmon capture cut``: the file that it writes, what it says of it, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from nlmon.capture import Frame, open_capture
from nlmon.capture.write import PcapngWriter
from nlmon.cli.cut import command
from nlmon.errors import NlmonError
from nlmon.testing.messages import attr, message
from support.paths import FIXTURES

RULES = FIXTURES / "captures" / "linux-6.18" / "01-rules-routes-neighbours.pcapng.zst"
BASIC = FIXTURES / "captures" / "linux-6.12" / "01-route-basic.pcap.zst"


def cut(*arguments: object) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)))


def refused(*arguments: object) -> str:
    """The code of the error that a cut ends with."""
    error = cut(*arguments).exception
    assert isinstance(error, NlmonError), error
    return error.code


def frames_of(path: Path) -> list[Frame]:
    """All that a file says of its frames but where they stand in it."""
    with open_capture(path) as reader:
        found = [structs.replace(frame, offset=0) for frame in reader]
        assert reader.damage is None
        assert reader.notes == []
        return found


def renumbered(frames: list[Frame]) -> list[Frame]:
    return [structs.replace(frame, number=number) for number, frame in enumerate(frames, 1)]


def link(index: int, name: str) -> bytes:
    return message(16, bytes(4) + index.to_bytes(4, "little") + bytes(8) + attr(3, name.encode() + b"\0"))


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A recording of two sockets, one frame of which is truncated."""
    path = tmp_path / "made.pcapng"
    metadata = {"kernel": "Linux 6.18.0", "application": "nlmon 0", "netns": "net:[1]"}
    with PcapngWriter(path, metadata=metadata) as writer:
        sockets = [writer.add_socket(name, 0, description=f"{name} of a test") for name in ("events", "requests")]
        for time, index in enumerate((7, 8, 7, 9), 1):
            writer.write(socket=time % 2, timestamp=time, data=link(index, f"eth{time}"), direction="in")
        writer.write(socket=sockets[0], timestamp=9, data=link(7, "")[:32], direction="in", truncated=12)
        writer.lost(sockets[0], 3)
    return path


@pytest.mark.parametrize("path", [RULES, BASIC], ids=lambda path: path.name)
def test_all_frames_are_the_same_file(path: Path, tmp_path: Path) -> None:
    """Times, protocols, directions, sockets and bytes; nothing is needed beside them."""
    out = tmp_path / "cut.pcapng"
    done = cut(path, out, "--frames", "1-")

    assert (done.exit_code, "need" in done.output) == (0, False)
    assert frames_of(out) == frames_of(path)


def test_a_cut_keeps_what_the_file_says(made: Path, tmp_path: Path) -> None:
    """Kernel, namespace, sockets, losses, and what a frame lacks; and it says where its frames come from."""
    out = tmp_path / "cut.pcapng"
    done = cut(made, out, "--frames", "4-5")
    with open_capture(out) as reader:
        frames = list(reader)
        said = reader.kernel, reader.info.metadata["netns"], reader.info.metadata["cut"], reader.dropped
        sockets = [(one.name, one.description) for one in reader.sockets]

    assert done.exit_code == 0
    assert said == ("Linux 6.18.0", "net:[1]", "frames 3-5 of made.pcapng", 3)
    assert sockets == [("events", "events of a test"), ("requests", "requests of a test")]
    assert renumbered(frames_of(made)[2:]) == [structs.replace(frame, offset=0) for frame in frames]
    assert frames[-1].truncated == 12


def test_it_says_what_was_kept_and_why(made: Path, tmp_path: Path) -> None:
    """How many frames were asked for, what for there are more, and which they are; and that something was lost."""
    out = tmp_path / "cut.pcapng"
    done = cut(made, out, "--frames", "5", "--frames", "1,1-1")

    assert done.output.splitlines() == [
        f"2 frames in {out}, and 1 frame that they need: 1 that names interfaces; they are frames 1, 3, 5 of {made}",
        f"note: 3 messages were lost while {made} was recorded, which the cut says, too",
    ]


@pytest.mark.parametrize("text", ["", "-", "a", "1-2-3", "1;2", "0", "0-3", "5-2", "1,", "1" * 19, "-0", "+1", " "])
def test_what_is_no_range_is_a_mistake(made: Path, tmp_path: Path, text: str) -> None:
    """It is refused before anything is read or written."""
    done = cut(made, tmp_path / "cut.pcapng", "--frames", text)

    assert (done.exit_code, "no range of frames" in done.output or "holds no frame" in done.output) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["made.pcapng"]


def test_frames_that_are_not_there_are_reported(made: Path, tmp_path: Path) -> None:
    """None of them: no file is written."""
    assert refused(made, tmp_path / "cut.pcapng", "--frames", "6-") == "NLM-C030"
    assert [path.name for path in tmp_path.iterdir()] == ["made.pcapng"]


def test_no_file_is_lost(made: Path, tmp_path: Path) -> None:
    """A file that is there stays, unless it may go; the recording itself never goes."""
    other = tmp_path / "other.pcapng"
    other.write_bytes(b"precious")

    assert refused(made, other, "--frames", "1-") == "NLM-U003"
    assert other.read_bytes() == b"precious"
    assert refused(made, made, "--frames", "1-", "--force") == "NLM-U007"
    assert cut(made, other, "--frames", "1-", "--force").exit_code == 0
    assert frames_of(other) == frames_of(made)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    """It cannot be read twice; nor is a cut written to one."""
    assert refused("-", tmp_path / "cut.pcapng", "--frames", "1-") == "NLM-U031"
    assert refused(RULES, "-", "--frames", "1-") == "NLM-U008"


def test_of_a_damaged_file_what_can_be_read_is_cut(made: Path, tmp_path: Path) -> None:
    """Behind the frames asked for damage is no matter; before their end it is reported, and the cut is whole."""
    broken, out = tmp_path / "broken.pcapng", tmp_path / "cut.pcapng"
    broken.write_bytes(made.read_bytes()[:-200])
    with open_capture(broken) as reader:
        count = len(list(reader))

    assert 1 < count < 5
    assert cut(broken, out, "--frames", f"1-{count}").exit_code == 0
    assert refused(broken, out, "--frames", "2-", "--force") == "NLM-C010"
    assert frames_of(out) == renumbered(frames_of(made)[1:count])


def test_it_says_that_states_are_not_kept(made: Path, tmp_path: Path) -> None:
    """And how they are; where the first frame is there, nothing is missing."""
    later, all_of_it = (cut(made, tmp_path / f"{n}.pcapng", "--frames", n) for n in ("3-4", "-4"))
    note = "note: states begin with the cut; a difference of states (NLD105) may need the frames 1-2: --frames -4"

    assert note in later.output.splitlines()
    assert "NLD105" not in all_of_it.output
