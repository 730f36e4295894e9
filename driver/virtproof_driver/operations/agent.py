"""What the guest agent does.

What belongs here: calls that the agent inside the guest answers, how long that may take, and what their refusals mean. What does
not: whether one is there; the hypervisor says so.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from uuid import UUID

from virtproof_driver.binding import Domain
from virtproof_driver.capabilities import Capability
from virtproof_driver.constants import ErrorCode, ErrorDomain
from virtproof_driver.errors import AgentNotConfigured, AgentRefused, HypervisorError, InvalidSpec, NotSupported
from virtproof_driver.link import Link
from virtproof_driver.operations import deadlines


def set_admin_password(link: Link, uuid: UUID, user: str, password: str) -> None:
    """Set a user's password inside the guest."""
    if not user:
        raise InvalidSpec("user", "must not be empty")
    with _asking(link, uuid, deadlines.AGENT) as domain:
        link.call(domain.setUserPassword, user, password)


def quiesce(link: Link, uuid: UUID, mountpoints: Iterable[str]) -> int:
    """Freeze the file systems at the mountpoints, or all; returns how many were frozen."""
    with _asking(link, uuid, deadlines.FREEZE) as domain:
        return link.call(domain.fsFreeze, list(mountpoints) or None)


def unquiesce(link: Link, uuid: UUID, mountpoints: Iterable[str]) -> int:
    """Thaw the file systems at the mountpoints, or all; returns how many were thawed.

    Raises NotSupported for mountpoints where the hypervisor thaws all at once.
    """
    wanted = list(mountpoints)
    if wanted and link.hypervisor.thaws_together:
        raise NotSupported(Capability.AGENT_QUIESCE, "this hypervisor thaws all file systems at once; name no mountpoints")
    with _asking(link, uuid, deadlines.FREEZE) as domain:
        return link.call(domain.fsThaw, wanted or None)


@contextmanager
def needing_agent(link: Link, uuid: UUID, seconds: int) -> Generator[Domain]:
    """Around a call that needs the agent, which gets so long for each answer; the domain.

    libvirt waits 5 s for an agent to be there, and then for ever for what it was asked, unless it is told otherwise. Also one
    that was reset within a second of its start answers never, because QEMU tells at most once a second that a port was opened or
    closed (QEMU 10.0). 74 says that no channel for an agent is configured (libvirt 9.0.0 to 11.3.0).
    """
    domain = link.domain(uuid)
    if link.hypervisor.waits_for_agents:
        link.call(domain.agentSetResponseTimeout, seconds)
    try:
        yield domain
    except HypervisorError as error:
        if error.code != ErrorCode.ARGUMENT_UNSUPPORTED:
            raise
        raise AgentNotConfigured(f"instance {uuid} has no channel for a guest agent; spawn it with agent=True") from error


@contextmanager
def _asking(link: Link, uuid: UUID, seconds: int) -> Generator[Domain]:
    """Around a call that only the agent answers, so that 1 of QEMU's driver is its refusal (9.0.0; 113 in 11.3.0)."""
    with needing_agent(link, uuid, seconds) as domain:
        try:
            yield domain
        except HypervisorError as error:
            if (error.code, error.domain) != (ErrorCode.INTERNAL_ERROR, ErrorDomain.QEMU):
                raise
            raise AgentRefused(f"instance {uuid}: {error.message}") from error
