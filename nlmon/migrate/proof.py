"""Whether a text that was rewritten says what was meant.

Not here: rewriting (``rewrite``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nlmon.config.entries import Entry, entries, read_file
from nlmon.config.keys import KeyPath
from nlmon.config.load import interpret
from nlmon.config.names import USE_LIBNL
from nlmon.errors import NlmonError
from nlmon.migrate.model import Finding, Implementation
from nlmon.migrate.steps import Step, split_path
from nlmon.yamlfile import Path

__all__ = ["overruled", "says"]


def says(written: bytes, data: bytes, steps: Iterable[Step]) -> bool:
    """Whether a text says what ``data`` says, with the changes of these steps and no other."""
    meant = _meant(data)
    for step in steps:
        for path, value in step.means.items():
            _set(meant, path, value)
    try:
        return _meant(written) == meant
    except NlmonError:
        return False


def overruled(written: bytes, name: str, to: Implementation, environ: Mapping[str, str]) -> Iterator[Finding]:
    """What the environment says against the choice of an implementation."""
    loaded = interpret([(name, written)], environ)
    if loaded.config is not None and loaded.config.netlink.use_libnl != (to == "libnl"):
        what = f"the environment still chooses the other implementation ({loaded.origins[USE_LIBNL]})"
        hint = "change the variable, or unset it"
        yield Finding("NLM-V032", "error", name, 0, USE_LIBNL, "", what, hint)


def _meant(data: bytes) -> dict[KeyPath, Any]:
    """By path the value that a text gives a key."""
    return {one.path: one.raw for one in entries(read_file(data, "")) if isinstance(one, Entry)}


def _set(meant: dict[KeyPath, Any], path: Path, value: Any) -> None:
    key, inside = split_path(path)
    if inside:
        target: Any = meant[key]
        for part in inside[:-1]:
            target = target[part]
        target[inside[-1]] = value
    elif value is None:
        for one in [one for one in meant if one[: len(key)] == key]:
            del meant[one]
    else:
        meant[key] = value
