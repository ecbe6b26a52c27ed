"""The pytest plugin: scenario files are tests, captures are parametrised tests, and fixtures listen to the kernel.

``options`` are those of the command line and the ini file, ``session`` is what the tests of a run have in common.
``cases`` are the tests of scenario files, ``captures`` those of captures. ``tools`` is what the fixtures of a test
do: ``replay`` a capture, ``listen`` to the kernel, in a ``namespace``. ``explain`` shows lists of events that differ.
``gather`` makes one report of all workers, and ``update`` changes scenarios.

Rules:
1. Every pytest that has nlmon installed imports this module: it imports nothing but pytest and the options. What a hook
   or a fixture needs is imported when it is used.
2. A mistake of a user is an error of pytest with a code, never a traceback.
3. PYTEST_DONT_REWRITE: it asserts nothing. pytest would else warn where it was imported before its turn.

Not here: scenarios (``nlmon.scenario``), and how they are judged.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nlmon.errors import NlmonError
from nlmon.pytest_plugin.options import Options, add_options, is_worker, read_options

if TYPE_CHECKING:  # start-up: only who uses it needs it
    from nlmon.pytest_plugin.listen import Monitor, Recording
    from nlmon.pytest_plugin.namespace import Namespace
    from nlmon.pytest_plugin.replay import Replayed
    from nlmon.pytest_plugin.session import Runs
    from nlmon.pytest_plugin.tools import Tools

__all__ = (
    "nlmon_implementation",
    "nlmon_monitor",
    "nlmon_netns",
    "nlmon_record",
    "nlmon_replay",
    "nlmon_verdict",
)

_OPTIONS = pytest.StashKey[Options]()
_RUNS = pytest.StashKey["Runs"]()

_MARKERS = (
    "nlmon_scenario: a case of a scenario file",
    "nlmon_live: a case of a scenario that needs network namespaces of the running kernel",
    "nlmon_captures(*patterns, both_ways=False, **options): one test for each capture, and for each direction",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options; where pytest tests the whole project, it tests all folders of scenarios, too."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    options = config.stash[_OPTIONS] = read_options(config)
    here = config.invocation_params.dir
    source, sources = config.args_source, pytest.Config.ArgsSource
    if source is sources.TESTPATHS or (source is sources.INVOCATION_DIR and here == config.rootpath):
        tested = [Path(here, arg).resolve() for arg in config.args]
        for folder in options.scenarios:
            if not any(folder.is_relative_to(one) for one in tested):
                config.args.append(str(folder))


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Where there are scenarios or options, the settings must be right before anything is collected."""
    options = session.config.stash[_OPTIONS]
    if options.scenarios or options.given:
        try:
            runs = _runs(session.config)
            if not is_worker(session.config):
                runs.refuse_unwritable()
        except NlmonError as error:
            raise pytest.UsageError(str(error)) from error
        if not is_worker(session.config):
            from nlmon.pytest_plugin.gather import Gatherer  # noqa: PLC0415  (start-up)

            session.config.pluginmanager.register(Gatherer(options, runs, session.config.rootpath), "nlmon-gatherer")


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
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The report of a file that is no scenario carries what is wrong with it."""
    report = yield
    if getattr(collector, "mistaken", None):
        from nlmon.pytest_plugin.cases import ScenarioCases, add_mistakes  # noqa: PLC0415  (start-up)

        if isinstance(collector, ScenarioCases):
            add_mistakes(collector, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The report of a case, or of a capture, carries what came of it."""
    report = yield
    if item.get_closest_marker("nlmon_scenario"):
        from nlmon.pytest_plugin.cases import ScenarioCase, add_result  # noqa: PLC0415  (start-up)

        if isinstance(item, ScenarioCase):
            add_result(item, report)
    elif item.get_closest_marker("nlmon_captures"):
        from nlmon.pytest_plugin.captures import add_verdict  # noqa: PLC0415  (start-up)

        add_verdict(item, report)
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of each capture that the marker ``nlmon_captures`` finds, and of each implementation."""
    marker = metafunc.definition.get_closest_marker("nlmon_captures")
    implementations = "nlmon_implementation" in metafunc.fixturenames
    if marker is None and not implementations:
        return
    try:
        if marker is not None:
            from nlmon.pytest_plugin.captures import parametrize  # noqa: PLC0415  (start-up)

            parametrize(metafunc, marker)
        if implementations:
            from nlmon.pytest_plugin.session import candidates  # noqa: PLC0415  (start-up)

            metafunc.parametrize("nlmon_implementation", candidates(metafunc.config.stash[_OPTIONS]), indirect=True)
    except NlmonError as error:
        raise pytest.Collector.CollectError(str(error)) from error


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Two lists of events: the first that differs, by field."""
    if op != "==" or not (isinstance(left, list | tuple) and isinstance(right, list | tuple)) or not (left or right):
        return None
    first = next(iter((*left, *right)))
    if not isinstance(first, dict) and type(first).__module__ != "nlmon.events":
        return None
    from nlmon.pytest_plugin.explain import are_events, explain  # noqa: PLC0415  (start-up)

    return explain(left, right) if all(are_events(one) or not one for one in (left, right)) else None


