"""``nlmon filter explain``: what a filter means: its tree, its fields, who provides them, and what that leaves of it.

Not here: the language (``nlmon.filters``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from nlmon.cli.common import against_option, implementation_option
from nlmon.cli.filter_provided import FieldRow, field_row, field_table
from nlmon.cli.output import print_json
from nlmon.cli.where import FilterText
from nlmon.compare.statement import statement_of
from nlmon.filters.tree import text_of
from nlmon.monitor.filterfields import provides
from nlmon.printable import printable

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.filters import Filter

__all__ = ["FilterExplanation", "command"]


class FilterExplanation(Struct, frozen=True):
    """What ``nlmon filter explain --format json`` prints. ``tree``: its lines; ``meaning``: by implementation what is
    left of the filter without the fields that it does not provide."""

    filter: str
    tree: list[str]
    fields: list[FieldRow]
    meaning: Mapping[str, str]
    notices: list[str]


@click.command()
@click.argument("where", metavar="EXPRESSION", type=FilterText())
@implementation_option("The second implementation.")
@against_option
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def command(where: Filter, implementation: str, against: str, form: str) -> None:
    """Print what EXPRESSION means: its conditions, the fields that it compares, which implementation provides them, and
    what is left of it under each.

    Exit code: 0 done, 2 the expression is wrong.
    """
    from nlmon.backends.registry import refuse_program  # noqa: PLC0415  (start-up: --help needs none of it)

    names = tuple(dict.fromkeys((against, implementation)))
    for name in names:
        refuse_program(name)
    found = explained(where, names)
    if form == "json":
        print_json(found)
        return
    lines = [found.filter, ""]
    if len(found.tree) > 1:
        lines += [*found.tree, ""]
    lines += [*field_table(found.fields), ""] if found.fields else []
    width = max(map(len, found.meaning))
    lines += [f"{name:{width}}  {text}" for name, text in found.meaning.items()]
    for line in lines:
        click.echo(printable(line))


def explained(where: Filter, names: tuple[str, ...]) -> FilterExplanation:
    """What is said of a filter for implementations."""
    from nlmon.filters.meaning import drawn, meaning  # noqa: PLC0415  (start-up: --help needs none of it)

    meanings = {}
    for name in names:
        left = meaning(where.tree, partial(provides, statement_of(name)))
        if isinstance(left, bool):
            meanings[name] = "matches every event" if left else "matches nothing"
        else:
            meanings[name] = "as it is written" if left == where.tree else text_of(left)
    rows = [field_row(field, names) for field in where.fields]
    return FilterExplanation(where.text, list(drawn(where.tree)), rows, meanings, list(where.notices))
