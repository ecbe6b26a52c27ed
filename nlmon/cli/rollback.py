"""``nlmon rollback``: a configuration rewritten for legacy.

Not here: what it does (``migrating``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nlmon.cli.migrating import carry_out, migration_options

__all__ = ["command"]


@click.command("rollback")
@migration_options
def command(config: Path, **options: Any) -> None:
    """Rewrite CONFIG for legacy, and print the changes and the difference; nothing is written by default.

    Every option that only libnl has is removed, wherever it stands, and all else stays as it is written. A filter or an
    alert that would not do the same is named with what to write instead; nothing is written then, unless with --force.

    Exit code: 0 done, 1 something would not work, or with --check would change, 2 the command line is wrong, 3 the
    configuration is wrong or cannot be written.
    """
    carry_out("legacy", config, **options)
