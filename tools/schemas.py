"""Writes docs/schemas: the JSON Schema of everything that nlmon and the benchmark print as JSON.

    python tools/schemas.py [--check]

They are what ``nlmon schema NAME`` and ``python -m benchmarks --schema`` print.
"""

from __future__ import annotations

import sys
from pathlib import Path

from generated import run

from nlmon.cli.schema import SCHEMAS, schema_text

REPOSITORY = Path(__file__).parent.parent
FOLDER = REPOSITORY / "docs" / "schemas"


def files() -> dict[Path, bytes]:
    """Every published schema."""
    sys.path.insert(0, str(REPOSITORY))
    from benchmarks.report import schema  # noqa: PLC0415  (it is not installed)

    texts = {name: schema_text(name) for name in SCHEMAS} | {"bench": schema()}
    return {FOLDER / f"{name}.schema.json": text.encode() for name, text in texts.items()}


if __name__ == "__main__":
    run(files)
