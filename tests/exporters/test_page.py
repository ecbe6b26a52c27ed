"""``docs/reference/exports.md`` says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nlmon.events import PAYLOADS
from nlmon.exporters import prometheus
from nlmon.exporters.layout import exported_schema
from nlmon.exporters.metrics import METRICS
from nlmon.exporters.prometheus import AT_ONCE, KINDS_KEPT, PATH, PORT
from nlmon.exporters.queue import BYTES_KEPT, CLOSED, EVENTS_KEPT, FAILED, FULL, PATIENCE
from nlmon.exporters.syslogtext import LONGEST
from support.exported import received
from support.paths import REPOSITORY

PAGE = (REPOSITORY / "docs" / "reference" / "exports.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a title."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_page_names_every_key() -> None:
    """Those of a line and of its message; the payloads by their kinds."""
    schema = exported_schema()
    netlink = schema["properties"]["netlink"]["properties"]
    rows = re.findall(r"^\| `([\w.]+)` \|", section("A line"), re.MULTILINE)
    kinds = re.search(r"name of its kind: (.*?)\. ", section("A line"), re.DOTALL)

    assert set(rows) == {*schema["properties"], *(f"netlink.{name}" for name in netlink.keys() - PAYLOADS.keys())}
    assert kinds is not None
    assert re.findall(r"`(\w+)`", kinds[1]) == list(PAYLOADS)


def test_the_page_names_every_metric() -> None:
    """With kind, labels and text."""
    rows = re.findall(r"^\| `(nlmon_\w+)` \| (\w+) \| (.*) \| (.*) \|$", section("Metrics"), re.MULTILINE)

    assert [(name, kind, tuple(re.findall(r"`(\w+)`", labels)), text) for name, kind, labels, text in rows] == [
        (name + "_total" * (kind == "counter"), kind, labels, text) for name, kind, labels, text in METRICS
    ]


def test_the_page_names_every_reason() -> None:
    """Why an event is dropped."""
    assert re.findall(r"^\| `([a-z ]+)` \|", section("When an export fails"), re.MULTILINE) == [FULL, FAILED, CLOSED]


def test_the_page_has_the_numbers_of_the_code() -> None:
    """Of syslog, of metrics and of the queue."""
    syslog, metrics, failing = section("Syslog"), section("Metrics"), section("When an export fails")

    assert f"more than {LONGEST:,} bytes" in syslog
    assert f"http://127.0.0.1:{PORT}{PATH}" in metrics
    assert f"Up to {AT_ONCE} are answered" in metrics
    assert f"At most {KINDS_KEPT:,} message types" in metrics
    assert f"{EVENTS_KEPT:,} of\nthem, or as many as have {BYTES_KEPT >> 20} MiB" in failing
    times = *PATIENCE[:3], prometheus.PATIENCE
    assert times == (5, 0.2, 5.0, 5)
    assert "tried five times, with pauses that grow from 0.2 to 5\nseconds" in failing
    assert "each has five seconds to ask" in metrics


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands there, with the events of a recording."""
    (code,) = re.findall(r"^```python tested\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)

    exec(compile(code, "exports.md", "exec"), {"events": received()})
