"""Every error that a user of nlmon can meet.

    NlmonError                   a stable code, what happened, where, why, what to do
    ├── UsageError               exit 2   the command or the call was wrong
    │   └── FilterError                   a filter expression is wrong at a position
    ├── InputError               exit 3   a file or its content was wrong
    │   ├── CaptureError                  not readable, not a capture, damaged
    │   ├── ContractError                 the contract file breaks its schema
    │   └── PlacedError                   a text file is wrong at a line and column
    │       ├── ScenarioError             a scenario
    │       ├── ConfigurationError        a configuration of the monitor
    │       └── SourceError               a file that is searched for what is old
    ├── PlatformError            exit 4   privilege, kernel feature or tool missing
    │   ├── ExportError                   events cannot be written where they are to go
    │   ├── HarnessError                  a program did not keep the harness protocol
    │   ├── NotFound                      the kernel has no such object, such as a generic family
    │   └── TransportError                a socket call failed
    │       ├── Overrun                   the kernel dropped messages (ENOBUFS)
    │       └── ResyncIncomplete          the resync after a loss is incomplete
    ├── DecodeError              (reported beside events, never ends a run)
    │   ├── FramingError                  nlmsghdr does not fit its datagram
    │   ├── HeaderError                   the fixed header of a message is short
    │   ├── MessageTooLarge               a message above limits.max_message_size
    │   ├── AttributeFormatError          an attribute breaks its policy or its parent
    │   │   └── WrappedLength             a list is longer than its nla_len can say, by the kernel's own mistake
    │   ├── KernelError                   NLMSG_ERROR with a negative errno
    │   ├── OverrunMessage                NLMSG_OVERRUN inside a datagram
    │   └── RefusedMessage                a program refuses a message, for a reason of its own
    └── InternalError            exit 5   a bug in nlmon

Rules of this file:
1. A code is given once and never means something else later.
2. A DecodeError is a value: backends collect it beside the events of a datagram. They never raise it,
   so that one bad message cannot take its neighbours along.
3. Texts are complete without a traceback; the exit code of a class is the exit code of the command.
4. An error can be pickled, so that one process can send it to another.

Not here: formatting for terminals (``nlmon.cli``) and warnings about content (``nlmon.compare``).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar

__all__ = [
    "AttributeFormatError",
    "CaptureError",
    "ConfigurationError",
    "ContractError",
    "DecodeError",
    "ExitCode",
    "ExportError",
    "FilterError",
    "FramingError",
    "HarnessError",
    "HeaderError",
    "InputError",
    "InternalError",
    "KernelError",
    "MessageTooLarge",
    "NlmonError",
    "NotFound",
    "Overrun",
    "OverrunMessage",
    "PlacedError",
    "PlatformError",
    "RefusedMessage",
    "ResyncIncomplete",
    "ScenarioError",
    "SourceError",
    "TransportError",
    "UsageError",
    "WrappedLength",
    "errno_name",
    "reason_of",
]

# Of a line of a filter expression so many characters are shown beside its mistake.
SHOWN = 100


def reason_of(error: BaseException) -> str:
    """What the system says of an error without its number and its file, or else what the error says."""
    return getattr(error, "strerror", None) or str(error)


def _words(text: str) -> list[str]:
    return text.split()


# asm-generic/errno-base.h and errno.h, from 1: the kernel's numbers, whatever system reads the recording.
_ERRNO = _words(
    "EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY "
    "EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK "
    "EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT "
    "EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME "
    "ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ "
    "EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK "
    "EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT "
    "EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN "
    "ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE "
    "EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED "
    "EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON"
)


def errno_name(number: int) -> str:
    """Linux's name of a positive error number, or ``error N``."""
    name = _ERRNO[number - 1] if 0 < number <= len(_ERRNO) else "-"
    return f"error {number}" if name == "-" else name


