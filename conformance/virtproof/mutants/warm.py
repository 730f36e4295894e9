"""Imported by the server that the runs are forked from: collects the suite once, so that each run finds it imported.

What belongs here: that. It has to be pytest that imports the cases, since it rewrites their assertions so that they tell what
they compared. What cannot be collected is told by the runs themselves.
"""

import contextlib
import importlib
import io
from typing import Final

from virtproof.errors import VirtproofError
from virtproof.lanes.folders import make_folder, remove_folder
from virtproof.options import Options
from virtproof.runner import RunOptions, run

NEEDED: Final = ("virtproof.mutants.backends", "virtproof.mutants.drivers", "virtproof.mutants.once")


def warm() -> None:
    """Import what runs need, collect every case, and run none."""
    for name in NEEDED:
        importlib.import_module(name)
    folder = make_folder()
    with contextlib.suppress(VirtproofError):
        run(RunOptions(session=Options(), out=folder, pytest_args=("--collect-only", "-q")), io.StringIO())
    remove_folder(folder)


warm()