@pytest.fixture
def nlmon_implementation(request: pytest.FixtureRequest) -> str:
    """The name of an implementation: the test runs once for each, or for that of ``--nlmon-implementation``."""
    name: str = request.param
    return name


@pytest.fixture
def nlmon_netns(request: pytest.FixtureRequest) -> Iterator[Namespace]:
    """A network namespace of the test's own, in which ``run()`` runs commands."""
    from nlmon.pytest_plugin.namespace import open_namespace  # noqa: PLC0415  (start-up)

    config = request.config
    with open_namespace(config.stash[_OPTIONS], allow_run=_tools(request).allow_run) as namespace:
        yield namespace


@pytest.fixture
def nlmon_replay(request: pytest.FixtureRequest) -> Callable[..., Replayed]:
    """``nlmon_replay(capture, reference=…, candidate=…, …)``: replays a capture; the options are those of
    ``nlmon replay``."""
    return _tools(request).replay


@pytest.fixture
def nlmon_verdict(request: pytest.FixtureRequest) -> Replayed:
    """What came of the capture and direction of this test, which has the marker ``nlmon_captures``."""
    __tracebackhide__ = True
    case = getattr(request, "param", None)
    if case is None:
        pytest.fail("NLM-Y005: nlmon_verdict needs the marker nlmon_captures, with a pattern", pytrace=False)
    return _tools(request).verdict(case)


@pytest.fixture
def nlmon_monitor(request: pytest.FixtureRequest) -> Callable[..., AbstractContextManager[Monitor]]:
    """``with nlmon_monitor("libnl") as monitor``: an implementation listens, in the namespace of the test if it has
    one, else (or with ``host=True``) where pytest runs."""
    return _tools(request).monitor


@pytest.fixture
def nlmon_record(request: pytest.FixtureRequest) -> Callable[..., AbstractContextManager[Recording]]:
    """``with nlmon_record() as recording``: what the kernel says is recorded, in the namespace of the test if it has
    one, else (or with ``host=True``) where pytest runs."""
    return _tools(request).record


def _tools(request: pytest.FixtureRequest) -> Tools:
    from nlmon.pytest_plugin.tools import Tools  # noqa: PLC0415  (start-up)

    __tracebackhide__ = True
    try:
        return Tools(request, _runs(request.config))
    except NlmonError as error:
        return pytest.fail(str(error), pytrace=False)


def _runs(config: pytest.Config) -> Runs:
    """What the tests have in common, made when the first one needs it. Raises ``NlmonError``."""
    if _RUNS not in config.stash:
        from nlmon.pytest_plugin.session import Runs  # noqa: PLC0415  (start-up)

        config.stash[_RUNS] = Runs(config, config.stash[_OPTIONS])
    return config.stash[_RUNS]
