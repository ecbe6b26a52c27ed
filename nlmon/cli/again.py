"""What decides what a run finds, as words that can be typed again: the program, and options of its command line.

Not here: which options of a command those are.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path

import click

__all__ = ["decisive_words", "is_default", "own_program", "own_script"]

# What decides a verdict in every command that has it.
POLICY = ("fail_on", "strict", "min_events", "max_lost", "require_protocols", "allow", "known", "config")


def decisive_words(names: Collection[str]) -> list[str]:
    """The options of the command that runs, of those called ``names`` and of its policy, that were given."""
    context = click.get_current_context()
    words: list[str] = []
    for option in context.command.params:
        value = context.params.get(option.name or "")
        if option.name not in (*names, *POLICY) or is_default(option.name):
            continue
        if isinstance(option, click.Option) and option.is_flag:
            words += [_word(option)] if value in {True, option.flag_value} else []
        else:
            for one in value if isinstance(value, tuple) else (value,):
                words += [_word(option), str(one)]
    return words


def own_program() -> list[str]:
    """The words that call a program whose command this is and that has added implementations, which ``nlmon`` does not
    know; of ``nlmon`` none."""
    from nlmon.backends.registry import brought  # noqa: PLC0415  (start-up: not every command has implementations)

    if not brought() or click.get_current_context(silent=True) is None:
        return []
    # What Python was called with ends with the arguments of the program, of which the first is its name.
    return sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1]


def own_script() -> str:
    """What a script calls, in words of a shell, to run the command again from any folder by a program that knows the
    implementations; empty where nlmon knows them."""
    if not own_program():
        return ""
    import shlex  # noqa: PLC0415  (start-up: only what is kept needs it)

    return shlex.join([sys.executable, str(Path(sys.argv[0]).absolute())])


def is_default(name: str) -> bool:
    """Whether an option was not given."""
    source = click.get_current_context().get_parameter_source(name)
    return source is not None and source.name == "DEFAULT"


def _word(option: click.Parameter) -> str:
    """The name of an option that is typed: the long one that its value is called by, or else the last one; a name that
    is kept for old scripts is neither."""
    long = f"--{(option.name or '').replace('_', '-')}"
    return long if long in option.opts else option.opts[-1]
