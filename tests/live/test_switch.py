"""A monitor whose implementation is changed while the kernel is busy: its export against what a third listener heard."""

from __future__ import annotations

from typing import Any

import pytest

from support.namespaces import inside

pytestmark = [pytest.mark.live, pytest.mark.slow]

# Addresses that come and go, and a monitor that is switched there and back meanwhile.
SCRIPT = """
import json, signal, subprocess, sys, tempfile
from collections import Counter
from pathlib import Path
from support.live import done, ip

SWITCHES, EVENTS, SAY = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
ip("link", "set", "lo", "up")
folder = Path(tempfile.mkdtemp())
config, out, capture = folder / "nlmon.yaml", folder / "out.json", folder / "third.pcapng"
control = folder / "nlmon.sock"
nlmon = [sys.executable, "-m", "nlmon"]


def write(to):
    new = config.with_suffix(".new")
    new.write_text(
        f"netlink: {{use_libnl: {str(to == 'libnl').lower()}, buffer_size: {{receive: 32MB}}}}\\n"
        f"monitoring: {{message_types: [RTM_NEWADDR, RTM_DELADDR]}}\\n"
        f"export: {{console: {{enabled: false}}, json: {{file: {out}}}}}\\n"
    )
    new.rename(config)


def until(child, words):
    for line in child.stderr:
        said.append(line)
        if words in line:
            return line
    raise AssertionError(f"{words} was not said: {said}")


said = []
write("legacy")
third = subprocess.Popen(
    [*nlmon, "record", str(capture), "--protocol", "route", "--receive-buffer", str(64 << 20), "--no-final-dump"],
    stderr=subprocess.PIPE, text=True,
)
until(third, "recording")
monitor = subprocess.Popen(
    [*nlmon, "--config", str(config), "--socket", str(control)], stderr=subprocess.PIPE, text=True
)
until(monitor, "started")
batch = "".join(
    f"addr add 10.{n >> 14 & 255}.{n >> 6 & 255}.{n & 63}/32 dev lo\\n"
    f"addr del 10.{n >> 14 & 255}.{n >> 6 & 255}.{n & 63}/32 dev lo\\n" for n in range(EVENTS // 2)
)
(folder / "batch").write_text(batch)
churn = subprocess.Popen(["ip", "-batch", str(folder / "batch")])
states = []
for number in range(SWITCHES):
    to = ("libnl", "legacy")[number % 2]
    if SAY == "command":
        asked = [*nlmon, "switch", to, "--socket", str(control), "--format", "json"]
        ran = subprocess.run(asked, capture_output=True, text=True)
        states.append(json.loads(ran.stdout) if ran.stdout else ran.stderr)
    else:
        write(to)
        states.append({"state": "switched" if "NLM-M102" in until(monitor, "NLM-M102") else "", "both": 0})
during = churn.poll() is None
churn.wait(100)
asked = subprocess.run([*nlmon, "--status", "--socket", str(control), "--format", "json"], capture_output=True, text=True)
status = json.loads(asked.stdout)
monitor.send_signal(signal.SIGTERM)
said += monitor.communicate(timeout=20)[1].splitlines()
third.send_signal(signal.SIGTERM)
third.communicate(timeout=20)


def identity(line):
    one = json.loads(line)
    if one["netlink"] is None: return one["type"]
    return one["netlink"]["msg_type"], one["netlink"]["addr"]["addr"]


heard = subprocess.run([*nlmon, "decode", str(capture)], capture_output=True, text=True, check=True).stdout
wanted = Counter(
    (one["netlink"]["msg_type"], one["netlink"]["addr"]["addr"])
    for one in map(json.loads, heard.splitlines())
    if one["netlink"] and one["netlink"]["msg_type"] in {"RTM_NEWADDR", "RTM_DELADDR"}
)
got = Counter(map(identity, out.read_text().splitlines()))
done({
    "states": dict(Counter(one["state"] for one in states)),
    "heard": sum(wanted.values()),
    "missing": sum((wanted - got).values()),
    "twice": sum((got - wanted).values()),
    "both": sum(one["both"] for one in states),
    "settled": sum(bool(one.get("settled", True)) for one in states),
    "during": during,
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
    found = switched(4, 6_000, by)

    assert (found["states"], found["switches"], found["ended"]) == ({"switched": 4}, 4, 0)
    assert (found["heard"], found["missing"], found["twice"]) == (6_000, 0, 0)
    assert found["phases"] == ["legacy", "libnl", "legacy", "libnl", "legacy"]


@pytest.mark.long
def test_two_hundred_switches() -> None:
    """Back and forth, during fifty thousand events."""
    found = switched(200, 50_000, "command")

    assert (found["states"], found["switches"], found["ended"]) == ({"switched": 200}, 200, 0)
    assert (found["heard"], found["missing"], found["twice"]) == (50_000, 0, 0)
