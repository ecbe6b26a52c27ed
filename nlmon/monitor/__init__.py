"""The running monitor: a configuration, the events of the kernel or of a recording, and the exports.

    sockets of the running kernel ─┐ event and     ┌─ monitoring.*, filters, rate limit ─► exports, each behind a queue
    a recording (--replay)        ─┴─ its datagram ┴─ counters ─► status

``plan`` says what a configuration asks for; ``exports`` opens what events go out by; ``pipeline`` decides of each event
what becomes of it; ``sources`` reads the running kernel, ``recorded`` a capture, and ``trial`` only tries what would be
opened. ``running`` is a monitor from start to end: its ``loop`` waits for all ``parts`` at once, signals, sockets,
``files`` and questions, with no thread but those of the exports. ``counted`` puts the ``status`` together, which
``control`` gives to who asks over its socket (``asking``), in a folder that ``runtime`` trusts. ``messages`` are what
it says of its own work, in a ``log`` whose lines go to the ``journal`` or to standard error, and ``tracing`` is what it
says of every datagram; ``service`` notifies the service manager. ``privileges`` says who it runs as, by the calls of
``capabilities`` and ``users``.

Small parts of these: ``totals`` of sockets that follow one another, ``warmup`` before the first message, ``resident``
memory, and the ``title`` of the process. ``benchmark`` measures with ``traffic`` and counts ``latencies``; ``doctor``
checks; ``filterfields`` says which implementation gives the fields of a filter.

Rules:
1. A source gives events; what becomes of them does not depend on which source it is.
2. Nothing is kept of an event once the exports have it.
3. Time is that of the events, but for waiting.

Not here: reading configurations (``nlmon.config``), writing events (``nlmon.exporters``), and the options
(``nlmon.cli.monitor``).
"""

__all__ = ()
