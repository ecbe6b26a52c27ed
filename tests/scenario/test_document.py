"""YAML is read as what JSON has of it, with places; whatever else a text holds is a mistake with a place."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.errors import ScenarioError
from nlmon.scenario.document import SIZE, Position, read_document
from nlmon.yamlfile import DEPTH

VALUES = [
    ("no", "no"),
    ("2026-01-31", "2026-01-31"),
    ("00:00:5e:00:53:01", "00:00:5e:00:53:01"),
    ("12:30:45", "12:30:45"),
    ("192.0.2.1", "192.0.2.1"),
    ("true", True),
    ("~", None),
    ("", None),
    ("010", 10),
    ("0x10", 16),
    ("0o17", 15),
    ("1.0", 1),
    ("2.5", 2.5),
    ("1e3", 1000),
    ("18446744073709551615", 2**64 - 1),
    ("'1'", "1"),
    (r'"\t\u00fc"', "\tü"),
    ("[1, {a: b}]", [1, {"a": "b"}]),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_a_value_is_that_of_the_core_schema(text: str, value: object) -> None:
    """YAML 1.2 as JSON has it: neither dates, nor yes and no, nor numbers to the base of 60."""
    found = read_document(f"key: {text}\n".encode(), "a.yaml").value

    assert (found, type(found["key"])) == ({"key": value}, type(value))


MISTAKES = [
    (b"a: \xff", "NLM-S001: the byte 0xff is no UTF-8 (a.yaml:1:4); save the file as UTF-8"),
    ("ä: \n  ü".encode() + b"\xc3", "NLM-S001: the byte 0xc3 is no UTF-8 (a.yaml:2:4); save the file as UTF-8"),
    (
        b" " * (SIZE + 1),
        "NLM-S002: a scenario has at most 65,536 bytes, and this file has more (a.yaml); "
        "give messages in a capture and not in the scenario",
    ),
    (b"a: b\nc: \x07", "NLM-S003: the character U+0007 may not stand in YAML (a.yaml:2:4)"),
    (
        b"a: b: c",
        "NLM-S003: this is no YAML (a.yaml:1:5): mapping values are not allowed here; look at the indent, for a colon "
        "that is missing in the line above, and for a colon in a text without quotes",
    ),
    (
        b"a: x\nb: 'y\nc: z\n",
        "NLM-S003: this is no YAML (a.yaml:2:4): the text in quotes does not end; put the same quote at its end",
    ),
    (
        b"a: 'y\n---\nb: z'\n",
        "NLM-S003: this is no YAML (a.yaml:1:4): the text in quotes does not end; put the same quote at its end",
    ),
    (
        b'a: "C:\\dir"',
        "NLM-S003: this is no YAML (a.yaml:1:8): found unknown escape character 'd'; "
        "write two backslashes for one, or use single quotes",
    ),
    (
        b"a: @x",
        "NLM-S003: this is no YAML (a.yaml:1:4): found character '@' that cannot start any token; "
        "put the text in quotes",
    ),
    (
        b'a: "b"c"',
        "NLM-S003: this is no YAML (a.yaml:1:7): expected <block end>, but found '<scalar>'; "
        "look at the indent, and for quotes in a text",
    ),
    (
        b"a: [1,",
        "NLM-S003: this is no YAML (a.yaml:1:7): expected the node content, but found '<stream end>'; "
        "look for a bracket that is not closed; or put the text in quotes",
    ),
    (b'"\\U99999999"', "NLM-S003: this is no YAML (a.yaml:1:1)"),
    (b"a:\n\tb: 2\n", "NLM-S004: a tab cannot stand here (a.yaml:2:1); indent with spaces"),
    (b"a: 1\nb: 2\na: 3", "NLM-S005: the key 'a' is given twice (a.yaml:3:1); it is in line 1, too"),
    (
        b"a: &x [1]\nb: [*x, *x]",
        "NLM-S006: anchors and aliases are no part of the format (a.yaml:1:4); write the value out",
    ),
    (b"a: *x", "NLM-S006: anchors and aliases are no part of the format (a.yaml:1:4); write the value out"),
    (b"a: !!python/name:os.system x", "NLM-S006: tags are no part of the format (a.yaml:1:4); leave it out"),
    (
        b"a: !interface == 'lo'",
        "NLM-S006: tags are no part of the format (a.yaml:1:4); a text that begins with ! stands in quotes",
    ),
    (
        b"a: ! interface == 'lo'",
        "NLM-S006: tags are no part of the format (a.yaml:1:4); a text that begins with ! stands in quotes",
    ),
    (b"", "NLM-S007: the file is empty (a.yaml:1:1)"),
    (b"# nothing\n", "NLM-S007: the file is empty (a.yaml:1:1)"),
    (b"a: 1\n---\nb: 2\n", "NLM-S007: a file holds one scenario, and here begins a second (a.yaml:2:1)"),
    (b"[" * 1000, f"NLM-S008: values nest deeper than {DEPTH} levels (a.yaml:1:{DEPTH + 1})"),
    (b"1: 2", "NLM-S009: a key is a text (a.yaml:1:1); put it in quotes"),
    (b"? [a]\n: 1", "NLM-S009: a key is a text (a.yaml:1:3); put it in quotes"),
    (b"a: .inf", "NLM-S009: .inf is no number that JSON has (a.yaml:1:4); put a text in quotes"),
    (b"a: 1e999", "NLM-S009: 1e999 is no number that JSON has (a.yaml:1:4)"),
    (b"a: 999999999999999999999", "NLM-S009: a number has at most 20 digits (a.yaml:1:4)"),
    (b'a: "\\ud800"', "NLM-S009: half of a surrogate pair is no character (a.yaml:1:4)"),
]


@pytest.mark.parametrize(("data", "text"), MISTAKES, ids=lambda one: one[:40] if isinstance(one, str) else "")
def test_a_text_that_is_no_document_says_where(data: bytes, text: str) -> None:
    """Code, what is wrong, line and column."""
    with pytest.raises(ScenarioError) as caught:
        read_document(data, "a.yaml")

    assert str(caught.value) == text


def test_values_and_keys_have_places() -> None:
    """From 1, and a value that is left out is where its key is."""
    document = read_document("\ufeffa:\n  - x\n  - {b: ü, c: 1}\nd:\n".encode(), "a.yaml")

    assert document.place(("a", 1, "c")) == Position(3, 15)
    assert document.key_place(("a", 1, "c")) == Position(3, 12)
    assert document.place(("d",)) == Position(4, 1)
    assert document.place(("a", 1, "not", "there")) == Position(3, 5)


TEXTS = st.text(max_size=200) | st.text("[]{}:,-?&*!|>'\"%@#\n\t a1.~\\")


@given(st.binary(max_size=200) | TEXTS.map(str.encode))
def test_any_bytes_are_a_document_or_a_mistake(data: bytes) -> None:
    """Never another exception."""
    try:
        read_document(data, "a.yaml")
    except ScenarioError as error:
        assert error.code.startswith("NLM-S00")


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["[", "{", "[{", "- ", "{a: ", "{? ", "a,", "[],", '"', "&a ", "? ", "\n", "#"])
def test_no_text_takes_long(piece: str) -> None:
    """Neither deep nesting nor what the parser must look far ahead for; a file has a size."""
    data = (piece * SIZE)[:SIZE].encode()
    begin = time.process_time()
    with suppress(ScenarioError):
        read_document(data, "a.yaml")

    assert time.process_time() - begin < 20
