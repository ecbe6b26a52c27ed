"""A process that chooses who it runs as and drops its privileges, as a monitor does, then says what it is.

Not here: a whole monitor.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from support.requirements import missing
from support.users import NOBODY, as_user

__all__ = ["dropped", "everybodys_python"]

# What a monitor imports, beside what every program of another user has.
PACKAGES = ("click", "lark", "pyroute2", "ruamel.yaml", "ruamel.yaml.clib", "prometheus-client", "google-re2")
SCRIPT = """
import json, os, socket, sys, threading
from pathlib import Path
import msgspec
from nlmon.errors import NlmonError
from nlmon.monitor.capabilities import threads
from nlmon.monitor.privileges import choose

named, writes, reads, then = json.loads(sys.argv[1])
try:
    standing = choose(named, writes=[Path(one) for one in writes], reads=[Path(one) for one in reads])
    standing.drop()
except NlmonError as error:
    print(json.dumps({"code": error.code, "text": str(error), "exit": int(error.exit_code)}))
    raise SystemExit
ended = threading.Event()
later = threading.Thread(target=ended.wait)
later.start()
found = [msgspec.to_builtins(one) for one in threads()]
ended.set()
later.join()
values = {"user": standing.user.name, "threads": found, "notices": [one.code for one in standing.notices],
          "text": standing.text()}
exec(then)
print(json.dumps(values))
"""


def dropped(
    named: str | None = None,
    *,
    writes: Sequence[str] = (),
    reads: Sequence[str] = (),
    prefix: Sequence[str] = (),
    then: str = "",
) -> Any:
    """What the process says. ``then``: what it does when it has dropped its privileges; it may add to ``values``."""
    given = json.dumps([named, list(writes), list(reads), then])
    python, environment = _python()
    command = [*prefix, *python, "-W", "error", "-c", SCRIPT, given]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd="/", env=environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


@functools.cache
def everybodys_python() -> tuple[list[str], dict[str, str]]:
    """A Python that runs all of nlmon and that nobody may run, too, and its environment; skips where there is none."""
    command, options = as_user("nobody")
    environment = options["env"] | {"LC_ALL": "C"}
    environment["PYTHONPATH"] += f":{_packages()}"
    tried = subprocess.run(
        [*command, "-c", "import click, lark, pyroute2"], env=environment, user=NOBODY, cwd="/", check=False
    )
    if tried.returncode:
        missing("nobody may not run the packages of this Python")
    return command, environment


def _packages() -> Path:
    """A folder with what a monitor imports, which everybody may read."""
    folder = Path(tempfile.mkdtemp(prefix="nlmon-"))
    atexit.register(shutil.rmtree, folder)
    folder.chmod(0o755)
    for name in PACKAGES:
        try:
            files = distribution(name).files or ()
        except PackageNotFoundError:
            continue
        for file in files:
            if ".." not in file.parts:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), folder / file)
                # Its bytecode is that of a file of this time, and saves a start half of what it costs.
                facts = Path(str(file.locate())).stat()
                os.utime(folder / file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    return folder


@functools.cache
def _python() -> tuple[list[str], dict[str, str]]:
    """A Python that the user may run whom the process becomes, and its environment."""
    command, options = as_user("this user" if os.geteuid() else "nobody")
    return command, options["env"] | {"LC_ALL": "C"}
