"""Both implementations against decoders that share no code with them, message by message and field by field."""

from __future__ import annotations

from functools import cache

import pytest

from peers.cases import CASES
from peers.table import SHOWN, Case, Tally, run

RUNS = [
    pytest.param(case, backend, id=f"{case}-{backend}", marks=[pytest.mark.peer] if case.runs else [])
    for case in CASES
    for backend in case.backends
]


@cache
def tally(name: str, backend: str) -> Tally:
    """The result of a case, by its name: two tests look at it."""
    return run(next(case for case in CASES if str(case) == name), backend)


@pytest.mark.parametrize(("case", "backend"), RUNS)
def test_the_peer_agrees(case: Case, backend: str) -> None:
    """Every field of every message is what the peer says, or the case's table says why not."""
    found = tally(str(case), backend)

    assert found.wrong[:SHOWN] == []
    assert found.messages == case.messages
    assert found.equal.total() >= case.messages


@pytest.mark.parametrize(("case", "backend"), RUNS)
def test_no_table_is_stale(case: Case, backend: str) -> None:
    """Every excuse is needed, and every field was seen with a telling value, but those called silent."""
    found = tally(str(case), backend)
    silent = (set(found.equal) | set(found.excused)) - set(found.said)

    if backend == "libnl":  # which provides every field
        assert (set(found.excused), silent) == (set(case.excuses), set(case.silent))
    else:
        assert (set(found.excused) - set(case.excuses), silent - set(case.silent)) == (set(), set())
