"""A run of the claims by pytest, in this process.

Rules:
1. Neither settings nor plugins of the project where it is called have a part in it.
2. pytest prints nothing; what it would have said is in the report.

Not here: what a test does with an implementation (``plugin``).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

from nlmon import __version__
from nlmon.conformance.monitor import Subject
from nlmon.conformance.results import ConformanceReport
from nlmon.errors import InternalError, PlatformError, UsageError

__all__ = ["conform"]

HERE = Path(__file__).parent
OPTIONS = ("--import-mode=importlib", "--capture=no", "-p", "no:cacheprovider", "--tb=no", "-vv")
# What would bring options and plugins of others.
ENVIRONMENT = {"PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def conform(subjects: Sequence[Subject], *, select: str = "") -> ConformanceReport:
    """Test every claim that ``select`` matches, an expression as of ``pytest -k``, against implementations.

    Raises ``PlatformError`` without pytest, ``UsageError`` for an expression that is none.
    """
    if find_spec("pytest") is None:
        hint = "install pytest beside nlmon, such as by tools/bootstrap; nlmon claims --list needs no pytest"
        raise PlatformError("NLM-F001", "the claims are tested with pytest, which is not installed", hint=hint)
    import pytest  # noqa: PLC0415  (start-up: only a run needs it)

    from nlmon.conformance.plugin import Conformance  # noqa: PLC0415

    plugin = Conformance(subjects)
    output = StringIO()
    began = time.monotonic()
    with _environment(), redirect_stdout(output), redirect_stderr(output):
        arguments = ["-c", str(HERE / "pytest.ini"), "--rootdir", str(HERE), *OPTIONS, "-k", select, str(HERE)]
        code = pytest.main(arguments, plugins=[plugin])
    seconds = time.monotonic() - began
    if code == pytest.ExitCode.USAGE_ERROR and select:
        raise UsageError("NLM-F005", f"pytest does not understand -k {select!r}", why=_last_line(output))
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}:
        if code == pytest.ExitCode.INTERRUPTED and "KeyboardInterrupt" in output.getvalue():
            raise KeyboardInterrupt
        raise InternalError("NLM-F006", f"pytest ended with {code}", why=output.getvalue())
    names = tuple(subject.name for subject in subjects)
    return ConformanceReport(__version__, names, round(seconds, 3), plugin.claims())


@contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _last_line(output: StringIO) -> str:
    lines = [line for line in output.getvalue().splitlines() if line.strip()]
    return lines[-1].removeprefix("ERROR: ") if lines else ""
