"""Events as JSON, and back.

``write`` makes lines of events by the ``plan`` of their fields, ``read`` makes events of lines and the schema.

Not here: files.
"""

__all__ = ()
