"""A new configuration for a monitor that runs.

Rules:
1. With any error the one in force stays.
2. What cannot change while sockets are open is told, and stays until the next start.

Not here: when to reload; a monitor does on SIGHUP, and when a file changes.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from nlmon.config.keys import build, keys
from nlmon.config.load import Loaded, load
from nlmon.config.model import Config
from nlmon.config.problems import Place, Problem, notice

__all__ = ["NEEDS_RESTART", "reload", "taken_over"]

# The implementation opens the sockets, and cannot be exchanged below them.
NEEDS_RESTART = (("netlink", "use_libnl"),)


def reload(old: Loaded, environ: Mapping[str, str]) -> Loaded:
    """What is in force after the files of ``old`` were read again."""
    return taken_over(old, load(old.files, environ, again=True))


def taken_over(old: Loaded, new: Loaded) -> Loaded:
    """What is in force after ``new`` was read in the place of ``old``: the new configuration with the next version, or
    the old one with the errors of the new one."""
    if old.config is None or new.config is None:
        return replace(old, problems=new.problems) if new.config is None else replace(new, version=old.version + 1)
    config, kept = _with_what_stays(old.config, new.config)
    origins = {**new.origins, **{one.key: old.origins[one.key] for one in kept}}
    return replace(new, config=config, problems=(*new.problems, *kept), origins=origins, version=old.version + 1)


def _with_what_stays(old: Config, new: Config) -> tuple[Config, list[Problem]]:
    values = {path: _value(new, path) for path in keys()}
    kept = []
    for path in NEEDS_RESTART:
        before = _value(old, path)
        if values[path] != before:
            values[path] = before
            key = keys()[path].name
            what = f"{key} stays {str(before).lower()} until the next start"
            kept.append(notice("NLM-G038", what, Place(), key=key, hint="restart the monitor"))
    return build(values), kept


def _value(config: Config, path: tuple[str, ...]) -> object:
    value: object = config
    for part in path:
        value = getattr(value, part)
    return value
