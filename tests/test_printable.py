"""Text for terminals and JSON for programs: nothing in it acts, nothing is dropped."""

from __future__ import annotations

import json
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.printable import printable, printable_json

TABLE = {
    "eth0": "eth0",
    "naïve über 漢": "naïve über 漢",
    "e\x1b[31mX": "e\\x1b[31mX",
    "a\nb\r\t\x00": "a\\nb\\r\\t\\x00",
    "\x9b2J": "\\x9b2J",
    "\u202egnp": "\\u202egnp",
    "\udcff": "\\udcff",
}
# C1, DEL, what turns the direction of text, ends of lines, and a tag beyond the first 65,536.
CONTROLS = ["\x7f", *map(chr, range(0x80, 0xA0)), *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e", "\U000e0001"]
CONTROLS += ["\u2066", "\u2067", "\u2068", "\u2069", "\u2028", "\u2029", "\u200b", "\ufeff"]


@pytest.mark.parametrize(("text", "shown"), TABLE.items())
def test_controls_are_shown_as_escapes(text: str, shown: str) -> None:
    """Escape sequences, line ends, controls of text direction and lone surrogates."""
    assert printable(text) == shown


@given(st.text())
def test_what_is_shown_is_printable(text: str) -> None:
    """No character of any text acts on a terminal, and printable text is itself."""
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_json_escapes_controls(control: str) -> None:
    """As \\\\uNNNN, in two where UTF-16 has two."""
    text = f'{{"über {control}": "{control}x"}}'
    escape = json.dumps(control)[1:-1] if control != "\x7f" else "\\u007f"

    assert printable_json(text.encode()).decode() == text.replace(control, escape)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_holds_the_same(text: str) -> None:
    """Any text is read again as it was, and no character of its JSON acts."""
    data = printable_json(msgspec.json.encode([text]))

    assert msgspec.json.decode(data) == [text]
    assert data.decode().isprintable()


@pytest.mark.slow
def test_every_character_is_judged_alike() -> None:
    """What text for people shows as an escape, JSON has as one."""
    characters = [chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n < 0xE000]
    written = printable_json(msgspec.json.encode(characters)).decode()

    assert written.isprintable()
    assert msgspec.json.decode(written) == characters
