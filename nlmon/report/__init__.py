"""Reports: what a replay found, as values and in the forms that people and programs read.

Rules of this room:
1. ``model`` is the one source: a writer prints these values and computes nothing.
2. What comes from a recording or a file system is not trusted: ``text`` makes it fit for a terminal.

Read ``model`` first, then ``jsonout`` for programs, and ``pretty`` with its ``table`` for people.

Not here: how the values come about (``nlmon.engine.replay``), and where they go (``nlmon.cli``).
"""

__all__ = ()
