"""A network namespace for one test: what the fixture ``nlmon_netns`` gives.

    nlmon_netns.run("ip link add a type veth peer name b")

Rules:
1. It is a sandbox: commands run in namespaces of their own, as a user without privilege on the host.
2. What the machine lacks skips the test with the reason, unless ``--nlmon-require=netns`` makes that a failure.
3. After each command whoever records here reads what came of it, so that no receive buffer fills up.

Not here: the sandbox (``nlmon.scenario.sandbox``), and who listens (``listen``).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from nlmon.errors import NlmonError, PlatformError
from nlmon.printable import printable
from nlmon.pytest_plugin.options import Options
from nlmon.scenario.sandbox import Ran, Sandbox

__all__ = ["Namespace", "missing", "open_namespace"]


def missing(options: Options, what: str, reason: str) -> NoReturn:
    """Skip a test, or fail it where ``what`` is required."""
    __tracebackhide__ = True
    if what in options.require:
        pytest.fail(f"required here, but {printable(reason)}", pytrace=False)
    pytest.skip(printable(reason))


@contextmanager
def open_namespace(options: Options, *, allow_run: bool) -> Iterator[Namespace]:
    """A namespace that ends with the test."""
    __tracebackhide__ = True
    sandbox = Sandbox(allow_run=allow_run)
    try:
        sandbox.__enter__()
    except PlatformError as error:
        missing(options, "netns", str(error))
    try:
        yield Namespace(sandbox, options)
    finally:
        sandbox.close()


class Namespace:
    """Network namespaces in which a command changes nothing else. ``sandbox``: what makes them; ``readers``: called
    after each command."""

    def __init__(self, sandbox: Sandbox, options: Options) -> None:
        self.sandbox = sandbox
        self.readers: list[Callable[[], object]] = []
        self._options = options

    def run(
        self, line: str, *, netns: str = "", stdin: str = "", check: bool = True, within: float | None = None
    ) -> Ran:
        """Run a command line, which no shell sees: ``ip``, ``bridge``, ``tc``, ``nft``, ``conntrack``, ``ethtool``,
        ``iw`` or ``ss``, others with ``--nlmon-allow-run``. ``netns``: one that was added, else the first; ``within``
        so many seconds. Fails the test when the command fails, unless ``check`` is False."""
        __tracebackhide__ = True
        deadline = None if within is None else within * self._options.timeout_scale
        return self._ran(lambda: self.sandbox.run(line, netns=netns, stdin=stdin, deadline=deadline), check)

    def batch(self, text: str, *, netns: str = "", check: bool = True) -> Ran:
        """Run lines for ``ip -batch``."""
        __tracebackhide__ = True
        return self._ran(lambda: self.sandbox.batch(text, netns=netns), check)

    def add(self, name: str) -> None:
        """Add another network namespace, which commands know by its name: ``ip link set b netns NAME``."""
        self.sandbox.add_namespace(name)

    def _ran(self, run: Callable[[], Ran], check: bool) -> Ran:
        __tracebackhide__ = True
        try:
            ran = run()
        except PlatformError as error:
            missing(self._options, "netns", str(error))
        except NlmonError as error:
            raise error.with_traceback(None) from None
        for read in self.readers:
            read()
        if check and not ran.ok:
            how = "did not end in time" if ran.ended == "deadline" else f"failed with {ran.status}"
            text = "\n".join(map(printable, (ran.stderr or ran.stdout).strip().splitlines()))
            raise AssertionError(f"{shlex.join(ran.argv)} {how}:\n{text}")
        return ran
