"""Looks for what is old in files and folders.

Rules:
1. A file is read by its suffix. In a folder, hidden files and folders, environments and what builds make are left out,
   and no symbolic link is followed; what is named is searched, whatever it is called.
2. A file that cannot be read, or is broken, is reported, and the search goes on.
3. No more is read than a file of its kind has that a person wrote.

Not here: what is found in a file (``yaml``, ``python``, ``c``), and the report (``found``).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from nlmon.deprecations.found import (
    Deprecations,
    Found,
    Language,
    Unread,
    Use,
    report_of,
    unread_of,
    use_of,
)
from nlmon.errors import SourceError, reason_of
from nlmon.printable import printable

__all__ = ["LARGEST_FILE", "MOST_FILES", "SUFFIXES", "find_in", "search"]

LARGEST_FILE = 1 << 20
MOST_FILES = 50_000

SUFFIXES: Mapping[str, Language] = MappingProxyType(
    {".yaml": "yaml", ".yml": "yaml", ".py": "python", ".pyi": "python", ".c": "c", ".h": "c"}
)
_LEFT_OUT = {"__pycache__", "build", "dist", "env", "node_modules", "site-packages", "venv"}


def search(paths: Sequence[Path]) -> Deprecations:
    """What is found in files, and in folders and those below them; each file is read once."""
    uses: list[Use] = []
    unread: list[Unread] = []
    seen: set[tuple[int, int]] = set()
    files = 0
    for one in _files(paths):
        if isinstance(one, SourceError):
            unread.append(unread_of(one, one.where))
            continue
        name = printable(str(one))
        if files >= MOST_FILES:
            what = f"no more than {MOST_FILES:,} files are searched at once"
            hint = "name folders one after another"
            unread.append(unread_of(SourceError("NLM-H006", what, where=name, hint=hint), name))
            break
        try:
            data = _read(one, name, seen)
        except SourceError as error:
            unread.append(unread_of(error, name))
            continue
        if data is None:
            continue
        files += 1
        language = SUFFIXES[one.suffix.lower()]
        for item in find_in(data, language, name):
            if isinstance(item, Found):
                uses.append(use_of(item, name, language))
            else:
                unread.append(unread_of(item, name))
    return report_of(uses, unread, files)


def find_in(data: bytes, language: Language, where: str) -> Sequence[Found | SourceError]:
    """The uses in the content of one file, and what of it cannot be read."""
    # Each of the three is loaded with the first file of its kind.
    if language == "yaml":
        from nlmon.deprecations import yaml  # noqa: PLC0415  (start-up: only YAML needs it)

        return yaml.find(data, where)
    if language == "python":
        from nlmon.deprecations import python  # noqa: PLC0415  (start-up: only Python needs it)

        try:
            return python.find(data, where)
        except SourceError as error:
            return [error]
    from nlmon.deprecations import c  # noqa: PLC0415  (start-up: only C needs it)

    return c.find(data)


def _read(path: Path, name: str, seen: set[tuple[int, int]]) -> bytes | None:
    """The content of a file; None if it was read before, under this name or another. Raises ``SourceError``."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "it is no file")
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(name, error) from error
    if (facts.st_dev, facts.st_ino) in seen:
        return None
    seen.add((facts.st_dev, facts.st_ino))
    if len(data) > LARGEST_FILE:
        what = f"a file of more than {LARGEST_FILE:,} bytes is not searched"
        raise SourceError("NLM-H002", what, where=name, hint="is it one that a person wrote?")
    return data


def _unreadable(name: str, error: OSError | ValueError) -> SourceError:
    why = reason_of(error)
    return SourceError("NLM-H001", "it cannot be read", where=name, why=why, hint="check the path")


def _files(paths: Sequence[Path]) -> Iterator[Path | SourceError]:
    """The files to read, and which paths have none."""
    for path in paths:
        if path.is_dir():
            yield from _in_folder(path)
        elif path.suffix.lower() in SUFFIXES:
            yield path
        else:
            what, hint = "this is neither YAML nor Python nor C", f"it ends with {', '.join(SUFFIXES)}, or is a folder"
            name = printable(str(path))
            missing = not path.exists()
            yield (
                _unreadable(name, FileNotFoundError(errno.ENOENT, "No such file or directory"))
                if missing
                else SourceError("NLM-H007", what, where=name, hint=hint)
            )


def _in_folder(folder: Path) -> Iterator[Path | SourceError]:
    """The files in and below a folder, by their names."""
    failed: list[OSError] = []
    for at, folders, names in os.walk(folder, onerror=failed.append):
        folders[:] = sorted(name for name in folders if not _is_left_out(Path(at) / name))
        for name in sorted(names):
            path = Path(at) / name
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES and not path.is_symlink():
                yield path
    for error in failed:
        yield _unreadable(printable(str(error.filename)), error)


def _is_left_out(folder: Path) -> bool:
    """Whether a folder holds what nobody wrote here: versions, an environment, or what a build made."""
    name = folder.name
    return name.startswith(".") or name in _LEFT_OUT or name.endswith(".egg-info") or (folder / "pyvenv.cfg").exists()
