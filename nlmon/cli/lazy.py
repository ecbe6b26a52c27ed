"""A group of commands whose modules are loaded only when they are called.

Not here: which commands there are (``main``, ``groups``).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from nlmon.errors import UsageError

if TYPE_CHECKING:  # start-up: only a shell asks
    from click.shell_completion import CompletionItem

__all__ = ["LazyGroup"]


class LazyGroup(click.Group):
    """``modules``: command -> its module, with ``:`` and its name where that is not ``command``, and the line that
    ``--help`` shows, so that listing commands loads none of them. ``moved``: former command -> what to type now."""

    def __init__(
        self, *, modules: Mapping[str, tuple[str, str]], moved: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self._modules = modules
        self._moved = moved or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self._moved and not ctx.resilient_parsing:
            hint = f"type nlmon {self._moved[cmd_name]}"
            raise UsageError("NLM-U017", f"nlmon {cmd_name} has another name now", hint=hint)
        if cmd_name not in self._modules:
            return None
        module, _, name = self._modules[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name or "command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._modules.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands are completed without loading them."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415  (start-up: only a shell asks)

        named = [(name, text) for name, (_, text) in self._modules.items() if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=text) for name, text in named] + options
