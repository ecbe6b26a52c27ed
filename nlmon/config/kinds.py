"""Kinds of values that a key may have: how a text is read as one, what is allowed, and how JSON Schema says it.

Rules:
1. A value is read from its text, whether that stands in a file, with quotes or without, or in the environment; the kind
   of its key says what the text means. So ``on`` is true where a switch is wanted, and a name where a name is.
2. What cannot be read raises ``Unfit`` with a reason that goes on after "KEY is VALUE, ", and with what to write.

Not here: which key has which kind (``model``), and where values come from (``load``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, TypeAlias

from msgspec import Struct

from nlmon.names import PROTOCOLS, is_message_type, message_names, message_type, protocol_number

__all__ = [
    "KB",
    "MB",
    "Address",
    "Expression",
    "Family",
    "Items",
    "Kind",
    "MessageType",
    "Milliseconds",
    "Number",
    "Protocol",
    "Records",
    "Server",
    "Size",
    "Switch",
    "Text",
    "Unfit",
    "Word",
    "shown_size",
]

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
# What is longer is said to be a number that is too large, and not turned into one.
DIGITS = 20
# net/genetlink.h: GENL_NAMSIZ with its final zero.
FAMILY_LONG = 15
# YAML 1.1 has these words, as does the C program's environment for 1.
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_UNITS = {"": 1, "B": 1, "KB": KB, "MB": MB, "GB": GB}
_VARIABLE = r".*\$\{.*"

Schema: TypeAlias = dict[str, Any]


class Unfit(Exception):
    """A text that is no value of a kind: the reason, and what to write instead."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason, hint)
        self.reason = reason
        self.hint = hint


class Kind(Struct, frozen=True):
    """What a key holds. ``name``: as the documentation calls it."""

    name = "text"

    @property
    def allowed(self) -> str:
        """What may be written, in words; empty: any text."""
        return ""

    def read(self, text: str) -> Any:
        """The value of a text; raises ``Unfit``."""
        return text

    def schema(self) -> Schema:
        """JSON Schema of what may be written, ``${VAR}`` among it."""
        return {"type": "string"}


class Switch(Kind, frozen=True):
    """True or false, by the words of YAML."""

    name = "boolean"

    @property
    def allowed(self) -> str:
        return "true or false"

    def read(self, text: str) -> bool:
        for words, value in ((_TRUE, True), (_FALSE, False)):
            if text in {spelt for word in words for spelt in (word, word.capitalize(), word.upper())}:
                return value
        raise Unfit("and neither true nor false", _meant(text, (*_TRUE, *_FALSE)))

    def schema(self) -> Schema:
        words = {spelt for word in (*_TRUE, *_FALSE) for spelt in (word, word.capitalize(), word.upper())}
        return _or_variable({"enum": [True, False, 0, 1, *sorted(words)]})


class Number(Kind, frozen=True):
    """A whole number within bounds."""

    least: int
    most: int
    name = "integer"

    @property
    def allowed(self) -> str:
        return f"{self.least} to {self.most}"

    def read(self, text: str) -> int:
        if not re.fullmatch(r"[-+]?[0-9]+", text):
            raise Unfit("and no whole number", _digits(text))
        return _bounded(text, 1, self.least, self.most)

    def schema(self) -> Schema:
        return _or_variable({"type": "integer", "minimum": self.least, "maximum": self.most}, "[0-9]+")


class Size(Kind, frozen=True):
    """A number of bytes, which may have one of the units KB, MB and GB, in any case."""

    least: int
    most: int
    name = "size"

    @property
    def allowed(self) -> str:
        return f"{shown_size(self.least)} to {shown_size(self.most)}"

    def read(self, text: str) -> int:
        found = re.fullmatch(r"([-+]?[0-9]+)(\s*)([A-Za-z]*)", text)
        if found is None:
            raise Unfit("and no size", "write a number of bytes, or one with KB, MB or GB, such as 64KB")
        digits, blank, unit = found.groups()
        factor = _UNITS.get(unit.upper())
        if factor is None or blank:
            guess = unit.upper()[:1] + "B"
            hint = f"write {digits}{guess}" if guess in _UNITS else "the units are KB, MB and GB"
            raise Unfit("and no size" if factor else f"and {unit} is no unit", hint)
        return _bounded(digits, factor, self.least, self.most, "bytes")

    def schema(self) -> Schema:
        number = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return _or_variable(number, "[0-9]+([kKmMgG]?[bB])?")


