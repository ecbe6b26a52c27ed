"""What a monitor on the running kernel says, in a real journal, and what the doctor finds of it."""

from __future__ import annotations

from typing import Any

import pytest

from support.namespaces import inside
from support.requirements import require_netns, require_program

pytestmark = [pytest.mark.live, pytest.mark.slow]

COMMON = """
import json, os, signal, subprocess, sys, tempfile, time
from pathlib import Path
from support.live import ip
ip("link", "set", "lo", "up")
FOLDER = Path(tempfile.mkdtemp())
SOCKET = str(FOLDER / "nlmon.sock")
(FOLDER / "nlmon.yaml").write_text(f'''
netlink:
  protocols: {{route: true, generic: true}}
  buffer_size: {{receive: 32768}}
  generic_families: [nl80211, no_such_family]
  debug: {{dump_messages: true, log_callbacks: true}}
web: {{enabled: true}}
logging:
  modules: {{netlink: trace, libnl: trace}}
filters:
  - {{name: uplink, expression: 'interface == "seen0"', action: alert}}
export:
  console: {{enabled: false}}
  json: {{file: {FOLDER}/out.json}}
''')
MONITOR = [sys.executable, "-m", "nlmon", "--config", str(FOLDER / "nlmon.yaml"), "--socket", SOCKET]
def until(fact):
    deadline = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < deadline, fact
        time.sleep(0.05)
def overrun(monitor):
    monitor.send_signal(signal.SIGSTOP)
    commands = "".join(f"address add 10.0.{i // 250}.{i % 250 + 1}/32 dev lo\\n" for i in range(1000))
    subprocess.run(["ip", "-batch", "-"], input=commands, text=True, check=True)
    monitor.send_signal(signal.SIGCONT)
"""

JOURNAL = """
subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
Path("/run/log/journal").mkdir(parents=True)
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
journald = subprocess.Popen(["/lib/systemd/systemd-journald"], env={"SYSTEMD_LOG_TARGET": "null"}, **quiet)
until(Path("/run/systemd/journal/socket").is_socket)
def journal(rest="-o cat"):
    line = f"journalctl -q -D /run/log/journal -t nlmon {rest}"
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False).stdout.splitlines()
import socket
# As a service manager connects standard error (sd_journal_stream_fd(3)), and says so.
stream = socket.socket(socket.AF_UNIX)
stream.connect("/run/systemd/journal/stdout")
stream.sendall(b"nlmon\\n\\n6\\n1\\n0\\n0\\n0\\n")
status = os.fstat(stream.fileno())
environ = os.environ | {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
monitor = subprocess.Popen(MONITOR, stdout=subprocess.DEVNULL, stderr=stream, env=environ)
stream.close()
until(lambda: journal("| grep NLM-M040"))
ip("link", "add", "seen0", "type", "veth", "peer", "name", "seen1")
until(lambda: journal("| grep NLM-M048"))
overrun(monitor)
until(lambda: journal("| grep NLM-T010"))
monitor.terminate()
monitor.wait(60)
until(lambda: journal("| grep NLM-M041"))
def codes(rest):
    return sorted({word for line in journal(rest) for word in line.split() if word.startswith("NLM-")})
entry = json.loads(journal("NLMON_CODE=NLM-M042 PROTOCOL=NETLINK_ROUTE -o json")[0])
print(json.dumps({
    "all": codes("-o cat"),
    "netlink": codes("| grep -i netlink"),
    "error": codes("| grep -i error"),
    "family": codes("| grep \\"Failed to resolve family\\""),
    "entry": {name: entry[name] for name in ("PRIORITY", "SYSLOG_IDENTIFIER", "NLMON_CODE", "NLMON_MODULE")},
    "message": entry["MESSAGE"],
    "bytes": len(json.loads(journal("NLMON_CODE=NLM-M052 -o json --all")[0])["NLMON_BYTES"]) > 100,
}))
journald.terminate()
journald.wait(60)
"""


def run(script: str, *, mounts: bool = False) -> Any:
    """What a script says that runs a monitor in a namespace, perhaps with mounts of its own."""
    more = ("unshare", "--mount", "--propagation", "private")
    return inside(COMMON + script, prefix=(*require_netns(), *(more if mounts else ())))


@pytest.mark.peer
def test_a_real_journal_has_what_the_guide_greps_for() -> None:
    """With fields to search by, and the word error in failures alone."""
    for program in ("journalctl", "/lib/systemd/systemd-journald", "mount"):
        require_program(program)
    found = run(JOURNAL, mounts=True)

    # Whether a monitor of root can become another user is a matter of the namespace; whether the journal took all of a
    # burst, one of how busy this host is.
    assert [code for code in found["all"] if code not in {"NLM-M034", "NLM-M057"}] == [
        *(
            "NLM-B004",
            "NLM-G031",
            "NLM-M040",
            "NLM-M041",
            "NLM-M042",
            "NLM-M048",
            "NLM-M052",
            "NLM-M053",
            "NLM-M054",
            "NLM-M055",
        ),
        "NLM-T010",
    ]
    assert {"NLM-M040", "NLM-M042", "NLM-T010", "NLM-B004"} <= set(found["netlink"])
    assert (found["error"], found["family"]) == (["NLM-T010"], ["NLM-B004"])
    assert found["entry"] == {
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "nlmon",
        "NLMON_CODE": "NLM-M042",
        "NLMON_MODULE": "netlink",
    }
    assert found["message"].startswith("info netlink NLM-M042 listening to NETLINK_ROUTE: descriptor ")
    assert found["bytes"] is True


DOCTOR = """
log = open(FOLDER / "log", "w")
monitor = subprocess.Popen(MONITOR, stderr=log)
said = lambda words: words in (FOLDER / "log").read_text()
until(lambda: said("NLM-M040"))
def doctor():
    command = [sys.executable, "-m", "nlmon", "doctor", "--config", str(FOLDER / "nlmon.yaml"), "--socket", SOCKET]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    return done.returncode, {one["check"]: [one["level"], one["code"]] for one in reversed(report["findings"])}
before = doctor()
overrun(monitor)
until(lambda: said("NLM-T010"))
after = doctor()
monitor.terminate()
monitor.wait(60)
stopped = doctor()
log.close()
print(json.dumps([before, after, stopped]))
"""


def test_the_doctor_finds_what_happened_to_a_monitor() -> None:
    """Losses that were none before; and afterwards that none runs."""
    (_, before), (code, after), (_, stopped) = run(DOCTOR)

    assert (before["running"], before["losses"], before["reconnects"]) == (
        ["ok", "NLM-M097"],
        ["ok", "NLM-M085"],
        ["ok", "NLM-M093"],
    )
    assert (before["namespace"], before["control socket"], before["exports"]) == (
        ["ok", "NLM-M095"],
        ["ok", "NLM-M088"],
        ["ok", "NLM-M091"],
    )
    assert (code, after["losses"]) == (1, ["warning", "NLM-M085"])
    assert (stopped["running"], stopped.get("losses")) == (["note", "NLM-M097"], None)
