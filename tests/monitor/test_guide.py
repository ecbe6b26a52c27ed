"""Every YAML snippet of the migration guide runs as the configuration of a monitor, under both implementations."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.monitor.recorded import play
from nlmon.monitor.status import MonitorStatus
from support.configurations import found, parts, snippets
from support.paths import CAPTURES

# 143 notifications of NETLINK_ROUTE.
BASIC = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"


@pytest.mark.slow
@pytest.mark.parametrize(("implementation", "use_libnl"), [("legacy", "false"), ("libnl", "true")])
def test_each_snippet_runs(implementation: str, use_libnl: str, tmp_path: Path) -> None:
    """All of a small recording goes through a monitor with each of them; both files of the parallel pattern hold it."""
    files = {949: "events-libnl.json", 962: "events-legacy.json"}
    for snippet in snippets():
        for text in parts(snippet):
            status = _played(text.replace("/var/log/nlmon", str(tmp_path)), use_libnl)
            exports = {one.name: (one.written, one.dropped) for one in status.exports}

            assert (snippet.line, status.implementation, status.events) == (snippet.line, implementation, 143)
            assert [one.dropped for one in status.protocols] == [0, 0, 0, 0]
            assert exports == ({"json": (143, {})} if snippet.line in files else {})
    assert {name: len((tmp_path / name).read_text(encoding="utf-8").splitlines()) for name in files.values()} == {
        "events-libnl.json": 143,
        "events-legacy.json": 143,
    }


def _played(text: str, use_libnl: str) -> MonitorStatus:
    config = found(text, {"NLMON_USE_LIBNL": use_libnl, "NLMON_EXPORT_CONSOLE_ENABLED": "false"})[0].config
    assert config is not None
    return play(config, BASIC)
