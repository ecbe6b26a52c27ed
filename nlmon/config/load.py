"""Makes a configuration of files and the environment, with everything that is wrong with them.

    loaded = load([Path("nlmon.yaml")], os.environ)
    loaded.config or [problem.text for problem in loaded.problems]

Rules:
1. What comes later wins, key by key: defaults, the files in their order, the environment. A list is replaced, not
   joined.
2. All problems are found at once. With an error there is no configuration: nothing of a file is half in force.
3. Any bytes and any environment give a configuration or errors, and never an exception.

Not here: which files there are (``files``), and what a running monitor does with a new configuration (``reload``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from nlmon.config.entries import Entry, File, entries, read_file
from nlmon.config.environment import Override, overrides
from nlmon.config.files import read_source
from nlmon.config.keys import KeyPath, build, keys
from nlmon.config.model import Config
from nlmon.config.problems import Position, Problem, from_error
from nlmon.config.rules import Given, check, implied
from nlmon.config.values import Read, read_entry, read_text
from nlmon.errors import ConfigurationError

__all__ = ["Loaded", "Source", "interpret", "load"]

# A file by its name: its content, or why there is none.
Source: TypeAlias = tuple[str, bytes | Problem]


class Loaded(Struct, frozen=True):
    """What came of files and the environment. ``config``: None if a problem is an error. ``origins``: by the name of a
    key ``default``, ``FILE:LINE`` or ``environment NAME``; ``files``: those that were asked for; ``version``: counts
    from 1 the configurations of a monitor that runs."""

    config: Config | None
    problems: tuple[Problem, ...]
    origins: Mapping[str, str]
    files: tuple[Path, ...] = ()
    version: int = 1

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that are errors."""
        return tuple(one for one in self.problems if one.severity == "error")


def load(paths: Sequence[Path], environ: Mapping[str, str], *, again: bool = False) -> Loaded:
    """The configuration of files, of which a later one wins, under an environment. ``again``: by a monitor that runs,
    which reads plain files alone."""
    sources = [read_source(path, again=again) for path in paths]
    return interpret(sources, environ, files=tuple(paths))


def interpret(sources: Iterable[Source], environ: Mapping[str, str], *, files: tuple[Path, ...] = ()) -> Loaded:
    """The same of files that were read."""
    given: dict[KeyPath, Given] = {}
    refused: set[KeyPath] = set()
    problems: list[Problem] = []
    named: set[str] = set()
    for name, data in sources:
        for path, read, where in _of_file(name, data, environ):
            problems += read.problems
            named.update(read.named)
            if where is not None:
                _take(path, read, where, given, refused)
    for path, read, where in _of_environment(environ, named):
        problems += read.problems
        if where is not None:
            _take(path, read, where, given, refused)
    given |= implied(given)
    config = build({path: one.value for path, one in given.items()})
    problems += check(config, given, refused)
    failed = any(one.severity == "error" for one in problems)
    origins = {key.name: _origin(given.get(path)) for path, key in keys().items()}
    return Loaded(None if failed else config, _in_order(problems), origins, files)


_Found: TypeAlias = tuple[KeyPath, Read, Given | None]


def _of_file(name: str, data: bytes | Problem, environ: Mapping[str, str]) -> Iterator[_Found]:
    """Of each entry of a file its key, what was read, and where it stands; of other problems only these."""
    file = data if isinstance(data, Problem) else _file(name, data)
    if isinstance(file, Problem):
        yield (), Read(None, (file,)), None
        return
    for one in entries(file):
        if isinstance(one, Problem):
            yield (), Read(None, (one,)), None
        else:
            read = read_entry(one, file, environ)
            yield one.path, read, _given(one, read, file)


def _given(entry: Entry, read: Read, file: File) -> Given:
    return Given(read.value, file.place(entry.written), file, entry.written)


def _file(name: str, data: bytes) -> File | Problem:
    try:
        return read_file(data, name)
    except ConfigurationError as error:
        lines = data[: 1 << 20].decode("utf-8-sig", "replace").splitlines()
        return from_error(error, name, lines[error.line - 1] if 0 < error.line <= len(lines) else "")


def _of_environment(environ: Mapping[str, str], named: set[str]) -> Iterator[_Found]:
    for one in overrides(environ, named):
        if isinstance(one, Override):
            read = read_text(keys()[one.path], one.text, one.place)
            yield one.path, read, Given(read.value, one.place)
        else:
            yield (), Read(None, (one,)), None


def _take(path: KeyPath, read: Read, where: Given, given: dict[KeyPath, Given], refused: set[KeyPath]) -> None:
    if read.refused:
        refused.add(path)
    else:
        given[path] = where


def _origin(one: Given | None) -> str:
    if one is None:
        return "default"
    place: Position = one.place
    return str(place) if place.variable else f"{place.file}:{place.line}"


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By file in the order of the files, and by line; what has no file last."""
    files = list(dict.fromkeys(one.file for one in problems if one.file))
    return tuple(
        sorted(problems, key=lambda one: (files.index(one.file) if one.file else len(files), one.line, one.column))
    )
