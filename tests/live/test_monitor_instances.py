"""Two monitors of root side by side with the sockets that their configurations give them, on a machine of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.privileged import everybodys_python
from support.requirements import require_program, require_root
from support.users import NOBODY

SCRIPT = """
import json, subprocess, sys, time
from pathlib import Path

python, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)


def start(config):
    command = [*python, "-m", "nlmon", "--config", str(folder / config)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def status(*arguments):
    command = [*python, "-m", "nlmon", "--status", "--format", "json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    users = [json.loads(line)["user"].split()[0] for line in done.stdout.splitlines()]
    return done.returncode, users, done.stderr[:15]


def until(count):
    for _ in range(600):
        if len(status()[1]) == count:
            return
        time.sleep(0.1)
    raise TimeoutError(status())


found = {"none": status()}
one = start("nobodys.yaml")
until(1)
two = start("roots.yaml")
until(2)
again = start("nobodys.yaml")
again.wait(60)
found["again"] = (again.returncode, again.communicate()[1][:15])
found["all"] = status()
found["named"] = [status("--config", str(folder / name)) for name in ("nobodys.yaml", "roots.yaml")]
facts = [path.stat() for path in (Path("/run/nlmon"), *Path("/run/nlmon").glob("*.sock"))]
found["modes"] = sorted((oct(one.st_mode & 0o7777), one.st_uid) for one in facts)
one.terminate()
found["ended"] = [one.wait(60)]
found["left"] = status()
two.terminate()
found["ended"].append(two.wait(60))
one.communicate(), two.communicate()
found["gone"] = status()
three = start("roots.yaml")
until(1)
three.terminate()
found["ended"].append(three.wait(60))
three.communicate()
print(json.dumps(found))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Two configurations: one whose export nobody may write, and one whose export root may."""
    with tempfile.TemporaryDirectory(prefix="nlmon-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for user, number in (("nobodys", NOBODY), ("roots", 0)):
            (folder / user).mkdir(0o755)
            if not os.geteuid():
                os.chown(folder / user, number, number)
            text = f"export: {{json: {{file: {folder}/{user}/events.json}}}}\n"
            (folder / f"{user}.yaml").write_text(text, encoding="utf-8")
        yield folder


@pytest.mark.slow
def test_two_configurations_are_two_monitors(folder: Path) -> None:
    """They are found together and each by its file; one more of the same file ends with exit code 4. The first one
    becomes nobody and has the folder, the other one stays root; what that leaves there is no obstacle to the next."""
    prefix = require_root()
    require_program("mount")
    python, environment = everybodys_python()
    command = [*prefix, sys.executable, "-c", SCRIPT, json.dumps(python), str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=240)
    assert (ran.returncode, ran.stderr) == (0, "")
    found = json.loads(ran.stdout)

    assert found["none"] == found["gone"] == [4, [], "error[NLM-M024]"]
    assert found["again"] == [4, "error[NLM-M020]"]
    assert (found["all"][0], sorted(found["all"][1])) == (0, ["nobody", "root"])
    assert [one[:2] for one in found["named"]] == [[0, ["nobody"]], [0, ["root"]]]
    assert found["modes"] == [["0o600", 0], ["0o600", NOBODY], ["0o700", NOBODY]]
    assert found["left"][:2] == [0, ["root"]]
    assert found["ended"] == [0, 0, 0]
