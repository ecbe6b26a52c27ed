"""Event logs of two monitors on one host, and logs and metrics of two groups of hosts, compared.

``files`` says which files there are of which host, ``logs`` and ``scrapes`` count what is in them, and ``judging``
compares the groups by the tests of ``ranks``. ``following`` reads logs that grow, and ``pairs`` compares two of them
message by message.

Not here: commands (``nlmon.cli.canary``), and what a line of a log holds (``nlmon.exporters.layout``).
"""

__all__ = ()
