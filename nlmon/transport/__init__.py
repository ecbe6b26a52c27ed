"""The world of a backend: datagrams in and out, from the running kernel or from a recording that plays one.

Rules of this room:
1. A backend sees ``base`` and nothing else; ``kernel`` and ``recorded`` are two ways to be it.
2. Of a message only what the kernel's side must know is read, and that reading is shared with no implementation.
3. What was not recorded is refused as a kernel refuses it; nothing is made up.

Read ``base`` first. A recording begins with ``dumps`` and has ``kernel`` with ``recorder`` around it, a live comparison
``kernel`` behind a ``tap``, and a replay ``recorded``. ``wrapped`` is what recorder and tap have in common.

Not here: decoding (``nlmon.backends``), and files (``nlmon.capture``).
"""

__all__ = ()
