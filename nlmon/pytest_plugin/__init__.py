"""The pytest plugin: scenario files are tests, captures are parametrised tests, and fixtures listen to the kernel.

``options`` are those of the command line and the ini file, ``session`` is what the tests of a run have in common, and
``cases`` are the tests of scenario files.

Rules:
1. Every pytest that has nlmon installed imports this module: it imports nothing but pytest and the options. What a hook
   or a fixture needs is imported when it is used.
2. A mistake of a user is an error of pytest with a code, never a traceback.

Not here: scenarios (``nlmon.scenario``), and how they are judged.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nlmon.errors import NlmonError
from nlmon.pytest_plugin.options import Options, add_options, read_options

if TYPE_CHECKING:  # start-up: only who has scenarios needs it
    from nlmon.pytest_plugin.session import Runs

__all__ = ()

_OPTIONS = pytest.StashKey[Options]()
_RUNS = pytest.StashKey["Runs"]()

_MARKERS = (
    "nlmon_scenario: a case of a scenario file",
    "nlmon_live: a case of a scenario that needs network namespaces of the running kernel",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options; with ``testpaths`` the folders of scenarios are tested, too."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    options = config.stash[_OPTIONS] = read_options(config)
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        tested = [Path(config.invocation_params.dir, arg).resolve() for arg in config.args]
        for folder in options.scenarios:
            if not any(folder.is_relative_to(one) for one in tested):
                config.args.append(str(folder))


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Where there are scenarios or options, the settings must be right before anything is collected."""
    options = session.config.stash[_OPTIONS]
    if options.scenarios or options.given:
        try:
            _runs(session.config)
        except NlmonError as error:
            raise pytest.UsageError(str(error)) from error


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A scenario file: below a folder of ``nlmon_scenarios``, or ``*.nlmon.yaml`` beside tests."""
    if file_path.suffix != ".yaml":
        return None
    folders = parent.config.stash[_OPTIONS].scenarios
    if not file_path.name.endswith(".nlmon.yaml") and not any(file_path.is_relative_to(one) for one in folders):
        return None
    from nlmon.pytest_plugin.cases import ScenarioCases  # noqa: PLC0415  (start-up: only scenarios need it)

    found = ScenarioCases.from_parent(parent, path=file_path)
    found.make_runs = partial(_runs, parent.config)
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The report of a case carries what came of it."""
    report = yield
    if item.get_closest_marker("nlmon_scenario"):
        from nlmon.pytest_plugin.cases import ScenarioCase, add_result  # noqa: PLC0415  (start-up)

        if isinstance(item, ScenarioCase):
            add_result(item, report)
    return report


def _runs(config: pytest.Config) -> Runs:
    """What the tests have in common, made when the first one needs it. Raises ``NlmonError``."""
    if _RUNS not in config.stash:
        from nlmon.pytest_plugin.session import Runs  # noqa: PLC0415  (start-up)

        config.stash[_RUNS] = Runs(config, config.stash[_OPTIONS])
    return config.stash[_RUNS]
