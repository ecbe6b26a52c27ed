"""Many captures at once: replays spread over processes or machines by any ``concurrent.futures`` executor.

Rules of this room:
1. The outcome is that of one process: captures are reported in the order they were given, and where a capture is
   replayed shows in nothing but the time it takes.
2. What travels is small: a path and the options to a worker, a report and its compressed lines back.
3. A worker that is lost costs the capture it replayed, never that of another.

Read ``work`` first, what a worker does, then ``order``, many captures by any executor. ``processes`` is the executor on
this machine, ``cluster`` that of a dask cluster; both are loaded only when they are asked for.

Not here: the replay itself (``nlmon.engine.replay``), and what a command prints (``nlmon.cli``).
"""

__all__ = ()
