"""``nlmon run`` of scenarios with steps: as root and as an ordinary user, in processes, and with what it keeps."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from nlmon.errors import PlatformError
from nlmon.scenario.sandbox import Sandbox
from support.requirements import missing, require_program
from support.users import as_user

pytestmark = pytest.mark.live

GOOD = """\
scenario: 1
id: link.comes
title: A link comes and is up.
needs: {live: true, devices: [veth]}
steps:
  - run: ip link add veth0 type veth peer name veth1
    expect: {msg_type: RTM_NEWLINK, link: {ifname: veth0}}
  - ip link set veth0 up
expect:
  verdict: {migrate: equivalent, rollback: lossy}
  state: kernel
"""
BAD = GOOD.replace("link.comes", "link.stays").replace("lossy", "equivalent")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two scenarios, of which one does not hold; a folder that everybody may use."""
    require_program("ip")
    try:
        Sandbox().__enter__().close()
    except PlatformError as error:
        missing(str(error))
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        if parent.owner() == tmp_path.owner():
            parent.chmod(0o755)
    tmp_path.chmod(0o777)
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text(BAD, encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str, user: str = "this user") -> tuple[int, dict[str, str], str]:
    """Exit code, outcome of each case, and what is said on standard error."""
    command, options = as_user(user)
    options["cwd"] = folder
    ran: Any = subprocess.run(
        [*command, "-m", "nlmon", "run", *arguments, "--format", "jsonl"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )
    records = [json.loads(line) for line in ran.stdout.splitlines()]
    return ran.returncode, {one["id"]: one["outcome"] for one in records if one["record"] == "result"}, ran.stderr


RESULTS = {
    "link.comes[migrate]": "passed",
    "link.comes[rollback]": "passed",
    "link.stays[migrate]": "passed",
    "link.stays[rollback]": "failed",
}


@pytest.mark.parametrize("more", [(), ("--jobs", "2")], ids=["one process", "two processes"])
def test_a_suite_of_steps_runs(folder: Path, more: tuple[str, ...]) -> None:
    """Each in a sandbox of its own."""
    code, outcomes, said = run(folder, ".", *more)

    assert (code, outcomes, said) == (1, RESULTS, "")


def test_recordings_alone_skip_steps(folder: Path) -> None:
    """And a suite of which all is skipped says that the environment lacks something."""
    code, outcomes, _ = run(folder, ".", "--recorded")

    assert (code, set(outcomes.values())) == (4, {"skipped"})


def test_what_fails_is_kept_with_its_recording(folder: Path) -> None:
    """Which is replayed, and from which the events of each implementation are made."""
    code, _, _ = run(folder, ".", "--keep-on-failure", "kept", "--record", "all")
    kept = sorted(path.name for path in (folder / "kept" / "link.stays").iterdir())
    recorded = sorted(path.name for path in (folder / "all").iterdir())

    assert (code, recorded) == (1, ["link.comes.pcapng", "link.stays.pcapng"])
    assert kept == [
        *("events-legacy.jsonl", "events-libnl.jsonl", "link.stays.pcapng", "reproduce.sh", "result.json"),
        "scenario.yaml",
    ]
    assert not (folder / "kept" / "link.comes").exists()


def test_what_passes_is_kept_beside_its_scenario(folder: Path) -> None:
    """And judged by that from then on, where recordings are asked for."""
    first, _, _ = run(folder, ".", "--record-beside")
    beside = sorted(path.name for path in folder.iterdir() if path.suffix != ".yaml")
    second, outcomes, _ = run(folder, ".", "--recorded")

    assert (first, beside) == (1, ["good.pcapng.zst", "good.state.json"])
    assert (second, outcomes["link.comes[migrate]"], outcomes["link.stays[migrate]"]) == (0, "passed", "skipped")
