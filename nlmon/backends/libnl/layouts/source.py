"""Writes the function of a layout: one comparison, one ``struct``, and the values.

Values that never changed so far are compared, too, and are constants of the function; what did change is ``loose`` and
unpacked. A short layout is compared by its bits: the whole as one number, with a mask. In a long one (a link has 1,500
bytes) runs of bytes are compared, over what no reader reads as long as it never changed.

Every value has a name: that of the header's number, or of the policy's field. What is unpacked is a variable, what
never changed or is absent is a global of the function, so that layouts with the same variables have the same code. The
names of helpers are in capitals.

Not here: what a layout is made for (``messages``, ``cache``).
"""

from __future__ import annotations

import functools
import struct
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any, NamedTuple, TypeAlias

from nlmon.backends.libnl.layouts.memo import LONGEST, texts
from nlmon.backends.libnl.layouts.shape import Range
from nlmon.backends.libnl.policies.addresses import addresses
from nlmon.backends.libnl.policies.readers import DecodeContext, Form, Reader, form_of

__all__ = ["Function", "Program", "Source", "Value", "changeable"]

# Above this many bytes comparing runs costs less than one number.
SHORT = 80
# Bytes between two values of a long layout that are compared along, until they change, as one run costs less than two.
GAP = 16
# What readers of whole payloads do, by their form.
EXPRESSIONS = {
    "lladdr": "{}.hex(':')",
    "hex": "{}.hex()",
    "text": "str({}, 'utf-8', 'backslashreplace')",
    "string": "NAME_TEXT[{}]",
    "address": "IP_TEXT[{}]",
}

Function: TypeAlias = Callable[..., Any]


class Value(NamedTuple):
    """A value: a number of a header by its struct ``code``, or what ``read`` makes of the attribute at ``at`` whose
    payload is ``begin`` to ``end``."""

    name: str
    begin: int
    end: int
    code: str = ""
    read: Reader | None = None
    at: int = 0


class Program(NamedTuple):
    """A function as it is written: ``text`` and its globals, ``names``; ``constants`` are the values among them."""

    text: str
    names: dict[str, Any]
    constants: Mapping[str, Any]

    def function(self) -> Function:
        """The function itself. Its code is a copy, as the interpreter adapts code to the globals that it runs with."""
        return FunctionType(_code(self.text).replace(), self.names)


class _Piece(NamedTuple):
    begin: int
    size: int
    code: str
    name: str


