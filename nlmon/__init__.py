"""nlmon: conformance and migration testing for two implementations of a netlink monitor."""

__version__ = "0.1.0"
__all__ = ["__version__"]
