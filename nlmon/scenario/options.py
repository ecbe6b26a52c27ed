"""How scenarios are run: what whoever runs them decides, and no scenario.

Not here: where these come from (``nlmon.cli``), and what a scenario itself says (``model``).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from nlmon import __version__
from nlmon.compare.known import KnownDifference
from nlmon.report.policy import Policy

__all__ = ["RunOptions"]


class RunOptions(Struct, frozen=True, kw_only=True):
    """``source``: run over recordings, on the running kernel, or (``""``) as each scenario is made for. ``policy``: the
    evidence that a verdict needs; ``known``: entries of the file of known differences, with their numbers. ``names``:
    reference and candidate instead of those that a scenario names, empty for one that stays. ``allow_run``: do what
    reaches out of the scenario: captures outside its folder, programs that are not listed, Python. ``folders``:
    absolute paths of folders whose captures scenarios may use, beside their own. ``seed``: instead of that of the
    scenario. ``time_scale``: deadlines are so many times longer. ``record``: a folder for the recordings of live
    runs, empty: none is kept; ``beside``: keep those of scenarios that pass beside them. ``only``: ids of the cases
    that are meant, empty for all. ``version``: of the nlmon that asks for it."""

    source: Literal["", "recorded", "live"] = ""
    policy: Policy = Policy()
    known: tuple[tuple[int, KnownDifference], ...] = ()
    names: tuple[str, str] | None = None
    allow_run: bool = False
    folders: tuple[str, ...] = ()
    seed: int | None = None
    time_scale: float = 1.0
    record: str = ""
    beside: bool = False
    only: tuple[str, ...] = ()
    version: str = __version__
