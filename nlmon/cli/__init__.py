"""The command line: one module per command, thin, over what the other rooms offer.

Rules of this room:
1. Data goes to stdout, everything else to stderr; exit codes are those of ``main``.
2. A command loads what it needs when it is called, not at start.

Read ``main`` first, then ``groups`` of commands, and ``common``, ``lazy`` and ``output``, which the commands share. The
commands: ``info`` and ``stats``, ``layout``, ``decode``, ``replay`` with ``spread``, ``schema``, ``record`` and
``live``. ``record`` and ``live`` share ``listening``, ``replay`` and ``live`` share ``verdict``.

Not here: what a command finds out (``nlmon.engine``, ``nlmon.capture``), and how that looks (``nlmon.report``).
"""

__all__ = ()
