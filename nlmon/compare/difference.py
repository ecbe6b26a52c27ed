"""The classes of difference, their stable codes and what each one weighs.

Not here: finding differences (``classify``, ``align``, ``final``) and printing them (``nlmon.report``).
"""

from __future__ import annotations

import enum

from msgspec import Struct

__all__ = ["Class", "Difference", "Severity"]


class Severity(enum.Enum):
    """``REGRESSION`` makes the verdict a regression, ``WARNING`` and ``INFO`` do not."""

    INFO = "info"
    WARNING = "warning"
    REGRESSION = "regression"

    @property
    def rank(self) -> int:
        """0 for the most severe."""
        return ("regression", "warning", "info").index(self.value)


class Class(enum.Enum):
    """Every class of difference: name, stable code, severity, meaning."""

    ENHANCEMENT = (
        "enhancement",
        "NLD001",
        Severity.INFO,
        "the candidate alone provides it, as the contract says",
    )
    SERVICE = ("loss-of-service", "NLD002", Severity.INFO, "the reference alone provides it, as the contract says")
    ABSENT = (
        "absent",
        "NLD003",
        Severity.INFO,
        "a value stands for what is not in the message, as its implementation declares",
    )
    LOSS = ("loss", "NLD101", Severity.REGRESSION, "the reference provides it, the candidate does not")
    CONFLICT = ("conflict", "NLD102", Severity.REGRESSION, "both provide it, with different values")
    MISSING = ("missing", "NLD103", Severity.REGRESSION, "only the reference gives this event")
    EXTRA = ("extra", "NLD104", Severity.REGRESSION, "only the candidate gives this event")
    STATE = ("state", "NLD105", Severity.REGRESSION, "the final states differ")
    ERROR = ("error", "NLD106", Severity.REGRESSION, "only one of the two reports this error")
    CRASH = ("crash", "NLD107", Severity.REGRESSION, "an implementation raised an exception")
    CONTRADICTED = (
        "contradicted",
        "NLD108",
        Severity.REGRESSION,
        "what one of the two provides alone is not what the message carries",
    )
    COUNTER = (
        "counter",
        "NLD109",
        Severity.REGRESSION,
        "the status of an implementation counts something else than there was",
    )
    REORDERED = ("reordered", "NLD201", Severity.WARNING, "the same events in another order")
    DUPLICATE = ("duplicate", "NLD202", Severity.WARNING, "the candidate gives the same event more often")
    COALESCED = ("coalesced", "NLD203", Severity.WARNING, "the candidate gives the same event less often")

    def __init__(self, label: str, code: str, severity: Severity, meaning: str) -> None:
        self.label = label
        self.code = code
        self.severity = severity
        self.meaning = meaning


class Difference(Struct, frozen=True):
    """One difference with its evidence.

    ``message``: its type by name, of NETLINK_GENERIC the family and its command; of a state the object.
    ``field``: empty where it is about the whole event; of a state ``(missing)``, ``(extra)``, ``(gone)`` or
    ``(appeared)`` where it is about the whole object.
    ``frame``: datagram number in the capture (0: not from one). ``offset``: of the message in the datagram, in
    bytes. ``attribute``: path such as ``IFLA_LINKINFO/IFLA_INFO_KIND``, or the header field in parentheses.
    ``attribute_offset``: of that attribute in the datagram, -1 if the message does not carry it; ``hex``: its
    bytes. ``reference`` and ``candidate``: the two values as text, empty where there is none.
    """

    cls: Class
    message: str
    frame: int
    offset: int
    field: str
    attribute: str
    attribute_offset: int
    hex: str
    reference: str
    candidate: str
    reason: str
    answer: bool = False
