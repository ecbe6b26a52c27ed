"""A monitor on the running kernel: it exports what happens, reloads, and ends in time with everything written."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from support.namespaces import inside
from support.paths import REPOSITORY
from support.requirements import require_root

pytestmark = pytest.mark.live

# A monitor in a folder of its own, and what is asked of it.
COMMON = """
import contextlib, json, os, re, signal, subprocess, sys, tempfile
from pathlib import Path
from support.live import change_addresses, done, ip, wait_up
ip("link", "set", "lo", "up")
FOLDER = Path(tempfile.mkdtemp())
class Running:
    def __init__(self, name, text, *options):
        self.config, self.out = FOLDER / f"{name}.yaml", FOLDER / f"{name}.json"
        self.write(text)
        command = [sys.executable, "-m", "nlmon", "--config", str(self.config), *options]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = []
    def write(self, text):
        new = self.config.with_suffix(".new")
        new.write_text(f"export: {{console: {{enabled: false}}, json: {{file: {self.out}}}}}\\n" + text)
        new.rename(self.config)
    def until(self, words):
        for line in self.child.stderr:
            self.said.append(line)
            if words in line: return self
        raise AssertionError(f"{words} was not said: {self.said}")
    def end(self, number=signal.SIGTERM):
        self.child.send_signal(number)
        out, rest = self.child.communicate(timeout=60)
        self.said += rest.splitlines(keepends=True)
        self.printed = [json.loads(line) for line in out.splitlines()]
        return self
    def lines(self):
        return [json.loads(line) for line in self.out.read_text().splitlines()]
def socket(name): return "--socket", str(FOLDER / f"{name}.sock")
def addresses(lines):
    return [one["netlink"]["addr"]["addr"] for one in lines if one["netlink"]["msg_type"] == "RTM_NEWADDR"]
"""


def run(script: str) -> Any:
    """What a script says that runs monitors in a namespace."""
    return inside(COMMON + script)


ENDS = """
found = {}
for name, use in (("libnl", "true"), ("legacy", "false")):
    monitor = Running(name, f"netlink: {{use_libnl: {use}}}\\n", *socket(name)).until("started")
    expected = [f"10.9.{number // 100}.{number % 100}" for number in range(200)]
    change_addresses(*(("add", one) for one in expected))
    monitor.end()
    change_addresses(*(("del", one) for one in expected))
    lines, last = monitor.lines(), monitor.said[-1]
    events, lost, late = (int(number) for number in re.findall(r"(\\d+) (?:event|message)s?\\b", last))
    seen, counted = addresses(lines), len(lines) + late == events
    whole = seen == expected if not late else seen == expected[:len(seen)]
    found[name] = [monitor.child.returncode, whole, counted, lost, last.split()[3:7]]
done(found)
"""


def test_it_ends_with_everything_written() -> None:
    """SIGTERM is no failure; what the kernel said before is in the file, with either implementation. What a file did
    not take in the time that there is at the end, on a busy machine, is counted, and nothing else is missing."""
    expected = [0, True, True, 0, ["NLM-M041", "stopped", "by", "SIGTERM"]]

    assert run(ENDS) == {"libnl": expected, "legacy": expected}


DUMPS = """
both = [
    Running(name, f"netlink: {{use_libnl: {use}}}\\nmonitoring: {{message_types: [RTM_NEWADDR]}}\\n", "--dump-events")
    for name, use in (("libnl", "true"), ("legacy", "false"))
]
for one in both: one.until("started")
change_addresses(*(("add", f"10.9.0.{number}") for number in range(50)))
for one in both: one.end(signal.SIGINT)
seen = [addresses(one.printed) for one in both]
closed = Running("closed", "", "--dump-events").until("started")
closed.child.stdout.close()
ip("addr", "add", "10.9.1.1/32", "dev", "lo")
gone = closed.child.wait(60)
closed.child.stderr.close()
done([[one.child.returncode for one in both], seen[0] == seen[1], len(seen[0]), both[0].out.exists(), gone])
"""


def test_events_that_are_dumped() -> None:
    """Lines on standard output and nothing else, until a signal; the same of both implementations. Who reads them may
    go at any time."""
    assert run(DUMPS) == [[0, 0], True, 50, False, -13]


RELOADS = """
monitor = Running("reloads", "", *socket("reloads")).until("started")
ip("addr", "add", "10.9.0.1/32", "dev", "lo")
monitor.write("filter: netlink.addr.addr == '10.9.0.3'\\n")
monitor.until("NLM-M046")
ip("addr", "add", "10.9.0.2/32", "dev", "lo")
monitor.write("filter: '=='\\n")
monitor.until("NLM-M047")
ip("addr", "add", "10.9.0.3/32", "dev", "lo")
monitor.write("netlink: {buffer_size: {receive: 1MB}}\\n")
monitor.until("NLM-M046")
ip("addr", "add", "10.9.0.4/32", "dev", "lo")
monitor.child.send_signal(signal.SIGHUP)
monitor.until("NLM-M046")
monitor.end()
done([addresses(monitor.lines()), monitor.child.returncode])
"""


def test_a_file_that_changes_is_read_again() -> None:
    """As an editor writes it; with a mistake the rules in force stay. Sockets with another buffer lose nothing."""
    assert run(RELOADS) == [["10.9.0.1", "10.9.0.3", "10.9.0.4"], 0]


TWO = """
text = "netlink: {protocols: {generic: true}, generic_families: [nlctrl, absent]}\\n"
first, second = Running("first", text, *socket("first")), Running("second", "", *socket("second"))
for one in (first, second): one.until("started")
again = Running("first", text, *socket("first"))
with again.child.stdout, again.child.stderr:
    refused = again.child.wait(60), again.child.stderr.read()
ip("addr", "add", "10.9.0.1/32", "dev", "lo")
asked = [sys.executable, "-m", "nlmon", "--status", *socket("first"), "--format", "json"]
status = json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
for one in (first, second): one.end()
done([
    refused[0], "NLM-M020" in refused[1],
    [addresses(one.lines()) for one in (first, second)],
    [(one["name"], one["number"]) for one in status["families"]],
    sum("Failed to resolve family 'absent'" in line for line in first.said),
])
"""


def test_two_monitors_side_by_side() -> None:
    """By two configurations; a second one of the same is refused, and the first goes on. A family that the kernel does
    not have is reported."""
    families = [["nlctrl", 16], ["absent", None]]

    assert run(TWO) == [4, True, [["10.9.0.1"]] * 2, families, 1]


PAGE = (REPOSITORY / "docs" / "how-to" / "run-the-monitor.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"^```sh live\n(.*?)^```$", PAGE, re.M | re.S) for line in block.splitlines()]
TYPED = """
text, lines = json.loads(sys.argv[1])
os.chdir(FOLDER)
Path("nlmon.yaml").write_text(text)
subprocess.run("mount -t tmpfs none /run", shell=True, check=True)
found = []
for line in lines:
    words = line.replace("nlmon", f"{sys.executable} -m nlmon", 1).split()
    ran = subprocess.run(words, capture_output=True, text=True)
    found.append([line, ran.returncode, "Traceback" in ran.stderr])
done(found)
"""


def test_every_command_of_the_page_does_what_it_says() -> None:
    """As they stand there, with the configuration that it shows."""
    (text,) = re.findall(r"^```yaml file=nlmon.yaml\n(.*?)^```$", PAGE, re.M | re.S)
    found = inside(COMMON + TYPED, json.dumps([text, COMMANDS]), prefix=require_root())

    assert len(COMMANDS) == 4
    assert found == [[line, 0, False] for line in COMMANDS]
