"""Every key of a configuration, taken from the classes of ``model``: its path, kind, default and meaning.

Not here: other names of keys (``names``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias, get_type_hints

from msgspec import Struct
from msgspec.structs import fields

from nlmon.config.kinds import Kind
from nlmon.config.model import Config

__all__ = ["Key", "KeyPath", "build", "dotted", "keys", "keys_of", "sections"]

KeyPath: TypeAlias = tuple[str, ...]


class Key(Struct, frozen=True):
    """A key that has a value. ``required``: there is no default."""

    path: KeyPath
    kind: Kind
    default: Any
    meaning: str
    required: bool = False

    @property
    def name(self) -> str:
        """Its path with dots, as people write it."""
        return dotted(self.path)


def dotted(path: tuple[str | int, ...]) -> str:
    """A path as people write it: ``netlink.buffer_size.receive``, and ``filters[2].name`` of the second item."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


@cache
def keys() -> Mapping[KeyPath, Key]:
    """Every key with a value, in the order of the classes."""
    return {key.path: key for key in _keys(Config, ())}


@cache
def sections() -> Mapping[KeyPath, type[Struct]]:
    """The class of every section; the whole is the section of the empty path."""
    return dict(_sections(Config, ()))


@cache
def keys_of(item: type[Struct]) -> Mapping[str, Key]:
    """The keys of an item of a list of mappings."""
    return {key.name: key for key in _keys(item, ())}


def build(values: Mapping[KeyPath, Any]) -> Config:
    """The configuration that has these values, and the default of every other key."""
    built: Config = _build(Config, (), values)
    return built


def _build(section: type[Struct], path: KeyPath, values: Mapping[KeyPath, Any]) -> Any:
    found = {}
    for name in section.__struct_fields__:
        at = (*path, name)
        if at in sections():
            found[name] = _build(sections()[at], at, values)
        elif at in values:
            found[name] = values[at]
    return section(**found)


def _sections(section: type[Struct], path: KeyPath) -> Iterator[tuple[KeyPath, type[Struct]]]:
    yield path, section
    for name, kind in get_type_hints(section).items():
        if isinstance(kind, type) and issubclass(kind, Struct):
            yield from _sections(kind, (*path, name))


def _keys(section: type[Struct], path: KeyPath) -> Iterator[Key]:
    hints = get_type_hints(section, include_extras=True)
    for field in fields(section):
        at = (*path, field.name)
        notes = getattr(hints[field.name], "__metadata__", None)
        if notes is None:
            yield from _keys(hints[field.name], at)
        else:
            kind, meaning = notes
            yield Key(at, kind, None if field.required else field.default, meaning, field.required)
