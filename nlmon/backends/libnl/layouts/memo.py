"""Names that were made before. A network has few of them, and each comes often.

Rules: bounded, and emptied when full, as what comes next may be another network; the same text as the reader's.

Not here: IP addresses (``policies.addresses``), and link-layer addresses, whose text is made
faster than it is found.
"""

from __future__ import annotations

from nlmon.backends.libnl.policies.addresses import KEPT

__all__ = ["LONGEST", "texts"]

# Longer texts are made each time.
LONGEST = 64


class _Texts(dict[bytes, str]):
    def __missing__(self, raw: bytes) -> str:
        if len(self) >= KEPT:
            self.clear()
        text = self[raw] = str(raw.split(b"\0", 1)[0], "utf-8", "backslashreplace")
        return text


texts = _Texts()