class Source:
    """The source of one function while it is written, of which the caller adds the result.

    ``sample`` has the layout; ``fixed`` are its ranges that must be equal, ``loose`` those that are known to change.
    ``names``: the function's globals. ``constants``: values that are the same in all messages of the layout, by name.
    ``calls_readers``: a reader is called, with ``m``, the context of the message."""

    def __init__(
        self, sign: str, sample: bytes, fixed: Sequence[Range], values: Sequence[Value], loose: Collection[Range]
    ) -> None:
        self.names: dict[str, Any] = {"IP_TEXT": addresses, "NAME_TEXT": texts, "from_bytes": int.from_bytes}
        self.constants: dict[str, Any] = {}
        self.calls_readers = False
        self._machine = sign
        # One struct has one byte order: that of most of the numbers (netfilter's are big-endian, nearly all others the
        # machine's).
        forms = [None if value.read is None else form_of(value.read) for value in values]
        signs = [form.code[0] for form in forms if form is not None and len(form.code) > 1]
        self._sign = max((sign, "<", ">"), key=signs.count)
        self._sample = sample
        self._pieces: list[_Piece] = []
        self._lines: list[str] = []
        # Ranges that must be equal.
        self._equal = list(fixed)
        # Only what a reader of known form makes is the same for the same bytes, wherever they are.
        unknown = {(v.begin, v.end) for v, form in zip(values, forms, strict=True) if v.read and form is None}
        values = _distinct(values)
        self._defined = {value.name for value in values}
        for value, form in zip(values, forms, strict=True):
            if (value.begin, value.end) in loose or (value.read is not None and form is None):
                self._variable(value, form)
            else:
                self._compared(value)
        self._pieces.sort()
        if len(sample) > SHORT:
            self._equal += _gaps(len(sample), self._equal, self._pieces, unknown.union(loose))

    def absent(self, names: Collection[str], value: Any) -> None:
        """What those of the names are that no value has."""
        missing = {name: value for name in names if name not in self._defined}
        self.constants |= missing
        self._defined |= missing.keys()

    def program(
        self, parameters: str, result: str, *, before: Sequence[str] = (), after: Sequence[str] = ()
    ) -> Program:
        """The function. ``parameters`` or the lines ``before`` set ``data``, as many bytes as the sample has, and
        ``at``, where they begin in what readers are given. ``after``: lines behind the comparison. ``result``: the
        expression that is returned if all is equal; else it is None."""
        body = [f"def layout({parameters}):", *before, *self._check(), *after, *self._lines, f"return {result}"]
        return Program("\n    ".join(body) + "\n", self.names | self.constants, self.constants)

    # -- values ------------------------------------------------------------------------------------------------

    def _compared(self, value: Value) -> None:
        """A value that is a constant, as its bytes are compared."""
        self._equal.append((value.begin, value.end))
        if value.read is None:
            (made,) = struct.unpack_from(self._machine + value.code, self._sample, value.begin)
        else:
            made = value.read(DecodeContext(self._sample, 0, []), value.at, value.begin, value.end)
        self.constants[value.name] = made

    def _variable(self, value: Value, form: Form | None) -> None:
        """A value that is made anew for each message."""
        name, size = value.name, value.end - value.begin
        if value.read is None:
            self._number(value.begin, size, value.code, self._machine, name)
        elif form is None:
            self._call(value)
        elif form.kind == "flag":
            self.constants[name] = True
        elif form.kind in {"number", "pair"}:
            self._numbers(value, form)
        # A text that may be too long is left to its reader, which reports that.
        elif (form.kind == "string" and (size > LONGEST or 0 < form.sizes[0] < size)) or self._taken(*value[1:3]):
            self._call(value)
        else:
            self._pieces.append(_Piece(value.begin, size, f"{size}s", name))
            self._lines.append(f"{name} = {EXPRESSIONS[form.kind].format(name)}")

    def _numbers(self, value: Value, form: Form) -> None:
        sign, codes = form.code[0], form.code[1:] if form.code[0] in "<>" else form.code
        begin, size = value.begin + form.begin, struct.calcsize("=" + codes[0])
        if self._taken(begin, begin + size * len(codes)):
            self._call(value)
        elif form.kind == "number":
            self._number(begin, size, codes, sign, value.name)
        else:
            parts = [f"{value.name}_{place}" for place in range(len(codes))]
            for place, (code, part) in enumerate(zip(codes, parts, strict=True)):
                self._number(begin + size * place, size, code, sign, part)
            self._lines.append(f"{value.name} = {', '.join(parts)}")

    def _number(self, begin: int, size: int, code: str, sign: str, name: str) -> None:
        same = size == 1 or sign == self._sign
        self._pieces.append(_Piece(begin, size, code if same else f"{size}s", name))
        if not same:
            order = "big" if sign == ">" else "little"
            self._lines.append(f"{name} = from_bytes({name}, '{order}', signed={code.islower()})")

    def _taken(self, begin: int, end: int) -> bool:
        """Whether another value is unpacked from some of these bytes already."""
        return any(piece.begin < end and begin < piece.begin + piece.size for piece in self._pieces)

    def _call(self, value: Value) -> None:
        self.calls_readers = True
        self.names[f"READ_{value.name}"] = value.read
        places = f"at + {value.at}, at + {value.begin}, at + {value.end}"
        self._lines.append(f"{value.name} = READ_{value.name}(m, {places})")

    # -- the check ---------------------------------------------------------------------------------------------

    def _check(self) -> list[str]:
        sample = self._sample
        if len(sample) <= SHORT:
            mask = bytearray(len(sample))
            for begin, end in self._equal:
                mask[begin:end] = b"\xff" * (end - begin)
            self.names["MASK"] = int.from_bytes(mask, "little")
            self.names["EXPECTED"] = int.from_bytes(sample, "little") & self.names["MASK"]
            return ["if from_bytes(data, 'little') & MASK != EXPECTED: return None", *self._unpacked(self._pieces)]
        runs = [_Piece(begin, end - begin, f"{end - begin}s", "") for begin, end in _merged(self._equal)]
        self.names["CONSTANTS"] = constants = self._struct(runs)
        self.names["EXPECTED"] = constants(sample)
        return ["if CONSTANTS(data) != EXPECTED: return None", *self._unpacked(self._pieces)]

    def _unpacked(self, pieces: Sequence[_Piece]) -> list[str]:
        if not pieces:
            return []
        self.names["UNPACK"] = self._struct(pieces)
        names = ", ".join(piece.name for piece in pieces)
        return [f"{names}{',' if len(pieces) == 1 else ''} = UNPACK(data)"]

    def _struct(self, pieces: Sequence[_Piece]) -> Callable[[bytes], tuple[Any, ...]]:
        """What takes pieces, in order, out of a message of this length."""
        shape, at = self._sign, 0
        for piece in pieces:
            shape += f"{piece.begin - at}x{piece.code}"
            at = piece.begin + piece.size
        return struct.Struct(f"{shape}{len(self._sample) - at}x").unpack


def _distinct(values: Sequence[Value]) -> Sequence[Value]:
    """The values, where of several of one name the last keeps it, which is the one that counts."""
    left = Counter([value.name for value in values])
    if len(left) == len(values):
        return values
    found = []
    for value in values:
        left[value.name] -= 1
        found.append(value._replace(name=f"earlier{left[value.name]}_{value.name}") if left[value.name] else value)
    return found


def changeable(length: int, values: Sequence[Value], fixed: Sequence[Range]) -> set[Range]:
    """Ranges that are not fixed, of a value or between values, in which messages of one shape may differ."""
    taken = {(value.begin, value.end) for value in values}
    return taken.union(_between(length, [*fixed, *taken]))


def _gaps(length: int, equal: Sequence[Range], pieces: Sequence[_Piece], loose: Collection[Range]) -> list[Range]:
    taken = [*equal, *((piece.begin, piece.begin + piece.size) for piece in pieces), *loose]
    return [gap for gap in _between(length, taken) if gap[1] - gap[0] <= GAP]


def _between(length: int, taken: Sequence[Range]) -> list[Range]:
    """What is in none of the ranges."""
    found, at = [], 0
    for begin, end in _merged(taken):
        if begin > at:
            found.append((at, begin))
        at = max(at, end)
    return [*found, (at, length)] if at < length else found


def _merged(ranges: Sequence[Range]) -> list[Range]:
    """Ranges in order, those that touch as one."""
    found: list[Range] = []
    for begin, end in sorted(ranges):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        elif begin < end:
            found.append((begin, end))
    return found


@functools.lru_cache(maxsize=1024)
def _code(text: str) -> CodeType:
    """The code of a function; layouts that have the same variables have the same."""
    (code,) = (one for one in compile(text, "<layout>", "exec").co_consts if isinstance(one, CodeType))
    return code
