"""Scenarios: files that say what happens, which implementations take part and what must hold.

``document`` reads YAML with the place of every value, ``schema`` says what may be written, ``load`` makes a scenario of
a text, whose values are those of ``model``. ``mistakes`` has the words for what is wrong in a file. ``expectation``
holds events against what a scenario expects of them. ``check`` says whether a suite of scenarios is in order.

Not here: finding and reading files (``nlmon.cli.scenario_files``).
"""

__all__ = ()
