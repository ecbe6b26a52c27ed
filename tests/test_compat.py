"""Deprecated names work as they did, and each call says what takes its place."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from types import ModuleType

import pytest

import nlmon.api
import nlmon.manager
from nlmon import compat
from nlmon.api import Code, EventType, Monitor, NetlinkConfig, NlmonEvent, Result
from nlmon.compat import (
    NLMON_PROTO_ROUTE,
    nlmon_multi_protocol_destroy,
    nlmon_multi_protocol_disable,
    nlmon_multi_protocol_enable,
    nlmon_multi_protocol_get_fd,
    nlmon_multi_protocol_init,
    nlmon_multi_protocol_process,
    nlmon_multi_protocol_set_callback,
)
from nlmon.testing.messages import link, message
from nlmon.testing.transport import FakeKernel

ROUTE = NLMON_PROTO_ROUTE
LINK = message(16, link(1, "eth1"))


@pytest.fixture
def quiet() -> Iterator[None]:
    """Deprecation warnings are not what the test is about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


CALLS: dict[str, Callable[[], object]] = {
    "nlmon_multi_protocol_init": lambda: nlmon_multi_protocol_init(transports=FakeKernel()),
    "nlmon_multi_protocol_enable": lambda: nlmon_multi_protocol_enable(None, ROUTE),
    "nlmon_multi_protocol_disable": lambda: nlmon_multi_protocol_disable(None, ROUTE),
    "nlmon_multi_protocol_set_callback": lambda: nlmon_multi_protocol_set_callback(None, None, None),
    "nlmon_multi_protocol_get_fd": lambda: nlmon_multi_protocol_get_fd(None, ROUTE),
    "nlmon_multi_protocol_process": lambda: nlmon_multi_protocol_process(None, ROUTE),
    "nlmon_multi_protocol_destroy": lambda: nlmon_multi_protocol_destroy(None),
}


def test_every_deprecated_name_is_tested() -> None:
    """Those that the table below calls are all there are."""
    assert [name for name in compat.__all__ if name.startswith("nlmon_")] == sorted(CALLS)


def there_is(name: str, module: ModuleType) -> bool:
    """Whether a module has a function, or a class a method; a star stands for a protocol."""
    begin, star, end = name.partition("*")
    if star:
        return any(one.startswith(begin) and one.endswith(end) for one in module.__all__)
    try:
        return callable(attrgetter(name)(module))
    except AttributeError:
        return False


@pytest.mark.parametrize("name", CALLS)
def test_a_call_warns_at_the_line_of_the_caller(name: str) -> None:
    """It names itself, the version that has it no more, and what takes its place, which there is."""
    with pytest.warns(DeprecationWarning) as found:
        CALLS[name]()
    (warning,) = found
    said = re.fullmatch(
        r"(\w+)\(\) is deprecated and will be removed in nlmon (\S+); "
        r"use (\S+)\(\) of nlmon\.api, or (\S+)\(\) of nlmon\.manager",
        str(warning.message),
    )

    assert (warning.filename, warning.lineno) == (__file__, CALLS[name].__code__.co_firstlineno)
    assert said is not None
    assert (said[1], said[2]) == (name, compat.REMOVED_IN)
    assert (there_is(said[3], nlmon.api), there_is(said[4], nlmon.manager)) == (True, True)


SCRIPT = """
import nlmon.compat as compat
for _ in range(3):
    compat.nlmon_multi_protocol_destroy(None)
compat.nlmon_multi_protocol_destroy(None)
print("done")
"""


@pytest.mark.parametrize(
    ("options", "code", "warned"), [(["-W", "default"], 0, 2), (["-W", "error"], 1, 1), ([], 0, 2)], ids=str
)
def test_a_program_is_warned_once_for_each_line(options: list[str], code: int, warned: int, tmp_path: Path) -> None:
    """By default and when asked for, in the file that is run; as an error the first call raises. To import the module
    warns of nothing."""
    script = tmp_path / "old.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, *options, script], capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if "DeprecationWarning: " in line]

    assert (done.returncode, len(lines), done.stdout) == (code, warned, "" if code else "done\n")
    assert ("old.py" in done.stderr, "import nlmon" in done.stderr) == (True, False)


@pytest.mark.usefixtures("quiet")
def test_a_life_as_the_guide_writes_it() -> None:
    """Of the legacy implementation, with the old fields and the new ones."""
    kernel, seen = FakeKernel(), list[NlmonEvent]()
    ctx = nlmon_multi_protocol_init(transports=kernel)
    calls = [
        nlmon_multi_protocol_enable(ctx, ROUTE),
        nlmon_multi_protocol_set_callback(ctx, lambda event, into: into.append(event), seen),
    ]
    kernel.notify(LINK)
    fd = nlmon_multi_protocol_get_fd(ctx, ROUTE)
    calls += [nlmon_multi_protocol_process(ctx, ROUTE), nlmon_multi_protocol_disable(ctx, ROUTE)]
    calls += [nlmon_multi_protocol_destroy(ctx)]

    assert (ctx.config.implementation, calls, fd) == ("legacy", [0] * 5, 99)
    assert [(event.type, event.msg_type, event.data) for event in seen] == [(EventType.LINK, 16, LINK)]


@pytest.mark.usefixtures("quiet")
def test_whatever_fails_is_minus_one() -> None:
    """As old programs expect; the result has the code and the reason."""
    ctx = nlmon_multi_protocol_init(transports=FakeKernel())
    failed: list[int] = [
        nlmon_multi_protocol_enable(ctx, 99),
        nlmon_multi_protocol_process(ctx, ROUTE),
        nlmon_multi_protocol_enable(None, ROUTE),
        nlmon_multi_protocol_get_fd(None, ROUTE),
    ]
    results = [result for result in failed if isinstance(result, Result)]

    assert [int(result) for result in failed] == [-1] * 4
    assert [result.code for result in results] == [Code.PROTO, Code.NOTCONN, Code.INVAL, Code.INVAL]
    assert nlmon_multi_protocol_get_fd(ctx, ROUTE) == -1


@pytest.mark.usefixtures("quiet")
def test_a_context_of_libnl_is_refused() -> None:
    """An old function never runs another implementation than it did."""
    result = nlmon_multi_protocol_enable(Monitor(NetlinkConfig(), transports=FakeKernel()), ROUTE)

    assert (int(result), result.code) == (-1, Code.INVAL)
    assert result.error is not None
    assert result.error.code == "NLM-A001"
