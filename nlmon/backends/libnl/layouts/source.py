"""Writes the function of a layout: one check, one ``struct``, and the values.

Values that never changed so far are compared, too, and are constants of the function; what did change is ``loose`` and
read anew each time. A short layout is checked by its bits: the whole as one number, and with a mask, and compared. In a
long one (a link has 1,500 bytes) runs of bytes are compared, over what nobody reads as long as it never changed.

Not here: what a layout is made for (``messages``, ``cache``).
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Callable, Collection, Sequence
from types import CodeType
from typing import Any, NamedTuple

from nlmon.backends.libnl.layouts.memo import LONGEST, texts
from nlmon.backends.libnl.layouts.shape import Range
from nlmon.backends.libnl.policies.addresses import addresses
from nlmon.backends.libnl.policies.readers import Form, Reader, Reading, form_of

__all__ = ["Source", "Value", "differing"]

# Above this many bytes comparing runs costs less than one number.
SHORT = 80
# Bytes between two values of a long layout that are compared along, until they change, as one run costs less than two.
GAP = 16
NAME, WORDS = re.compile(r"\b[a-z]\w*"), {"if", "else", "is", "not", "and"}
# What readers of whole payloads do, by their form.
EXPRESSIONS = {
    "lladdr": "{}.hex(':')",
    "hex": "{}.hex()",
    "text": "str({}, 'utf-8', 'backslashreplace')",
    "string": "texts[{}]",
    "address": "ips[{}]",
}


class Value(NamedTuple):
    """A value to be read: a number of a header by its struct ``code``, or what ``read`` makes of the attribute at
    ``at`` whose payload is ``begin`` to ``end``."""

    begin: int
    end: int
    code: str = ""
    read: Reader | None = None
    at: int = 0


class _Piece(NamedTuple):
    begin: int
    size: int
    code: str
    name: str


class Source:
    """The source of one function while it is written. ``names``: its globals, some of them ``constants``. ``values``:
    an expression for each value, in their order; one whose reader must be ``called`` is a variable. ``lines``: what is
    done after the check."""

    def __init__(
        self, sign: str, sample: bytes, fixed: Sequence[Range], values: Sequence[Value], loose: Collection[Range]
    ) -> None:
        self.names: dict[str, Any] = {"ips": addresses, "texts": texts, "number": int.from_bytes}
        self.values: list[str] = []
        self.lines: list[str] = []
        self.called: set[str] = set()
        self.constants: set[str] = set()
        self._machine = sign
        # One struct has one byte order: that of most of the numbers (netfilter's are big-endian, nearly all others the
        # machine's).
        forms = [None if value.read is None else form_of(value.read) for value in values]
        signs = [form.code[0] for form in forms if form is not None and len(form.code) > 1]
        self._sign = max((sign, "<", ">"), key=signs.count)
        self._sample = sample
        self._pieces: list[_Piece] = []
        # Ranges that must be equal.
        self._equal = list(fixed)
        # Only what a reader of known form makes is the same for the same bytes, wherever they are.
        unknown = {(v.begin, v.end) for v, form in zip(values, forms, strict=True) if v.read and form is None}
        for count, (value, form) in enumerate(zip(values, forms, strict=True)):
            if (value.begin, value.end) in loose or (value.read is not None and form is None):
                self.values.append(self._read(count, value, form))
            else:
                self.values.append(self._baked(count, value))
        self._pieces.sort()
        if len(sample) > SHORT:
            self._equal += _gaps(len(sample), self._equal, self._pieces, unknown.union(loose))

    def function(self, arguments: str, lines: Sequence[str], result: str) -> Callable[..., Any]:
        """The function. ``arguments``: its parameters; these or ``lines`` set ``data``, as many bytes as the sample
        has, and ``at``, where they begin in what readers are given. ``result``: the expression that is returned if the
        check holds; else it is None."""
        body = [f"def layout({arguments}):", *lines, *self._check(), *self.lines, f"return {result}"]
        text = "\n    ".join(body) + "\n"
        exec(_code(text), self.names)
        made: Callable[..., Any] = self.names.pop("layout")
        return made

    def named(self, name: str, expression: str) -> str:
        """What to write for an expression, which is worked out once: a constant where nothing in it changes, else a
        variable of this name."""
        if expression.isidentifier():
            return expression
        if self.constants.issuperset(_names_in(expression)):
            self.constants.add(name)
            self.names[name] = eval(expression, self.names)
        else:
            self.lines.append(f"{name} = {expression}")
        return name

    def may_lack(self, expression: str) -> bool:
        """Whether the value of an expression may be None: of an absent attribute it is, and of a reader that is called
        nothing is known."""
        constant = expression in self.constants
        return expression in self.called or (self.names[expression] is None if constant else expression == "None")

    def value(self, expression: str) -> Any:
        """The value of an expression of constants; None of any other."""
        return eval(expression, self.names) if self.constants.issuperset(_names_in(expression)) else None

    # -- values ------------------------------------------------------------------------------------------------

    def _baked(self, count: int, value: Value) -> str:
        """A value as a constant; its bytes are compared."""
        self._equal.append((value.begin, value.end))
        name = f"c{count}"
        self.constants.add(name)
        if value.read is None:
            (self.names[name],) = struct.unpack_from(self._machine + value.code, self._sample, value.begin)
        else:
            self.names[name] = value.read(Reading(self._sample, 0, []), value.at, value.begin, value.end)
        return name

    def _read(self, count: int, value: Value, form: Form | None) -> str:
        """The expression of a value that is read anew each time."""
        name, size = f"v{count}", value.end - value.begin
        if value.read is None:
            return self._number(value.begin, size, value.code, self._machine, name)
        if form is None:
            return self._call(count, value)
        if form.kind == "flag":
            return "True"
        if form.kind in {"number", "pair"}:
            return self._numbers(count, value, form)
        # A text that may be too long is left to its reader, which reports that.
        long = form.kind == "string" and (size > LONGEST or 0 < form.sizes[0] < size)
        if long or self._taken(value.begin, value.end):
            return self._call(count, value)
        self._piece(value.begin, size, f"{size}s", name)
        return EXPRESSIONS[form.kind].format(name)

    def _numbers(self, count: int, value: Value, form: Form) -> str:
        sign, codes = form.code[0], form.code[1:] if form.code[0] in "<>" else form.code
        begin, size = value.begin + form.begin, struct.calcsize("=" + codes[0])
        if self._taken(begin, begin + size * len(codes)):
            return self._call(count, value)
        parts = [
            self._number(begin + size * place, size, code, sign, f"v{count}_{place}")
            for place, code in enumerate(codes)
        ]
        return parts[0] if form.kind == "number" else f"({', '.join(parts)})"

    def _number(self, begin: int, size: int, code: str, sign: str, name: str) -> str:
        if size == 1 or sign == self._sign:
            return self._piece(begin, size, code, name)
        order, signed = "big" if sign == ">" else "little", code.islower()
        return f"number({self._piece(begin, size, f'{size}s', name)}, '{order}', signed={signed})"

    def _piece(self, begin: int, size: int, code: str, name: str) -> str:
        self._pieces.append(_Piece(begin, size, code, name))
        return name

    def _taken(self, begin: int, end: int) -> bool:
        """Whether another value is unpacked from some of these bytes already."""
        return any(piece.begin < end and begin < piece.begin + piece.size for piece in self._pieces)

    def _call(self, count: int, value: Value) -> str:
        self.names[f"r{count}"] = value.read
        self.called.add(f"v{count}")
        self.lines.append(f"v{count} = r{count}(m, at + {value.at}, at + {value.begin}, at + {value.end})")
        return f"v{count}"

    # -- the check ---------------------------------------------------------------------------------------------

    def _check(self) -> list[str]:
        sample = self._sample
        if len(sample) <= SHORT:
            mask = bytearray(len(sample))
            for begin, end in self._equal:
                mask[begin:end] = b"\xff" * (end - begin)
            self.names["mask"] = int.from_bytes(mask, "little")
            self.names["expected"] = int.from_bytes(sample, "little") & self.names["mask"]
            return ["if number(data, 'little') & mask != expected: return None", *self._unpacked(self._pieces)]
        runs = [_Piece(begin, end - begin, f"{end - begin}s", "") for begin, end in _merged(self._equal)]
        self.names["constants"] = constants = self._struct(runs)
        self.names["expected"] = constants(sample)
        return ["if constants(data) != expected: return None", *self._unpacked(self._pieces)]

    def _unpacked(self, pieces: Sequence[_Piece]) -> list[str]:
        if not pieces:
            return []
        self.names["unpack"] = self._struct(pieces)
        names = ", ".join(piece.name for piece in pieces)
        return [f"{names}{',' if len(pieces) == 1 else ''} = unpack(data)"]

    def _struct(self, pieces: Sequence[_Piece]) -> Callable[[bytes], tuple[Any, ...]]:
        """What takes pieces, in order, out of a message of this length."""
        shape, at = self._sign, 0
        for piece in pieces:
            shape += f"{piece.begin - at}x{piece.code}"
            at = piece.begin + piece.size
        return struct.Struct(f"{shape}{len(self._sample) - at}x").unpack


def _names_in(expression: str) -> set[str]:
    """The variables of an expression of ours."""
    return set(NAME.findall(expression)) - WORDS


def differing(one: bytes, other: bytes, values: Sequence[Value], fixed: Sequence[Range]) -> set[Range]:
    """Ranges that are not fixed, of a value or between values, in which two messages of one shape differ."""
    taken = [*fixed, *((value.begin, value.end) for value in values)]
    ranges = {(value.begin, value.end) for value in values} | set(_between(len(one), taken))
    return {(begin, end) for begin, end in ranges if one[begin:end] != other[begin:end]}


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
    """Layouts that have the same fields have the same code."""
    return compile(text, "<layout>", "exec")
