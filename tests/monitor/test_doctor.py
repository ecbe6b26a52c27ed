"""Each check of the doctor, on a host where it is well and on one where it is not."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nlmon.config import Loaded, interpret
from nlmon.exporters.base import ExportStatus
from nlmon.monitor.doctor import CHECKS, examine
from nlmon.monitor.doctor.finding import LEVELS, Finding, note, ok, problem, report_lines, report_of, warning
from nlmon.monitor.doctor.host import ExportFile, Host, Port, Refused, SocketFile
from nlmon.monitor.doctor.look import look
from nlmon.monitor.status import CacheStatus, MemoryStatus, MonitorStatus, ProtocolStatus, RuleStatus
from nlmon.uapi import CAP_NET_ADMIN
from support.command import nlmon
from support.paths import REPOSITORY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="netlink is Linux's")
MIB = 1 << 20
ADMIN = 1 << CAP_NET_ADMIN
ROUTE, NETFILTER, GENERIC = 0, 12, 16


def loaded(text: str) -> Loaded:
    """The configuration of a text."""
    return interpret([("nlmon.yaml", text.encode())], {}, files=(Path("nlmon.yaml"),))


ALL = loaded("netlink: {protocols: {route: true, generic: true, netfilter: true}, generic_families: [nl80211]}")
MISSPELT = loaded("netlink: {protocols: {generic: true}, generic_families: [nl80212]}")
LEGACY = loaded("netlink: {use_libnl: false}")
KIND = "filters: [{name: veths, expression: 'netlink.link.kind == \"veth\"'}]"


def host(text: str | Loaded = "", **facts: Any) -> Host:
    """A host that is well, but for some facts."""
    given: dict[str, Any] = {"capabilities": ADMIN, "options": "--config nlmon.yaml"}
    return Host(
        loaded=loaded(text) if isinstance(text, str) else text,
        **given | facts,
    )


def status(**facts: Any) -> MonitorStatus:
    """The status of a monitor that is well, but for some facts."""
    well = {
        "instance": "/run/nlmon/a.sock",
        "pid": 7,
        "version": "1",
        "user": "nlmon (uid 990), CAP_NET_ADMIN, CAP_AUDIT_READ",
        "implementation": "libnl",
        "started": 0,
        "config_files": (str(Path("nlmon.yaml").absolute()),),
        "config_version": 1,
        "events": 3,
        "dropped": {},
        "protocols": (ProtocolStatus("NETLINK_ROUTE", True, 5, 3, 0, 0),),
        "rules": (),
        "exports": (ExportStatus("json", "working", 3, 0, {}, 0),),
        "caches": (),
        "configured": "libnl",
        "families": (),
        "memory": MemoryStatus(40 * MIB, 39 * MIB, 41 * MIB),
        "notices": (),
        "reloads": 0,
        "reload_failures": 0,
    }
    return MonitorStatus(**{**well, **facts})


def running(**facts: Any) -> Host:
    """A host on which a monitor runs."""
    return host(status=status(**facts))


def route(**facts: Any) -> tuple[ProtocolStatus, ...]:
    """A protocol of a monitor."""
    return (replace(ProtocolStatus("NETLINK_ROUTE", True, 5, 3, 0, 0), **facts),)


FILE = ExportFile("json", "/var/log/nlmon/e.json", "/var/log/nlmon", free=10 * MIB, at_most=MIB)
REFUSED = Refused(errno.EPERM, "the kernel refuses a socket: Operation not permitted")
ABSENT = Refused(errno.EPROTONOSUPPORT, "the kernel has no netlink protocol 12: Protocol not supported")
WELL = [
    ("configuration", host()),
    ("privilege", host()),
    ("privilege", running()),
    ("protocols", host(ALL)),
    ("protocols", host(refused={ROUTE: REFUSED}, status=status())),
    ("families", host(ALL)),
    ("buffers", host(rmem_max=100)),
    ("buffers", host(capabilities=0, rmem_max=212_992, wmem_max=212_992)),
    ("filters", host(KIND)),
    ("files", host(files=(FILE,))),
    ("disk", host(files=(FILE,))),
    ("disk", host(files=(replace(FILE, at_most=60 * MIB, used=55 * MIB),))),
    ("ports", host(ports=(Port("prometheus", "127.0.0.1", 9090),))),
    ("others", host(files=(FILE,), others=(status(config_files=("other.yaml",)),))),
    ("others", replace(running(), files=(replace(FILE, locked=True),))),
    ("running", running()),
    ("control socket", replace(running(), socket=SocketFile("/run/nlmon/a.sock", 0o600))),
    ("namespace", replace(running(), namespace="net:[1]", monitor_namespace="net:[1]")),
    ("arrivals", running()),
    ("losses", running(dropped={"no rule": 5})),
    ("reconnects", running(protocols=route(reconnects=1))),
    ("exports", running()),
    ("memory", running(memory=MemoryStatus(90 * MIB, 39 * MIB, 90 * MIB))),
]


@pytest.mark.parametrize(("check", "on"), WELL, ids=[name for name, _ in WELL])
def test_a_check_is_well(check: str, on: Host) -> None:
    """It says so, in one finding or one for each thing."""
    assert {one.level for one in CHECKS[check](on)} == {"ok"}


WRONG: list[tuple[str, Host, str, str, str]] = [
    ("configuration", host("nonsense: 1"), "problem", "NLM-G011", "nlmon config check nlmon.yaml"),
    ("configuration", host("web: {enabled: true}"), "note", "NLM-G031", "nlmon config check nlmon.yaml"),
    ("privilege", host(capabilities=0), "note", "NLM-M080", "sudo nlmon --config nlmon.yaml"),
    (
        "privilege",
        host(ALL, capabilities=0, refused={NETFILTER: REFUSED}),
        "problem",
        "NLM-M080",
        "sudo nlmon --config",
    ),
    ("privilege", running(user="x (uid 1000), no capability"), "note", "NLM-M080", "sudo nlmon"),
    (
        "file capabilities",
        host(program="/usr/bin/nlmon", file_capabilities=True),
        "warning",
        "NLM-M081",
        "sudo setcap -r",
    ),
    (
        "protocols",
        host(ALL, refused={NETFILTER: REFUSED}),
        "problem",
        "NLM-M082",
        "sudo nlmon doctor --config nlmon.yaml",
    ),
    ("protocols", host(ALL, refused={NETFILTER: ABSENT}), "problem", "NLM-M082", "sudo modprobe nfnetlink"),
    ("protocols", host(ALL, refused={ROUTE: Refused(24, "files")}), "problem", "NLM-M082", "nlmon --test-mode"),
    ("families", host(ALL, unresolved={"nl80211": "load it"}), "warning", "NLM-M083", "sudo modprobe cfg80211"),
    ("families", host(ALL, unresolved={"nl80211": "did you mean nlctrl?"}), "warning", "NLM-M083", "genl ctrl list"),
    ("families", host(MISSPELT, unresolved={"nl80212": ""}), "warning", "NLM-M083", "genl ctrl"),
    ("buffers", host(capabilities=0, rmem_max=100), "warning", "NLM-M084", "sudo sysctl -w net.core.rmem_max=32768"),
    ("buffers", host(capabilities=0, wmem_max=100), "warning", "NLM-M084", "sudo sysctl -w net.core.wmem_max=32768"),
    ("filters", host(f"netlink: {{use_libnl: false}}\n{KIND}"), "problem", "NLM-M090", "nlmon filter explain '"),
    ("files", host(files=(replace(FILE, folder_there=False),)), "problem", "NLM-M087", "mkdir -p /var/log/nlmon"),
    (
        *("files", host(files=(replace(FILE, folder_there=False, writable=False, folder="/var/a b"),))),
        *("problem", "NLM-M087", "sudo install -d -o \"$(id -un)\" '/var/a b'"),
    ),
    ("files", host(files=(replace(FILE, writable=False),)), "problem", "NLM-M087", "ls -ld /var/log/nlmon"),
    ("files", host(files=(replace(FILE, link=True),)), "problem", "NLM-M087", "ls -l /var/log/nlmon/e.json"),
    ("files", host(files=(replace(FILE, open_to_all=True),)), "warning", "NLM-M087", "sudo chmod o-w /var/log/nlmon"),
    ("disk", host(files=(replace(FILE, at_most=60 * MIB),)), "warning", "NLM-M092", "df -h /var/log/nlmon"),
    ("disk", host(files=(replace(FILE, at_most=None),)), "note", "NLM-M092", "df -h /var/log/nlmon"),
    (
        "ports",
        host(ports=(Port("prometheus", "::1", 9090, "in use"),)),
        "problem",
        "NLM-M089",
        "ss -tlnp 'sport = :9090'",
    ),
    ("others", host(files=(replace(FILE, locked=True),)), "problem", "NLM-M094", "fuser -v /var/log/nlmon/e.json"),
    ("others", host(others=(status(),)), "problem", "NLM-M094", "nlmon --status --socket /run/nlmon/a.sock"),
    ("running", host(), "note", "NLM-M097", "nlmon --config nlmon.yaml"),
    ("running", host(options=""), "note", "NLM-M097", "nlmon --config FILE"),
    ("running", host(trouble="no answer"), "warning", "NLM-M097", "nlmon --status --config nlmon.yaml"),
    ("control socket", host(socket=SocketFile("a.sock", 0o666)), "problem", "NLM-M088", "sudo chmod 600 a.sock"),
    (
        "control socket",
        host(socket=SocketFile("a.sock", 0o600, True)),
        "problem",
        "NLM-M088",
        'ls -ld "$(dirname a.sock)"',
    ),
    ("control socket", host(socket=SocketFile("a.sock", 0o600)), "note", "NLM-M088", ""),
    ("namespace", replace(running(), namespace="a", monitor_namespace="b"), "note", "NLM-M095", "ip netns identify 7"),
    ("arrivals", running(protocols=route(events=0)), "note", "NLM-M096", "ip monitor all"),
    ("arrivals", running(rules=(RuleStatus("a", "log", 0),)), "note", "NLM-M096", "nlmon filter test"),
    (
        "losses",
        running(protocols=route(dropped=9)),
        "warning",
        "NLM-M085",
        "NLMON_NETLINK_BUFFER_SIZE_RECEIVE=65536 nlmon",
    ),
    ("losses", running(dropped={"rate limit": 9}), "warning", "NLM-M085", "NLMON_CORE_RATE_LIMIT=0 nlmon --config"),
    (
        "reconnects",
        running(protocols=route(reconnects=12)),
        "warning",
        "NLM-M093",
        "journalctl -u nlmon | grep reconnect",
    ),
    ("reconnects", running(protocols=route(fd=-1)), "problem", "NLM-M093", "journalctl -u nlmon | grep reconnect"),
    (
        *("exports", running(exports=(ExportStatus("json", "failing", 0, 1, {}, 1, "NLM-O005: full"),))),
        *("problem", "NLM-M091", "nlmon explain NLM-O005"),
    ),
    (
        "exports",
        running(exports=(ExportStatus("a", "working", 0, 0, {"failed": 2}, 1),)),
        "warning",
        "NLM-M091",
        "nlmon --status",
    ),
    (
        *("memory", running(memory=MemoryStatus(400 * MIB, 40 * MIB, 400 * MIB), caches=(CacheStatus("route", 9),))),
        *("warning", "NLM-M086", "NLMON_NETLINK_CACHING_ENABLED=false nlmon --config nlmon.yaml"),
    ),
]


@pytest.mark.parametrize(
    ("check", "on", "level", "code", "command"), WRONG, ids=[f"{row[0]}-{row[3]}" for row in WRONG]
)
def test_a_check_finds_what_is_wrong(check: str, on: Host, level: str, code: str, command: str) -> None:
    """With a level, a code and what to type."""
    found = [one for one in CHECKS[check](on) if one.level != "ok"]

    assert [(one.level, one.code) for one in found] == [(level, code)]
    assert (found[0].command.startswith(command), bool(found[0].command) == bool(command)) == (True, True)


STRANGE = "/var/my log/$(reboot)"
NAMED = {
    "mkdir -p": host(files=(replace(FILE, folder=STRANGE, folder_there=False),)),
    "ls -ld": host(files=(replace(FILE, folder=STRANGE, writable=False),)),
    "ls -l": host(files=(replace(FILE, path=STRANGE, link=True),)),
    "sudo chmod o-w": host(files=(replace(FILE, folder=STRANGE, open_to_all=True),)),
    "df -h": host(files=(replace(FILE, folder=STRANGE, at_most=None),)),
    "fuser -v": host(files=(replace(FILE, path=STRANGE, locked=True),)),
    "sudo chmod 600": host(socket=SocketFile(STRANGE, 0o666)),
    "sudo setcap -r": host(program=STRANGE, file_capabilities=True),
    "nlmon --status --socket": host(others=(status(instance=STRANGE),)),
}


@pytest.mark.parametrize("typed", NAMED)
def test_a_strange_name_is_one_word_of_what_is_typed(typed: str) -> None:
    """Blanks do not part it, and a shell runs nothing in it."""
    assert f"{typed} '{STRANGE}'" in [one.command for one in examine(NAMED[typed]).findings]


def test_every_check_was_well_and_was_not() -> None:
    """In the tables above; only what nobody asks for has nothing to say where it is well."""
    assert {name for name, _ in WELL} | {"file capabilities"} == {*CHECKS}
    assert {row[0] for row in WRONG} == {*CHECKS}
    assert list(CHECKS["file capabilities"](host())) == []


def test_the_page_names_every_check() -> None:
    """In its tables, beside what somebody sees who looks for a reason."""
    page = (REPOSITORY / "docs" / "how-to" / "troubleshoot.md").read_text(encoding="utf-8")
    named = re.findall(r"`([^`]+)`", " ".join(re.findall(r"^\| .* \| (.*) \|$", page, re.MULTILINE)))

    assert set(CHECKS) - set(named) == set()


def test_what_concerns_a_configuration_or_a_monitor_needs_one() -> None:
    """With a mistake in the configuration and no monitor nothing else is said of them."""
    report = examine(host("nonsense: 1"))

    assert {one.check for one in report.findings} == {"configuration", "privilege", "running"}


def test_families_are_no_matter_of_legacy() -> None:
    """It joins none by name."""
    legacy = loaded("netlink: {use_libnl: false, protocols: {generic: true}, generic_families: [nl80211]}")

    assert list(CHECKS["families"](host(legacy, unresolved={"nl80211": ""}))) == []


FOUND = [
    ("a", ok("NLM-M080", "in order")),
    ("b", note("NLM-M097", "a note", command="type this")),
    ("c", problem("NLM-M082", "a problem", "a reason\n")),
    ("d", warning("NLM-M084", "a warning", "why", "and this")),
    ("e", problem("NLM-M089", "another")),
]


def test_the_worst_comes_first() -> None:
    """Findings of one level stay in the order of the checks, and the last line has the counts."""
    report = report_of(FOUND)

    assert list(report_lines(report)) == [
        r"problem[NLM-M082]: a problem: a reason\n",
        "problem[NLM-M089]: another",
        "warning[NLM-M084]: a warning: why",
        "    and this",
        "note[NLM-M097]: a note",
        "    type this",
        "ok[NLM-M080]: in order",
        "2 problems, 1 warning, 1 note, 1 in order",
    ]
    assert (report.well, report.counts) == (False, dict(zip(LEVELS, (2, 1, 1, 1), strict=True)))


@pytest.mark.parametrize(("worst", "well"), [("ok", True), ("note", True), ("warning", False), ("problem", False)])
def test_all_is_well_with_notes(worst: Any, well: bool) -> None:
    """And with nothing worse."""
    assert report_of([("a", Finding(level=worst, code="NLM-M080", what="this"))]).well is well


# -- looking ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, in which control sockets are, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def seen(folder: Path, text: str) -> Host:
    """This host with a configuration."""
    (folder / "nlmon.yaml").write_text(text)
    return look([Path("nlmon.yaml")], folder / "a.sock", {})


def test_a_host_is_looked_at(folder: Path) -> None:
    """Its capabilities, protocols, buffers and namespace are those that the system shows."""
    host = seen(folder, "netlink: {protocols: {route: true, generic: true}, generic_families: [nlctrl, no_such]}")
    text = Path("/proc/self/status").read_text()

    assert f"{host.capabilities:016x}" == text.split("CapEff:")[1].split()[0]
    assert (host.refused, set(host.unresolved)) == ({}, {"no_such"})
    assert (host.namespace, host.status, host.trouble) == (Path("/proc/self/ns/net").readlink().name, None, "")
    assert host.options == f"--config nlmon.yaml --socket {folder / 'a.sock'}"


def test_files_of_exports_are_looked_at(folder: Path) -> None:
    """The folder, a link, who may write there, and which process has it."""
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    (folder / "open" / "events.pcapng").symlink_to("elsewhere")
    (folder / "events.json").write_text("{}\n")
    with (folder / "events.json").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = (
            "export: {json: {file: events.json, rotate_size: 1MB, rotate_count: 2}, pcap: {file: open/events.pcapng}}"
        )
        json_file, pcap_file = seen(folder, text).files
    facts = (json_file.folder_there, json_file.writable, json_file.link, json_file.open_to_all, json_file.locked)
    missing = seen(folder, "export: {json: {file: gone/events.json, rotate_size: 0}}").files[0]

    assert (facts, json_file.used, json_file.at_most) == ((True, True, False, False, True), 3, 3 * MIB)
    assert json_file.free is not None and json_file.free > 0
    assert (pcap_file.link, pcap_file.open_to_all, pcap_file.locked) == (True, True, False)
    assert (missing.folder_there, missing.at_most) == (False, None)


def test_a_port_is_tried_and_given_back(folder: Path) -> None:
    """One that is taken is reported with the reason."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        text = f"export: {{prometheus: {{enabled: true, port: {number}}}}}"
        busy = seen(folder, text).ports
    free = seen(folder, text).ports

    assert busy == (Port("prometheus", "127.0.0.1", number, "Address already in use"),)
    assert free == (Port("prometheus", "127.0.0.1", number),)


