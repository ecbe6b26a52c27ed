"""A stranger's project tests a harness of its own."""

from __future__ import annotations

import json

import pytest

from nlmon.capture.write import PcapngWriter
from nlmon.testing.messages import addr, link, message
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


FEW = """
import pytest
@pytest.mark.parametrize("allow", [(), ("link.*",), ("*",), ("addr", "link.*")])
def test_mine(nlmon_replay, allow):
    nlmon_replay("two.pcapng", reference="libnl").assert_equivalent(min_events=1, allow=allow)
"""


@pytest.mark.slow
def test_what_a_small_library_does_not_state_is_allowed_by_one_word(pytester: pytest.Pytester) -> None:
    """All of it by ``*``; what it states and gives wrongly, or not at all, still fails."""
    data = [message(16, link(7, "d0")), message(20, addr(7, "192.0.2.7"))]
    with PcapngWriter(pytester.path / "two.pcapng", metadata={}) as writer:
        socket = writer.add_socket("route", 0)
        for time, one in enumerate(data, 1):
            writer.write(socket=socket, timestamp=time, data=one)
    hello = {"hello": {"name": "tiny", "protocol": 1, "provides": {"link": ["ifindex", "ifname"]}}}
    event = {"offset": 0, "type": 16, "kind": "link", "fields": {"ifindex": 7, "ifname": "d0"}}
    skip = {"events": [{"offset": 0, "type": 20, "skip": "unsupported"}]}
    command = program(pytester.path, [hello, {"events": [event]}, skip])
    (pytester.path / "pyproject.toml").write_text(SETTINGS.format(command=json.dumps(command)))
    pytester.makepyfile(FEW)
    right = pytester.runpytest_inprocess(*PLUGIN)
    program(pytester.path, [hello, {"events": [event | {"fields": {"ifindex": 7}}]}, skip])
    unkept = pytester.runpytest_inprocess(*PLUGIN)
    program(pytester.path, [hello, {"events": [event | {"fields": {"ifindex": 8, "ifname": "d0"}}]}, skip])
    wrong = pytester.runpytest_inprocess(*PLUGIN)

    right.assert_outcomes(passed=2, failed=2)
    unkept.assert_outcomes(failed=4)
    wrong.assert_outcomes(failed=4)
