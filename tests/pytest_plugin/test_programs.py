"""A stranger's project tests a harness of its own."""

from __future__ import annotations

import json

import pytest

from nlmon.capture.write import PcapngWriter
from nlmon.testing.messages import link, message
from nlmon.wire import Datagram
from support.harnesses import program, right_answers
from support.project import PLUGIN

pytest_plugins = "pytester"

SETTINGS = """\
[tool.nlmon.implementations.mine]
command = {command}
[tool.pytest.ini_options]
nlmon_implementation = "mine"
"""


def test_three_lines_test_a_harness(pytester: pytest.Pytester) -> None:
    """And a recording; what the harness gets wrong fails the test, with the attribute."""
    data = [message(16, link(7, "d0", mtu=mtu)) for mtu in (1500, 1400)]
    with PcapngWriter(pytester.path / "two.pcapng", metadata={}) as writer:
        socket = writer.add_socket("route", 0)
        for time, one in enumerate(data, 1):
            writer.write(socket=socket, timestamp=time, data=one)
    answers = right_answers("libnl", [Datagram(0, 0, 0, one) for one in data])
    command = program(pytester.path, answers)
    (pytester.path / "pyproject.toml").write_text(SETTINGS.format(command=json.dumps(command)))
    pytester.makepyfile('def test_mine(nlmon_replay): nlmon_replay("two.pcapng").assert_equivalent(min_events=2)')
    good = pytester.runpytest_inprocess(*PLUGIN)
    program(pytester.path, json.loads(json.dumps(answers).replace('"mtu": 1400', '"mtu": 1401')))
    bad = pytester.runpytest_inprocess(*PLUGIN)

    good.assert_outcomes(passed=1)
    bad.assert_outcomes(failed=1)
    bad.stdout.fnmatch_lines(["*IFLA_MTU*"])
