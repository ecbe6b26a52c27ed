"""Filters: conditions on events, written as text such as ``netlink.link.mtu > 1400 AND interface =~ "^wlan"``.

    text ─► parse (grammar.lark) ─► tree: fields, constants ─► compile ─► a function of an event

Rules:
1. A filter is compiled once; matching an event parses nothing and looks nothing up by name.
2. Text of a user is never run as Python. The functions that match are closures over values.
3. A comparison of a field that the event does not have is false, whatever the operator; NOT turns it round.
4. One table of fields (``fields``), made from the structures of events, is what the parser, the documentation and
   completion know.

Not here: who provides a field (``nlmon.compare.statement``), and what filters are used for (``nlmon.engine``,
``nlmon.cli``).
"""

from __future__ import annotations

from nlmon.errors import FilterError
from nlmon.filters.compile import Filter, compile_filter

__all__ = ["Filter", "FilterError", "compile_filter"]
