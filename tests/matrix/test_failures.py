"""A program that fails: what it was given is errored and never agreement, it is started again, and the rest is fed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from nlmon.cli.main import group
from nlmon.testing import messages as made
from support.captures import route_capture
from support.programs import program

MTUS = (1401, 1402, 1403, 1404, 1405, 1406)
LINKS = [made.message(16, made.link(7, "eth7", mtu=mtu)) for mtu in MTUS]
# What answers rightly: the MTU stands at the end of each message. ``fail`` is what happens at the second datagram.
RIGHT = """
import base64, os
with open({starts!r}, "a") as file:
    file.write("x")
def mtu():
    return int.from_bytes(base64.b64decode(ask["data"])[-4:], "little")
def link():
    return {{"offset": 0, "type": 16, "kind": "link", "fields": {{"family": 0, "ifindex": 7, "mtu": mtu()}}}}
def answer(n):
    if mtu() == 1402:
        {fail}
    return [link()]
"""


class Row(NamedTuple):
    """What happens at the second datagram, settings of the program, the code of its failure, the frame at which that is
    found, and the most starts."""

    fail: str
    code: str
    settings: str = ""
    before: str = ""
    frame: int = 2
    starts: int = 2


ROWS = {
    "crash": Row("os._exit(3)", "NLM-N003"),
    "crash while others wait": Row("os._exit(3)", "NLM-N003", "window = 6"),
    "crash in a batch": Row("os._exit(3)", "NLM-N003", before='hello["mode"] = "batch"\n', starts=4),
    "signal": Row("os.kill(os.getpid(), 9)", "NLM-N003"),
    "silence": Row("import time; time.sleep(60)", "NLM-N004", "timeout = 5"),
    "garbage": Row("print('oops', flush=True)", "NLM-N005"),
    "the number of another": Row("say(n=n + 1, events=[])", "NLM-N006"),
    "two answers": Row("say(n=n, events=[link()])", "NLM-N006", frame=3),
    "an event beyond the end": Row("return [link() | {'offset': 4000}]", "NLM-N005"),
    "an event of no kind": Row("return [link() | {'kind': 'lamp'}]", "NLM-N005"),
    "a crash of its own": Row("return [{'offset': 0, 'type': 16, 'error': {'code': 'crash'}}]", "NLM-N011"),
}


def codes_of(report: dict[str, Any]) -> dict[str, int]:
    """How often each code of a failure was met."""
    return {failure["text"].split(":")[1].strip(): failure["count"] for failure in report["failures"]}


def failing(folder: Path, row: Row) -> tuple[int, dict[str, Any], int]:
    """The exit code, the report, and how often the program was started."""
    starts = folder / "starts"
    code = row.before + RIGHT.format(starts=str(starts), fail=row.fail)
    command = program(folder, code).removeprefix("exec:")
    settings = f"[implementations.tiny]\ncommand = {json.dumps(command)}\n{row.settings}\n"
    (folder / "nlmon.toml").write_text(settings, encoding="utf-8")
    words = ["matrix", route_capture(folder, *LINKS), "-i", "legacy", "-i", "libnl", "-i", "tiny", "--format", "json"]
    outcome = CliRunner().invoke(group, words)
    return outcome.exit_code, json.loads(outcome.stdout), len(starts.read_text())


# Before it is late the program answers, on a busy machine within seconds.
LATE = pytest.mark.slow


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=name, marks=LATE if name == "silence" else ()) for name, row in ROWS.items()]
)
def test_a_failure_is_one_datagram_and_no_agreement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: Row) -> None:
    """The datagram at which it fails is errored; what was on its way behind that one is fed again and counts."""
    monkeypatch.chdir(tmp_path)
    code, report, starts = failing(tmp_path, row)
    counts = report["implementations"][2]

    assert (code, counts["errored"], counts["events"], counts["wrong"]) == (1, 1, len(MTUS) - 1, 0)
    assert (codes_of(report), [failure["frame"] for failure in report["failures"]]) == ({row.code: 1}, [row.frame])
    assert (report["messages"], report["agreed"], report["rows"]) == (len(MTUS), len(MTUS), [])
    assert starts <= row.starts


def test_it_is_started_again_a_bounded_number_of_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that dies at every datagram was started four times, and all that it was given is errored."""
    monkeypatch.chdir(tmp_path)
    code, report, starts = failing(tmp_path, Row("pass\n    os._exit(3)", ""))

    assert (code, report["implementations"][2]["events"], starts) == (1, 0, 4)
    assert codes_of(report) == {"NLM-N003": 4, "NLM-N009": 2}


def test_who_says_no_goodbye_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it gave may be less than it had."""
    monkeypatch.chdir(tmp_path)
    fail = "pass\n    if mtu() == 1406: say(n=n, events=[link()]); os._exit(0)"
    code, report, _ = failing(tmp_path, Row(fail, ""))

    assert (code, codes_of(report)) == (1, {"NLM-N010": 1})
