"""The contract's methods about the screen: one line an operation, gated by its capability.

What belongs here: screenshots and displays. What does not: how it is done (`operations`).
"""

from collections.abc import Sequence

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims, reads
from virtproof_driver.contract import InstanceId, Sink
from virtproof_driver.facade.area import Area
from virtproof_driver.operations import console
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.values import GraphicsEndpoint, Screenshot


class ConsoleMethods(Area):
    """Seeing an instance's screen."""

    @claims(Capability.SCREENSHOT)
    def screenshot(self, uuid: InstanceId, sink: Sink) -> Screenshot:
        """Stream an image of the screen into the sink. InvalidState when the instance is off; what the sink raises is raised."""
        return console.screenshot(self._link, instance_id(uuid), sink)

    @reads(Capability.GRAPHICS)
    def graphics(self, uuid: InstanceId) -> Sequence[GraphicsEndpoint]:
        """Read where the instance's displays listen."""
        return console.graphics(self._link, instance_id(uuid))
