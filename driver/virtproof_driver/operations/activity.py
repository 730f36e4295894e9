"""Starting and stopping what is either active or not: storage pools and virtual networks.

What belongs here: the one rule that both follow. What does not: domains, which have more states (`transitions`).
"""

from collections.abc import Callable

from virtproof_driver.errors import HypervisorError, InvalidState
from virtproof_driver.link import Link


def bring(link: Link, change: Callable[[], int], is_active: Callable[[], int], *, active: bool) -> None:
    """Start or stop; libvirt refuses where it is so already, and the state says whether that was why."""
    try:
        link.call(change)
    except (InvalidState, HypervisorError):
        if bool(link.call(is_active)) is not active:
            raise
