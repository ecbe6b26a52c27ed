"""Every shell command of the migration guide, typed as it is written on a host like the guide's, under both
implementations.

What is not as written: ``--benchmark --duration 60`` takes 1 second here, and monitors that are to lose nothing have a
larger receive buffer, since a busy machine lets a process wait for a second. Where the guide compares what both
implementations print, the times at which they have read a message are left out; what else differs is stored in
``fixtures/guide/differences.txt``.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from support.guide import COMMANDS, GUIDE, differences, differing_lines, known_differences
from support.namespaces import inside
from support.requirements import require_guide_host

IMPLEMENTATIONS = ("libnl", "legacy")


def on_host(script: str, *arguments: str) -> Any:
    """What a script gives that types commands, ``text(LINE)``, on a host of its own. It imports little."""
    texts = {line: one.text for line, one in COMMANDS.items()}
    head = f"""import json, sys
from pathlib import Path
from support.guide_host import CONFIG, JOURNAL, LOGS, Host, done, ip
GUIDE, text = Path({str(GUIDE)!r}), {texts!r}.__getitem__
"""
    return inside(head + script, *arguments, prefix=require_guide_host())


def test_no_command_is_missing() -> None:
    """The guide has 36 commands; each is typed by a test of this file, or it is said why not."""
    named = {f"test_{one.run}" for one in COMMANDS.values() if one.run}

    assert len(COMMANDS) == 36
    assert [one.line for one in COMMANDS.values() if bool(one.run) == bool(one.not_run)] == []
    assert named - globals().keys() == set()


# Configurations of both implementations by the names that the guide gives them.
TWO = """
def write_two(host):
    for name in ("libnl", "legacy"):
        flag = str(name == "libnl").lower()
        for file in (f"test-{name}.yaml", f"{name}.yaml"):
            host.write(file, f"netlink: {{use_libnl: {flag}, protocols: {{route: true}}}}")
"""
TEST_MODE = f"""{TWO}
with Host() as host:
    write_two(host)
    done([host.run(text(line)) for line in (701, 704)])
"""


@pytest.mark.live
def test_test_mode() -> None:
    """Both configurations are in order, and would listen."""
    for name, ran in zip(IMPLEMENTATIONS, on_host(TEST_MODE), strict=True):
        assert ran["code"] == 0
        assert ran["out"].startswith(f"configuration:  test-{name}.yaml\nimplementation: {name}\n")
        assert ran["out"].endswith("ready\n")


CHANGES = (
    *("addr add 10.1.2.3/24 dev eth0", "neigh add 10.1.2.9 lladdr 02:00:00:00:00:09 dev eth0"),
    *("route add 192.0.2.0/24 dev eth0", "rule add from 192.0.2.0/24 lookup 100", "link set eth0 mtu 1400"),
)
DUMP_EVENTS = f"""{TWO}
with Host() as host:
    write_two(host)
    diff = host.start(text(int(sys.argv[1])), 2)
    for line in (714, 715):
        host.run(text(line))
    ip(*sys.argv[2:])
    host.read()
    host.stop()
    done(diff.end())
"""


@pytest.mark.live
@pytest.mark.parametrize("line", [707, 1146])
def test_dump_events(line: int) -> None:
    """Both print the same events, but for what is stored; diff(1) shows all of them, as each has its own time."""
    printed = on_host(DUMP_EVENTS, str(line), *CHANGES).splitlines()
    sides = [[json.loads(one[2:]) for one in printed if one.startswith(side)] for side in ("< {", "> {")]
    left, right = (side[: _end(side)] for side in sides)
    kinds = [one["netlink"]["msg_type"] for one in left]

    assert {"RTM_NEWLINK", "RTM_NEWADDR", "RTM_NEWROUTE", "RTM_NEWNEIGH", "RTM_NEWRULE"} <= set(kinds)
    assert list(differences(left, right)) == known_differences()


def _end(events: list[dict[str, Any]]) -> int:
    """Behind the event of the last change that was made; the kernel goes on."""
    return next(n for n, one in enumerate(events, 1) if one["netlink"].get("link", {}).get("mtu") == 1400)


MANY = """
ROOM = "netlink:\\n  buffer_size: {receive: 4MB}\\n"
with Host() as host:
    for name in ("libnl", "legacy"):
        body = (GUIDE / sys.argv[1 + (name == "legacy")]).read_text()
        host.write(CONFIG / f"nlmon-{name}.yaml", body.replace("netlink:\\n", ROOM))
        host.start(f"nlmon --config {CONFIG}/nlmon-{name}.yaml >/dev/null")
    host.run(text(724))
    host.read()
    status = host.run("nlmon --status")
    host.stop()
    diff = host.run(text(976))
    counts = [(LOGS / f"events-{name}.json").read_text().count('"RTM_NEWADDR"') for name in ("libnl", "legacy")]
    done({"status": status["out"], "diff": diff, "counts": counts})
