"""``nlmon scenario check``: is every scenario well written, and the suite in order?

Not here: the rules (``nlmon.scenario``), and running scenarios.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nlmon.cli.common import show_error, warn
from nlmon.errors import ExitCode, ScenarioError

__all__ = ["command"]


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, readable=False))
def command(paths: tuple[Path, ...]) -> None:
    """Check scenario files, or all in folders; PATHS default to scenarios.

    Each mistake is one line on stderr with file, line and column: of the format, and in the suite ids that are not
    unique, titles that state nothing, captures that are missing or have changed, files that belong to no scenario.

    Exit code: 0 all is in order, 3 there is a mistake, or no scenario.
    """
    from nlmon.backends.registry import BACKENDS  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.report.text import counted  # noqa: PLC0415
    from nlmon.scenario.beside import check_recordings  # noqa: PLC0415
    from nlmon.scenario.check import capture_path, check_suite  # noqa: PLC0415
    from nlmon.scenario.files import digests, find_scenarios, scenario_at  # noqa: PLC0415

    scenarios, beside = find_scenarios(paths or (Path("scenarios"),))
    mistakes: list[ScenarioError] = []
    files = []
    for path in scenarios:
        file, found = scenario_at(path)
        mistakes += found
        if file is not None:
            files.append(file)
    # With a mistake in a file, a capture that it names would be said to belong to none.
    others = [] if mistakes else list(map(str, beside))
    if files or not mistakes:
        mistakes += check_suite(files, digests(map(capture_path, files)), others, tuple(BACKENDS))
    mistakes += check_recordings(files)
    for mistake in mistakes:
        show_error(mistake)
    if mistakes:
        sys.exit(ExitCode.INPUT)
    warn(f"{counted(len(files), 'scenario')} in order")
