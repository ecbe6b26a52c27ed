"""No terminal obeys a name: what commands print of hostile names of links and files, in every format.

Not here: which characters these are (``tests/test_printable.py``).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nlmon.capture import open_capture
from nlmon.framing import messages
from nlmon.report.kinds import KINDS
from support.command import nlmon
from support.paths import CAPTURES, FIXTURES

EVIL = FIXTURES / "cases" / "evil-names.pcap"
XFRM = CAPTURES / "linux-6.12" / "06-xfrm.pcap.zst"
# A title for the terminal, erasing it, and text from right to left.
NAME = "e\x1b]0;t\x07\x9b2J\x7f\u202eg\u2028n"
SCENARIO = """
scenario: 1
id: evil
title: Names are not what they are
capture: {{path: {path}}}
expect:
  verdict: equivalent
  events:
    - {{msg_type: RTM_NEWLINK, link: {{ifname: "\\e[2J\\x9b2J\\u202e"}}, count: 1}}
"""


def obeyed(text: str) -> list[str]:
    """Characters that a terminal may act on, but for line ends."""
    return sorted({c for c in text if not c.isprintable() and c != "\n"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two captures and a scenario, all of hostile names."""
    (tmp_path / CAPTURE).write_bytes(EVIL.read_bytes())
    (tmp_path / IPSEC).write_bytes(XFRM.read_bytes())
    (tmp_path / FILE).write_text(SCENARIO.format(path=json.dumps(CAPTURE)), encoding="utf-8")
    return tmp_path


CAPTURE, IPSEC, FILE = f"{NAME}.pcap", f"{NAME}.pcap.zst", f"{NAME}.yaml"
ROLLBACK = ("-i", "legacy", "--against", "libnl")
ADD = ("--code", "NLD002", "--message", "xfrm_state", "--reason", "r", "--owner", "o", "--file", f"{NAME}.known")
# Command lines, and how many files they write.
COMMANDS: list[tuple[int, tuple[str, ...]]] = [
    (0, ("replay", CAPTURE, "--fault", "overrun@2+3")),
    (1, ("replay", CAPTURE, "--format", "json", "--both-ways", "--report", f"{NAME}.json")),
    (0, ("replay", IPSEC, *ROLLBACK)),
    (0, ("replay", CAPTURE, "--format", "jsonl", "--fault", "overrun@2+3")),
    (0, ("decode", CAPTURE)),
    (0, ("decode", CAPTURE, "-i", "legacy", "--select", "all")),
    (0, ("capture", "info", CAPTURE)),
    (0, ("capture", "info", CAPTURE, "--format", "json")),
    (0, ("capture", "stats", CAPTURE)),
    (0, ("capture", "stats", CAPTURE, "--format", "json")),
    (0, ("coverage", CAPTURE, "-v")),
    (0, ("coverage", CAPTURE, "--format", "json")),
    (0, ("debug", "layout", CAPTURE)),
    (0, ("scenario", "new", "--from", CAPTURE)),
    (1, ("scenario", "new", "--from", CAPTURE, "--output", f"{NAME}.new.yaml")),
    (0, ("scenario", "check", FILE)),
    (2, ("run", FILE, "-v", "--report", f"junit:{NAME}.xml", "--report", f"jsonl:{NAME}.jsonl")),
    (6, ("run", FILE, "--format", "jsonl", "--keep-on-failure", f"{NAME}.kept")),
    (len(KINDS), ("replay", CAPTURE, *(f"--report={kind}:{NAME}.{kind}" for kind in KINDS))),
    (len(KINDS), ("run", FILE, *(f"--report={kind}:{NAME}.{kind}" for kind in KINDS))),
    (0, ("report", "check", f"{NAME}.gone", CAPTURE)),
    (0, ("decode", f"{NAME}.gone")),
    (0, ("replay", f"{NAME}.gone")),
    (0, ("run", f"{NAME}.gone")),
    (0, ("replay", CAPTURE, "--report", f"{NAME}/report.json")),
    (0, (NAME,)),
    (0, ("replay", "--" + NAME)),
]


@pytest.mark.parametrize(("files", "words"), COMMANDS, ids=ascii)
def test_no_output_has_a_character_that_a_terminal_obeys(folder: Path, files: int, words: tuple[str, ...]) -> None:
    """Neither stdout nor stderr nor a file that is written, whatever comes of the command; a kept scenario is the
    user's own file, as its capture is."""
    before = set(folder.rglob("*"))
    done = nlmon(*words, folder=folder)

    assert obeyed(done.stdout + done.stderr) == []
    assert "Traceback" not in done.stderr
    assert done.stdout + done.stderr != "" or files
    written = [path for path in set(folder.rglob("*")) - before if path.is_file()]
    assert len(written) == files
    for path in written:
        if path.name != "scenario.yaml" and ".pcap" not in path.name:
            assert obeyed(path.read_text(encoding="utf-8")) == [], path.name


def test_known_differences_of_a_hostile_capture(folder: Path) -> None:
    """The file, and what the commands that keep it say."""
    report = folder / f"{NAME}.json"
    nlmon("replay", IPSEC, *ROLLBACK, "--format", "json", "--report", report, folder=folder)
    commands = [
        ("known", "add", report, *ADD),
        ("known", "check", f"{NAME}.known"),
        ("known", "trim", report, "--file", f"{NAME}.known"),
    ]
    done = [nlmon(*words, folder=folder) for words in commands]

    assert [obeyed(one.stdout + one.stderr) for one in done] == [[], [], []]
    assert [one.returncode for one in done[:2]] == [0, 0]
    assert obeyed((folder / f"{NAME}.known").read_text(encoding="utf-8")) == []


def test_names_are_whole() -> None:
    """The names in the JSON, read again, are those in the messages."""
    lines = [json.loads(line) for line in nlmon("decode", EVIL).stdout.splitlines()]
    names = [line["netlink"]["link"]["ifname"] for line in lines]

    assert names == list(_names())
    assert {"\x7f", "\x9b", "\u202e"} <= set("".join(names))


def _names() -> Iterator[str]:
    """IFLA_IFNAME of each message, where it is the first attribute."""
    with open_capture(EVIL) as reader:
        for frame in reader:
            for header in messages(frame.data, "little"):
                at = header.offset + 32
                size = int.from_bytes(frame.data[at : at + 2], "little")
                yield frame.data[at + 4 : at + size].rstrip(b"\0").decode("utf-8", "backslashreplace")


def test_a_progress_bar_shows_a_name_as_text(folder: Path) -> None:
    """On a terminal the name of the capture stands beside the bar."""
    script = "from nlmon.cli import common; import sys; sys.stderr.isatty = lambda: True\n"
    script += "from nlmon.cli.main import main; sys.argv = ['nlmon', 'capture', 'info', sys.argv[1]]; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, CAPTURE], cwd=folder, capture_output=True, text=True, check=True
    )

    assert not {"\x9b", "\u202e", "\x07"} & set(done.stderr)
