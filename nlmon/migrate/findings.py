"""What a configuration asks for and an implementation would not give, as findings.

Not here: what is lost (``losses``, ``absent``), and where keys stand in a text, which the caller says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nlmon.compare.contract import Contract
from nlmon.config.keys import dotted
from nlmon.config.model import Config
from nlmon.config.problems import Severity
from nlmon.migrate.absent import absent
from nlmon.migrate.losses import Provided, conditions, loss
from nlmon.migrate.model import Finding, Implementation
from nlmon.yamlfile import Path

__all__ = ["would_lose"]


def would_lose(
    config: Config,
    to: Implementation,
    provided: Provided,
    contract: Contract,
    file: str,
    line: Callable[[Path], int] = lambda _: 0,
) -> Iterator[Finding]:
    """Filters and alerts that would not do what they do, then events and names of interfaces that would be asked for in
    vain. ``file``: where the configuration is from; ``line``: that of a key, 0 where it is not known."""
    for one in conditions(config):
        lost = loss(one, provided)
        if lost is not None:
            code = "NLM-V022" if one.path[0] == "alerts" else "NLM-V021"
            lacking = ", ".join(lost.fields)
            what = f"{one.noun} {lost.what}: {to} does not provide {lacking}"
            severity: Severity = "error" if one.enabled else "notice"
            yield Finding(code, severity, file, line(one.path), dotted(one.path), lacking, what, lost.hint)
    for found in absent(config, to, contract):
        place = line(found.path)
        yield Finding(found.code, found.severity, file, place, dotted(found.path), found.field, found.what, found.hint)
