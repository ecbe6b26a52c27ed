"""The fast way: says of most datagrams that both implementations gave the same, and nothing more.

``agreement`` is the contract compiled, ``shapes`` checks what one implementation alone gives against the bytes.

Not here: why something differs (``nlmon.compare.judge``).
"""

__all__ = ()
