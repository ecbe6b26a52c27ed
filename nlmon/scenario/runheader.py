"""The header of the report of a run of scenarios: when and where it ran, under which policy, and what it read.

Not here: the records of a run (``nlmon.report.outcome``).
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from nlmon import __version__
from nlmon.errors import ScenarioError
from nlmon.report.outcome import RunHeader
from nlmon.report.text import shown_path
from nlmon.scenario.beside import paths_beside
from nlmon.scenario.check import capture_path
from nlmon.scenario.files import digests
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import refuse_outside

__all__ = ["run_header"]


def run_header(
    files: Sequence[ScenarioFile], options: RunOptions, given: dict[str, str], known_digest: str = ""
) -> RunHeader:
    """The first record of a run. ``given``: options as they were given; ``known_digest``: of the file of known
    differences."""
    found = digests(name for file in files for name in _read_by(file, options))
    return RunHeader(
        tool="nlmon",
        version=__version__,
        host=platform.node(),
        kernel=platform.release(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        policy=options.policy,
        options=given,
        known_digest=known_digest,
        inputs={shown_path(name): digest for name, digest in found.items()},
    )


def _read_by(file: ScenarioFile, options: RunOptions) -> Iterator[str]:
    """The files that a scenario may have read; its capture may be any file, such as one that never ends."""
    yield file.path
    try:
        refuse_outside(file, options)
    except ScenarioError:
        return  # the case says so
    if file.scenario.capture is not None:
        yield capture_path(file)
    elif options.source != "live":
        yield from map(str, paths_beside(file))
