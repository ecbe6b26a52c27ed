"""The trace of one notification: what is counted, and what is not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BASIC = REPOSITORY / "fixtures" / "captures" / "linux-6.12" / "01-route-basic.pcap.zst"


def trace(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The outcome of the tool."""
    command = [sys.executable, REPOSITORY / "tools" / "trace_notification.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_call_of_a_notification_is_counted() -> None:
    """The figures are those of the calls that are listed, which begin in the replay."""
    done = trace(BASIC, "--frame", 664, "--verbose")
    *calls, total, _, _, modules = [line.rsplit(maxsplit=1) for line in done.stdout.splitlines()]
    times = [int(found[1]) if (found := re.search(r"\((\d+) times\)", " ".join(call))) else 1 for call in calls]

    assert (done.returncode, done.stderr) == (0, "")
    assert calls[0] == ["engine/replay.py", "Replay.add"]
    assert total == ["calls", str(sum(times))]
    assert modules == ["modules", str(len({call[0].split()[0] for call in calls}))]


@pytest.mark.slow
def test_a_packet_that_is_not_there_is_said() -> None:
    """One line, without a traceback."""
    done = trace(BASIC, "--frame", 665)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "trace_notification: 01-route-basic.pcap.zst has no packet 665\n"


@pytest.mark.slow
def test_a_notification_stays_within_its_bounds() -> None:
    """A fourth of the 203 calls that one took before notifications were sorted first, and half of the 54 changes of
    module, in fewer than its 23 modules; decision 90 says what remains."""
    figures = dict(line.rsplit(maxsplit=1) for line in trace().stdout.splitlines())
    bounds = {"calls": 50, "changes of module": 27, "modules": 22}

    assert {name: int(figures[name]) <= most for name, most in bounds.items()} == dict.fromkeys(bounds, True)


@pytest.mark.slow
def test_notifications_among_requests_stay_within_their_bounds() -> None:
    """A fourth of the 104.5 calls, and less than a fifth of the 69 changes of module, that each took before they were
    decoded in bulk."""
    figures = dict(line.rsplit(maxsplit=1) for line in trace("--packets", 4000).stdout.splitlines())

    assert (figures["notifications"], figures["checks of methods"]) == ("1560", "0.0")
    assert float(figures["calls"]) <= 24
    assert float(figures["changes of module"]) <= 12
