"""The commands of the how-to pages that need a kernel, as they stand there, on the running one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.namespaces import inside
from support.paths import REPOSITORY
from support.requirements import require_netns, require_root

pytestmark = pytest.mark.live

TEXT = (REPOSITORY / "docs/how-to/compare-live.md").read_text(encoding="utf-8")
COMMANDS = [
    line.strip()
    for block in re.findall(r"^ *```sh tested\n(.*?)^ *```$", TEXT, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]

PAGES = ["write-a-scenario", "write-a-migration-scenario"]

# Runs each command; while one listens, links come and go where it does.
SCRIPT = """
import json, os, subprocess, sys
from support.live import done, ip
os.chdir(sys.argv[1])
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
subprocess.run("mkdir -p /run/netns && mount -t tmpfs none /run/netns", shell=True, check=True)
outcomes = {}
for line in json.loads(sys.argv[2]):
    run = subprocess.Popen(line.split(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if line.startswith("nlmon live"):
        for said in run.stderr:
            if said.startswith("comparing"): break
        there = ["-n", "blue"] if "--netns" in line else []
        for n in range(10):
            ip(*there, "link", "add", f"b{n}", "type", "bridge"); ip(*there, "link", "del", f"b{n}")
    out, said = run.communicate()
    outcomes[line] = [run.returncode, "verdict: equivalent" in out, said]
done(outcomes)
"""


def test_every_command_does_what_it_says(tmp_path: Path) -> None:
    """They can be typed, and on a host that is well they end with 0; those that compare find no difference."""
    found = inside(SCRIPT, str(tmp_path), json.dumps(COMMANDS), prefix=require_root())

    assert len(COMMANDS) > 6
    assert {line: code for line, (code, _, _) in found.items()} == dict.fromkeys(COMMANDS, 0)
    assert [line for line, (_, equal, _) in found.items() if line.startswith("nlmon") and not equal] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_scenario_of_commands_runs_and_so_does_its_recording(name: str, tmp_path: Path) -> None:
    """As the page has it: without privilege, and then without a kernel."""
    require_netns()
    page = (REPOSITORY / f"docs/how-to/{name}.md").read_text(encoding="utf-8")
    ((path, text),) = re.findall(r"^```yaml file=(live/\S+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    ((code, block),) = re.findall(r"^```sh live=(\d)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / path).parent.mkdir()
    (tmp_path / path).write_text(text, encoding="utf-8")
    said = [
        subprocess.run([sys.executable, "-m", *line.split()], cwd=tmp_path, capture_output=True, text=True, check=False)
        for line in block.splitlines()
    ]

    assert [(one.returncode, one.stderr) for one in said] == [(int(code), "")] * 2
    assert ["2 passed" in one.stdout for one in said] == [True, True]
