"""Opening a guest's console as a two-way stream.

What belongs here: opening, and what a refusal means. What does not: the stream's own life (`edge.consoles`), and logs
(`console_logs`).
"""

from uuid import UUID

from virtproof_driver.constants import ConsoleFlag, ErrorCode, StreamFlag
from virtproof_driver.contract import ConsoleStream
from virtproof_driver.errors import Busy, DeviceNotFound, DriverError, HypervisorError, InvalidState
from virtproof_driver.link import Link
from virtproof_driver.markup.console_logs import has_console
from virtproof_driver.operations.inventory import instance
from virtproof_driver.operations.transitions import ACTIVE, wrong_state

FIRST_CONSOLE = None  # libvirt's word for it


def console(link: Link, uuid: UUID, *, force: bool) -> ConsoleStream:
    """Open the first console. `force` takes it from whoever has it, where the hypervisor gives a console to one at a time.

    Raises Busy while another has it, InvalidState when the instance is off, DeviceNotFound when it has no console.
    """
    domain = link.domain(uuid)
    stream = link.call(link.connection().newStream, StreamFlag.NONBLOCK)
    flags = ConsoleFlag.FORCE if force and link.hypervisor.console_exclusive else 0
    try:
        link.call(domain.openConsole, FIRST_CONSOLE, stream, flags)
    except (HypervisorError, InvalidState) as refusal:
        raise _meant(link, uuid, refusal) from refusal
    return link.converse(stream)


def _meant(link: Link, uuid: UUID, refusal: HypervisorError | InvalidState) -> DriverError:
    """The state and the definition say what was wrong; where both are fine, somebody has the console (error 9)."""
    found = instance(link, uuid)
    if found.state not in ACTIVE:
        return wrong_state(found, "open the console of", ACTIVE)
    if not has_console(link.call(link.domain(uuid).XMLDesc)):
        return DeviceNotFound("console", f"instance {uuid} has none; spawn it with consoles=(Console(),)")
    if isinstance(refusal, HypervisorError) and refusal.code == ErrorCode.OPERATION_FAILED:
        return Busy(f"the console of instance {uuid} is open already; force=True takes it over")
    return refusal
