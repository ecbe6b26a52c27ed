"""The engine: feeds what is read to any number of implementations, and judges what comes of it.

``segments`` sorts what a capture holds by its place in the conversation, ``lane`` is one implementation behind a
transport of its own, ``feed`` drives any number of lanes, ``states`` folds what they gave, ``losses`` keeps what they
lost. ``replay`` judges a recording, ``live`` the running kernel; ``summary`` makes a report of it, ``run`` does all
of that for one capture.

Not here: reading files (``nlmon.capture``), the rules of comparison (``nlmon.compare``), printing (``nlmon.report``).
"""

__all__ = ()
