"""Tiny programs that speak the harness protocol with the answers of a file, and make one mistake each.

Not here: harnesses of real libraries (``harnesses``).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from nlmon.backends.registry import create
from nlmon.harness.protocol import ask_line, hello_line
from nlmon.harness.serve import served
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram

__all__ = ["MISTAKES", "program", "right_answers", "settings", "words"]

# What a program does at a line of its answers, of which number 0 is its greeting. ``say`` writes one.
PROGRAM = """
import json, os, sys, time
answers = json.load(open({answers!r}))
count = entries = 0
def say(answer):
    sys.stdout.write(answer if isinstance(answer, str) else json.dumps(answer))
    sys.stdout.write("\\n")
    sys.stdout.flush()
def send(answer):
    global count, entries
    count += 1
    entries += len(answer["events"])
    say(answer)
for line in sys.stdin:
    ask = json.loads(line)
    what = ask["cmd"]
    if what == "hello":
        number, answer = 0, answers[0]
        count = entries = 0
    elif what == "datagram":
        number = ask["n"]
        answer = dict(answers[min(number, len(answers) - 1)], n=number)
    else:
        number, answer = -1, {{"bye": {{"datagrams": count, "events": entries}}}}
{mistake}
    send(answer) if what == "datagram" else say(answer)
"""
# The nine, and what differs in the end rather than on the way.
MISTAKES = {
    "none": "",
    "silent": "if number == 2: continue",
    "slow": "if number == 2: time.sleep(30)",
    "crashes at start": 'if number == 0: sys.exit("no such library")',
    "crashes midway": "if number == 3: os.abort()",
    "prints garbage": 'if number == 2: say("listening on netlink")',
    "lies about its version": 'if number == 0: answer["hello"]["protocol"] = 9',
    "drops the last event": 'if number == len(answers) - 1: answer["events"] = []',
    "reorders": 'if number > 0: answer["events"].reverse()',
    "duplicates": "if number == 2: send(answer)",
    "numbers from zero": "if number > 0: answer['n'] -= 1",
    "says no goodbye": "if number == -1: sys.exit(0)",
    "counts wrongly": "if number == -1: answer['bye']['events'] += 1",
    "ends with a status": "if number == -1: say(answer); sys.exit(7)",
    "catches a crash": "if number == 2: answer['events'][0] = {'offset': 0, 'error': {'code': 'crash', 'text': 'at'}}",
    "gives a kind of its own": 'if number == 2: answer["events"] = [{"offset": 0, "kind": "bond", "fields": {}}]',
    "gives an offset of its own": 'if number == 2: answer["events"][0]["offset"] = 4000',
}


def right_answers(implementation: str, datagrams: Iterable[Datagram]) -> list[dict[str, object]]:
    """The greeting and the answers of one of nlmon's implementations."""
    asked = [hello_line("little"), *(ask_line(one, "little", n) for n, one in enumerate(datagrams, 1))]
    answers = served(lambda kernel: create(implementation, RecordedFactory(kernel)), asked)
    return [msgspec.json.decode(line) for line in answers]


def program(folder: Path, answers: object, mistake: str = "none") -> str:
    """The command of a program that makes a mistake."""
    path, data = folder / "tiny.py", folder / "answers.json"
    data.write_text(json.dumps(answers), encoding="utf-8")
    indented = "\n".join(f"    {line}" for line in MISTAKES.get(mistake, mistake).splitlines())
    path.write_text(PROGRAM.format(answers=str(data), mistake=indented), encoding="utf-8")
    return " ".join(words(path))


def settings(folder: Path, name: str, command: str, **keys: object) -> None:
    """Write settings that name a program."""
    rows = {"command": command, **keys}
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in rows.items())
    (folder / "nlmon.toml").write_text(f"[implementations.{name}]\n{lines}", encoding="utf-8")


def words(path: Path) -> tuple[str, ...]:
    """The command of a program in a file, which finds no package and so starts at once."""
    return sys.executable, "-I", "-S", str(path)
