"""What else a program writes than the lines of the protocol: an error of the run with a code, and never agreement.

The program is asked about three datagrams, and goes wrong at the second, before the first, or behind the last.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nlmon.cli.main import group
from nlmon.errors import HarnessError
from nlmon.explain import look_up
from nlmon.harness.command import Command
from nlmon.harness.conversation import Conversation
from nlmon.harness.program import LONGEST, Program
from nlmon.harness.values import LONG, NAMES, OTHERS, Values
from nlmon.testing.messages import link, message
from nlmon.wire import Datagram
from support.captures import route_capture
from support.harnesses import words

DATA = tuple(message(16, link(7, "eth7", mtu=mtu)) for mtu in (1500, 1400, 1300))
ENTRY = '{"offset": 0, "type": 16, "skip": "unsupported"}'
# ``before`` the greeting, at the ``second`` datagram, and at the ``ending``, behind bye.
PROGRAM = """
import json, os, signal, subprocess, sys, time
def raw(data):
    os.write(1, data)
def say(text):
    raw(text.encode() + b"\\n")
ENTRY = {entry!r}
GREETING = '{{"hello": {{"name": "tiny", "protocol": 1}}}}'
{before}
count = 0
for line in sys.stdin:
    ask = json.loads(line)
    if ask["cmd"] == "hello":
        say(GREETING)
    elif ask["cmd"] == "end":
        say(json.dumps({{"bye": {{"datagrams": count, "events": count}}}}))
        {ending}
    else:
        n = ask["n"]
        count += 1
        if n == 2:
            {second}
        say('{{"n": %d, "events": [%s]}}' % (n, ENTRY))
