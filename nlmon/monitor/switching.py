"""Whether a monitor may go on with the other implementation, and what is answered to who asks for that.

Rules:
1. What its configuration would lose is found as ``nlmon migrate`` and ``nlmon rollback`` find it; a filter that would
   not do what it does keeps the implementation as it is, unless that is forced.

Not here: the exchange of the sockets (``exchange``), and rewriting a file (``nlmon.migrate``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from nlmon.compare.contract import load_contract
from nlmon.compare.statement import statement_of
from nlmon.config import Loaded
from nlmon.config.model import Config
from nlmon.errors import PlatformError
from nlmon.migrate import findings
from nlmon.migrate.model import Finding, Implementation
from nlmon.monitor.filterfields import provides
from nlmon.printable import printable, printable_json

__all__ = ["SwitchReport", "SwitchState", "read_report", "report_json", "switched", "would_lose"]

# ``already``: it has this implementation; ``refused``: the configuration would lose something; ``failed``: the new one
# could not be opened. But for ``switched`` nothing has changed.
SwitchState: TypeAlias = Literal["switched", "already", "refused", "failed"]


class SwitchReport(Struct, frozen=True, kw_only=True):
    """What came of asking a monitor for an implementation. ``before``, ``after``: its implementation; ``began``,
    ``attached``, ``closed``: when it was asked to load the new one, when the new sockets were open and when the old
    ones were closed, in nanoseconds since 1970; ``both``: datagrams that both have received, which were read once;
    ``settled``: whether there was a moment at which both had read the same, so that nothing had to be matched by its
    bytes; ``dropped``: messages that the kernel has dropped meanwhile; ``events``: of the monitor until then.
    ``configured``: what it will start with the next time; ``error``: why it failed."""

    instance: str
    state: SwitchState
    before: str
    after: str
    configured: str
    began: int = 0
    attached: int = 0
    closed: int = 0
    both: int = 0
    settled: bool = True
    dropped: int = 0
    events: int = 0
    files: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    error: str = ""


class _Refusal(Struct, frozen=True):
    error: str


def switched(loaded: Loaded, to: Implementation) -> Loaded:
    """A configuration with another implementation, as the next version; its origins say what the next start goes by."""
    assert loaded.config is not None
    netlink = replace(loaded.config.netlink, use_libnl=to == "libnl")
    return replace(loaded, config=replace(loaded.config, netlink=netlink), version=loaded.version + 1)


def would_lose(config: Config, to: Implementation, file: str) -> Iterator[Finding]:
    """What a configuration asks for and would not get. ``file``: where it is from."""
    return findings.would_lose(config, to, partial(provides, statement_of(to)), load_contract(), file)


def report_json(report: SwitchReport) -> bytes:
    """A report as one line of JSON."""
    return printable_json(msgspec.json.encode(report)) + b"\n"


def read_report(line: bytes, where: str) -> SwitchReport:
    """What a monitor at ``where`` has answered; raises ``PlatformError``."""
    try:
        return msgspec.json.decode(line, type=SwitchReport)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        why = str(wrong)
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            why = msgspec.json.decode(line, type=_Refusal).error
        what = "the monitor cannot be switched"
        hint = "nlmon --status says which version it is; one of an earlier version is restarted instead"
        raise PlatformError("NLM-M101", what, where=where, why=printable(why), hint=hint) from wrong
