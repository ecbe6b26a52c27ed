"""Rewriting a configuration for the other implementation, in both directions, and what each key means to each of them.

    done = rewrite(data, "nlmon.yaml", "legacy", environ=os.environ, provided=provided, contract=contract)
    done.changes, done.findings, done.data

By the way of the data: ``nodes`` finds where everything stands in the text, and ``steps`` the keys in it. ``fields``
has the other names of fields, ``switch`` the text of the choice, ``measured`` what recordings need, and ``losses`` and
``absent`` say what would not work. ``edits`` changes the text, ``added`` finds places for new keys, ``proof`` reads the
result again, and ``rewrite`` makes a ``Rewriting`` (``model``) of all that. ``options`` is the table of keys.

Rules:
1. Values in, values out: no file, no clock, no environment but what is given.
2. Everything outside of a changed key stays byte for byte, and every line that is a comment stays.
3. What is written is read again. What does not say exactly what was meant is not given to anybody.

Not here: reading and writing files, and the commands (``nlmon.cli``), and who provides a field
(``nlmon.monitor.filterfields``).
"""

from __future__ import annotations

from nlmon.migrate.model import Change, Finding, Rewriting
from nlmon.migrate.rewrite import rewrite

__all__ = ["Change", "Finding", "Rewriting", "rewrite"]
