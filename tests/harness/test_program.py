"""A child process that speaks in lines: pipes that are full, memory, standard error, and its end."""

from __future__ import annotations

import os
import sys
import weakref
from pathlib import Path

import pytest
from msgspec import structs

from nlmon.errors import HarnessError, UsageError
from nlmon.harness.command import Command
from nlmon.harness.conversation import Conversation
from nlmon.harness.program import Program
from nlmon.harness.protocol import Farewell
from nlmon.harness.said import Said
from nlmon.wire import Datagram
from support.command import nlmon
from support.harnesses import program

HELLO = {"hello": {"name": "tiny", "protocol": 1}}
EMPTY = [HELLO, {"events": []}]


def python(code: str, **keys: object) -> Command:
    """A program in Python."""
    return structs.replace(Command((sys.executable, "-I", "-S", "-c", code), timeout=30), **keys)


def tiny(folder: Path, answers: object, mistake: str = "none", **keys: object) -> Command:
    """A program of the zoo."""
    return structs.replace(Command(tuple(program(folder, answers, mistake).split()), timeout=30), **keys)


def test_full_pipes_do_not_block(tmp_path: Path) -> None:
    """Many large datagrams and many large answers are on their way at once; each side fills its pipe many times."""
    large = [HELLO, {"events": [{"offset": 0, "skip": "x" * 100_000}]}]
    conversation = Conversation(tiny(tmp_path, large, window=16), "little")
    datagrams = [Datagram(n, 0, 0, bytes(100_000)) for n in range(40)]
    found = list(conversation.ask(datagrams))
    bye = conversation.close()

    assert [answer.n for answer in found] == list(range(1, 41))
    assert bye is not None
    assert (bye.datagrams, bye.events) == (40, 40)


def test_a_batch_is_answered_at_the_end_and_halved(tmp_path: Path) -> None:
    """Down to the datagram that has no answer; the others have theirs."""
    code = """
import json, sys
waiting = []; n = 0
for line in sys.stdin:
    ask = json.loads(line)
    if ask["cmd"] == "hello": print(json.dumps({"hello": {"name": "b", "protocol": 1, "mode": "batch"}}), flush=True)
    elif ask["cmd"] == "datagram":
        if ask["data"] == "AwMD": sys.exit("three")
        waiting.append(ask["n"]); n += 1
    elif ask["cmd"] == "flush":
        for one in waiting: print(json.dumps({"n": one, "events": []}))
        sys.stdout.flush(); waiting = []
    else: print(json.dumps({"bye": {"datagrams": n, "events": 0}}), flush=True)
"""
    conversation = Conversation(python(code), "little")
    datagrams = [Datagram(n, 0, 0, bytes([n] * 3)) for n in range(1, 6)]
    found = []
    with pytest.raises(HarnessError) as caught:
        found += list(conversation.ask(datagrams[2:]))
    whole = list(conversation.ask([*datagrams[:2], *datagrams[3:]]))
    conversation.close()

    assert (caught.value.code, len(found), len(whole)) == ("NLM-N003", 0, 4)


def test_memory_is_bounded_by_what_is_resident(tmp_path: Path) -> None:
    """A program that takes much of it is ended, whatever it would have answered."""
    greedy = "if number == 1: hoard = b'x' * (90 << 20); time.sleep(60)"
    conversation = Conversation(tiny(tmp_path, EMPTY, greedy, memory=60 << 20), "little")
    with pytest.raises(HarnessError) as caught:
        list(conversation.ask([Datagram(1, 0, 0, b"")]))

    assert caught.value.code == "NLM-N008"


def test_standard_error_is_read_and_its_end_shown(tmp_path: Path) -> None:
    """However much it writes, nothing blocks."""
    loud = "if number == 1: sys.stderr.write('noise\\n' * 100_000 + 'the reason'); sys.exit(2)"
    conversation = Conversation(tiny(tmp_path, EMPTY, loud), "little")
    with pytest.raises(HarnessError) as caught:
        list(conversation.ask([Datagram(1, 0, 0, b"")]))

    assert caught.value.code == "NLM-N003"
    assert caught.value.why.endswith("noise | the reason")


