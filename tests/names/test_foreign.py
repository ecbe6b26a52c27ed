"""Text of others without data: no key in any of the forms in which Python shows bytes."""

from __future__ import annotations

import base64
import random

import pytest

from nlmon.names.foreign import LONGEST, raised_text, without_data

KEY = bytes(random.Random(20).randbytes(20))
FORMS = {
    "bytes": repr(KEY),
    "a bytearray": repr(bytearray(KEY)),
    "bytes that are cut": repr(KEY)[:40],
    "hexadecimal": KEY.hex(),
    "pairs": KEY.hex(" "),
    "colons": KEY.hex(":"),
    "words": KEY.hex(" ", 4),
    "numbers": ", ".join(map(hex, KEY)),
    "escapes": "".join(f"\\x{one:02x}" for one in KEY),
    "decimals": " ".join(map(str, KEY)),
    "a list": repr(list(KEY)),
    "a number": str(int.from_bytes(KEY)),
    "a large hexadecimal number": hex(int.from_bytes(KEY)),
    "base64": base64.b64encode(KEY).decode(),
    "base64 for addresses": base64.urlsafe_b64encode(KEY).decode(),
    "a dict": str({"ifindex": 3, "key": KEY, "password": "hunter2 and more"}),
    "a text": repr("hunter2 and more"),
    "Latin-1": KEY.decode("latin-1"),
    "lossy UTF-8": KEY.decode("utf-8", "replace"),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("text", ["{}", "bad key {} in a message", "key={}", "key:{}, then more", "f({})"])
def test_no_key_is_shown(form: str, text: str) -> None:
    """Six characters of it in a row stand nowhere."""
    shown = without_data(text.format(form))
    form = form.removeprefix("bytearray")

    assert "characters)" in shown
    assert [part for at in range(len(form) - 5) if (part := form[at : at + 6]) in shown and part.strip(" 0\\x")] == []


@pytest.mark.parametrize("size", [9, 16, 32, 64])
def test_hardly_any_base64_looks_like_a_name(size: int) -> None:
    """Of a thousand keys of each length."""
    rng = random.Random(size)
    texts = [base64.b64encode(rng.randbytes(size)).decode().rstrip("=") for _ in range(1000)]

    assert sum(text in without_data(text) for text in texts) <= 10


@pytest.mark.parametrize(
    "text",
    [
        "unpack requires a buffer of 4 bytes",
        "NLM-D004: an attribute is too short (frame 17, offset 0x20, IFLA_LINKINFO/IFLA_INFO_KIND)",
        "list index out of range",
        "'int' object has no attribute 'hex'",
        "no place in {1, 2}",
        "deadbeef of 123456789",
        "address 2001:db8::1 of 00:11:22:33:44:55 at 192.0.2.1",
        "the parents' list, which isn't there",
        "NL80211_ATTR_KEY in process_datagram of LibnlBackend",
        "",
    ],
)
def test_words_names_and_short_values_are_shown(text: str) -> None:
    """As they are."""
    assert without_data(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("KeyError: 'IFLA_ADDRESS'", "KeyError: (14 characters)"),
        ("a b'0123456789' z", "a (13 characters) z"),
        ("a b'abcde' z", "a (8 characters) z"),
        ("bytearray(b'abcde')", "bytearray((8 characters))"),
        ("b'ab' and b\"ab\"", "(5 characters) and (5 characters)"),
        ("the key 'hunter22'", "the key (10 characters)"),
        ("KeyError: '7'", "KeyError: (3 characters)"),
        ("[b'abcd'] z", "(9 characters) z"),
        ("key 0102030405, then", "key (10 characters), then"),
        ("key=deadbeefcafebabe", "key=(16 characters)"),
        ("key 0x0102030405", "key (12 characters)"),
        ("NL_0102030405", "(13 characters)"),
        ("it is 'open", "it is 'open"),
        ("it is 'open and long", "it is (14 characters)"),
        ("{'a': 1, 'b': [2]} z", "(18 characters) z"),
        ("zz " * 100, f"{('zz ' * 100)[:LONGEST]} …"),
        ("\0", "(1 characters)"),
    ],
)
def test_data_is_shown_as_a_length(text: str, expected: str) -> None:
    """In characters of the text."""
    assert without_data(text) == expected


def test_an_exception_without_a_text() -> None:
    """It may have a class of its own, whose text cannot be had."""

    class Silent(ValueError):
        def __str__(self) -> str:
            raise ValueError("no text")

    assert (raised_text(Silent()), raised_text(IndexError("boom"))) == ("Silent: (no text)", "IndexError: boom")


@pytest.mark.parametrize("piece", ["{", "'", "a1", "ab ", "\\", "a  "])
def test_long_texts_take_no_time(piece: str) -> None:
    """No form of text makes the search for data slow."""
    assert len(without_data(piece * 50_000)) <= LONGEST + 2
