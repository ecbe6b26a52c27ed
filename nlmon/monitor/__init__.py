"""The monitor that runs: what it is asked and what it answers.

Not here: the command line (``nlmon.cli``).
"""

__all__ = ()
