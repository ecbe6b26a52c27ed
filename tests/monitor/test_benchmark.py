"""What ``--benchmark`` measures, and what it says of two implementations. A clock that the test sets stands in
for the real one, so that figures are known."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import jsonschema
import pytest

from nlmon.cli.schema import SCHEMAS
from nlmon.config import Config, interpret
from nlmon.errors import InputError
from nlmon.monitor.benchmark import Ratio, measure, safe_exports
from nlmon.monitor.latencies import Latencies
from nlmon.monitor.plan import Plan, plan
from nlmon.monitor.traffic import DATAGRAMS_KEPT, Traffic, bundled, recorded
from support.command import nlmon, process
from support.exported import BASIC

ROUTE, GENERIC, AUDIT = 0, 16, 9
FILTER = "filters: [{name: links, expression: netlink.link.mtu > 0}]"
JSON = "export: {json: {file: /nowhere/events.json}, prometheus: {enabled: true}}"


def config(*lines: str, libnl: bool = True) -> Config:
    """A configuration from lines of YAML."""
    found = interpret([("a.yaml", "\n".join(lines).encode())], {"NLMON_USE_LIBNL": str(libnl).lower()}).config
    assert found is not None
    return found


def planned(*lines: str, libnl: bool = True) -> Plan:
    """Its plan."""
    return plan(config(*lines, libnl=libnl))


def ticking(step: int) -> Callable[[], int]:
    """A clock that goes on by so many nanoseconds whenever it is asked."""
    times = count(0, step)
    return lambda: next(times)


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    """Messages of links, addresses, routes and neighbours."""
    return recorded(BASIC, {ROUTE})


@pytest.mark.parametrize("libnl", [True, False])
def test_one_implementation_is_measured(traffic: Traffic, libnl: bool) -> None:
    """As many events as in one monitor, and the time of each datagram is one step of the clock."""
    (found,), ratio, turn = measure([planned(libnl=libnl)], traffic, 0.01, clock=ticking(2_000))

    assert found.implementation == ("libnl" if libnl else "legacy")
    assert (found.latency_us.p50, found.latency_us.p99, found.latency_us.max) == (2.0, 2.0, 2.0)
    assert found.datagrams > 1_000
    assert found.events >= found.datagrams
    assert found.events_per_second == pytest.approx(found.events / found.seconds)
    assert (found.errors, found.filtered, dict(found.dropped), ratio, turn) == (0, 0, {}, None, 0.0)
    assert found.rss_before > 1 << 20


def test_two_take_turns_of_equal_length(traffic: Traffic) -> None:
    """Where the clock goes on alike for both, as many datagrams come to each, and neither is faster."""
    plans = [planned(), planned()]
    found, ratio, turn = measure(plans, traffic, 0.1, clock=ticking(10_000))

    assert turn == 0.005
    assert ratio is not None
    assert (ratio.pairs in range(7, 11), ratio.faster) == (True, None)
    assert found[0].datagrams == pytest.approx(found[1].datagrams, rel=0.15)


def test_what_is_filtered_and_what_is_lost(traffic: Traffic) -> None:
    """Events that no rule matches are told apart from those of the rate limit."""
    (found,), _, _ = measure([planned(FILTER, "core: {rate_limit: 1}")], traffic, 0.01, clock=ticking(2_000))

    assert found.filtered > 0
    assert set(found.dropped) == {"rate limit"}
    assert found.filtered + found.dropped["rate limit"] < found.events


def test_exports_go_elsewhere(traffic: Traffic, tmp_path: Path) -> None:
    """Into a folder, a file for each; what is no file is left out."""
    moved = safe_exports(planned(JSON), tmp_path)
    measure([moved], traffic, 0.01, clock=ticking(10_000))

    assert [one.place for one in moved.exports] == [str(tmp_path / "libnl-json")]
    assert len((tmp_path / "libnl-json").read_bytes().splitlines()) > 100


def test_an_interruption_ends_it(traffic: Traffic) -> None:
    """With what was measured until then."""
    asked = count()
    (found,), _, _ = measure([planned()], traffic, 1e6, interrupted=lambda: next(asked) > 3, clock=ticking(1))

    assert 0 < found.datagrams <= 4 * 64


RATIOS = {
    (): None,
    (2.0, 1.5): Ratio(2, 1.75, 1.5, 2.0, None),
    (2.0, 2.0, 2.0, 2.0): Ratio(4, 2.0, 2.0, 2.0, "libnl"),
    (0.5, 0.5, 0.5, 0.5, 3.0): Ratio(5, 0.5, 0.5, 0.5, "legacy"),
    (0.5, 0.75, 1.25, 1.5): Ratio(4, 1.0, 0.6875, 1.3125, None),
}


@pytest.mark.parametrize("ratios", RATIOS, ids=str)
def test_a_wide_spread_says_nothing(ratios: tuple[float, ...]) -> None:
    """Nor do a few turns; of others the middle half decides."""
    from nlmon.monitor.benchmark import _ratio  # noqa: PLC0415  (turns would have to be timed)

    found = _ratio(ratios, ["libnl", "legacy"])

    assert found == RATIOS[ratios]


def test_percentiles() -> None:
    """To the end of a step, and no more than the longest one."""
    took = Latencies()
    empty = took.percentile(0.5), took.most
    for duration in (*[150] * 98, 2_000_050, 3_000_000_000):
        took.add(duration)

    assert empty == (0, 0)
    assert [took.percentile(share) for share in (0.5, 0.98, 0.99, 1.0)] == [200, 200, 2_100_000, 1_000_100_000]
    assert (took.count, took.most) == (100, 3_000_000_000)


def test_traffic_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left out is counted."""
    whole = recorded(BASIC, {ROUTE})
    monkeypatch.setattr("nlmon.monitor.traffic.DATAGRAMS_KEPT", 10)
    some = recorded(BASIC, {ROUTE})

    assert (len(some.datagrams), len(some.datagrams) + some.left_out) == (10, len(whole.datagrams))
    assert len(whole.datagrams) < DATAGRAMS_KEPT


