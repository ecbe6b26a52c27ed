"""What takes events out of a running monitor, each behind a queue of its own.

``base`` is the interface and the counters, ``queue`` what stands in front of each exporter. ``layout`` says what a line
holds; ``files`` writes lines and captures into files, which ``logfile`` keeps whole and ``rotation`` lets follow one
another; ``console`` prints; ``syslog`` sends the messages of ``syslogtext``; ``prometheus`` offers the ``metrics``;
``scraped`` reads them back.

    queue = ExportQueue(JsonLinesExporter(path, Rotation(size=100 << 20)))
    queue.exporter.open()               # raises ExportError where it cannot be
    queue.start()
    queue.put(event, datagram)          # never waits
    status = queue.close(deadline=0.8)  # what was written, and what was dropped, by reason

Exporters take plain parameters, know no configuration and no implementation, and each other not at all.

Not here: who reads the configuration and puts the events (the monitor).
"""

__all__ = ()
