"""Errors as values: the kernel's numbers by name."""

from __future__ import annotations

import errno

import pytest

from nlmon.errors import errno_name

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
