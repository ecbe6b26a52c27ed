"""Both implementations against decoders that share no code with them, message by message and field by field."""

from __future__ import annotations

from functools import cache

import pytest

from nlmon.compare.contract import load_contract
from nlmon.compare.statement import statement_of
from peers.cases import CASES
from peers.table import SHOWN, Case, Tally, run

# Where legacy speaks too: the kind of payload in the contract.
KINDS = {"conntrack": "conntrack", "sock_diag": "diag", "generic": "generic", "nl80211": "generic"}
pytestmark = pytest.mark.slow

RUNS = [
    pytest.param(
        case,
        backend,
        id=f"{case}-{backend}",
        # A recording is dissected once for all cases of its protocol.
        marks=[pytest.mark.xdist_group(f"peers of {case.protocol}"), *([pytest.mark.peer] if case.runs else [])],
    )
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


@pytest.mark.parametrize(("case", "backend"), RUNS)
def test_only_what_the_contract_does_not_require_is_not_compared(case: Case, backend: str) -> None:
    """A field that the implementation leaves unset is one that the contract lets it leave."""
    unset = {name.partition(".")[0] for name in tally(str(case), backend).not_provided} - set(case.derived)

    if backend == "libnl":
        assert tally(str(case), backend).not_provided.total() == 0
    else:
        kind = load_contract().kinds[KINDS[case.protocol]]
        assert unset & statement_of(backend).fields[kind.name] == set()
        assert unset <= {field.name for field in kind.fields} | {"event"}
