"""Scenarios of configurations: a monitor runs with the configuration of each lane, and its exports are judged.

``schema`` says what may be written, ``load`` makes values of it (``nlmon.scenario.model``). ``lanes`` makes the
configuration of a lane and lets its monitor write into a folder of its own; ``received`` takes what goes to syslog,
``logged`` what is logged, and ``recording`` knows the messages that it was given. ``output`` is what a monitor has
exported, as values; ``held`` holds it against what is expected, ``compare`` against what the other one has exported.
``run`` brings them together.

Not here: the monitor (``nlmon.monitor``), and configurations (``nlmon.config``).
"""

__all__ = ()
