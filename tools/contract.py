"""Writes the compiled forms of the contract and of the statements: what the YAML says, as JSON, with digests.

    python tools/contract.py [--check]

Run it after every change of ``nlmon/compare/contract.yaml``, of a file in ``nlmon/compare/provides``, or of their
schemas. A file whose digest is not the one in the compiled form is read and checked in full at every start, so a
forgotten run costs time and never a wrong verdict.
"""

from __future__ import annotations

from pathlib import Path

from generated import run

from nlmon.compare import contract, statement

# Of this tree, whichever nlmon is installed.
FOLDER = Path(__file__).parent.parent / "nlmon" / "compare"


def files() -> dict[Path, bytes]:
    """The compiled contract, and the compiled statements."""
    return {
        FOLDER / contract.COMPILED.name: contract.compiled_bytes(FOLDER),
        FOLDER / statement.COMPILED.name: statement.compiled_statements(FOLDER),
    }


if __name__ == "__main__":
    run(files)
