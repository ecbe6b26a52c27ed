"""A shell completes nlmon: what it is offered, in real shells, and where the script is installed."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from nlmon.cli.main import COMMANDS, group
from support.command import nlmon
from support.requirements import require_program

# Seconds for a shell on a busy machine.
PATIENCE = 30.0
OFFERED = {
    "re": ["replay", "record", "report"],
    "capture i": ["info"],
    "capture ": ["info", "cut", "stats"],
    "status re": ["replay", "record", "report"],
    "nonsense re": ["replay", "record", "report"],
    "--test": ["--test-mode"],
    "--benchmark --against l": ["legacy", "libnl"],
    "replay --aga": ["--against"],
    "replay --against ": ["legacy", "libnl", "exec:", "events:", "live:"],
    "replay -i ev": ["events:"],
    "live -i li": ["libnl", "live:"],
    "decode a.pcap -i e": ["exec:"],
    "replay -i l": ["legacy", "libnl", "live:"],
    "replay --protocol so": ["sock_diag"],
    "live --require-protocol aud": ["audit"],
    "replay --group tc": ["tc"],
    "explain nlm-o001": ["NLM-O001"],
    "schema eve": ["event"],
    "decode a.pcap --where netlink.link.mt": ["netlink.link.mtu"],
    "completion ": ["bash", "zsh", "fish"],
}
# What is typed in a shell: words that stay, the word that is completed, and what becomes of it.
TYPED = (
    ("nlmon capture ", "i", "info"),
    ("nlmon replay --against ", "leg", "legacy"),
    ("nlmon decode --protocol ", "rou", "route"),
    ("nlmon filter explain ", "'netlink.link.mt", "'netlink.link.mtu'"),
    ("nlmon filter explain ", "'netlink.protocol == NETLINK_RO", "'netlink.protocol == NETLINK_ROUTE'"),
    ("nlmon replay ", "of-one", "of-one-host.pcap"),
)
INTERACTIVE = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source SCRIPT"),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u -D; source SCRIPT"),
}


@pytest.mark.parametrize("typed", OFFERED)
def test_what_a_shell_is_offered(typed: str) -> None:
    """The words that go on from what was typed."""
    *words, begun = typed.split(" ")
    found = ShellComplete(group, {}, "nlmon", "_NLMON_COMPLETE").get_completions(words, begun)

    assert [one.value for one in found] == OFFERED[typed]


def test_every_command_is_offered_with_what_it_does() -> None:
    """In the order of the help."""
    found = ShellComplete(group, {}, "nlmon", "_NLMON_COMPLETE").get_completions([], "")

    assert [(one.value, one.help) for one in found] == [(name, text) for name, (_, text) in COMMANDS.items()]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A search path on which ``nlmon`` is the one under test, in a folder with a capture."""
    (tmp_path / "of-one-host.pcap").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "bin" / "nlmon"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m nlmon \"$@\"\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return os.environ["PATH"]


class _Terminal:
    """A shell at a terminal of its own, which is typed to."""

    def __init__(self, command: list[str]) -> None:
        self._terminal, theirs = os.openpty()
        self._shell = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=os.environ | {"TERM": "dumb"},
            start_new_session=True,
        )
        os.close(theirs)

    def type(self, text: str, shown: str) -> str:
        """Type, and read until ``shown`` is there; what is there when it is not in time."""
        os.write(self._terminal, text.encode())
        said = b""
        while shown.encode() not in said and select.select([self._terminal], [], [], PATIENCE)[0]:
            said += os.read(self._terminal, 65536)
        return said.decode()

    def close(self) -> None:
        """End the shell."""
        self._shell.kill()
        self._shell.wait()
        os.close(self._terminal)


@contextmanager
def _terminal(shell: str, script: Path) -> Iterator[_Terminal]:
    command, setup = INTERACTIVE[shell]
    terminal = _Terminal(command)
    try:
        # The echo of what is typed holds no blank between these words.
        terminal.type(f"{setup.replace('SCRIPT', str(script))}; PS1='$ '; echo is''ready\n", "isready")
        yield terminal
    finally:
        terminal.close()


