"""``nlmon migrate``: a configuration rewritten for libnl.

Not here: what it does (``migrating``), and what recordings need (``migrate_measured``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nlmon.cli.common import FilePath
from nlmon.cli.migrating import carry_out, migration_options

if TYPE_CHECKING:  # start-up: only recordings need it
    from nlmon.migrate.measured import Measured

__all__ = ["command"]


@click.command("migrate")
@migration_options
@click.option(
    "--capture",
    "captures",
    type=FilePath(),
    multiple=True,
    help="A recording of the host: families, buffers and limits follow from it; repeat for several.",
)
@click.option("--only-needed", is_flag=True, help="Change what the move needs, and propose nothing.")
def command(config: Path, captures: tuple[Path, ...], *, only_needed: bool, **options: Any) -> None:
    """Rewrite CONFIG for libnl, and print the changes and the difference; nothing is written by default.

    The choice of the implementation is written out, and fields of filters get the names that they have with libnl. A
    cache is proposed, and with recordings of the host families, a buffer and a limit. All else stays as it is written.

    Exit code: 0 done, 1 something would not work, or with --check would change, 2 the command line is wrong, 3 the
    configuration is wrong or cannot be written.
    """

    def measure() -> Measured | None:
        if not captures:
            return None
        from nlmon.cli.migrate_measured import measured  # noqa: PLC0415  (start-up: only recordings need it)

        return measured(captures)

    carry_out("libnl", config, measure=measure, propose=not only_needed, **options)