"""


def tiny(folder: Path, second: str = "pass", before: str = "", ending: str = "break") -> Command:
    """A program that writes something else."""
    path = folder / "tiny.py"
    path.write_text(PROGRAM.format(entry=ENTRY, before=before, second=second, ending=ending), encoding="utf-8")
    return Command(words(path), timeout=60)


def failure(command: Command) -> tuple[str, int, str]:
    """The code of what a program does wrong, how many answers came before, and where it stands."""
    found = []
    try:
        conversation = Conversation(command, "little")
        for answer in conversation.ask([Datagram(n, 0, 0, data) for n, data in enumerate(DATA, 1)]):
            found.append(answer)
        conversation.close()
    except HarnessError as error:
        assert look_up(error.code)
        return error.code, len(found), error.where
    return "", len(found), ""


# What is written instead of the second answer.
LINES: dict[str, bytes] = {
    "not a number": b'{"n": NaN, "events": []}',
    "infinite": b'{"n": 1e999, "events": []}',
    "5,000 digits": b'{"n": ' + b"9" * 5000 + b', "events": []}',
    "5,000 digits in a field": b'{"n": 2, "events": [{"offset": 0, "fields": {"mtu": ' + b"9" * 5000 + b"}}]}",
    "an array": b"[2]",
    "a number as text": b'{"n": "2", "events": []}',
    "no number": b'{"events": []}',
    "nesting": b'{"n": 2, "x-": ' + b"[" * 100_000 + b"]" * 100_000 + b', "events": []}',
    "an empty line": b"",
    "a byte order mark": b'\xef\xbb\xbf{"n": 2, "events": []}',
    "UTF-16": '{"n": 2, "events": []}'.encode("utf-16"),
    "Latin-1": b'{"n": 2, "events": [{"offset": 0, "kind": "\xe9"}]}',
    "half of a pair of surrogates": rb'{"n": 2, "events": [{"offset": 0, "kind": "\ud800"}]}',
    "a second greeting": b'{"hello": {"name": "tiny", "protocol": 1}}',
}
# What is done at the second datagram, its code, and how many answers come before that is found.
ACTS: dict[str, tuple[str, str, int]] = {
    **{name: (f"raw({line!r}); raw(b'\\n'); continue", "NLM-N005", 1) for name, line in LINES.items()},
    "two numbers": (r"""raw(b'{"n": 2, "n": 9, "events": []}\n'); continue""", "NLM-N006", 1),
    "two answers": (r"""raw(b'{"n": 2, "events": []}\n')""", "NLM-N006", 2),
    "no newline": ("raw(b'{}'); sys.exit()", "NLM-N003", 1),
    "an end with status 0": ("sys.exit()", "NLM-N003", 1),
    "an end by SIGPIPE": ("signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.kill(os.getpid(), 13)", "NLM-N003", 1),
    "a child that keeps its output": ("subprocess.Popen(['sleep', '300']); os._exit(3)", "NLM-N003", 1),
    "another process that goes on": ("os.fork() and os._exit(0); time.sleep(300)", "NLM-N003", 1),
    "standard input closed, an answer and an end": (
        r"""os.close(0); raw(b'{"n": 2, "events": []}\n'); os._exit(0)""",
        "NLM-N003",
        2,
    ),
    "100 MB on standard error": ("[os.write(2, b'e' * 100_000) for _ in range(1000)]; sys.exit()", "NLM-N003", 1),
}


@pytest.mark.parametrize("name", ACTS)
def test_what_is_no_answer_has_a_code(name: str, tmp_path: Path) -> None:
    """And a place; what came before it counts."""
    second, code, answers = ACTS[name]

    assert failure(tiny(tmp_path, second)) == (code, answers, f"line {answers + 2} of its output")


@pytest.mark.parametrize(
    ("before", "ending", "code", "answers"),
    [
        ("say('loading')", "break", "NLM-N005", 0),
        ("GREETING = GREETING.replace('tiny', 'x' * 1001)", "break", "NLM-N005", 0),
        ("GREETING = GREETING.replace('1}', '1, \"groups\": {\"route\": [1]}}')", "break", "NLM-N005", 0),
        ("sys.exit()", "break", "NLM-N003", 0),
        ("", 'say(\'{"n": 4, "events": []}\'); break', "NLM-N010", 3),
        ("", "say('done'); break", "NLM-N010", 3),
        ("", "raw(b'\\n'); break", "", 3),
    ],
)
def test_what_stands_before_hello_and_behind_bye_has_a_code(
    before: str, ending: str, code: str, answers: int, tmp_path: Path
) -> None:
    """Only an empty line behind the last one is nothing."""
    assert failure(tiny(tmp_path, before=before, ending=ending))[:2] == (code, answers)


def test_a_line_without_end_is_held_up_to_a_bound(tmp_path: Path) -> None:
    """And what is held is put together once, however many pieces it comes in."""
    running = Program(tiny(tmp_path, before=f"raw(b'x' * {LONGEST}); say('')\nwhile True: raw(b'x' * 65536)"))
    whole = running.read()
    with pytest.raises(HarnessError) as caught:
        running.read()
    running.kill()

    assert (len(whole), caught.value.code, caught.value.where) == (LONGEST, "NLM-N005", "line 2 of its output")


def test_names_that_no_event_has_are_kept_up_to_a_bound() -> None:
    """In number and in length; they are counted all the same."""
    values = Values({})
    for number in range(2 * NAMES):
        values.payload("link", {f"{number}" + "y" * 10_000: 1})

    assert (len(values.unknown), values.unknown.total(), values.unknown[OTHERS]) == (NAMES + 1, 2 * NAMES, NAMES)
    assert max(map(len, values.unknown)) <= LONG + 1


def test_one_that_does_not_greet_is_errored_beside_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are compared, and the line that it wrote is named."""
    monkeypatch.chdir(tmp_path)
    command = tiny(tmp_path, before="say('loading')").text
    done = CliRunner().invoke(
        group,
        [
            "matrix",
            route_capture(tmp_path, *DATA),
            "-i",
            "legacy",
            "-i",
            "libnl",
            "-i",
            f"exec:{command}",
            "--format",
            "json",
        ],
    )
    report: dict[str, Any] = json.loads(done.stdout)

    assert (done.exit_code, report["messages"], [one["count"] for one in report["failures"]]) == (1, len(DATA), [1])
    assert "(line 1 of its output)" in report["failures"][0]["text"]