def test_bash_completes_behind_an_equals_sign(path: str, tmp_path: Path) -> None:
    """Which is a word of its own there."""
    require_program("bash")
    script = tmp_path / "script"
    script.write_text(nlmon("completion", "bash").stdout, encoding="utf-8")
    with _terminal("bash", script) as terminal:
        assert "--protocol=route " in terminal.type("nlmon decode --protocol=rou\t", "--protocol=route ")


@pytest.mark.slow
@pytest.mark.parametrize("shell", INTERACTIVE)
def test_a_shell_completes_what_is_typed(shell: str, path: str, tmp_path: Path) -> None:
    """In bash and zsh, at a terminal."""
    require_program(shell)
    script = tmp_path / "script"
    script.write_text(nlmon("completion", shell).stdout, encoding="utf-8")
    with _terminal(shell, script) as terminal:
        for words, begun, whole in TYPED:
            shown = f"{words}{whole} "

            assert shown in terminal.type(f"{words}{begun}\t", shown)
            terminal.type("\x15", "")  # the line is empty again


@pytest.mark.slow
def test_fish_completes_what_is_typed(path: str, tmp_path: Path) -> None:
    """It says what it would offer, with the text that goes with it."""
    fish = require_program("fish")
    script = tmp_path / "script"
    script.write_text(nlmon("completion", "fish").stdout, encoding="utf-8")
    for words, begun, whole in TYPED:
        ask = f'source {script}; complete -C "{words}{begun}"'
        ran = subprocess.run([fish, "--no-config", "-c", ask], capture_output=True, text=True, check=True)

        assert [line.partition("\t")[0] for line in ran.stdout.splitlines()] == [whole.strip("'")]


PLACES = {
    "bash": "data/bash-completion/completions/nlmon",
    "zsh": "zsh/.zfunc/_nlmon",
    "fish": "config/fish/completions/nlmon.fish",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has nothing yet."""
    for name, folder in {"XDG_DATA_HOME": "data", "XDG_CONFIG_HOME": "config", "ZDOTDIR": "zsh", "HOME": "."}.items():
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.delenv("BASH_COMPLETION_USER_DIR", raising=False)
    return tmp_path


@pytest.mark.parametrize("shell", PLACES)
def test_it_is_installed_where_the_shell_looks(shell: str, home: Path) -> None:
    """And says where; again changes nothing."""
    place = home / PLACES[shell]
    first, again = nlmon("completion", shell, "--install"), nlmon("completion", shell, "--install")

    assert (first.returncode, again.returncode, place.read_text(encoding="utf-8")) == (
        *(0, 0),
        nlmon("completion", shell).stdout,
    )
    assert first.stdout == ""
    assert first.stderr.startswith(f"wrote {place}\n")
    assert sorted(path.name for path in home.rglob("*") if path.is_file()) == sorted(
        {place.name, *([".zshrc"] if shell == "zsh" else [])}
    )


@pytest.mark.slow
def test_zsh_finds_what_was_installed(home: Path, path: str) -> None:
    """A new shell has the function, and what was in its file before."""
    zsh = require_program("zsh")
    (home / "zsh").mkdir()
    (home / "zsh" / ".zshrc").write_text("mine=1\n", encoding="utf-8")
    nlmon("completion", "zsh", "--install")
    nlmon("completion", "zsh", "--install")
    ran = subprocess.run([zsh, "-i", "-c", "echo $mine $_comps[nlmon]"], capture_output=True, text=True, check=True)

    assert ran.stdout == "1 _nlmon\n"
    assert (home / "zsh" / ".zshrc").read_text(encoding="utf-8").count("nlmon completion") == 1


def test_a_place_that_cannot_be_written_is_said(home: Path) -> None:
    """With its name, and no traceback."""
    (home / "data").write_text("", encoding="utf-8")
    done = nlmon("completion", "bash", "--install")

    assert (done.returncode, done.stderr.partition(":")[0]) == (3, "error[NLM-U001]")
