"""Ending an instance: asking the guest, forcing it off, and removing it with all that spawn made.

What belongs here: stop, destroy, and the two steps they share with others (`force_off`, `remove_domain`).
What does not: deleting a storage volume as such (`storage`).
"""

from collections.abc import Sequence
from uuid import UUID

from virtproof_driver.actions import ForceOff, RemoveDomain
from virtproof_driver.binding import Domain
from virtproof_driver.capabilities import Capability
from virtproof_driver.errors import (
    AgentUnresponsive,
    Busy,
    DriverError,
    HypervisorError,
    InstanceNotFound,
    InvalidSpec,
    InvalidState,
    NotFound,
    NotSupported,
    OperationTimeout,
)
from virtproof_driver.link import Awaited, Link
from virtproof_driver.markup.console_logs import owned_logs
from virtproof_driver.markup.domain import owned_volumes
from virtproof_driver.operations import deadlines
from virtproof_driver.operations.console_logs import delete_logs
from virtproof_driver.operations.executing import perform
from virtproof_driver.operations.inventory import inactive_xml, instance
from virtproof_driver.operations.overlays import overlays_of, remove_overlays
from virtproof_driver.operations.settling import settled
from virtproof_driver.operations.transitions import ACTIVE, FORCE_OFF, OFF, attempt, awaited, wrong_state
from virtproof_driver.operations.volumes import delete_volume
from virtproof_driver.spec import NewVolume
from virtproof_driver.values import EventKind, StopOutcome

REMOVAL_ATTEMPTS = 3
_REFUSALS = (InvalidState, HypervisorError)


def stop(link: Link, uuid: UUID, *, timeout: float, force: bool) -> StopOutcome:
    """Ask the guest to shut down, wait up to `timeout` seconds for it, then force it off, and say which it was.

    Without `force` a guest that does not obey goes on running, and the error is OperationTimeout. A timeout of zero or less asks
    nobody. Where the hypervisor has no graceful stop, `force` is all there is, and its absence is NotSupported.
    """
    _check_stop(link, timeout, force=force)
    if link.known_state(uuid) in (*OFF, None) and is_off(link, uuid):
        return StopOutcome.ALREADY_OFF
    if not timeout > 0 or Capability.STOP_GRACEFUL in link.refusals:
        return StopOutcome.FORCED if force_off(link, uuid) else StopOutcome.ALREADY_OFF
    outcome = _ask(link, uuid, timeout, force=force)
    if outcome is None:  # the guest may end by itself before the force does
        return StopOutcome.FORCED if force_off(link, uuid) else StopOutcome.GRACEFUL
    return outcome


def destroy(link: Link, uuid: UUID) -> None:
    """Force off and remove an instance: its managed save, its snapshots with their overlays, volumes and logs that spawn made.

    One that is not there is destroyed already. Volumes go last, when nothing can use them any more; those that could not be
    deleted are named by the error's `undone_failures`.
    """
    try:
        xml = inactive_xml(link, uuid)
        overlays = overlays_of(link, uuid, xml)
    except InstanceNotFound:
        link.forget(uuid)
        return
    remove_domain(link, uuid)
    _delete_files(link, overlays, owned_volumes(xml), owned_logs(xml))


def force_off(link: Link, uuid: UUID) -> bool:
    """End the domain now; False when it was off, or gone, without this call."""
    try:
        return attempt(link, uuid, FORCE_OFF) is None
    except InstanceNotFound:
        return False


def remove_domain(link: Link, uuid: UUID) -> None:
    """Force off and undefine a domain, with its managed save and snapshots' metadata; one that is gone is removed.

    Another client may start it between the two: undefining then leaves it running without a definition, which the events
    tell in order, and it is forced off again. Raises Busy when that does not end.
    """
    for _ in range(REMOVAL_ATTEMPTS):
        force_off(link, uuid)
        if _undefine(link, uuid):
            link.forget(uuid)
            return
    raise Busy(f"instance {uuid} was started again {REMOVAL_ATTEMPTS} times while it was being removed; end that, and retry")


def is_off(link: Link, uuid: UUID) -> bool:
    """Whether the instance is not active now, by one read; one that is known and gone went off with its end."""
    return not instance(link, uuid).state.active


