"""The configuration of a monitor: YAML files and the environment, as values with the origin of each.

    from nlmon.config import load
    loaded = load([Path("/etc/nlmon/nlmon.yaml")], os.environ)
    loaded.config.netlink.use_libnl, loaded.origins["netlink.use_libnl"]

By the way of the data: ``files`` reads bytes, ``entries`` finds the key at which each value stands, ``values`` reads
it with its kind (``kinds``) and with variables put in (``variables``), ``expressions`` asks of a filter whether it is
one, ``environment`` overrides it, ``rules`` says what keys demand of each other, and ``load`` makes a ``Loaded`` of all
that. ``model`` holds the sections and ``unused`` those without effect; ``keys`` lists them and ``names`` has their
other names; ``problems`` is what is said of mistakes. ``reload`` keeps a configuration in force until another one is in
order. ``schema``, ``show`` and ``report`` are what is printed.

Not here: what a monitor does with its configuration, and the commands (``nlmon.cli``).
"""

from __future__ import annotations

from nlmon.config.files import standard_files
from nlmon.config.load import Loaded, interpret, load
from nlmon.config.model import Config
from nlmon.config.problems import Problem
from nlmon.config.reload import reload

__all__ = ["Config", "Loaded", "Problem", "interpret", "load", "reload", "standard_files"]
