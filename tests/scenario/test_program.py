"""The program inside of a sandbox is made of the text of its modules, whoever has loaded them."""

from __future__ import annotations

import marshal
from importlib import import_module

import pytest

from nlmon.errors import InternalError
from nlmon.scenario import program


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """What other tests have compiled."""
    program.compiled.cache_clear()


def test_the_program_does_not_ask_who_loaded_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """As pytest, which loads the modules of an installed plugin and has no code of them to give."""
    for name in program.MODULES:
        monkeypatch.setattr(import_module(name).__spec__, "loader", object())

    assert [name for name, _ in marshal.loads(program.compiled())] == list(program.MODULES)


def test_a_text_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ours, and none of the system."""
    monkeypatch.setattr(program, "MODULES", ("nlmon.scenario.none",))

    with pytest.raises(InternalError, match=r"NLM-X019: the text of nlmon\.scenario\.none cannot be read"):
        program.compiled()
