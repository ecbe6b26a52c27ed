"""What comes of a program that makes a mistake: the outcome and the words, and never agreement.

Not here: programs that are wrong about a value, which a comparison finds as it does in ours (``tests/testing``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nlmon.capture.write import PcapngWriter
from nlmon.cli.harness_samples import samples
from nlmon.testing.messages import addr, link, message, neigh, route
from nlmon.wire import Datagram
from support.command import nlmon, process
from support.harnesses import MISTAKES, program, right_answers, settings

LINK, ADDR = message(16, link(7, "d0")), message(20, addr(7, "192.0.2.7"))
ROUTE, NEIGH = message(24, route("198.51.100.0/24", 7)), message(28, neigh(7, "192.0.2.1"))
MESSAGES = (LINK, ADDR, ROUTE, message(20, addr(7, "192.0.2.8")) + LINK, NEIGH)


@pytest.fixture(scope="module")
def answers() -> list[dict[str, object]]:
    """What legacy says of the messages."""
    return right_answers("legacy", [Datagram(0, 0, 0, data) for data in MESSAGES])


@pytest.fixture
def capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording of the messages, in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "five.pcapng"
    with PcapngWriter(path, metadata={}) as writer:
        socket = writer.add_socket("route", 0)
        for time, data in enumerate(MESSAGES, 1):
            writer.write(socket=socket, timestamp=time, data=data)
    return path


# Exit code, verdict, classes of difference, and what is said of the program.
OUTCOMES: dict[str, tuple[int, str, dict[str, int], str]] = {
    "none": (0, "equivalent", {}, ""),
    "silent": (3, "error", {"crash": 1}, "NLM-N004: … gave no answer in 5 s"),
    "slow": (3, "error", {"crash": 1}, "NLM-N004: … gave no answer in 5 s"),
    "crashes midway": (3, "error", {"crash": 1}, "NLM-N003: … was ended by SIGABRT"),
    "prints garbage": (3, "error", {"crash": 1}, "NLM-N005: … wrote 'listening on netlink' (line 3 of its output)"),
    "drops the last event": (1, "regression", {"missing": 1, "state": 1}, ""),
    "reorders": (0, "equivalent", {"reordered": 1}, ""),
    "duplicates": (3, "error", {"crash": 1}, "NLM-N006: … answered datagram 2 where 3 was next (line 4 of its output)"),
    "numbers from zero": (3, "error", {"crash": 1}, "NLM-N006: … answered datagram 0 where 1 was next"),
    "says no goodbye": (3, "error", {"crash": 1}, "NLM-N010: … ended without bye"),
    "counts wrongly": (3, "error", {"crash": 1}, "NLM-N010: … counted 7 events: its answers list 6"),
    "ends with a status": (3, "error", {"crash": 1}, "NLM-N010: … ended with status 7 behind its bye"),
    "catches a crash": (3, "error", {"crash": 1}, "NLM-N011: … caught a crash of its own: at"),
    "gives a kind of its own": (3, "error", {"crash": 1}, "NLM-N005: … gave an event of kind 'bond'"),
    "gives an offset of its own": (3, "error", {"crash": 1}, "NLM-N005: … gave an event at offset 4000 of"),
}
STARTS = {
    "crashes at start": "error[NLM-N003]: … ended with status 1 (line 1 of its output): no such library",
    "lies about its version": "error[NLM-N007]: … speaks version 9 of the harness protocol (line 1 of its output): "
    "version 1 was asked for; see docs/harness.md",
}


def replayed(capture: Path, command: str, **keys: Any) -> tuple[int, Any, str]:
    """Exit code, report and standard error of a replay with the program as the candidate."""
    settings(capture.parent, "tiny", command, **keys)
    done = nlmon("replay", capture, "-i", "tiny", "--format", "json")
    report = json.loads(done.stdout)["captures"][0] if done.stdout else None
    return done.returncode, report, done.stderr.replace(command, "…")


def test_every_mistake_has_an_outcome() -> None:
    """None is left out."""
    assert set(OUTCOMES) | set(STARTS) == set(MISTAKES)


# Before they are late these answer, on a busy machine within seconds.
LATE = {"silent", "slow"}


@pytest.mark.parametrize(
    "mistake", [pytest.param(one, marks=pytest.mark.slow) if one in LATE else one for one in OUTCOMES]
)
def test_a_mistake_has_its_outcome(mistake: str, capture: Path, answers: object) -> None:
    """Whatever the program does wrong on the way is an error of the run; what it says in due form is compared."""
    command = program(capture.parent, answers, mistake)
    timeout = 5 if mistake in LATE else 60
    code, report, _ = replayed(capture, command, timeout=timeout, restarts=0)
    found = {name: count for name, count in report["differences"].items() if name != "enhancement"}
    reason = report["reason"].replace(command, "…").replace("tiny caught", "… caught").replace("tiny gave", "… gave")
    exit_code, verdict, differences, words = OUTCOMES[mistake]

    assert (code, report["verdict"], found) == (exit_code, verdict, differences)
    assert words in reason
    assert ("NLM-N" in reason) == bool(words)


@pytest.mark.parametrize(("allow", "code"), [((), 1), (("link",), 1), (("addr", "route", "neigh"), 0), (("*",), 0)])
def test_a_library_of_few_kinds_may_lose_what_is_allowed(
    capture: Path, answers: object, allow: tuple[str, ...], code: int
) -> None:
    """By its name; the verdict stays lossy, and a loss of fields alone fails nothing."""
    hello = {"name": "tiny", "protocol": 1, "provides": {"link": ["ifindex", "ifname"]}}
    links = "[one for one in answer['events'] if one.get('kind') == 'link']"
    few = f"if number == 0: answer['hello'] = {hello!r}\nelif number > 0: answer['events'] = {links}"
    settings(capture.parent, "tiny", program(capture.parent, answers, few))
    words = [word for one in allow for word in ("--allow", one)]
    done = nlmon("replay", capture, "-i", "tiny", "--format", "json", *words)

    assert (done.returncode, json.loads(done.stdout)["captures"][0]["verdict"]) == (code, "lossy")


def test_a_promise_that_is_not_kept_is_allowed_by_nothing(capture: Path, answers: object) -> None:
    """It is a regression, and no loss."""
    settings(capture.parent, "tiny", program(capture.parent, answers, "drops the last event"))
    done = nlmon("replay", capture, "-i", "tiny", "--format", "json", "--allow", "*")

    assert (done.returncode, json.loads(done.stdout)["captures"][0]["verdict"]) == (1, "regression")


@pytest.mark.parametrize("mistake", STARTS)
def test_a_program_that_does_not_greet_ends_the_command(mistake: str, capture: Path, answers: object) -> None:
    """There is nothing to compare."""
    command = program(capture.parent, answers, mistake)
    code, report, said = replayed(capture, command, timeout=60)

    assert (code, report, said.splitlines()[0]) == (4, None, STARTS[mistake])


def test_a_failure_is_no_traceback_where_one_reads_alone(capture: Path, answers: object) -> None:
    """What was decoded before is printed, and the signal of a broken pipe does not end the command without a word."""
    command = program(capture.parent, answers, "if number == 3: sys.exit('no memory')")
    done = process("decode", capture, "-i", f"exec:{command}", cwd=capture.parent)

    assert (done.returncode, done.stdout.count("\n")) == (4, 2)
    assert (
        done.stderr.replace(command, "…")
        == "error[NLM-N003]: … ended with status 1 (line 4 of its output): no memory\n"
    )


def test_what_follows_a_failure_is_compared_again(capture: Path, answers: object) -> None:
    """The program is started again behind the datagram that it failed on, a bounded number of times."""
    marker = capture.parent / "failed"
    once = f"if number == 3 and not os.path.exists({str(marker)!r}): open({str(marker)!r}, 'w'); os.abort()"
    # What it says of later datagrams is counted from 1 again.
    mine = [answers[0], *answers[1:4], *answers[4:]]  # type: ignore[index]
    command = program(capture.parent, mine, f"{once}\nelif os.path.exists({str(marker)!r}) and what == 'datagram': "
                      "answer = dict(answers[min(number + 3, 5)], n=number)")  # fmt: skip
    _, report, _ = replayed(capture, command, timeout=60, restarts=3)

    assert (report["verdict"], report["differences"]) == ("error", {"crash": 1})
    assert "tiny left 1 datagram without an answer; they are not compared" in report["notes"]


def test_a_program_that_dies_of_everything_is_not_started_for_ever(capture: Path, answers: object) -> None:
    """Each failure is said once, and how many datagrams had no answer."""
    command = program(capture.parent, answers, "if number > 0: sys.exit(1)")
    _, report, _ = replayed(capture, command, timeout=60, restarts=1)

    assert (report["verdict"], report["differences"]) == ("error", {"crash": 2})
    assert "tiny left 5 datagrams without an answer; they are not compared" in report["notes"]


def test_fields_that_no_event_has_are_counted(capture: Path, answers: object) -> None:
    """They are no difference, and names that begin with x- are not spoken of."""
    more = 'if number > 0:\n    for one in answer["events"]: one["fields"].update(colour=1, **{"x-mine": 2})'
    command = program(capture.parent, answers, more)
    _, report, _ = replayed(capture, command, timeout=60)

    assert (report["verdict"], report["differences"]) == ("equivalent", {})
    assert (
        "tiny gives what no event of nlmon has: addr.colour (2), link.colour (2), neigh.colour (1), route.colour (1)"
        in report["notes"]
    )


def test_a_peer_that_is_the_address_itself_contradicts_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the program states the field or not: the kernel repeats the own address there, which is no peer."""
    monkeypatch.chdir(tmp_path)
    wanted = ("an address", "an address that has a peer")
    given = [one.datagram for one in samples("little") if one.name in wanted]
    with PcapngWriter(tmp_path / "two.pcapng", metadata={}) as writer:
        socket = writer.add_socket("route", 0)
        for time, one in enumerate(given, 1):
            writer.write(socket=socket, timestamp=time, data=one.data)
    hello, *right = right_answers("libnl", given)
    found = {}
    for fields in (["family", "addr", "prefixlen"], ["family", "addr", "prefixlen", "peer"]):
        greeting = {"hello": {**hello["hello"], "provides": {"addr": fields}}}  # type: ignore[dict-item]
        answers = json.loads(json.dumps([greeting, *right]))
        for answer in answers[1:]:
            entry = answer["events"][0]
            entry["fields"] = {name: value for name, value in entry["fields"].items() if name in fields}
        settings(tmp_path, "tiny", program(tmp_path, answers), timeout=60)
        done = nlmon("replay", "two.pcapng", "--against", "libnl", "-i", "tiny", "--format", "json")
        report = json.loads(done.stdout)["captures"][0]
        found[len(fields)] = report["verdict"], set(report["differences"])

    assert found == {3: ("lossy", {"loss-of-service"}), 4: ("lossy", {"loss-of-service"})}


@pytest.mark.parametrize("mistake", ["crashes midway", "says no goodbye"])
def test_what_a_program_did_has_its_code_and_exits_as_an_error(mistake: str, tmp_path: Path, capture: Path) -> None:
    """Also where whole events are not among what it provides: what it would have given nobody knows."""
    given = [{"hello": {"name": "tiny", "protocol": 1, "provides": {"link": ["ifname"]}}}, {"events": []}]
    code, report, said = replayed(capture, program(tmp_path, given, mistake), timeout=60, restarts=0)

    assert (code, report["verdict"], report["fails"]) == (3, "error", "")
    assert said.startswith("error[NLM-N0")
    assert "NLM-U002" not in said