class Milliseconds(Kind, frozen=True):
    """A time in milliseconds, which may have the unit ms or s."""

    least: int
    most: int
    name = "milliseconds"

    @property
    def allowed(self) -> str:
        return f"{self.least} to {self.most} ms"

    def read(self, text: str) -> int:
        found = re.fullmatch(r"([-+]?[0-9]+)(ms|s|)", text)
        if found is None:
            raise Unfit("and no time", "write milliseconds, such as 100 or 100ms")
        return _bounded(found[1], 1000 if found[2] == "s" else 1, self.least, self.most, "ms")

    def schema(self) -> Schema:
        number = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return _or_variable(number, "[0-9]+(ms|s)?")


class Word(Kind, frozen=True):
    """One of some words."""

    words: tuple[str, ...]
    name = "word"

    @property
    def allowed(self) -> str:
        return ", ".join(word or "nothing" for word in self.words)

    def read(self, text: str) -> str:
        if text not in self.words:
            raise Unfit("and none of its words", _meant(text, filter(None, self.words)))
        return text

    def schema(self) -> Schema:
        return _or_variable({"enum": list(self.words)})


class Text(Kind, frozen=True):
    """A text of at most ``most`` characters; ``begins``: what it begins with unless it is empty."""

    most: int = 255
    begins: str = ""

    @property
    def allowed(self) -> str:
        return f"begins with {self.begins}" if self.begins else ""

    def read(self, text: str) -> str:
        if len(text) > self.most:
            raise Unfit(f"longer than {self.most} characters")
        if "\0" in text:
            raise Unfit("and no text may hold a character with the number 0")
        if text and not text.startswith(self.begins):
            raise Unfit(f"and does not begin with {self.begins}", f"write {self.begins}{text}")
        return text

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": self.most}


class Expression(Text, frozen=True):
    """An expression of the filter language."""

    most: int = 4096
    name = "expression"


class Address(Kind, frozen=True):
    """An address of this host, or its name, without a port."""

    name = "address"

    @property
    def allowed(self) -> str:
        return "an address or a name, without a port"

    def read(self, text: str) -> str:
        if not text:
            raise Unfit("and no address", "write 0.0.0.0 for every address of this host")
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,255}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?", text):
            port = re.fullmatch(r"\[?([^]]+)]?(?::([0-9]+))", text)
            raise Unfit("and no address", f"write {port[1]}, and {port[2]} as the port" if port is not None else "")
        return text


class Server(Kind, frozen=True):
    """A host or an address, with a port behind a colon if need be; empty: the socket of this host."""

    name = "host:port"

    @property
    def allowed(self) -> str:
        return "HOST, HOST:PORT or [ADDRESS]:PORT"

    def read(self, text: str) -> str:
        found = re.fullmatch(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%a-z]+\])(?::([0-9]{1,5}))?", text)
        if text and found is None:
            raise Unfit("and no host with a port", "write logs.example.org:514")
        if found is not None and found[1] and not 1 <= int(found[1]) <= 65535:
            raise Unfit("and a port is 1 to 65535")
        return text


class Family(Kind, frozen=True):
    """The name of a generic netlink family, such as nl80211."""

    name = "family"

    @property
    def allowed(self) -> str:
        return f"1 to {FAMILY_LONG} characters"

    def read(self, text: str) -> str:
        if not 0 < len(text.encode("utf-8", "surrogateescape")) <= FAMILY_LONG:
            raise Unfit(f"and the name of a family has 1 to {FAMILY_LONG} characters")
        return text


