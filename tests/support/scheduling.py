"""Which worker of pytest-xdist runs which tests: a group is run by one, and so is a module without groups.

Not here: which tests have a group (``pytest.mark.xdist_group``), and what comes first (``conftest``).
"""

from __future__ import annotations

from xdist.scheduler import LoadGroupScheduling

__all__ = ["ByModule"]


class ByModule(LoadGroupScheduling):
    """Tests of a group stay together, and the other tests of a module do, so that recordings, tables and fixtures that
    they share are read and made by one worker alone."""

    def _split_scope(self, nodeid: str) -> str:
        scope: str = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if scope == nodeid else scope
