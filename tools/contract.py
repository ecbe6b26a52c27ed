"""Writes the compiled form of the contract: what the YAML says, as JSON, with the digests of what it was made of.

    python tools/contract.py [--check]

Run it after every change of ``nlmon/compare/contract.yaml`` or its schema. A contract whose digest is not the one in
the compiled form is read and checked in full at every start, so a forgotten run costs time and never a wrong verdict.
"""

from __future__ import annotations

from pathlib import Path

from generated import run

from nlmon.compare.contract import COMPILED, compiled_bytes

# Of this tree, whichever nlmon is installed.
FOLDER = Path(__file__).parent.parent / "nlmon" / "compare"


def files() -> dict[Path, bytes]:
    """The compiled contract."""
    return {FOLDER / COMPILED.name: compiled_bytes(FOLDER)}


if __name__ == "__main__":
    run(files)
