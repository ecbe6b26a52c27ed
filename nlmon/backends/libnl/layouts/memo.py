"""Texts of addresses and names that were made before. A network has few of them, and each comes often.

Rules: bounded, and emptied when full, as what comes next may be another network; the same text as the reader's, which
makes it.

Not here: link-layer addresses, whose text is made faster than it is found.
"""

from __future__ import annotations

from nlmon.backends.libnl.readers import ip_text

__all__ = ["KEPT", "LONGEST", "addresses", "texts"]

KEPT = 65536
# Longer texts are made each time.
LONGEST = 64


class _Addresses(dict[bytes, str]):
    def __missing__(self, packed: bytes) -> str:
        if len(self) >= KEPT:
            self.clear()
        text = self[packed] = ip_text(packed)
        return text


class _Texts(dict[bytes, str]):
    def __missing__(self, raw: bytes) -> str:
        if len(self) >= KEPT:
            self.clear()
        text = self[raw] = str(raw.split(b"\0", 1)[0], "utf-8", "backslashreplace")
        return text


addresses = _Addresses()
texts = _Texts()
