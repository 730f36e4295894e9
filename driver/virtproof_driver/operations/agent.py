"""What the guest agent does.

What belongs here: calls that the agent inside the guest answers. What does not: whether one is there; the hypervisor says so.
"""

from collections.abc import Iterable
from uuid import UUID

from virtproof_driver.errors import InvalidSpec
from virtproof_driver.link import Link


def set_admin_password(link: Link, uuid: UUID, user: str, password: str) -> None:
    """Set a user's password inside the guest."""
    if not user:
        raise InvalidSpec("user", "must not be empty")
    link.call(link.domain(uuid).setUserPassword, user, password)


def quiesce(link: Link, uuid: UUID, mountpoints: Iterable[str]) -> int:
    """Freeze the file systems at the mountpoints, or all; returns how many were frozen."""
    return link.call(link.domain(uuid).fsFreeze, list(mountpoints) or None)


def unquiesce(link: Link, uuid: UUID, mountpoints: Iterable[str]) -> int:
    """Thaw the file systems at the mountpoints, or all; returns how many were thawed."""
    return link.call(link.domain(uuid).fsThaw, list(mountpoints) or None)
