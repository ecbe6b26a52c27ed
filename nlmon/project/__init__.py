"""What a project says in its files, for commands and for tests of pytest alike.

``settings`` reads the policy and the settings of runs from the nearest settings file. ``known`` is the file of known
differences and ``known_entries`` what stands in it; ``unused`` says which entries a run had no use for. ``repository``
finds the repository around the current folder.

Not here: what a policy means (``nlmon.report.policy``), and the options of commands (``nlmon.cli``).
"""

__all__ = ()
