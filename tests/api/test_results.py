"""Results: one scheme of numbers, each with a name, a text and the error that it stands for."""

from __future__ import annotations

import errno
import pickle

import pytest

from nlmon.api import Code, Result
from nlmon.api.results import attempt, code_of, strerror
from nlmon.errors import InternalError, NlmonError, NotFound, Overrun, PlatformError, TransportError, UsageError

# From 0 down.
NAMES = (
    "SUCCESS NOMEM INVAL AGAIN PROTO NOACCESS NOATTR PARSE NOTCONN NOTFOUND BUSY MSGSIZE OVERFLOW TRUNC SEQMISMATCH "
    "DUMP_INTR"
)
NUMBERS = {name: -number for number, name in enumerate(NAMES.split())} | {"UNKNOWN": -99}


def test_codes_have_the_documented_numbers() -> None:
    """As the C enumeration ``NLMON_NL_*`` has them."""
    assert {code.name: int(code) for code in Code} == NUMBERS


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_text_of_its_own(code: Code) -> None:
    """Which is what a result of it says, too."""
    assert [other for other in Code if strerror(other) == strerror(code)] == [code]
    assert (Result(code).name, Result(code).strerror, Result(code)) == (code.name, strerror(code), code)


@pytest.mark.parametrize("number", [1, -22, -16, -107, 99])
def test_a_number_that_is_no_code_is_named(number: int) -> None:
    """Such as an errno, which no function returns."""
    assert strerror(number) == f"unknown error {number}"


def refused(number: int) -> TransportError:
    """A socket call that failed."""
    return TransportError("NLM-T002", "the kernel refuses", errno=number)


ERRORS: list[tuple[NlmonError, Code]] = [
    (refused(errno.ENOMEM), Code.NOMEM),
    (refused(errno.EINVAL), Code.INVAL),
    (refused(errno.EAGAIN), Code.AGAIN),
    (refused(errno.EPROTONOSUPPORT), Code.PROTO),
    (refused(errno.EPERM), Code.NOACCESS),
    (refused(errno.EACCES), Code.NOACCESS),
    (refused(errno.EBADF), Code.NOTCONN),
    (refused(errno.ENODEV), Code.NOTFOUND),
    (refused(errno.EBUSY), Code.BUSY),
    (refused(errno.EMSGSIZE), Code.MSGSIZE),
    (refused(errno.EOVERFLOW), Code.OVERFLOW),
    (refused(errno.EIO), Code.UNKNOWN),
    (refused(0), Code.UNKNOWN),
    (Overrun("NLM-T010", "lost"), Code.OVERFLOW),
    (NotFound("NLM-B004", "no family"), Code.NOTFOUND),
    (PlatformError("NLM-T001", "no netlink here"), Code.UNKNOWN),
    (UsageError("NLM-B001", "no such protocol"), Code.PROTO),
    (UsageError("NLM-B002", "not enabled"), Code.NOTCONN),
    (UsageError("NLM-A003", "enabled already"), Code.BUSY),
    (UsageError("NLM-A004", "a callback reads on"), Code.BUSY),
    (UsageError("NLM-B005", "no such cache"), Code.INVAL),
    (InternalError("NLM-X001", "a bug"), Code.UNKNOWN),
]


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda one: str(one)[:24])
def test_an_error_has_a_code(error: NlmonError, code: Code) -> None:
    """A result of it keeps the error, and both survive a pickle."""

    def fail() -> None:
        raise error

    result = attempt(fail)
    again = pickle.loads(pickle.dumps(result))

    assert (code_of(error), result, result.code, result.error) == (code, code, code, error)
    assert (again, again.code, str(again.error)) == (code, code, str(error))
    assert str(error) in str(result)


def test_a_success_is_zero_and_false() -> None:
    """As a C program takes it."""
    result = attempt(lambda: 7)

    assert (result, bool(result), result.error, result < 0) == (0, False, None, False)
    assert repr(result) == "<Result SUCCESS (0): success>"


def test_a_number_of_its_own_hides_no_code() -> None:
    """A function that promises -1 for whatever fails says what failed all the same."""
    result = Result.of(UsageError("NLM-B001", "no such protocol"), number=-1)

    assert (int(result), result.code, result.name) == (-1, Code.PROTO, "PROTO")
    assert pickle.loads(pickle.dumps(result)).code is Code.PROTO
