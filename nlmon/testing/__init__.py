"""What people test their own netlink code with.

``encode`` makes messages of events.

Not here: the tests of this project.
"""

__all__ = ()
