"""The recipes of a migration on the running kernel: two monitors in parallel, a flag with a switch, one protocol after
another, and a canary. Each is held against what is in the files that it writes."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from support.namespaces import inside
from support.paths import REPOSITORY
from support.recipes import SCRIPT
from support.requirements import require_netns

pytestmark = [pytest.mark.live, pytest.mark.slow]

HOW_TO = REPOSITORY / "docs" / "how-to"
# Where root's control sockets are, which an ordinary user may not write to.
RUN = 'subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)\n'


def on_kernel(script: str, page: str, mark: str) -> Any:
    """What a script gives in namespaces of its own, with the files of a page and its commands of a mark."""
    text = (HOW_TO / page).read_text(encoding="utf-8")
    files = dict(re.findall(r"^```yaml file=(\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    blocks = re.findall(rf"^```sh {mark}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if mark else []
    lines = [line for block in blocks for line in block.splitlines()]
    return inside(SCRIPT + RUN + script, json.dumps([files, lines]), prefix=[*require_netns(), "--mount"])


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
    """The new monitor receives what moves before the old one stops to, so that between them no address is missing."""
    ended, counts = on_kernel(GRADUAL, "migrate-gradually.md", "")

    assert [one[0] for one in ended] == [0, 0]
    assert counts == {"before.json": 40, "moved.json": 40, "rest.json": 0}


CANARY = """
names = "legacy", "libnl"


def log_of(name):
    # With the files before it.
    return "".join(path.read_text() for path in sorted(Path().glob(f"events-{name}.json*"), reverse=True))


monitors = [start(f"nlmon --config {name}.yaml --socket {name}.sock") for name in names]
logs = [f"events-{name}.json" for name in names]
verdicts, times, chosen = [], [], random.Random(1)
for first, count in ((0, 8), (8, 56), (64, 8)):
    churn(first, count, *logs)
    times.append(f"{time.time():.6f}")
for pattern in "nothing", "RTM_DELADDR":
    for name in names:
        whole = log_of(name).splitlines(keepends=True)
        Path(name).mkdir(exist_ok=True)
        for host in range(40):
            # Each host has some of the addresses; half of the new ones lack what stands in ``pattern``.
            mine = {f'"10.9.0.{n + 1}"' for n in range(80) if chosen.random() < 0.7}
            lines = [line for line in whole if any(address in line for address in mine)]
            bad = name == "libnl" and host % 2
            text = "".join(line for line in lines if not (bad and pattern in line))
            (Path(name) / f"{name}{host}.json").write_text(text)
    canary = [sys.executable, "-m", "nlmon", "canary", "--control", "legacy/*", "--canary", "libnl/*"]
    canary += ["--since", times[0], "--until", times[1]]
    ran = subprocess.run(canary, capture_output=True, text=True)
    verdicts.append([ran.returncode, ran.stdout.splitlines()[-1], "RTM_DELADDR" in ran.stdout])
back = run("nlmon switch legacy --socket libnl.sock --write")[0]
churn(72, 8, *logs)
ended = [stop(one)[0] for one in monitors]
counts = [log_of(name).count('"RTM_DELADDR"') for name in names]
done([verdicts, back, ended, counts, "use_libnl: false" in Path("libnl.yaml").read_text()])
"""


@pytest.mark.long
def test_a_canary_that_goes_on_and_one_that_goes_back() -> None:
    """Forty hosts have a part of the log of a monitor of each kind; where half of the new ones lack what goes, the
    verdict is to go back, and the monitor does, in the same file."""
    verdicts, back, ended, counts, rewritten = on_kernel(CANARY, "run-both-in-parallel.md", "")

    assert verdicts == [[0, "promote", False], [1, "roll back", True]]
    assert (back, ended, counts, rewritten) == (0, [0, 0], [80, 80], True)
