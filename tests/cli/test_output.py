"""Where results go: what cannot be written is said, and what must stay is not replaced."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from nlmon.cli import known, main
from nlmon.cli.groups import GROUPS
from support.command import nlmon, process
from support.paths import FIXTURES, REPOSITORY

BASIC = FIXTURES / "captures" / "linux-6.12" / "01-route-basic.pcap.zst"
FULL = Path("/dev/full")


def replay(*arguments: object) -> subprocess.CompletedProcess[str]:
    """A replay of the smallest kind, whose report is JSON."""
    return nlmon("replay", "--protocol", "route", "--format", "json", *arguments)


COMMANDS = [
    ("replay", BASIC),
    ("replay", BASIC, "--format", "json"),
    ("decode", BASIC),
    ("--help",),
    *(
        pytest.param(command, marks=pytest.mark.slow)
        for command in (
            ("replay", BASIC, "--format", "jsonl"),
            ("capture", "info", BASIC),
            ("capture", "info", BASIC, "--format", "json"),
            ("debug", "layout", BASIC),
            ("schema", "event"),
            ("scenario", "schema"),
            ("config", "schema"),
            ("config", "show", "/dev/null"),
            ("--version",),
        )
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["> /dev/full", pytest.param(">&-", marks=pytest.mark.long)])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(str(w) for w in words if w != BASIC))
def test_output_that_cannot_be_written_is_said(command: tuple[object, ...], redirection: str) -> None:
    """Exit code 4 and one line with a code, for every command; never a traceback."""
    if redirection.endswith("full") and not FULL.exists():
        pytest.skip("no device that is always full")
    line = " ".join(map(str, [sys.executable, "-m", "nlmon", *command, redirection]))
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    assert done.stderr.startswith("error[NLM-U006]: the output cannot be written (stdout): ")


def test_json_is_utf8_in_any_locale(tmp_path: Path) -> None:
    """What the locale cannot write is no escape that JSON does not have."""
    capture = tmp_path / "é.pcap.zst"
    capture.write_bytes(BASIC.read_bytes())
    line = [sys.executable, "-m", "nlmon", "coverage", str(capture), "--format", "json"]
    done = subprocess.run(line, capture_output=True, check=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})

    assert json.loads(done.stdout)["captures"] == [str(capture)]


@pytest.mark.parametrize("redirection", ["2> /dev/full", "2>&-"])
def test_warnings_that_nobody_reads_do_not_turn_the_exit_code(redirection: str) -> None:
    """A missing capture is exit code 3, whether or not the reason can be written."""
    line = f"{sys.executable} -m nlmon decode nowhere.pcap {redirection}"

    assert subprocess.run(["sh", "-c", line], capture_output=True, check=False).returncode == 3


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS[:7], ids=lambda words: " ".join(str(w) for w in words if w != BASIC))
def test_every_text_can_be_written_in_the_c_locale(command: tuple[object, ...], tmp_path: Path) -> None:
    """What ASCII cannot show is shown as its escape."""
    path = tmp_path / "naïve.pcap.zst"
    path.write_bytes(BASIC.read_bytes())
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = process(*(path if word == BASIC else word for word in command), env=environment)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) > 100


@pytest.mark.slow
def test_a_report_is_not_written_over_a_capture(tmp_path: Path) -> None:
    """By its name, by a link or as standard input, in any place of the list; and before any work."""
    capture, link = tmp_path / "a.pcap.zst", tmp_path / "link"
    capture.write_bytes(BASIC.read_bytes())
    link.symlink_to(capture)
    outcomes = [replay(BASIC, capture, "--report", path) for path in (capture, link)]
    with capture.open("rb") as file:
        command = [sys.executable, "-m", "nlmon", "replay", "-", "--report", str(capture)]
        outcomes.append(subprocess.run(command, stdin=file, capture_output=True, text=True, check=False))

    assert [(done.returncode, done.stdout, done.stderr[:16]) for done in outcomes] == [(2, "", "error[NLM-U007]:")] * 3
    assert capture.read_bytes() == BASIC.read_bytes()


def test_a_report_goes_through_a_link(tmp_path: Path) -> None:
    """The link stays and its target is written, whether it was there or not."""
    for name, before in (("old.json", b"x"), ("new.json", None)):
        target, link = tmp_path / name, tmp_path / f"{name}.link"
        if before is not None:
            target.write_bytes(before)
        link.symlink_to(name)
        done = replay(BASIC, "--report", link)

        assert (done.returncode, link.is_symlink(), target.read_text(encoding="utf-8")) == (0, True, done.stdout)
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "mask", "mode"),
    [(None, 0o027, 0o640), pytest.param(None, 0, 0o666, marks=pytest.mark.slow), (0o600, 0, 0o600)],
)
def test_a_report_has_the_mode_that_its_user_wants(tmp_path: Path, before: int | None, mask: int, mode: int) -> None:
    """A file that is there keeps its mode, a new one follows the umask."""
    report = tmp_path / "report.json"
    if before is not None:
        report.touch()
        report.chmod(before)
    command = f"umask {mask:o}; {sys.executable} -m nlmon replay {BASIC} --report {report}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)

    assert (done.returncode, report.stat().st_mode & 0o777) == (0, mode)
    assert json.loads(report.read_text(encoding="utf-8"))["verdict"] == "equivalent"


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    """What is no regular file is written to: whoever reads at its other end gets the report."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    done = replay(BASIC, "--report", pipe)
    reader.join()

    assert (done.returncode, read[0].decode(), pipe.is_fifo()) == (0, done.stdout, True)


