"""Starting, pausing, suspending and rebooting an instance.

What belongs here: the operations that are a transition and little else. What does not: the table of transitions
(`transitions`), and ending an instance (`stopping`).
"""

from contextlib import suppress
from uuid import UUID

from virtproof_driver.capabilities import Capability
from virtproof_driver.errors import DiskFault, DriverError, HypervisorError, InvalidState, OperationTimeout
from virtproof_driver.link import Awaited, Link
from virtproof_driver.operations import deadlines
from virtproof_driver.operations.inventory import instance
from virtproof_driver.operations.settling import settled
from virtproof_driver.operations.stopping import force_off
from virtproof_driver.operations.transitions import (
    ACTIVE,
    PAUSE,
    RESTORE,
    RUNNING,
    START,
    SUSPEND,
    UNPAUSE,
    attempt,
    transition,
    wrong_state,
)
from virtproof_driver.values import EventKind, Instance, PowerState

DISK_ERROR = "ioerror"
"""libvirt's word for why the host paused an instance whose disk failed."""


def start(link: Link, uuid: UUID) -> Instance:
    """Start an instance that is off; a managed save, if it has one, is restored by libvirt."""
    return transition(link, uuid, START)


def pause(link: Link, uuid: UUID) -> Instance:
    """Stop the processors; memory stays."""
    return transition(link, uuid, PAUSE)


def unpause(link: Link, uuid: UUID) -> Instance:
    """Let a paused instance run on.

    One that the host paused for a disk's error tries that again, and libvirt says 0 whatever comes of it: DiskFault when it is
    paused again.
    """
    if Capability.EVENTS_IO_ERROR not in link.refusals and link.known_state(uuid) is PowerState.PAUSED:
        found = instance(link, uuid)
        if found.reason == DISK_ERROR:
            return _run_into(link, found)
    return transition(link, uuid, UNPAUSE)


def _run_into(link: Link, found: Instance) -> Instance:
    again = Awaited(kinds=frozenset({EventKind.PAUSED}), what=f"second disk error of instance {found.uuid}")
    with link.expect(found.uuid, again) as wait:
        transition(link, found.uuid, UNPAUSE)
        with suppress(OperationTimeout):
            wait.until(deadlines.FAULT)
    now = instance(link, found.uuid)
    if now.state is PowerState.PAUSED and now.reason == DISK_ERROR:
        raise DiskFault(f"{now.name!r} ({now.uuid})", now.reason)
    return now


def suspend(link: Link, uuid: UUID) -> Instance:
    """Save the memory on the host and stop (managed save). One that is off with a managed save is left as it is."""
    try:
        return transition(link, uuid, SUSPEND)
    except InvalidState:
        # The reason "saved" is forgotten when the daemon restarts; the managed save itself is not.
        if not has_managed_save(link, uuid):
            raise
        return instance(link, uuid)


def resume(link: Link, uuid: UUID) -> Instance:
    """Restore a managed save. A running instance is left as it is; one that is off without a managed save is InvalidState."""
    if has_managed_save(link, uuid):
        return transition(link, uuid, RESTORE)
    found = instance(link, uuid)
    if found.state in RUNNING:
        return found
    raise InvalidState(
        f"cannot resume instance {found.name!r} ({uuid}): it is {found.state} and has no managed save; "
        f"{'unpause' if found.state is PowerState.PAUSED else 'start'} it instead"
    )


def has_managed_save(link: Link, uuid: UUID) -> bool:
    """Whether the host keeps a managed save of the instance."""
    return bool(link.call(link.domain(uuid).hasManagedSaveImage))


def reboot(link: Link, uuid: UUID) -> Instance:
    """Ask the guest to restart, and wait for it where the hypervisor tells.

    A paused instance is refused, because no guest can obey while it is paused, and libvirt's test driver would let it run
    without an event (measured on libvirt 9.0.0).
    """
    if link.known_state(uuid) not in RUNNING:
        _running_or_refused(instance(link, uuid))
    try:
        _ask_to_reboot(link, uuid)
    except (InvalidState, HypervisorError):
        _running_or_refused(instance(link, uuid))
        raise
    return instance(link, uuid)


def reboot_hard(link: Link, uuid: UUID) -> Instance:
    """Force the instance off and start it again; a paused one runs afterwards.

    Where starting fails the instance stays off, and the error says so. A transient domain is refused: forcing it off removes it.
    """
    found = instance(link, uuid)
    if found.state not in ACTIVE:
        raise wrong_state(found, "reboot", ACTIVE)
    if not link.call(link.domain(uuid).isPersistent):
        raise InvalidState(f"cannot reboot transient instance {found.name!r} ({uuid}) hard: forcing it off would remove it")
    force_off(link, uuid)
    try:
        return attempt(link, uuid, START) or instance(link, uuid)
    except DriverError as error:
        error.with_leftovers([f"instance {found.name!r} ({uuid}) was forced off and is not running again"])
        raise


def _running_or_refused(found: Instance) -> None:
    if found.state not in RUNNING:
        raise wrong_state(found, "reboot", RUNNING)


def _ask_to_reboot(link: Link, uuid: UUID) -> None:
    rebooted = Awaited(kinds=frozenset({EventKind.REBOOTED}), what=f"rebooted event of instance {uuid}")
    domain = link.domain(uuid)
    with link.expect(uuid, rebooted) as wait:
        settled(link, uuid, lambda: link.call(domain.reboot, link.hypervisor.reboot_flags))
        if link.hypervisor.reboot_emits:
            wait.until(deadlines.REBOOT)
