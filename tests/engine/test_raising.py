"""An implementation that raises or gives a wrong answer, in each of its methods: a finding of the report and never the
end of nlmon.

Not here: what is no event (``test_garbage``), and text without data (``tests/names/test_foreign.py``).
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from nlmon.backends import registry
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.reads import UNDECLARED, WHOLE, Node, Reads
from nlmon.testing.messages import addr, link, message, route
from support.bombs import write_pcap
from support.command import nlmon
from support.sampled import one_in

KEY = bytes(range(200, 232))
RECOVER = ("--recover", "--fault", "overrun@6+2")
METHODS = sorted(
    name for name in dir(LibnlBackend) if not name.startswith("_") and callable(getattr(LibnlBackend, name))
)


def recording(folder: Path) -> Path:
    """Links, addresses and routes, as a dump and then one by one."""
    links = [message(16, link(n, f"eth{n}")) for n in range(1, 4)]
    addresses = [message(20, addr(n, f"192.0.2.{n}")) for n in range(1, 4)]
    routes = [message(24, route(f"198.51.{n}.0/24", 1), flags=0x400) for n in range(10)]
    write_pcap(folder / "a.pcap", 0, [*links, *addresses, *routes, message(200, bytes(4))])
    return folder / "a.pcap"


def raising(base: type, name: str, error: BaseException | None = None) -> type:
    """A class that raises in one method, by default with a key in the text; it decodes in bulk if that method does."""

    def method(*_: Any, **__: Any) -> Any:
        raise error or ValueError(f"no: {KEY!r}, {KEY.hex()}")

    methods = {name: classmethod(method) if name == "reads" else method}
    made: type = type("Raising", (base,), methods, **({"bulk": True} if name == "decode_all" else {}))
    return made


def replay(monkeypatch: pytest.MonkeyPatch, path: Path, made: type, *options: str) -> tuple[Any, Any]:
    """``nlmon replay`` with a class in the place of libnl; what it printed, and the one report in it."""
    monkeypatch.setattr(sys.modules[__name__], "MADE", made, raising=False)
    monkeypatch.setattr(registry, "BACKENDS", {**registry.BACKENDS, "libnl": f"{__name__}:MADE"})
    done = nlmon("replay", path, "--format", "json", *options)
    return done, json.loads(done.stdout)["captures"][0] if done.stdout else None


@pytest.mark.parametrize("options", [(), RECOVER, ("--cache", "link")], ids=["plain", "recover", "cache"])
@pytest.mark.parametrize("name", one_in(3, METHODS, pytest.mark.long))
def test_an_implementation_that_raises_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: tuple[str, ...]
) -> None:
    """A crash of it, wherever it raises, if that is asked at all; what it says holds no key."""
    done, report = replay(monkeypatch, recording(tmp_path), raising(LibnlBackend, name), *options)

    said = done.stdout + done.stderr
    assert (done.returncode in {0, 1, 3, 4}, KEY.hex() in said, "\\\\xc8" in said) == (True, False, False)
    if "NLM-B013" in done.stderr:
        assert (done.returncode, name in {"prepare", "set_callback"}) == (4, True)
    elif "ValueError" in said:
        assert (done.returncode, report["verdict"], report["differences"]["crash"] > 0) == (1, "regression", True)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, ()) for name in ("decode", "process", "enable", "close", "status", "unresolved", "in_bulk", "count")),
        *((name, RECOVER) for name in ("resyncing", "on_transport_error", "deliver", "idle")),
    ],
)
def test_what_is_asked_of_an_implementation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: tuple[str, ...]
) -> None:
    """Methods that a replay calls: so the test above is about something."""
    done, report = replay(monkeypatch, recording(tmp_path), raising(LibnlBackend, name), *options)

    assert (done.returncode, report["differences"]["crash"] > 0) == (1, True)
    assert "ValueError: no: (" in done.stdout


class Own(BaseException):
    """What no handler of exceptions expects, and has no text."""

    def __str__(self) -> str:
        raise SystemExit(0)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SystemExit(0), "SystemExit: 0"),
        (GeneratorExit("no"), "GeneratorExit: no"),
        (asyncio.CancelledError(), "CancelledError: "),
        (Own(), "Own: (no text)"),
    ],
    ids=["SystemExit", "GeneratorExit", "CancelledError", "Own"],
)
@pytest.mark.parametrize("name", ["decode", "process", "enable", "close", "status", "decode_all"])
def test_an_implementation_that_ends_the_program_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException, said: str
) -> None:
    """Whatever it raises but Ctrl-C is a crash of it, and no end of a run without a report."""
    done, report = replay(monkeypatch, recording(tmp_path), raising(LibnlBackend, name, error))

    assert (done.returncode, report["verdict"], report["differences"]["crash"] > 0) == (1, "regression", True)
    assert said in done.stdout


@pytest.mark.parametrize("name", ["decode", "process", "enable", "close", "status", "reads", "decode_all"])
def test_ctrl_c_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Ctrl-C that arrives while an implementation is at work interrupts the command."""
    done, _ = replay(monkeypatch, recording(tmp_path), raising(LibnlBackend, name, KeyboardInterrupt()))

    assert (done.returncode, done.stdout) == (130, "")


