"""A new configuration for a monitor that runs.

Rules:
1. With any error the one in force stays.

Not here: when to reload; a monitor does on SIGHUP, and when a file changes.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from nlmon.config.load import Loaded, load

__all__ = ["reload", "taken_over"]


def reload(old: Loaded, environ: Mapping[str, str]) -> Loaded:
    """What is in force after the files of ``old`` were read again."""
    return taken_over(old, load(old.files, environ, again=True))


def taken_over(old: Loaded, new: Loaded) -> Loaded:
    """What is in force after ``new`` was read in the place of ``old``: the new configuration with the next version, or
    the old one with the errors of the new one."""
    return replace(old, problems=new.problems) if new.config is None else replace(new, version=old.version + 1)
