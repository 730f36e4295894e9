"""`virtproof backends`: each backend, how real it is, and whether it could be had on this machine.

What belongs here: the command. What does not: finding out (`lanes.provisioning`). Nothing is provisioned.
"""

import json
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from virtproof.backends.loading import load, names
from virtproof.errors import UsageError
from virtproof.lanes.provisioning import why_unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A backend as listed; `reason` says why it is not available."""

    name: str
    basis: str
    transports: tuple[str, ...]
    available: bool
    reason: str


def execute(console: Console, *, as_json: bool) -> int:
    """Print the list; always 0, because a backend that is not available is no failure."""
    found = tuple(_listed(name) for name in names())
    if as_json:
        console.file.write(json.dumps([asdict(each) for each in found], ensure_ascii=False, indent=1) + "\n")
        return 0
    table = Table("backend", "basis", "transports", "here")
    for each in found:
        here = "available" if each.available else f"not available: {escape(each.reason)}"
        table.add_row(escape(each.name), each.basis, ", ".join(each.transports), here)
    console.print(table)
    return 0


def _listed(name: str) -> Listed:
    try:
        backend = load(name)
    except UsageError as error:  # a package's entry point may be broken; the others are still listed
        return Listed(name=name, basis="", transports=(), available=False, reason=str(error))
    reason = why_unavailable(backend)
    return Listed(name=name, basis=backend.basis.value, transports=backend.transports, available=not reason, reason=reason)
