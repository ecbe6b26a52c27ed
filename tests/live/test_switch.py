"""A monitor that is switched while the kernel is busy: what it exports, against what a third listener received."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from support.namespaces import inside
from support.paths import REPOSITORY
from support.requirements import require_root

pytestmark = [pytest.mark.live, pytest.mark.slow]

# Addresses that come and go, and a monitor that is switched there and back meanwhile.
SCRIPT = """
import json, re, signal, subprocess, sys, tempfile
from collections import Counter
from pathlib import Path
from itertools import count, islice
from threading import Thread
from nlmon.monitor.asking import ask
from support.live import change_addresses, done, ip

SWITCHES, EVENTS, BY = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
ip("link", "set", "lo", "up")
folder = Path(tempfile.mkdtemp())
config, out, capture = folder / "nlmon.yaml", folder / "out.json", folder / "third.pcapng"
control = folder / "nlmon.sock"
nlmon = [sys.executable, "-m", "nlmon"]


def write(to):
    new = config.with_suffix(".new")
    new.write_text(
        f"netlink: {{use_libnl: {str(to == 'libnl').lower()}, buffer_size: {{receive: 10MB}}}}\\n"
        f"monitoring: {{message_types: [RTM_NEWADDR, RTM_DELADDR]}}\\n"
        f"export: {{console: {{enabled: false}}, json: {{file: {out}}}}}\\n"
    )
    new.rename(config)


def until(child, words):
    for line in child.stderr:
        said.append(line)
        if words in line:
            return line
    for one in children: one.kill()
    raise AssertionError(f"{words} was not said: {said}")


said, children = [], []
write("legacy")
third = subprocess.Popen(
    [*nlmon, "record", str(capture), "--protocol", "route", "--receive-buffer", str(64 << 20), "--no-final-dump"],
    stderr=subprocess.PIPE, text=True,
)
children.append(third)
until(third, "recording")
monitor = subprocess.Popen(
    [*nlmon, "--config", str(config), "--socket", str(control)], stderr=subprocess.PIPE, text=True
)
children.append(monitor)
until(monitor, "started")
states, numbers = [], count()


def change(count):
    for n in islice(numbers, count // 2):
        address = f"10.{n >> 14 & 255}.{n >> 6 & 255}.{n & 63}"
        change_addresses(("add", address), ("del", address))


def switch(to):
    if BY == "reload":
        write(to)
        both = re.search(r"(\\d+) datagrams? came to both", until(monitor, "NLM-M102"))[1]
        states.append({"state": "switched", "both": int(both)})
    elif BY == "command":
        asked = [*nlmon, "switch", to, "--socket", str(control), "--format", "json"]
        states.append(json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout))
    else:
        states.append(json.loads(ask(control, "switch", 60, to=to)))


