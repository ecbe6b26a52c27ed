"""What the tests share: builders of messages, a kernel in memory, recordings, namespaces.

Messages: ``flows``, ``sockets``, ``xfrm``, ``policies``. Stand-ins: ``workers``. Reading and
comparing: ``decoding``, ``agreement``, ``layouts``, ``verdicts``, ``oracle``. The machine: ``paths``, ``requirements``,
``namespaces`` and, for scripts inside one, ``live``.

Not here: tests.
"""

__all__ = ()
