"""The engine: feeds what is read to any number of implementations, and judges what comes of it.

``feed`` is the one driver: it sorts a recording into ``segments`` and hands them to lanes. A ``lane`` is one
implementation behind a transport of its own, ``recorded`` one that is fed from a recording; ``guarded`` keeps what an
implementation raises, and ``form`` refuses what is no value. ``losses`` keeps what a lane lost, ``heard`` what its
counters must say, ``states`` folds what both gave, ``nexthops`` applies to these what is announced of nexthop objects,
``dumps`` holds recorded dumps against them, and ``consumer`` knows what was delivered to who uses one that recovers.
``comparison`` is what every comparison of two lanes does: ``replay`` compares on a recording, ``live`` on the running
kernel, where each lane is a ``live_lane``, or a ``program_lane`` of a program that runs beside, ``pairing`` finds the
datagrams that belong together and ``live_recording`` keeps them. ``verdict`` says what it means, ``coverage`` what the
two cannot see, ``timeline`` when there was what, ``summary`` makes a report of it with ``notes``, and ``run`` does all
of that for one capture, as far as its ``bounds`` let it be read, or of the events that match ``where`` a filter says
so. ``read`` takes a capture through one implementation, ``hoststate`` gives the state as one reads it, ``cut`` says
which frames others need, and ``logs`` lets a log of events stand for an implementation.

Each end has a word of its own: ``Feed.flush`` gives what still waits for others, ``Feed.end`` is that of a recording,
``Live.settle`` reads on only for the counterparts of what was read, ``Live.finish`` and ``Replay.finish`` conclude a
comparison, ``Lane.close`` releases what is open.

Not here: reading files (``nlmon.capture``), the rules of comparison (``nlmon.compare``), printing (``nlmon.report``).
"""

__all__ = ()
