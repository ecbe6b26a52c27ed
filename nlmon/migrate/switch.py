"""The text of ``netlink.use_libnl`` for another implementation.

Rules:
1. A variable stays, so that who starts a monitor can still choose; what changes is its default.

Not here: where the key stands (``rewrite``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nlmon.config.kinds import Switch
from nlmon.config.variables import substitute
from nlmon.migrate.model import Implementation

__all__ = ["said", "switched"]

_FLAG = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-[^}]*)?\}")


def said(to: Implementation) -> str:
    """The value that chooses an implementation."""
    return "true" if to == "libnl" else "false"


def switched(source: str, value: str, wanted: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """What to write for a ``value`` that stands in a file as ``source``, and the value that this is; None if it is as
    wanted."""
    if Switch().read(substitute(value, environ).text) == Switch().read(wanted):
        return None
    flag = _FLAG.fullmatch(value)
    if flag is None or value not in source:
        return wanted, wanted
    after = f"${{{flag[1]}:-{wanted}}}"
    return source.replace(value, after), after
