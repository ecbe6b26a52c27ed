"""What the fixtures of one test do: replay, listen and record, where the test is.

Rules:
1. A test that has a namespace listens in it; ``host=True`` listens where pytest runs.
2. A recording is temporary, unless ``--nlmon-record`` keeps it: in ``recordings/`` beside the test's file, under the
   name of the test.
3. A mistake is an error of ours without a frame of ours.

Not here: listening (``listen``), replays (``replay``), and the fixtures themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nlmon.errors import NlmonError, PlatformError
from nlmon.pytest_plugin.captures import CaptureCase, find_capture
from nlmon.pytest_plugin.listen import WITHIN, Monitor, Recording
from nlmon.pytest_plugin.namespace import Namespace, missing
from nlmon.pytest_plugin.replay import Replayed, replay, with_options
from nlmon.pytest_plugin.session import Runs

__all__ = ["Tools"]


class Tools:
    """What a test has: ``replay``, ``verdict``, ``monitor`` and ``record``. ``allow_run``: commands in a namespace may
    be any program."""

    def __init__(self, request: pytest.FixtureRequest, runs: Runs) -> None:
        self.allow_run = runs.run_options.allow_run
        self._request = request
        self._runs = runs
        self._recordings = 0

    def __repr__(self) -> str:
        return f"<nlmon of {self._item.name}>"  # pytest shows it with a test that fails

    def replay(self, capture: Path | str, **options: Any) -> Replayed:
        """Replay a capture from the reference to the candidate; see ``with_options``. A relative path is that of the
        test's file, or else of the root folder of pytest."""
        __tracebackhide__ = True
        try:
            return self._replayed(find_capture(capture, self._item), options)[0]
        except NlmonError as error:
            raise error.with_traceback(None) from None

    def verdict(self, case: CaptureCase) -> Replayed:
        """What came of a capture in a direction, both of which are judged in one reading."""
        __tracebackhide__ = True
        key = case.path, case.both_ways, repr(sorted(case.options.items()))
        try:
            if key not in self._runs.replayed:
                self._runs.replayed[key] = self._replayed(case.path, case.options | {"both_ways": case.both_ways})
        except NlmonError as error:
            pytest.fail(str(error), pytrace=False)
        return next(one for one in self._runs.replayed[key] if one.report.direction == case.direction)

    @contextmanager
    def monitor(self, name: str, *, host: bool = False, within: float = WITHIN) -> Iterator[Monitor]:
        """The implementation called ``name``, listening. ``within``: seconds for which ``wait_for`` waits by default;
        ``--nlmon-timeout-scale`` makes all deadlines longer."""
        __tracebackhide__ = True
        namespace = self._namespace(host)
        opener = namespace.sandbox.open_socket if namespace is not None else None
        try:
            monitor = Monitor(name, opener, within=within, scale=self._runs.options.timeout_scale).__enter__()
        except PlatformError as error:
            missing(self._runs.options, "netns", str(error))
        except NlmonError as error:
            raise error.with_traceback(None) from None
        with monitor:
            yield monitor

    @contextmanager
    def record(self, *, host: bool = False) -> Iterator[Recording]:
        """Record what the kernel says, from the dumps of what there is to the end of the block."""
        __tracebackhide__ = True
        namespace = self._namespace(host)
        opener = namespace.sandbox.open_socket if namespace is not None else None
        netns = next(iter(namespace.sandbox.namespaces), "") if namespace is not None else ""
        recording = Recording(
            self._recording(), opener, readers=namespace.readers if namespace is not None else [], netns=netns
        )
        try:
            recording.__enter__()
        except PlatformError as error:
            missing(self._runs.options, "netns", str(error))
        except NlmonError as error:
            raise error.with_traceback(None) from None
        try:
            yield recording
        except BaseException as error:
            recording.__exit__(type(error), error, error.__traceback__)
            raise
        recording.__exit__(None, None, None)

    @property
    def _item(self) -> pytest.Item:
        item: pytest.Item = self._request.node
        return item

    def _replayed(self, path: Path, options: dict[str, Any]) -> tuple[Replayed, ...]:
        return replay(path, self._runs.shown(path), with_options(self._runs.replay_options, **options))

    def _namespace(self, host: bool) -> Namespace | None:
        if host or "nlmon_netns" not in self._request.fixturenames:
            return None
        namespace: Namespace = self._request.getfixturevalue("nlmon_netns")
        return namespace

    def _recording(self) -> Path:
        """Where the next recording goes."""
        item, record = self._item, self._runs.options.record
        self._recordings += 1
        number = f"-{self._recordings}" * (self._recordings > 1)
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", item.name).strip("-")
        kept = item.path.parent / "recordings" / item.path.stem / f"{name}{number}.pcapng"
        if record == "all" or (record == "once" and not kept.exists()):
            kept.parent.mkdir(parents=True, exist_ok=True)
            return kept
        folder: Path = self._request.getfixturevalue("tmp_path")
        return folder / f"recording{number}.pcapng"
