"""The commands of ``docs/how-to/accept-known-differences.md``, as they stand there, one after the other."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from support.paths import CAPTURES, REPOSITORY

TEXT = (REPOSITORY / "docs/how-to/accept-known-differences.md").read_text(encoding="utf-8")
COMMANDS = [
    (line, int(code))
    for code, block in re.findall(r"^```sh tested (\d)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def test_every_command_does_what_it_says(tmp_path: Path) -> None:
    """They can be typed, end with the exit code that the page names, and the entry that it shows is written."""
    shutil.copy(CAPTURES / "linux-6.12" / "06-xfrm.pcap.zst", tmp_path)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = [
        (line, subprocess.run(shlex.split(line), cwd=tmp_path, env=os.environ | {"PATH": path}, check=False).returncode)
        for line, _ in COMMANDS
    ]
    (shown,) = re.findall(r"^```yaml\nknown: 1\nentries:\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)

    assert (len(COMMANDS), done) == (5, COMMANDS)
    assert shown in (tmp_path / "nlmon-known.yaml").read_text(encoding="utf-8")
