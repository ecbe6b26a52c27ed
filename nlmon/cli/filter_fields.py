"""``nlmon filter fields``: the table of fields that a filter can compare.

Not here: the table (``nlmon.filters.fields``), and who provides them (``nlmon.monitor.filterfields``).
"""

from __future__ import annotations

import click
from msgspec import Struct

from nlmon.cli.common import against_option, implementation_option
from nlmon.cli.filter_provided import FieldRow, field_row, field_table
from nlmon.cli.output import print_json
from nlmon.filters.fields import ALIASES, FIELDS

__all__ = ["FilterFields", "command"]


class FilterFields(Struct, frozen=True):
    """What ``nlmon filter fields --format json`` prints; ``aliases``: other names, with the path of each."""

    fields: list[FieldRow]
    aliases: dict[str, str]


@click.command()
@implementation_option("The second implementation.")
@against_option
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
def command(implementation: str, against: str, form: str) -> None:
    """List the fields of events that a filter can compare, with the type of their values and who provides them, and
    the other names that they have."""
    from nlmon.backends.registry import refuse_program  # noqa: PLC0415  (start-up: --help needs none of it)

    names = tuple(dict.fromkeys((against, implementation)))
    for name in names:
        refuse_program(name)
    rows = [field_row(field, names) for field in FIELDS.values()]
    if form == "json":
        print_json(FilterFields(rows, dict(ALIASES)))
        return
    for line in field_table(rows):
        click.echo(line)
    click.echo()
    width = max(map(len, ALIASES))
    for name, path in ALIASES.items():
        click.echo(f"{name:{width}}  is {path}")
