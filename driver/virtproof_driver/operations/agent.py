"""What the guest agent does.

What belongs here: calls that the agent inside the guest answers, and what their refusals mean. What does not: whether one is
there; the hypervisor says so.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from uuid import UUID

from virtproof_driver.constants import ErrorCode
from virtproof_driver.errors import AgentNotConfigured, HypervisorError, InvalidSpec
from virtproof_driver.link import Link


def set_admin_password(link: Link, uuid: UUID, user: str, password: str) -> None:
    """Set a user's password inside the guest."""
    if not user:
        raise InvalidSpec("user", "must not be empty")
    with needing_agent(uuid):
        link.call(link.domain(uuid).setUserPassword, user, password)


def quiesce(link: Link, uuid: UUID, mountpoints: Iterable[str]) -> int:
    """Freeze the file systems at the mountpoints, or all; returns how many were frozen."""
    with needing_agent(uuid):
        return link.call(link.domain(uuid).fsFreeze, list(mountpoints) or None)


def unquiesce(link: Link, uuid: UUID, mountpoints: Iterable[str]) -> int:
    """Thaw the file systems at the mountpoints, or all; returns how many were thawed."""
    with needing_agent(uuid):
        return link.call(link.domain(uuid).fsThaw, list(mountpoints) or None)


@contextmanager
def needing_agent(uuid: UUID) -> Generator[None]:
    """Around a call that needs the agent: 74 says there that no channel for one is configured (libvirt 9.0.0 to 11.3.0)."""
    try:
        yield
    except HypervisorError as error:
        if error.code != ErrorCode.ARGUMENT_UNSUPPORTED:
            raise
        raise AgentNotConfigured(f"instance {uuid} has no channel for a guest agent; spawn it with agent=True") from error