def test_the_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ours it has what a program needs to be found, and what its settings say."""
    monkeypatch.setenv("NLMON_SECRET", "1")
    running = Program(python("import os; print(sorted(set(os.environ) - {'LC_CTYPE'}))", environment={"MINE": "1"}))
    found = eval(running.read())
    running.kill()

    assert set(found) - {"TMPDIR"} == {"HOME", "LC_ALL", "MINE", "PATH"} & {*os.environ, "LC_ALL", "MINE"}


def test_a_program_goes_with_whoever_started_it() -> None:
    """Nobody closed it."""
    running = Program(python("import time; time.sleep(600)"))
    process = running._process
    gone = weakref.ref(running)
    del running

    assert (gone(), process.returncode) == (None, -9)


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [("./none", "NLM-N001", ""), ("none-of-it", "NLM-N001", ""), ("./plain", "NLM-N002", "it is not executable"),
     ("./folder", "NLM-N002", "it is a folder")],
)  # fmt: skip
def test_what_cannot_be_started_is_a_mistake_of_use(name: str, code: str, why: str, tmp_path: Path) -> None:
    """It names what is wrong with it."""
    (tmp_path / "plain").touch(mode=0o600)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError) as caught:
        Program(Command((name,), str(tmp_path)))

    assert (caught.value.code, caught.value.why) == (code, why)


def test_what_is_written_behind_bye_does_not_block_the_end(tmp_path: Path) -> None:
    """Standard error, and standard output, are read until the program has ended; only the latter is to be silent."""
    loud = "if number == -1: say(answer); os.write(2, b'e' * 500_000); os.write(1, b'o' * 500_000); sys.exit(0)"
    found = []
    for mistake in (loud, loud.replace("os.write(1, b'o'", "os.write(1, b'\\n'")):
        conversation = Conversation(tiny(tmp_path, EMPTY, mistake), "little")
        list(conversation.ask([Datagram(1, 0, 0, b"")]))
        try:
            found.append(conversation.close())
        except HarnessError as error:
            found.append(error.code)

    assert found == ["NLM-N010", Farewell(1, 0)]


TRACE = "file.js:81\nTypeError: no such thing\n" + "    at a place of a library (file.js:1)\n" * 40


@pytest.mark.parametrize(
    ("pieces", "begin", "end"),
    [
        (["short\n", "  text \n"], "short | text", "short | text"),
        ([TRACE], "file.js:81 | TypeError: no such thing | at a place", "(file.js:1)"),
        (["a line\n" * 40_000, "the reason"], "a line | a line", "a line | the reason"),
        (["a log\n" * 40_000, None, TRACE], "file.js:81 | TypeError: no such thing | at a place", "(file.js:1)"),
        ([TRACE, None], "", "(file.js:1)"),
    ],
)
def test_the_begin_and_the_end_of_standard_error_are_kept(pieces: list[str | None], begin: str, end: str) -> None:
    """Whichever of them names the error; ``None`` is an answer, behind which the next begin is kept."""
    said = Said()
    for piece in pieces:
        said.answered() if piece is None else said.add(piece.encode())

    assert said.text.startswith(begin)
    assert said.text.endswith(end)
    assert len(said.text) <= 700


def test_a_program_that_never_answers_is_said_to_buffer() -> None:
    """One that answered before may be slow."""
    running = Program(python("import time; time.sleep(60)", timeout=0.1))
    with pytest.raises(HarnessError) as caught:
        running.read()
    running.kill()

    assert (caught.value.code, "buffers of input count, too" in str(caught.value)) == ("NLM-N004", True)


def test_a_greeting_may_take_longer_than_an_answer() -> None:
    """Six times as long, since the program loads what it needs before it."""
    with pytest.raises(HarnessError) as caught:
        Conversation(python("import time; time.sleep(60)", timeout=0.05), "little")

    assert (caught.value.code, "gave no answer in 0.3 s" in str(caught.value)) == ("NLM-N004", True)


@pytest.mark.parametrize(
    ("command", "where", "why", "hint"),
    [
        (Command(("plain",)), "", "", "./plain is the file in this folder"),
        (
            Command(("./none",), "nowhere", place="here: a"),
            "here: a",
            "there is no folder nowhere",
            "correct",
        ),
        (Command(("./none",), ".", place="here: a"), "here: a", "it is looked for in .", "a command is a path"),
    ],
)
def test_where_a_command_was_looked_for_is_said(
    command: Command, where: str, why: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the settings that name it, and what stands in the folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").touch(mode=0o600)
    with pytest.raises(UsageError) as caught:
        Program(command)

    assert (caught.value.code, caught.value.where, caught.value.why) == ("NLM-N001", where, why)
    assert caught.value.hint.startswith(hint)


ODD_HELLO = """
if number == 0:
    answer["hello"].update(provides={"link": ["a"]}, shapes={"link": "b"}, absent={"link.mtu": ""})
