"""Oracles that share no code with nlmon, for the protocols beyond NETLINK_ROUTE: programs, libraries, recorded outputs.

One module per protocol turns what a peer says into the names of our fields; ``table`` compares; ``cases`` lists all;
``tools/peers.py`` prints the same comparisons as a table.
"""
