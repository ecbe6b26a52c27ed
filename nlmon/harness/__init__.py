"""Implementations that are programs of others: one JSON object a line on stdin and stdout (``docs/harness.md``).

``protocol`` has the lines as values and ``schema`` their JSON Schema; ``command`` is what is started, ``program`` a
child process that speaks in lines, ``said`` its standard error, ``conversation`` the order in which lines come,
``backend`` the program as an implementation like ours.
``values`` makes payloads of what a program writes, with the ``widths`` of numbers and the ``spelling`` of addresses.
``named`` finds programs by name, ``serve`` is the other side, with an implementation of ours; ``check`` says what an
author got wrong, and ``samples`` what it is held against.
``lines`` is what a program says without bytes, ``logfile`` reads a log of it, ``events`` lets that stand for an
implementation, ``live`` is such a program while it runs, and ``played`` one that is played a recording.

Not here: what is compared, and who is right (``nlmon.compare``, ``nlmon.engine``).
"""

from __future__ import annotations

__all__ = ()  # each module has its own