def test_a_control_socket_that_was_left_is_seen(folder: Path) -> None:
    """With its permissions, and nobody behind it."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "a.sock"))
    (folder / "a.sock").chmod(0o600)
    host = seen(folder, "")

    assert stat.S_ISSOCK((folder / "a.sock").stat().st_mode)
    assert (host.socket, host.status) == (SocketFile(str(folder / "a.sock"), 0o600), None)


# -- the command -----------------------------------------------------------------------------------------------------


def test_the_command_prints_findings_and_counts(folder: Path) -> None:
    """Exit code 1 with a problem, and 0 without."""
    (folder / "wrong.yaml").write_text("export: {json: {file: gone/events.json}}")
    (folder / "right.yaml").write_text("export: {json: {file: events.json, rotate_size: 1MB}}")
    wrong = nlmon("doctor", "--config", "wrong.yaml", folder=folder)
    right = nlmon("doctor", "--config", "right.yaml", folder=folder)

    assert (wrong.returncode, right.returncode) == (1, 0)
    assert wrong.stdout.startswith("problem[NLM-M087]: the folder of the export json is not there")
    assert wrong.stdout.splitlines()[-1].startswith("1 problem, 1 note, ")
    assert (wrong.stderr, right.stderr) == ("", "")


def test_the_report_follows_its_schema(folder: Path) -> None:
    """As it is published."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415  (start-up of the tests)

    (folder / "wrong.yaml").write_text("nonsense: 1")
    done = nlmon("doctor", "--config", "wrong.yaml", "--format", "json", folder=folder)
    schema = json.loads((REPOSITORY / "docs" / "schemas" / "doctor.schema.json").read_text())
    report = json.loads(done.stdout)
    Draft202012Validator(schema).validate(report)

    assert (report["well"], report["findings"][0]["code"], done.returncode) == (False, "NLM-G011", 1)


@pytest.mark.live
def test_a_process_without_privilege_is_reported(tmp_path: Path) -> None:
    """Who may not listen to connection tracking learns what to type; nothing is a traceback."""
    if os.geteuid():
        pytest.skip("only root can give privileges away")
    words = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-m", "nlmon", "doctor"]
    words += ["--socket", str(tmp_path / "a.sock")]
    environ = {"PATH": os.environ["PATH"], "NLMON_NETLINK_PROTOCOLS_NETFILTER": "true"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environ)

    assert done.returncode == 1, done.stderr
    assert "problem[NLM-M080]: this user lacks CAP_NET_ADMIN: the kernel refuses NETLINK_NETFILTER" in done.stdout