@pytest.mark.slow
def test_recordings_come_with_nlmon() -> None:
    """Of every protocol that a virtual machine has, but for audit."""
    assert {one.protocol for one in bundled({ROUTE, GENERIC, AUDIT}).datagrams} == {ROUTE, GENERIC}
    with pytest.raises(InputError, match="no traffic"):
        bundled({AUDIT})


def test_text(tmp_path: Path) -> None:
    """A table with a row for each implementation, and a sentence about both."""
    done = nlmon(
        "--benchmark", "--duration", 0.2, "--against", "legacy", "--replay", BASIC, "--config", _file(tmp_path)
    )
    lines = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0].endswith(f"traffic of {BASIC}:")
    assert lines[2:4] == ["rules: 1, exports: none", "in turns of 0.01 s"]
    assert lines[5].split()[:4] == ["events", "seconds", "events/s", "p50"]
    assert [line.split()[0] for line in lines[6:8]] == ["libnl", "legacy"]
    assert lines[9].startswith("libnl / legacy: ")


def test_json(tmp_path: Path) -> None:
    """By its schema."""
    done = nlmon("--benchmark", "--duration", 0.1, "--replay", BASIC, "--format", "json", "--with-exports")
    report = json.loads(done.stdout)
    jsonschema.validate(report, SCHEMAS["benchmark"]())

    assert (report["protocols"], report["interrupted"], report["ratio"]) == (["NETLINK_ROUTE"], False, None)


def _file(folder: Path) -> Path:
    path = folder / "a.yaml"
    path.write_text(FILTER, encoding="utf-8")
    return path


@pytest.fixture
def endless() -> Iterator[subprocess.Popen[str]]:
    """A measurement that would take a day."""
    command = [sys.executable, "-m", "nlmon", "--benchmark", "--duration", "86400", "--replay", str(BASIC), "--format"]
    with subprocess.Popen([*command, "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        yield running
        running.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_what_was_measured(endless: subprocess.Popen[str], number: signal.Signals) -> None:
    """And no other exit code."""
    while not _catches(endless.pid, signal.SIGTERM):
        assert endless.poll() is None
    endless.send_signal(number)
    out, said = endless.communicate(timeout=60)

    assert (endless.returncode, said, json.loads(out)["interrupted"]) == (0, "", True)


def _catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal; that for SIGTERM is the last that is set."""
    caught = re.search(r"^SigCgt:\t(\w+)$", Path(f"/proc/{pid}/status").read_text(encoding="ascii"), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


MISTAKES = {
    "NLM-M061": ("--against", "nobody"),
    "NLM-M001": ("--dump-events",),
    "NLM-U021": ("--duration", "0"),
}


@pytest.mark.parametrize("code", MISTAKES)
def test_mistakes(code: str) -> None:
    """One line each."""
    done = process("--benchmark", *MISTAKES[code])

    assert (done.returncode, done.stderr.partition("]")[0]) == (2, f"error[{code}")
