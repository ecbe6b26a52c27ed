"""The options of ``nlmon`` itself: what goes together, what a mistake says, and a recording through a monitor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from zstandard import ZstdDecompressor

from nlmon.cli.schema import SCHEMAS
from support.command import nlmon
from support.paths import FIXTURES

BASIC = FIXTURES / "captures" / "linux-6.12" / "01-route-basic.pcap.zst"
BURST = FIXTURES / "captures" / "linux-6.12" / "07-burst.pcap.zst"
TOGETHER = [
    (("--test-mode", "--status"), "--test-mode and --status do not go together; give one of them"),
    (("--status", "--benchmark"), "--status and --benchmark do not go together; give one of them"),
    (("--replay", "x.pcap", "--duration", "1"), "--replay and --duration do not go together; give one of them"),
    (("--dump-events", "--format", "json"), "--dump-events and --format do not go together; give one of them"),
    (("--status", "--against", "legacy"), "--status and --against do not go together; give one of them"),
    (("--against", "legacy"), "--against is no option of a monitor that runs; see nlmon --help"),
    (("--config", "x.yaml", "decode", "y"), "--config and the command decode do not go together; give one of them"),
    (("--dump-events", "schema", "event"), "--dump-events and the command schema do not go together; give one of them"),
]


@pytest.mark.parametrize(("words", "said"), TOGETHER, ids=[" ".join(words) for words, _ in TOGETHER])
def test_options_that_do_not_go_together(words: tuple[str, ...], said: str) -> None:
    """A mistake with a code, before anything is read."""
    done = nlmon(*words)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"error[NLM-M001]: {said}\n")


@pytest.mark.parametrize("value", ["0", "-1", "nan", "x"])
def test_a_duration_is_a_number_of_seconds(value: str) -> None:
    """More than none."""
    assert nlmon("--duration", value).returncode == 2


def configuration(folder: Path, text: str) -> Path:
    """A configuration in a folder."""
    path = folder / "nlmon.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("mode", [("--test-mode",), ("--dump-events",), ("--replay", BASIC), ()], ids=str)
def test_a_configuration_with_a_mistake(mode: tuple[object, ...], tmp_path: Path) -> None:
    """Is reported as nlmon config check does, in every mode, and ends it with 3."""
    path = configuration(tmp_path, "core: {max_events: 1}\n")
    done = nlmon("--config", path, *mode)

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"error[NLM-G013]: core.max_events is 1, less than 100 ({path}:1:20)")


def test_a_recording_through_a_monitor(tmp_path: Path) -> None:
    """What matches goes into the file, and if that is asked for onto standard output, as lines for people."""
    exports = f"export: {{console: {{enabled: true}}, json: {{file: {tmp_path}/out.json}}}}\n"
    path = configuration(tmp_path, f"filter: netlink.msg_type == RTM_DELLINK\n{exports}")
    done = nlmon("--config", path, "--replay", BASIC)
    lines = [json.loads(line) for line in (tmp_path / "out.json").read_text().splitlines()]

    assert (done.returncode, done.stderr) == (0, "")
    assert {one["netlink"]["msg_type"] for one in lines} == {"RTM_DELLINK"}
    assert [line.split()[1:3] for line in done.stdout.splitlines()] == [
        ["RTM_DELLINK", one["interface"]] for one in lines
    ]


@pytest.mark.slow
def test_a_recording_whose_events_are_dumped(tmp_path: Path) -> None:
    """JSON lines of the documented form, and no other export is opened."""
    path = configuration(tmp_path, f"export: {{json: {{file: {tmp_path}/out.json}}}}\n")
    done = nlmon("--config", path, "--replay", BASIC, "--dump-events")
    schema = jsonschema.Draft202012Validator(SCHEMAS["export"]())
    for line in done.stdout.splitlines():
        schema.validate(json.loads(line))

    assert (done.returncode, len(done.stdout.splitlines()) > 50) == (0, True)
    assert not (tmp_path / "out.json").exists()


def test_what_cannot_be_played(tmp_path: Path) -> None:
    """A recording that is missing, and an export that cannot be opened."""
    missing = nlmon("--config", configuration(tmp_path, ""), "--replay", tmp_path / "none.pcap")
    refused = nlmon("--config", configuration(tmp_path, "export: {json: {file: /nowhere/e}}\n"), "--replay", BASIC)

    assert (missing.returncode, "NLM-C" in missing.stderr) == (3, True)
    assert (refused.returncode, "NLM-O001" in refused.stderr) == (4, True)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_replay(number: int, code: int, tmp_path: Path) -> None:
    """With whole lines in the file, and no traceback."""
    path = configuration(tmp_path, f"export: {{console: {{enabled: true}}, json: {{file: {tmp_path}/out.json}}}}\n")
    command = [sys.executable, "-m", "nlmon", "--config", str(path), "--replay", "-"]
    with BURST.open("rb") as file:
        data = ZstdDecompressor().stream_reader(file).read()
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, **pipes) as child:  # type: ignore[call-overload]
        child.stdin.write(data[:300_000])
        child.stdin.flush()
        first = child.stdout.readline()
        child.send_signal(number)
        _, said = child.communicate(timeout=60)
    lines = (tmp_path / "out.json").read_bytes().splitlines(keepends=True)

    assert (child.returncode, said.strip(), first != b"") == (code, b"", True)
    assert {line[:1] + line[-2:] for line in lines} == {b"{}\n"}
