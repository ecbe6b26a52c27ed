"""Says whether a suite of scenarios is in order: what no file shows by itself.

    NLM-S020   two scenarios have one id
    NLM-S021   a title is no statement
    NLM-S022   a capture is missing
    NLM-S023   a capture is another one than the scenario was written for
    NLM-S024   a scenario does not say which capture it was written for
    NLM-S025   a file beside the scenarios belongs to none of them
    NLM-S026   no scenario was found
    NLM-S027   an implementation is not known
    NLM-S028   a scenario cannot be read (``files``)
    NLM-S041   a step that switches monitors, of a scenario without any

Rules:
1. Values in, values out: files are read, and their digests made, by whoever calls.

Not here: what is wrong in one file (``load``), finding files (``files``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from nlmon.backends.registry import is_known
from nlmon.errors import ScenarioError
from nlmon.report.text import shown_path
from nlmon.scenario.load import ScenarioFile
from nlmon.yamlfile import nearest

__all__ = [
    "capture_path",
    "check_captures",
    "check_ids",
    "check_implementations",
    "check_suite",
    "check_switches",
    "is_statement",
]

WORDS = 3


def check_suite(
    files: Sequence[ScenarioFile],
    digests: Mapping[str, str],
    beside: Collection[str] = (),
    known: Collection[str] = ("legacy", "libnl"),
) -> list[ScenarioError]:
    """The mistakes of a suite, by file. ``digests``: SHA-256 of each capture that exists, by its path as
    ``capture_path`` gives it; ``beside``: paths of other files in the folders of the suite; ``known``:
    implementations."""
    if not files:
        return [ScenarioError("NLM-S026", "there is no scenario", hint="a scenario is a file NAME.yaml")]
    mistakes: list[ScenarioError] = []
    taken = check_ids(files)
    for file in files:
        mistakes += [taken[file.where]] if file.where in taken else []
        mistakes += _title(file)
        mistakes += check_captures(file, digests)
        mistakes += check_implementations(file, known)
        mistakes += check_switches(file)
    return [*mistakes, *_unreferenced(files, beside)]


def check_ids(files: Iterable[ScenarioFile]) -> dict[str, ScenarioError]:
    """The mistake of each scenario whose id another one before it has, by its file."""
    first: dict[str, ScenarioFile] = {}
    mistakes = {}
    for file in files:
        other = first.setdefault(file.scenario.id, file)
        if other is not file:
            hint = f"the other one is {other.place('id')}"
            mistakes[file.where] = file.mistake("NLM-S020", f"the id {file.scenario.id} is taken", "id", hint=hint)
    return mistakes


def capture_path(file: ScenarioFile) -> str:
    """The path of a scenario's capture, which is relative to the scenario; empty if it has none."""
    capture = file.scenario.capture
    if capture is None:
        return ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(file.path), capture.path))


def is_statement(title: str) -> bool:
    """Whether a title says something: a sentence in one line, with a capital letter and a full stop."""
    return (
        title[:1].isupper()
        and title.endswith(".")
        and not title.endswith("..")
        and len(title.split()) >= WORDS
        and title.isprintable()
    )


def _title(file: ScenarioFile) -> Iterator[ScenarioError]:
    if not is_statement(file.scenario.title):
        hint = "write a sentence that says what holds, with a capital letter and a full stop"
        yield file.mistake("NLM-S021", "the title is no statement", "title", hint=hint)


def check_captures(file: ScenarioFile, digests: Mapping[str, str]) -> Iterator[ScenarioError]:
    """What is wrong with the capture of a scenario; ``digests``: see ``check_suite``."""
    capture = file.scenario.capture
    if capture is None:
        return
    digest = digests.get(capture_path(file))
    if digest is None:
        hint = "its path is relative to the folder of the scenario" if posixpath.dirname(file.where) else ""
        yield file.mistake("NLM-S022", f"there is no capture {capture.path}", "capture", "path", hint=hint)
    elif not capture.sha256:
        hint = f"write capture: {{path: {capture.path}, sha256: {digest}}}"
        yield file.mistake("NLM-S024", "the capture has no digest", "capture", "path", hint=hint)
    elif digest != capture.sha256:
        what = f"the capture is another one than this scenario was written for; its digest is {digest}"
        yield file.mistake("NLM-S023", what, "capture", "sha256")


def check_implementations(file: ScenarioFile, known: Collection[str]) -> Iterator[ScenarioError]:
    """Implementations of a scenario that are not known."""
    for number, one in enumerate(file.scenario.implementations):
        if one.name not in known and not is_known(one.name):
            what = f"no implementation is called {one.name!r}"
            yield file.mistake("NLM-S027", what, "implementations", number, hint=nearest(one.name, known))


def check_switches(file: ScenarioFile) -> Iterator[ScenarioError]:
    """Steps that let monitors switch where none runs."""
    scenario = file.scenario
    for step in () if scenario.configured else (*scenario.setup, *scenario.steps):
        if step.kind in {"migrate", "rollback"}:
            what = f"{step.kind}: no monitor runs that could switch"
            yield ScenarioError("NLM-S041", what, where=step.place, hint="give a configuration")


def _unreferenced(files: Sequence[ScenarioFile], beside: Collection[str]) -> Iterator[ScenarioError]:
    """Files that no scenario names. What a live run of ``NAME.yaml`` recorded lies beside it under its name."""
    named = {capture_path(file) for file in files}
    for file in files:
        stem = file.path.removesuffix(".yaml")
        named |= {f"{stem}{ending}" for ending in (".pcapng", ".pcapng.zst", ".pcapng.gz", ".state.json")}
    for path in sorted(set(beside) - named):
        yield ScenarioError("NLM-S025", "no scenario names this file", where=shown_path(path), hint="remove it")