def _check_stop(link: Link, timeout: float, *, force: bool) -> None:
    if force:
        return
    if not timeout > 0:
        raise InvalidSpec("timeout", "must be more than 0 s when force is False, or nothing would be done")
    if Capability.STOP_GRACEFUL in link.refusals:
        raise NotSupported(Capability.STOP_GRACEFUL, link.refusals[Capability.STOP_GRACEFUL])


def _ask(link: Link, uuid: UUID, timeout: float, *, force: bool) -> StopOutcome | None:
    """Shut down gracefully; None says that force is wanted now."""
    domain = link.domain(uuid)
    try:
        with link.expect(uuid, awaited(uuid, FORCE_OFF)) as wait:
            settled(link, uuid, lambda: _shut_down(link, domain))
            wait.until(timeout)
    except (Busy, AgentUnresponsive, *_REFUSALS) as refusal:
        return _after_refusal(link, uuid, refusal, force=force)
    except OperationTimeout as late:
        return _after_deadline(link, uuid, late, force=force)
    return _confirmed(link, uuid, force=force)


def _shut_down(link: Link, domain: Domain) -> None:
    flags = link.hypervisor.shutdown_flags
    if flags:
        link.call(domain.shutdownFlags, flags)
    else:
        link.call(domain.shutdown)


def _after_refusal(link: Link, uuid: UUID, refusal: DriverError, *, force: bool) -> StopOutcome | None:
    found = instance(link, uuid)
    if not found.state.active:
        return StopOutcome.ALREADY_OFF
    if force:  # whatever the guest's trouble is, it does not keep the host from ending it
        return None
    raise refusal


def _after_deadline(link: Link, uuid: UUID, late: OperationTimeout, *, force: bool) -> StopOutcome | None:
    try:
        found = instance(link, uuid)
    except InstanceNotFound:
        return StopOutcome.GRACEFUL
    if not found.state.active:
        link.observe(uuid, found.state, found.reason)
        return StopOutcome.GRACEFUL
    if force:
        return None
    raise late


def _confirmed(link: Link, uuid: UUID, *, force: bool) -> StopOutcome | None:
    try:
        found = instance(link, uuid)
    except InstanceNotFound:  # a transient domain goes when it stops
        link.forget(uuid)
        return StopOutcome.GRACEFUL
    if not found.state.active:
        return StopOutcome.GRACEFUL
    if force:  # it stopped and runs again by another's hand; the caller wants it off
        return None
    raise wrong_state(found, "keep off", OFF)


def _undefine(link: Link, uuid: UUID) -> bool:
    """Undefine; False when the domain must be forced off again."""
    undefined = Awaited(kinds=frozenset({EventKind.UNDEFINED}), what=f"undefined event of instance {uuid}")
    try:
        domain = link.domain(uuid)
        with link.expect(uuid, undefined) as wait:
            link.call(domain.undefineFlags, link.hypervisor.undefine_flags)
            wait.until(deadlines.UNDEFINE)
    except InstanceNotFound:
        return True
    except OperationTimeout as late:
        return _is_gone(link, uuid, late)
    except _REFUSALS:
        if instance(link, uuid).state in ACTIVE:  # transient, and running: forcing it off removes it
            return False
        raise
    known = link.known_state(uuid)
    return known is None or not known.active


def _is_gone(link: Link, uuid: UUID, late: OperationTimeout) -> bool:
    try:
        found = instance(link, uuid)
    except InstanceNotFound:
        return True
    if found.state in ACTIVE:
        return False
    raise late  # off and defined still: the host did nothing, and would not do it the next time either


def _delete_files(link: Link, overlays: Sequence[str], volumes: Sequence[NewVolume], logs: Sequence[str]) -> None:
    failures = [(f"overlay {path}", error) for path, error in remove_overlays(link, overlays)]
    failures += [(f"console log {log}", error) for log, error in delete_logs(link, logs)]
    for volume in reversed(volumes):  # a later one may read from an earlier one
        try:
            delete_volume(link, volume.pool, volume.volume)
        except NotFound:
            continue
        except DriverError as error:
            failures.append((f"storage volume {volume.volume!r} of pool {volume.pool!r}", error))
    if failures:
        raise failures[0][1].with_leftovers([f"{what} remains: {error}" for what, error in failures])


@perform.register
def _force_off(action: ForceOff, link: Link) -> None:
    force_off(link, action.uuid)


@perform.register
def _remove(action: RemoveDomain, link: Link) -> None:
    remove_domain(link, action.uuid)