@pytest.mark.slow
@pytest.mark.parametrize("redirected", [False, True])
def test_a_report_on_standard_output_comes_after_the_table(tmp_path: Path, redirected: bool) -> None:
    """``--report /dev/stdout`` writes to it and replaces nothing, be it a pipe or a file."""
    path = tmp_path / "out"
    command = [sys.executable, "-m", "nlmon", "replay", str(BASIC), "--report", "/dev/stdout"]
    with path.open("wb") as file:
        stdout = file if redirected else subprocess.PIPE
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, check=False)
    text = (path.read_bytes() if redirected else done.stdout).decode()

    assert (done.returncode, done.stderr) == (0, b"")
    table, brace, report = text.partition("\n{\n")
    assert ("verdict: equivalent" in table, json.loads("{" + report)["verdict"]) == (True, "equivalent")
    assert brace


@pytest.mark.slow
def test_the_report_is_written_even_when_the_terminal_is_gone(tmp_path: Path) -> None:
    """Output that fails does not cost the report."""
    report = tmp_path / "report.json"
    command = f"{sys.executable} -m nlmon replay {BASIC} --report {report} >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)

    assert (done.returncode, json.loads(report.read_bytes())["verdict"]) == (4, "equivalent")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [("replay", "--format", "json"), ("decode",), ("capture", "info", "--format", "json")]
)
@pytest.mark.parametrize("piped", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_capture_from_standard_input(command: tuple[str, ...], piped: bool) -> None:
    """``-`` is standard input, a file or a pipe, and gives what the file gives, but for its digest."""
    digest = hashlib.sha256(BASIC.read_bytes()).hexdigest()
    expected = nlmon(*command, BASIC).stdout.replace(str(BASIC), "-").replace(digest, "")
    arguments = [sys.executable, "-m", "nlmon", *command, "-"]
    with BASIC.open("rb") as file:
        given: dict[str, Any] = {"input": file.read()} if piped else {"stdin": file}
        done = subprocess.run(arguments, capture_output=True, check=False, **given)

    assert (done.returncode, done.stderr, done.stdout.decode()) == (0, b"", expected)
    assert len(expected) > 100


@pytest.mark.slow
def test_an_empty_or_closed_standard_input_is_said() -> None:
    """Exit code 3 and one line, as for a file."""
    empty = process("decode", "-", input="")
    closed = subprocess.run(["sh", "-c", f"{sys.executable} -m nlmon decode - <&-"], capture_output=True, check=False)

    assert (empty.returncode, empty.stderr[:16]) == (3, "error[NLM-C004]:")
    assert (closed.returncode, closed.stderr[:16]) == (3, b"error[NLM-C003]:")


@pytest.mark.slow
def test_a_recording_needs_a_file_of_its_own(tmp_path: Path) -> None:
    """Standard output, a pipe even with ``--force``, a file that is there: each is refused before a socket is open."""
    pipe, old, link = tmp_path / "pipe", tmp_path / "old.pcapng", tmp_path / "link.pcapng"
    os.mkfifo(pipe)
    old.touch()
    link.symlink_to(pipe)
    tries = [("-",), (pipe, "--force"), (link, "--force"), (pipe,), (old,)]
    codes = [(done.returncode, done.stderr[6:14]) for done in (nlmon("record", *words) for words in tries)]

    assert codes == [(2, f"NLM-{code}") for code in ("U008", "U009", "U009", "U009", "U003")]
    assert (pipe.is_fifo(), old.read_bytes(), len(list(tmp_path.iterdir()))) == (True, b"", 3)


def test_a_recording_into_a_folder_that_does_not_let_us(tmp_path: Path) -> None:
    """One line, exit code 3. A loop of links is refused to root, too."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    done = nlmon("record", loop / "a.pcapng")

    assert (done.returncode, done.stderr[:16], done.stderr.count("\n")) == (3, "error[NLM-C020]:", 1)


@pytest.mark.parametrize("path", ["loop", "loop/a", "gone/a", ".", "file/a"])
@pytest.mark.parametrize(
    "words",
    [
        ("replay", BASIC, "--report", "{}"),
        ("run", "one.yaml", "--report", "junit:{}"),
        ("conform", "--report", "{}"),
        ("scenario", "new", "--from", BASIC, "-o", "{}"),
    ],
    ids=lambda words: words[0],
)
def test_a_report_that_cannot_be_written_is_said_before_the_work(
    tmp_path: Path, words: tuple[object, ...], path: str
) -> None:
    """A loop of links, a folder that is not there, a folder, a file as one: one line, and nothing on stdout."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    scenario = f"scenario: 1\nid: one\ntitle: One\ncapture: {{path: {BASIC}}}\nexpect: {{verdict: equivalent}}\n"
    (tmp_path / "one.yaml").write_text(scenario, encoding="utf-8")
    done = nlmon(*(str(word).format(path) for word in words), folder=tmp_path)

    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.returncode in {2, 3}
    assert {path.name for path in tmp_path.iterdir()} == {"loop", "file", "one.yaml"}


@pytest.mark.parametrize("option", ["--keep-on-failure", "--record"])
def test_a_folder_that_cannot_be_made_is_said_before_the_run(tmp_path: Path, option: str) -> None:
    """A file stands where a folder is to be."""
    (tmp_path / "file").touch()
    done = nlmon("run", REPOSITORY / "scenarios" / "field", option, tmp_path / "file" / "kept")

    assert (done.returncode, done.stdout, done.stderr[:16]) == (3, "", "error[NLM-U001]:")


@pytest.mark.slow
@pytest.mark.parametrize("command", ["replay", "decode", "capture info", "coverage", "debug layout"])
def test_a_file_may_be_called_like_standard_input(tmp_path: Path, command: str) -> None:
    """``-`` is standard input, which is empty here, and ``./-`` is a file."""
    (tmp_path / "-").write_bytes(BASIC.read_bytes())
    named = nlmon(*command.split(), "./-", folder=tmp_path)
    stream = process(*command.split(), "-", cwd=tmp_path, input="")

    assert (named.returncode, named.stderr, stream.returncode) == (0, "", 3)
    assert len(named.stdout) > 100


def test_a_receive_buffer_has_a_limit(tmp_path: Path) -> None:
    """What the kernel's int does not hold is a usage mistake."""
    done = nlmon("record", tmp_path / "a.pcapng", "--receive-buffer", 2**31 - 1)

    assert (done.returncode, "Traceback" in done.stderr, list(tmp_path.iterdir())) == (2, False, [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "words"),
    [("replay", "interrupted: 1 of 1 capture not replayed"), ("decode", ""), ("capture info", ""), ("coverage", "")],
)
def test_an_interrupt_is_exit_130(tmp_path: Path, command: str, words: str) -> None:
    """Ctrl-C while a pipe is read ends without a traceback, with the exit code that shells know."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    started = subprocess.Popen(
        [sys.executable, "-m", "nlmon", *command.split(), pipe], stderr=subprocess.PIPE, text=True
    )
    with pipe.open("wb", buffering=0):  # waits until the command has opened its end
        started.send_signal(signal.SIGINT)
        _, said = started.communicate(timeout=60)

    assert (started.returncode, said.strip()) == (130, words)


def test_the_readme_names_every_option() -> None:
    """The row of each command has all options of its help, and the exit codes are there."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `nlmon ")]
    rows = {re.sub(r" *\[?[A-Z].*", "", line.split("`")[1]): line for line in lines}
    groups = {
        **GROUPS,
        "known": known.command.commands,
    }
    named = [*(main.COMMANDS.keys() - groups.keys()), *(f"{one} {name}" for one in groups for name in groups[one])]
    missing = []
    for command, row in rows.items():
        said = nlmon(*command.split()[1:], "--help").stdout
        options = set(re.findall(r"^  (?:-[hi], )?(--[a-z-]+)", said, re.MULTILINE)) - {"--help"}
        missing += [(command, option) for option in options if not re.search(rf"{option}\b", row)]

    assert (sorted(rows), missing) == (
        sorted(f"nlmon {name}" for name in [*named, "--config"]),
        [],
    )
    assert "130 interrupted" in text
