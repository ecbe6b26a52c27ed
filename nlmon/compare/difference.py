"""The classes of difference, their stable codes and what each one weighs.

Not here: finding differences (``classify``, ``align``, ``final``) and printing them (``nlmon.report``).
"""

from __future__ import annotations

import enum

from msgspec import Struct

__all__ = ["Class", "Difference", "Group", "Severity"]


class Severity(enum.Enum):
    """``REGRESSION`` turns the verdict, ``WARNING`` and ``INFO`` do not."""

    INFO = "info"
    WARNING = "warning"
    REGRESSION = "regression"

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return ("regression", "warning", "info").index(self.value)


class Class(enum.Enum):
    """Every class of difference: name, stable code, severity, meaning."""

    ENHANCEMENT = (
        "enhancement",
        "NLD001",
        Severity.INFO,
        "the candidate fills a field that the contract gives to it alone",
    )
    SERVICE = ("loss-of-service", "NLD002", Severity.INFO, "the reference alone fills a field, as the contract says")
    LOSS = ("loss", "NLD101", Severity.REGRESSION, "the reference provides it, the candidate does not")
    CONFLICT = ("conflict", "NLD102", Severity.REGRESSION, "both provide it and disagree")
    MISSING = ("missing", "NLD103", Severity.REGRESSION, "an event of the reference only")
    EXTRA = ("extra", "NLD104", Severity.REGRESSION, "an event of the candidate only")
    STATE = ("state", "NLD105", Severity.REGRESSION, "the final states differ")
    ERROR = ("error", "NLD106", Severity.REGRESSION, "one of them could not read what the other could")
    CRASH = ("crash", "NLD107", Severity.REGRESSION, "an implementation raised instead of reporting")
    CONTRADICTED = (
        "contradicted",
        "NLD108",
        Severity.REGRESSION,
        "what one of them alone provides is not what the message holds",
    )
    REORDERED = ("reordered", "NLD201", Severity.WARNING, "same events, another order")
    DUPLICATE = ("duplicate", "NLD202", Severity.WARNING, "the same event more often")
    COALESCED = ("coalesced", "NLD203", Severity.WARNING, "the same event less often, equal final state")

    def __init__(self, label: str, code: str, severity: Severity, meaning: str) -> None:
        self.label = label
        self.code = code
        self.severity = severity
        self.meaning = meaning


class Difference(Struct, frozen=True):
    """One difference with its evidence.

    ``message``: its type by name, of NETLINK_GENERIC the family and its command; of a state the object.
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
    seed: bool = False


class Group(Struct, frozen=True):
    """Differences of one class, about one field of one kind of message, or of one kind of object (class ``state``):
    how many there are, and the first."""

    cls: Class
    message: str
    field: str
    count: int
    first: Difference
