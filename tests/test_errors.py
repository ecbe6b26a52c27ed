"""Errors as values: the kernel's numbers by name."""

from __future__ import annotations

import errno
import pickle
import re
from pathlib import Path

import pytest

import nlmon.cli
from nlmon import errors
from nlmon.errors import ExitCode, NlmonError, errno_name

# asm-generic/errno.h, the ends of the list and its two gaps
TABLE = [
    *((1, "EPERM"), (11, "EAGAIN"), (34, "ERANGE"), (35, "EDEADLK"), (41, "error 41"), (58, "error 58")),
    *((67, "ENOLINK"), (95, "EOPNOTSUPP"), (105, "ENOBUFS"), (132, "ERFKILL"), (133, "EHWPOISON")),
    *((0, "error 0"), (-1, "error -1"), (134, "error 134"), (1 << 31, f"error {1 << 31}")),
]


@pytest.mark.parametrize(("number", "name"), TABLE)
def test_an_errno_has_linux_name(number: int, name: str) -> None:
    """A positive number of the table has its name; any other number is shown as it is."""
    assert errno_name(number) == name


def test_names_are_those_of_linux() -> None:
    """Every number that this Linux knows has a name that it knows for it, too."""
    known = {number: name for number, name in errno.errorcode.items() if number < 134}
    wrong = {n: (name, errno_name(n)) for n, name in known.items() if getattr(errno, errno_name(n), None) != n}

    assert (len(known) > 100, wrong) == (True, {})


def kinds(kind: type[NlmonError] = NlmonError) -> list[type[NlmonError]]:
    """A class of errors and all below it."""
    return [kind, *(one for below in kind.__subclasses__() for one in kinds(below))]


OWN = {
    "CaptureError": {"offset": 7},
    "Overrun": {"drops": 3},
    "FilterError": {"expression": "mtu ==", "position": 6},
    "TransportError": {"errno": 105},
    "KernelError": {"errno": 2, "ext_ack": "no such thing", "request_offset": 20},
}
# Arguments that are given by name: those of a decoder's finding, and of any other error.
FINDING = {"frame": 3, "offset": 16, "why": "short"}
OTHER = {"where": "a.pcap", "why": "damaged", "hint": "record it again"}


@pytest.mark.parametrize(
    "kind", [one for one in kinds() if one.__module__ == errors.__name__], ids=lambda k: k.__name__
)
def test_an_error_can_be_pickled(kind: type[NlmonError]) -> None:
    """Another process reports the same: class, text and values of every error."""
    named = dict(FINDING if issubclass(kind, errors.DecodeError) else OTHER) | OWN.get(kind.__name__, {})
    if kind is errors.KernelError:
        del named["why"]
    error = kind("NLM-Z001", "it went wrong", **named)  # type: ignore[arg-type]
    found = pickle.loads(pickle.dumps(error))

    assert (type(found), str(found), found.args, vars(found)) == (kind, str(error), error.args, vars(error))


def test_exit_codes_are_numbers_in_one_place() -> None:
    """A command names what it ends with, and an error has the code of its class."""
    ends = re.compile(r"sys\.exit\([^)\n]*\b\d|\bcode = \d")
    commands = sorted(Path(nlmon.cli.__file__).parent.glob("*.py"))

    assert [path.name for path in commands if ends.search(path.read_text(encoding="utf-8"))] == []
    assert [(one.name, one.value) for one in ExitCode] == [
        *(("OK", 0), ("FAILED", 1), ("USAGE", 2), ("INPUT", 3), ("PLATFORM", 4), ("INTERNAL", 5)),
        *(("INTERRUPTED", 130), ("TERMINATED", 143)),
    ]
    assert {type(kind.exit_code) for kind in kinds()} == {ExitCode}
