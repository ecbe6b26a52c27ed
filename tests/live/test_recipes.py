"""The recipes of a migration on the running kernel: two monitors in parallel, a flag with a switch, one protocol after
another. Each is held against what is in the files that it writes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from support.namespaces import inside
from support.paths import REPOSITORY
from support.requirements import require_netns

pytestmark = [pytest.mark.live, pytest.mark.slow]

HOW_TO = REPOSITORY / "docs" / "how-to"
SCRIPT = """
import atexit, json, os, signal, subprocess, sys, tempfile, time
from contextlib import suppress
from pathlib import Path
from support.live import done, ip

os.chdir(tempfile.mkdtemp())
files, lines = json.loads(sys.argv[1])
for name, text in files.items(): Path(name).write_text(text)
ip("link", "set", "lo", "up")


def start(line, words="started"):
    child = subprocess.Popen(
        [sys.executable, "-m", *line.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    atexit.register(child.kill)
    if words: until(child, words)
    return child


def until(child, words):
    for line in child.stderr:
        if words in line: return
    raise AssertionError(words)


def run(line):
    ran = subprocess.run([sys.executable, "-m", *line.split()], capture_output=True, text=True)
    return [ran.returncode, ran.stdout, ran.stderr]


def stop(child):
    child.send_signal(signal.SIGTERM)
    out, said = child.communicate(timeout=20)
    return [child.returncode, out.splitlines()[-1:], "Traceback" in said]


def churn(first, count, *logs):
    # Addresses come and go, by so many at once that they fit into a receive buffer whoever else is busy.
    for begin in range(first, first + count, 8):
        numbers = [f"10.9.{n // 250}.{n % 250 + 1}" for n in range(begin, min(begin + 8, first + count))]
        for verb in ("add", "del"):
            ip("-batch", "-", lines="".join(f"addr {verb} {one}/32 dev lo\\n" for one in numbers))
        for log in logs:
            exported(log, numbers[-1])


def exported(log, address):
    # Wait until the log, or a file before it, has the line of an address that has gone.
    for _ in range(1000):
        with suppress(FileNotFoundError):
            texts = [path.read_text() for path in sorted(Path().glob(log + "*"))[:2]]
            if any(address + '"' in one and "RTM_DELADDR" in one for text in texts for one in text.splitlines()):
                return
        time.sleep(0.02)
    raise TimeoutError(address)
"""


def on_kernel(script: str, page: str, mark: str) -> Any:
    """What a script gives in namespaces of its own, with the files of a page and its commands of a mark."""
    text = (HOW_TO / page).read_text(encoding="utf-8")
    files = dict(re.findall(r"^```yaml file=(\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    blocks = re.findall(rf"^```sh {mark}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if mark else []
    lines = [line for block in blocks for line in block.splitlines()]
    return inside(SCRIPT + script, json.dumps([files, lines]), prefix=require_netns())


PARALLEL = """
monitors = [start(line) for line in lines[:2]]
logs = "events-legacy.json", "events-libnl.json"
churn(0, 200, *logs)
comparing = start(lines[2], None)
churn(200, 200, *logs)
status = [run(line) for line in lines[3:]]
ended = [stop(one) for one in monitors]
compared = run(lines[2].replace("--follow", ""))
stopped = stop(comparing)
written = [len(list(Path().glob(f"events-{name}.json*"))) for name in ("legacy", "libnl")]
done([ended, status, stopped, compared, written])
"""


def test_both_in_parallel() -> None:
    """Over several files each, which follow one another while they are compared: nothing differs."""
    ended, status, stopped, compared, written = on_kernel(PARALLEL, "run-both-in-parallel.md", "parallel")
    said = re.fullmatch(r"same: (\d+) and (\d+) lines, (\d+) paired, 0 explained", compared[1].splitlines()[-1])

    assert ([one[0] for one in ended], [one[0] for one in status]) == ([0, 0], [0, 0])
    assert [re.findall(r"^implementation: (\w+)$", one[1], re.MULTILINE) for one in status] == [["legacy"], ["libnl"]]
    assert said is not None
    assert (int(said[1]) >= 1600, len(set(said.groups()))) == (True, 1)  # with the local route of each address
    assert (stopped[0], stopped[1][0].partition(":")[0], min(written) > 2) == (0, "same", True)


FLAG = """
os.environ["NLMON_USE_LIBNL"] = "false"
monitor = start(lines[0])
churn(0, 40, "events.json")
switched = run(lines[1])
churn(40, 40, "events.json")
status = run(lines[2])
ended = stop(monitor)
kinds = [json.loads(line)["netlink"]["msg_type"] for line in Path("events.json").read_text().splitlines()]
done([switched[0], status[1], ended, kinds.count("RTM_NEWADDR"), kinds.count("RTM_DELADDR")])
"""


def test_a_flag_and_a_switch() -> None:
    """The monitor goes on with libnl, in the same file, and each address is in it once; the flag stays off."""
    switched, status, ended, added, gone = on_kernel(FLAG, "migrate-behind-a-feature-flag.md", "flag")

    assert (switched, ended[0], added, gone) == (0, 0, 80, 80)
    assert re.findall(r"^implementation: (\w+)", status, re.MULTILINE) == ["libnl"]


GRADUAL = """
def lines_of(name):
    return [json.loads(line) for line in Path(name).read_text().splitlines()]

old = start("nlmon --config before.yaml --socket old.sock")
churn(0, 20, "before.json")
new = start("nlmon --config moved.yaml --socket new.sock")
churn(20, 20, "before.json", "moved.json")
Path("before.new").write_text(files["rest.yaml"])
Path("before.new").rename("before.yaml")
until(old, "NLM-M046")
churn(40, 20, "moved.json")
ended = [stop(old), stop(new)]
counts = {name: sum(one["netlink"]["msg_type"] == "RTM_NEWADDR" for one in lines_of(name))
          for name in ("before.json", "moved.json", "rest.json")}
done([ended, counts])
"""


def test_one_protocol_after_another() -> None:
    """The new monitor hears what moves before the old one stops to, so that between them no address is missing."""
    ended, counts = on_kernel(GRADUAL, "migrate-gradually.md", "")

    assert [one[0] for one in ended] == [0, 0]
    assert counts == {"before.json": 40, "moved.json": 40, "rest.json": 0}