"""
# What an author's program does wrong, and a line that the check has about it.
CHECKED = [
    ("none", []),
    ("prints garbage", ["NLM-N005: a link that is gone: … wrote 'listening on netlink' (line 3 of its output)"]),
    ("lies about its version", ["NLM-N007: hello: … speaks version 9 of the harness protocol"]),
    ("crashes at start", ["NLM-N003: hello: … ended with status 1 (line 1 of its output): no such library"]),
    ("counts wrongly", ["NLM-N010: end: … counted 1 events: its answers list 0"]),
    (
        'if number == 1: answer["events"] = [{"offset": 8, "kind": "link", "fields": {"mtu": "x", "a": 1}}]',
        [
            "NLM-N016: a link: offset 8 is where no message begins; there is one at [0]",
            "NLM-N016: a link: link.mtu is 'x': Expected `int`, got `str`",
            "NLM-N016: a link: no event has link.a",
            '    {"events": [{"offset": 8, "kind": "link", "fields": {"mtu": "x", "a": 1}}], "n": 1}',
        ],
    ),
    (
        'if number == 2: answer["events"] = [{"offset": 0, "type": 16, "kind": "bond", "fields": {}}]',
        ["NLM-N016: a link that is gone: type 16 of the message at offset 0, whose nlmsg_type is 17"],
    ),
    ('if number == 3: answer["events"] = [{"offset": 0}]', ["NLM-N016: an address: the entry at offset 0 has none of"]),
    (
        'if number == 4: answer["events"] = [{"offset": 0, "skip": "why"}]',
        ["NLM-N016: a route with one next hop: skip"],
    ),
    (
        ODD_HELLO,
        [
            "NLM-N016: hello: provides or absent names link.a, which no event has",
            "NLM-N016: hello: shapes names 'b' of link; there is nexthops of route",
            "NLM-N016: hello: absent has a value of another type for link.mtu: Expected `int`, got `str`",
        ],
    ),
]


@pytest.mark.parametrize(("mistake", "lines"), CHECKED, ids=range(len(CHECKED)))
def test_an_author_learns_what_is_wrong(mistake: str, lines: list[str], tmp_path: Path) -> None:
    """Each problem with what the program was given, and the line that it wrote."""
    command = program(tmp_path, EMPTY, mistake)
    done = nlmon("harness", "check", command, "--timeout", "30")
    printed = done.stdout.replace(command, "…").splitlines()

    assert [line for line in lines if not any(one.startswith(line) for one in printed)] == []
    assert done.returncode == bool(lines)
    assert (" 0 problems, in " in printed[-1]) == (not lines)


def test_the_check_of_no_command_is_a_mistake_of_use() -> None:
    """Exit code 2."""
    assert nlmon("harness", "check", "./none").returncode == 2


def test_the_check_of_an_implementation_of_nlmon_is_a_mistake_of_use() -> None:
    """It is no program, but can be served as one."""
    done = nlmon("harness", "check", "libnl")

    assert (done.returncode, '"nlmon serve -i libnl"' in done.stderr) == (2, True)
