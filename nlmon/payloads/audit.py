"""What an audit record carries.

Not here: the meaning of the keys in a record, which is the business of audit tools.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

__all__ = ["AuditInfo"]

AuditType: TypeAlias = Annotated[int, Meta(extra={"names": "audit"})]


class AuditInfo(Struct, frozen=True, gc=False):
    """One record (linux/audit.h). ``time``: nanoseconds since 1970-01-01 UTC and ``serial``: the number that all
    records of one event share, both from ``audit(SECONDS.MILLISECONDS:SERIAL):``; None where the record has
    none. ``text``: what follows, with bytes that are not UTF-8 as ``\\xNN``."""

    record: AuditType
    time: int | None
    serial: int | None
    text: str