"""


@pytest.mark.live
def test_many_addresses() -> None:
    """Of 1,000 addresses none is lost, in either of two instances side by side; their files differ as is stored."""
    found = on_host(MANY, "0949-guide.yaml", "0962-guide.yaml")
    status = found["status"]

    assert found["counts"] == [1000, 1000]
    assert sorted(re.findall(r"^implementation: (\w+)$", status, re.MULTILINE)) == ["legacy", "libnl"]
    protocols = re.findall(r"NETLINK_ROUTE +enabled +fd=\d+ +events=(\d+) +errors=(\d+) +dropped=(\d+)", status)
    assert [rest for _, *rest in protocols] == [["0", "0"]] * 2
    assert all(int(events) >= 2000 for events, *_ in protocols)  # each address brings a local route
    exports = re.findall(r"^  json +working .* failures=(\d+) +dropped=(\d+)$", status, re.MULTILINE)
    assert exports == [("0", "0")] * 2
    stored = [line.split(" ") for line in known_differences() if line.startswith(("RTM_NEWADDR", "RTM_NEWROUTE"))]
    keys = {f"{side} {path.rpartition('.')[2]}" for _, side, path in stored}
    assert (found["diff"]["code"], differing_lines(found["diff"]["out"].splitlines())) == (1, keys)


RUNNING = """
with Host() as host:
    host.write(
        CONFIG / "nlmon.yaml",
        f"netlink: {{use_libnl: {sys.argv[1]}, protocols: {{route: true, generic: true}}}}",
        f"export: {{json: {{file: {LOGS}/events.json}}, prometheus: {{enabled: true}}}}",
    )
    monitor = host.start("nlmon --config /etc/nlmon/nlmon.yaml >/dev/null")
    tail = host.type(text(757))
    for line in (714, 715):
        host.run(text(line))
    tail.until("RTM_NEWLINK")
    top = host.type(text(729))
    top.until("nlmon")
    top.press("q")
    found = {line: host.run(text(line)) for line in (500, 593, 718, 745, 760, 876, 877)}
    host.stop()
    monitor.end()
    done({"found": found, "code": monitor.process.returncode, "top": top.end()})
"""


@pytest.mark.live
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_running(implementation: str) -> None:
    """What a monitor says while it runs: its log, its status, its metrics, its events as they come, and top(1)."""
    answer = on_host(RUNNING, str(implementation == "libnl").lower())
    found = {int(line): ran for line, ran in answer["found"].items()}

    assert answer["code"] == 0
    assert {line: ran["code"] for line, ran in found.items()} == {line: int(line == 593) for line in found}
    assert "NLM-M042 listening to NETLINK_ROUTE" in found[500]["out"]
    assert found[593]["out"] == ""  # no socket was lost
    assert found[718]["out"] == found[876]["out"]
    title, *rows = found[745]["out"].splitlines()
    assert title == "Netlink Protocols"
    assert re.fullmatch(r"  NETLINK_ROUTE +enabled +fd=\d+ +events=[1-9]\d* +errors=0 +dropped=0", rows[0])
    assert f"implementation: {implementation}" in found[745]["out"]
    assert title in found[877]["out"].splitlines()
    samples = dict(line.rsplit(" ", 1) for line in found[760]["out"].splitlines() if not line.startswith("#"))
    labels = f'{{backend="{implementation}",protocol="NETLINK_ROUTE"}}'
    assert float(samples[f"nlmon_netlink_messages_total{labels}"]) >= 2
    assert samples[f"nlmon_netlink_protocol_enabled{labels}"] == "1.0"


FAILURE = """
GOOD = "netlink: {protocols: {route: true}}", "filters: [{name: links, expression: netlink.link.mtu > 1}]"
with Host() as host:
    host.write(CONFIG / "nlmon.yaml", "netlink: {protocols: {route: true}}")
    monitor = host.start("nlmon --config /etc/nlmon/nlmon.yaml >/dev/null")
    journal = host.type(text(751))
    host.write(CONFIG / "nlmon.yaml", "netlink: {protocols: {route: maybe}}")
    host.run("kill -HUP $(pidof nlmon)")
    refused = journal.until("NLM-M047")
    host.write(CONFIG / "nlmon.yaml", *GOOD)
    host.run("kill -HUP $(pidof nlmon)")
    host.until(lambda: "NLM-M046" in JOURNAL.read_text())
    done([refused, host.run("nlmon --status")["out"]])
