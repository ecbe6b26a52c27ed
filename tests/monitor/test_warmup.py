"""A monitor has loaded what it needs before the first message comes, so that a burst right after its start is read."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from nlmon.backends.registry import READS, create
from nlmon.monitor.warmup import KINDS, warm_up
from nlmon.testing.transport import FakeKernel
from support.exported import BASIC

SCRIPT = """
import json, sys
from pathlib import Path
from nlmon.backends.registry import create
from nlmon.monitor.traffic import recorded
from nlmon.monitor.warmup import warm_up
from nlmon.transport.recorded.transport import RecordedFactory
traffic = recorded(Path(sys.argv[1]), {0})
factory, events = RecordedFactory(traffic.kernel), []
backend = create("libnl", factory)
backend.set_callback(events.append)
warm_up(backend, (0,))
backend.enable(0)
before = set(sys.modules)
for datagram in traffic.datagrams:
    factory.deliver(datagram)
    while backend.process(0):
        pass
print(json.dumps([len(events), sorted(sys.modules.keys() - before)]))
"""


@pytest.mark.slow
def test_the_first_messages_import_nothing() -> None:
    """Of a recording with messages of every kind that comes often."""
    ran = subprocess.run([sys.executable, "-c", SCRIPT, str(BASIC)], capture_output=True, text=True, check=True)
    events, imported = json.loads(ran.stdout)

    assert (events > 100, imported) == (True, [])


@pytest.mark.parametrize("name", READS)
def test_samples_are_no_messages(name: str) -> None:
    """Nothing is counted, and nothing is delivered."""
    delivered: list[object] = []
    backend = create(name, FakeKernel())
    backend.set_callback(delivered.append, delivered.append)
    warm_up(backend, READS[name])

    assert set(READS[name]) <= KINDS.keys()
    assert (delivered, backend.status().protocols) == ([], {})