for number in range(SWITCHES):
    switching = Thread(target=switch, args=[("libnl", "legacy")[number % 2]])
    switching.start()
    change(EVENTS // SWITCHES)
    while switching.is_alive():  # so that events come at each of its moments
        change(10)
        switching.join(0.005)
asked = [*nlmon, "--status", "--socket", str(control), "--format", "json"]
asked = subprocess.run(asked, capture_output=True, text=True)
status = json.loads(asked.stdout)
monitor.send_signal(signal.SIGTERM)
said += monitor.communicate(timeout=60)[1].splitlines()
third.send_signal(signal.SIGTERM)
third.communicate(timeout=60)


def identity(line):
    one = json.loads(line)
    if one["netlink"] is None: return one["type"]
    return one["netlink"]["msg_type"], one["netlink"]["addr"]["addr"]


received = subprocess.run([*nlmon, "decode", str(capture)], capture_output=True, text=True, check=True).stdout
wanted = Counter(
    (one["netlink"]["msg_type"], one["netlink"]["addr"]["addr"])
    for one in map(json.loads, received.splitlines())
    if one["netlink"] and one["netlink"]["msg_type"] in {"RTM_NEWADDR", "RTM_DELADDR"}
)
got = Counter(map(identity, out.read_text().splitlines()))
done({
    "states": dict(Counter(one["state"] for one in states)),
    "received": sum(wanted.values()),
    "missing": sum((wanted - got).values()),
    "twice": sum((got - wanted).values()),
    "both": sum(one["both"] for one in states),
    "settled": sum(bool(one.get("settled", True)) for one in states),
    "switches": status["switches"],
    "phases": [one["implementation"] for one in status["phases"]],
    "dropped": [one["dropped"] for one in status["protocols"]],
    "ended": monitor.returncode,
})
"""


def switched(switches: int, events: int, by: str) -> dict[str, Any]:
    """What came of so many switches while the kernel says so many things."""
    found: dict[str, Any] = inside(SCRIPT, str(switches), str(events), by)
    return found


@pytest.mark.parametrize("by", ["command", "reload"])
def test_each_event_is_exported_once(by: str) -> None:
    """Whoever asks for the switch: ``nlmon switch``, or a file that says another implementation."""
    found = switched(2, 600, by)

    assert (found["states"], found["switches"], found["ended"]) == ({"switched": 2}, 2, 0)
    assert (found["received"] >= 600, found["missing"], found["twice"]) == (True, 0, 0)
    assert found["phases"] == ["legacy", "libnl", "legacy"]


def test_what_both_receive_is_exported_once() -> None:
    """In so many switches there is something that comes to both."""
    found = switched(16, 4_800, "socket")

    assert (found["states"], found["both"] > 0) == ({"switched": 16}, True)
    assert (found["received"] >= 4_800, found["missing"], found["twice"]) == (True, 0, 0)


@pytest.mark.long
def test_two_hundred_switches() -> None:
    """Back and forth, during fifty thousand events."""
    found = switched(200, 50_000, "socket")

    assert (found["states"], found["switches"], found["ended"]) == ({"switched": 200}, 200, 0)
    assert (found["received"] >= 50_000, found["missing"], found["twice"]) == (True, 0, 0)
    assert found["both"] > 200


# Where in a switch a monitor is killed: by the module and the name of what is about to be called there.
POINTS = (
    "nlmon.monitor.exports:Exports.change",
    "nlmon.monitor.sources:KernelSource._made",
    "nlmon.monitor.sources:KernelSource.drain",
    "nlmon.monitor.exchange:Exchange.attach",
    "nlmon.monitor.sources:KernelSource._enable",
    "nlmon.monitor.exchange:Exchange.settle",
    "nlmon.monitor.exchange:Exchange.hand_over",
    "nlmon.monitor.totals:Totals.keep",
    "nlmon.monitor.sources:KernelSource._say_open",
    "nlmon.monitor.running:RunningMonitor._note_switch",
)

KILLED = """
import importlib, json, signal, subprocess, sys, tempfile
from pathlib import Path
from nlmon.errors import PlatformError
from nlmon.monitor.asking import ask
from nlmon.monitor.status import time_text
from support.live import done, ip

DIES = '''
import importlib, os, signal, sys
module, _, path = sys.argv.pop(1).partition(":")
owner, name = getattr(importlib.import_module(module), path.split(".")[0]), path.split(".")[1]
was, armed = getattr(owner, name), importlib.import_module("nlmon.monitor.running").RunningMonitor
switch = armed.switch
def dies(*args, **kwargs): os.kill(os.getpid(), signal.SIGKILL)
def arms(self, *args, **kwargs):
    setattr(owner, name, staticmethod(dies) if isinstance(owner.__dict__[name], staticmethod) else dies)
    return switch(self, *args, **kwargs)
armed.switch = arms
from nlmon.cli.main import main
main()
'''
ip("link", "set", "lo", "up")
folder = Path(tempfile.mkdtemp())


def until(child, *words):
    said = []
    for line in child.stderr:
        said.append(line)
        if words[-1] in line: return said
    raise AssertionError(said)


def addresses(out):
    return [json.loads(line)["netlink"]["addr"]["addr"] for line in out.read_text().splitlines()]


found = {}
for number, point in enumerate(sys.argv[1:]):
    config, out = folder / f"{number}.yaml", folder / f"{number}.json"
    control = folder / f"{number}.sock"
    config.write_text(
        "netlink: {use_libnl: false}\\nmonitoring: {message_types: [RTM_NEWADDR]}\\n"
        f"export: {{console: {{enabled: false}}, json: {{file: {out}}}}}\\n"
    )
    options = ["--config", str(config), "--socket", str(control)]
    child = subprocess.Popen([sys.executable, "-c", DIES, point, *options], stderr=subprocess.PIPE, text=True)
    until(child, "started")
    for one in range(20): ip("addr", "add", f"10.{number}.0.{one}/32", "dev", "lo")
    while not json.loads(ask(control, "status", 60))["exports"][0]["written"] == 20: pass
    try:
        ask(control, "switch", 60, to="libnl")
    except PlatformError:
        pass
    try:
        killed = child.wait(60)
    except subprocess.TimeoutExpired:
        child.kill()
        raise
    child.stderr.close()
    kept = out.read_bytes()
    ip("addr", "add", f"10.{number}.1.0/32", "dev", "lo")
    again = subprocess.Popen([sys.executable, "-m", "nlmon", *options], stderr=subprocess.PIPE, text=True)
    said = [line for line in until(again, "started") if "NLM-M104" in line]
    ip("addr", "add", f"10.{number}.2.0/32", "dev", "lo")
    while not json.loads(ask(control, "status", 60))["exports"][0]["written"] == 1: pass
    again.send_signal(signal.SIGTERM)
    again.communicate(timeout=60)
    last = time_text(json.loads(kept.splitlines()[-1])["timestamp"], "microseconds")
    expected = [f"10.{number}.0.{one}" for one in range(20)] + [f"10.{number}.2.0"]
    found[point] = [killed, len(said), last in said[0], out.read_bytes().startswith(kept), addresses(out) == expected]
done(found)
"""


@pytest.mark.parametrize("points", [POINTS[3:7:3], pytest.param(POINTS, marks=pytest.mark.long)], ids=["two", "ten"])
def test_a_monitor_that_is_killed_in_a_switch_loses_nothing_that_it_wrote(points: tuple[str, ...]) -> None:
    """Whatever it was about to do; the next one goes on in the same file, and says since when nobody has listened."""
    assert inside(KILLED, *points) == {point: [-9, 1, True, True, True] for point in points}


PAGE = (REPOSITORY / "docs" / "how-to" / "switch-a-running-monitor.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"^```sh switch\n(.*?)^```$", PAGE, re.M | re.S) for line in block.splitlines()
]
TYPED = """
import json, os, signal, subprocess, sys, tempfile
from pathlib import Path
from support.live import done

os.chdir(tempfile.mkdtemp())
subprocess.run("mount -t tmpfs none /run", shell=True, check=True)
Path("nlmon.yaml").write_text(
    "# ours\\nnetlink:\\n  use_libnl: false # for now\\nexport: {console: {enabled: false}, json: {file: out.json}}\\n"
)
nlmon = [sys.executable, "-m", "nlmon"]
monitor = subprocess.Popen([*nlmon, "--config", "nlmon.yaml"], stderr=subprocess.PIPE, text=True)
for line in monitor.stderr:
    if "started" in line: break
found = []
for line in json.loads(sys.argv[1]):
    words = line.replace("nlmon", "%s -m nlmon" % sys.executable, 1).split()
    ran = subprocess.run(words, capture_output=True, text=True)
    found.append([ran.returncode, "Traceback" in ran.stderr, "libnl" in ran.stdout])
monitor.send_signal(signal.SIGTERM)
monitor.communicate(timeout=60)
done([found, Path("nlmon.yaml").read_text(), sorted(path.name for path in Path().glob("nlmon.yaml*"))])
"""


def test_every_command_of_the_page_does_what_it_says() -> None:
    """As they stand there, on a monitor that begins with legacy; the first one says that something would change. In the
    end the file is as it was, and so are its comments."""
    found, text, files = inside(TYPED, json.dumps(COMMANDS), prefix=require_root())

    assert len(COMMANDS) == 6
    assert [one[:2] for one in found] == [[1, False], *[[0, False]] * 5]
    assert text.splitlines()[:3] == ["# ours", "netlink:", "  use_libnl: false # for now"]
    assert files == ["nlmon.yaml", "nlmon.yaml.backup", "nlmon.yaml.backup.1"]
