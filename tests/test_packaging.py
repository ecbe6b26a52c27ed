"""The unit of systemd and what is beside it, as systemd's own tools judge them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nlmon.config import load
from support.paths import REPOSITORY
from support.requirements import require_program

PACKAGING = REPOSITORY / "packaging"
UNIT = PACKAGING / "nlmon.service"
# systemd-analyze multiplies the exposure by ten.
BELOW_TWO = "--threshold=19"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that there is on this machine."""
    text = UNIT.read_text(encoding="utf-8")
    found = tmp_path / UNIT.name
    found.write_text(text.replace("/usr/local/bin/nlmon", sys.executable), encoding="utf-8")
    return found


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says, which needs no systemd that runs."""
    command = [require_program("systemd-analyze"), "--no-pager", *arguments]
    environment = os.environ | {"LC_ALL": "C", "SYSTEMD_COLORS": "0"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_unit_is_in_order(unit: Path) -> None:
    """No key is unknown or without effect."""
    done = analyze("verify", "--man=no", str(unit))

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_unit_is_exposed_to_little(unit: Path) -> None:
    """Its exposure is below 2.0 of 10."""
    done = analyze("security", "--offline=true", BELOW_TWO, str(unit))
    found = re.search(r"Overall exposure level for nlmon.service: ([0-9.]+) ", done.stdout)

    assert done.returncode == 0
    assert found is not None and float(found[1]) < 2.0


def test_a_unit_without_a_sandbox_is_reported(unit: Path) -> None:
    """The threshold is one that a unit can miss."""
    unit.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")

    assert analyze("security", "--offline=true", BELOW_TWO, str(unit)).returncode == 1


def test_the_unit_gives_the_two_capabilities_alone() -> None:
    """It bounds what it gives, and gives what the monitor keeps."""
    keys = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE))

    assert keys["AmbientCapabilities"] == keys["CapabilityBoundingSet"] == "CAP_NET_ADMIN CAP_AUDIT_READ"
    assert (keys["Type"], keys["User"], keys["NoNewPrivileges"]) == ("notify", "nlmon", "yes")


def test_the_user_is_made_by_sysusers(tmp_path: Path) -> None:
    """The line is one that systemd-sysusers carries out, in a tree of its own."""
    program = require_program("systemd-sysusers")
    (tmp_path / "etc").mkdir()
    command = [program, f"--root={tmp_path}", str(PACKAGING / "nlmon.sysusers")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert re.search(r"^nlmon:", (tmp_path / "etc" / "passwd").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_example_is_in_order() -> None:
    """The configuration has no problem, not even a notice."""
    loaded = load([PACKAGING / "nlmon.yaml"], {})

    assert loaded.problems == ()
    assert loaded.config is not None
    assert loaded.config.export.json.file == "/var/log/nlmon/events.json"