class ExitCode(IntEnum):
    """What a command ended with. ``FAILED``: what was asked for does not hold; ``USAGE``: the command line was wrong;
    ``INPUT``: a file was wrong, or too little was seen for a verdict; ``PLATFORM``: something is missing here, such as
    a privilege, a program or a worker; ``INTERNAL``: a bug in nlmon. The last two are what a shell shows for a program
    that SIGINT or SIGTERM has ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INPUT = 3
    PLATFORM = 4
    INTERNAL = 5
    INTERRUPTED = 128 + 2
    TERMINATED = 128 + 15


class NlmonError(Exception):
    """Base of all errors; not raised itself.

    ``code`` is stable (``NLM-C003``); ``what`` one sentence; ``where`` a place such as ``a.pcap:frame 17``;
    ``why`` the cause; ``hint`` what to do. All but code and what may be empty. ``kind``: what errors of this class have
    in common, in plain words.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL
    kind: ClassVar[str] = "an error"

    def __init__(self, code: str, what: str, *, where: str = "", why: str = "", hint: str = "") -> None:
        super().__init__(code, what, where, why, hint)
        self.code = code
        self.what = what
        self.where = where
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are copied by calling them with their args, which cannot be given by name.
        return _again, (type(self), self.args, self.__dict__)

    @property
    def text(self) -> str:
        """What, where, why and what to do, in one line without the code."""
        line = self.what
        if self.where:
            line += f" ({self.where})"
        if self.why:
            line += f": {self.why}"
        if self.hint:
            line += f"; {self.hint}"
        return line


def _again(kind: type[NlmonError], args: tuple[str, ...], values: dict[str, Any]) -> NlmonError:
    """An error as it was before it was pickled."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(values)
    return error


class UsageError(NlmonError):
    """A command line or a call that cannot be carried out as written."""

    exit_code = ExitCode.USAGE


class FilterError(UsageError):
    """A filter expression that is wrong at ``position``, in characters from 0. ``expression``: its text; ``line`` and
    ``column``, from 1: the position once more."""

    kind = "a filter expression is wrong"

    def __init__(
        self, code: str, what: str, *, where: str = "", why: str = "", hint: str = "", expression: str, position: int
    ) -> None:
        before = expression[:position]
        self.line = before.count("\n") + 1
        self.column = position - (before.rfind("\n") + 1) + 1
        place = f"{self.line}:{self.column}" if "\n" in expression else str(self.column)
        super().__init__(code, what, where=f"{where}:{place}" if where else f"column {place}", why=why, hint=hint)
        self.expression = expression
        self.position = position

    @property
    def marked(self) -> tuple[str, str]:
        """The line of the expression that is wrong, and a caret under the position; of a long line the part around
        it."""
        line = self.expression.split("\n")[self.line - 1].replace("\t", " ")
        start = max(0, self.column - 1 - SHOWN // 2) if len(line) > SHOWN else 0
        return line[start : start + SHOWN], " " * (self.column - 1 - start) + "^"


class InputError(NlmonError):
    """A file that cannot be used."""

    exit_code = ExitCode.INPUT


class CaptureError(InputError):
    """A capture that cannot be opened, or that is damaged from ``offset`` on.

    ``offset`` is the position in bytes in the (decompressed) file where reading stopped, or -1.
    """

    def __init__(
        self, code: str, what: str, *, where: str = "", why: str = "", hint: str = "", offset: int = -1
    ) -> None:
        super().__init__(code, what, where=where, why=why, hint=hint)
        self.offset = offset


class ContractError(InputError):
    """The contract file does not follow its schema."""


class PlacedError(InputError):
    """A text file that is wrong at ``line`` and ``column``, from 1; 0 when it is wrong as a whole."""

    def __init__(
        self, code: str, what: str, *, where: str = "", why: str = "", hint: str = "", line: int = 0, column: int = 0
    ) -> None:
        place = f"{where}:{line}:{column}" if line else where
        super().__init__(code, what, where=place, why=why, hint=hint)
        self.line = line
        self.column = column


class ScenarioError(PlacedError):
    """A scenario file that is wrong."""


class ConfigurationError(PlacedError):
    """A configuration file that cannot be read as YAML."""


class SourceError(PlacedError):
    """A file that cannot be searched for what is old."""


class PlatformError(NlmonError):
    """This machine, user or kernel lacks something."""

    exit_code = ExitCode.PLATFORM


class ExportError(PlatformError):
    """Events cannot be written where they are to go: a full disk, a port that is taken, a server that is gone."""

    kind = "an export failed"


class HarnessError(PlatformError):
    """A program that stands for an implementation ended, was late, or broke the harness protocol."""

    kind = "a program did not keep the harness protocol"


class NotFound(PlatformError):
    """The kernel has no object of this name."""


class TransportError(PlatformError):
    """A socket call failed; ``errno`` is the kernel's number, 0 when there is none."""

    kind = "a socket call failed"

    def __init__(self, code: str, what: str, *, where: str = "", why: str = "", hint: str = "", errno: int = 0) -> None:
        super().__init__(code, what, where=where, why=why, hint=hint)
        self.errno = errno


