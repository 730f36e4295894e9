"""Backends: kinds of hypervisors as the suite reaches them, one TOML file each."""

from virtproof.backends.loading import load, load_all, names
from virtproof.backends.model import Backend, Basis, KnownBug, Unsupported

__all__ = ["Backend", "Basis", "KnownBug", "Unsupported", "load", "load_all", "names"]
