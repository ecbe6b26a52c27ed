"""A program that runs beside, in the sandbox of a scenario: it receives what libnl receives, and is ended."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from support.command import nlmon
from support.paths import REPOSITORY
from support.requirements import require_program, require_sandbox

pytestmark = pytest.mark.live

PROGRAM = """
import select, sys
from nlmon.backends.registry import create
from nlmon.eventjson.write import event_to_json
from nlmon.transport.kernel.transport import KernelFactory
backend = create("libnl", KernelFactory())
backend.set_callback(lambda event: print(event_to_json(event).decode(), flush=True))
backend.enable(0)
print('{"ready": {"name": "mine", "netlink": [0]}}', flush=True)
while True:
    select.select([backend.fileno(0)], [], [])
    backend.process(0)
"""
SCENARIO = """
scenario: 1
id: own.beside
title: An address comes and goes.
authority: ["rtnetlink(7)"]
implementations: [libnl, legacy]
steps:
  - run: ip link set lo up
  - run: ip addr add 10.0.0.1/24 dev lo
    expect:
      - {msg_type: RTM_NEWADDR, count: {min: 1}}
  - run: ip addr del 10.0.0.1/24 dev lo
expect: {verdict: {migrate: equivalent}}
"""


PAGE = REPOSITORY / "docs" / "how-to" / "compare-a-program-that-prints-events.md"


def test_the_program_of_the_page_agrees_in_what_it_provides(tmp_path: Path) -> None:
    """It is written as a newcomer would write it, and loses what it says that it loses, and nothing else."""
    require_sandbox()
    require_program("nsenter")
    (text,) = re.findall(r"^```python file=listen.py\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    (tmp_path / "listen.py").write_text(text, encoding="utf-8")
    (tmp_path / "beside.yaml").write_text(SCENARIO.replace("equivalent", "lossy"), encoding="utf-8")
    name = f"live:{sys.executable} {tmp_path}/listen.py"
    ran = nlmon("run", str(tmp_path / "beside.yaml"), "--against", "libnl", "-i", name)

    assert (ran.returncode, ran.stdout.splitlines()[-1][:8]) == (0, "1 passed"), ran.stdout + ran.stderr


def test_a_program_is_compared_in_the_sandbox(tmp_path: Path) -> None:
    """It gives what libnl gives, in time for what each step expects."""
    require_sandbox()
    require_program("nsenter")
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "beside.yaml").write_text(SCENARIO, encoding="utf-8")
    name = f"live:{sys.executable} {tmp_path}/program.py"
    ran = nlmon("run", str(tmp_path / "beside.yaml"), "--against", "libnl", "-i", name)

    assert (ran.returncode, ran.stdout.splitlines()[-1][:8]) == (0, "1 passed"), ran.stdout + ran.stderr
