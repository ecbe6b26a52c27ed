"""What somebody who looks at a report for people asks it to show.

Not here: the report (``pretty``), and the options (``nlmon.cli.show_options``).
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Shown"]


class Shown(Struct, frozen=True):
    """``verbose``: each blind spot by itself, each change without a notification, and what one implementation alone
    provides by kind and field; ``classes``: instead of all that the differences of these classes one by one; ``limit``:
    how many differences, kinds of them or fields a list has at most; None: as many as are good to read."""

    verbose: bool = False
    classes: frozenset[str] = frozenset()
    limit: int | None = None
