"""What a command imports: only what it uses.

Not here: how long that takes (``docs/performance.md``).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from zstandard import ZstdDecompressor

from nlmon.cli.groups import GROUPS
from nlmon.cli.main import COMMANDS
from support.paths import FIXTURES

BASIC = FIXTURES / "captures" / "linux-6.12" / "01-route-basic.pcap.zst"
# What pyroute2 brings along; libnl looks its definitions up.
PYROUTE2 = {"pyroute2", "asyncio", "multiprocessing", "concurrent.futures", "ssl", "sqlite3"}
HEAVY = PYROUTE2 | {
    *("deepdiff", "rich", "jsonschema", "zstandard", "ruamel", "attrs", "referencing", "lark", "re2"),
    "prometheus_client",
    "duckdb",
    *("distributed", "dask", "tornado", "cloudpickle", "pytest", "_pytest", "jinja2", "markupsafe"),
}
OURS = {
    "nlmon.engine.replay",
    "nlmon.backends.legacy",
    "nlmon.backends.libnl",
    "nlmon.compare",
    "nlmon.capture",
    "nlmon.jobs",
}


def imported(*arguments: object) -> set[str]:
    """Every module that a command line has imported at its end."""
    code = (
        "import sys\nfrom nlmon.cli.main import main\nsys.argv = ['nlmon', *sys.argv[1:]]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    code = end.code\n"
        "sys.stderr.write(' '.join(sys.modules))\nsys.exit(code)"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stderr.split())


# Each is forked from a process that has imported what all begin with: Python takes longer to start than a help.
EACH = """
import os, sys
from nlmon.cli.main import main

for line in sys.stdin.read().splitlines():
    if not os.fork():
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["nlmon", *line.split()]
        try:
            main()
        except SystemExit as end:
            assert not end.code
        os.write(2, f"{line}: {' '.join(sys.modules)}\\n".encode())
        os._exit(0)
    assert os.wait()[1] == 0
"""


def imported_by_each(lines: Iterable[str]) -> dict[str, set[str]]:
    """By command line every module that it has imported at its end, each in a process of its own."""
    command = [sys.executable, "-c", EACH]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=True)
    found = (line.partition(": ") for line in done.stderr.splitlines())
    return {line: set(modules.split()) for line, _, modules in found}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture that is not compressed."""
    path = tmp_path_factory.mktemp("startup") / "plain.pcap"
    with BASIC.open("rb") as file:
        path.write_bytes(ZstdDecompressor().stream_reader(file).read())
    return path


def test_help_imports_nothing_heavy() -> None:
    """Not even the library of our values, nor any room but the command line's."""
    found = imported("--help")

    assert (found & HEAVY, found & OURS, found & {"msgspec", "tomllib", "traceback", "secrets"}) == (
        set(),
        set(),
        set(),
    )


@pytest.mark.parametrize("typed", ["nlmon ", "nlmon capture ", "nlmon replay --", "nlmon replay --protocol "])
def test_completing_imports_nothing_heavy(typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it load a command that was not named; a shell waits."""
    monkeypatch.setenv("_NLMON_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(typed.count(" ")))
    found = imported()

    assert found & (HEAVY | OURS) == set()
    assert ("nlmon.cli.replay" in found, "nlmon.cli.info" in found) == ("replay" in typed, False)


@pytest.mark.slow
def test_help_on_a_command_imports_nothing_heavy() -> None:
    """Whatever the command needs when it does something; help on replay needs neither a replay, nor a capture, nor an
    implementation."""
    commands = [*COMMANDS, *(f"{one} {name}" for one in GROUPS for name in GROUPS[one])]
    found = imported_by_each(f"{command} --help" for command in commands)

    assert list(found) == [f"{command} --help" for command in commands]
    assert {line: modules & HEAVY for line, modules in found.items() if modules & HEAVY} == {}
    assert found["replay --help"] & OURS == set()


@pytest.mark.slow
def test_options_of_a_policy_need_no_policy() -> None:
    """Nor a settings file, and what reads it; a command without settings does not need that either."""
    code = "import sys, nlmon.cli.policy_options; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert {"tomllib", "msgspec", "nlmon.compare", "nlmon.project"} & set(done.stdout.split()) == set()
    assert "tomllib" not in imported("schema", "settings")


def test_a_replay_imports_what_it_uses(plain: Path) -> None:
    """Without a compressed capture, a table, a difference or another process: the definitions of libnl's attributes,
    which come in one package with all of pyroute2."""
    found = imported("replay", plain, "--format", "json") & HEAVY

    assert (found - PYROUTE2, "pyroute2" in found) == (set(), True)


@pytest.mark.slow
def test_a_replay_does_without_the_running_kernel(plain: Path) -> None:
    """It compares by the same rules, and listens to nothing."""
    assert imported("replay", plain, "--format", "json") & {"nlmon.engine.live", "nlmon.transport.kernel"} == set()


@pytest.mark.slow
def test_decoding_needs_nothing_that_compares(plain: Path) -> None:
    """Nor what looks for blind spots."""
    found = imported("decode", plain)

    assert found & {"nlmon.engine.replay", "nlmon.compare.judge", "nlmon.engine.coverage", "nlmon.engine.live"} == set()


@pytest.mark.slow
def test_a_replay_without_libnl_imports_less(plain: Path) -> None:
    """No pyroute2, and nothing that only it brings."""
    assert imported("replay", plain, "--format", "json", "--against", "legacy", "--control") & HEAVY == set()


@pytest.mark.slow
def test_several_jobs_leave_the_work_to_others(plain: Path) -> None:
    """The process that hands out captures and collects reports knows no implementation."""
    found = imported("replay", plain, plain, "--format", "json", "--jobs", 2)

    assert found & {"nlmon.backends.legacy", "nlmon.backends.libnl", "pyroute2", "dask", "rich"} == set()
