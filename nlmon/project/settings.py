"""Where a policy comes from: the nearest settings file, and the options of the command line, which win key by key.

Rules:
1. One file is read: ``nlmon.toml`` with the keys at its top, or the table ``[tool.nlmon]`` of ``pyproject.toml``, of
   the nearest folder upwards that has one; ``nlmon.toml`` wins in its folder. ``--config`` names a file instead.
2. The keys are the fields of ``Policy`` and ``RunSettings`` with an underscore in all places: a key that is spelt
   otherwise is an error.
3. The whole file is checked, also what an option overrides. A mistake in a file is an ``InputError``, one in an option
   a ``UsageError``; both say where it stands and what to do.
4. The environment is not read. Variables ``NLMON_*`` are for the configuration of a monitor (``nlmon.config``).

Not here: what a policy means (``nlmon.report.policy``), the options themselves (``nlmon.cli.policy_options``), files
and lines (``nlmon.settingsfile``), and what stands in the file of known differences.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from msgspec import Struct

from nlmon.backends.registry import protocol_names
from nlmon.errors import InputError, UsageError
from nlmon.names import PROTOCOLS, protocol_number
from nlmon.report.policy import Policy, fail_words, wrong_word
from nlmon.settingsfile import SettingsFile, from_here, named, nearest, type_name

__all__ = [
    "LARGEST",
    "SETTINGS",
    "RunSettings",
    "Setting",
    "load_policy",
    "load_run_settings",
    "named_file",
    "project_folders",
    "settings_schema",
]

# The newest version of a settings file that is read.
VERSION = 1
LARGEST = (1 << 63) - 1  # an integer of TOML has 64 bits
_STRINGS = "an array of strings"


class Setting(Struct, frozen=True):
    """One key: the option that says the same, its line in a file as an example, and what it is for."""

    option: str
    example: str
    meaning: str


SETTINGS: Mapping[str, Setting] = {
    "fail_on": Setting(
        "--fail-on",
        'fail_on = ["lossy"]',
        "What fails a run beside a regression: verdicts, classes of difference, or warning for all that warn.",
    ),
    "min_events": Setting(
        "--min-events",
        "min_events = 50",
        "Events that must have been compared in each capture; with fewer the verdict is inconclusive.",
    ),
    "max_lost": Setting(
        "--max-lost",
        "max_lost = 0",
        "Messages that may be lost, truncated or not compared; with more the verdict is inconclusive.",
    ),
    "require_protocols": Setting(
        "--require-protocol",
        'require_protocols = ["route"]',
        "Protocols of which an event must have been compared in each capture, by name or number.",
    ),
    "allow": Setting(
        "--allow",
        'allow = ["link.altnames"]',
        "What may be lost and does not fail: a kind and field, or the kind of whole events; * stands for any.",
    ),
    "known": Setting(
        "--known",
        'known = "known.yaml"',
        "Path of the file of known differences, relative to the file that names it; empty: none.",
    ),
    "allow_run": Setting(
        "--allow-run",
        "allow_run = true",
        "Let scenarios do what reaches out of them: captures anywhere, programs that are not listed, Python.",
    ),
    "capture_folders": Setting(
        "",
        'capture_folders = ["recordings"]',
        "Folders whose captures scenarios may use beside their own, relative to the file that names them.",
    ),
    "implementations": Setting(
        "",
        'implementations.mine = {command = "./my-harness"}',
        "Programs that stand for an implementation, by name: docs/harness.md.",
    ),
    "settings": Setting("", "settings = 1", "Version of the settings, which a newer nlmon may read otherwise."),
}


class RunSettings(Struct, frozen=True, kw_only=True):
    """What else a settings file says. ``allow_run``: scenarios may do what reaches out of them; ``capture_folders``:
    folders whose captures scenarios may use beside their own, as they are found from here; ``implementations``:
    programs by name (``nlmon.harness.named`` reads them where a name is used); ``settings``: the version of the file.
    """

    allow_run: bool = False
    capture_folders: tuple[str, ...] = ()
    implementations: dict[str, Any] = {}
    settings: int = VERSION


_DEFAULTS: Mapping[str, Any] = {
    name: getattr(default, name)
    for default in (Policy(), RunSettings())
    for name in default.__struct_fields__
    if name != "sources"
}
# What people write who know the other file, or the options.
_ELSEWHERE = {
    "tool": "write the keys at the top of the file, without [tool.nlmon]",
    "strict": 'write fail_on = ["warning"]',
}


class _Origin(Struct, frozen=True):
    """Where a value stands: a line of a file, or an option. Paths are relative to ``folder``; ``file``: where its keys
    stand, of a file."""

    where: str
    error: type[InputError | UsageError]
    folder: Path
    file: SettingsFile | None = None

    def place(self, key: str) -> str:
        """Where a key in the value stands, by the path to it."""
        return self.where if self.file is None else self.file.place(key)


def load_policy(*, start: Path, config: Path | None, options: Mapping[str, object]) -> Policy:
    """The policy of the nearest settings file from ``start`` upwards, or of ``config``, under ``options``.

    ``options``: key → value of what was given on the command line; beside the keys of a file ``strict``, which adds
    ``warning`` to ``fail_on``. Raises ``InputError`` or ``UsageError``."""
    given = _from_file(start, config)
    for key, value in options.items():
        if key != "strict":
            where = SETTINGS[key].option if key in SETTINGS else key
            given.append((key, value, _Origin(where, UsageError, Path())))
    values: dict[str, Any] = {}
    origins: dict[str, _Origin] = {}
    for key, value, origin in given:
        values[key] = _checked(key, value, origin)
        origins[key] = origin
    values = {key: value for key, value in values.items() if key in Policy.__struct_fields__}
    sources = {key: origins[key].where for key, value in values.items() if value != _DEFAULTS[key]}
    if options.get("strict") and "warning" not in values.get("fail_on", ()):
        values["fail_on"] = (*values.get("fail_on", ()), "warning")
        sources["fail_on"] = " and ".join(filter(None, (sources.get("fail_on"), "--strict")))
    if values.get("known"):
        _require_file(values["known"], origins["known"])
    return Policy(**values, sources={key: sources[key] for key in SETTINGS if key in sources})


def load_run_settings(*, start: Path, config: Path | None) -> RunSettings:
    """What the nearest settings file from ``start`` upwards, or ``config``, says of runs of scenarios.

    Raises ``InputError``."""
    values = {key: _checked(key, value, origin) for key, value, origin in _from_file(start, config)}
    return RunSettings(**{key: value for key, value in values.items() if key in RunSettings.__struct_fields__})


def project_folders(path: Path) -> tuple[str, ...]:
    """The folders of captures that the project of a scenario, or of a folder of them, names in the nearest settings
    file upwards from it. It may be a stranger's project: only folders inside of it count, and nothing else is taken.

    Raises ``InputError``."""
    file = nearest(path if path.is_dir() else path.parent)
    if file is None or "capture_folders" not in file.table:
        return ()
    root = file.path.parent.resolve()
    origin = _Origin(file.place("capture_folders"), InputError, root)
    found: tuple[str, ...] = _checked("capture_folders", file.table["capture_folders"], origin)
    return tuple(folder for folder in found if Path(folder).resolve().is_relative_to(root))


def _from_file(start: Path, config: Path | None) -> list[tuple[str, object, _Origin]]:
    """Keys and values of the settings file, and where they stand."""
    file = nearest(start) if config is None else named(config)
    if file is None:
        return []
    folder = file.path.parent
    return [(key, value, _Origin(file.place(key), InputError, folder, file)) for key, value in file.table.items()]


def named_file(start: Path) -> Path | None:
    """The file of known differences that the nearest settings file names, which need not be there yet."""
    file = nearest(start)
    if file is None or not file.table.get("known"):
        return None
    origin = _Origin(file.place("known"), InputError, file.path.parent)
    return Path(_checked("known", file.table["known"], origin))


def settings_schema() -> dict[str, Any]:
    """JSON Schema of the settings, as they stand in ``nlmon.toml`` and below ``[tool.nlmon]``."""
    shapes: dict[type, dict[str, Any]] = {
        bool: {"type": "boolean"},
        int: {"type": "integer", "minimum": 0, "maximum": LARGEST},
        str: {"type": "string"},
        tuple: {"type": "array", "items": {"type": "string"}},
    }
    from nlmon.harness.named import named_schema  # noqa: PLC0415  (start-up: only the schema needs it)

    words = {
        "fail_on": {"type": "array", "items": {"enum": list(fail_words())}},
        "implementations": {"type": "object", "additionalProperties": named_schema()},
    }
    properties = {}
    for key, setting in SETTINGS.items():
        default = _DEFAULTS[key]
        shape = words.get(key) or shapes[type(default)]
        properties[key] = {**shape, "default": default, "description": setting.meaning}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nlmon settings",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _checked(key: str, value: object, origin: _Origin) -> Any:
    """A value as it stands in a policy; raises when key or value are wrong."""
    if key not in SETTINGS:
        near = get_close_matches(key, SETTINGS, 1)
        hint = _ELSEWHERE.get(key) or (f"write {near[0]}" if near else f"there are {', '.join(SETTINGS)}")
        raise origin.error("NLM-P005", f"no setting is called {key!r}", where=origin.where, hint=hint)
    if key == "implementations":
        from nlmon.harness.named import commands_of  # noqa: PLC0415  (start-up: few projects name programs)

        return dict(commands_of(value, origin.folder, origin.place)) and value
    default = _DEFAULTS[key]
    if isinstance(default, tuple):
        return _strings(key, value, origin)
    if type(value) is not type(default):
        raise _wrong_type(key, type_name(default), f"it is {type_name(value)}", origin)
    if key == "settings" and isinstance(value, int) and not 1 <= value <= VERSION:
        newer = value > VERSION
        what = f"these settings have version {value}" if newer else f"{value} is no version of settings"
        why = f"this nlmon reads versions up to {VERSION}" if newer else ""
        hint = "install a newer nlmon" if newer else f"write settings = {VERSION}"
        raise origin.error("NLM-P011", what, where=origin.where, why=why, hint=hint)
    if isinstance(value, int) and not 0 <= value <= LARGEST:
        what, why = f"{key} is out of range", "it is negative" if value < 0 else "it has more than 64 bits"
        raise origin.error("NLM-P007", what, where=origin.where, why=why, hint=f"such as {SETTINGS[key].example}")
    return str(from_here(origin.folder / value)) if key == "known" and isinstance(value, str) and value else value


def _strings(key: str, value: object, origin: _Origin) -> tuple[str, ...]:
    """A list of words or protocols, each once."""
    if not isinstance(value, list | tuple):
        raise _wrong_type(key, _STRINGS, f"it is {type_name(value)}", origin)
    words = []
    for word in value:
        if not isinstance(word, str):
            raise _wrong_type(key, _STRINGS, f"it holds {type_name(word)}", origin)
        words.append(_protocol(word, origin) if key == "require_protocols" else word)
    if key == "fail_on" and (wrong := wrong_word(tuple(words))):
        hint = "" if ";" in wrong else f"there are {', '.join(fail_words())}"
        raise origin.error("NLM-P008", wrong, where=origin.where, hint=hint)
    if key == "capture_folders":
        words = [str(from_here(origin.folder / word)) for word in words]
    return tuple(dict.fromkeys(words))


def _protocol(text: str, origin: _Origin) -> str:
    """``NETLINK_ROUTE`` for ``route``, ``NETLINK_ROUTE`` or ``0``."""
    number = protocol_number(text)
    if number is None or number not in PROTOCOLS:
        hint = f"try {protocol_names()}"
        raise origin.error("NLM-P009", f"{text!r} is no netlink protocol", where=origin.where, hint=hint)
    return PROTOCOLS[number]


def _require_file(path: str, origin: _Origin) -> None:
    """Raise when there is no file of known differences."""
    why = ""
    try:
        if stat.S_ISDIR(Path(path).stat().st_mode):
            why = "it is a folder"
    except OSError as error:
        why = error.strerror or ""
    except ValueError:  # each Python has other words for it
        why = "embedded null byte"
    if why:
        what = f"the known differences {path!r} cannot be read"
        hint = "create the file, or leave the setting out"
        raise origin.error("NLM-P010", what, where=origin.where, why=why, hint=hint)


def _wrong_type(key: str, wanted: str, why: str, origin: _Origin) -> InputError | UsageError:
    what, hint = f"{key} must be {wanted}", f"such as {SETTINGS[key].example}"
    return origin.error("NLM-P006", what, where=origin.where, why=why, hint=hint)
