"""The contract's methods about consoles and screens: one line an operation, gated by its capability.

What belongs here: consoles, screenshots and displays. What does not: how it is done (`operations`).
"""

from collections.abc import Sequence

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims, reads
from virtproof_driver.contract import ConsoleStream, InstanceId, Sink
from virtproof_driver.facade.area import Area
from virtproof_driver.operations import console, console_logs, talking
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.values import GraphicsEndpoint, Screenshot


class ConsoleMethods(Area):
    """An instance's consoles and screen."""

    @reads(Capability.CONSOLE_OUTPUT)
    def console_output(self, uuid: InstanceId, *, tail: int | None = None) -> bytes:
        """Read what the guest wrote to its first console, the last `tail` bytes of it; DeviceNotFound where it is not logged."""
        return console_logs.console_output(self._link, instance_id(uuid), tail=tail)

    @claims(Capability.CONSOLE_STREAM)
    def console(self, uuid: InstanceId, *, force: bool = False) -> ConsoleStream:
        """Open the instance's first console, for reading and typing. Busy while another has it, unless `force` takes it over.

        InvalidState when the instance is off, DeviceNotFound when it has no console. What the guest wrote while nobody read
        comes first where the hypervisor kept it. The stream ends when the instance stops, and with the driver at the latest.
        """
        return talking.console(self._link, instance_id(uuid), force=force)

    @claims(Capability.SCREENSHOT)
    def screenshot(self, uuid: InstanceId, sink: Sink) -> Screenshot:
        """Stream an image of the screen into the sink. InvalidState when the instance is off; what the sink raises is raised."""
        return console.screenshot(self._link, instance_id(uuid), sink)

    @reads(Capability.GRAPHICS)
    def graphics(self, uuid: InstanceId) -> Sequence[GraphicsEndpoint]:
        """Read where the instance's displays listen."""
        return console.graphics(self._link, instance_id(uuid))
