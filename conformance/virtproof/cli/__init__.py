"""The command line: `virtproof`."""

from virtproof.cli.entry import main

__all__ = ["main"]
