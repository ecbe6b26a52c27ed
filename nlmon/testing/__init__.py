"""What people test their own netlink code with.

``messages`` builds messages byte by byte, ``encode`` makes them of events. ``transport`` is a kernel in memory, whose
losses and dumps a test decides. ``squares`` makes hosts that grow, ``bombs`` captures that cost memory. ``zoo`` has
bad implementations that a comparison must find.

Not here: the tests of this project.
"""

__all__ = ()