"""


@pytest.mark.live
def test_failure() -> None:
    """A configuration with a mistake is an error in the log, and the old one stays; the next one is in force."""
    refused, status = on_host(FAILURE)

    assert "the configuration was not reloaded: 1 mistake" in refused
    assert re.search(r"^reloads: +\d+, failed \d+$", status, re.MULTILINE)
    assert "  links  log  matched=0" in status


FLAG = """
with Host() as host:
    host.write("nlmon.yaml", (GUIDE / "0986-guide.yaml").read_text())
    found = []
    for line in (995, 998):
        monitor = host.start(text(line))
        host.stop()
        monitor.end()
        found.append([JOURNAL.read_text(), monitor.process.returncode])
        JOURNAL.write_text("")
    done(found)
"""


@pytest.mark.live
def test_feature_flag() -> None:
    """The variable chooses the implementation, both ways."""
    for name, (said, code) in zip(IMPLEMENTATIONS, on_host(FLAG), strict=True):
        assert (f"NLM-M040 started: {name} listens" in said, code) == (True, 0)


BENCHMARK = """
with Host() as host:
    found = []
    for flag in ("true", "false"):
        host.write(CONFIG / "nlmon.yaml", f"netlink: {{use_libnl: {flag}, protocols: {{route: true}}}}")
        found.append(host.run(text(766).replace("--duration 60", "--duration 1")))
    done(found)
"""


@pytest.mark.live
def test_benchmark() -> None:
    """For a second instead of a minute: it measures what the standard configuration chooses."""
    for name, ran in zip(IMPLEMENTATIONS, on_host(BENCHMARK), strict=True):
        row = ran["out"].splitlines()[-1].split()

        assert (ran["code"], ran["said"], row[0], row[2]) == (0, "", name, "1.0")


ROLLBACK = """
with Host() as host:
    found = []
    for file in sys.argv[1:]:
        yaml = (GUIDE / file).read_text().replace("use_libnl: true", "use_libnl: false")
        host.write(CONFIG / "nlmon.yaml", yaml)
        codes = [host.run(text(line))["code"] for line in (141, 865, 866)]
        tried = host.run("nlmon --config /etc/nlmon/nlmon.yaml --test-mode")
        found.append([codes, (CONFIG / "nlmon.yaml.backup").read_text() == yaml + "\\n", tried])
    done(found)
"""


@pytest.mark.live
def test_rollback() -> None:
    """The lines of sed(1) leave what legacy can run by, of a configuration with the family that they name. Of the
    guide's own list of two families they leave ``- taskstats`` without its key, which is said, with its place."""
    one, two = on_host(ROLLBACK, "0352-guide.yaml", "0103-guide.yaml")

    assert [found[:2] for found in (one, two)] == [[[0, 0, 0], True]] * 2
    assert (one[2]["code"], "implementation: legacy" in one[2]["out"]) == (0, True)
    assert (two[2]["code"], re.findall(r"NLM-\w+|nlmon.yaml:\d+", two[2]["said"])) == (3, ["NLM-G003", "nlmon.yaml:7"])


INSTALLED = """
with Host() as host:
    done([host.run(text(line)) for line in (509, 597)])
"""


@pytest.mark.live
def test_installed() -> None:
    """``nlmon`` is a script, which has no capabilities of its own; the unit of systemd gives them. There is no named
    namespace."""
    assert on_host(INSTALLED) == [{"code": 0, "out": "", "said": ""}] * 2
