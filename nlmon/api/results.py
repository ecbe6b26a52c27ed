"""Results: what the functions of the C-shaped interfaces return, as numbers that know their name and their reason.

    result = nlmon_netlink_enable(ctx, NLMON_PROTO_ROUTE, True)
    if result < 0:
        print(result.name, result.strerror, result.error)

Rules:
1. A result is an int: 0 is success, and what is below is one of ``Code``. There is one scheme of numbers.
2. A result that is no success holds the error that the methods of the classes raise, which says more than a code.

Not here: the functions (``nlmon.api.unified``, ``nlmon.manager``, ``nlmon.compat``), and errors (``nlmon.errors``).
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from enum import IntEnum

from nlmon.errors import NlmonError, NotFound, Overrun, TransportError, UsageError

__all__ = ["Code", "Result", "attempt", "code_of", "strerror"]


class Code(IntEnum):
    """What a call came to: ``NLMON_NL_*`` of the C library, without this prefix."""

    SUCCESS = 0
    NOMEM = -1
    INVAL = -2
    AGAIN = -3
    PROTO = -4
    NOACCESS = -5
    NOATTR = -6
    PARSE = -7
    NOTCONN = -8
    NOTFOUND = -9
    BUSY = -10
    MSGSIZE = -11
    OVERFLOW = -12
    TRUNC = -13
    SEQMISMATCH = -14
    DUMP_INTR = -15
    UNKNOWN = -99


_TEXTS = {
    Code.SUCCESS: "success",
    Code.NOMEM: "no memory or buffer space",
    Code.INVAL: "invalid argument",
    Code.AGAIN: "nothing to read now, try again",
    Code.PROTO: "protocol not supported",
    Code.NOACCESS: "permission denied",
    Code.NOATTR: "attribute missing",
    Code.PARSE: "message cannot be parsed",
    Code.NOTCONN: "protocol not enabled, or its socket is lost",
    Code.NOTFOUND: "no such object",
    Code.BUSY: "in use",
    Code.MSGSIZE: "message too large",
    Code.OVERFLOW: "messages were lost",
    Code.TRUNC: "message truncated",
    Code.SEQMISMATCH: "answer to another request",
    Code.DUMP_INTR: "dump interrupted",
    Code.UNKNOWN: "unknown error",
}

_ERRNO = {
    Code.NOMEM: (errno.ENOMEM, errno.ENOBUFS, errno.EMFILE, errno.ENFILE),
    Code.INVAL: (errno.EINVAL, errno.EFAULT, errno.ENOPROTOOPT, errno.ERANGE),
    Code.AGAIN: (errno.EAGAIN, errno.EINTR),
    Code.PROTO: (errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT, errno.EOPNOTSUPP),
    Code.NOACCESS: (errno.EACCES, errno.EPERM),
    Code.NOTFOUND: (errno.ENOENT, errno.ESRCH, errno.ENODEV),
    Code.BUSY: (errno.EBUSY,),
    Code.MSGSIZE: (errno.EMSGSIZE,),
    Code.NOTCONN: (errno.EBADF, errno.ENOTSOCK, errno.ENOTCONN),
    Code.OVERFLOW: (errno.EOVERFLOW,),
}
_BY_ERRNO = {number: code for code, numbers in _ERRNO.items() for number in numbers}
# Errors of a call whose code of nlmon says more than that an argument is wrong.
_BY_CODE = {"NLM-B001": Code.PROTO, "NLM-B002": Code.NOTCONN, "NLM-A003": Code.BUSY, "NLM-A004": Code.BUSY}


def strerror(code: int) -> str:
    """What a code means, in a few words; ``unknown error N`` for a number that is none."""
    return _TEXTS[Code(code)] if isinstance(code, int) and code in _TEXTS else f"unknown error {code}"


def code_of(error: NlmonError) -> Code:
    """The code that an error has in the C-shaped interfaces."""
    if isinstance(error, Overrun):
        return Code.OVERFLOW
    if isinstance(error, TransportError):
        return _BY_ERRNO.get(error.errno, Code.UNKNOWN)
    if isinstance(error, NotFound):
        return Code.NOTFOUND
    return _BY_CODE.get(error.code, Code.INVAL if isinstance(error, UsageError) else Code.UNKNOWN)


class Result(int):
    """What a call came to. ``code``: one of ``Code``; ``error``: what went wrong and where, None for a success.

    As a number it is the code, unless the function promises another one, such as -1 for whatever fails.
    """

    code: Code
    error: NlmonError | None

    def __new__(cls, code: int, error: NlmonError | None = None, *, number: int | None = None) -> Result:
        made = super().__new__(cls, code if number is None else number)
        made.code = Code(code)
        made.error = error
        return made

    @classmethod
    def of(cls, error: NlmonError, *, number: int | None = None) -> Result:
        """The result of a call that failed so."""
        return cls(code_of(error), error, number=number)

    @property
    def name(self) -> str:
        """Name of the code, such as ``INVAL``."""
        return self.code.name

    @property
    def strerror(self) -> str:
        """What the code means, in a few words."""
        return strerror(self.code)

    def __repr__(self) -> str:
        return f"<Result {self.name} ({int(self)}): {self.error or self.strerror}>"

    __str__ = __repr__


def attempt(call: Callable[[], object]) -> Result:
    """What a call came to that raises what it cannot do."""
    try:
        call()
    except NlmonError as error:
        return Result.of(error)
    return Result(Code.SUCCESS)
