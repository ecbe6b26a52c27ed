"""What is old in C, and where; names that the compiler would not see are none."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.deprecations.c import find

# The programs of the guide, by the line that each begins behind; all others have nothing old.
FOLDER = Path(__file__).parent / "guide"
GUIDE = {
    "0433": [
        ("netlink_multi_protocol.h", 1, 10),
        ("nlmon_multi_protocol_init", 3, 40),
        ("nlmon_multi_protocol_enable", 4, 1),
        ("nlmon_multi_protocol_set_callback", 5, 1),
        ("nlmon_multi_protocol_get_fd", 8, 10),
        ("nlmon_multi_protocol_process", 10, 1),
        ("nlmon_multi_protocol_destroy", 12, 1),
    ],
    "0842": [("nlmon_multi_protocol_init", 4, 44)],
}


def found(text: str) -> list[tuple[str, int, int]]:
    """What is found in a text, with line and column."""
    return [(one.row.name, *one.place) for one in find(text.encode())]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.c")), ids=lambda path: path.stem)
def test_programs_of_the_guide(path: Path) -> None:
    """Those before the move have what the guide replaces in them, and those after have nothing."""
    assert found(path.read_text(encoding="utf-8")) == GUIDE.get(path.stem, [])


def test_the_guide_has_programs() -> None:
    """Those with something old are among them."""
    assert GUIDE.keys() < {path.stem for path in FOLDER.glob("*.c")}


INIT = "nlmon_multi_protocol_init"
NAMES = {
    "a call": (f"{INIT}();", [(INIT, 1, 1)]),
    "a line without an end": (INIT, [(INIT, 1, 1)]),
    "a part of another name": (f"my_{INIT} {INIT}2;", []),
    "a comment": (f"/* {INIT} */ // {INIT}\nint a; // \\\n{INIT}", []),
    "a comment without an end": (f"/* {INIT}\n{INIT}", []),
    "a text": (f'puts("{INIT}"); puts("\\"{INIT}");', []),
    "a character before": (f"char c = '\"'; {INIT}();", [(INIT, 1, 15)]),
    "an alias": (f"#define OPEN {INIT}", [(INIT, 1, 14)]),
    "an alias of many lines": (f"#define OPEN(x) \\\n  do {{ \\\n    {INIT}(); \\\n  }} while (0)", [(INIT, 3, 5)]),
    "a text in an alias": (f'# define OPEN "http://{INIT}"', []),
    "a name over two lines": ("  nlmon_multi_\\\nprotocol_init();\nint x;", [(INIT, 1, 3)]),
    "behind a name over two lines": (f"in\\\nt x = {INIT}();", [(INIT, 2, 7)]),
    "lines of Windows": (f"int x;\r\n#define OPEN \\\r\n {INIT}\r\n", [(INIT, 3, 2)]),
    "a text that is no error": (f"#error don't use {INIT}\n{INIT}();", [(INIT, 2, 1)]),
    "what is left out": (f"#if 0\n{INIT}();\n#if X\n#else\n{INIT}();\n#endif\n#endif\n{INIT}();", [(INIT, 8, 1)]),
    "what is there instead": (f"#if 0\n{INIT}();\n#else\n{INIT}();\n#endif", [(INIT, 4, 1)]),
    "a condition": (f"#if defined({INIT})\n#endif", [(INIT, 1, 13)]),
    "a declaration": (f"extern void *{INIT}(void);", [(INIT, 1, 14)]),
    "a header in a folder": ("#include <nlmon/netlink_multi_protocol.h>", [("netlink_multi_protocol.h", 1, 10)]),
    "another header": ('#include "my_netlink_multi_protocol.h"', []),
    "a letter of two bytes": (f'puts("é"); {INIT}();', [(INIT, 1, 12)]),
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    """Where the compiler sees a name it is a use, wherever else it is none."""
    text, expected = NAMES[name]

    assert found(text) == expected


FIELDS = {
    "a parameter": ("void f(struct nlmon_event *e) { e->protocol; }", [("protocol", 1, 36)]),
    "constant": ("void f(const struct nlmon_event *const e) { e->msg_type; }", [("msg_type", 1, 48)]),
    "the second parameter": ("void f(int a, struct nlmon_event *e, int b) { e->data; b->data; }", [("data", 1, 50)]),
    "a variable": ("void f(void) { struct nlmon_event e; e.protocol = 0; }", [("protocol", 1, 40)]),
    "behind a value, which is not looked past": ("struct nlmon_event *a = x, *b;\nint y = b->protocol;", []),
    "several variables at once": ("struct nlmon_event *a, *b;\nint y = b->protocol;", [("protocol", 2, 12)]),
    "what a pointer points to": (
        "void f(struct nlmon_event *e) { (*e).protocol; (*x).protocol; }",
        [("protocol", 1, 38)],
    ),
    "the new field": ("void f(struct nlmon_event *e) { e->netlink.protocol; e->timestamp; e->type; }", []),
    "another variable": ("void f(struct nlmon_event *e) { skb->protocol; x.e->protocol; }", []),
    "another structure": ("void f(struct sk_buff *e) { e->protocol; }", []),
    "another function": ("void f(struct nlmon_event *e) { }\nvoid g(struct sk_buff *e) { e->protocol; }", []),
    "a function that is declared": ("void f(struct nlmon_event *e);\nint x = e->protocol;", []),
    "an inner block": ("void f(void) { { struct nlmon_event e; } e.protocol; }", []),
}


@pytest.mark.parametrize("name", FIELDS)
def test_fields_of_events(name: str) -> None:
    """Those of a variable that is declared as an event, in the block where it is known."""
    text, expected = FIELDS[name]

    assert found(text) == expected


WORDS = [
    INIT,
    "struct nlmon_event *e",
    "e->protocol",
    "#if 0\n",
    "#else\n",
    "#endif\n",
    "#define ",
    "\\\n",
    "/*",
    "*/",
    '"',
]


@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.sampled_from([*WORDS, "{", "}", "(", ")", ";", "\n"])).map("".join).map(str.encode),
    )
)
def test_any_bytes_give_a_list(data: bytes) -> None:
    """With places that are in the file."""
    lines = data.count(b"\n") + 1

    assert [one for one in find(data) if not (1 <= one.place.line <= lines and one.place.column >= 1)] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    ["\n", " ", "a ", "#", "/*", "//", "(", "\\\n", '"', "#if 0\n", "1'", "struct ", "struct nlmon_event *e;{", "a\\"],
)
def test_the_time_grows_with_the_length(piece: str) -> None:
    """No text takes the square of its length: 100,000 characters of any piece are done within seconds."""
    data = (piece * (100_000 // len(piece))).encode()
    begin = time.process_time()
    find(data)

    assert time.process_time() - begin < 5