class Protocol(Kind, frozen=True):
    """A netlink protocol, by its name or its number; the value is the kernel's name."""

    name = "protocol"

    @property
    def allowed(self) -> str:
        return "a name such as route or NETLINK_ROUTE, or a number"

    def read(self, text: str) -> str:
        number = protocol_number(text)
        if number is None or number not in PROTOCOLS:
            names = [one.removeprefix("NETLINK_").lower() for one in PROTOCOLS.values()]
            near = get_close_matches(text.upper().removeprefix("NETLINK_").lower(), names, 1)
            raise Unfit("and no netlink protocol", f"did you mean {near[0]}?" if near else "")
        return PROTOCOLS[number]

    def schema(self) -> Schema:
        return {"type": ["string", "integer"]}


class MessageType(Kind, frozen=True):
    """A type of message, by its name, or by its number in NETLINK_ROUTE; the value is the kernel's name."""

    name = "message type"

    @property
    def allowed(self) -> str:
        return "a name such as RTM_NEWLINK, or a number of NETLINK_ROUTE"

    def read(self, text: str) -> str:
        name = message_type(0, int(text)) if re.fullmatch("[0-9]{1,5}", text) else text
        if name.isdecimal() or not is_message_type(name):
            near = get_close_matches(text, message_names(), 1)
            raise Unfit("and no type of message", f"did you mean {near[0]}?" if near else "")
        return name

    def schema(self) -> Schema:
        return {"type": ["string", "integer"]}


class Items(Kind, frozen=True):
    """A list of values of one kind, at most ``most`` of them; in the environment with commas between them."""

    item: Kind
    most: int
    name = "list"

    @property
    def allowed(self) -> str:
        each = f", each {self.item.allowed}" if self.item.allowed else ""
        return f"at most {self.most}{each}"

    def schema(self) -> Schema:
        return {"type": "array", "maxItems": self.most, "items": self.item.schema()}


class Records(Kind, frozen=True):
    """A list of mappings that all have the keys of one class of ``model``, at most ``most`` of them."""

    item: type[Struct]
    most: int
    name = "list of mappings"

    @property
    def allowed(self) -> str:
        return f"at most {self.most}"


def shown_size(number: int) -> str:
    """A number of bytes with the largest unit that it is a multiple of."""
    for unit, factor in (("GB", GB), ("MB", MB), ("KB", KB)):
        if number and number % factor == 0:
            return f"{number // factor}{unit}"
    return str(number)


def _bounded(digits: str, factor: int, least: int, most: int, unit: str = "") -> int:
    named = f" {unit}" if unit else ""
    if len(digits) > DIGITS:
        raise Unfit(f"{'less' if digits.startswith('-') else 'more'} than any number here")
    number = int(digits) * factor
    if number < least:
        raise Unfit(f"less than {least}{named}")
    if number > most:
        raise Unfit(f"more than {most}{named}")
    return number


def _digits(text: str) -> str:
    """What to write instead of a number that is not written in digits alone."""
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", text):
        return f"write {int(text, 16)}"
    if re.fullmatch(r"[0-9]{1,3}([_,'][0-9]{3}){1,6}", text):
        return f"write {re.sub('[^0-9]', '', text)}"
    return "write digits alone" if re.match(r"[0-9]", text) else ""


def _meant(text: str, words: Iterable[str]) -> str:
    # A line of a list whose key is gone is, for YAML, a part of the text before it.
    if re.search(r"(^| )- ", text):
        return "a line that begins with - belongs to it; is the key of that list missing?"
    known, lower = [word for word in words if word not in {"0", "1"}], text.lower()
    near = get_close_matches(lower, known, 1) or [word for word in known if lower and word.startswith(lower)]
    return f"did you mean {near[0]}?" if near else ""


def _or_variable(schema: Schema, pattern: str = "") -> Schema:
    """A schema that also lets a text stand that holds ``${VAR}``, or that follows ``pattern``."""
    texts = f"{pattern}|{_VARIABLE}" if pattern else _VARIABLE
    return {"anyOf": [schema, {"type": "string", "pattern": f"^({texts})$"}]}
