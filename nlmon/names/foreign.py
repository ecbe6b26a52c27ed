"""Text that somebody else wrote, such as that of an exception, without the data of a message in it: there may be keys.

Rules:
1. What may be data is shown as a length: bytes as Python shows them, what stands in quotes and is no word of letters,
   what is in brackets, and both where they are longer than eight characters; ten hexadecimal digits, nine numbers in a
   row, base64. A text with control characters is data as a whole.
2. What remains are words, names such as ``NL80211_ATTR_KEY``, and short numbers. A key that an implementation puts into
   a sentence of its own, as a word among words, is not distinguished from it; nor is one of five to eight bytes in
   pairs of digits from an address of a link.
3. No more than 200 characters.

Not here: the attributes that hold keys (``secret``).
"""

from __future__ import annotations

import re

__all__ = ["LONGEST", "raised_text", "without_data"]

# Characters of a text that are looked at, and that are shown.
READ, LONGEST = 10_000, 200
# Characters in quotes or brackets that are shown.
SHORT = 8
_DATA = re.compile(
    r"""
      (?P<quoted>(?<![A-Za-z0-9])[bBrRuU]{0,2}(?P<quote>['"])(?:\\.|(?!(?P=quote))[^\\])*(?:(?P=quote)|\\?$))
    | (?P<listed>[\[{](?:.*[\]}]|.*))
    | (?P<row>[0-9A-Fa-f]{10,}
        |(?:0x|\\x)?[0-9A-Fa-f]{2}(?:[\s,:;.|-]{0,3}(?:0x|\\x)?[0-9A-Fa-f]{2}){8,}[0-9A-Fa-f]?
        |(?:0x)?[0-9A-Fa-f]{1,3}(?:[\s,:;.|-]{1,3}(?:0x)?[0-9A-Fa-f]{1,3}){8,})
    | (?P<word>[A-Za-z0-9+/_-]{12,}={0,2})
    """,
    re.VERBOSE | re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
# A name has parts of one case, or words that begin with a capital letter, and short numbers behind them.
_PART = re.compile(r"(?:[a-z]+|[A-Z]+|[A-Z]?[a-z]{2,}(?:[A-Z][a-z]{2,})*)?\d{0,5}")
_HEX = re.compile(r"[0-9A-Fa-f]{10}")
_QUOTE = re.compile("['\"]")
_WORD = re.compile(r"""['"][A-Za-z_ ]*['"]?""")


def raised_text(error: BaseException) -> str:
    """What an exception says, by the name of its class and without data."""
    try:
        text = str.__str__(str(error))  # which may be of a class of its own
    except KeyboardInterrupt:
        raise
    except BaseException:  # of a class of its own
        text = "(no text)"
    return f"{without_data(type(error).__name__)}: {without_data(text)}"


def without_data(text: str) -> str:
    """``text`` with a length for all that may be data."""
    if _CONTROL.search(text):
        return _length(len(text))
    shown = _DATA.sub(_shown, text[:READ])
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]} …"


def _shown(found: re.Match[str]) -> str:
    text, kind = found[0], found.lastgroup
    if kind == "word":
        is_name = all(map(_PART.fullmatch, re.split(r"[_/+=-]+", text))) and not _HEX.search(text)
        return text if is_name else _length(len(text))
    is_plain = _WORD.fullmatch(text) if kind == "quoted" else kind == "listed" and not _QUOTE.search(text)
    return text if is_plain and len(text) <= SHORT + 2 else _length(len(text))


def _length(characters: int) -> str:
    return f"({characters:,} characters)"
