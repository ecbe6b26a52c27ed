"""A configuration as a file again, with the origin of each value.

Rules:
1. What is written is a configuration file: read again, it gives the same values.

Not here: printing it (``nlmon.cli``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import fields

from nlmon.config.keys import KeyPath, dotted, sections
from nlmon.config.model import Config
from nlmon.printable import printable, printable_json

__all__ = ["Effective", "as_yaml"]


class Effective(Struct, frozen=True):
    """The values of a configuration, and by the name of each key where its value is from: ``default``, ``FILE:LINE`` or
    ``environment NAME``."""

    config: Config
    origins: Mapping[str, str]


def as_yaml(shown: Effective) -> str:
    """The same as a file, each line with its origin as a comment."""
    return "".join(f"{line}\n" for line in _section(to_builtins(shown.config), (), shown.origins))


def _section(value: Mapping[str, Any], path: KeyPath, origins: Mapping[str, str]) -> Iterator[str]:
    indent = "  " * len(path)
    for field in fields(sections()[path]):
        at, one = (*path, field.name), value[field.name]
        if at in sections():
            yield f"{indent}{field.name}:"
            yield from _section(one, at, origins)
        elif one is None:
            # A key that has no value is left out; what is the kernel's or libnl's own cannot be written.
            yield f"{indent}# {field.name}:  # not set"
        elif one and isinstance(one, list | tuple) and isinstance(one[0], Mapping):
            yield f"{indent}{field.name}:  # {printable(origins[dotted(at)])}"
            yield from (f"{indent}  - {_scalar(item)}" for item in one)
        else:
            yield f"{indent}{field.name}: {_scalar(one)}  # {printable(origins[dotted(at)])}"


def _scalar(value: Any) -> str:
    """A value in one line, as JSON has it, which YAML reads alike."""
    return printable_json(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")).decode()