class Overrun(TransportError):
    """The receive buffer was full and the kernel dropped messages (recv(2) gave ENOBUFS), or one was too large to read.

    ``drops`` is how many messages the kernel has dropped on this socket since the last report, or -1 if it
    does not say (netlink(7); the count is the column Drops of /proc/net/netlink).
    """

    kind = "messages were lost"

    def __init__(
        self,
        code: str,
        what: str,
        *,
        where: str = "",
        why: str = "",
        hint: str = "",
        errno: int = 105,
        drops: int = -1,
    ) -> None:
        super().__init__(code, what, where=where, why=why, hint=hint, errno=errno)
        self.drops = drops


class ResyncIncomplete(TransportError):
    """A dump of the resync after a loss failed or was interrupted; it is reported, and reading goes on."""

    kind = "the resync after a loss is incomplete"


class DecodeError(NlmonError):
    """Something in the bytes of one datagram that could not be read as netlink.

    ``frame`` is the number of the datagram at its source, ``offset`` the position in bytes inside the
    datagram, ``path`` the attribute path such as ``IFLA_LINKINFO/IFLA_INFO_KIND`` (empty: not in an attribute).
    """

    exit_code = ExitCode.INPUT

    def __init__(self, code: str, what: str, *, frame: int, offset: int, path: str = "", why: str = "") -> None:
        where = f"frame {frame}, offset {offset:#x}" + (f", {path}" if path else "")
        super().__init__(code, what, where=where, why=why)
        self.frame = frame
        self.offset = offset
        self.path = path


class FramingError(DecodeError):
    """An nlmsghdr that does not fit in its datagram (netlink(3): NLMSG_OK is false)."""

    kind = "a message does not fit in its datagram"


class HeaderError(DecodeError):
    """A message too short for the fixed header of its type; the message gives no event."""

    kind = "a message is too short for the header of its type"


class MessageTooLarge(DecodeError):
    """A message that is larger than the configured limit; it gives no event."""

    kind = "a message is larger than the limit"


class AttributeFormatError(DecodeError):
    """An attribute that breaks its policy or overruns its parent; the rest of the message is kept."""

    kind = "an attribute is malformed"


class WrappedLength(AttributeFormatError):
    """A list of more than 65,535 bytes, whose nla_len has 16 bits and is too small by a multiple of 65,536: the kernel
    damaged the message itself. What stands behind the entries of the list is read, and nothing else in its place."""

    kind = "a list is longer than its nla_len can say, by the kernel's own mistake"


class KernelError(DecodeError):
    """NLMSG_ERROR with a non-zero error. ``errno`` is positive; ``ext_ack`` the kernel's own text or empty, and
    ``request_offset`` where in the request it found fault, if it said."""

    def __init__(
        self,
        code: str,
        what: str,
        *,
        frame: int,
        offset: int,
        errno: int,
        ext_ack: str = "",
        request_offset: int | None = None,
    ) -> None:
        place = "" if request_offset is None else f"at offset {request_offset} of the request"
        super().__init__(code, what, frame=frame, offset=offset, why=", ".join(filter(None, (ext_ack, place))))
        self.errno = errno
        self.ext_ack = ext_ack
        self.request_offset = request_offset


class OverrunMessage(DecodeError):
    """NLMSG_OVERRUN: the sender says that data was lost before this point."""

    kind = "the sender lost data (NLMSG_OVERRUN)"


class RefusedMessage(DecodeError):
    """A message that a program of others refuses to read; it gives no event."""

    kind = "a program refuses a message"


class InternalError(NlmonError):
    """A bug in nlmon; the report asks for the command line and the traceback."""
