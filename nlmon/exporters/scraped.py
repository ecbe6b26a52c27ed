"""What was scraped, read back: the samples of a text in the format of Prometheus.

Not here: metrics and their names (``metrics``), and answering a scrape (``prometheus``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

__all__ = ["Sample", "samples_of"]

_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


class Sample(Struct, frozen=True):
    """A sample of a metric."""

    name: str
    labels: Mapping[str, str]
    value: float


def samples_of(text: str) -> tuple[Sample, ...]:
    """The samples of what was scraped, in the text format of Prometheus."""
    return tuple(
        Sample(found[1], dict(_LABEL.findall(found[2] or "")), float(found[3]))
        for line in text.splitlines()
        if not line.startswith("#") and (found := _SAMPLE.fullmatch(line)) is not None
    )
