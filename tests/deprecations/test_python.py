"""What is old in Python, and where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.deprecations.python import find
from nlmon.errors import SourceError

INIT, ENABLE, MODULE = "nlmon_multi_protocol_init", "nlmon_multi_protocol_enable", "nlmon.compat"


def found(source: bytes) -> list[tuple[str, int, int]]:
    """What is found in a file, with line and column."""
    return [(one.row.name, *one.place) for one in find(source, "a.py")]


NAMES = {
    "imported": (f"from nlmon.compat import {INIT}", [(INIT, 1, 26)]),
    "called": (f"from nlmon.compat import {INIT}\n{INIT}()", [(INIT, 1, 26), (INIT, 2, 1)]),
    "renamed": (f"from nlmon.compat import {INIT} as start\nstart()", [(INIT, 1, 26), (INIT, 2, 1)]),
    "given away": (f"from nlmon.compat import {INIT}\nrun({INIT})", [(INIT, 1, 26), (INIT, 2, 5)]),
    "in brackets": (
        f"from nlmon.compat import (\n    NLMON_PROTO_ROUTE,\n    {INIT},\n)",
        [(MODULE, 2, 5), (INIT, 3, 5)],
    ),
    "all names": (f"from nlmon.compat import *\n{ENABLE}(ctx, 0)", [(MODULE, 1, 26), (ENABLE, 2, 1)]),
    "the module": (f"import nlmon.compat\nnlmon.compat.{INIT}()", [(MODULE, 1, 8), (INIT, 2, 14)]),
    "the module by another name": (f"import nlmon.compat as old\nold.{INIT}()", [(MODULE, 1, 8), (INIT, 2, 5)]),
    "the module of the package": (f"from nlmon import compat\ncompat.{INIT}()", [(MODULE, 1, 19), (INIT, 2, 8)]),
    "in a function": (
        f"def f():\n    from nlmon import compat as c\n    return c.{INIT}",
        [(MODULE, 2, 23), (INIT, 3, 14)],
    ),
    "an attribute in the next line": (
        f"from nlmon import compat\n(compat\n .{INIT})()",
        [(MODULE, 1, 19), (INIT, 3, 3)],
    ),
    "not imported": (f"{INIT}()", []),
    "of another module": (f"from mine import {INIT}\n{INIT}()", []),
    "of a module beside it": (f"from .compat import {INIT}\n{INIT}()", []),
    "another attribute": (f"from nlmon import compat\nmine.{INIT}()", [(MODULE, 1, 19)]),
    "a text": (f"library['{INIT}']()  # {INIT}", []),
    "new names": ("from nlmon.api import nlmon_netlink_init\nnlmon_netlink_init(None)", []),
    "behind a letter of two bytes": (f"from nlmon import compat as c\n'é', c.{INIT}", [(MODULE, 1, 19), (INIT, 2, 8)]),
}


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    """Imports, and each use, under whatever name it was imported."""
    text, expected = NAMES[name]

    assert found(text.encode()) == expected


FIELDS = {
    "annotated": ("def f(e: NlmonEvent): e.protocol", [("protocol", 1, 25)]),
    "annotated by its module": ("def f(e: nlmon.api.NlmonEvent): e.protocol", [("protocol", 1, 35)]),
    "annotated among others": ("def f(*, e: 'NlmonEvent | None' = None): e.data", [("data", 1, 44)]),
    "a variable": ("e: NlmonEvent = one()\ne.msg_type", [("msg_type", 2, 3)]),
    "a callback": ("def on(e, data): e.msg_type\nnlmon_nl_set_callback(c, on, None)", [("msg_type", 1, 20)]),
    "a callback of another library": ("def on(e): e.data\nclient.set_callback(on)\nmy_set_callback(on)", []),
    "a lambda": ("with Monitor() as m: m.set_callback(lambda e, d: e.protocol)", [("protocol", 1, 52)]),
    "a method": (
        "class A:\n def __init__(self):\n  self.m = api.Monitor()\n  self.m.set_callback(self.on)\n"
        " def on(self, e): e.data",
        [("data", 5, 21)],
    ),
    "a loop": ("async def f(m: Monitor):\n async for e in m: e.protocol", [("protocol", 2, 22)]),
    "a loop over what is made": ("async def f():\n async for e in Monitor(): e.data", [("data", 2, 30)]),
    "a loop over something else": ("import nlmon.api\nasync def f(m):\n async for e in m: e.protocol", []),
    "a function within": ("def f(e: NlmonEvent):\n def g(): return e.protocol", [("protocol", 2, 20)]),
    "new fields": ("def f(e: NlmonEvent): e.netlink.protocol, e.timestamp, e.type, e.interface", []),
    "another name": ("def f(e: NlmonEvent, packet): packet.protocol", []),
    "another class": ("def f(e: OtherEvent): e.protocol", []),
}


@pytest.mark.parametrize("name", FIELDS)
def test_fields_of_events(name: str) -> None:
    """Those of names that the program says to be events."""
    text, expected = FIELDS[name]

    assert found(text.encode()) == expected


def test_columns_do_not_depend_on_the_encoding() -> None:
    """They count characters."""
    text = f"# coding: latin-1\nfrom nlmon import compat as c\n'ä', c.{INIT}"

    assert found(text.encode("latin-1")) == [(MODULE, 2, 19), (INIT, 3, 8)]


BROKEN = [
    b"def f(:\n",
    b"x = 1\n  y = 2\n",
    b"\0",
    b"# coding: nothing\n",
    b"x = '\xff'\n",
    b"-" * 100_000 + b"1",
    b"(" * 1000,
]


@pytest.mark.parametrize("source", BROKEN, ids=lambda one: repr(one)[:20])
def test_what_is_no_python_is_refused(source: bytes) -> None:
    """Whatever Python itself says of it."""
    with pytest.raises(SourceError) as error:
        find(source, "a.py")

    assert error.value.code == "NLM-H004"


def test_a_mistake_has_a_place() -> None:
    """The line is Python's."""
    with pytest.raises(SourceError) as error:
        find(b"x = 1\n  y = 2\n", "a.py")

    assert (error.value.line, error.value.why) == (2, "unexpected indent")


PIECES = [
    "from nlmon.compat import ",
    INIT,
    "\n",
    "def f(e: NlmonEvent): ",
    "e.protocol",
    "import nlmon.compat",
    " ",
    "é",
    "(",
]


@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES)).map("".join).map(str.encode)))
def test_any_bytes_give_uses_or_an_error(source: bytes) -> None:
    """And nothing else."""
    try:
        places = [one.place for one in find(source, "a.py")]
    except SourceError as error:
        assert error.code == "NLM-H004"
    else:
        assert places == sorted(places)
