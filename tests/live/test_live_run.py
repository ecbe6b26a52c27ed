"""``nlmon live`` on the running kernel: what it finds, what its recording gives again, and how it ends."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest

from nlmon.report.load import read_report
from support.namespaces import inside
from support.requirements import require_root

pytestmark = pytest.mark.live

# What every script begins with: a command that runs, its ready line, a burst of changes, and the report.
START = """
import json, signal, subprocess, sys
from pathlib import Path
from support.live import done, ip, ip_json
program = [sys.executable, "-m", "nlmon"]
class Run:
    def __init__(self, *words):
        command = [*program, "live", "--format", "json", *words]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            if line.startswith("comparing"):
                break
    def end(self, number=None):
        if number is not None: self.process.send_signal(number)
        out, said = self.process.communicate()
        self.said.append(said)
        return Run.outcome(out, self.process.returncode, "".join(self.said))
    @staticmethod
    def outcome(out, code, said):
        (capture,) = json.loads(out)["captures"]
        keys = ("verdict", "reason", "path", "format", "state", "frames", "events", "answers", "lost", "notes")
        keys += ("enhancements", "services", "objects")
        found = {key: capture[key] for key in keys}
        return found | {"code": code, "said": said, "differences": sorted(capture["differences"])}
def replay(path):
    ran = subprocess.run([*program, "replay", path, "--format", "json"], capture_output=True, text=True)
    return Run.outcome(ran.stdout, ran.returncode, ran.stderr)
def churn(rounds):
    lines = []
    for n in range(rounds):
        lines += [f"link add v{n} type veth peer name w{n}", f"addr add 192.0.2.{n + 1}/24 dev v{n}",
                  f"link set v{n} up", f"link set w{n} up", f"route add 198.51.{n}.0/24 dev v{n}",
                  f"neigh add 192.0.2.200 lladdr 02:00:00:00:00:01 dev v{n}",
                  f"rule add from 192.0.2.{n + 1} lookup 100", f"link set v{n} down", f"link set v{n} name x{n}",
                  f"addr add 2001:db8::{n + 1}/64 dev x{n}", f"link set x{n} name y{n}", f"link set y{n} mtu 1400",
                  f"addr add 203.0.113.{n + 1}/32 dev y{n}", f"link del y{n}"]
    ip("-batch", "-", lines="\\n".join(lines) + "\\n")
ip("link", "set", "lo", "up")
"""

CHURN = """
path = sys.argv[1]
run = Run("--record", path)
beside = subprocess.Popen([sys.executable, "-P", "-c", "from support.live import ip\\n"
    "for n in range(40): ip('link', 'add', 'side', 'type', 'bridge'); ip('link', 'set', 'side', 'name', 'edis');"
    "ip('addr', 'add', '192.0.2.250/32', 'dev', 'edis'); ip('link', 'del', 'edis')"])
churn(40)
beside.wait()
done({"live": run.end(signal.SIGINT), "replay": replay(path), "files": [p.name for p in Path(path).parent.iterdir()]})
"""


def check_churn(seen: Any) -> None:
    """Both runs compared the same, and found no difference."""
    live, again = seen["live"], seen["replay"]

    assert (live["code"], live["verdict"], live["reason"], live["state"]) == (0, "equivalent", "", "same")
    assert (live["path"], live["format"], set(live["differences"]) - {"enhancement"}) == ("live", "live", set())
    assert live["events"]["legacy"] > 500
    assert "Traceback" not in live["said"]
    same = ("code", "verdict", "frames", "events", "answers", "state", "enhancements", "services", "differences")
    assert {key: again[key] for key in same} == {key: live[key] for key in same}
    assert seen["files"] == ["a.pcapng"]


def test_a_busy_host_and_the_recording_of_it(tmp_path: Path) -> None:
    """Links that come, change their names and go while both listen are no difference, and a replay of the recording
    says the same."""
    check_churn(inside(START + CHURN, str(tmp_path / "a.pcapng")))


def test_a_busy_host_as_root(tmp_path: Path) -> None:
    """Root may open what a user may not, such as NETLINK_AUDIT, and it is no other verdict."""
    check_churn(inside(START + CHURN, str(tmp_path / "a.pcapng"), prefix=require_root()))


LOSS = """
run = Run("--protocol", "route", "--receive-buffer", "4096")
run.process.send_signal(signal.SIGSTOP)
churn(60)
run.process.send_signal(signal.SIGCONT)
done(run.end(signal.SIGTERM))
"""


def test_a_loss_is_inconclusive() -> None:
    """Receive buffers that overflow lose messages: the verdict is open, and nothing is said to be missing."""
    seen = inside(START + LOSS)

    assert (seen["code"], seen["verdict"]) == (3, "inconclusive")
    assert min(seen["lost"].values()) > 0
    assert "legacy lost" in seen["reason"]
    assert "raise --receive-buffer" in seen["said"]
    assert set(seen["differences"]) <= {"enhancement"}


ENDS = """
quiet = Run("--duration", "0.1").end()
run = Run("--count", "20", "--protocol", "route")
churn(4)
counted = run.end()
named = subprocess.run([*program, "live", "--netns", "nowhere"], capture_output=True, text=True)
done({"quiet": quiet, "counted": counted, "named": [named.returncode, named.stdout, named.stderr]})
"""


def test_it_ends_by_itself() -> None:
    """After a time, in which nothing may happen, or after a number of notifications; at once where there is no such
    namespace."""
    seen = inside(START + ENDS)
    quiet, counted = seen["quiet"], seen["counted"]

    assert (quiet["code"], quiet["verdict"], quiet["reason"]) == (
        3,
        "inconclusive",
        "no event was compared: no notification came",
    )
    assert (counted["code"], counted["verdict"]) == (0, "equivalent")
    assert counted["events"] == {"legacy": 20, "libnl": 20}
    code, out, said = seen["named"]
    assert (code, out) == (2, "")
    assert said.startswith("error[NLM-U019]: no network namespace is called 'nowhere'")


ELSEWHERE = """
subprocess.run(["mkdir", "-p", "/run/netns"], check=True)
subprocess.run(["mount", "-t", "tmpfs", "none", "/run/netns"], check=True)
ip("netns", "add", "there")
run = Run("--netns", "there", "--protocol", "route")
for name in ("h1", "h2", "h3"): ip("link", "add", name, "type", "bridge")
ip("-n", "there", "link", "add", "b0", "type", "bridge")
links = len(ip_json("-n", "there", "link"))
there = run.end(signal.SIGINT)
named = subprocess.run([*program, "live", "--netns", "nowhere"], capture_output=True, text=True)
ip("netns", "del", "there")
done({"there": there, "links": links, "named": [named.returncode, named.stderr]})
"""


def test_another_namespace() -> None:
    """With ``--netns`` it receives what happens there and nothing of here; a wrong name gets those there are."""
    seen = inside(START + ELSEWHERE, prefix=require_root())
    there, (code, said) = seen["there"], seen["named"]

    assert (there["code"], there["verdict"], there["path"]) == (0, "equivalent", "there")
    assert there["objects"]["link"] == seen["links"]
    assert (code, "there are there" in said) == (2, True)


NEXTHOPS = """
path, *words = sys.argv[1:]
run = Run("--record", path, "--protocol", "route", *words)
ip("-batch", "-", lines="\\n".join([
    "link add v0 type veth peer name w0", "addr add 192.0.2.1/24 dev v0", "link set v0 up", "link set w0 up",
    *(f"nexthop add id {n} via 192.0.2.{n} dev v0" for n in (7, 8, 9)), "nexthop add id 10 group 7/8/9",
    "route add 198.51.100.0/24 nhid 10", "route add 203.0.113.0/24 nhid 7", "nexthop del id 7",
    "nexthop del id 8"]) + "\\n")
