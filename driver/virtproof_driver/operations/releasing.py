"""Taking a device from a running instance: its guest must release it, and may be slow, deaf or unwilling.

What belongs here: detaching from the running domain with its wait, and from the definition after it. What does not: which device,
and what else goes with it (`devices`).

Theory of operation. The running domain comes first: asked for both at once, libvirt takes the device from the definition even
when the guest kept it (libvirt 11.3.0), and the books would be wrong. virDomainDetachDeviceFlags asks the guest and waits 5.0 s
for it by itself; returning 0 proves nothing. The event that names the device's alias does, and it may come before the return. A
domain that stops tells nothing of its devices any more, so its end ends the wait too. An event that comes after the deadline
finds nobody waiting: the host's books are the driver's.
"""

from uuid import UUID

from virtproof_driver.actions import DeviceName
from virtproof_driver.constants import Affect
from virtproof_driver.errors import (
    Busy,
    DeviceNotFound,
    DriverError,
    HypervisorError,
    InstanceNotFound,
    InvalidState,
    OperationTimeout,
)
from virtproof_driver.link import Awaited, AwaitedDevice, AwaitedEither, Expectation, Link, Wait
from virtproof_driver.markup.attached import Attached, find_device
from virtproof_driver.operations import deadlines
from virtproof_driver.operations.inventory import inactive_xml, instance
from virtproof_driver.operations.settling import settled
from virtproof_driver.values import DeviceEvent, DeviceEventKind, EventKind, LifecycleEvent

_ENDS = frozenset({DeviceEventKind.REMOVED, DeviceEventKind.REMOVAL_FAILED})
_REFUSALS = (DeviceNotFound, InvalidState, HypervisorError)


def detach(link: Link, uuid: UUID, device: DeviceName) -> None:
    """Take the device from the running domain, then from the definition, as far as each has it; a domain that is gone has none.

    Raises OperationTimeout when the guest does not answer, Busy when it refuses; then both have the device still.
    """
    try:
        defined = _in_definition(link, uuid, device)
        released = _release(link, uuid, device)
        if defined is not None:
            _remove(link, uuid, device, defined, released=released)
    except InstanceNotFound:
        link.forget(uuid)


def _release(link: Link, uuid: UUID, device: DeviceName) -> bool:
    """Let the guest release the device; False when the running domain had none of that name."""
    found = _in_running(link, uuid, device)
    if found is None:
        return False
    with link.expect(uuid, _released(uuid, device, found.alias or "")) as wait:
        try:
            settled(link, uuid, lambda: link.call(link.domain(uuid).detachDeviceFlags, found.xml, Affect.LIVE))
        except _REFUSALS:
            if _in_running(link, uuid, device) is not None:
                raise
            return True
        _wait(link, uuid, device, wait)
    return True


def _released(uuid: UUID, device: DeviceName, alias: str) -> Expectation[DeviceEvent | LifecycleEvent]:
    what = f"answer of the guest to the removal of {device} of instance {uuid}"
    return AwaitedEither(
        first=AwaitedDevice(alias=alias, kinds=_ENDS, what=what),
        second=Awaited(kinds=frozenset({EventKind.STOPPED}), what=what),
        what=what,
    )


def _wait(link: Link, uuid: UUID, device: DeviceName, wait: Wait[DeviceEvent | LifecycleEvent]) -> None:
    if not link.hypervisor.device_events:  # detaching is done when it returns
        if _in_running(link, uuid, device) is not None:
            raise HypervisorError(0, 0, f"the host reported {device} detached, and instance {uuid} has it still")
        return
    try:
        told = wait.until(deadlines.RELEASE)
    except OperationTimeout:
        if _in_running(link, uuid, device) is not None:
            raise
        return
    if told.kind is DeviceEventKind.REMOVAL_FAILED:
        raise Busy(f"the guest of instance {uuid} refuses to release {device}; end its use there, and retry")


def _in_running(link: Link, uuid: UUID, device: DeviceName) -> Attached | None:
    """The device in the running domain; the XML of one that is off is its definition."""
    if not instance(link, uuid).state.active:
        return None
    return find_device(link.call(link.domain(uuid).XMLDesc), device)


def _in_definition(link: Link, uuid: UUID, device: DeviceName) -> Attached | None:
    """The device in the definition, where there is one; the inactive XML of a transient domain is of its run."""
    if not link.call(link.domain(uuid).isPersistent):
        return None
    return find_device(inactive_xml(link, uuid), device)


def _remove(link: Link, uuid: UUID, device: DeviceName, found: Attached, *, released: bool) -> None:
    """Take the device from the definition."""
    try:
        link.call(link.domain(uuid).detachDeviceFlags, found.xml, Affect.CONFIG)
    except DeviceNotFound:  # another client was first
        return
    except DriverError as error:
        still = f"{device} is in the definition of instance {uuid} still; detach it again"
        raise error.with_leftovers([*error.undone_failures, still] if released else error.undone_failures) from None
