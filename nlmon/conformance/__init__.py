"""What the migration guide says of the two implementations, as tests with ids: the claims.

``claim`` is what a claim is, ``results`` what a run found; neither needs pytest. ``monitor`` is an implementation on a
kernel in memory, which is all that a claim's test sees. ``plugin`` runs the tests, once for each implementation, and
``run`` starts pytest for it. Each ``test_*`` module holds claims of one subject.

The tests need no checkout, no kernel and no privilege: ``nlmon conform`` runs them from wherever nlmon is installed,
and so does ``pytest --pyargs nlmon.conformance``.

Not here: whether two implementations agree on a recording (``nlmon.engine``), and speed.
"""

__all__ = ()