live = run.end(signal.SIGINT)
ran = subprocess.run([*program, "replay", path, "--format", "json"], capture_output=True, text=True)
(capture,) = json.loads(ran.stdout)["captures"]
done({"live": live, "silent": [[one["object"].split()[1], one["change"]] for one in capture["unannounced"]
    if "nhid" in one["object"]]})
"""


@pytest.mark.parametrize(
    ("words", "silent"),
    [
        (("--group", "nexthop"), []),
        ((), [["203.0.113.0/24", "gone"], ["198.51.100.0/24", "changed"]]),
    ],
    ids=["subscribed", "not subscribed"],
)
def test_routes_go_with_nexthop_objects(tmp_path: Path, words: tuple[str, ...], silent: list[list[str]]) -> None:
    """They changed without a notification where nobody was in the group that announces their objects."""
    seen = inside(START + NEXTHOPS, str(tmp_path / "a.pcapng"), *words)

    assert (seen["live"]["verdict"], seen["live"]["state"]) == ("equivalent", "same")
    assert seen["silent"] == silent


REPORTS = """
folder = sys.argv[1]
kinds = ("json", "jsonl", "markdown", "github", "gitlab", "badge", "junit")
run = Run("--count", "20", "--protocol", "route", *(f"--report={kind}:{folder}/r.{kind}" for kind in kinds))
churn(4)
said = run.end()
same = [program + ["live", "--record", f"{folder}/a.pcapng", "--report", f"{folder}/a.pcapng"]]
refused = [subprocess.run(line, capture_output=True, text=True) for line in same]
done({"code": said["code"], "refused": [[one.returncode, one.stderr] for one in refused],
    "files": {path.suffix[1:]: path.read_text() for path in Path(folder).iterdir()}})
"""


def test_reports_of_a_live_comparison(tmp_path: Path) -> None:
    """They say on which host and kernel it was, and when it began; none takes the place of the recording."""
    seen = inside(START + REPORTS, str(tmp_path))
    run = read_report(seen["files"]["json"].encode(), "r.json")
    ((code, said),) = seen["refused"]

    assert seen["code"] == 0
    assert run.header == read_report(seen["files"]["jsonl"].encode(), "r.jsonl").header
    assert (run.header.host, run.header.kernel) == (platform.node(), platform.release())
    assert run.header.started.endswith("+00:00")
    assert [(one.id, one.source, one.outcome, one.reproduce) for one in run.results] == [("live", "live", "passed", "")]
    assert seen["files"]["markdown"].startswith("## nlmon: The case passed.\n")
    assert (code, said.startswith("error[NLM-U007]: the report would replace the recording")) == (2, True)


def test_a_group_that_does_not_exist_is_a_mistake() -> None:
    """It is reported before anything is compared."""
    ran = inside(START + GROUP_OF_NO_NAME)

    assert ran[0] == 2
    assert "NLM-B005" in ran[1]
    assert "Traceback" not in ran[1]


GROUP_OF_NO_NAME = """
ran = subprocess.run([*program, "live", "--group", "tcp"], capture_output=True, text=True)
done([ran.returncode, ran.stderr])
"""
