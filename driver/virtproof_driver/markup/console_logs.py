"""Where a domain's consoles are logged.

What belongs here: reading it from the domain's XML, and dividing a path as pools do. What does not: writing the XML (`machine`).
"""

from posixpath import split

from virtproof_driver.markup import tree
from virtproof_driver.markup.machine import read_consoles
from virtproof_driver.markup.record import read_record


def has_console(xml: str) -> bool:
    """Whether the domain has a text console at all."""
    return bool(read_consoles(tree.parse(xml)))


def console_log(xml: str) -> str | None:
    """The path on the host that the first console is logged to."""
    logs = (console.log for console in read_consoles(tree.parse(xml)))
    return next((log for log in logs if log is not None), None)


def owned_logs(xml: str) -> tuple[str, ...]:
    """The logs that spawn made for this domain, and destroy removes; none of a domain that this driver did not make."""
    root = tree.parse(xml)
    if not read_record(root).noted:
        return ()
    return tuple(dict.fromkeys(console.log for console in read_consoles(root) if console.log is not None))


def place_of(log: str) -> tuple[str, str]:
    """The folder, which is a pool's target, and the name in it, which is the volume's."""
    return split(log)
