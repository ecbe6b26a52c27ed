"""``--where EXPRESSION``, and the expression as an argument: compiled where it is read, completed by the shell.

Not here: the language (``nlmon.filters``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from nlmon.cli.common import F, warn

if TYPE_CHECKING:  # start-up: --help needs no filter
    from nlmon.filters import Filter

__all__ = ["FilterText", "where_option"]


class FilterText(click.ParamType):  # type: ignore[type-arg]
    """A filter expression, which is given to the command compiled. Its notices are printed."""

    name = "expression"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Filter:
        from nlmon.filters import Filter, compile_filter  # noqa: PLC0415  (start-up: only a filter needs it)

        if isinstance(value, Filter):
            return value
        found = compile_filter(str(value))
        for notice in found.notices:
            warn(f"note: {notice}")
        return found

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from nlmon.filters.complete import complete  # noqa: PLC0415  (start-up: only a shell asks)

        return [CompletionItem(one) for one in complete(incomplete)]


def where_option(text: str) -> Callable[[F], F]:
    """``--where EXPRESSION``."""
    return click.option("--where", type=FilterText(), metavar="EXPRESSION", help=text)