@pytest.mark.parametrize("name", ["__init__", "reads"])
def test_what_ends_the_program_where_no_datagram_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """One that cannot be made is an error with a code; one that does not say what it reads has not said it."""
    done, _ = replay(monkeypatch, recording(tmp_path), raising(LibnlBackend, name, SystemExit(0)))

    assert (done.returncode, "NLM-B013" in done.stderr) == {"__init__": (4, True), "reads": (0, False)}[name]


def test_one_that_cannot_be_made_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where messages are lost on purpose, one is made that reads all of them: a crash if that ends the program."""
    made = []

    class Once(LibnlBackend):
        def __init__(self, *arguments: Any) -> None:
            made.append(self)
            if len(made) > 1:
                raise SystemExit(0)
            super().__init__(*arguments)

    done, report = replay(monkeypatch, recording(tmp_path), Once, *RECOVER)

    assert (len(made), done.returncode, report["differences"]["crash"]) == (2, 1, 1)
    assert "SystemExit: 0" in done.stdout


WRONG = {"a number": 5, "nothing": None, "a text": "x", "a list": [3], "a table": {"x": 1}, "an object": object()}


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), RECOVER], ids=["plain", "recover"])
@pytest.mark.parametrize("name", one_in(3, METHODS, pytest.mark.long))
def test_a_wrong_answer_is_no_bug_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: tuple[str, ...]
) -> None:
    """Whatever any method gives, a run ends with a report, or the implementation cannot be made."""
    path = recording(tmp_path)
    for answer in WRONG.values():
        made = type("Wrong", (LibnlBackend,), {name: classmethod(lambda *_, answer=answer, **__: answer)})
        done, report = replay(monkeypatch, path, made, *options)

        assert (done.returncode in {0, 1, 3, 4}, "NLM-X" in done.stderr) == (True, False)
        assert (report is None) == ("NLM-B013" in done.stderr)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("name", 5, "a int was given for a name"),
        ("name", None, "a NoneType was given for a name"),
        ("name", ["x"], "a list was given for a name"),
        ("groups", {"x": (1,)}, "a str was given for a protocol"),
        ("groups", {True: (1,)}, "a bool was given for a protocol"),
        ("groups", 5, "object is not iterable"),
    ],
)
def test_a_wrong_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: Any, why: str) -> None:
    """One that does not say what it is called, or what it reads, cannot be made."""
    done, _ = replay(monkeypatch, recording(tmp_path), type("Wrong", (LibnlBackend,), {name: value}))

    assert (done.returncode, "NLM-B013" in done.stderr, why in done.stderr) == (4, True, True)


@pytest.mark.parametrize(
    "reads",
    [
        *(5, "x", [3], ()),
        *(Reads(-3, None), Reads(4.0, {}), Reads(16, 7), Reads(16, {"x": WHOLE}), Reads(16, {1: 5})),
        *(Reads(16, {18: Node({1: "x"})}), Reads(16, {9: Node({1: WHOLE}, begin="x")})),
    ],
    ids=repr,
)
def test_what_says_nothing_of_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: Any) -> None:
    """Is as good as no answer, and the verdict is the same."""
    made = type("Wrong", (LibnlBackend,), {"reads": classmethod(lambda *_: reads)})
    silent = type("Silent", (LibnlBackend,), {"reads": classmethod(lambda *_: UNDECLARED)})
    reports = [replay(monkeypatch, recording(tmp_path), one) for one in (made, silent)]

    assert [done.returncode for done, _ in reports] == [0, 0]
    assert [report["notes"] for _, report in reports] == [reports[1][1]["notes"]] * 2


def test_one_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to compare: an error with a code."""
    done, _ = replay(monkeypatch, recording(tmp_path), raising(LibnlBackend, "__init__"))

    assert done.returncode == 4
    assert done.stderr.startswith("error[NLM-B013]: an implementation cannot be made: ValueError: no: (")


@pytest.mark.parametrize("command", [("capture", "stats"), ("decode",)], ids=" ".join)
@pytest.mark.parametrize("name", ["status", "close", "decode"])
def test_a_bug_of_our_own_is_reported_without_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], name: str
) -> None:
    """Where one implementation is at work, what it raises ends the command with a code."""
    monkeypatch.setattr(sys.modules[__name__], "MADE", raising(LegacyBackend, name), raising=False)
    monkeypatch.setattr(registry, "BACKENDS", {**registry.BACKENDS, "legacy": f"{__name__}:MADE"})
    done = nlmon(*command, recording(tmp_path), "-i", "legacy")

    said = done.stdout + done.stderr
    assert (done.returncode, "error[NLM-X002]: legacy raised ValueError: no: (" in done.stderr) == (5, True)
    assert (KEY.hex() in said, "\\xc8" in said) == (False, False)
